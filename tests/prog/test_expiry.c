/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Rules that expire, on a clock that the tests set: in the programs, which nobody tells that time
 * has passed, for who reads the rules, and for who changes them.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "../../src/cidr.h"
#include "../../src/cleanup.h"
#include "../../src/expiry.h"
#include "../../src/ruleset_text.h"
#include "firewall.h"
#include "own_bpffs.h"

/* Times of the tests, an hour from one to the next: a test that takes minutes sees no other. */
#define AT_10 "2030-01-01T10:00:00Z"
#define AT_11 "2030-01-01T11:00:00Z"
#define AT_12 "2030-01-01T12:00:00Z"
#define HOUR 3600u
#define TEN 1893492000u
#define HALF_PAST(hour) (TEN + ((hour)-10) * HOUR + HOUR / 2)
#define YEAR (365 * 24 * HOUR)

static struct firewall firewall;

static int setup(void **state)
{
	(void)state;
	firewall_setup(&firewall, true);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	firewall_teardown(&firewall);
	return 0;
}

static struct last_verdict judge(enum hook hook, const char *peer, uint16_t port)
{
	const struct packet_spec spec = {.peer = peer, .port = port};
	struct packet_bytes packet;
	struct last_verdict verdict;
	struct run run;

	packet_build(&packet, &spec, hook == HOOK_EGRESS);
	assert_int_equal(firewall_run(&firewall, hook, &packet, 0, 1, &run), 0);
	assert_int_equal(programs_last_verdict(firewall.programs, hook, &verdict), 0);
	return verdict;
}

/* The index of the rule that decides, -1: none does. */
static int64_t decides(enum hook hook, enum list list, const char *peer, uint16_t port)
{
	const struct last_verdict verdict = judge(hook, peer, port);
	const struct rule_view rules = store_rules(firewall.store, hook, list);

	for (uint32_t i = 0; i < rules.count; i++)
		if (rule_slot_live(&rules.slots[i], rules.generation) &&
		    rules.slots[i].hit == verdict.rule)
			return rules.slots[i].index;
	return -1;
}

static int64_t blocks(const char *peer, uint16_t port)
{
	return decides(HOOK_XDP, LIST_BLACKLIST, peer, port);
}

static void set_rules(enum hook hook, const char *statements)
{
	firewall_clock(&firewall, TEN - YEAR);
	firewall_rules(&firewall, hook, statements);
}

/* -- In the programs. -- */

static void a_rule_lapses_at_every_hook_and_nobody_tells_the_programs(void **state)
{
	(void)state;
	for (enum hook hook = 0; hook < HOOK_COUNT; hook++) {
		uint64_t generation;

		set_rules(hook, "rule @ blacklist " PEER4 " expires " AT_11
				";rule @ blacklist " PEER6 " expires " AT_11);
		generation = store_generation(firewall.store);
		firewall_clock(&firewall, HALF_PAST(10));
		assert_int_equal(judge(hook, PEER4, 53).reason, REASON_BLOCKED_BLACKLIST);
		assert_int_equal(judge(hook, PEER6, 53).reason, REASON_BLOCKED_BLACKLIST);
		firewall_clock(&firewall, HALF_PAST(11));
		assert_int_equal(judge(hook, PEER4, 53).reason, REASON_ALLOWED_DEFAULT);
		assert_int_equal(judge(hook, PEER6, 53).reason, REASON_ALLOWED_DEFAULT);
		assert_int_equal(store_generation(firewall.store), generation);
	}
}

/* The reason at the very begin of a second, which is tried again when it has passed meanwhile. */
static uint32_t reason_at(uint32_t now_s)
{
	uint32_t reason;

	do {
		firewall_clock(&firewall, now_s);
		reason = judge(HOOK_XDP, PEER4, 53).reason;
	} while (store_now_s(firewall.store) != now_s);
	return reason;
}

static void a_rule_lapses_in_the_second_it_expires(void **state)
{
	(void)state;
	set_rules(HOOK_XDP, "rule @ blacklist " PEER4 " expires " AT_10);
	assert_int_equal(reason_at(TEN - 1), REASON_BLOCKED_BLACKLIST);
	assert_int_equal(reason_at(TEN), REASON_ALLOWED_DEFAULT);
}

