/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The classifier against a linear search that applies the precedence of the rules word by word.
 * Random rule sets are drawn so that prefixes nest, ports overlap and packets fall on the edges of
 * both; some rules expire, and each packet comes at a time of its own. With BGO_SOAK_ROUNDS=n the
 * random tests run n rounds instead of a few.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "../../src/classifier.h"
#include "../../src/cleanup.h"

#define GENERATION 7
#define PORTS_ANY 0, 0

static uint64_t random_state = 88172645463325252ULL;

static uint32_t random_below(uint32_t limit)
{
	random_state ^= random_state << 13;
	random_state ^= random_state >> 7;
	random_state ^= random_state << 17;
	return (uint32_t)(random_state >> 20) % limit;
}

/* A list of one family with its graph. */
struct world {
	enum family family;
	struct rule_slot *slots;
	uint32_t count, room;
	uint64_t generation;
	uint32_t timed_chance, times; /* of 100, that a rule expires, in 1..times */
	uint32_t now_s;
	struct node_pool pool;
	struct graph_list list;
};

static struct world world_make(enum family family, uint32_t nodes)
{
	struct world world = {.family = family, .generation = GENERATION};

	world.pool = (struct node_pool){
		.nodes = calloc(nodes, sizeof(struct node)),
		.end = nodes,
	};
	assert_non_null(world.pool.nodes);
	return world;
}

static void world_free(struct world *world)
{
	free(world->slots);
	free(world->pool.nodes);
}
#define _cleanup_world_ _cleanup_(world_free)

static void mask_address(uint32_t addr[4], uint32_t prefix_len)
{
	for (uint32_t bit = prefix_len; bit < 128; bit++)
		addr[bit / 32] &= ~(1u << (31 - bit % 32));
}

static struct rule make_rule(enum family family, const uint32_t addr[4], uint32_t prefix_len)
{
	struct rule rule = {
		.family = family,
		.prefix_len = (uint8_t)prefix_len,
		.any_protocol = 1,
	};

	memcpy(rule.addr_host, addr, sizeof(rule.addr_host));
	mask_address(rule.addr_host, prefix_len);
	return rule;
}

static struct rule ipv4_rule(uint32_t addr, uint32_t prefix_len)
{
	return make_rule(FAMILY_IPV4, (uint32_t[4]){addr}, prefix_len);
}

static struct rule with_ports(struct rule rule, int protocol, uint32_t min, uint32_t max)
{
	rule.any_protocol = protocol < 0;
	rule.protocol = (uint8_t)(protocol < 0 ? 0 : protocol);
	rule.port_min_host = (uint16_t)min;
	rule.port_max_host = (uint16_t)max;
	return rule;
}

/* Adds a rule as of the next generation; its hit number is made from its place, its index grows. */
static uint32_t world_add(struct world *world, struct rule rule)
{
	if (world->count == world->room) {
		world->room = world->room ? 2 * world->room : 64;
		world->slots = realloc(world->slots, world->room * sizeof(*world->slots));
		assert_non_null(world->slots);
	}
	world->slots[world->count] = (struct rule_slot){
		.rule = rule,
		.index = world->count,
		.hit = 3 * world->count,
		.expires_s = random_below(100) < world->timed_chance
				     ? 1 + random_below(world->times)
				     : 0,
		.born = world->generation,
	};
	return world->slots[world->count++].hit;
}

static struct rule_view world_rules(const struct world *world)
{
	return (struct rule_view){world->slots, world->count, world->generation};
}

static void world_compile(struct world *world)
{
	struct rule_view rules = world_rules(world);

	assert_int_equal(classifier_compile(&rules, world->family, &world->pool, &world->list), 0);
}

struct packet_key {
	uint32_t words[KEY_WORDS];
};

static struct packet_key make_key(const uint32_t addr[4], uint32_t protocol, int64_t port)
{
	struct packet_key key = {0};

	memcpy(key.words, addr, 4 * sizeof(*addr));
	key.words[KEY_PORT] = port < 0 ? 0 : KEY_HAS_PORTS | (uint32_t)port;
	key.words[KEY_PROTO_PORT] = protocol << KEY_PROTO_SHIFT | key.words[KEY_PORT];
	return key;
}

static struct packet_key ipv4_key(uint32_t addr, uint32_t protocol, int64_t port)
{
	return make_key((uint32_t[4]){addr}, protocol, port);
}

static int64_t world_match(const struct world *world, struct packet_key key)
{
	return classifier_match(world->pool.nodes, world->pool.used, &world->list, key.words,
				world->now_s);
}

/* -- The linear search. -- */

static bool rule_matches(const struct rule *rule, const struct packet_key *key)
{
	uint32_t port = key->words[KEY_PORT] & 0xffff, addr[4];
	bool has_ports = key->words[KEY_PORT] & KEY_HAS_PORTS;

	memcpy(addr, key->words, sizeof(addr));
	mask_address(addr, rule->prefix_len);
	if (memcmp(addr, rule->addr_host, sizeof(addr)) != 0)
		return false;
	if (!rule->any_protocol && rule->protocol != key->words[KEY_PROTO_PORT] >> KEY_PROTO_SHIFT)
		return false;
	if (!rule->port_max_host)
		return true;
	return has_ports && port >= rule->port_min_host && port <= rule->port_max_host;
}

