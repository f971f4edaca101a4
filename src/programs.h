/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The BPF programs, loaded on a store's maps and not yet attached: for the server, and for the lab,
 * which runs packets through them by test run.
 */
#ifndef BGO_PROGRAMS_H
#define BGO_PROGRAMS_H

#include <stdbool.h>

#include "store.h"

struct programs;

/* What the programs noted of the packet they judged last; only when loaded with `record`. */
struct last_verdict {
	uint64_t count;	 /* packets judged so far */
	uint32_t reason; /* enum reason */
	int64_t rule;	 /* hit number of the rule that decided, or -1 */
};

/*
 * Loads the XDP and TC programs on the store's maps, each map's shape checked first. `record` makes
 * them note each verdict for programs_last_verdict(), by a load-time switch: the code is not there
 * without it.
 */
int programs_load(struct programs **out, const struct store *store, bool record);
void programs_unload(struct programs *programs);
void programs_cleanup(struct programs **programs);

/* The program's file descriptor and kernel id, owned by `programs`. */
int programs_fd(const struct programs *programs, enum hook hook);
/*
 * The XDP program for frames in fragments, which drivers ask for when the MTU is too large for one
 * buffer: loaded on the same maps when it is first needed. 0 or negative errno, logged.
 */
int programs_load_fragments(struct programs *programs);
/* -ENOENT when it is not loaded. */
int programs_fragments_fd(const struct programs *programs);
/* All that are loaded; returns how many. */
#define PROGRAMS_MAX (HOOK_COUNT + 1)
size_t programs_fds(const struct programs *programs, int fds[static PROGRAMS_MAX]);
/* Lets XDP put out frames by this interface. 0 or negative errno, logged. */
int programs_forward_by(const struct programs *programs, uint32_t ifindex);
/* -EINVAL unless loaded with `record`. */
int programs_last_verdict(const struct programs *programs, enum hook hook,
			  struct last_verdict *out);

#endif
