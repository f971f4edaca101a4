/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The hit counters of rules, as programs use them. Stripes keep CPUs off each other's cache lines;
 * the add makes it right when they meet. By CPU and not by receive queue: it is there for the
 * asking anywhere in the walk (since Linux 6.10 without a call), and a queue would have to be
 * carried along, for which the verifier looks at twice as many states.
 */
#ifndef BGO_HITS_H
#define BGO_HITS_H

#include "maps.h"

/* Set by the loader: rules that may be stored, so hit counters of one stripe. */
const volatile __u32 max_rules;

/* The first counter of this CPU's stripe. */
static __always_inline __u32 hits_stripe(void)
{
	return (bpf_get_smp_processor_id() & (HIT_STRIPES - 1)) * max_rules;
}

/*
 * Asks for the cache line that the counter is most likely in: a load that nothing waits for. A
 * function of its own: the verifier looks at it once and not at every call.
 */
__attribute__((noinline)) int hits_touch(__u32 is_ipv6, __u64 first_half)
{
	__u32 index = hits_stripe() + hit_home(is_ipv6, first_half, max_rules);
	const volatile __u64 *hits = bpf_map_lookup_elem(&rule_hits_map, &index);

	return hits ? (int)*hits : 0;
}

static __always_inline void count_hit(__u32 rule)
{
	__u32 index = hits_stripe() + rule;
	__u64 *hits = bpf_map_lookup_elem(&rule_hits_map, &index);

	if (hits)
		__sync_fetch_and_add(hits, 1);
}

#endif
