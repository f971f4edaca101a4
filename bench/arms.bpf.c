// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The programs bgo is measured against that are no product: the limits, which drop or pass
 * everything, what parsing takes, and the least that a filter with the kernel's LPM trie has to do.
 */
#include <linux/bpf.h>
#include <linux/pkt_cls.h>
#include <bpf/bpf_helpers.h>

#include "../bpf/packet.h"

struct trie_key {
	__u32 prefix_len;
	__u32 addr_be[4]; /* IPv4 in the first */
};

/* One for each family, as the lists of bgo. */
struct {
	__uint(type, BPF_MAP_TYPE_LPM_TRIE);
	__type(key, struct trie_key);
	__type(value, __u32);
	__uint(max_entries, 1);
	__uint(map_flags, BPF_F_NO_PREALLOC);
} trie SEC(".maps");

SEC("xdp")
int arm_drop(struct xdp_md *ctx)
{
	(void)ctx;
	return XDP_DROP;
}

SEC("xdp")
int arm_pass(struct xdp_md *ctx)
{
	(void)ctx;
	return XDP_PASS;
}

SEC("tc")
int arm_tc_drop(struct __sk_buff *skb)
{
	(void)skb;
	return TC_ACT_SHOT;
}

static __always_inline int parse(const struct xdp_md *ctx, struct packet *pkt)
{
	const struct frame frame = {
		.data = (const void *)(long)ctx->data,
		.data_end = (const void *)(long)ctx->data_end,
		.length = ctx->data_end - ctx->data,
	};

	return packet_parse(&frame, pkt);
}

SEC("xdp")
int arm_parse(struct xdp_md *ctx)
{
	struct packet pkt = {};

	return parse(ctx, &pkt) == NEXT ? XDP_DROP : XDP_PASS;
}

SEC("xdp")
int arm_trie(struct xdp_md *ctx)
{
	const void *packet = (const void *)(long)ctx->data;
	const void *end = (const void *)(long)ctx->data_end;
	const struct ethhdr *ethernet = packet;
	const struct iphdr *v4 = packet + sizeof(*ethernet);
	const struct ipv6hdr *v6 = packet + sizeof(*ethernet);
	struct trie_key key = {.prefix_len = 128};

	if ((const void *)(v4 + 1) > end)
		return XDP_PASS;
	if (ethernet->h_proto == bpf_htons(ETH_P_IP)) {
		key.addr_be[0] = v4->saddr;
	} else if (ethernet->h_proto == bpf_htons(ETH_P_IPV6)) {
		if ((const void *)(v6 + 1) > end)
			return XDP_PASS;
		__builtin_memcpy(key.addr_be, &v6->saddr, sizeof(key.addr_be));
	} else {
		return XDP_PASS;
	}
	return bpf_map_lookup_elem(&trie, &key) ? XDP_DROP : XDP_PASS;
}

char arms_license[] SEC("license") = "GPL";
