/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The maps of the programs, declared from the one list. The loader replaces each by the pinned map
 * of the same name after checking that it is of this shape, so the number of entries here does not
 * count.
 */
#ifndef BGO_MAPS_H
#define BGO_MAPS_H

#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

#include "map_list.h"

#define DECLARE_MAP(name, map_type, key_type, value_type, entries, flags)                          \
	struct {                                                                                   \
		__uint(type, BPF_MAP_TYPE_##map_type);                                             \
		__type(key, key_type);                                                             \
		__type(value, value_type);                                                         \
		__uint(max_entries, 1);                                                            \
		__uint(map_flags, flags);                                                          \
	} name SEC(".maps");
PROGRAM_MAPS(DECLARE_MAP)
#undef DECLARE_MAP

#endif
