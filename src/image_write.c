/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Makes maps of today's layout from an image. Their counters begin at zero, and the baselines that
 * readers subtract are the negative of what the old ones said: so nothing is ever added to a
 * counter that packets are adding to, and writing the baselines again, when the old counters have
 * gone on, is right again.
 */
#include <bpf/bpf.h>
#include <fcntl.h>
#include <string.h>

#include "../bpf/map_list.h"
#include "../bpf/ratelimit_source.h"
#include "cleanup.h"
#include "image.h"
#include "log.h"
#include "numbers.h"

/* What of the old maps is to be written. */
struct census {
	uint32_t rules[HOOK_COUNT][LIST_COUNT];
	uint32_t all_rules, comments;
};

/* The next live rule of a list from slot *cursor on: 1, 0 at the end, or negative errno. */
static int next_rule(const struct image_source *source, enum hook hook, enum list list,
		     uint32_t *cursor, struct image_rule *out)
{
	const uint32_t slots = source->image.ruleset.lists[hook][list].slots_used;
	int found = 0;

	while (!found && *cursor < slots)
		found = source->reader->rule(source->maps, hook, list, (*cursor)++, out);
	return found;
}

static int take_census(const struct image_source *source, const char *pin_path, uint32_t max_rules,
		       struct census *out)
{
	struct census census = {};

	for (enum hook hook = 0; hook < HOOK_COUNT; hook++)
		for (enum list list = 0; list < LIST_COUNT; list++) {
			const struct list_info *info = &source->image.ruleset.lists[hook][list];
			struct image_rule rule;
			uint32_t cursor = 0;
			int found;

			while ((found = next_rule(source, hook, list, &cursor, &rule)) == 1) {
				if (rule.slot.rule.family >= FAMILY_COUNT ||
				    rule.slot.index >= info->next_index)
					return log_fail(
						-EILSEQ,
						"migrate %s: damaged: %s has a rule that no "
						"command writes; nothing was changed",
						pin_path, map_name(store_list_map(hook, list)));
				census.rules[hook][list]++;
				census.comments += rule.comment[0] != '\0';
			}
			if (found < 0)
				return found;
			census.all_rules += census.rules[hook][list];
		}
	if (census.all_rules > max_rules)
		return log_fail(-EILSEQ,
				"migrate %s: damaged: it has %u rules and room for %u; nothing was "
				"changed",
				pin_path, census.all_rules, max_rules);
	*out = census;
	return 0;
}

/* Maps that are written here; what an image does not tell of goes on as it is, where it can. */
static bool is_written(enum map map)
{
	switch (map) {
	case MAP_config_map:
	case MAP_ruleset_map:
	case MAP_node_map:
	case MAP_rule_hits_map:
	case MAP_rate_limit_config_map:
	case MAP_rate_limit_state_map:
	case MAP_rate_limit_local_map:
	case MAP_rate_limit_stats_map:
	case MAP_stats_map:
	case MAP_tc_stats_map:
	case MAP_tc_ingress_whitelist_count:
	case MAP_tc_ingress_blacklist_count:
	case MAP_tc_egress_whitelist_count:
	case MAP_tc_egress_blacklist_count:
		return true;
	default:
		return map_grows(map);
	}
}

static uint32_t entries_needed(enum map map, const struct census *census, uint32_t max_rules)
{
	const uint32_t least = map_entries(map, max_rules);
	uint32_t wanted = 0;

	if (map == MAP_comment_map)
		wanted = census->comments + 1; /* slot 0 is "no comment" */
	for (enum hook hook = 0; hook < HOOK_COUNT; hook++)
		for (enum list list = 0; list < LIST_COUNT; list++)
			if (map == store_list_map(hook, list))
				wanted = census->rules[hook][list];
	return wanted > least ? wanted : least;
}

