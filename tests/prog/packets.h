/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Packets for tests, described by what matters to the case: what is not said is ordinary and right,
 * lengths and checksums included. Addresses are of the documentation ranges (RFC 5737, RFC 3849),
 * named by role.
 */
#ifndef BGO_TESTS_PACKETS_H
#define BGO_TESTS_PACKETS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define HOST4 "198.51.100.10"
#define PEER4 "192.0.2.77"
#define PEER4_BEFORE "192.0.2.76"
#define PEER4_AFTER "192.0.2.78"
#define HOST6 "2001:db8:1::10"
#define PEER6 "2001:db8:77::7a"
#define PEER6_BEFORE "2001:db8:77::79"
#define PEER6_AFTER "2001:db8:77::7b"

#define PACKET_BYTES_MAX 4096
#define PACKET_TAGS_MAX 3
#define PACKET_EXTENSIONS_MAX 12

/* An IPv6 extension header. All but the first two are ordinary when 0. */
struct extension_spec {
	bool present;
	uint8_t type;
	uint8_t length;	 /* its length field as it is */
	uint16_t offset; /* fragment header: bytes */
	bool more;
};

/* A field whose name ends in _is is written as it is; 0 is the right value, ZERO is a 0. */
#define ZERO 0x10000
struct packet_spec {
	/* Who: towards the host on the way in, from it on the way out. IPv6 when it has a colon. */
	const char *peer;
	uint8_t protocol; /* 0: UDP, unless `protocol_zero` */
	bool protocol_zero;
	uint16_t from_port, port; /* source and destination port */
	uint8_t icmp_type, icmp_code;
	uint8_t hop_limit;	/* 0: 64 */
	uint16_t payload_bytes; /* behind the layer 4 header */

	uint16_t tags[PACKET_TAGS_MAX]; /* ethertypes, 0 ends them */
	uint16_t vid;
	uint32_t ethertype_is;
	uint16_t padding_bytes; /* behind the end of the IP packet */
	uint16_t cut_to;	/* then the frame is cut to this many bytes */
	uint16_t cut_l4_to;	/* the payload of IP is only this long, and IP says so */
	bool cut_l4_to_nothing;

	uint32_t version_is, ip_length_is; /* IPv4: total length; IPv6: payload length */
	uint32_t ihl_is;	  /* options fill what is more than 5; the frame holds them */
	bool options_missing;	  /* ... unless this: the frame ends behind 20 bytes */
	uint16_t fragment_offset; /* bytes */
	bool more_fragments, dont_fragment;
	bool bad_checksum;
	struct extension_spec extensions[PACKET_EXTENSIONS_MAX];

	uint32_t udp_length_is, tcp_words_is;
	uint32_t gso_size; /* TC only: handed over as a packet still to be segmented */
};

struct packet_bytes {
	uint8_t data[PACKET_BYTES_MAX];
	size_t length;
};

/* outgoing: the peer is the destination. */
void packet_build(struct packet_bytes *out, const struct packet_spec *spec, bool outgoing);

/* Where the IP header and the layer 4 header begin in a packet of this description. */
size_t packet_ip_offset(const struct packet_spec *spec);
size_t packet_l4_offset(const struct packet_spec *spec);

#endif
