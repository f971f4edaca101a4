/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The store on a bpffs of its own: what a transaction leaves, what a death leaves, what is refused.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <bpf/bpf.h>
#include <linux/bpf.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "../../bpf/map_list.h"
#include "../../src/cidr.h"
#include "../../src/cleanup.h"
#include "../../src/store.h"
#include "own_bpffs.h"

static struct rule rule(const char *cidr)
{
	struct rule parsed = {.any_protocol = 1};
	const char *error;

	assert_int_equal(cidr_parse(cidr, strlen(cidr), &parsed, &error), 0);
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

	assert_int_equal(store_open(&store, PIN_PATH, access), 0);
	return store;
}

static void create_store(uint32_t max_rules)
{
	struct store *store = NULL;
	bool created;

	assert_int_equal(store_open_or_create(&store, PIN_PATH, max_rules, &created), 0);
	store_close(store);
}

/* Each test has a bpffs of its own, so that a test which fails with the lock in its hand fails
 * alone. */
static int no_store(void **state)
{
	(void)state;
	own_bpffs_push();
	return 0;
}

static int new_store(void **state)
{
	no_store(state);
	create_store(0);
	return 0;
}

static int small_store(void **state)
{
	no_store(state);
	create_store(600);
	return 0;
}

static int leave_store(void **state)
{
	(void)state;
	own_bpffs_pop();
	return 0;
}

static struct added add(struct transaction *txn, const struct rule *new, const char *comment)
{
	struct added added;

	assert_int_equal(
		transaction_add(txn, HOOK_XDP, LIST_BLACKLIST, new, 0, comment, NULL, &added), 0);
	return added;
}

/* A whole command: one rule added to the XDP blacklist. */
static uint32_t add_one(const struct rule *new)
{
	_cleanup_store_ struct store *store = open_store(STORE_WRITE);
	struct transaction *txn;
	struct added added;

	assert_int_equal(transaction_begin(&txn, store), 0);
	added = add(txn, new, NULL);
	assert_int_equal(transaction_commit(&txn), 1);
	return added.index;
}

static int remove_one(uint32_t index)
{
	_cleanup_store_ struct store *store = open_store(STORE_WRITE);
	_cleanup_transaction_ struct transaction *txn = NULL;
	struct rule removed;
	int err;

	assert_int_equal(transaction_begin(&txn, store), 0);
	err = transaction_remove(txn, HOOK_XDP, LIST_BLACKLIST, index, &removed);
	return err ? err : transaction_commit(&txn);
}

static uint32_t count_rules(const struct store *store)
{
	struct rule_view rules = store_rules(store, HOOK_XDP, LIST_BLACKLIST);
	uint32_t count = 0;

	for (uint32_t i = 0; i < rules.count; i++)
		count += rule_slot_live(&rules.slots[i], rules.generation);
	assert_int_equal(count, store_rule_count(store));
	return count;
}

/* The slot of the rule that a packet from this source matches, NULL when none does. */
static const struct rule_slot *match(const struct store *store, const struct rule *source)
{
	struct rule_view rules = store_rules(store, HOOK_XDP, LIST_BLACKLIST);
	const uint32_t key[KEY_WORDS] = {source->addr_host[0], source->addr_host[1],
					 source->addr_host[2], source->addr_host[3], 17u << 24};
	const struct graph_list *graphs =
		&store_ruleset(store)->hooks[HOOK_XDP].lists[LIST_BLACKLIST][source->family];
	uint32_t nodes;
	const struct node *node = store_nodes(store, &nodes);
	int64_t hit = classifier_match(node, nodes, graphs, key, store_now_s(store));

	for (uint32_t i = 0; hit >= 0 && i < rules.count; i++)
		if (rules.slots[i].hit == hit && rule_slot_live(&rules.slots[i], rules.generation))
			return &rules.slots[i];
	assert_int_equal(hit, -1);
	return NULL;
}

static bool blocks(const struct rule *source)
{
	_cleanup_store_ struct store *store = open_store(STORE_READ);

	return match(store, source) != NULL;
}

