/* SPDX-License-Identifier: GPL-2.0-or-later */
/* bgo-lab: the table of its commands, and what they share. */
#include <libgen.h>
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "../src/cleanup.h"
#include "../src/log.h"
#include "lab.h"

static const struct {
	const char *name;
	lab_command *function;
	const char *arguments;
	const char *help;
} commands[] = {
#define ROW(name, function, arguments, help) {name, function, arguments, help},
	LAB_COMMANDS(ROW)
#undef ROW
};
#define COMMANDS (sizeof(commands) / sizeof(commands[0]))

int lab_usage(const char *command, const char *format, ...)
{
	va_list args;

	fprintf(stderr, "bgo-lab %s: ", command);
	va_start(args, format);
	vfprintf(stderr, format, args);
	va_end(args);
	fputc('\n', stderr);
	for (size_t i = 0; i < COMMANDS; i++)
		if (!strcmp(commands[i].name, command))
			fprintf(stderr, "usage: bgo-lab %s %s\n", command, commands[i].arguments);
	return EXIT_USAGE;
}

int lab_options(int argc, char **argv, const struct option *known, lab_option *set, void *target)
{
	int option, err;

	opterr = 0;
	while ((option = getopt_long(argc, argv, ":", known, NULL)) != -1) {
		if (option == ':')
			return lab_usage(argv[0], "%s needs a value", argv[optind - 1]);
		if (option == '?')
			return lab_usage(argv[0], "no such option: %s", argv[optind - 1]);
		err = set(target, option, optarg);
		if (err)
			return err;
	}
	return 0;
}

const char *lab_dir(void)
{
	static char dir[PATH_MAX];
	const char *set = getenv("BGO_LAB_DIR");

	if (set)
		return set;
	if (*dir)
		return dir;
	snprintf(dir, sizeof(dir), "%s/../lab", getenv("BGO_BUILD_DIR"));
	if (access(dir, F_OK))
		snprintf(dir, sizeof(dir), "%s/../share/bgo-lab", getenv("BGO_BUILD_DIR"));
	return dir;
}

/* Scenarios type `bgo` and `bgo-lab` as a user does, and get the ones that lie beside this program.
 */
static int export_build_dir(void)
{
	const char *path = getenv("PATH");
	_cleanup_free_ char *new_path = NULL;
	char self[PATH_MAX] = "";
	char *dir;

	if (readlink("/proc/self/exe", self, sizeof(self) - 1) < 0)
		return -errno;
	dir = dirname(self);
	if (asprintf(&new_path, "%s:%s:/usr/sbin:/sbin", dir, path ? path : "/usr/bin:/bin") < 0)
		return -ENOMEM;
	return setenv("PATH", new_path, 1) || setenv("BGO_BUILD_DIR", dir, 1) ? -ENOMEM : 0;
}

static void print_help(FILE *out)
{
	fputs("bgo-lab: the firewall's lab\n\n", out);
	for (size_t i = 0; i < COMMANDS; i++)
		fprintf(out, "    bgo-lab %s %s\n        %s\n", commands[i].name,
			commands[i].arguments, commands[i].help);
	fputs("\nExit codes: 0 done, 1 failed, 2 wrong usage.\n", out);
}

int main(int argc, char **argv)
{
	int err;

	log_program("bgo-lab");
	if (argc >= 2 && (!strcmp(argv[1], "help") || !strcmp(argv[1], "--help"))) {
		print_help(stdout);
		return EXIT_SUCCESS;
	}
	err = export_build_dir();
	if (err) {
		log_error(err, "find own directory");
		return EXIT_FAILURE;
	}
	for (size_t i = 0; argc >= 2 && i < COMMANDS; i++)
		if (!strcmp(commands[i].name, argv[1]))
			return commands[i].function(argc - 1, argv + 1);
	if (argc >= 2)
		fprintf(stderr, "bgo-lab: there is no command \"%s\"\n\n", argv[1]);
	print_help(stderr);
	return EXIT_USAGE;
}
