/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Load balancing in the XDP program: connections, their packets and which of them are dropped. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <arpa/inet.h>
#include <linux/bpf.h>
#include <string.h>

#include "../../src/cleanup.h"
#include "../../src/connections.h"
#include "balancer.h"

static void goes_there_and_back(const char *mode, bool ipv6, uint8_t protocol)
{
	struct packet_bytes packet, expected, reply, arrives;

	client_packet(&packet, ipv6, protocol);
	to_server(&expected, &packet, mode);
	expect_forwarded(&packet, in_index, &expected, XDP_REDIRECT);
	assert_int_equal(whole_connections(), 0);
	make_reply(&expected, mode, &reply, &arrives);
	expect_forwarded(&reply, out_index, &arrives, XDP_REDIRECT);
	if (protocol == IPPROTO_TCP) {
		set_tcp(&packet, ACK, 1001, 5001);
		to_server(&expected, &packet, mode);
		expect_forwarded(&packet, in_index, &expected, XDP_REDIRECT);
	}
	assert_int_equal(whole_connections(), 1);
	assert_int_equal(reverse_entries(), 1);
	/* Once more, by the tables of whole connections. */
	expect_forwarded(&packet, in_index, &expected, XDP_REDIRECT);
	expect_forwarded(&reply, out_index, &arrives, XDP_REDIRECT);
}

static void for_all(const char *mode)
{
	for (int i = 0; i < 4; i++) {
		add_service(mode, RPORT, "");
		goes_there_and_back(mode, i & 1, i & 2 ? IPPROTO_TCP : IPPROTO_UDP);
		firewall_rules(&the_firewall, HOOK_XDP, "");
		assert_int_equal(whole_connections(), 0);
		assert_int_equal(reverse_entries(), 0);
	}
}

static void nat_rewrites_both_directions(void **state)
{
	(void)state;
	for_all("nat");
}

static void fullnat_rewrites_the_client_as_well(void **state)
{
	(void)state;
	for_all("fullnat");
}

static void dsr_changes_the_frame_only(void **state)
{
	struct packet_bytes packet, expected;

	(void)state;
	add_service("dsr", VPORT, "");
	for (int i = 0; i < 4; i++) {
		const uint8_t protocol = i & 2 ? IPPROTO_TCP : IPPROTO_UDP;

		client_packet(&packet, i & 1, protocol);
		to_server(&expected, &packet, "dsr");
		expect_forwarded(&packet, in_index, &expected, XDP_REDIRECT);
		if (protocol == IPPROTO_TCP) {
			set_tcp(&packet, ACK, 1001, 77);
			to_server(&expected, &packet, "dsr");
			expect_forwarded(&packet, in_index, &expected, XDP_REDIRECT);
		}
	}
	/* TCP's are known to be real; of UDP no answer is ever seen. */
	assert_int_equal(whole_connections(), 2);
	assert_int_equal(reverse_entries(), 0);
}

static void options_of_ip_stay(void **state)
{
	const struct packet_spec spec = {.peer = PEER4,
					 .protocol = IPPROTO_TCP,
					 .from_port = 40000,
					 .port = VPORT,
					 .ihl_is = 8,
					 .payload_bytes = 10};
	struct packet_bytes packet, expected;

	(void)state;
	add_service("nat", RPORT, "");
	packet_build(&packet, &spec, false);
	set_tcp(&packet, SYN, 1000, 0);
	to_server(&expected, &packet, "nat");
	expect_forwarded(&packet, in_index, &expected, XDP_REDIRECT);
}

static void no_udp_checksum_stays_none(void **state)
{
	struct packet_bytes packet, expected;

	(void)state;
	add_service("nat", RPORT, "");
	client_packet(&packet, false, IPPROTO_UDP);
	headers_of(&packet).udp->check = 0;
	to_server(&expected, &packet, "nat");
	assert_int_equal(headers_of(&expected).udp->check, 0);
	expect_forwarded(&packet, in_index, &expected, XDP_REDIRECT);
}

static void the_neighbours_of_a_service_are_left_alone(void **state)
{
	struct packet_bytes packet;

	(void)state;
	add_service("nat", RPORT, "");
	for (int i = 0; i < 2; i++) {
		client_packet(&packet, i, IPPROTO_TCP);
		set_ports(&packet, 40000, VPORT + 1);
		fill_checksums(&packet);
		expect_passed_as_it_is(&packet, in_index);
		client_packet(&packet, i, IPPROTO_UDP);
		set_addr(&packet, false, i ? "2001:db8:1::11" : "198.51.100.11");
		fill_checksums(&packet);
		expect_passed_as_it_is(&packet, in_index);
	}
}

