/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * One rule as people write it, and the names of hooks, lists and protocols: parse, print,
 * compare. Pure.
 */
#ifndef BGO_RULE_H
#define BGO_RULE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "../bpf/abi.h"

const char *hook_name(enum hook hook); /* "xdp", "ingress", "egress" */
const char *list_name(enum list list); /* "whitelist", "blacklist" */

/* The names above to values; -EINVAL for others, *out untouched. */
int hook_parse(const char *text, enum hook *out);
int list_parse(const char *text, enum list *out);

/*
 * "tcp" or "6" to a protocol of this family ("icmp" is 58 in an IPv6 rule); "any" sets
 * any_protocol. -EINVAL and *error (static text) otherwise; *rule untouched.
 */
int rule_parse_protocol(const char *text, struct rule *rule, const char **error);

/* "22" or "100-200", 1..65535. -EINVAL and *error otherwise; *rule untouched. */
int rule_parse_port(const char *text, struct rule *rule, const char **error);

/* Whether packets of this protocol have ports. */
bool rule_protocol_has_ports(uint8_t protocol);

/* What no single field shows: a port with a protocol that has none. 0 or -EINVAL and *error. */
int rule_check(const struct rule *rule, const char **error);

/*
 * A comment of a rule: `length` bytes of UTF-8 without control characters, at most COMMENT_BYTES. 0
 * or -EINVAL and *error.
 */
int rule_check_comment(const char *text, size_t length, const char **error);

/*
 * Which of two rules of one list, both matching a packet, gets the hit: longest prefix, exact
 * protocol before any, narrowest port range, lowest index. Negative when a does.
 */
int rule_precedence(const struct rule_slot *a, const struct rule_slot *b);

/*
 * A query is a rule too: the packets of these addresses, of this protocol and port, or of every one
 * where it says any. Whether the rule matches some of them, or all of them.
 */
bool rule_may_match(const struct rule *rule, const struct rule *query);
bool rule_must_match(const struct rule *rule, const struct rule *query);

static inline bool rule_equal(const struct rule *a, const struct rule *b)
{
	return memcmp(a, b, sizeof(*a)) == 0;
}

/* Long enough for any text that rule_format_*() makes. */
#define RULE_TEXT_BYTES 128

/* "192.168.1.0/24 port 22 proto tcp": the part of a save line that says what matches. */
void rule_format(const struct rule *rule, char text[static RULE_TEXT_BYTES]);
/* "192.168.1.0/24", "22" / "100-200" / "any", "tcp" / "47" / "any" */
void rule_format_cidr(const struct rule *rule, char text[static RULE_TEXT_BYTES]);
void rule_format_port(const struct rule *rule, char text[static RULE_TEXT_BYTES]);
void rule_format_protocol(const struct rule *rule, char text[static RULE_TEXT_BYTES]);

#endif
