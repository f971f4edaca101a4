/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The two ways a captured packet gets through a program: by a test run, or through a veth pair. */
#ifndef BGO_LAB_REPLAY_H
#define BGO_LAB_REPLAY_H

#include <stddef.h>
#include <stdint.h>

#include "../src/programs.h"

/* Why a packet was not run, when it was not: what replay prints in place of a reason. */
enum not_run { RUN, TOO_SHORT, TRUNCATED_CAPTURE, TOO_LONG };

struct replay_method {
	struct programs *programs;
	enum hook hook;
	int send_fd;   /* veth: a packet socket on the sender's end; -1: test run */
	uint64_t seen; /* packets the program had judged before */
};

/* Makes a veth pair in this network namespace with the hook's program on it. 0 or negative errno,
 * logged. */
int replay_veth_open(struct replay_method *method);

/*
 * Runs the packet through the program. 0 and *verdict; or 0 and *not_run when this method cannot
 * carry a packet of that length; or negative errno, logged.
 */
int replay_packet(struct replay_method *method, const void *packet, size_t length,
		  struct last_verdict *verdict, enum not_run *not_run);

#endif
