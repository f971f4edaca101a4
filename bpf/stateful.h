/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Connections that this host opened: TC egress remembers them, and XDP and TC ingress let their
 * replies through a default policy of deny.
 *
 * Only what the host sends makes an entry, or moves one from the table of half-open connections,
 * where the newest push out the oldest, to that of whole ones. It moves when the host goes on: with
 * TCP after a SYN that is an answer it accepted, else after something came that needed the entry.
 * What the host sends to those whom a rule lets in therefore never takes the room of others, and
 * whatever is forged outside can make no entry.
 *
 * A TCP packet of the host that begins nothing is of a connection which began before anybody
 * looked, and has an entry from there on.
 */
#ifndef BGO_STATEFUL_H
#define BGO_STATEFUL_H

#include "conntrack.h"
#include "icmp_error.h"

/*
 * An echo request or reply that is at `offset`, by its identifier: the port of who asks. Requests
 * of the host and replies to it have a tuple, those of others do not, so the one is never taken for
 * the other.
 */
static __always_inline _Bool host_read_echo(struct flow *flow, const struct frame *frame,
					    __u32 offset, _Bool is_request, _Bool outgoing)
{
	const struct icmp_header *icmp = packet_at(frame, offset, sizeof(*icmp));
	const _Bool is_ipv6 = flow->tuple.family == FAMILY_IPV6;
	const __u32 request = is_ipv6 ? ICMPV6_ECHO : ICMPV4_ECHO;
	const __u32 reply = is_ipv6 ? ICMPV6_ECHO_REPLY : ICMPV4_ECHO_REPLY;
	__be16 id;

	if (!icmp || icmp->type != (is_request ? request : reply))
		return 0;
	id = *(const __be16 *)&icmp->rest;
	flow->tuple.sport_be = outgoing ? id : 0;
	flow->tuple.dport_be = outgoing ? 0 : id;
	return 1;
}

/* A packet that may be of a connection of this host. False for packets of other kinds. */
static __always_inline _Bool host_read(struct flow *flow, const struct frame *frame, __u64 where,
				       _Bool outgoing)
{
	flow->tuple.zone = CONN_ZONE_HOST;
	if (!flow_read_ip(flow, frame, where))
		return 0;
	switch (flow->tuple.protocol) {
	case IPPROTO_TCP:
	case IPPROTO_UDP:
		return flow_read_ports(flow, frame);
	case IPPROTO_ICMP:
	case IPPROTO_ICMPV6:
		return host_read_echo(flow, frame, flow->l4_offset, outgoing, outgoing);
	default:
		return 0;
	}
}

/* An ICMP error that may be about such a packet, which the host sent: its tuple is that of a reply.
 */
static __always_inline _Bool host_read_error(struct flow *flow, const struct frame *frame,
					     __u64 where)
{
	flow->tuple.zone = CONN_ZONE_HOST;
	if (!flow_read_quoted(flow, frame, where))
		return 0;
	switch (flow->tuple.protocol) {
	case IPPROTO_TCP:
	case IPPROTO_UDP:
		return flow_read_quoted_ports(flow, frame);
	case IPPROTO_ICMP:
	case IPPROTO_ICMPV6:
		return host_read_echo(flow, frame, flow->quoted.l4_offset, 1, 0);
	default:
		return 0;
	}
}

/* -- What leaves -- */

/* flow->conn becomes the connection of the packet that leaves. */
static __always_inline void host_prepare(struct flow *flow, __u32 state)
{
	struct conn *conn = &flow->conn;

	__builtin_memset(conn, 0, sizeof(*conn));
	conn->to = flow->tuple;
	conn->state = state;
	conn->expected_ack = flow->tcp.ack;
	conn->seen_ns = bpf_ktime_get_coarse_ns();
}

