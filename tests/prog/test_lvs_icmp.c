/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * ICMP errors about packets that the load balancer translated: each end must see an error about
 * what it sent itself, or paths with a smaller MTU swallow its packets.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <arpa/inet.h>
#include <bpf/bpf.h>
#include <linux/bpf.h>
#include <stdio.h>
#include <string.h>

#include "../../src/connections.h"
#include "balancer.h"
#include "connection_tables.h"

/* Between the balancer and the client, the server. */
#define CLIENT_ROUTER4 "192.0.2.200"
#define CLIENT_ROUTER6 "2001:db8:77::200"
#define SERVER_ROUTER4 "203.0.113.200"
#define SERVER_ROUTER6 "2001:db8:5::200"

static const struct error_type types4[] = {
	{3, 1, 0}, {3, 3, 0}, {3, 4, 1400}, {11, 0, 0}, {12, 0, 0x14000000}};
static const struct error_type types6[] = {
	{1, 0, 0}, {1, 4, 0}, {2, 0, 1400}, {3, 0, 0}, {4, 1, 6}};
#define TYPES 5
_Static_assert(sizeof(types4) == TYPES * sizeof(types4[0]) && sizeof(types6) == sizeof(types4), "");

static const char *const modes[] = {"nat", "fullnat"};

/* The client's packet, and the server's answer: as they are sent and as they arrive. */
struct talk {
	struct packet_bytes sent, came, reply, arrives;
	const char *mode;
	bool ipv6;
};

/* TCP connections are half-open, others are whole. */
static struct talk begin(const char *mode, bool ipv6, uint8_t protocol)
{
	struct talk talk = {.mode = mode, .ipv6 = ipv6};

	add_service(mode, RPORT, "");
	client_packet(&talk.sent, ipv6, protocol);
	to_server(&talk.came, &talk.sent, mode);
	expect_forwarded(&talk.sent, in_index, &talk.came, XDP_REDIRECT);
	make_reply(&talk.came, mode, &talk.reply, &talk.arrives);
	expect_forwarded(&talk.reply, out_index, &talk.arrives, XDP_REDIRECT);
	return talk;
}

/* What the client sent, as it would quote it had it been told where it really went: one hop on. */
static struct packet_bytes sent_one_hop_on(const struct talk *talk)
{
	struct packet_bytes packet = talk->sent;

	set_hop(&packet, CLIENT_MAC, in_mac);
	fill_checksums(&packet);
	return packet;
}

static struct packet_bytes reply_one_hop_on(const struct talk *talk)
{
	struct packet_bytes packet = talk->reply;

	set_hop(&packet, SERVER_MAC, out_mac);
	fill_checksums(&packet);
	return packet;
}

/* An error about what the client sent; whoever is behind the balancer is the virtual address. */
static void reaches_the_client(struct talk *talk, const char *from, const struct error_type *type,
			       size_t quoted)
{
	struct packet_bytes error, expected, about = sent_one_hop_on(talk);

	make_error(&error, &talk->came, from, type, quoted);
	make_error(&expected, &about, talk->ipv6 ? HOST6 : HOST4, type, quoted);
	set_hop(&expected, CLIENT_MAC, in_mac);
	fill_checksums(&expected);
	expect_forwarded(&error, out_index, &expected, XDP_REDIRECT);
}

/* An error about what the server sent; of fullnat it knows nobody but the virtual address. */
static void reaches_the_server(struct talk *talk, const char *from, const struct error_type *type,
			       size_t quoted)
{
	struct packet_bytes error, expected, about = reply_one_hop_on(talk);
	const char *vip = talk->ipv6 ? HOST6 : HOST4;

	make_error(&error, &talk->arrives, from, type, quoted);
	make_error(&expected, &about, strcmp(talk->mode, "nat") == 0 ? from : vip, type, quoted);
	set_hop(&expected, SERVER_MAC, out_mac);
	fill_checksums(&expected);
	expect_forwarded(&error, in_index, &expected, XDP_REDIRECT);
}

static void all_errors(struct talk *talk)
{
	/* The first 8 bytes have UDP's checksum; 16 end before TCP's, 18 behind it. */
	static const size_t quoted[] = {8, 16, 18, ALL_OF_IT};
	const struct error_type *types = talk->ipv6 ? types6 : types4;

	for (size_t i = 0; i < TYPES; i++) {
		for (size_t j = 0; j < sizeof(quoted) / sizeof(quoted[0]); j++) {
			reaches_the_client(talk, talk->ipv6 ? SERVER6 : SERVER4, &types[i],
					   quoted[j]);
			reaches_the_server(talk, talk->ipv6 ? PEER6 : PEER4, &types[i], quoted[j]);
		}
		reaches_the_client(talk, talk->ipv6 ? SERVER_ROUTER6 : SERVER_ROUTER4, &types[i],
				   8);
		reaches_the_server(talk, talk->ipv6 ? CLIENT_ROUTER6 : CLIENT_ROUTER4, &types[i],
				   8);
	}
}

