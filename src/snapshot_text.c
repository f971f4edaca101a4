/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Snapshots as text: see snapshot_text.h. */
#include "snapshot_text.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <zlib.h>

#include "cleanup.h"
#include "lines.h"
#include "log.h"
#include "ruleset_text.h"
#include "store.h"

#define END_FORMAT "# end of snapshot, crc32 %08x\n"
#define END_BYTES 64

static uint32_t checksum(const char *text, size_t bytes)
{
	return (uint32_t)crc32_z(0, (const unsigned char *)text, bytes);
}

static int write_text(const struct store *store, FILE *out)
{
	char path[QUOTE_BYTES];

	fprintf(out,
		"# bgo snapshot, store %016" PRIx64 " generation %" PRIu64 " max-rules %u, of %s\n",
		store_id(store), store_generation(store), store_max_rules(store),
		lines_quote(store_pin_path(store), strlen(store_pin_path(store)), path));
	return ruleset_text_save(store, out);
}

int snapshot_text_write(const struct store *store, char **text, size_t *bytes)
{
	_cleanup_free_ char *written = NULL;
	size_t length;
	FILE *out = open_memstream(&written, &length);
	int err;

	if (!out)
		return -errno;
	err = write_text(store, out);
	if (!err) /* and flushed: the text is there */
		fprintf(out, END_FORMAT, checksum(written, length));
	if (fclose(out) && !err)
		err = -errno;
	if (err)
		return err;
	*text = take(written);
	*bytes = length;
	return 0;
}

int snapshot_text_label(const char *text, size_t bytes, struct snapshot_label *label)
{
	char line[SNAPSHOT_LABEL_BYTES];
	struct snapshot_label read;
	int length = 0;

	snprintf(line, sizeof(line), "%.*s", (int)(bytes < sizeof(line) ? bytes : sizeof(line) - 1),
		 text);
	if (sscanf(line,
		   "# bgo snapshot, store %16" SCNx64 " generation %20" SCNu64
		   " max-rules %10u, of %n",
		   &read.store_id, &read.generation, &read.max_rules, &length) != 3 ||
	    !length || memchr(line, '\n', (size_t)length) || read.max_rules > STORE_MAX_MAX_RULES)
		return -EINVAL;
	*label = read;
	return 0;
}

static uint32_t count_lines(const char *text, size_t bytes)
{
	uint32_t lines = 0;

	for (size_t i = 0; i < bytes; i++)
		lines += text[i] == '\n';
	return lines;
}

int snapshot_text_check(const char *text, size_t bytes, const char *file,
			struct snapshot_label *label)
{
	const char *last = bytes ? memrchr(text, '\n', bytes - 1) : NULL;
	const size_t before = last ? (size_t)(last + 1 - text) : 0;
	const uint32_t line = count_lines(text, before) + 1;
	unsigned int found;
	char end[END_BYTES];

	if (snapshot_text_label(text, bytes, label))
		return lines_error_at(file, 1, 1, "this is not the first line of a snapshot");
	snprintf(end, sizeof(end), "%.*s", (int)(bytes - before), text + before);
	if (text[bytes - 1] != '\n' || sscanf(end, "# end of snapshot, crc32 %8x", &found) != 1)
		return lines_error_at(file, line, 1, "it is cut off: the checksum is missing");
	snprintf(end, sizeof(end), END_FORMAT, checksum(text, before));
	if (bytes - before != strlen(end) || memcmp(text + before, end, bytes - before) != 0)
		return lines_error_at(file, line, 1,
				      "the checksum is not that of the lines above: the file was "
				      "damaged or changed");
	return 0;
}

int snapshot_text_name(const char *pin_path, char name[static NAME_MAX + 1])
{
	static const char plain[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
				    "0123456789_.";
	static const char suffix[] = ".bgo";
	char *at = name;

	pin_path += strspn(pin_path, "/");
	for (; *pin_path; pin_path++) {
		if (name + NAME_MAX - at < 3 + (int)sizeof(suffix))
			return -ENAMETOOLONG;
		if (*pin_path == '/')
			*at++ = '-';
		else if (strchr(plain, *pin_path) && (*pin_path != '.' || at != name))
			*at++ = *pin_path;
		else
			at += sprintf(at, "%%%02X", (unsigned char)*pin_path);
	}
	strcpy(at, suffix);
	return 0;
}
