/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What a new rule takes: a free slot of its list, a hit number, a place for its comment. */
#include <string.h>

#include "cleanup.h"
#include "transaction_internal.h"

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

	if (numbers_init(&txn->hits, store_max_rules(store)) ||
	    numbers_init(&txn->comments, store->entries[MAP_comment_map]))
		return -ENOMEM;
	numbers_set(&txn->comments, 0); /* 0 is "no comment" */
	for (enum hook hook = 0; hook < HOOK_COUNT; hook++)
		for (enum list list = 0; list < LIST_COUNT; list++) {
			struct rule_view rules = transaction_rules(txn, hook, list);

			for (uint32_t i = 0; i < rules.count; i++) {
				const struct rule_slot *slot = &rules.slots[i];
				bool before = rule_slot_live(slot, generation - 1);

				if (!before && !rule_slot_live(slot, generation))
					continue;
				numbers_set(&txn->comments, slot->comment);
				if (!reuse || !before || rule_slot_live(slot, generation))
					numbers_set(&txn->hits, slot->hit);
			}
		}
	return 0;
}

int64_t transaction_take_hit(struct transaction *txn, const struct rule *rule)
{
	int64_t hit = txn->hits.words ? 0 : survey(txn, false);

	if (hit < 0)
		return hit;
	hit = numbers_take_hit(&txn->hits, rule);
	if (hit == -ENOSPC && survey(txn, true) == 0) {
		txn->hits_reused = true;
		hit = numbers_take_hit(&txn->hits, rule);
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
	int64_t number = numbers_take(&txn->comments);

	if (number == -ENOSPC) {
		int err = store_grow(txn->store, MAP_comment_map,
				     grown(txn->store->entries[MAP_comment_map]));

		if (!err)
			err = survey(txn, false);
		if (err)
			return err;
		number = numbers_take(&txn->comments);
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