static void only_a_syn_begins_a_tcp_connection(void **state)
{
	static const int others[] = {ACK, SYN | ACK, FIN | ACK, RST, FIN, 0};
	struct packet_bytes packet;

	(void)state;
	add_service("nat", RPORT, "");
	for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++) {
		client_packet(&packet, false, IPPROTO_TCP);
		set_tcp(&packet, others[i], 1000, 2000);
		expect_dropped(&packet, in_index, REASON_LVS_NO_CONNECTION);
	}
	assert_int_equal(whole_connections(), 0);
}

static void a_forged_acknowledgement_makes_no_connection(void **state)
{
	struct packet_bytes packet, expected, reply, arrives;

	(void)state;
	add_service("nat", RPORT, "");
	client_packet(&packet, false, IPPROTO_TCP);
	to_server(&expected, &packet, "nat");
	expect_forwarded(&packet, in_index, &expected, XDP_REDIRECT);
	/* Before the server said anything, and then of a number it did not say. */
	set_tcp(&packet, ACK, 1001, 5001);
	expect_dropped(&packet, in_index, REASON_LVS_NO_CONNECTION);
	make_reply(&expected, "nat", &reply, &arrives);
	expect_forwarded(&reply, out_index, &arrives, XDP_REDIRECT);
	set_tcp(&packet, ACK, 1001, 5002);
	expect_dropped(&packet, in_index, REASON_LVS_NO_CONNECTION);
	assert_int_equal(whole_connections(), 0);
	set_tcp(&packet, ACK, 1001, 5001);
	to_server(&expected, &packet, "nat");
	expect_forwarded(&packet, in_index, &expected, XDP_REDIRECT);
	assert_int_equal(whole_connections(), 1);
}

static void a_servers_packet_of_no_connection_goes_nowhere(void **state)
{
	struct packet_bytes packet, expected, reply, arrives;

	(void)state;
	add_service("nat", RPORT, "");
	for (int i = 0; i < 2; i++) {
		client_packet(&packet, i, IPPROTO_UDP);
		to_server(&expected, &packet, "nat");
		make_reply(&expected, "nat", &reply, &arrives);
		expect_dropped(&reply, out_index, REASON_LVS_NO_REVERSE);
		/* To this machine it may say what it wants: health checks. */
		set_addr(&reply, false, i ? "2001:db8:5::1" : "203.0.113.1");
		fill_checksums(&reply);
		expect_passed_as_it_is(&reply, out_index);
	}
}

static void without_a_server_it_is_dropped_and_a_disabled_service_is_none(void **state)
{
	struct packet_bytes packet;

	(void)state;
	add_service("nat", RPORT, "draining");
	client_packet(&packet, false, IPPROTO_TCP);
	expect_dropped(&packet, in_index, REASON_LVS_NO_SERVER);
	firewall_rules(&the_firewall, HOOK_XDP,
		       "service " HOST4 " port 80 proto tcp mode nat disabled;"
		       "server " HOST4 " port 80 proto tcp to " SERVER4 " port 8080");
	expect_passed_as_it_is(&packet, in_index);
}

static void without_a_neighbour_it_goes_up_translated_with_a_note(void **state)
{
	struct packet_bytes packet, expected;
	struct result result;

	(void)state;
	add_service("nat", RPORT, "");
	shell("ip neigh flush dev out0 && ip neigh flush dev out0 nud permanent");
	client_packet(&packet, false, IPPROTO_TCP);
	to_server(&expected, &packet, "nat");
	memcpy(expected.data, packet.data, 2 * ETH_ALEN);
	result = run_packet(&packet, in_index);
	assert_int_equal(result.reason, REASON_LOAD_BALANCED);
	assert_int_equal(result.action, XDP_PASS);
	assert_same_packet(&result.packet, &expected);
	assert_true(result.note.magic == FORWARD_NOTE_MAGIC);
	assert_int_equal(result.note.ifindex, out_index);
}

