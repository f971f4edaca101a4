/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The rules on disk, for bpffs is memory and a reboot empties it: one file per pin path, in the
 * state directory of `start`, written after changes by the server or, when none runs, by the
 * command that made the change. A start that finds no pins begins with it.
 *
 * Which file it is stands in config_map. A lock on the state directory orders who writes it; it is
 * taken before the store's, or without waiting. Each writer takes the state under the lock, so that
 * what is on disk never grows older, and it replaces the file whole: after a crash there is the old
 * one or the new one.
 *
 * Rules, policies, limits and indexes are in it; counters and hits are not.
 */
#ifndef BGO_SNAPSHOT_H
#define BGO_SNAPSHOT_H

#include <stdbool.h>
#include <stdint.h>

#include "snapshot_text.h"
#include "store.h"

#define SNAPSHOT_DEFAULT_STATE_DIR "/var/lib/bgo"

/*
 * What `start` does: store_open_or_create(), a new store begins with the snapshot of these pins in
 * `state_dir` when there is one. NULL: no snapshot is read or kept. A snapshot that is damaged is
 * an error, logged, and nothing is made.
 */
int snapshot_open_or_create(struct store **store, const char *pin_path, uint32_t max_rules,
			    const char *state_dir, bool *created);

/*
 * Brings the file up to date with the store, which is closed meanwhile: its lock is not held while
 * the disk works. Waits for others at most `seconds`; with 0 it may be -EWOULDBLOCK, not logged. On
 * failure *why says what could not be done, or is NULL when the reason was logged.
 * *label is what is then on disk.
 */
int snapshot_write(struct store **store, unsigned int seconds, struct snapshot_label *label,
		   const char **why);

/*
 * For a command that changed something: closes the store and, when no server runs that would do it,
 * writes the snapshot. What goes wrong is a warning: the change is in force.
 */
void snapshot_after_change(struct store **store);

/* What is on disk, by its first line. 0 or negative errno, not logged. */
int snapshot_look(const char *file, struct snapshot_label *label);

/*
 * What `cleanup-maps` does: store_remove(), and the snapshot before it, so that no start brings
 * back what was removed.
 */
int snapshot_remove_store(const char *pin_path);

/* -- The server's part: writes while it runs, snapshot_keeper.c -- */

struct snapshot_keeper;

/* The store stays the caller's. 0 or negative errno, logged; *out is NULL when none is to be kept.
 */
int snapshot_keeper_open(struct snapshot_keeper **out, const struct store *store);
/* Once a second. Waits for nobody. */
void snapshot_keeper_tick(struct snapshot_keeper *keeper);
/* Writes what the last ticks did not. NULL is fine. */
void snapshot_keeper_close(struct snapshot_keeper *keeper);

#endif
