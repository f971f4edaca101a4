/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Rule sets: see generate.h. */
#include "generate.h"

#include <string.h>

/* Few roots, so that rules meet; of the documentation ranges, and with no symmetry in their bytes.
 */
static const uint8_t roots[][16] = {
	{192, 0, 2, 77},
	{198, 51, 100, 10},
	{0x20, 0x01, 0x0d, 0xb8, 0, 0x77, 0x80, 0, 0, 0, 0, 0, 0, 0, 0, 0x7a},
	{0x20, 0x01, 0x0d, 0xb8, 0, 1, 0, 0, 0x80, 0, 0, 0, 0, 0, 0, 0x10},
};
static const int prefixes4[] = {0, 1, 7, 8, 12, 15, 16, 17, 20, 23, 24, 25, 28, 30, 31, 32, 32};
static const int prefixes6[] = {0,  1,	16, 31, 32, 33, 44,  47,  48,  49, 56,
				63, 64, 65, 72, 96, 97, 127, 128, 128, 128};
static const int protocols[] = {6, 6, 6, 17, 17, 17, 1, 58, 132, 33, 136, 47, 50, 51, 44, 0, 255};
static const int with_ports[] = {6, 6, 17, 17, 132, 33, 136};
static const int ports[] = {1,	 22,  53,  67,	 68,   80,   443,   546,
			    547, 255, 256, 1024, 4095, 4096, 65534, 65535};

static void clear_behind(uint8_t address[16], int prefix)
{
	for (int i = prefix; i < 128; i++)
		address[i / 8] &= (uint8_t) ~(0x80 >> i % 8);
}

static int width(const struct oracle_rule *rule)
{
	return rule->ipv6 ? 128 : 32;
}

static void draw_ports(struct random *random, struct oracle_rule *rule)
{
	rule->protocol =
		random_chance(random, 25) ? ORACLE_ANY_PROTOCOL : RANDOM_OF(random, with_ports);
	rule->first_port = RANDOM_OF(random, ports);
	rule->last_port = rule->first_port;
	if (random_chance(random, 50)) {
		int other =
			random_chance(random, 30) ? rule->first_port + 1 : RANDOM_OF(random, ports);

		if (other > rule->first_port && other <= 65535)
			rule->last_port = other;
		else if (other < rule->first_port)
			rule->first_port = other;
	}
}

static void draw_layer4(struct random *random, struct oracle_rule *rule)
{
	rule->first_port = rule->last_port = 0;
	if (random_chance(random, 40))
		draw_ports(random, rule);
	else if (random_chance(random, 60))
		rule->protocol = ORACLE_ANY_PROTOCOL;
	else if (random_chance(random, 80))
		rule->protocol = RANDOM_OF(random, protocols);
	else
		rule->protocol = (int)random_below(random, 256);
}

static void draw_network(struct random *random, struct oracle_rule *rule)
{
	uint32_t root = random_below(random, 4);

	memcpy(rule->address, roots[root], 16);
	rule->ipv6 = root >= 2;
	if (random_chance(random, 70))
		rule->prefix =
			rule->ipv6 ? RANDOM_OF(random, prefixes6) : RANDOM_OF(random, prefixes4);
	else
		rule->prefix = (int)random_between(random, 0, (uint32_t)width(rule));
	/* Beside the root: another bit, mostly one of the last. */
	for (uint32_t flips = random_below(random, 4); flips; flips--) {
		int bit = rule->prefix - 1 - (int)random_below(random, 9);

		if (bit >= 0)
			rule->address[bit / 8] ^= (uint8_t)(0x80 >> bit % 8);
	}
}

/* The neighbour, the parent, a child, or the same network. */
static void draw_relative(struct random *random, const struct oracle_rule *of,
			  struct oracle_rule *rule)
{
	*rule = *of;
	switch (random_below(random, 4)) {
	case 0:
		if (rule->prefix > 0)
			rule->address[(rule->prefix - 1) / 8] ^=
				(uint8_t)(0x80 >> (rule->prefix - 1) % 8);
		break;
	case 1:
		rule->prefix -= (int)random_below(random, (uint32_t)rule->prefix + 1);
		break;
	case 2:
		rule->prefix +=
			(int)random_below(random, (uint32_t)(width(rule) - rule->prefix) + 1);
		break;
	default:
		break;
	}
	if (random_chance(random, 70))
		draw_layer4(random, rule);
}

/* Days before or after now: of several rules in each other's way each may be the first to lapse. */
static void draw_expiry(struct random *random, struct oracle_rule *rule)
{
	const uint32_t days = random_between(random, 1, 20);

	rule->expires_s = 0;
	if (random_chance(random, 30))
		rule->expires_s = random_chance(random, 50) ? GENERATED_NOW_S + days * 86400
							    : GENERATED_NOW_S - days * 86400;
}

static bool is_same(const struct oracle_rule *a, const struct oracle_rule *b)
{
	return a->list == b->list && a->ipv6 == b->ipv6 && a->prefix == b->prefix &&
	       a->protocol == b->protocol && a->first_port == b->first_port &&
	       a->last_port == b->last_port && memcmp(a->address, b->address, 16) == 0;
}

static bool is_new(const struct oracle_rules *rules, const struct oracle_rule *rule)
{
	for (int i = 0; i < rules->count; i++)
		if (is_same(&rules->rules[i], rule))
			return false;
	return true;
}

bool generate_rule(struct random *random, const struct oracle_rules *rules,
		   struct oracle_rule *rule)
{
	memset(rule, 0, sizeof(*rule));
	if (rules->count && random_chance(random, 60)) {
		uint32_t of = random_below(random, (uint32_t)rules->count);

		draw_relative(random, &rules->rules[of], rule);
	} else {
		draw_network(random, rule);
		draw_layer4(random, rule);
	}
	clear_behind(rule->address, rule->prefix);
	draw_expiry(random, rule);
	rule->list = random_chance(random, 40) ? ORACLE_WHITELIST : ORACLE_BLACKLIST;
	rule->index = (uint32_t)rules->count;
	return is_new(rules, rule);
}

/* Mostly a handful, which needs no root; now and then hundreds. */
static int draw_count(struct random *random)
{
	uint32_t kind = random_below(random, 100);

	if (kind < 50)
		return (int)random_below(random, 9);
	if (kind < 96)
		return (int)random_between(random, 9, 60);
	return (int)random_between(random, 100, 800);
}

static void generate_rules(struct random *random, struct oracle_rules *rules)
{
	int count = draw_count(random);

	rules->default_deny = random_chance(random, 40);
	rules->drop_fragments = random_chance(random, 25);
	rules->now_s = GENERATED_NOW_S;
	rules->count = 0;
	for (int tries = 2 * count; tries && rules->count < count; tries--)
		if (generate_rule(random, rules, &rules->rules[rules->count]))
			rules->count++;
}

void generate_scenario(struct random *random, struct scenario *scenario)
{
	bool same = random_chance(random, 40);

	generate_rules(random, &scenario->hooks[0]);
	for (int hook = 1; hook < ORACLE_HOOKS; hook++) {
		if (same)
			scenario->hooks[hook] = scenario->hooks[0];
		else
			generate_rules(random, &scenario->hooks[hook]);
	}
}
