/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Load balancing in the XDP program: packets go in, and every byte of what comes out is compared
 * with what the test makes of the same packet, its checksums computed from nothing. Routes and
 * neighbours are real, of the test's own network namespace.
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
#include <linux/if_ether.h>
#include <linux/ip.h>
#include <linux/ipv6.h>
#include <linux/tcp.h>
#include <linux/udp.h>
#include <net/if.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../../bpf/forward_note.h"
#include "../../src/cleanup.h"
#include "../../src/connections.h"
#include "firewall.h"

/* client PEER -- in0 balancer (virtual address HOST) out0 -- server */
#define SERVER4 "203.0.113.5"
#define SERVER6 "2001:db8:5::5"
#define SERVER_MAC "02:00:00:00:05:05"
#define CLIENT_MAC "02:00:00:00:01:01"
#define VPORT 80
#define RPORT 8080

static struct firewall firewall;
static uint32_t in_index, out_index;
static uint8_t in_mac[ETH_ALEN], out_mac[ETH_ALEN];

static void shell(const char *command)
{
	if (system(command))
		errx(1, "failed: %s", command);
}

static void read_mac(const char *interface, uint8_t mac[ETH_ALEN])
{
	char path[64];
	unsigned int bytes[ETH_ALEN];
	_cleanup_fclose_ FILE *file = NULL;

	snprintf(path, sizeof(path), "/sys/class/net/%s/address", interface);
	file = fopen(path, "re");
	if (!file || fscanf(file, "%x:%x:%x:%x:%x:%x", &bytes[0], &bytes[1], &bytes[2], &bytes[3],
			    &bytes[4], &bytes[5]) != 6)
		errx(1, "no address of %s", interface);
	for (int i = 0; i < ETH_ALEN; i++)
		mac[i] = (uint8_t)bytes[i];
}

static int group_setup(void **state)
{
	(void)state;
	firewall_setup(&firewall, true);
	shell("ip link add in0 type veth peer name in1 && ip link add out0 type veth peer name "
	      "out1 && for i in in0 in1 out0 out1; do ip link set $i up; done");
	shell("sysctl -q -w net.ipv4.ip_forward=1 net.ipv6.conf.all.forwarding=1");
	shell("ip address add 192.0.2.1/24 dev in0 && ip address add " HOST4 "/32 dev in0 && "
	      "ip address add 203.0.113.1/24 dev out0");
	shell("ip -6 address add 2001:db8:77::1/64 dev in0 nodad && ip -6 address add " HOST6
	      "/128 dev in0 nodad && ip -6 address add 2001:db8:5::1/64 dev out0 nodad");
	shell("ip neigh replace " PEER4 " lladdr " CLIENT_MAC " dev in0 && ip neigh replace " PEER6
	      " lladdr " CLIENT_MAC " dev in0");
	in_index = if_nametoindex("in0");
	out_index = if_nametoindex("out0");
	read_mac("in0", in_mac);
	read_mac("out0", out_mac);
	if (programs_forward_by(firewall.programs, in_index) ||
	    programs_forward_by(firewall.programs, out_index))
		errx(1, "cannot forward");
	return 0;
}

static int group_teardown(void **state)
{
	(void)state;
	firewall_teardown(&firewall);
	return 0;
}

/* Servers are known, services are none, and no connection is left of the test before. */
static int setup(void **state)
{
	(void)state;
	shell("ip neigh replace " SERVER4 " lladdr " SERVER_MAC
	      " dev out0 && ip neigh replace " SERVER6 " lladdr " SERVER_MAC " dev out0");
	firewall_rules(&firewall, HOOK_XDP, "");
	return 0;
}

/* -- Frames -- */

struct headers {
	struct ethhdr *eth;
	struct iphdr *v4;
	struct ipv6hdr *v6; /* one of both is NULL */
	uint8_t *l4;
	struct tcphdr *tcp;
	struct udphdr *udp;
	size_t l4_bytes;
};

static struct headers headers_of(struct packet_bytes *packet)
{
	struct headers h = {.eth = (struct ethhdr *)packet->data};
	uint8_t *ip = packet->data + ETH_HLEN;
	uint8_t protocol;

