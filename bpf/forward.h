/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Writes new addresses and ports into a packet and sends it on: where to says the kernel's routing
 * table. What cannot leave from here at once goes up the stack, translated, with a note for TC.
 */
#ifndef BGO_FORWARD_H
#define BGO_FORWARD_H

#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

#include "checksum.h"
#include "conntrack.h"
#include "forward_note.h"
#include "icmp_answer.h"
#include "packet.h"

#ifndef AF_INET
#define AF_INET 2
#define AF_INET6 10
#endif

/*
 * The interfaces that frames may be put out by directly: the server's own. Not pinned: it belongs
 * to the programs.
 */
struct {
	__uint(type, BPF_MAP_TYPE_DEVMAP_HASH);
	__uint(key_size, sizeof(__u32));
	__uint(value_size, sizeof(__u32));
	__uint(max_entries, 64);
} forward_ports SEC(".maps");

/* -- The packet -- */

static __always_inline checksum_change replace_addr(checksum_change change, __u32 field[4],
						    const __u32 value[4], int words)
{
	for (int i = 0; i < words; i++) {
		change = checksum_replace(change, field[i], value[i]);
		field[i] = value[i];
	}
	return change;
}

/* Ports, and the checksum over them and the addresses. */
static __always_inline void rewrite_l4(const struct xdp_md *ctx, const struct flow *flow,
				       checksum_change change)
{
	struct port_header *ports = packet_at(ctx, flow->l4_offset, sizeof(struct udphdr));
	const struct conn_tuple *to = &flow->out.to;

	if (!ports)
		return; /* cannot be: the parser saw it */
	change = checksum_replace(change, ports->source, to->sport_be);
	change = checksum_replace(change, ports->destination, to->dport_be);
	ports->source = to->sport_be;
	ports->destination = to->dport_be;
	if (to->protocol == IPPROTO_UDP) {
		struct udphdr *udp = (void *)ports;

		udp->check = checksum_apply_udp(udp->check, change);
	} else {
		struct tcphdr *tcp = packet_at(ctx, flow->l4_offset, sizeof(*tcp));

		if (tcp)
			tcp->check = checksum_apply(tcp->check, change);
	}
}

/*
 * An error about a packet comes from anybody on its way. Who that is stays in it, except where the
 * translation gives packets another source: then nobody behind it is shown.
 */
static __always_inline _Bool keeps_source(const struct flow *flow)
{
	return flow->quoted.l3_offset && addr_equal(flow->out.to.saddr_be, flow->tuple.saddr_be);
}

/* By how much the sum of the addresses grows. */
static __always_inline checksum_change rewrite_ipv4(const struct xdp_md *ctx,
						    const struct flow *flow)
{
	const struct conn_tuple *to = &flow->out.to;
	struct iphdr *ip = packet_at(ctx, flow->l3_offset, sizeof(*ip));
	checksum_change addrs = 0, change;
	__u16 *ttl_and_protocol, before;

	if (!ip)
		return 0;
	if (!keeps_source(flow))
		addrs = replace_addr(addrs, &ip->saddr, to->saddr_be, 1);
	addrs = replace_addr(addrs, &ip->daddr, to->daddr_be, 1);
	ttl_and_protocol = (__u16 *)&ip->ttl;
	before = *ttl_and_protocol;
	ip->ttl--;
	change = checksum_replace(addrs, before, *ttl_and_protocol);
	ip->check = checksum_apply(ip->check, change);
	return addrs;
}

static __always_inline checksum_change rewrite_ipv6(const struct xdp_md *ctx,
						    const struct flow *flow)
{
	const struct conn_tuple *to = &flow->out.to;
	struct ipv6hdr *ip = packet_at(ctx, flow->l3_offset, sizeof(*ip));
	checksum_change addrs = 0;

	if (!ip)
		return 0;
	if (!keeps_source(flow))
		addrs = replace_addr(addrs, ip->saddr.s6_addr32, to->saddr_be, 4);
	addrs = replace_addr(addrs, ip->daddr.s6_addr32, to->daddr_be, 4);
	ip->hop_limit--;
	return addrs;
}

/* The packet that an ICMP error quotes goes the other way: from where this one goes to. */
static __always_inline checksum_change rewrite_quoted_addrs(const struct xdp_md *ctx,
							    const struct flow *flow)
{
	const struct conn_tuple *to = &flow->out.to;
	checksum_change addrs = 0;

	if (flow->tuple.family == FAMILY_IPV6) {
		struct ipv6hdr *ip = packet_at(ctx, flow->quoted.l3_offset, sizeof(*ip));

		if (!ip)
			return 0;
		addrs = replace_addr(addrs, ip->saddr.s6_addr32, to->daddr_be, 4);
		addrs = replace_addr(addrs, ip->daddr.s6_addr32, to->saddr_be, 4);
	} else {
		struct iphdr *ip = packet_at(ctx, flow->quoted.l3_offset, sizeof(*ip));

		if (!ip)
			return 0;
		addrs = replace_addr(addrs, &ip->saddr, to->daddr_be, 1);
		addrs = replace_addr(addrs, &ip->daddr, to->saddr_be, 1);
	}
	return addrs;
}

