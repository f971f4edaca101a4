/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The choice of servers: shares, and how little moves when servers come and go. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <arpa/inet.h>
#include <string.h>

#include "../../src/maglev.h"

static struct lvs_server server(uint32_t number, uint16_t weight)
{
	return (struct lvs_server){
		.addr_be = {htonl(0x0a000000 + number)}, .port_be = htons(8080), .weight = weight};
}

static void make_servers(struct lvs_server *servers, size_t count)
{
	for (size_t i = 0; i < count; i++)
		servers[i] = server((uint32_t)i + 1, 1);
}

static uint32_t slots_of(const struct lvs_table *table, uint8_t number)
{
	uint32_t slots = 0;

	for (uint32_t i = 0; i < LVS_TABLE_SIZE; i++)
		slots += table->server[i] == number;
	return slots;
}

static void without_servers_nobody_is_chosen(void **state)
{
	struct lvs_table table;

	(void)state;
	maglev_fill(&table, NULL, 0);
	assert_int_equal(slots_of(&table, LVS_NO_SERVER), LVS_TABLE_SIZE);
}

static void equal_servers_have_equal_shares(void **state)
{
	struct lvs_server servers[10];
	struct lvs_table table;

	(void)state;
	make_servers(servers, 10);
	maglev_fill(&table, servers, 10);
	for (uint8_t i = 0; i < 10; i++)
		assert_in_range(slots_of(&table, i), LVS_TABLE_SIZE / 10, LVS_TABLE_SIZE / 10 + 1);
}

static void shares_follow_weights(void **state)
{
	struct lvs_server servers[] = {server(1, 1), server(2, 3), server(3, 4)};
	struct lvs_table table;

	(void)state;
	maglev_fill(&table, servers, 3);
	assert_in_range(slots_of(&table, 0), LVS_TABLE_SIZE / 8 - 2, LVS_TABLE_SIZE / 8 + 2);
	assert_in_range(slots_of(&table, 1), LVS_TABLE_SIZE * 3 / 8 - 2,
			LVS_TABLE_SIZE * 3 / 8 + 2);
	assert_in_range(slots_of(&table, 2), LVS_TABLE_SIZE / 2 - 2, LVS_TABLE_SIZE / 2 + 2);
}

static void a_draining_server_is_not_chosen_and_the_last_one_leaves_nobody(void **state)
{
	struct lvs_server servers[2];
	struct lvs_table table;

	(void)state;
	make_servers(servers, 2);
	servers[0].draining = 1;
	maglev_fill(&table, servers, 2);
	assert_int_equal(slots_of(&table, 0), 0);
	assert_int_equal(slots_of(&table, 1), LVS_TABLE_SIZE);
	servers[1].draining = 1;
	maglev_fill(&table, servers, 2);
	assert_int_equal(slots_of(&table, LVS_NO_SERVER), LVS_TABLE_SIZE);
}

/* Which slots have another server, in percent. */
static double moved_percent(const struct lvs_table *a, const struct lvs_table *b)
{
	uint32_t moved = 0;

	for (uint32_t i = 0; i < LVS_TABLE_SIZE; i++)
		moved += a->server[i] != b->server[i];
	return moved * 100.0 / LVS_TABLE_SIZE;
}

static void the_tenth_server_moves_little_more_than_its_share(void **state)
{
	(void)state;
	for (uint32_t first = 1; first < 2000; first += 37) {
		struct lvs_server servers[10];
		struct lvs_table nine, ten;

		for (uint32_t i = 0; i < 10; i++)
			servers[i] = server(first + i * 5, 1);
		maglev_fill(&nine, servers, 9);
		maglev_fill(&ten, servers, 10);
		assert_true(moved_percent(&nine, &ten) <= 15);
		assert_true(moved_percent(&nine, &ten) >= 9.9); /* its share */
	}
}

static void a_lost_server_takes_little_with_it(void **state)
{
	struct lvs_server servers[10];
	struct lvs_table all, less;

	(void)state;
	make_servers(servers, 10);
	maglev_fill(&all, servers, 10);
	servers[4].draining = 1;
	maglev_fill(&less, servers, 10);
	assert_true(moved_percent(&all, &less) <= 15);
}

static void the_order_of_servers_does_not_matter(void **state)
{
	struct lvs_server servers[5], turned[5];
	struct lvs_table a, b;

	(void)state;
	make_servers(servers, 5);
	for (int i = 0; i < 5; i++)
		turned[4 - i] = servers[i];
	maglev_fill(&a, servers, 5);
	maglev_fill(&b, turned, 5);
	for (uint32_t i = 0; i < LVS_TABLE_SIZE; i++)
		assert_int_equal(a.server[i], 4 - b.server[i]);
}

static void extreme_weights_and_numbers_fill_the_table(void **state)
{
	struct lvs_server servers[LVS_SERVERS_PER_SERVICE];
	struct lvs_table table;

	(void)state;
	make_servers(servers, LVS_SERVERS_PER_SERVICE);
	servers[7].weight = LVS_WEIGHT_MAX;
	maglev_fill(&table, servers, LVS_SERVERS_PER_SERVICE);
	assert_int_equal(slots_of(&table, LVS_NO_SERVER), 0);
	assert_in_range(slots_of(&table, 7), LVS_TABLE_SIZE * 3 / 4, LVS_TABLE_SIZE);
	make_servers(servers, LVS_SERVERS_PER_SERVICE);
	maglev_fill(&table, servers, LVS_SERVERS_PER_SERVICE);
	for (uint32_t i = 0; i < LVS_SERVERS_PER_SERVICE; i++)
		assert_in_range(slots_of(&table, (uint8_t)i), 16, 17);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(without_servers_nobody_is_chosen),
		cmocka_unit_test(equal_servers_have_equal_shares),
		cmocka_unit_test(shares_follow_weights),
		cmocka_unit_test(a_draining_server_is_not_chosen_and_the_last_one_leaves_nobody),
		cmocka_unit_test(the_tenth_server_moves_little_more_than_its_share),
		cmocka_unit_test(a_lost_server_takes_little_with_it),
		cmocka_unit_test(the_order_of_servers_does_not_matter),
		cmocka_unit_test(extreme_weights_and_numbers_fill_the_table),
	};

	return cmocka_run_group_tests_name("maglev", tests, NULL, NULL);
}
