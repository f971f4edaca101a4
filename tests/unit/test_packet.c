/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The parser on the host, where every byte can be taken away and the address sanitizer sees who
 * reads behind the end. What the hooks make of packets is in tests/prog.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "../../bpf/packet.h"
#include "../prog/packets.c"

/* What the hook knows of a frame besides its bytes; linear 0: all of it. */
struct view {
	size_t linear;
	uint32_t tags, segmented, egress;
};

/* Parses a copy that ends where the linear part ends, so that reading on is an error. */
static int parse(const struct packet_bytes *bytes, const struct view *view, struct packet *pkt)
{
	const size_t linear = view->linear ? view->linear : bytes->length;
	uint8_t *buffer = malloc(2 + linear);
	struct frame frame;
	int result;

	assert_non_null(buffer);
	memcpy(buffer + 2, bytes->data, linear);
	frame = (struct frame){
		.data = buffer + 2,
		.data_end = buffer + 2 + linear,
		.length = bytes->length,
		.tags = view->tags,
		.segmented = view->segmented,
		.egress = view->egress,
	};
	memset(pkt, 0, sizeof(*pkt));
	result = packet_parse(&frame, pkt);
	free(buffer);
	return result;
}

static int parse_spec(const struct packet_spec *spec, struct packet *pkt)
{
	struct packet_bytes bytes;

	packet_build(&bytes, spec, false);
	return parse(&bytes, &(struct view){}, pkt);
}

#define EXTENSION(t, n)                                                                            \
	{                                                                                          \
		.present = true, .type = t, .length = n                                            \
	}

/* One of each kind of packet: their headers end at packet_l4_offset() + l4_bytes. */
static const struct {
	struct packet_spec spec;
	size_t l4_bytes;
} whole[] = {
	{{.peer = PEER4, .port = 53, .payload_bytes = 9}, 8},
	{{.peer = PEER4, .protocol = IPPROTO_TCP, .port = 53, .tcp_words_is = 8}, 20},
	{{.peer = PEER4, .port = 53, .ihl_is = 15, .tags = {0x88a8, 0x8100}}, 8},
	{{.peer = PEER4, .protocol = IPPROTO_ICMP, .icmp_type = 8}, 8},
	{{.peer = PEER4, .protocol = IPPROTO_SCTP, .port = 53}, 8},
	{{.peer = PEER6, .port = 53, .payload_bytes = 9}, 8},
	{{.peer = PEER6, .protocol = IPPROTO_TCP, .port = 53, .tcp_words_is = 15}, 20},
	{{.peer = PEER6, .protocol = IPPROTO_ICMPV6, .icmp_type = 128, .tags = {0x8100}}, 8},
	{{.peer = PEER6,
	  .port = 53,
	  .extensions = {EXTENSION(0, 1), EXTENSION(43, 2), EXTENSION(44, 0), EXTENSION(51, 4),
			 EXTENSION(60, 0)}},
	 8},
};
#define WHOLE (sizeof(whole) / sizeof(whole[0]))

static void a_whole_packet_is_parsed(void **state)
{
	(void)state;
	for (size_t i = 0; i < WHOLE; i++) {
		struct packet pkt;

		assert_int_equal(parse_spec(&whole[i].spec, &pkt), NEXT);
	}
}

static void a_packet_cut_at_any_byte_is_malformed(void **state)
{
	(void)state;
	for (size_t i = 0; i < WHOLE; i++) {
		struct packet_bytes bytes;

		packet_build(&bytes, &whole[i].spec, false);
		while (--bytes.length) {
			struct packet pkt;

			assert_int_equal(parse(&bytes, &(struct view){}, &pkt), REASON_MALFORMED);
		}
	}
}

static void headers_outside_the_linear_part_are_asked_for(void **state)
{
	(void)state;
	for (size_t i = 0; i < WHOLE; i++) {
		const size_t needed = packet_l4_offset(&whole[i].spec) + whole[i].l4_bytes;
		struct packet_bytes bytes;

		packet_build(&bytes, &whole[i].spec, false);
		for (size_t linear = 1; linear <= bytes.length; linear++) {
			const struct view view = {.linear = linear};
			struct packet pkt;

			assert_int_equal(parse(&bytes, &view, &pkt),
					 linear < needed ? PARSE_NOT_LINEAR : NEXT);
		}
	}
}

/* Whatever a frame says of itself, the parser stays within it and gives one of its answers. */
static void any_bytes_are_parsed_within_the_frame(void **state)
{
	uint32_t random = 1;

	(void)state;
	for (int round = 0; round < 200000; round++) {
		struct packet_bytes bytes;
		struct packet pkt;
		int result;

		packet_build(&bytes, &whole[round % WHOLE].spec, false);
		for (int lies = 0; lies < 3; lies++) {
			random = random * 1664525 + 1013904223;
			bytes.data[12 + (random >> 8) % (bytes.length - 12)] = random >> 24;
		}
		random = random * 1664525 + 1013904223;
		if (random >> 31)
			bytes.length = 1 + (random >> 8) % bytes.length;
		result = parse(&bytes, &(struct view){}, &pkt);
		assert_true(result == NEXT || result == REASON_NON_IP ||
			    result == REASON_MALFORMED);
		assert_int_equal(pkt.length, bytes.length);
	}
}

static void an_ipv4_address_is_word_0_in_host_order(void **state)
{
	const struct packet_spec spec = {.peer = "192.0.2.77", .port = 53};
	struct packet pkt;

	(void)state;
	assert_int_equal(parse_spec(&spec, &pkt), NEXT);
	assert_int_equal(pkt.key.words[0], 0xc000024d);
	for (int i = 1; i < KEY_PROTO_PORT; i++)
		assert_int_equal(pkt.key.words[i], 0);
	assert_int_equal(pkt.key.words[KEY_PROTO_PORT], 17 << 24 | KEY_HAS_PORTS | 53);
	assert_int_equal(pkt.key.words[KEY_PORT], KEY_HAS_PORTS | 53);
	assert_int_equal(pkt.family, FAMILY_IPV4);
}

