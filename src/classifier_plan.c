/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Chooses the graphs of a list: which address bits the roots are indexed by, how large they are,
 * and which rules go where. IPv4 roots are indexed by the top bits. IPv6 rules have their bits
 * anywhere: those roots are hash tables over a prefix that nearly all rules are at least as long
 * as. Rules that are too short for a root go to the next graph, the last of which has no root.
 */
#include "classifier_parts.h"

/* So few rules are found as fast without a root, and take less memory. */
#define NO_ROOT_RULES 8
/* Roots have at least a page, in IPv6 of entries, and at most 2^24 slots. */
#define IPV4_BITS_MIN PAGE_NODES_SHIFT
#define IPV6_BITS_MIN PAGE_ENTRIES_SHIFT
/* A smaller root is in the cache itself. */
#define FILTER_BITS_MIN 16
/* Rules in the slot of a rule on average: more is a poor hash. */
#define CROWD_MAX 16
#define ADDRESS_BITS 128

#define FIRST_MULTIPLIER 0x9e3779b97f4a7c15ULL /* 2^64 / golden ratio */

/* Rules this much shorter than the index of an IPv4 root are in up to 16 of its slots. */
#define IPV4_SHORTER 4

/*
 * More slots than rules are faster while they are in the caches. A slot may be a node, and
 * NODES_PER_HALF is 2.5 of these a rule: with one node a rule for a port, one slot a rule is what
 * fits.
 */
static uint32_t slots_worth(uint32_t rules)
{
	if (rules <= 2048)
		return 5 * rules;
	if (rules <= 16384)
		return 2 * rules;
	return rules + rules / 16;
}

uint32_t plan_bits(enum family family, uint32_t rules)
{
	/* Two bits at a time: behind an even number of them a nibble is less often cut. */
	uint32_t step = family == FAMILY_IPV4 ? 2 : 1;
	uint32_t bits = family == FAMILY_IPV4 ? IPV4_BITS_MIN : IPV6_BITS_MIN;

	if (rules <= NO_ROOT_RULES)
		return 0;
	while (bits < GRAPH_BITS_MAX && 1u << (bits + step) <= slots_worth(rules))
		bits += step;
	return bits;
}

static struct graph *graph_add(struct graph_list *list, uint32_t min_prefix)
{
	struct graph *graph = &list->graphs[list->count++];

	*graph = (struct graph){.min_prefix = (uint8_t)min_prefix};
	return graph;
}

void plan_rest(struct graph_list *list)
{
	graph_add(list, 0);
}

static uint64_t half_mask(uint32_t bits)
{
	return bits ? UINT64_MAX << ((64 - bits) & 63) : 0;
}

static void graph_add_indexed(struct graph_list *list, uint32_t bits)
{
	struct graph *graph = graph_add(list, bits - IPV4_SHORTER);

	graph->mask[0] = half_mask(bits + FILTER_SHIFT);
	graph->multiplier = 1;
	graph->root_op = OP_TEST + KEY_ADDR;
	graph->filtered = bits >= FILTER_BITS_MIN;
	graph->shift = (uint8_t)(64 - bits);
}

static struct graph hashed_graph(uint32_t prefix_len, uint32_t bits)
{
	return (struct graph){
		.mask = {half_mask(prefix_len < 64 ? prefix_len : 64),
			 half_mask(prefix_len < 64 ? 0 : prefix_len - 64)},
		.multiplier = FIRST_MULTIPLIER,
		.min_prefix = (uint8_t)prefix_len,
		.shift = (uint8_t)(64 - bits),
		.filtered = bits >= FILTER_BITS_MIN,
	};
}

/* Rules by prefix length. */
struct lengths {
	uint32_t rules[ADDRESS_BITS + 1];
};

static uint32_t rules_below(const struct lengths *lengths, uint32_t prefix_len)
{
	uint32_t rules = 0;

	for (uint32_t len = 0; len < prefix_len; len++)
		rules += lengths->rules[len];
	return rules;
}

/* In the root that this would be: with how many rules a rule is in its slot on average, itself
 * included. */
