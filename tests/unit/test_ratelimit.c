/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Rate limiting: the programs' source under a clock of our own, at loads around and far over the
 * limit. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <stdbool.h>
#include <string.h>

#include "../../bpf/ratelimit.h"

#define SECOND_NS 1000000000ULL
#define DAY_NS (86400 * SECOND_NS)
#define CPUS 2

/* What the programs keep in maps. */
struct limiter {
	struct rate_limit limit;
	struct rate_limit_bucket bucket;
	struct rate_limit_local local[CPUS];
	uint64_t now_ns;
	uint64_t jiffy_ns;
	uint64_t clock_reads;
};

static void limiter_start(struct limiter *limiter, uint64_t pps, uint64_t bps, uint64_t burst)
{
	memset(limiter, 0, sizeof(*limiter));
	limiter->limit.pps = pps;
	limiter->limit.bps = bps;
	limiter->limit.burst = burst;
	limiter->now_ns = 5 * SECOND_NS; /* just booted: less than most buckets' time */
	limiter->jiffy_ns = 4000000;
	assert_int_equal(rate_limit_prepare(&limiter->limit), 0);
	rate_limit_bucket_fill(&limiter->bucket, &limiter->limit, limiter->now_ns);
}

/* The steps of ratelimit_stage.h. */
static bool limiter_pass(struct limiter *limiter, int cpu, uint32_t bytes)
{
	struct rate_limit_local *local = &limiter->local[cpu];
	const uint64_t jiffies = 1 + limiter->now_ns / limiter->jiffy_ns;

	if (rate_limit_spend(&limiter->limit, local, bytes))
		return true;
	if (rate_limit_refused(&limiter->limit, local, jiffies))
		return false;
	limiter->clock_reads++;
	rate_limit_take(&limiter->limit, &limiter->bucket, local, bytes, limiter->now_ns);
	if (rate_limit_spend(&limiter->limit, local, bytes))
		return true;
	local->refused_jiffies = jiffies;
	return false;
}

/* Empties what the burst allows, so that what follows is the rate alone. */
static void limiter_drain(struct limiter *limiter, uint32_t bytes)
{
	while (limiter_pass(limiter, 0, bytes))
		;
	for (int cpu = 1; cpu < CPUS; cpu++)
		while (limiter_pass(limiter, cpu, bytes))
			;
}

/* Offers `packets` at an even pace in a duration, CPUs in turn; returns how many passed. */
static uint64_t limiter_offer(struct limiter *limiter, uint64_t packets, uint64_t duration_ns,
			      uint32_t bytes, int cpus)
{
	const uint64_t start = limiter->now_ns;
	uint64_t passed = 0;

	for (uint64_t i = 1; i <= packets; i++) {
		limiter->now_ns = start + (uint64_t)((unsigned __int128)duration_ns * i / packets);
		passed += limiter_pass(limiter, i % cpus, bytes);
	}
	return passed;
}

static void assert_within_percent(uint64_t value, uint64_t expected, uint64_t percent)
{
	assert_in_range(value * 100, expected * (100 - percent), expected * (100 + percent));
}

/* Loads in tenths of the limit. */
static const unsigned int loads[] = {5, 10, 11, 13, 20, 1000};
#define LOADS (sizeof(loads) / sizeof(loads[0]))

/* No machine offers a hundred times ten million packets a second, and no test has the time for it.
 */
#define OFFERED_MAX 10000000

/* Half a second or 20,000 packets at each load, on one CPU or two, must deliver min(load, limit).
 */
static void check_pps(uint64_t pps, uint64_t jiffy_ns)
{
	const uint64_t allowed = pps / 2 > 20000 ? pps / 2 : 20000;
	const uint64_t duration_ns = allowed * SECOND_NS / pps;

	for (size_t i = 0; i < LOADS; i++) {
		const uint64_t offered = allowed * loads[i] / 10;

		for (int cpus = 1; cpus <= CPUS && offered <= OFFERED_MAX; cpus++) {
			struct limiter limiter;

			limiter_start(&limiter, pps, 0, 0);
			limiter.jiffy_ns = jiffy_ns;
			limiter_drain(&limiter, 60);
			assert_within_percent(
				limiter_offer(&limiter, offered, duration_ns, 60, cpus),
				offered < allowed ? offered : allowed, 2);
		}
	}
}

