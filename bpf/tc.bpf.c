// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The TC entries: what happens to a packet that XDP let through (ingress), and to one that the host
 * sends (egress), top to bottom.
 */
#include <linux/bpf.h>
#include <linux/if_packet.h>
#include <bpf/bpf_helpers.h>

#include "classify.h"
#include "forward_note.h"
#include "packet.h"
#include "stateful.h"
#include "verdict.h"

struct verdict_note ingress_verdict, egress_verdict;

/* More than any sensible chain of headers; what is not within it cannot be parsed and is dropped.
 */
#define PULL_BYTES 2048

static __always_inline struct frame frame_of_skb(const struct __sk_buff *skb)
{
	return (struct frame){
		.data = (const void *)(long)skb->data,
		.data_end = (const void *)(long)skb->data_end,
		.length = skb->len,
	};
}

/* A function of its own: the verifier looks at it once for both hooks and both tries. */
__attribute__((noinline)) int parse_skb(struct __sk_buff *skb, struct packet *pkt, __u32 egress)
{
	struct frame frame = frame_of_skb(skb);

	if (!pkt)
		return REASON_MALFORMED;
	frame.tags = skb->vlan_present ? 1 : 0;
	frame.segmented = skb->gso_size != 0;
	frame.egress = egress;
	return packet_parse(&frame, pkt);
}

/* Few packets have headers outside their linear part: trafgen's, and some drivers'. */
static __always_inline int stage_parse(struct __sk_buff *skb, struct packet *pkt, enum hook hook)
{
	const __u32 egress = hook == HOOK_EGRESS;
	int reason = parse_skb(skb, pkt, egress);

	if (reason == PARSE_NOT_LINEAR) {
		const __u32 bytes = skb->len < PULL_BYTES ? skb->len : PULL_BYTES;

		if (bpf_skb_pull_data(skb, bytes))
			return REASON_MALFORMED;
		__builtin_memset(pkt, 0, sizeof(*pkt));
		reason = parse_skb(skb, pkt, egress);
	}
	return reason == PARSE_NOT_LINEAR ? REASON_MALFORMED : reason;
}

/*
 * XDP translated this packet and found where it goes, but not how: no neighbour is known there yet,
 * or frames cannot be put out there directly. The kernel can do both with a packet of the stack.
 */
static __always_inline int stage_forward(struct __sk_buff *skb, struct packet *pkt, enum hook hook)
{
	const struct forward_note *note = (const void *)(long)skb->data_meta;

	if (hook != HOOK_INGRESS || (const void *)(note + 1) > (const void *)(long)skb->data ||
	    note->magic != FORWARD_NOTE_MAGIC)
		return NEXT;
	pkt->length = skb->len;
	pkt->rule = NO_RULE;
	pkt->action = bpf_redirect_neigh(note->ifindex, NULL, 0, 0);
	/* Else the kernel, when no neighbour answers, tells the client which server that was. */
	bpf_skb_change_type(skb, PACKET_OTHERHOST);
	return REASON_LOAD_BALANCED;
}

/* Why the packet passes in spite of default deny, or REASON_BLOCKED_DEFAULT. */
__attribute__((noinline)) int known_connection(struct __sk_buff *skb, __u64 where)
{
	const struct frame frame = frame_of_skb(skb);
	struct flow *flow = flow_get();

	return flow && host_expects(flow, &frame, where) ? REASON_ESTABLISHED
							 : REASON_BLOCKED_DEFAULT;
}

/* Why the packet is sent: `reason`, or that its connection found no room. */
__attribute__((noinline)) int track_connection(struct __sk_buff *skb, __u64 where, __u32 reason)
{
	const struct frame frame = frame_of_skb(skb);
	struct flow *flow = flow_get();

	if (!flow || !host_read(flow, &frame, where, 1) || host_sent(flow))
		return reason;
	return REASON_UNTRACKED;
}

/* Default deny is for strangers; what this host sends makes its peers known. */
static __always_inline int stage_connections(struct __sk_buff *skb, const struct packet *pkt,
					     int reason, enum hook hook)
{
	if (!(pkt->connections & CONNECTIONS_STATEFUL))
		return reason;
	if (hook == HOOK_EGRESS)
		return is_dropped(reason) ? reason : track_connection(skb, pkt->where, reason);
	return reason == REASON_BLOCKED_DEFAULT ? known_connection(skb, pkt->where) : reason;
}

static __always_inline int judge(struct __sk_buff *skb, enum hook hook, struct verdict_note *note)
{
	struct packet pkt = {};
	int reason;

	reason = stage_forward(skb, &pkt, hook);
	if (reason == NEXT)
		reason = stage_parse(skb, &pkt, hook);
	if (reason == NEXT) {
		reason = stage_classify(&pkt, record_in_force(&pkt), hook);
		reason = stage_connections(skb, &pkt, reason, hook);
	}
	return verdict_tc(&pkt, reason, hook, note);
}

SEC("tc")
int bgo_tc_ingress(struct __sk_buff *skb)
{
	return judge(skb, HOOK_INGRESS, &ingress_verdict);
}

SEC("tc")
int bgo_tc_egress(struct __sk_buff *skb)
{
	return judge(skb, HOOK_EGRESS, &egress_verdict);
}

char _license[] SEC("license") = "GPL";
