/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A save file and the store that it was restored into say the same. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "../../src/cleanup.h"
#include "../../src/ruleset_text.h"
#include "firewall.h"

#define POLICIES                                                                                   \
	"policy xdp allow fragments match\n"                                                       \
	"policy ingress allow fragments match\n"                                                   \
	"policy egress allow fragments match\n"

static struct firewall firewall;

static int setup(void **state)
{
	(void)state;
	firewall_setup(&firewall, false);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	firewall_teardown(&firewall);
	return 0;
}

static void assert_saved(const char *expected)
{
	_cleanup_free_ char *text = NULL;
	size_t size;
	FILE *out = open_memstream(&text, &size);

	assert_non_null(out);
	assert_int_equal(ruleset_text_save(firewall.store, out), 0);
	fclose(out);
	assert_string_equal(text, expected);
}

static void a_restore_takes_back_indexes_of_rules_that_are_gone(void **state)
{
	_cleanup_transaction_ struct transaction *txn = NULL;
	struct rule removed;

	(void)state;
	firewall_rules(&firewall, HOOK_XDP, "rule @ blacklist 0 192.0.2.0/24");
	assert_int_equal(transaction_begin(&txn, firewall.store), 0);
	assert_int_equal(transaction_remove(txn, HOOK_XDP, LIST_BLACKLIST, 0, &removed), 0);
	assert_int_equal(transaction_commit(&txn), 1);
	assert_saved("bgo-rules 1\n" POLICIES "next xdp blacklist 1\n");
	firewall_rules(&firewall, HOOK_XDP, "");
	assert_saved("bgo-rules 1\n" POLICIES);
}

static void a_restore_of_what_is_in_force_saves_the_same(void **state)
{
	(void)state;
	for (int i = 0; i < 2; i++) {
		firewall_rules(&firewall, HOOK_EGRESS,
			       "rule @ whitelist 3 2001:db8::/32 port 22 proto tcp;"
			       "next @ blacklist 7");
		assert_saved("bgo-rules 1\n" POLICIES
			     "rule egress whitelist 3 2001:db8::/32 port 22 proto tcp\n"
			     "next egress blacklist 7\n");
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_restore_takes_back_indexes_of_rules_that_are_gone),
		cmocka_unit_test(a_restore_of_what_is_in_force_saves_the_same),
	};

	return cmocka_run_group_tests_name("restore", tests, setup, teardown);
}
