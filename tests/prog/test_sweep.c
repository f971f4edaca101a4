/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Every value of a field through the real programs, at every hook: prefix lengths, protocols,
 * ethertypes, and each length that a header can claim or be cut to. What is special about single
 * values is said by the rows of the other tests; here none may be an exception.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>

#include "../../src/rule.h"
#include "firewall.h"

#define BLOCK53 "rule @ blacklist 0.0.0.0/0 port 53; rule @ blacklist ::/0 port 53"

/* The verdict on the packet at this hook; the text names the value that was wrong. */
static void expect(enum hook hook, const struct packet_spec *spec, enum reason reason,
		   const char *field, unsigned int value)
{
	struct packet_bytes packet;
	struct last_verdict verdict;
	struct run run;

	packet_build(&packet, spec, hook == HOOK_EGRESS);
	assert_int_equal(firewall_run(&the_firewall, hook, &packet, 0, 1, &run), 0);
	assert_int_equal(programs_last_verdict(the_firewall.programs, hook, &verdict), 0);
	if (verdict.reason != reason || run.dropped != (REASONS_DROPPED >> reason & 1))
		fail_msg("%s: %s %u: reason %u and %s, not reason %u", hook_name(hook), field,
			 value, verdict.reason, run.dropped ? "dropped" : "passed", reason);
}

/* Sets the same rules for each hook in turn. */
#define FOR_EACH_HOOK(hook, statements)                                                            \
	for (enum hook hook = 0;                                                                   \
	     hook < HOOK_COUNT && (firewall_rules(&the_firewall, hook, statements), true); hook++)

/* -- Prefixes -- */

struct address {
	int family;
	uint8_t bytes[16];
	unsigned int bits;
};

/* The bits behind the prefix all 0 or all 1: its first or its last address. */
static struct address edge(struct address address, unsigned int length, bool last)
{
	for (unsigned int bit = length; bit < address.bits; bit++) {
		const uint8_t mask = 0x80 >> bit % 8;

		if (last)
			address.bytes[bit / 8] |= mask;
		else
			address.bytes[bit / 8] &= ~mask;
	}
	return address;
}

/* Adds 1 or -1; false: there is no such address. */
static bool step(struct address *address, int by)
{
	const uint8_t wraps = by > 0 ? 0xff : 0;

	for (int i = (int)address->bits / 8 - 1; i >= 0; i--) {
		const bool carries = address->bytes[i] == wraps;

		address->bytes[i] += by;
		if (!carries)
			return true;
	}
	return false;
}

static void expect_address(enum hook hook, const struct address *address, enum reason reason,
			   unsigned int length)
{
	char text[INET6_ADDRSTRLEN + 8];
	struct packet_spec spec = {.peer = text, .port = 53};

	assert_non_null(inet_ntop(address->family, address->bytes, text, sizeof(text)));
	expect(hook, &spec, reason, text, length);
}

static void sweep_prefix(enum hook hook, const struct address *address, unsigned int length)
{
	const struct address first = edge(*address, length, false);
	const struct address last = edge(*address, length, true);
	struct address before = first, after = last;
	char text[INET6_ADDRSTRLEN], rule[128];

	assert_non_null(inet_ntop(address->family, address->bytes, text, sizeof(text)));
	snprintf(rule, sizeof(rule), "rule @ blacklist %s/%u", text, length);
	firewall_rules(&the_firewall, hook, rule);
	expect_address(hook, &first, REASON_BLOCKED_BLACKLIST, length);
	expect_address(hook, &last, REASON_BLOCKED_BLACKLIST, length);
	if (step(&before, -1))
		expect_address(hook, &before, REASON_ALLOWED_DEFAULT, length);
	if (step(&after, 1))
		expect_address(hook, &after, REASON_ALLOWED_DEFAULT, length);
}

static void sweep_prefixes(const char *text, int family)
{
	struct address address = {.family = family, .bits = family == AF_INET ? 32 : 128};

	assert_int_equal(inet_pton(family, text, address.bytes), 1);
	for (enum hook hook = 0; hook < HOOK_COUNT; hook++) {
		for (unsigned int length = 0; length <= address.bits; length++)
			sweep_prefix(hook, &address, length);
	}
}

