/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Rule n of the sets everything here is measured with: a host, or a network of one of the lengths
 * that routing tables and block lists are full of. It contains the address of number n, see
 * lab/numbered.h.
 */
#ifndef BGO_BENCH_NUMBERED_RULE_H
#define BGO_BENCH_NUMBERED_RULE_H

#include <netinet/in.h>
#include <stdbool.h>

#include "../bpf/abi.h"
#include "../lab/numbered.h"

#define SHORTEST_IPV4 24
#define SHORTEST_IPV6 48

#define CLUSTER 16
#define PORTS_OF_HOST 8
#define FLOOD_PORT 1022 /* one of them */

/*
 * Single addresses; networks; hosts of which some others are close; hosts, of which every tenth is
 * a network instead; hosts with so many ports each, UDP's.
 */
enum kind { HOSTS, NETS, CLUSTERED, MIX, PORTS, KINDS };
static const char *const kind_names[KINDS] = {"hosts", "nets", "clustered", "mix", "ports"};

static inline __u32 kind_prefix(enum family family, enum kind kind, __u32 number)
{
	const __u32 whole = family == FAMILY_IPV4 ? 32 : 128;
	const __u32 shortest = family == FAMILY_IPV4 ? SHORTEST_IPV4 : SHORTEST_IPV6;

	if (kind == NETS || (kind == MIX && number % 10 == 0))
		return shortest + numbered_word(number, 5) % (whole - shortest);
	return whole;
}

static inline struct rule kind_rule(enum family family, enum kind kind, __u32 number)
{
	const __u32 last = family == FAMILY_IPV4 ? 0 : 3;
	const __u32 of_host = number + PORTS_OF_HOST - 1; /* the first host is number 1, too */
	struct rule rule = {.family = family, .any_protocol = 1};

	rule.prefix_len = (__u8)kind_prefix(family, kind, number);
	if (kind == PORTS) {
		number = of_host / PORTS_OF_HOST;
		rule.any_protocol = 0;
		rule.protocol = IPPROTO_UDP;
		rule.port_min_host = (__u16)(of_host % PORTS_OF_HOST * 1000 + 22);
		rule.port_max_host = rule.port_min_host;
	}
	for (__u32 bit = 0; bit < rule.prefix_len; bit++)
		rule.addr_host[bit / 32] |=
			clustered_word(number, kind == CLUSTERED ? CLUSTER : 1, bit / 32, last) &
			(1u << (31 - bit % 32));
	return rule;
}

#endif
