/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The interfaces a server filters, one for each that it was told, for as long as it lives: an
 * interface is found by its name once and then followed by its number, through renames, through
 * down and up, to another network namespace and back. One that is deleted is found by that name
 * again. What somebody else took off is attached again.
 */
#ifndef BGO_DEVICES_H
#define BGO_DEVICES_H

#include "attach.h"

struct devices;

/* wait: an interface may come later. names and how->pins must outlive the devices. 0 or negative
 * errno, logged. */
int devices_open(struct devices **out, const struct attach_options *how, const char *const *names,
		 size_t count, bool wait);
/* Before anything is attached; frees. NULL is fine. */
void devices_free(struct devices *devices);

/*
 * Attaches to all that are there, between two of them asking whether to go on: -ECANCELED when not.
 * On failure what was attached stays so until devices_detach().
 */
int devices_attach(struct devices *devices, bool (*stop)(void *context), void *context);
/* See attach_commit(). */
void devices_commit(struct devices *devices);
/* Takes everything off that is attached. */
void devices_detach(struct devices *devices);
/* Leaves everything attached. */
void devices_leave(struct devices *devices);

/*
 * Looks at all of them: after an event, and once a second for what sends none. Logs each change
 * once, and tries again what failed, at the next look.
 */
void devices_look(struct devices *devices);

#endif
