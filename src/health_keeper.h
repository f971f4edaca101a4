/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The server's part in health checks: connects to the real servers of services that are checked,
 * hundreds at a time and waiting for none, and takes those that fail out of the choice of new
 * connections by an ordinary change. What it found stays in the store when the server ends.
 */
#ifndef BGO_HEALTH_KEEPER_H
#define BGO_HEALTH_KEEPER_H

#include "store.h"

struct health_keeper;

/* 0 or negative errno, logged. */
int health_keeper_open(struct health_keeper **out, const struct store *store);
/* NULL is fine. */
void health_keeper_close(struct health_keeper *keeper);
/* To be called once a second: begins checks that are due and ends those that took too long. */
void health_keeper_tick(struct health_keeper *keeper);
/* Readable when a check has an answer; then health_keeper_answer() is to be called. */
int health_keeper_fd(const struct health_keeper *keeper);
void health_keeper_answer(struct health_keeper *keeper);

#endif