static int make_maps(struct store *store, const struct image_source *source,
		     const struct census *census, uint32_t max_rules)
{
	for (enum map map = 0; map < MAP_COUNT; map++) {
		int old = is_written(map) ? -1 : source->reader->map(source->maps, map);

		store->entries[map] = entries_needed(map, census, max_rules);
		store->fds[map] = old < 0 ? map_create(map, store->entries[map])
					  : fcntl(old, F_DUPFD_CLOEXEC, 0);
		if (store->fds[map] < 0)
			return old < 0 ? store->fds[map]
				       : log_error(-errno, "keep map %s", map_name(map));
		/* Of whatever size --max-connections made it. */
		if (old >= 0 && map_holds_connections(map))
			store->entries[map] = map_max_entries(old);
	}
	return 0;
}

static int write_list(struct store *store, const struct image_source *source, enum hook hook,
		      enum list list, struct list_info *info, struct numbers *hits,
		      uint32_t *next_comment)
{
	struct comment_slot *comments = store_memory(store, MAP_comment_map);
	uint32_t entries, cursor = 0;
	struct rule_slot *slots = store_slots(store, hook, list, &entries);
	struct image_rule rule;
	int found;

	if (!slots || !comments)
		return -ENOMEM;
	*info = (struct list_info){.next_index = info->next_index};
	while ((found = next_rule(source, hook, list, &cursor, &rule)) == 1) {
		struct rule_slot *slot = &slots[info->slots_used++];
		const int64_t hit = numbers_take_hit(hits, &rule.slot.rule);

		if (hit < 0)
			return (int)hit;
		*slot = rule.slot;
		slot->hit = (uint32_t)hit;
		slot->born = source->image.ruleset.generation;
		slot->died = 0;
		slot->comment = 0;
		if (rule.comment[0]) {
			slot->comment = ++*next_comment;
			memcpy(comments[slot->comment].text, rule.comment, COMMENT_BYTES);
		}
		info->rules[slot->rule.family]++;
	}
	return found;
}

static int write_rules(struct store *store, const struct image_source *source,
		       struct ruleset *ruleset)
{
	_cleanup_(numbers_free) struct numbers hits = {};
	uint32_t comments = 0;
	int err = numbers_init(&hits, store_max_rules(store));

	for (enum hook hook = 0; hook < HOOK_COUNT; hook++)
		for (enum list list = 0; !err && list < LIST_COUNT; list++)
			err = write_list(store, source, hook, list, &ruleset->lists[hook][list],
					 &hits, &comments);
	return err;
}

/* Nobody reads these maps yet: every record, half and bucket of them is free. */
static int write_limit(const struct store *store, const struct image_source *source,
		       struct rate_limit *limit)
{
	struct rate_limit_bucket *buckets = store_memory(store, MAP_rate_limit_state_map);
	int err = buckets ? 0 : -ENOMEM;

	*limit = source->image.limit;
	limit->id = limit->id ? limit->id : 1;
	limit->bucket = 0;
	limit->since = source->image.ruleset.generation;
	if (!err)
		buckets[0] = source->image.bucket;
	if (!err)
		err = rate_limit_prepare(limit);
	if (!err)
		err = source_limit_prepare(&limit->source);
	if (!err)
		rate_limit_set_active(limit);
	if (err == -ERANGE)
		return log_fail(-EILSEQ,
				"migrate %s: damaged: it has limits that no command sets; nothing "
				"was changed",
				store->pin_path);
	return err;
}

static int write_ruleset(const struct store *store, struct ruleset *ruleset)
{
	struct node_pool pool = {.nodes = store_memory(store, MAP_node_map),
				 .end = store_nodes_capacity(store)};
	int err = pool.nodes ? store_compile(store, &pool, ruleset) : -ENOMEM;

	ruleset->node_half = 0;
	ruleset->nodes_used = pool.used;
	ruleset->half_since = ruleset->generation;
	ruleset->limit_since = ruleset->generation;
	return err;
}

