/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Changes that wait to be confirmed. Killed at every point of making one, confirming it or undoing
 * it, a process leaves the rules of before or of after, and they wait exactly when they should;
 * what was undone is what was there before, hits, comments and indexes included.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <err.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "../../src/cleanup.h"
#include "../../src/ruleset_text.h"
#include "crash.h"
#include "own_bpffs.h"

#define MAX_RULES 100

static const char old_rules[] =
	"bgo-rules 1\n"
	"policy xdp allow fragments match\n"
	"policy ingress deny stateful fragments match\n"
	"policy egress allow fragments drop\n"
	"rule xdp whitelist 3 192.0.2.0/24 port 22 proto tcp comment \"old\"\n"
	"rule xdp blacklist 0 198.51.100.1/32 comment \"stays\"\n"
	"rule xdp blacklist 1 2001:db8::/32\n"
	"next xdp blacklist 9\n"
	"ratelimit pps 1000 enabled\n";
static const char new_rules[] = "bgo-rules 1\n"
				"policy xdp deny fragments drop\n"
				"policy ingress allow fragments match\n"
				"policy egress allow fragments match\n"
				"rule xdp whitelist 0 203.0.113.0/24 comment \"new\"\n"
				"rule xdp blacklist 0 198.51.100.1/32 comment \"stays\"\n"
				"rule egress blacklist 5 2001:db8::/32\n";

static struct store *open_store(void)
{
	struct store *store = NULL;

	if (store_open(&store, PIN_PATH, STORE_WRITE))
		errx(1, "the store does not open");
	return store;
}

/* Replaces all rules; undone after `confirm_s` unless that is 0. */
static int replace(const char *text, uint32_t confirm_s)
{
	_cleanup_store_ struct store *store = open_store();
	_cleanup_transaction_ struct transaction *txn = NULL;
	_cleanup_fclose_ FILE *in = fmemopen((void *)text, strlen(text), "r");
	int err = in ? transaction_begin(&txn, store) : -EIO;

	if (!err && confirm_s)
		transaction_confirm_within(txn, confirm_s);
	if (!err)
		err = transaction_replace_all(txn);
	if (!err)
		err = ruleset_text_restore(in, "a test's rules", txn);
	return err ? err : transaction_commit(&txn);
}

static void change(void *unused)
{
	(void)unused;
	if (replace(new_rules, 3600) != 1)
		errx(1, "no change");
}

static void confirm(void *unused)
{
	_cleanup_store_ struct store *store = open_store();

	(void)unused;
	if (store_confirm(store) != 1)
		errx(1, "nothing to confirm");
}

static void revert(void *unused)
{
	_cleanup_store_ struct store *store = open_store();

	(void)unused;
	if (store_revert(store, NULL) != 1)
		errx(1, "nothing to undo");
}

/* All that is to be seen: the rules as saved, and "waits" behind them. To free(). */
static char *look(void)
{
	_cleanup_store_ struct store *store = open_store();
	char *text = NULL;
	size_t size;
	FILE *out = open_memstream(&text, &size);

	if (!out || ruleset_text_save(store, out))
		err(1, "save");
	if (store_unconfirmed(store))
		fputs("waits\n", out);
	if (fclose(out))
		err(1, "save");
	return text;
}

static bool waits(void)
{
	_cleanup_store_ struct store *store = open_store();

	return store_unconfirmed(store) != NULL;
}

static void prepare_old(void)
{
	if (waits())
		revert(NULL);
	if (replace(old_rules, 0) < 0)
		errx(1, "no preparation");
}

static void prepare_waiting(void)
{
	prepare_old();
	change(NULL);
}

struct step {
	const char *name;
	void (*prepare)(void);
	void (*run)(void *unused);
	const char *before, *after; /* as look() says */
};

/* Returns whether the step was done when its process died at point n. */
static bool check(const struct step *step, unsigned int n)
{
	_cleanup_free_ char *now = look(), *undone = NULL;
	const bool done = strcmp(now, step->after) == 0;

	if (!done && strcmp(now, step->before) != 0)
		fail_msg("%s, killed at point %u, leaves:\n%s", step->name, n, now);
	if (!waits())
		return done;
	revert(NULL);
	undone = look();
	if (strcmp(undone, old_rules) != 0)
		fail_msg("%s, killed at point %u, is undone to:\n%s", step->name, n, undone);
	return done;
}

/* Of system calls every seventh: test_crash has all of a transaction's, and stores are all here. */
#define CALLS_STEP 7

