/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Packets of services in fragments: all of one packet go one way, and none shows a server.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <arpa/inet.h>
#include <linux/bpf.h>
#include <string.h>

#include "balancer.h"

#define CUT 24 /* bytes of the packet behind its IP header that are in the first fragment */

struct fragment6 {
	uint8_t next, reserved;
	uint16_t offset_flags;
	uint32_t id;
};

/* A fragment of a packet: the one before CUT, or the one behind it. */
static void make_fragment(struct packet_bytes *out, struct packet_bytes *packet, uint32_t id,
			  bool later)
{
	struct headers h = headers_of(packet);
	const size_t bytes = later ? h.l4_bytes - CUT : CUT;
	const size_t ip_end = (size_t)(h.l4 - packet->data);
	const bool ipv6 = h.v6;
	size_t used = ip_end;

	memset(out, 0, sizeof(*out));
	memcpy(out->data, packet->data, ip_end);
	if (ipv6) {
		struct ipv6hdr *ip = (void *)(out->data + ETH_HLEN);
		const struct fragment6 header = {
			.next = ip->nexthdr,
			.offset_flags = htons(later ? CUT : 1),
			.id = htonl(id),
		};

		ip->nexthdr = IPPROTO_FRAGMENT;
		ip->payload_len = htons((uint16_t)(sizeof(header) + bytes));
		memcpy(out->data + used, &header, sizeof(header));
		used += sizeof(header);
	}
	memcpy(out->data + used, h.l4 + (later ? CUT : 0), bytes);
	out->length = used + bytes;
	if (!ipv6) {
		struct iphdr *ip = (void *)(out->data + ETH_HLEN);

		ip->id = htons((uint16_t)id);
		ip->frag_off = htons(later ? CUT / 8 : 0x2000);
		ip->tot_len = htons((uint16_t)(out->length - ETH_HLEN));
		fill_ip_checksum(out);
	}
}

static void goes_as_the_packet_would(struct packet_bytes *in, struct packet_bytes *out,
				     uint32_t ifindex, uint32_t id, bool later)
{
	struct packet_bytes fragment, expected;

	make_fragment(&fragment, in, id, later);
	make_fragment(&expected, out, id, later);
	expect_forwarded(&fragment, ifindex, &expected, XDP_REDIRECT);
}

static void fragments_go_the_way_of_their_first(void **state)
{
	static const char *const modes[] = {"nat", "fullnat", "dsr"};
	struct packet_bytes packet, came, reply, arrives;

	(void)state;
	for (uint32_t i = 0; i < 6; i++) {
		const char *mode = modes[i >> 1];

		add_service(mode, strcmp(mode, "dsr") ? RPORT : VPORT, "");
		client_packet(&packet, i & 1, IPPROTO_UDP);
		to_server(&came, &packet, mode);
		goes_as_the_packet_would(&packet, &came, in_index, 100 + i, false);
		goes_as_the_packet_would(&packet, &came, in_index, 100 + i, true);
		goes_as_the_packet_would(&packet, &came, in_index, 100 + i, true);
		if (strcmp(mode, "dsr") == 0)
			continue;
		make_reply(&came, mode, &reply, &arrives);
		goes_as_the_packet_would(&reply, &arrives, out_index, 100 + i, false);
		goes_as_the_packet_would(&reply, &arrives, out_index, 100 + i, true);
		assert_int_equal(whole_connections(), 1);
		firewall_rules(&the_firewall, HOOK_XDP, "");
	}
}

static void a_fragment_before_its_first_is_dropped(void **state)
{
	struct packet_bytes packet, came, reply, arrives, fragment;

	(void)state;
	add_service("nat", RPORT, "");
	for (int i = 0; i < 2; i++) {
		client_packet(&packet, i, IPPROTO_UDP);
		to_server(&came, &packet, "nat");
		make_fragment(&fragment, &packet, 7, true);
		expect_dropped(&fragment, in_index, REASON_LVS_FRAGMENT);
		goes_as_the_packet_would(&packet, &came, in_index, 7, false);
		goes_as_the_packet_would(&packet, &came, in_index, 7, true);
		/* Of another packet, of another client, of the server. */
		make_fragment(&fragment, &packet, 8, true);
		expect_dropped(&fragment, in_index, REASON_LVS_FRAGMENT);
		set_addr(&packet, true, i ? PEER6_AFTER : PEER4_AFTER);
		make_fragment(&fragment, &packet, 7, true);
		expect_dropped(&fragment, in_index, REASON_LVS_FRAGMENT);
		make_reply(&came, "nat", &reply, &arrives);
		make_fragment(&fragment, &reply, 7, true);
		expect_dropped(&fragment, out_index, REASON_LVS_FRAGMENT);
	}
}

