/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The limit of each source: the programs' source under a clock of our own, alone and among a flood
 * of false sources. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <stdbool.h>
#include <string.h>

#include "../../bpf/ratelimit_source.h"

#define SECOND_NS 1000000000ULL
#define DAY_NS (86400 * SECOND_NS)

/* What the programs keep in maps. */
struct limiter {
	struct source_limit limit;
	struct source_set sets[2 * SOURCE_SETS];
	uint64_t now_ns;
};
static struct limiter limiter;

static void limiter_start(uint64_t pps, uint64_t bps, uint64_t burst)
{
	memset(&limiter, 0, sizeof(limiter));
	limiter.limit = (struct source_limit)SOURCE_LIMIT_INITIAL;
	limiter.limit.pps = pps;
	limiter.limit.bps = bps;
	limiter.limit.burst = burst;
	limiter.limit.seed = 0x1234567890abcdefULL;
	limiter.now_ns = 5 * SECOND_NS; /* just booted: less than most buckets' time */
	assert_int_equal(source_limit_prepare(&limiter.limit), 0);
}

struct source {
	uint32_t words[4];
	enum family family;
};

static struct source ipv4(uint32_t addr_host)
{
	return (struct source){.words = {addr_host}, .family = FAMILY_IPV4};
}

static struct source ipv6(uint32_t word1, uint32_t word3)
{
	return (struct source){.words = {0x20010db8, word1, 0, word3}, .family = FAMILY_IPV6};
}

static struct source_set *set_of(struct source source, uint32_t *tag)
{
	struct graph_key key = {0};
	uint64_t hash;
	__u64 halves[2];

	memcpy(key.words, source.words, sizeof(source.words));
	source_of(&limiter.limit, &key, source.family, halves);
	hash = source_hash(&limiter.limit, halves, source.family);
	*tag = (uint32_t)hash | 1;
	return &limiter.sets[source_index(&limiter.limit, hash)];
}

/* The steps of ratelimit_stage.h. */
static bool limiter_pass(struct source source, uint32_t bytes)
{
	const uint64_t now = limiter.now_ns * RATE_LIMIT_UNITS_PER_NS;
	uint32_t tag;
	struct source_set *set = set_of(source, &tag);

	return source_take(&limiter.limit, set, source_way(&limiter.limit, set, tag, now), bytes,
			   now);
}

static void limiter_refuse_behind(struct source source, uint32_t bytes)
{
	uint32_t tag;
	struct source_set *set = set_of(source, &tag);

	source_give_back(
		&limiter.limit, set,
		source_way(&limiter.limit, set, tag, limiter.now_ns * RATE_LIMIT_UNITS_PER_NS),
		bytes);
}

static uint64_t burst_of(struct source source, uint32_t bytes)
{
	uint64_t passed = 0;

	while (limiter_pass(source, bytes))
		passed++;
	return passed;
}

/* Offers `packets` at an even pace; between two of them `false_sources` send one packet each. */
static uint64_t limiter_offer(struct source source, uint64_t packets, uint64_t duration_ns,
			      uint32_t bytes, uint32_t false_sources)
{
	const uint64_t start = limiter.now_ns;
	static uint32_t false_source;
	uint64_t passed = 0;

	for (uint64_t i = 1; i <= packets; i++) {
		limiter.now_ns = start + (uint64_t)((unsigned __int128)duration_ns * i / packets);
		passed += limiter_pass(source, bytes);
		/* A permutation of all addresses: none comes twice. */
		for (uint32_t j = 0; j < false_sources; j++)
			limiter_pass(ipv4(false_source++ * 2654435761u), bytes);
	}
	return passed;
}

static void assert_within_percent(uint64_t value, uint64_t expected, uint64_t percent)
{
	assert_in_range(value * 100, expected * (100 - percent), expected * (100 + percent));
}

static const struct source banned = {.words = {0xcb007107}, .family = FAMILY_IPV4};

