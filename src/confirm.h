/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Changes that go back by themselves unless they are confirmed, around the store's part of it
 * (transaction_confirm.c): who brings them back in time, and what a reboot does.
 *
 * The one who is nearest does it: a process that the changing command leaves behind, the server
 * within a second, or whoever opens the store next. A reboot does it too: while a change waits, the
 * snapshot on disk stays what it was before.
 */
#ifndef BGO_CONFIRM_H
#define BGO_CONFIRM_H

#include "output.h"
#include "store.h"

/*
 * Before a change that may go back: brings the snapshot up to date, which is what a reboot would go
 * back to. What goes wrong is a warning.
 */
void confirm_prepare(const char *pin_path);

/* Leaves a process that undoes the store's unconfirmed change at its deadline, with no terminal. */
void confirm_leave_process(const struct store *store);

/* What is to be said of a change that waits; taken while the store is open. */
struct confirm_state {
	struct unconfirmed unconfirmed; /* generation 0: nothing waits */
	uint32_t left_s;
};
struct confirm_state confirm_look(const struct store *store);
/* "unconfirmed": an object or null; for people a line only when one waits. */
void confirm_print(struct output *out, const char *label, const struct confirm_state *state);

/* -- The server's part: undoes within a second, waits for nobody -- */

struct confirm_keeper;

int confirm_keeper_open(struct confirm_keeper **out, const struct store *store);
void confirm_keeper_tick(struct confirm_keeper *keeper);
void confirm_keeper_close(struct confirm_keeper *keeper);

#endif