static void check_bps(uint64_t bps, uint32_t bytes)
{
	const uint64_t allowed = bps / bytes / 2 > 20000 ? bps / bytes / 2 : 20000;
	const uint64_t duration_ns =
		(uint64_t)((unsigned __int128)allowed * bytes * SECOND_NS / bps);

	for (size_t i = 0; i < LOADS; i++) {
		const uint64_t offered = allowed * loads[i] / 10;

		for (int cpus = 1; cpus <= CPUS && offered <= OFFERED_MAX; cpus++) {
			struct limiter limiter;

			limiter_start(&limiter, 0, bps, 0);
			limiter_drain(&limiter, bytes);
			assert_within_percent(
				limiter_offer(&limiter, offered, duration_ns, bytes, cpus),
				offered < allowed ? offered : allowed, 2);
		}
	}
}

static void every_load_at_one_packet_a_second_delivers_it(void **state)
{
	(void)state;
	check_pps(1, 4000000);
}

static void every_load_at_seven_packets_a_second_delivers_them(void **state)
{
	(void)state;
	check_pps(7, 4000000);
}

static void every_load_at_1000_packets_a_second_delivers_them(void **state)
{
	(void)state;
	check_pps(1000, 4000000);
}

static void every_load_at_a_million_packets_a_second_delivers_them(void **state)
{
	(void)state;
	check_pps(1000000, 4000000);
}

static void every_load_at_ten_million_packets_a_second_delivers_them(void **state)
{
	(void)state;
	check_pps(10000000, 1000000);
}

static void a_clock_of_100_jiffies_a_second_loses_nothing(void **state)
{
	(void)state;
	check_pps(1000, 10000000);
	check_pps(100000, 10000000);
}

static void every_load_at_one_byte_a_second_delivers_it(void **state)
{
	(void)state;
	check_bps(1, 60);
	check_bps(1, 1514);
}

static void every_load_at_1000_bytes_a_second_delivers_them(void **state)
{
	(void)state;
	check_bps(1000, 60);
	check_bps(1000, 1514);
}

static void every_load_at_ten_gigabit_delivers_it(void **state)
{
	(void)state;
	check_bps(1250000000, 1514);
}

static void every_load_at_100_gigabytes_a_second_delivers_it(void **state)
{
	(void)state;
	check_bps(100000000000, 65000); /* segments as generic XDP sees them */
}

static void a_short_burst_at_100_gigabytes_a_second_delivers_it(void **state)
{
	const uint64_t bps = 100000000000;
	const uint32_t bytes = 1514;
	const uint64_t packets = bps / bytes / 20; /* 50 ms */
	struct limiter limiter;

	(void)state;
	limiter_start(&limiter, 0, bps, 64);
	limiter_drain(&limiter, bytes);
	assert_within_percent(limiter_offer(&limiter, packets * 2, SECOND_NS / 20, bytes, 2),
			      packets, 2);
}

static void idle_times_give_the_burst_and_no_more(void **state)
{
	static const uint64_t idle_ns[] = {SECOND_NS, 3600 * SECOND_NS, DAY_NS, 365 * DAY_NS};

	(void)state;
	for (size_t i = 0; i < sizeof(idle_ns) / sizeof(idle_ns[0]); i++) {
		struct limiter limiter;

		limiter_start(&limiter, 10000, 0, 500);
		limiter_drain(&limiter, 60);
		limiter.now_ns += idle_ns[i];
		assert_int_equal(limiter_offer(&limiter, 1000, 0, 60, 1), 500);
		/* and from then on the limit */
		assert_within_percent(limiter_offer(&limiter, 100000, SECOND_NS, 60, 1), 10000, 2);
	}
}

static void idle_at_100_gigabytes_a_second_does_not_overflow(void **state)
{
	struct limiter limiter;
	uint64_t bytes = 0;

	(void)state;
	limiter_start(&limiter, 0, 100000000000, 0);
	limiter.now_ns += DAY_NS;
	for (int i = 0; i < 10000000; i++)
		bytes += limiter_pass(&limiter, 0, 1514) ? 1514 : 0;
	/* a tenth of a second's worth, what is short of a frame, and a CPU's batch */
	assert_in_range(bytes, 10000000000 - 1514, 10000000000 + 1522 + (1 << 17));
}

static void a_full_bucket_holds_the_burst(void **state)
{
	struct limiter limiter;

	(void)state;
	for (uint64_t burst = 1; burst <= 100000; burst *= 10) {
		limiter_start(&limiter, 1000, 0, burst);
		assert_int_equal(limiter_offer(&limiter, 2 * burst + 10, 0, 60, 1), burst);
	}
}

static void the_burst_in_bytes_is_that_many_full_frames(void **state)
{
	struct limiter limiter;

	(void)state;
	limiter_start(&limiter, 0, 1000, 7);
	assert_int_equal(limiter_offer(&limiter, 20, 0, RATE_LIMIT_FRAME_BYTES, 1), 7);
}

