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
	{"list", cmd_list, "", "name every scenario and what it shows, and the labs that are up"},
	{"run", cmd_run,
	 "[NAME|PATTERN...] [--jobs N] [--timeout SECONDS] [--verbose]\n"
	 "                  [--junit FILE | --keep]",
	 "run scenarios, each in namespaces of its own: all, or those named, or like '*restart*'"},
	{"up", cmd_up, "NAME [--interfaces 1|2]",
	 "bring up what scenarios run in, client c0 -- s0 server, to try things by hand"},
	{"shell", cmd_shell, "NAME [--client] [COMMAND...]",
	 "a shell, or a command, in it: at the server, or in the client's network"},
	{"down", cmd_down, "NAME...", "end everything in it and remove it"},
	{"replay", cmd_replay,
	 "FILE.pcap[ng] --rules SAVEFILE [--hook xdp|ingress|egress]\n"
	 "                     [--method test-run|veth] [--max-rules N] [--json | --expect FILE]\n"
	 "                     [--write-drops FILE.pcap]",
	 "say for each packet of a capture what the firewall does with it"},
	{"frames", cmd_frames, "FILE.pcap FRAME...",
	 "write a capture of frames, for replay; a FRAME is as for probe"},
	{"flood", cmd_flood,
	 "--interface IF --destination ADDRESS --to-mac MAC\n"
	 "                    {--source CIDR | --numbers FIRST+COUNT}...\n"
	 "                    [--port N] [--pps N] [--seconds N] [--json]",
	 "send UDP packets from many sources, as fast as the machine can"},
	{"pps", cmd_pps, "", "measure packets per second through XDP and TC (information only)"},
	{"probe", cmd_probe, "--from [NETNS/]IF --to [NETNS/]IF [--expect passed|dropped] FRAME...",
	 "send frames and say which arrived; a FRAME is like\n"
	 "        'src=192.0.2.1 dst=192.0.2.2 proto=udp dport=53', `bgo-lab probe` lists the "
	 "words"},
	{"sandbox", cmd_sandbox, "COMMAND...", "run a command in namespaces of its own"},
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
	if (!*dir)
		snprintf(dir, sizeof(dir), "%s/../lab", getenv("BGO_BUILD_DIR"));
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
