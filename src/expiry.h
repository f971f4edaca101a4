/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The server's part in rules that expire: programs and commands see them as gone already, the
 * server removes them, so that they take no room, and keeps the programs' clock right.
 */
#ifndef BGO_EXPIRY_H
#define BGO_EXPIRY_H

#include "store.h"

struct expiry;

/* 0 or negative errno, logged. */
int expiry_open(struct expiry **out, const struct store *store);
/* NULL is fine. */
void expiry_close(struct expiry *expiry);
/* To be called once a second. Costs nothing while no rule has expired, and waits for nobody. */
void expiry_tick(struct expiry *expiry);

#endif
