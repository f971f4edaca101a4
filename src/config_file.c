/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * `option = value` lines through the option table of a command: see config_file.h. Nothing here
 * knows an option by name, so that a new one is one of the file's, too.
 */
#include "config_file.h"

#include <string.h>
#include <sys/stat.h>

#include "lines.h"
#include "log.h"
#include "options.h"

#define WHERE_BYTES 512 /* file, line and option */

struct config_file {
	const struct command *command, *other;
	void *options;
	uint64_t fixed; /* what the command line gave */
	struct lines lines;
	char *room, *room_end; /* for the next value, in the options' file_texts */
};

static char *skip_blanks(char *at)
{
	return at + strspn(at, " \t");
}

/* The options of how a command talks, and of this file, are no settings. */
static bool is_setting(const char *name)
{
	return strcmp(name, "json") && strcmp(name, "quiet") && strcmp(name, "config");
}

/* Its row in the table, or -1. */
static int find_option(const struct option_spec *table, const char *name)
{
	for (int row = 0; table[row].name; row++)
		if (is_setting(name) && strcmp(table[row].name, name) == 0)
			return row;
	return -1;
}

static int unknown_option(const struct config_file *file, const char *name)
{
	const char *nearest = options_nearest(file->command->options, name);
	char quoted[QUOTE_BYTES];

	lines_quote(name, strlen(name), quoted);
	if (nearest && is_setting(nearest))
		return lines_error(&file->lines, file->lines.line,
				   "unknown option '%s' (did you mean %s?)", quoted, nearest);
	return lines_error(&file->lines, file->lines.line, "unknown option '%s'; type: bgo help %s",
			   quoted, file->command->name);
}

static int take_flag(struct config_file *file, int row, const char *where, const char *value)
{
	if (strcmp(value, "yes") == 0)
		return options_take(file->command, row, where, NULL, file->options);
	if (strcmp(value, "no") == 0)
		return 0;
	return command_usage(file->command, "%s: '%s' is none of yes|no", where, value);
}

static int take_value(struct config_file *file, int row, const char *value)
{
	const struct option_spec *spec = &file->command->options[row];
	char where[WHERE_BYTES];

	if (file->fixed >> row & 1)
		return 0;
	snprintf(where, sizeof(where), "%s:%u: %s", file->lines.name, file->lines.number,
		 spec->name);
	if (spec->kind == OPTION_FLAG)
		return take_flag(file, row, where, value);
	if (strlen(value) >= (size_t)(file->room_end - file->room))
		return log_fail(-EBUSY, "read %s: it grew meanwhile", file->lines.name);
	value = strcpy(file->room, value);
	file->room += strlen(value) + 1;
	return options_take(file->command, row, where, value, file->options);
}

/* Cuts what is behind the last character that is no blank. */
static void trim(char *text)
{
	size_t length = strlen(text);

	while (length && (text[length - 1] == ' ' || text[length - 1] == '\t'))
		text[--length] = '\0';
}

static int take_line(struct config_file *file)
{
	char *name = skip_blanks(file->lines.line), *equals, *value;
	int row;

	if (!*name || *name == '#')
		return 0;
	equals = strchr(name, '=');
	if (!equals)
		return lines_error(&file->lines, name, "this is not a line `option = value`");
	*equals = '\0';
	value = skip_blanks(equals + 1);
	trim(name);
	trim(value);
	row = find_option(file->command->options, name);
	if (row < 0 && file->other && find_option(file->other->options, name) >= 0)
		return 0;
	if (row < 0)
		return unknown_option(file, name);
	if (!*value)
		return lines_error(&file->lines, value, "%s has no value", name);
	return take_value(file, row, value);
}

static int take_lines(struct config_file *file)
{
	int more, err = 0;

	while (!err && (more = lines_next(&file->lines)) != 0)
		err = more < 0 ? more : take_line(file);
	/* Whatever is wrong in the file is a mistake of who wrote it, like one on a command line.
	 */
	return err == -EINVAL ? COMMAND_USAGE : err;
}

int config_file_read(const struct command *command, const struct command *other, const char *path,
		     void *options)
{
	struct common_options *common = options;
	_cleanup_fclose_ FILE *input = fopen(path, "re");
	struct config_file file = {
		.command = command,
		.other = other,
		.options = options,
		.fixed = common->given,
	};
	struct stat info;
	size_t size;
	int err;

	if (!input || fstat(fileno(input), &info))
		return log_error(-errno, "%s: read %s", command->name, path);
	if (!S_ISREG(info.st_mode))
		return log_fail(-EINVAL, "%s: read %s: it is not a file", command->name, path);
	/* Values are parts of lines with their end cut off, so they fit. */
	size = (size_t)info.st_size + 2;
	common->file_texts = file.room = malloc(size);
	if (!file.room)
		return log_error(-ENOMEM, "%s: read %s", command->name, path);
	file.room_end = file.room + size;
	err = lines_open(&file.lines, input, path);
	if (err)
		return err;
	err = take_lines(&file);
	lines_close(&file.lines);
	return err;
}