static void where_a_rule_has_expired_the_next_one_decides(void **state)
{
	(void)state;
	set_rules(HOOK_XDP, "rule @ blacklist 0 192.0.2.0/24"
			    ";rule @ blacklist 1 192.0.2.64/26 expires " AT_12
			    ";rule @ blacklist 2 " PEER4 " port 53 proto udp expires " AT_11
			    ";rule @ whitelist 0 " PEER4 " port 53 expires " AT_10);
	firewall_clock(&firewall, HALF_PAST(9));
	assert_int_equal(judge(HOOK_XDP, PEER4, 53).reason, REASON_ALLOWED_WHITELIST);
	assert_int_equal(blocks(PEER4, 54), 1);
	firewall_clock(&firewall, HALF_PAST(10));
	assert_int_equal(blocks(PEER4, 53), 2);
	assert_int_equal(blocks(PEER4, 54), 1);
	firewall_clock(&firewall, HALF_PAST(11));
	assert_int_equal(blocks(PEER4, 53), 1);
	firewall_clock(&firewall, HALF_PAST(12));
	assert_int_equal(blocks(PEER4, 53), 0);
	assert_int_equal(blocks("192.0.3.77", 53), -1);
}

/* More than the programs walk inline, and each the first that is left at its own time. */
static void a_hundred_rules_in_each_others_way_lapse_one_by_one(void **state)
{
	char statements[16384], *end = statements;

	(void)state;
	for (int len = 128; len >= 29; len--)
		end += sprintf(
			end,
			"rule @ blacklist %d 2001:db8:77::7a/%d expires 2030-01-%02dT%02d:00:00Z;",
			len, len, 1 + (128 - len) / 24, (128 - len) % 24);
	set_rules(HOOK_XDP, statements);
	for (int len = 128; len >= 29; len--) {
		firewall_clock(&firewall,
			       TEN + (uint32_t)(128 - len) * HOUR - 10 * HOUR - HOUR / 2);
		assert_int_equal(blocks(PEER6, 53), len);
	}
	firewall_clock(&firewall, TEN + 100 * HOUR);
	assert_int_equal(blocks(PEER6, 53), -1);
}

static void programs_follow_a_clock_that_is_set_back_or_forward_by_a_year(void **state)
{
	(void)state;
	set_rules(HOOK_XDP, "rule @ blacklist " PEER4 " expires " AT_11);
	firewall_clock(&firewall, HALF_PAST(10));
	assert_int_equal(blocks(PEER4, 53), 0);
	firewall_clock(&firewall, HALF_PAST(10) + YEAR);
	assert_int_equal(blocks(PEER4, 53), -1);
	firewall_clock(&firewall, HALF_PAST(10) - YEAR);
	assert_int_equal(blocks(PEER4, 53), 0);
}

/* -- For who reads. -- */

static char *saved(void)
{
	char *text = NULL;
	size_t size;
	FILE *out = open_memstream(&text, &size);

	assert_non_null(out);
	assert_int_equal(ruleset_text_save(firewall.store, out), 0);
	fclose(out);
	return text;
}

static void assert_saves(const char *text, bool expected)
{
	_cleanup_free_ char *save = saved();

	if ((strstr(save, text) != NULL) != expected)
		fail_msg("'%s' %s in:\n%s", text, expected ? "is not" : "is", save);
}

static void for_readers_an_expired_rule_is_gone_and_its_index_used(void **state)
{
	(void)state;
	set_rules(HOOK_XDP,
		  "rule @ blacklist 3 " PEER4_AFTER ";rule @ blacklist 4 " PEER4 " expires " AT_11);
	firewall_clock(&firewall, HALF_PAST(10));
	assert_int_equal(store_rule_count(firewall.store), 2);
	assert_saves("blacklist 4 " PEER4 "/32 expires " AT_11 "\n", true);
	firewall_clock(&firewall, HALF_PAST(11));
	assert_int_equal(store_rule_count(firewall.store), 1);
	assert_int_equal(store_list_count(firewall.store, HOOK_XDP, LIST_BLACKLIST), 1);
	assert_int_equal(store_list_count(firewall.store, HOOK_INGRESS, LIST_BLACKLIST), 0);
	assert_saves(PEER4 "/32", false);
	assert_saves("next xdp blacklist 5\n", true);
}