/* What is not for a service is this host's, at the virtual address as well. */
static void other_fragments_are_left_alone(void **state)
{
	struct packet_bytes packet, fragment;

	(void)state;
	add_service("nat", RPORT, "");
	for (int i = 0; i < 2; i++) {
		client_packet(&packet, i, IPPROTO_UDP);
		set_ports(&packet, 40000, VPORT + 1);
		fill_checksums(&packet);
		make_fragment(&fragment, &packet, 9, false);
		expect_passed_as_it_is(&fragment, in_index);
		make_fragment(&fragment, &packet, 9, true);
		expect_passed_as_it_is(&fragment, in_index);
		/* To another address in any order. */
		set_addr(&packet, false, i ? "2001:db8:1::11" : "198.51.100.11");
		make_fragment(&fragment, &packet, 10, true);
		expect_passed_as_it_is(&fragment, in_index);
	}
}

static void a_first_fragment_of_no_connection_shows_no_server(void **state)
{
	struct packet_bytes packet, came, reply, arrives, fragment;

	(void)state;
	add_service("nat", RPORT, "");
	for (int i = 0; i < 2; i++) {
		client_packet(&packet, i, IPPROTO_UDP);
		to_server(&came, &packet, "nat");
		make_reply(&came, "nat", &reply, &arrives);
		make_fragment(&fragment, &reply, 11, false);
		expect_dropped(&fragment, out_index, REASON_LVS_NO_REVERSE);
		make_fragment(&fragment, &reply, 11, true);
		expect_dropped(&fragment, out_index, REASON_LVS_FRAGMENT);
	}
}

static void default_deny_lets_fragments_through_whose_first_was_let_in(void **state)
{
	struct packet_bytes packet, came, fragment;

	(void)state;
	add_service_under_deny();
	client_packet(&packet, false, IPPROTO_UDP);
	to_server(&came, &packet, "nat");
	make_fragment(&fragment, &packet, 12, true);
	expect_dropped(&fragment, in_index, REASON_BLOCKED_DEFAULT);
	goes_as_the_packet_would(&packet, &came, in_index, 12, false);
	goes_as_the_packet_would(&packet, &came, in_index, 12, true);
}

/* RFC 1122, 3.2.2: an error about one would be one for each fragment. */
static void a_later_fragment_is_not_answered(void **state)
{
	struct packet_bytes packet, came, fragment;

	(void)state;
	add_service("nat", RPORT, "");
	for (int i = 0; i < 2; i++) {
		client_packet(&packet, i, IPPROTO_UDP);
		to_server(&came, &packet, "nat");
		goes_as_the_packet_would(&packet, &came, in_index, 13, false);
		if (i)
			headers_of(&packet).v6->hop_limit = 1;
		else
			headers_of(&packet).v4->ttl = 1;
		make_fragment(&fragment, &packet, 13, true);
		expect_dropped(&fragment, in_index, REASON_LVS_HOP_LIMIT);
	}
}

#define TEST(name) cmocka_unit_test_setup(name, balancer_setup)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(fragments_go_the_way_of_their_first),
		TEST(a_fragment_before_its_first_is_dropped),
		TEST(other_fragments_are_left_alone),
		TEST(a_first_fragment_of_no_connection_shows_no_server),
		TEST(default_deny_lets_fragments_through_whose_first_was_let_in),
		TEST(a_later_fragment_is_not_answered),
	};

	return cmocka_run_group_tests_name("lvs_fragment", tests, balancer_group_setup,
					   firewall_group_teardown);
}
