/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What must hold of rules and packets. First that the programs answer as the oracle does. Then
 * relations between answers of the programs, in which the oracle takes no part, so that a mistake
 * made in both is seen too.
 */
#ifndef BGO_ORACLE_CHECKS_H
#define BGO_ORACLE_CHECKS_H

#include "target.h"

/* Packets under the same rules. */
struct experiment {
	struct target *target;
	struct scenario scenario;
	const struct generated_packet *packets;
	size_t count;
};

/* Whether it holds for each packet at each hook; else *hook is one where it does not. */
typedef bool check_function(const struct experiment *experiment, enum oracle_hook *hook);

struct check {
	const char *name; /* a sentence */
	check_function *holds;
	size_t packets; /* of a batch that it is asked about, 0: all */
};

#define CHECKS 6
extern const struct check checks[CHECKS];

struct oracle_answer experiment_oracle(const struct experiment *experiment, size_t packet,
				       enum oracle_hook hook);

#endif
