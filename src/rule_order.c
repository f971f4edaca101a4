/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Rules in the order of their indexes: see rule_order.h. */
#include "rule_order.h"

#include "cleanup.h"

static int compare_indexes(const void *left, const void *right)
{
	const struct rule_slot *const *a = left, *const *b = right;

	return (*a)->index < (*b)->index ? -1 : (*a)->index > (*b)->index;
}

int rules_by_index(const struct rule_view *rules, const struct rule_slot ***out, size_t *count)
{
	_cleanup_free_ const struct rule_slot **sorted = calloc(rules->count + 1, sizeof(*sorted));
	bool in_order = true;
	size_t live = 0;

	if (!sorted)
		return -ENOMEM;
	for (uint32_t i = 0; i < rules->count; i++) {
		if (!rule_slot_live(&rules->slots[i], rules->generation))
			continue;
		sorted[live] = &rules->slots[i];
		if (live && sorted[live]->index < sorted[live - 1]->index)
			in_order = false;
		live++;
	}
	if (!in_order)
		qsort(sorted, live, sizeof(*sorted), compare_indexes);
	*count = live;
	*out = take(sorted);
	return 0;
}
