/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * ICMP errors that XDP makes itself, of packets of services that cannot go on: who sent one is
 * told, in terms of what he sent, and never more often than is good for him.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <arpa/inet.h>
#include <linux/bpf.h>
#include <string.h>

#include "../../src/connections.h"
#include "balancer.h"

#define MTU 1400

static const struct error_type time_exceeded[] = {{11, 0, 0}, {3, 0, 0}};
static const struct error_type too_big[] = {{3, 4, MTU}, {2, 0, MTU}};

static void set_hop_limit(struct packet_bytes *packet, uint8_t hop_limit)
{
	struct headers h = headers_of(packet);

	if (h.v4)
		h.v4->ttl = hop_limit;
	else
		h.v6->hop_limit = hop_limit;
	fill_checksums(packet);
}

/* A datagram of so many bytes, IP header and all; IPv4 forbids to cut it. */
static void sized_packet(struct packet_bytes *out, bool ipv6, size_t bytes)
{
	const struct packet_spec spec = {
		.peer = ipv6 ? PEER6 : PEER4,
		.protocol = IPPROTO_UDP,
		.from_port = 40000,
		.port = VPORT,
		.payload_bytes = (uint16_t)(bytes - (ipv6 ? 40 : 20) - sizeof(struct udphdr)),
		.dont_fragment = !ipv6,
	};

	packet_build(out, &spec, false);
	headers_of(out).udp->check = 1; /* to be computed */
	fill_checksums(out);
}

/* What comes back of a packet: at most 576 or 1280 bytes, from the virtual address. */
static void make_answer(struct packet_bytes *out, const struct packet_bytes *packet,
			const struct error_type *error)
{
	struct packet_bytes about = *packet;
	struct headers of = headers_of(&about), h;
	const size_t most = of.v6 ? 1280 - 40 - 8 - 40 : 576 - 20 - 8 - 20;

	make_error(out, &about, of.v6 ? HOST6 : HOST4, error, most);
	h = headers_of(out);
	memcpy(h.eth->h_dest, of.eth->h_source, ETH_ALEN);
	memcpy(h.eth->h_source, of.eth->h_dest, ETH_ALEN);
	if (h.v4)
		h.v4->frag_off = htons(0x4000);
	set_hop_limit(out, 64);
}

/* The rate of answers is each CPU's, so a test that is to see them waits for them to be due. */
static struct result run_until_answered(const struct packet_bytes *packet, uint32_t ifindex)
{
	struct result result = run_packet(packet, ifindex);

	for (int i = 0; i < 1000 && result.action == XDP_DROP; i++) {
		shell("sleep 0.01");
		result = run_packet(packet, ifindex);
	}
	return result;
}

static void expect_answered(const struct packet_bytes *packet, uint32_t ifindex, uint32_t reason,
			    const struct error_type *error)
{
	struct result result = run_until_answered(packet, ifindex);
	struct packet_bytes expected;

	assert_int_equal(result.reason, reason);
	assert_int_equal(result.action, XDP_TX);
	make_answer(&expected, packet, error);
	assert_same_packet(&result.packet, &expected);
}

static void a_hop_limit_of_one_is_answered(void **state)
{
	struct packet_bytes packet, expected, reply, arrives;

	(void)state;
	for (int i = 0; i < 4; i++) {
		const char *mode = i & 2 ? "fullnat" : "nat";

		add_service(mode, RPORT, "");
		client_packet(&packet, i & 1, IPPROTO_UDP);
		set_hop_limit(&packet, 1);
		expect_answered(&packet, in_index, REASON_LVS_HOP_LIMIT, &time_exceeded[i & 1]);
		set_hop_limit(&packet, 0);
		expect_answered(&packet, in_index, REASON_LVS_HOP_LIMIT, &time_exceeded[i & 1]);
		set_hop_limit(&packet, 2);
		to_server(&expected, &packet, mode);
		expect_forwarded(&packet, in_index, &expected, XDP_REDIRECT);
		make_reply(&expected, mode, &reply, &arrives);
		set_hop_limit(&reply, 1);
		expect_answered(&reply, out_index, REASON_LVS_HOP_LIMIT, &time_exceeded[i & 1]);
		firewall_rules(&the_firewall, HOOK_XDP, "");
	}
}

