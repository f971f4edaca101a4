/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Load balancing: which connection a packet is of, which server a new one goes to, and what the
 * packet's addresses become. The packet itself is changed and sent in forward.h.
 */
#ifndef BGO_LVS_H
#define BGO_LVS_H

#include "conntrack.h"
#include "forward.h"
#include "fragments.h"
#include "icmp_error.h"
#include "maps.h"
#include "packet.h"
#include "ratelimit.h"
#include "verdict.h"

/* Candidates for a source port before a connection is refused. */
#define PORT_TRIES 32
#define PORT_MIN 1024

static __always_inline void service_key(struct flow *flow, const __u32 addr_be[4], __u16 port_be)
{
	struct lvs_key *key = &flow->key;

	key->half = flow->half;
	copy_addr(key->addr_be, addr_be);
	key->port_be = port_be;
	key->family = flow->tuple.family;
	key->protocol = flow->tuple.protocol;
}

/* Per server and CPU. */
static __always_inline void count_server(const struct flow *flow, _Bool is_new)
{
	__u32 id = flow->out.server;
	struct lvs_counters *counters = bpf_map_lookup_elem(&lvs_stats_map, &id);

	if (!counters)
		return;
	if (flow->out.reply) {
		counters->out_packets++;
		counters->out_bytes += flow->bytes;
	} else {
		counters->in_packets++;
		counters->in_bytes += flow->bytes;
	}
	if (is_new)
		counters->connections++;
}

/* Mixes the tuple to 32 bits. The same on every machine, as tables are: two balancers agree. */
static __always_inline __u32 tuple_hash(const struct conn_tuple *tuple)
{
	const __u64 *words = (const void *)tuple;
	__u64 hash = 0x9e3779b97f4a7c15ULL; /* 2^64 / golden ratio */

	for (int i = 0; i < 5; i++) {
		hash ^= words[i];
		hash *= 0xff51afd7ed558ccdULL; /* MurmurHash3's finalizer */
		hash ^= hash >> 32;
	}
	return (__u32)hash;
}

static __always_inline const struct lvs_server *choose_server(const struct flow *flow,
							      const struct lvs_service *service,
							      __u32 hash)
{
	__u32 table_index = flow->half * LVS_SERVICES_MAX + service->table;
	__u32 slot = hash % LVS_TABLE_SIZE, server_index;
	const struct lvs_table *table = bpf_map_lookup_elem(&lvs_table_map, &table_index);

	if (!table)
		return NULL;
	/* clang knows that the mask changes nothing and drops it, which the verifier then misses.
	 */
	barrier_var(slot);
	server_index = table->server[slot & (LVS_TABLE_SLOTS - 1)];
	if (server_index == LVS_NO_SERVER)
		return NULL;
	server_index += flow->half * LVS_SERVERS_MAX + service->first_server;
	return bpf_map_lookup_elem(&lvs_server_map, &server_index);
}

/*
 * Finds a source port with which replies are told from those of all other connections: the client's
 * own, else others. Two virtual addresses may have one server, and one client use one port for
 * both.
 */
static __always_inline int choose_port(struct flow *flow, __u32 hash)
{
	for (__u32 i = 0; i < PORT_TRIES; i++) {
		if (i) {
			hash = hash * 1664525 + 1013904223; /* Numerical Recipes' generator */
			flow->conn.to.sport_be =
				bpf_htons(PORT_MIN + (hash >> 16) % (65536 - PORT_MIN));
		}
		flow->reverse.dport_be = flow->conn.to.sport_be;
		if (reverse_is_free(&flow->reverse, &flow->tuple))
			return 0;
	}
	return -1;
}

static __always_inline void translate_to(struct translation *out, const struct conn *conn)
{
	out->to = conn->to;
	out->mode = conn->mode;
	out->server = conn->server;
	out->reply = 0;
}

/* A reply goes to the client from the address it wrote to. */
static __always_inline void translate_back(struct translation *out, const struct conn_tuple *client,
					   const struct conn *conn)
{
	conn_reverse(client, &out->to);
	out->mode = conn->mode;
	out->server = conn->server;
	out->reply = 1;
}

