/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The layout of the decision graph, shared by the compiler (src/classifier*.c), which writes it,
 * and the walk (bpf/walk.h), which reads it. One walk answers "does a rule of this list match this
 * packet, and which".
 */
#ifndef BGO_GRAPH_H
#define BGO_GRAPH_H

#include <linux/types.h>

/*
 * The key of a packet: a row of words in host order. Words 0..3 are the address (IPv4 in word 0,
 * the others 0), word 4 is protocol << 24 | has_ports << 16 | port, word 5 is has_ports << 16 |
 * port. Words 6 and 7 are 0 and never compared: they make every 3-bit index one into the row.
 */
enum { KEY_ADDR = 0, KEY_PROTO_PORT = 4, KEY_PORT = 5, KEY_USED_WORDS = 6, KEY_WORDS = 8 };
#define KEY_HAS_PORTS (1u << 16)
#define KEY_PROTO_SHIFT 24

struct graph_key {
	__u32 words[KEY_WORDS];
};

/*
 * An entry is a 32-bit word: 0 is "no rule here", else an operation and its payload: a leaf's
 * payload is the rule's hit number, every other one's is the index of its first node in node_map.
 * The two halves of an address are 64 bits each: words 0 and 1, words 2 and 3.
 */
typedef __u32 graph_entry;
#define ENTRY_NONE 0u
#define ENTRY_BROKEN 1u /* never stored: the walk's answer to what it cannot follow */
#define ENTRY_OP_SHIFT 26
#define ENTRY_PAYLOAD_MASK ((1u << ENTRY_OP_SHIFT) - 1)
enum graph_op {
	OP_LEAF = 1,
	OP_TIMED = 2,			      /* a rule until it expires, see struct node */
	OP_TEST = 4,			      /* + key word 0..5 */
	OP_EXACT = OP_TEST + 6,		      /* + half of the address: even, as is the next */
	OP_PREFIX = OP_EXACT + 2,	      /* + half of the address */
	OP_FAN = OP_PREFIX + 2,		      /* + nibble of the key, 0 is the top one of word 0 */
	OP_END = OP_FAN + KEY_USED_WORDS * 8, /* the first op that is not one */
};
_Static_assert(OP_END < 1 << (32 - ENTRY_OP_SHIFT), "operations fit an entry");

static inline graph_entry entry_make(__u32 op, __u32 payload)
{
	return op << ENTRY_OP_SHIFT | payload;
}

static inline __u32 entry_op(graph_entry entry)
{
	return entry >> ENTRY_OP_SHIFT;
}

/* The hit number of a leaf, the node of any other. */
static inline __u32 entry_payload(graph_entry entry)
{
	return entry & ENTRY_PAYLOAD_MASK;
}

static inline _Bool entry_is_leaf(graph_entry entry)
{
	return entry_op(entry) == OP_LEAF;
}

/* A node: 16 bytes. A fan is four nodes in a row, 16 entries; a page of a root 256. */
struct node {
	union {
		struct {
			__u32 lo, span; /* key word - lo <= span, unsigned */
			graph_entry hit, miss;
		} test;
		struct {
			/*
			 * Exact: the half. Prefix of 1..63 bits: these bits, then a 1, then zeros,
			 * so the lowest bit that is set says where the prefix ends.
			 */
			__u64 bits;
			graph_entry hit, miss;
		} half;
		struct {
			/*
			 * Before this second of the wall clock the one entry, from then on the
			 * other. Time passes without a new graph, so a rule lapses by itself.
			 */
			__u32 expires_s, reserved;
			graph_entry live, expired;
		} timed;
		graph_entry entries[4];
	};
};
_Static_assert(sizeof(struct node) == 16, "node_map's value");

/* Longest walk of one graph that the programs follow; the compiler refuses what is longer. */
#define GRAPH_MAX_STEPS 96

#define NODE_ENTRIES 4
#define FAN_NODES 4
#define PAGE_NODES_SHIFT 8
#define PAGE_NODES (1u << PAGE_NODES_SHIFT)
#define PAGE_ENTRIES_SHIFT (PAGE_NODES_SHIFT + 2)

