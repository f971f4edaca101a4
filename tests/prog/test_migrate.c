/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Maps of layout 1, and maps that are to become larger: `start` makes new ones of them and keeps
 * everything, whatever counts in the old ones meanwhile. Other commands leave them alone.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <bpf/bpf.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "../../bpf/map_list.h"
#include "../../src/cleanup.h"
#include "../../src/pin_dir.h"
#include "../oracle/random.h"
#include "firewall.h"
#include "migrated.h"
#include "own_bpffs.h"

static void expect_same_pins(const struct pins *before)
{
	const struct pins now = look_at_pins();

	assert_true(same_pins(before, &now));
}

/* -- Layout 1 -- */

static void layout_1_is_migrated_with_everything(void **state)
{
	_cleanup_store_ struct store *store = start_with(0);
	struct pins pins;

	(void)state;
	assert_true(is_firewall(store, 0));
	assert_int_equal(store_max_rules(store), LAYOUT1_MAX_RULES);
	assert_int_equal(store_settle(store), 0);
	assert_true(is_firewall(store, 0));
	store_close(take(store));
	assert_true(pinned_is_firewall(0));
	/* As many pins as there are maps: nothing is left over. */
	pins = look_at_pins();
	assert_int_equal(pins.count, MAP_COUNT);
}

static uint32_t add_a_rule(enum hook hook, enum list list)
{
	_cleanup_store_ struct store *store = NULL;
	_cleanup_transaction_ struct transaction *txn = NULL;
	const struct rule rule = {.addr_host = {0xc000024e}, .prefix_len = 32, .any_protocol = 1};
	struct added added = {};

	assert_int_equal(store_open(&store, PIN_PATH, STORE_WRITE), 0);
	assert_int_equal(transaction_begin(&txn, store), 0);
	assert_int_equal(transaction_add(txn, hook, list, &rule, 0, "new", NULL, &added), 0);
	assert_int_equal(transaction_commit(&txn), 1);
	return added.index;
}

static void after_a_migration_changes_go_on_where_they_were(void **state)
{
	_cleanup_free_ char *text = NULL;
	_cleanup_store_ struct store *store = NULL;

	(void)state;
	start(NULL);
	assert_int_equal(add_a_rule(HOOK_XDP, LIST_WHITELIST), 9);
	assert_int_equal(add_a_rule(HOOK_XDP, LIST_BLACKLIST), 8);
	assert_int_equal(add_a_rule(HOOK_EGRESS, LIST_BLACKLIST), 4);
	assert_int_equal(store_open(&store, PIN_PATH, STORE_READ), 0);
	assert_int_equal(store_generation(store), LAYOUT1_GENERATION + 3);
	text = saved_text(store);
	assert_non_null(strstr(text, "rule xdp blacklist 8 192.0.2.78/32 comment \"new\"\n"));
	assert_non_null(strstr(text, "comment \"office ssh\"\n"));
}

static bool drops(const struct firewall *firewall, const char *peer)
{
	const struct packet_spec spec = {.peer = peer, .port = 53};
	struct packet_bytes packet;
	struct run run;

	packet_build(&packet, &spec, false);
	assert_int_equal(firewall_run(firewall, HOOK_XDP, &packet, 0, 1, &run), 0);
	return run.dropped;
}

static void programs_judge_by_migrated_rules(void **state)
{
	struct firewall firewall = {.store = start_with(0)};
	const struct rule_slot *slot;

	(void)state;
	assert_int_equal(programs_load(&firewall.programs, firewall.store, false), 0);
	assert_false(drops(&firewall, PEER6));	      /* by whitelist 5 */
	assert_true(drops(&firewall, "2001:db9::1")); /* by policy */
	assert_true(drops(&firewall, PEER4));	      /* by blacklist 0 */
	slot = store_rules(firewall.store, HOOK_XDP, LIST_BLACKLIST).slots;
	assert_int_equal(store_hits(firewall.store, slot), LAYOUT1_HITS(0, 1, 0) + 1);
	programs_unload(firewall.programs);
	store_close(firewall.store);
}

