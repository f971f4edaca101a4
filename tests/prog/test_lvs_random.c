/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Packets drawn at random through the load balancer and back. What comes out is compared byte for
 * byte with a plain model of the translation, which computes every checksum from nothing; the
 * server sends what it got back to whom it seems to come from, and but for the hop limit the
 * client's own packet must come out, its ends exchanged.
 *
 * BGO_SEED=N draws the same packets again.
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
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "balancer.h"

#define PACKETS 100000
/* Of the client: its half-open connections do not push one another out. */
#define PORTS 250
#define FULLNAT_PORT 81

static uint64_t random_state;

/* splitmix64 (Steele and others, 2014). */
static uint32_t draw(uint32_t below)
{
	uint64_t x = random_state += 0x9e3779b97f4a7c15;

	x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9;
	x = (x ^ (x >> 27)) * 0x94d049bb133111eb;
	return (uint32_t)((x ^ (x >> 31)) >> 32) % below;
}

/* Services of both families and protocols: port 80 is nat, 81 fullnat. */
static void add_services(void)
{
	char text[2048];
	size_t used = 0;

	for (int i = 0; i < 8; i++) {
		const char *vip = i & 1 ? HOST6 : HOST4, *rip = i & 1 ? SERVER6 : SERVER4;
		const char *protocol = i & 2 ? "tcp" : "udp";
		const int port = i & 4 ? FULLNAT_PORT : VPORT;

		used += (size_t)snprintf(text + used, sizeof(text) - used,
					 "service %s port %d proto %s mode %s;"
					 "server %s port %d proto %s to %s port %d;",
					 vip, port, protocol, i & 4 ? "fullnat" : "nat", vip, port,
					 protocol, rip, i & 4 ? RPORT + 1 : RPORT);
	}
	firewall_rules(&the_firewall, HOOK_XDP, text);
}

static bool is_fullnat(struct packet_bytes *packet)
{
	return ntohs(((struct udphdr *)headers_of(packet).l4)->dest) == FULLNAT_PORT;
}

static void draw_packet(struct packet_bytes *out)
{
	const bool ipv6 = draw(2), tcp = draw(2);
	const struct packet_spec spec = {
		.peer = ipv6 ? PEER6 : PEER4,
		.protocol = tcp ? IPPROTO_TCP : IPPROTO_UDP,
		.from_port = (uint16_t)(20000 + draw(PORTS)),
		.port = draw(2) ? FULLNAT_PORT : VPORT,
		.hop_limit = (uint8_t)(2 + draw(254)),
		.ihl_is = ipv6 ? 0 : 5 + draw(11),
		.payload_bytes = (uint16_t)draw(1200),
		.dont_fragment = draw(2),
	};
	struct headers h;
	size_t header_bytes;

	packet_build(out, &spec, false);
	h = headers_of(out);
	header_bytes = tcp ? sizeof(struct tcphdr) : sizeof(struct udphdr);
	for (size_t i = header_bytes; i < h.l4_bytes; i++)
		h.l4[i] = (uint8_t)draw(256);
	if (h.v4)
		h.v4->tos = (uint8_t)draw(256);
	else
		h.v6->flow_lbl[2] = (uint8_t)draw(256);
	if (tcp) {
		set_tcp(out, SYN, draw(~0u), 0);
	} else {
		h.udp->check = ipv6 || draw(4) ? 1 : 0; /* to be computed, or none */
		fill_checksums(out);
	}
}

static void exchange_ends(struct packet_bytes *packet)
{
	struct headers h = headers_of(packet);
	struct udphdr *ports = (struct udphdr *)h.l4;
	const uint16_t port = ports->source;

	ports->source = ports->dest;
	ports->dest = port;
	if (h.v4) {
		const uint32_t addr = h.v4->saddr;

		h.v4->saddr = h.v4->daddr;
		h.v4->daddr = addr;
	} else {
		const struct in6_addr addr = h.v6->saddr;

		h.v6->saddr = h.v6->daddr;
		h.v6->daddr = addr;
	}
	if (h.tcp) {
		h.tcp->ack = 1;
		h.tcp->ack_seq = htonl(ntohl(h.tcp->seq) + 1);
	}
	fill_checksums(packet);
}

static void translate(struct packet_bytes *packet, bool fullnat)
{
	const bool ipv6 = headers_of(packet).v6;
	const uint16_t port = ntohs(((struct udphdr *)headers_of(packet).l4)->source);

	set_addr(packet, false, ipv6 ? SERVER6 : SERVER4);
	if (fullnat)
		set_addr(packet, true, ipv6 ? HOST6 : HOST4);
	set_ports(packet, port, fullnat ? RPORT + 1 : RPORT);
	set_hop(packet, SERVER_MAC, out_mac);
	fill_checksums(packet);
}

static uint32_t number; /* of the packet that is drawn */

static void goes_out_as(const struct packet_bytes *packet, uint32_t ifindex,
			const struct packet_bytes *expected)
{
	struct xdp_md context = {.data_end = (uint32_t)packet->length, .ingress_ifindex = ifindex};
	struct packet_bytes out;
	LIBBPF_OPTS(bpf_test_run_opts, opts, .data_in = packet->data,
		    .data_size_in = (uint32_t)packet->length, .data_out = out.data,
		    .data_size_out = sizeof(out.data), .ctx_in = &context,
		    .ctx_size_in = sizeof(context));

	assert_int_equal(
		bpf_prog_test_run_opts(programs_fd(the_firewall.programs, HOOK_XDP), &opts), 0);
	if (opts.retval != XDP_REDIRECT) {
		struct last_verdict verdict;

		programs_last_verdict(the_firewall.programs, HOOK_XDP, &verdict);
		fail_msg("packet %u from interface %u: action %u, reason %u", number, ifindex,
			 opts.retval, verdict.reason);
	}
	out.length = opts.data_size_out;
	assert_same_packet(&out, expected);
}

static void packets_at_random_go_there_and_back(void **state)
{
	const char *text = getenv("BGO_SEED");
	const uint64_t seed = text ? strtoull(text, NULL, 0) : (uint64_t)time(NULL);

	(void)state;
	printf("BGO_SEED=%llu\n", (unsigned long long)seed);
	random_state = seed;
	add_services();
	for (number = 0; number < PACKETS; number++) {
		struct packet_bytes packet, came, reply, arrives;

		draw_packet(&packet);
		came = packet;
		translate(&came, is_fullnat(&packet));
		goes_out_as(&packet, in_index, &came);
		reply = came;
		exchange_ends(&reply);
		/* The client's own packet turned round, but for hops: one there, one back. */
		arrives = packet;
		exchange_ends(&arrives);
		set_hop(&arrives, CLIENT_MAC, in_mac);
		set_hop(&arrives, CLIENT_MAC, in_mac);
		fill_checksums(&arrives);
		if (packet.data[ETH_HLEN] >> 4 == 4 ? headers_of(&reply).v4->ttl < 2
						    : headers_of(&reply).v6->hop_limit < 2)
			continue;
		goes_out_as(&reply, out_index, &arrives);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(packets_at_random_go_there_and_back, balancer_setup),
	};

	return cmocka_run_group_tests_name("lvs_random", tests, balancer_group_setup,
					   firewall_group_teardown);
}
