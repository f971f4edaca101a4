/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The ports part of the decision graph: which of an ordered list of rules for one address matches a
 * packet's protocol and port. A few rules are a chain of tests. More are cut into pieces of the
 * protocols and, for each, of the ports, each piece with the one rule that wins there, and searched
 * by halves: at most 9 steps for 256 protocols and 17 for 65,536 ports.
 *
 * Where the rule that wins expires, a piece has a row of rules: the next one is for the time
 * behind. Only one that expires later than all before it can ever win, so a row is in order of
 * time, and is searched by halves too.
 */
#include "classifier_parts.h"

/* From `start` on, up to the start of the next piece. */
struct piece {
	uint32_t start;
	struct branch branch; /* without the rules that expire */
	uint32_t claims;      /* the last of the rules that expire, as a number from 1; 0: none */
};

/* A rule that expires and wins in a piece when those before it have expired. */
struct claim {
	const struct item *rule;
	uint32_t before; /* the one before, as a number from 1; 0: none */
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
	struct branch leaf = branch_rule(builder, rule, otherwise);
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
	pieces[count] = (struct piece){.start = start, .branch = branch};
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

/* Where rules with ports begin and end, ascending and each once. Returns how many. */
static uint32_t bounds_collect(const struct item *const *rules, uint32_t count, uint32_t *bounds)
{
	uint32_t used = 0, kept = 0;

	for (uint32_t i = 0; i < count; i++) {
		if (any_port(rules[i]))
			continue;
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

/* -- Pieces of the ports. -- */

/* The pieces of one protocol: number 0 is for packets without ports, and ports below the others. */
struct painting {
	struct piece *pieces;
	uint32_t count;
	uint32_t *next; /* a piece that still takes rules leads to itself, others further on */
	const uint32_t *bounds; /* where piece 1, 2 ... begin */
	uint32_t claim_count;
};

static struct claim *claim_at(const struct builder *builder, uint32_t number)
{
	return (struct claim *)builder->claims.data + (number - 1);
}

/* One that expires no later than a rule before it never wins. */
static void piece_claim(struct builder *builder, struct painting *painting, struct piece *piece,
			const struct item *rule)
{
	if (piece->claims && claim_at(builder, piece->claims)->rule->expires_s >= rule->expires_s)
		return;
	if (!scratch_room(builder, &builder->claims, (size_t)painting->claim_count + 1,
			  sizeof(struct claim)))
		return;
	painting->claim_count++;
	*claim_at(builder, painting->claim_count) = (struct claim){rule, piece->claims};
	piece->claims = painting->claim_count;
}

/* Gives the rule what is still free of its ports; a rule that expires leaves it free for others. */
static void paint(struct builder *builder, struct painting *painting, const struct item *rule)
{
	const uint32_t bounds = painting->count - 1;
	uint32_t end = painting->count, i = 0;

	if (!any_port(rule)) {
		i = bound_find(painting->bounds, bounds, rule->port_min) + 1;
		end = bound_find(painting->bounds, bounds, rule->port_max + 1u) + 1;
	}
	for (i = next_free(painting->next, i); i < end; i = next_free(painting->next, i)) {
		if (rule->expires_s) {
			piece_claim(builder, painting, &painting->pieces[i], rule);
			i++;
		} else {
			painting->pieces[i].branch = branch_leaf(rule);
			painting->next[i] = i + 1;
		}
	}
}

/* The first of a row that has not expired, in order of time. */
static struct branch row_search(struct builder *builder, const struct item *const *row,
				uint32_t count, struct branch otherwise)
{
	const uint32_t middle = count / 2;
	struct branch sooner, later;

	if (!count)
		return otherwise;
	sooner = row_search(builder, row, middle, branch_leaf(row[middle]));
	later = row_search(builder, row + middle + 1, count - middle - 1, otherwise);
	return branch_timed(builder, row[middle]->expires_s, sooner, later);
}

static bool same_claims(const struct builder *builder, uint32_t a, uint32_t b)
{
	for (; a && b && a != b; a = claim_at(builder, a)->before, b = claim_at(builder, b)->before)
		if (claim_at(builder, a)->rule != claim_at(builder, b)->rule)
			return false;
	return a == b;
}

/* What a packet of the piece meets. */
static struct branch piece_compile(struct builder *builder, const struct piece *piece)
{
	const struct item **row;
	uint32_t count = 0;

	for (uint32_t at = piece->claims; at; at = claim_at(builder, at)->before)
		count++;
	if (!count)
		return piece->branch;
	row = scratch_room(builder, &builder->row, count, sizeof(*row));
	if (!row)
		return BRANCH_NONE;
	for (uint32_t at = piece->claims, i = count; at; at = claim_at(builder, at)->before)
		row[--i] = claim_at(builder, at)->rule;
	return row_search(builder, row, count, piece->branch);
}

/* Pieces that go on alike are one. Returns how many there are then. */
static uint32_t painting_compile(struct builder *builder, const struct painting *painting,
				 struct piece *pieces)
{
	struct branch branch = BRANCH_NONE;
	uint32_t count = 0;

	for (uint32_t i = 0; i < painting->count && !builder->err; i++) {
		const struct piece *piece = &painting->pieces[i];

		if (i && piece->start - KEY_HAS_PORTS >= PORTS_END)
			break;
		if (!i || piece[-1].branch.entry != piece->branch.entry ||
		    !same_claims(builder, piece[-1].claims, piece->claims))
			branch = piece_compile(builder, piece);
		count = piece_add(pieces, count, piece->start, branch);
	}
	return count;
}

/*
 * Rules for a packet whose protocol they match. Painted in order, each over what is still free,
 * every piece between two bounds gets the first rule that has it.
 */
static struct branch ports_search(struct builder *builder, const struct item *const *rules,
				  uint32_t count, struct branch otherwise)
{
	const size_t most = 2 * (size_t)count + 1; /* pieces */
	uint32_t *bounds = scratch_room(builder, &builder->bounds, 2 * most, sizeof(*bounds));
	struct piece *pieces = scratch_room(builder, &builder->pieces, 2 * most, sizeof(*pieces));
	struct painting painting;

	if (!bounds || !pieces)
		return BRANCH_NONE;
	painting = (struct painting){
		.pieces = pieces + most,
		.count = bounds_collect(rules, count, bounds) + 1,
		.next = bounds + most - 1,
		.bounds = bounds,
	};
	painting.next[painting.count] = painting.count;
	for (uint32_t i = 0; i < painting.count; i++) {
		painting.pieces[i] = (struct piece){
			.start = i ? KEY_HAS_PORTS + bounds[i - 1] : 0,
			.branch = otherwise,
		};
		painting.next[i] = i;
	}
	for (uint32_t r = 0; r < count && !builder->err; r++)
		paint(builder, &painting, rules[r]);
	count = painting_compile(builder, &painting, pieces);
	return builder->err ? BRANCH_NONE
			    : pieces_search(builder, KEY_PORT, pieces, count, LAST_PORT_WORD);
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
		if (any_port(rules[i]) && !rules[i]->expires_s) {
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
