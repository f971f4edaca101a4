/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Reads a decision graph on the host: the programs' own walk, and how long a walk can get.
 */
#include <string.h>

#include "classifier_parts.h"
#include "../bpf/walk.h"

int64_t classifier_match(const struct node *nodes, uint32_t node_count,
			 const struct graph_list *list, const uint32_t key[KEY_WORDS],
			 uint32_t now_s)
{
	struct graph_key copy;
	struct graph_walk walk = {.nodes = nodes, .node_count = node_count, .now_s = now_s};
	graph_entry entry;

	memcpy(copy.words, key, sizeof(copy.words));
	graph_walk_begin(&walk, &copy);
	entry = graph_walk_list(&walk, list);
	if (entry == ENTRY_NONE)
		return -1;
	return entry_is_leaf(entry) ? (int64_t)entry_payload(entry) : -EILSEQ;
}

/* Steps from the entry on; `known` remembers them by node, plus 1, because many entries share what
 * follows. */
static uint32_t longest_from(const struct node *nodes, uint8_t *known, graph_entry entry)
{
	uint32_t index = entry_payload(entry), longest = 0;
	const graph_entry *next;
	int count;

	if (graph_walk_ended(entry) && entry_op(entry) != OP_TIMED)
		return 0;
	if (known[index])
		return known[index] - 1u;
	next = entry_op(entry) >= OP_FAN ? nodes[index].entries : &nodes[index].test.hit;
	count = entry_op(entry) >= OP_FAN ? 16 : 2;
	for (int i = 0; i < count; i++) {
		uint32_t steps = longest_from(nodes, known, next[i]);

		if (steps > longest)
			longest = steps;
	}
	known[index] = (uint8_t)(longest + 2);
	return longest + 1;
}

static uint32_t longest_of_graph(const struct graph_walk *walk, uint8_t *known,
				 const struct graph *graph)
{
	uint32_t slots, longest = 0;

	if (!graph->shift)
		return longest_from(walk->nodes, known, graph->start);
	slots = 1u << (64 - graph->shift);
	for (uint32_t slot = 0; slot < slots; slot++) {
		uint32_t page = slot >> graph_page_shift(graph), steps;

		page = graph_word(walk, graph->start + page / NODE_ENTRIES, page);
		steps = longest_from(walk->nodes, known, graph_slot_entry(walk, graph, page, slot));
		if (steps > longest)
			longest = steps;
	}
	return longest;
}

int classifier_longest_walk(const struct node *nodes, uint32_t node_count,
			    const struct graph_list *list)
{
	_cleanup_free_ uint8_t *known = calloc((size_t)node_count + 1, 1);
	const struct graph_walk walk = {.nodes = nodes, .node_count = node_count};
	uint32_t longest = 0;

	if (!known)
		return -ENOMEM;
	for (uint32_t i = 0; i < list->count; i++) {
		uint32_t steps = longest_of_graph(&walk, known, &list->graphs[i]);

		if (steps > longest)
			longest = steps;
	}
	return (int)longest;
}
