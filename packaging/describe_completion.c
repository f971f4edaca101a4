/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Completion for bash and zsh: see describe.h. What a shell has to know of bgo is printed as its
 * own `case` and lists; how it completes is the text around them.
 */
#include "describe.h"

#include <stdbool.h>
#include <string.h>

#include "../src/command.h"
#include "../src/options.h"

#define WORDS_BYTES 512
#define NAME_BYTES 64
#define NAMES_MAX 128

/* Every name and alias of a command, of one word or two. */
struct names {
	size_t count;
	struct name {
		const char *text;
		const struct command *command;
	} all[NAMES_MAX];
};

static void names_collect(struct names *names)
{
	*names = (struct names){0};
	for (size_t i = 0; command_table[i] && names->count + 2 <= NAMES_MAX; i++) {
		const struct command *command = command_table[i];

		names->all[names->count++] = (struct name){command->name, command};
		if (command->alias)
			names->all[names->count++] = (struct name){command->alias, command};
	}
}

static size_t first_length(const char *name)
{
	return strcspn(name, " ");
}

static bool same_first(const char *a, const char *b)
{
	return first_length(a) == first_length(b) && memcmp(a, b, first_length(a)) == 0;
}

/* Whether the first word of this name was that of one before it. */
static bool first_is_known(const struct names *names, size_t position)
{
	for (size_t i = 0; i < position; i++)
		if (same_first(names->all[i].text, names->all[position].text))
			return true;
	return false;
}

static const char *second_word(const char *name)
{
	const char *blank = strchr(name, ' ');

	return blank ? blank + 1 : NULL;
}

/* -- bash -- */

/* "name|alias": what a case of the shell matches. */
static void bash_pattern(const struct command *command)
{
	printf("\t'%s'", command->name);
	if (command->alias)
		printf(" | '%s'", command->alias);
	puts(")");
}

static void bash_options(void)
{
	puts("# What a command takes.\n_bgo_options() {\n\tcase $1 in");
	for (size_t i = 0; command_table[i]; i++) {
		bash_pattern(command_table[i]);
		fputs("\t\techo '", stdout);
		for (const struct option_spec *spec = command_table[i]->options; spec->name; spec++)
			printf("--%s ", spec->name);
		puts("--help'\n\t\t;;");
	}
	puts("\tesac\n}\n");
}

static void bash_value(const struct command *command, const struct option_spec *spec)
{
	static const char *const ways[] = {
		[ARGUMENT_OTHER] = ":",
		[ARGUMENT_INTERFACE] = "_bgo_interfaces",
		[ARGUMENT_FILE] = "_bgo_paths -f",
		[ARGUMENT_DIRECTORY] = "_bgo_paths -d",
	};
	char words[WORDS_BYTES];
	const enum argument_kind kind = describe_argument(command, spec, words, sizeof(words));

	if (kind == ARGUMENT_NONE)
		return;
	printf("\t\t--%s) ", spec->name);
	if (kind == ARGUMENT_WORDS)
		printf("_bgo_words '%s'", words);
	else
		fputs(ways[kind], stdout);
	puts(" ;;");
}

static void bash_values(void)
{
	puts("# What an option of a command may be; fails when that takes no value.\n"
	     "_bgo_value() {\n\tcase $1 in");
	for (size_t i = 0; command_table[i]; i++) {
		bash_pattern(command_table[i]);
		puts("\t\tcase $2 in");
		for (const struct option_spec *spec = command_table[i]->options; spec->name; spec++)
			bash_value(command_table[i], spec);
		puts("\t\t*) return 1 ;;\n\t\tesac\n\t\t;;");
	}
	puts("\t*) return 1 ;;\n\tesac\n}\n");
}