static void a_packet_too_big_for_its_way_is_answered(void **state)
{
	struct packet_bytes packet, expected, reply, arrives;

	(void)state;
	for (int i = 0; i < 4; i++) {
		const char *mode = i & 2 ? "fullnat" : "nat";

		add_service(mode, RPORT, "");
		shell("ip link set out0 mtu 1400");
		sized_packet(&packet, i & 1, MTU + 1);
		expect_answered(&packet, in_index, REASON_LVS_TOO_BIG, &too_big[i & 1]);
		sized_packet(&packet, i & 1, MTU);
		to_server(&expected, &packet, mode);
		expect_forwarded(&packet, in_index, &expected, XDP_REDIRECT);
		shell("ip link set out0 mtu 1500 && ip link set in0 mtu 1400");
		sized_packet(&packet, i & 1, MTU + 1);
		to_server(&expected, &packet, mode);
		make_reply(&expected, mode, &reply, &arrives);
		expect_answered(&reply, out_index, REASON_LVS_TOO_BIG, &too_big[i & 1]);
		shell("ip link set in0 mtu 1500");
		expect_forwarded(&reply, out_index, &arrives, XDP_REDIRECT);
		firewall_rules(&the_firewall, HOOK_XDP, "");
	}
}

static void dsr_is_answered_as_well(void **state)
{
	struct packet_bytes packet;

	(void)state;
	add_service("dsr", VPORT, "");
	shell("ip link set out0 mtu 1400");
	for (int i = 0; i < 2; i++) {
		sized_packet(&packet, i, MTU + 1);
		expect_answered(&packet, in_index, REASON_LVS_TOO_BIG, &too_big[i]);
	}
	shell("ip link set out0 mtu 1500");
}

/* Of every length, for the checksum's end, up to where quotes end. */
static void all_that_may_be_quoted_is_quoted(void **state)
{
	static const size_t lengths[] = {60,  61,  62,	 63,   64,   547,  548, 549,
					 576, 577, 1231, 1232, 1233, 1280, 1499};
	struct packet_bytes packet;

	(void)state;
	add_service("nat", RPORT, "");
	for (size_t i = 0; i < sizeof(lengths) / sizeof(lengths[0]); i++)
		for (int ipv6 = 0; ipv6 < 2; ipv6++) {
			sized_packet(&packet, ipv6, lengths[i]);
			set_hop_limit(&packet, 1);
			expect_answered(&packet, in_index, REASON_LVS_HOP_LIMIT,
					&time_exceeded[ipv6]);
		}
}

static void padding_of_the_frame_is_not_quoted(void **state)
{
	struct packet_bytes packet, padded, expected;
	struct result result;

	(void)state;
	add_service("nat", RPORT, "");
	sized_packet(&packet, false, 30);
	set_hop_limit(&packet, 1);
	padded = packet;
	padded.length = 60;
	result = run_until_answered(&padded, in_index);
	make_answer(&expected, &packet, &time_exceeded[0]);
	assert_same_packet(&result.packet, &expected);
}

/* What the stack sends on it need not answer: it cuts the packet. It cannot where addresses are its
 * own. */
static void ipv4_that_may_be_cut_is_left_to_the_stack_where_that_can(void **state)
{
	struct packet_bytes packet, expected, reply, arrives;
	struct result result;

	(void)state;
	add_service("nat", RPORT, "");
	shell("ip link set out0 mtu 1400");
	sized_packet(&packet, false, MTU + 1);
	headers_of(&packet).v4->frag_off = 0;
	fill_checksums(&packet);
	to_server(&expected, &packet, "nat");
	make_reply(&expected, "nat", &reply, &arrives);
	memcpy(expected.data, packet.data, 2 * ETH_ALEN);
	result = run_packet(&packet, in_index);
	assert_int_equal(result.reason, REASON_LOAD_BALANCED);
	assert_int_equal(result.action, XDP_PASS);
	assert_same_packet(&result.packet, &expected);
	assert_true(result.note.magic == 0);
	shell("ip link set out0 mtu 1500 && ip link set in0 mtu 1400");
	expect_answered(&reply, out_index, REASON_LVS_TOO_BIG, &too_big[0]);
	shell("ip link set in0 mtu 1500");
}

