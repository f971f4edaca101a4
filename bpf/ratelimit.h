/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Rate limiting: the arithmetic of tokens. Pure, with time passed in, so that the host tests the
 * source that the XDP program runs (ratelimit_stage.h).
 *
 * A bucket is one word, the time at which it was empty: what has come since then is in it, and
 * taking tokens moves that time on by what they cost (the virtual scheduling form of the leaky
 * bucket, ITU-T I.371 annex A). So refilling is no step of its own that could be done twice, late
 * or with a fraction lost, a clock that steps back gives nothing, and one compare and swap takes
 * from it on any CPU.
 *
 * Times are units of 1/64 ns, modulo 2^64: differences are right for 4.5 years without a packet.
 * CPUs take tokens in batches and spend them without atomics or a clock. A batch is at most a 64th
 * of the burst, so what CPUs hold exceeds the burst by that much for each.
 */
#ifndef BGO_RATELIMIT_H
#define BGO_RATELIMIT_H

#include "abi.h"

#define RATE_LIMIT_UNITS_PER_NS 64
#define RATE_LIMIT_UNITS_PER_S (1000000000ULL * RATE_LIMIT_UNITS_PER_NS)

/* A try fails only because another CPU took tokens in between, so even two failures in a row are
 * rare. */
#define RATE_LIMIT_TRIES 8

/* What the time of `tokens` is, in units. At most 2^17 tokens: mult is under 2^46. */
static inline __attribute__((always_inline)) __u64 token_time(const struct token_rate *rate,
							      __u64 tokens)
{
	return (tokens * rate->mult) >> rate->shift;
}

/*
 * Takes a batch of tokens if the bucket has it, else just `tokens`, and returns how many; 0 when it
 * has not even these. A packet larger than the bucket passes when the bucket is full and leaves it
 * in debt.
 */
static inline __attribute__((always_inline)) __u64 bucket_take(__u64 *empty_at,
							       const struct token_rate *rate,
							       __u64 tokens, __u64 now)
{
	const __u64 capacity = rate->capacity;
	const __u64 cost = token_time(rate, tokens);
	const __u64 need = cost < capacity ? cost : capacity;
	const __u64 batch_cost = token_time(rate, rate->batch);

	for (int i = 0; i < RATE_LIMIT_TRIES; i++) {
		const __u64 old = *(volatile __u64 *)empty_at;
		__s64 credit = (__s64)(now - old); /* negative: in debt, or another CPU is ahead */
		int batched;
		__u64 next;

		if (credit < (__s64)need)
			return 0;
		if (credit > (__s64)capacity)
			credit = (__s64)capacity;
		batched = rate->batch > tokens && credit >= (__s64)batch_cost;
		next = now - (__u64)credit + (batched ? batch_cost : cost);
		if (__sync_val_compare_and_swap(empty_at, old, next) == old)
			return batched ? rate->batch : tokens;
	}
	return 0;
}

/* Spends one packet and its bytes, of the kinds that are limited, if the CPU holds both; else
 * neither. */
static inline __attribute__((always_inline)) int rate_limit_spend(const struct rate_limit *limit,
								  struct rate_limit_local *local,
								  __u32 bytes)
{
	const int limits_packets = limit->packet_rate.mult != 0;
	const int limits_bytes = limit->byte_rate.mult != 0;

	if ((limits_packets && !local->packets) || (limits_bytes && local->bytes < bytes))
		return 0;
	if (limits_packets)
		local->packets--;
	if (limits_bytes)
		local->bytes -= bytes;
	return 1;
}

/*
 * Takes what the CPU is short of from the bucket: bytes only when there is a packet to send. A
 * packet that bytes refuse has paid nothing either: its token stays with the CPU.
 */
static inline __attribute__((always_inline)) void rate_limit_take(const struct rate_limit *limit,
								  struct rate_limit_bucket *bucket,
								  struct rate_limit_local *local,
								  __u32 bytes, __u64 now_ns)
{
	const __u64 now = now_ns * RATE_LIMIT_UNITS_PER_NS;

	if (limit->packet_rate.mult && !local->packets) {
		local->packets =
			bucket_take(&bucket->packets_empty_at, &limit->packet_rate, 1, now);
		if (!local->packets)
			return;
	}
	if (limit->byte_rate.mult && local->bytes < bytes)
		local->bytes += bucket_take(&bucket->bytes_empty_at, &limit->byte_rate, bytes, now);
}

