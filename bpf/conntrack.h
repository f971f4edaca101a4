/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Connections as packets find, make and change them; what they are is in conn.h.
 *
 * A connection that was not answered yet is two entries of conn_half_open_map, one for each
 * direction. Its first proof that both ends exist (TCP: the client acknowledges the server's
 * sequence number; else: an answer) moves it to conn_track_map, under its client's tuple, and
 * conn_reverse_map, which has that tuple under the server's. These tables push nothing out, so both
 * entries are there or neither is; when a connection is removed the first one goes first, and a
 * reply that finds only the second is dropped. (Connections that this host opened have one entry
 * instead, see stateful.h.)
 *
 * Two CPUs may work on one connection at once. Its fields are then written by both, each time with
 * what is right for a packet that was there; the insertions are BPF_NOEXIST.
 */
#ifndef BGO_CONNTRACK_H
#define BGO_CONNTRACK_H

#include <asm-generic/errno-base.h>

#include "conn.h"
#include "maps.h"
#include "packet.h"

/* Above pkt->where: CONNECTIONS_*. */
#define WHERE_CONNECTIONS_SHIFT 56

/* What a function that is verified by itself needs to know of a packet, in one number. */
static __always_inline __u64 packet_where(const struct packet *pkt)
{
	return pkt->where | (__u64)pkt->connections << WHERE_CONNECTIONS_SHIFT;
}

/* What of TCP's header connections depend on, host order. */
struct conn_tcp {
	__u32 flags, seq, ack;
};

/* How a packet goes on. */
struct translation {
	struct conn_tuple to;
	__u32 mode;   /* enum lvs_mode */
	__u32 server; /* its id */
	__u32 reply;  /* 1: from the server */
};

/* The packet that an ICMP error quotes, as places in the error. */
struct quoted {
	__u32 l3_offset, l4_offset;
	__u32 end; /* of the error, which seldom has all of the packet */
};

/*
 * A packet on its way through connections, and room for what is made for it. One for each CPU: the
 * stack of a program and its functions is 512 bytes, and no packet interrupts another at XDP or at
 * TC, where softirqs are off.
 */
struct flow {
	struct conn_tuple tuple; /* as the packet came */
	struct conn_tcp tcp;	 /* zeroes for other protocols */
	__u32 l3_offset, l4_offset;
	__u32 half; /* of the maps of services */
	__u32 bytes;
	struct quoted quoted; /* l3_offset 0: this is no ICMP error */
	struct translation out;
	struct conn_tuple reverse; /* of a connection that is made or removed */
	struct conn conn, back;
	struct lvs_key key;
	struct bpf_fib_lookup fib;
};

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__type(key, __u32);
	__type(value, struct flow);
	__uint(max_entries, 1);
} flows SEC(".maps");

/*
 * Functions that are verified by themselves ask for it each: to Linux before 6.3 a pointer that
 * came as an argument is none to a map's key.
 */
static __always_inline struct flow *flow_get(void)
{
	__u32 zero = 0;

	return bpf_map_lookup_elem(&flows, &zero);
}

static __always_inline void *linear_at(char *data, const char *data_end, __u32 offset, __u32 size)
{
	barrier_var(offset);
	data += offset & OFFSET_MAX;
	return data + size > data_end ? NULL : data;
}

/* NULL unless all `size` bytes at `offset` are in it. `in` is a program's context or a frame. */
#define packet_at(in, offset, size)                                                                \
	linear_at((char *)(long)(in)->data, (const char *)(long)(in)->data_end, offset, size)

static __always_inline struct frame frame_of_xdp(const struct xdp_md *ctx)
{
	return (struct frame){
		.data = (const void *)(long)ctx->data,
		.data_end = (const void *)(long)ctx->data_end,
		.length = ctx->data_end - ctx->data,
	};
}

static __always_inline void copy_addr(__u32 to[4], const __u32 from[4])
{
	to[0] = from[0];
	to[1] = from[1];
	to[2] = from[2];
	to[3] = from[3];
}

static __always_inline void copy_ipv4(__u32 to[4], __u32 from)
{
	to[0] = from;
	to[1] = to[2] = to[3] = 0;
}

static __always_inline _Bool addr_equal(const __u32 a[4], const __u32 b[4])
{
	return a[0] == b[0] && a[1] == b[1] && a[2] == b[2] && a[3] == b[3];
}

/* What `where` says, and the addresses. False: there is nothing to be read. */
static __always_inline _Bool flow_read_ip(struct flow *flow, const struct frame *frame, __u64 where)
{
	struct conn_tuple *tuple = &flow->tuple;

	flow->l3_offset = where & OFFSET_MAX;
	flow->l4_offset = where >> WHERE_L4_SHIFT & OFFSET_MAX;
	flow->half = where >> WHERE_CONNECTIONS_SHIFT & CONNECTIONS_LVS_HALF ? 1 : 0;
	flow->bytes = frame->length;
	flow->quoted.l3_offset = 0;
	flow->tcp.flags = 0;
	tuple->protocol = where_protocol(where);
	tuple->family = where >> WHERE_FAMILY_SHIFT & 1;
	if (tuple->family == FAMILY_IPV6) {
		const struct ipv6hdr *ip = packet_at(frame, flow->l3_offset, sizeof(*ip));

		if (!ip)
			return 0;
		copy_addr(tuple->saddr_be, ip->saddr.s6_addr32);
		copy_addr(tuple->daddr_be, ip->daddr.s6_addr32);
	} else {
		const struct iphdr *ip = packet_at(frame, flow->l3_offset, sizeof(*ip));

		if (!ip)
			return 0;
		copy_ipv4(tuple->saddr_be, ip->saddr);
		copy_ipv4(tuple->daddr_be, ip->daddr);
	}
	return 1;
}

