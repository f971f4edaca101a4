/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The classifier against the oracle's linear search, over a history of changes. Input: a family,
 * then operations; after each commit packets at the edges of the rules that changed, and at last of
 * all rules, must find the rule that the oracle finds, at several times: rules expire.
 */
#include <errno.h>
#include <string.h>

#include "../../src/classifier.h"
#include "../oracle/oracle.h"
#include "fuzz.h"

#define SLOTS 96
/* Long histories cost much and show little that short ones do not. */
#define INPUT_BYTES_MAX 400
#define NODES 65536
#define BITS(ipv6) ((ipv6) ? 128 : 32)

enum operation { ADD, ADD_NEAR, ADD_FAR, REMOVE, COMMIT, OPERATIONS };

/* One list of one family. */
struct world {
	bool ipv6;
	struct rule_slot slots[SLOTS];
	struct oracle_rule rules[SLOTS]; /* the same for the oracle */
	uint32_t count;
	uint64_t generation;
	uint32_t changed[2 * SLOTS]; /* slots, since the last commit */
	size_t changed_count;
	struct node_pool pool;
	struct graph_list list;
};

static struct oracle_rules live; /* in force: what the oracle searches */
static struct node nodes[NODES];

static void clear_behind(uint8_t address[16], uint32_t prefix)
{
	for (uint32_t bit = prefix; bit < 128; bit++)
		address[bit / 8] &= (uint8_t) ~(0x80 >> bit % 8);
}

static struct rule rule_of(const struct oracle_rule *from)
{
	struct rule rule = {
		.family = from->ipv6 ? FAMILY_IPV6 : FAMILY_IPV4,
		.prefix_len = (uint8_t)from->prefix,
		.any_protocol = from->protocol == ORACLE_ANY_PROTOCOL,
		.protocol = (uint8_t)(from->protocol == ORACLE_ANY_PROTOCOL ? 0 : from->protocol),
		.port_min_host = (uint16_t)from->first_port,
		.port_max_host = (uint16_t)from->last_port,
	};

	for (int i = 0; i < 16; i++)
		rule.addr_host[i / 4] |= (uint32_t)from->address[i] << (24 - i % 4 * 8);
	return rule;
}

static void add_rule(struct world *world, const struct oracle_rule *rule)
{
	const struct rule shared = rule_of(rule);
	struct rule_slot *slot = &world->slots[world->count];

	for (uint32_t i = 0; i < world->count; i++)
		if (!world->slots[i].died &&
		    !memcmp(&world->slots[i].rule, &shared, sizeof(shared)))
			return; /* a list has each rule once */
	world->rules[world->count] = *rule;
	world->rules[world->count].index = world->count;
	*slot = (struct rule_slot){
		.rule = shared,
		.index = world->count,
		.hit = world->count,
		.expires_s = rule->expires_s,
		.born = world->generation + 1,
	};
	world->changed[world->changed_count++] = world->count++;
}

static void remove_rule(struct world *world, uint32_t number)
{
	struct rule_slot *slot = &world->slots[number];

	if (slot->died)
		return;
	slot->died = world->generation + 1;
	world->changed[world->changed_count++] = number;
}

/* Protocol and ports: one byte says of which kind. */
static void read_layer4(struct input *input, struct oracle_rule *rule)
{
	const uint32_t kind = input_u8(input);
	const int protocols[] = {ORACLE_ANY_PROTOCOL, 6, 17, 132};

	rule->protocol = protocols[kind % 4];
	rule->first_port = rule->last_port = 0;
	if (kind & 4) {
		rule->first_port = (int)(kind & 8 ? input_u16(input) : input_u8(input)) | 1;
		rule->last_port = rule->first_port + (int)input_u8(input) * (kind & 16 ? 256 : 1);
		if (rule->last_port > 65535)
			rule->last_port = 65535;
	} else if (kind & 8) {
		rule->protocol = (int)input_u8(input);
	}
}

/* Half of the rules never expire, the others in 1 to 10, where packets are. */
static uint32_t read_expiry(struct input *input)
{
	const uint32_t value = input_u8(input);

	return value & 1 ? 0 : 1 + value / 2 % 10;
}

/* A network anywhere, or one that differs from an earlier one in a bit and in length. */
static void read_network(struct world *world, struct input *input, bool near,
			 struct oracle_rule *rule)
{
	const uint32_t bits = BITS(world->ipv6);
	uint32_t flip;