/* A packet of no connection. Whether there is room for it, if it needs any. */
static __always_inline _Bool host_begin(struct flow *flow)
{
	const __u32 flags = flow->tcp.flags;

	if (conn_tcp_opens(flags))
		host_prepare(flow, CONN_SYN_SENT);
	else if (flags & (CONN_TCP_SYN | CONN_TCP_RST))
		return 1; /* what somebody else tried to begin */
	else
		host_prepare(flow, flags ? CONN_ESTABLISHED : CONN_UNREPLIED);
	return !bpf_map_update_elem(&conn_half_open_map, &flow->tuple, &flow->conn, BPF_ANY);
}

/*
 * The host goes on. Without room among whole connections it stays where newer ones may push it out.
 */
static __always_inline _Bool host_promote(struct flow *flow)
{
	const __u32 flags = flow->tcp.flags;
	long err;

	host_prepare(flow, flags ? conn_tcp_next(CONN_ESTABLISHED, flags, 0) : CONN_REPLIED);
	err = bpf_map_update_elem(&conn_track_map, &flow->tuple, &flow->conn, BPF_NOEXIST);
	if (err && err != -EEXIST) /* that: another CPU was first */
		return 0;
	bpf_map_delete_elem(&conn_half_open_map, &flow->tuple);
	return 1;
}

static __always_inline _Bool host_half_open(struct flow *flow, struct conn *half)
{
	const __u32 flags = flow->tcp.flags;

	half->seen_ns = bpf_ktime_get_coarse_ns();
	if (conn_tcp_opens(flags))
		half->state = CONN_SYN_SENT;
	else if (!(flags & (CONN_TCP_SYN | CONN_TCP_RST)) &&
		 (half->state == CONN_SYN_SENT || half->answered))
		return host_promote(flow);
	return 1;
}

/* Whether there is room for the packet's connection. */
static __always_inline _Bool host_sent(struct flow *flow)
{
	struct conn *conn = bpf_map_lookup_elem(&conn_track_map, &flow->tuple);

	if (conn && !conn_tcp_opens(flow->tcp.flags)) {
		conn->expected_ack = flow->tcp.ack;
		conn_saw(conn, &flow->tcp, 0);
		return 1;
	}
	if (conn) /* the port is used again */
		bpf_map_delete_elem(&conn_track_map, &flow->tuple);
	conn = bpf_map_lookup_elem(&conn_half_open_map, &flow->tuple);
	return conn ? host_half_open(flow, conn) : host_begin(flow);
}

/* -- What comes -- */

/* The connection of a packet that comes: half-open or whole, NULL when there is none any more. */
static __always_inline struct conn *host_find(struct flow *flow, _Bool *is_whole)
{
	struct conn *conn;

	conn_reverse(&flow->tuple, &flow->reverse);
	conn = bpf_map_lookup_elem(&conn_track_map, &flow->reverse);
	*is_whole = conn != NULL;
	if (!conn)
		conn = bpf_map_lookup_elem(&conn_half_open_map, &flow->reverse);
	return conn && !conn_expired(conn, bpf_ktime_get_coarse_ns()) ? conn : NULL;
}

/* Whether it is of a connection that this host opened. */
static __always_inline _Bool host_received(struct flow *flow)
{
	struct conn_tcp *tcp = &flow->tcp;
	struct conn *conn;
	_Bool is_whole;

	if (conn_tcp_opens(tcp->flags))
		return 0;
	conn = host_find(flow, &is_whole);
	if (!conn)
		return 0;
	if (is_whole) {
		tcp->flags = conn_tcp_believed(tcp->flags, tcp->seq, conn->expected_ack);
		conn_saw(conn, tcp, 1);
	} else {
		conn->answered = 1;
	}
	return 1;
}

/*
 * Whether a packet that comes is of a connection that this host opened, or an ICMP error about what
 * it sent there, of which the connection takes no notice.
 */
static __always_inline _Bool host_expects(struct flow *flow, const struct frame *frame, __u64 where)
{
	_Bool is_whole;

	if (host_read(flow, frame, where, 0))
		return host_received(flow);
	return host_read_error(flow, frame, where) && host_find(flow, &is_whole);
}

#endif
