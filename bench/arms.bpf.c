// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The programs bgo is measured against that are no product: the limits, which drop, pass or
 * redirect everything, what parsing takes, the least that a filter with the kernel's LPM trie has
 * to do, and the servers behind a load balancer.
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

/* Servers of a load balancer: these take what is for them, and pass what is not. */
const volatile __u32 server_addr_be[4]; /* IPv4 in word 0 */
const volatile __u16 server_port_be;

/* The header of a UDP packet to this server, or NULL. */
static __always_inline struct udphdr *to_server(const struct xdp_md *ctx)
{
	void *packet = (void *)(long)ctx->data;
	const void *end = (const void *)(long)ctx->data_end;
	const struct ethhdr *ethernet = packet;
	struct iphdr *v4 = packet + sizeof(*ethernet);
	struct ipv6hdr *v6 = packet + sizeof(*ethernet);
	struct udphdr *udp;

	if ((const void *)(v4 + 1) > end)
		return NULL;
	if (ethernet->h_proto == bpf_htons(ETH_P_IP)) {
		udp = (void *)(v4 + 1);
		if (v4->protocol != IPPROTO_UDP || v4->daddr != server_addr_be[0])
			return NULL;
	} else if (ethernet->h_proto == bpf_htons(ETH_P_IPV6) && (const void *)(v6 + 1) <= end) {
		udp = (void *)(v6 + 1);
		if (v6->nexthdr != IPPROTO_UDP)
			return NULL;
		for (int word = 0; word < 4; word++)
			if (v6->daddr.s6_addr32[word] != server_addr_be[word])
				return NULL;
	} else {
		return NULL;
	}
	return (const void *)(udp + 1) <= end && udp->dest == server_port_be ? udp : NULL;
}

SEC("xdp")
int arm_server(struct xdp_md *ctx)
{
	return to_server(ctx) ? XDP_DROP : XDP_PASS;
}

#define SWAP(a, b)                                                                                 \
	do {                                                                                       \
		__typeof__(a) swapped = a;                                                         \
		a = b;                                                                             \
		b = swapped;                                                                       \
	} while (0)

/* The packet goes back to where it came from; no checksum minds. Not by XDP_TX: a veth whose other
 * end has no program forgets such packets in its queue. */
SEC("xdp")
int arm_echo(struct xdp_md *ctx)
{
	struct udphdr *udp = to_server(ctx);
	struct ethhdr *ethernet = (void *)(long)ctx->data;
	struct iphdr *v4 = (void *)(ethernet + 1);
	struct ipv6hdr *v6 = (void *)(ethernet + 1);
	__u8 mac[ETH_ALEN];

	if (!udp || (const void *)(v4 + 1) > (const void *)(long)ctx->data_end)
		return XDP_PASS;
	__builtin_memcpy(mac, ethernet->h_dest, ETH_ALEN);
	__builtin_memcpy(ethernet->h_dest, ethernet->h_source, ETH_ALEN);
	__builtin_memcpy(ethernet->h_source, mac, ETH_ALEN);
	SWAP(udp->source, udp->dest);
	if (ethernet->h_proto == bpf_htons(ETH_P_IP))
		SWAP(v4->saddr, v4->daddr);
	else if ((const void *)(v6 + 1) <= (const void *)(long)ctx->data_end)
		SWAP(v6->saddr, v6->daddr);
	return bpf_redirect(ctx->ingress_ifindex, 0);
}

/* The limit of who forwards frames from one interface to another. */
struct {
	__uint(type, BPF_MAP_TYPE_DEVMAP);
	__uint(key_size, sizeof(__u32));
	__uint(value_size, sizeof(__u32));
	__uint(max_entries, 1);
} redirect_port SEC(".maps");

SEC("xdp")
int arm_redirect(struct xdp_md *ctx)
{
	(void)ctx;
	return bpf_redirect_map(&redirect_port, 0, XDP_PASS);
}

char arms_license[] SEC("license") = "GPL";