static uint32_t ports_matched(const struct rule *rule)
{
	return rule->port_max_host ? rule->port_max_host - rule->port_min_host + 1u : 1u << 20;
}

static bool goes_before(const struct rule_slot *a, const struct rule_slot *b)
{
	if (a->rule.prefix_len != b->rule.prefix_len)
		return a->rule.prefix_len > b->rule.prefix_len;
	if (a->rule.any_protocol != b->rule.any_protocol)
		return b->rule.any_protocol;
	if (ports_matched(&a->rule) != ports_matched(&b->rule))
		return ports_matched(&a->rule) < ports_matched(&b->rule);
	return a->index < b->index;
}

static int64_t search(const struct world *world, struct packet_key key)
{
	const struct rule_slot *best = NULL;

	for (uint32_t i = 0; i < world->count; i++) {
		const struct rule_slot *slot = &world->slots[i];

		if (slot->rule.family == world->family && rule_slot_live(slot, world->generation) &&
		    !rule_slot_expired(slot, world->now_s) && rule_matches(&slot->rule, &key) &&
		    (!best || goes_before(slot, best)))
			best = slot;
	}
	return best ? (int64_t)best->hit : -1;
}

/* -- Random rules and packets. -- */

static uint32_t random_word(void)
{
	return random_below(1u << 16) << 16 | random_below(1u << 16);
}

static uint32_t rounds(uint32_t few)
{
	const char *soak = getenv("BGO_SOAK_ROUNDS");

	return soak ? (uint32_t)strtoul(soak, NULL, 10) : few;
}

static uint32_t family_bits(enum family family)
{
	return family == FAMILY_IPV4 ? 32 : 128;
}

/* How the addresses and ports of a rule set are spread. */
struct shape {
	uint32_t bases;	      /* addresses that rules are near to */
	uint32_t min_len;     /* shortest prefix of most rules */
	uint32_t port_chance; /* of 100 */
	uint32_t port_range;  /* ports are below this */
};

static struct shape random_shape(enum family family)
{
	return (struct shape){
		.bases = 1 + random_below(random_below(2) ? 4 : 200),
		.min_len = random_below(family_bits(family) + 1),
		.port_chance = random_below(3) * 45,
		.port_range = random_below(2) ? 40 : 65535,
	};
}

/* No rule expires, some do, or all do; at few times, or each at its own. */
static void random_times(struct world *world)
{
	world->timed_chance = random_below(3) * 50;
	world->times = random_below(2) ? 5 : 1000000;
}

/* The n-th address that rules are near to. */
static void base_address(uint32_t n, enum family family, uint32_t addr[4])
{
	for (uint32_t i = 0; i < 4; i++)
		addr[i] = i && family == FAMILY_IPV4 ? 0 : (n / 5 + 1) * (i + 3) * 2654435761u;
	if (family == FAMILY_IPV6)
		addr[n % 4] ^= n;
}

static struct rule random_rule(enum family family, const struct shape *shape)
{
	static const int protocols[] = {-1, 6, 17, 1, 0, 255, 132};
	uint32_t bits = family_bits(family), addr[4];
	uint32_t len = random_below(8) ? shape->min_len + random_below(bits + 1 - shape->min_len)
				       : random_below(bits + 1);
	struct rule rule;

	base_address(random_below(shape->bases), family, addr);
	for (uint32_t flips = random_below(3); flips > 0; flips--) {
		uint32_t bit = random_below(bits);

		addr[bit / 32] ^= 1u << (31 - bit % 32);
	}
	rule = make_rule(family, addr, len);
	if (random_below(100) < shape->port_chance) {
		uint32_t min = 1 + random_below(shape->port_range);
		uint32_t span = random_below(3) ? random_below(shape->port_range) : 0;

		rule = with_ports(rule, protocols[random_below(3)], min,
				  min + span > 65535 ? 65535 : min + span);
	} else if (random_below(4) == 0) {
		rule = with_ports(rule, protocols[random_below(7)], PORTS_ANY);
	}
	return rule;
}

/* On the edges of a rule: one before, first, last, one behind, or somewhere in it. */
static struct packet_key packet_near(const struct rule *rule)
{
	uint32_t addr[4], word, where = random_below(6), protocol;
	int64_t port = -1;

	memcpy(addr, rule->addr_host, sizeof(addr));
	if (where >= 2)
		for (uint32_t bit = rule->prefix_len; bit < family_bits(rule->family); bit++)
			addr[bit / 32] |= (uint32_t)(where < 4 || random_below(2))
					  << (31 - bit % 32);
	word = rule->family == FAMILY_IPV4 ? 0 : 3;
	if (where == 1)
		for (uint32_t i = word + 1; i-- > 0 && addr[i]-- == 0;)
			;
	if (where == 3)
		for (uint32_t i = word + 1; i-- > 0 && ++addr[i] == 0;)
			;
	protocol = random_below(2) && !rule->any_protocol ? rule->protocol
							  : (uint32_t[]){6, 17, 1}[random_below(3)];
	if (random_below(4)) {
		const int64_t edges[] = {rule->port_min_host - 1, rule->port_min_host,
					 rule->port_max_host,	  rule->port_max_host + 1,
					 random_below(65536),	  random_below(48)};

		port = edges[random_below(6)];
		if (port < 0 || port > 65535)
			port = 0;
	}
	return make_key(addr, protocol, port);
}

