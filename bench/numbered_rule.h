/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Rule n of the sets everything here is measured with: a host, or a network of one of the lengths
 * that routing tables and block lists are full of. It contains the address of number n, see
 * lab/numbered.h.
 */
#ifndef BGO_BENCH_NUMBERED_RULE_H
#define BGO_BENCH_NUMBERED_RULE_H

#include <stdbool.h>

#include "../bpf/abi.h"
#include "../lab/numbered.h"

#define SHORTEST_IPV4 24
#define SHORTEST_IPV6 48

static inline struct rule numbered_rule(enum family family, bool nets, __u32 number)
{
	const __u32 whole = family == FAMILY_IPV4 ? 32 : 128;
	const __u32 shortest = family == FAMILY_IPV4 ? SHORTEST_IPV4 : SHORTEST_IPV6;
	struct rule rule = {.family = family, .prefix_len = (__u8)whole, .any_protocol = 1};

	if (nets)
		rule.prefix_len = (__u8)(shortest + numbered_word(number, 5) % (whole - shortest));
	for (__u32 bit = 0; bit < rule.prefix_len; bit++)
		rule.addr_host[bit / 32] |=
			numbered_word(number, bit / 32) & (1u << (31 - bit % 32));
	return rule;
}

#endif
