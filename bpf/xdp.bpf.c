// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The XDP entry: what happens to a packet before the network stack sees it, top to bottom.
 */
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

#include "classify.h"
#include "lvs.h"
#include "packet.h"
#include "ratelimit_stage.h"
#include "stateful.h"
#include "verdict.h"

struct verdict_note xdp_verdict;

/* Set by the loader: frames may be in fragments (multi-buffer), of which only the first is linear.
 */
const volatile _Bool fragments;

/*
 * Drivers that need fragments fill the first with some hundred bytes at least; headers that reach
 * past it cannot be read and are dropped.
 */
static __always_inline int stage_parse(struct xdp_md *ctx, struct packet *pkt)
{
	struct frame frame = frame_of_xdp(ctx);
	int reason;

	if (fragments)
		frame.length = bpf_xdp_get_buff_len(ctx);
	reason = packet_parse(&frame, pkt);
	return reason == PARSE_NOT_LINEAR ? REASON_MALFORMED : reason;
}

/* Why the packet passes in spite of default deny, or REASON_BLOCKED_DEFAULT. */
__attribute__((noinline)) int known_connection(struct xdp_md *ctx, __u64 where)
{
	const __u32 connections = where >> WHERE_CONNECTIONS_SHIFT;
	const struct frame frame = frame_of_xdp(ctx);
	struct flow *flow = flow_get();

	if (connections & CONNECTIONS_LVS && lvs_is_expected(ctx, where))
		return REASON_LOAD_BALANCED;
	if (connections & CONNECTIONS_STATEFUL && flow && host_expects(flow, &frame, where))
		return REASON_ESTABLISHED;
	return REASON_BLOCKED_DEFAULT;
}

/*
 * Default deny is for strangers: replies to what was let in, or to what this host sent, need no
 * rule, nor do errors about what either end of a service's connection sent. What is of services may
 * go on to where it is translated.
 */
static __always_inline int stage_known_connection(struct xdp_md *ctx, const struct packet *pkt,
						  int reason)
{
	if (reason != REASON_BLOCKED_DEFAULT ||
	    !(pkt->connections & (CONNECTIONS_LVS | CONNECTIONS_STATEFUL)))
		return reason;
	return known_connection(ctx, packet_where(pkt));
}

SEC("xdp")
int bgo_xdp(struct xdp_md *ctx)
{
	struct packet pkt = {};
	int reason;

	reason = stage_parse(ctx, &pkt);
	if (reason == NEXT) {
		__u32 record = record_in_force(&pkt);

		reason = stage_classify(&pkt, record, HOOK_XDP);
		reason = stage_known_connection(ctx, &pkt, reason);
		if (!is_dropped(reason))
			reason = stage_rate_limit(&pkt, record, reason);
		reason = stage_load_balance(ctx, &pkt, reason);
	}
	return verdict_xdp(&pkt, reason, &xdp_verdict);
}

char _license[] SEC("license") = "GPL";