/*
 * One graph. It starts at a slot of its root, found from the two halves of the address:
 *
 *	slot = ((first & mask[0]) * multiplier + (second & mask[1]) * GRAPH_SECOND_MULTIPLIER) >>
 *shift
 *
 * which is the top bits of an IPv4 address (multiplier 1) or a hash of the top bits of an IPv6 one.
 * A slot is an entry or, with a root_op, the node of an entry with that operation: for mostly one
 * rule in a slot, that is one cache line instead of two. A root is a directory of pages of 4 KB, so
 * that a change copies pages and not the root: its words, from node `start` on, are the indexes of
 * the pages' first nodes. A handful of rules needs no root: with shift 0, `start` is itself the
 *first entry.
 */
#define GRAPH_SECOND_MULTIPLIER 0xc2b2ae3d27d4eb4fULL /* XXH64's second prime */
struct graph {
	__u64 mask[2];
	__u64 multiplier;
	__u8 shift;	 /* 64 - bits of the slot number, or 0: no root */
	__u8 root_op;	 /* of the slots that are nodes; 0: slots are entries */
	__u8 filtered;	 /* there is a filter */
	__u8 min_prefix; /* for the compiler: rules shorter than this are in a later graph */
	graph_entry start;
};

/* How many slots, as a power of two, a page has. */
static inline __u32 graph_page_shift(const struct graph *graph)
{
	return graph->root_op ? PAGE_NODES_SHIFT : PAGE_ENTRIES_SHIFT;
}

static inline __u32 graph_root_pages(const struct graph *graph)
{
	return 1u << ((64 - graph->shift - graph_page_shift(graph)) & 31);
}

#define FILTER_SHIFT 3			       /* bits a slot, as a power of two */
#define PAGE_BITS_SHIFT (PAGE_NODES_SHIFT + 7) /* of a filter */

/* A root by the top bits of the address, that is of IPv4, and not by a hash. */
static inline _Bool graph_indexed(const struct graph *graph)
{
	return graph->shift && graph->multiplier == 1;
}

static inline __u64 graph_product(const struct graph *graph, __u64 first, __u64 second)
{
	return (first & graph->mask[0]) * graph->multiplier +
	       (second & graph->mask[1]) * GRAPH_SECOND_MULTIPLIER;
}

static inline __u32 graph_slot(const struct graph *graph, __u64 product)
{
	return (__u32)(product >> (graph->shift & 63));
}

/* The bit of the filter, slot << FILTER_SHIFT | which of the slot's. */
static inline __u32 graph_filter_bit(const struct graph *graph, __u64 product)
{
	return (__u32)(product >> ((graph->shift - FILTER_SHIFT) & 63));
}

/*
 * A rule's hit counter has a home, eight counters in one cache line that follow from the first bits
 * of the address: with more counters than caches hold, the line is asked for while the graph is
 * still walked, not after it. Only a place to prefer: the leaf says which counter it is, and rules
 * that are shorter, or find no room at home, have theirs anywhere.
 */
#define HIT_HOME_SHIFT 3
#define HIT_HOME_SIZE (1u << HIT_HOME_SHIFT)
#define HIT_HOME_PREFIX_IPV4 24
#define HIT_HOME_PREFIX_IPV6 48

/* The first counter of the home; first: the upper half of the address. */
static inline __u32 hit_home(_Bool is_ipv6, __u64 first, __u32 max_rules)
{
	const __u64 prefix =
		first >> (64 - (is_ipv6 ? HIT_HOME_PREFIX_IPV6 : HIT_HOME_PREFIX_IPV4));
	const __u64 hash = prefix * GRAPH_SECOND_MULTIPLIER >> 32;

	return (__u32)(hash * (max_rules >> HIT_HOME_SHIFT) >> 32) << HIT_HOME_SHIFT;
}

/* A list of one family: graphs in order, longest prefixes first; no match in one goes to the next.
 */
#define GRAPHS_PER_LIST 3
struct graph_list {
	struct graph graphs[GRAPHS_PER_LIST];
	__u32 count;
	__u32 reserved;
};
_Static_assert(sizeof(struct graph_list) == 104, "part of a ruleset record");

#endif
