/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Random numbers that a seed repeats on every machine. */
#ifndef BGO_ORACLE_RANDOM_H
#define BGO_ORACLE_RANDOM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct random {
	uint64_t state;
};

/* SplitMix64 (Steele, Lea, Flood 2014). */
static inline uint64_t random_u64(struct random *random)
{
	uint64_t z = random->state += 0x9e3779b97f4a7c15;

	z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9;
	z = (z ^ (z >> 27)) * 0x94d049bb133111eb;
	return z ^ (z >> 31);
}

/* 0..count-1 */
static inline uint32_t random_below(struct random *random, uint32_t count)
{
	return (uint32_t)((random_u64(random) >> 32) * count >> 32);
}

/* first..last */
static inline uint32_t random_between(struct random *random, uint32_t first, uint32_t last)
{
	return first + random_below(random, last - first + 1);
}

static inline bool random_chance(struct random *random, uint32_t percent)
{
	return random_below(random, 100) < percent;
}

#define RANDOM_OF(random, array)                                                                   \
	((array)[random_below((random), sizeof(array) / sizeof((array)[0]))])

#endif
