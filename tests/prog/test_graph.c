/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Graphs that no compiler made, written into the maps by hand: how far the programs walk, and what
 * becomes of a packet when a walk has no end or leads nowhere.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <bpf/bpf.h>

#include "firewall.h"

/* A graph without root that begins at this entry takes the place of XDP's blacklist of IPv4. */
static void put_graph(graph_entry start)
{
	const int fd = store_map_fd(the_firewall.store, MAP_ruleset_map);
	const uint32_t record = ruleset_record(store_generation(the_firewall.store));
	struct ruleset ruleset = *store_ruleset(the_firewall.store);

	ruleset.hooks[HOOK_XDP].lists[LIST_BLACKLIST][FAMILY_IPV4] =
		(struct graph_list){.graphs[0].start = start, .count = 1};
	assert_int_equal(bpf_map_update_elem(fd, &record, &ruleset, BPF_ANY), 0);
}

/* So many tests that every address passes, then the leaf of rule 0. Returns the first entry. */
static graph_entry chain(uint32_t steps)
{
	const int fd = store_map_fd(the_firewall.store, MAP_node_map);

	for (uint32_t i = 0; i < steps; i++) {
		const graph_entry next =
			i + 1 < steps ? entry_make(OP_TEST, i + 1) : entry_make(OP_LEAF, 0);
		const struct node node = {.test = {.span = UINT32_MAX, .hit = next}};

		assert_int_equal(bpf_map_update_elem(fd, &i, &node, BPF_ANY), 0);
	}
	return entry_make(OP_TEST, 0);
}

/* The reason that the graph gives a packet, which is dropped. */
static enum reason reason_of(graph_entry start)
{
	const struct packet_spec spec = {.peer = PEER4, .port = 53};
	struct last_verdict verdict;
	struct packet_bytes packet;
	struct run run;

	put_graph(start);
	packet_build(&packet, &spec, false);
	assert_int_equal(firewall_run(&the_firewall, HOOK_XDP, &packet, 0, 1, &run), 0);
	assert_true(run.dropped);
	assert_int_equal(programs_last_verdict(the_firewall.programs, HOOK_XDP, &verdict), 0);
	return verdict.reason;
}

static void a_walk_of_any_length_that_may_be_ends_at_its_rule(void **state)
{
	(void)state;
	for (uint32_t steps = 1; steps <= GRAPH_MAX_STEPS; steps++)
		assert_int_equal(reason_of(chain(steps)), REASON_BLOCKED_BLACKLIST);
}

static void a_walk_without_end_drops_the_packet_and_is_counted(void **state)
{
	const struct node circle = {
		.test = {.span = UINT32_MAX, .hit = entry_make(OP_TEST, 0)},
	};
	const uint32_t index = 0;

	(void)state;
	assert_int_equal(bpf_map_update_elem(store_map_fd(the_firewall.store, MAP_node_map), &index,
					     &circle, BPF_ANY),
			 0);
	assert_int_equal(reason_of(entry_make(OP_TEST, 0)), REASON_GRAPH_ERROR);
}

static void an_entry_that_leads_nowhere_drops_the_packet(void **state)
{
	(void)state;
	assert_int_equal(reason_of(entry_make(OP_TEST, ENTRY_PAYLOAD_MASK)), REASON_GRAPH_ERROR);
	assert_int_equal(reason_of(entry_make(OP_FAN, ENTRY_PAYLOAD_MASK)), REASON_GRAPH_ERROR);
	assert_int_equal(reason_of(entry_make(OP_END, 0)), REASON_GRAPH_ERROR);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_walk_of_any_length_that_may_be_ends_at_its_rule),
		cmocka_unit_test(a_walk_without_end_drops_the_packet_and_is_counted),
		cmocka_unit_test(an_entry_that_leads_nowhere_drops_the_packet),
	};

	return cmocka_run_group_tests(tests, firewall_group_setup, firewall_group_teardown);
}
