/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Connections: what their maps hold, and the state machine that says how long one without packets
 * is kept. Pure: shared by the programs, which run it, and user space, which shows connections and
 * removes expired ones.
 */
#ifndef BGO_CONN_H
#define BGO_CONN_H

#include <linux/types.h>

enum family { FAMILY_IPV4, FAMILY_IPV6, FAMILY_COUNT };

/*
 * One direction of a connection as its packets come in. Two connections of different zones may
 * have the same addresses and ports.
 */
struct conn_tuple {
	__u32 saddr_be[4], daddr_be[4]; /* IPv4 in word 0, the others 0 */
	__u16 sport_be, dport_be;
	__u8 family, protocol;
	__u16 zone;
};
_Static_assert(sizeof(struct conn_tuple) == 40, "the connection maps' key");

enum conn_zone {
	CONN_ZONE_LVS,	/* of services */
	CONN_ZONE_HOST, /* opened by this host: the client of these */
};

#define CONN_STATES(X)                                                                             \
	X(UNREPLIED, unreplied, 30)	  /* not TCP: no answer yet */                             \
	X(REPLIED, replied, 180)	  /* not TCP: answered */                                  \
	X(SYN_SENT, syn_sent, 60)	  /* no answer yet */                                      \
	X(SYN_ACKED, syn_acked, 60)	  /* the server accepts, the client has not said more */   \
	X(ESTABLISHED, established, 7440) /* RFC 5382, 5: not less than 2 hours 4 minutes */       \
	X(FIN_CLIENT, fin_client, 240)	  /* the client sends no more data */                      \
	X(FIN_SERVER, fin_server, 240)	  /* the server does not */                                \
	X(CLOSED, closed, 60)		  /* neither */                                            \
	X(RESET_CLIENT, reset_client, 10) /* an RST came that says it is the client's */           \
	X(RESET_SERVER, reset_server, 10)

#define CONN_STATE_ENUM(NAME, name, timeout_s) CONN_##NAME,
enum conn_state { CONN_STATES(CONN_STATE_ENUM) CONN_STATE_COUNT };
#undef CONN_STATE_ENUM

/*
 * A connection, under the tuple of its client's packets. Of services' conn_half_open_map has the
 * other direction as well, with `reply` set. The host's are not translated: `to` is their own
 * tuple, which is found from either direction, so they have this one entry.
 */
struct conn {
	/* As the client's packets go on, translated; with `reply`: the client's own tuple. */
	struct conn_tuple to;
	__u64 seen_ns; /* CLOCK_MONOTONIC, of the last packet of either direction */
	__u32 server;  /* its id */
	/* Host order. CONN_SYN_ACKED: what the client acknowledges if it is real. Of the host's:
	 * what it acknowledged last, so about where the other end's sequence numbers are. */
	__u32 expected_ack;
	__u8 state; /* enum conn_state */
	__u8 mode;  /* enum lvs_mode */
	__u8 reply;
	__u8 answered; /* of the host's, half-open: something came that no rule lets in */
	__u8 reserved[4];
};
_Static_assert(sizeof(struct conn) == 64, "conn_track_map's value");

#define CONN_TCP_FIN 0x01
#define CONN_TCP_SYN 0x02
#define CONN_TCP_RST 0x04
#define CONN_TCP_ACK 0x10

/* Whether a TCP packet asks for a connection; of other protocols the flags are 0. */
static inline _Bool conn_tcp_opens(__u32 flags)
{
	return (flags & (CONN_TCP_SYN | CONN_TCP_ACK)) == CONN_TCP_SYN;
}

/* How long a connection in this state is kept without packets. */
static inline __u64 conn_timeout_ns(__u32 state)
{
#define CONN_STATE_TIMEOUT(NAME, name, timeout_s)                                                  \
	if (state == CONN_##NAME)                                                                  \
		return timeout_s * 1000000000ULL;
	CONN_STATES(CONN_STATE_TIMEOUT)
#undef CONN_STATE_TIMEOUT
	return 0;
}

static inline _Bool conn_expired(const struct conn *conn, __u64 now_ns)
{
	/* Signed: another CPU may have written a later time than ours. */
	return (__s64)(now_ns - conn->seen_ns) > (__s64)conn_timeout_ns(conn->state);
}

/* Whether a SYN of the client begins a new connection in the place of one in this state. */
static inline _Bool conn_over(__u32 state)
{
	return state == CONN_CLOSED || state == CONN_RESET_CLIENT || state == CONN_RESET_SERVER;
}

/*
 * The state of an established TCP connection after one more packet. Nothing here needs a sequence
 * number to be right: whoever forges a FIN or an RST only shortens how long silence is allowed, and
 * who goes on sending after an RST of his shows that it was none. (The other end's packets do not:
 * those may have been on their way.)
 */
static inline __u32 conn_tcp_next(__u32 state, __u32 flags, _Bool from_server)
{
	const __u32 own_reset = from_server ? CONN_RESET_SERVER : CONN_RESET_CLIENT;
	const __u32 other_fin = from_server ? CONN_FIN_CLIENT : CONN_FIN_SERVER;
	const __u32 own_fin = from_server ? CONN_FIN_SERVER : CONN_FIN_CLIENT;

	if (flags & CONN_TCP_RST)
		return own_reset;
	if (state == own_reset)
		state = CONN_ESTABLISHED;
	if (!(flags & CONN_TCP_FIN))
		return state;
	if (state == other_fin)
		return CONN_CLOSED;
	return state == CONN_ESTABLISHED ? own_fin : state;
}

/*
 * What may be behind the byte that the host acknowledged last: acknowledgements are late, and
 * windows large.
 */
#define CONN_IN_FLIGHT (1u << 20)

/*
 * The flags that count of a packet to this host. Who cannot see what the host acknowledges has one
 * chance in 4096 to end its connection with a forged FIN or RST; and if so, the host's next packet
 * begins it again.
 */
static inline __u32 conn_tcp_believed(__u32 flags, __u32 seq, __u32 acknowledged)
{
	return seq - acknowledged < CONN_IN_FLIGHT ? flags : flags & ~(CONN_TCP_FIN | CONN_TCP_RST);
}

#endif
