/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The ports part of the decision graph: which of an ordered list of rules for one address matches a
 * packet's protocol and port. A few rules are a chain of tests. More are cut into pieces of the
 * protocols and, for each, of the ports, each piece with the one rule that wins there, and searched
 * by halves: at most 9 steps for 256 protocols and 17 for 65,536 ports.
 */
#include "classifier_parts.h"

/* From `start` on, up to the start of the next piece. */
struct piece {
	uint32_t start;
	struct branch branch;
};

#define PORTS_END 0x10000u
#define PROTOCOLS 256u
#define LAST_PORT_WORD (KEY_HAS_PORTS | 0xffffu)

static bool any_port(const struct item *rule)
{
	return !rule->port_max;
}

static struct branch rule_test(struct builder *builder, const struct item *rule,
			       struct branch otherwise)
{
	struct branch leaf = branch_leaf(rule);
	uint32_t protocol = (uint32_t)rule->protocol << KEY_PROTO_SHIFT;

	if (rule->any_protocol && any_port(rule))
		return leaf;
	if (any_port(rule))
		return branch_range(builder, KEY_PROTO_PORT, protocol,
				    protocol | ((1u << KEY_PROTO_SHIFT) - 1), leaf, otherwise);
	if (rule->any_protocol)
		return branch_range(builder, KEY_PORT, KEY_HAS_PORTS | rule->port_min,
				    KEY_HAS_PORTS | rule->port_max, leaf, otherwise);
	protocol |= KEY_HAS_PORTS;
	return branch_range(builder, KEY_PROTO_PORT, protocol | rule->port_min,
			    protocol | rule->port_max, leaf, otherwise);
}

/* Appends a piece, unless it goes on like the one before. */
static uint32_t piece_add(struct piece *pieces, uint32_t count, uint32_t start,
			  struct branch branch)
{
	if (count && pieces[count - 1].branch.entry == branch.entry)
		return count;
	pieces[count] = (struct piece){start, branch};
	return count + 1;
}

/* Finds the piece that a key word is in, by halves; `last` is the last value of the last one. */
static struct branch pieces_search(struct builder *builder, uint32_t word,
				   const struct piece *pieces, uint32_t count, uint32_t last)
{
	uint32_t middle = count / 2;
	struct branch low, high;

	if (count == 1)
		return pieces[0].branch;
	/* One thing inside another: a single test tells. */
	if (count == 3 && pieces[0].branch.entry == pieces[2].branch.entry)
		return branch_range(builder, word, pieces[1].start, pieces[2].start - 1,
				    pieces[1].branch, pieces[0].branch);
	low = pieces_search(builder, word, pieces, middle, pieces[middle].start - 1);
	high = pieces_search(builder, word, pieces + middle, count - middle, last);
	return branch_range(builder, word, pieces[0].start, pieces[middle].start - 1, low, high);
}

static int bound_compare(const void *a, const void *b)
{
	uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;

	return (x > y) - (x < y);
}

/* Where rules begin and end, ascending and each once. Returns how many. */
static uint32_t bounds_collect(const struct item *const *rules, uint32_t count, uint32_t *bounds)
{
	uint32_t used = 0, kept = 0;

	for (uint32_t i = 0; i < count; i++) {
		bounds[used++] = rules[i]->port_min;
		bounds[used++] = rules[i]->port_max + 1u;
	}
	qsort(bounds, used, sizeof(*bounds), bound_compare);
	for (uint32_t i = 0; i < used; i++)
		if (!kept || bounds[kept - 1] != bounds[i])
			bounds[kept++] = bounds[i];
	return kept;
}

static uint32_t bound_find(const uint32_t *bounds, uint32_t count, uint32_t port)
{
	uint32_t low = 0;

	while (count) {
		uint32_t half = count / 2;

		if (bounds[low + half] < port) {
			low += half + 1;
			count -= half + 1;
		} else {
			count = half;
		}
	}
	return low;
}

