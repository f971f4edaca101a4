/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Other maps in the place of those that are pinned. New ones are filled beside the old and pinned
 * as NAME_next. A rule list that grows is then renamed over its pin: its slots carry generations,
 * so that alone changes nothing. A migration replaces all maps together:
 *
 *  1. the old maps get a second name, NAME_old; the new ones are pinned as NAME_next, config_map
 *     last: that pin is the commit. Without it all of these are leftovers of somebody who died, and
 *     are removed by whoever comes next;
 *  2. NAME_next are renamed to NAME, config_map last; whoever comes finishes that;
 *  3. the new config says PROGRAMS_PENDING, because programs that are attached still use the old
 *     maps. The server replaces or detaches them (store_settle()), or fails to and goes back to the
 *     old maps (store_unmigrate()). If it dies in between, commands can read, and the next start
 * settles it: what was counted in the meantime is in NAME_old.
 *
 * Nothing here needs to tell other processes that their maps are old ones: a store is open only as
 * long as it holds the lock.
 */
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>

#include "../bpf/map_list.h"
#include "cleanup.h"
#include "image.h"
#include "log.h"

#define MAP_NAME_BYTES 128

static bool has_pin(int dir_fd, enum map map, const char *suffix)
{
	char name[MAP_NAME_BYTES];
	struct stat info;

	snprintf(name, sizeof(name), "%s%s", map_name(map), suffix);
	return fstatat(dir_fd, name, &info, AT_SYMLINK_NOFOLLOW) == 0;
}

/* Whether somebody died while he grew or migrated a map. */
static bool has_any_next(int dir_fd)
{
	for (enum map map = 0; map < MAP_COUNT; map++)
		if (has_pin(dir_fd, map, MAP_NEXT))
			return true;
	return false;
}

/* What the pinned config_map says of programs. */
static enum config_programs pinned_state(int dir_fd, const char *pin_path)
{
	struct config config;

	if (store_read_config(dir_fd, pin_path, "", &config) || config.magic != BGO_MAGIC ||
	    config.layout < CONFIG_PROGRAMS_SINCE)
		return PROGRAMS_SETTLED;
	return config.programs;
}

/* From the last map to config_map: NAME`suffix` in the place of NAME. */
static int rename_pins(int dir_fd, const char *suffix)
{
	for (int map = MAP_COUNT - 1; map >= 0; map--) {
		int err = has_pin(dir_fd, map, suffix) ? map_rename(map, dir_fd, suffix) : 0;

		if (err)
			return err;
	}
	return 0;
}
_Static_assert(MAP_config_map == 0, "config_map is renamed last");

/* A second name for a pin, if it is there and has not got it yet. */
static int link_pin(int dir_fd, enum map map, const char *suffix, const char *second)
{
	char name[MAP_NAME_BYTES], other[MAP_NAME_BYTES];

	snprintf(name, sizeof(name), "%s%s", map_name(map), suffix);
	snprintf(other, sizeof(other), "%s%s", map_name(map), second);
	if (linkat(dir_fd, name, dir_fd, other, 0) < 0 && errno != ENOENT && errno != EEXIST)
		return log_error(-errno, "pin %s as %s", name, other);
	return 0;
}

/* NAME_old stays: it tells apart what is to be put back and what is to go, also the second time. */
static int put_back(int dir_fd, enum map map)
{
	int err;

	if (!has_pin(dir_fd, map, MAP_OLD))
		return map_unlink(map, dir_fd, "");
	err = link_pin(dir_fd, map, MAP_OLD, MAP_BACK);
	if (!err)
		err = map_rename(map, dir_fd, MAP_BACK);
	/* Where it is there already, renaming does nothing. */
	return err ? err : map_unlink(map, dir_fd, MAP_BACK);
}

/* The old maps in their place again, config_map last; what their layout did not have goes. */
static int finish_revert(int dir_fd)
{
	int err = 0;

	for (int map = MAP_COUNT - 1; !err && map >= 0; map--)
		err = put_back(dir_fd, map);
	return err ? err : store_unlink_pins(dir_fd, MAP_OLD);
}

int store_finish_migration(int dir_fd, const char *pin_path)
{
	const bool any_next = has_any_next(dir_fd);
	enum config_programs state;
	int err = 0;

	/* There is an old config_map for as long as any old map. */
	if (!any_next && !has_pin(dir_fd, MAP_config_map, MAP_OLD))
		return 0;
	state = pinned_state(dir_fd, pin_path);
	if (state == PROGRAMS_REVERTING)
		return finish_revert(dir_fd);
	if (has_pin(dir_fd, MAP_config_map, MAP_NEXT) || (any_next && state == PROGRAMS_PENDING)) {
		err = rename_pins(dir_fd, MAP_NEXT);
		state = pinned_state(dir_fd, pin_path);
	} else if (any_next) {
		err = store_unlink_pins(dir_fd, MAP_NEXT);
	}
	if (!err && state != PROGRAMS_PENDING)
		err = store_unlink_pins(dir_fd, MAP_OLD);
	return err;
}

