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

/*
 * Opens every pin of a directory that is locked, checks them, maps config and record. Takes dir_fd
 * when it succeeds.
 */
int store_open_locked(struct store **out, const char *pin_path, int *dir_fd,
		      enum store_access access);

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

/* Replaces a map that grows by itself by a larger one with the same content. */
int store_grow(struct store *store, enum map map, uint32_t entries);

/* Sums of all CPUs since boot, resets not subtracted. */
int store_stats_raw(const struct store *store, enum hook hook,
		    struct counter out[static REASON_SLOTS]);
int store_rate_limit_stats_raw(const struct store *store, struct rate_limit_stats *out);

/* -- The pins as a set: store_create.c, store_migrate.c, store_remove.c -- */

/* Unlinks NAME or NAME_next of every map; what is not there is fine. */
int store_unlink_pins(int dir_fd, const char *suffix);
/* Finishes a migration that was complete, undoes one that was not. Needs the exclusive lock. */
int store_finish_migration(int dir_fd);
/* Rebuilds what depends on max_rules for a larger number, crash-safe; the store is closed after it.
 */
int store_migrate(struct store **store, uint32_t max_rules);
/*
 * 1 and the name of an entry of the directory besides server/ and links/, 0 when there is none: of
 * a directory without config_map all of them are somebody else's.
 */
int store_foreign_entry(int dir_fd, char name[static NAME_MAX + 1]);
/* Ends a removal that was killed. */
int store_finish_removal(int dir_fd);
/* config_map as it is, whatever its layout: the fields that are there. -ENOENT, -EINVAL when it is
 * no such map, and others; none is logged. */
int store_read_config(int dir_fd, const char *pin_path, struct config *out);
/* 1: there is a config_map that is initialised; 0: one that is not; -ENOENT: none; others logged.
 */
int store_initialised(int dir_fd, const char *pin_path);

#endif
