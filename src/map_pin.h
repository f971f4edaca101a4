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
/* The memory between two elements of an mmapped array. */
size_t map_stride(enum map map);

/* Creates the map, not pinned. Returns its file descriptor, or negative errno, logged. */
int map_create(enum map map, uint32_t entries);

/* Pins `fd` in the directory as the map's name, or as its name with MAP_NEXT. Logs. */
#define MAP_NEXT "_next"
int map_pin(enum map map, int fd, const char *pin_path, const char *suffix);
/* Renames NAME_next over NAME. Logs. */
int map_rename_next(enum map map, int dir_fd);

/*
 * Opens the pin and checks owner, mode, type and sizes; writes the number of entries to *entries.
 * Returns a file descriptor, -ENOENT (not logged), or another negative errno, logged.
 */
int map_open(enum map map, int dir_fd, const char *pin_path, const char *suffix, uint32_t *entries);

/* Opens the pin if it is a map of whatever shape, else -EINVAL. No error is logged. */
int map_open_any(enum map map, int dir_fd, const char *pin_path);

/* Bytes of kernel memory the map's values take; 0 when it cannot be told. */
uint64_t map_memory_bytes(int fd);

#endif