/* Its tag goes back with it. */
static void a_tagged_frame_is_answered_tagged(void **state)
{
	static const uint8_t tag[] = {0x81, 0x00, 0x00, 0x07};
	struct packet_bytes packet, tagged, expected;
	struct result result;

	(void)state;
	add_service("nat", RPORT, "");
	client_packet(&packet, false, IPPROTO_UDP);
	set_hop_limit(&packet, 1);
	make_answer(&expected, &packet, &time_exceeded[0]);
	for (struct packet_bytes *each = &packet;; each = &expected) {
		memmove(each->data + 16, each->data + 12, each->length - 12);
		memcpy(each->data + 12, tag, sizeof(tag));
		each->length += sizeof(tag);
		if (each == &expected)
			break;
	}
	tagged = packet;
	result = run_until_answered(&tagged, in_index);
	assert_int_equal(result.reason, REASON_LVS_HOP_LIMIT);
	assert_int_equal(result.action, XDP_TX);
	assert_same_packet(&result.packet, &expected);
}

/* Whoever answers these could go on for ever, or be many. */
static void what_must_not_be_answered_is_dropped(void **state)
{
	static const char *const sources4[] = {"0.0.0.0", "127.0.0.1", "224.0.0.1",
					       "255.255.255.255"};
	static const char *const sources6[] = {"::", "ff02::1"};
	struct packet_bytes packet, expected, reply, arrives, error;

	(void)state;
	add_service("nat", RPORT, "");
	shell("sleep 0.1"); /* answers are due again */
	for (size_t i = 0; i < 6; i++) {
		client_packet(&packet, i > 3, IPPROTO_UDP);
		set_addr(&packet, true, i > 3 ? sources6[i - 4] : sources4[i]);
		set_hop_limit(&packet, 1);
		expect_dropped(&packet, in_index, REASON_LVS_HOP_LIMIT);
	}
	client_packet(&packet, false, IPPROTO_UDP);
	set_hop_limit(&packet, 1);
	headers_of(&packet).eth->h_dest[0] |= 1;
	expect_dropped(&packet, in_index, REASON_LVS_HOP_LIMIT);
	for (int i = 0; i < 2; i++) {
		client_packet(&packet, i, IPPROTO_UDP);
		to_server(&expected, &packet, "nat");
		expect_forwarded(&packet, in_index, &expected, XDP_REDIRECT);
		make_reply(&expected, "nat", &reply, &arrives);
		make_error(&error, &arrives, i ? PEER6 : PEER4, &time_exceeded[i], 8);
		set_hop_limit(&error, 1);
		expect_dropped(&error, in_index, REASON_LVS_HOP_LIMIT);
	}
}

static void answers_are_limited(void **state)
{
	const uint64_t begin_ns = connections_now_ns();
	struct packet_bytes packet;
	uint32_t answered = 0, tries = 0;
	uint64_t most;

	(void)state;
	add_service("nat", RPORT, "");
	client_packet(&packet, false, IPPROTO_UDP);
	set_hop_limit(&packet, 1);
	shell("sleep 0.1");
	do {
		answered += run_packet(&packet, in_index).action == XDP_TX;
		tries++;
		most = 2 * (50 + (connections_now_ns() - begin_ns) / 1000000 + 1);
	} while (tries == answered && tries < 100000);
	assert_in_range(answered, 50, most);
	assert_true(tries > answered);
}

#define TEST(name) cmocka_unit_test_setup(name, balancer_setup)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_hop_limit_of_one_is_answered),
		TEST(a_packet_too_big_for_its_way_is_answered),
		TEST(dsr_is_answered_as_well),
		TEST(all_that_may_be_quoted_is_quoted),
		TEST(padding_of_the_frame_is_not_quoted),
		TEST(ipv4_that_may_be_cut_is_left_to_the_stack_where_that_can),
		TEST(a_tagged_frame_is_answered_tagged),
		TEST(what_must_not_be_answered_is_dropped),
		TEST(answers_are_limited),
	};

	return cmocka_run_group_tests_name("lvs_answer", tests, balancer_group_setup,
					   firewall_group_teardown);
}