static void assert_matches_as_search(struct world *world, uint32_t packets)
{
	for (uint32_t i = 0; i < packets; i++) {
		struct packet_key key;

		if (world->count)
			key = packet_near(&world->slots[random_below(world->count)].rule);
		else
			key = ipv4_key(random_word(), 6, 80);
		if (world->times)
			world->now_s = random_below(world->times + 2);
		assert_int_equal(world_match(world, key), search(world, key));
	}
}

static void assert_walks_are_short(const struct world *world)
{
	int longest = classifier_longest_walk(world->pool.nodes, world->pool.used, &world->list);

	assert_in_range(longest, 0, GRAPH_MAX_STEPS);
}

/* -- Single rules. -- */

static void no_rules_match_nothing_and_take_no_node(void **state)
{
	_cleanup_world_ struct world world = world_make(FAMILY_IPV4, 1);

	(void)state;
	world_compile(&world);
	assert_int_equal(world_match(&world, ipv4_key(0xc0000201, 6, 80)), -1);
	assert_int_equal(world.pool.used, 0);
}

static void assert_edges_match(enum family family, uint32_t prefix_len, uint32_t others)
{
	static const uint32_t ipv4[4] = {0xcb0071a5},
			      ipv6[4] = {0x20010db8, 0x5a5a1234, 0xa5a5c3c3, 0x96a53c5a};
	_cleanup_world_ struct world world = world_make(family, 300000);
	const struct shape shape = {.bases = 200, .min_len = 20};

	for (uint32_t i = 0; i < others; i++)
		world_add(&world, random_rule(family, &shape));
	world_add(&world, make_rule(family, family == FAMILY_IPV4 ? ipv4 : ipv6, prefix_len));
	world_compile(&world);
	for (uint32_t i = 0; i < 200; i++) {
		struct packet_key key = packet_near(&world.slots[world.count - 1].rule);

		assert_int_equal(world_match(&world, key), search(&world, key));
	}
}

static void a_prefix_of_any_length_matches_from_its_first_to_its_last_address(void **state)
{
	(void)state;
	for (uint32_t len = 0; len <= 32; len++) {
		assert_edges_match(FAMILY_IPV4, len, 0);
		assert_edges_match(FAMILY_IPV4, len, 300);
	}
	for (uint32_t len = 0; len <= 128; len++) {
		assert_edges_match(FAMILY_IPV6, len, 0);
		assert_edges_match(FAMILY_IPV6, len, 300);
	}
}

static void rules_of_the_other_family_do_not_match(void **state)
{
	_cleanup_world_ struct world world = world_make(FAMILY_IPV4, 1000);

	(void)state;
	world_add(&world, make_rule(FAMILY_IPV6, (uint32_t[4]){0}, 0));
	world_compile(&world);
	assert_int_equal(world_match(&world, ipv4_key(0, 6, 80)), -1);
}

static void rules_not_live_in_this_generation_do_not_match(void **state)
{
	_cleanup_world_ struct world world = world_make(FAMILY_IPV4, 1000);
	uint32_t live;

	(void)state;
	world_add(&world, ipv4_rule(0xc0000201, 32));
	live = world_add(&world, ipv4_rule(0xc0000202, 32));
	world_add(&world, ipv4_rule(0xc0000203, 32));
	world.slots[0].died = GENERATION;
	world.slots[1].died = GENERATION + 1;
	world.slots[2].born = GENERATION + 1;
	world_compile(&world);
	assert_int_equal(world_match(&world, ipv4_key(0xc0000201, 6, 80)), -1);
	assert_int_equal(world_match(&world, ipv4_key(0xc0000202, 6, 80)), live);
	assert_int_equal(world_match(&world, ipv4_key(0xc0000203, 6, 80)), -1);
}

/* -- Which rule gets the hit. -- */

static void the_longest_prefix_gets_the_hit(void **state)
{
	_cleanup_world_ struct world world = world_make(FAMILY_IPV4, 1000);
	uint32_t wide, narrow;

	(void)state;
	wide = world_add(&world, with_ports(ipv4_rule(0xc0000200, 24), 6, 22, 22));
	narrow = world_add(&world, ipv4_rule(0xc0000280, 25));
	world_compile(&world);
	assert_int_equal(world_match(&world, ipv4_key(0xc0000281, 6, 22)), narrow);
	assert_int_equal(world_match(&world, ipv4_key(0xc0000201, 6, 22)), wide);
}

static void a_shorter_prefix_gets_what_the_ports_of_the_longer_leave(void **state)
{
	_cleanup_world_ struct world world = world_make(FAMILY_IPV4, 1000);
	uint32_t wide, narrow;

	(void)state;
	wide = world_add(&world, ipv4_rule(0xc0000200, 24));
	narrow = world_add(&world, with_ports(ipv4_rule(0xc0000280, 25), 6, 22, 22));
	world_compile(&world);
	assert_int_equal(world_match(&world, ipv4_key(0xc0000281, 6, 22)), narrow);
	assert_int_equal(world_match(&world, ipv4_key(0xc0000281, 6, 23)), wide);
	assert_int_equal(world_match(&world, ipv4_key(0xc0000281, 17, 22)), wide);
}