	rule->ipv6 = world->ipv6;
	if (near && world->count) {
		memcpy(rule->address, world->rules[input_u8(input) % world->count].address, 16);
		flip = input_u8(input) % bits;
		rule->address[flip / 8] ^= (uint8_t)(0x80 >> flip % 8);
	} else {
		for (uint32_t i = 0; i < bits / 8; i++)
			rule->address[i] = (uint8_t)input_u8(input);
	}
	rule->prefix = (int)(input_u8(input) % (bits + 1));
	clear_behind(rule->address, (uint32_t)rule->prefix);
}

static bool commit(struct world *world)
{
	const struct rule *pointers[2 * SLOTS];
	struct rule_view view = {world->slots, world->count, ++world->generation};
	int err;

	for (size_t i = 0; i < world->changed_count; i++)
		pointers[i] = &world->slots[world->changed[i]].rule;
	err = classifier_update(&view, world->ipv6 ? FAMILY_IPV6 : FAMILY_IPV4, &world->list,
				pointers, world->changed_count, &world->pool, &world->list);
	MUST(!err || err == -ENOSPC || err == -E2BIG);
	return !err;
}

static void check_key(const struct world *world, const struct oracle_key *key)
{
	const uint32_t port = key->has_ports ? KEY_HAS_PORTS | (uint32_t)key->port : 0;
	uint32_t words[KEY_WORDS] = {0};
	int expected = oracle_match(&live, ORACLE_WHITELIST, key);

	for (int i = 0; i < BITS(key->ipv6) / 8; i++)
		words[i / 4] |= (uint32_t)key->address[i] << (24 - i % 4 * 8);
	words[KEY_PORT] = port;
	words[KEY_PROTO_PORT] = (uint32_t)key->protocol << KEY_PROTO_SHIFT | port;
	MUST(classifier_match(nodes, world->pool.used, &world->list, words, live.now_s) ==
	     (expected == ORACLE_NO_RULE ? -1 : (int64_t)live.rules[expected].index));
}

/* The first address of the network with the first port, the last with the last, and those beside.
 */
static void check_edges(const struct world *world, const struct oracle_rule *rule)
{
	const int protocol = rule->protocol == ORACLE_ANY_PROTOCOL ? 17 : rule->protocol;
	uint8_t address[16];

	for (int edge = 0; edge < 4; edge++) {
		const int ports[] = {rule->first_port, rule->last_port, rule->last_port + 1,
				     rule->first_port - 1};
		const int bits = BITS(rule->ipv6), port = ports[edge];
		struct oracle_key key = {rule->ipv6, address, protocol, true, port & 0xffff};

		live.now_s = live.now_s * 7 % 11; /* 1 to 10, in no order */
		memcpy(address, rule->address, 16);
		for (int bit = rule->prefix; edge >= 1 && bit < bits; bit++)
			address[bit / 8] |= (uint8_t)(0x80 >> bit % 8);
		check_key(world, &key);
		if (rule->prefix)
			address[(rule->prefix - 1) / 8] ^=
				(uint8_t)(0x80 >> (rule->prefix - 1) % 8);
		check_key(world, &key);
		key.has_ports = false;
		key.port = 0;
		check_key(world, &key);
	}
}

/* Around what changed, or around every rule that there is or was. */
static void check(struct world *world, bool all)
{
	live.count = 0;
	live.now_s = 1;
	for (uint32_t i = 0; i < world->count; i++)
		if (rule_slot_live(&world->slots[i], world->generation))
			live.rules[live.count++] = world->rules[i];
	for (uint32_t i = 0; all && i < world->count; i++)
		check_edges(world, &world->rules[i]);
	for (size_t i = 0; !all && i < world->changed_count; i++)
		check_edges(world, &world->rules[world->changed[i]]);
	MUST(classifier_longest_walk(nodes, world->pool.used, &world->list) <= GRAPH_MAX_STEPS);
	world->changed_count = 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct world world;
	struct input input = {data, data + size};

	if (size > INPUT_BYTES_MAX)
		return 0;
	world = (struct world){.ipv6 = input_u8(&input) & 1, .generation = 1};
	world.pool = (struct node_pool){.nodes = nodes, .end = NODES};
	while (input.at < input.end) {
		const enum operation operation = input_u8(&input) % OPERATIONS;
		struct oracle_rule rule = {.list = ORACLE_WHITELIST};

		if (operation == COMMIT) {
			if (!commit(&world))
				return 0; /* refused: nothing is said of what is in force now */
			check(&world, false);
		} else if (operation == REMOVE && world.count) {
			remove_rule(&world, input_u8(&input) % world.count);
		} else if (world.count < SLOTS) {
			read_network(&world, &input, operation != ADD_FAR, &rule);
			read_layer4(&input, &rule);
			rule.expires_s = read_expiry(&input);
			add_rule(&world, &rule);
		}
	}
	if (commit(&world))
		check(&world, true);
	return 0;
}
