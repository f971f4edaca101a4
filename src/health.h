/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * When a real server is down: results of checks in a row, and what the answer of one means. Pure;
 * health_keeper.h makes the checks.
 */
#ifndef BGO_HEALTH_H
#define BGO_HEALTH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "../bpf/abi.h"

struct health {
	bool down;
	uint8_t streak; /* results in a row that say it is not so */
};

/* One more result. Whether the server went down or came back by it. */
bool health_result(struct health *health, const struct lvs_check *check, bool good);

/* "HTTP/1.1 200": as much of an answer as is needed. */
#define HEALTH_ANSWER_BYTES 12
/*
 * The beginning of an answer: -EAGAIN needs more of it, 0 is good, and else why it is not:
 * positive, as lvs_server's down_why.
 */
int health_http(const char *answer, size_t length);

/* "connection refused", "HTTP status 503" */
#define HEALTH_WHY_BYTES 64
const char *health_why(uint16_t why, char text[static HEALTH_WHY_BYTES]);

#endif