/* One client, one port, two virtual addresses with one server: its answers must be told apart. */
static void two_services_of_one_server_get_ports_of_their_own(void **state)
{
	struct packet_bytes packet, expected;
	struct result first, second;

	(void)state;
	firewall_rules(&the_firewall, HOOK_XDP,
		       "service " HOST4 " port 80 proto udp mode nat;"
		       "server " HOST4 " port 80 proto udp to " SERVER4 " port 8080;"
		       "service " HOST4 " port 81 proto udp mode nat;"
		       "server " HOST4 " port 81 proto udp to " SERVER4 " port 8080");
	client_packet(&packet, false, IPPROTO_UDP);
	to_server(&expected, &packet, "nat");
	first = run_packet(&packet, in_index);
	assert_same_packet(&first.packet, &expected);
	set_ports(&packet, 40000, 81);
	fill_checksums(&packet);
	second = run_packet(&packet, in_index);
	assert_int_equal(second.reason, REASON_LOAD_BALANCED);
	assert_int_not_equal(ntohs(headers_of(&second.packet).udp->source), 40000);
	/* Its answer comes from port 81, to the client's own port. */
	set_ports(&second.packet, 8080, ntohs(headers_of(&second.packet).udp->source));
	set_addr(&second.packet, true, SERVER4);
	set_addr(&second.packet, false, PEER4);
	fill_checksums(&second.packet);
	first = run_packet(&second.packet, out_index);
	assert_int_equal(first.reason, REASON_LOAD_BALANCED);
	assert_int_equal(ntohs(headers_of(&first.packet).udp->source), 81);
	assert_int_equal(ntohs(headers_of(&first.packet).udp->dest), 40000);
}

static void default_deny_lets_the_replies_through_and_nobody_else(void **state)
{
	struct packet_bytes packet, expected, reply, arrives;

	(void)state;
	add_service_under_deny();
	client_packet(&packet, false, IPPROTO_UDP);
	to_server(&expected, &packet, "nat");
	make_reply(&expected, "nat", &reply, &arrives);
	expect_dropped(&reply, out_index, REASON_BLOCKED_DEFAULT);
	expect_forwarded(&packet, in_index, &expected, XDP_REDIRECT);
	expect_forwarded(&reply, out_index, &arrives, XDP_REDIRECT);
	expect_forwarded(&reply, out_index, &arrives, XDP_REDIRECT);
	set_addr(&packet, true, PEER4_BEFORE);
	fill_checksums(&packet);
	expect_dropped(&packet, in_index, REASON_BLOCKED_DEFAULT);
}

/* A listed server is dropped whatever it belongs to; so is a client that is listed later. */
static void a_blacklist_ends_connections_as_well(void **state)
{
	struct packet_bytes packet, expected;

	(void)state;
	add_service("nat", RPORT, "");
	client_packet(&packet, false, IPPROTO_UDP);
	to_server(&expected, &packet, "nat");
	expect_forwarded(&packet, in_index, &expected, XDP_REDIRECT);
	firewall_rules(&the_firewall, HOOK_XDP,
		       "rule @ blacklist " PEER4 ";service " HOST4
		       " port 80 proto udp mode nat;server " HOST4 " port 80 proto udp to " SERVER4
		       " port 8080");
	expect_dropped(&packet, in_index, REASON_BLOCKED_BLACKLIST);
}

static void a_syn_after_the_end_begins_another_connection(void **state)
{
	struct packet_bytes packet, expected;
	struct lvs_counters counters;
	_cleanup_lvs_model_ struct lvs_model model = {0};

	(void)state;
	add_service("nat", RPORT, "");
	goes_there_and_back("nat", false, IPPROTO_TCP);
	client_packet(&packet, false, IPPROTO_TCP);
	set_tcp(&packet, RST, 1002, 0);
	to_server(&expected, &packet, "nat");
	expect_forwarded(&packet, in_index, &expected, XDP_REDIRECT);
	assert_int_equal(whole_connections(), 1);
	set_tcp(&packet, SYN, 9000, 0);
	to_server(&expected, &packet, "nat");
	expect_forwarded(&packet, in_index, &expected, XDP_REDIRECT);
	assert_int_equal(whole_connections(), 0);
	assert_int_equal(store_lvs(the_firewall.store, &model), 0);
	for (uint32_t i = 0; i < model.service_count; i++) {
		if (model.services[i].vip.family != FAMILY_IPV4 ||
		    model.services[i].vip.protocol != IPPROTO_TCP)
			continue;
		assert_int_equal(store_lvs_stats(the_firewall.store, &model.services[i].servers[0],
						 &counters),
				 0);
		assert_int_equal(counters.connections, 2);
		assert_int_equal(counters.in_packets, 5);
		assert_int_equal(counters.out_packets, 2);
	}
}

