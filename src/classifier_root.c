/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Compiles a graph slot by slot and lays its root in pages. Compiling some slots only makes new
 * pages for these, and a new directory: what the old root points to is never written.
 */
#include <string.h>

#include "classifier_parts.h"

#define SLOT_FILTER_BITS (1u << FILTER_SHIFT)

/* A root under construction. */
struct root {
	struct builder *builder;
	const struct graph *graph;
	const struct slot_set *set;
	const struct item *sorted; /* by slot; those of place r in the set end at ends[r] */
	const uint32_t *ends;
	uint32_t carried;
	uint8_t *filters;   /* of the places */
	uint32_t zero_page; /* a page without any rule is there once; UINT32_MAX: not yet */
};

uint32_t slot_set_find(const struct slot_set *set, uint32_t slot)
{
	uint32_t low = 0, count = set->count;

	if (!set->slots)
		return slot;
	while (count) {
		uint32_t half = count / 2;

		if (set->slots[low + half] < slot) {
			low += half + 1;
			count -= half + 1;
		} else {
			count = half;
		}
	}
	return low;
}

static uint32_t slot_at(const struct slot_set *set, uint32_t place)
{
	return set->slots ? set->slots[place] : place;
}

/* Insertion for the few rules that a slot has as a rule. */
static void items_sort(struct item *items, uint32_t count)
{
	if (count > 16) {
		qsort(items, count, sizeof(*items), item_compare);
		return;
	}
	for (uint32_t i = 1; i < count; i++) {
		struct item item = items[i];
		uint32_t j = i;

		for (; j && item_compare(&item, &items[j - 1]) < 0; j--)
			items[j] = items[j - 1];
		items[j] = item;
	}
}

/*
 * Copies the rules of the graph sorted by the first place in the set that they are in. *ends gets
 * the end of each place's rules.
 */
static int items_by_place(const struct graph *graph, const struct graph_rules *rules,
			  const struct slot_set *set, struct item **out, uint32_t **out_ends)
{
	/* One more in front: counting and copying leaves ends[r + 1] at the begin of place r + 1.
	 */
	_cleanup_free_ uint32_t *ends = calloc((size_t)set->count + 2, sizeof(*ends));
	_cleanup_free_ struct item *sorted = malloc(((size_t)rules->count + 1) * sizeof(*sorted));

	if (!ends || !sorted)
		return -ENOMEM;
	for (uint32_t i = 0; i < rules->count; i++)
		if (graph_rules_have(rules, &rules->items[i]))
			ends[slot_set_find(set, graph_slot_of(graph, rules->items[i].addr)) + 2]++;
	for (uint32_t r = 2; r <= set->count; r++)
		ends[r] += ends[r - 1];
	for (uint32_t i = 0; i < rules->count; i++)
		if (graph_rules_have(rules, &rules->items[i]))
			sorted[ends[slot_set_find(set, graph_slot_of(graph, rules->items[i].addr)) +
				    1]++] = rules->items[i];
	for (uint32_t r = 0; r < set->count; r++)
		items_sort(sorted + ends[r], ends[r + 1] - ends[r]);
	*out = take(sorted);
	*out_ends = take(ends);
	return 0;
}

/* The bits of a slot in the filter. Its rules are compiled: those carried on are in all of the
 * slot. */
static uint8_t slot_filter(const struct root *root, uint32_t place)
{
	const struct graph *graph = root->graph;
	uint8_t filter = 0;

	if (root->carried)
		return UINT8_MAX;
	for (uint32_t i = root->ends[place]; i < root->ends[place + 1]; i++) {
		const struct item *item = &root->sorted[i];
		uint32_t bit = graph_filter_bit(graph, graph_product_of(graph, item->addr));
		uint32_t covered =
			graph_covered(graph, item->prefix_len, 64u - graph->shift + FILTER_SHIFT);

		filter |= (uint8_t)(((1u << covered) - 1) << bit % SLOT_FILTER_BITS);
	}
	return filter;
}

static graph_entry slot_compile(struct root *root, uint32_t place)
{
	const struct graph *graph = root->graph;
	uint32_t begin = root->ends[place];
	uint32_t addr[4] = {0}, known = 0;

	/* A hash tells nothing of the address, and no prefix reaches over its slot. */
	if (graph_indexed(graph)) {
		known = 64 - graph->shift;
		addr[0] = slot_at(root->set, place) << (32 - known);
	}
	return region_compile(root->builder, root->sorted + begin, root->ends[place + 1] - begin,
			      addr, known, &root->carried);
}

/* Puts what was compiled for a slot into it. */
static void slot_write(struct root *root, struct node page[PAGE_NODES], uint32_t slot,
		       graph_entry entry)
{
	struct builder *builder = root->builder;
	uint32_t last = builder->used - 1;

	if (!root->graph->root_op) {
		page[slot / NODE_ENTRIES % PAGE_NODES].entries[slot % NODE_ENTRIES] = entry;
		return;
	}
	page += slot % PAGE_NODES;
	if (builder->used && entry == entry_make(root->graph->root_op, last)) {
		/* Its first node was appended last, and nothing but the slot leads there. */
		*page = builder->nodes[last];
		builder->used = last;
	} else {
		*page = (struct node){.test = {.hit = entry, .miss = entry}};
	}
}

