/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The one writer of data: a command walks what it has to say once, and out comes aligned text for
 * people or one JSON document with stable keys. Both are streams: a million rows need no more
 * memory than a thousand.
 *
 *   output_begin(&out, stdout, common->json);
 *   output_text(out, "Rate Limit Configuration:\n");
 *   output_labels(out, 2, 18);
 *   output_bool(out, "enabled", "Status", true, "Enabled", "Disabled");
 *   output_number_as(out, "pps", "Packets/sec", 1000, "1000 pps (%s)", "1.00 Kpps");
 *   output_table(out, "rules", columns, 2);
 *   output_cell_number(out, 0);
 *   output_cell_string(out, "192.0.2.0/24");
 *   output_table_end(out);
 *   return output_end(&out);
 *
 * Keys and labels are literals of the program. A NULL key leaves a value out of JSON, a NULL label
 * out of the text. Failures to write stay in the stream: main() closes standard output and reports
 * them.
 */
#ifndef BGO_OUTPUT_H
#define BGO_OUTPUT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "cleanup.h"

struct output;

/* Begins the document. 0 or -ENOMEM, logged. */
int output_begin(struct output **out, FILE *file, bool json);
/*
 * Ends it and frees; *out is NULL then. 0, or the negative errno of what could not be printed,
 * logged.
 */
int output_end(struct output **out);
/* Frees without ending the document: for a command that fails half-way. */
void output_cleanup(struct output **out);

bool output_is_json(const struct output *out);

/* Text that has no place in JSON: headings, blank lines, sentences. */
void output_text(struct output *out, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* How "label: value" lines look from here on: blanks before the label, columns up to the value. */
void output_labels(struct output *out, int indent, int width);

/*
 * JSON objects and arrays around what follows; key NULL inside an array. Ended by output_close().
 */
void output_object(struct output *out, const char *key);
void output_array(struct output *out, const char *key);
void output_close(struct output *out);

void output_string(struct output *out, const char *key, const char *label, const char *value);
void output_number(struct output *out, const char *key, const char *label, uint64_t value);
/* A number in JSON, the formatted text for people. */
void output_number_as(struct output *out, const char *key, const char *label, uint64_t value,
		      const char *format, ...) __attribute__((format(printf, 5, 6)));
/* part of whole in percent, two decimals; 0 when whole is 0. */
void output_percent(struct output *out, const char *key, const char *label, uint64_t part,
		    uint64_t whole);
/* true or false in JSON, one of two texts for people. */
void output_bool(struct output *out, const char *key, const char *label, bool value,
		 const char *yes, const char *no);
void output_null(struct output *out, const char *key);

/* A column: its key in JSON, its title in text (NULL: JSON only), the least width in text. */
struct output_column {
	const char *key, *title;
	int width;
};

#define OUTPUT_COLUMNS_MAX 16

/*
 * A table is an array of objects in JSON. Cells come in the order of the columns, row after row. In
 * text the columns are as wide as the widest cell of the first rows; a wider one further down
 * pushes its row to the right.
 */
void output_table(struct output *out, const char *key, const struct output_column *columns,
		  size_t count);
void output_cell_string(struct output *out, const char *value);
void output_cell_number(struct output *out, uint64_t value);
/* A number in JSON, but `text` for people. */
void output_cell_number_as(struct output *out, uint64_t value, const char *text);
/* null in JSON, `text` for people. */
void output_cell_null(struct output *out, const char *text);
void output_cell_bool(struct output *out, bool value, const char *text);
void output_table_end(struct output *out);

/* "12.25 MB", "1.50 GB": units of 1048576 bytes and its multiples by 1024. */
#define OUTPUT_AMOUNT_BYTES 32
const char *output_megabytes(uint64_t bytes, char text[static OUTPUT_AMOUNT_BYTES]);
/* "1.00 Kpps", "2.50 Mpps": units of 1000 packets and its multiples by 1000. */
const char *output_kilopackets(uint64_t pps, char text[static OUTPUT_AMOUNT_BYTES]);

#define _cleanup_output_ _cleanup_(output_cleanup)

#endif
