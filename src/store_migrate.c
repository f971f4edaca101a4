/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Larger maps in the place of smaller ones. New maps are filled beside the old and pinned as
 * NAME_next. A rule list is then renamed over its pin: its slots carry generations, so that alone
 * changes nothing. What programs read must change together: when config_map_next is there the set
 * is complete, and whoever finds it finishes the renames, config_map last; without it the others
 * are the leftovers of somebody who died, and are removed.
 */
#include <bpf/bpf.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>

#include "../bpf/map_list.h"
#include "cleanup.h"
#include "log.h"
#include "store_internal.h"

static bool has_next(int dir_fd, enum map map)
{
	char name[128];
	struct stat info;

	snprintf(name, sizeof(name), "%s" MAP_NEXT, map_name(map));
	return fstatat(dir_fd, name, &info, AT_SYMLINK_NOFOLLOW) == 0;
}

/* Whether somebody died while he grew or migrated a map. */
static bool has_any_next(int dir_fd)
{
	for (enum map map = 0; map < MAP_COUNT; map++)
		if (has_next(dir_fd, map))
			return true;
	return false;
}

int store_finish_migration(int dir_fd)
{
	if (!has_any_next(dir_fd))
		return 0;
	if (!has_next(dir_fd, MAP_config_map))
		return store_unlink_pins(dir_fd, MAP_NEXT);
	for (int map = MAP_COUNT - 1; map >= 0; map--) {
		int err = has_next(dir_fd, map) ? map_rename_next(map, dir_fd) : 0;

		if (err)
			return err;
	}
	return 0;
}
_Static_assert(MAP_config_map == 0, "config_map is renamed last");

/* A map in memory that is not of a store yet. */
struct new_map {
	int fd;
	void *memory;
	size_t bytes;
};
#define NEW_MAP_NONE                                                                               \
	{                                                                                          \
		.fd = -1                                                                           \
	}

static void new_map_close(struct new_map *map)
{
	if (map->memory)
		munmap(map->memory, map->bytes);
	if (map->fd >= 0)
		close(map->fd);
	*map = (struct new_map)NEW_MAP_NONE;
}

static int new_map_create(struct new_map *out, enum map map, uint32_t entries)
{
	_cleanup_close_ int fd = map_create(map, entries);
	size_t bytes = map_stride(map) * entries;
	void *memory;

	if (fd < 0)
		return fd;
	memory = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (memory == MAP_FAILED) {
		log_error(-errno, "map the new %s into memory", map_name(map));
		return -ENOMEM;
	}
	*out = (struct new_map){.fd = take_fd(fd), .memory = memory, .bytes = bytes};
	return 0;
}

int store_grow(struct store *store, enum map map, uint32_t entries)
{
	_cleanup_(new_map_close) struct new_map new = NEW_MAP_NONE;
	size_t old_bytes = map_stride(map) * store->entries[map];
	void *old = store_memory(store, map);
	int err;

	if (!old)
		return -ENOMEM;
	err = new_map_create(&new, map, entries);
	if (err)
		return err;
	memcpy(new.memory, old, old_bytes);
	err = map_pin(map, new.fd, store->pin_path, MAP_NEXT);
	if (!err)
		err = map_rename_next(map, store->dir_fd);
	if (err)
		return err;
	munmap(old, old_bytes);
	close(store->fds[map]);
	store->fds[map] = take_fd(new.fd);
	store->memory[map] = take(new.memory);
	store->entries[map] = entries;
	return 0;
}

/* Everything whose size or content depends on max_rules. */
struct next_set {
	struct new_map config, ruleset, nodes, hits;
};

static void next_set_close(struct next_set *set)
{
	new_map_close(&set->config);
	new_map_close(&set->ruleset);
	new_map_close(&set->nodes);
	new_map_close(&set->hits);
}

