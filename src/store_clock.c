/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The wall clock of the store. Programs read TAI and take from it what it is ahead of the wall
 * clock, which config_map says (bpf/clock.h); so does everything here, and a rule is gone for a
 * command in the same second as for packets. TAI follows every step of the wall clock. What it is
 * ahead changes with a leap second, and when a time daemon tells the kernel for the first time:
 * each writer, and a server once a second, sees to it that config_map says what is so.
 */
#include <errno.h>
#include <time.h>

#include "store_internal.h"

#define NS_PER_S 1000000000LL
/* Two readings of clocks within this are as good as one. */
#define TOGETHER_NS 100000000LL
#define TRIES 5

static int64_t read_ns(clockid_t clock)
{
	struct timespec now;

	clock_gettime(clock, &now);
	return now.tv_sec * NS_PER_S + now.tv_nsec;
}

uint32_t clock_tai_ahead_s(void)
{
	int64_t ahead_ns = 0;

	/* Not adjtimex(), which would be simpler: a hardened service is not allowed that. */
	for (int i = 0; i < TRIES; i++) {
		const int64_t before = read_ns(CLOCK_REALTIME), tai = read_ns(CLOCK_TAI);
		const int64_t took = read_ns(CLOCK_REALTIME) - before;

		ahead_ns = tai - before;
		if (took >= 0 && took < TOGETHER_NS)
			break;
	}
	return (uint32_t)((ahead_ns + (ahead_ns < 0 ? -NS_PER_S : NS_PER_S) / 2) / NS_PER_S);
}

void store_set_clock(struct store *store)
{
	const uint32_t ahead_s = clock_tai_ahead_s();

	if (store->config->tai_ahead_s != ahead_s)
		__atomic_store_n(&store->config->tai_ahead_s, ahead_s, __ATOMIC_RELAXED);
}

/* Rounded up or down. */
static uint32_t wall_s(const struct config *config, int64_t round_ns)
{
	const int64_t tai_s = (read_ns(CLOCK_TAI) + round_ns) / NS_PER_S;

	return (uint32_t)tai_s - __atomic_load_n(&config->tai_ahead_s, __ATOMIC_RELAXED);
}

bool store_watch_due(const struct config *config)
{
	const uint32_t expires_s = __atomic_load_n(&config->expires_s, __ATOMIC_ACQUIRE);

	return (expires_s && expires_s <= wall_s(config, 0)) ||
	       __atomic_load_n(&config->tai_ahead_s, __ATOMIC_RELAXED) != clock_tai_ahead_s();
}

uint32_t store_now_s(const struct store *store)
{
	return wall_s(store->config, 0);
}

uint32_t store_left_s(const struct store *store, uint32_t expires_s)
{
	const uint32_t now_s = wall_s(store->config, NS_PER_S - 1);

	return expires_s > now_s ? expires_s - now_s : 0;
}

int store_expiry_s(const struct store *store, uint64_t ttl_s, uint32_t *expires_s)
{
	/* Never shorter than asked for: up to a second longer. */
	const uint32_t now_s = wall_s(store->config, NS_PER_S - 1);

	if (ttl_s > UINT32_MAX - now_s)
		return -ERANGE;
	*expires_s = now_s + (uint32_t)ttl_s;
	return 0;
}
