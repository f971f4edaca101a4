/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Rule sets and packets for the comparison, drawn so that they meet: prefixes nest and touch, ports
 * overlap, and packets come from the edges of rules and one beside them.
 */
#ifndef BGO_ORACLE_GENERATE_H
#define BGO_ORACLE_GENERATE_H

#include "../prog/packets.h"
#include "oracle.h"
#include "random.h"

/* The time of generated packets: rules expire before and after it, and none within hours of it. */
#define GENERATED_NOW_S 1893492000u
#define GENERATED_PAST_S (GENERATED_NOW_S - 365 * 86400u)

/* The rules of a firewall. */
struct scenario {
	struct oracle_rules hooks[ORACLE_HOOKS];
};

/* Now and then all hooks get the same. */
void generate_scenario(struct random *random, struct scenario *scenario);

/* One more rule in the manner of these, that is not yet there. False: found none. */
bool generate_rule(struct random *random, const struct oracle_rules *rules,
		   struct oracle_rule *rule);

struct generated_packet {
	struct packet_bytes bytes;
	bool segmented; /* to be handed over as one still to be segmented, where that can be */
};

/* What a test run takes, Ethernet header included. */
#define GENERATED_BYTES_MIN 14
#define GENERATED_BYTES_MAX 2000
void generate_packet(struct random *random, const struct scenario *scenario,
		     struct generated_packet *packet);

#endif