static void an_exact_protocol_goes_before_a_narrow_port_range(void **state)
{
	_cleanup_world_ struct world world = world_make(FAMILY_IPV4, 1000);
	uint32_t any, exact;

	(void)state;
	any = world_add(&world, with_ports(ipv4_rule(0xc0000201, 32), -1, 22, 22));
	exact = world_add(&world, with_ports(ipv4_rule(0xc0000201, 32), 6, PORTS_ANY));
	world_compile(&world);
	assert_int_equal(world_match(&world, ipv4_key(0xc0000201, 6, 22)), exact);
	assert_int_equal(world_match(&world, ipv4_key(0xc0000201, 17, 22)), any);
}

static void the_narrowest_port_range_gets_the_hit_and_then_the_lowest_index(void **state)
{
	_cleanup_world_ struct world world = world_make(FAMILY_IPV4, 1000);
	uint32_t wide, left, right;

	(void)state;
	wide = world_add(&world, with_ports(ipv4_rule(0xc0000201, 32), 6, 1, 1000));
	left = world_add(&world, with_ports(ipv4_rule(0xc0000201, 32), 6, 20, 30));
	right = world_add(&world, with_ports(ipv4_rule(0xc0000201, 32), 6, 25, 35));
	world_compile(&world);
	assert_int_equal(world_match(&world, ipv4_key(0xc0000201, 6, 19)), wide);
	assert_int_equal(world_match(&world, ipv4_key(0xc0000201, 6, 24)), left);
	assert_int_equal(world_match(&world, ipv4_key(0xc0000201, 6, 30)), left);
	assert_int_equal(world_match(&world, ipv4_key(0xc0000201, 6, 31)), right);
	assert_int_equal(world_match(&world, ipv4_key(0xc0000201, 6, 36)), wide);
}

static void a_packet_without_ports_matches_no_rule_with_a_port(void **state)
{
	_cleanup_world_ struct world world = world_make(FAMILY_IPV4, 1000);

	(void)state;
	world_add(&world, with_ports(ipv4_rule(0xc0000201, 32), 6, 1, 65535));
	world_add(&world, with_ports(ipv4_rule(0xc0000201, 32), -1, 1, 65535));
	world_compile(&world);
	assert_int_equal(world_match(&world, ipv4_key(0xc0000201, 6, -1)), -1);
	assert_int_equal(world_match(&world, ipv4_key(0xc0000201, 6, 0)), -1);
	assert_int_equal(world_match(&world, ipv4_key(0xc0000201, 17, -1)), -1);
}

/* -- Rules that expire. -- */

/* The last rule added expires then. */
static void world_expires(struct world *world, uint32_t expires_s)
{
	world->slots[world->count - 1].expires_s = expires_s;
}

static int64_t match_at(struct world *world, struct packet_key key, uint32_t now_s)
{
	world->now_s = now_s;
	return world_match(world, key);
}

static void a_rule_matches_up_to_the_second_before_it_expires(void **state)
{
	const struct packet_key key = ipv4_key(0xc0000201, 6, 80);
	_cleanup_world_ struct world world = world_make(FAMILY_IPV4, 100);
	uint32_t hit = world_add(&world, ipv4_rule(0xc0000201, 32));

	(void)state;
	world_expires(&world, UINT32_MAX);
	world_compile(&world);
	assert_int_equal(match_at(&world, key, 0), hit);
	assert_int_equal(match_at(&world, key, UINT32_MAX - 1), hit);
	assert_int_equal(match_at(&world, key, UINT32_MAX), -1);
	assert_int_equal(match_at(&world, ipv4_key(0xc0000200, 6, 80), 0), -1);
}

static void where_a_rule_has_expired_the_next_one_matches(void **state)
{
	const struct packet_key key = ipv4_key(0xc0000281, 6, 22);
	_cleanup_world_ struct world world = world_make(FAMILY_IPV4, 1000);
	uint32_t hits[4];

	(void)state;
	hits[0] = world_add(&world, with_ports(ipv4_rule(0xc0000281, 32), 6, 22, 22));
	world_expires(&world, 10);
	hits[1] = world_add(&world, with_ports(ipv4_rule(0xc0000281, 32), 6, 20, 30));
	world_expires(&world, 20);
	hits[2] = world_add(&world, ipv4_rule(0xc0000280, 25));
	world_expires(&world, 30);
	hits[3] = world_add(&world, ipv4_rule(0, 0));
	world_compile(&world);
	for (uint32_t now_s = 0; now_s < 40; now_s++)
		assert_int_equal(match_at(&world, key, now_s), hits[now_s / 10]);
	/* What the ports left to the wider rule is left to it in time as well. */
	assert_int_equal(match_at(&world, ipv4_key(0xc0000281, 17, 22), 29), hits[2]);
	assert_int_equal(match_at(&world, ipv4_key(0xc0000281, 17, 22), 30), hits[3]);
}

