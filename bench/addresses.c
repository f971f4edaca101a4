/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Prints the addresses of a set of the bench, one a line, from which run makes the rules of every
 * arm: ADDRESS, NETWORK/BITS, or with ports ADDRESS,udp:PORT, as ipset writes it. Number n of the
 * set contains the source that `bgo-lab flood --numbers` makes of n (with ports: eight of them are
 * that source); the first is 1, for 0 makes 0.0.0.0, which ipset does not take.
 *
 *	addresses ipv4|ipv6 hosts|nets|clustered|mix|ports COUNT
 *
 * COUNT 0: one address that the first set has, and behind it one that it has not, to check
 * verdicts.
 */
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../src/cidr.h"
#include "numbered_rule.h"

static void print_rule(const struct rule *rule, enum kind kind)
{
	char text[CIDR_TEXT_BYTES];

	cidr_format(rule, text);
	if (kind != NETS && kind != MIX)
		text[strcspn(text, "/")] = '\0';
	fputs(text, stdout);
	if (!rule->any_protocol)
		printf(",udp:%u", rule->port_min_host);
	putchar('\n');
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
static void print_edge(enum family family, enum kind kind)
{
	uint32_t word = family == FAMILY_IPV4 ? 0 : 3, number = 1, host_bits;
	struct rule rule;

	do {
		rule = kind_rule(family, kind, number++);
		host_bits = (family == FAMILY_IPV4 ? 32 : 128) - rule.prefix_len;
	} while (!is_unicast(&rule) || host_bits > 31 ||
		 (rule.addr_host[word] | ((1u << host_bits) - 1)) == UINT32_MAX);
	rule = (struct rule){.family = family,
			     .any_protocol = 1,
			     .addr_host = {rule.addr_host[0], rule.addr_host[1], rule.addr_host[2],
					   rule.addr_host[3]}};
	rule.addr_host[word] |= (1u << host_bits) - 1;
	rule.prefix_len = family == FAMILY_IPV4 ? 32 : 128;
	print_rule(&rule, HOSTS);
	/* Behind the cluster, when there is one. */
	rule.addr_host[word] = (rule.addr_host[word] | (kind == CLUSTERED ? CLUSTER - 1 : 0)) + 1;
	print_rule(&rule, HOSTS);
}

static enum kind find_kind(const char *name)
{
	int kind = 0;

	while (kind < KINDS && strcmp(kind_names[kind], name))
		kind++;
	return (enum kind)kind;
}

int main(int argc, char **argv)
{
	const enum kind kind = argc == 4 ? find_kind(argv[2]) : KINDS;
	enum family family;
	uint32_t count;
	char *end;

	if (kind == KINDS || (strcmp(argv[1], "ipv4") && strcmp(argv[1], "ipv6"))) {
		fprintf(stderr,
			"usage: addresses ipv4|ipv6 hosts|nets|clustered|mix|ports COUNT\n");
		return 2;
	}
	family = strcmp(argv[1], "ipv4") ? FAMILY_IPV6 : FAMILY_IPV4;
	count = (uint32_t)strtoul(argv[3], &end, 10);
	if (*end) {
		fprintf(stderr, "addresses: \"%s\" is not a number\n", argv[3]);
		return 2;
	}
	if (!count)
		print_edge(family, kind);
	for (uint32_t number = 1; number <= count; number++) {
		const struct rule rule = kind_rule(family, kind, number);

		print_rule(&rule, kind);
	}
	return fflush(stdout) ? 1 : 0;
}
