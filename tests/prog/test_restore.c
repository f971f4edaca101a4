/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A save file and the store that it was restored into say the same. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "../../src/cleanup.h"
#include "../../src/ruleset_text.h"
#include "firewall.h"

#define POLICIES                                                                                   \
	"policy xdp allow fragments match\n"                                                       \
	"policy ingress allow fragments match\n"                                                   \
	"policy egress allow fragments match\n"

static void assert_saved(const char *expected)
{
	_cleanup_free_ char *text = NULL;
	size_t size;
	FILE *out = open_memstream(&text, &size);

	assert_non_null(out);
	assert_int_equal(ruleset_text_save(the_firewall.store, out), 0);
	fclose(out);
	assert_string_equal(text, expected);
}

static void a_restore_takes_back_indexes_of_rules_that_are_gone(void **state)
{
	_cleanup_transaction_ struct transaction *txn = NULL;
	struct rule removed;

	(void)state;
	firewall_rules(&the_firewall, HOOK_XDP, "rule @ blacklist 0 192.0.2.0/24");
	assert_int_equal(transaction_begin(&txn, the_firewall.store), 0);
	assert_int_equal(transaction_remove(txn, HOOK_XDP, LIST_BLACKLIST, 0, &removed), 0);
	assert_int_equal(transaction_commit(&txn), 1);
	assert_saved("bgo-rules 1\n" POLICIES "next xdp blacklist 1\n");
	firewall_rules(&the_firewall, HOOK_XDP, "");
	assert_saved("bgo-rules 1\n" POLICIES);
}

static void a_restore_of_what_is_in_force_saves_the_same(void **state)
{
	(void)state;
	for (int i = 0; i < 2; i++) {
		firewall_rules(&the_firewall, HOOK_EGRESS,
			       "rule @ whitelist 3 2001:db8::/32 port 22 proto tcp;"
			       "next @ blacklist 7");
		assert_saved("bgo-rules 1\n" POLICIES
			     "rule egress whitelist 3 2001:db8::/32 port 22 proto tcp\n"
			     "next egress blacklist 7\n");
	}
}

#define WHOLE                                                                                      \
	"bgo-rules 1\n"                                                                            \
	"policy xdp deny stateful fragments drop\n"                                                \
	"policy ingress allow fragments match\n"                                                   \
	"policy egress allow fragments match\n"                                                    \
	"rule xdp whitelist 0 192.0.2.0/24 port 22 proto tcp comment \"office \\\"ssh\\\"\"\n"     \
	"rule xdp blacklist 7 2001:db8::/32 port 100-200\n"                                        \
	"rule egress blacklist 3 0.0.0.0/0 proto udp\n"                                            \
	"next egress blacklist 9\n"                                                                \
	"ratelimit pps 1000 bps 1048576 burst 100 exempt-whitelist enabled\n"

/* 0 or negative errno, like the command. */
static int restore(const char *text, size_t size)
{
	_cleanup_transaction_ struct transaction *txn = NULL;
	_cleanup_fclose_ FILE *in = fmemopen((void *)text, size, "r");
	int err;

	assert_non_null(in);
	err = transaction_begin(&txn, the_firewall.store);
	if (!err)
		err = transaction_replace_all(txn);
	if (!err)
		err = ruleset_text_restore(in, "file", txn);
	if (!err)
		err = transaction_commit(&txn);
	return err < 0 ? err : 0;
}

/* One mistake in the text: a byte is another one, bytes are missing or too many, or it ends early.
 */
static size_t make_mistake(char text[static sizeof(WHOLE) + 1], unsigned int *seed)
{
	static const char bytes[] = "\0\1\x7f\xff\"#/:.- 9z\n";
	const size_t size = sizeof(WHOLE) - 1, at = rand_r(seed) % size;
	const char byte = bytes[rand_r(seed) % (sizeof(bytes) - 1)];
	size_t count;

	memcpy(text, WHOLE, size);
	switch (rand_r(seed) % 4) {
	case 0:
		text[at] = byte;
		return size;
	case 1:
		count = 1 + rand_r(seed) % (size - at < 8 ? size - at : 8);
		memmove(text + at, text + at + count, size - at - count);
		return size - count;
	case 2:
		memmove(text + at + 1, text + at, size - at);
		text[at] = byte;
		return size + 1;
	default:
		return at + 1;
	}
}

static void of_500_malformed_files_none_changes_anything(void **state)
{
	char text[sizeof(WHOLE) + 1];
	unsigned int seed = 1;
	int log = dup(STDERR_FILENO), nowhere = open("/dev/null", O_WRONLY | O_CLOEXEC);

	(void)state;
	assert_true(log >= 0 && nowhere >= 0);
	assert_int_equal(restore(WHOLE, sizeof(WHOLE) - 1), 0);
	assert_saved(WHOLE);
	for (int malformed = 0, tries = 0; malformed < 500; tries++) {
		const size_t size = make_mistake(text, &seed);
		int err;

		assert_true(tries < 1000);    /* some mistakes leave a file that is right */
		dup2(nowhere, STDERR_FILENO); /* what is said test_ruleset_text.c checks */
		err = restore(text, size);
		dup2(log, STDERR_FILENO);
		if (err)
			malformed++;
		else
			assert_int_equal(restore(WHOLE, sizeof(WHOLE) - 1), 0);
		assert_saved(WHOLE);
	}
	close(log);
	close(nowhere);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_restore_takes_back_indexes_of_rules_that_are_gone),
		cmocka_unit_test(a_restore_of_what_is_in_force_saves_the_same),
		cmocka_unit_test(of_500_malformed_files_none_changes_anything),
	};

	return cmocka_run_group_tests_name("restore", tests, firewall_group_setup,
					   firewall_group_teardown);
}