static int create_next(struct next_set *set, uint32_t max_rules)
{
	int err;

	err = new_map_create(&set->config, MAP_config_map, 1);
	if (!err)
		err = new_map_create(&set->ruleset, MAP_ruleset_map, RULESET_RECORDS);
	if (!err)
		err = new_map_create(&set->nodes, MAP_node_map,
				     map_entries(MAP_node_map, max_rules));
	if (!err)
		err = new_map_create(&set->hits, MAP_rule_hits_map,
				     map_entries(MAP_rule_hits_map, max_rules));
	return err;
}

/* The committed rules as graphs in the new node_map: the old graphs' numbers mean nothing there. */
static int compile_next(const struct store *store, struct next_set *set, uint32_t max_rules)
{
	struct node_pool pool = {.nodes = set->nodes.memory, .end = NODES_PER_HALF(max_rules)};
	struct ruleset *ruleset =
		(struct ruleset *)set->ruleset.memory + ruleset_record(store_generation(store));
	int err;

	*ruleset = *store->ruleset;
	/* What an unconfirmed change would go back to; nobody reads its graphs any more. */
	if (store_unconfirmed(store)) {
		const uint32_t back = ruleset_record(ruleset->unconfirmed.generation);
		const struct ruleset *records = store_memory(store, MAP_ruleset_map);

		((struct ruleset *)set->ruleset.memory)[back] = records[back];
	}
	err = store_compile(store, &pool, ruleset);
	if (err)
		return err;
	ruleset->node_half = 0;
	ruleset->nodes_used = pool.used;
	/* Nobody reads the new maps yet: every record and half of them is free. */
	ruleset->half_since = ruleset->generation;
	return 0;
}

/* No program is attached while this runs, so the counters stand still. */
static int copy_hits(const struct store *store, struct next_set *set, uint32_t max_rules)
{
	const uint64_t *old = store_memory(store, MAP_rule_hits_map);
	uint64_t *new = set->hits.memory;
	uint32_t old_rules = store_max_rules(store);

	if (!old)
		return -ENOMEM;
	for (uint32_t stripe = 0; stripe < HIT_STRIPES; stripe++)
		memcpy(&new[stripe * max_rules], &old[stripe * old_rules],
		       old_rules * sizeof(*new));
	return 0;
}

/* config_map_next is pinned last: that pin is the commit of the migration. */
static int pin_next(const struct store *store, struct next_set *set)
{
	int err;

	err = map_pin(MAP_rule_hits_map, set->hits.fd, store->pin_path, MAP_NEXT);
	if (!err)
		err = map_pin(MAP_node_map, set->nodes.fd, store->pin_path, MAP_NEXT);
	if (!err)
		err = map_pin(MAP_ruleset_map, set->ruleset.fd, store->pin_path, MAP_NEXT);
	if (!err)
		err = map_pin(MAP_config_map, set->config.fd, store->pin_path, MAP_NEXT);
	if (err)
		store_unlink_pins(store->dir_fd, MAP_NEXT);
	return err;
}

int store_migrate(struct store **store, uint32_t max_rules)
{
	_cleanup_(next_set_close) struct next_set set = {NEW_MAP_NONE, NEW_MAP_NONE, NEW_MAP_NONE,
							 NEW_MAP_NONE};
	_cleanup_free_ char *pin_path = strdup((*store)->pin_path);
	_cleanup_close_ int dir_fd = -1;
	struct config *config;
	int err;

	err = pin_path ? create_next(&set, max_rules) : -ENOMEM;
	if (!err)
		err = compile_next(*store, &set, max_rules);
	if (!err)
		err = copy_hits(*store, &set, max_rules);
	if (err)
		return err;
	config = set.config.memory;
	*config = *(*store)->config;
	config->max_rules = max_rules;
	config->grace = config->commit;
	err = pin_next(*store, &set);
	if (err)
		return err;
	log_info("Migrated %s from --max-rules %u to %u", pin_path, store_max_rules(*store),
		 max_rules);
	/* The lock goes on living in dir_fd. */
	dir_fd = take_fd((*store)->dir_fd);
	store_close(take(*store));
	err = store_finish_migration(dir_fd);
	return err ? err : store_open_locked(store, pin_path, &dir_fd, STORE_WRITE);
}