/* The layer 4 checksum of the quoted packet. NULL: so much of it is not quoted. */
static __always_inline __u16 *quoted_checksum(const struct xdp_md *ctx, const struct flow *flow)
{
	const __u32 offset = flow->quoted.l4_offset + (flow->tuple.protocol == IPPROTO_UDP
							       ? offsetof(struct udphdr, check)
							       : offsetof(struct tcphdr, check));

	if (offset + sizeof(__u16) > flow->quoted.end)
		return NULL;
	return packet_at(ctx, offset, sizeof(__u16));
}

/*
 * ICMP's checksum covers the whole error: addresses and ports of the quoted packet and also the
 * checksums there, which change as they do. `outer` is what the error's own addresses add to the
 * sum, which only ICMPv6 covers (RFC 4443, 2.3).
 */
static __always_inline void rewrite_error(const struct xdp_md *ctx, const struct flow *flow,
					  checksum_change outer)
{
	const struct conn_tuple *to = &flow->out.to;
	struct icmp_header *icmp = packet_at(ctx, flow->l4_offset, sizeof(*icmp));
	struct port_header *ports = packet_at(ctx, flow->quoted.l4_offset, sizeof(*ports));
	checksum_change covered = flow->tuple.family == FAMILY_IPV6 ? outer : 0, quoted;
	__u16 *check = quoted_checksum(ctx, flow), before;

	if (!icmp || !ports)
		return; /* cannot be: flow_read_error() saw both */
	quoted = rewrite_quoted_addrs(ctx, flow);
	if (flow->tuple.family == FAMILY_IPV4) {
		struct iphdr *ip = packet_at(ctx, flow->quoted.l3_offset, sizeof(*ip));

		if (!ip)
			return;
		before = ip->check;
		ip->check = checksum_apply(before, quoted);
		covered = checksum_replace(covered, before, ip->check);
	}
	quoted = checksum_replace(quoted, ports->source, to->dport_be);
	quoted = checksum_replace(quoted, ports->destination, to->sport_be);
	ports->source = to->dport_be;
	ports->destination = to->sport_be;
	if (check) {
		before = *check;
		*check = flow->tuple.protocol == IPPROTO_UDP ? checksum_apply_udp(before, quoted)
							     : checksum_apply(before, quoted);
		covered = checksum_replace(covered, before, *check);
	}
	icmp->checksum = checksum_apply(icmp->checksum, covered + quoted);
}

static __always_inline void rewrite(const struct xdp_md *ctx, const struct flow *flow)
{
	const checksum_change addrs = flow->tuple.family == FAMILY_IPV6 ? rewrite_ipv6(ctx, flow)
									: rewrite_ipv4(ctx, flow);

	if (flow->quoted.l3_offset)
		rewrite_error(ctx, flow, addrs);
	else if (flow->l4_offset) /* a fragment that is not the first has none */
		rewrite_l4(ctx, flow, addrs);
}

/* -- Its way -- */

/* Asks the routing table as for a packet of these addresses. What bpf_fib_lookup() returns. */
static __always_inline long find_route(struct xdp_md *ctx, struct flow *flow,
				       const struct conn_tuple *to)
{
	struct bpf_fib_lookup *fib = &flow->fib;

	__builtin_memset(fib, 0, sizeof(*fib));
	fib->ifindex = ctx->ingress_ifindex;
	fib->l4_protocol = to->protocol;
	if (flow->tuple.family == FAMILY_IPV6) {
		const struct ipv6hdr *ip = packet_at(ctx, flow->l3_offset, sizeof(*ip));

		fib->family = AF_INET6;
		if (ip)
			fib->tot_len = bpf_ntohs(ip->payload_len) + sizeof(*ip);
		copy_addr(fib->ipv6_src, to->saddr_be);
		copy_addr(fib->ipv6_dst, to->daddr_be);
	} else {
		const struct iphdr *ip = packet_at(ctx, flow->l3_offset, sizeof(*ip));

		fib->family = AF_INET;
		if (ip) {
			fib->tot_len = bpf_ntohs(ip->tot_len);
			fib->tos = ip->tos;
		}
		fib->ipv4_src = to->saddr_be[0];
		fib->ipv4_dst = to->daddr_be[0];
	}
	return bpf_fib_lookup(ctx, fib, sizeof(*fib), 0);
}

