/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Reads a firewall from pinned maps of layout 1. See image.h. */
#include <bpf/bpf.h>
#include <string.h>
#include <sys/mman.h>

#include "cleanup.h"
#include "image.h"
#include "layout1.h"
#include "log.h"

/* The indexes of hooks, lists, families and reasons in its maps are those of today. */
_Static_assert(HOOK_COUNT == LAYOUT1_HOOKS && LIST_COUNT == LAYOUT1_LISTS &&
		       FAMILY_COUNT == LAYOUT1_FAMILIES && HOOK_XDP == 0 && HOOK_INGRESS == 1 &&
		       HOOK_EGRESS == 2 && LIST_WHITELIST == 0 && FAMILY_IPV4 == 0,
	       "layout 1");
_Static_assert(REASON_ALLOWED_WHITELIST == 0 && REASON_BLOCKED_BLACKLIST == 4 &&
		       REASON_GRAPH_ERROR == 9 && LAYOUT1_REASON_SLOTS <= REASON_SLOTS,
	       "layout 1: reasons are appended, never reordered");
_Static_assert(sizeof(struct rule) == sizeof(struct layout1_rule),
	       "layout 1: rules are as today's");

struct layout1 {
	char *pin_path;
	int fds[LAYOUT1_MAP_COUNT];
	uint32_t entries[LAYOUT1_MAP_COUNT];
	void *memory[LAYOUT1_MAP_COUNT]; /* of those in memory */
	const struct layout1_config *config;
	const struct layout1_ruleset *ruleset;
	const struct layout1_rate_limit *limit;
};

struct shape {
	struct map_shape map;
	bool mapped;
};

#define SHAPE(map_name, map_type, value, map_entries, is_mapped)                                   \
	[LAYOUT1_##map_name] = {                                                                   \
		.map = {.name = #map_name,                                                         \
			.type = BPF_MAP_TYPE_##map_type,                                           \
			.key_bytes = BPF_MAP_TYPE_##map_type == BPF_MAP_TYPE_HASH ? 8 : 4,         \
			.value_bytes = sizeof(value),                                              \
			.flags = (is_mapped) ? BPF_F_MMAPABLE : 0},                                \
		.mapped = is_mapped,                                                               \
	},
static const struct shape shapes[LAYOUT1_MAP_COUNT] = {LAYOUT1_MAPS(SHAPE)};

static uint32_t entries_of(enum layout1_map map, uint32_t n)
{
	switch (map) {
#define ENTRIES(name, type, value, entries, mapped)                                                \
	case LAYOUT1_##name:                                                                       \
		return entries;
		LAYOUT1_MAPS(ENTRIES)
	case LAYOUT1_MAP_COUNT:
		break;
	}
	return 0;
}

static bool grows(enum layout1_map map)
{
	return map >= LAYOUT1_whitelist_map && map <= LAYOUT1_comment_map;
}

static size_t bytes_of(const struct layout1 *maps, enum layout1_map map)
{
	return ((shapes[map].map.value_bytes + 7u) & ~7u) * (size_t)maps->entries[map];
}

static void layout1_close(void *opened)
{
	struct layout1 *maps = opened;

	for (enum layout1_map map = 0; map < LAYOUT1_MAP_COUNT; map++) {
		if (maps->memory[map])
			munmap(maps->memory[map], bytes_of(maps, map));
		if (maps->fds[map] >= 0)
			close(maps->fds[map]);
	}
	free(maps->pin_path);
	free(maps);
}

static void layout1_cleanup(struct layout1 **maps)
{
	if (*maps)
		layout1_close(*maps);
}

static int damaged(const struct layout1 *maps, const char *what)
{
	return log_fail(-EILSEQ, "migrate %s from layout 1: damaged: %s; nothing was changed",
			maps->pin_path, what);
}

