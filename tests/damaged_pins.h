/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A store to be damaged, and every kind of command to run on it then: it does its work or fails
 * with an error; what it says of the damage is of no interest. For real maps (prog/test_damage.c)
 * and for memory in their place (fuzz/fuzz_pins.c).
 */
#ifndef BGO_TESTS_DAMAGED_PINS_H
#define BGO_TESTS_DAMAGED_PINS_H

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "../src/cleanup.h"
#include "../src/rule.h"
#include "../src/ruleset_text.h"
#include "../src/store_internal.h"

#define DAMAGED_MAX_RULES 600
#define DAMAGED_RULES 24
#define FAR_FUTURE_S 4000000000u /* in 2096 */

/* Neighbours of both families, with and without ports; every fourth is given an end. */
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

		err = transaction_add(txn, HOOK_XDP, LIST_BLACKLIST, &rule,
				      n % 4 == 3 ? FAR_FUTURE_S : 0, "a comment", NULL, &added);
	}
	return err ? err : transaction_commit(&txn);
}

static int list_and_save(const char *pin_path)
{
	_cleanup_store_ struct store *store = NULL;
	_cleanup_fclose_ FILE *out = fopen("/dev/null", "w");
	struct counter stats[REASON_SLOTS];
	const struct node *nodes;
	struct rule_view view;
	uint32_t count;
	int err = out ? store_open(&store, pin_path, STORE_READ) : -errno;

	if (err)
		return err;
	err = ruleset_text_save(store, out);
	(void)store_stats(store, HOOK_XDP, stats);
	view = store_rules(store, HOOK_XDP, LIST_BLACKLIST);
	for (uint32_t i = 0; i < view.count; i++)
		fprintf(out, "%ju", (uintmax_t)store_hits(store, &view.slots[i]));
	nodes = store_nodes(store, &count);
	for (uint32_t n = 0; nodes && n < DAMAGED_RULES; n++) {
		const struct rule rule = nth_rule(n);
		uint32_t key[KEY_WORDS] = {0};

		memcpy(key, rule.addr_host, sizeof(rule.addr_host));
		(void)classifier_match(
			nodes, count,
			&store_ruleset(store)->hooks[HOOK_XDP].lists[LIST_BLACKLIST][rule.family],
			key, 0);
	}
	return err;
}

static int add_one_and_remove_one(const char *pin_path)
{
	_cleanup_store_ struct store *store = NULL;
	_cleanup_transaction_ struct transaction *txn = NULL;
	struct rule removed;
	int err = store_open(&store, pin_path, STORE_WRITE);

	if (err)
		return err;
	(void)add_rules(store, DAMAGED_RULES, 1, false);
	err = transaction_begin(&txn, store);
	if (!err)
		err = transaction_remove(txn, HOOK_XDP, LIST_BLACKLIST, 3, &removed);
	return err ? err : transaction_commit(&txn);
}

static int restore(const char *pin_path)
{
	_cleanup_store_ struct store *store = NULL;
	int err = store_open(&store, pin_path, STORE_WRITE);

	return err ? err : add_rules(store, 5, DAMAGED_RULES, true);
}

static int start_with_more_room(const char *pin_path)
{
	_cleanup_store_ struct store *store = NULL;
	bool created;

	return store_open_or_create(&store, pin_path, 2 * DAMAGED_MAX_RULES, &created);
}

static const struct {
	const char *name;
	int (*run)(const char *pin_path); /* negative: it failed */
} damaged_commands[] = {
	{"list and save", list_and_save},
	{"add and remove", add_one_and_remove_one},
	{"restore", restore},
	{"start", start_with_more_room},
};
#define DAMAGED_COMMANDS (sizeof(damaged_commands) / sizeof(damaged_commands[0]))

/* What of a map is in use, so that damage meets something. */
struct region {
	uint8_t *bytes;
	size_t size;
};

static struct region region_of(struct store *store, enum map map)
{
	struct region region = {store_memory(store, map), 0};
	const uint32_t record = ruleset_record(store->config->commit);

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
		region.size = DAMAGED_RULES * sizeof(struct rule_slot);
		break;
	}
	return region;
}

#endif
