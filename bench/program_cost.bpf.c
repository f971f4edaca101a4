// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Programs of the program benchmark. Each gives the packet of the test run a source of its own,
 * then does its part, so that caches are as cold as many sources make them: nothing, the walk
 * alone, all that the firewall does at XDP, or a look-up in the kernel's LPM trie.
 */
#include "../bpf/lvs.h"

/* The firewall itself, as a function: a program cannot be called, so its section is taken from it.
 */
struct xdp_md;
static __attribute__((always_inline)) inline int bgo_xdp(struct xdp_md *ctx);
#pragma push_macro("SEC")
#undef SEC
#define SEC(name)
#include "../bpf/xdp.bpf.c"
#pragma pop_macro("SEC")

#include <linux/in.h>
#include <linux/ip.h>
#include <linux/ipv6.h>

#include "../lab/numbered.h"

/* Sources are made from the numbers first .. first + count - 1, in random order. */
__u32 first, count;
__u32 packets;

struct trie_key {
	__u32 prefix_len;
	__u8 addr[16];
};

struct {
	__uint(type, BPF_MAP_TYPE_LPM_TRIE);
	__type(key, struct trie_key);
	__type(value, __u32);
	__uint(max_entries, 1);
	__uint(map_flags, BPF_F_NO_PREALLOC);
} trie SEC(".maps");

/* Writes the next source into the packet and its words, in host order, into the key. */
static __always_inline _Bool next_source(struct xdp_md *ctx, struct graph_key *key)
{
	__u32 number = numbered_pick(packets++, first, count);
	void *ip = (void *)(long)ctx->data + ETH_HLEN;
	const void *end = (const void *)(long)ctx->data_end;
	struct ipv6hdr *v6 = ip;
	struct iphdr *v4 = ip;

	key->words[0] = numbered_word(number, 0);
	if ((void *)(v4 + 1) > end)
		return 0;
	if (v4->version == 4) {
		v4->saddr = bpf_htonl(key->words[0]);
		return 1;
	}
	if ((void *)(v6 + 1) > end)
		return 0;
	for (__u32 word = 1; word < 4; word++)
		key->words[word] = numbered_word(number, word);
	for (__u32 word = 0; word < 4; word++)
		v6->saddr.in6_u.u6_addr32[word] = bpf_htonl(key->words[word]);
	return 1;
}

SEC("xdp")
int bench_empty(struct xdp_md *ctx)
{
	struct graph_key key = {};

	return next_source(ctx, &key) ? XDP_DROP : XDP_ABORTED;
}

static __always_inline int walk(struct xdp_md *ctx, enum family family)
{
	struct packet pkt = {};
	const struct ruleset *set;
	__u32 record = record_in_force(&pkt);

	set = bpf_map_lookup_elem(&ruleset_map, &record);
	if (!set || !next_source(ctx, &pkt.key))
		return XDP_ABORTED;
	pkt.key.words[KEY_PORT] = KEY_HAS_PORTS | 443;
	pkt.key.words[KEY_PROTO_PORT] = IPPROTO_TCP << KEY_PROTO_SHIFT | pkt.key.words[KEY_PORT];
	return graph_match(&set->hooks[HOOK_XDP].lists[LIST_BLACKLIST][family], &pkt.key) ==
			       ENTRY_NONE
		       ? XDP_PASS
		       : XDP_DROP;
}

SEC("xdp")
int bench_walk_ipv4(struct xdp_md *ctx)
{
	return walk(ctx, FAMILY_IPV4);
}

SEC("xdp")
int bench_walk_ipv6(struct xdp_md *ctx)
{
	return walk(ctx, FAMILY_IPV6);
}

SEC("xdp")
int bench_firewall(struct xdp_md *ctx)
{
	struct graph_key key = {};

	return next_source(ctx, &key) ? bgo_xdp(ctx) : XDP_ABORTED;
}

SEC("xdp")
int bench_trie(struct xdp_md *ctx)
{
	struct trie_key key = {.prefix_len = 128};
	struct graph_key words = {};

	if (!next_source(ctx, &words))
		return XDP_ABORTED;
	for (__u32 word = 0; word < 4; word++)
		((__u32 *)key.addr)[word] = bpf_htonl(words.words[word]);
	return bpf_map_lookup_elem(&trie, &key) ? XDP_DROP : XDP_PASS;
}

char bench_license[] SEC("license") = "GPL";