	if (ip[0] >> 4 == 4) {
		h.v4 = (struct iphdr *)ip;
		h.l4 = ip + h.v4->ihl * 4;
		h.l4_bytes = ntohs(h.v4->tot_len) - h.v4->ihl * 4u;
		protocol = h.v4->protocol;
	} else {
		h.v6 = (struct ipv6hdr *)ip;
		h.l4 = ip + sizeof(*h.v6);
		h.l4_bytes = ntohs(h.v6->payload_len);
		protocol = h.v6->nexthdr;
	}
	if (protocol == IPPROTO_TCP)
		h.tcp = (struct tcphdr *)h.l4;
	else
		h.udp = (struct udphdr *)h.l4;
	return h;
}

static uint32_t add_words(uint32_t sum, const void *data, size_t bytes)
{
	const uint8_t *at = data;

	for (size_t i = 0; i < bytes; i += 2)
		sum += (uint32_t)at[i] << 8 | (i + 1 < bytes ? at[i + 1] : 0);
	return sum;
}

static uint16_t finish_sum(uint32_t sum)
{
	while (sum >> 16)
		sum = (sum & 0xffff) + (sum >> 16);
	return htons((uint16_t)~sum);
}

/* Every checksum of the packet, from nothing; a UDP one of 0 stays. */
static void fill_checksums(struct packet_bytes *packet)
{
	struct headers h = headers_of(packet);
	uint32_t sum = (uint32_t)h.l4_bytes + (h.tcp ? IPPROTO_TCP : IPPROTO_UDP);

	if (h.v4) {
		h.v4->check = 0;
		h.v4->check = finish_sum(add_words(0, h.v4, h.v4->ihl * 4u));
		sum = add_words(sum, &h.v4->saddr, 8);
	} else {
		sum = add_words(sum, &h.v6->saddr, 32);
	}
	if (h.tcp) {
		h.tcp->check = 0;
		h.tcp->check = finish_sum(add_words(sum, h.l4, h.l4_bytes));
	} else if (h.udp->check) {
		h.udp->check = 0;
		h.udp->check = finish_sum(add_words(sum, h.l4, h.l4_bytes));
		if (!h.udp->check)
			h.udp->check = 0xffff;
	}
}

#define SYN 1
#define ACK 2
#define FIN 4
#define RST 8

static void set_tcp(struct packet_bytes *packet, int flags, uint32_t seq, uint32_t ack)
{
	struct headers h = headers_of(packet);

	h.tcp->syn = !!(flags & SYN);
	h.tcp->ack = !!(flags & ACK);
	h.tcp->fin = !!(flags & FIN);
	h.tcp->rst = !!(flags & RST);
	h.tcp->seq = htonl(seq);
	h.tcp->ack_seq = htonl(ack);
	fill_checksums(packet);
}

/* From the client to the virtual address. */
static void client_packet(struct packet_bytes *out, bool ipv6, uint8_t protocol)
{
	const struct packet_spec spec = {
		.peer = ipv6 ? PEER6 : PEER4,
		.protocol = protocol,
		.from_port = 40000,
		.port = VPORT,
		.payload_bytes = 33,
	};

	packet_build(out, &spec, false);
	if (protocol == IPPROTO_TCP)
		set_tcp(out, SYN, 1000, 0);
	else {
		headers_of(out).udp->check = 1; /* to be computed */
		fill_checksums(out);
	}
}

static void set_addr(struct packet_bytes *packet, bool source, const char *text)
{
	struct headers h = headers_of(packet);

	if (h.v4)
		inet_pton(AF_INET, text, source ? &h.v4->saddr : &h.v4->daddr);
	else
		inet_pton(AF_INET6, text, source ? &h.v6->saddr : &h.v6->daddr);
}

static void set_ports(struct packet_bytes *packet, uint16_t source, uint16_t destination)
{
	struct headers h = headers_of(packet);

	h.udp = (struct udphdr *)h.l4; /* both have them in one place */
	h.udp->source = htons(source);
	h.udp->dest = htons(destination);
}

