/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <arpa/inet.h>
#include <bpf/bpf.h>
#include <err.h>
#include <linux/bpf.h>
#include <net/if.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../../src/cleanup.h"
#include "../../src/connections.h"
#include "balancer.h"
#include "connection_tables.h"

uint32_t in_index, out_index;
uint8_t in_mac[ETH_ALEN], out_mac[ETH_ALEN];

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

int balancer_group_setup(void **state)
{
	if (firewall_group_setup(state))
		return -1;
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
	if (programs_forward_by(the_firewall.programs, in_index) ||
	    programs_forward_by(the_firewall.programs, out_index))
		errx(1, "cannot forward");
	return 0;
}

int balancer_setup(void **state)
{
	(void)state;
	shell("ip neigh replace " SERVER4 " lladdr " SERVER_MAC
	      " dev out0 && ip neigh replace " SERVER6 " lladdr " SERVER_MAC " dev out0");
	firewall_rules(&the_firewall, HOOK_XDP, "");
	return 0;
}

/* -- Frames -- */

struct headers headers_of(struct packet_bytes *packet)
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
	else if (protocol == IPPROTO_UDP)
		h.udp = (struct udphdr *)h.l4;
	else
		h.icmp = (struct icmphdr *)h.l4;
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

void fill_ip_checksum(struct packet_bytes *packet)
{
	struct iphdr *ip = (struct iphdr *)(packet->data + ETH_HLEN);

	ip->check = 0;
	ip->check = finish_sum(add_words(0, ip, ip->ihl * 4u));
}

void fill_checksums(struct packet_bytes *packet)
{
	struct headers h = headers_of(packet);
	uint32_t sum = (uint32_t)h.l4_bytes;

	sum += h.tcp ? IPPROTO_TCP : h.udp ? IPPROTO_UDP : IPPROTO_ICMPV6;

	if (h.v4) {
		fill_ip_checksum(packet);
		sum = add_words(sum, &h.v4->saddr, 8);
	} else {
		sum = add_words(sum, &h.v6->saddr, 32);
	}
	if (h.tcp) {
		h.tcp->check = 0;
		h.tcp->check = finish_sum(add_words(sum, h.l4, h.l4_bytes));
	} else if (h.icmp) {
		h.icmp->checksum = 0;
		h.icmp->checksum = finish_sum(add_words(h.v6 ? sum : 0, h.l4, h.l4_bytes));
	} else if (h.udp->check) {
		h.udp->check = 0;
		h.udp->check = finish_sum(add_words(sum, h.l4, h.l4_bytes));
		if (!h.udp->check)
			h.udp->check = 0xffff;
	}
}

void set_tcp(struct packet_bytes *packet, int flags, uint32_t seq, uint32_t ack)
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

void client_packet(struct packet_bytes *out, bool ipv6, uint8_t protocol)
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

void set_addr(struct packet_bytes *packet, bool source, const char *text)
{
	struct headers h = headers_of(packet);

	if (h.v4)
		inet_pton(AF_INET, text, source ? &h.v4->saddr : &h.v4->daddr);
	else
		inet_pton(AF_INET6, text, source ? &h.v6->saddr : &h.v6->daddr);
}

void set_ports(struct packet_bytes *packet, uint16_t source, uint16_t destination)
{
	struct headers h = headers_of(packet);

	h.udp = (struct udphdr *)h.l4; /* both have them in one place */
	h.udp->source = htons(source);
	h.udp->dest = htons(destination);
}

void set_hop(struct packet_bytes *packet, const char *to_mac, const uint8_t *from_mac)
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

