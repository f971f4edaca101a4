/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * kill -9 at every point of every change: a writer dies before each of its stores to a map and
 * before each of its system calls. Each time readers, packets and the next writer must see the old
 * state or the new one, and nothing between.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <arpa/inet.h>
#include <err.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "../../bpf/map_list.h"
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

static const char initial[] =
	"bgo-rules 1\n"
	"policy ingress deny fragments match\n"
	"rule xdp whitelist 0 " PEER4_BEFORE "/32 comment \"old\"\n"
	"rule xdp blacklist 0 " PEER4 "/32\n"
	"rule xdp blacklist 1 " PEER6 "/128 expires 2100-01-01T00:00:00Z comment \"ban\"\n"
	"ratelimit pps 1000000 enabled\n"
	"service " HOST4 " port 80 proto udp mode nat enabled\n"
	"server " HOST4 " port 80 proto udp to 203.0.113.5 port 8080 weight 1\n";

/* Everything that can be seen of the firewall. */
struct state {
	char *text;	      /* as saved; NULL: there is no firewall */
	bool dropped[PROBES]; /* what the loaded programs do at XDP */
	bool refused;	      /* the same, to who begins a connection to the service */
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

static bool drops(const struct firewall *firewall, const struct packet_spec *spec)
{
	struct packet_bytes packet;
	struct run run;

	packet_build(&packet, spec, false);
	if (firewall_run(firewall, HOOK_XDP, &packet, 0, 1, &run))
		errx(1, "a packet does not run");
	return run.dropped;
}

static struct state look(const struct firewall *firewall)
{
	static struct packet_spec client = {
		.peer = PEER4_BEFORE, .protocol = IPPROTO_UDP, .port = 80};
	struct state state = {.text = saved_text()};

