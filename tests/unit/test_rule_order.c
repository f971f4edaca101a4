/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Live rules by their indexes, wherever their slots are. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdlib.h>

#include "../../src/cleanup.h"
#include "../../src/rule_order.h"

static void live_rules_come_in_the_order_of_their_indexes(void **state)
{
	const struct rule_slot slots[] = {
		{.index = 7, .born = 3},
		{.index = 2, .born = 1, .died = 5}, /* dead */
		{.index = 9, .born = 6},	    /* of the generation to come */
		{.index = 3, .born = 1, .died = 6}, /* dies in the generation to come */
		{.index = 4},			    /* never used */
		{.index = 5, .born = 5, .expires_s = 101},
		{.index = 1, .born = 5, .expires_s = 100}, /* expired */
	};
	const struct rule_view rules = {.slots = slots, .count = 7, .generation = 5};
	_cleanup_free_ uint32_t *order = NULL;
	size_t count;

	(void)state;
	assert_int_equal(rules_by_index(&rules, 100, &order, &count), 0);
	assert_int_equal(count, 3);
	assert_int_equal(order[0], 3);
	assert_int_equal(order[1], 5);
	assert_int_equal(order[2], 0);
}

static void a_list_without_rules_has_no_order(void **state)
{
	const struct rule_view rules = {.generation = 5};
	_cleanup_free_ uint32_t *order = NULL;
	size_t count = 1;

	(void)state;
	assert_int_equal(rules_by_index(&rules, 100, &order, &count), 0);
	assert_int_equal(count, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(live_rules_come_in_the_order_of_their_indexes),
		cmocka_unit_test(a_list_without_rules_has_no_order),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
