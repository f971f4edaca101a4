/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The one writer of data, text or JSON: see output.h. */
#include "output.h"

#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <string.h>

#include <jansson.h>

#include "log.h"

#define DEPTH_MAX 8
#define ROWS_MEASURED 1000 /* rows of a table that are held back to find its widths */

struct output {
	FILE *file;
	bool json;
	int err; /* the first failure that is not the stream's own */

	/* JSON: what is open, outermost first. */
	char closers[DEPTH_MAX]; /* '}' or ']' */
	bool filled[DEPTH_MAX];	 /* something is in it: a comma comes before the next */
	int depth;

	/* Text: label lines. */
	int indent, width;

	/* The table being written. */
	const struct output_column *columns;
	size_t column_count, column; /* the next cell's */
	int widths[OUTPUT_COLUMNS_MAX];
	char *held; /* cells of the first rows, each ends in NUL; NULL once they are printed */
	size_t held_bytes;
	FILE *held_stream; /* writes `held` */
	size_t held_rows;
	int padding; /* blanks owed before the row's next cell */
};

static void fail(struct output *out, int err)
{
	if (!out->err)
		out->err = err;
}

/* -- JSON -- */

/* Rows of tables stay on one line each. */
static void json_separate(struct output *out)
{
	const int level = out->depth - 1;
	const bool in_row = out->columns && out->closers[level] == '}';

	if (out->filled[level])
		fputs(in_row ? ", " : ",", out->file);
	out->filled[level] = true;
	if (!in_row)
		fprintf(out->file, "\n%*s", 2 * out->depth, "");
}

static void json_key(struct output *out, const char *key)
{
	json_separate(out);
	if (key)
		fprintf(out->file, "\"%s\": ", key);
}

static void json_open(struct output *out, const char *key, char opener, char closer)
{
	if (out->depth) {
		if (out->depth == DEPTH_MAX) {
			fail(out, -E2BIG);
			return;
		}
		json_key(out, key);
	}
	putc(opener, out->file);
	out->closers[out->depth] = closer;
	out->filled[out->depth++] = false;
}

static void json_close(struct output *out)
{
	const int level = --out->depth;
	const bool is_row = out->columns && out->closers[level] == '}';

	if (out->filled[level] && !is_row)
		fprintf(out->file, "\n%*s", 2 * level, "");
	putc(out->closers[level], out->file);
}

/* Numbers are printed directly (jansson's are signed); strings are jansson's to quote. */
static void json_text(struct output *out, const char *value)
{
	json_t *string = json_string(value);

	if (!string)
		fail(out, -EILSEQ);
	else if (json_dumpf(string, out->file, JSON_ENCODE_ANY) && !ferror(out->file))
		fail(out, -ENOMEM);
	json_decref(string);
}

/* -- Text -- */

static void text_label(struct output *out, const char *label)
{
	const int printed = fprintf(out->file, "%*s%s:", out->indent, "", label);

	fprintf(out->file, "%*s",
		printed < out->indent + out->width ? out->indent + out->width - printed : 1, "");
}

static void text_blanks(struct output *out, int count)
{
	while (count-- > 0)
		putc_unlocked(' ', out->file);
}

/* A cell of a row; padding is only printed when more follows, so no line ends in blanks. */
static void text_cell(struct output *out, size_t column, const char *value)
{
	const size_t length = strlen(value);
	const int width = out->widths[column];

	if (!out->columns[column].title)
		return;
	if (length) {
		text_blanks(out, out->padding);
		out->padding = 0;
		fwrite_unlocked(value, 1, length, out->file);
	}
	out->padding += (length < (size_t)width ? width - (int)length : 0) + 2;
}

static void text_row_end(struct output *out)
{
	putc_unlocked('\n', out->file);
	out->padding = 0;
}

