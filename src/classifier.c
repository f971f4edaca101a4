/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Rules to decision graph: from nothing, or only the slots of the roots that a change is in. Which
 * these are, and which rules are in them, is found by one look at all rules of the list.
 */
#include "classifier_parts.h"

_Static_assert(FAMILY_COUNT == 2, "a family has its kind of root, see classifier_plan.c");

/* Live rules of one family. */
struct items {
	struct item *items;
	uint32_t count, room;
};

static void items_free(struct items *items)
{
	free(items->items);
}

/* What of a half of the address lies behind so many bits of it. */
static uint64_t bits_behind(uint64_t half, uint32_t bits)
{
	return bits < 64 ? half << bits : 0;
}

/* Slots are memory that others can write: what compiling relies on is not taken for granted. */
static bool slot_is_sound(const struct rule_slot *slot)
{
	const struct rule *rule = &slot->rule;
	const uint32_t len = rule->prefix_len;

	return slot->hit <= ENTRY_PAYLOAD_MASK && len <= (rule->family == FAMILY_IPV4 ? 32 : 128) &&
	       rule->port_min_host <= rule->port_max_host &&
	       !bits_behind(address_half(rule->addr_host, 0), len) &&
	       !bits_behind(address_half(rule->addr_host, 1), len > 64 ? len - 64 : 0);
}

static int items_add(struct items *items, const struct rule_slot *slot)
{
	const struct rule *rule = &slot->rule;

	if (!slot_is_sound(slot))
		return -EILSEQ;
	if (items->count == items->room) {
		uint32_t room = items->room ? 2 * items->room : 256;
		struct item *grown = reallocarray(items->items, room, sizeof(*grown));

		if (!grown)
			return -ENOMEM;
		items->items = grown;
		items->room = room;
	}
	items->items[items->count++] = (struct item){
		.addr = {rule->addr_host[0], rule->addr_host[1], rule->addr_host[2],
			 rule->addr_host[3]},
		.prefix_len = rule->prefix_len,
		.any_protocol = rule->any_protocol,
		.protocol = rule->protocol,
		.port_min = rule->port_min_host,
		.port_max = rule->port_max_host,
		.index = slot->index,
		.hit = slot->hit,
		.expires_s = slot->expires_s,
	};
	return 0;
}

/* The prefix lengths that are the graph's: none is both in it and in the graph before it. */
static struct graph_rules graph_rules(const struct graph_list *list, uint32_t number,
				      const struct items *items)
{
	return (struct graph_rules){
		.items = items->items,
		.count = items->count,
		.min_len = list->graphs[number].min_prefix,
		.max_len = number ? list->graphs[number - 1].min_prefix - 1u : UINT8_MAX,
	};
}

/* The graph for rules of this length; list->count when there is none. */
static uint32_t graph_number(const struct graph_list *list, uint32_t prefix_len)
{
	uint32_t number = 0;

	while (number < list->count && prefix_len < list->graphs[number].min_prefix)
		number++;
	return number;
}

static struct builder builder_begin(const struct node_pool *pool, enum family family)
{
	const uint32_t addressable = ENTRY_PAYLOAD_MASK + 1;

	return (struct builder){
		.nodes = pool->nodes,
		.used = pool->used,
		.end = pool->end < addressable ? pool->end : addressable,
		.family = family,
	};
}

/* What was written becomes used and the list the caller's, if nothing failed. */
static int builder_end(const struct builder *builder, const struct graph_list *list,
		       struct node_pool *pool, struct graph_list *out)
{
	if (builder->longest > GRAPH_MAX_STEPS)
		return -E2BIG;
	pool->used = builder->used;
	*out = *list;
	return 0;
}

int classifier_compile(const struct rule_view *rules, enum family family, struct node_pool *pool,
		       struct graph_list *out)
{
	_cleanup_(builder_free) struct builder builder = builder_begin(pool, family);
	_cleanup_(items_free) struct items items = {0};
	struct graph_list list;
	int err;

	for (uint32_t i = 0; i < rules->count; i++) {
		const struct rule_slot *slot = &rules->slots[i];

		if (slot->rule.family != family || !rule_slot_live(slot, rules->generation))
			continue;
		err = items_add(&items, slot);
		if (err)
			return err;
	}
	err = plan_graphs(family, items.items, items.count, &list);
	if (err)
		return err;
	for (uint32_t i = 0; i < list.count; i++) {
		struct graph *graph = &list.graphs[i];
		const struct slot_set all = {.count = graph->shift ? 1u << (64 - graph->shift) : 1};
		const struct graph_rules mine = graph_rules(&list, i, &items);

		err = root_compile(&builder, graph, &mine, &all);
		if (err)
			return err;
	}
	return builder_end(&builder, &list, pool, out);
}

/* -- A change. -- */

#define FILTER_BITS 4096u

/* Slots of one graph that a change is in. */
struct touched {
	uint32_t *slots; /* ascending, each once */
	uint32_t count, room;
	uint64_t filter[FILTER_BITS / 64]; /* answers "surely not" from the first-level cache */
};

struct update {
	struct graph_list list;
	struct touched touched[GRAPHS_PER_LIST];
	struct items items; /* live rules in touched slots */
	uint32_t live;	    /* live rules of the family */
};

static void update_free(struct update *update)
{
	for (int i = 0; i < GRAPHS_PER_LIST; i++)
		free(update->touched[i].slots);
	items_free(&update->items);
}

static int touch_slot(struct touched *touched, uint32_t slot)
{
	if (touched->count == touched->room) {
		uint32_t room = touched->room ? 2 * touched->room : 16;
		uint32_t *grown = reallocarray(touched->slots, room, sizeof(*grown));

		if (!grown)
			return -ENOMEM;
		touched->slots = grown;
		touched->room = room;
	}
	touched->slots[touched->count++] = slot;
	touched->filter[slot % FILTER_BITS / 64] |= 1ULL << (slot % 64);
	return 0;
}

