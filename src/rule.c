/* SPDX-License-Identifier: GPL-2.0-or-later */
/* One rule as people write it: see rule.h. */
#include "rule.h"

#include <errno.h>
#include <stdio.h>
#include <strings.h>

#include "cidr.h"
#include "decimal.h"

#define COUNT_OF(array) (sizeof(array) / sizeof((array)[0]))

static const char *const hook_names[HOOK_COUNT] = {
	[HOOK_XDP] = "xdp", [HOOK_INGRESS] = "ingress", [HOOK_EGRESS] = "egress"};
static const char *const list_names[LIST_COUNT] = {
	[LIST_WHITELIST] = "whitelist", [LIST_BLACKLIST] = "blacklist"};
/*
 * Where two names have one number the first is printed. ICMP is not here: its number is the
 * family's.
 */
static const struct protocol {
	const char *name;
	uint8_t number;
	bool has_ports;
} protocols[] = {
	{"tcp", 6, true},	{"udp", 17, true},     {"sctp", 132, true}, {"dccp", 33, true},
	{"udplite", 136, true}, {"igmp", 2, false},    {"ipip", 4, false},  {"ipv6", 41, false},
	{"rsvp", 46, false},	{"gre", 47, false},    {"esp", 50, false},  {"ah", 51, false},
	{"eigrp", 88, false},	{"ospf", 89, false},   {"pim", 103, false}, {"vrrp", 112, false},
	{"l2tp", 115, false},	{"ipencap", 4, false},
};

#define PROTOCOL_ICMP 1
#define PROTOCOL_ICMPV6 58

const char *hook_name(enum hook hook)
{
	return hook_names[hook];
}

const char *list_name(enum list list)
{
	return list_names[list];
}

int hook_parse(const char *text, enum hook *out)
{
	for (enum hook hook = 0; hook < HOOK_COUNT; hook++) {
		if (strcmp(text, hook_names[hook]) == 0) {
			*out = hook;
			return 0;
		}
	}
	return -EINVAL;
}

int list_parse(const char *text, enum list *out)
{
	for (enum list list = 0; list < LIST_COUNT; list++) {
		if (strcmp(text, list_names[list]) == 0) {
			*out = list;
			return 0;
		}
	}
	return -EINVAL;
}

static int refuse(const char **error, const char *why)
{
	*error = why;
	return -EINVAL;
}

static int icmp_number(const char *text, enum family family, uint32_t *number, const char **error)
{
	const bool is_v6_name =
		strcasecmp(text, "icmpv6") == 0 || strcasecmp(text, "ipv6-icmp") == 0;

	if (!is_v6_name && strcasecmp(text, "icmp") != 0)
		return -ENOENT;
	if (is_v6_name && family == FAMILY_IPV4)
		return refuse(error, "ICMPv6 in an IPv4 rule");
	*number = family == FAMILY_IPV6 ? PROTOCOL_ICMPV6 : PROTOCOL_ICMP;
	return 0;
}

static int protocol_number(const char *text, enum family family, uint32_t *number,
			   const char **error)
{
	const char *end;
	int err;

	err = icmp_number(text, family, number, error);
	if (err != -ENOENT)
		return err;
	for (size_t i = 0; i < COUNT_OF(protocols); i++) {
		if (strcasecmp(text, protocols[i].name) == 0) {
			*number = protocols[i].number;
			return 0;
		}
	}
	end = decimal_read(text, text + strlen(text), 255, number);
	if (!end || *end)
		return refuse(
			error,
			"not a protocol (a name like tcp, udp, icmp, gre, or a number 0 to 255)");
	return 0;
}

int rule_parse_protocol(const char *text, struct rule *rule, const char **error)
{
	uint32_t number;
	int err;

	if (strcasecmp(text, "any") == 0) {
		rule->any_protocol = 1;
		rule->protocol = 0;
		return 0;
	}
	err = protocol_number(text, rule->family, &number, error);
	if (err)
		return err;
	rule->any_protocol = 0;
	rule->protocol = (uint8_t)number;
	return 0;
}

int rule_parse_port(const char *text, struct rule *rule, const char **error)
{
	const char *const end = text + strlen(text);
	uint32_t first = 0, last;
	const char *at;

	at = decimal_read(text, end, 65535, &first);
	last = first;
	if (at && *at == '-')
		at = decimal_read(at + 1, end, 65535, &last);
	if (!at || *at || !first || !last)
		return refuse(error, "not a port of 1 to 65535 or a range like 100-200");
	if (first > last)
		return refuse(error, "the range ends before it begins");
	rule->port_min_host = (uint16_t)first;
	rule->port_max_host = (uint16_t)last;
	return 0;
}

bool rule_protocol_has_ports(uint8_t protocol)
{
	for (size_t i = 0; i < COUNT_OF(protocols); i++)
		if (protocols[i].number == protocol)
			return protocols[i].has_ports;
	return false;
}

int rule_check(const struct rule *rule, const char **error)
{
	if (!rule->port_max_host || rule->any_protocol || rule_protocol_has_ports(rule->protocol))
		return 0;
	return refuse(error, "this protocol has no ports (tcp, udp, sctp, dccp and udplite have)");
}