static void an_ipv4_prefix_of_any_length_matches_from_its_first_to_its_last_address(void **state)
{
	(void)state;
	sweep_prefixes("93.184.86.165", AF_INET);
}

static void an_ipv6_prefix_of_any_length_matches_from_its_first_to_its_last_address(void **state)
{
	(void)state;
	sweep_prefixes("5db8:56a5:9b31:c24d:6a95:b35e:4d92:a5c6", AF_INET6);
}

/* -- Protocols -- */

static bool is_extension(uint32_t protocol)
{
	return protocol == IPPROTO_HOPOPTS || protocol == IPPROTO_ROUTING ||
	       protocol == IPPROTO_FRAGMENT || protocol == IPPROTO_AH ||
	       protocol == IPPROTO_DSTOPTS;
}

static void sweep_protocol(enum hook hook, const char *peer, uint32_t protocol)
{
	const struct packet_spec spec = {
		.peer = peer, .protocol = protocol, .protocol_zero = !protocol, .payload_bytes = 8};
	char rule[128];

	snprintf(rule, sizeof(rule), "rule @ blacklist %s", peer);
	firewall_rules(&the_firewall, hook, rule);
	expect(hook, &spec, REASON_BLOCKED_BLACKLIST, "any protocol", protocol);
	snprintf(rule, sizeof(rule), "rule @ blacklist %s proto %u", peer, protocol);
	firewall_rules(&the_firewall, hook, rule);
	expect(hook, &spec, REASON_BLOCKED_BLACKLIST, "its own protocol", protocol);
	snprintf(rule, sizeof(rule), "rule @ blacklist %s proto %u; rule @ blacklist %s proto %u",
		 peer, (protocol + 1) & 0xff, peer, (protocol - 1) & 0xff);
	firewall_rules(&the_firewall, hook, rule);
	expect(hook, &spec, REASON_ALLOWED_DEFAULT, "the protocols beside it", protocol);
}

static void every_protocol_is_matched_by_any_and_by_its_number_only(void **state)
{
	(void)state;
	for (enum hook hook = 0; hook < HOOK_COUNT; hook++) {
		for (uint32_t protocol = 0; protocol < 256; protocol++) {
			sweep_protocol(hook, PEER4, protocol);
			if (!is_extension(protocol))
				sweep_protocol(hook, PEER6, protocol);
		}
	}
}

/* -- Ethernet -- */

/* At XDP 14 bytes and nothing else; the kernel refuses a TC test run of less than an IP header. */
static void every_ethertype_but_those_of_ip_and_tags_is_not_ip(void **state)
{
	(void)state;
	FOR_EACH_HOOK(hook, "policy @ deny")
	{
		for (uint32_t type = 0; type <= 0xffff; type++) {
			const bool parsed = type == 0x0800 || type == 0x86dd || type == 0x8100 ||
					    type == 0x88a8;
			const struct packet_spec spec = {.peer = PEER4,
							 .ethertype_is = type ? type : ZERO,
							 .cut_to = hook == HOOK_XDP ? 14 : 34};

			if (hook == HOOK_XDP || !parsed)
				expect(hook, &spec, parsed ? REASON_MALFORMED : REASON_NON_IP,
				       "ethertype", type);
		}
	}
}

/* -- Lengths of IP -- */

static void every_ipv4_total_length_but_those_of_the_frame_is_malformed(void **state)
{
	const unsigned int least = 20 + 20, frame = least + 30;

	(void)state;
	FOR_EACH_HOOK(hook, BLOCK53)
	{
		for (unsigned int length = 0; length <= 0xffff; length++) {
			const struct packet_spec spec = {.peer = PEER4,
							 .protocol = IPPROTO_TCP,
							 .port = 53,
							 .payload_bytes = 30,
							 .ip_length_is = length ? length : ZERO};

			expect(hook, &spec,
			       length >= least && length <= frame ? REASON_BLOCKED_BLACKLIST
								  : REASON_MALFORMED,
			       "total length", length);
		}
	}
}

