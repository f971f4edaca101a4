/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the files of the classifier share. From the outside in: classifier.c chooses the graphs of a
 * list (classifier_plan.c) and which slots of their roots to compile (classifier_root.c); a slot's
 * rules are a region (classifier_region.c), in which each prefix has ports to test
 * (classifier_ports.c); all of it becomes nodes (classifier_nodes.c).
 */
#ifndef BGO_CLASSIFIER_PARTS_H
#define BGO_CLASSIFIER_PARTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "classifier.h"
#include "cleanup.h"

/* Up to this many tests in a row; more become a fan or a search. */
#define CHAIN_MAX 4

/* The largest root has so many slots, as a power of two. */
#define GRAPH_BITS_MAX 24

/* What compiling needs of a live rule, half a cache line and a bit instead of one. */
struct item {
	uint32_t addr[4];
	uint8_t prefix_len;
	uint8_t any_protocol, protocol;
	uint16_t port_min, port_max; /* 0, 0: any */
	uint32_t index, hit;
	uint32_t expires_s; /* 0: never */
};

static inline uint64_t address_half(const uint32_t addr[4], int half)
{
	return (uint64_t)addr[2 * half] << 32 | addr[2 * half + 1];
}

/* Memory that grows and is used again. */
struct scratch {
	void *data;
	size_t bytes;
};

/* Compiled: where to go on, and the longest walk from there. */
struct branch {
	graph_entry entry;
	uint32_t steps;
};
#define BRANCH_NONE ((struct branch){ENTRY_NONE, 0})

/*
 * A compilation. Its functions return BRANCH_NONE once `err` is set, so that only who began it has
 * to look.
 */
struct builder {
	struct node *nodes;
	uint32_t used, end;
	enum family family;
	int err;
	uint32_t longest; /* steps */
	struct scratch groups, patterns, seen, bounds, pieces, claims, row;
};
void builder_free(struct builder *builder);

/* Room for `count` elements, what is in it stays. NULL and builder->err when there is none. */
void *scratch_room(struct builder *builder, struct scratch *scratch, size_t count, size_t size);

/* -- classifier_nodes.c -- */

/* `count` new nodes in a row, the first one's index in *index; NULL and -ENOSPC in err when the
 * pool is full. */
struct node *nodes_append(struct builder *builder, uint32_t count, uint32_t *index);
/* The rule, whether or not it expires. */
struct branch branch_leaf(const struct item *item);
/* The rule, and from when it expires on `otherwise`, which a rule that never does hides. */
struct branch branch_rule(struct builder *builder, const struct item *item,
			  struct branch otherwise);
/* Before that second of the wall clock the one, from then on the other. */
struct branch branch_timed(struct builder *builder, uint32_t expires_s, struct branch live,
			   struct branch expired);
/* Is key word `word` in lo..hi? */
struct branch branch_range(struct builder *builder, uint32_t word, uint32_t lo, uint32_t hi,
			   struct branch hit, struct branch miss);
/* Are the first prefix_len bits of the address those of addr, if the first `known` are? */
struct branch branch_prefix(struct builder *builder, const uint32_t addr[4], uint32_t prefix_len,
			    uint32_t known, struct branch hit, struct branch miss);
/* By the four bits from bit `first_bit` of the address on. */
struct branch branch_fan(struct builder *builder, uint32_t first_bit,
			 const struct branch slots[16]);

/* -- classifier_ports.c -- */

/*
 * The protocol and ports of `count` rules, the first one that matches wins; `otherwise` is where to
 * go on when none does.
 */
struct branch ports_compile(struct builder *builder, const struct item *const *rules,
			    uint32_t count, struct branch otherwise);

/* -- classifier_region.c -- */

/*
 * Compiles a slot: its rules, sorted by item_compare(), and those of the slot before it that reach
 * into this one. `known` bits of the address are addr's for every packet that comes here; rules
 * shorter than that are carried on to the next slot. *carried is 0 at the first slot.
 */
graph_entry region_compile(struct builder *builder, const struct item *items, uint32_t count,
			   const uint32_t addr[4], uint32_t known, uint32_t *carried);
/* By address, prefix length and precedence in it: exact protocol, narrow port range, low index. */
int item_compare(const void *a, const void *b);
bool prefix_covers(const uint32_t prefix[4], uint32_t prefix_len, const uint32_t addr[4]);

/* -- classifier_root.c -- */

/* Rules to compile into one graph: those of `items` whose prefix length is in min_len..max_len. */
struct graph_rules {
	const struct item *items;
	uint32_t count;
	uint32_t min_len, max_len;
};

static inline bool graph_rules_have(const struct graph_rules *rules, const struct item *item)
{
	return item->prefix_len >= rules->min_len && item->prefix_len <= rules->max_len;
}

/* Slots to compile, ascending. */
struct slot_set {
	const uint32_t *slots; /* NULL: all of them */
	uint32_t count;
};

static inline uint64_t graph_product_of(const struct graph *graph, const uint32_t addr[4])
{
	return graph_product(graph, address_half(addr, 0), address_half(addr, 1));
}

static inline uint32_t graph_slot_of(const struct graph *graph, const uint32_t addr[4])
{
	return graph_slot(graph, graph_product_of(graph, addr));
}

/* How many numbers of so many of the top bits a prefix covers; of a hash just one. */
static inline uint32_t graph_covered(const struct graph *graph, uint32_t prefix_len, uint32_t bits)
{
	return graph_indexed(graph) && prefix_len < bits ? 1u << (bits - prefix_len) : 1;
}

/* The slots a prefix is in: from that of its first address on. */
static inline uint32_t graph_slots_covered(const struct graph *graph, uint32_t prefix_len)
{
	return graph_covered(graph, prefix_len, 64 - graph->shift);
}

/* The first place in the set of a slot that is not below `slot`. */
uint32_t slot_set_find(const struct slot_set *set, uint32_t slot);

/*
 * Compiles these slots of a graph, and takes the others over from *graph as it is: everything but
 * `start` says what the root is like, and `start` where the old one is if not all slots are
 * compiled. A graph without root is compiled whole. Returns 0 or negative errno; graph->start is
 * the new one then.
 */
int root_compile(struct builder *builder, struct graph *graph, const struct graph_rules *rules,
		 const struct slot_set *set);

/* -- classifier_plan.c -- */

/* Bits of the slot number of the first root of a list of so many rules; 0: a root is not worth it.
 */
uint32_t plan_bits(enum family family, uint32_t rules);
/* Chooses the graphs for these rules, from scratch; `start` of each is not set yet. 0 or -ENOMEM.
 */
int plan_graphs(enum family family, const struct item *items, uint32_t count,
		struct graph_list *list);
/* Appends the graph that takes rules of every length and has no root. */
void plan_rest(struct graph_list *list);

#endif