static int touch_rule(struct update *update, const struct rule *rule)
{
	uint32_t number = graph_number(&update->list, rule->prefix_len), first, count;
	const struct graph *graph;

	if (number == update->list.count)
		plan_rest(&update->list);
	graph = &update->list.graphs[number];
	first = graph->shift ? graph_slot_of(graph, rule->addr_host) : 0;
	count = graph->shift ? graph_slots_covered(graph, rule->prefix_len) : 1;
	if (graph->shift && first + count > 1u << (64 - graph->shift))
		return -EILSEQ;
	for (uint32_t i = 0; i < count; i++) {
		int err = touch_slot(&update->touched[number], first + i);

		if (err)
			return err;
	}
	return 0;
}

static int slot_compare(const void *a, const void *b)
{
	uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;

	return (x > y) - (x < y);
}

static void touched_sort(struct touched *touched)
{
	uint32_t kept = 0;

	if (touched->count > 1)
		qsort(touched->slots, touched->count, sizeof(*touched->slots), slot_compare);
	for (uint32_t i = 0; i < touched->count; i++)
		if (!kept || touched->slots[kept - 1] != touched->slots[i])
			touched->slots[kept++] = touched->slots[i];
	touched->count = kept;
}

static bool touched_between(const struct touched *touched, uint32_t first, uint32_t count)
{
	const struct slot_set set = {touched->slots, touched->count};
	uint32_t place;

	if (count == 1 && !(touched->filter[first % FILTER_BITS / 64] >> (first % 64) & 1))
		return false;
	place = slot_set_find(&set, first);
	return place < set.count && set.slots[place] < first + count;
}

static bool rule_touched(const struct update *update, const struct rule *rule)
{
	uint32_t number = graph_number(&update->list, rule->prefix_len);
	const struct graph *graph = &update->list.graphs[number];
	const struct touched *touched = &update->touched[number];

	/* No graph takes rules of this length: then the old one had none of them, and no change
	 * has. */
	if (number == update->list.count || !touched->count)
		return false;
	if (!graph->shift)
		return true;
	return touched_between(touched, graph_slot_of(graph, rule->addr_host),
			       graph_slots_covered(graph, rule->prefix_len));
}

static int update_collect(struct update *update, const struct rule_view *rules, enum family family)
{
	for (uint32_t i = 0; i < rules->count; i++) {
		const struct rule_slot *slot = &rules->slots[i];
		int err;

		if (slot->rule.family != family || !rule_slot_live(slot, rules->generation))
			continue;
		update->live++;
		if (!rule_touched(update, &slot->rule))
			continue;
		err = items_add(&update->items, slot);
		if (err)
			return err;
	}
	return 0;
}

/* Whether the roots as they are still fit so many rules: not for every rule over a limit, or under
 * it. */
static bool roots_fit(const struct graph_list *list, enum family family, uint32_t live)
{
	uint32_t bits = list->graphs[0].shift ? 64u - list->graphs[0].shift : 0;

	return plan_bits(family, live / 2) <= bits && plan_bits(family, 2 * live) >= bits;
}

static int update_compile(struct update *update, struct builder *builder)
{
	struct graph_list *list = &update->list;

	for (uint32_t i = 0; i < list->count; i++) {
		const struct touched *touched = &update->touched[i];
		const struct slot_set set = {touched->slots, touched->count};
		const struct graph_rules mine = graph_rules(list, i, &update->items);
		int err;

		if (!touched->count)
			continue;
		err = root_compile(builder, &list->graphs[i], &mine, &set);
		if (err)
			return err;
	}
	/* The last graph is the one without root. */
	while (list->count && !list->graphs[list->count - 1].shift &&
	       list->graphs[list->count - 1].start == ENTRY_NONE)
		list->graphs[--list->count] = (struct graph){0};
	return 0;
}

/* As with rules: a damaged list must not lead outside of memory, or through all of it. */
static bool graph_is_sound(const struct graph *graph)
{
	const uint32_t bits = 64u - graph->shift;

	if (!graph->shift)
		return true;
	return bits >= graph_page_shift(graph) && bits <= GRAPH_BITS_MAX &&
	       (!graph->filtered || bits + FILTER_SHIFT >= PAGE_BITS_SHIFT);
}

static bool list_is_sound(const struct graph_list *list)
{
	if (list->count > GRAPHS_PER_LIST)
		return false;
	for (uint32_t i = 0; i < list->count; i++)
		if (!graph_is_sound(&list->graphs[i]))
			return false;
	return true;
}

int classifier_update(const struct rule_view *rules, enum family family,
		      const struct graph_list *old, const struct rule *const *changed,
		      size_t changed_count, struct node_pool *pool, struct graph_list *out)
{
	_cleanup_(builder_free) struct builder builder = builder_begin(pool, family);
	_cleanup_(update_free) struct update update = {.list = *old};
	int err;

	if (changed_count > rules->count / 4)
		return classifier_compile(rules, family, pool, out);
	if (!list_is_sound(old))
		return -EILSEQ;
	for (size_t i = 0; i < changed_count; i++) {
		err = touch_rule(&update, changed[i]);
		if (err)
			return err;
	}
	for (int i = 0; i < GRAPHS_PER_LIST; i++)
		touched_sort(&update.touched[i]);
	err = update_collect(&update, rules, family);
	if (err)
		return err;
	if (!roots_fit(&update.list, family, update.live))
		return classifier_compile(rules, family, pool, out);
	err = update_compile(&update, &builder);
	if (err)
		return err;
	return builder_end(&builder, &update.list, pool, out);
}