static void kill_everywhere(const struct step *step)
{
	unsigned int n, tries = 0, done = 0, stores;
	bool died = true;

	for (n = 0; died; n += CALLS_STEP, tries++) {
		step->prepare();
		died = crash_at_syscall(step->run, NULL, n);
		done += check(step, n);
	}
	print_message("%s: killed at %u system calls, %u of them behind the commit\n", step->name,
		      tries - 1, done);
	assert_in_range(done, 2, tries - 2);
	if (!crash_knows_stores())
		return;
	step->prepare();
	stores = crash_record_stores(step->run, NULL);
	done = 0;
	for (n = 0; n <= stores; n++) {
		crash_rewind_to(n);
		done += check(step, n);
	}
	crash_forget();
	print_message("%s: killed at %u stores, %u of them behind the commit\n", step->name,
		      stores + 1, done);
	assert_in_range(done, 1, stores);
}

static char *with_waits(const char *rules)
{
	char *text = NULL;

	if (asprintf(&text, "%swaits\n", rules) < 0)
		err(1, "remember");
	return text;
}

static void making_a_change_that_waits_survives_death_at_every_point(void **state)
{
	_cleanup_free_ char *waiting = with_waits(new_rules);

	(void)state;
	kill_everywhere(&(struct step){"a change", prepare_old, change, old_rules, waiting});
}

static void confirming_survives_death_at_every_point(void **state)
{
	_cleanup_free_ char *waiting = with_waits(new_rules);

	(void)state;
	kill_everywhere(&(struct step){"confirming", prepare_waiting, confirm, waiting, new_rules});
}

static void undoing_survives_death_at_every_point(void **state)
{
	_cleanup_free_ char *waiting = with_waits(new_rules);

	(void)state;
	kill_everywhere(&(struct step){"undoing", prepare_waiting, revert, waiting, old_rules});
}

static void no_other_change_begins_while_one_waits(void **state)
{
	_cleanup_free_ char *waiting = with_waits(new_rules), *now = NULL;

	(void)state;
	prepare_waiting();
	assert_int_equal(replace(old_rules, 0), -EBUSY);
	assert_int_equal(replace(old_rules, 10), -EBUSY);
	now = look();
	assert_string_equal(now, waiting);
	confirm(NULL);
	assert_int_equal(replace(old_rules, 0), 1);
}

static void what_is_not_confirmed_in_time_is_undone_by_whoever_opens(void **state)
{
	_cleanup_store_ struct store *store = NULL;
	_cleanup_free_ char *now = NULL;
	uint64_t end_ns;

	(void)state;
	prepare_old();
	assert_int_equal(replace(new_rules, 1), 1);
	/* Not by looking: that would undo it. */
	end_ns = store_boottime_ns() + 1000000000;
	while (store_boottime_ns() < end_ns)
		usleep(20000);
	assert_int_equal(store_open(&store, PIN_PATH, STORE_READ), 0);
	assert_null(store_unconfirmed(store));
	store_close(take(store));
	now = look();
	assert_string_equal(now, old_rules);
}

static void what_was_undone_is_the_generation_it_went_back_to(void **state)
{
	_cleanup_store_ struct store *store = NULL;
	uint64_t before;

	(void)state;
	prepare_old();
	store = open_store();
	before = store_generation(store);
	store_close(take(store));
	change(NULL);
	store = open_store();
	assert_false(store_is_of(store, before));
	store_close(take(store));
	revert(NULL);
	store = open_store();
	assert_true(store_is_of(store, before));
	assert_true(store_is_of(store, store_generation(store)));
	assert_false(store_is_of(store, before + 1));
	store_close(take(store));
	assert_true(replace(new_rules, 0) == 1);
	store = open_store();
	assert_false(store_is_of(store, before));
}

static void limits_of_both_kinds_come_back(void **state)
{
	static const char limits[] =
		"bgo-rules 1\n"
		"policy xdp allow fragments match\n"
		"policy ingress allow fragments match\n"
		"policy egress allow fragments match\n"
		"ratelimit pps 1000 bps 5000000 burst 7 exempt-whitelist disabled\n"
		"ratelimit-source pps 50 prefix4 24 prefix6 56 enabled\n";
	_cleanup_free_ char *now = NULL;

	(void)state;
	prepare_old();
	assert_int_equal(replace(limits, 0), 1);
	change(NULL);
	revert(NULL);
	now = look();
	assert_string_equal(now, limits);
}

