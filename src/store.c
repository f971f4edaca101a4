/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The store: opening pinned maps under their lock and reading them. Changes are in transaction.c.
 * See store.h. */
#include <assert.h>
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <fcntl.h>
#include <inttypes.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "../bpf/map_list.h"
#include "cleanup.h"
#include "image.h"
#include "log.h"
#include "store_internal.h"

void *store_memory(const struct store *store, enum map map)
{
	size_t bytes = map_stride(map) * store->entries[map];
	int protection = PROT_READ | (store->access == STORE_WRITE ? PROT_WRITE : 0);
	void *mapped;

	if (store->memory[map])
		return store->memory[map];
	mapped = mmap(NULL, bytes, protection, MAP_SHARED, store->fds[map], 0);
	if (mapped == MAP_FAILED) {
		log_error(-errno, "map %s into memory (%zu bytes)", map_name(map), bytes);
		return NULL;
	}
	store->memory[map] = mapped;
	return mapped;
}

static void unmap(struct store *store, enum map map)
{
	if (store->memory[map])
		munmap(store->memory[map], map_stride(map) * store->entries[map]);
	store->memory[map] = NULL;
}

enum map store_list_map(enum hook hook, enum list list)
{
	return MAP_whitelist_map + hook * LIST_COUNT + list;
}
_Static_assert(MAP_tc_egress_blacklist ==
		       MAP_whitelist_map + HOOK_EGRESS * LIST_COUNT + LIST_BLACKLIST,
	       "the rule lists stand in bpf/map_list.h in the order of hooks and lists");

struct rule_slot *store_slots(const struct store *store, enum hook hook, enum list list,
			      uint32_t *count)
{
	enum map map = store_list_map(hook, list);

	*count = store->entries[map];
	return store_memory(store, map);
}

int store_load_record(struct store *store)
{
	uint64_t generation = __atomic_load_n(&store->config->commit, __ATOMIC_ACQUIRE);
	struct ruleset *records = store_memory(store, MAP_ruleset_map);
	struct rate_limit *limits = store_memory(store, MAP_rate_limit_config_map);

	if (!records || !limits)
		return -ENOMEM;
	store->ruleset = &records[ruleset_record(generation)];
	store->rate_limit = &limits[ruleset_record(generation)];
	if (store->ruleset->generation != generation)
		return log_fail(-EILSEQ,
				"open %s: damaged: the record of generation %" PRIu64
				" is of generation %" PRIu64,
				store->pin_path, generation, (uint64_t)store->ruleset->generation);
	return 0;
}

static int open_maps(struct store *store, const char *suffix)
{
	for (enum map map = 0; map < MAP_COUNT; map++) {
		store->fds[map] =
			map_open(map, store->dir_fd, store->pin_path, suffix, &store->entries[map]);
		if (store->fds[map] == -ENOENT)
			return log_fail(-ENOENT,
					"open %s: damaged: pin %s%s is missing; nothing was "
					"changed. Remove the rest with "
					"`bgo firewall-server cleanup-maps` and start anew",
					store->pin_path, map_name(map), suffix);
		if (store->fds[map] < 0)
			return store->fds[map];
	}
	return 0;
}

static int check_config(const struct store *store)
{
	const struct config *config = store->config;

	if (config->magic != BGO_MAGIC || config->layout != BGO_LAYOUT)
		return log_fail(-EINVAL,
				"open %s: its config_map is not of this version of bgo; nothing "
				"was changed",
				store->pin_path);
	for (enum map map = 0; map < MAP_COUNT; map++) {
		uint32_t entries = map_entries(map, config->max_rules);

		if (map_holds_connections(map) || store->entries[map] == entries ||
		    (map_grows(map) && store->entries[map] > entries))
			continue;
		return log_fail(-EINVAL, "open %s: damaged: %s has %u entries instead of %u",
				store->pin_path, map_name(map), store->entries[map], entries);
	}
	return 0;
}

/* A damaged record must not become an access outside the maps. */
static int check_record(const struct store *store)
{
	const struct ruleset *ruleset = store->ruleset;
	const uint64_t half_nodes = store_nodes_capacity(store);

	if (ruleset->node_half > 1 || ruleset->nodes_used < ruleset->node_half * half_nodes ||
	    ruleset->nodes_used > (ruleset->node_half + 1) * half_nodes)
		return log_fail(-EILSEQ,
				"open %s: damaged: its record uses nodes that do not exist",
				store->pin_path);
	for (enum hook hook = 0; hook < HOOK_COUNT; hook++)
		for (enum list list = 0; list < LIST_COUNT; list++)
			if (ruleset->lists[hook][list].slots_used >
			    store->entries[store_list_map(hook, list)])
				return log_fail(-EILSEQ,
						"open %s: damaged: its record uses slots of %s "
						"that do not exist",
						store->pin_path,
						map_name(store_list_map(hook, list)));
	return 0;
}