static void behind_an_expired_rule_of_one_graph_those_of_the_next_match(void **state)
{
	_cleanup_world_ struct world world = world_make(FAMILY_IPV4, 100000);
	uint32_t wide;

	(void)state;
	wide = world_add(&world, ipv4_rule(0xc0000000, 3));
	for (uint32_t i = 0; i < 100; i++) {
		world_add(&world, ipv4_rule(0xc0000200 + 256 * i, 24));
		world_expires(&world, 1 + i);
	}
	world_compile(&world);
	assert_int_not_equal(world.list.count, 1);
	for (uint32_t i = 0; i < 100; i++) {
		struct packet_key key = ipv4_key(0xc0000207 + 256 * i, 6, 80);

		assert_int_equal(match_at(&world, key, i), 3 * (i + 1));
		assert_int_equal(match_at(&world, key, i + 1), wide);
	}
}

/* Each of them may be the first that is left, at a time of its own. */
static void every_prefix_of_an_address_at_a_time_of_its_own_still_walks_short(void **state)
{
	static const uint32_t addr[4] = {0x20010db8, 0xffff0000, 0x12345678, 0x9abcdef0};

	(void)state;
	for (uint32_t family = 0; family < FAMILY_COUNT; family++) {
		_cleanup_world_ struct world world = world_make(family, 2000000);
		const uint32_t bits = family_bits(family);

		for (uint32_t len = 0; len <= bits; len++)
			for (uint32_t i = 0; i < 12; i++) {
				const int protocol = (int[]){6, 17, -1}[i % 3];

				world_add(&world, i ? with_ports(make_rule(family, addr, len),
								 protocol, 1 + random_below(500),
								 500 + random_below(500))
						    : make_rule(family, addr, len));
				world_expires(&world, 12 * (bits - len) + i + 1);
			}
		world_compile(&world);
		assert_walks_are_short(&world);
		world.times = 12 * bits;
		assert_matches_as_search(&world, 2000);
	}
}

static void hundreds_of_ports_at_times_of_their_own_match_as_a_linear_search(void **state)
{
	_cleanup_world_ struct world world = world_make(FAMILY_IPV4, 400000);

	(void)state;
	world.timed_chance = 90;
	world.times = 1000;
	for (uint32_t i = 0; i < 400; i++) {
		uint32_t min = 1 + random_below(65000);

		world_add(&world, with_ports(ipv4_rule(0, 0), i % 5 ? (int)(i % 3) + 5 : -1, min,
					     min + (i % 3 ? 0 : random_below(500))));
		if (i % 40 == 0)
			world_add(&world, with_ports(ipv4_rule(0, 0), (int)(i % 3) + 5, PORTS_ANY));
	}
	world_add(&world, ipv4_rule(0, 0));
	world_expires(&world, 990);
	world_compile(&world);
	assert_walks_are_short(&world);
	assert_matches_as_search(&world, 5000);
}

/* -- Many rules. -- */

static void random_rules_of(enum family family)
{
	for (uint32_t round = rounds(100); round > 0; round--) {
		_cleanup_world_ struct world world = world_make(family, 400000);
		struct shape shape = random_shape(family);

		random_times(&world);
		for (uint32_t n = random_below(random_below(3) ? 40 : 600); n > 0; n--)
			world_add(&world, random_rule(family, &shape));
		world_compile(&world);
		assert_walks_are_short(&world);
		assert_matches_as_search(&world, 400);
	}
}

static void random_ipv4_rules_match_as_a_linear_search(void **state)
{
	(void)state;
	random_rules_of(FAMILY_IPV4);
}

static void random_ipv6_rules_match_as_a_linear_search(void **state)
{
	(void)state;
	random_rules_of(FAMILY_IPV6);
}

static void every_prefix_of_an_address_with_many_ports_still_walks_short(void **state)
{
	static const uint32_t addr[4] = {0x20010db8, 0xffff0000, 0x12345678, 0x9abcdef0};

	(void)state;
	for (uint32_t family = 0; family < FAMILY_COUNT; family++) {
		_cleanup_world_ struct world world = world_make(family, 2000000);

		for (uint32_t len = 0; len <= family_bits(family); len++)
			for (uint32_t i = 0; i < 12; i++)
				world_add(&world, with_ports(make_rule(family, addr, len),
							     (int[]){6, 17, -1}[i % 3],
							     1 + random_below(500),
							     500 + random_below(500)));
		world_compile(&world);
		assert_walks_are_short(&world);
		assert_matches_as_search(&world, 2000);
	}
}

static void thousands_of_ports_of_one_prefix_match_as_a_linear_search(void **state)
{
	_cleanup_world_ struct world world = world_make(FAMILY_IPV4, 200000);

	(void)state;
	for (uint32_t i = 0; i < 3000; i++) {
		uint32_t min = 1 + random_below(65000);

		world_add(&world, with_ports(ipv4_rule(0, 0), i % 5 ? (int)(i % 200) : -1, min,
					     min + (i % 3 ? 0 : random_below(500))));
	}
	world_compile(&world);
	assert_walks_are_short(&world);
	assert_matches_as_search(&world, 3000);
}

/* -- Changes. -- */

/* Removes a tenth and adds a few, as of the next generation. Returns how many changed. */
static uint32_t world_change(struct world *world, const struct shape *shape,
			     const struct rule *changed[], uint32_t limit)
{
	uint32_t count = 0, added = random_below(limit / 2), first;

	world->generation++;
	for (uint32_t i = 0; i < world->count && count < limit / 2; i++)
		if (!world->slots[i].died && random_below(10) == 0) {
			world->slots[i].died = world->generation;
			count++;
		}
	first = world->count;
	for (uint32_t i = 0; i < added; i++)
		world_add(world, random_rule(world->family, shape));
	count = 0;
	for (uint32_t i = 0; i < world->count; i++)
		if (i >= first || world->slots[i].died == world->generation)
			changed[count++] = &world->slots[i].rule;
	return count;
}