static void check_loads(uint64_t pps, uint64_t bps, uint32_t bytes)
{
	static const unsigned int loads[] = {5, 10, 11, 13, 20, 1000}; /* tenths of the limit */
	const uint64_t allowed = 20000;
	const uint64_t duration_ns =
		pps ? allowed * SECOND_NS / pps
		    : (uint64_t)((unsigned __int128)allowed * bytes * SECOND_NS / bps);

	for (size_t i = 0; i < sizeof(loads) / sizeof(loads[0]); i++) {
		const uint64_t offered = allowed * loads[i] / 10;

		limiter_start(pps, bps, 0);
		burst_of(banned, bytes);
		assert_within_percent(limiter_offer(banned, offered, duration_ns, bytes, 0),
				      offered < allowed ? offered : allowed, 2);
	}
}

static void every_load_of_a_source_delivers_its_limit(void **state)
{
	(void)state;
	check_loads(1, 0, 60);
	check_loads(7, 0, 60);
	check_loads(1000, 0, 60);
	check_loads(1000000, 0, 60);
	check_loads(10000000, 0, 60);
	check_loads(0, 1000, 60);
	check_loads(0, 125000, 1514);
	check_loads(0, 1250000000, 1514);
	check_loads(5000, 100000000, 60);
}

static void a_day_without_a_packet_fills_the_bucket_and_no_more(void **state)
{
	(void)state;
	limiter_start(1000, 0, 50);
	assert_int_equal(burst_of(banned, 60), 50);
	limiter.now_ns += DAY_NS;
	assert_int_equal(burst_of(banned, 60), 50);
}

static void a_clock_that_steps_back_gives_nothing(void **state)
{
	(void)state;
	limiter_start(1000, 0, 50);
	burst_of(banned, 60);
	limiter.now_ns -= SECOND_NS;
	assert_int_equal(burst_of(banned, 60), 0);
}

static void every_host_of_ipv4_has_its_own_bucket(void **state)
{
	(void)state;
	limiter_start(1, 0, 5);
	for (uint32_t host = 0; host < 256; host++)
		assert_int_equal(burst_of(ipv4(0xcb007100 | host), 60), 5);
}

static void hosts_of_one_prefix4_share_a_bucket(void **state)
{
	(void)state;
	limiter_start(1, 0, 5);
	limiter.limit.prefix4 = 24;
	assert_int_equal(source_limit_prepare(&limiter.limit), 0);
	assert_int_equal(burst_of(ipv4(0xcb007101), 60), 5);
	assert_int_equal(burst_of(ipv4(0xcb0071fe), 60), 0);
	assert_int_equal(burst_of(ipv4(0xcb007201), 60), 5);
}

static void hosts_of_one_prefix6_share_a_bucket(void **state)
{
	(void)state;
	limiter_start(1, 0, 5);
	assert_int_equal(burst_of(ipv6(1, 1), 60), 5);
	assert_int_equal(burst_of(ipv6(1, 2), 60), 0);
	assert_int_equal(burst_of(ipv6(2, 1), 60), 5);
	limiter_start(1, 0, 5);
	limiter.limit.prefix6 = 128;
	assert_int_equal(source_limit_prepare(&limiter.limit), 0);
	assert_int_equal(burst_of(ipv6(1, 1), 60), 5);
	assert_int_equal(burst_of(ipv6(1, 2), 60), 5);
}

static void a_prefix_of_nothing_is_one_bucket_for_each_family(void **state)
{
	(void)state;
	limiter_start(1, 0, 5);
	limiter.limit.prefix4 = limiter.limit.prefix6 = 0;
	assert_int_equal(source_limit_prepare(&limiter.limit), 0);
	assert_int_equal(burst_of(ipv4(0xcb007101), 60), 5);
	assert_int_equal(burst_of(ipv4(0x08080808), 60), 0);
	assert_int_equal(burst_of(ipv6(1, 1), 60), 5);
	assert_int_equal(burst_of(ipv6(2, 1), 60), 0);
}

