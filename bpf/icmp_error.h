/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * ICMP errors about packets of connections: which connection one is of. Whoever sends it, the
 * other end or a router on the way, it quotes the packet that did not get through, and that alone
 * says what it belongs to.
 */
#ifndef BGO_ICMP_ERROR_H
#define BGO_ICMP_ERROR_H

#include "conntrack.h"
#include "icmp.h"

/* The quoted packet went the other way: who sent it is whom the error is for. */
static __always_inline _Bool read_quoted_ipv4(struct flow *flow, const struct frame *frame)
{
	const struct iphdr *outer = packet_at(frame, flow->l3_offset, sizeof(*outer));
	const struct iphdr *ip = packet_at(frame, flow->quoted.l3_offset, sizeof(*ip));
	struct conn_tuple *tuple = &flow->tuple;

	if (!outer || !ip || ip->version != 4 || ip->ihl < 5 || ip->saddr != tuple->daddr_be[0] ||
	    ip->frag_off & bpf_htons(FRAGMENT4_OFFSET))
		return 0;
	copy_ipv4(tuple->saddr_be, ip->daddr);
	tuple->protocol = ip->protocol;
	flow->quoted.l4_offset = flow->quoted.l3_offset + ip->ihl * 4;
	flow->quoted.end = flow->l3_offset + bpf_ntohs(outer->tot_len);
	return 1;
}

static __always_inline _Bool read_quoted_ipv6(struct flow *flow, const struct frame *frame)
{
	const struct ipv6hdr *outer = packet_at(frame, flow->l3_offset, sizeof(*outer));
	const struct ipv6hdr *ip = packet_at(frame, flow->quoted.l3_offset, sizeof(*ip));
	struct conn_tuple *tuple = &flow->tuple;
	struct packet quoted = {};
	struct payload payload = {};
	_Bool later = 0;

	if (!outer || !ip || ip->version != 6 || !addr_equal(ip->saddr.s6_addr32, tuple->daddr_be))
		return 0;
	copy_addr(tuple->saddr_be, ip->daddr.s6_addr32);
	flow->quoted.end = flow->l3_offset + sizeof(*outer) + bpf_ntohs(outer->payload_len);
	quoted.protocol = ip->nexthdr;
	payload.offset = widen(frame, flow->quoted.l3_offset + sizeof(*ip));
	payload.end = flow->quoted.end;
	if (parse_ipv6_extensions(frame, &payload, &quoted, &later) != NEXT || later)
		return 0;
	tuple->protocol = quoted.protocol;
	flow->quoted.l4_offset = payload.offset;
	return 1;
}

/*
 * Of an ICMP error: flow->tuple becomes, but for its ports, the tuple of the quoted packet's
 * connection for packets which come the way the error comes, so that it is looked up as theirs.
 * flow->quoted is where the quoted packet is in it; behind its IP header are QUOTED_L4_BYTES.
 *
 * False: it is no error, or not for whom the quoted packet came from. Its checksum is not looked
 * at: nothing of a connection may change because of an error.
 */
static __always_inline _Bool flow_read_quoted(struct flow *flow, const struct frame *frame,
					      __u64 where)
{
	const struct icmp_header *icmp;
	_Bool is_read;

	if (!where_is_icmp(where) || where_is_fragment(where) || !flow_read_ip(flow, frame, where))
		return 0;
	icmp = packet_at(frame, flow->l4_offset, sizeof(*icmp));
	if (!icmp || !icmp_is_error(flow->tuple.family, icmp->type))
		return 0;
	flow->quoted.l3_offset = flow->l4_offset + sizeof(*icmp);
	if (flow->tuple.family == FAMILY_IPV6)
		is_read = read_quoted_ipv6(flow, frame);
	else
		is_read = read_quoted_ipv4(flow, frame);
	return is_read && flow->quoted.l4_offset + QUOTED_L4_BYTES <= flow->quoted.end;
}

/* The same with the ports of a quoted packet of TCP or UDP. */
static __always_inline _Bool flow_read_quoted_ports(struct flow *flow, const struct frame *frame)
{
	const struct port_header *ports = packet_at(frame, flow->quoted.l4_offset, QUOTED_L4_BYTES);

	if (!ports)
		return 0;
	flow->tuple.sport_be = ports->destination;
	flow->tuple.dport_be = ports->source;
	return 1;
}

/* An error that may be about a packet of a service. */
static __always_inline _Bool flow_read_error(struct flow *flow, const struct frame *frame,
					     __u64 where)
{
	flow->tuple.zone = CONN_ZONE_LVS;
	if (!flow_read_quoted(flow, frame, where) ||
	    (flow->tuple.protocol != IPPROTO_TCP && flow->tuple.protocol != IPPROTO_UDP))
		return 0;
	return flow_read_quoted_ports(flow, frame);
}

#endif