static void the_default_burst_is_a_tenth_of_a_second(void **state)
{
	struct limiter limiter;

	(void)state;
	limiter_start(&limiter, 5000, 0, 0);
	assert_int_equal(limiter_offer(&limiter, 2000, 0, 60, 1), 500);
	limiter_start(&limiter, 3, 0, 0);
	assert_int_equal(limiter_offer(&limiter, 10, 0, 60, 1), 1);
	limiter_start(&limiter, 0, 15, 0);
	assert_int_equal(limiter_offer(&limiter, 10, 0, 1522, 1), 1);
}

static void a_burst_of_one_still_delivers_the_limit(void **state)
{
	struct limiter limiter;

	(void)state;
	limiter_start(&limiter, 1000, 0, 1);
	limiter_drain(&limiter, 60);
	assert_within_percent(limiter_offer(&limiter, 100000, 10 * SECOND_NS, 60, 2), 10000, 2);
}

static void a_packet_that_bytes_refuse_takes_no_packet_token(void **state)
{
	struct limiter limiter;

	(void)state;
	limiter_start(&limiter, 10, 1000, 10);
	while (limiter_pass(&limiter, 0, 5000))
		;
	/* 10 frames' bytes let 3 pass; 7 packet tokens are there for packets that have bytes */
	limiter.local[0].bytes = 1000000;
	limiter.now_ns += limiter.jiffy_ns;
	assert_int_equal(limiter_offer(&limiter, 20, 0, 1, 1), 10 - 3);
}

static void a_packet_that_packets_refuse_takes_no_bytes(void **state)
{
	struct limiter limiter;

	(void)state;
	limiter_start(&limiter, 1, 1, 1);
	assert_true(limiter_pass(&limiter, 0, 100));
	for (int i = 0; i < 50; i++) {
		limiter.now_ns += limiter.jiffy_ns;
		assert_false(limiter_pass(&limiter, 0, 100));
	}
	/* the other CPU finds 1522 bytes less those of the one packet that passed */
	limiter.local[1].packets = 1000;
	for (int i = 0; i < 14; i++)
		assert_true(limiter_pass(&limiter, 1, 100));
	assert_false(limiter_pass(&limiter, 1, 100));
}

static void a_cpu_holds_at_most_a_64th_of_the_burst(void **state)
{
	(void)state;
	for (uint64_t burst = 1; burst <= 1000000; burst *= 7) {
		struct limiter limiter;

		limiter_start(&limiter, 1000, 0, burst);
		assert_true(limiter_pass(&limiter, 0, 60));
		assert_in_range(limiter.local[0].packets, 0, burst / 64);
		limiter_start(&limiter, 0, 1000000, burst);
		assert_true(limiter_pass(&limiter, 0, 60));
		assert_in_range(limiter.local[0].bytes, 0, burst * RATE_LIMIT_FRAME_BYTES / 64);
	}
}

static void a_packet_larger_than_the_bucket_passes_and_is_paid_for(void **state)
{
	struct limiter limiter;

	(void)state;
	limiter_start(&limiter, 0, 9000, 1);
	limiter_drain(&limiter, 9000);
	assert_within_percent(limiter_offer(&limiter, 40000, 1000 * SECOND_NS, 9000, 1), 1000, 2);
}

static void a_clock_that_steps_back_refills_nothing(void **state)
{
	struct limiter limiter;
	uint64_t passed = 0;

	(void)state;
	limiter_start(&limiter, 1000, 0, 10);
	limiter_drain(&limiter, 60);
	for (int i = 0; i < 1000; i++) {
		limiter.now_ns += i % 2 ? 1000000 : -1000000;
		passed += limiter_pass(&limiter, 0, 60);
	}
	assert_in_range(passed, 0, 1);
}

static void cpus_share_one_limit_of_any_mix(void **state)
{
	struct limiter limiter;
	uint64_t passed = 0;

	(void)state;
	limiter_start(&limiter, 50000, 0, 0);
	limiter_drain(&limiter, 60);
	for (int i = 0; i < 1000000; i++) { /* 10 s, 1 in 7 on the other CPU */
		limiter.now_ns += 10000;
		passed += limiter_pass(&limiter, i % 7 == 0, 60);
	}
	assert_within_percent(passed, 500000, 2);
}

static void a_flood_seldom_reads_the_clock(void **state)
{
	struct limiter limiter;

	(void)state;
	limiter_start(&limiter, 10000, 0, 0);
	limiter_drain(&limiter, 60);
	limiter.clock_reads = 0;
	limiter_offer(&limiter, 1000000, SECOND_NS, 60, 1);
	/* 250 jiffies, in each what 40 packets need at most */
	assert_in_range(limiter.clock_reads, 250, 250 * 42);
}