/* A larger map with the same content, not pinned yet. */
static int make_larger(const struct store *store, enum map map, uint32_t entries, int *out_fd,
		       void **out_memory)
{
	_cleanup_close_ int fd = map_create(map, entries);
	const void *old = store_memory(store, map);
	void *memory;

	if (fd < 0)
		return fd;
	if (!old)
		return -ENOMEM;
	memory = mmap(NULL, map_stride(map) * entries, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (memory == MAP_FAILED)
		return log_error(-errno, "map the new %s into memory", map_name(map));
	memcpy(memory, old, map_stride(map) * store->entries[map]);
	*out_memory = memory;
	*out_fd = take_fd(fd);
	return 0;
}

int store_grow(struct store *store, enum map map, uint32_t entries)
{
	_cleanup_close_ int fd = -1;
	void *memory = NULL;
	int err;

	err = make_larger(store, map, entries, &fd, &memory);
	if (err)
		return err;
	err = map_pin(map, fd, store->pin_path, MAP_NEXT);
	if (!err)
		err = map_rename(map, store->dir_fd, MAP_NEXT);
	if (err) {
		munmap(memory, map_stride(map) * entries);
		return err;
	}
	munmap(store->memory[map], map_stride(map) * store->entries[map]);
	close(store->fds[map]);
	store->fds[map] = take_fd(fd);
	store->memory[map] = memory;
	store->entries[map] = entries;
	return 0;
}

/* config_map first, so that it is there for as long as any of them. */
static int link_old(int dir_fd)
{
	int err = 0;

	for (enum map map = 0; !err && map < MAP_COUNT; map++)
		err = link_pin(dir_fd, map, "", MAP_OLD);
	return err;
}

static int pin_next(const struct store *next)
{
	int err = 0;

	for (int map = MAP_COUNT - 1; !err && map >= 0; map--)
		err = map_pin(map, next->fds[map], next->pin_path, MAP_NEXT);
	return err;
}
_Static_assert(MAP_config_map == 0, "config_map is pinned last: that is the commit");

/* Steps 1 and 2. Everything that is likely to fail has been done before. */
static int replace_pins(const struct store *next, int dir_fd)
{
	/* Those of a migration to an older layout that never was settled. */
	int err = store_unlink_pins(dir_fd, MAP_OLD);

	if (!err)
		err = link_old(dir_fd);
	if (!err)
		err = pin_next(next);
	if (err) {
		store_unlink_pins(dir_fd, MAP_NEXT);
		store_unlink_pins(dir_fd, MAP_OLD);
		return err;
	}
	return rename_pins(dir_fd, MAP_NEXT);
}

static void cleanup_image(struct image_source *source)
{
	image_close(source);
}

int store_migrate(struct store **out, const char *pin_path, int *dir_fd, uint32_t max_rules)
{
	_cleanup_(cleanup_image) struct image_source source = {};
	_cleanup_store_ struct store *next = NULL;
	uint32_t old_rules;
	int err;

	err = image_open(&source, *dir_fd, pin_path, "");
	if (err)
		return err;
	old_rules = source.image.config.max_rules;
	if (max_rules < old_rules)
		max_rules = old_rules;
	err = image_write(&next, &source, pin_path, max_rules);
	if (!err)
		err = replace_pins(next, *dir_fd);
	if (err)
		return err;
	if (source.reader->layout != BGO_LAYOUT)
		log_info("Migrated %s from layout %u to %u", pin_path, source.reader->layout,
			 BGO_LAYOUT);
	if (max_rules != old_rules)
		log_info("Migrated %s from --max-rules %u to %u", pin_path, old_rules, max_rules);
	next->dir_fd = take_fd(*dir_fd);
	next->migrated = true;
	*out = take(next);
	return 0;
}

bool store_pending(const struct store *store)
{
	return store->config->programs == PROGRAMS_PENDING;
}

/* Counters are the least of a firewall: when the old ones cannot be read it goes on without. */
static void add_old_counters(struct store *store)
{
	_cleanup_(cleanup_image) struct image_source source = {};

	if (image_open(&source, store->dir_fd, store->pin_path, MAP_OLD) ||
	    image_write_counters(store, &source))
		log_warning("%s: what was counted during the migration is lost", store->pin_path);
}

int store_settle(struct store *store)
{
	int err;

	if (!store_pending(store))
		return 0;
	/* The last packets of the old programs are still being counted. */
	err = store_wait_for_programs(store);
	if (err)
		return err;
	add_old_counters(store);
	__atomic_store_n(&store->config->programs, PROGRAMS_SETTLED, __ATOMIC_SEQ_CST);
	store->migrated = false;
	return store_unlink_pins(store->dir_fd, MAP_OLD);
}

int store_unmigrate(struct store *store)
{
	int err;

	if (!store->migrated)
		return 0;
	__atomic_store_n(&store->config->programs, PROGRAMS_REVERTING, __ATOMIC_SEQ_CST);
	err = finish_revert(store->dir_fd);
	if (!err)
		log_info("The maps at %s are those of before the start again", store->pin_path);
	return err;
}