/* The next piece at or after i that has no rule yet; next[] is shortened on the way. */
static uint32_t next_free(uint32_t *next, uint32_t i)
{
	while (next[i] != i) {
		next[i] = next[next[i]];
		i = next[i];
	}
	return i;
}

/*
 * Rules that all have ports, for a packet whose protocol they match. Painted in order, each over
 * what is still free, every piece between two bounds gets the first rule that has it.
 */
static struct branch ports_search(struct builder *builder, const struct item *const *rules,
				  uint32_t count, struct branch otherwise)
{
	uint32_t *bounds =
		scratch_room(builder, &builder->bounds, 4 * (size_t)count, sizeof(*bounds));
	struct piece *pieces =
		scratch_room(builder, &builder->pieces, 4 * (size_t)count + 2, sizeof(*pieces));
	struct piece *painted = pieces ? pieces + 2 * count + 1 : NULL;
	uint32_t bound_count, piece_count, *next;

	if (!bounds || !pieces)
		return BRANCH_NONE;
	bound_count = bounds_collect(rules, count, bounds);
	next = bounds + 2 * count;
	for (uint32_t i = 0; i < bound_count; i++) {
		painted[i].branch = otherwise;
		next[i] = i;
	}
	for (uint32_t r = 0; r < count; r++) {
		uint32_t end = bound_find(bounds, bound_count, rules[r]->port_max + 1u);
		uint32_t i = next_free(next, bound_find(bounds, bound_count, rules[r]->port_min));

		for (; i < end; i = next_free(next, i)) {
			painted[i].branch = branch_leaf(rules[r]);
			next[i] = i + 1;
		}
	}
	piece_count = piece_add(pieces, 0, 0, otherwise);
	for (uint32_t i = 0; i < bound_count && bounds[i] < PORTS_END; i++)
		piece_count = piece_add(pieces, piece_count, KEY_HAS_PORTS | bounds[i],
					painted[i].branch);
	return pieces_search(builder, KEY_PORT, pieces, piece_count, LAST_PORT_WORD);
}

/* The rules as a packet of this protocol sees them; -1: of a protocol that no rule names. */
static struct branch protocol_compile(struct builder *builder, const struct item *const *rules,
				      uint32_t count, int protocol, const struct item **seen,
				      struct branch otherwise)
{
	uint32_t seen_count = 0;

	for (uint32_t i = 0; i < count; i++) {
		if (!rules[i]->any_protocol && rules[i]->protocol != protocol)
			continue;
		if (any_port(rules[i])) {
			otherwise = branch_leaf(rules[i]);
			break; /* no rule behind this one is ever reached */
		}
		seen[seen_count++] = rules[i];
	}
	return seen_count ? ports_search(builder, seen, seen_count, otherwise) : otherwise;
}

struct branch ports_compile(struct builder *builder, const struct item *const *rules,
			    uint32_t count, struct branch otherwise)
{
	struct piece pieces[PROTOCOLS];
	bool named[PROTOCOLS] = {false};
	const struct item **seen;
	struct branch unnamed;
	uint32_t piece_count = 0;

	if (count <= CHAIN_MAX) {
		for (uint32_t i = count; i-- > 0;)
			otherwise = rule_test(builder, rules[i], otherwise);
		return otherwise;
	}
	seen = scratch_room(builder, &builder->seen, count, sizeof(*seen));
	if (!seen)
		return BRANCH_NONE;
	for (uint32_t i = 0; i < count; i++)
		if (!rules[i]->any_protocol)
			named[rules[i]->protocol] = true;
	unnamed = protocol_compile(builder, rules, count, -1, seen, otherwise);
	for (uint32_t p = 0; p < PROTOCOLS; p++)
		piece_count = piece_add(
			pieces, piece_count, p << KEY_PROTO_SHIFT,
			named[p] ? protocol_compile(builder, rules, count, (int)p, seen, otherwise)
				 : unnamed);
	return pieces_search(builder, KEY_PROTO_PORT, pieces, piece_count, UINT32_MAX);
}