/* First words, and for those that have any the second ones. */
static void bash_commands(const struct names *names)
{
	const struct name *all = names->all;

	fputs("_bgo_first='help version", stdout);
	for (size_t i = 0; i < names->count; i++)
		if (!first_is_known(names, i))
			printf(" %.*s", (int)first_length(all[i].text), all[i].text);
	puts("'\n\n# The second words of a first one that has any.\n_bgo_second() {\n\tcase $1 in");
	for (size_t i = 0; i < names->count; i++) {
		if (!second_word(all[i].text) || first_is_known(names, i))
			continue;
		printf("\t'%.*s') echo '", (int)first_length(all[i].text), all[i].text);
		for (size_t j = i; j < names->count; j++)
			if (same_first(all[j].text, all[i].text))
				printf("%s%s", j == i ? "" : " ", second_word(all[j].text));
		puts("' ;;");
	}
	puts("\tesac\n}\n");
}

void describe_bash(void)
{
	struct names names;

	names_collect(&names);
	puts("# Completion of bgo for bash; made from bgo's own tables.\n# shellcheck "
	     "shell=bash\n");
	bash_commands(&names);
	bash_options();
	bash_values();
	puts("_bgo_words() {\n"
	     "\tmapfile -t COMPREPLY < <(compgen -W \"$1\" -- \"$cur\")\n"
	     "}\n\n"
	     "_bgo_interfaces() {\n"
	     "\t_bgo_words \"$(cd /sys/class/net && echo *)\"\n"
	     "}\n\n"
	     "_bgo_paths() {\n"
	     "\tcompopt -o filenames 2>/dev/null\n"
	     "\tmapfile -t COMPREPLY < <(compgen \"$1\" -- \"$cur\")\n"
	     "}\n\n"
	     "_bgo() {\n"
	     "\tlocal cur=${COMP_WORDS[COMP_CWORD]} previous=${COMP_WORDS[COMP_CWORD - 1]}\n"
	     "\tlocal first=1 command seconds\n"
	     "\tCOMPREPLY=()\n"
	     "\t# --mode=native is three words for bash.\n"
	     "\tif [[ $cur == = ]]; then\n"
	     "\t\tcur=\n"
	     "\telif [[ $previous == = ]]; then\n"
	     "\t\tprevious=${COMP_WORDS[COMP_CWORD - 2]}\n"
	     "\tfi\n"
	     "\t[[ ${COMP_WORDS[1]} != help ]] || first=2\n"
	     "\tif ((COMP_CWORD == first)); then\n"
	     "\t\t_bgo_words \"$_bgo_first\"\n"
	     "\t\treturn\n"
	     "\tfi\n"
	     "\tcommand=${COMP_WORDS[first]}\n"
	     "\tseconds=$(_bgo_second \"$command\")\n"
	     "\tif [[ $seconds ]]; then\n"
	     "\t\tif ((COMP_CWORD == first + 1)); then\n"
	     "\t\t\t_bgo_words \"$seconds\"\n"
	     "\t\t\treturn\n"
	     "\t\tfi\n"
	     "\t\tcommand+=\" ${COMP_WORDS[first + 1]}\"\n"
	     "\tfi\n"
	     "\t((first == 1)) || return\n"
	     "\t[[ $previous == --* ]] && _bgo_value \"$command\" \"$previous\" && return\n"
	     "\t_bgo_words \"$(_bgo_options \"$command\")\"\n"
	     "}\n"
	     "complete -F _bgo bgo");
}

/* -- zsh -- */

/* In single quotes within _arguments' [...]: what would end either is left out or escaped. */
static void zsh_text(const char *text)
{
	for (; *text; text++) {
		if (*text == '\'')
			fputs("'\\''", stdout);
		else if (*text == '[' || *text == ']' || *text == ':' || *text == '\\')
			printf("\\%c", *text);
		else
			putchar(*text == '\n' ? ' ' : *text);
	}
}

static void zsh_option(const struct command *command, const struct option_spec *spec)
{
	static const char *const ways[] = {
		[ARGUMENT_OTHER] = " ",
		[ARGUMENT_INTERFACE] = "_bgo_interfaces",
		[ARGUMENT_FILE] = "_files",
		[ARGUMENT_DIRECTORY] = "_files -/",
	};
	char words[WORDS_BYTES];
	const enum argument_kind kind = describe_argument(command, spec, words, sizeof(words));

	printf(" \\\n\t\t'%s--%s%s[", spec->kind == OPTION_TEXTS ? "*" : "", spec->name,
	       kind == ARGUMENT_NONE ? "" : "=");
	zsh_text(spec->help);
	putchar(']');
	if (kind != ARGUMENT_NONE) {
		putchar(':');
		zsh_text(spec->argument);
		putchar(':');
		if (kind == ARGUMENT_WORDS)
			printf("(%s)", words);
		else
			fputs(ways[kind], stdout);
	}
	putchar('\'');
}