static int open_map(struct layout1 *maps, enum layout1_map map, int dir_fd, const char *suffix)
{
	const struct shape *shape = &shapes[map];
	void *memory;

	maps->fds[map] =
		map_open_shape(&shape->map, dir_fd, maps->pin_path, suffix, &maps->entries[map]);
	if (maps->fds[map] == -ENOENT)
		return log_fail(-ENOENT,
				"migrate %s from layout 1: damaged: pin %s%s is missing; "
				"nothing was changed",
				maps->pin_path, shape->map.name, suffix);
	if (maps->fds[map] < 0 || !shape->mapped)
		return maps->fds[map] < 0 ? maps->fds[map] : 0;
	memory = mmap(NULL, bytes_of(maps, map), PROT_READ, MAP_SHARED, maps->fds[map], 0);
	if (memory == MAP_FAILED)
		return log_error(-errno, "map %s of layout 1 into memory", shape->map.name);
	maps->memory[map] = memory;
	return 0;
}

/* A damaged number must not become an access outside the maps. */
static int check(struct layout1 *maps)
{
	const uint32_t max_rules = maps->config->max_rules;
	uint32_t record;

	if (!max_rules || max_rules > STORE_MAX_MAX_RULES)
		return damaged(maps, "config_map has an impossible number of rules");
	for (enum layout1_map map = 0; map < LAYOUT1_MAP_COUNT; map++) {
		uint32_t entries = entries_of(map, max_rules);

		if (maps->entries[map] != entries && !(grows(map) && maps->entries[map] > entries))
			return damaged(maps, "a map has not as many entries as config_map says");
	}
	record = maps->config->commit % LAYOUT1_RECORDS;
	maps->ruleset = (const struct layout1_ruleset *)maps->memory[LAYOUT1_ruleset_map] + record;
	maps->limit =
		(const struct layout1_rate_limit *)maps->memory[LAYOUT1_rate_limit_config_map] +
		record;
	if (!maps->config->commit || maps->ruleset->generation != maps->config->commit)
		return damaged(maps, "its record is of another generation");
	for (uint32_t hook = 0; hook < LAYOUT1_HOOKS; hook++)
		for (uint32_t list = 0; list < LAYOUT1_LISTS; list++)
			if (maps->ruleset->lists[hook][list].slots_used >
			    maps->entries[LAYOUT1_whitelist_map + hook * LAYOUT1_LISTS + list])
				return damaged(maps, "its record uses slots that do not exist");
	return maps->limit->bucket < 2 ? 0
				       : damaged(maps, "its limits use a bucket that does not "
						       "exist");
}

static int layout1_open(void **out, int dir_fd, const char *pin_path, const char *suffix)
{
	_cleanup_(layout1_cleanup) struct layout1 *maps = calloc(1, sizeof(*maps));
	int err = 0;

	if (!maps)
		return log_error(-ENOMEM, "migrate %s", pin_path);
	memset(maps->fds, -1, sizeof(maps->fds));
	maps->pin_path = strdup(pin_path);
	if (!maps->pin_path)
		return log_error(-ENOMEM, "migrate %s", pin_path);
	for (enum layout1_map map = 0; !err && map < LAYOUT1_MAP_COUNT; map++)
		err = open_map(maps, map, dir_fd, suffix);
	if (err)
		return err;
	maps->config = maps->memory[LAYOUT1_config_map];
	err = check(maps);
	if (err)
		return err;
	*out = take(maps);
	return 0;
}

static struct counter shown(const uint64_t sums[2], const struct layout1_counter *before)
{
	return (struct counter){sums[0] - before->packets, sums[1] - before->bytes};
}

static int read_stats(const struct layout1 *maps, struct image *image)
{
	uint64_t sums[4];
	int err = 0;

	for (uint32_t hook = 0; hook < LAYOUT1_HOOKS; hook++)
		for (uint32_t reason = 0; !err && reason < LAYOUT1_REASON_SLOTS; reason++) {
			uint32_t key = reason + (hook == HOOK_EGRESS ? LAYOUT1_REASON_SLOTS : 0);

			err = map_sum_cpus(maps->fds[hook == HOOK_XDP ? LAYOUT1_stats_map
								      : LAYOUT1_tc_stats_map],
					   key, sums, 2);
			image->stats[hook][reason] =
				shown(sums, &maps->ruleset->stats_before[hook][reason]);
		}
	if (!err)
		err = map_sum_cpus(maps->fds[LAYOUT1_rate_limit_stats_map], 0, sums, 4);
	if (err)
		return log_error(err, "read the counters of %s", maps->pin_path);
	image->limit_stats.passed = shown(sums, &maps->limit->passed_before);
	image->limit_stats.dropped = shown(sums + 2, &maps->limit->dropped_before);
	return 0;
}

