/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The one parser: Ethernet, VLAN tags, IPv4, IPv6 with its extension headers, and the layer 4
 * header that holds the ports. It turns a frame into struct packet, and later stages read only
 * that. Who decides that a packet is malformed? This file, all of it.
 *
 * Pure: memory and lengths are passed in, so XDP, TC and the host run the same source. Lengths are
 * compared with the whole packet, headers are read from its linear part. A frame begins two bytes
 * after a multiple of four, as in the kernel, so that the headers behind it are aligned.
 */
#ifndef BGO_PACKET_H
#define BGO_PACKET_H

#ifdef __bpf__
#include <linux/in.h>
#else
#include <netinet/in.h> /* the same, and the C library does not mind it */
#endif
#include <linux/if_ether.h>
#include <linux/ip.h>
#include <linux/ipv6.h>
#include <linux/tcp.h>
#include <linux/udp.h>
#include <bpf/bpf_endian.h>

#include "abi.h"

#ifndef __always_inline
#define __always_inline inline __attribute__((always_inline))
#endif

/* Beside NEXT, NON_IP and MALFORMED: a header is in the packet, but not in its linear part. */
#define PARSE_NOT_LINEAR (NEXT + 1)

#define VLAN_TAGS_MAX 2
#define EXTENSIONS_MAX 8

#define IPV4_DATAGRAM_MAX 65535
#define IPV6_PAYLOAD_MAX 65535

/* The Ethernet frame as a hook sees it. */
struct frame {
	const void *data, *data_end; /* the linear part */
	__u32 length;		     /* of the whole frame, bytes */
	__u32 tags;		     /* VLAN tags that are not in it but in its metadata, 0 or 1 */
	__u32 segmented;	     /* segmentation offload: one packet here, many on the wire */
	__u32 egress;		     /* rules compare the destination address, not the source */
};

#define NO_RULE (~0u)

/* What the stages behind the parser know of a packet. */
struct packet {
	struct graph_key key;
	__u32 length; /* of the frame, bytes: what is counted */
	__u32 rule;   /* hit number of the rule that matched, or NO_RULE; set by stage_classify() */
	__u32 family; /* enum family */
	__u32 protocol; /* behind extension headers; a later fragment's is what its header says */
	__u32 fragment; /* 1: first, middle or last; an IPv6 atomic fragment is a whole packet: 0 */
	__u32 hop_limit;
	__u32 icmp_type, icmp_code;	   /* of the family's ICMP, else 0 */
	__u32 source_port_host, port_host; /* 0 without ports */
	__u64 where; /* of a packet with ports or of ICMP, for connections: see WHERE_* */
	__u32 l3_offset;
	__u32 connections; /* CONNECTIONS_* of the hook; set by stage_classify() */
	__u32 action;	   /* what the hook returns, 0: what its reason says */
};

/*
 * Offsets of the IP header and of what follows it and its extensions, protocol and family: in one
 * word, because each field of struct packet that a later stage reads makes the verifier look at
 * what is between once more for every way it can have been set.
 */
#define WHERE_L4_SHIFT 16
#define WHERE_PROTOCOL_SHIFT 32
#define WHERE_FAMILY_SHIFT 40
#define WHERE_FRAGMENT_SHIFT 41
/* Of a fragment that is not the first; it has no layer 4 and, here, no protocol. */
#define WHERE_LATER_SHIFT 42
/* IPv6's fragment header, in units of 8 bytes from the IP header; 12 bits. */
#define WHERE_FRAGMENT_HEADER_SHIFT 43

static __always_inline __u32 where_protocol(__u64 where)
{
	return where >> WHERE_PROTOCOL_SHIFT & 0xff;
}

static __always_inline _Bool where_is_icmp(__u64 where)
{
	const __u32 protocol = where_protocol(where);

	return protocol == IPPROTO_ICMP || protocol == IPPROTO_ICMPV6;
}

static __always_inline _Bool where_is_fragment(__u64 where)
{
	return where >> WHERE_FRAGMENT_SHIFT & 1;
}