static void zsh_row(const char *name, const char *summary)
{
	printf("\t\t'%s:", name);
	zsh_text(summary);
	puts("'");
}

static void zsh_first(const struct names *names)
{
	puts("_bgo_first() {\n\tlocal -a commands=(");
	for (size_t i = 0; i < names->count; i++) {
		const char *text = names->all[i].text;
		char first[NAME_BYTES];

		if (first_is_known(names, i))
			continue;
		snprintf(first, sizeof(first), "%.*s", (int)first_length(text), text);
		zsh_row(first,
			second_word(text) ? "several commands" : names->all[i].command->summary);
	}
	zsh_row("help", "what a command does");
	zsh_row("version", "the version");
	puts("\t)\n\t_describe -t commands command commands\n}\n");
}

/* The second words behind the first one of the name at this position. */
static void zsh_group(const struct names *names, size_t position)
{
	const char *text = names->all[position].text;

	printf("\t%.*s)\n\t\tcommands=(\n", (int)first_length(text), text);
	for (size_t i = position; i < names->count; i++)
		if (same_first(names->all[i].text, text))
			zsh_row(second_word(names->all[i].text), names->all[i].command->summary);
	puts("\t\t)\n\t\t;;");
}

static void zsh_second(const struct names *names)
{
	puts("# The second words of a first one that has any; fails when it has none.\n"
	     "_bgo_second() {\n\tlocal -a commands\n\tcase $1 in");
	for (size_t i = 0; i < names->count; i++)
		if (second_word(names->all[i].text) && !first_is_known(names, i))
			zsh_group(names, i);
	puts("\t*) return 1 ;;\n\tesac\n"
	     "\t((CURRENT == 3)) && _describe -t commands command commands\n\treturn 0\n}\n");
}

static void zsh_command(const struct command *command)
{
	printf("\t'%s'", command->name);
	if (command->alias)
		printf(" | '%s'", command->alias);
	fputs(")\n\t\t_arguments -S", stdout);
	for (const struct option_spec *spec = command->options; spec->name; spec++)
		zsh_option(command, spec);
	puts("\n\t\t;;");
}

void describe_zsh(void)
{
	struct names names;

	names_collect(&names);
	puts("#compdef bgo\n# Completion of bgo for zsh; made from bgo's own tables.\n\n"
	     "_bgo_interfaces() {\n"
	     "\tlocal -a interfaces=(/sys/class/net/*(N:t))\n"
	     "\tcompadd -a interfaces\n"
	     "}\n");
	zsh_first(&names);
	zsh_second(&names);
	puts("_bgo_options() {\n\tcase $1 in");
	for (size_t i = 0; command_table[i]; i++)
		zsh_command(command_table[i]);
	puts("\tesac\n}\n\n"
	     "_bgo() {\n"
	     "\tlocal command helps\n"
	     "\tif [[ $CURRENT -gt 2 && $words[2] == help ]]; then\n"
	     "\t\thelps=yes\n"
	     "\t\tshift words\n"
	     "\t\t((CURRENT--))\n"
	     "\tfi\n"
	     "\tif ((CURRENT == 2)); then\n"
	     "\t\t_bgo_first\n"
	     "\t\treturn\n"
	     "\tfi\n"
	     "\tcommand=$words[2]\n"
	     "\tif _bgo_second $command; then\n"
	     "\t\t((CURRENT > 3)) || return\n"
	     "\t\tcommand+=\" $words[3]\"\n"
	     "\t\tshift words\n"
	     "\t\t((CURRENT--))\n"
	     "\tfi\n"
	     "\t[[ -z $helps ]] || return\n"
	     "\tshift words\n"
	     "\t((CURRENT--))\n"
	     "\t_bgo_options $command\n"
	     "}\n\n"
	     "_bgo \"$@\"");
}
