/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Many at once: writers lose nothing of each other's, and readers and packets meet the state before
 * a commit or the one behind it, never some of both.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <arpa/inet.h>
#include <err.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>

#include "../../src/cidr.h"
#include "../../src/cleanup.h"
#include "../../src/rule.h"
#include "firewall.h"
#include "own_bpffs.h"

#define COMMITS 10000
#define MAX_RULES 8192

static struct rule rule(const char *cidr)
{
	struct rule parsed = {.any_protocol = 1};
	const char *error;

	if (cidr_parse(cidr, strlen(cidr), &parsed, &error))
		errx(1, "%s: %s", cidr, error);
	return parsed;
}

/* The n-th host of 198.18.0.0/15. */
static struct rule host(uint32_t n)
{
	struct rule numbered = rule("198.18.0.0");

	numbered.addr_host[0] += n;
	return numbered;
}

static struct store *open_store(enum store_access access)
{
	struct store *store = NULL;

	if (store_open(&store, PIN_PATH, access))
		errx(1, "the store does not open");
	return store;
}

static struct transaction *begin(struct store *store)
{
	struct transaction *txn;

	if (transaction_begin(&txn, store))
		errx(1, "no transaction");
	return txn;
}

static void commit(struct transaction *txn)
{
	if (transaction_commit(&txn) != 1)
		errx(1, "no commit");
}

static uint32_t add(struct transaction *txn, enum hook hook, enum list list, const struct rule *new)
{
	struct added added;

	if (transaction_add(txn, hook, list, new, 0, NULL, NULL, &added) || added.present)
		errx(1, "a rule is not added");
	return added.index;
}

static int new_store(void **state)
{
	struct store *store;
	bool created;

	(void)state;
	own_bpffs_push();
	if (store_open_or_create(&store, PIN_PATH, MAX_RULES, &created))
		errx(1, "no store");
	store_close(store);
	return 0;
}

static int leave_store(void **state)
{
	(void)state;
	own_bpffs_pop();
	return 0;
}

/* What processes tell each other. */
static void *shared_memory(size_t size)
{
	void *memory = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);

	if (memory == MAP_FAILED)
		err(1, "shared memory");
	return memory;
}

/* Waits for all of `count` child processes. Fails when one of them did. */
static void wait_for_children(int count)
{
	int failed = 0;

	for (int i = 0; i < count; i++) {
		int status;

		assert_true(wait(&status) > 0);
		failed += status != 0;
	}
	assert_int_equal(failed, 0);
}

/* -- Writers -- */

#define WRITERS 64
#define CHANGES 100

/* Of each four changes of a writer the last takes the rule away that the one before it added. */
static bool stays(uint32_t change)
{
	return change % 4 < 2;
}

static void write_as(uint32_t writer)
{
	uint32_t index = 0;

	for (uint32_t change = 0; change < CHANGES; change++) {
		_cleanup_store_ struct store *store = open_store(STORE_WRITE);
		struct transaction *txn = begin(store);
		struct rule new = host(writer * CHANGES + change), removed;

		if (change % 4 != 3)
			index = add(txn, HOOK_XDP, LIST_BLACKLIST, &new);
		else if (transaction_remove(txn, HOOK_XDP, LIST_BLACKLIST, index, &removed))
			errx(1, "a rule is not removed");
		commit(txn);
	}
}

static void sixty_four_writers_lose_none_of_6400_changes(void **state)
{
	_cleanup_store_ struct store *store = NULL;
	_cleanup_transaction_ struct transaction *txn = NULL;
	uint32_t index;

	(void)state;
	for (uint32_t writer = 0; writer < WRITERS; writer++)
		if (fork() == 0) {
			write_as(writer);
			_exit(0);
		}
	wait_for_children(WRITERS);
	store = open_store(STORE_WRITE);
	assert_int_equal(store_rule_count(store), WRITERS * CHANGES / 2);
	assert_int_equal(store_ruleset(store)->lists[HOOK_XDP][LIST_BLACKLIST].next_index,
			 WRITERS * CHANGES * 3 / 4);
	txn = begin(store);
	for (uint32_t n = 0; n < WRITERS * CHANGES; n++) {
		struct rule wanted = host(n);

		assert_int_equal(transaction_find(txn, HOOK_XDP, LIST_BLACKLIST, &wanted, &index),
				 stays(n % CHANGES) ? 0 : -ENOENT);
	}
}

/* -- Readers -- */

#define READERS 2
/* A new limit waits until no packet uses the one before the last, so not each commit has one. */
#define COMMITS_PER_LIMIT 100