static void an_ipv6_address_is_four_words_in_host_order(void **state)
{
	const struct packet_spec spec = {.peer = "2001:db8:1:2:3:4:5:6", .port = 53};
	struct packet pkt;

	(void)state;
	assert_int_equal(parse_spec(&spec, &pkt), NEXT);
	assert_int_equal(pkt.key.words[0], 0x20010db8);
	assert_int_equal(pkt.key.words[1], 0x00010002);
	assert_int_equal(pkt.key.words[2], 0x00030004);
	assert_int_equal(pkt.key.words[3], 0x00050006);
	assert_int_equal(pkt.family, FAMILY_IPV6);
}

static void the_way_out_takes_the_destination(void **state)
{
	static const char *const peers[] = {PEER4, PEER6};

	(void)state;
	for (int i = 0; i < 2; i++) {
		const struct packet_spec spec = {.peer = peers[i], .from_port = 7, .port = 53};
		const struct view view = {.egress = 1};
		struct packet_bytes bytes;
		struct packet in, out;

		assert_int_equal(parse_spec(&spec, &in), NEXT);
		packet_build(&bytes, &spec, true);
		assert_int_equal(parse(&bytes, &view, &out), NEXT);
		assert_memory_equal(&in, &out, sizeof(in));
	}
}

static void port_0_is_a_port(void **state)
{
	const struct packet_spec spec = {.peer = PEER4, .port = 0};
	struct packet pkt;

	(void)state;
	assert_int_equal(parse_spec(&spec, &pkt), NEXT);
	assert_int_equal(pkt.key.words[KEY_PORT], KEY_HAS_PORTS);
}

static void a_later_fragment_has_no_ports(void **state)
{
	const struct packet_spec spec = {.peer = PEER4, .port = 53, .fragment_offset = 8};
	struct packet pkt;

	(void)state;
	assert_int_equal(parse_spec(&spec, &pkt), NEXT);
	assert_int_equal(pkt.key.words[KEY_PORT], 0);
	assert_int_equal(pkt.key.words[KEY_PROTO_PORT], 17 << 24);
	assert_int_equal(pkt.fragment, 1);
}

static void a_protocol_without_ports_has_none(void **state)
{
	struct packet_spec spec = {.peer = PEER4, .port = 53};
	struct packet pkt;

	(void)state;
	for (int protocol = 1; protocol < 256; protocol++) {
		const int ports = protocol == IPPROTO_TCP || protocol == IPPROTO_UDP ||
				  protocol == IPPROTO_SCTP || protocol == IPPROTO_DCCP ||
				  protocol == IPPROTO_UDPLITE;

		spec.protocol = protocol;
		assert_int_equal(parse_spec(&spec, &pkt), NEXT);
		assert_int_equal(pkt.key.words[KEY_PORT], ports ? KEY_HAS_PORTS | 53 : 0);
		assert_int_equal(pkt.key.words[KEY_PROTO_PORT] >> KEY_PROTO_SHIFT, protocol);
	}
}

static void a_tag_in_the_metadata_counts_as_one(void **state)
{
	static const uint16_t tags[] = {0x88a8, 0x8100, 0x8100};
	struct packet_spec spec = {.peer = PEER4, .port = 53};

	(void)state;
	for (int in_frame = 0; in_frame <= 3; in_frame++) {
		for (uint32_t in_metadata = 0; in_metadata <= 1; in_metadata++) {
			const struct view view = {.tags = in_metadata};
			struct packet_bytes bytes;
			struct packet pkt;

			packet_build(&bytes, &spec, false);
			assert_int_equal(parse(&bytes, &view, &pkt),
					 in_frame + in_metadata > 2 ? REASON_MALFORMED : NEXT);
		}
		if (in_frame < 3)
			spec.tags[in_frame] = tags[in_frame];
	}
}

static void only_a_packet_to_be_segmented_may_hide_its_length(void **state)
{
	static const char *const peers[] = {PEER4, PEER6};

	(void)state;
	for (int i = 0; i < 2; i++) {
		const struct packet_spec spec = {.peer = peers[i],
						 .protocol = IPPROTO_TCP,
						 .ip_length_is = ZERO,
						 .payload_bytes = 3000};
		const struct view segmented = {.segmented = 1}, plain = {};
		struct packet_bytes bytes;
		struct packet pkt;

		packet_build(&bytes, &spec, false);
		assert_int_equal(parse(&bytes, &segmented, &pkt), NEXT);
		assert_int_equal(parse(&bytes, &plain, &pkt), REASON_MALFORMED);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_whole_packet_is_parsed),
		cmocka_unit_test(a_packet_cut_at_any_byte_is_malformed),
		cmocka_unit_test(headers_outside_the_linear_part_are_asked_for),
		cmocka_unit_test(any_bytes_are_parsed_within_the_frame),
		cmocka_unit_test(an_ipv4_address_is_word_0_in_host_order),
		cmocka_unit_test(an_ipv6_address_is_four_words_in_host_order),
		cmocka_unit_test(the_way_out_takes_the_destination),
		cmocka_unit_test(port_0_is_a_port),
		cmocka_unit_test(a_later_fragment_has_no_ports),
		cmocka_unit_test(a_protocol_without_ports_has_none),
		cmocka_unit_test(a_tag_in_the_metadata_counts_as_one),
		cmocka_unit_test(only_a_packet_to_be_segmented_may_hide_its_length),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
