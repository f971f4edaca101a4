/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Text input line by line, with the place of each error: for rule lists and save files. Takes LF
 * and CRLF, skips a byte order mark, refuses NUL bytes and lines longer than LINE_BYTES_MAX.
 */
#ifndef BGO_LINES_H
#define BGO_LINES_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "cleanup.h"

#define LINE_BYTES_MAX 4096

struct lines {
	FILE *file;	  /* the caller's */
	const char *name; /* for messages: the caller's */
	uint32_t number;  /* of the line returned last, from 1 */
	char *line;	  /* that line */
	char *buffer;
	char *at, *end; /* what was read and not returned yet */
};

/* 0 or -ENOMEM, logged. */
int lines_open(struct lines *lines, FILE *file, const char *name);
void lines_close(struct lines *lines);

/*
 * The next line, without its end, in lines->line, followed by NUL; the caller may write into it.
 * Returns 1, 0 at the end of the file, or negative errno, logged.
 */
int lines_next(struct lines *lines);

/* Logs "name:line:column: text" for a place in the current line. Returns -EINVAL. */
int lines_error(const struct lines *lines, const char *at, const char *format, ...)
	__attribute__((format(printf, 3, 4)));
/* The same for any line. */
int lines_error_at(const char *name, uint32_t line, uint32_t column, const char *format, ...)
	__attribute__((format(printf, 4, 5)));
/* The column of a place in the current line, from 1, in characters. */
uint32_t lines_column(const struct lines *lines, const char *at);

/*
 * `length` bytes of input fit to be shown: cut when long, control characters as \xNN. Returns
 * `text`.
 */
#define QUOTE_BYTES 96
const char *lines_quote(const char *input, size_t length, char text[static QUOTE_BYTES]);

#define _cleanup_lines_ _cleanup_(lines_close)

#endif
