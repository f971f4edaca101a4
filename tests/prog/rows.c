/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Turns rows into cmocka tests and checks each in every respect. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "rows.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../../src/cleanup.h"
#include "../../src/rule.h"
#include "firewall.h"

struct row_at_hook {
	const struct row *row;
	enum hook hook;
	char name[256];
};

static const char *reason_name(uint32_t reason)
{
#define REASON_NAME(NAME, name, verdict, text) [REASON_##NAME] = #name,
	static const char *const names[] = {REASONS(REASON_NAME)};
#undef REASON_NAME

	return reason < REASON_COUNT ? names[reason] : "no such reason";
}

/* A live rule of the hook, as rows name it, and its hits before the packet. */
struct live_rule {
	char name[32]; /* "blacklist 0" */
	const struct rule_slot *slot;
	uint64_t hits;
};
#define LIVE_RULES_MAX 64

static size_t live_rules(enum hook hook, struct live_rule rules[static LIVE_RULES_MAX])
{
	size_t used = 0;

	for (enum list list = 0; list < LIST_COUNT; list++) {
		const struct rule_view view = store_rules(the_firewall.store, hook, list);

		for (uint32_t i = 0; i < view.count; i++) {
			const struct rule_slot *slot = &view.slots[i];

			if (!rule_slot_live(slot, view.generation))
				continue;
			assert_true(used < LIVE_RULES_MAX);
			snprintf(rules[used].name, sizeof(rules[used].name), "%s %u",
				 list_name(list), slot->index);
			rules[used].slot = slot;
			rules[used].hits = store_hits(the_firewall.store, slot);
			used++;
		}
	}
	return used;
}

/* The rule that was hit gained one, all others nothing, and it is the one that the program noted.
 */
static void check_rules(const struct live_rule *rules, size_t count, const char *expected,
			int64_t noted)
{
	const char *noted_name = "";

	for (size_t i = 0; i < count; i++) {
		if (rules[i].slot->hit == noted)
			noted_name = rules[i].name;
		assert_int_equal(store_hits(the_firewall.store, rules[i].slot) - rules[i].hits,
				 strcmp(rules[i].name, expected) == 0);
	}
	assert_string_equal(noted_name, expected);
	assert_int_equal(noted < 0, *expected == '\0');
}

#define NO_REASON REASON_SLOTS

/* The counters of `reason` grew by one packet of this size, all others by nothing. */
static void check_counters(const struct counter *before, const struct counter *after, int reason,
			   size_t bytes)
{
	for (int i = 0; i < REASON_SLOTS; i++) {
		assert_int_equal(after[i].packets - before[i].packets, i == reason);
		assert_int_equal(after[i].bytes - before[i].bytes, i == reason ? bytes : 0);
	}
}

static void read_stats(struct counter stats[static HOOK_COUNT][REASON_SLOTS])
{
	for (enum hook hook = 0; hook < HOOK_COUNT; hook++)
		assert_int_equal(store_stats(the_firewall.store, hook, stats[hook]), 0);
}

static void test_row(void **state)
{
	const struct row_at_hook *at = *state;
	const struct row *row = at->row;
	struct counter before[HOOK_COUNT][REASON_SLOTS], after[HOOK_COUNT][REASON_SLOTS];
	struct live_rule rules[LIVE_RULES_MAX];
	struct last_verdict verdict;
	struct packet_bytes packet;
	struct run run;
	size_t rule_count;

	firewall_rules(&the_firewall, at->hook, row->rules ? row->rules : "");
	packet_build(&packet, &row->packet, at->hook == HOOK_EGRESS);
	rule_count = live_rules(at->hook, rules);
	read_stats(before);
	assert_int_equal(
		firewall_run(&the_firewall, at->hook, &packet, row->packet.gso_size, 1, &run), 0);
	read_stats(after);

	assert_int_equal(programs_last_verdict(the_firewall.programs, at->hook, &verdict), 0);
	assert_string_equal(reason_name(verdict.reason), reason_name(row->reason));
	assert_int_equal(run.dropped, REASONS_DROPPED >> row->reason & 1);
	assert_false(run.changed);
	check_rules(rules, rule_count, row->rule ? row->rule : "", verdict.rule);
	for (enum hook hook = 0; hook < HOOK_COUNT; hook++)
		check_counters(before[hook], after[hook],
			       hook == at->hook ? (int)row->reason : NO_REASON, packet.length);
}

int rows_run(const char *group, const struct row *rows, size_t count)
{
	_cleanup_free_ struct row_at_hook *at = calloc(count * HOOK_COUNT, sizeof(*at));
	_cleanup_free_ struct CMUnitTest *tests = calloc(count * HOOK_COUNT, sizeof(*tests));
	size_t used = 0;

	if (!at || !tests)
		abort();
	for (size_t i = 0; i < count; i++) {
		for (enum hook hook = 0; hook < HOOK_COUNT; hook++) {
			if (rows[i].at && !(rows[i].at >> hook & 1))
				continue;
			at[used].row = &rows[i];
			at[used].hook = hook;
			snprintf(at[used].name, sizeof(at[used].name), "%s: %s", hook_name(hook),
				 rows[i].name);
			tests[used].name = at[used].name;
			tests[used].test_func = test_row;
			tests[used].initial_state = &at[used];
			used++;
		}
	}
	return _cmocka_run_group_tests(group, tests, used, firewall_group_setup,
				       firewall_group_teardown);
}
