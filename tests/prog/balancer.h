/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A load balancer for tests of the XDP program, its client and its server: packets go in, and every
 * byte of what comes out is compared with what the test makes of the same packet, its checksums
 * computed from nothing. Routes and neighbours are real, of the test's own network namespace.
 */
#ifndef BGO_TESTS_BALANCER_H
#define BGO_TESTS_BALANCER_H

#include <linux/icmp.h>
#include <linux/if_ether.h>
#include <linux/ip.h>
#include <linux/ipv6.h>
#include <linux/tcp.h>
#include <linux/udp.h>

#include "../../bpf/forward_note.h"
#include "firewall.h"

/* client PEER -- in0 balancer (virtual address HOST) out0 -- server */
#define SERVER4 "203.0.113.5"
#define SERVER6 "2001:db8:5::5"
#define SERVER_MAC "02:00:00:00:05:05"
#define CLIENT_MAC "02:00:00:00:01:01"
#define VPORT 80
#define RPORT 8080

extern uint32_t in_index, out_index;
extern uint8_t in_mac[ETH_ALEN], out_mac[ETH_ALEN];

/* Fixtures of a test program and of each test. */
int balancer_group_setup(void **state);
/* Servers are known, services are none, and no connection is left of the test before. */
int balancer_setup(void **state);

/* -- Frames -- */

struct headers {
	struct ethhdr *eth;
	struct iphdr *v4;
	struct ipv6hdr *v6; /* one of both is NULL */
	uint8_t *l4;
	struct tcphdr *tcp;
	struct udphdr *udp;
	struct icmphdr *icmp; /* two of the three are NULL */
	size_t l4_bytes;
};

struct headers headers_of(struct packet_bytes *packet);
/* IPv4's own. */
void fill_ip_checksum(struct packet_bytes *packet);
/* Every checksum of the packet, from nothing; a UDP one of 0 stays. */
void fill_checksums(struct packet_bytes *packet);

#define SYN 1
#define ACK 2
#define FIN 4
#define RST 8

void set_tcp(struct packet_bytes *packet, int flags, uint32_t seq, uint32_t ack);
/* From the client to the virtual address. */
void client_packet(struct packet_bytes *out, bool ipv6, uint8_t protocol);
void set_addr(struct packet_bytes *packet, bool source, const char *text);
void set_ports(struct packet_bytes *packet, uint16_t source, uint16_t destination);
/* One hop further, with these addresses on the cable. */
void set_hop(struct packet_bytes *packet, const char *to_mac, const uint8_t *from_mac);

struct error_type {
	uint8_t type, code;
	uint32_t rest;
};

#define ALL_OF_IT PACKET_BYTES_MAX

/* What `from` says about a packet, of which it quotes so many bytes behind the IP header. */
void make_error(struct packet_bytes *out, struct packet_bytes *about, const char *from,
		const struct error_type *error, size_t quoted_l4_bytes);

/* -- Runs -- */

struct result {
	uint32_t action;
	uint32_t reason;
	struct packet_bytes packet; /* as it left */
	struct forward_note note;   /* all zero when there is none */
};

struct result run_packet(const struct packet_bytes *packet, uint32_t ifindex);
void assert_same_packet(const struct packet_bytes *got, const struct packet_bytes *expected);
void expect_forwarded(const struct packet_bytes *packet, uint32_t ifindex,
		      const struct packet_bytes *expected, uint32_t action);
/* Dropped for this reason, as it came. */
void expect_dropped(const struct packet_bytes *packet, uint32_t ifindex, uint32_t reason);
void expect_passed_as_it_is(const struct packet_bytes *packet, uint32_t ifindex);

/* A service of one server for both protocols and families. */
void add_service(const char *mode, uint16_t rport, const char *more);
/* The same of UDP and nat, where only the client is let in and everything else is denied. */
void add_service_under_deny(void);
/* The client's packet as it goes on to the server. */
void to_server(struct packet_bytes *out, const struct packet_bytes *in, const char *mode);
/* What the server answers to a packet that came to it, and what of it comes to the client. */
void make_reply(const struct packet_bytes *came, const char *mode, struct packet_bytes *reply,
		struct packet_bytes *arrives);
uint32_t whole_connections(void);
uint32_t reverse_entries(void);

#endif
