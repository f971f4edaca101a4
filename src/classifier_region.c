/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The address part of the decision graph: the rules of one slot of a root, or of a graph without
 * root. Rules of the same prefix are a group. Few groups become a chain of tests, the longest
 * prefix first; more become a fan over four bits of the address, after a test of the bits they have
 * in common. Where a group's ports do not match, the walk goes on at the group that covers it: its
 * entry is shared, not copied.
 */
#include <string.h>

#include "classifier_parts.h"

/*
 * Longest walk through the ports of a group and of those that cover it. With the address part (a
 * fan for each of at most 32 nibbles, or a test and a fan for two of them, and a chain of 8) and
 * ports of one group (26, and one for each doubling of its time-limited rules) no walk comes near
 * GRAPH_MAX_STEPS.
 */
#define PORT_STEPS_MAX 32

#define NO_GROUP UINT32_MAX
#define PORT_COUNT_ANY UINT32_MAX

struct group {
	const struct item *items;
	uint32_t count;
	uint32_t parent; /* the group with the longest shorter prefix of this one */
	struct branch branch;
};

static const uint32_t *group_addr(const struct group *group)
{
	return group->items->addr;
}

static uint32_t group_len(const struct group *group)
{
	return group->items->prefix_len;
}

/* How many leading bits are the same. */
static uint32_t common_bits(const uint32_t a[4], const uint32_t b[4])
{
	for (uint32_t i = 0; i < 4; i++)
		if (a[i] != b[i])
			return 32 * i + (uint32_t)__builtin_clz(a[i] ^ b[i]);
	return 128;
}

bool prefix_covers(const uint32_t prefix[4], uint32_t prefix_len, const uint32_t addr[4])
{
	return common_bits(prefix, addr) >= prefix_len;
}

static uint32_t port_count(const struct item *item)
{
	return item->port_max ? item->port_max - item->port_min + 1u : PORT_COUNT_ANY;
}

int item_compare(const void *a, const void *b)
{
	const struct item *x = a, *y = b;

	for (int i = 0; i < 4; i++)
		if (x->addr[i] != y->addr[i])
			return x->addr[i] < y->addr[i] ? -1 : 1;
	if (x->prefix_len != y->prefix_len)
		return x->prefix_len - y->prefix_len;
	if (x->any_protocol != y->any_protocol)
		return x->any_protocol - y->any_protocol;
	if (port_count(x) != port_count(y))
		return port_count(x) < port_count(y) ? -1 : 1;
	return x->index < y->index ? -1 : x->index > y->index;
}

/* The nibble of the address that begins at this bit. */
static uint32_t address_nibble(const uint32_t addr[4], uint32_t first_bit)
{
	return addr[first_bit / 32] >> (28 - first_bit % 32) & 15;
}

/* Fills the slots of a fan that a prefix ending in its nibble covers; later ones are longer and go
 * over it. */
static void fan_inherit(struct branch slots[16], const struct group *group, uint32_t first_bit)
{
	uint32_t first = address_nibble(group_addr(group), first_bit);
	uint32_t covered = 1u << (first_bit + 4 - group_len(group));

	for (uint32_t i = 0; i < covered; i++)
		slots[first + i] = group->branch;
}

static struct branch address_compile(struct builder *builder, const struct group *groups,
				     uint32_t count, uint32_t known, struct branch inherited);

static struct branch address_fan(struct builder *builder, const struct group *groups,
				 uint32_t count, uint32_t first_bit, struct branch inherited)
{
	struct branch slots[16];
	uint32_t begin = 0;

	for (int i = 0; i < 16; i++)
		slots[i] = inherited;
	for (uint32_t i = 0; i < count; i++)
		if (group_len(&groups[i]) < first_bit + 4)
			fan_inherit(slots, &groups[i], first_bit);
	for (uint32_t i = 0; i < 16; i++) {
		uint32_t end;

		/* Those that filled slots have zeros behind, so they come first of their nibble. */
		while (begin < count && group_len(&groups[begin]) < first_bit + 4 &&
		       address_nibble(group_addr(&groups[begin]), first_bit) == i)
			begin++;
		for (end = begin; end < count; end++)
			if (address_nibble(group_addr(&groups[end]), first_bit) != i)
				break;
		slots[i] = address_compile(builder, groups + begin, end - begin, first_bit + 4,
					   slots[i]);
		begin = end;
	}
	return branch_fan(builder, first_bit, slots);
}