/* Commit n makes n the only rule of two lists, its parity two policies, its hundreds the limit. */
static void write_number(uint32_t n)
{
	_cleanup_store_ struct store *store = open_store(STORE_WRITE);
	struct transaction *txn = begin(store);
	const struct rate_limit limit = {.pps = 1 + n / COMMITS_PER_LIMIT, .enabled = 1};
	struct rule numbered = host(n);

	transaction_clear(txn, HOOK_XDP, LIST_BLACKLIST);
	transaction_clear(txn, HOOK_EGRESS, LIST_WHITELIST);
	add(txn, HOOK_XDP, LIST_BLACKLIST, &numbered);
	add(txn, HOOK_EGRESS, LIST_WHITELIST, &numbered);
	transaction_policy(txn, HOOK_INGRESS, n % 2);
	transaction_fragments(txn, HOOK_XDP, n % 2);
	if (transaction_rate_limit(txn, &limit))
		errx(1, "no limit");
	commit(txn);
}

/* The number of the list's only rule. */
static uint32_t only_rule(const struct store *store, enum hook hook, enum list list)
{
	const struct rule_view view = store_rules(store, hook, list);
	const struct rule_slot *only = NULL;

	for (uint32_t i = 0; i < view.count; i++)
		if (rule_slot_live(&view.slots[i], view.generation)) {
			if (only)
				errx(1, "two rules at once");
			only = &view.slots[i];
		}
	if (!only)
		errx(1, "no rule at all");
	return only->rule.addr_host[0] - host(0).addr_host[0];
}

/* Which rule of the graph, if any, a packet from the n-th host meets. */
static bool graph_matches(const struct store *store, uint32_t n)
{
	const struct graph_list *graphs =
		&store_ruleset(store)->hooks[HOOK_XDP].lists[LIST_BLACKLIST][FAMILY_IPV4];
	const uint32_t key[KEY_WORDS] = {host(n).addr_host[0]};
	uint32_t count;
	const struct node *nodes = store_nodes(store, &count);

	return classifier_match(nodes, count, graphs, key, 0) >= 0;
}

static uint32_t read_number(void)
{
	_cleanup_store_ struct store *store = open_store(STORE_READ);
	const uint32_t n = only_rule(store, HOOK_XDP, LIST_BLACKLIST);
	const struct ruleset *ruleset = store_ruleset(store);

	if (only_rule(store, HOOK_EGRESS, LIST_WHITELIST) != n ||
	    store_rate_limit(store)->pps != 1 + n / COMMITS_PER_LIMIT ||
	    ruleset->hooks[HOOK_INGRESS].default_deny != n % 2 ||
	    ruleset->hooks[HOOK_XDP].drop_fragments != n % 2)
		errx(1, "parts of two states, one of them %u", n);
	if (!graph_matches(store, n) || graph_matches(store, n - 1) || graph_matches(store, n + 1))
		errx(1, "the graph is not that of state %u", n);
	return n;
}

/*
 * Between two openings by one process: one that takes the lock again at once is there before those
 * it woke. A command would first have to start.
 */
static void pause_as_a_command(void)
{
	const struct timespec pause = {.tv_nsec = 2000000};

	nanosleep(&pause, NULL);
}

/* Until the last commit is seen. Adds how many different states were. */
static void read_all(uint32_t *seen)
{
	uint32_t last = 0;

	for (; last != COMMITS; pause_as_a_command()) {
		uint32_t n = read_number();

		if (n < last)
			errx(1, "state %u behind state %u", n, last);
		if (n != last)
			__atomic_add_fetch(seen, 1, __ATOMIC_RELAXED);
		last = n;
	}
}

static void readers_during_10000_commits_see_no_mix(void **state)
{
	uint32_t *seen = shared_memory(sizeof(*seen));

	(void)state;
	write_number(1);
	for (int reader = 0; reader < READERS; reader++)
		if (fork() == 0) {
			read_all(seen);
			_exit(0);
		}
	for (uint32_t n = 2; n <= COMMITS; n++) {
		write_number(n);
		usleep(50); /* the next command would need longer to begin */
	}
	wait_for_children(READERS);
	print_message("%d readers saw %u states\n", READERS, *seen);
	assert_true(*seen >= 100);
	munmap(seen, sizeof(*seen));
}

/* -- Packets -- */

/*
 * Two states pass the same packets and drop the same packets, each for another reason: one names
 * what it drops, the other names what it passes. Any part of one with a part of the other passes or
 * drops something else.
 */
static const struct {
	const char *peer;
	bool passes;
} peers[] = {
	{PEER4, true},
	{PEER4_AFTER, false},
	{PEER6, true},
	{PEER6_AFTER, false},
};
#define PEERS (sizeof(peers) / sizeof(peers[0]))