	for (size_t i = 0; i < PROBES; i++)
		state.dropped[i] =
			drops(firewall, &(struct packet_spec){.peer = probes[i], .port = 53});
	client.from_port++; /* never a connection that is there */
	state.refused = drops(firewall, &client);
	return state;
}

static bool same_state(const struct state *a, const struct state *b)
{
	return strcmp(a->text, b->text) == 0 && a->refused == b->refused &&
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
		if (transaction_add(txn, HOOK_XDP, LIST_BLACKLIST, &rule, 0, i ? NULL : "new", NULL,
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

/* PEER6 once more, for longer. */
static void renew_a_rule(void *unused)
{
	struct store *store;
	struct transaction *txn = begin(&store);
	const struct rule rule = {
		.any_protocol = 1,
		.family = FAMILY_IPV6,
		.prefix_len = 128,
		.addr_host = {0x20010db8, 0x00770000, 0, 0x7a},
	};
	struct added added;

	(void)unused;
	if (transaction_add(txn, HOOK_XDP, LIST_BLACKLIST, &rule, UINT32_MAX, NULL, NULL, &added) ||
	    !added.renewed)
		errx(1, "renew");
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

static void change_services(int (*change)(struct transaction *txn, struct lvs_model *model,
					  struct lvs_model_service *service))
{
	struct store *store;
	struct transaction *txn = begin(&store);
	struct lvs_model *model;

	if (transaction_lvs(txn, &model) || change(txn, model, &model->services[0]))
		errx(1, "change services");
	commit(store, txn);
}

static int add_second(struct transaction *txn, struct lvs_model *model,
		      struct lvs_model_service *service)
{
	struct lvs_endpoint rip = service->vip;

	rip.addr_be[0] = htonl(0xcb007106); /* 203.0.113.6 */
	return lvs_add_server(model, transaction_lvs_before(txn), service, &rip, 1, false);
}

static void add_a_server(void *unused)
{
	(void)unused;
	change_services(add_second);
}

static int drain_first(struct transaction *txn, struct lvs_model *model,
		       struct lvs_model_service *service)
{
	(void)txn;
	(void)model;
	service->servers[0].draining = true;
	return 0;
}

static void drain_a_server(void *unused)
{
	(void)unused;
	change_services(drain_first);
}

static int remove_first(struct transaction *txn, struct lvs_model *model,
			struct lvs_model_service *service)
{
	(void)txn;
	lvs_remove_service(model, service);
	return 0;
}

static void remove_a_service(void *unused)
{
	(void)unused;
	change_services(remove_first);
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

static void setup(struct firewall *firewall)
{
	bool created;

	own_bpffs_push();
	if (store_open_or_create(&firewall->store, PIN_PATH, MAX_RULES, &created) ||
	    programs_load(&firewall->programs, firewall->store, false))
		errx(1, "no firewall");
	store_close(firewall->store);
	restore(initial);
}

static void teardown(struct firewall *firewall)
{
	programs_unload(firewall->programs);
	own_bpffs_pop();
}

/* The table of a service is thousands of stores, all alike: of those in the middle some are tried.
 */
#define STORES_AT_ENDS 100
#define STORES_STEP 97

/* Every prefix of the change's stores is what a death would leave. */
static void kill_at_stores(const struct firewall *firewall, const struct change *change,
			   const struct state *before, const struct state *after)
{
	const unsigned int stores = crash_record_stores(change->run, change->data);
	unsigned int committed = 0;

	for (unsigned int n = 0; n <= stores; n++) {
		if (n > STORES_AT_ENDS && n + STORES_AT_ENDS < stores && n % STORES_STEP)
			continue;
		crash_rewind_to(n);
		committed += check_point(firewall, change, before, after, n);
	}
	crash_forget();
	print_message("%s: killed at some of %u stores, %u of them behind the commit\n",
		      change->name, stores + 1, committed);
	/* Both states were met, so the commit is within what was tried. */
	assert_in_range(committed, 1, stores);
}

static void kill_at_calls(const struct firewall *firewall, const struct change *change,
			  const struct state *before, const struct state *after)
{
	unsigned int n, committed = 0;

	for (n = 0; crash_at_syscall(change->run, change->data, n); n++)
		committed += check_point(firewall, change, before, after, n);
	/* The last one lived. */
	restore(before->text);
	print_message("%s: killed at %u system calls, %u of them behind the commit\n", change->name,
		      n, committed);
	assert_in_range(committed, 1, n - 1);
}

static void kill_everywhere(const struct change *change)
{
	_cleanup_(state_free) struct state before = {}, after = {};
	struct firewall firewall = {};

	setup(&firewall);
	before = look(&firewall);
	change->run(change->data);
	after = look(&firewall);
	assert_false(same_state(&before, &after));
	restore(initial);
	kill_at_calls(&firewall, change, &before, &after);
	if (crash_knows_stores())
		kill_at_stores(&firewall, change, &before, &after);
	teardown(&firewall);
}

static void adding_a_rule_survives_death_at_every_point(void **state)
{
	int count = 1;

	(void)state;
	kill_everywhere(&(struct change){"adding a rule", add_rules, &count});
}

static void a_batch_survives_death_at_every_point(void **state)
{
	int count = 40;

	(void)state;
	kill_everywhere(&(struct change){"a batch of 40 rules", add_rules, &count});
}

static void removing_a_rule_survives_death_at_every_point(void **state)
{
	(void)state;
	kill_everywhere(&(struct change){"removing a rule", remove_a_rule, NULL});
}

static void renewing_a_rule_survives_death_at_every_point(void **state)
{
	(void)state;
	kill_everywhere(&(struct change){"renewing a rule", renew_a_rule, NULL});
}

static void policies_and_limits_survive_death_at_every_point(void **state)
{
	(void)state;
	kill_everywhere(&(struct change){"policies and limits", set_policies_and_limit, NULL});
}

static void a_restore_survives_death_at_every_point(void **state)
{
	(void)state;
	kill_everywhere(&(struct change){"a restore", restore_other_rules, NULL});
}

static void adding_a_real_server_survives_death_at_every_point(void **state)
{
	(void)state;
	kill_everywhere(&(struct change){"adding a real server", add_a_server, NULL});
}

static void draining_a_real_server_survives_death_at_every_point(void **state)
{
	(void)state;
	kill_everywhere(&(struct change){"draining a real server", drain_a_server, NULL});
}

static void removing_a_service_survives_death_at_every_point(void **state)
{
	(void)state;
	kill_everywhere(&(struct change){"removing a service", remove_a_service, NULL});
}

/*
 * -- What makes, replaces and removes the pins themselves; migrations are in test_migrate.c --
 *
 * All of these store only into maps that are not pinned yet, so what matters is where between two
 * system calls they die.
 */

static void make_store(void *unused)
{
	_cleanup_store_ struct store *store = NULL;
	bool created;

	(void)unused;
	if (store_open_or_create(&store, PIN_PATH, MAX_RULES, &created))
		errx(1, "the store is not made");
}

static void remove_store(void *unused)
{
	(void)unused;
	if (store_remove(PIN_PATH))
		errx(1, "the store is not removed");
}

/* As many rules and comments as the maps of a new store hold: the next ones need larger maps. */
static void make_full_store(void *unused)
{
	int count = RULE_SLOTS_MIN - 1;
	struct store *store;
	struct transaction *txn;
	struct rule rule = {.any_protocol = 1, .prefix_len = 32, .addr_host = {0xc6336400}};
	struct added added;

	make_store(unused);
	txn = begin(&store);
	for (int i = 0; i < count; i++, rule.addr_host[0]++)
		if (transaction_add(txn, HOOK_XDP, LIST_BLACKLIST, &rule, 0,
				    i < COMMENT_SLOTS_MIN - 1 ? "full" : NULL, NULL, &added))
			errx(1, "fill");
	commit(store, txn);
}

static void make_store_with_rules(void *unused)
{
	make_store(unused);
	restore(initial);
}

static void make_empty_bpffs(void *unused)
{
	(void)unused;
}

/* The rules as saved, or "" when there is no firewall. */
static char *text_or_none(void)
{
	struct store *store = NULL;
	int err = store_open(&store, PIN_PATH, STORE_READ);

	store_close(store);
	if (err && err != -ENOENT)
		errx(1, "the store is damaged");
	return err ? strdup("") : saved_text();
}

/*
 * Kills the change at every point, each time on a bpffs made anew by prepare(). Then there must be
 * the old or the new rules, or firewall, and doing it again must give the new.
 */
static void kill_on_new_pins(const char *name, void (*prepare)(void *), void (*change)(void *),
			     void *data)
{
	_cleanup_free_ char *before = NULL, *after = NULL;
	bool died = true;
	unsigned int n = 0;

	own_bpffs_push();
	prepare(NULL);
	before = text_or_none();
	change(data);
	after = text_or_none();
	own_bpffs_pop();
	for (; died; n++) {
		_cleanup_free_ char *now = NULL, *again = NULL;

		own_bpffs_push();
		prepare(NULL);
		died = crash_at_syscall(change, data, n);
		now = text_or_none();
		if (strcmp(now, before) != 0 && strcmp(now, after) != 0)
			fail_msg("%s, killed at point %u, leaves:\n%s", name, n, now);
		/* A removal that was done is not to be done again. */
		if (change != remove_store || *now || access(PIN_PATH, F_OK) == 0)
			change(data);
		again = text_or_none();
		if (strcmp(again, after) != 0)
			fail_msg("%s again after death at point %u leaves:\n%s", name, n, again);
		own_bpffs_pop();
	}
	assert_true(n > 1);
	print_message("%s: killed at %u system calls\n", name, n - 1);
}

static void making_the_pins_survives_death_at_every_point(void **state)
{
	(void)state;
	kill_on_new_pins("making the pins", make_empty_bpffs, make_store, NULL);
}

static void growing_a_list_and_comments_survives_death_at_every_point(void **state)
{
	int count = 2;

	(void)state;
	kill_on_new_pins("growing a list", make_full_store, add_rules, &count);
}

static void cleanup_survives_death_at_every_point(void **state)
{
	(void)state;
	kill_on_new_pins("cleanup", make_store_with_rules, remove_store, NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(adding_a_rule_survives_death_at_every_point),
		cmocka_unit_test(a_batch_survives_death_at_every_point),
		cmocka_unit_test(removing_a_rule_survives_death_at_every_point),
		cmocka_unit_test(renewing_a_rule_survives_death_at_every_point),
		cmocka_unit_test(policies_and_limits_survive_death_at_every_point),
		cmocka_unit_test(a_restore_survives_death_at_every_point),
		cmocka_unit_test(adding_a_real_server_survives_death_at_every_point),
		cmocka_unit_test(draining_a_real_server_survives_death_at_every_point),
		cmocka_unit_test(removing_a_service_survives_death_at_every_point),
		cmocka_unit_test(making_the_pins_survives_death_at_every_point),
		cmocka_unit_test(growing_a_list_and_comments_survives_death_at_every_point),
		cmocka_unit_test(cleanup_survives_death_at_every_point),
	};

	own_bpffs_enter(0);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