/* One hop further, with these addresses on the cable. */
static void set_hop(struct packet_bytes *packet, const char *to_mac, const uint8_t *from_mac)
{
	struct headers h = headers_of(packet);
	unsigned int bytes[ETH_ALEN];

	sscanf(to_mac, "%x:%x:%x:%x:%x:%x", &bytes[0], &bytes[1], &bytes[2], &bytes[3], &bytes[4],
	       &bytes[5]);
	for (int i = 0; i < ETH_ALEN; i++)
		h.eth->h_dest[i] = (uint8_t)bytes[i];
	memcpy(h.eth->h_source, from_mac, ETH_ALEN);
	if (h.v4)
		h.v4->ttl--;
	else
		h.v6->hop_limit--;
}

/* -- Runs -- */

struct result {
	uint32_t action;
	uint32_t reason;
	struct packet_bytes packet; /* as it left */
	struct forward_note note;   /* all zero when there is none */
};

static struct result run(const struct packet_bytes *packet, uint32_t ifindex)
{
	struct result result = {0};
	struct xdp_md before = {.data_end = (uint32_t)packet->length, .ingress_ifindex = ifindex};
	uint8_t out[PACKET_BYTES_MAX];
	LIBBPF_OPTS(bpf_test_run_opts, opts, .data_in = packet->data,
		    .data_size_in = (uint32_t)packet->length, .data_out = out,
		    .data_size_out = sizeof(out), .ctx_in = &before, .ctx_size_in = sizeof(before),
		    .ctx_out = &before, .ctx_size_out = sizeof(before));
	struct counter stats[REASON_SLOTS], after[REASON_SLOTS];
	struct last_verdict verdict;
	uint32_t meta;

	assert_int_equal(store_stats(firewall.store, HOOK_XDP, stats), 0);
	assert_int_equal(bpf_prog_test_run_opts(programs_fd(firewall.programs, HOOK_XDP), &opts),
			 0);
	assert_int_equal(store_stats(firewall.store, HOOK_XDP, after), 0);
	assert_int_equal(programs_last_verdict(firewall.programs, HOOK_XDP, &verdict), 0);
	result.action = opts.retval;
	result.reason = verdict.reason;
	/* Exactly once, for exactly what was said. */
	for (uint32_t i = 0; i < REASON_SLOTS; i++)
		assert_int_equal(after[i].packets - stats[i].packets, i == verdict.reason);
	meta = before.data - before.data_meta;
	if (meta == sizeof(result.note))
		memcpy(&result.note, out, sizeof(result.note));
	result.packet.length = opts.data_size_out - meta;
	memcpy(result.packet.data, out + meta, result.packet.length);
	return result;
}

static void assert_same_packet(const struct packet_bytes *got, const struct packet_bytes *expected)
{
	assert_int_equal(got->length, expected->length);
	assert_memory_equal(got->data, expected->data, expected->length);
}

static void expect_forwarded(const struct packet_bytes *packet, uint32_t ifindex,
			     const struct packet_bytes *expected, uint32_t action)
{
	struct result result = run(packet, ifindex);

	assert_int_equal(result.reason, REASON_LOAD_BALANCED);
	assert_int_equal(result.action, action);
	assert_same_packet(&result.packet, expected);
}

/* Dropped for this reason, as it came. */
static void expect_dropped(const struct packet_bytes *packet, uint32_t ifindex, uint32_t reason)
{
	struct result result = run(packet, ifindex);

	assert_int_equal(result.reason, reason);
	assert_int_equal(result.action, XDP_DROP);
	assert_same_packet(&result.packet, packet);
}

static void expect_passed_as_it_is(const struct packet_bytes *packet, uint32_t ifindex)
{
	struct result result = run(packet, ifindex);

	assert_int_equal(result.reason, REASON_ALLOWED_DEFAULT);
	assert_int_equal(result.action, XDP_PASS);
	assert_same_packet(&result.packet, packet);
}

/* A service of one server for both protocols and families. */
static void add_service(const char *mode, uint16_t rport, const char *more)
{
	char text[1024];
	size_t used = 0;

	for (int i = 0; i < 4; i++) {
		const char *vip = i & 1 ? HOST6 : HOST4, *rip = i & 1 ? SERVER6 : SERVER4;
		const char *protocol = i & 2 ? "tcp" : "udp";

		used += (size_t)snprintf(text + used, sizeof(text) - used,
					 "service %s port %u proto %s mode %s;"
					 "server %s port %u proto %s to %s port %u %s;",
					 vip, VPORT, protocol, mode, vip, VPORT, protocol, rip,
					 rport, more);
	}
	firewall_rules(&firewall, HOOK_XDP, text);
}

