/* SPDX-License-Identifier: GPL-2.0-or-later */
/* describe: the command line of it, and what its outputs have in common. See describe.h. */
#include "describe.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "../src/cleanup.h"
#include "../src/command.h"
#include "../src/log.h"
#include "../src/options.h"

/* The words of `--action`, which are not in its option's row because some of them exclude others.
 */
static void action_words(const struct command *command, char *words, size_t size)
{
	size_t used = 0;
	const char *name;

	words[0] = '\0';
	for (size_t i = 0; (name = command->action(i)) && used < size; i++)
		used += (size_t)snprintf(words + used, size - used, "%s%s", used ? " " : "", name);
}

static bool names(const char *argument, const char *what)
{
	const char *at = strstr(argument, what);

	return at && (at == argument || at[-1] == '|');
}

enum argument_kind describe_argument(const struct command *command, const struct option_spec *spec,
				     char *words, size_t size)
{
	if (spec->kind == OPTION_FLAG)
		return ARGUMENT_NONE;
	if (command->action && strcmp(spec->name, "action") == 0) {
		action_words(command, words, size);
		return ARGUMENT_WORDS;
	}
	if (spec->kind == OPTION_CHOICE) {
		snprintf(words, size, "%s", spec->argument);
		for (char *at = words; *at; at++)
			if (*at == '|')
				*at = ' ';
		return ARGUMENT_WORDS;
	}
	if (names(spec->argument, "IF"))
		return ARGUMENT_INTERFACE;
	if (names(spec->argument, "FILE"))
		return ARGUMENT_FILE;
	if (names(spec->argument, "DIR"))
		return ARGUMENT_DIRECTORY;
	return ARGUMENT_OTHER;
}

static int usage(void)
{
	fputs("usage: describe (man PAGE | bash | zsh)\n", stderr);
	return 2;
}

static int man(const char *path)
{
	_cleanup_fclose_ FILE *page = fopen(path, "re");

	if (!page)
		return log_error(-errno, "open %s", path);
	return describe_man(page, path);
}

int main(int argc, char **argv)
{
	int err = 0;

	log_program("describe");
	if (argc == 3 && strcmp(argv[1], "man") == 0)
		err = man(argv[2]);
	else if (argc == 2 && strcmp(argv[1], "bash") == 0)
		describe_bash();
	else if (argc == 2 && strcmp(argv[1], "zsh") == 0)
		describe_zsh();
	else
		return usage();
	if (fflush(stdout))
		err = log_error(-errno, "write");
	return err ? EXIT_FAILURE : EXIT_SUCCESS;
}