/*
 * Whether the CPU was refused in this very jiffy: then it need not read the clock to be refused
 * again, which makes a flood far over the limit cheap. Not for bursts that are worth only a few
 * jiffies: tokens would overflow meanwhile.
 */
static inline __attribute__((always_inline)) int rate_limit_refused(
	const struct rate_limit *limit, const struct rate_limit_local *local, __u64 jiffies)
{
	return !limit->precise && local->refused_jiffies == jiffies;
}

#ifndef __bpf__

#include <errno.h>

/* A full frame as XDP sees it: MTU 1500, Ethernet header, two VLAN tags. */
#define RATE_LIMIT_FRAME_BYTES 1522

#define RATE_LIMIT_MAX_PPS 1000000000ULL
#define RATE_LIMIT_MAX_BPS 1000000000000ULL
/* A burst may be worth a year of refill: 2^61 units. */
#define RATE_LIMIT_MAX_BURST_UNITS (1ULL << 61)
/* Four jiffies at HZ 100, the slowest clock of any kernel. */
#define RATE_LIMIT_PRECISE_UNITS (40000000ULL * RATE_LIMIT_UNITS_PER_NS)

/* packet_tokens: how many tokens of this kind a whole packet is. burst: in packets, 0 is the
 * default. */
static inline int token_rate_prepare(struct token_rate *out, __u64 per_second, __u64 burst,
				     __u64 packet_tokens, __u64 batch_max)
{
	struct token_rate rate = {};
	unsigned __int128 tokens, units;

	if (!per_second) {
		*out = rate;
		return 0;
	}
	tokens = burst ? (unsigned __int128)burst * packet_tokens : per_second / 10;
	if (tokens < packet_tokens)
		tokens = packet_tokens;
	if (tokens >> 64)
		return -ERANGE;
	units = tokens * RATE_LIMIT_UNITS_PER_S / per_second;
	if (units > RATE_LIMIT_MAX_BURST_UNITS)
		return -ERANGE;

	/* The most precise multiplier below 2^46. */
	while ((((unsigned __int128)RATE_LIMIT_UNITS_PER_S << (rate.shift + 1)) / per_second) >>
		       46 ==
	       0)
		rate.shift++;
	rate.mult = (((unsigned __int128)RATE_LIMIT_UNITS_PER_S << rate.shift) + per_second / 2) /
		    per_second;
	rate.burst = units;
	rate.capacity = units + token_time(&rate, packet_tokens) - 1;
	rate.batch = tokens / 64 > batch_max ? batch_max : tokens / 64;
	*out = rate;
	return 0;
}

/* Whether a full bucket is worth so few jiffies that a clock of those would let it overflow. */
static inline int token_rates_precise(const struct token_rate *packets,
				      const struct token_rate *bytes)
{
	return (packets->mult && packets->burst < RATE_LIMIT_PRECISE_UNITS) ||
	       (bytes->mult && bytes->burst < RATE_LIMIT_PRECISE_UNITS);
}

/*
 * Computes what the programs need from pps, bps and burst. 0, or -ERANGE and *limit untouched: a
 * limit over RATE_LIMIT_MAX_*, or a burst that takes more than a year to refill.
 */
static inline int rate_limit_prepare(struct rate_limit *limit)
{
	struct token_rate packets, bytes;

	if (limit->pps > RATE_LIMIT_MAX_PPS || limit->bps > RATE_LIMIT_MAX_BPS)
		return -ERANGE;
	if (token_rate_prepare(&packets, limit->pps, limit->burst, 1, 256) ||
	    token_rate_prepare(&bytes, limit->bps, limit->burst, RATE_LIMIT_FRAME_BYTES, 1 << 17))
		return -ERANGE;
	limit->packet_rate = packets;
	limit->byte_rate = bytes;
	limit->precise = token_rates_precise(&packets, &bytes);
	return 0;
}

/* What the programs look at first. */
static inline void rate_limit_set_active(struct rate_limit *limit)
{
	limit->active =
		(limit->enabled ? LIMITS_ALL : 0) | (limit->source.enabled ? LIMITS_SOURCE : 0);
}

/* Fills the bucket to the burst. now_ns: CLOCK_MONOTONIC. */
static inline void rate_limit_bucket_fill(struct rate_limit_bucket *bucket,
					  const struct rate_limit *limit, __u64 now_ns)
{
	bucket->packets_empty_at = now_ns * RATE_LIMIT_UNITS_PER_NS - limit->packet_rate.burst;
	bucket->bytes_empty_at = now_ns * RATE_LIMIT_UNITS_PER_NS - limit->byte_rate.burst;
}

#endif

#endif