static void write_config(struct config *config, const struct image *image, uint32_t max_rules)
{
	*config = image->config;
	config->magic = BGO_MAGIC;
	config->layout = BGO_LAYOUT;
	config->max_rules = max_rules;
	config->initialised = 1;
	config->intent = 0;
	config->programs = PROGRAMS_PENDING;
	config->grace = image->ruleset.generation;
	config->commit = image->ruleset.generation;
}

static void set_before(struct counter *before, const struct counter *shown)
{
	__atomic_store_n(&before->packets, 0 - shown->packets, __ATOMIC_RELAXED);
	__atomic_store_n(&before->bytes, 0 - shown->bytes, __ATOMIC_RELAXED);
}

/* The rules of both stand in the same order. */
static int write_list_counters(struct store *store, const struct image_source *source,
			       enum hook hook, enum list list)
{
	uint32_t entries, cursor = 0, number = 0;
	struct rule_slot *slots = store_slots(store, hook, list, &entries);
	const uint32_t used = store->ruleset->lists[hook][list].slots_used;
	struct image_rule rule;
	int found;

	if (!slots)
		return -ENOMEM;
	while ((found = next_rule(source, hook, list, &cursor, &rule)) == 1) {
		struct rule_slot *slot = &slots[number];

		if (number++ == used || slot->index != rule.slot.index)
			return log_fail(-EILSEQ,
					"count the hits of %s as before: %s has other rules than "
					"before",
					store->pin_path, map_name(store_list_map(hook, list)));
		__atomic_store_n(&slot->hits_before, 0 - rule.hits, __ATOMIC_RELAXED);
	}
	return found;
}

int image_write_counters(struct store *store, const struct image_source *source)
{
	const struct image *image = &source->image;
	int err = 0;

	for (enum hook hook = 0; hook < HOOK_COUNT; hook++)
		for (uint32_t reason = 0; reason < REASON_SLOTS; reason++)
			set_before(&store->ruleset->stats_before[hook][reason],
				   &image->stats[hook][reason]);
	set_before(&store->rate_limit->passed_before, &image->limit_stats.passed);
	set_before(&store->rate_limit->dropped_before, &image->limit_stats.dropped);
	set_before(&store->rate_limit->source.dropped_before, &image->limit_stats.source_dropped);
	for (enum hook hook = 0; hook < HOOK_COUNT; hook++)
		for (enum list list = 0; !err && list < LIST_COUNT; list++)
			err = write_list_counters(store, source, hook, list);
	return err;
}

static int write_content(struct store *store, const struct image_source *source, uint32_t max_rules)
{
	const struct image *image = &source->image;
	const uint32_t record = ruleset_record(image->ruleset.generation);
	struct config *config = store_memory(store, MAP_config_map);
	struct ruleset *rulesets = store_memory(store, MAP_ruleset_map);
	struct rate_limit *limits = store_memory(store, MAP_rate_limit_config_map);
	int err;

	if (!config || !rulesets || !limits)
		return -ENOMEM;
	rulesets[record] = image->ruleset;
	write_config(config, image, max_rules);
	store->config = config;
	err = store_load_record(store);
	if (!err)
		err = write_limit(store, source, &limits[record]);
	if (!err)
		err = write_rules(store, source, &rulesets[record]);
	if (!err)
		err = write_ruleset(store, &rulesets[record]);
	if (!err)
		err = image_write_counters(store, source);
	if (!err) {
		store_set_clock(store);
		store_write_count_maps(store);
	}
	return err;
}

int image_write(struct store **out, const struct image_source *source, const char *pin_path,
		uint32_t max_rules)
{
	_cleanup_store_ struct store *store = store_new(pin_path, STORE_WRITE);
	struct census census = {};
	int err;

	if (!store)
		return -ENOMEM;
	err = take_census(source, pin_path, max_rules, &census);
	if (!err)
		err = make_maps(store, source, &census, max_rules);
	if (!err)
		err = write_content(store, source, max_rules);
	if (err)
		return err;
	*out = take(store);
	return 0;
}