static void only_start_opens_layout_1(void **state)
{
	const struct pins before = look_at_pins();
	struct store *store = NULL;

	(void)state;
	assert_int_equal(store_open(&store, PIN_PATH, STORE_READ), -EINVAL);
	assert_int_equal(store_open(&store, PIN_PATH, STORE_WRITE), -EINVAL);
	expect_same_pins(&before);
	assert_int_equal(store_remove(PIN_PATH), 0);
	assert_int_equal(access(PIN_PATH, F_OK), -1);
}

static void a_running_server_of_layout_1_is_left_alone(void **state)
{
	_cleanup_close_ int dir_fd = open(PIN_PATH, O_RDONLY | O_DIRECTORY);
	_cleanup_close_ int lock = pin_dir_lock_server(dir_fd);
	const struct pins before = look_at_pins();
	struct store *store = NULL;
	bool created;

	(void)state;
	assert_true(lock >= 0);
	assert_int_equal(store_open_or_create(&store, PIN_PATH, 0, &created), -EBUSY);
	expect_same_pins(&before);
}

static void a_newer_layout_is_refused_and_left(void **state)
{
	struct store *store = NULL;
	struct pins before;
	bool created;
	uint32_t key = 0, layout;
	struct config config;
	int fd;

	(void)state;
	start(NULL);
	store = start_with(0);
	fd = store_map_fd(store, MAP_config_map);
	assert_int_equal(bpf_map_lookup_elem(fd, &key, &config), 0);
	layout = ++config.layout;
	assert_int_equal(bpf_map_update_elem(fd, &key, &config, 0), 0);
	store_close(take(store));
	before = look_at_pins();
	assert_int_equal(store_open(&store, PIN_PATH, STORE_READ), -EINVAL);
	assert_int_equal(store_open(&store, PIN_PATH, STORE_WRITE), -EINVAL);
	assert_int_equal(store_open_or_create(&store, PIN_PATH, 5000, &created), -EINVAL);
	expect_same_pins(&before);
	fd = bpf_obj_get(PIN_PATH "/config_map");
	assert_int_equal(bpf_map_lookup_elem(fd, &key, &config), 0);
	assert_int_equal(config.layout, layout);
	close(fd);
}

/* -- Programs that still use the old maps -- */

static void what_old_programs_count_meanwhile_is_added(void **state)
{
	_cleanup_store_ struct store *store = start_with(0);

	(void)state;
	count_in_layout1(11);
	count_in_store(store, 4);
	assert_true(is_firewall(store, 4));
	assert_int_equal(store_settle(store), 0);
	assert_true(is_firewall(store, 15));
	/* And is not added again. */
	assert_int_equal(store_settle(store), 0);
	store_close(take(store));
	start(NULL);
	assert_true(pinned_is_firewall(15));
}

static void what_old_programs_count_while_maps_become_larger_is_added(void **state)
{
	_cleanup_store_ struct store *store = NULL;
	_cleanup_(close_counting) struct counting smaller = {};

	(void)state;
	start(NULL);
	smaller = keep_counting();
	store = start_with(LARGER_MAX_RULES);
	assert_int_equal(store_max_rules(store), LARGER_MAX_RULES);
	count_packets(&smaller, 11);
	count_in_store(store, 4);
	assert_true(is_firewall(store, 4));
	assert_int_equal(store_settle(store), 0);
	store_close(take(store));
	assert_true(pinned_is_firewall(15));
}

static void an_unsettled_store_can_be_read_and_not_changed(void **state)
{
	_cleanup_store_ struct store *store = start_with(0);

	(void)state;
	assert_true(store_pending(store));
	store_close(take(store)); /* the start died */
	count_in_layout1(3);
	assert_int_equal(store_open(&store, PIN_PATH, STORE_WRITE), -EAGAIN);
	assert_int_equal(store_open(&store, PIN_PATH, STORE_READ), 0);
	assert_true(is_firewall(store, 0));
	store_close(take(store));
	/* Not the time for larger maps: the old ones are not read yet. */
	store = start_with(LARGER_MAX_RULES);
	assert_int_equal(store_max_rules(store), LAYOUT1_MAX_RULES);
	assert_int_equal(store_settle(store), 0);
	store_close(take(store));
	assert_int_equal(store_open(&store, PIN_PATH, STORE_WRITE), 0);
	assert_true(is_firewall(store, 3));
}