/*
 * The length of the UTF-8 sequence at `at` (Unicode 15, table 3-7: no overlong forms, no
 * surrogates), 0 when it is none or stands for a control character.
 */
static size_t utf8_length(const unsigned char *at, size_t left)
{
	const unsigned char lead = at[0];
	const size_t length = lead < 0x80 ? 1 : lead < 0xe0 ? 2 : lead < 0xf0 ? 3 : 4;

	if (length == 1)
		return lead >= 0x20 && lead != 0x7f;
	if (lead < 0xc2 || lead > 0xf4 || length > left)
		return 0;
	for (size_t i = 1; i < length; i++)
		if ((at[i] & 0xc0) != 0x80)
			return 0;
	if ((lead == 0xc2 && at[1] < 0xa0) || (lead == 0xe0 && at[1] < 0xa0) ||
	    (lead == 0xed && at[1] > 0x9f) || (lead == 0xf0 && at[1] < 0x90) ||
	    (lead == 0xf4 && at[1] > 0x8f))
		return 0;
	return length;
}

int rule_check_comment(const char *text, size_t length, const char **error)
{
	size_t step;

	if (length > COMMENT_BYTES)
		return refuse(error, "longer than 64 bytes");
	for (size_t at = 0; at < length; at += step) {
		step = utf8_length((const unsigned char *)text + at, length - at);
		if (!step)
			return refuse(error, "not UTF-8 text without control characters");
	}
	return 0;
}

/*
 * How many ports a rule matches; "any port", which also matches what has none, is wider than
 * 1-65535.
 */
static int port_span(const struct rule *rule)
{
	return rule->port_max_host ? rule->port_max_host - rule->port_min_host : 65536;
}

int rule_precedence(const struct rule_slot *a, const struct rule_slot *b)
{
	if (a->rule.prefix_len != b->rule.prefix_len)
		return b->rule.prefix_len - a->rule.prefix_len;
	if (a->rule.any_protocol != b->rule.any_protocol)
		return a->rule.any_protocol - b->rule.any_protocol;
	if (port_span(&a->rule) != port_span(&b->rule))
		return port_span(&a->rule) - port_span(&b->rule);
	return a->index < b->index ? -1 : a->index > b->index;
}

bool rule_may_match(const struct rule *rule, const struct rule *query)
{
	if (!cidr_contains(rule, query))
		return false;
	if (!rule->any_protocol && !query->any_protocol && rule->protocol != query->protocol)
		return false;
	if (!rule->port_max_host)
		return true;
	if (!query->port_max_host)
		return query->any_protocol || rule_protocol_has_ports(query->protocol);
	return rule->port_min_host <= query->port_min_host &&
	       rule->port_max_host >= query->port_max_host;
}

bool rule_must_match(const struct rule *rule, const struct rule *query)
{
	return rule_may_match(rule, query) && (rule->any_protocol || !query->any_protocol) &&
	       (!rule->port_max_host || query->port_max_host);
}

void rule_format_cidr(const struct rule *rule, char text[static RULE_TEXT_BYTES])
{
	_Static_assert(RULE_TEXT_BYTES >= CIDR_TEXT_BYTES, "room for a CIDR");
	cidr_format(rule, text);
}

void rule_format_port(const struct rule *rule, char text[static RULE_TEXT_BYTES])
{
	if (!rule->port_max_host)
		snprintf(text, RULE_TEXT_BYTES, "any");
	else if (rule->port_min_host == rule->port_max_host)
		snprintf(text, RULE_TEXT_BYTES, "%u", rule->port_min_host);
	else
		snprintf(text, RULE_TEXT_BYTES, "%u-%u", rule->port_min_host, rule->port_max_host);
}

/* A name only where it reads back as the same number: 1 is "icmp" in an IPv4 rule alone. */
void rule_format_protocol(const struct rule *rule, char text[static RULE_TEXT_BYTES])
{
	const char *name = NULL;

	if (rule->any_protocol)
		name = "any";
	else if (rule->protocol == PROTOCOL_ICMP && rule->family == FAMILY_IPV4)
		name = "icmp";
	else if (rule->protocol == PROTOCOL_ICMPV6 && rule->family == FAMILY_IPV6)
		name = "icmpv6";
	for (size_t i = 0; !name && i < COUNT_OF(protocols); i++)
		if (protocols[i].number == rule->protocol)
			name = protocols[i].name;
	if (name)
		snprintf(text, RULE_TEXT_BYTES, "%s", name);
	else
		snprintf(text, RULE_TEXT_BYTES, "%u", rule->protocol);
}

void rule_format(const struct rule *rule, char text[static RULE_TEXT_BYTES])
{
	char port[RULE_TEXT_BYTES], protocol[RULE_TEXT_BYTES];
	size_t length;

	cidr_format(rule, text);
	length = strlen(text);
	if (rule->port_max_host) {
		rule_format_port(rule, port);
		length +=
			(size_t)snprintf(text + length, RULE_TEXT_BYTES - length, " port %s", port);
	}
	if (!rule->any_protocol) {
		rule_format_protocol(rule, protocol);
		snprintf(text + length, RULE_TEXT_BYTES - length, " proto %s", protocol);
	}
}
