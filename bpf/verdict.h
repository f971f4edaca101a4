/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The one exit of each hook: counts every packet under exactly one reason, and the rule it matched,
 * and is the only place that turns a reason into what XDP and TC return.
 */
#ifndef BGO_VERDICT_H
#define BGO_VERDICT_H

#include <linux/bpf.h>
#include <linux/pkt_cls.h>

#include "hits.h"
#include "packet.h"

/* Set by the loader: note each verdict for user space. Without it, the verifier removes the code.
 */
const volatile _Bool record_verdicts;

static __always_inline _Bool is_dropped(__u32 reason)
{
	return REASONS_DROPPED >> (reason & (REASON_SLOTS - 1)) & 1;
}

/* Per CPU, and a program is not interrupted by itself, so plain additions do. */
static __always_inline void count_packet(struct counter *counter, __u32 bytes)
{
	if (!counter)
		return;
	counter->packets++;
	counter->bytes += bytes;
}

/* The rule is noted only where it decided: a packet over the rate limit was not dropped by it. */
static __always_inline void note_verdict(struct verdict_note *note, const struct packet *pkt,
					 __u32 reason)
{
	const _Bool by_rule =
		reason == REASON_ALLOWED_WHITELIST || reason == REASON_BLOCKED_BLACKLIST;

	if (!record_verdicts)
		return;
	note->reason = reason;
	note->rule = by_rule ? (__s64)pkt->rule : -1;
	note->count++;
}

static __always_inline int verdict_xdp(const struct packet *pkt, __u32 reason,
				       struct verdict_note *note)
{
	count_packet(bpf_map_lookup_elem(&stats_map, &reason), pkt->length);
	if (pkt->rule != NO_RULE)
		count_hit(pkt->rule);
	note_verdict(note, pkt, reason);
	if (pkt->action)
		return pkt->action;
	return is_dropped(reason) ? XDP_DROP : XDP_PASS;
}

/* TC_ACT_UNSPEC and not TC_ACT_OK: programs behind this one judge as well. */
static __always_inline int verdict_tc(const struct packet *pkt, __u32 reason, enum hook hook,
				      struct verdict_note *note)
{
	__u32 slot = (hook == HOOK_EGRESS ? REASON_SLOTS : 0) + reason;

	count_packet(bpf_map_lookup_elem(&tc_stats_map, &slot), pkt->length);
	if (pkt->rule != NO_RULE)
		count_hit(pkt->rule);
	note_verdict(note, pkt, reason);
	if (reason == REASON_LOAD_BALANCED)
		return pkt->action;
	return is_dropped(reason) ? TC_ACT_SHOT : TC_ACT_UNSPEC;
}

#endif