static void a_rule_has_the_rest_of_its_time_left(void **state)
{
	uint32_t expires_s;

	(void)state;
	firewall_clock(&firewall, TEN);
	assert_int_equal(store_expiry_s(firewall.store, 600, &expires_s), 0);
	assert_in_range(expires_s, TEN + 600, TEN + HOUR);
	assert_in_range(store_left_s(firewall.store, expires_s), 1, 600);
	assert_int_equal(store_left_s(firewall.store, TEN - 1), 0);
	assert_int_equal(store_expiry_s(firewall.store, UINT32_MAX, &expires_s), -ERANGE);
	assert_int_equal(store_expiry_s(firewall.store, 1ULL << 32, &expires_s), -ERANGE);
	assert_int_equal(store_expiry_s(firewall.store, UINT32_MAX - TEN - HOUR, &expires_s), 0);
}

/* -- For who changes. -- */

static struct added add(const char *address, uint32_t expires_s, const char *comment, int changed)
{
	struct transaction *txn = NULL;
	struct rule rule = {.any_protocol = 1};
	struct added added;
	const char *error;

	assert_int_equal(cidr_parse(address, strlen(address), &rule, &error), 0);
	assert_int_equal(transaction_begin(&txn, firewall.store), 0);
	assert_int_equal(transaction_add(txn, HOOK_XDP, LIST_BLACKLIST, &rule, expires_s, comment,
					 NULL, &added),
			 0);
	assert_int_equal(transaction_commit(&txn), changed);
	return added;
}

static const struct rule_slot *slot_of(uint32_t index)
{
	const struct rule_view rules = store_rules(firewall.store, HOOK_XDP, LIST_BLACKLIST);

	for (uint32_t i = 0; i < rules.count; i++)
		if (rules.slots[i].index == index &&
		    rule_slot_live(&rules.slots[i], rules.generation))
			return &rules.slots[i];
	return NULL;
}

static void a_renewed_rule_keeps_its_index_hits_and_comment(void **state)
{
	char comment[COMMENT_BYTES + 1];
	struct added added;

	(void)state;
	set_rules(HOOK_XDP, "rule @ blacklist 5 " PEER4 " expires " AT_11 " comment \"ban\"");
	firewall_clock(&firewall, HALF_PAST(10));
	assert_int_equal(blocks(PEER4, 53), 5);
	added = add(PEER4, TEN + 2 * HOUR, NULL, 1);
	assert_true(added.present);
	assert_true(added.renewed);
	assert_int_equal(added.index, 5);
	assert_int_equal(added.expires_s, TEN + 2 * HOUR);
	assert_int_equal(store_rule_count(firewall.store), 1);
	firewall_clock(&firewall, HALF_PAST(11));
	assert_int_equal(blocks(PEER4, 53), 5);
	assert_int_equal(store_hits(firewall.store, slot_of(5)), 2);
	store_comment(firewall.store, slot_of(5), comment);
	assert_string_equal(comment, "ban");
	firewall_clock(&firewall, HALF_PAST(12));
	assert_int_equal(blocks(PEER4, 53), -1);
}

static void adding_a_rule_again_sets_its_time_and_never_limits_one_that_has_none(void **state)
{
	struct added added;

	(void)state;
	set_rules(HOOK_XDP, "rule @ blacklist 0 " PEER4 " expires " AT_12);
	firewall_clock(&firewall, HALF_PAST(9));
	assert_false(add(PEER4, TEN + 2 * HOUR, NULL, 0).renewed); /* nothing new */
	added = add(PEER4, TEN + HOUR, NULL, 1);		   /* sooner */
	assert_true(added.renewed);
	added = add(PEER4, 0, NULL, 1); /* for good */
	assert_true(added.renewed);
	assert_int_equal(added.expires_s, 0);
	added = add(PEER4, TEN + HOUR, NULL, 0); /* stays so */
	assert_true(added.present);
	assert_false(added.renewed);
	assert_int_equal(added.expires_s, 0);
	firewall_clock(&firewall, HALF_PAST(12));
	assert_int_equal(blocks(PEER4, 53), 0);
}

static void the_next_change_removes_what_has_expired_and_does_not_call_it_its_own(void **state)
{
	struct added added;

	(void)state;
	set_rules(HOOK_XDP,
		  "rule @ blacklist 0 " PEER4 " expires " AT_11 ";rule @ blacklist 1 " PEER6
		  " expires " AT_12 ";rule @ blacklist 2 " PEER4_AFTER);
	firewall_clock(&firewall, HALF_PAST(11));
	add(PEER4_AFTER, 0, NULL, 0);
	assert_null(slot_of(0));
	assert_non_null(slot_of(1));
	/* Gone is gone: it comes back as a new rule. */
	added = add(PEER4, TEN + 3 * HOUR, NULL, 1);
	assert_false(added.present);
	assert_int_equal(added.index, 3);
	firewall_clock(&firewall, HALF_PAST(12));
	add(PEER4_AFTER, 0, NULL, 0);
	assert_null(slot_of(1));
	assert_int_equal(blocks(PEER4, 53), 3);
}