/* flow->conn becomes the client's connection to this server. */
static __always_inline void prepare_connection(struct flow *flow, const struct lvs_service *service,
					       const struct lvs_server *server)
{
	const struct conn_tuple *tuple = &flow->tuple;
	struct conn *conn = &flow->conn;

	__builtin_memset(conn, 0, sizeof(*conn));
	conn->to = *tuple;
	copy_addr(conn->to.daddr_be, server->addr_be);
	conn->mode = service->mode;
	/* The server answers the virtual address, so it needs no route by this machine. */
	if (conn->mode == LVS_FULLNAT)
		copy_addr(conn->to.saddr_be, tuple->daddr_be);
	if (conn->mode != LVS_DSR)
		conn->to.dport_be = server->port_be;
	conn->server = server->id;
	conn->state = tuple->protocol == IPPROTO_TCP ? CONN_SYN_SENT : CONN_UNREPLIED;
	conn->seen_ns = bpf_ktime_get_coarse_ns();
	conn_reverse(&conn->to, &flow->reverse);
}

/* Whether one more connection of the service may begin now, which takes a token. */
static __always_inline _Bool may_begin(const struct flow *flow, const struct lvs_service *service)
{
	__u32 index = flow->half * LVS_SERVICES_MAX + service->table;
	struct lvs_limit *limit;

	if (!service->max_new)
		return 1;
	limit = bpf_map_lookup_elem(&lvs_limit_map, &index);
	return !limit || bucket_take(&limit->empty_at, &limit->rate, 1,
				     bpf_ktime_get_ns() * RATE_LIMIT_UNITS_PER_NS);
}

/* A packet that is of no connection, if it is for a service: begins one. Else NEXT. */
__attribute__((noinline)) int lvs_begin(void)
{
	struct flow *flow = flow_get();
	const __u32 opening = CONN_TCP_SYN | CONN_TCP_ACK | CONN_TCP_RST | CONN_TCP_FIN;
	const struct lvs_service *service;
	const struct lvs_server *server;
	__u32 hash;

	if (!flow)
		return NEXT;
	service_key(flow, flow->tuple.daddr_be, flow->tuple.dport_be);
	service = bpf_map_lookup_elem(&lvs_dnat_map, &flow->key);
	if (!service || !service->enabled)
		return NEXT;
	if (flow->tuple.protocol == IPPROTO_TCP && (flow->tcp.flags & opening) != CONN_TCP_SYN)
		return REASON_LVS_NO_CONNECTION;
	if (!may_begin(flow, service))
		return REASON_LVS_LIMITED;
	hash = tuple_hash(&flow->tuple);
	server = choose_server(flow, service, hash);
	if (!server)
		return REASON_LVS_NO_SERVER;
	prepare_connection(flow, service, server);
	if (flow->conn.mode != LVS_DSR && choose_port(flow, hash))
		return REASON_LVS_FULL;
	if (conn_create_half_open(flow))
		return REASON_LVS_FULL;
	translate_to(&flow->out, &flow->conn);
	count_server(flow, 1);
	return REASON_LOAD_BALANCED;
}

/* -- Which connection a packet is of: flow->out becomes how it goes on, nothing else changes -- */

/* Of whole connections. NEXT: of none. */
static __always_inline int find_whole(struct flow *flow, struct conn **conn)
{
	const struct conn_tuple *client;

	*conn = bpf_map_lookup_elem(&conn_track_map, &flow->tuple);
	if (*conn) {
		translate_to(&flow->out, *conn);
		return REASON_LOAD_BALANCED;
	}
	client = bpf_map_lookup_elem(&conn_reverse_map, &flow->tuple);
	if (!client)
		return NEXT;
	*conn = bpf_map_lookup_elem(&conn_track_map, client);
	if (!*conn)
		return REASON_LVS_NO_REVERSE;
	translate_back(&flow->out, client, *conn);
	return REASON_LOAD_BALANCED;
}

/* Of half-open ones; of a reply, *half is the client's entry and flow->back.to its tuple. */
static __always_inline int find_half_open(struct flow *flow, struct conn **half)
{
	*half = bpf_map_lookup_elem(&conn_half_open_map, &flow->tuple);
	if (!*half)
		return NEXT;
	if (!(*half)->reply) {
		translate_to(&flow->out, *half);
		return REASON_LOAD_BALANCED;
	}
	/* A copy: the entry may become another's meanwhile. */
	flow->back.to = (*half)->to;
	*half = bpf_map_lookup_elem(&conn_half_open_map, &flow->back.to);
	if (!*half)
		return REASON_LVS_NO_REVERSE;
	translate_back(&flow->out, &flow->back.to, *half);
	return REASON_LOAD_BALANCED;
}