static __always_inline _Bool hop_limit_is_over(const struct xdp_md *ctx, const struct flow *flow)
{
	if (flow->tuple.family == FAMILY_IPV6) {
		const struct ipv6hdr *ip = packet_at(ctx, flow->l3_offset, sizeof(*ip));

		return !ip || ip->hop_limit <= 1;
	} else {
		const struct iphdr *ip = packet_at(ctx, flow->l3_offset, sizeof(*ip));

		return !ip || ip->ttl <= 1;
	}
}

/*
 * Up the stack, for TC to send by this interface. Where the driver has no place for the note the
 * stack forwards by itself.
 */
static __always_inline void note_forward(struct xdp_md *ctx, __u32 ifindex)
{
	struct forward_note *note;

	if (bpf_xdp_adjust_meta(ctx, -(int)sizeof(*note)))
		return;
	note = (void *)(long)ctx->data_meta;
	if ((void *)(note + 1) > (void *)(long)ctx->data)
		return;
	note->magic = FORWARD_NOTE_MAGIC;
	note->ifindex = ifindex;
	note->reserved = 0;
}

/* Out of an interface of ours, as the frame for its next hop. 0: not possible from here. */
static __always_inline __u32 transmit(struct xdp_md *ctx, const struct flow *flow)
{
	struct ethhdr *eth = packet_at(ctx, 0, sizeof(*eth));
	const struct bpf_fib_lookup *fib = &flow->fib;
	__u32 ifindex = fib->ifindex;

	/* A tagged frame would be put out with its tag, into whatever network that is there. */
	if (!eth || flow->l3_offset != sizeof(*eth))
		return 0;
	if (ifindex != ctx->ingress_ifindex && !bpf_map_lookup_elem(&forward_ports, &ifindex))
		return 0;
	__builtin_memcpy(eth->h_dest, fib->dmac, ETH_ALEN);
	__builtin_memcpy(eth->h_source, fib->smac, ETH_ALEN);
	if (ifindex == ctx->ingress_ifindex)
		return XDP_TX;
	return bpf_redirect_map(&forward_ports, ifindex, 0);
}

/*
 * A stage of connections says more than why: above the reason's byte, what XDP returns, so that
 * nothing but numbers goes from function to function.
 */
#define REASON_MASK 0xff
#define ACTION_SHIFT 8

/*
 * Whether the stack can cut a packet that is too big for its way into fragments. It does not
 * forward what comes from an address of its own, as the virtual one mostly is, and gives what is
 * for such a one, as of dsr, to itself.
 */
static __always_inline _Bool stack_can_cut(const struct xdp_md *ctx, const struct flow *flow)
{
	const struct iphdr *ip = packet_at(ctx, flow->l3_offset, sizeof(*ip));

	return flow->tuple.family == FAMILY_IPV4 && flow->out.mode != LVS_DSR && ip &&
	       !(ip->frag_off & bpf_htons(FRAGMENT4_DONT)) &&
	       addr_equal(flow->out.to.saddr_be, flow->tuple.saddr_be);
}

/* Changes the packet. REASON_LOAD_BALANCED and how it leaves, or why it does not. */
__attribute__((noinline)) int forward(struct xdp_md *ctx)
{
	struct flow *flow = flow_get();
	_Bool routed;
	__u32 action = 0;
	long route;

	if (!flow)
		return NEXT;
	routed = flow->out.mode != LVS_DSR;
	if (routed && hop_limit_is_over(ctx, flow))
		return REASON_LVS_HOP_LIMIT | answer_hop_limit_over(ctx, flow) << ACTION_SHIFT;
	route = find_route(ctx, flow, &flow->out.to);
	if (route == BPF_FIB_LKUP_RET_FRAG_NEEDED && !stack_can_cut(ctx, flow)) {
		action = answer_too_big(ctx, flow, flow->fib.mtu_result);
		return REASON_LVS_TOO_BIG | action << ACTION_SHIFT;
	}
	if (routed)
		rewrite(ctx, flow);
	if (route == BPF_FIB_LKUP_RET_SUCCESS)
		action = transmit(ctx, flow);
	if (action)
		return REASON_LOAD_BALANCED | action << ACTION_SHIFT;
	if (route == BPF_FIB_LKUP_RET_SUCCESS || route == BPF_FIB_LKUP_RET_NO_NEIGH)
		note_forward(ctx, flow->fib.ifindex);
	return REASON_LOAD_BALANCED | XDP_PASS << ACTION_SHIFT;
}

/* Whether a packet that goes on as it is would be routed through this machine. */
static __always_inline _Bool is_transit(struct xdp_md *ctx, struct flow *flow)
{
	long route = find_route(ctx, flow, &flow->tuple);

	return route == BPF_FIB_LKUP_RET_SUCCESS || route == BPF_FIB_LKUP_RET_NO_NEIGH ||
	       route == BPF_FIB_LKUP_RET_FRAG_NEEDED;
}

#endif