static void a_change_that_is_given_up_leaves_expired_rules_to_the_next(void **state)
{
	struct transaction *txn = NULL;

	(void)state;
	set_rules(HOOK_XDP, "rule @ blacklist 0 " PEER4 " expires " AT_11);
	firewall_clock(&firewall, HALF_PAST(11));
	assert_int_equal(transaction_begin(&txn, firewall.store), 0);
	assert_int_equal(transaction_expired(txn), 1);
	transaction_abort(txn);
	assert_non_null(slot_of(0));
	assert_int_equal(store_rule_count(firewall.store), 0);
	firewall_clock(&firewall, HALF_PAST(10));
	assert_int_equal(store_rule_count(firewall.store), 1);
	assert_int_equal(blocks(PEER4, 53), 0);
}

static void restoring_leaves_out_what_has_expired_and_keeps_the_hits_of_the_rest(void **state)
{
	uint64_t hits;

	(void)state;
	set_rules(HOOK_XDP, "rule @ blacklist 0 " PEER4 " expires " AT_11);
	firewall_clock(&firewall, HALF_PAST(10));
	assert_int_equal(blocks(PEER4, 53), 0);
	hits = store_hits(firewall.store, slot_of(0));
	assert_int_not_equal(hits, 0);
	firewall_rules(&firewall, HOOK_XDP,
		       "rule @ blacklist 0 " PEER4 " expires " AT_12 ";rule @ blacklist 7 " PEER6
		       " expires " AT_10);
	assert_int_equal(store_rule_count(firewall.store), 1);
	assert_int_equal(slot_of(0)->expires_s, TEN + 2 * HOUR);
	assert_null(slot_of(7)); /* not even until the next change */
	assert_int_equal(store_hits(firewall.store, slot_of(0)), hits);
	assert_saves("next xdp blacklist 8\n", true);
}

/* Removes it unless that is confirmed within an hour. */
static void remove_unconfirmed(uint32_t index)
{
	struct transaction *txn = NULL;
	struct rule removed;

	assert_int_equal(transaction_begin(&txn, firewall.store), 0);
	transaction_confirm_within(txn, HOUR);
	assert_int_equal(transaction_remove(txn, HOOK_XDP, LIST_BLACKLIST, index, &removed), 0);
	assert_int_equal(transaction_commit(&txn), 1);
}

static void a_rule_that_comes_back_by_a_revert_expires_at_its_time(void **state)
{
	(void)state;
	set_rules(HOOK_XDP, "rule @ blacklist 0 " PEER4 " expires " AT_11
			    ";rule @ blacklist 1 " PEER6 " expires " AT_10);
	firewall_clock(&firewall, HALF_PAST(9));
	remove_unconfirmed(0);
	assert_int_equal(blocks(PEER4, 53), -1);
	/* Going back looks for what has expired, and that is not what comes back. */
	firewall_clock(&firewall, HALF_PAST(10));
	assert_int_equal(store_revert(firewall.store, NULL), 1);
	assert_int_equal(blocks(PEER4, 53), 0);
	assert_int_equal(blocks(PEER6, 53), -1);
	firewall_clock(&firewall, HALF_PAST(11));
	add(PEER4_AFTER, 0, NULL, 1);
	assert_null(slot_of(0));
}

/* -- The server's part. -- */

static void reopen_store(enum store_access access)
{
	store_close(take(firewall.store));
	assert_int_equal(store_open(&firewall.store, PIN_PATH, access), 0);
}