static void assert_updates_match(enum family family, uint32_t start_rules)
{
	_cleanup_world_ struct world world = world_make(family, 1500000);
	struct shape shape = random_shape(family);
	const struct rule *changed[64];

	random_times(&world);
	for (uint32_t i = 0; i < start_rules; i++)
		world_add(&world, random_rule(family, &shape));
	world_compile(&world);
	for (int step = 0; step < 12; step++) {
		uint32_t used = world.pool.used, count;
		_cleanup_free_ struct node *before = malloc((used + 1) * sizeof(*before));
		struct graph_list old = world.list;
		struct rule_view rules;

		memcpy(before, world.pool.nodes, used * sizeof(*before));
		count = world_change(&world, &shape, changed, 64);
		rules = world_rules(&world);
		assert_int_equal(classifier_update(&rules, family, &old, changed, count,
						   &world.pool, &world.list),
				 0);
		assert_memory_equal(before, world.pool.nodes, used * sizeof(*before));
		assert_walks_are_short(&world);
		assert_matches_as_search(&world, 150);
	}
}

static void after_updates_rules_match_as_a_linear_search_and_no_old_node_is_written(void **state)
{
	(void)state;
	for (uint32_t round = rounds(7); round > 0; round--) {
		assert_updates_match(FAMILY_IPV4, random_below(1200));
		assert_updates_match(FAMILY_IPV6, random_below(1200));
		assert_updates_match(FAMILY_IPV4, 0);
		assert_updates_match(FAMILY_IPV6, random_below(20));
	}
}

static void after_an_update_the_old_graph_still_gives_the_old_answers(void **state)
{
	_cleanup_world_ struct world world = world_make(FAMILY_IPV4, 300000);
	const struct rule *changed;
	struct packet_key key = ipv4_key(0xc0000207, 6, 80);
	struct graph_list old;
	struct rule_view rules;
	uint32_t hit;

	(void)state;
	for (uint32_t i = 0; i < 500; i++)
		world_add(&world, ipv4_rule(random_word() | 0xe0000000, 32));
	world_compile(&world);
	old = world.list;
	world.generation++;
	hit = world_add(&world, ipv4_rule(0xc0000207, 32));
	changed = &world.slots[world.count - 1].rule;
	rules = world_rules(&world);
	assert_int_equal(
		classifier_update(&rules, FAMILY_IPV4, &old, &changed, 1, &world.pool, &world.list),
		0);
	assert_int_equal(world_match(&world, key), hit);
	assert_int_equal(classifier_match(world.pool.nodes, world.pool.used, &old, key.words, 0),
			 -1);
}

static void world_fill(struct world *world, uint32_t rules, uint32_t min_len)
{
	uint32_t bits = family_bits(world->family);

	for (uint32_t i = 0; i < rules; i++) {
		uint32_t addr[4] = {random_word(), 0};

		if (world->family == FAMILY_IPV6)
			for (int w = 1; w < 4; w++)
				addr[w] = random_word();
		world_add(world, make_rule(world->family, addr,
					   min_len + random_below(bits + 1 - min_len)));
	}
}

/* Large enough for a root with a filter; hosts and networks, and some that reach over many slots.
 */
static void a_large_list_matches_as_a_linear_search_also_after_updates(void **state)
{
	const struct shape shape = {
		.bases = 20000, .min_len = 8, .port_chance = 30, .port_range = 100};
	const struct rule *changed[64];

	(void)state;
	for (uint32_t family = 0; family < FAMILY_COUNT; family++) {
		_cleanup_world_ struct world world = world_make(family, 2000000);

		world_fill(&world, 200000, family_bits(family) / 2);
		for (int i = 0; i < 3000; i++)
			world_add(&world, random_rule(family, &shape));
		world_compile(&world);
		assert_true(world.list.graphs[0].filtered);
		assert_matches_as_search(&world, 100);
		for (int step = 0; step < 2; step++) {
			struct graph_list old = world.list;
			uint32_t count = world_change(&world, &shape, changed, 30);
			struct rule_view rules = world_rules(&world);

			assert_int_equal(classifier_update(&rules, family, &old, changed, count,
							   &world.pool, &world.list),
					 0);
			for (uint32_t i = 0; i < count; i++) {
				struct packet_key key = packet_near(changed[i]);

				assert_int_equal(world_match(&world, key), search(&world, key));
			}
		}
	}
}

static void one_rule_more_among_200000_takes_a_path_of_new_nodes(void **state)
{
	(void)state;
	for (uint32_t family = 0; family < FAMILY_COUNT; family++) {
		_cleanup_world_ struct world world = world_make(family, 1000000);
		const struct rule *changed;
		struct rule_view rules;
		uint32_t used;

		world_fill(&world, 200000, family_bits(family) / 2);
		world_compile(&world);
		used = world.pool.used;
		world.generation++;
		world_fill(&world, 1, family_bits(family));
		changed = &world.slots[world.count - 1].rule;
		rules = world_rules(&world);
		assert_int_equal(classifier_update(&rules, family, &world.list, &changed, 1,
						   &world.pool, &world.list),
				 0);
		assert_in_range(world.pool.used - used, 1, 1000);
		assert_int_equal(world_match(&world, make_key(changed->addr_host, 6, 80)),
				 world.slots[world.count - 1].hit);
	}
}

