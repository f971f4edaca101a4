/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Does a change cut off who makes it? The live SSH connections of this host are judged by the
 * graphs that are about to be committed, at every hook and in both directions, as the programs
 * would judge their packets.
 */
#ifndef BGO_LOCKOUT_H
#define BGO_LOCKOUT_H

#include "store.h"

/*
 * For transaction_judge_by(): -EPERM, logged with peer, hook and rule, when a connection that the
 * rules in force let through would be dropped.
 */
transaction_judge lockout_judge;

#endif