static __always_inline _Bool where_is_later_fragment(__u64 where)
{
	return where >> WHERE_LATER_SHIFT & 1;
}

/* Where a header chain ends: the payload is bytes offset..end of the frame. */
struct payload {
	__u32 offset, end;
	__u32 first; /* 1: the first fragment of a packet that is cut */
};

struct vlan_header {
	__be16 tci;
	__be16 next;
};

struct fragment_header {
	__u8 next;
	__u8 reserved;
	__be16 offset_flags; /* offset in 8 bytes << 3 | more fragments */
	__be32 identification;
};
#define FRAGMENT6_OFFSET 0xfff8 /* in bytes, as it is placed */
#define FRAGMENT6_MORE 0x0001
#define FRAGMENT4_OFFSET 0x1fff
#define FRAGMENT4_MORE 0x2000
#define FRAGMENT4_DONT 0x4000

/* The common part of hop-by-hop, routing, destination options and authentication header. */
struct extension_header {
	__u8 next;
	__u8 length;
};

struct port_header {
	__be16 source, destination;
};

/* What ICMP and ICMPv6 have in common; <linux/icmp.h> brings the C library with it. */
struct icmp_header {
	__u8 type, code;
	__be16 checksum;
	__be32 rest;
};

/* Of the quoted packet in an ICMP error: what all errors have of it behind its IP header (RFC 792).
 */
#define QUOTED_L4_BYTES 8

/*
 * The same offset, of which the verifier then knows only that it is at most OFFSET_MAX. Else it
 * would look at all that follows once for each number of tags and each chain of extension headers.
 * The shift is 0, but it does not know that: no packet is 2 GB long.
 */
#define OFFSET_MAX 0x7fff
static __always_inline __u32 widen(const struct frame *frame, __u32 offset)
{
	offset ^= -(frame->length >> 31);
	/* Masked last: before Linux 6.10 nothing is known after an xor. The compiler, which knows
	 * the offset, would mask the other operand. */
	asm("" : "+r"(offset));
	return offset & OFFSET_MAX;
}
_Static_assert(sizeof(struct ethhdr) + VLAN_TAGS_MAX * sizeof(struct vlan_header) +
			       sizeof(struct ipv6hdr) + EXTENSIONS_MAX * 2048 <=
		       OFFSET_MAX,
	       "the longest chain of headers");

/* The header at `offset`, or NULL unless all of it is before `end` and linear. */
static __always_inline const void *header_at(const struct frame *frame, __u32 offset, __u32 size,
					     __u32 end)
{
	const char *header = (const char *)frame->data + offset;

	if (offset + size > end || header + size > (const char *)frame->data_end)
		return (const void *)0;
	return header;
}

/* Why header_at() returned NULL. */
static __always_inline int header_missing(__u32 offset, __u32 size, __u32 end)
{
	return offset + size > end ? REASON_MALFORMED : PARSE_NOT_LINEAR;
}

/* Past the Ethernet header and the tags: *ethertype and *offset are of what follows. */
static __always_inline int parse_ethernet(const struct frame *frame, __u16 *ethertype,
					  __u32 *offset)
{
	const struct ethhdr *eth = header_at(frame, 0, sizeof(*eth), frame->length);
	__u32 tags = frame->tags;

	if (!eth)
		return header_missing(0, sizeof(*eth), frame->length);
	*ethertype = bpf_ntohs(eth->h_proto);
	*offset = sizeof(*eth);
	/* One more turn than tags are allowed, to meet the one too many. */
	for (int i = 0; i <= VLAN_TAGS_MAX; i++) {
		const struct vlan_header *tag;

		if (*ethertype != ETH_P_8021Q && *ethertype != ETH_P_8021AD)
			return NEXT;
		if (++tags > VLAN_TAGS_MAX)
			return REASON_MALFORMED;
		tag = header_at(frame, *offset, sizeof(*tag), frame->length);
		if (!tag)
			return header_missing(*offset, sizeof(*tag), frame->length);
		*ethertype = bpf_ntohs(tag->next);
		*offset += sizeof(*tag);
	}
	return REASON_MALFORMED;
}