static void a_new_store_has_no_rules_and_allows(void **state)
{
	_cleanup_store_ struct store *store = open_store(STORE_READ);

	(void)state;
	assert_int_equal(store_rule_count(store), 0);
	assert_int_equal(store_max_rules(store), STORE_DEFAULT_MAX_RULES);
	for (enum hook hook = 0; hook < HOOK_COUNT; hook++) {
		assert_false(store_ruleset(store)->hooks[hook].default_deny);
		assert_false(store_ruleset(store)->hooks[hook].drop_fragments);
	}
	assert_false(store_rate_limit(store)->enabled);
}

static void a_default_store_takes_at_most_32_mb(void **state)
{
	_cleanup_store_ struct store *store = open_store(STORE_READ);

	(void)state;
	/* Of 1048576 bytes, as status prints them. */
	assert_in_range(store_memory_bytes(store), 1, 32 << 20);
}

static void a_rule_is_in_force_after_commit_and_its_neighbour_is_not(void **state)
{
	struct rule listed = rule("192.0.2.1"), neighbour = rule("192.0.2.2");

	(void)state;
	add_one(&listed);
	assert_true(blocks(&listed));
	assert_false(blocks(&neighbour));
}

static void adding_a_rule_again_tells_its_index_and_adds_nothing(void **state)
{
	_cleanup_store_ struct store *store = open_store(STORE_WRITE);
	struct transaction *txn;
	struct rule listed = rule("2001:db8::/32");
	struct added first, again;

	(void)state;
	assert_int_equal(transaction_begin(&txn, store), 0);
	first = add(txn, &listed, NULL);
	again = add(txn, &listed, NULL);
	assert_false(first.present);
	assert_true(again.present);
	assert_int_equal(again.index, first.index);
	assert_int_equal(transaction_commit(&txn), 1);
	assert_int_equal(transaction_begin(&txn, store), 0);
	assert_true(add(txn, &listed, NULL).present);
	assert_int_equal(transaction_commit(&txn), 0);
	assert_int_equal(count_rules(store), 1);
}

static void an_index_is_never_used_again(void **state)
{
	struct rule a = host(1), b = host(2);
	uint32_t index = add_one(&a);

	(void)state;
	assert_int_equal(remove_one(index), 1);
	assert_int_equal(remove_one(index), -ENOENT);
	assert_int_equal(add_one(&b), index + 1);
	assert_int_equal(add_one(&a), index + 2);
}

static void an_aborted_transaction_leaves_nothing(void **state)
{
	_cleanup_store_ struct store *store = open_store(STORE_WRITE);
	struct transaction *txn;
	struct rule kept = host(1), added = host(2), removed;
	uint64_t generation;

	(void)state;
	assert_int_equal(transaction_begin(&txn, store), 0);
	add(txn, &kept, NULL);
	assert_int_equal(transaction_commit(&txn), 1);
	generation = store_generation(store);
	assert_int_equal(transaction_begin(&txn, store), 0);
	add(txn, &added, "never seen");
	assert_int_equal(transaction_remove(txn, HOOK_XDP, LIST_BLACKLIST, 0, &removed), 0);
	transaction_policy(txn, HOOK_EGRESS, true);
	transaction_abort(txn);
	assert_int_equal(store_generation(store), generation);
	assert_int_equal(count_rules(store), 1);
	assert_non_null(match(store, &kept));
	assert_null(match(store, &added));
	assert_false(store_ruleset(store)->hooks[HOOK_EGRESS].default_deny);
}

