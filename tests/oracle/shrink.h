/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Makes a failing experiment small: one packet, few rules, few bytes that are not zero. */
#ifndef BGO_ORACLE_SHRINK_H
#define BGO_ORACLE_SHRINK_H

#include "checks.h"

/* An experiment of one packet that owns it. */
struct failure {
	const struct check *check;
	struct experiment experiment;
	struct generated_packet packet;
	enum oracle_hook hook;
};

/*
 * Finds one packet of the experiment that fails the check by itself, and takes away what the
 * failure does not need. False: none fails by itself, so it hangs on the rules or packets before.
 */
bool shrink(const struct experiment *experiment, const struct check *check,
	    struct failure *failure);

#endif
