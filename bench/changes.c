/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Changes rules all the time while packets are counted: adds a host, takes it off again, and so on,
 * each a transaction of its own with all that a command does in the maps.
 *
 *	changes PIN-PATH PER-SECOND SECONDS
 *
 * Prints how many it made.
 */
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "../src/cleanup.h"
#include "../src/log.h"
#include "../src/store.h"
#include "numbered_rule.h"

#define ABSENT 1073741824 /* a number that no set of the bench has */
#define NOT_THERE UINT32_MAX

/* *index: of the rule, or NOT_THERE. */
static int change(const char *pin_path, uint32_t *index)
{
	const struct rule host = kind_rule(FAMILY_IPV4, HOSTS, ABSENT);
	_cleanup_transaction_ struct transaction *txn = NULL;
	_cleanup_store_ struct store *store = NULL;
	struct added added = {.index = NOT_THERE};
	struct rule removed;
	int err;

	err = store_open(&store, pin_path, STORE_WRITE);
	if (!err)
		err = transaction_begin(&txn, store);
	if (err)
		return err;
	if (*index != NOT_THERE)
		err = transaction_remove(txn, HOOK_XDP, LIST_BLACKLIST, *index, &removed);
	else
		err = transaction_add(txn, HOOK_XDP, LIST_BLACKLIST, &host, 0, NULL, NULL, &added);
	*index = added.index;
	if (!err)
		err = transaction_commit(&txn);
	return err < 0 ? err : 0;
}

static double now_s(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

int main(int argc, char **argv)
{
	const double interval_s = argc == 4 ? 1 / strtod(argv[2], NULL) : 0;
	const double length_s = argc == 4 ? strtod(argv[3], NULL) : 0;
	const double begin_s = now_s();
	uint32_t made = 0, index = NOT_THERE;

	log_program("changes");
	if (!(interval_s > 0 && interval_s <= length_s)) {
		fprintf(stderr, "usage: changes PIN-PATH PER-SECOND SECONDS\n");
		return 2;
	}
	while (now_s() - begin_s < length_s) {
		const double early_s = begin_s + made * interval_s - now_s();

		if (early_s > 0)
			nanosleep(&(struct timespec){.tv_nsec = (long)(early_s * 1e9)}, NULL);
		if (change(argv[1], &index))
			return 1;
		made++;
	}
	printf("%u\n", made);
	return 0;
}