/* -- What a packet does to its connection -- */

/* From the client of a half-open connection. */
static __always_inline int half_open_forward(struct flow *flow, struct conn *half)
{
	const struct conn_tcp *tcp = &flow->tcp;

	half->seen_ns = bpf_ktime_get_coarse_ns();
	if (!(tcp->flags & CONN_TCP_ACK) || tcp->flags & (CONN_TCP_SYN | CONN_TCP_RST))
		return REASON_LOAD_BALANCED;
	/* Of dsr the server's answer was not seen. */
	if (half->mode != LVS_DSR &&
	    (half->state != CONN_SYN_ACKED || tcp->ack != half->expected_ack))
		return REASON_LVS_NO_CONNECTION;
	/* Without room dsr goes on by the half-open entry. */
	if (conn_promote(flow, &flow->tuple, half,
			 conn_tcp_next(CONN_ESTABLISHED, tcp->flags, 0)) &&
	    flow->out.mode != LVS_DSR)
		return REASON_LVS_FULL;
	return REASON_LOAD_BALANCED;
}

/* From the server of a half-open connection; `client` is its other entry's tuple. */
static __always_inline int half_open_reply(struct flow *flow, const struct conn_tuple *client,
					   struct conn *half)
{
	const struct conn_tcp *tcp = &flow->tcp;
	const __u32 accepts = CONN_TCP_SYN | CONN_TCP_ACK;

	half->seen_ns = bpf_ktime_get_coarse_ns();
	if (client->protocol != IPPROTO_TCP)
		return conn_promote(flow, client, half, CONN_REPLIED) ? REASON_LVS_FULL
								      : REASON_LOAD_BALANCED;
	if ((tcp->flags & accepts) == accepts) {
		half->expected_ack = tcp->seq + 1;
		half->state = CONN_SYN_ACKED;
	}
	return REASON_LOAD_BALANCED;
}

/* NEXT when the tuple is of no half-open connection. */
static __always_inline int lvs_half_open(struct flow *flow)
{
	struct conn *half;
	const int reason = find_half_open(flow, &half);

	if (reason != REASON_LOAD_BALANCED)
		return reason;
	return flow->out.reply ? half_open_reply(flow, &flow->back.to, half)
			       : half_open_forward(flow, half);
}

/* Whether a client's SYN is not one more of this connection, but begins another. */
static __always_inline _Bool is_replaced(const struct conn *conn, const struct conn_tcp *tcp)
{
	return conn_tcp_opens(tcp->flags) &&
	       (conn_over(conn->state) || conn_expired(conn, bpf_ktime_get_coarse_ns()));
}

/* NEXT when the tuple is of no whole connection, or of one that this packet replaces. */
static __always_inline int lvs_established(struct flow *flow)
{
	struct conn *conn;
	const int reason = find_whole(flow, &conn);

	if (reason != REASON_LOAD_BALANCED)
		return reason;
	if (!flow->out.reply && is_replaced(conn, &flow->tcp)) {
		conn_remove(flow, &flow->out.to);
		return NEXT;
	}
	conn_saw(conn, &flow->tcp, flow->out.reply);
	return REASON_LOAD_BALANCED;
}

/*
 * A server's packet of no connection, on its way to elsewhere: it would show the server's address
 * to a client that does not know it. What the server sends to this machine is none of that.
 */
static __always_inline int lvs_stray_reply(struct xdp_md *ctx, struct flow *flow)
{
	service_key(flow, flow->tuple.saddr_be, flow->tuple.sport_be);
	flow->key.half |= LVS_KEY_SERVER;
	if (!bpf_map_lookup_elem(&lvs_dnat_map, &flow->key) || !is_transit(ctx, flow))
		return NEXT;
	return REASON_LVS_NO_REVERSE;
}

