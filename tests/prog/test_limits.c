/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The rate limit in the XDP program: which packets it judges, what it counts, how exact it is on
 * real time. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <netinet/in.h>
#include <sched.h>
#include <stdlib.h>
#include <time.h>

#include "../../bpf/ratelimit.h"
#include "../../src/cleanup.h"
#include "firewall.h"

static const struct packet_spec udp = {.peer = PEER4, .port = 53, .payload_bytes = 58};
#define UDP_BYTES 100

static uint64_t clock_ns(clockid_t clock)
{
	struct timespec now;

	clock_gettime(clock, &now);
	return (uint64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

static uint64_t monotonic_ns(void)
{
	return clock_ns(CLOCK_MONOTONIC);
}

/* What the counters of the limit and of the hook grew by while packets were sent. */
struct outcome {
	struct rate_limit_stats limit;
	struct counter reasons[REASON_SLOTS];
	uint64_t elapsed_ns, busy_ns; /* of the call; what of it the program had a CPU */
};

static void read_counters(enum hook hook, struct outcome *out)
{
	assert_int_equal(store_rate_limit_stats(the_firewall.store, &out->limit), 0);
	assert_int_equal(store_stats(the_firewall.store, hook, out->reasons), 0);
}

static void subtract(struct counter *counter, const struct counter *before)
{
	counter->packets -= before->packets;
	counter->bytes -= before->bytes;
}

static void send_packets(enum hook hook, const struct packet_spec *spec, int count,
			 struct outcome *out)
{
	struct outcome before;
	struct packet_bytes packet;
	struct run run;
	uint64_t start, had_cpu;

	packet_build(&packet, spec, hook == HOOK_EGRESS);
	read_counters(hook, &before);
	start = monotonic_ns();
	had_cpu = clock_ns(CLOCK_THREAD_CPUTIME_ID);
	assert_int_equal(firewall_run(&the_firewall, hook, &packet, 0, count, &run), 0);
	out->elapsed_ns = monotonic_ns() - start;
	had_cpu = clock_ns(CLOCK_THREAD_CPUTIME_ID) - had_cpu;
	out->busy_ns = (uint64_t)run.duration_ns * count;
	if (out->busy_ns > had_cpu)
		out->busy_ns = had_cpu;
	read_counters(hook, out);
	subtract(&out->limit.passed, &before.limit.passed);
	subtract(&out->limit.dropped, &before.limit.dropped);
	subtract(&out->limit.source_dropped, &before.limit.source_dropped);
	for (int i = 0; i < REASON_SLOTS; i++)
		subtract(&out->reasons[i], &before.reasons[i]);
}

static uint64_t rules_set_ns;

static void set_rules(const char *statements)
{
	rules_set_ns = monotonic_ns();
	firewall_rules(&the_firewall, HOOK_XDP, statements);
}

/*
 * At one packet a second no more than the burst passes at once; on a machine that stands still for
 * seconds those that have come meanwhile do, too.
 */
static void assert_burst(uint64_t packets, uint64_t burst)
{
	const uint64_t half_seconds = (monotonic_ns() - rules_set_ns) / 500000000;

	assert_in_range(packets, burst, burst + half_seconds);
}

static void a_burst_passes_and_the_rest_is_rate_limited(void **state)
{
	struct outcome out;
	uint64_t passed;

	(void)state;
	set_rules("ratelimit pps 1 burst 7 enabled");
	send_packets(HOOK_XDP, &udp, 1000, &out);
	assert_burst(out.limit.passed.packets, 7);
	passed = out.limit.passed.packets;
	assert_int_equal(out.limit.passed.bytes, passed * UDP_BYTES);
	assert_int_equal(out.limit.dropped.packets, 1000 - passed);
	assert_int_equal(out.limit.dropped.bytes, (1000 - passed) * UDP_BYTES);
	assert_int_equal(out.reasons[REASON_ALLOWED_DEFAULT].packets, passed);
	assert_int_equal(out.reasons[REASON_RATE_LIMITED].packets, 1000 - passed);
	assert_int_equal(out.reasons[REASON_RATE_LIMITED].bytes, (1000 - passed) * UDP_BYTES);
}

static void bytes_are_limited_too(void **state)
{
	struct outcome out;

	(void)state;
	set_rules("ratelimit bps 1 burst 2 enabled");
	send_packets(HOOK_XDP, &udp, 1000, &out);
	/* two full frames of 1522 bytes */
	assert_int_equal(out.limit.passed.packets, 3044 / UDP_BYTES);
	assert_int_equal(out.limit.dropped.packets, 1000 - 3044 / UDP_BYTES);
}

static void a_disabled_limit_counts_nothing(void **state)
{
	struct outcome out;

	(void)state;
	set_rules("ratelimit pps 1 burst 1 disabled");
	send_packets(HOOK_XDP, &udp, 1000, &out);
	assert_int_equal(out.limit.passed.packets, 0);
	assert_int_equal(out.limit.dropped.packets, 0);
	assert_int_equal(out.reasons[REASON_ALLOWED_DEFAULT].packets, 1000);
}

static void packets_that_rules_drop_take_no_tokens(void **state)
{
	struct outcome out;

	(void)state;
	set_rules("rule xdp blacklist " PEER4_AFTER "; ratelimit pps 1 burst 7 enabled");
	send_packets(HOOK_XDP, &(struct packet_spec){.peer = PEER4_AFTER, .port = 53}, 1000, &out);
	assert_int_equal(out.reasons[REASON_BLOCKED_BLACKLIST].packets, 1000);
	assert_int_equal(out.limit.passed.packets + out.limit.dropped.packets, 0);
	send_packets(HOOK_XDP, &udp, 1000, &out);
	assert_burst(out.limit.passed.packets, 7);
}

static void malformed_packets_and_arp_take_no_tokens(void **state)
{
	struct outcome out;

	(void)state;
	set_rules("ratelimit pps 1 burst 6 enabled");
	send_packets(HOOK_XDP, &(struct packet_spec){.peer = PEER4, .version_is = 5}, 100, &out);
	assert_int_equal(out.reasons[REASON_MALFORMED].packets, 100);
	send_packets(HOOK_XDP, &(struct packet_spec){.peer = PEER4, .ethertype_is = 0x0806}, 100,
		     &out);
	assert_int_equal(out.reasons[REASON_NON_IP].packets, 100);
	send_packets(HOOK_XDP, &udp, 100, &out);
	assert_burst(out.limit.passed.packets, 6);
}

static void whitelisted_packets_are_limited(void **state)
{
	struct outcome out;

	(void)state;
	set_rules("rule xdp whitelist " PEER4 "; ratelimit pps 1 burst 5 enabled");
	send_packets(HOOK_XDP, &udp, 1000, &out);
	assert_burst(out.reasons[REASON_ALLOWED_WHITELIST].packets, 5);
	assert_int_equal(out.reasons[REASON_ALLOWED_WHITELIST].packets +
				 out.reasons[REASON_RATE_LIMITED].packets,
			 1000);
}

static void a_rate_limited_packet_is_not_said_to_be_a_rules(void **state)
{
	struct last_verdict verdict;
	struct outcome out;

	(void)state;
	set_rules("rule xdp whitelist " PEER4 "; ratelimit pps 1 burst 7 enabled");
	send_packets(HOOK_XDP, &udp, 1000, &out);
	assert_int_equal(programs_last_verdict(the_firewall.programs, HOOK_XDP, &verdict), 0);
	assert_int_equal(verdict.reason, REASON_RATE_LIMITED);
	assert_int_equal(verdict.rule, -1);
}

static void exempt_whitelist_leaves_whitelisted_packets_out(void **state)
{
	struct outcome out;

	(void)state;
	set_rules("rule xdp whitelist " PEER4_AFTER
		  "; ratelimit pps 1 burst 7 exempt-whitelist enabled");
	send_packets(HOOK_XDP, &(struct packet_spec){.peer = PEER4_AFTER, .port = 53}, 1000, &out);
	assert_int_equal(out.reasons[REASON_ALLOWED_WHITELIST].packets, 1000);
	assert_int_equal(out.limit.passed.packets + out.limit.dropped.packets, 0);
	send_packets(HOOK_XDP, &udp, 1000, &out);
	assert_burst(out.reasons[REASON_ALLOWED_DEFAULT].packets, 7);
}

static void tc_is_not_limited(void **state)
{
	struct outcome out;

	(void)state;
	set_rules("ratelimit pps 1 burst 1 enabled");
	for (enum hook hook = HOOK_INGRESS; hook <= HOOK_EGRESS; hook++) {
		send_packets(hook, &udp, 1000, &out);
		assert_int_equal(out.reasons[REASON_ALLOWED_DEFAULT].packets, 1000);
		assert_int_equal(out.limit.passed.packets + out.limit.dropped.packets, 0);
	}
}

static void a_change_of_the_limit_starts_with_a_full_bucket(void **state)
{
	struct outcome out;

	(void)state;
	set_rules("ratelimit pps 1 burst 7 enabled");
	send_packets(HOOK_XDP, &udp, 100, &out);
	set_rules("ratelimit pps 1 burst 9 enabled");
	send_packets(HOOK_XDP, &udp, 100, &out);
	assert_burst(out.limit.passed.packets, 9);
}

/* The CPUs may ask the bucket again: refusals so far were not in this jiffy. */
static void forget_refusals(void)
{
	const int fd = store_map_fd(the_firewall.store, MAP_rate_limit_local_map);
	const int cpus = libbpf_num_possible_cpus();
	struct rate_limit_local *locals = calloc((size_t)cpus, sizeof(*locals));
	const uint32_t key = 0;

	assert_non_null(locals);
	assert_int_equal(bpf_map_lookup_elem(fd, &key, locals), 0);
	for (int cpu = 0; cpu < cpus; cpu++)
		locals[cpu].refused_jiffies = 0;
	assert_int_equal(bpf_map_update_elem(fd, &key, locals, BPF_EXIST), 0);
	free(locals);
}

/* As if the packets so far had come that much earlier: the bucket is emptied before the idle time.
 */
static void let_time_pass(uint64_t seconds)
{
	struct rate_limit_bucket bucket;
	const int fd = store_map_fd(the_firewall.store, MAP_rate_limit_state_map);
	const uint32_t key = store_rate_limit(the_firewall.store)->bucket;

	forget_refusals();
	assert_int_equal(bpf_map_lookup_elem(fd, &key, &bucket), 0);
	bucket.packets_empty_at -= seconds * RATE_LIMIT_UNITS_PER_S;
	bucket.bytes_empty_at -= seconds * RATE_LIMIT_UNITS_PER_S;
	assert_int_equal(bpf_map_update_elem(fd, &key, &bucket, BPF_EXIST), 0);
}

static void after_any_idle_time_the_burst_passes_and_no_more(void **state)
{
	static const uint64_t idle_s[] = {3600, 86400, 365 * 86400, 4 * 365 * 86400};
	struct outcome out;

	(void)state;
	for (size_t i = 0; i < sizeof(idle_s) / sizeof(idle_s[0]); i++) {
		set_rules("ratelimit disabled"); /* and anew, with a full bucket */
		set_rules("ratelimit pps 1 burst 7 enabled");
		send_packets(HOOK_XDP, &udp, 100, &out);
		assert_burst(out.limit.passed.packets, 7);
		let_time_pass(idle_s[i]);
		send_packets(HOOK_XDP, &udp, 1000, &out);
		/* and the one that the fraction a bucket keeps becomes at once */
		assert_burst(out.limit.passed.packets - 1, 7);
		send_packets(HOOK_XDP, &udp, 1000, &out);
		assert_true(out.limit.passed.packets <= 1 + out.elapsed_ns / 1000000000);
	}
}

/* On one CPU: what it took of a batch under the old limit and did not spend is no longer its own.
 */
static void tokens_of_an_old_limit_are_void(void **state)
{
	struct outcome out;
	cpu_set_t all, this;

	(void)state;
	CPU_ZERO(&this);
	CPU_SET(sched_getcpu(), &this);
	assert_int_equal(sched_getaffinity(0, sizeof(all), &all), 0);
	assert_int_equal(sched_setaffinity(0, sizeof(this), &this), 0);
	set_rules("ratelimit pps 1000000 enabled");
	send_packets(HOOK_XDP, &udp, 10, &out);
	set_rules("ratelimit pps 1 burst 1 enabled");
	send_packets(HOOK_XDP, &udp, 100, &out);
	assert_int_equal(sched_setaffinity(0, sizeof(all), &all), 0);
	assert_burst(out.limit.passed.packets, 1);
}

/* -- The limit of each source -- */

static const struct packet_spec other = {.peer = PEER4_AFTER, .port = 53, .payload_bytes = 58};
static const struct packet_spec udp6 = {.peer = PEER6, .port = 53, .payload_bytes = 58};
static const struct packet_spec other6 = {.peer = "2001:db8:78::1", .port = 53};

static void each_source_has_a_limit_of_its_own(void **state)
{
	const struct packet_spec *const sources[] = {&udp, &other, &udp6, &other6};
	struct outcome out;

	(void)state;
	set_rules("ratelimit-source pps 1 burst 7 enabled");
	for (size_t i = 0; i < sizeof(sources) / sizeof(sources[0]); i++) {
		send_packets(HOOK_XDP, sources[i], 1000, &out);
		assert_burst(out.limit.passed.packets, 7);
		assert_int_equal(out.limit.source_dropped.packets, 1000 - out.limit.passed.packets);
		assert_int_equal(out.limit.dropped.packets, 0);
		assert_int_equal(out.reasons[REASON_SOURCE_LIMITED].packets,
				 1000 - out.limit.passed.packets);
		assert_int_equal(out.reasons[REASON_ALLOWED_DEFAULT].packets,
				 out.limit.passed.packets);
	}
}

static void sources_of_one_network_share_its_limit(void **state)
{
	struct outcome out;

	(void)state;
	set_rules("ratelimit-source pps 1 burst 7 prefix4 24 prefix6 48 enabled");
	send_packets(HOOK_XDP, &udp, 1000, &out);
	assert_burst(out.limit.passed.packets, 7);
	send_packets(HOOK_XDP, &other, 1000, &out);
	assert_burst(out.limit.passed.packets, 0);
	send_packets(HOOK_XDP, &udp6, 1000, &out);
	assert_burst(out.limit.passed.packets, 7);
	send_packets(HOOK_XDP, &(struct packet_spec){.peer = "2001:db8:77:ffff::1", .port = 53},
		     1000, &out);
	assert_burst(out.limit.passed.packets, 0);
}

static void what_a_source_is_refused_takes_nothing_from_all(void **state)
{
	struct outcome out;

	(void)state;
	set_rules("ratelimit pps 1 burst 10 enabled; ratelimit-source pps 1 burst 4 enabled");
	send_packets(HOOK_XDP, &udp, 1000, &out);
	assert_burst(out.limit.passed.packets, 4);
	send_packets(HOOK_XDP, &other, 1000, &out);
	assert_burst(out.limit.passed.packets, 4);
}

static void what_all_together_are_refused_takes_nothing_from_the_source(void **state)
{
	struct outcome out;

	(void)state;
	set_rules("ratelimit pps 1 burst 2 enabled; ratelimit-source pps 1 burst 7 enabled");
	send_packets(HOOK_XDP, &udp, 1000, &out);
	assert_burst(out.limit.passed.packets, 2);
	assert_int_equal(out.limit.source_dropped.packets, 0);
	/* With the other limit gone the source still has what it did not use. */
	firewall_rules(&the_firewall, HOOK_XDP, "ratelimit-source pps 1 burst 7 enabled");
	send_packets(HOOK_XDP, &udp, 1000, &out);
	assert_burst(out.limit.passed.packets, 5);
}

static void exempt_whitelist_leaves_sources_out_too(void **state)
{
	struct outcome out;

	(void)state;
	set_rules("rule xdp whitelist " PEER4_AFTER "; ratelimit exempt-whitelist disabled; "
		  "ratelimit-source pps 1 burst 6 enabled");
	send_packets(HOOK_XDP, &other, 1000, &out);
	assert_int_equal(out.reasons[REASON_ALLOWED_WHITELIST].packets, 1000);
	send_packets(HOOK_XDP, &udp, 1000, &out);
	assert_burst(out.limit.passed.packets, 6);
}

static void the_worst_sources_are_named(void **state)
{
	_cleanup_free_ struct offender *offenders = NULL;
	struct outcome out;

	(void)state;
	set_rules("ratelimit-source pps 1 burst 1 enabled");
	send_packets(HOOK_XDP, &udp, 500, &out);
	send_packets(HOOK_XDP, &udp6, 1000, &out);
	send_packets(HOOK_XDP, &other, 1, &out);
	assert_int_equal(store_offenders(the_firewall.store, &offenders), 2);
	assert_int_equal(offenders[0].source.family, FAMILY_IPV6);
	assert_int_equal(offenders[0].source.prefix_len, 64);
	assert_int_equal(offenders[0].source.addr_host[1], 0x00770000);
	assert_int_equal(offenders[0].source.addr_host[3], 0);
	assert_in_range(offenders[0].dropped.packets, 990, 999);
	assert_int_equal(offenders[1].source.addr_host[0], 0xc000024d);
	assert_in_range(offenders[1].dropped.packets, 490, 499);
	assert_int_equal(offenders[1].dropped.bytes, offenders[1].dropped.packets * UDP_BYTES);
}

static void another_limit_forgets_the_sources_of_the_old_one(void **state)
{
	_cleanup_free_ struct offender *offenders = NULL;
	struct outcome out;

	(void)state;
	set_rules("ratelimit-source pps 1 burst 1 enabled");
	send_packets(HOOK_XDP, &udp, 500, &out);
	set_rules("ratelimit-source pps 1 burst 9 enabled");
	assert_int_equal(store_offenders(the_firewall.store, &offenders), 0);
	send_packets(HOOK_XDP, &udp, 500, &out);
	assert_burst(out.limit.passed.packets, 9);
}

/*
 * A flood as fast as the machine makes it, for as long as it takes. Tokens come all the time that
 * the call takes, and can be had while the program runs, which is less: the kernel prepares and
 * cleans up, others have the CPU. An emulated machine stands still too often. How exact the limit
 * is under an exact clock, tests/unit/test_ratelimit.c says.
 */
static void check_flood(const char *limit, uint64_t pps, uint64_t burst)
{
	const int packets = 30000000;
	/* A bucket of one packet keeps nothing over an interrupt, or when a hypervisor has the CPU.
	 */
	const uint64_t least_percent = burst > 1 ? 90 : 50;
	struct outcome out;

	if (getenv("LAB_SLOWDOWN"))
		skip();
	set_rules(limit);
	send_packets(HOOK_XDP, &udp, packets, &out);
	assert_int_equal(out.limit.passed.packets + out.limit.dropped.packets +
				 out.limit.source_dropped.packets,
			 packets);
	assert_in_range(out.limit.passed.packets,
			pps * out.busy_ns / 1000000000 * least_percent / 100,
			(burst + pps * out.elapsed_ns / 1000000000) * 101 / 100);
}

static void a_flood_gets_1000_packets_a_second(void **state)
{
	(void)state;
	check_flood("ratelimit pps 1000 enabled", 1000, 100);
}

static void a_flood_gets_a_million_packets_a_second(void **state)
{
	(void)state;
	check_flood("ratelimit pps 1000000 enabled", 1000000, 100000);
}

static void a_flood_with_a_burst_of_one_gets_its_limit(void **state)
{
	(void)state;
	check_flood("ratelimit pps 100000 burst 1 enabled", 100000, 1);
}

static void a_flood_of_one_source_gets_a_million_packets_a_second(void **state)
{
	(void)state;
	check_flood("ratelimit-source pps 1000000 enabled", 1000000, 100000);
}

static void a_flood_gets_ten_megabytes_a_second(void **state)
{
	(void)state;
	check_flood("ratelimit bps 10000000 enabled", 10000000 / UDP_BYTES, 1000000 / UDP_BYTES);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_burst_passes_and_the_rest_is_rate_limited),
		cmocka_unit_test(bytes_are_limited_too),
		cmocka_unit_test(a_disabled_limit_counts_nothing),
		cmocka_unit_test(packets_that_rules_drop_take_no_tokens),
		cmocka_unit_test(malformed_packets_and_arp_take_no_tokens),
		cmocka_unit_test(whitelisted_packets_are_limited),
		cmocka_unit_test(a_rate_limited_packet_is_not_said_to_be_a_rules),
		cmocka_unit_test(exempt_whitelist_leaves_whitelisted_packets_out),
		cmocka_unit_test(tc_is_not_limited),
		cmocka_unit_test(a_change_of_the_limit_starts_with_a_full_bucket),
		cmocka_unit_test(after_any_idle_time_the_burst_passes_and_no_more),
		cmocka_unit_test(tokens_of_an_old_limit_are_void),
		cmocka_unit_test(each_source_has_a_limit_of_its_own),
		cmocka_unit_test(sources_of_one_network_share_its_limit),
		cmocka_unit_test(what_a_source_is_refused_takes_nothing_from_all),
		cmocka_unit_test(what_all_together_are_refused_takes_nothing_from_the_source),
		cmocka_unit_test(exempt_whitelist_leaves_sources_out_too),
		cmocka_unit_test(the_worst_sources_are_named),
		cmocka_unit_test(another_limit_forgets_the_sources_of_the_old_one),
		cmocka_unit_test(a_flood_gets_1000_packets_a_second),
		cmocka_unit_test(a_flood_gets_a_million_packets_a_second),
		cmocka_unit_test(a_flood_with_a_burst_of_one_gets_its_limit),
		cmocka_unit_test(a_flood_gets_ten_megabytes_a_second),
		cmocka_unit_test(a_flood_of_one_source_gets_a_million_packets_a_second),
	};

	return cmocka_run_group_tests(tests, firewall_group_setup, firewall_group_teardown);
}