/* Prints the titles and the rows held back, at the widths they turned out to need. */
static void text_release(struct output *out)
{
	const char *cell;

	fclose(out->held_stream);
	out->held_stream = NULL;
	if (out->held_rows) {
		for (size_t column = 0; column < out->column_count; column++)
			if (out->columns[column].title)
				text_cell(out, column, out->columns[column].title);
		text_row_end(out);
	}
	cell = out->held;
	for (size_t row = 0; row < out->held_rows; row++) {
		for (size_t column = 0; column < out->column_count; column++) {
			text_cell(out, column, cell);
			cell += strlen(cell) + 1;
		}
		text_row_end(out);
	}
	free(take(out->held));
}

static void text_hold(struct output *out, const char *value)
{
	const int length = (int)strlen(value);

	if (length > out->widths[out->column])
		out->widths[out->column] = length;
	fwrite(value, 1, (size_t)length + 1, out->held_stream);
	if (out->column + 1 == out->column_count && ++out->held_rows == ROWS_MEASURED)
		text_release(out);
}

/* -- Documents -- */

int output_begin(struct output **result, FILE *file, bool json)
{
	struct output *out = calloc(1, sizeof(*out));

	if (!out)
		return log_error(-ENOMEM, "write output");
	out->file = file;
	out->json = json;
	if (json)
		json_open(out, NULL, '{', '}');
	*result = out;
	return 0;
}

void output_cleanup(struct output **result)
{
	struct output *out = take(*result);

	if (!out)
		return;
	if (out->held_stream)
		fclose(out->held_stream);
	free(out->held);
	free(out);
}

int output_end(struct output **result)
{
	const int err = (*result)->err;

	if ((*result)->json) {
		json_close(*result);
		putc('\n', (*result)->file);
	}
	output_cleanup(result);
	return err ? log_error(err, "write output") : 0;
}

bool output_is_json(const struct output *out)
{
	return out->json;
}

void output_text(struct output *out, const char *format, ...)
{
	va_list args;

	if (out->json)
		return;
	va_start(args, format);
	vfprintf(out->file, format, args);
	va_end(args);
}

void output_labels(struct output *out, int indent, int width)
{
	out->indent = indent;
	out->width = width;
}

void output_object(struct output *out, const char *key)
{
	if (out->json)
		json_open(out, key, '{', '}');
}

void output_array(struct output *out, const char *key)
{
	if (out->json)
		json_open(out, key, '[', ']');
}

void output_close(struct output *out)
{
	if (out->json)
		json_close(out);
}

/* -- Values -- */

/* Begins a value: whether the caller is to print it, after the key or the label. */
static bool value_begins(struct output *out, const char *key, const char *label)
{
	if (!(out->json ? key : label))
		return false;
	if (out->json)
		json_key(out, key);
	else
		text_label(out, label);
	return true;
}

static void value_ends(struct output *out)
{
	if (!out->json)
		putc('\n', out->file);
}

void output_string(struct output *out, const char *key, const char *label, const char *value)
{
	if (!value_begins(out, key, label))
		return;
	if (out->json)
		json_text(out, value);
	else
		fputs(value, out->file);
	value_ends(out);
}

void output_number(struct output *out, const char *key, const char *label, uint64_t value)
{
	if (!value_begins(out, key, label))
		return;
	fprintf(out->file, "%" PRIu64, value);
	value_ends(out);
}

void output_number_as(struct output *out, const char *key, const char *label, uint64_t value,
		      const char *format, ...)
{
	va_list args;

	if (!value_begins(out, key, label))
		return;
	if (out->json) {
		fprintf(out->file, "%" PRIu64, value);
	} else {
		va_start(args, format);
		vfprintf(out->file, format, args);
		va_end(args);
	}
	value_ends(out);
}

void output_percent(struct output *out, const char *key, const char *label, uint64_t part,
		    uint64_t whole)
{
	if (!value_begins(out, key, label))
		return;
	fprintf(out->file, "%.2f%s", whole ? 100.0 * (double)part / (double)whole : 0.0,
		out->json ? "" : "%");
	value_ends(out);
}

