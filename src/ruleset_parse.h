/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A save file read into memory: checked as a whole before anything of it reaches the store. See
 * ruleset_text.h for the format. Pure.
 */
#ifndef BGO_RULESET_PARSE_H
#define BGO_RULESET_PARSE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "../bpf/abi.h"
#include "cleanup.h"
#include "lvs.h"

struct ruleset_rule {
	struct rule rule;
	uint8_t hook, list;
	bool has_index; /* the file gave it; else it is given one when the file ends */
	uint32_t index;
	uint32_t expires_s;    /* 0: never */
	uint32_t comment;      /* where it begins in `comments`; 0: none */
	uint32_t line, column; /* for errors */
};

/* The highest index: the one after it must be a number too. */
#define RULESET_INDEX_MAX (UINT32_MAX - 1)

struct ruleset_file {
	struct ruleset_rule *rules; /* by hook, list, index once parsed */
	size_t rule_count, rule_capacity;
	char *comments; /* each ends in NUL; byte 0 is an empty one */
	size_t comment_bytes, comment_capacity;
	bool default_deny[HOOK_COUNT], stateful[HOOK_COUNT], drop_fragments[HOOK_COUNT];
	uint32_t next_index[HOOK_COUNT]
			   [LIST_COUNT]; /* once finished above every index of the list */
	uint32_t next_line[HOOK_COUNT][LIST_COUNT]; /* its `next` statement; 0: it has none */
	struct rate_limit limit;
	struct lvs_model services;
};

/*
 * Reads and checks all of it. 0 or negative errno, logged with file, line and column; *out then
 * needs no free.
 */
int ruleset_file_parse(FILE *in, const char *file_name, struct ruleset_file *out);
/*
 * The last step of parsing, in ruleset_check.c: numbers, checks and sorts the rules. Same errors.
 */
int ruleset_file_finish(struct ruleset_file *file, const char *file_name);
/* How many of its rules have expired by then. */
size_t ruleset_file_expired(const struct ruleset_file *file, uint32_t now_s);
void ruleset_file_free(struct ruleset_file *file);

#define _cleanup_ruleset_file_ _cleanup_(ruleset_file_free)

#endif