static void each_end_gets_errors_about_what_it_sent(void **state)
{
	(void)state;
	for (int i = 0; i < 8; i++) {
		struct talk talk = begin(modes[i >> 2], i & 1, i & 2 ? IPPROTO_TCP : IPPROTO_UDP);

		all_errors(&talk);
		firewall_rules(&the_firewall, HOOK_XDP, "");
	}
}

/* A server of dsr has the virtual address itself, so what it sent is quoted as it is. */
static void errors_for_a_server_of_dsr_reach_it_unchanged(void **state)
{
	(void)state;
	add_service("dsr", VPORT, "");
	for (int i = 0; i < 4; i++) {
		const bool ipv6 = i & 1;
		struct packet_bytes packet, expected, reply;

		client_packet(&packet, ipv6, i & 2 ? IPPROTO_TCP : IPPROTO_UDP);
		to_server(&expected, &packet, "dsr");
		expect_forwarded(&packet, in_index, &expected, XDP_REDIRECT);
		reply = packet;
		set_addr(&reply, true, ipv6 ? HOST6 : HOST4);
		set_addr(&reply, false, ipv6 ? PEER6 : PEER4);
		set_ports(&reply, VPORT, 40000);
		fill_checksums(&reply);
		make_error(&packet, &reply, ipv6 ? CLIENT_ROUTER6 : CLIENT_ROUTER4,
			   ipv6 ? &types6[2] : &types4[2], 8);
		to_server(&expected, &packet, "dsr");
		expect_forwarded(&packet, in_index, &expected, XDP_REDIRECT);
	}
}

static struct conn only_connection(void)
{
	return the_connection(connection_maps_of(the_firewall.store).track_fd);
}

/* Anybody can forge an error: a connection may neither live longer by it nor end. */
static void an_error_changes_nothing_of_its_connection(void **state)
{
	struct conn before, after;

	(void)state;
	for (int i = 0; i < 2; i++) {
		struct talk talk = begin("nat", i, IPPROTO_UDP);

		before = only_connection();
		shell("sleep 0.02"); /* the programs' clock goes on: five of its steps */
		all_errors(&talk);
		after = only_connection();
		assert_memory_equal(&before, &after, sizeof(before));
		firewall_rules(&the_firewall, HOOK_XDP, "");
	}
}

/* As make_error() made it, but for one thing; then it is not a matter of the load balancer. */
static void is_left_to_the_rules(struct packet_bytes *error, uint32_t ifindex)
{
	fill_checksums(error);
	expect_passed_as_it_is(error, ifindex);
}

static void errors_about_no_connection_are_left_to_the_rules(void **state)
{
	(void)state;
	for (int i = 0; i < 2; i++) {
		struct talk talk = begin("nat", i, IPPROTO_UDP);
		const char *from = i ? PEER6 : PEER4;
		const struct error_type *unreachable = i ? &types6[1] : &types4[1];
		const struct error_type others[] = {{i ? 128 : 8, 0, 0},
						    {i ? 129 : 0, 0, 0},
						    {i ? 137 : 5, 0, 0},
						    {i ? 0 : 4, 0, 0}};
		struct packet_bytes error, about;
		uint8_t *quoted;

		/* Another port of the client, of the service; another client; another protocol. */
		about = talk.arrives;
		set_ports(&about, VPORT, 40001);
		make_error(&error, &about, from, unreachable, 8);
		is_left_to_the_rules(&error, in_index);
		about = talk.arrives;
		set_ports(&about, VPORT + 1, 40000);
		make_error(&error, &about, from, unreachable, 8);
		is_left_to_the_rules(&error, in_index);
		about = talk.arrives;
		set_addr(&about, false, i ? PEER6_AFTER : PEER4_AFTER);
		make_error(&error, &about, from, unreachable, 8);
		is_left_to_the_rules(&error, in_index);
		about = talk.arrives;
		if (i)
			((struct ipv6hdr *)(about.data + ETH_HLEN))->nexthdr = IPPROTO_TCP;
		else
			((struct iphdr *)(about.data + ETH_HLEN))->protocol = IPPROTO_TCP;
		make_error(&error, &about, from, unreachable, 20);
		is_left_to_the_rules(&error, in_index);
		/* Not to whom the quoted packet came from; what it quotes has no ports; no IP. */
		make_error(&error, &talk.arrives, from, unreachable, 8);
		set_addr(&error, false, i ? "2001:db8:1::11" : "198.51.100.11");
		is_left_to_the_rules(&error, in_index);
		make_error(&error, &talk.arrives, from, unreachable, 7);
		is_left_to_the_rules(&error, in_index);
		make_error(&error, &talk.arrives, from, unreachable, 8);
		quoted = (uint8_t *)(headers_of(&error).icmp + 1);
		quoted[0] = 0x55;
		is_left_to_the_rules(&error, in_index);
		/* Messages that quote nothing, or are not for this. */
		for (size_t j = 0; j < sizeof(others) / sizeof(others[0]); j++) {
			make_error(&error, &talk.arrives, from, &others[j], 8);
			is_left_to_the_rules(&error, in_index);
		}
		firewall_rules(&the_firewall, HOOK_XDP, "");
	}
}