struct store *store_new(const char *pin_path, enum store_access access)
{
	_cleanup_store_ struct store *store = calloc(1, sizeof(*store));

	if (!store) {
		log_error(-ENOMEM, "open %s", pin_path);
		return NULL;
	}
	store->dir_fd = -1;
	memset(store->fds, -1, sizeof(store->fds));
	store->access = access;
	store->memory = calloc(MAP_COUNT, sizeof(*store->memory));
	store->pin_path = strdup(pin_path);
	if (!store->memory || !store->pin_path) {
		log_error(-ENOMEM, "open %s", pin_path);
		return NULL;
	}
	return take(store);
}

int store_open_pins(struct store **out, const char *pin_path, int *dir_fd, enum store_access access,
		    const char *suffix)
{
	_cleanup_store_ struct store *store = store_new(pin_path, access);
	int err;

	if (!store)
		return -ENOMEM;
	store->dir_fd = take_fd(*dir_fd);
	err = open_maps(store, suffix);
	if (err)
		return err;
	store->config = store_memory(store, MAP_config_map);
	if (!store->config)
		return -ENOMEM;
	err = check_config(store);
	if (!err)
		err = store_load_record(store);
	if (!err)
		err = check_record(store);
	if (!err && access == STORE_WRITE && store->config->intent)
		err = store_scrub(store);
	if (err)
		return err;
	if (access == STORE_WRITE)
		store_set_clock(store);
	*out = take(store);
	return 0;
}

static int no_firewall(const char *pin_path)
{
	return log_fail(
		-ENOENT,
		"no firewall at %s; start one with `bgo firewall-server start --interface IF`",
		pin_path);
}

/* What `start` would migrate is not for anybody else to use. */
static int check_layout(int dir_fd, const char *pin_path)
{
	struct config config;
	int err = store_read_config(dir_fd, pin_path, "", &config);

	if (err)
		return log_error(err, "open config_map of %s", pin_path);
	if (config.magic != BGO_MAGIC || config.layout == BGO_LAYOUT)
		return 0;
	/* What somebody died of is just finished: it may be the work of a newer version. */
	if (!image_layout_known(config.layout))
		return store_unknown_layout(pin_path, config.layout);
	return log_fail(-EINVAL,
			"open %s: its maps are of layout %u, of an older version of bgo, this one "
			"has layout %u; nothing was changed. Run `bgo firewall-server start`, "
			"which migrates them, or use the older version",
			pin_path, config.layout, BGO_LAYOUT);
}

/* A change would be in force for some of the attached programs and not for others. */
static int check_pending(const struct store *store)
{
	if (!store_pending(store))
		return 0;
	if (store->access == STORE_WRITE)
		return log_fail(-EAGAIN,
				"change %s: a start was interrupted while it migrated the maps, so "
				"what is attached may still use the ones before; nothing was "
				"changed. Run `bgo firewall-server start`, which repairs that",
				store->pin_path);
	log_warning("%s: a start was interrupted while it migrated the maps: counters may lag and "
		    "nothing can be changed until `bgo firewall-server start` repairs that",
		    store->pin_path);
	return 0;
}

int store_try_open(struct store **out, const char *pin_path, enum store_access access,
		   unsigned int seconds)
{
	_cleanup_close_ int dir_fd = pin_dir_open(pin_path, seconds);
	_cleanup_store_ struct store *store = NULL;
	int err;

	if (dir_fd < 0)
		return dir_fd;
	err = store_initialised(dir_fd, pin_path);
	if (err <= 0)
		return err ? err : -ENOENT;
	err = store_finish_migration(dir_fd, pin_path);
	if (!err)
		err = check_layout(dir_fd, pin_path);
	if (!err)
		err = store_open_pins(&store, pin_path, &dir_fd, access, "");
	if (!err)
		err = check_pending(store);
	if (!err)
		err = store_revert_expired(&store);
	if (err)
		return err;
	*out = take(store);
	return 0;
}

int store_try_change(struct store **out, const char *pin_path)
{
	_cleanup_store_ struct store *store = NULL;
	int err = store_try_open(&store, pin_path, STORE_WRITE, 0);

	if (err)
		return err;
	if (store_unconfirmed(store))
		return -EWOULDBLOCK;
	*out = take(store);
	return 0;
}

int store_open(struct store **out, const char *pin_path, enum store_access access)
{
	int err = store_try_open(out, pin_path, access, STORE_LOCK_SECONDS);

	return err == -ENOENT ? no_firewall(pin_path) : err;
}

