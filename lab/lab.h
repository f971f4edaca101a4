/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the commands of bgo-lab have in common. */
#ifndef BGO_LAB_H
#define BGO_LAB_H

#define EXIT_USAGE 2

/* One of bgo-lab's commands: argv[0] is its name. Returns the exit code. */
typedef int lab_command(int argc, char **argv);

/* "bgo-lab COMMAND: what; try ...": returns EXIT_USAGE. */
int lab_usage(const char *command, const char *format, ...) __attribute__((format(printf, 2, 3)));

/*
 * The directory that holds scenarios/ and verbs.sh: beside the build directory this program is in,
 * or $BGO_LAB_DIR.
 */
const char *lab_dir(void);

lab_command cmd_list, cmd_run, cmd_up, cmd_shell, cmd_down, cmd_replay, cmd_frames, cmd_flood,
	cmd_pps, cmd_probe, cmd_sandbox;

#endif