/* -- Memory. -- */

static void at_100000_rules_a_rule_takes_at_most_45_bytes_and_a_host_24(void **state)
{
	_cleanup_world_ struct world hosts = world_make(FAMILY_IPV4, 1000000);

	(void)state;
	world_fill(&hosts, 100000, 32);
	world_compile(&hosts);
	assert_in_range(hosts.pool.used * sizeof(struct node), 1, 24 * 100000);
	for (uint32_t family = 0; family < FAMILY_COUNT; family++) {
		_cleanup_world_ struct world world = world_make(family, 1000000);

		world_fill(&world, 100000, family == FAMILY_IPV4 ? 16 : 48);
		for (uint32_t i = 0; i < world.count; i += 5)
			world.slots[i].rule = with_ports(world.slots[i].rule, 6, 443, 443);
		world_compile(&world);
		assert_in_range(world.pool.used * sizeof(struct node), 1, 45 * 100000);
	}
}

static void a_few_rules_take_a_few_nodes(void **state)
{
	(void)state;
	for (uint32_t family = 0; family < FAMILY_COUNT; family++) {
		_cleanup_world_ struct world world = world_make(family, 1000);

		world_fill(&world, 30, family_bits(family) / 2);
		world_compile(&world);
		assert_in_range(world.pool.used, 1, 400);
	}
}

/* Every pool that is too small, by the size it takes down to nothing. */
static void a_pool_that_is_too_small_is_an_error_and_changes_nothing(void **state)
{
	_cleanup_world_ struct world world = world_make(FAMILY_IPV6, 100000);
	const struct graph_list untouched = {.count = 77};
	const struct shape shape = {
		.bases = 50, .min_len = 16, .port_chance = 50, .port_range = 65535};
	struct rule_view rules;
	uint32_t needed;

	(void)state;
	for (uint32_t i = 0; i < 200; i++)
		world_add(&world, random_rule(FAMILY_IPV6, &shape));
	world_compile(&world);
	needed = world.pool.used;
	rules = world_rules(&world);
	for (uint32_t size = 0; size < needed; size++) {
		struct node *nodes =
			malloc(size * sizeof(*nodes)); /* the sanitizer guards its end */
		struct node_pool pool = {.nodes = nodes, .end = size};
		struct graph_list list = untouched;

		assert_int_equal(classifier_compile(&rules, FAMILY_IPV6, &pool, &list), -ENOSPC);
		assert_int_equal(pool.used, 0);
		assert_memory_equal(&list, &untouched, sizeof(list));
		free(nodes);
	}
	world.pool.used = 0;
	world.pool.end = needed;
	world_compile(&world);
}

/* -- Damage. -- */

static void a_graph_in_a_circle_is_reported(void **state)
{
	_cleanup_world_ struct world world = world_make(FAMILY_IPV4, 4);

	(void)state;
	world_add(&world, ipv4_rule(0xc0000201, 32));
	world_compile(&world);
	world.pool.nodes[0].test.miss = world.list.graphs[0].start;
	assert_int_equal(world_match(&world, ipv4_key(0xc0000202, 6, 80)), -EILSEQ);
}

static void an_entry_that_names_no_node_or_no_operation_is_reported(void **state)
{
	_cleanup_world_ struct world world = world_make(FAMILY_IPV4, 4);

	(void)state;
	world_add(&world, ipv4_rule(0xc0000201, 32));
	world_compile(&world);
	world.pool.nodes[0].test.miss = entry_make(OP_TEST, world.pool.used);
	assert_int_equal(world_match(&world, ipv4_key(0xc0000202, 6, 80)), -EILSEQ);
	world.pool.nodes[0].test.miss = entry_make(OP_END, 0);
	assert_int_equal(world_match(&world, ipv4_key(0xc0000202, 6, 80)), -EILSEQ);
	world.pool.nodes[0].test.miss = ENTRY_BROKEN;
	assert_int_equal(world_match(&world, ipv4_key(0xc0000202, 6, 80)), -EILSEQ);
}

static void a_random_graph_is_walked_without_harm(void **state)
{
	_cleanup_world_ struct world world = world_make(FAMILY_IPV6, 2000);

	(void)state;
	world_fill(&world, 300, 0);
	world_compile(&world);
	for (uint32_t i = 0; i < 20000; i++) {
		struct node *node = &world.pool.nodes[random_below(world.pool.used)];
		struct packet_key key = packet_near(&world.slots[random_below(300)].rule);
		int64_t answer;

		node->entries[random_below(4)] = random_word();
		answer = world_match(&world, key);
		assert_true(answer >= -1 || answer == -EILSEQ);
	}
}