static void a_start_that_fails_puts_the_old_maps_back(void **state)
{
	const struct pins before = look_at_pins();
	_cleanup_store_ struct store *store = start_with(LARGER_MAX_RULES);

	(void)state;
	assert_int_equal(store_unmigrate(store), 0);
	store_close(take(store));
	expect_same_pins(&before);
	count_in_layout1(5);
	start(NULL);
	assert_true(pinned_is_firewall(5));
}

static void missing_old_maps_cost_only_what_they_counted(void **state)
{
	_cleanup_store_ struct store *store = start_with(0);

	(void)state;
	count_in_layout1(5);
	assert_int_equal(unlink(PIN_PATH "/rule_hits_map_old"), 0);
	assert_int_equal(store_settle(store), 0);
	assert_true(is_firewall(store, 0));
	store_close(take(store));
	assert_true(pinned_is_firewall(0));
}

/* -- Damage -- */

static void a_missing_or_wrong_map_of_layout_1_is_refused_and_nothing_changed(void **state)
{
	static const char *const maps[] = {"ruleset_map", "blacklist_map", "stats_map", "node_map"};
	struct store *store = NULL;
	bool created;

	(void)state;
	for (size_t i = 0; i < sizeof(maps) / sizeof(maps[0]); i++) {
		char file[128], away[128];
		struct pins before;
		int fd = bpf_map_create(BPF_MAP_TYPE_ARRAY, "x", 4, 4, 1, NULL);

		snprintf(file, sizeof(file), PIN_PATH "/%s", maps[i]);
		snprintf(away, sizeof(away), PIN_PATH "/%s_away", maps[i]);
		assert_int_equal(rename(file, away), 0);
		before = look_at_pins();
		assert_int_equal(store_open_or_create(&store, PIN_PATH, 0, &created), -ENOENT);
		expect_same_pins(&before);
		assert_int_equal(bpf_obj_pin(fd, file), 0);
		close(fd);
		before = look_at_pins();
		assert_int_equal(store_open_or_create(&store, PIN_PATH, 0, &created), -EINVAL);
		expect_same_pins(&before);
		assert_int_equal(rename(away, file), 0);
	}
	start(NULL);
	assert_true(pinned_is_firewall(0));
}

static void *map_of_layout1(enum layout1_map map, size_t bytes)
{
	void *memory = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_SHARED, old.fds[map], 0);

	assert_ptr_not_equal(memory, MAP_FAILED);
	return memory;
}

static void damage_is_refused(const char *what)
{
	const struct pins before = look_at_pins();
	struct store *store = NULL;
	bool created;

	if (store_open_or_create(&store, PIN_PATH, 0, &created) != -EILSEQ)
		fail_msg("not refused: %s", what);
	expect_same_pins(&before);
}

