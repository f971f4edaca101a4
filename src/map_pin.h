/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * One pinned map: creating it to its entry in bpf/map_list.h, and checking a pin that is there
 * against that entry before anything is done with it (libbpf's reuse checks nothing). Private to
 * the store.
 */
#ifndef BGO_MAP_PIN_H
#define BGO_MAP_PIN_H

#include <stddef.h>
#include <stdint.h>

#include "store.h"

/* Entries of the map in a new store for max_rules; what grows by itself starts with this many. */
uint32_t map_entries(enum map map, uint32_t max_rules);
/* Rule lists and comments: larger than map_entries() is right, too. */
bool map_grows(enum map map);
/* Of connections: of whatever size the last --max-connections made it. */
bool map_holds_connections(enum map map);
/* The memory between two elements of an mmapped array. */
size_t map_stride(enum map map);

/* Of a map of any layout. */
struct map_shape {
	const char *name;
	uint32_t type, key_bytes, value_bytes, flags;
};

/* Creates the map, not pinned. Returns its file descriptor, or negative errno, logged. */
int map_create(enum map map, uint32_t entries);

/* What the pins of a map are called besides its name: see store_migrate.c. */
#define MAP_NEXT "_next"
#define MAP_OLD "_old"
#define MAP_BACK "_back"
/* Pins `fd` in the directory as NAME`suffix`. Logs. */
int map_pin(enum map map, int fd, const char *pin_path, const char *suffix);
/* Renames NAME`suffix` over NAME. Logs. */
int map_rename(enum map map, int dir_fd, const char *suffix);
/* Removes NAME`suffix`; that it is not there is fine. Logs. */
int map_unlink(enum map map, int dir_fd, const char *suffix);

/*
 * Opens the pin and checks owner, mode, type and sizes; writes the number of entries to *entries.
 * Returns a file descriptor, -ENOENT (not logged), or another negative errno, logged.
 */
int map_open(enum map map, int dir_fd, const char *pin_path, const char *suffix, uint32_t *entries);
int map_open_shape(const struct map_shape *shape, int dir_fd, const char *pin_path,
		   const char *suffix, uint32_t *entries);

/* Opens the pin if it is a map of whatever shape, else -EINVAL. No error is logged. */
int map_open_any(enum map map, int dir_fd, const char *pin_path, const char *suffix);

/* An element of a per-CPU map whose values are `words` 64-bit numbers: each, all CPUs added up. */
int map_sum_cpus(int fd, uint32_t key, uint64_t *sums, uint32_t words);

/* The entries it was made for; 0 when it cannot be told. */
uint32_t map_max_entries(int fd);

/* Bytes of kernel memory the map's values take; 0 when it cannot be told. */
uint64_t map_memory_bytes(int fd);

#endif
