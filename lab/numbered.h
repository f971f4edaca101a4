/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Addresses made from numbers, in the same way by the programs that send from them and by user
 * space, which makes rules of them: random over the whole address space, and no list of them has to
 * be kept. Different numbers make different addresses.
 */
#ifndef BGO_LAB_NUMBERED_H
#define BGO_LAB_NUMBERED_H

#include <linux/types.h>

/* The finalizer of MurmurHash3: a permutation of 32-bit numbers. */
static inline __u32 scatter(__u32 number)
{
	number = (number ^ number >> 16) * 0x85ebca6b;
	number = (number ^ number >> 13) * 0xc2b2ae35;
	return number ^ number >> 16;
}

/* Word 0 is the IPv4 address, words 0..3 are the IPv6 address, in host order. */
static inline __u32 numbered_word(__u32 number, __u32 word)
{
	return scatter(number + word * 0x9e3779b9);
}

/*
 * Of addresses that come in clusters of so many (a power of two): those of a cluster differ in
 * their last word only, the `last` that is asked for.
 */
static inline __u32 clustered_word(__u32 number, __u32 cluster, __u32 word, __u32 last)
{
	const __u32 of_cluster = numbered_word(number / cluster, word);

	return word == last ? of_cluster ^ number % cluster : of_cluster;
}

/* The turn-th of count numbers, starting at first, in random order. */
static inline __u32 numbered_pick(__u32 turn, __u32 first, __u32 count)
{
	return first + (__u32)((__u64)scatter(turn) * count >> 32);
}

#endif