static void a_packet_that_bytes_refuse_takes_no_packet_token(void **state)
{
	(void)state;
	limiter_start(1, 1, 2);
	/* 3044 bytes: two of 1500, and 44 of what is left. */
	assert_true(limiter_pass(banned, 1500));
	assert_false(limiter_pass(banned, 3000));
	assert_true(limiter_pass(banned, 1500));
	assert_false(limiter_pass(banned, 44));
}

static void a_packet_refused_behind_takes_nothing(void **state)
{
	(void)state;
	limiter_start(1, 1, 2);
	for (int i = 0; i < 100; i++) {
		assert_true(limiter_pass(banned, 1500));
		limiter_refuse_behind(banned, 1500);
	}
	assert_true(limiter_pass(banned, 1500));
	assert_true(limiter_pass(banned, 1500));
	assert_false(limiter_pass(banned, 1500));
}

/*
 * 5 million false sources a second, each seen once, and one at twice its limit of 1000: the flood
 * has the places of 49152 sources replaced a hundred times a second.
 */
static void a_source_over_its_limit_is_limited_among_five_million_false_ones(void **state)
{
	(void)state;
	limiter_start(1000, 0, 0);
	burst_of(banned, 60);
	assert_within_percent(limiter_offer(banned, 2000, SECOND_NS, 60, 2500), 1000, 2);
}

static void a_source_at_half_its_limit_loses_nothing_among_them(void **state)
{
	(void)state;
	limiter_start(1000, 0, 0);
	assert_int_equal(limiter_offer(banned, 500, SECOND_NS, 60, 10000), 500);
}

/* However many come: what a source is refused for is never another's doing. */
static void false_sources_pass_each_once(void **state)
{
	uint32_t refused = 0;

	(void)state;
	limiter_start(1, 0, 1);
	for (uint32_t i = 0; i < 1000000; i++)
		refused += !limiter_pass(ipv4(i * 2654435761u), 60);
	assert_int_equal(refused, 0);
}

/* So many as have places, all at ten times their limit. */
static void ten_thousand_sources_over_their_limit_are_all_limited(void **state)
{
	const uint32_t sources = 10000;
	uint64_t passed = 0;

	(void)state;
	limiter_start(100, 0, 10);
	for (uint64_t i = 0; i < 1000; i++) {
		limiter.now_ns += 1000000;
		for (uint32_t source = 0; source < sources; source++)
			passed += limiter_pass(ipv4(0xcb000000 | source), 60);
	}
	assert_within_percent(passed, sources * 110ULL, 2);
}

static void limits_out_of_range_are_refused(void **state)
{
	const struct source_limit bad[] = {
		{.pps = RATE_LIMIT_MAX_PPS + 1}, {.bps = RATE_LIMIT_MAX_BPS + 1},
		{.pps = 1, .prefix4 = 33},	 {.pps = 1, .prefix6 = 129},
		{.pps = 1, .burst = 1ULL << 40},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		struct source_limit limit = bad[i];

		assert_int_equal(source_limit_prepare(&limit), -ERANGE);
		assert_memory_equal(&limit, &bad[i], sizeof(limit));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_load_of_a_source_delivers_its_limit),
		cmocka_unit_test(a_day_without_a_packet_fills_the_bucket_and_no_more),
		cmocka_unit_test(a_clock_that_steps_back_gives_nothing),
		cmocka_unit_test(every_host_of_ipv4_has_its_own_bucket),
		cmocka_unit_test(hosts_of_one_prefix4_share_a_bucket),
		cmocka_unit_test(hosts_of_one_prefix6_share_a_bucket),
		cmocka_unit_test(a_prefix_of_nothing_is_one_bucket_for_each_family),
		cmocka_unit_test(a_packet_that_bytes_refuse_takes_no_packet_token),
		cmocka_unit_test(a_packet_refused_behind_takes_nothing),
		cmocka_unit_test(a_source_over_its_limit_is_limited_among_five_million_false_ones),
		cmocka_unit_test(a_source_at_half_its_limit_loses_nothing_among_them),
		cmocka_unit_test(false_sources_pass_each_once),
		cmocka_unit_test(ten_thousand_sources_over_their_limit_are_all_limited),
		cmocka_unit_test(limits_out_of_range_are_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
