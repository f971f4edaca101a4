/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The rate limit's stage: what rules let pass must also be within the limit. The arithmetic is in
 * ratelimit.h.
 */
#ifndef BGO_RATELIMIT_STAGE_H
#define BGO_RATELIMIT_STAGE_H

#include "maps.h"
#include "packet.h"
#include "ratelimit.h"

/* The common case costs no atomic, no clock and no call: the CPU spends what it took before. */
static __always_inline _Bool within_limit(const struct rate_limit *limit,
					  struct rate_limit_local *local, __u32 bytes)
{
	__u32 index = limit->bucket;
	struct rate_limit_bucket *bucket;
	__u64 jiffies;

	if (local->id != limit->id) {
		local->id = limit->id;
		local->packets = 0;
		local->bytes = 0;
		local->refused_jiffies = 0;
	}
	if (rate_limit_spend(limit, local, bytes))
		return 1;
	jiffies = bpf_jiffies64();
	if (rate_limit_refused(limit, local, jiffies))
		return 0;
	bucket = bpf_map_lookup_elem(&rate_limit_state_map, &index);
	if (!bucket)
		return 1; /* cannot be: the store writes 0 or 1 */
	rate_limit_take(limit, bucket, local, bytes, bpf_ktime_get_ns());
	if (rate_limit_spend(limit, local, bytes))
		return 1;
	local->refused_jiffies = jiffies;
	return 0;
}

/* `reason` is why the packet would pass; the same, or REASON_RATE_LIMITED. */
static __always_inline int stage_rate_limit(const struct packet *pkt, __u32 record, int reason)
{
	const struct rate_limit *limit = bpf_map_lookup_elem(&rate_limit_config_map, &record);
	struct rate_limit_stats *stats;
	struct rate_limit_local *local;
	__u32 zero = 0;

	if (!limit || !limit->enabled)
		return reason;
	if (reason == REASON_ALLOWED_WHITELIST && limit->exempt_whitelist)
		return reason;
	local = bpf_map_lookup_elem(&rate_limit_local_map, &zero);
	stats = bpf_map_lookup_elem(&rate_limit_stats_map, &zero);
	if (!local || !stats)
		return reason;
	if (!within_limit(limit, local, pkt->length)) {
		stats->dropped.packets++;
		stats->dropped.bytes += pkt->length;
		return REASON_RATE_LIMITED;
	}
	stats->passed.packets++;
	stats->passed.bytes += pkt->length;
	return reason;
}

#endif
