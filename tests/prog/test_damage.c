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

#include "../damaged_pins.h"
#include "../oracle/random.h"
#include "own_bpffs.h"

#define ROUNDS 30
#define CPU_SECONDS 20	 /* a loop without end; a command takes some milliseconds */
#define WALL_SECONDS 300 /* a wait without end, also on a machine that stands still at times */

static struct random number = {.state = 1};

/* -- Damage. -- */

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
static int run(int (*command)(const char *pin_path))
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
		(void)command(PIN_PATH);
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

	assert_int_equal(store_open_or_create(&store, PIN_PATH, DAMAGED_MAX_RULES, &created), 0);
	assert_int_equal(add_rules(store, 0, DAMAGED_RULES, false), 1);
	region = region_of(store, map);
	damage(&region);
}

static void commands_survive_damage(enum map map)
{
	const char *soak = getenv("BGO_SOAK_ROUNDS");
	const uint32_t rounds = soak ? (uint32_t)strtoul(soak, NULL, 10) : ROUNDS;

	for (uint32_t i = 0; i < rounds; i++) {
		/* Each command meets the same damage first, not what another made of it. */
		for (size_t c = 0; c < DAMAGED_COMMANDS; c++) {
			const uint64_t seed = (uint64_t)map << 32 | i;
			int signal_number;

			number.state = seed;
			own_bpffs_push();
			damage_store(map);
			signal_number = run(damaged_commands[c].run);
			own_bpffs_pop();
			if (signal_number)
				fail_msg("%s, round %u: signal %d ended \"%s\"", map_name(map), i,
					 signal_number, damaged_commands[c].name);
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