/* The bytes that a protocol's header takes at least, 0 for those that are not looked into. */
static __always_inline __u32 l4_header_bytes(__u32 family, __u32 protocol)
{
	switch (protocol) {
	case IPPROTO_TCP:
		return sizeof(struct tcphdr);
	case IPPROTO_UDP:
	case IPPROTO_UDPLITE:
		return sizeof(struct udphdr);
	case IPPROTO_SCTP: /* RFC 9260, 3.1 */
	case IPPROTO_DCCP: /* RFC 4340, 5.1: with 24-bit sequence numbers */
		return 12;
	case IPPROTO_ICMP:
		return family == FAMILY_IPV4 ? sizeof(struct icmp_header) : 0;
	case IPPROTO_ICMPV6:
		return family == FAMILY_IPV6 ? sizeof(struct icmp_header) : 0;
	default:
		return 0;
	}
}

/* The layer 4 header of a whole packet or a first fragment. */
static __always_inline int parse_l4(const struct frame *frame, const struct payload *payload,
				    struct packet *pkt)
{
	const __u32 payload_bytes = payload->end - payload->offset;
	const struct port_header *ports;
	const void *header;
	__u32 size;

	/* Ports and types are in the first 8 bytes of all; TCP's data offset is behind them. */
	size = l4_header_bytes(pkt->family, pkt->protocol);
	if (!size)
		return NEXT;
	if (size > payload_bytes)
		return REASON_MALFORMED;
	header = header_at(frame, payload->offset, sizeof(struct udphdr), payload->end);
	if (!header)
		return PARSE_NOT_LINEAR;
	pkt->where |= pkt->l3_offset | payload->offset << WHERE_L4_SHIFT |
		      (__u64)pkt->protocol << WHERE_PROTOCOL_SHIFT |
		      (__u64)pkt->family << WHERE_FAMILY_SHIFT |
		      (__u64)payload->first << WHERE_FRAGMENT_SHIFT;

	if (pkt->protocol == IPPROTO_ICMP || pkt->protocol == IPPROTO_ICMPV6) {
		pkt->icmp_type = ((const struct icmp_header *)header)->type;
		pkt->icmp_code = ((const struct icmp_header *)header)->code;
		return NEXT;
	}
	ports = header;
	pkt->source_port_host = bpf_ntohs(ports->source);
	pkt->port_host = bpf_ntohs(ports->destination);
	pkt->key.words[KEY_PORT] = KEY_HAS_PORTS | pkt->port_host;

	if (pkt->protocol == IPPROTO_UDP) {
		const __u32 udp_bytes = bpf_ntohs(((const struct udphdr *)header)->len);

		if (udp_bytes < sizeof(struct udphdr) ||
		    (!payload->first && udp_bytes > payload_bytes))
			return REASON_MALFORMED;
	}
	if (pkt->protocol == IPPROTO_TCP) {
		const struct tcphdr *tcp =
			header_at(frame, payload->offset, sizeof(*tcp), payload->end);

		if (!tcp)
			return PARSE_NOT_LINEAR;
		if (tcp->doff * 4u < sizeof(*tcp) || tcp->doff * 4u > payload_bytes)
			return REASON_MALFORMED;
	}
	return NEXT;
}

/*
 * A fragment that is not the first: it has no ports. One of TCP that begins 8 bytes into the header
 * would overwrite what the first showed (RFC 3128).
 */
static __always_inline int parse_later_fragment(__u32 fragment_offset, struct packet *pkt)
{
	pkt->where |= pkt->l3_offset | (__u64)pkt->family << WHERE_FAMILY_SHIFT |
		      1ULL << WHERE_FRAGMENT_SHIFT | 1ULL << WHERE_LATER_SHIFT;
	return pkt->protocol == IPPROTO_TCP && fragment_offset == 8 ? REASON_MALFORMED : NEXT;
}

