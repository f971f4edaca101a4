/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Rules of a list by content or index: scan, then hash with linear probing. See slot_index.h. */
#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "rule.h"
#include "slot_index.h"

/* A scan of a list costs about a tenth of what hashing it costs. */
#define SCANS_BEFORE_TABLE 8

/* Multiply and xor over the words; the multiplier is 2^64 / golden ratio (Knuth 6.4). */
static uint32_t hash(const struct slot_index *index, const struct rule_slot *slot)
{
	const uint64_t multiplier = 0x9e3779b97f4a7c15;
	uint64_t words[sizeof(slot->rule) / 8], sum = slot->index * multiplier;

	if (index->key == SLOT_BY_RULE) {
		memcpy(words, &slot->rule, sizeof(words));
		sum = 0;
		for (size_t i = 0; i < sizeof(words) / sizeof(*words); i++) {
			sum = (sum ^ words[i]) * multiplier;
			sum ^= sum >> 29;
		}
	}
	return (sum >> 32) & (index->size - 1);
}

static bool same(const struct slot_index *index, const struct rule_slot *a,
		 const struct rule_slot *b)
{
	return index->key == SLOT_BY_RULE ? rule_equal(&a->rule, &b->rule) : a->index == b->index;
}

static void insert(struct slot_index *index, const struct rule_view *rules, uint32_t slot)
{
	uint32_t i = hash(index, &rules->slots[slot]);

	while (index->table[i])
		i = (i + 1) & (index->size - 1);
	index->table[i] = slot + 1;
	index->used++;
}

static int build(struct slot_index *index, const struct rule_view *rules)
{
	uint32_t size = 1024;

	while (size < 4 * (uint64_t)rules->count)
		size *= 2;
	free(index->table);
	index->table = calloc(size, sizeof(*index->table));
	if (!index->table)
		return -ENOMEM;
	index->size = size;
	index->used = 0;
	for (uint32_t slot = 0; slot < rules->count; slot++)
		if (rule_slot_live(&rules->slots[slot], rules->generation))
			insert(index, rules, slot);
	return 0;
}

static int64_t scan(const struct slot_index *index, const struct rule_view *rules,
		    const struct rule_slot *wanted)
{
	for (uint32_t slot = 0; slot < rules->count; slot++)
		if (same(index, &rules->slots[slot], wanted) &&
		    rule_slot_live(&rules->slots[slot], rules->generation))
			return slot;
	return SLOT_NONE;
}

int64_t slot_index_find(struct slot_index *index, const struct rule_view *rules,
			const struct rule_slot *wanted)
{
	if (!index->table) {
		if (index->lookups++ < SCANS_BEFORE_TABLE)
			return scan(index, rules, wanted);
		if (build(index, rules))
			return -ENOMEM;
	}
	for (uint32_t i = hash(index, wanted); index->table[i]; i = (i + 1) & (index->size - 1)) {
		uint32_t slot = index->table[i] - 1;

		/* Removed since: its entry stays, so that probing goes on behind it. */
		if (same(index, &rules->slots[slot], wanted) &&
		    rule_slot_live(&rules->slots[slot], rules->generation))
			return slot;
	}
	return SLOT_NONE;
}

int slot_index_add(struct slot_index *index, const struct rule_view *rules, uint32_t slot)
{
	if (!index->table)
		return 0;
	if (index->used >= index->size / 2)
		return build(index, rules);
	insert(index, rules, slot);
	return 0;
}

void slot_index_free(struct slot_index *index)
{
	free(index->table);
	index->table = NULL;
}