static int graph_crowd(const struct graph *graph, const struct item *items, uint32_t count,
		       uint32_t max_len, uint32_t *crowd)
{
	_cleanup_free_ uint32_t *slots = calloc((size_t)1 << (64 - graph->shift), sizeof(*slots));
	uint64_t sum = 0, rules = 0;

	if (!slots)
		return -ENOMEM;
	for (uint32_t i = 0; i < count; i++) {
		if (items[i].prefix_len < graph->min_prefix || items[i].prefix_len > max_len)
			continue;
		/* The squares of 1, 2, 3 ... differ by 1, 3, 5 ... */
		sum += 2 * (uint64_t)slots[graph_slot_of(graph, items[i].addr)]++ + 1;
		rules++;
	}
	*crowd = (uint32_t)(rules ? sum / rules : 0);
	return 0;
}

/*
 * The longest prefix that all rules up to max_len have, else nearly all, else half of them, so that
 * the slots are not crowded. 0: none.
 */
static int hash_length(const struct lengths *lengths, const struct item *items, uint32_t count,
		       uint32_t max_len, uint32_t bits, uint32_t *prefix_len)
{
	uint32_t rules = rules_below(lengths, max_len + 1);
	const uint32_t may_be_shorter[] = {0, rules / 8, rules / 2};

	*prefix_len = 0;
	for (size_t i = 0; i < sizeof(may_be_shorter) / sizeof(*may_be_shorter); i++) {
		uint32_t len = max_len & ~3u, crowd;
		struct graph graph;
		int err;

		while (len && rules_below(lengths, len) > may_be_shorter[i])
			len -= 4;
		if (!len || len == *prefix_len)
			continue;
		*prefix_len = len;
		graph = hashed_graph(len, bits);
		err = graph_crowd(&graph, items, count, max_len, &crowd);
		if (err || crowd <= CROWD_MAX)
			return err;
	}
	return 0;
}

/*
 * Slots that are nodes save a cache line for rules that one node decides, and cost memory. With a
 * prefix node these are the rules of less than 64 bits, with an exact one those of 64.
 */
static uint8_t hash_root_op(const struct lengths *lengths, uint32_t prefix_len, uint32_t max_len)
{
	uint32_t shorter = rules_below(lengths, prefix_len);
	uint32_t rules = rules_below(lengths, max_len + 1) - shorter, decided = 0;
	uint8_t op = prefix_len < 64 ? OP_PREFIX : OP_EXACT;

	if (prefix_len < 64)
		decided = rules_below(lengths, max_len < 64 ? max_len + 1 : 64) - shorter;
	else if (prefix_len == 64)
		decided = lengths->rules[64];
	return 4 * (uint64_t)decided >= 3 * (uint64_t)rules ? op : 0;
}

static int plan_ipv6(const struct lengths *lengths, const struct item *items, uint32_t count,
		     struct graph_list *list)
{
	uint32_t max_len = ADDRESS_BITS;

	while (list->count < GRAPHS_PER_LIST - 1) {
		uint32_t bits = plan_bits(FAMILY_IPV6, rules_below(lengths, max_len + 1));
		uint32_t prefix_len;
		int err;

		if (!bits)
			break;
		err = hash_length(lengths, items, count, max_len, bits, &prefix_len);
		if (err)
			return err;
		if (!prefix_len)
			break;
		list->graphs[list->count] = hashed_graph(prefix_len, bits);
		list->graphs[list->count++].root_op = hash_root_op(lengths, prefix_len, max_len);
		max_len = prefix_len - 1;
	}
	if (rules_below(lengths, max_len + 1))
		plan_rest(list);
	return 0;
}

static void plan_ipv4(const struct lengths *lengths, uint32_t bits, struct graph_list *list)
{
	graph_add_indexed(list, bits);
	if (bits >= 20 && rules_below(lengths, bits - IPV4_SHORTER) > NO_ROOT_RULES)
		graph_add_indexed(list, bits - 8);
	if (rules_below(lengths, list->graphs[list->count - 1].min_prefix))
		plan_rest(list);
}

int plan_graphs(enum family family, const struct item *items, uint32_t count,
		struct graph_list *list)
{
	uint32_t bits = plan_bits(family, count);
	struct lengths lengths = {0};

	*list = (struct graph_list){0};
	for (uint32_t i = 0; i < count; i++)
		lengths.rules[items[i].prefix_len]++;
	if (family == FAMILY_IPV6)
		return plan_ipv6(&lengths, items, count, list);
	if (bits)
		plan_ipv4(&lengths, bits, list);
	else if (count)
		plan_rest(list);
	return 0;
}