/* The ports of TCP or UDP, and what of TCP's header connections depend on. */
static __always_inline _Bool flow_read_ports(struct flow *flow, const struct frame *frame)
{
	const struct port_header *ports = packet_at(frame, flow->l4_offset, sizeof(struct udphdr));
	const struct tcphdr *tcp;

	if (!ports)
		return 0;
	flow->tuple.sport_be = ports->source;
	flow->tuple.dport_be = ports->destination;
	if (flow->tuple.protocol != IPPROTO_TCP)
		return 1;
	tcp = packet_at(frame, flow->l4_offset, sizeof(*tcp));
	if (!tcp)
		return 0;
	flow->tcp.flags = ((const __u8 *)tcp)[13];
	flow->tcp.seq = bpf_ntohl(tcp->seq);
	flow->tcp.ack = bpf_ntohl(tcp->ack_seq);
	return 1;
}

/* A packet that may be of a service. False for packets of other kinds. */
static __always_inline _Bool flow_read(struct flow *flow, const struct frame *frame, __u64 where)
{
	const __u32 protocol = where_protocol(where);

	flow->tuple.zone = CONN_ZONE_LVS;
	if (protocol != IPPROTO_TCP && protocol != IPPROTO_UDP)
		return 0;
	return flow_read_ip(flow, frame, where) && flow_read_ports(flow, frame);
}

/* The tuple of what comes back. */
static __always_inline void conn_reverse(const struct conn_tuple *tuple, struct conn_tuple *out)
{
	copy_addr(out->saddr_be, tuple->daddr_be);
	copy_addr(out->daddr_be, tuple->saddr_be);
	out->sport_be = tuple->dport_be;
	out->dport_be = tuple->sport_be;
	out->family = tuple->family;
	out->protocol = tuple->protocol;
	out->zone = tuple->zone;
}

static __always_inline _Bool tuple_equal(const struct conn_tuple *a, const struct conn_tuple *b)
{
	const __u64 *x = (const void *)a, *y = (const void *)b;

	return x[0] == y[0] && x[1] == y[1] && x[2] == y[2] && x[3] == y[3] && x[4] == y[4];
}

/* A packet of a connection both of whose ends exist. */
static __always_inline void conn_saw(struct conn *conn, const struct conn_tcp *tcp,
				     _Bool from_server)
{
	conn->seen_ns = bpf_ktime_get_coarse_ns();
	if (tcp->flags)
		conn->state = conn_tcp_next(conn->state, tcp->flags, from_server);
}

/* The connection of the flow's tuple, whose packets go on as `to`. */
static __always_inline void conn_remove(struct flow *flow, const struct conn_tuple *to)
{
	conn_reverse(to, &flow->reverse);
	bpf_map_delete_elem(&conn_track_map, &flow->tuple);
	bpf_map_delete_elem(&conn_reverse_map, &flow->reverse);
}

/*
 * Both ends exist: the half-open connection of this client becomes a whole one, in both tables or
 * in neither. Returns 0, or negative when there is no room.
 */
static __always_inline int conn_promote(struct flow *flow, const struct conn_tuple *client,
					const struct conn *half, __u32 state)
{
	long err;

	flow->conn = *half;
	flow->conn.state = state;
	flow->conn.seen_ns = bpf_ktime_get_coarse_ns();
	err = bpf_map_update_elem(&conn_track_map, client, &flow->conn, BPF_NOEXIST);
	if (err == -EEXIST)
		return 0; /* another CPU was first, and sees to the rest */
	if (err)
		return -1;
	conn_reverse(&flow->conn.to, &flow->reverse);
	/* Of dsr nothing comes back by here. */
	if (flow->conn.mode != LVS_DSR &&
	    bpf_map_update_elem(&conn_reverse_map, &flow->reverse, client, BPF_NOEXIST)) {
		bpf_map_delete_elem(&conn_track_map, client);
		return -1;
	}
	bpf_map_delete_elem(&conn_half_open_map, client);
	bpf_map_delete_elem(&conn_half_open_map, &flow->reverse);
	return 0;
}

/*
 * Whether nobody else's replies have this tuple, or those of `tuple` itself have: a half-open entry
 * whose other one was pushed out.
 */
static __always_inline _Bool reverse_is_free(const struct conn_tuple *reverse,
					     const struct conn_tuple *tuple)
{
	const struct conn_tuple *owner = bpf_map_lookup_elem(&conn_reverse_map, reverse);
	const struct conn *half;

	if (owner)
		return 0;
	half = bpf_map_lookup_elem(&conn_half_open_map, reverse);
	return !half || (half->reply && tuple_equal(&half->to, tuple));
}

/* flow->conn, half-open: both directions, or neither. */
static __always_inline int conn_create_half_open(struct flow *flow)
{
	const struct conn *conn = &flow->conn;

	__builtin_memset(&flow->back, 0, sizeof(flow->back));
	flow->back.to = flow->tuple;
	flow->back.reply = 1;
	flow->back.seen_ns = conn->seen_ns;
	flow->back.mode = conn->mode;
	flow->back.server = conn->server;
	if (conn->mode != LVS_DSR &&
	    bpf_map_update_elem(&conn_half_open_map, &flow->reverse, &flow->back, BPF_ANY))
		return -1;
	if (!bpf_map_update_elem(&conn_half_open_map, &flow->tuple, conn, BPF_ANY))
		return 0;
	bpf_map_delete_elem(&conn_half_open_map, &flow->reverse);
	return -1;
}

#endif
