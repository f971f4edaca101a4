/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The layout of the decision graph, shared by the compiler (src/classifier*.c), which writes it, and
 * the walk (bpf/classify.h), which reads it. One walk answers "does a rule of this list match this
 * packet, and which".
 */
#ifndef BGO_GRAPH_H
#define BGO_GRAPH_H

#include <linux/types.h>

/*
 * The key of a packet: a row of words in host order. Words 0..3 are the address (IPv4 in word 0, the
 * others 0), word 4 is protocol << 24 | has_ports << 16 | port, word 5 is has_ports << 16 | port.
 */
enum { KEY_ADDR = 0, KEY_PROTO_PORT = 4, KEY_PORT = 5, KEY_WORDS = 6 };
#define KEY_HAS_PORTS (1u << 16)

/*
 * An entry is a 32-bit word: 0 is "no rule here", else an operation and its payload: a leaf's payload
 * is the rule's hit number, every other one's is the index of its first node in node_map.
 */
typedef __u32 graph_entry;
#define ENTRY_NONE 0u
#define ENTRY_OP_SHIFT 26
#define ENTRY_PAYLOAD_MASK ((1u << ENTRY_OP_SHIFT) - 1)
enum graph_op {
	OP_LEAF = 1,
	OP_TEST = 2,			   /* + key word 0..5 */
	OP_PAIR = OP_TEST + KEY_WORDS,	   /* + 0: words 0 and 1, + 1: words 2 and 3 */
	OP_FAN = OP_PAIR + 2,		   /* + nibble of the key, 0 is the top one of word 0 */
	OP_END = OP_FAN + KEY_WORDS * 8,   /* the first op that is not one */
};

/* A node: 16 bytes. A fan is four nodes in a row, 16 entries; a page of a root 256. */
struct node {
	union {
		struct {
			__u32 lo, span;	       /* key word - lo <= span, unsigned */
			graph_entry hit, miss;
		} test;
		struct {
			__u32 first, second; /* both words equal */
			graph_entry hit, miss;
		} pair;
		graph_entry entries[4];
	};
};
_Static_assert(sizeof(struct node) == 16, "node_map's value");

/* Longest walk of one graph that the programs follow; the compiler refuses what is longer. */
#define GRAPH_MAX_STEPS 96

/*
 * One graph: a root table indexed by the top address bits, slot = ((top64 & mask) * multiplier) >>
 * shift, kept as a directory of 4 KB pages; or, for a handful of rules, no root but one entry.
 */
struct graph {
	__u64 mask;
	__u64 multiplier;
	__u32 shift;
	graph_entry directory; /* ... */
};

/* A list of one family: graphs in order, longest prefixes first; no match in one goes to the next. */
#define GRAPHS_PER_LIST 3
struct graph_list {
	struct graph graphs[GRAPHS_PER_LIST];
	__u32 count;
	__u32 reserved;
};

#endif
