/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * kill -9 at every point of every change: a writer is killed before each of its stores to a map and
 * around each of its system calls. Each time readers, packets and the next writer must see the
 * old state or the new one, and nothing between.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <err.h>
#include <stdlib.h>
#include <string.h>

#include "../../src/cleanup.h"
#include "../../src/ruleset_text.h"
#include "crash.h"
#include "firewall.h"
#include "own_bpffs.h"

#define MAX_RULES 300

/* Sources that the rules below tell apart. */
static const char *const probes[] = {PEER4, PEER4_BEFORE, PEER4_AFTER,
				     PEER6, PEER6_BEFORE, PEER6_AFTER};
#define PROBES (sizeof(probes) / sizeof(*probes))

static const char initial[] = "bgo-rules 1\n"
			      "policy ingress deny fragments match\n"
			      "rule xdp whitelist 0 " PEER4_BEFORE "/32 comment \"old\"\n"
			      "rule xdp blacklist 0 " PEER4 "/32\n"
			      "rule xdp blacklist 1 " PEER6 "/128\n"
			      "ratelimit pps 1000000 enabled\n";

/* Everything that can be seen of the firewall. */
struct state {
	char *text;	      /* as saved; NULL: there is no firewall */
	bool dropped[PROBES]; /* what the loaded programs do at XDP */
};

static void state_free(struct state *state)
{
	free(state->text);
}

static struct store *open_store(enum store_access access)
{
	struct store *store = NULL;

	if (store_open(&store, PIN_PATH, access))
		errx(1, "the store does not open");
	return store;
}

static char *saved_text(void)
{
	_cleanup_store_ struct store *store = open_store(STORE_READ);
	char *text = NULL;
	size_t size;
	FILE *out = open_memstream(&text, &size);

	if (!out || ruleset_text_save(store, out) || fclose(out))
		err(1, "save");
	return text;
}

static struct state look(const struct firewall *firewall)
{
	struct state state = {.text = saved_text()};

	for (size_t i = 0; i < PROBES; i++) {
		const struct packet_spec spec = {.peer = probes[i], .port = 53};
		struct packet_bytes packet;
		struct run run;

		packet_build(&packet, &spec, false);
		if (firewall_run(firewall, HOOK_XDP, &packet, 0, 1, &run))
			errx(1, "a packet does not run");
		state.dropped[i] = run.dropped;
	}
	return state;
}

static bool same_state(const struct state *a, const struct state *b)
{
	return strcmp(a->text, b->text) == 0 &&
	       memcmp(a->dropped, b->dropped, sizeof(a->dropped)) == 0;
}

static void restore(const char *text)
{
	_cleanup_store_ struct store *store = open_store(STORE_WRITE);
	_cleanup_transaction_ struct transaction *txn = NULL;
	_cleanup_fclose_ FILE *in = fmemopen((void *)text, strlen(text), "r");

	if (!in || transaction_begin(&txn, store) || transaction_replace_all(txn) ||
	    ruleset_text_restore(in, "a test's rules", txn) || transaction_commit(&txn) < 0)
		errx(1, "restore");
}

/* -- The changes -- */

static struct transaction *begin(struct store **store)
{
	struct transaction *txn = NULL;

	*store = open_store(STORE_WRITE);
	if (transaction_begin(&txn, *store))
		errx(1, "begin");
	return txn;
}

static void commit(struct store *store, struct transaction *txn)
{
	if (transaction_commit(&txn) < 0)
		errx(1, "commit");
	store_close(store);
}

static void add_rules(void *count)
{
	struct store *store;
	struct transaction *txn = begin(&store);
	struct rule rule = {.any_protocol = 1, .prefix_len = 32, .addr_host = {0xc000024e}};
	struct added added;

	/* PEER4_AFTER, with a comment, and neighbours of it. */
	for (int i = 0; i < *(int *)count; i++, rule.addr_host[0]++)
		if (transaction_add(txn, HOOK_XDP, LIST_BLACKLIST, &rule, i ? NULL : "new", NULL,
				    &added))
			errx(1, "add");
	commit(store, txn);
}

static void remove_a_rule(void *unused)
{
	struct store *store;
	struct transaction *txn = begin(&store);
	struct rule removed;

	(void)unused;
	if (transaction_remove(txn, HOOK_XDP, LIST_BLACKLIST, 1, &removed))
		errx(1, "remove");
	commit(store, txn);
}