#define DAMAGE(field, value)                                                                       \
	do {                                                                                       \
		const __typeof__(field) good_ = (field);                                           \
                                                                                                   \
		(field) = (value);                                                                 \
		damage_is_refused(#field " = " #value);                                            \
		(field) = good_;                                                                   \
	} while (0)

static void damage_of_layout_1_is_refused_and_nothing_changed(void **state)
{
	struct layout1_config *config = map_of_layout1(LAYOUT1_config_map, sizeof(*config));
	struct layout1_ruleset *ruleset =
		(struct layout1_ruleset *)map_of_layout1(LAYOUT1_ruleset_map,
							 LAYOUT1_RECORDS * sizeof(*ruleset)) +
		LAYOUT1_GENERATION % LAYOUT1_RECORDS;
	struct layout1_rate_limit *limit =
		(struct layout1_rate_limit *)map_of_layout1(LAYOUT1_rate_limit_config_map,
							    LAYOUT1_RECORDS * sizeof(*limit)) +
		LAYOUT1_GENERATION % LAYOUT1_RECORDS;
	struct layout1_slot *slot = map_of_layout1(LAYOUT1_blacklist_map, 256 * sizeof(*slot));

	(void)state;
	DAMAGE(config->max_rules, 0u);
	DAMAGE(config->max_rules, LAYOUT1_MAX_RULES - 1);
	DAMAGE(config->max_rules, UINT32_MAX);
	DAMAGE(config->commit, LAYOUT1_GENERATION + 1);
	DAMAGE(config->commit, 0u);
	DAMAGE(ruleset->lists[0][1].slots_used, 257);
	DAMAGE(ruleset->lists[0][1].next_index, 7);
	DAMAGE(limit->bucket, 2);
	DAMAGE(limit->pps, UINT64_MAX);
	DAMAGE(slot->hit, LAYOUT1_MAX_RULES);
	DAMAGE(slot->comment, 64);
	DAMAGE(slot->rule.family, 2);
	DAMAGE(slot->rule.prefix_len, 33);
	DAMAGE(slot->rule.prefix_len, 24);
	start(NULL);
	assert_true(pinned_is_firewall(0));
}

/* Any bytes: refused, or migrated to a store that works; no crash either way. */
static void layout_1_with_random_damage_is_refused_whole_or_migrated_whole(void **state)
{
	static const struct {
		enum layout1_map map;
		uint32_t first, bytes;
	} targets[] = {
		{LAYOUT1_config_map, 0, sizeof(struct layout1_config)},
		{LAYOUT1_ruleset_map, LAYOUT1_GENERATION % LAYOUT1_RECORDS,
		 sizeof(struct layout1_ruleset)},
		{LAYOUT1_rate_limit_config_map, LAYOUT1_GENERATION % LAYOUT1_RECORDS,
		 sizeof(struct layout1_rate_limit)},
		{LAYOUT1_whitelist_map, 1, sizeof(struct layout1_slot)},
		{LAYOUT1_blacklist_map, 0, sizeof(struct layout1_slot)},
	};
	struct random number = {.state = 1};
	unsigned int refused = 0, migrated = 0;

	(void)state;
	for (unsigned int round = 0; round < 150; round++) {
		const size_t target = round % (sizeof(targets) / sizeof(targets[0]));
		_cleanup_store_ struct store *store = NULL;
		uint8_t value[4096];
		struct pins before;
		bool created;

		layout1_firewall_again();
		assert_int_equal(bpf_map_lookup_elem(old.fds[targets[target].map],
						     &targets[target].first, value),
				 0);
		for (uint32_t times = random_between(&number, 1, 3); times; times--)
			value[random_below(&number, targets[target].bytes)] =
				(uint8_t)random_u64(&number);
		assert_int_equal(bpf_map_update_elem(old.fds[targets[target].map],
						     &targets[target].first, value, 0),
				 0);
		before = look_at_pins();
		if (store_open_or_create(&store, PIN_PATH, 0, &created)) {
			expect_same_pins(&before);
			refused++;
		} else {
			_cleanup_free_ char *text = saved_text(store);

			assert_false(created);
			assert_int_equal(store_settle(store), 0);
			store_close(take(store));
			assert_int_equal(store_open(&store, PIN_PATH, STORE_WRITE), 0);
			migrated++;
		}
		own_bpffs_pop();
	}
	print_message("%u refused, %u migrated\n", refused, migrated);
	assert_true(refused > 30 && migrated > 30);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		LAYOUT1_TEST(layout_1_is_migrated_with_everything),
		LAYOUT1_TEST(after_a_migration_changes_go_on_where_they_were),
		LAYOUT1_TEST(programs_judge_by_migrated_rules),
		LAYOUT1_TEST(only_start_opens_layout_1),
		LAYOUT1_TEST(a_running_server_of_layout_1_is_left_alone),
		LAYOUT1_TEST(a_newer_layout_is_refused_and_left),
		LAYOUT1_TEST(what_old_programs_count_meanwhile_is_added),
		LAYOUT1_TEST(what_old_programs_count_while_maps_become_larger_is_added),
		LAYOUT1_TEST(an_unsettled_store_can_be_read_and_not_changed),
		LAYOUT1_TEST(a_start_that_fails_puts_the_old_maps_back),
		LAYOUT1_TEST(missing_old_maps_cost_only_what_they_counted),
		LAYOUT1_TEST(a_missing_or_wrong_map_of_layout_1_is_refused_and_nothing_changed),
		LAYOUT1_TEST(damage_of_layout_1_is_refused_and_nothing_changed),
		LAYOUT1_TEST(layout_1_with_random_damage_is_refused_whole_or_migrated_whole),
	};

	own_bpffs_enter(0);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