struct traffic {
	bool stop;
	uint64_t rounds; /* a packet of each peer at each hook */
	uint64_t wrong;	 /* verdicts */
};

static void set_state(struct store *store, bool names_what_passes)
{
	struct transaction *txn = begin(store);

	for (enum hook hook = 0; hook < HOOK_COUNT; hook++) {
		transaction_clear(txn, hook, LIST_WHITELIST);
		transaction_clear(txn, hook, LIST_BLACKLIST);
		for (size_t i = 0; i < PEERS; i++) {
			struct rule peer = rule(peers[i].peer);

			if (peers[i].passes == names_what_passes)
				add(txn, hook, names_what_passes ? LIST_WHITELIST : LIST_BLACKLIST,
				    &peer);
		}
		transaction_policy(txn, hook, names_what_passes);
	}
	commit(txn);
}

static void send_packets(const struct firewall *firewall, struct traffic *traffic)
{
	struct packet_bytes packets[HOOK_COUNT][PEERS];

	for (enum hook hook = 0; hook < HOOK_COUNT; hook++)
		for (size_t i = 0; i < PEERS; i++) {
			const struct packet_spec spec = {.peer = peers[i].peer, .port = 53};

			packet_build(&packets[hook][i], &spec, hook == HOOK_EGRESS);
		}
	while (!__atomic_load_n(&traffic->stop, __ATOMIC_RELAXED)) {
		for (enum hook hook = 0; hook < HOOK_COUNT; hook++)
			for (size_t i = 0; i < PEERS; i++) {
				struct run run;

				if (firewall_run(firewall, hook, &packets[hook][i], 0, 1, &run))
					errx(1, "a test run fails");
				traffic->wrong += run.dropped == peers[i].passes;
			}
		__atomic_add_fetch(&traffic->rounds, 1, __ATOMIC_RELAXED);
	}
}

/* Both states were met, and nothing else. */
static void check_counters(const struct firewall *firewall, enum hook hook, uint64_t rounds)
{
	const uint64_t each_way = rounds * PEERS / 2;
	struct counter reasons[REASON_SLOTS];

	assert_int_equal(store_stats(firewall->store, hook, reasons), 0);
	print_message("%s: %llu packets, %llu of them judged by the first state\n", hook_name(hook),
		      (unsigned long long)each_way * 2,
		      (unsigned long long)(reasons[REASON_ALLOWED_DEFAULT].packets +
					   reasons[REASON_BLOCKED_BLACKLIST].packets));
	assert_int_equal(reasons[REASON_ALLOWED_DEFAULT].packets +
				 reasons[REASON_ALLOWED_WHITELIST].packets,
			 each_way);
	assert_int_equal(reasons[REASON_BLOCKED_DEFAULT].packets +
				 reasons[REASON_BLOCKED_BLACKLIST].packets,
			 each_way);
	assert_true(reasons[REASON_ALLOWED_DEFAULT].packets > 0);
	assert_true(reasons[REASON_ALLOWED_WHITELIST].packets > 0);
	assert_true(reasons[REASON_BLOCKED_DEFAULT].packets > 0);
	assert_true(reasons[REASON_BLOCKED_BLACKLIST].packets > 0);
}

static void packets_during_10000_commits_meet_no_mix(void **state)
{
	struct traffic *traffic = shared_memory(sizeof(*traffic));
	struct firewall firewall;

	(void)state;
	firewall_setup(&firewall, false);
	set_state(firewall.store, false);
	if (fork() == 0) {
		send_packets(&firewall, traffic);
		_exit(0);
	}
	while (!__atomic_load_n(&traffic->rounds, __ATOMIC_RELAXED))
		usleep(1000);
	for (int n = 1; n <= COMMITS; n++)
		set_state(firewall.store, n % 2);
	__atomic_store_n(&traffic->stop, true, __ATOMIC_RELAXED);
	wait_for_children(1);
	assert_int_equal(traffic->wrong, 0);
	for (enum hook hook = 0; hook < HOOK_COUNT; hook++)
		check_counters(&firewall, hook, traffic->rounds);
	firewall_teardown(&firewall);
	munmap(traffic, sizeof(*traffic));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(sixty_four_writers_lose_none_of_6400_changes,
						new_store, leave_store),
		cmocka_unit_test_setup_teardown(readers_during_10000_commits_see_no_mix, new_store,
						leave_store),
		cmocka_unit_test(packets_during_10000_commits_meet_no_mix),
	};

	own_bpffs_enter(0);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
