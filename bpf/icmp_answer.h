/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What XDP answers to a packet of a service that cannot go on: an ICMP error to who sent it, which
 * quotes it as he sent it. The stack could only quote it translated, to somebody who does not know
 * the server and should not.
 */
#ifndef BGO_ICMP_ANSWER_H
#define BGO_ICMP_ANSWER_H

#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

#include "checksum.h"
#include "conntrack.h"
#include "icmp.h"

/*
 * An answer costs more than dropping the packet, and its receiver may not have sent that: so many a
 * second on each CPU (Linux: icmp_msgs_per_sec and icmp_msgs_burst; RFC 4443, 2.4 f wants a limit).
 */
#define ANSWER_INTERVAL_NS (1000000000ULL / 1000)
#define ANSWERS_BURST 50

/* No error is longer, headers and all: RFC 1812, 4.3.2.3 and RFC 4443, 2.4 c. */
#define ANSWER4_BYTES 576
#define ANSWER6_BYTES 1280

#define ANSWER_HOP_LIMIT 64

/* The time up to which the answers so far are paid for. */
struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__type(key, __u32);
	__type(value, __u64);
	__uint(max_entries, 1);
} answers SEC(".maps");

static __always_inline _Bool answer_is_due(void)
{
	const __u64 now = bpf_ktime_get_coarse_ns();
	__u32 zero = 0;
	__u64 *paid_until = bpf_map_lookup_elem(&answers, &zero);

	if (!paid_until || *paid_until > now + (ANSWERS_BURST - 1) * ANSWER_INTERVAL_NS)
		return 0;
	*paid_until = (*paid_until > now ? *paid_until : now) + ANSWER_INTERVAL_NS;
	return 1;
}

/*
 * Errors, fragments but the first, and what was sent to or from more than one are not answered:
 * that could go on without end (RFC 1122, 3.2.2; RFC 4443, 2.4 e).
 */
static __always_inline _Bool is_answerable(const struct xdp_md *ctx, const struct flow *flow)
{
	const struct ethhdr *eth = packet_at(ctx, 0, sizeof(*eth));
	const __u8 *source = (const __u8 *)flow->tuple.saddr_be;

	if (!eth || eth->h_dest[0] & 1 || flow->quoted.l3_offset || !flow->l4_offset)
		return 0;
	if (flow->tuple.family == FAMILY_IPV6)
		return source[0] != 0xff && (flow->tuple.saddr_be[0] | flow->tuple.saddr_be[1] |
					     flow->tuple.saddr_be[2] | flow->tuple.saddr_be[3]);
	return source[0] != 0 && source[0] != 127 && source[0] < 224;
}

/* The verifier wants pointers whole, clang would subtract their lower halves. */
static __always_inline __u32 bytes_from_ip(const struct xdp_md *ctx, const struct flow *flow)
{
	long frame_bytes = (long)ctx->data_end - (long)ctx->data;

	barrier_var(frame_bytes);
	return (__u32)frame_bytes - flow->l3_offset;
}

/* How much of the packet is quoted: what is at hand, and may be. 0: nothing. */
static __always_inline __u32 quotable_bytes(const struct xdp_md *ctx, const struct flow *flow,
					    __u32 headers_bytes)
{
	const __u32 linear = bytes_from_ip(ctx, flow);
	const struct ipv6hdr *v6 = packet_at(ctx, flow->l3_offset, sizeof(*v6));
	const struct iphdr *v4 = packet_at(ctx, flow->l3_offset, sizeof(*v4));
	__u32 bytes, most;

	if (flow->tuple.family == FAMILY_IPV6) {
		bytes = v6 ? bpf_ntohs(v6->payload_len) + sizeof(*v6) : 0;
		most = ANSWER6_BYTES - headers_bytes;
	} else {
		bytes = v4 ? bpf_ntohs(v4->tot_len) : 0;
		most = ANSWER4_BYTES - headers_bytes;
	}
	if (bytes > linear)
		bytes = linear;
	return bytes > most ? most : bytes;
}

/* Back to where the frame came from, with its tags. Before it are now so many bytes more. */
static __always_inline _Bool answer_ethernet(const struct xdp_md *ctx, const struct flow *flow,
					     __u32 headers_bytes)
{
	const struct ethhdr *before = packet_at(ctx, headers_bytes, sizeof(*before));
	struct ethhdr *eth = packet_at(ctx, 0, sizeof(*eth));

	if (!eth || !before)
		return 0;
	__builtin_memcpy(eth->h_dest, before->h_source, ETH_ALEN);
	__builtin_memcpy(eth->h_source, before->h_dest, ETH_ALEN);
	for (__u32 i = 0; i < 1 + VLAN_TAGS_MAX * 2; i++) {
		const __u32 offset = 2 * ETH_ALEN + i * sizeof(__u16);
		const __u16 *from = packet_at(ctx, headers_bytes + offset, sizeof(*from));
		__u16 *to = packet_at(ctx, offset, sizeof(*to));

		if (!from || !to || offset >= flow->l3_offset)
			break;
		*to = *from;
	}
	return 1;
}

