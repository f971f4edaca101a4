/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The rate limits' stage: what rules let pass must also be within the limit of its source, and of
 * all sources together. The arithmetic is in ratelimit_source.h and ratelimit.h.
 */
#ifndef BGO_RATELIMIT_STAGE_H
#define BGO_RATELIMIT_STAGE_H

#include "maps.h"
#include "packet.h"
#include "ratelimit.h"
#include "ratelimit_source.h"

/* -- Each source -- */

/* So many drops more than another the one has that keeps its place among the offenders. */
#define OFFENDER_WEIGHT_MAX 1024

/* Of offenders that fall on one place the one that is dropped most often stays. */
static __always_inline void note_offender(const struct source_limit *limit,
					  const struct packet *pkt, const __u64 source[2],
					  __u64 hash)
{
	__u32 index = hash & (SOURCE_OFFENDERS - 1);
	struct source_offender *offender = bpf_map_lookup_elem(&rate_limit_offenders_map, &index);

	if (!offender)
		return;
	if (offender->hash != hash || offender->epoch != limit->epoch) {
		if (offender->epoch == limit->epoch && offender->weight) {
			offender->weight--;
			return;
		}
		offender->hash = hash;
		offender->addr_host[0] = source[0] >> 32;
		offender->addr_host[1] = source[0];
		offender->addr_host[2] = source[1] >> 32;
		offender->addr_host[3] = source[1];
		offender->family = pkt->family;
		offender->epoch = limit->epoch;
		offender->weight = 0;
		offender->dropped.packets = 0;
		offender->dropped.bytes = 0;
	}
	if (offender->weight < OFFENDER_WEIGHT_MAX)
		offender->weight++;
	offender->dropped.packets++;
	offender->dropped.bytes += pkt->length;
}

/* Where the packet's source is accounted. */
struct source_place {
	__u64 source[2], hash, now;
	struct source_set *set;
	__u32 way;
};

static __always_inline void find_source(const struct source_limit *limit, const struct packet *pkt,
					struct source_place *place)
{
	__u32 index, way;

	place->now = (limit->precise ? bpf_ktime_get_ns() : bpf_ktime_get_coarse_ns()) *
		     RATE_LIMIT_UNITS_PER_NS;
	source_of(limit, &pkt->key, pkt->family, place->source);
	place->hash = source_hash(limit, place->source, pkt->family);
	index = source_index(limit, place->hash);
	place->set = bpf_map_lookup_elem(&rate_limit_sources_map, &index);
	if (!place->set)
		return; /* cannot be: every index has its set */
	way = source_way(limit, place->set, (__u32)place->hash | 1, place->now);
	/* No change, but to the verifier, which else looks at what follows for each: see widen().
	 */
	place->way = way ^ -(pkt->length >> 31);
}

/*
 * Whether the packet is over the limit of its source; `give_back`: it was within, and something
 * behind refused it. A function of its own: the verifier looks at it once, and packets without such
 * a limit do not carry its registers.
 */
__attribute__((noinline)) int source_limited(const struct packet *pkt, __u32 record,
					     __u32 give_back)
{
	const struct rate_limit *limits = bpf_map_lookup_elem(&rate_limit_config_map, &record);
	struct source_place place;

	if (!limits || !pkt)
		return 0;
	find_source(&limits->source, pkt, &place);
	if (!place.set)
		return 0;
	if (give_back) {
		source_give_back(&limits->source, place.set, place.way, pkt->length);
		return 0;
	}
	if (source_take(&limits->source, place.set, place.way, pkt->length, place.now))
		return 0;
	note_offender(&limits->source, pkt, place.source, place.hash);
	return 1;
}

/* -- All sources together -- */

/* The common case costs no atomic, no clock and no call: the CPU spends what it took before. */
static __always_inline _Bool within_limit(const struct rate_limit *limit, __u32 bytes)
{
	struct rate_limit_bucket *bucket;
	struct rate_limit_local *local;
	__u32 index = 0;
	__u64 jiffies;

	local = bpf_map_lookup_elem(&rate_limit_local_map, &index);
	if (!local)
		return 1; /* cannot be: an array has its element 0 */
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
	index = limit->bucket;
	bucket = bpf_map_lookup_elem(&rate_limit_state_map, &index);
	if (!bucket)
		return 1; /* cannot be: the store writes 0 or 1 */
	rate_limit_take(limit, bucket, local, bytes, bpf_ktime_get_ns());
	if (rate_limit_spend(limit, local, bytes))
		return 1;
	local->refused_jiffies = jiffies;
	return 0;
}

static __always_inline void count_limited(struct counter *counter, __u32 bytes)
{
	counter->packets++;
	counter->bytes += bytes;
}

/* `reason` is why the packet would pass; the same, or which limit it is over. */
static __always_inline int stage_rate_limit(const struct packet *pkt, __u32 record, int reason)
{
	const struct rate_limit *limit = bpf_map_lookup_elem(&rate_limit_config_map, &record);
	struct rate_limit_stats *stats;
	__u32 zero = 0;

	if (!limit || !limit->active)
		return reason;
	if (reason == REASON_ALLOWED_WHITELIST && limit->exempt_whitelist)
		return reason;
	stats = bpf_map_lookup_elem(&rate_limit_stats_map, &zero);
	if (!stats)
		return reason;
	if ((limit->active & LIMITS_SOURCE) && source_limited(pkt, record, 0)) {
		count_limited(&stats->source_dropped, pkt->length);
		return REASON_SOURCE_LIMITED;
	}
	if ((limit->active & LIMITS_ALL) && !within_limit(limit, pkt->length)) {
		if (limit->active & LIMITS_SOURCE)
			source_limited(pkt, record, 1);
		count_limited(&stats->dropped, pkt->length);
		return REASON_RATE_LIMITED;
	}
	count_limited(&stats->passed, pkt->length);
	return reason;
}

#endif
