/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What replay says of each packet: a line of text, a line of JSON, or, compared with such lines of
 * JSON in a file, only where the two differ.
 */
#ifndef BGO_LAB_REPLAY_REPORT_H
#define BGO_LAB_REPLAY_REPORT_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "../src/rule.h"

struct outcome {
	uint64_t packet;     /* its number in the capture, from 1 */
	const char *verdict; /* NULL: it was not run */
	const char *reason;  /* or why it was not run */
	const char *list;    /* of the rule that decided, NULL: none */
	uint32_t index;	     /* in that list */
	char rule[RULE_TEXT_BYTES];
};

struct report {
	bool json;
	const char *expected_name;
	FILE *expected; /* NULL: nothing to compare with */
	uint64_t lines; /* of it, read */
	uint64_t differences;
};

/* expected_name: the file to compare with, or NULL. 0 or negative errno, logged. */
int report_open(struct report *report, bool json, const char *expected_name);
void report_close(struct report *report);

/* The packets in order. 0 or negative errno, logged; a difference is none. */
int report_packet(struct report *report, const struct outcome *outcome);

/* Behind the last packet. 0; -EBADMSG when something differed, or another errno, logged. */
int report_end(struct report *report);

#endif
