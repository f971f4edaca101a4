/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The walk over a decision graph: graph_match() is all a program needs. The same source runs on the
 * host (src/classifier_match.c); only where the nodes are, how the steps are looped over and whose
 * clock it is differ there.
 */
#ifndef BGO_WALK_H
#define BGO_WALK_H

#include "graph.h"

struct graph_walk {
	const struct graph_key *key;
	__u64 half[2]; /* of the address, most significant bit first */
#ifndef __bpf__
	const struct node *nodes;
	__u32 node_count;
	__u32 now_s; /* wall clock */
#endif
};

#ifdef __bpf__
#include "clock.h"
#include "hits.h"

/* No call: the verifier replaces a look-up in an array by a bounds check and an address. */
static __always_inline const struct node *graph_node(const struct graph_walk *walk, __u32 index)
{
	(void)walk;
	return bpf_map_lookup_elem(&node_map, &index);
}

static __always_inline void graph_touch_hits(const struct graph_walk *walk,
					     const struct graph *graph)
{
	hits_touch(!graph_indexed(graph), walk->half[0]);
}

/* clang knows that no operation makes a larger index and drops the mask, which the verifier then
 * misses. */
static __always_inline __u32 graph_key_word(const struct graph_walk *walk, __u32 word)
{
	barrier_var(word);
	return walk->key->words[word & (KEY_WORDS - 1)];
}
#else
#ifndef __always_inline
#define __always_inline inline __attribute__((always_inline))
#endif

static __always_inline const struct node *graph_node(const struct graph_walk *walk, __u32 index)
{
	return index < walk->node_count ? &walk->nodes[index] : NULL;
}

static __always_inline void graph_touch_hits(const struct graph_walk *walk,
					     const struct graph *graph)
{
	(void)walk;
	(void)graph;
}

static __always_inline __u32 graph_key_word(const struct graph_walk *walk, __u32 word)
{
	return walk->key->words[word & (KEY_WORDS - 1)];
}
#endif

static __always_inline void graph_walk_begin(struct graph_walk *walk, const struct graph_key *key)
{
	walk->key = key;
	walk->half[0] = (__u64)key->words[0] << 32 | key->words[1];
	walk->half[1] = (__u64)key->words[2] << 32 | key->words[3];
}

/* One of four words of a node. */
static __always_inline graph_entry graph_word(const struct graph_walk *walk, __u32 index,
					      __u32 word)
{
	const struct node *node = graph_node(walk, index);

	return node ? node->entries[word % NODE_ENTRIES] : ENTRY_BROKEN;
}

/* The entry in a slot of a page, or that names the node there. */
static __always_inline graph_entry graph_slot_entry(const struct graph_walk *walk,
						    const struct graph *graph, __u32 page,
						    __u32 slot)
{
	if (graph->root_op)
		return entry_make(graph->root_op, page + slot % PAGE_NODES);
	return graph_word(walk, page + slot / NODE_ENTRIES % PAGE_NODES, slot);
}

/* The page's first node in *page; 0 when there is no such directory. */
static __always_inline _Bool graph_page(const struct graph_walk *walk, const struct graph *graph,
					__u32 number, __u32 *page)
{
	const struct node *directory = graph_node(walk, graph->start + number / NODE_ENTRIES);

	if (!directory)
		return 0;
	*page = directory->entries[number % NODE_ENTRIES];
	return 1;
}

/* The first entry of the walk through this graph. */
static __always_inline graph_entry graph_start(const struct graph_walk *walk,
					       const struct graph *graph)
{
	__u64 product;
	__u32 page, slot;

	if (!graph->shift)
		return graph->start;
	product = graph_product(graph, walk->half[0], walk->half[1]);
	if (graph->filtered) {
		__u32 bit = graph_filter_bit(graph, product);
		const struct node *node;

		if (!graph_page(walk, graph, graph_root_pages(graph) + (bit >> PAGE_BITS_SHIFT),
				&page))
			return ENTRY_BROKEN;
		node = graph_node(walk, page + (bit >> 7) % PAGE_NODES);
		if (!node)
			return ENTRY_BROKEN;
		if (!(node->entries[(bit >> 5) % NODE_ENTRIES] >> (bit & 31) & 1))
			return ENTRY_NONE;
		/* Most likely a hit, and so many rules have their counters in no cache. */
		graph_touch_hits(walk, graph);
	}
	slot = graph_slot(graph, product);
	if (!graph_page(walk, graph, slot >> graph_page_shift(graph), &page))
		return ENTRY_BROKEN;
	return graph_slot_entry(walk, graph, page, slot);
}

/* All bits of `half` above the lowest that is set in `bits` are as there. */
static __always_inline _Bool graph_prefix_equal(__u64 half, __u64 bits)
{
	__u64 end = bits & -bits;

	return ((half ^ bits) & -(end << 1)) == 0;
}

/* One step: from an entry that names nodes to the next entry. */
static __always_inline graph_entry graph_step(const struct graph_walk *walk, graph_entry entry)
{
	__u32 op = entry_op(entry), index = entry_payload(entry);
	const struct node *node;
	_Bool hit;

	if (op >= OP_FAN) {
		__u32 nibble = op - OP_FAN;
		__u32 value = graph_key_word(walk, nibble / 8) >> (28 - nibble % 8 * 4) & 15;

		if (op >= OP_END)
			return ENTRY_BROKEN;
		return graph_word(walk, index + value / NODE_ENTRIES, value);
	}
	node = graph_node(walk, index);
	if (!node)
		return ENTRY_BROKEN;
	if (op < OP_EXACT)
		hit = graph_key_word(walk, op - OP_TEST) - node->test.lo <= node->test.span;
	else if (op < OP_PREFIX)
		hit = (op & 1 ? walk->half[1] : walk->half[0]) == node->half.bits;
	else
		hit = graph_prefix_equal(op & 1 ? walk->half[1] : walk->half[0], node->half.bits);
	return hit ? node->test.hit : node->test.miss;
}

