/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the store's own files (store*.c, transaction*.c) share. Nobody else includes this. */
#ifndef BGO_STORE_INTERNAL_H
#define BGO_STORE_INTERNAL_H

#include <limits.h>

#include "map_pin.h"
#include "pin_dir.h"
#include "store.h"

struct store {
	char *pin_path;
	int dir_fd; /* holds the lock */
	enum store_access access;
	int fds[MAP_COUNT];
	uint32_t entries[MAP_COUNT];
	/* Mapped when first asked for: most commands need few of the maps. */
	void **memory;
	struct config *config;
	struct ruleset *ruleset;       /* the committed record */
	struct rate_limit *rate_limit; /* the limits of that record */
	bool migrated;		       /* its maps took the place of others since it was opened */
};

/* The map's values in memory, mapped on first use; NULL when that fails, logged. */
void *store_memory(const struct store *store, enum map map);

/* The list's map. */
enum map store_list_map(enum hook hook, enum list list);

/* Every slot of a list, those that were never used included. */
struct rule_slot *store_slots(const struct store *store, enum hook hook, enum list list,
			      uint32_t *count);

/* Live rules of all lists of the record. */
uint32_t ruleset_rule_count(const struct ruleset *ruleset);

/* How far TAI, the programs' clock, is ahead of the wall clock, modulo 2^32 seconds. */
uint32_t clock_tai_ahead_s(void);
/* Tells the programs when that has changed: leap seconds, and who sets it for the first time. */
void store_set_clock(struct store *store);

/* Points ruleset and rate_limit to the record of the committed generation. */
int store_load_record(struct store *store);

/* A store with no map and no lock yet; NULL: failed, logged. */
struct store *store_new(const char *pin_path, enum store_access access);
/*
 * Opens every pin NAME`suffix` of a directory that is locked, checks them, maps config and record.
 * Takes dir_fd.
 */
int store_open_pins(struct store **out, const char *pin_path, int *dir_fd, enum store_access access,
		    const char *suffix);

/*
 * Undoes a change that was not confirmed in time, and says so. Opens the store for writing when it
 * was not; then, and only then, it may fail. What cannot be undone is left, logged.
 */
int store_revert_expired(struct store **store);

/* Removes what an interrupted transaction wrote: afterwards only committed rules are there. */
int store_scrub(struct store *store);

/* Compiles the rules live at ruleset->generation of every list into the pool; writes the graphs to
 * *ruleset. */
int store_compile(const struct store *store, struct node_pool *pool, struct ruleset *ruleset);

/* The rule counts for people with bpftool. */
void store_write_count_maps(const struct store *store);

/* The error when no reader knows the layout. */
int store_unknown_layout(const char *pin_path, uint32_t layout);
/* The error when somebody else serves the pins. */
int store_server_busy(const char *pin_path, uint32_t pid);

/* Returns when every XDP and TC program that ran when it was called has ended. Logs. */
int store_wait_for_programs(const struct store *store);

/* Replaces a map that grows by itself by a larger one with the same content. */
int store_grow(struct store *store, enum map map, uint32_t entries);

/* Sums of all CPUs since boot, resets not subtracted. */
int store_stats_raw(const struct store *store, enum hook hook,
		    struct counter out[static REASON_SLOTS]);
int store_rate_limit_stats_raw(const struct store *store, struct rate_limit_stats *out);
int store_lvs_stats_raw(const struct store *store, uint32_t id, struct lvs_counters *out);

/* One element of a per-CPU map, all CPUs added up. Logs. */
int store_sum_cpus(const struct store *store, enum map map, uint32_t key, void *sums, size_t bytes);

/* -- The pins as a set: store_create.c, store_migrate.c, store_remove.c -- */

/* Unlinks NAME`suffix` of every map, config_map last; what is not there is fine. */
int store_unlink_pins(int dir_fd, const char *suffix);
/* Finishes a migration that was complete, undoes one that was not. Needs the lock. */
int store_finish_migration(int dir_fd, const char *pin_path);
/*
 * Makes maps of today's layout, for at least max_rules, in the place of those that are pinned,
 * crash-safe, and opens them for writing. Takes dir_fd when it succeeds. Logs.
 */
int store_migrate(struct store **out, const char *pin_path, int *dir_fd, uint32_t max_rules);
/*
 * 1 and the name of an entry of the directory besides server/ and links/, 0 when there is none: of
 * a directory without config_map all of them are somebody else's.
 */
int store_foreign_entry(int dir_fd, char name[static NAME_MAX + 1]);
/* Ends a removal that was killed. */
int store_finish_removal(int dir_fd);
/* config_map`suffix` as it is, whatever its layout: the fields that are there. -ENOENT, -EINVAL
 * when it is no such map, and others; none is logged. */
int store_read_config(int dir_fd, const char *pin_path, const char *suffix, struct config *out);
/* 1: there is a config_map that is initialised; 0: one that is not; -ENOENT: none; others, also a
 * newer layout, logged. */
int store_initialised(int dir_fd, const char *pin_path);

#endif