/* On the clock of this machine: a server that opens the store sets it. */
static void the_server_removes_an_expired_rule_and_waits_for_nobody(void **state)
{
	struct expiry *expiry = NULL;
	uint64_t generation;

	(void)state;
	set_rules(HOOK_XDP, "rule @ blacklist 0 " PEER4_AFTER);
	reopen_store(STORE_WRITE);
	assert_int_equal(expiry_open(&expiry, firewall.store), 0);
	add(PEER4, store_now_s(firewall.store) + 1, NULL, 1);
	generation = store_generation(firewall.store);
	for (int i = 0; i < 600 && judge(HOOK_XDP, PEER4, 53).reason != REASON_ALLOWED_DEFAULT; i++)
		usleep(50000);
	assert_int_equal(judge(HOOK_XDP, PEER4, 53).reason, REASON_ALLOWED_DEFAULT);
	expiry_tick(expiry); /* this process has the store open, and so its lock */
	assert_non_null(slot_of(1));
	store_close(take(firewall.store));
	expiry_tick(expiry);
	expiry_tick(expiry); /* nothing is left to do */
	expiry_close(expiry);
	assert_int_equal(store_open(&firewall.store, PIN_PATH, STORE_WRITE), 0);
	assert_int_equal(store_generation(firewall.store), generation + 1);
	assert_null(slot_of(1));
	assert_non_null(slot_of(0));
}

static void the_server_removes_nothing_while_a_change_waits_to_be_confirmed(void **state)
{
	struct expiry *expiry = NULL;
	uint64_t generation;

	(void)state;
	set_rules(HOOK_XDP, "rule @ blacklist 0 " PEER4_AFTER);
	reopen_store(STORE_WRITE);
	assert_int_equal(expiry_open(&expiry, firewall.store), 0);
	add(PEER4, store_now_s(firewall.store) + 1, NULL, 1);
	remove_unconfirmed(0);
	generation = store_generation(firewall.store);
	for (int i = 0; i < 600 && store_rule_count(firewall.store); i++)
		usleep(50000);
	assert_int_equal(store_rule_count(firewall.store), 0);
	store_close(take(firewall.store));
	expiry_tick(expiry);
	assert_int_equal(store_open(&firewall.store, PIN_PATH, STORE_WRITE), 0);
	assert_int_equal(store_generation(firewall.store), generation);
	assert_int_equal(store_confirm(firewall.store), 1);
	store_close(take(firewall.store));
	expiry_tick(expiry);
	expiry_close(expiry);
	assert_int_equal(store_open(&firewall.store, PIN_PATH, STORE_WRITE), 0);
	assert_null(slot_of(1));
}

static void assert_clock_is_right(void)
{
	const time_t now = time(NULL);

	assert_in_range(store_now_s(firewall.store), now - 1, now + 60);
}

static void a_writer_and_the_server_set_the_clock_of_the_programs(void **state)
{
	struct expiry *expiry = NULL;

	(void)state;
	firewall_clock(&firewall, TEN);
	reopen_store(STORE_READ);
	assert_in_range(store_now_s(firewall.store), TEN, TEN + HOUR);
	reopen_store(STORE_WRITE);
	assert_clock_is_right();
	firewall_clock(&firewall, TEN);
	assert_int_equal(expiry_open(&expiry, firewall.store), 0);
	store_close(take(firewall.store));
	expiry_tick(expiry);
	expiry_close(expiry);
	assert_int_equal(store_open(&firewall.store, PIN_PATH, STORE_READ), 0);
	assert_clock_is_right();
	reopen_store(STORE_WRITE);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_rule_lapses_at_every_hook_and_nobody_tells_the_programs),
		cmocka_unit_test(a_rule_lapses_in_the_second_it_expires),
		cmocka_unit_test(where_a_rule_has_expired_the_next_one_decides),
		cmocka_unit_test(a_hundred_rules_in_each_others_way_lapse_one_by_one),
		cmocka_unit_test(programs_follow_a_clock_that_is_set_back_or_forward_by_a_year),
		cmocka_unit_test(for_readers_an_expired_rule_is_gone_and_its_index_used),
		cmocka_unit_test(a_rule_has_the_rest_of_its_time_left),
		cmocka_unit_test(a_renewed_rule_keeps_its_index_hits_and_comment),
		cmocka_unit_test(
			adding_a_rule_again_sets_its_time_and_never_limits_one_that_has_none),
		cmocka_unit_test(
			the_next_change_removes_what_has_expired_and_does_not_call_it_its_own),
		cmocka_unit_test(a_change_that_is_given_up_leaves_expired_rules_to_the_next),
		cmocka_unit_test(
			restoring_leaves_out_what_has_expired_and_keeps_the_hits_of_the_rest),
		cmocka_unit_test(a_rule_that_comes_back_by_a_revert_expires_at_its_time),
		cmocka_unit_test(the_server_removes_nothing_while_a_change_waits_to_be_confirmed),
		cmocka_unit_test(the_server_removes_an_expired_rule_and_waits_for_nobody),
		cmocka_unit_test(a_writer_and_the_server_set_the_clock_of_the_programs),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
