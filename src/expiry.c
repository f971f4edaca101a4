/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Removes expired rules once a second: see expiry.h. */
#include "expiry.h"

#include <string.h>

#include "cleanup.h"
#include "log.h"

struct expiry {
	char *pin_path;
	const struct config *config; /* looked at without the lock */
	uint64_t failed; /* the generation that could not be changed, said once; 0: none */
};

int expiry_open(struct expiry **out, const struct store *store)
{
	struct expiry *expiry = calloc(1, sizeof(*expiry));

	if (!expiry)
		return log_error(-ENOMEM, "watch for rules that expire");
	expiry->pin_path = strdup(store_pin_path(store));
	expiry->config = store_watch(store);
	if (!expiry->pin_path || !expiry->config) {
		expiry_close(expiry);
		return log_error(-ENOMEM, "watch for rules that expire");
	}
	*out = expiry;
	return 0;
}

void expiry_close(struct expiry *expiry)
{
	if (!expiry)
		return;
	store_unwatch(expiry->config);
	free(expiry->pin_path);
	free(expiry);
}

/* An ordinary change that nothing is asked of. 0 or negative errno, logged. */
static int remove_expired(struct store *store)
{
	_cleanup_transaction_ struct transaction *txn = NULL;
	uint32_t expired;
	int err;

	err = transaction_begin(&txn, store);
	if (err)
		return err;
	expired = transaction_expired(txn);
	err = transaction_commit(&txn);
	if (err < 0)
		return err;
	if (expired)
		log_info("Removed %u expired rule%s", expired, expired == 1 ? "" : "s");
	return 0;
}

void expiry_tick(struct expiry *expiry)
{
	const uint64_t generation = __atomic_load_n(&expiry->config->commit, __ATOMIC_ACQUIRE);
	_cleanup_store_ struct store *store = NULL;
	int err;

	if (generation == expiry->failed || !store_watch_due(expiry->config))
		return;
	/* Whoever holds the lock will remove them, or leaves them for the next second. */
	err = store_try_change(&store, expiry->pin_path);
	if (err == -EWOULDBLOCK)
		return;
	if (!err)
		err = remove_expired(store);
	expiry->failed = err ? generation : 0;
}
