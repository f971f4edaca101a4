/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What is pinned in the directory links/ of the pin path, beside the maps: links, whose programs
 * then filter with no process (`--on-exit keep`), and every program from before it is attached
 * until after it is off. So whatever a server that was killed left on an interface has its record
 * here, and telling it as ours takes no privilege but the directory's.
 */
#ifndef BGO_LINK_PINS_H
#define BGO_LINK_PINS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "programs.h"

/* "eth0%2e100:xdp:57": for people; what a pin is of is asked of the link. */
#define LINK_PIN_BYTES 80

struct link_pins;

/* A pinned link, as it was when the directory was read. */
struct pinned_link {
	char name[LINK_PIN_BYTES];
	int fd; /* -1: taken */
	uint32_t link_id, program_id;
	uint32_t ifindex; /* in the network namespace the interface is in, whichever that is; 0:
			     the interface is gone */
	enum hook hook;
};

/* Reads the directory, which need not be there. Logs. What others change meanwhile may be missed.
 */
int link_pins_open(struct link_pins **out, const char *pin_path);
void link_pins_close(struct link_pins *pins);
void link_pins_cleanup(struct link_pins **pins);

/* The links that were not taken, one after the other; NULL at the end. */
struct pinned_link *link_pins_next(const struct link_pins *pins, const struct pinned_link *after);

/* Makes the directory when there is none, pins, and writes the pin's name. Negative errno, logged.
 */
int link_pins_add(const struct link_pins *pins, int link_fd, const char *interface, enum hook hook,
		  char name[static LINK_PIN_BYTES]);
/* The link lives on as long as its file descriptors. An empty name is none. Logs. */
int link_pins_remove(const struct link_pins *pins, const char *name);

/* False: somebody removed it. */
bool link_pins_has(const struct link_pins *pins, const char *name);

/* Records the programs that are not yet, before they are attached. Negative errno, logged. */
int link_pins_add_programs(struct link_pins *pins, const struct programs *programs);
/* Removes the records of all programs but those of `keep`: they are off every interface. */
int link_pins_keep_programs(struct link_pins *pins, const struct programs *keep);
/* Removes the records of these, or of all when NULL, but for those that are held. */
int link_pins_remove_programs(struct link_pins *pins, const struct programs *programs);
/* The program could not be taken off: its record stays. */
void link_pins_hold_program(struct link_pins *pins, uint32_t program_id);
/* The recorded program's file descriptor, owned by pins, or -ENOENT: it is not ours. */
int link_pins_program(const struct link_pins *pins, uint32_t program_id);

#define _cleanup_link_pins_ _cleanup_(link_pins_cleanup)

#endif