/* Untagged at XDP only: the kernel refuses a TC test run of less than an IP header. */
static void sweep_cut(enum hook hook, const char *peer, unsigned int header_bytes)
{
	for (unsigned int bytes = 0; bytes < header_bytes; bytes++) {
		struct packet_spec spec = {
			.peer = peer, .port = 53, .tags = {0x8100}, .cut_to = 18 + bytes};

		expect(hook, &spec, REASON_MALFORMED, "bytes of tagged IP header", bytes);
		spec.tags[0] = 0;
		spec.cut_to = 14 + bytes;
		if (hook == HOOK_XDP)
			expect(hook, &spec, REASON_MALFORMED, "bytes of IP header", bytes);
	}
}

static void an_ip_header_cut_at_any_byte_is_malformed(void **state)
{
	(void)state;
	FOR_EACH_HOOK(hook, ALLOW_ALL)
	{
		sweep_cut(hook, PEER4, 20);
		sweep_cut(hook, PEER6, 40);
	}
}

static void sweep_version(enum hook hook, const char *peer, unsigned int right)
{
	for (unsigned int version = 0; version < 16; version++) {
		const struct packet_spec spec = {
			.peer = peer, .port = 53, .version_is = version ? version : ZERO};

		expect(hook, &spec, version == right ? REASON_ALLOWED_WHITELIST : REASON_MALFORMED,
		       "version", version);
	}
}

static void an_ip_version_that_is_not_the_ethertypes_is_malformed(void **state)
{
	(void)state;
	FOR_EACH_HOOK(hook, ALLOW_ALL)
	{
		sweep_version(hook, PEER4, 4);
		sweep_version(hook, PEER6, 6);
	}
}

/* A chain of each kind of extension header with UDP behind it, 8 + 24 + 8 + 24 + 16 + 8 bytes. */
#define CHAIN_BYTES 88
static const struct packet_spec chain = {
	.peer = PEER6,
	.port = 53,
	.extensions = {{.present = true, .type = IPPROTO_HOPOPTS},
		       {.present = true, .type = IPPROTO_ROUTING, .length = 2},
		       {.present = true, .type = IPPROTO_FRAGMENT},
		       {.present = true, .type = IPPROTO_AH, .length = 4},
		       {.present = true, .type = IPPROTO_DSTOPTS, .length = 1}},
};

static void extension_headers_cut_at_any_byte_are_malformed(void **state)
{
	(void)state;
	FOR_EACH_HOOK(hook, BLOCK53)
	{
		expect(hook, &chain, REASON_BLOCKED_BLACKLIST, "whole chain", CHAIN_BYTES);
		for (unsigned int bytes = 0; bytes < CHAIN_BYTES; bytes++) {
			struct packet_spec spec = chain;

			spec.ip_length_is = bytes ? bytes : ZERO; /* the rest is padding */
			expect(hook, &spec, REASON_MALFORMED, "payload length", bytes);
			spec.ip_length_is = 0; /* the right one, of more than there is */
			spec.cut_to = 14 + 40 + bytes;
			expect(hook, &spec, REASON_MALFORMED, "bytes of payload", bytes);
		}
	}
}

/* The port is found behind a header of any length, and not when one byte of UDP is missing. */
static void sweep_extension(enum hook hook, uint8_t type, unsigned int length, unsigned int bytes)
{
	struct packet_spec spec = {
		.peer = PEER6,
		.port = 53,
		.extensions = {{.present = true, .type = type, .length = length}},
	};

	expect(hook, &spec, REASON_BLOCKED_BLACKLIST, "extension header's length", length);
	spec.ip_length_is = bytes + 7;
	expect(hook, &spec, REASON_MALFORMED, "UDP cut behind a length of", length);
	spec.ip_length_is = bytes - 1;
	expect(hook, &spec, REASON_MALFORMED, "past the end, a length of", length);
}

static void a_port_is_found_behind_extension_headers_of_every_length(void **state)
{
	(void)state;
	FOR_EACH_HOOK(hook, BLOCK53)
	{
		for (unsigned int length = 0; length < 256; length++) {
			sweep_extension(hook, IPPROTO_AH, length, (length + 2) * 4);
			sweep_extension(hook, IPPROTO_HOPOPTS, length, (length + 1) * 8);
			sweep_extension(hook, IPPROTO_ROUTING, length, (length + 1) * 8);
			sweep_extension(hook, IPPROTO_DSTOPTS, length, (length + 1) * 8);
		}
	}
}

