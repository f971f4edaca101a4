/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Packets: see generate.h. Most are built layer by layer, well formed; then a part of them gets one
 * lie, in a byte of a header, a length, or where the frame ends. A few are garbage from the start.
 */
#include "generate.h"

#include <string.h>

enum { ICMP = 1, TCP = 6, UDP = 17, ICMPV6 = 58, FRAGMENT = 44, AUTHENTICATION = 51 };

/* A packet being built. */
struct draft {
	struct random *random;
	struct packet_bytes *out;
	const struct oracle_rule *rule; /* that it is to meet, or NULL */
	bool ipv6;
	int protocol;
	size_t ip; /* where its header begins */
};

static void put(struct draft *draft, const void *bytes, size_t count)
{
	if (draft->out->length + count > GENERATED_BYTES_MAX)
		return;
	memcpy(draft->out->data + draft->out->length, bytes, count);
	draft->out->length += count;
}

static void put8(struct draft *draft, uint32_t value)
{
	uint8_t byte = (uint8_t)value;

	put(draft, &byte, 1);
}

static void put16(struct draft *draft, uint32_t value)
{
	put8(draft, value >> 8);
	put8(draft, value);
}

static void put_noise(struct draft *draft, size_t count)
{
	while (count--)
		put8(draft, (uint32_t)random_u64(draft->random));
}

static void set16(struct draft *draft, size_t offset, size_t value)
{
	draft->out->data[offset] = (uint8_t)(value >> 8);
	draft->out->data[offset + 1] = (uint8_t)value;
}

/* One more or one less, as a number over all bytes. */
static void step_address(uint8_t *address, int bytes, bool up)
{
	for (int i = bytes - 1; i >= 0; i--) {
		address[i] = (uint8_t)(up ? address[i] + 1 : address[i] - 1);
		if (address[i] != (up ? 0 : 0xff))
			return;
	}
}

/* The first or last address of the rule's network, one beside it, or one within. */
static void draw_address(struct draft *draft, uint8_t address[16])
{
	const struct oracle_rule *rule = draft->rule;
	int bytes = draft->ipv6 ? 16 : 4;
	uint32_t place = random_below(draft->random, 5);

	if (!rule || rule->ipv6 != draft->ipv6 || random_chance(draft->random, 5)) {
		for (int i = 0; i < bytes; i++)
			address[i] = (uint8_t)random_u64(draft->random);
		return;
	}
	memcpy(address, rule->address, 16);
	for (int i = rule->prefix; place >= 2 && i < bytes * 8; i++)
		if (place != 4 || random_chance(draft->random, 50))
			address[i / 8] |= (uint8_t)(0x80 >> i % 8);
	if (place == 1 || place == 3)
		step_address(address, bytes, place == 3);
}

static uint32_t draw_port(struct draft *draft)
{
	static const uint16_t others[] = {0, 67, 68, 546, 547, 22, 80, 65535};
	const struct oracle_rule *rule = draft->rule;
	uint32_t beside = random_below(draft->random, 8);

	if (!rule || !rule->last_port || beside == 7)
		return RANDOM_OF(draft->random, others);
	switch (beside) {
	case 0:
		return (uint32_t)rule->first_port - 1;
	case 1:
		return ((uint32_t)rule->last_port + 1) & 0xffff;
	case 2:
		return (uint32_t)rule->last_port;
	case 3:
	case 4:
		return random_between(draft->random, (uint32_t)rule->first_port,
				      (uint32_t)rule->last_port);
	default:
		return (uint32_t)rule->first_port;
	}
}

static int draw_protocol(struct draft *draft)
{
	static const uint8_t usual[] = {6, 6, 6, 17, 17, 17, 1, 58, 132, 33, 136, 47};
	const struct oracle_rule *rule = draft->rule;

	if (rule && rule->protocol != ORACLE_ANY_PROTOCOL && random_chance(draft->random, 70))
		return rule->protocol;
	if (random_chance(draft->random, 90))
		return RANDOM_OF(draft->random, usual);
	return (int)random_below(draft->random, 256);
}

static void put_icmp(struct draft *draft)
{
	static const uint8_t types[] = {0,   2,	  3,   8,   128, 129, 130,
					131, 132, 133, 134, 137, 138, 143};

	put8(draft, random_chance(draft->random, 90) ? RANDOM_OF(draft->random, types)
						     : random_below(draft->random, 256));
	put8(draft, random_below(draft->random, 6));
	put_noise(draft, 6);
}