/* What the packet's addresses become. NEXT: nothing, it is not the load balancer's. */
__attribute__((noinline)) int lvs_find(void)
{
	struct flow *flow = flow_get();
	int reason;

	if (!flow)
		return NEXT;
	reason = lvs_established(flow);
	if (reason == NEXT)
		reason = lvs_half_open(flow);
	if (reason == REASON_LOAD_BALANCED)
		count_server(flow, 0);
	return reason;
}

/* A function of its own: the verifier looks at it once. */
__attribute__((noinline)) int lvs_read_error(struct xdp_md *ctx, __u64 where)
{
	const struct frame frame = frame_of_xdp(ctx);
	struct flow *flow = flow_get();

	return flow && flow_read_error(flow, &frame, where);
}

/* flow->tuple becomes that by which the packet is looked up. False: it can be of no connection. */
static __always_inline _Bool lvs_read(struct flow *flow, struct xdp_md *ctx, __u64 where)
{
	const struct frame frame = frame_of_xdp(ctx);

	return where_is_icmp(where) ? lvs_read_error(ctx, where) : flow_read(flow, &frame, where);
}

/*
 * An ICMP error goes on as the packets of its connection do. It may be forged, so of the connection
 * nothing changes.
 */
__attribute__((noinline)) int lvs_find_error(void)
{
	struct flow *flow = flow_get();
	struct conn *conn;
	int reason;

	if (!flow)
		return NEXT;
	reason = find_whole(flow, &conn);
	return reason == NEXT ? find_half_open(flow, &conn) : reason;
}

/* Looks up the packet of lvs_judge(), or begins a connection with it. */
static __always_inline int lvs_find_or_begin(__u64 where)
{
	int reason;

	if (where_is_icmp(where))
		return lvs_find_error();
	reason = lvs_find();
	return reason == NEXT ? lvs_begin() : reason;
}

static __always_inline int lvs_judge_later_fragment(struct xdp_md *ctx, __u64 where)
{
	const int reason = find_fragment(ctx, where);

	return reason == REASON_LOAD_BALANCED ? forward(ctx) : reason;
}

/* REASON_LOAD_BALANCED with its action, why the packet is dropped, or NEXT. */
__attribute__((noinline)) int lvs_judge(struct xdp_md *ctx, __u64 where)
{
	struct flow *flow = flow_get();
	int reason;

	if (where_is_later_fragment(where))
		return lvs_judge_later_fragment(ctx, where);
	if (!flow || !lvs_read(flow, ctx, where))
		return NEXT;
	reason = lvs_find_or_begin(where);
	if (reason == NEXT)
		reason = lvs_stray_reply(ctx, flow);
	if (where_is_fragment(where) && (reason == NEXT || reason == REASON_LOAD_BALANCED))
		remember_fragment(ctx, where, reason == REASON_LOAD_BALANCED);
	return reason == REASON_LOAD_BALANCED ? forward(ctx) : reason;
}

/*
 * Whether the packet is a reply that belongs to a connection, an error about one, or a fragment of
 * a packet whose first was let in.
 */
__attribute__((noinline)) int lvs_is_expected(struct xdp_md *ctx, __u64 where)
{
	struct flow *flow = flow_get();
	const struct conn *half;

	if (where_is_later_fragment(where))
		return find_fragment(ctx, where) == REASON_LOAD_BALANCED;
	if (!flow || !lvs_read(flow, ctx, where))
		return 0;
	if (where_is_icmp(where))
		return lvs_find_error() == REASON_LOAD_BALANCED;
	if (bpf_map_lookup_elem(&conn_reverse_map, &flow->tuple))
		return 1;
	half = bpf_map_lookup_elem(&conn_half_open_map, &flow->tuple);
	return half && half->reply;
}

/*
 * Behind the rate limit: packets to a virtual address go to a server, its replies to the client.
 * `reason` is why the packet would pass.
 */
static __always_inline int stage_load_balance(struct xdp_md *ctx, struct packet *pkt, int reason)
{
	int judged;

	if (!(pkt->connections & CONNECTIONS_LVS) || is_dropped(reason))
		return reason;
	judged = lvs_judge(ctx, packet_where(pkt));
	pkt->action = judged >> ACTION_SHIFT;
	judged &= REASON_MASK;
	if (judged != NEXT)
		return judged;
	/* It was let in for its connection, which was removed since. */
	return reason == REASON_LOAD_BALANCED ? REASON_LVS_NO_REVERSE : reason;
}

#endif
