/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * No port, or no room, for one more connection: it is refused and counted, those that are there go
 * on. And ways that are not straight through: out where it came in, and a client that is a server.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <arpa/inet.h>
#include <bpf/bpf.h>
#include <err.h>
#include <linux/bpf.h>
#include <string.h>

#include "../../src/connections.h"
#include "balancer.h"

/* More than ports. */
#define CONNECTIONS 131072
#define PORTS 65536

static int full_group_setup(void **state)
{
	if (balancer_group_setup(state))
		return -1;
	programs_unload(the_firewall.programs);
	if (store_set_connections_max(the_firewall.store, CONNECTIONS) ||
	    programs_load(&the_firewall.programs, the_firewall.store, true) ||
	    programs_forward_by(the_firewall.programs, in_index) ||
	    programs_forward_by(the_firewall.programs, out_index))
		errx(1, "no larger tables");
	return 0;
}

struct talk {
	struct packet_bytes packet, came, reply, arrives;
};

/* A connection of the client's port 40000, and both directions of it once more. */
static void goes_on(const struct talk *talk)
{
	expect_forwarded(&talk->packet, in_index, &talk->came, XDP_REDIRECT);
	expect_forwarded(&talk->reply, out_index, &talk->arrives, XDP_REDIRECT);
}

static struct talk begin(const char *mode)
{
	struct talk talk;

	add_service(mode, RPORT, "");
	client_packet(&talk.packet, false, IPPROTO_UDP);
	to_server(&talk.came, &talk.packet, mode);
	make_reply(&talk.came, mode, &talk.reply, &talk.arrives);
	goes_on(&talk);
	goes_on(&talk);
	return talk;
}

static struct conn_tuple reply_tuple(uint16_t port)
{
	struct conn_tuple tuple = {.sport_be = htons(RPORT),
				   .dport_be = htons(port),
				   .family = FAMILY_IPV4,
				   .protocol = IPPROTO_UDP};

	inet_pton(AF_INET, SERVER4, tuple.saddr_be);
	inet_pton(AF_INET, HOST4, tuple.daddr_be);
	return tuple;
}

static void without_a_free_port_a_connection_is_refused_and_others_go_on(void **state)
{
	const int fd = connection_maps_of(the_firewall.store).reverse_fd;
	const struct talk talk = begin("fullnat");
	const struct conn_tuple others = {.family = FAMILY_IPV4};
	struct packet_bytes packet = talk.packet, expected;

	(void)state;
	for (uint32_t port = 0; port < PORTS; port++) {
		const struct conn_tuple key = reply_tuple((uint16_t)port);

		if (port != 40000)
			assert_int_equal(bpf_map_update_elem(fd, &key, &others, BPF_ANY), 0);
	}
	set_ports(&packet, 40001, VPORT);
	fill_checksums(&packet);
	for (int i = 0; i < 10; i++)
		expect_dropped(&packet, in_index, REASON_LVS_FULL);
	goes_on(&talk);
	for (uint32_t port = 0; port < PORTS; port++) {
		const struct conn_tuple key = reply_tuple((uint16_t)port);

		if (port != 40000)
			assert_int_equal(bpf_map_delete_elem(fd, &key), 0);
	}
	to_server(&expected, &packet, "fullnat");
	set_ports(&expected, 40001, RPORT);
	fill_checksums(&expected);
	expect_forwarded(&packet, in_index, &expected, XDP_REDIRECT);
}

static void without_room_a_connection_is_refused_and_others_go_on(void **state)
{
	const int fd = connection_maps_of(the_firewall.store).track_fd;
	const struct talk talk = begin("nat");
	struct talk second = talk;
	struct conn_tuple key = {.zone = 77};
	const struct conn conn = {0};
	uint32_t count = 0;

	(void)state;
	for (; count < CONNECTIONS; count++) {
		key.saddr_be[0] = count;
		if (bpf_map_update_elem(fd, &key, &conn, BPF_NOEXIST))
			break;
	}
	assert_int_equal(count, CONNECTIONS - 1);
	set_ports(&second.packet, 40001, VPORT);
	fill_checksums(&second.packet);
	set_ports(&second.came, 40001, RPORT);
	fill_checksums(&second.came);
	set_ports(&second.reply, RPORT, 40001);
	fill_checksums(&second.reply);
	expect_forwarded(&second.packet, in_index, &second.came, XDP_REDIRECT);
	expect_dropped(&second.reply, out_index, REASON_LVS_FULL);
	goes_on(&talk);
	while (count--) {
		key.saddr_be[0] = count;
		assert_int_equal(bpf_map_delete_elem(fd, &key), 0);
	}
}

/* One cable for both sides. */
static void a_server_on_the_clients_side_is_reached_by_the_same_interface(void **state)
{
	struct talk talk;

	(void)state;
	shell("ip neigh replace 192.0.2.99 lladdr " SERVER_MAC " dev in0");
	firewall_rules(&the_firewall, HOOK_XDP,
		       "service " HOST4 " port 80 proto udp mode fullnat;"
		       "server " HOST4 " port 80 proto udp to 192.0.2.99 port 8080");
	client_packet(&talk.packet, false, IPPROTO_UDP);
	to_server(&talk.came, &talk.packet, "fullnat");
	set_addr(&talk.came, false, "192.0.2.99");
	memcpy(headers_of(&talk.came).eth->h_source, in_mac, ETH_ALEN);
	fill_checksums(&talk.came);
	make_reply(&talk.came, "fullnat", &talk.reply, &talk.arrives);
	set_addr(&talk.reply, true, "192.0.2.99");
	fill_checksums(&talk.reply);
	expect_forwarded(&talk.packet, in_index, &talk.came, XDP_TX);
	expect_forwarded(&talk.reply, in_index, &talk.arrives, XDP_TX);
}

/* A server that asks the service it is in: only fullnat, where it does not see itself. */
static void a_client_may_be_the_server(void **state)
{
	struct packet_bytes packet, came, reply, arrives;

	(void)state;
	add_service("fullnat", RPORT, "");
	for (int i = 0; i < 2; i++) {
		const char *server = i ? SERVER6 : SERVER4, *vip = i ? HOST6 : HOST4;

		client_packet(&packet, i, IPPROTO_UDP);
		set_addr(&packet, true, server);
		fill_checksums(&packet);
		to_server(&came, &packet, "fullnat");
		expect_forwarded(&packet, out_index, &came, XDP_TX);
		reply = came;
		set_addr(&reply, true, server);
		set_addr(&reply, false, vip);
		set_ports(&reply, RPORT, 40000);
		fill_checksums(&reply);
		arrives = reply;
		set_addr(&arrives, true, vip);
		set_addr(&arrives, false, server);
		set_ports(&arrives, VPORT, 40000);
		set_hop(&arrives, SERVER_MAC, out_mac);
		fill_checksums(&arrives);
		expect_forwarded(&reply, out_index, &arrives, XDP_TX);
	}
}

#define TEST(name) cmocka_unit_test_setup(name, balancer_setup)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(without_a_free_port_a_connection_is_refused_and_others_go_on),
		TEST(without_room_a_connection_is_refused_and_others_go_on),
		TEST(a_server_on_the_clients_side_is_reached_by_the_same_interface),
		TEST(a_client_may_be_the_server),
	};

	return cmocka_run_group_tests_name("lvs_full", tests, full_group_setup,
					   firewall_group_teardown);
}
