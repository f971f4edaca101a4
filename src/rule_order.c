/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Rules in the order of their indexes: see rule_order.h. */
#include "rule_order.h"

#include "cleanup.h"

static int compare_indexes(const void *left, const void *right, void *context)
{
	const struct rule_slot *slots = context;
	const uint32_t a = slots[*(const uint32_t *)left].index;
	const uint32_t b = slots[*(const uint32_t *)right].index;

	return a < b ? -1 : a > b;
}

int rules_by_index(const struct rule_view *rules, uint32_t now_s, uint32_t **out, size_t *count)
{
	_cleanup_free_ uint32_t *order = calloc((size_t)rules->count + 1, sizeof(*order));
	bool in_order = true;
	size_t live = 0;

	if (!order)
		return -ENOMEM;
	for (uint32_t number = 0; number < rules->count; number++) {
		const struct rule_slot *slot = &rules->slots[number];

		if (!rule_slot_live(slot, rules->generation) || rule_slot_expired(slot, now_s))
			continue;
		if (live && slot->index < rules->slots[order[live - 1]].index)
			in_order = false;
		order[live++] = number;
	}
	if (!in_order)
		qsort_r(order, live, sizeof(*order), compare_indexes, (void *)rules->slots);
	*count = live;
	*out = take(order);
	return 0;
}
