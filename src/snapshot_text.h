/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What a snapshot of the rules looks like: a save file, which `restore` takes, with two comment
 * lines of its own, the first and the last:
 *
 *   # bgo snapshot, store 91c9ad3aa4d4c9f1 generation 12 max-rules 262144, of /sys/fs/bpf/firewall
 *   bgo-rules 1
 *   ...
 *   # end of snapshot, crc32 1a2b3c4d
 *
 * The checksum is of all bytes before its line. Pure but for the store it reads.
 */
#ifndef BGO_SNAPSHOT_TEXT_H
#define BGO_SNAPSHOT_TEXT_H

#include <limits.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct store;

/* The first line: which state of which store this is. */
struct snapshot_label {
	uint64_t store_id, generation;
	uint32_t max_rules;
};

/* The longest first line that matters: what is of a label is in front. */
#define SNAPSHOT_LABEL_BYTES 128

/* The store's committed state, to free(). 0 or negative errno, not logged. */
int snapshot_text_write(const struct store *store, char **text, size_t *bytes);

/* Reads the first line; the text need not be whole. 0 or -EINVAL, not logged. */
int snapshot_text_label(const char *text, size_t bytes, struct snapshot_label *label);

/*
 * Checks first line, last line and checksum. 0, or -EINVAL, logged with `file`, line and column.
 */
int snapshot_text_check(const char *text, size_t bytes, const char *file,
			struct snapshot_label *label);

/*
 * The file name for a pin path: '/' is '-', and what is no letter, digit, '_' or '.' is %XX, so
 * that no two paths have the same. -ENAMETOOLONG when it is too long for one.
 */
int snapshot_text_name(const char *pin_path, char name[static NAME_MAX + 1]);

#endif
