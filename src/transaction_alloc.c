/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What a new rule takes: a free slot of its list, a hit number, a place for its comment. */
#include <limits.h>
#include <string.h>

#include "cleanup.h"
#include "transaction_internal.h"

/* So many hit numbers are taken from the first on: counters side by side fit in the caches. Homes
 * would have a few counters in each of very many lines. */
#define HITS_COMPACT 32768u

#define BITS_PER_WORD (CHAR_BIT * sizeof(unsigned long))

static void bitmap_free(struct bitmap *bitmap)
{
	free(bitmap->words);
	bitmap->words = NULL;
}

static int bitmap_init(struct bitmap *bitmap, uint32_t bits)
{
	bitmap_free(bitmap);
	bitmap->words = calloc(bits / BITS_PER_WORD + 1, sizeof(*bitmap->words));
	bitmap->bits = bits;
	bitmap->cursor = 0;
	bitmap->taken = 0;
	return bitmap->words ? 0 : -ENOMEM;
}

static bool bitmap_has(const struct bitmap *bitmap, uint32_t bit)
{
	return bitmap->words[bit / BITS_PER_WORD] >> bit % BITS_PER_WORD & 1;
}

static void bitmap_set(struct bitmap *bitmap, uint32_t bit)
{
	if (bit >= bitmap->bits)
		return;
	bitmap->taken += !bitmap_has(bitmap, bit);
	bitmap->words[bit / BITS_PER_WORD] |= 1UL << bit % BITS_PER_WORD;
}

/* Takes the first number that is not in use, or -ENOSPC. */
static int64_t bitmap_take(struct bitmap *bitmap)
{
	for (uint32_t bit = bitmap->cursor; bit < bitmap->bits; bit++) {
		if (bitmap_has(bitmap, bit))
			continue;
		bitmap_set(bitmap, bit);
		bitmap->cursor = bit + 1;
		return bit;
	}
	return -ENOSPC;
}

struct rule_view transaction_rules(const struct transaction *txn, enum hook hook, enum list list)
{
	uint32_t entries;
	struct rule_view view = {
		.slots = store_slots(txn->store, hook, list, &entries),
		.generation = txn->next->generation,
	};

	view.count = view.slots ? txn->next->lists[hook][list].slots_used : 0;
	return view;
}

/*
 * Which hit numbers and comments are in use, by rules as committed and as they will be. With
 * `reuse` numbers of rules that this transaction removes are free: a packet that still sees the old
 * rules may then count for a new one, which is better than no room to replace a full rule set.
 */
static int survey(struct transaction *txn, bool reuse)
{
	const struct store *store = txn->store;
	uint64_t generation = txn->next->generation;

	if (bitmap_init(&txn->hits, store_max_rules(store)) ||
	    bitmap_init(&txn->comments, store->entries[MAP_comment_map]))
		return -ENOMEM;
	bitmap_set(&txn->comments, 0); /* 0 is "no comment" */
	for (enum hook hook = 0; hook < HOOK_COUNT; hook++)
		for (enum list list = 0; list < LIST_COUNT; list++) {
			struct rule_view rules = transaction_rules(txn, hook, list);

			for (uint32_t i = 0; i < rules.count; i++) {
				const struct rule_slot *slot = &rules.slots[i];
				bool before = rule_slot_live(slot, generation - 1);

				if (!before && !rule_slot_live(slot, generation))
					continue;
				bitmap_set(&txn->comments, slot->comment);
				if (!reuse || !before || rule_slot_live(slot, generation))
					bitmap_set(&txn->hits, slot->hit);
			}
		}
	return 0;
}

/* A free number of the rule's home, see hit_home(), or -ENOSPC. */
static int64_t take_at_home(struct bitmap *bitmap, const struct rule *rule)
{
	const bool is_ipv6 = rule->family == FAMILY_IPV6;
	const uint64_t first = (uint64_t)rule->addr_host[0] << 32 | rule->addr_host[1];
	const uint32_t home = hit_home(is_ipv6, first, bitmap->bits);

	if (bitmap->taken < HITS_COMPACT && bitmap->taken < bitmap->bits / 2)
		return -ENOSPC;
	if (rule->prefix_len < (is_ipv6 ? HIT_HOME_PREFIX_IPV6 : HIT_HOME_PREFIX_IPV4))
		return -ENOSPC;
	for (uint32_t bit = home; bit < home + HIT_HOME_SIZE && bit < bitmap->bits; bit++) {
		if (bitmap_has(bitmap, bit))
			continue;
		bitmap_set(bitmap, bit);
		return bit;
	}
	return -ENOSPC;
}

int64_t transaction_take_hit(struct transaction *txn, const struct rule *rule)
{
	int64_t hit = txn->hits.words ? 0 : survey(txn, false);

	if (hit < 0)
		return hit;
	hit = take_at_home(&txn->hits, rule);
	if (hit == -ENOSPC)
		hit = bitmap_take(&txn->hits);
	if (hit == -ENOSPC && survey(txn, true) == 0) {
		txn->hits_reused = true;
		hit = bitmap_take(&txn->hits);
	}
	return hit;
}

static uint32_t grown(uint32_t entries)
{
	return entries < 65536 ? entries * 2 : entries + entries / 2;
}

int64_t transaction_take_comment(struct transaction *txn, const char *text)
{
	struct comment_slot *comments;
	int64_t number = bitmap_take(&txn->comments);

	if (number == -ENOSPC) {
		int err = store_grow(txn->store, MAP_comment_map,
				     grown(txn->store->entries[MAP_comment_map]));

		if (!err)
			err = survey(txn, false);
		if (err)
			return err;
		number = bitmap_take(&txn->comments);
	}
	comments = store_memory(txn->store, MAP_comment_map);
	if (number < 0 || !comments)
		return -ENOMEM;
	memset(&comments[number], 0, sizeof(*comments));
	memcpy(comments[number].text, text, strnlen(text, COMMENT_BYTES));
	return number;
}

/* A slot that neither the committed rules, which is the oldest in use, nor this transaction's use.
 */
static bool slot_free(const struct rule_slot *slot, uint64_t committed)
{
	return slot->born == 0 || (slot->died && slot->died <= committed);
}

int64_t transaction_take_slot(struct transaction *txn, enum hook hook, enum list list)
{
	struct list_change *change = &txn->lists[hook][list];
	struct list_info *info = &txn->next->lists[hook][list];
	const uint64_t back = txn->store->ruleset->unconfirmed.generation;
	/* Rules that a change may have to go back to are not written over. */
	uint64_t committed = back ? back : txn->next->generation - 1;
	enum map map = store_list_map(hook, list);
	struct rule_view rules = transaction_rules(txn, hook, list);

	for (; change->free_cursor < rules.count; change->free_cursor++)
		if (slot_free(&rules.slots[change->free_cursor], committed))
			return change->free_cursor++;
	if (info->slots_used == txn->store->entries[map]) {
		int err = store_grow(txn->store, map, grown(txn->store->entries[map]));

		if (err)
			return err;
	}
	change->free_cursor = info->slots_used + 1;
	return info->slots_used++;
}