static __always_inline int parse_ipv4(const struct frame *frame, __u32 offset, struct packet *pkt)
{
	const struct iphdr *ip = header_at(frame, offset, sizeof(*ip), frame->length);
	const __u32 available = frame->length - offset;
	__u32 header_bytes, total_bytes, fragment, fragment_offset;
	struct payload payload;

	if (!ip)
		return header_missing(offset, sizeof(*ip), frame->length);
	header_bytes = ip->ihl * 4;
	total_bytes = bpf_ntohs(ip->tot_len);
	/* BIG TCP: a packet too big for the field, still to be segmented. */
	if (frame->segmented && !total_bytes)
		total_bytes = available;
	if (ip->version != 4 || header_bytes < sizeof(*ip) || total_bytes < header_bytes ||
	    total_bytes > available)
		return REASON_MALFORMED;

	pkt->family = FAMILY_IPV4;
	pkt->protocol = ip->protocol;
	pkt->key.words[KEY_ADDR] = bpf_ntohl(frame->egress ? ip->daddr : ip->saddr);
	fragment = bpf_ntohs(ip->frag_off);
	fragment_offset = (fragment & FRAGMENT4_OFFSET) * 8;
	pkt->fragment = (fragment & (FRAGMENT4_OFFSET | FRAGMENT4_MORE)) != 0;
	if (fragment_offset) {
		if (fragment_offset + total_bytes > IPV4_DATAGRAM_MAX)
			return REASON_MALFORMED;
		return parse_later_fragment(fragment_offset, pkt);
	}
	payload.offset = offset + header_bytes;
	payload.end = offset + total_bytes;
	payload.first = pkt->fragment;
	return parse_l4(frame, &payload, pkt);
}

/*
 * The fragment header at payload->offset. *later: this is not the first fragment, what follows is
 * no header.
 */
static __always_inline int parse_ipv6_fragment(const struct frame *frame, __u32 payload_start,
					       const struct payload *payload, struct packet *pkt,
					       _Bool *later)
{
	const struct fragment_header *header =
		header_at(frame, payload->offset, sizeof(*header), payload->end);
	__u32 offset_flags, fragment_offset;

	if (!header)
		return header_missing(payload->offset, sizeof(*header), payload->end);
	offset_flags = bpf_ntohs(header->offset_flags);
	fragment_offset = offset_flags & FRAGMENT6_OFFSET;
	pkt->protocol = header->next;
	pkt->fragment = (offset_flags & (FRAGMENT6_OFFSET | FRAGMENT6_MORE)) != 0;
	*later = fragment_offset != 0;
	pkt->where = (__u64)(payload->offset - pkt->l3_offset) / 8 << WHERE_FRAGMENT_HEADER_SHIFT;
	/* The payload put together again is all headers and bytes but this header (RFC 8200, 4.5).
	 */
	if (fragment_offset + (payload->end - payload_start) - sizeof(*header) > IPV6_PAYLOAD_MAX)
		return REASON_MALFORMED;
	return fragment_offset ? parse_later_fragment(fragment_offset, pkt) : NEXT;
}

static __always_inline _Bool is_extension(__u32 protocol)
{
	return protocol == IPPROTO_HOPOPTS || protocol == IPPROTO_ROUTING ||
	       protocol == IPPROTO_DSTOPTS || protocol == IPPROTO_AH ||
	       protocol == IPPROTO_FRAGMENT;
}

/*
 * Walks the extension headers: payload->offset and pkt->protocol are then the upper protocol's.
 * *later: there is no header to parse, this is a later fragment.
 */
static __always_inline int parse_ipv6_extensions(const struct frame *frame, struct payload *payload,
						 struct packet *pkt, _Bool *later)
{
	const __u32 start = payload->offset;
	_Bool fragment_seen = 0;