void store_close(struct store *store)
{
	if (!store)
		return;
	for (enum map map = 0; map < MAP_COUNT; map++) {
		if (store->memory)
			unmap(store, map);
		if (store->fds[map] >= 0)
			close(store->fds[map]);
	}
	free(store->memory);
	if (store->dir_fd >= 0)
		close(store->dir_fd);
	free(store->pin_path);
	free(store);
}

void store_cleanup(struct store **store)
{
	store_close(*store);
}

const char *store_pin_path(const struct store *store)
{
	return store->pin_path;
}

int store_map_fd(const struct store *store, enum map map)
{
	return store->fds[map];
}

uint64_t store_generation(const struct store *store)
{
	return store->ruleset->generation;
}

uint32_t store_max_rules(const struct store *store)
{
	return store->config->max_rules;
}

uint32_t ruleset_rule_count(const struct ruleset *ruleset)
{
	uint32_t count = 0;

	for (enum hook hook = 0; hook < HOOK_COUNT; hook++)
		for (enum list list = 0; list < LIST_COUNT; list++)
			for (enum family family = 0; family < FAMILY_COUNT; family++)
				count += ruleset->lists[hook][list].rules[family];
	return count;
}

/* Rules of the list that have expired and are there only because nobody removed them yet. */
static uint32_t count_expired(const struct store *store, enum hook hook, enum list list)
{
	const struct rule_view rules = store_rules(store, hook, list);
	const uint32_t now_s = store_now_s(store);
	uint32_t expired = 0;

	if (!store->config->expires_s || now_s < store->config->expires_s)
		return 0;
	for (uint32_t i = 0; i < rules.count; i++)
		expired += rule_slot_live(&rules.slots[i], rules.generation) &&
			   rule_slot_expired(&rules.slots[i], now_s);
	return expired;
}

uint32_t store_list_count(const struct store *store, enum hook hook, enum list list)
{
	const uint32_t *rules = store->ruleset->lists[hook][list].rules;

	return rules[FAMILY_IPV4] + rules[FAMILY_IPV6] - count_expired(store, hook, list);
}

uint32_t store_rule_count(const struct store *store)
{
	uint32_t count = 0;

	for (enum hook hook = 0; hook < HOOK_COUNT; hook++)
		for (enum list list = 0; list < LIST_COUNT; list++)
			count += store_list_count(store, hook, list);
	return count;
}

const struct ruleset *store_ruleset(const struct store *store)
{
	return store->ruleset;
}

const struct rate_limit *store_rate_limit(const struct store *store)
{
	return store->rate_limit;
}

uint32_t store_nodes_used(const struct store *store)
{
	return store->ruleset->nodes_used - store->ruleset->node_half * store_nodes_capacity(store);
}

uint32_t store_nodes_capacity(const struct store *store)
{
	return store->entries[MAP_node_map] / 2;
}

const struct node *store_nodes(const struct store *store, uint32_t *count)
{
	*count = store->entries[MAP_node_map];
	return store_memory(store, MAP_node_map);
}

uint64_t store_memory_bytes(const struct store *store)
{
	uint64_t bytes = 0;

	for (enum map map = 0; map < MAP_COUNT; map++)
		bytes += map_memory_bytes(store->fds[map]);
	return bytes;
}

struct rule_view store_rules(const struct store *store, enum hook hook, enum list list)
{
	uint32_t entries;
	struct rule_view view = {
		.slots = store_slots(store, hook, list, &entries),
		.generation = store_generation(store),
	};

	view.count = view.slots ? store->ruleset->lists[hook][list].slots_used : 0;
	return view;
}

void store_comment(const struct store *store, const struct rule_slot *slot,
		   char text[static COMMENT_BYTES + 1])
{
	const struct comment_slot *comments = store_memory(store, MAP_comment_map);

	text[0] = '\0';
	if (!slot->comment || slot->comment >= store->entries[MAP_comment_map] || !comments)
		return;
	memcpy(text, comments[slot->comment].text, COMMENT_BYTES);
	text[COMMENT_BYTES] = '\0';
}

uint64_t store_hits(const struct store *store, const struct rule_slot *slot)
{
	const uint64_t *hits = store_memory(store, MAP_rule_hits_map);
	uint32_t max_rules = store_max_rules(store);
	uint64_t sum = 0;

	if (!hits || slot->hit >= max_rules)
		return 0;
	for (uint32_t stripe = 0; stripe < HIT_STRIPES; stripe++)
		sum += __atomic_load_n(&hits[stripe * max_rules + slot->hit], __ATOMIC_RELAXED);
	return sum - slot->hits_before;
}

