/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the commands of bgo-lab have in common. */
#ifndef BGO_LAB_H
#define BGO_LAB_H

#include <getopt.h>
#include <stdint.h>
#include <time.h>

#define EXIT_USAGE 2

/* One of bgo-lab's commands: argv[0] is its name. Returns the exit code. */
typedef int lab_command(int argc, char **argv);

/* "bgo-lab COMMAND: what; try ...": returns EXIT_USAGE. */
int lab_usage(const char *command, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* Takes one option of a command, `option` being its val. 0, or EXIT_USAGE, said. */
typedef int lab_option(void *target, int option, const char *value);

/* Gives each option of the command line to `set`; optind is then at its first word. 0 or
 * EXIT_USAGE. */
int lab_options(int argc, char **argv, const struct option *known, lab_option *set, void *target);

/* Nanoseconds that no step of the wall clock changes. */
static inline uint64_t monotonic_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec;
}

/*
 * The directory that holds scenarios/ and verbs.sh: beside the build directory this program is in,
 * or $BGO_LAB_DIR.
 */
const char *lab_dir(void);

lab_command cmd_list, cmd_run, cmd_up, cmd_shell, cmd_down, cmd_replay, cmd_frames, cmd_flood,
	cmd_pps, cmd_probe, cmd_sandbox;

#endif