/* As many rules as there may be, twice: what is undone finds slots, hit numbers and comments. */
static void a_full_rule_set_is_undone_by_a_full_one(void **state)
{
	_cleanup_free_ char *before = NULL, *after = NULL;
	char text[2][MAX_RULES * 80];

	(void)state;
	for (int i = 0; i < 2; i++) {
		char *at = stpcpy(text[i], "bgo-rules 1\n");

		for (int rule = 0; rule < MAX_RULES; rule++)
			at += sprintf(at, "rule xdp blacklist %d 10.%d.%d.0/24 comment \"%d %d\"\n",
				      rule, i, rule, i, rule);
	}
	prepare_old();
	assert_int_equal(replace(text[0], 0), 1);
	before = look();
	for (int i = 0; i < 3; i++) {
		assert_int_equal(replace(text[1], 3600), 1);
		revert(NULL);
		after = look();
		assert_string_equal(after, before);
		free(take(after));
	}
}

/* A rule that is there for one more second, then gone. */
static void add_for_a_second(void)
{
	_cleanup_store_ struct store *store = open_store();
	_cleanup_transaction_ struct transaction *txn = NULL;
	const struct rule rule = {.any_protocol = 1, .prefix_len = 32, .addr_host = {0xc0000201}};
	struct added added;
	uint32_t expires_s;

	if (store_expiry_s(store, 1, &expires_s) || transaction_begin(&txn, store) ||
	    transaction_add(txn, HOOK_XDP, LIST_BLACKLIST, &rule, expires_s, NULL, NULL, &added) ||
	    transaction_commit(&txn) != 1)
		errx(1, "no rule for a second");
}

static void wait_a_second(void)
{
	_cleanup_store_ struct store *store = open_store();
	const uint32_t end_s = store_now_s(store) + 2;

	while (store_now_s(store) < end_s)
		usleep(20000);
}

static void a_rule_that_has_expired_does_not_come_back(void **state)
{
	_cleanup_store_ struct store *store = NULL;
	_cleanup_transaction_ struct transaction *txn = NULL;
	_cleanup_free_ char *now = NULL;

	(void)state;
	prepare_old();
	add_for_a_second();
	change(NULL);
	wait_a_second();
	revert(NULL);
	now = look();
	assert_null(strstr(now, "192.0.2.1/32"));
	assert_non_null(strstr(now, "next xdp blacklist 10\n"));
	/* Nor is there anything of it to be removed. */
	store = open_store();
	assert_int_equal(transaction_begin(&txn, store), 0);
	assert_int_equal(transaction_expired(txn), 0);
}

static void that_rules_have_expired_does_not_wait_to_be_confirmed(void **state)
{
	_cleanup_store_ struct store *store = NULL;
	_cleanup_transaction_ struct transaction *txn = NULL;

	(void)state;
	prepare_old();
	add_for_a_second();
	wait_a_second();
	store = open_store();
	assert_int_equal(transaction_begin(&txn, store), 0);
	assert_int_equal(transaction_expired(txn), 1);
	transaction_confirm_within(txn, 3600);
	assert_int_equal(transaction_commit(&txn), 0);
	assert_null(store_unconfirmed(store));
}

/* Larger maps would not hold what there is to go back to: they come with the start after it. */
static void more_room_for_rules_does_not_end_the_waiting(void **state)
{
	_cleanup_store_ struct store *store = NULL;
	_cleanup_free_ char *now = NULL;
	bool created;

	(void)state;
	prepare_waiting();
	assert_int_equal(store_open_or_create(&store, PIN_PATH, 2 * MAX_RULES, &created), 0);
	assert_int_equal(store_max_rules(store), MAX_RULES);
	assert_non_null(store_unconfirmed(store));
	store_close(take(store));
	revert(NULL);
	now = look();
	assert_string_equal(now, old_rules);
	assert_int_equal(store_open_or_create(&store, PIN_PATH, 2 * MAX_RULES, &created), 0);
	assert_int_equal(store_max_rules(store), 2 * MAX_RULES);
}

static int setup(void **state)
{
	_cleanup_store_ struct store *store = NULL;
	bool created;

	(void)state;
	own_bpffs_push();
	return store_open_or_create(&store, PIN_PATH, MAX_RULES, &created);
}

static int teardown(void **state)
{
	(void)state;
	own_bpffs_pop();
	return 0;
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(making_a_change_that_waits_survives_death_at_every_point),
		TEST(confirming_survives_death_at_every_point),
		TEST(undoing_survives_death_at_every_point),
		TEST(no_other_change_begins_while_one_waits),
		TEST(what_is_not_confirmed_in_time_is_undone_by_whoever_opens),
		TEST(what_was_undone_is_the_generation_it_went_back_to),
		TEST(limits_of_both_kinds_come_back),
		TEST(a_full_rule_set_is_undone_by_a_full_one),
		TEST(a_rule_that_has_expired_does_not_come_back),
		TEST(that_rules_have_expired_does_not_wait_to_be_confirmed),
		TEST(more_room_for_rules_does_not_end_the_waiting),
	};

	own_bpffs_enter(0);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
