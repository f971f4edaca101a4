/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Options from a file, for a service: the same names and values as on the command line, one a line.
 *
 *   # the firewall of this machine
 *   interface = eth0
 *   interface = eth1
 *   mode = native
 *
 * A flag is `yes` or `no`. What the command line gave counts, not what the file says of it.
 */
#ifndef BGO_CONFIG_FILE_H
#define BGO_CONFIG_FILE_H

struct command;

/*
 * Reads the file into `options`, the struct of the command that options_parse() has filled. What
 * is an option of `other` (may be NULL) alone is passed over. 0, COMMAND_USAGE for anything wrong
 * in it, logged with the line, or negative errno, logged.
 */
int config_file_read(const struct command *command, const struct command *other, const char *path,
		     void *options);

#endif