static void a_damaged_rule_is_refused(void **state)
{
	const struct rule_slot damaged[] = {
		{.rule = {.addr_host = {0xc0000200}, .prefix_len = 33}},
		{.rule = {.addr_host = {0xc0000201}, .prefix_len = 31}},
		{.rule = {.addr_host = {0xc0000200, 1}, .prefix_len = 32}},
		{.rule = {.port_min_host = 2, .port_max_host = 1}},
		{.hit = ENTRY_PAYLOAD_MASK + 1},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(damaged) / sizeof(damaged[0]); i++) {
		_cleanup_world_ struct world world = world_make(FAMILY_IPV4, 4096);
		struct rule_view rules;

		world_add(&world, ipv4_rule(0xc0000200, 24));
		world.slots[0].rule = damaged[i].rule;
		world.slots[0].hit = damaged[i].hit;
		rules = world_rules(&world);
		assert_int_equal(classifier_compile(&rules, FAMILY_IPV4, &world.pool, &world.list),
				 -EILSEQ);
		assert_int_equal(world.pool.used, 0);
	}
}

/* A change to a list of enough rules that its graph has a root and is not compiled from nothing. */
static int update_damaged(void (*damage)(struct world *))
{
	_cleanup_world_ struct world world = world_make(FAMILY_IPV4, 1 << 16);
	const struct rule *changed;
	struct rule_view rules;

	for (uint32_t i = 0; i < 64; i++)
		world_add(&world, ipv4_rule(i << 24 | i << 16, 32));
	world_compile(&world);
	damage(&world);
	world.generation++;
	world_add(&world, ipv4_rule(0x05050505, 32));
	changed = &world.slots[world.count - 1].rule;
	rules = world_rules(&world);
	return classifier_update(&rules, FAMILY_IPV4, &world.list, &changed, 1, &world.pool,
				 &world.list);
}

static void damage_nothing(struct world *world)
{
	(void)world;
}

static void damage_count(struct world *world)
{
	world->list.count = GRAPHS_PER_LIST + 1;
}

static void damage_shift(struct world *world)
{
	world->list.graphs[0].shift = 1;
}

static void damage_start(struct world *world)
{
	world->list.graphs[0].start = UINT32_MAX;
}

static void damage_pages(struct world *world)
{
	memset(&world->pool.nodes[world->list.graphs[0].start], 0xff, sizeof(struct node));
}

static void a_damaged_graph_is_not_changed(void **state)
{
	(void)state;
	assert_int_equal(update_damaged(damage_nothing), 0);
	assert_int_equal(update_damaged(damage_count), -EILSEQ);
	assert_int_equal(update_damaged(damage_shift), -EILSEQ);
	assert_int_equal(update_damaged(damage_start), -EILSEQ);
	assert_int_equal(update_damaged(damage_pages), -EILSEQ);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(no_rules_match_nothing_and_take_no_node),
		cmocka_unit_test(a_prefix_of_any_length_matches_from_its_first_to_its_last_address),
		cmocka_unit_test(rules_of_the_other_family_do_not_match),
		cmocka_unit_test(rules_not_live_in_this_generation_do_not_match),
		cmocka_unit_test(the_longest_prefix_gets_the_hit),
		cmocka_unit_test(a_shorter_prefix_gets_what_the_ports_of_the_longer_leave),
		cmocka_unit_test(an_exact_protocol_goes_before_a_narrow_port_range),
		cmocka_unit_test(the_narrowest_port_range_gets_the_hit_and_then_the_lowest_index),
		cmocka_unit_test(a_packet_without_ports_matches_no_rule_with_a_port),
		cmocka_unit_test(a_rule_matches_up_to_the_second_before_it_expires),
		cmocka_unit_test(where_a_rule_has_expired_the_next_one_matches),
		cmocka_unit_test(behind_an_expired_rule_of_one_graph_those_of_the_next_match),
		cmocka_unit_test(every_prefix_of_an_address_at_a_time_of_its_own_still_walks_short),
		cmocka_unit_test(hundreds_of_ports_at_times_of_their_own_match_as_a_linear_search),
		cmocka_unit_test(random_ipv4_rules_match_as_a_linear_search),
		cmocka_unit_test(random_ipv6_rules_match_as_a_linear_search),
		cmocka_unit_test(every_prefix_of_an_address_with_many_ports_still_walks_short),
		cmocka_unit_test(thousands_of_ports_of_one_prefix_match_as_a_linear_search),
		cmocka_unit_test(
			after_updates_rules_match_as_a_linear_search_and_no_old_node_is_written),
		cmocka_unit_test(after_an_update_the_old_graph_still_gives_the_old_answers),
		cmocka_unit_test(a_large_list_matches_as_a_linear_search_also_after_updates),
		cmocka_unit_test(one_rule_more_among_200000_takes_a_path_of_new_nodes),
		cmocka_unit_test(at_100000_rules_a_rule_takes_at_most_45_bytes_and_a_host_24),
		cmocka_unit_test(a_few_rules_take_a_few_nodes),
		cmocka_unit_test(a_pool_that_is_too_small_is_an_error_and_changes_nothing),
		cmocka_unit_test(a_graph_in_a_circle_is_reported),
		cmocka_unit_test(an_entry_that_names_no_node_or_no_operation_is_reported),
		cmocka_unit_test(a_random_graph_is_walked_without_harm),
		cmocka_unit_test(a_damaged_rule_is_refused),
		cmocka_unit_test(a_damaged_graph_is_not_changed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