/* A process that changes the rules and dies before its commit, still holding the lock. */
static void die_in_a_transaction(void)
{
	pid_t pid = fork();
	int status;

	assert_true(pid >= 0);
	if (pid == 0) {
		struct store *store = open_store(STORE_WRITE);
		struct transaction *txn;
		struct rule removed;

		transaction_begin(&txn, store);
		for (uint32_t n = 100; n < 1100; n++) {
			struct rule new = host(n);

			add(txn, &new, "dies with its writer");
		}
		transaction_remove(txn, HOOK_XDP, LIST_BLACKLIST, 0, &removed);
		_exit(0);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
}

static void a_writer_that_died_changed_nothing(void **state)
{
	struct rule kept = host(1), lost = host(100);
	_cleanup_store_ struct store *store = NULL;

	(void)state;
	add_one(&kept);
	die_in_a_transaction();
	store = open_store(STORE_READ);
	assert_int_equal(count_rules(store), 1);
	assert_non_null(match(store, &kept));
	assert_null(match(store, &lost));
}

static void the_next_writer_after_a_death_adds_only_its_own(void **state)
{
	struct rule kept = host(1), next = host(2), removed = host(3), lost = host(100);
	_cleanup_store_ struct store *store = NULL;
	struct transaction *txn;

	(void)state;
	add_one(&kept);
	add_one(&removed);
	store = open_store(STORE_WRITE);
	/* The slot of this one is the first that the dying writer takes. */
	assert_int_equal(transaction_begin(&txn, store), 0);
	assert_int_equal(transaction_remove(txn, HOOK_XDP, LIST_BLACKLIST, 1, &removed), 0);
	assert_int_equal(transaction_commit(&txn), 1);
	store_close(take(store));
	die_in_a_transaction();
	assert_int_equal(add_one(&next), 2);
	store = open_store(STORE_READ);
	assert_int_equal(count_rules(store), 2);
	assert_non_null(match(store, &kept));
	assert_non_null(match(store, &next));
	assert_null(match(store, &lost));
}

static void lists_grow_by_themselves_and_keep_comments(void **state)
{
	_cleanup_store_ struct store *store = open_store(STORE_WRITE);
	struct transaction *txn;
	char comment[COMMENT_BYTES + 1];

	(void)state;
	assert_int_equal(transaction_begin(&txn, store), 0);
	for (uint32_t n = 0; n < 5000; n++) {
		struct rule new = host(n);

		snprintf(comment, sizeof(comment), "host %u", n);
		add(txn, &new, comment);
	}
	assert_int_equal(transaction_commit(&txn), 1);
	store_close(store);
	store = open_store(STORE_READ);
	assert_int_equal(count_rules(store), 5000);
	for (uint32_t n = 0; n < 5000; n += 37) {
		struct rule listed = host(n);
		const struct rule_slot *slot = match(store, &listed);
		char expected[32];

		assert_non_null(slot);
		assert_int_equal(slot->index, n);
		store_comment(store, slot, comment);
		snprintf(expected, sizeof(expected), "host %u", n);
		assert_string_equal(comment, expected);
	}
}

static void a_comment_of_64_bytes_is_kept_whole(void **state)
{
	const char text[] = "0123456789012345678901234567890123456789012345678901234567890123";
	_cleanup_store_ struct store *store = open_store(STORE_WRITE);
	struct transaction *txn;
	struct rule listed = host(1);
	char comment[COMMENT_BYTES + 1];

	(void)state;
	assert_int_equal(strlen(text), COMMENT_BYTES);
	assert_int_equal(transaction_begin(&txn, store), 0);
	add(txn, &listed, text);
	assert_int_equal(transaction_commit(&txn), 1);
	store_comment(store, match(store, &listed), comment);
	assert_string_equal(comment, text);
}

static void one_rule_more_than_max_rules_is_refused_and_changes_nothing(void **state)
{
	_cleanup_store_ struct store *store = open_store(STORE_WRITE);
	struct transaction *txn;
	struct added added;

	(void)state;
	assert_int_equal(transaction_begin(&txn, store), 0);
	for (uint32_t n = 0; n < 600; n++) {
		struct rule new = host(n);

		add(txn, &new, NULL);
	}
	assert_int_equal(transaction_commit(&txn), 1);
	assert_int_equal(transaction_begin(&txn, store), 0);
	for (enum hook hook = 0; hook < HOOK_COUNT; hook++) {
		struct rule new = host(600);

		assert_int_equal(
			transaction_add(txn, hook, LIST_WHITELIST, &new, 0, NULL, NULL, &added),
			-ENOSPC);
	}
	transaction_abort(txn);
	assert_int_equal(count_rules(store), 600);
}

static void a_full_rule_set_can_be_replaced_by_another_full_one(void **state)
{
	_cleanup_store_ struct store *store = open_store(STORE_WRITE);
	struct transaction *txn;

	(void)state;
	for (uint32_t round = 0; round < 3; round++) {
		assert_int_equal(transaction_begin(&txn, store), 0);
		assert_int_equal(transaction_replace_all(txn), 0);
		for (uint32_t n = 0; n < 600; n++) {
			struct rule new = host(round * 1000 + n);

			assert_false(add(txn, &new, NULL).present);
		}
		assert_int_equal(transaction_commit(&txn), 1);
	}
	assert_int_equal(count_rules(store), 600);
	assert_int_equal(store_ruleset(store)->lists[HOOK_XDP][LIST_BLACKLIST].next_index, 600);
	for (uint32_t n = 0; n < 600; n++) {
		struct rule listed = host(2000 + n), gone = host(n);

		assert_non_null(match(store, &listed));
		assert_null(match(store, &gone));
	}
}

/* As packets of several queues leave them: a part in each stripe. */
static void set_hits(struct store *store, uint32_t hit, uint64_t packets)
{
	const int fd = store_map_fd(store, MAP_rule_hits_map);

	for (uint32_t stripe = 0; stripe < HIT_STRIPES; stripe++) {
		const uint32_t key = stripe * store_max_rules(store) + hit;
		const uint64_t part = stripe ? 1 : packets - (HIT_STRIPES - 1);

		assert_int_equal(bpf_map_update_elem(fd, &key, &part, 0), 0);
	}
}

static void a_new_rule_has_no_hits_whatever_its_number_counted_before(void **state)
{
	struct rule old = host(1), new = host(2);
	_cleanup_store_ struct store *store = NULL;
	uint32_t hit;

	(void)state;
	add_one(&old);
	store = open_store(STORE_WRITE);
	hit = match(store, &old)->hit;
	set_hits(store, hit, 1024);
	assert_int_equal(store_hits(store, match(store, &old)), 1024);
	store_close(take(store));
	remove_one(0);
	add_one(&new);
	store = open_store(STORE_WRITE);
	assert_int_equal(match(store, &new)->hit, hit);
	assert_int_equal(store_hits(store, match(store, &new)), 0);
	set_hits(store, hit, 1027);
	assert_int_equal(store_hits(store, match(store, &new)), 3);
}

/* Where the counters of the rule's network are at home among 600. */
static uint32_t home_of(const struct rule *rule)
{
	const uint64_t first = (uint64_t)rule->addr_host[0] << 32 | rule->addr_host[1];

	return hit_home(rule->family == FAMILY_IPV6, first, 600);
}

/*
 * Eight rules of one network have their counters in its line, further ones elsewhere; no two share
 * a counter. first: a host; networks follow each other by `step` in this word of the address, the
 * first one taken has its home among 80 counters from `from` on.
 */
static void check_home(struct rule first, uint32_t word, uint32_t step, uint32_t from)
{
	bool taken[600] = {false};

	while (home_of(&first) < from || home_of(&first) >= from + 80)
		first.addr_host[word] += step;
	for (uint32_t n = 0; n < 2 * HIT_HOME_SIZE; n++) {
		struct rule new = first;

		new.addr_host[1] += first.family == FAMILY_IPV6 ? n : 0;
		new.addr_host[0] += first.family == FAMILY_IPV4 ? n : 0;
		add_one(&new);
	}
	for (uint32_t n = 0; n < 2 * HIT_HOME_SIZE; n++) {
		_cleanup_store_ struct store *store = open_store(STORE_READ);
		struct rule added = first;
		uint32_t hit;

		added.addr_host[1] += first.family == FAMILY_IPV6 ? n : 0;
		added.addr_host[0] += first.family == FAMILY_IPV4 ? n : 0;
		hit = match(store, &added)->hit;
		assert_int_equal(hit / HIT_HOME_SIZE == home_of(&first) / HIT_HOME_SIZE,
				 n < HIT_HOME_SIZE);
		assert_in_range(hit, 0, 599);
		assert_false(taken[hit]);
		taken[hit] = true;
	}
}

/* 600 rules at most: half of them are taken in order. */
static void hits_of_half_the_rules_are_counted_side_by_side(void)
{
	_cleanup_store_ struct store *store = open_store(STORE_WRITE);
	struct transaction *txn;

	assert_int_equal(transaction_begin(&txn, store), 0);
	for (uint32_t n = 0; n < 300; n++) {
		struct rule new = host(n);

		add(txn, &new, NULL);
	}
	assert_int_equal(transaction_commit(&txn), 1);
	for (uint32_t n = 0; n < 300; n++) {
		struct rule added = host(n);

		assert_int_equal(match(store, &added)->hit, n);
	}
}

static void hits_beyond_half_are_counted_in_the_line_that_follows_from_the_address(void **state)
{
	(void)state;
	hits_of_half_the_rules_are_counted_side_by_side();
	check_home(rule("203.0.113.0"), 0, 256, 320);
	check_home(rule("2001:db8:1::"), 1, 65536, 400);
}

static void hits_of_a_rule_too_short_for_a_line_of_its_own_are_counted_anywhere(void **state)
{
	struct rule net = rule("0.0.0.0/8"), wide = rule("2001::/32");
	_cleanup_store_ struct store *store = NULL;

	(void)state;
	hits_of_half_the_rules_are_counted_side_by_side();
	/* What would be their home is free. */
	while (home_of(&net) < 320)
		net.addr_host[0] += 1u << 24;
	while (home_of(&wide) < 320)
		wide.addr_host[0]++;
	add_one(&net);
	add_one(&wide);
	store = open_store(STORE_READ);
	assert_int_equal(match(store, &net)->hit, 300);
	assert_int_equal(match(store, &wide)->hit, 301);
}

static void a_rule_that_a_restore_brings_back_keeps_its_hits(void **state)
{
	struct rule kept = host(1), dropped = host(2), new = host(3);
	_cleanup_store_ struct store *store = NULL;
	struct transaction *txn;
	struct added added;
	const uint32_t index = 0;

	(void)state;
	add_one(&kept);
	add_one(&dropped);
	store = open_store(STORE_WRITE);
	set_hits(store, match(store, &kept)->hit, 77);
	assert_int_equal(transaction_begin(&txn, store), 0);
	assert_int_equal(transaction_replace_all(txn), 0);
	assert_int_equal(
		transaction_add(txn, HOOK_XDP, LIST_BLACKLIST, &kept, 0, NULL, &index, &added), 0);
	add(txn, &new, NULL);
	assert_int_equal(transaction_commit(&txn), 1);
	assert_int_equal(count_rules(store), 2);
	assert_int_equal(store_hits(store, match(store, &kept)), 77);
	assert_null(match(store, &dropped));
	assert_int_equal(match(store, &new)->index, 1);
}

static void reset_counters_start_again_at_zero_for_readers(void **state)
{
	_cleanup_store_ struct store *store = open_store(STORE_WRITE);
	struct counter cpus[64] = {{.packets = 5, .bytes = 500}, {.packets = 2, .bytes = 200}};
	struct counter stats[REASON_SLOTS];
	struct transaction *txn;
	uint32_t key = REASON_MALFORMED;
	int fd = store_map_fd(store, MAP_stats_map);

	(void)state;
	assert_int_equal(bpf_map_update_elem(fd, &key, cpus, 0), 0);
	assert_int_equal(store_stats(store, HOOK_XDP, stats), 0);
	assert_int_equal(stats[REASON_MALFORMED].packets, 7);
	assert_int_equal(stats[REASON_MALFORMED].bytes, 700);
	assert_int_equal(transaction_begin(&txn, store), 0);
	assert_int_equal(transaction_reset_stats(txn, HOOK_XDP), 0);
	assert_int_equal(transaction_commit(&txn), 1);
	cpus[1].packets++;
	assert_int_equal(bpf_map_update_elem(fd, &key, cpus, 0), 0);
	assert_int_equal(store_stats(store, HOOK_XDP, stats), 0);
	assert_int_equal(stats[REASON_MALFORMED].packets, 1);
	assert_int_equal(stats[REASON_MALFORMED].bytes, 0);
}

static void new_limits_take_the_other_bucket_and_the_same_limits_keep_theirs(void **state)
{
	_cleanup_store_ struct store *store = open_store(STORE_WRITE);
	struct rate_limit limit = {.pps = 1000, .enabled = 1};
	struct transaction *txn;
	uint32_t bucket = store_rate_limit(store)->bucket, id = store_rate_limit(store)->id;

	(void)state;
	for (int round = 0; round < 2; round++) {
		assert_int_equal(transaction_begin(&txn, store), 0);
		assert_int_equal(transaction_rate_limit(txn, &limit), 0);
		assert_int_equal(transaction_commit(&txn), round == 0);
		assert_int_equal(store_rate_limit(store)->bucket, !bucket);
		assert_int_equal(store_rate_limit(store)->id, id + 1);
	}
}

/* More commits than records, more appended graph than a half of node_map. */
static void three_thousand_commits_leave_the_right_rules(void **state)
{
	_cleanup_store_ struct store *store = open_store(STORE_WRITE);
	struct transaction *txn;
	struct rule removed;
	uint32_t half = store_ruleset(store)->node_half;
	bool switched = false;

	(void)state;
	for (uint32_t n = 0; n < 500; n++) {
		struct rule new = host(n * 7919 % 131072);

		assert_int_equal(transaction_begin(&txn, store), 0);
		add(txn, &new, NULL);
		assert_int_equal(transaction_commit(&txn), 1);
	}
	for (uint32_t n = 500; n < 3000; n++) {
		struct rule new = host(n * 7919 % 131072), oldest = host((n - 500) * 7919 % 131072);

		assert_int_equal(transaction_begin(&txn, store), 0);
		add(txn, &new, NULL);
		assert_int_equal(
			transaction_remove(txn, HOOK_XDP, LIST_BLACKLIST, n - 500, &removed), 0);
		assert_int_equal(transaction_commit(&txn), 1);
		assert_non_null(match(store, &new));
		assert_null(match(store, &oldest));
		switched |= store_ruleset(store)->node_half != half;
	}
	assert_int_equal(count_rules(store), 500);
	assert_true(switched);
}

/* Commits that need no nodes: nothing but the records makes them wait for running programs. */
static void a_record_is_written_over_when_no_packet_reads_it_any_more(void **state)
{
	_cleanup_store_ struct store *store = open_store(STORE_WRITE);
	const int fd = store_map_fd(store, MAP_config_map);
	struct transaction *txn;
	struct config config;
	uint32_t key = 0;

	(void)state;
	for (uint32_t n = 0; n < 2 * RULESET_RECORDS; n++) {
		assert_int_equal(transaction_begin(&txn, store), 0);
		transaction_policy(txn, HOOK_XDP, n % 2 == 0);
		assert_int_equal(transaction_commit(&txn), 1);
		assert_int_equal(bpf_map_lookup_elem(fd, &key, &config), 0);
		assert_true(config.grace + RULESET_RECORDS > config.commit);
	}
}

static void a_larger_max_rules_keeps_everything(void **state)
{
	struct rule listed = host(1);
	struct store *store = NULL;
	bool created;

	(void)state;
	add_one(&listed);
	store = open_store(STORE_WRITE);
	set_hits(store, match(store, &listed)->hit, 42);
	store_close(store);
	assert_int_equal(store_open_or_create(&store, PIN_PATH, 5000, &created), 0);
	assert_false(created);
	assert_int_equal(store_max_rules(store), 5000);
	assert_int_equal(count_rules(store), 1);
	assert_int_equal(store_hits(store, match(store, &listed)), 42);
	assert_int_equal(store_settle(store), 0);
	store_close(store);
	assert_int_equal(remove_one(0), 1);
	assert_false(blocks(&listed));
}

static void a_smaller_max_rules_keeps_the_size(void **state)
{
	struct store *store = NULL;
	bool created;

	(void)state;
	assert_int_equal(store_open_or_create(&store, PIN_PATH, 100, &created), 0);
	assert_int_equal(store_max_rules(store), 600);
	store_close(store);
}

static void leftovers_of_a_killed_migration_are_removed(void **state)
{
	struct rule listed = host(1);
	int fd = bpf_map_create(BPF_MAP_TYPE_ARRAY, "x", 4, 16, 1, NULL);

	(void)state;
	add_one(&listed);
	assert_int_equal(bpf_obj_pin(fd, PIN_PATH "/node_map_next"), 0);
	close(fd);
	assert_true(blocks(&listed));
	assert_int_equal(access(PIN_PATH "/node_map_next", F_OK), -1);
}

static void a_killed_creation_is_no_firewall_and_is_made_anew_by_start(void **state)
{
	LIBBPF_OPTS(bpf_map_create_opts, options, .map_flags = BPF_F_MMAPABLE);
	struct store *store = NULL;
	bool created;
	int fd;

	(void)state;
	assert_int_equal(mkdir(PIN_PATH, 0700), 0);
	fd = bpf_map_create(BPF_MAP_TYPE_ARRAY, "x", 4, sizeof(struct config), 1, &options);
	assert_true(fd >= 0);
	assert_int_equal(bpf_obj_pin(fd, PIN_PATH "/config_map"), 0);
	close(fd);
	assert_int_equal(store_open(&store, PIN_PATH, STORE_READ), -ENOENT);
	assert_int_equal(store_open_or_create(&store, PIN_PATH, 100, &created), 0);
	assert_true(created);
	store_close(store);
}

static void a_missing_pin_is_told_and_nothing_is_changed(void **state)
{
	struct store *store = NULL;
	bool created;

	(void)state;
	assert_int_equal(unlink(PIN_PATH "/tc_egress_whitelist"), 0);
	assert_int_equal(store_open(&store, PIN_PATH, STORE_READ), -ENOENT);
	assert_int_equal(store_open_or_create(&store, PIN_PATH, 0, &created), -ENOENT);
	assert_int_equal(access(PIN_PATH "/tc_egress_whitelist", F_OK), -1);
	assert_int_equal(access(PIN_PATH "/tc_egress_blacklist", F_OK), 0);
}

static void a_map_of_another_shape_is_refused(void **state)
{
	struct store *store = NULL;
	int fd = bpf_map_create(BPF_MAP_TYPE_HASH, "x", 4, 4, 16, NULL);

	(void)state;
	assert_int_equal(unlink(PIN_PATH "/whitelist_map"), 0);
	assert_int_equal(bpf_obj_pin(fd, PIN_PATH "/whitelist_map"), 0);
	close(fd);
	assert_int_equal(store_open(&store, PIN_PATH, STORE_READ), -EINVAL);
}

static void another_layout_version_is_refused(void **state)
{
	struct store *store = open_store(STORE_WRITE);
	uint32_t key = 0;
	struct config config;
	int fd = store_map_fd(store, MAP_config_map);

	(void)state;
	assert_int_equal(bpf_map_lookup_elem(fd, &key, &config), 0);
	config.layout++;
	assert_int_equal(bpf_map_update_elem(fd, &key, &config, 0), 0);
	store_close(take(store));
	assert_int_equal(store_open(&store, PIN_PATH, STORE_WRITE), -EINVAL);
}

static void a_directory_open_to_others_is_refused(void **state)
{
	struct store *store = NULL;

	(void)state;
	assert_int_equal(chmod(PIN_PATH, 0755), 0);
	assert_int_equal(store_open(&store, PIN_PATH, STORE_READ), -EPERM);
}

static void a_path_outside_bpffs_is_refused(void **state)
{
	struct store *store = NULL;
	bool created;

	(void)state;
	assert_int_equal(store_open_or_create(&store, "/tmp/bgo-not-bpffs", 0, &created), -EINVAL);
	assert_int_equal(access("/tmp/bgo-not-bpffs", F_OK), -1);
}

static void a_directory_that_is_not_bgos_is_neither_used_nor_removed(void **state)
{
	struct store *store = NULL;
	bool created;
	int fd = bpf_map_create(BPF_MAP_TYPE_ARRAY, "x", 4, 4, 1, NULL);

	(void)state;
	assert_int_equal(mkdir(PIN_PATH, 0700), 0);
	assert_int_equal(bpf_obj_pin(fd, PIN_PATH "/theirs"), 0);
	close(fd);
	assert_int_equal(store_open_or_create(&store, PIN_PATH, 0, &created), -EEXIST);
	assert_int_equal(store_remove(PIN_PATH), -EINVAL);
	assert_int_equal(access(PIN_PATH "/theirs", F_OK), 0);
}

static void removal_leaves_what_is_not_bgos(void **state)
{
	int fd = bpf_map_create(BPF_MAP_TYPE_ARRAY, "x", 4, 4, 1, NULL);

	(void)state;
	create_store(100);
	assert_int_equal(bpf_obj_pin(fd, PIN_PATH "/theirs"), 0);
	close(fd);
	assert_int_equal(store_remove(PIN_PATH), 0);
	assert_int_equal(access(PIN_PATH "/theirs", F_OK), 0);
	assert_int_equal(access(PIN_PATH "/config_map", F_OK), -1);
}

static void a_killed_removal_is_no_firewall_and_can_be_finished(void **state)
{
	struct store *store = NULL;
	bool created;

	(void)state;
	create_store(100);
	assert_int_equal(rename(PIN_PATH "/config_map", PIN_PATH "/removed"), 0);
	assert_int_equal(store_open(&store, PIN_PATH, STORE_READ), -ENOENT);
	assert_int_equal(store_remove(PIN_PATH), 0);
	assert_int_equal(access(PIN_PATH, F_OK), -1);
	create_store(100);
	assert_int_equal(rename(PIN_PATH "/config_map", PIN_PATH "/removed"), 0);
	assert_int_equal(store_open_or_create(&store, PIN_PATH, 100, &created), 0);
	assert_true(created);
	store_close(store);
}

static void there_is_one_server_and_its_pins_are_not_removed(void **state)
{
	struct store *store = open_store(STORE_WRITE);
	_cleanup_close_ int lock = -1;
	int second = -1;

	(void)state;
	assert_int_equal(store_server_pid(store), 0);
	assert_int_equal(store_server_lock(store, &lock), 0);
	assert_int_equal(store_server_pid(store), getpid());
	assert_int_equal(store_server_lock(store, &second), -EBUSY);
	store_close(store);
	assert_int_equal(store_remove(PIN_PATH), -EBUSY);
	assert_int_equal(access(PIN_PATH "/config_map", F_OK), 0);
}

#define NO_STORE_TEST(test) cmocka_unit_test_setup_teardown(test, no_store, leave_store)
#define STORE_TEST(test) cmocka_unit_test_setup_teardown(test, new_store, leave_store)
#define SMALL_STORE_TEST(test) cmocka_unit_test_setup_teardown(test, small_store, leave_store)

int main(void)
{
	const struct CMUnitTest tests[] = {
		STORE_TEST(a_new_store_has_no_rules_and_allows),
		STORE_TEST(a_default_store_takes_at_most_32_mb),
		SMALL_STORE_TEST(a_rule_is_in_force_after_commit_and_its_neighbour_is_not),
		SMALL_STORE_TEST(adding_a_rule_again_tells_its_index_and_adds_nothing),
		SMALL_STORE_TEST(an_index_is_never_used_again),
		SMALL_STORE_TEST(an_aborted_transaction_leaves_nothing),
		STORE_TEST(a_writer_that_died_changed_nothing),
		STORE_TEST(the_next_writer_after_a_death_adds_only_its_own),
		STORE_TEST(lists_grow_by_themselves_and_keep_comments),
		SMALL_STORE_TEST(a_comment_of_64_bytes_is_kept_whole),
		SMALL_STORE_TEST(one_rule_more_than_max_rules_is_refused_and_changes_nothing),
		SMALL_STORE_TEST(a_full_rule_set_can_be_replaced_by_another_full_one),
		SMALL_STORE_TEST(a_new_rule_has_no_hits_whatever_its_number_counted_before),
		SMALL_STORE_TEST(
			hits_beyond_half_are_counted_in_the_line_that_follows_from_the_address),
		SMALL_STORE_TEST(
			hits_of_a_rule_too_short_for_a_line_of_its_own_are_counted_anywhere),
		SMALL_STORE_TEST(a_rule_that_a_restore_brings_back_keeps_its_hits),
		SMALL_STORE_TEST(reset_counters_start_again_at_zero_for_readers),
		SMALL_STORE_TEST(new_limits_take_the_other_bucket_and_the_same_limits_keep_theirs),
		SMALL_STORE_TEST(three_thousand_commits_leave_the_right_rules),
		SMALL_STORE_TEST(a_record_is_written_over_when_no_packet_reads_it_any_more),
		SMALL_STORE_TEST(a_larger_max_rules_keeps_everything),
		SMALL_STORE_TEST(a_smaller_max_rules_keeps_the_size),
		SMALL_STORE_TEST(leftovers_of_a_killed_migration_are_removed),
		NO_STORE_TEST(a_killed_creation_is_no_firewall_and_is_made_anew_by_start),
		SMALL_STORE_TEST(a_missing_pin_is_told_and_nothing_is_changed),
		SMALL_STORE_TEST(a_map_of_another_shape_is_refused),
		SMALL_STORE_TEST(another_layout_version_is_refused),
		SMALL_STORE_TEST(a_directory_open_to_others_is_refused),
		NO_STORE_TEST(a_path_outside_bpffs_is_refused),
		NO_STORE_TEST(a_directory_that_is_not_bgos_is_neither_used_nor_removed),
		NO_STORE_TEST(removal_leaves_what_is_not_bgos),
		NO_STORE_TEST(a_killed_removal_is_no_firewall_and_can_be_finished),
		SMALL_STORE_TEST(there_is_one_server_and_its_pins_are_not_removed),
	};

	own_bpffs_enter(0);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
