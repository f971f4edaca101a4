/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The syntax of CIDRs, ports and protocols: what is accepted is written and read back the same, and
 * an address is what the C library says it is. Input: the three as lines.
 */
#include <arpa/inet.h>
#include <string.h>

#include "../../src/cidr.h"
#include "../../src/cleanup.h"
#include "../../src/rule.h"
#include "fuzz.h"

static void check_against_libc(const char *cidr, const struct rule *rule)
{
	const uint32_t bits = rule->family == FAMILY_IPV6 ? 128 : 32;
	char address[INET6_ADDRSTRLEN] = "";
	uint32_t words[4] = {0};

	MUST(strcspn(cidr, "/") < sizeof(address));
	memcpy(address, cidr, strcspn(cidr, "/"));
	MUST(inet_pton(rule->family == FAMILY_IPV6 ? AF_INET6 : AF_INET, address, words) == 1);
	MUST(rule->prefix_len <= bits);
	for (uint32_t bit = 0; bit < 128; bit++) {
		const uint32_t is = rule->addr_host[bit / 32] >> (31 - bit % 32) & 1;
		const uint32_t was = ntohl(words[bit / 32]) >> (31 - bit % 32) & 1;

		MUST(is == (bit < rule->prefix_len ? was : 0));
	}
}

static void check_round_trip(const struct rule *rule)
{
	char cidr[RULE_TEXT_BYTES], port[RULE_TEXT_BYTES], protocol[RULE_TEXT_BYTES];
	struct rule again = {.any_protocol = 1};
	const char *error;

	rule_format_cidr(rule, cidr);
	rule_format_port(rule, port);
	rule_format_protocol(rule, protocol);
	MUST(!cidr_parse(cidr, strlen(cidr), &again, &error));
	MUST(!rule->port_max_host || !rule_parse_port(port, &again, &error));
	MUST(!rule_parse_protocol(protocol, &again, &error));
	MUST(rule_equal(rule, &again));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	_cleanup_free_ char *text = strndup((const char *)data, size);
	char *at = text, *cidr, *port, *protocol;
	struct rule rule = {.any_protocol = 1};
	const struct rule untouched = rule;
	const char *error = NULL;

	MUST(text);
	cidr = strsep(&at, "\n");
	port = strsep(&at, "\n");
	protocol = strsep(&at, "\n");
	if (cidr_parse(cidr, strlen(cidr), &rule, &error)) {
		MUST(error && rule_equal(&rule, &untouched));
		return 0;
	}
	check_against_libc(cidr, &rule);
	check_round_trip(&rule);
	if (port && *port && rule_parse_port(port, &rule, &error))
		return 0;
	if (protocol && rule_parse_protocol(protocol, &rule, &error))
		return 0;
	if (!rule_check(&rule, &error))
		check_round_trip(&rule);
	return 0;
}
