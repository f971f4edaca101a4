/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Fragments of packets of services. Only the first has ports; the others go the way that was found
 * for it, which is remembered by what all of a packet have in common. One that comes before the
 * first cannot be told from a stranger's and is dropped.
 */
#ifndef BGO_FRAGMENTS_H
#define BGO_FRAGMENTS_H

#include "conntrack.h"

/* Fragments follow one another at once, and a sender uses an identification again soon. */
#define FRAGMENT_LIFETIME_NS 5000000000ULL

/* Packets that are on their way in pieces at one time: the newest push out the oldest. */
#define FRAGMENT_WAYS_MAX 4096

struct fragment_key {
	__u32 saddr_be[4], daddr_be[4];
	__u32 id_be;
	__u8 family;
	__u8 protocol; /* of IPv4; IPv6 numbers packets of all protocols as one (RFC 8200, 4.5) */
	__u16 reserved;
};

struct fragment_way {
	struct translation out;
	__u32 is_balanced; /* 0: the packet is this host's, or nobody's here */
	__u64 seen_ns;
};

/* Not pinned: with other programs only the packets of that moment are lost. */
struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__type(key, struct fragment_key);
	__type(value, struct fragment_way);
	__uint(max_entries, FRAGMENT_WAYS_MAX);
} fragment_ways SEC(".maps");

/* The offset of an IPv6 fragment header in the frame. */
static __always_inline __u32 where_fragment_header(__u64 where)
{
	return (where & OFFSET_MAX) + (where >> WHERE_FRAGMENT_HEADER_SHIFT & 0xfff) * 8;
}

static __always_inline _Bool read_fragment_key(struct fragment_key *key, const struct flow *flow,
					       const struct xdp_md *ctx, __u64 where)
{
	__builtin_memset(key, 0, sizeof(*key));
	copy_addr(key->saddr_be, flow->tuple.saddr_be);
	copy_addr(key->daddr_be, flow->tuple.daddr_be);
	key->family = flow->tuple.family;
	if (key->family == FAMILY_IPV6) {
		const struct fragment_header *header =
			packet_at(ctx, where_fragment_header(where), sizeof(*header));

		if (!header)
			return 0;
		key->id_be = header->identification;
	} else {
		const struct iphdr *ip = packet_at(ctx, flow->l3_offset, sizeof(*ip));

		if (!ip)
			return 0;
		key->id_be = ip->id;
		key->protocol = ip->protocol;
	}
	return 1;
}

/* Whether an address of the packet is a service's or a server's. */
static __always_inline _Bool is_of_load_balancer(const struct flow *flow)
{
	struct lvs_key key = {.half = flow->half | LVS_KEY_ADDRESS, .family = flow->tuple.family};

	copy_addr(key.addr_be, flow->tuple.daddr_be);
	if (bpf_map_lookup_elem(&lvs_dnat_map, &key))
		return 1;
	copy_addr(key.addr_be, flow->tuple.saddr_be);
	return bpf_map_lookup_elem(&lvs_dnat_map, &key) != NULL;
}

/*
 * The first fragment: as flow->out says, or not a matter of the load balancer, which is remembered
 * only where the next one might seem to be.
 */
__attribute__((noinline)) int remember_fragment(struct xdp_md *ctx, __u64 where, int is_balanced)
{
	struct fragment_way way = {.is_balanced = is_balanced};
	struct flow *flow = flow_get();
	struct fragment_key key;

	if (!flow || (!is_balanced && !is_of_load_balancer(flow)) ||
	    !read_fragment_key(&key, flow, ctx, where))
		return 0;
	if (is_balanced)
		way.out = flow->out;
	way.seen_ns = bpf_ktime_get_coarse_ns();
	bpf_map_update_elem(&fragment_ways, &key, &way, BPF_ANY);
	return 0;
}

/* A later one: REASON_LOAD_BALANCED with flow->out, NEXT, or why it is dropped. */
__attribute__((noinline)) int find_fragment(struct xdp_md *ctx, __u64 where)
{
	const struct frame frame = frame_of_xdp(ctx);
	const struct fragment_way *way;
	struct flow *flow = flow_get();
	struct fragment_key key;

	if (!flow || !flow_read_ip(flow, &frame, where) ||
	    !read_fragment_key(&key, flow, ctx, where))
		return NEXT;
	way = bpf_map_lookup_elem(&fragment_ways, &key);
	if (way && bpf_ktime_get_coarse_ns() - way->seen_ns > FRAGMENT_LIFETIME_NS)
		way = NULL;
	if (!way)
		return is_of_load_balancer(flow) ? REASON_LVS_FRAGMENT : NEXT;
	if (!way->is_balanced)
		return NEXT;
	flow->out = way->out;
	return REASON_LOAD_BALANCED;
}

#endif
