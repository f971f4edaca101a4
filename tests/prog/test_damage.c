/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Pins whose contents are damaged: whatever bytes a map holds, a command does its work or fails
 * with an error. It does not crash and it does not hang. Each round damages a store of its own at
 * random and runs every kind of command on it in a process of its own. With BGO_SOAK_ROUNDS=n each
 * map gets n rounds instead of a few.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "../../src/cleanup.h"
#include "../../src/rule.h"
#include "../../src/ruleset_text.h"
#include "../../src/store_internal.h"
#include "../oracle/random.h"
#include "own_bpffs.h"

#define MAX_RULES 600
#define RULES 24
#define ROUNDS 30
#define CPU_SECONDS 20	 /* a loop without end; a command takes some milliseconds */
#define WALL_SECONDS 300 /* a wait without end, also on a machine that stands still at times */

static struct random number = {.state = 1};

/* Neighbours of both families, with and without ports. */
static struct rule nth_rule(uint32_t n)
{
	struct rule rule = {
		.addr_host = {0xc0000200 + n * 16},
		.family = FAMILY_IPV4,
		.prefix_len = 28,
		.any_protocol = 1,
	};

	if (n % 3 == 1)
		rule = (struct rule){
			.addr_host = {0x20010db8, n << 16},
			.family = FAMILY_IPV6,
			.prefix_len = 48,
			.any_protocol = 1,
		};
	if (n % 2)
		rule.port_min_host = rule.port_max_host = (uint16_t)(20 + n);
	return rule;
}

static int add_rules(struct store *store, uint32_t first, uint32_t count, bool replace)
{
	_cleanup_transaction_ struct transaction *txn = NULL;
	struct added added;
	int err = transaction_begin(&txn, store);

	if (!err && replace)
		err = transaction_replace_all(txn);
	for (uint32_t n = first; !err && n < first + count; n++) {
		const struct rule rule = nth_rule(n);

		err = transaction_add(txn, HOOK_XDP, LIST_BLACKLIST, &rule, 0, "a comment", NULL,
				      &added);
	}
	return err ? err : transaction_commit(&txn);
}

/* -- The commands. Their results are of no interest. -- */

static void list_and_save(void)
{
	_cleanup_store_ struct store *store = NULL;
	_cleanup_fclose_ FILE *out = fopen("/dev/null", "w");
	struct counter stats[REASON_SLOTS];
	const struct node *nodes;
	struct rule_view view;
	uint32_t count;

	if (!out || store_open(&store, PIN_PATH, STORE_READ))
		return;
	(void)ruleset_text_save(store, out);
	(void)store_stats(store, HOOK_XDP, stats);
	view = store_rules(store, HOOK_XDP, LIST_BLACKLIST);
	for (uint32_t i = 0; i < view.count; i++)
		fprintf(out, "%ju", (uintmax_t)store_hits(store, &view.slots[i]));
	nodes = store_nodes(store, &count);
	for (uint32_t n = 0; nodes && n < RULES; n++) {
		const struct rule rule = nth_rule(n);
		uint32_t key[KEY_WORDS] = {0};

		memcpy(key, rule.addr_host, sizeof(rule.addr_host));
		(void)classifier_match(
			nodes, count,
			&store_ruleset(store)->hooks[HOOK_XDP].lists[LIST_BLACKLIST][rule.family],
			key, 0);
	}
}

static void add_one_and_remove_one(void)
{
	_cleanup_store_ struct store *store = NULL;
	_cleanup_transaction_ struct transaction *txn = NULL;
	struct rule removed;

	if (store_open(&store, PIN_PATH, STORE_WRITE))
		return;
	(void)add_rules(store, RULES, 1, false);
	if (transaction_begin(&txn, store))
		return;
	(void)transaction_remove(txn, HOOK_XDP, LIST_BLACKLIST, 3, &removed);
	(void)transaction_commit(&txn);
}

static void restore(void)
{
	_cleanup_store_ struct store *store = NULL;

	if (!store_open(&store, PIN_PATH, STORE_WRITE))
		(void)add_rules(store, 5, RULES, true);
}

static void start_with_more_room(void)
{
	_cleanup_store_ struct store *store = NULL;
	bool created;

	(void)store_open_or_create(&store, PIN_PATH, 2 * MAX_RULES, &created);
}

/* -- Damage. -- */

/* What of a map is in use, so that damage meets something. */
struct region {
	uint8_t *bytes;
	size_t size;
};

static struct region region_of(struct store *store, enum map map)
{
	struct region region = {store_memory(store, map), 0};
	const uint32_t record = ruleset_record(store->config->commit);

