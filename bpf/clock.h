/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The wall clock as the programs see it, for rules that expire. They read TAI, the wall clock
 * without its leap seconds, which follows every step of that clock: whoever sets it need not tell
 * the firewall. What TAI is ahead of UTC is in config_map, see clock.h in src/.
 */
#ifndef BGO_BPF_CLOCK_H
#define BGO_BPF_CLOCK_H

#include "maps.h"

#define CLOCK_NS_PER_S 1000000000ULL

/*
 * When the clock was read last, the low half of the jiffies, and what it said, the seconds: one
 * word, so that CPUs may write it at once. A jiffy that comes again after 2^32 of them finds the
 * seconds of 49 days ago or more if no clock was read in between: a rule may then be judged wrongly
 * for the rest of that jiffy.
 */
static volatile __u64 clock_seen;

static __always_inline __u32 clock_read_s(void)
{
	__u32 zero = 0;
	const struct config *config = bpf_map_lookup_elem(&config_map, &zero);
	__u64 tai_s = bpf_ktime_get_tai_ns() / CLOCK_NS_PER_S;

	return (__u32)tai_s - (config ? *(const volatile __u32 *)&config->tai_ahead_s : 0);
}

/* Seconds since 1970. Reading a clock takes 30 ns, looking at the jiffies nothing. */
static __always_inline __u32 clock_now_s(void)
{
	const __u64 jiffies = bpf_jiffies64() << 32;
	__u64 seen = clock_seen;

	if ((seen ^ jiffies) >> 32) {
		seen = jiffies | clock_read_s();
		clock_seen = seen;
	}
	return (__u32)seen;
}

#endif
