/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Rules to decision graph: compiles the live rules of one list and family into nodes that the walk
 * of bpf/walk.h follows. A rule that expires lapses in the graph by itself, so when one is compiled
 * does not matter. Pure: memory in, memory out, no libbpf, no input or output, no clock.
 */
#ifndef BGO_CLASSIFIER_H
#define BGO_CLASSIFIER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "../bpf/abi.h"

/* The live rules of a list at a generation, as they lie in its map. */
struct rule_view {
	const struct rule_slot *slots;
	uint32_t count; /* slots to look at */
	uint64_t generation;
};

static inline bool rule_slot_live(const struct rule_slot *slot, uint64_t generation)
{
	return slot->born && slot->born <= generation && (!slot->died || slot->died > generation);
}

/* Whether a rule that is there has no time left at this second of the wall clock. */
static inline bool rule_slot_expired(const struct rule_slot *slot, uint32_t now_s)
{
	return slot->expires_s && slot->expires_s <= now_s;
}

/* Where new nodes go: nodes[used] is the next free one, nodes[end] is past the last. */
struct node_pool {
	struct node *nodes; /* node_map from its node 0; entries hold indexes into it */
	uint32_t used, end;
};

/*
 * Compiles every live rule of the family from nothing.
 * Returns 0, -ENOSPC (the pool is too small), -E2BIG (the walk would be longer than
 * GRAPH_MAX_STEPS: no rules are known that make it so), -EILSEQ (a rule, or the graph to be
 * changed, is damaged) or -ENOMEM; on failure *out is untouched and what was written lies behind
 * the pool's used mark, unused.
 */
int classifier_compile(const struct rule_view *rules, enum family family, struct node_pool *pool,
		       struct graph_list *out);

/*
 * Compiles the change from *old to the rules in *rules by copying only what differs: the parts *old
 * points to are never written. `changed` names every rule of the family that was added or removed
 * since *old (a rule that only has another hit number counts as changed). May compile from nothing
 * when that is cheaper or better. Same errors as classifier_compile().
 */
int classifier_update(const struct rule_view *rules, enum family family,
		      const struct graph_list *old, const struct rule *const *changed,
		      size_t changed_count, struct node_pool *pool, struct graph_list *out);

/*
 * The walk on the host, for tests and `list --ip`: the hit number of the rule that matches the key
 * at this second of the wall clock, or -1 when none does, or -EILSEQ when the graph is broken.
 */
int64_t classifier_match(const struct node *nodes, uint32_t node_count,
			 const struct graph_list *list, const uint32_t key[KEY_WORDS],
			 uint32_t now_s);

/*
 * The longest walk through any one graph of the list, in steps, or -ENOMEM. The graph must not be
 * broken.
 */
int classifier_longest_walk(const struct node *nodes, uint32_t node_count,
			    const struct graph_list *list);

#endif
