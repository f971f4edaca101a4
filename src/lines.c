/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Text input line by line: see lines.h. Reads blocks, finds lines in them, copies only what a
 * block's end cuts.
 */
#include "lines.h"

#include <stdarg.h>
#include <string.h>

#include "log.h"

#define BUFFER_BYTES (64 * 1024)

int lines_open(struct lines *lines, FILE *file, const char *name)
{
	char *buffer =
		malloc(BUFFER_BYTES + 1); /* one for the NUL behind a last line without an end */

	if (!buffer)
		return log_error(-ENOMEM, "read %s", name);
	*lines = (struct lines){
		.file = file, .name = name, .buffer = buffer, .at = buffer, .end = buffer};
	return 0;
}

void lines_close(struct lines *lines)
{
	free(take(lines->buffer));
}

/* Moves the rest to the front and reads behind it. Returns the bytes added, or negative errno. */
static ssize_t fill(struct lines *lines)
{
	const size_t rest = (size_t)(lines->end - lines->at);
	size_t added;

	memmove(lines->buffer, lines->at, rest);
	lines->at = lines->buffer;
	lines->end = lines->buffer + rest;
	errno = 0;
	added = fread(lines->end, 1, BUFFER_BYTES - rest, lines->file);
	if (ferror(lines->file))
		return log_error(errno ? -errno : -EIO, "read %s", lines->name);
	lines->end += added;
	return (ssize_t)added;
}

/*
 * The end of the line that begins at lines->at: its newline, or the end of the file. NULL:
 * negative errno in *err.
 */
static char *line_end(struct lines *lines, int *err)
{
	char *newline = memchr(lines->at, '\n', (size_t)(lines->end - lines->at));
	ssize_t added;

	if (newline)
		return newline;
	/*
	 * A block is many times a line: what it does not complete is too long, which the caller
	 * sees.
	 */
	added = fill(lines);
	if (added < 0) {
		*err = (int)added;
		return NULL;
	}
	newline = memchr(lines->at, '\n', (size_t)(lines->end - lines->at));
	return newline ? newline : lines->end;
}

int lines_next(struct lines *lines)
{
	const bool is_first = lines->number == 0;
	int err = 0;
	char *end, *nul;

	end = line_end(lines, &err);
	if (!end)
		return err;
	if (lines->at == lines->end)
		return 0;
	lines->number++;
	lines->line = lines->at;
	if (is_first && end - lines->line >= 3 && memcmp(lines->line, "\xef\xbb\xbf", 3) == 0)
		lines->line += 3;
	if (end - lines->line > LINE_BYTES_MAX)
		return lines_error(lines, lines->line, "the line is longer than %d bytes",
				   LINE_BYTES_MAX);
	lines->at = end < lines->end ? end + 1 : end;
	nul = memchr(lines->line, '\0', (size_t)(end - lines->line));
	if (nul)
		return lines_error(lines, nul, "a NUL byte: this is not a text file");
	if (end > lines->line && end[-1] == '\r')
		end--;
	*end = '\0';
	return 1;
}

uint32_t lines_column(const struct lines *lines, const char *at)
{
	uint32_t column = 1;

	/* Continuation bytes of UTF-8 begin no character. */
	for (const char *byte = lines->line; byte < at; byte++)
		column += ((unsigned char)*byte & 0xc0) != 0x80;
	return column;
}

static int report(const char *name, uint32_t line, uint32_t column, const char *format,
		  va_list args)
{
	char text[512];

	vsnprintf(text, sizeof(text), format, args);
	return log_fail(-EINVAL, "%s:%u:%u: %s", name, line, column, text);
}

int lines_error(const struct lines *lines, const char *at, const char *format, ...)
{
	va_list args;
	int err;

	va_start(args, format);
	err = report(lines->name, lines->number, lines_column(lines, at), format, args);
	va_end(args);
	return err;
}

int lines_error_at(const char *name, uint32_t line, uint32_t column, const char *format, ...)
{
	va_list args;
	int err;

	va_start(args, format);
	err = report(name, line, column, format, args);
	va_end(args);
	return err;
}

const char *lines_quote(const char *input, size_t length, char text[static QUOTE_BYTES])
{
	size_t used = 0;

	for (size_t i = 0; i < length; i++) {
		const unsigned char byte = (unsigned char)input[i];

		if (used > QUOTE_BYTES - 12) {
			memcpy(text + used, "...", sizeof("..."));
			return text;
		}
		if (byte < 0x20 || byte >= 0x7f)
			used += (size_t)sprintf(text + used, "\\x%02x", byte);
		else
			text[used++] = (char)byte;
	}
	text[used] = '\0';
	return text;
}
