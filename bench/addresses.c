/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Prints the addresses of a set of the bench, one a line, from which run makes the rules of every
 * arm. Number n of the set contains the source that `bgo-lab flood --numbers` makes of n; the
 * first is 1, for 0 makes 0.0.0.0, which ipset does not take.
 *
 *	addresses ipv4|ipv6 hosts|nets COUNT
 *
 * COUNT 0: one address that the first set has, and behind it one that it has not, to check
 *verdicts.
 */
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../src/cidr.h"
#include "numbered_rule.h"

static void print_rule(const struct rule *rule, bool nets)
{
	char text[CIDR_TEXT_BYTES];

	cidr_format(rule, text);
	if (!nets)
		text[strcspn(text, "/")] = '\0';
	puts(text);
}

/* Whether the stack takes packets from there: neither this network nor loopback nor multicast. */
static bool is_unicast(const struct rule *rule)
{
	const uint32_t top = rule->addr_host[0] >> 24;

	return rule->family == FAMILY_IPV4 ? top > 0 && top < 224 && top != 127
					   : top > 0 && top < 0xfe;
}

/* The last address of a network of the set, and the one behind it, to which the other bits of the
 * last word must leave room. */
static void print_edge(enum family family, bool nets)
{
	uint32_t word = family == FAMILY_IPV4 ? 0 : 3, number = 1, host_bits;
	struct rule rule;

	do {
		rule = numbered_rule(family, nets, number++);
		host_bits = (family == FAMILY_IPV4 ? 32 : 128) - rule.prefix_len;
	} while (!is_unicast(&rule) || host_bits > 31 ||
		 (rule.addr_host[word] | ((1u << host_bits) - 1)) == UINT32_MAX);
	rule.prefix_len = family == FAMILY_IPV4 ? 32 : 128;
	rule.addr_host[word] |= (1u << host_bits) - 1;
	print_rule(&rule, false);
	rule.addr_host[word]++;
	print_rule(&rule, false);
}

int main(int argc, char **argv)
{
	enum family family;
	uint32_t count;
	char *end;
	bool nets;

	if (argc != 4 || (strcmp(argv[1], "ipv4") && strcmp(argv[1], "ipv6")) ||
	    (strcmp(argv[2], "hosts") && strcmp(argv[2], "nets"))) {
		fprintf(stderr, "usage: addresses ipv4|ipv6 hosts|nets COUNT\n");
		return 2;
	}
	family = strcmp(argv[1], "ipv4") ? FAMILY_IPV6 : FAMILY_IPV4;
	count = (uint32_t)strtoul(argv[3], &end, 10);
	if (*end) {
		fprintf(stderr, "addresses: \"%s\" is not a number\n", argv[3]);
		return 2;
	}
	nets = !strcmp(argv[2], "nets");
	if (!count)
		print_edge(family, nets);
	for (uint32_t number = 1; number <= count; number++) {
		const struct rule rule = numbered_rule(family, nets, number);

		print_rule(&rule, nets);
	}
	return fflush(stdout) ? 1 : 0;
}
