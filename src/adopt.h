/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Connections that were open before anybody looked. Their next packet from this host would make
 * them known; but one that is idle, such as a shell nobody types in, waits for the other end's.
 * So those the kernel has open are made known when default deny with answers begins to judge them.
 */
#ifndef BGO_ADOPT_H
#define BGO_ADOPT_H

#include "store.h"

/*
 * All TCP connections of this network namespace that `next` lets pass only if they are known. What
 * fails is a warning.
 */
void adopt_connections(const struct store *store, const struct ruleset *next);

#endif