static void put_layer4(struct draft *draft)
{
	static const uint16_t dhcp[][2] = {{67, 68}, {68, 67}, {546, 547}, {547, 546}};
	uint32_t from = draw_port(draft), to = draw_port(draft);
	uint32_t words =
		random_chance(draft->random, 70) ? 5 : random_between(draft->random, 5, 15);
	uint32_t data = random_below(draft->random, random_chance(draft->random, 95) ? 32 : 1200);

	if (draft->protocol == ICMP || draft->protocol == ICMPV6) {
		put_icmp(draft);
		put_noise(draft, data);
		return;
	}
	if (draft->protocol == UDP && random_chance(draft->random, 15)) {
		uint32_t pair = random_below(draft->random, 4);

		from = dhcp[pair][0];
		to = dhcp[pair][1];
	}
	put16(draft, from);
	put16(draft, to);
	if (draft->protocol == TCP) {
		put_noise(draft, 8);
		put8(draft, words << 4 | random_below(draft->random, 16));
		put_noise(draft, words * 4 - 13);
	} else if (draft->protocol == UDP) {
		put16(draft, 8 + data);
		put16(draft, 0);
	} else {
		put_noise(draft, 8);
	}
	put_noise(draft, data);
}

/* Offset in units of 8 bytes; 0 without more to come is no fragment. */
static uint32_t draw_fragment_offset(struct draft *draft)
{
	static const uint16_t offsets[] = {0, 0, 0, 1, 1, 2, 100, 8184, 8188, 8189, 8190, 8191};

	return RANDOM_OF(draft->random, offsets);
}

static void put_ipv4(struct draft *draft)
{
	uint32_t words =
		random_chance(draft->random, 80) ? 5 : random_between(draft->random, 5, 15);
	uint8_t address[16];
	uint32_t fragment = 0;

	if (random_chance(draft->random, 12))
		fragment = draw_fragment_offset(draft) | random_below(draft->random, 2) << 13;
	put8(draft, 4 << 4 | words);
	put8(draft, 0);
	put16(draft, 0);
	put16(draft, (uint32_t)random_u64(draft->random) & 0xffff);
	put16(draft, fragment | random_below(draft->random, 2) << 14);
	put8(draft, 64);
	put8(draft, (uint32_t)draft->protocol);
	put16(draft, 0);
	draw_address(draft, address);
	put(draft, address, 4);
	draw_address(draft, address);
	put(draft, address, 4);
	put_noise(draft, words * 4 - 20);
}

/* A header that says what comes behind it. */
static void put_extension(struct draft *draft, uint32_t type, uint32_t next)
{
	uint32_t length = random_chance(draft->random, 80) ? 0 : random_below(draft->random, 5);

	put8(draft, next);
	if (type == FRAGMENT) {
		put8(draft, 0);
		put16(draft, draw_fragment_offset(draft) << 3 | random_below(draft->random, 2));
		put_noise(draft, 4);
		return;
	}
	put8(draft, length);
	put_noise(draft, type == AUTHENTICATION ? (length + 2) * 4 - 2 : (length + 1) * 8 - 2);
}

static void put_ipv6(struct draft *draft)
{
	/* Weighed so that a chain is mostly legal. */
	static const uint8_t types[] = {43, 60, 60, 51, 43, 60, 44, 0};
	static const uint8_t hop_limits[] = {255, 255, 255, 254, 64, 1, 0};
	uint8_t chain[12], address[16];
	uint32_t count = random_chance(draft->random, 65) ? 0 : random_between(draft->random, 1, 4);

	if (random_chance(draft->random, 4))
		count = random_between(draft->random, 7, 11);
	for (uint32_t i = 0; i < count; i++)
		chain[i] = RANDOM_OF(draft->random, types);
	if (count && random_chance(draft->random, 30))
		chain[0] = 0;
	if (count && random_chance(draft->random, 30))
		chain[count - 1] = FRAGMENT;
	chain[count] = (uint8_t)draft->protocol;

	put16(draft, 6 << 12 | random_below(draft->random, 4096));
	put16(draft, (uint32_t)random_u64(draft->random) & 0xffff);
	put16(draft, 0);
	put8(draft, chain[0]);
	put8(draft, RANDOM_OF(draft->random, hop_limits));
	draw_address(draft, address);
	put(draft, address, 16);
	draw_address(draft, address);
	put(draft, address, 16);
	for (uint32_t i = 0; i < count; i++)
		put_extension(draft, chain[i], chain[i + 1]);
}

