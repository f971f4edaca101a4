/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The real store and programs behind the same questions that the oracle answers. What cannot be
 * asked ends the program.
 */
#ifndef BGO_ORACLE_TARGET_H
#define BGO_ORACLE_TARGET_H

#include <stdio.h>

#include "../prog/firewall.h"
#include "generate.h"

/* Where a hit number leads. */
struct target_rule {
	enum oracle_hook hook;
	int position; /* -1: no rule has this number */
};

struct target {
	struct firewall firewall;
	struct target_rule *by_hit;
	uint32_t by_hit_count;
};

/* What a program said of a packet. */
struct judged {
	uint32_t reason; /* enum reason */
	int rule;	 /* position in the hook's rules, or ORACLE_NO_RULE */
	bool dropped, changed;
	bool not_run; /* the kernel refused to: there is no answer to compare */
};

void target_open(struct target *target);
void target_close(struct target *target);

/* Replaces all rules and policies by those of a save file made from the scenario. */
void target_set_rules(struct target *target, const struct scenario *scenario);
/* Adds the hook's last rule, or removes the rule that was it: the change that a user makes. */
void target_add_last(struct target *target, const struct scenario *scenario, enum oracle_hook hook);
void target_remove(struct target *target, enum oracle_hook hook, const struct oracle_rule *rule);

void target_judge(const struct target *target, enum oracle_hook hook,
		  const struct generated_packet *packet, struct judged *judged);

/* What was not run is equal to all. */
bool judged_equal(const struct judged *a, const struct judged *b);
/* Whether the programs said what the oracle says, and did it. */
bool judged_as(const struct judged *judged, const struct oracle_answer *answer);

const char *judged_reason_name(const struct judged *judged);

/* The scenario as a save file has it. */
void scenario_write(const struct scenario *scenario, FILE *out);

/* Counters of a hook: packets and bytes by reason, and hits by position of its rules. */
struct target_counters {
	struct counter reasons[REASON_SLOTS];
	uint64_t hits[ORACLE_RULES_MAX];
};
void target_counters(const struct target *target, enum oracle_hook hook,
		     struct target_counters *counters);

#endif
