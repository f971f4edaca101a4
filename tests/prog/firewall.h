/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A firewall for tests: a store in a bpffs that only this process sees, and the programs loaded on
 * it, not attached to anything. What fails here ends the test program.
 */
#ifndef BGO_TESTS_FIREWALL_H
#define BGO_TESTS_FIREWALL_H

#include "../../src/programs.h"
#include "packets.h"

struct firewall {
	struct store *store;
	struct programs *programs;
};

/* record: whether the programs note each verdict, see programs_load(). */
void firewall_setup(struct firewall *firewall, bool record);
void firewall_teardown(struct firewall *firewall);

/*
 * The one that all tests of a program share, and cmocka's fixtures for it: its programs note each
 * verdict.
 */
extern struct firewall the_firewall;
int firewall_group_setup(void **state);
int firewall_group_teardown(void **state);

/* With these rules nothing but what is malformed is dropped. */
#define ALLOW_ALL "rule @ whitelist 0.0.0.0/0; rule @ whitelist ::/0"

/* Replaces all rules by statements of the save format with ';' between them and '@' for the hook's
 * name. */
void firewall_rules(struct firewall *firewall, enum hook hook, const char *statements);

/*
 * Makes the wall clock of the programs and of the store stand at this second now, and go on from
 * there: until a store is opened for writing, which sets it right.
 */
void firewall_clock(struct firewall *firewall, uint32_t now_s);
/* The same at once for the store, but for the programs, which look once a jiffy, not yet surely. */
void firewall_set_clock(struct firewall *firewall, uint32_t now_s);

void shell(const char *command);

struct run {
	bool dropped;
	bool changed;	      /* the packet came out different */
	uint32_t duration_ns; /* of one run, the kernel's mean */
};
/* Runs the packet through the hook's program `repeat` times. 0 or negative errno. */
int firewall_run(const struct firewall *firewall, enum hook hook, const struct packet_bytes *packet,
		 uint32_t gso_size, int repeat, struct run *run);

#endif