static void put_ethernet(struct draft *draft)
{
	static const uint16_t tags[] = {0x8100, 0x88a8}, others[] = {0x0806, 0x88cc, 0x05ff, 0};
	uint32_t count = random_chance(draft->random, 85) ? 0 : random_between(draft->random, 1, 3);
	uint32_t type = draft->ipv6 ? 0x86dd : 0x0800;

	put_noise(draft, 12);
	while (count--) {
		put16(draft, RANDOM_OF(draft->random, tags));
		put16(draft, (uint32_t)random_u64(draft->random) & 0xffff);
	}
	if (random_chance(draft->random, 2))
		type = RANDOM_OF(draft->random, others);
	put16(draft, type);
	draft->ip = draft->out->length;
}

static void set_ip_length(struct draft *draft)
{
	size_t bytes = draft->out->length - draft->ip;

	if (draft->ipv6)
		set16(draft, draft->ip + 4, bytes - 40);
	else
		set16(draft, draft->ip + 2, bytes);
}

static void put_lie(struct draft *draft)
{
	struct packet_bytes *out = draft->out;
	/* Where headers are; what lies behind them is data, whose bytes do not matter. */
	size_t reach = out->length < draft->ip + 100 ? out->length : draft->ip + 100;
	size_t at = random_between(draft->random, 12, (uint32_t)reach - 1);

	switch (random_below(draft->random, 6)) {
	case 0: /* a byte */
		out->data[at] = (uint8_t)random_u64(draft->random);
		break;
	case 1: /* a bit */
		out->data[at] ^= (uint8_t)(1u << random_below(draft->random, 8));
		break;
	case 2: /* a number that is one more or one less */
		out->data[at] =
			(uint8_t)(out->data[at] + (random_chance(draft->random, 50) ? 1 : -1));
		break;
	case 3: /* the end of the frame */
		out->length =
			random_between(draft->random, GENERATED_BYTES_MIN, (uint32_t)out->length);
		break;
	case 4: /* the end of the packet, wherever it truly is */
		at = draft->ip + (draft->ipv6 ? 4 : 2);
		set16(draft, at,
		      random_below(draft->random, (uint32_t)(out->length - draft->ip) + 2));
		break;
	default: /* the end of both */
		out->length =
			random_between(draft->random, (uint32_t)draft->ip + (draft->ipv6 ? 40 : 20),
				       (uint32_t)reach);
		set_ip_length(draft);
		break;
	}
}

static void put_garbage(struct draft *draft)
{
	put_noise(draft, 12);
	put16(draft, random_chance(draft->random, 50) ? 0x0800 : 0x86dd);
	put8(draft, random_chance(draft->random, 50) ? 0x45 : 0x60);
	put_noise(draft, random_below(draft->random, 120));
}

static const struct oracle_rule *draw_rule(struct random *random, const struct scenario *scenario)
{
	const struct oracle_rules *rules = &scenario->hooks[random_below(random, ORACLE_HOOKS)];

	return rules->count ? &rules->rules[random_below(random, (uint32_t)rules->count)] : NULL;
}

void generate_packet(struct random *random, const struct scenario *scenario,
		     struct generated_packet *packet)
{
	struct draft draft = {
		.random = random,
		.out = &packet->bytes,
		.rule = draw_rule(random, scenario),
	};

	packet->bytes.length = 0;
	packet->segmented = random_chance(random, 3);
	if (random_chance(random, 3)) {
		put_garbage(&draft);
		return;
	}
	draft.ipv6 = draft.rule && random_chance(random, 95) ? draft.rule->ipv6
							     : random_chance(random, 50);
	draft.protocol = draw_protocol(&draft);
	put_ethernet(&draft);
	if (draft.ipv6)
		put_ipv6(&draft);
	else
		put_ipv4(&draft);
	put_layer4(&draft);
	if (!packet->segmented || random_chance(random, 50))
		set_ip_length(&draft);
	put_noise(&draft, random_chance(random, 85) ? 0 : random_below(random, 30));
	if (random_chance(random, 30))
		put_lie(&draft);
}
