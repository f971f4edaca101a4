/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The reference model: what becomes of a packet, written down a second time, from the description
 * of the firewall and not from its code. It is linear and obvious, and shares nothing with bpf/ and
 * src/, so that a mistake has to be made twice to go unseen. Rate limits are not part of it. Pure.
 */
#ifndef BGO_ORACLE_H
#define BGO_ORACLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum oracle_hook { ORACLE_XDP, ORACLE_INGRESS, ORACLE_EGRESS, ORACLE_HOOKS };
enum oracle_list { ORACLE_WHITELIST, ORACLE_BLACKLIST, ORACLE_LISTS };

enum oracle_reason {
	ORACLE_ALLOWED_WHITELIST,
	ORACLE_ALLOWED_DEFAULT,
	ORACLE_EXEMPT,
	ORACLE_NON_IP,
	ORACLE_BLOCKED_BLACKLIST,
	ORACLE_BLOCKED_DEFAULT,
	ORACLE_MALFORMED,
	ORACLE_FRAGMENT_DROPPED,
	ORACLE_REASONS
};

#define ORACLE_ANY_PROTOCOL (-1)
#define ORACLE_NO_RULE (-1)

struct oracle_rule {
	enum oracle_list list;
	uint32_t index;		   /* its name in its list */
	bool ipv6;		   /* else IPv4, whose address is the first 4 bytes */
	uint8_t address[16];	   /* as on the wire */
	int prefix;		   /* bits of it that are compared */
	int protocol;		   /* or ORACLE_ANY_PROTOCOL */
	int first_port, last_port; /* 0, 0: any, also none */
	uint32_t expires_s;	   /* from then on it is not there; 0: never */
};

/* What one hook is told. */
#define ORACLE_RULES_MAX 1024
struct oracle_rules {
	bool default_deny, drop_fragments;
	uint32_t now_s; /* the time of all packets */
	int count;
	struct oracle_rule rules[ORACLE_RULES_MAX];
};

struct oracle_frame {
	const uint8_t *bytes; /* from the Ethernet header on */
	size_t length;
	int tags_beside; /* VLAN tags that the frame lost to its metadata */
	bool segmented;	 /* one packet here, many on the wire */
};

/* What rules are compared with. */
struct oracle_key {
	bool ipv6;
	const uint8_t *address;
	int protocol;
	bool has_ports;
	int port; /* of the destination */
};

/* A packet of which all that is looked at is well formed. */
struct oracle_packet {
	struct oracle_key key;
	bool fragment;
	int hop_limit;
	bool has_icmp;
	int icmp_type, icmp_code;
	int source_port;
};

struct oracle_answer {
	enum oracle_reason reason;
	int rule; /* position in `rules` of the one that decided, or ORACLE_NO_RULE */
};

const char *oracle_reason_name(enum oracle_reason reason);
bool oracle_drops(enum oracle_reason reason);

/* Whether the frame gets as far as the rules: then *packet is filled, else *reason says why not. */
bool oracle_parse(const struct oracle_frame *frame, enum oracle_hook hook,
		  struct oracle_packet *packet, enum oracle_reason *reason);

bool oracle_rule_matches(const struct oracle_rule *rule, const struct oracle_key *key);
/* The position of the rule of the list that gets the hit, or ORACLE_NO_RULE. */
int oracle_match(const struct oracle_rules *rules, enum oracle_list list,
		 const struct oracle_key *key);

struct oracle_answer oracle_judge(const struct oracle_rules *rules, enum oracle_hook hook,
				  const struct oracle_frame *frame);

#endif
