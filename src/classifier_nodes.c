/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Writes the nodes of a decision graph behind the pool's used mark. A node that would not decide
 * anything is left out.
 */
#include "classifier_parts.h"

void builder_free(struct builder *builder)
{
	free(builder->groups.data);
	free(builder->patterns.data);
	free(builder->seen.data);
	free(builder->bounds.data);
	free(builder->pieces.data);
	free(builder->claims.data);
	free(builder->row.data);
}

void *scratch_room(struct builder *builder, struct scratch *scratch, size_t count, size_t size)
{
	size_t bytes = count * size;
	void *data;

	if (bytes <= scratch->bytes)
		return scratch->data;
	bytes += bytes / 2;
	data = realloc(scratch->data, bytes);
	if (!data) {
		builder->err = -ENOMEM;
		return NULL;
	}
	scratch->data = data;
	scratch->bytes = bytes;
	return data;
}

struct node *nodes_append(struct builder *builder, uint32_t count, uint32_t *index)
{
	if (builder->err)
		return NULL;
	if (count > builder->end - builder->used) {
		builder->err = -ENOSPC;
		return NULL;
	}
	*index = builder->used;
	builder->used += count;
	return &builder->nodes[*index];
}

static uint32_t steps_max(uint32_t a, uint32_t b)
{
	return a > b ? a : b;
}

/* A node of which the caller has to write what it compares. */
static struct node *node_append(struct builder *builder, uint32_t op, struct branch hit,
				struct branch miss, struct branch *out)
{
	uint32_t index;
	struct node *node = nodes_append(builder, 1, &index);

	*out = BRANCH_NONE;
	if (!node)
		return NULL;
	node->test.hit = hit.entry;
	node->test.miss = miss.entry;
	*out = (struct branch){entry_make(op, index), 1 + steps_max(hit.steps, miss.steps)};
	return node;
}

struct branch branch_timed(struct builder *builder, uint32_t expires_s, struct branch live,
			   struct branch expired)
{
	struct branch branch;
	struct node *node = node_append(builder, OP_TIMED, live, expired, &branch);

	_Static_assert(offsetof(struct node, timed.live) == offsetof(struct node, test.hit) &&
			       offsetof(struct node, timed.expired) ==
				       offsetof(struct node, test.miss),
		       "every node but a fan has its two entries in the same place");
	if (node) {
		node->timed.expires_s = expires_s;
		node->timed.reserved = 0;
	}
	return branch;
}

struct branch branch_leaf(const struct item *item)
{
	return (struct branch){entry_make(OP_LEAF, item->hit), 0};
}

struct branch branch_rule(struct builder *builder, const struct item *item, struct branch otherwise)
{
	const struct branch leaf = branch_leaf(item);

	return item->expires_s ? branch_timed(builder, item->expires_s, leaf, otherwise) : leaf;
}

struct branch branch_range(struct builder *builder, uint32_t word, uint32_t lo, uint32_t hi,
			   struct branch hit, struct branch miss)
{
	struct branch branch;
	struct node *node;

	if (hit.entry == miss.entry)
		return hit;
	node = node_append(builder, OP_TEST + word, hit, miss, &branch);
	if (node) {
		node->test.lo = lo;
		node->test.span = hi - lo;
	}
	return branch;
}

static struct branch branch_half(struct builder *builder, int half, uint64_t bits, uint32_t len,
				 struct branch hit, struct branch miss)
{
	struct branch branch;
	struct node *node;

	node = node_append(builder, (len == 64 ? OP_EXACT : OP_PREFIX) + (uint32_t)half, hit, miss,
			   &branch);
	if (node) {
		uint64_t end = len == 64 ? 0 : 1ULL << (63 - len);

		node->half.bits = end ? (bits & -(end << 1)) | end : bits;
	}
	return branch;
}

struct branch branch_prefix(struct builder *builder, const uint32_t addr[4], uint32_t prefix_len,
			    uint32_t known, struct branch hit, struct branch miss)
{
	if (hit.entry == miss.entry)
		return hit;
	if (builder->family == FAMILY_IPV4) {
		uint32_t host_bits = prefix_len == 32 ? 0 : UINT32_MAX >> prefix_len;
		uint32_t lo = addr[0] & ~host_bits;

		return branch_range(builder, KEY_ADDR, lo, lo | host_bits, hit, miss);
	}
	if (prefix_len > 64)
		hit = branch_half(builder, 1, address_half(addr, 1), prefix_len - 64, hit, miss);
	if (known < 64 && known < prefix_len)
		hit = branch_half(builder, 0, address_half(addr, 0),
				  prefix_len < 64 ? prefix_len : 64, hit, miss);
	return hit;
}

struct branch branch_fan(struct builder *builder, uint32_t first_bit, const struct branch slots[16])
{
	struct node *nodes;
	uint32_t index, steps = 0;
	bool same = true;

	for (int i = 0; i < 16; i++) {
		same = same && slots[i].entry == slots[0].entry;
		steps = steps_max(steps, slots[i].steps);
	}
	if (same)
		return slots[0];
	nodes = nodes_append(builder, FAN_NODES, &index);
	if (!nodes)
		return BRANCH_NONE;
	for (int i = 0; i < 16; i++)
		nodes[i / NODE_ENTRIES].entries[i % NODE_ENTRIES] = slots[i].entry;
	return (struct branch){entry_make(OP_FAN + first_bit / 4, index), steps + 1};
}