/* The client's packet as it goes on to the server. */
static void to_server(struct packet_bytes *out, const struct packet_bytes *in, const char *mode)
{
	struct packet_bytes packet = *in;
	const bool ipv6 = headers_of(&packet).v6;

	if (strcmp(mode, "dsr")) {
		set_addr(&packet, false, ipv6 ? SERVER6 : SERVER4);
		set_ports(&packet, 40000, RPORT);
		if (strcmp(mode, "fullnat") == 0)
			set_addr(&packet, true, ipv6 ? HOST6 : HOST4);
	}
	set_hop(&packet, SERVER_MAC, out_mac);
	if (strcmp(mode, "dsr") == 0) { /* not routed: only the frame is another */
		struct headers h = headers_of(&packet);

		if (h.v4)
			h.v4->ttl++;
		else
			h.v6->hop_limit++;
	}
	fill_checksums(&packet);
	*out = packet;
}

/* What the server answers to a packet that came to it, and what of it comes to the client. */
static void make_reply(const struct packet_bytes *came, const char *mode,
		       struct packet_bytes *reply, struct packet_bytes *arrives)
{
	struct headers h;
	bool ipv6;

	*reply = *came;
	ipv6 = headers_of(reply).v6;
	set_addr(reply, true, ipv6 ? SERVER6 : SERVER4);
	if (strcmp(mode, "fullnat") == 0)
		set_addr(reply, false, ipv6 ? HOST6 : HOST4);
	else
		set_addr(reply, false, ipv6 ? PEER6 : PEER4);
	set_ports(reply, RPORT, 40000);
	h = headers_of(reply);
	if (h.v4)
		h.v4->ttl = 64;
	else
		h.v6->hop_limit = 64;
	if (h.tcp)
		set_tcp(reply, SYN | ACK, 5000, 1001);
	else
		fill_checksums(reply);
	*arrives = *reply;
	set_addr(arrives, true, ipv6 ? HOST6 : HOST4);
	set_addr(arrives, false, ipv6 ? PEER6 : PEER4);
	set_ports(arrives, VPORT, 40000);
	set_hop(arrives, CLIENT_MAC, in_mac);
	fill_checksums(arrives);
}

static uint32_t whole_connections(void)
{
	struct connection_maps maps = connection_maps_of(firewall.store);
	struct conn_tuple key, *previous = NULL;
	uint32_t count = 0;

	while (bpf_map_get_next_key(maps.track_fd, previous, &key) == 0) {
		previous = &key;
		count++;
	}
	return count;
}

static uint32_t reverse_entries(void)
{
	struct connection_maps maps = connection_maps_of(firewall.store);
	struct conn_tuple key, *previous = NULL;
	uint32_t count = 0;

	while (bpf_map_get_next_key(maps.reverse_fd, previous, &key) == 0) {
		previous = &key;
		count++;
	}
	return count;
}

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
		firewall_rules(&firewall, HOOK_XDP, "");
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