/* -- Lengths of layer 4 -- */

/* Of a whole packet and of a first fragment, over either family. */
static void sweep_tcp(enum hook hook, unsigned int words, unsigned int bytes)
{
	const bool right = words >= 5 && bytes >= words * 4;
	const struct packet_spec specs[] = {
		{.peer = PEER4},
		{.peer = PEER4, .more_fragments = true},
		{.peer = PEER6},
		{.peer = PEER6,
		 .extensions = {{.present = true, .type = IPPROTO_FRAGMENT, .more = true}}},
	};

	for (size_t i = 0; i < sizeof(specs) / sizeof(specs[0]); i++) {
		struct packet_spec spec = specs[i];

		spec.protocol = IPPROTO_TCP;
		spec.port = 53;
		spec.tcp_words_is = words ? words : ZERO;
		spec.payload_bytes = 64;
		spec.cut_l4_to = bytes;
		spec.cut_l4_to_nothing = !bytes;
		spec.padding_bytes = 40;
		expect(hook, &spec, right ? REASON_BLOCKED_BLACKLIST : REASON_MALFORMED,
		       "data offset * 100 + bytes of TCP", words * 100 + bytes);
	}
}

static void tcp_of_any_data_offset_needs_that_many_bytes(void **state)
{
	(void)state;
	FOR_EACH_HOOK(hook, BLOCK53)
	{
		for (unsigned int words = 0; words < 16; words++) {
			for (unsigned int bytes = 0; bytes <= 64; bytes++)
				sweep_tcp(hook, words, bytes);
		}
	}
}

static void sweep_udp(enum hook hook, unsigned int length, unsigned int bytes)
{
	struct packet_spec spec = {.peer = PEER4,
				   .port = 53,
				   .udp_length_is = length ? length : ZERO,
				   .payload_bytes = 32,
				   .cut_l4_to = bytes,
				   .cut_l4_to_nothing = !bytes,
				   .padding_bytes = 40};
	const bool header = bytes >= 8 && length >= 8;

	expect(hook, &spec, header && length <= bytes ? REASON_BLOCKED_BLACKLIST : REASON_MALFORMED,
	       "UDP length * 100 + bytes of it", length * 100 + bytes);
	spec.more_fragments = true; /* the rest may follow */
	expect(hook, &spec, header ? REASON_BLOCKED_BLACKLIST : REASON_MALFORMED,
	       "first fragment: UDP length * 100 + bytes of it", length * 100 + bytes);
}

static void udp_of_any_length_needs_that_many_bytes(void **state)
{
	(void)state;
	FOR_EACH_HOOK(hook, BLOCK53)
	{
		for (unsigned int length = 0; length <= 40; length++) {
			for (unsigned int bytes = 0; bytes <= 40; bytes++)
				sweep_udp(hook, length, bytes);
		}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(
			an_ipv4_prefix_of_any_length_matches_from_its_first_to_its_last_address),
		cmocka_unit_test(
			an_ipv6_prefix_of_any_length_matches_from_its_first_to_its_last_address),
		cmocka_unit_test(every_protocol_is_matched_by_any_and_by_its_number_only),
		cmocka_unit_test(every_ethertype_but_those_of_ip_and_tags_is_not_ip),
		cmocka_unit_test(every_ipv4_total_length_but_those_of_the_frame_is_malformed),
		cmocka_unit_test(an_ip_header_cut_at_any_byte_is_malformed),
		cmocka_unit_test(an_ip_version_that_is_not_the_ethertypes_is_malformed),
		cmocka_unit_test(extension_headers_cut_at_any_byte_are_malformed),
		cmocka_unit_test(a_port_is_found_behind_extension_headers_of_every_length),
		cmocka_unit_test(tcp_of_any_data_offset_needs_that_many_bytes),
		cmocka_unit_test(udp_of_any_length_needs_that_many_bytes),
	};

	return cmocka_run_group_tests_name("sweep", tests, firewall_group_setup,
					   firewall_group_teardown);
}