/* A server that stays keeps its connections through any change; one that goes loses them. */
static void a_restore_keeps_the_connections_of_servers_that_stay(void **state)
{
	struct packet_bytes packet, expected;

	(void)state;
	add_service("nat", RPORT, "");
	goes_there_and_back("nat", false, IPPROTO_UDP);
	firewall_rules(&the_firewall, HOOK_XDP,
		       "service " HOST4 " port 80 proto udp mode nat;"
		       "server " HOST4 " port 80 proto udp to 203.0.113.6 port 8080 weight 100;"
		       "server " HOST4 " port 80 proto udp to " SERVER4 " port 8080");
	assert_int_equal(whole_connections(), 1);
	client_packet(&packet, false, IPPROTO_UDP);
	to_server(&expected, &packet, "nat");
	expect_forwarded(&packet, in_index, &expected, XDP_REDIRECT);
	firewall_rules(&the_firewall, HOOK_XDP,
		       "service " HOST4 " port 80 proto udp mode nat;"
		       "server " HOST4 " port 80 proto udp to 203.0.113.6 port 8080");
	assert_int_equal(whole_connections(), 0);
	assert_int_equal(reverse_entries(), 0);
}

#define TRIES 200

/* How many of so many clients get through to the service; the others are over its limit. */
static uint32_t begun(uint16_t port, uint16_t first_client)
{
	struct packet_bytes packet;
	uint32_t count = 0;

	for (uint16_t i = 0; i < TRIES; i++) {
		uint32_t reason;

		client_packet(&packet, false, IPPROTO_UDP);
		set_ports(&packet, first_client + i, port);
		fill_checksums(&packet);
		reason = run_packet(&packet, in_index).reason;
		if (reason == REASON_LOAD_BALANCED)
			count++;
		else
			assert_int_equal(reason, REASON_LVS_LIMITED);
	}
	return count;
}

/* Tokens of a limit that come meanwhile, with the one that a bucket's fraction becomes. Asked for
 * when all packets have gone. */
static uint32_t tokens_since(uint64_t begin_ns, uint32_t per_second)
{
	return (uint32_t)((connections_now_ns() - begin_ns) * per_second / 1000000000) + 1;
}

static void a_service_begins_no_more_connections_than_its_limit(void **state)
{
	const uint64_t begin_ns = connections_now_ns();
	struct packet_bytes packet;
	uint32_t count;

	(void)state;
	firewall_rules(&the_firewall, HOOK_XDP,
		       "service " HOST4 " port 80 proto udp mode nat max-new 10;"
		       "server " HOST4 " port 80 proto udp to " SERVER4 " port 8080;"
		       "service " HOST4 " port 81 proto udp mode nat enabled;"
		       "server " HOST4 " port 81 proto udp to " SERVER4 " port 8080");
	count = begun(80, 20000);
	assert_in_range(count, 10, 10 + tokens_since(begin_ns, 10));
	assert_int_equal(begun(81, 20000), TRIES);
	/* The first one goes on. */
	client_packet(&packet, false, IPPROTO_UDP);
	set_ports(&packet, 20000, 80);
	fill_checksums(&packet);
	assert_int_equal(run_packet(&packet, in_index).reason, REASON_LOAD_BALANCED);
	/* A change of the services is no new burst, but another limit is. */
	firewall_rules(&the_firewall, HOOK_XDP,
		       "service " HOST4 " port 80 proto udp mode nat max-new 10;"
		       "server " HOST4 " port 80 proto udp to " SERVER4 " port 8080");
	count += begun(80, 30000);
	assert_in_range(count, 10, 10 + tokens_since(begin_ns, 10));
	firewall_rules(&the_firewall, HOOK_XDP,
		       "service " HOST4 " port 80 proto udp mode nat max-new 20;"
		       "server " HOST4 " port 80 proto udp to " SERVER4 " port 8080");
	count = begun(80, 40000);
	assert_in_range(count, 20, 20 + tokens_since(begin_ns, 20));
}

#define TEST(name) cmocka_unit_test_setup(name, balancer_setup)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(nat_rewrites_both_directions),
		TEST(fullnat_rewrites_the_client_as_well),
		TEST(dsr_changes_the_frame_only),
		TEST(options_of_ip_stay),
		TEST(no_udp_checksum_stays_none),
		TEST(the_neighbours_of_a_service_are_left_alone),
		TEST(only_a_syn_begins_a_tcp_connection),
		TEST(a_forged_acknowledgement_makes_no_connection),
		TEST(a_servers_packet_of_no_connection_goes_nowhere),
		TEST(without_a_server_it_is_dropped_and_a_disabled_service_is_none),
		TEST(without_a_neighbour_it_goes_up_translated_with_a_note),
		TEST(two_services_of_one_server_get_ports_of_their_own),
		TEST(default_deny_lets_the_replies_through_and_nobody_else),
		TEST(a_blacklist_ends_connections_as_well),
		TEST(a_syn_after_the_end_begins_another_connection),
		TEST(a_restore_keeps_the_connections_of_servers_that_stay),
		TEST(a_service_begins_no_more_connections_than_its_limit),
	};

	return cmocka_run_group_tests_name("lvs", tests, balancer_group_setup,
					   firewall_group_teardown);
}
