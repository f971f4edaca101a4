/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What `describe`, a program that only the build runs, makes of the tables of commands and options:
 * the generated parts of the manual pages, and completion for bash and zsh. So they cannot say
 * anything else than the programs themselves.
 */
#ifndef BGO_DESCRIBE_H
#define BGO_DESCRIBE_H

#include <stddef.h>
#include <stdio.h>

struct command;
struct option_spec;

/*
 * Copies a manual page, in man(7), to standard output; lines that begin with @ are replaced:
 *
 *   @title NAME DATE   the title, with the version
 *   @overview          every command of bgo
 *   @commands WORD     those that begin with WORD: usage, text, options, examples
 *   @lab               every command of bgo-lab
 *
 * 0, or negative errno, told.
 */
int describe_man(FILE *page, const char *name);

void describe_bash(void);
void describe_zsh(void);

/* What an argument is, as far as a shell can offer something for it. */
enum argument_kind {
	ARGUMENT_NONE,	    /* a flag */
	ARGUMENT_OTHER,	    /* numbers, addresses, words of one's own */
	ARGUMENT_WORDS,	    /* a choice */
	ARGUMENT_INTERFACE, /* a network interface */
	ARGUMENT_FILE,
	ARGUMENT_DIRECTORY,
};

/* And, of a choice, its words separated by blanks, in `words`. */
enum argument_kind describe_argument(const struct command *command, const struct option_spec *spec,
				     char *words, size_t size);

#endif