void make_error(struct packet_bytes *out, struct packet_bytes *about, const char *from,
		const struct error_type *error, size_t quoted_l4_bytes)
{
	struct headers of = headers_of(about), h;
	const size_t ip_bytes = (size_t)(of.l4 - about->data) - ETH_HLEN;
	size_t quoted = ip_bytes + (quoted_l4_bytes < of.l4_bytes ? quoted_l4_bytes : of.l4_bytes);
	const size_t outer = of.v6 ? sizeof(struct ipv6hdr) : sizeof(struct iphdr);

	memset(out, 0, sizeof(*out));
	memcpy(out->data, about->data, ETH_HLEN);
	out->length = ETH_HLEN + outer + sizeof(struct icmphdr) + quoted;
	if (of.v6) {
		struct ipv6hdr *ip = (void *)(out->data + ETH_HLEN);

		ip->version = 6;
		ip->payload_len = htons((uint16_t)(sizeof(struct icmphdr) + quoted));
		ip->nexthdr = IPPROTO_ICMPV6;
		ip->hop_limit = 60;
		ip->daddr = of.v6->saddr;
	} else {
		struct iphdr *ip = (void *)(out->data + ETH_HLEN);

		ip->version = 4;
		ip->ihl = 5;
		ip->tot_len = htons((uint16_t)(outer + sizeof(struct icmphdr) + quoted));
		ip->protocol = IPPROTO_ICMP;
		ip->ttl = 60;
		ip->daddr = of.v4->saddr;
	}
	set_addr(out, true, from);
	h = headers_of(out);
	h.icmp->type = error->type;
	h.icmp->code = error->code;
	h.icmp->un.gateway = htonl(error->rest);
	memcpy(h.icmp + 1, about->data + ETH_HLEN, quoted);
	fill_checksums(out);
}

/* -- Runs -- */

struct result run_packet(const struct packet_bytes *packet, uint32_t ifindex)
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

	assert_int_equal(store_stats(the_firewall.store, HOOK_XDP, stats), 0);
	assert_int_equal(
		bpf_prog_test_run_opts(programs_fd(the_firewall.programs, HOOK_XDP), &opts), 0);
	assert_int_equal(store_stats(the_firewall.store, HOOK_XDP, after), 0);
	assert_int_equal(programs_last_verdict(the_firewall.programs, HOOK_XDP, &verdict), 0);
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

void assert_same_packet(const struct packet_bytes *got, const struct packet_bytes *expected)
{
	assert_int_equal(got->length, expected->length);
	assert_memory_equal(got->data, expected->data, expected->length);
}

void expect_forwarded(const struct packet_bytes *packet, uint32_t ifindex,
		      const struct packet_bytes *expected, uint32_t action)
{
	struct result result = run_packet(packet, ifindex);

	assert_int_equal(result.reason, REASON_LOAD_BALANCED);
	assert_int_equal(result.action, action);
	assert_same_packet(&result.packet, expected);
}

void expect_dropped(const struct packet_bytes *packet, uint32_t ifindex, uint32_t reason)
{
	struct result result = run_packet(packet, ifindex);

	assert_int_equal(result.reason, reason);
	assert_int_equal(result.action, XDP_DROP);
	assert_same_packet(&result.packet, packet);
}

void expect_passed_as_it_is(const struct packet_bytes *packet, uint32_t ifindex)
{
	struct result result = run_packet(packet, ifindex);

	assert_int_equal(result.reason, REASON_ALLOWED_DEFAULT);
	assert_int_equal(result.action, XDP_PASS);
	assert_same_packet(&result.packet, packet);
}

void add_service(const char *mode, uint16_t rport, const char *more)
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
	firewall_rules(&the_firewall, HOOK_XDP, text);
}

void add_service_under_deny(void)
{
	firewall_rules(&the_firewall, HOOK_XDP,
		       "policy @ deny;rule @ whitelist " PEER4 " port 80;rule @ whitelist " PEER6
		       " port 80;"
		       "service " HOST4 " port 80 proto udp mode nat;"
		       "server " HOST4 " port 80 proto udp to " SERVER4 " port 8080;"
		       "service " HOST6 " port 80 proto udp mode nat;"
		       "server " HOST6 " port 80 proto udp to " SERVER6 " port 8080");
}

void to_server(struct packet_bytes *out, const struct packet_bytes *in, const char *mode)
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

void make_reply(const struct packet_bytes *came, const char *mode, struct packet_bytes *reply,
		struct packet_bytes *arrives)
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

uint32_t whole_connections(void)
{
	return connection_count(connection_maps_of(the_firewall.store).track_fd);
}

uint32_t reverse_entries(void)
{
	return connection_count(connection_maps_of(the_firewall.store).reverse_fd);
}
