/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Finds a rule of a list by what it matches or by its index. The first few look-ups of a
 * transaction scan the list; after that they are many, and a hash table is worth its making.
 * Private to the store.
 */
#ifndef BGO_SLOT_INDEX_H
#define BGO_SLOT_INDEX_H

#include <stdint.h>

#include "classifier.h"

enum slot_key { SLOT_BY_RULE, SLOT_BY_INDEX };

struct slot_index {
	enum slot_key key;
	uint32_t lookups;
	uint32_t *table; /* slot number + 1, or 0; NULL before there are many look-ups */
	uint32_t size;	 /* a power of two */
	uint32_t used;
};

#define SLOT_NONE UINT32_MAX

/* The live slot with the key of *wanted (rule or index), SLOT_NONE when there is none, or -ENOMEM.
 */
int64_t slot_index_find(struct slot_index *index, const struct rule_view *rules,
			const struct rule_slot *wanted);
/* Tells of a slot written since. 0 or -ENOMEM. */
int slot_index_add(struct slot_index *index, const struct rule_view *rules, uint32_t slot);
void slot_index_free(struct slot_index *index);

#endif