static void a_hop_limit_of_one_is_not_forwarded(void **state)
{
	struct packet_bytes packet, expected;

	(void)state;
	add_service("nat", RPORT, "");
	for (int i = 0; i < 2; i++) {
		client_packet(&packet, i, IPPROTO_UDP);
		if (i)
			headers_of(&packet).v6->hop_limit = 1;
		else
			headers_of(&packet).v4->ttl = 1;
		fill_checksums(&packet);
		expect_dropped(&packet, in_index, REASON_LVS_HOP_LIMIT);
		if (i)
			headers_of(&packet).v6->hop_limit = 2;
		else
			headers_of(&packet).v4->ttl = 2;
		fill_checksums(&packet);
		to_server(&expected, &packet, "nat");
		expect_forwarded(&packet, in_index, &expected, XDP_REDIRECT);
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
	firewall_rules(&firewall, HOOK_XDP,
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
	result = run(&packet, in_index);
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
	firewall_rules(&firewall, HOOK_XDP,
		       "service " HOST4 " port 80 proto udp mode nat;"
		       "server " HOST4 " port 80 proto udp to " SERVER4 " port 8080;"
		       "service " HOST4 " port 81 proto udp mode nat;"
		       "server " HOST4 " port 81 proto udp to " SERVER4 " port 8080");
	client_packet(&packet, false, IPPROTO_UDP);
	to_server(&expected, &packet, "nat");
	first = run(&packet, in_index);
	assert_same_packet(&first.packet, &expected);
	set_ports(&packet, 40000, 81);
	fill_checksums(&packet);
	second = run(&packet, in_index);
	assert_int_equal(second.reason, REASON_LOAD_BALANCED);
	assert_int_not_equal(ntohs(headers_of(&second.packet).udp->source), 40000);
	/* Its answer comes from port 81, to the client's own port. */
	set_ports(&second.packet, 8080, ntohs(headers_of(&second.packet).udp->source));
	set_addr(&second.packet, true, SERVER4);
	set_addr(&second.packet, false, PEER4);
	fill_checksums(&second.packet);
	first = run(&second.packet, out_index);
	assert_int_equal(first.reason, REASON_LOAD_BALANCED);
	assert_int_equal(ntohs(headers_of(&first.packet).udp->source), 81);
	assert_int_equal(ntohs(headers_of(&first.packet).udp->dest), 40000);
}

static void default_deny_lets_the_replies_through_and_nobody_else(void **state)
{
	struct packet_bytes packet, expected, reply, arrives;

	(void)state;
	firewall_rules(&firewall, HOOK_XDP,
		       "policy @ deny;rule @ whitelist " PEER4 " port 80;"
		       "service " HOST4 " port 80 proto udp mode nat;"
		       "server " HOST4 " port 80 proto udp to " SERVER4 " port 8080");
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
	firewall_rules(&firewall, HOOK_XDP,
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
	assert_int_equal(store_lvs(firewall.store, &model), 0);
	for (uint32_t i = 0; i < model.service_count; i++) {
		if (model.services[i].vip.family != FAMILY_IPV4 ||
		    model.services[i].vip.protocol != IPPROTO_TCP)
			continue;
		assert_int_equal(
			store_lvs_stats(firewall.store, &model.services[i].servers[0], &counters),
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
	firewall_rules(&firewall, HOOK_XDP,
		       "service " HOST4 " port 80 proto udp mode nat;"
		       "server " HOST4 " port 80 proto udp to 203.0.113.6 port 8080 weight 100;"
		       "server " HOST4 " port 80 proto udp to " SERVER4 " port 8080");
	assert_int_equal(whole_connections(), 1);
	client_packet(&packet, false, IPPROTO_UDP);
	to_server(&expected, &packet, "nat");
	expect_forwarded(&packet, in_index, &expected, XDP_REDIRECT);
	firewall_rules(&firewall, HOOK_XDP,
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
		reason = run(&packet, in_index).reason;
		if (reason == REASON_LOAD_BALANCED)
			count++;
		else
			assert_int_equal(reason, REASON_LVS_LIMITED);
	}
	return count;
}

/* Tokens of a limit that come meanwhile. */
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
	firewall_rules(&firewall, HOOK_XDP,
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
	assert_int_equal(run(&packet, in_index).reason, REASON_LOAD_BALANCED);
	/* A change of the services is no new burst, but another limit is. */
	firewall_rules(&firewall, HOOK_XDP,
		       "service " HOST4 " port 80 proto udp mode nat max-new 10;"
		       "server " HOST4 " port 80 proto udp to " SERVER4 " port 8080");
	assert_in_range(count + begun(80, 30000), 10, 10 + tokens_since(begin_ns, 10));
	firewall_rules(&firewall, HOOK_XDP,
		       "service " HOST4 " port 80 proto udp mode nat max-new 20;"
		       "server " HOST4 " port 80 proto udp to " SERVER4 " port 8080");
	assert_in_range(begun(80, 40000), 20, 20 + tokens_since(begin_ns, 20));
}

#define TEST(name) cmocka_unit_test_setup(name, setup)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(nat_rewrites_both_directions),
		TEST(fullnat_rewrites_the_client_as_well),
		TEST(dsr_changes_the_frame_only),
		TEST(options_of_ip_stay),
		TEST(no_udp_checksum_stays_none),
		TEST(the_neighbours_of_a_service_are_left_alone),
		TEST(a_hop_limit_of_one_is_not_forwarded),
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

	return cmocka_run_group_tests_name("lvs", tests, group_setup, group_teardown);
}
