/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Manual pages: see describe.h. Help texts are plain text, so what roff would take for its own is
 * escaped. */
#include "describe.h"

#include <errno.h>
#include <stdbool.h>
#include <string.h>

#include "../lab/lab.h"
#include "../src/cleanup.h"
#include "../src/command.h"
#include "../src/log.h"
#include "../src/options.h"

/* -- Text -- */

/* One line, with runs of blanks as one; `code` is bold. */
static void put(const char *text, size_t length)
{
	bool bold = false, blank = false;

	for (size_t i = 0; i < length; i++) {
		const char byte = text[i];

		if (byte == ' ' || byte == '\n') {
			blank = i > 0;
			continue;
		}
		if (blank)
			putchar(' ');
		if (byte == '`') {
			bold = !bold;
			fputs(bold ? "\\fB" : "\\fP", stdout);
		} else if (byte == '-') {
			fputs("\\-", stdout);
		} else if (byte == '\\') {
			fputs("\\e", stdout);
		} else if (byte == '\'') {
			fputs("\\(aq", stdout);
		} else if (byte == '.' && (i == 0 || blank)) {
			fputs("\\&.", stdout);
		} else {
			putchar(byte);
		}
		blank = false;
	}
	putchar('\n');
}

/* Up to the end or to one of `ends`, within a line of roff's: names and arguments. */
static void put_name(const char *name, const char *ends)
{
	for (; *name && !strchr(ends, *name); name++)
		if (*name == '-')
			fputs("\\-", stdout);
		else
			putchar(*name);
}

static void put_all(const char *text)
{
	put(text, strlen(text));
}

/* Without its end, for the next line of a text; NULL behind the last. */
static const char *next_line(const char *line, size_t *length)
{
	*length = strcspn(line, "\n");
	return *line ? line : NULL;
}

static const char *after(const char *line, size_t length)
{
	return line + length + (line[length] == '\n');
}

static size_t indentation(const char *line)
{
	return strspn(line, " ");
}

/* "  add --type T             what it does": the term, and what stands beside it. */
static void put_term(const char *line, size_t length)
{
	const size_t begin = indentation(line);
	size_t end = length;
	char term[256];

	if (length > OPTIONS_HELP_COLUMN && line[OPTIONS_HELP_COLUMN - 1] == ' ' &&
	    line[OPTIONS_HELP_COLUMN - 2] == ' ')
		end = OPTIONS_HELP_COLUMN;
	printf(".TP\n\\fB");
	while (end > begin && line[end - 1] == ' ')
		end--;
	snprintf(term, sizeof(term), "%.*s", (int)(end - begin), line + begin);
	put_name(term, "");
	fputs("\\fP\n", stdout);
	if (length > OPTIONS_HELP_COLUMN && end < OPTIONS_HELP_COLUMN)
		put(line + OPTIONS_HELP_COLUMN, length - OPTIONS_HELP_COLUMN);
}

/*
 * Paragraphs as help shows them: text from the margin on; a little indented, terms with what they
 * mean in the column of help, as of options.
 */
static void put_paragraphs(const char *text)
{
	bool begins = true;
	size_t length;

	for (const char *line = text; (line = next_line(line, &length));
	     line = after(line, length)) {
		const size_t indent = indentation(line);

		if (indent >= length) {
			begins = true;
		} else if (indent >= OPTIONS_HELP_COLUMN) {
			put(line + indent, length - indent);
		} else if (indent) {
			put_term(line, length);
			begins = true;
		} else {
			if (begins)
				puts(".PP");
			begins = false;
			put(line, length);
		}
	}
}

static void put_examples(const char *text)
{
	size_t length;

	puts(".PP\nExamples:\n.PP\n.RS\n.EX");
	for (const char *line = text; (line = next_line(line, &length)); line = after(line, length))
		put(line + indentation(line), length - indentation(line));
	puts(".EE\n.RE");
}

/* -- Commands of bgo -- */