/* Nothing, a rule, one that may have expired, or broken: there is no further step. */
static __always_inline _Bool graph_walk_ended(graph_entry entry)
{
	return entry_op(entry) <= OP_TIMED;
}

/* Which of its two entries a timed one is now. */
static __always_inline graph_entry graph_at(const struct graph_walk *walk, graph_entry entry,
					    __u32 now_s)
{
	const struct node *node = graph_node(walk, entry_payload(entry));

	if (!node)
		return ENTRY_BROKEN;
	return now_s < node->timed.expires_s ? node->timed.live : node->timed.expired;
}

#ifdef __bpf__
#define GRAPH_INLINE_STEPS 5
#define GRAPH_CALL_STEPS 12

/*
 * Most walks end within the inline steps. What goes on does so here, in a function that the
 * verifier looks at once and not at every call: a loop of 96 inline steps costs it 20 times as
 * much.
 */
__attribute__((noinline)) graph_entry graph_walk_on(const struct graph_key *key, graph_entry entry)
{
	struct graph_walk walk;

	if (!key)
		return ENTRY_BROKEN;
	graph_walk_begin(&walk, key);
	for (int i = 0; i < GRAPH_CALL_STEPS && !graph_walk_ended(entry); i++)
		entry = graph_step(&walk, entry);
	return entry;
}

static __always_inline graph_entry graph_run(const struct graph_walk *walk, graph_entry entry)
{
	for (int i = 0; i < GRAPH_INLINE_STEPS; i++) {
		if (graph_walk_ended(entry))
			return entry;
		entry = graph_step(walk, entry);
	}
	for (int i = GRAPH_INLINE_STEPS; i < GRAPH_MAX_STEPS; i += GRAPH_CALL_STEPS) {
		if (graph_walk_ended(entry))
			return entry;
		entry = graph_walk_on(walk->key, entry);
	}
	return graph_walk_ended(entry) ? entry : ENTRY_BROKEN;
}

/*
 * Behind the end of a walk that is at no rule for good: at a time-limited one it asks the clock,
 * and goes on where the rule has expired; what is broken stays so. A function, so that what it
 * takes is no part of the walk of any other packet. Each turn is a step at least, so there are no
 * more of them than steps.
 */
__attribute__((noinline)) graph_entry graph_walk_timed(const struct graph_key *key,
						       graph_entry entry)
{
	const __u32 now_s = clock_now_s();
	struct graph_walk walk;

	if (!key)
		return ENTRY_BROKEN;
	walk.key = key;
	for (int i = 0; i < GRAPH_MAX_STEPS; i++) {
		if (entry_op(entry) == OP_TIMED)
			entry = graph_at(&walk, entry, now_s);
		else if (!graph_walk_ended(entry))
			entry = graph_walk_on(key, entry);
		else
			break;
	}
	return entry;
}

static __always_inline graph_entry graph_resolve(const struct graph_walk *walk, graph_entry entry)
{
	return graph_walk_timed(walk->key, entry);
}
#else
static inline graph_entry graph_run(const struct graph_walk *walk, graph_entry entry)
{
	for (int i = 0; i < GRAPH_MAX_STEPS && !graph_walk_ended(entry); i++)
		entry = graph_step(walk, entry);
	return graph_walk_ended(entry) ? entry : ENTRY_BROKEN;
}

static inline graph_entry graph_resolve(const struct graph_walk *walk, graph_entry entry)
{
	for (int i = 0; i < GRAPH_MAX_STEPS; i++) {
		if (entry_op(entry) == OP_TIMED)
			entry = graph_at(walk, entry, walk->now_s);
		else if (!graph_walk_ended(entry))
			entry = graph_step(walk, entry);
		else
			break;
	}
	return entry;
}
#endif

/* The walk of all graphs of a list, until one has a rule. */
static __always_inline graph_entry graph_walk_list(const struct graph_walk *walk,
						   const struct graph_list *list)
{
	for (__u32 i = 0; i < GRAPHS_PER_LIST && i < list->count; i++) {
		graph_entry entry = graph_run(walk, graph_start(walk, &list->graphs[i]));

		if (entry == ENTRY_NONE)
			continue;
		if (entry_is_leaf(entry))
			return entry;
		entry = graph_resolve(walk, entry);
		if (entry != ENTRY_NONE)
			return entry_is_leaf(entry) ? entry : ENTRY_BROKEN;
	}
	return ENTRY_NONE;
}

#ifdef __bpf__
/*
 * The rule of the list that matches the key: ENTRY_NONE when none does; ENTRY_BROKEN when the graph
 * cannot be followed, and the packet must be dropped; else a leaf, whose entry_payload() is the
 * rule's hit number. All KEY_WORDS words of the key must have been written.
 */
static __always_inline graph_entry graph_match(const struct graph_list *list,
					       const struct graph_key *key)
{
	struct graph_walk walk;

	graph_walk_begin(&walk, key);
	return graph_walk_list(&walk, list);
}
#endif

#endif