void output_bool(struct output *out, const char *key, const char *label, bool value,
		 const char *yes, const char *no)
{
	if (!value_begins(out, key, label))
		return;
	if (out->json)
		fputs(value ? "true" : "false", out->file);
	else
		fputs(value ? yes : no, out->file);
	value_ends(out);
}

void output_null(struct output *out, const char *key)
{
	if (value_begins(out, key, NULL))
		fputs("null", out->file);
}

/* -- Tables -- */

void output_table(struct output *out, const char *key, const struct output_column *columns,
		  size_t count)
{
	if (out->json) {
		json_open(out, key, '[', ']');
	} else {
		out->held_rows = 0;
		out->held_stream = open_memstream(&out->held, &out->held_bytes);
		if (!out->held_stream)
			fail(out, -ENOMEM);
		for (size_t column = 0; column < count; column++)
			out->widths[column] = columns[column].width;
	}
	out->columns = columns;
	out->column_count = count;
	out->column = 0;
}

static void cell_begins(struct output *out)
{
	if (!out->column)
		json_open(out, NULL, '{', '}');
	json_key(out, out->columns[out->column].key);
}

static void cell_ends(struct output *out)
{
	if (++out->column < out->column_count)
		return;
	out->column = 0;
	if (out->json)
		json_close(out);
}

static void cell_text(struct output *out, const char *text)
{
	if (out->held_stream) {
		text_hold(out, text);
		return;
	}
	text_cell(out, out->column, text);
	if (out->column + 1 == out->column_count)
		text_row_end(out);
}

void output_cell_string(struct output *out, const char *value)
{
	if (out->json) {
		cell_begins(out);
		json_text(out, value);
	} else {
		cell_text(out, value);
	}
	cell_ends(out);
}

void output_cell_number_as(struct output *out, uint64_t value, const char *text)
{
	if (out->json) {
		cell_begins(out);
		fprintf(out->file, "%" PRIu64, value);
	} else {
		cell_text(out, text);
	}
	cell_ends(out);
}

void output_cell_number(struct output *out, uint64_t value)
{
	char text[24];

	snprintf(text, sizeof(text), "%" PRIu64, value);
	output_cell_number_as(out, value, text);
}

/* A cell that JSON has a word of its own for. */
static void cell_literal(struct output *out, const char *literal, const char *text)
{
	if (out->json) {
		cell_begins(out);
		fputs(literal, out->file);
	} else {
		cell_text(out, text);
	}
	cell_ends(out);
}

void output_cell_null(struct output *out, const char *text)
{
	cell_literal(out, "null", text);
}

void output_cell_bool(struct output *out, bool value, const char *text)
{
	cell_literal(out, value ? "true" : "false", text);
}

void output_table_end(struct output *out)
{
	if (out->held_stream)
		text_release(out);
	out->columns = NULL;
	if (out->json)
		json_close(out);
}

/* -- Amounts -- */

const char *output_megabytes(uint64_t bytes, char text[static OUTPUT_AMOUNT_BYTES])
{
	static const char *const units[] = {"MB", "GB", "TB", "PB", "EB"};
	double amount = (double)bytes / 1048576;
	size_t unit = 0;

	for (; amount >= 1024 && unit + 1 < sizeof(units) / sizeof(units[0]); unit++)
		amount /= 1024;
	snprintf(text, OUTPUT_AMOUNT_BYTES, "%.2f %s", amount, units[unit]);
	return text;
}

const char *output_kilopackets(uint64_t pps, char text[static OUTPUT_AMOUNT_BYTES])
{
	static const char *const units[] = {"Kpps", "Mpps", "Gpps"};
	double amount = (double)pps / 1000;
	size_t unit = 0;

	for (; amount >= 1000 && unit + 1 < sizeof(units) / sizeof(units[0]); unit++)
		amount /= 1000;
	snprintf(text, OUTPUT_AMOUNT_BYTES, "%.2f %s", amount, units[unit]);
	return text;
}