static void put_option(const struct option_spec *spec)
{
	printf(".TP\n\\fB\\-\\-");
	put_name(spec->name, "");
	fputs("\\fP", stdout);
	if (spec->argument) {
		fputs(" \\fI", stdout);
		put_name(spec->argument, "");
		fputs("\\fP", stdout);
	}
	putchar('\n');
	put_all(spec->help);
}

/* The first line of a usage is behind the command's name; further ones are whole. */
static void put_usage(const struct command *command)
{
	const char *usage = command->usage;
	size_t length = strcspn(usage, "\n");

	printf("\\fBbgo ");
	put_name(command->name, "");
	fputs("\\fP ", stdout);
	put(usage, length);
	for (usage = after(usage, length); (usage = next_line(usage, &length));
	     usage = after(usage, length)) {
		puts(".br");
		put(usage + indentation(usage), length - indentation(usage));
	}
	if (command->alias)
		printf(".PP\nShort: \\fBbgo %s\\fP\n", command->alias);
}

static void put_command(const struct command *command)
{
	printf(".SS ");
	put_all(command->name);
	put_usage(command);
	printf(".PP\n");
	put_all(command->summary);
	if (command->details)
		put_paragraphs(command->details);
	puts(".PP\nOptions:");
	for (const struct option_spec *spec = command->options; spec->name; spec++)
		put_option(spec);
	put_examples(command->examples);
}

static int put_commands(const char *word)
{
	const size_t length = strlen(word);
	int count = 0;

	for (size_t i = 0; command_table[i]; i++) {
		const char *name = command_table[i]->name;

		if (strncmp(name, word, length) || (name[length] && name[length] != ' '))
			continue;
		put_command(command_table[i]);
		count++;
	}
	return count ? 0 : log_fail(-EINVAL, "no command begins with '%s'", word);
}

static void put_overview(void)
{
	for (size_t i = 0; command_table[i]; i++) {
		const struct command *command = command_table[i];

		printf(".TP\n\\fBbgo ");
		put_name(command->name, "");
		fputs("\\fP", stdout);
		if (command->alias)
			printf(", \\fBbgo %s\\fP", command->alias);
		putchar('\n');
		put_all(command->summary);
		printf("(see \\fBbgo\\-");
		put_name(command->name, " ");
		puts("\\fP(8))");
	}
}

/* -- Commands of bgo-lab -- */

static void put_lab(void)
{
#define ROW(name, function, arguments, help) {name, arguments, help},
	static const struct {
		const char *name, *arguments, *help;
	} commands[] = {LAB_COMMANDS(ROW)};
#undef ROW

	for (size_t i = 0; i < sizeof(commands) / sizeof(commands[0]); i++) {
		printf(".TP\n\\fBbgo\\-lab %s\\fP ", commands[i].name);
		put_all(commands[i].arguments);
		put_all(commands[i].help);
	}
}

/* -- Pages -- */

static int put_title(char *arguments)
{
	char *date = strchr(arguments, ' ');

	if (!date)
		return log_fail(-EINVAL, "@title needs a name and a date");
	*date++ = '\0';
	printf(".TH %s 8 %s \"bgo %s\" \"System Administration\"\n", arguments, date, BGO_VERSION);
	return 0;
}

static int put_directive(char *line)
{
	char *arguments = line + strcspn(line, " ");

	if (*arguments)
		*arguments++ = '\0';
	if (strcmp(line, "@title") == 0)
		return put_title(arguments);
	if (strcmp(line, "@commands") == 0)
		return put_commands(arguments);
	if (strcmp(line, "@overview") == 0)
		put_overview();
	else if (strcmp(line, "@lab") == 0)
		put_lab();
	else
		return log_fail(-EINVAL, "no such directive: %s", line);
	return 0;
}

int describe_man(FILE *page, const char *name)
{
	_cleanup_free_ char *line = NULL;
	size_t size = 0;
	ssize_t length;
	int err = 0;

	while (!err && (length = getline(&line, &size, page)) > 0) {
		if (line[0] != '@') {
			fputs(line, stdout);
			continue;
		}
		line[length - 1] = '\0';
		err = put_directive(line);
	}
	return err ? log_fail(err, "%s: the page was not made", name) : 0;
}
