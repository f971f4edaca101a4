/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What a command is. Each cmd_*.c defines one or more of these, declared at the end of this file
 * and listed in command.c's table; main() finds the command, parses its options into its struct,
 * has it check them, checks capabilities, runs it, closes standard output and maps the result to an
 * exit code:
 *
 *   0 done | 1 failed (any negative errno) | 2 wrong usage (COMMAND_USAGE)
 */
#ifndef BGO_COMMAND_H
#define BGO_COMMAND_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct option_spec;

/* What prepare() and run() return after command_usage(); outside the range of errno. */
#define COMMAND_USAGE (-4096)

/* Capabilities a command cannot work without, checked once, before run(). */
#define COMMAND_NEEDS_BPF 1u	   /* CAP_BPF */
#define COMMAND_NEEDS_NET_ADMIN 2u /* CAP_NET_ADMIN */

/* The options every command has: the first member of each command's options struct. */
struct common_options {
	const char *pin_path; /* never NULL */
	bool json, quiet;
	uint64_t given;	       /* bit n: options[n] of the command's table was given */
	bool needs_capability; /* true; prepare() clears it for what anybody may do */
	char *file_texts;      /* what texts of a --config file are in, or NULL; main() frees it */
};

struct command {
	const char *name;		   /* "firewall-server start" */
	const char *alias;		   /* "start", or NULL */
	const char *summary;		   /* one line for `bgo help` */
	const char *usage;		   /* what follows the name in the usage line */
	const char *details;		   /* paragraphs of the help text, or NULL */
	const char *examples;		   /* lines of it, each ends in a newline */
	const struct option_spec *options; /* ends with an all-zero row */
	size_t options_size;		   /* of the struct the table's offsets point into */
	/* What --action may be, by position, NULL behind the last. NULL: there is no --action. */
	const char *(*action)(size_t position);
	unsigned int capabilities;
	/*
	 * Checks the options together and may complete them. 0, COMMAND_USAGE, or negative errno;
	 * needs no privilege and has no effect. NULL: nothing to check.
	 */
	int (*prepare)(void *options);
	/* Does it. 0, COMMAND_USAGE, or negative errno, logged. */
	int (*run)(const void *options);
};

/* Logs what is wrong and what to type for help. Returns COMMAND_USAGE. */
int command_usage(const struct command *command, const char *format, ...)
	__attribute__((format(printf, 2, 3)));
/* The help text, on standard output. */
void command_help(const struct command *command);

/* All of them, NULL behind the last: what main() looks in, and manuals and completions are made of.
 */
extern const struct command *const command_table[];

extern const struct command cmd_server_start;
extern const struct command cmd_server_status;
extern const struct command cmd_server_detach;
extern const struct command cmd_server_cleanup_maps;
extern const struct command cmd_update;
extern const struct command cmd_ratelimit;
extern const struct command cmd_lvs_add;
extern const struct command cmd_lvs_remove;
extern const struct command cmd_lvs_list;
extern const struct command cmd_lvs_set;
extern const struct command cmd_lvs_enable;
extern const struct command cmd_lvs_disable;
extern const struct command cmd_lvs_drain;
extern const struct command cmd_lvs_status;
extern const struct command cmd_lvs_stats;
extern const struct command cmd_lvs_cleanup;
extern const struct command cmd_lvs_debug;

#endif