	for (int i = 0; i < EXTENSIONS_MAX; i++) {
		const struct extension_header *extension;
		const __u32 type = pkt->protocol;
		__u32 size;

		if (!is_extension(type))
			return NEXT;
		if (type == IPPROTO_HOPOPTS && i)
			return REASON_MALFORMED;
		if (type == IPPROTO_FRAGMENT) {
			int reason;

			if (fragment_seen)
				return REASON_MALFORMED;
			fragment_seen = 1;
			reason = parse_ipv6_fragment(frame, start, payload, pkt, later);
			if (reason != NEXT || *later)
				return reason;
			payload->offset =
				widen(frame, payload->offset + sizeof(struct fragment_header));
			payload->first = pkt->fragment;
			continue;
		}
		extension = header_at(frame, payload->offset, sizeof(*extension), payload->end);
		if (!extension)
			return header_missing(payload->offset, sizeof(*extension), payload->end);
		pkt->protocol = extension->next;
		/* Authentication headers count words of 4 bytes beyond two, the others 8 beyond
		 * one. */
		size = type == IPPROTO_AH ? (extension->length + 2) * 4
					  : (extension->length + 1) * 8;
		payload->offset = widen(frame, payload->offset + size);
		if (payload->offset > payload->end)
			return REASON_MALFORMED;
	}
	return is_extension(pkt->protocol) ? REASON_MALFORMED : NEXT;
}

static __always_inline int parse_ipv6(const struct frame *frame, __u32 offset, struct packet *pkt)
{
	const struct ipv6hdr *ip = header_at(frame, offset, sizeof(*ip), frame->length);
	const struct in6_addr *addr;
	struct payload payload = {};
	__u32 payload_bytes;
	_Bool later = 0;
	int reason;

	if (!ip)
		return header_missing(offset, sizeof(*ip), frame->length);
	payload.offset = offset + sizeof(*ip);
	payload_bytes = bpf_ntohs(ip->payload_len);
	/* As for IPv4, with or without the jumbo option; others' jumbograms end before their
	 * option. */
	if (frame->segmented && !payload_bytes)
		payload_bytes = frame->length - payload.offset;
	payload.end = payload.offset + payload_bytes;
	if (ip->version != 6 || payload.end > frame->length)
		return REASON_MALFORMED;

	pkt->family = FAMILY_IPV6;
	pkt->protocol = ip->nexthdr;
	pkt->hop_limit = ip->hop_limit;
	addr = frame->egress ? &ip->daddr : &ip->saddr;
	pkt->key.words[0] = bpf_ntohl(addr->s6_addr32[0]);
	pkt->key.words[1] = bpf_ntohl(addr->s6_addr32[1]);
	pkt->key.words[2] = bpf_ntohl(addr->s6_addr32[2]);
	pkt->key.words[3] = bpf_ntohl(addr->s6_addr32[3]);

	reason = parse_ipv6_extensions(frame, &payload, pkt, &later);
	if (reason != NEXT || later)
		return reason;
	return parse_l4(frame, &payload, pkt);
}

/*
 * Parses the frame into *pkt, which must be zero. NEXT: it is an IP packet, well formed as far as
 * bgo looks. REASON_NON_IP, REASON_MALFORMED or PARSE_NOT_LINEAR: of *pkt only the length counts.
 */
static __always_inline int packet_parse(const struct frame *frame, struct packet *pkt)
{
	__u16 ethertype;
	__u32 offset;
	int reason;

	pkt->length = frame->length;
	pkt->rule = NO_RULE;
	reason = parse_ethernet(frame, &ethertype, &offset);
	if (reason != NEXT)
		return reason;
	offset = widen(frame, offset);
	pkt->l3_offset = offset;
	if (ethertype == ETH_P_IP)
		reason = parse_ipv4(frame, offset, pkt);
	else if (ethertype == ETH_P_IPV6)
		reason = parse_ipv6(frame, offset, pkt);
	else
		return REASON_NON_IP;
	pkt->key.words[KEY_PROTO_PORT] =
		pkt->protocol << KEY_PROTO_SHIFT | pkt->key.words[KEY_PORT];
	return reason;
}

#endif
