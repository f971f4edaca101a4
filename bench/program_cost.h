/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The addresses of the program benchmark, made from a number in the same way by the programs, which
 * send from them, and by user space, which makes rules of them. Different numbers make different
 * addresses.
 */
#ifndef BGO_PROGRAM_COST_H
#define BGO_PROGRAM_COST_H

#include <linux/types.h>

/* The finalizer of MurmurHash3: a permutation of 32-bit numbers. */
static inline __u32 scatter(__u32 number)
{
	number = (number ^ number >> 16) * 0x85ebca6b;
	number = (number ^ number >> 13) * 0xc2b2ae35;
	return number ^ number >> 16;
}

static inline __u32 bench_word(__u32 number, __u32 word)
{
	return scatter(number + word * 0x9e3779b9);
}

#endif