/* Groups in order of address and length, all within the prefix of `known` bits. */
static struct branch address_compile(struct builder *builder, const struct group *groups,
				     uint32_t count, uint32_t known, struct branch inherited)
{
	uint32_t common, first_bit;
	const uint32_t *addr;
	struct branch branch;

	while (count && group_len(groups) <= known) {
		inherited = groups->branch;
		groups++;
		count--;
	}
	if (!count || builder->err)
		return inherited;
	addr = group_addr(groups);
	common = common_bits(addr, group_addr(&groups[count - 1]));
	if (common > group_len(groups))
		common = group_len(groups);
	/* The upper half of an IPv6 address once for all of them, not once for each. */
	if (count > 1 && known < 64 && common >= 64) {
		branch = address_compile(builder, groups, count, 64, inherited);
		return branch_prefix(builder, addr, 64, known, branch, inherited);
	}
	if (count <= CHAIN_MAX) {
		branch = inherited;
		for (uint32_t i = 0; i < count; i++)
			branch = branch_prefix(builder, group_addr(&groups[i]),
					       group_len(&groups[i]), known, groups[i].branch,
					       branch);
		return branch;
	}
	first_bit = common & ~3u;
	if (first_bit <= known)
		return address_fan(builder, groups, count, first_bit, inherited);
	branch = address_compile(builder, groups, count, common, inherited);
	return branch_prefix(builder, addr, common, known, branch, inherited);
}

/* The rules of a group and of the `merged` groups that cover it next, in order of precedence. */
static struct branch group_merge(struct builder *builder, const struct group *groups,
				 uint32_t group, uint32_t merged)
{
	struct branch otherwise = BRANCH_NONE;
	const struct item **rules;
	uint32_t count = 0;

	for (uint32_t i = 0; i <= merged && group != NO_GROUP; i++, group = groups[group].parent) {
		rules = scratch_room(builder, &builder->patterns,
				     (size_t)count + groups[group].count, sizeof(*rules));
		if (!rules)
			return BRANCH_NONE;
		for (uint32_t r = 0; r < groups[group].count; r++)
			rules[count++] = &groups[group].items[r];
	}
	if (group != NO_GROUP)
		otherwise = groups[group].branch;
	return ports_compile(builder, builder->patterns.data, count, otherwise);
}

/*
 * What to do with a packet whose address is in this group and in none below it. Falls through to
 * the group that covers it as it was compiled, or, when the walk would get long, takes in the rules
 * of as few of those as will do.
 */
static struct branch group_compile(struct builder *builder, const struct group *groups,
				   uint32_t group, uint32_t depth)
{
	const struct item *first = groups[group].items;
	uint32_t used = builder->used;
	struct branch branch;

	if (first->any_protocol && !first->port_max && !first->expires_s)
		return branch_leaf(first);
	branch = group_merge(builder, groups, group, 0);
	for (uint32_t merged = 1; branch.steps > PORT_STEPS_MAX && merged < 2 * depth;
	     merged += (merged + 1) / 2) {
		builder->used = used;
		branch = group_merge(builder, groups, group, merged);
	}
	return branch;
}

/* Appends a group and finds the one that covers it. Returns how many cover it. */
static uint32_t group_add(struct group *groups, uint32_t count, const struct item *items,
			  uint32_t item_count)
{
	uint32_t parent = count ? count - 1 : NO_GROUP, depth = 0;

	while (parent != NO_GROUP &&
	       !prefix_covers(group_addr(&groups[parent]), group_len(&groups[parent]), items->addr))
		parent = groups[parent].parent;
	groups[count] = (struct group){.items = items, .count = item_count, .parent = parent};
	for (; parent != NO_GROUP; parent = groups[parent].parent)
		depth++;
	return depth;
}

static bool same_prefix(const struct item *a, const struct item *b)
{
	return a->prefix_len == b->prefix_len && !memcmp(a->addr, b->addr, sizeof(a->addr));
}

graph_entry region_compile(struct builder *builder, const struct item *items, uint32_t count,
			   const uint32_t addr[4], uint32_t known, uint32_t *carried)
{
	struct group *groups =
		scratch_room(builder, &builder->groups, (size_t)*carried + count, sizeof(*groups));
	struct branch branch;
	uint32_t group_count, end;

	if (!groups) /* nothing to compile, or no memory: the builder knows */
		return ENTRY_NONE;
	while (*carried && !prefix_covers(group_addr(&groups[*carried - 1]),
					  group_len(&groups[*carried - 1]), addr))
		--*carried;
	group_count = *carried;
	for (uint32_t i = 0; i < count; i = end) {
		uint32_t depth;

		for (end = i + 1; end < count && same_prefix(&items[i], &items[end]);)
			end++;
		depth = group_add(groups, group_count, &items[i], end - i);
		groups[group_count].branch = group_compile(builder, groups, group_count, depth);
		group_count++;
	}
	branch = address_compile(builder, groups, group_count, known, BRANCH_NONE);
	if (branch.steps >= builder->longest)
		builder->longest =
			branch.steps + 1; /* a slot that is a node may be one step more */
	while (*carried < group_count && group_len(&groups[*carried]) < known)
		++*carried;
	return branch.entry;
}