static int layout1_read(const void *opened, struct image *out)
{
	const struct layout1 *maps = opened;
	const struct layout1_bucket *buckets = maps->memory[LAYOUT1_rate_limit_state_map];
	const struct layout1_config *config = maps->config;
	const struct layout1_ruleset *ruleset = maps->ruleset;
	const struct layout1_rate_limit *limit = maps->limit;

	*out = (struct image){
		.config = {.max_rules = config->max_rules,
			   .daemon_pid = config->daemon_pid,
			   .store_id = config->store_id},
		.ruleset = {.generation = ruleset->generation},
		.limit = {.pps = limit->pps,
			  .bps = limit->bps,
			  .burst = limit->burst,
			  .enabled = limit->enabled,
			  .exempt_whitelist = limit->exempt_whitelist,
			  .id = limit->id,
			  .source = SOURCE_LIMIT_INITIAL},
		.bucket = {.packets_empty_at = buckets[limit->bucket].packets_empty_at,
			   .bytes_empty_at = buckets[limit->bucket].bytes_empty_at},
	};
	for (uint32_t hook = 0; hook < LAYOUT1_HOOKS; hook++) {
		out->ruleset.hooks[hook].default_deny = ruleset->hooks[hook].default_deny;
		out->ruleset.hooks[hook].drop_fragments = ruleset->hooks[hook].drop_fragments;
		for (uint32_t list = 0; list < LAYOUT1_LISTS; list++)
			out->ruleset.lists[hook][list] = (struct list_info){
				.next_index = ruleset->lists[hook][list].next_index,
				.slots_used = ruleset->lists[hook][list].slots_used,
			};
	}
	return read_stats(maps, out);
}

static uint64_t hits_of(const struct layout1 *maps, const struct layout1_slot *slot)
{
	const uint64_t *hits = maps->memory[LAYOUT1_rule_hits_map];
	uint64_t sum = 0;

	for (uint32_t stripe = 0; stripe < LAYOUT1_HIT_STRIPES; stripe++)
		sum += __atomic_load_n(&hits[stripe * maps->config->max_rules + slot->hit],
				       __ATOMIC_RELAXED);
	return sum - slot->hits_before;
}

static int layout1_rule(const void *opened, enum hook hook, enum list list, uint32_t number,
			struct image_rule *out)
{
	const struct layout1 *maps = opened;
	const struct layout1_slot *slot =
		(const struct layout1_slot *)
			maps->memory[LAYOUT1_whitelist_map + hook * LAYOUT1_LISTS + list] +
		number;
	const struct layout1_comment *comments = maps->memory[LAYOUT1_comment_map];
	const uint64_t committed = maps->config->commit;

	if (!slot->born || slot->born > committed || (slot->died && slot->died <= committed))
		return 0;
	if (slot->hit >= maps->config->max_rules ||
	    slot->comment >= maps->entries[LAYOUT1_comment_map])
		return damaged(maps, "a rule has counters or a comment that do not exist");
	out->slot = (struct rule_slot){.index = slot->index};
	memcpy(&out->slot.rule, &slot->rule, sizeof(out->slot.rule));
	out->hits = hits_of(maps, slot);
	memset(out->comment, 0, sizeof(out->comment));
	if (slot->comment)
		memcpy(out->comment, comments[slot->comment].text, LAYOUT1_COMMENT_BYTES);
	return 1;
}

/* The load balancer's maps held nothing. */
static int layout1_map(const void *opened, enum map map)
{
	(void)opened;
	(void)map;
	return -1;
}

const struct image_reader layout1_reader = {
	.layout = 1,
	.open = layout1_open,
	.close = layout1_close,
	.read = layout1_read,
	.rule = layout1_rule,
	.map = layout1_map,
};