static void set_policies_and_limit(void *unused)
{
	struct store *store;
	struct transaction *txn = begin(&store);
	struct rate_limit limit = {.pps = 2000000, .bps = 1000000000, .enabled = 1};

	(void)unused;
	transaction_policy(txn, HOOK_XDP, true);
	transaction_fragments(txn, HOOK_EGRESS, true);
	if (transaction_rate_limit(txn, &limit))
		errx(1, "limit");
	commit(store, txn);
}

static void restore_other_rules(void *unused)
{
	(void)unused;
	restore("bgo-rules 1\n"
		"policy xdp deny fragments match\n"
		"rule xdp whitelist 4 " PEER6_AFTER "/128 comment \"other\"\n"
		"rule xdp blacklist 0 " PEER4 "/32\n"
		"rule egress blacklist 7 " PEER4 "/32 port 53 proto udp\n");
}

/* -- One change, killed everywhere -- */

struct change {
	const char *name;
	void (*run)(void *data);
	void *data;
};

/* What is to be seen after the death at point n. Returns whether that was behind the commit. */
static bool check_point(const struct firewall *firewall, const struct change *change,
			const struct state *before, const struct state *after, unsigned int n)
{
	_cleanup_(state_free) struct state now = look(firewall);
	bool committed = same_state(&now, after);

	if (!committed && !same_state(&now, before))
		fail_msg("%s, killed at point %u, leaves neither the old nor the new state:\n%s",
			 change->name, n, now.text);
	/* The next writer does the same, whatever the dead one left. */
	restore(before->text);
	change->run(change->data);
	state_free(&now);
	now = look(firewall);
	if (!same_state(&now, after))
		fail_msg("after %s was killed at point %u the next writer's result is:\n%s",
			 change->name, n, now.text);
	restore(before->text);
	return committed;
}

static void kill_everywhere(const struct change *change, enum crash_at at)
{
	_cleanup_(state_free) struct state before = {}, after = {};
	struct firewall firewall = {};
	unsigned int n = 0, committed = 0;
	bool created;

	own_bpffs_push();
	if (store_open_or_create(&firewall.store, PIN_PATH, MAX_RULES, &created) ||
	    programs_load(&firewall.programs, firewall.store, false))
		errx(1, "no firewall");
	store_close(firewall.store);
	restore(initial);
	before = look(&firewall);
	change->run(change->data);
	after = look(&firewall);
	assert_false(same_state(&before, &after));
	restore(initial);
	for (; crash_run(change->run, change->data, at, n); n++)
		committed += check_point(&firewall, change, &before, &after, n);
	/* Both states were met, so the commit is within what was tried. */
	assert_true(n > 0);
	if (at == CRASH_AT_STORE)
		assert_in_range(committed, 1, n - 1);
	print_message("%s: killed at %u %s, %u of them behind the commit\n", change->name, n,
		      at == CRASH_AT_STORE ? "stores" : "system call stops", committed);
	programs_unload(firewall.programs);
	own_bpffs_pop();
}

static void kill_at_stores_and_calls(const struct change *change)
{
	if (crash_knows_stores())
		kill_everywhere(change, CRASH_AT_STORE);
	kill_everywhere(change, CRASH_AT_SYSCALL);
}

static void adding_a_rule_survives_death_at_every_point(void **state)
{
	int count = 1;

	(void)state;
	kill_at_stores_and_calls(&(struct change){"adding a rule", add_rules, &count});
}

static void a_batch_survives_death_at_every_point(void **state)
{
	int count = 40;

	(void)state;
	kill_at_stores_and_calls(&(struct change){"a batch of 40 rules", add_rules, &count});
}

static void removing_a_rule_survives_death_at_every_point(void **state)
{
	(void)state;
	kill_at_stores_and_calls(&(struct change){"removing a rule", remove_a_rule, NULL});
}

static void policies_and_limits_survive_death_at_every_point(void **state)
{
	(void)state;
	kill_at_stores_and_calls(
		&(struct change){"policies and limits", set_policies_and_limit, NULL});
}

static void a_restore_survives_death_at_every_point(void **state)
{
	(void)state;
	kill_at_stores_and_calls(&(struct change){"a restore", restore_other_rules, NULL});
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(adding_a_rule_survives_death_at_every_point),
		cmocka_unit_test(a_batch_survives_death_at_every_point),
		cmocka_unit_test(removing_a_rule_survives_death_at_every_point),
		cmocka_unit_test(policies_and_limits_survive_death_at_every_point),
		cmocka_unit_test(a_restore_survives_death_at_every_point),
	};

	own_bpffs_enter(0);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