int store_sum_cpus(const struct store *store, enum map map, uint32_t key, void *sums, size_t bytes)
{
	int err = map_sum_cpus(store->fds[map], key, sums, bytes / sizeof(uint64_t));

	return err ? log_error(err, "read counters of %s", map_name(map)) : 0;
}

static void counter_subtract(struct counter *counter, const struct counter *less)
{
	counter->packets -= less->packets;
	counter->bytes -= less->bytes;
}

int store_stats_raw(const struct store *store, enum hook hook,
		    struct counter out[static REASON_SLOTS])
{
	enum map map = hook == HOOK_XDP ? MAP_stats_map : MAP_tc_stats_map;
	uint32_t first = hook == HOOK_EGRESS ? REASON_SLOTS : 0;
	int err = 0;

	memset(out, 0, REASON_SLOTS * sizeof(*out));
	for (uint32_t reason = 0; !err && reason < REASON_COUNT; reason++)
		err = store_sum_cpus(store, map, first + reason, &out[reason], sizeof(*out));
	return err;
}

int store_stats(const struct store *store, enum hook hook, struct counter out[static REASON_SLOTS])
{
	int err = store_stats_raw(store, hook, out);

	if (err)
		return err;
	for (uint32_t reason = 0; reason < REASON_SLOTS; reason++)
		counter_subtract(&out[reason], &store->ruleset->stats_before[hook][reason]);
	return 0;
}

int store_rate_limit_stats_raw(const struct store *store, struct rate_limit_stats *out)
{
	return store_sum_cpus(store, MAP_rate_limit_stats_map, 0, out, sizeof(*out));
}

int store_rate_limit_stats(const struct store *store, struct rate_limit_stats *out)
{
	int err = store_rate_limit_stats_raw(store, out);

	if (err)
		return err;
	counter_subtract(&out->passed, &store->rate_limit->passed_before);
	counter_subtract(&out->dropped, &store->rate_limit->dropped_before);
	counter_subtract(&out->source_dropped, &store->rate_limit->source.dropped_before);
	return 0;
}

uint64_t store_id(const struct store *store)
{
	return store->config->store_id;
}

int store_server_pid(const struct store *store)
{
	return pin_dir_server_runs(store->dir_fd) ? (int)store->config->daemon_pid : 0;
}

int store_server_busy(const char *pin_path, uint32_t pid)
{
	return log_fail(-EBUSY, "start on %s: a firewall server is running there (pid %u)",
			pin_path, pid);
}

int store_server_lock(struct store *store, int *lock_fd)
{
	int fd = pin_dir_lock_server(store->dir_fd);

	if (fd == -EBUSY)
		return store_server_busy(store->pin_path, store->config->daemon_pid);
	if (fd < 0)
		return fd;
	store->config->daemon_pid = getpid();
	*lock_fd = fd;
	return 0;
}

const struct config *store_watch(const struct store *store)
{
	void *config = mmap(NULL, map_stride(MAP_config_map), PROT_READ, MAP_SHARED,
			    store->fds[MAP_config_map], 0);

	if (config == MAP_FAILED) {
		log_error(-errno, "map config_map into memory");
		return NULL;
	}
	return config;
}

void store_unwatch(const struct config *config)
{
	if (config)
		munmap((void *)config, map_stride(MAP_config_map));
}

/* What another version or damage left there is no path. */
static bool is_snapshot(const struct config *config)
{
	return config->snapshot[0] == '/' &&
	       memchr(config->snapshot, '\0', sizeof(config->snapshot));
}

const char *store_snapshot(const struct store *store)
{
	return is_snapshot(store->config) ? store->config->snapshot : "";
}

void store_set_snapshot(struct store *store, const char *file)
{
	volatile char *first = store->config->snapshot;

	assert(strlen(file) < SNAPSHOT_PATH_BYTES);
	if (strcmp(store->config->snapshot, file) == 0)
		return;
	/* Killed in here, there is no snapshot until the next start says where: never half a path.
	 */
	__atomic_store_n(first, '\0', __ATOMIC_SEQ_CST);
	if (*file)
		strcpy(store->config->snapshot + 1, file + 1);
	__atomic_store_n(first, *file, __ATOMIC_SEQ_CST);
}

void store_snapshot_of(const char *pin_path, char file[static SNAPSHOT_PATH_BYTES])
{
	_cleanup_close_ int dir_fd = open(pin_path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	struct config config;

	file[0] = '\0';
	if (dir_fd < 0 || store_read_config(dir_fd, pin_path, "", &config) ||
	    config.magic != BGO_MAGIC || config.layout < 2 || !is_snapshot(&config))
		return;
	strcpy(file, config.snapshot);
}