	assert_non_null(region.bytes);
	switch (map) {
	case MAP_config_map:
		region.size = sizeof(struct config);
		break;
	case MAP_ruleset_map:
		region.bytes += record * sizeof(struct ruleset);
		region.size = offsetof(struct ruleset, stats_before);
		break;
	case MAP_rate_limit_config_map:
		region.bytes += record * sizeof(struct rate_limit);
		region.size = sizeof(struct rate_limit);
		break;
	case MAP_node_map:
		region.size = store_nodes_used(store) * sizeof(struct node);
		break;
	default: /* the list that has the rules */
		region.size = RULES * sizeof(struct rule_slot);
		break;
	}
	return region;
}

/* One to four fields of it: any number, one out of every bounds, or one bit. */
static void damage(const struct region *region)
{
	for (uint32_t times = random_between(&number, 1, 4); times; times--) {
		const size_t width = (size_t)1 << random_below(&number, 4);
		uint8_t *at = region->bytes +
			      random_below(&number, (uint32_t)(region->size / width)) * width;
		const uint64_t value = random_u64(&number);

		switch (random_below(&number, 3)) {
		case 0:
			memcpy(at, &value, width);
			break;
		case 1:
			memset(at, value & 1 ? 0xff : 0x7f, width);
			break;
		default:
			*at ^= (uint8_t)(1u << (value & 7));
			break;
		}
	}
}

/* How the command ended when it runs on what is pinned now: 0, or the signal. */
static int run(void (*command)(void))
{
	static const struct rlimit cpu = {.rlim_cur = CPU_SECONDS, .rlim_max = CPU_SECONDS};
	static const int crashes[] = {SIGSEGV, SIGBUS, SIGFPE, SIGILL};
	pid_t pid = fork();
	int status;

	assert_true(pid >= 0);
	if (!pid) {
		/* cmocka's handlers would go on with the next test. */
		for (size_t i = 0; i < sizeof(crashes) / sizeof(crashes[0]); i++)
			signal(crashes[i], SIG_DFL);
		alarm(WALL_SECONDS);
		setrlimit(RLIMIT_CPU, &cpu);
		if (!freopen("/dev/null", "w", stderr))
			_exit(0);
		command();
		_exit(0);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	return WIFSIGNALED(status) ? WTERMSIG(status) : 0;
}

static void damage_store(enum map map)
{
	_cleanup_store_ struct store *store = NULL;
	struct region region;
	bool created;

	assert_int_equal(store_open_or_create(&store, PIN_PATH, MAX_RULES, &created), 0);
	assert_int_equal(add_rules(store, 0, RULES, false), 1);
	region = region_of(store, map);
	damage(&region);
}

static void commands_survive_damage(enum map map)
{
	static const struct {
		const char *name;
		void (*run)(void);
	} commands[] = {
		{"list and save", list_and_save},
		{"add and remove", add_one_and_remove_one},
		{"restore", restore},
		{"start", start_with_more_room},
	};
	const char *soak = getenv("BGO_SOAK_ROUNDS");
	const uint32_t rounds = soak ? (uint32_t)strtoul(soak, NULL, 10) : ROUNDS;

	for (uint32_t i = 0; i < rounds; i++) {
		/* Each command meets the same damage first, not what another made of it. */
		for (size_t c = 0; c < sizeof(commands) / sizeof(commands[0]); c++) {
			const uint64_t seed = (uint64_t)map << 32 | i;
			int signal_number;

			number.state = seed;
			own_bpffs_push();
			damage_store(map);
			signal_number = run(commands[c].run);
			own_bpffs_pop();
			if (signal_number)
				fail_msg("%s, round %u: signal %d ended \"%s\"", map_name(map), i,
					 signal_number, commands[c].name);
		}
	}
}

static void a_damaged_config_is_an_error_and_no_crash(void **state)
{
	(void)state;
	commands_survive_damage(MAP_config_map);
}

static void a_damaged_record_is_an_error_and_no_crash(void **state)
{
	(void)state;
	commands_survive_damage(MAP_ruleset_map);
}

static void damaged_limits_are_an_error_and_no_crash(void **state)
{
	(void)state;
	commands_survive_damage(MAP_rate_limit_config_map);
}

static void damaged_rules_are_an_error_and_no_crash(void **state)
{
	(void)state;
	commands_survive_damage(MAP_blacklist_map);
}

static void a_damaged_graph_is_an_error_and_no_crash(void **state)
{
	(void)state;
	commands_survive_damage(MAP_node_map);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_damaged_config_is_an_error_and_no_crash),
		cmocka_unit_test(a_damaged_record_is_an_error_and_no_crash),
		cmocka_unit_test(damaged_limits_are_an_error_and_no_crash),
		cmocka_unit_test(damaged_rules_are_an_error_and_no_crash),
		cmocka_unit_test(a_damaged_graph_is_an_error_and_no_crash),
	};

	own_bpffs_enter(0);
	return cmocka_run_group_tests_name("damage", tests, NULL, NULL);
}
