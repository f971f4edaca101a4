/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The limit of each source by itself: the arithmetic. Pure, with time passed in, as ratelimit.h,
 * whose buckets these are; the stage that asks is in ratelimit_stage.h.
 *
 * Every source has two buckets, in a set of SOURCE_WAYS that its hash chooses. A bucket that is
 * full says no more than none at all, so a place is always to be had: from the source that is
 * nearest to full. False sources of a flood, one packet each, take places from each other; one
 * that sends above its limit runs its bucket empty and so is the last to lose its place. What a
 * packet costs is one set of two cache lines, whatever comes.
 */
#ifndef BGO_RATELIMIT_SOURCE_H
#define BGO_RATELIMIT_SOURCE_H

#include "ratelimit.h"

/*
 * A source's hash: the top bits choose its set, the low ones tell it from others there. 64-bit
 * finalizer of MurmurHash3 over each half; the seed is secret.
 */
static inline __attribute__((always_inline)) __u64 source_mix(__u64 hash)
{
	hash ^= hash >> 33;
	hash *= 0xff51afd7ed558ccdULL;
	hash ^= hash >> 33;
	hash *= 0xc4ceb9fe1a85ec53ULL;
	return hash ^ hash >> 33;
}

/* The two halves of the address that all packets of one source have in common. */
static inline __attribute__((always_inline)) void source_of(const struct source_limit *limit,
							    const struct graph_key *key,
							    __u32 family, __u64 source[2])
{
	const __u32 *words = key->words;

	if (family == FAMILY_IPV4) {
		source[0] = (__u64)(words[0] & limit->mask4) << 32;
		source[1] = 0;
		return;
	}
	source[0] = ((__u64)words[0] << 32 | words[1]) & limit->mask6[0];
	source[1] = ((__u64)words[2] << 32 | words[3]) & limit->mask6[1];
}

static inline __attribute__((always_inline)) __u64 source_hash(const struct source_limit *limit,
							       const __u64 source[2], __u32 family)
{
	return source_mix(source_mix(source[0] ^ limit->seed) + source[1] + family);
}

static inline __attribute__((always_inline)) __u32 source_index(const struct source_limit *limit,
								__u64 hash)
{
	return (limit->half & 1) << SOURCE_SETS_SHIFT | (__u32)(hash >> (64 - SOURCE_SETS_SHIFT));
}

/* How much of the bucket is missing, in units of time; nothing or less: it is full. */
static inline __attribute__((always_inline)) __s64 bucket_missing(const struct token_rate *rate,
								  __u64 empty_at, __u64 now)
{
	return rate->mult ? (__s64)(rate->burst - (now - empty_at)) : 0;
}

/*
 * The source's way of the set; a place taken from another starts with full buckets. Two CPUs that
 * see a source for the first time may give it two places, one of which is then never found again:
 * the source had a packet too many.
 */
static inline __attribute__((always_inline)) __u32 source_way(const struct source_limit *limit,
							      struct source_set *set, __u32 tag,
							      __u64 now)
{
	__s64 least = (__s64)(~0ULL >> 1);
	__u32 way = 0, old = 0;

	for (int i = 0; i < SOURCE_WAYS; i++)
		if (set->tags[i] == tag)
			return i;
	for (int i = 0; i < SOURCE_WAYS; i++) {
		const __s64 packets =
			bucket_missing(&limit->packet_rate, set->packets_empty_at[i], now);
		const __s64 bytes = bucket_missing(&limit->byte_rate, set->bytes_empty_at[i], now);
		__s64 missing = packets > bytes ? packets : bytes;

		if (!set->tags[i])
			missing = -least;
		if (missing < least) {
			least = missing;
			way = i;
			old = set->tags[i];
		}
	}
	/* Another CPU took it in between: then share it for this packet. */
	if (way < SOURCE_WAYS && __sync_val_compare_and_swap(&set->tags[way], old, tag) == old) {
		set->packets_empty_at[way] = now - limit->packet_rate.burst;
		set->bytes_empty_at[way] = now - limit->byte_rate.burst;
	}
	return way;
}

static inline __attribute__((always_inline)) void bucket_give_back(__u64 *empty_at,
								   const struct token_rate *rate,
								   __u64 tokens)
{
	__sync_fetch_and_add(empty_at, -token_time(rate, tokens));
}

/* A packet that something behind the source's limit refuses has taken nothing. */
static inline __attribute__((always_inline)) void source_give_back(const struct source_limit *limit,
								   struct source_set *set,
								   __u32 way, __u32 bytes)
{
	if (way >= SOURCE_WAYS)
		return;
	if (limit->packet_rate.mult)
		bucket_give_back(&set->packets_empty_at[way], &limit->packet_rate, 1);
	if (limit->byte_rate.mult)
		bucket_give_back(&set->bytes_empty_at[way], &limit->byte_rate, bytes);
}

/* Whether a packet of the source in that way is within the limit: takes its tokens, or nothing. */
static inline __attribute__((always_inline)) int source_take(const struct source_limit *limit,
							     struct source_set *set, __u32 way,
							     __u32 bytes, __u64 now)
{
	if (way >= SOURCE_WAYS)
		return 1; /* cannot be */
	if (limit->packet_rate.mult &&
	    !bucket_take(&set->packets_empty_at[way], &limit->packet_rate, 1, now))
		return 0;
	if (!limit->byte_rate.mult ||
	    bucket_take(&set->bytes_empty_at[way], &limit->byte_rate, bytes, now))
		return 1;
	if (limit->packet_rate.mult)
		bucket_give_back(&set->packets_empty_at[way], &limit->packet_rate, 1);
	return 0;
}

#ifndef __bpf__

static inline __u64 prefix_mask64(__u32 length)
{
	return length ? ~0ULL << (64 - length) : 0;
}

/*
 * Computes what the programs need from pps, bps, burst, prefix4 (0..32) and prefix6 (0..128). 0, or
 * -ERANGE and *limit untouched.
 */
static inline int source_limit_prepare(struct source_limit *limit)
{
	const __u32 prefix6 = limit->prefix6;
	struct token_rate packets, bytes;

	if (limit->pps > RATE_LIMIT_MAX_PPS || limit->bps > RATE_LIMIT_MAX_BPS ||
	    limit->prefix4 > 32 || prefix6 > 128)
		return -ERANGE;
	if (token_rate_prepare(&packets, limit->pps, limit->burst, 1, 0) ||
	    token_rate_prepare(&bytes, limit->bps, limit->burst, RATE_LIMIT_FRAME_BYTES, 0))
		return -ERANGE;
	limit->packet_rate = packets;
	limit->byte_rate = bytes;
	limit->precise = token_rates_precise(&packets, &bytes);
	limit->mask4 = (__u32)(prefix_mask64(limit->prefix4) >> 32);
	limit->mask6[0] = prefix_mask64(prefix6 < 64 ? prefix6 : 64);
	limit->mask6[1] = prefix_mask64(prefix6 < 64 ? 0 : prefix6 - 64);
	return 0;
}

#endif

#endif
