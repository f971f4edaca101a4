/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Command line options, declared as one table per command: name, kind, argument, help text and
 * where in the command's struct the value goes. From that table come parsing, error texts with
 * suggestions, and help.
 *
 *   struct start_options {
 *           struct common_options common;            always first
 *           struct option_texts interfaces;
 *           struct option_value mode, max_rules;
 *   };
 *   static const struct option_spec start_table[] = {
 *           OPTION(struct start_options, interfaces, TEXTS, "interface", "IF", "attach to IF; may
 * be repeated"), OPTION(struct start_options, mode, CHOICE, "mode", "auto|native|generic", "how XDP
 * is attached"), OPTION_RANGE(struct start_options, max_rules, COUNT, "max-rules", "N", "...", 1, 1
 * << 24), OPTIONS_COMMON, {0},
 *   };
 */
#ifndef BGO_OPTIONS_H
#define BGO_OPTIONS_H

#include <stddef.h>

#include "command.h"
#include "store.h"

/* Kind of an option and type of its target in the command's struct. */
enum option_kind {
	OPTION_FLAG,	 /* bool: no argument */
	OPTION_TEXT,	 /* const char *: any text; NULL when not given */
	OPTION_PATH,	 /* const char *: an absolute path; NULL when not given */
	OPTION_TEXTS,	 /* struct option_texts: may be given several times */
	OPTION_COUNT,	 /* struct option_value: digits, min..max */
	OPTION_QUANTITY, /* struct option_value: digits and K, M or G (powers of 1000), min..max */
	OPTION_CHOICE,	 /* struct option_value: one of the words of `argument`, by its position */
};

struct option_value {
	bool given;
	uint64_t value;
};

#define OPTION_TEXTS_MAX 64
struct option_texts {
	size_t count;
	const char *items[OPTION_TEXTS_MAX];
};

struct option_spec {
	const char *name;     /* without the dashes */
	const char *argument; /* as help shows it; for a choice the words, separated by | */
	const char *help;
	enum option_kind kind;
	size_t offset;	   /* of the target */
	uint64_t min, max; /* of a COUNT or QUANTITY */
};

#define OPTION_RANGE(type, member, kind, name, argument, help, min, max)                           \
	{                                                                                          \
		name, argument, help, OPTION_##kind, offsetof(type, member), min, max              \
	}
#define OPTION(type, member, kind, name, argument, help)                                           \
	OPTION_RANGE(type, member, kind, name, argument, help, 0, UINT64_MAX)

/* Rows for what every command takes. */
#define OPTIONS_COMMON                                                                             \
	OPTION(struct common_options, pin_path, PATH, "pin-path", "DIR",                           \
	       "where the maps are pinned (default " STORE_DEFAULT_PIN_PATH ")"),                  \
		OPTION(struct common_options, json, FLAG, "json", NULL,                            \
		       "print one JSON document"),                                                 \
		OPTION(struct common_options, quiet, FLAG, "quiet", NULL,                          \
		       "print errors and asked-for data only")

/*
 * Parses argv (argv[0] is the command's last word) into `options`, the command's zeroed struct. 0
 * or COMMAND_USAGE, logged. Texts point into argv.
 */
int options_parse(const struct command *command, int argc, char **argv, void *options);

/*
 * Stores the text of the option in that row of the command's table where the row says, and notes
 * that it was given. `where` begins errors: "--mode". 0 or COMMAND_USAGE, logged.
 */
int options_take(const struct command *command, int row, const char *where, const char *text,
		 void *options);

/*
 * That every option named in `needed` was given, and none but those in `needed` and `allowed` and
 * the common ones; both are names separated by blanks. `what` says what needs them ("--action
 * add"). 0 or COMMAND_USAGE.
 */
int options_check(const struct command *command, const void *options, const char *what,
		  const char *needed, const char *allowed);

/*
 * Digits and, when `suffixes`, an optional K, M or G: 0 or -EINVAL (not a number), -ERANGE; *out
 * untouched then.
 */
int options_parse_number(const char *text, bool suffixes, uint64_t *out);

/* Where help texts begin, those in a command's details too. */
#define OPTIONS_HELP_COLUMN 26
/* Aligned lines of what the table declares, for help, on standard output. */
void options_help(const struct option_spec *table);

/*
 * For "did you mean ...?": whether `name` could be what was meant and is nearer than *best, the
 * distance of the nearest so far (SIZE_MAX: none), which it then becomes.
 */
bool options_nearer(const char *typed, const char *name, size_t *best);
/* The option of the table that could be what was meant, or NULL. */
const char *options_nearest(const struct option_spec *table, const char *typed);

#endif
