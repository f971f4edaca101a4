/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Results of scenarios as a JUnit XML file, which CI systems show. */
#ifndef BGO_LAB_JUNIT_H
#define BGO_LAB_JUNIT_H

#include <stddef.h>
#include <stdio.h>

enum junit_status { JUNIT_PASSED, JUNIT_FAILED, JUNIT_SKIPPED };

struct junit {
	const char *path;
	FILE *file;
	FILE *cases; /* to memory: the counts stand before them */
	char *text;
	size_t size;
	int counts[JUNIT_SKIPPED + 1];
	double seconds;
};
#define JUNIT_NONE                                                                                 \
	(struct junit)                                                                             \
	{                                                                                          \
		0                                                                                  \
	}

/* `path` must stay. 0 or negative errno, logged. */
int junit_open(struct junit *junit, const char *path);
/* What it printed is read from log_fd, and told unless it passed. */
void junit_add(struct junit *junit, const char *name, double seconds, enum junit_status status,
	       int log_fd);
/* Writes the file. 0 or negative errno, logged. */
int junit_write(struct junit *junit);
void junit_close(struct junit *junit);

#endif