static void a_later_fragment_that_is_quoted_has_no_ports(void **state)
{
	struct talk talk = begin("nat", false, IPPROTO_UDP);
	struct packet_bytes error;

	(void)state;
	make_error(&error, &talk.arrives, PEER4, &types4[1], 8);
	((struct iphdr *)(headers_of(&error).icmp + 1))->frag_off = htons(1);
	is_left_to_the_rules(&error, in_index);
}

static void a_servers_error_about_no_connection_goes_nowhere(void **state)
{
	(void)state;
	for (int i = 0; i < 2; i++) {
		struct talk talk = begin("nat", i, IPPROTO_UDP);
		struct packet_bytes error, about = talk.came;

		set_ports(&about, 40001, RPORT);
		make_error(&error, &about, i ? SERVER6 : SERVER4, i ? &types6[1] : &types4[1], 8);
		expect_dropped(&error, out_index, REASON_LVS_NO_REVERSE);
		firewall_rules(&the_firewall, HOOK_XDP, "");
	}
}

/* In the packets that are quoted as well. */
static void no_udp_checksum_and_options_stay_in_the_quoted_packet(void **state)
{
	const struct packet_spec spec = {.peer = PEER4,
					 .protocol = IPPROTO_UDP,
					 .from_port = 40000,
					 .port = VPORT,
					 .ihl_is = 8,
					 .payload_bytes = 10};
	struct talk talk = {.mode = "nat"};

	(void)state;
	add_service("nat", RPORT, "");
	packet_build(&talk.sent, &spec, false);
	headers_of(&talk.sent).udp->check = 0;
	fill_checksums(&talk.sent);
	to_server(&talk.came, &talk.sent, "nat");
	expect_forwarded(&talk.sent, in_index, &talk.came, XDP_REDIRECT);
	reaches_the_client(&talk, SERVER4, &types4[1], 8);
}

static void default_deny_lets_errors_of_connections_through_and_no_others(void **state)
{
	(void)state;
	for (int i = 0; i < 2; i++) {
		const struct error_type *type = i ? &types6[1] : &types4[1];
		struct talk talk = begin("nat", i, IPPROTO_UDP);
		struct packet_bytes error, about = talk.arrives;

		add_service_under_deny();
		reaches_the_client(&talk, i ? SERVER6 : SERVER4, type, 8);
		reaches_the_server(&talk, i ? CLIENT_ROUTER6 : CLIENT_ROUTER4, type, 8);
		set_ports(&about, VPORT, 40001);
		make_error(&error, &about, i ? PEER6 : PEER4, type, 8);
		expect_dropped(&error, in_index, REASON_BLOCKED_DEFAULT);
		make_error(&error, &talk.arrives, i ? PEER6 : PEER4,
			   &(struct error_type){i ? 128 : 8, 0, 0}, 8);
		expect_dropped(&error, in_index, REASON_BLOCKED_DEFAULT);
		firewall_rules(&the_firewall, HOOK_XDP, "");
	}
}

#define TEST(name) cmocka_unit_test_setup(name, balancer_setup)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(each_end_gets_errors_about_what_it_sent),
		TEST(errors_for_a_server_of_dsr_reach_it_unchanged),
		TEST(an_error_changes_nothing_of_its_connection),
		TEST(errors_about_no_connection_are_left_to_the_rules),
		TEST(a_later_fragment_that_is_quoted_has_no_ports),
		TEST(a_servers_error_about_no_connection_goes_nowhere),
		TEST(no_udp_checksum_and_options_stay_in_the_quoted_packet),
		TEST(default_deny_lets_errors_of_connections_through_and_no_others),
	};

	return cmocka_run_group_tests_name("lvs_icmp", tests, balancer_group_setup,
					   firewall_group_teardown);
}