/* The sum of what is from `offset` to the end of the frame, not folded. */
static __always_inline __u64 sum_to_end(const struct xdp_md *ctx, __u32 offset)
{
	const __u16 *half;
	const __u8 *byte;
	__u64 sum = 0;

	for (int i = 0; i < ANSWER6_BYTES / 4; i++) {
		const __u32 *word = packet_at(ctx, offset, sizeof(*word));

		if (!word)
			break;
		sum += *word;
		offset += sizeof(*word);
	}
	half = packet_at(ctx, offset, sizeof(*half));
	if (half) {
		sum += *half;
		offset += sizeof(*half);
	}
	byte = packet_at(ctx, offset, sizeof(*byte));
	return byte ? sum + bpf_htons((__u16)(*byte << 8)) : sum;
}

static __always_inline __u64 sum_words(const void *words, int count)
{
	__u64 sum = 0;

	for (int i = 0; i < count; i++)
		sum += ((const __u32 *)words)[i];
	return sum;
}

/* From the address that the packet's sender knows: the virtual one. */
static __always_inline const __u32 *answering_addr(const struct flow *flow)
{
	return flow->out.reply ? flow->out.to.saddr_be : flow->tuple.daddr_be;
}

/* What of the IP header the checksum behind it covers too. */
static __always_inline __u64 answer_ipv4(const struct xdp_md *ctx, const struct flow *flow)
{
	struct iphdr *ip = packet_at(ctx, flow->l3_offset, sizeof(*ip));

	if (!ip)
		return 0;
	__builtin_memset(ip, 0, sizeof(*ip));
	ip->version = 4;
	ip->ihl = sizeof(*ip) / 4;
	ip->tot_len = bpf_htons(bytes_from_ip(ctx, flow));
	ip->frag_off = bpf_htons(FRAGMENT4_DONT);
	ip->ttl = ANSWER_HOP_LIMIT;
	ip->protocol = IPPROTO_ICMP;
	ip->saddr = answering_addr(flow)[0];
	ip->daddr = flow->tuple.saddr_be[0];
	ip->check = ~checksum_fold(sum_words(ip, sizeof(*ip) / 4));
	return 0;
}

static __always_inline __u64 answer_ipv6(const struct xdp_md *ctx, const struct flow *flow)
{
	struct ipv6hdr *ip = packet_at(ctx, flow->l3_offset, sizeof(*ip));

	if (!ip)
		return 0;
	__builtin_memset(ip, 0, sizeof(*ip));
	ip->version = 6;
	ip->payload_len = bpf_htons(bytes_from_ip(ctx, flow) - sizeof(*ip));
	ip->nexthdr = IPPROTO_ICMPV6;
	ip->hop_limit = ANSWER_HOP_LIMIT;
	copy_addr(ip->saddr.s6_addr32, answering_addr(flow));
	copy_addr(ip->daddr.s6_addr32, flow->tuple.saddr_be);
	/* The pseudo header (RFC 8200, 8.1). */
	return sum_words(&ip->saddr, 8) + ip->payload_len + bpf_htons(IPPROTO_ICMPV6);
}

/*
 * Turns the packet into the error about it. What XDP is to return: XDP_TX, or 0 when there is no
 * answer; then the packet may be changed all the same, and is good for nothing but to be dropped.
 */
__attribute__((noinline)) int answer(struct xdp_md *ctx, __u32 type, __u32 code, __u32 rest_host)
{
	struct flow *flow = flow_get();
	struct icmp_header *icmp;
	__u32 ip_bytes, headers_bytes, quoted;
	__u64 covered;
	int excess;

	if (!flow || !is_answerable(ctx, flow) || !answer_is_due())
		return 0;
	ip_bytes =
		flow->tuple.family == FAMILY_IPV6 ? sizeof(struct ipv6hdr) : sizeof(struct iphdr);
	headers_bytes = ip_bytes + sizeof(*icmp);
	quoted = quotable_bytes(ctx, flow, headers_bytes);
	excess = (int)(bpf_xdp_get_buff_len(ctx) - flow->l3_offset - quoted);
	if (bpf_xdp_adjust_tail(ctx, -excess) || bpf_xdp_adjust_head(ctx, -(int)headers_bytes) ||
	    !answer_ethernet(ctx, flow, headers_bytes))
		return 0;
	covered =
		flow->tuple.family == FAMILY_IPV6 ? answer_ipv6(ctx, flow) : answer_ipv4(ctx, flow);
	icmp = packet_at(ctx, flow->l3_offset + ip_bytes, sizeof(*icmp));
	if (!icmp)
		return 0;
	icmp->type = type;
	icmp->code = code;
	icmp->checksum = 0;
	icmp->rest = bpf_htonl(rest_host);
	covered += sum_to_end(ctx, flow->l3_offset + ip_bytes);
	icmp = packet_at(ctx, flow->l3_offset + ip_bytes, sizeof(*icmp));
	if (icmp)
		icmp->checksum = ~checksum_fold(covered);
	return XDP_TX;
}

static __always_inline int answer_hop_limit_over(struct xdp_md *ctx, const struct flow *flow)
{
	return answer(ctx,
		      flow->tuple.family == FAMILY_IPV6 ? ICMPV6_TIME_EXCEEDED
							: ICMPV4_TIME_EXCEEDED,
		      0, 0);
}

static __always_inline int answer_too_big(struct xdp_md *ctx, const struct flow *flow, __u32 mtu)
{
	return flow->tuple.family == FAMILY_IPV6
		       ? answer(ctx, ICMPV6_PACKET_TOO_BIG, 0, mtu)
		       : answer(ctx, ICMPV4_UNREACHABLE, ICMPV4_FRAGMENTATION_NEEDED, mtu);
}

#endif