static void a_fast_limit_is_spent_in_batches(void **state)
{
	struct limiter limiter;

	(void)state;
	limiter_start(&limiter, 10000000, 10000000000, 0);
	assert_int_equal(limiter_offer(&limiter, 1000000, SECOND_NS, 1000, 1), 1000000);
	assert_in_range(limiter.clock_reads, 1, 1000000 / 50);
}

static void no_limit_limits_nothing(void **state)
{
	struct limiter limiter;

	(void)state;
	limiter_start(&limiter, 0, 0, 0);
	assert_int_equal(limiter_offer(&limiter, 100000, 0, 65535, 2), 100000);
	assert_int_equal(limiter.clock_reads, 0);
}

static void limits_that_cannot_be_counted_are_refused(void **state)
{
	static const struct rate_limit impossible[] = {
		{.pps = RATE_LIMIT_MAX_PPS + 1}, {.bps = RATE_LIMIT_MAX_BPS + 1},
		{.pps = 1, .burst = UINT64_MAX}, {.bps = 1, .burst = 100000},
		{.pps = 1, .burst = 40000000},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(impossible) / sizeof(impossible[0]); i++) {
		struct rate_limit limit = impossible[i];

		assert_int_equal(rate_limit_prepare(&limit), -ERANGE);
		assert_memory_equal(&limit, &impossible[i], sizeof(limit));
	}
}

static void limits_at_the_edges_are_counted(void **state)
{
	static const struct rate_limit possible[] = {
		{.pps = 1},
		{.bps = 1},
		{.pps = RATE_LIMIT_MAX_PPS},
		{.bps = RATE_LIMIT_MAX_BPS},
		{.pps = 1, .burst = 30000000},
		{.pps = 10000000, .bps = 100000000000, .burst = 1000000},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(possible) / sizeof(possible[0]); i++) {
		struct rate_limit limit = possible[i];

		assert_int_equal(rate_limit_prepare(&limit), 0);
		/* token_time() of 2^17 tokens does not overflow */
		assert_true(limit.packet_rate.mult < 1ULL << 46);
		assert_true(limit.byte_rate.mult < 1ULL << 46);
		assert_true(limit.byte_rate.batch <= 1 << 17);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_load_at_one_packet_a_second_delivers_it),
		cmocka_unit_test(every_load_at_seven_packets_a_second_delivers_them),
		cmocka_unit_test(every_load_at_1000_packets_a_second_delivers_them),
		cmocka_unit_test(every_load_at_a_million_packets_a_second_delivers_them),
		cmocka_unit_test(every_load_at_ten_million_packets_a_second_delivers_them),
		cmocka_unit_test(a_clock_of_100_jiffies_a_second_loses_nothing),
		cmocka_unit_test(every_load_at_one_byte_a_second_delivers_it),
		cmocka_unit_test(every_load_at_1000_bytes_a_second_delivers_them),
		cmocka_unit_test(every_load_at_ten_gigabit_delivers_it),
		cmocka_unit_test(every_load_at_100_gigabytes_a_second_delivers_it),
		cmocka_unit_test(a_short_burst_at_100_gigabytes_a_second_delivers_it),
		cmocka_unit_test(idle_times_give_the_burst_and_no_more),
		cmocka_unit_test(idle_at_100_gigabytes_a_second_does_not_overflow),
		cmocka_unit_test(a_full_bucket_holds_the_burst),
		cmocka_unit_test(the_burst_in_bytes_is_that_many_full_frames),
		cmocka_unit_test(the_default_burst_is_a_tenth_of_a_second),
		cmocka_unit_test(a_burst_of_one_still_delivers_the_limit),
		cmocka_unit_test(a_packet_that_bytes_refuse_takes_no_packet_token),
		cmocka_unit_test(a_packet_that_packets_refuse_takes_no_bytes),
		cmocka_unit_test(a_cpu_holds_at_most_a_64th_of_the_burst),
		cmocka_unit_test(a_packet_larger_than_the_bucket_passes_and_is_paid_for),
		cmocka_unit_test(a_clock_that_steps_back_refills_nothing),
		cmocka_unit_test(cpus_share_one_limit_of_any_mix),
		cmocka_unit_test(a_flood_seldom_reads_the_clock),
		cmocka_unit_test(a_fast_limit_is_spent_in_batches),
		cmocka_unit_test(no_limit_limits_nothing),
		cmocka_unit_test(limits_that_cannot_be_counted_are_refused),
		cmocka_unit_test(limits_at_the_edges_are_counted),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
