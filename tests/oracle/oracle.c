/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The reference model's decisions: matching, precedence, policies. Frames are oracle_parse.c's. */
#include "oracle.h"

#include <string.h>

enum { UDP = 17 }; /* assigned by IANA */

static const struct {
	const char *name;
	bool drops;
} reasons[ORACLE_REASONS] = {
	[ORACLE_ALLOWED_WHITELIST] = {"allowed_whitelist", false},
	[ORACLE_ALLOWED_DEFAULT] = {"allowed_default", false},
	[ORACLE_EXEMPT] = {"exempt", false},
	[ORACLE_NON_IP] = {"non_ip", false},
	[ORACLE_BLOCKED_BLACKLIST] = {"blocked_blacklist", true},
	[ORACLE_BLOCKED_DEFAULT] = {"blocked_default", true},
	[ORACLE_MALFORMED] = {"malformed", true},
	[ORACLE_FRAGMENT_DROPPED] = {"fragment_dropped", true},
};

const char *oracle_reason_name(enum oracle_reason reason)
{
	return reasons[reason].name;
}

bool oracle_drops(enum oracle_reason reason)
{
	return reasons[reason].drops;
}

static int bit(const uint8_t *bytes, int number)
{
	return bytes[number / 8] >> (7 - number % 8) & 1;
}

bool oracle_rule_matches(const struct oracle_rule *rule, const struct oracle_key *key)
{
	if (rule->ipv6 != key->ipv6)
		return false;
	if (memcmp(rule->address, key->address, (size_t)rule->prefix / 8) != 0)
		return false;
	for (int i = rule->prefix / 8 * 8; i < rule->prefix; i++)
		if (bit(rule->address, i) != bit(key->address, i))
			return false;
	if (rule->protocol != ORACLE_ANY_PROTOCOL && rule->protocol != key->protocol)
		return false;
	if (rule->last_port == 0)
		return true;
	return key->has_ports && key->port >= rule->first_port && key->port <= rule->last_port;
}

/* Longest prefix, then exact protocol, then narrowest range of ports, then lowest index. */
static bool goes_before(const struct oracle_rule *a, const struct oracle_rule *b)
{
	const int any_port = 65536; /* wider than all ports: it also matches what has none */
	int a_ports = a->last_port ? a->last_port - a->first_port : any_port;
	int b_ports = b->last_port ? b->last_port - b->first_port : any_port;
	bool a_exact = a->protocol != ORACLE_ANY_PROTOCOL;
	bool b_exact = b->protocol != ORACLE_ANY_PROTOCOL;

	if (a->prefix != b->prefix)
		return a->prefix > b->prefix;
	if (a_exact != b_exact)
		return a_exact;
	if (a_ports != b_ports)
		return a_ports < b_ports;
	return a->index < b->index;
}

int oracle_match(const struct oracle_rules *rules, enum oracle_list list,
		 const struct oracle_key *key)
{
	int best = ORACLE_NO_RULE;

	for (int i = 0; i < rules->count; i++) {
		const struct oracle_rule *rule = &rules->rules[i];

		if (rule->list != list || !oracle_rule_matches(rule, key))
			continue;
		if (rule->expires_s != 0 && rules->now_s >= rule->expires_s)
			continue;
		if (best == ORACLE_NO_RULE || goes_before(rule, &rules->rules[best]))
			best = i;
	}
	return best;
}

static bool is_dhcp(const struct oracle_packet *packet, enum oracle_hook hook)
{
	int server = packet->key.ipv6 ? 547 : 67;
	int client = packet->key.ipv6 ? 546 : 68;

	if (packet->key.protocol != UDP || !packet->key.has_ports)
		return false;
	if (hook == ORACLE_EGRESS)
		return packet->source_port == client && packet->key.port == server;
	return packet->source_port == server && packet->key.port == client;
}

static bool is_needed_icmp(const struct oracle_packet *packet)
{
	if (!packet->has_icmp)
		return false;
	if (!packet->key.ipv6)
		return packet->icmp_type == 3 && packet->icmp_code == 4;
	switch (packet->icmp_type) {
	case 133: /* neighbour discovery and router advertisement */
	case 134:
	case 135:
	case 136:
	case 137:
		return packet->hop_limit == 255;
	case 130: /* multicast listener discovery */
	case 131:
	case 132:
	case 143:
	case 2: /* packet too big */
		return true;
	default:
		return false;
	}
}

struct oracle_answer oracle_judge(const struct oracle_rules *rules, enum oracle_hook hook,
				  const struct oracle_frame *frame)
{
	struct oracle_answer answer = {.rule = ORACLE_NO_RULE};
	struct oracle_packet packet;

	if (!oracle_parse(frame, hook, &packet, &answer.reason))
		return answer;
	if (packet.fragment && rules->drop_fragments) {
		answer.reason = ORACLE_FRAGMENT_DROPPED;
		return answer;
	}
	answer.rule = oracle_match(rules, ORACLE_WHITELIST, &packet.key);
	answer.reason = ORACLE_ALLOWED_WHITELIST;
	if (answer.rule != ORACLE_NO_RULE)
		return answer;
	answer.rule = oracle_match(rules, ORACLE_BLACKLIST, &packet.key);
	answer.reason = ORACLE_BLOCKED_BLACKLIST;
	if (answer.rule != ORACLE_NO_RULE)
		return answer;
	if (!rules->default_deny)
		answer.reason = ORACLE_ALLOWED_DEFAULT;
	else if (is_dhcp(&packet, hook) || is_needed_icmp(&packet))
		answer.reason = ORACLE_EXEMPT;
	else
		answer.reason = ORACLE_BLOCKED_DEFAULT;
	return answer;
}