/* Returns the index of the page's first node. */
static uint32_t page_append(struct root *root, const struct node page[PAGE_NODES])
{
	static const struct node zeros[PAGE_NODES];
	bool empty = !memcmp(page, zeros, sizeof(zeros));
	struct node *nodes;
	uint32_t index;

	if (empty && root->zero_page != UINT32_MAX)
		return root->zero_page;
	nodes = nodes_append(root->builder, PAGE_NODES, &index);
	if (!nodes)
		return 0;
	memcpy(nodes, page, sizeof(zeros));
	if (empty)
		root->zero_page = index;
	return index;
}

/* Nodes of the graph as it was. NULL: there are none such, it is damaged. */
static const struct node *old_nodes(struct builder *builder, uint32_t index, uint32_t count)
{
	if (count <= builder->end && index <= builder->end - count)
		return &builder->nodes[index];
	builder->err = -EILSEQ;
	return NULL;
}

static void page_copy(struct root *root, uint32_t index, struct node page[PAGE_NODES])
{
	const struct node *old = old_nodes(root->builder, index, PAGE_NODES);

	if (old)
		memcpy(page, old, PAGE_NODES * sizeof(*page));
}

/* Compiles the slots of the set in their pages; directory[] is as it was and gets the new pages. */
static void pages_compile(struct root *root, uint32_t *directory)
{
	struct node page[PAGE_NODES] = {0};
	uint32_t shift = graph_page_shift(root->graph), place = 0;

	while (place < root->set->count && !root->builder->err) {
		uint32_t number = slot_at(root->set, place) >> shift;

		if (root->set->slots)
			page_copy(root, directory[number], page);
		for (; place < root->set->count; place++) {
			uint32_t slot = slot_at(root->set, place);

			if (slot >> shift != number)
				break;
			slot_write(root, page, slot, slot_compile(root, place));
			root->filters[place] = slot_filter(root, place);
		}
		directory[number] = page_append(root, page);
	}
}

/* The same for the pages of the filter. */
static void filter_compile(struct root *root, uint32_t *directory)
{
	struct node page[PAGE_NODES] = {0};
	uint32_t shift = PAGE_BITS_SHIFT - FILTER_SHIFT, place = 0;

	while (place < root->set->count && !root->builder->err) {
		uint32_t number = slot_at(root->set, place) >> shift;

		if (root->set->slots)
			page_copy(root, directory[number], page);
		for (; place < root->set->count; place++) {
			uint32_t slot = slot_at(root->set, place);
			uint32_t word = slot * SLOT_FILTER_BITS / 32,
				 at = slot * SLOT_FILTER_BITS % 32;
			uint32_t *bits = &page[word / NODE_ENTRIES % PAGE_NODES]
						  .entries[word % NODE_ENTRIES];

			if (slot >> shift != number)
				break;
			*bits &= ~((uint32_t)UINT8_MAX << at);
			*bits |= (uint32_t)root->filters[place] << at;
		}
		directory[number] = page_append(root, page);
	}
}

static uint32_t directory_nodes(const struct graph *graph)
{
	uint32_t pages = graph_root_pages(graph);

	if (graph->filtered)
		pages += 1u << (64 - graph->shift + FILTER_SHIFT - PAGE_BITS_SHIFT);
	return (pages + NODE_ENTRIES - 1) / NODE_ENTRIES;
}

static int directory_compile(struct root *root, graph_entry *start)
{
	struct builder *builder = root->builder;
	uint32_t count = directory_nodes(root->graph), index;
	_cleanup_free_ uint8_t *filters = malloc(root->set->count);
	_cleanup_free_ struct node *directory = calloc(count, sizeof(*directory));
	struct node *nodes;

	if (!directory || !filters)
		return -ENOMEM;
	root->filters = filters;
	if (root->set->slots) {
		const struct node *old = old_nodes(builder, root->graph->start, count);

		if (!old)
			return builder->err;
		memcpy(directory, old, count * sizeof(*directory));
	}
	pages_compile(root, (uint32_t *)directory);
	if (root->graph->filtered)
		filter_compile(root, (uint32_t *)directory + graph_root_pages(root->graph));
	nodes = nodes_append(builder, count, &index);
	if (!nodes)
		return builder->err;
	memcpy(nodes, directory, count * sizeof(*directory));
	*start = index;
	return 0;
}

int root_compile(struct builder *builder, struct graph *graph, const struct graph_rules *rules,
		 const struct slot_set *set)
{
	const struct slot_set whole = {.slots = NULL, .count = 1};
	_cleanup_free_ struct item *sorted = NULL;
	_cleanup_free_ uint32_t *ends = NULL;
	struct root root = {
		.builder = builder,
		.graph = graph,
		.set = graph->shift ? set : &whole,
		.zero_page = UINT32_MAX,
	};
	int err;

	err = items_by_place(graph, rules, root.set, &sorted, &ends);
	if (err)
		return err;
	root.sorted = sorted;
	root.ends = ends;
	if (graph->shift)
		return directory_compile(&root, &graph->start);
	graph->start = slot_compile(&root, 0);
	return builder->err;
}
