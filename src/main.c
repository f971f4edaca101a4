/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The command line: finds the command in the table, runs it, and turns its result into an exit
 * code. No command exits by itself.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <linux/capability.h>

#include "cleanup.h"
#include "command.h"
#include "log.h"
#include "options.h"
#include "output.h"

#define GROUP_BYTES 256 /* the second words of a group's commands */

enum exit_code { EXIT_DONE = 0, EXIT_FAILED = 1, EXIT_USAGE = 2 };

/*
 * A descriptor of 0..2 that was closed before we began must not become a map's: text would be
 * written into it. Opened for the wrong direction, so that using it is still an error.
 */
static int reserve_standard_fds(void)
{
	int fd;

	do {
		fd = open("/dev/null", O_RDWR | O_CLOEXEC);
		if (fd < 0)
			return -errno;
		if (fd == STDIN_FILENO || fd == STDOUT_FILENO) {
			close(fd);
			fd = open("/dev/null", fd == STDIN_FILENO ? O_WRONLY : O_RDONLY);
		}
	} while (fd >= 0 && fd <= STDERR_FILENO);
	close(fd);
	return 0;
}

/* Output that did not arrive is a failure: a full disk must not look like an empty rule set. */
static int close_stdout(void)
{
	const bool failed = ferror(stdout); /* errno of then is gone */
	int err = 0;

	if (fclose(stdout))
		err = -errno;
	else if (failed)
		err = -EIO;
	return err ? log_error(err, "write to standard output") : 0;
}

static int version(int argc, char **argv)
{
	const bool json = argc > 1 && strcmp(argv[1], "--json") == 0;
	_cleanup_output_ struct output *out = NULL;
	int err;

	if (argc > 1 + json)
		return log_fail(COMMAND_USAGE, "version: unexpected word '%s'; type: bgo help",
				argv[1 + json]);
	err = output_begin(&out, stdout, json);
	if (err)
		return err;
	output_text(out, "bgo %s (map layout %d)\n", BGO_VERSION, BGO_LAYOUT);
	output_string(out, "version", NULL, BGO_VERSION);
	output_number(out, "map_layout", NULL, BGO_LAYOUT);
	return output_end(&out);
}

static void print_overview(void)
{
	printf("bgo: a firewall that filters at XDP and TC; its rules live in pinned BPF maps.\n\n"
	       "Usage: bgo COMMAND [OPTION...]\n\nCommands:\n");
	for (size_t i = 0; command_table[i]; i++)
		printf("  %-29s %s\n", command_table[i]->name, command_table[i]->summary);
	printf("  %-29s %s\n", "help [COMMAND]", "what a command does, its options, an example");
	printf("  %-29s %s\n\nAliases:\n", "version", "the version");
	for (size_t i = 0; command_table[i]; i++)
		if (command_table[i]->alias)
			printf("  %-29s %s\n", command_table[i]->alias, command_table[i]->name);
	printf("\nExit status: 0 done, 1 failed, 2 wrong usage.\n"
	       "Data goes to standard output, everything else to standard error.\n");
}

/* Whether the words begin with this name, of one word or two: how many it has, or 0. */
static int name_words(const char *name, int argc, char **argv)
{
	const char *second = strchr(name, ' ');
	const size_t first_length = second ? (size_t)(second - name) : strlen(name);

	if (strlen(argv[0]) != first_length || strncmp(argv[0], name, first_length))
		return 0;
	if (!second)
		return 1;
	return argc > 1 && strcmp(argv[1], second + 1) == 0 ? 2 : 0;
}

/* The same for the command's name ("firewall-server start") or alias. */
static int command_words(const struct command *command, int argc, char **argv)
{
	const int words = name_words(command->name, argc, argv);

	return words || !command->alias ? words : name_words(command->alias, argc, argv);
}

static const struct command *find_command(int argc, char **argv, int *words)
{
	for (size_t i = 0; argc && command_table[i]; i++) {
		*words = command_words(command_table[i], argc, argv);
		if (*words)
			return command_table[i];
	}
	return NULL;
}

/*
 * The first word of a two-word command alone, or with a second one that is none: fills in what the
 * second can be, "start|status".
 */
static bool is_group(const char *word, char *seconds, size_t size)
{
	const size_t length = strlen(word);
	size_t used = 0;

	for (size_t i = 0; command_table[i] && used < size; i++) {
		const char *names[] = {command_table[i]->name, command_table[i]->alias};

		for (size_t j = 0; j < 2 && names[j] && used < size; j++) {
			if (strncmp(names[j], word, length) == 0 && names[j][length] == ' ')
				used += (size_t)snprintf(seconds + used, size - used, "%s%s",
							 used ? "|" : "", names[j] + length + 1);
		}
	}
	return used > 0;
}

static const char *nearest_command(const char *word)
{
	const char *nearest = NULL;
	size_t best = SIZE_MAX;
	char first[32];

	for (size_t i = 0; command_table[i]; i++) {
		const char *names[] = {command_table[i]->name, command_table[i]->alias};

		for (size_t j = 0; j < 2 && names[j]; j++) {
			snprintf(first, sizeof(first), "%.*s", (int)strcspn(names[j], " "),
				 names[j]);
			if (options_nearer(word, first, &best))
				nearest = names[j];
		}
	}
	return nearest;
}

static int unknown_command(int argc, char **argv)
{
	char seconds[GROUP_BYTES];
	const char *nearest;

	if (is_group(argv[0], seconds, sizeof(seconds)))
		return log_fail(COMMAND_USAGE, "%s: %s%s%s; type: bgo %s %s --help", argv[0],
				argc > 1 ? "unknown command '" : "say what to do",
				argc > 1 ? argv[1] : "", argc > 1 ? "'" : "", argv[0], seconds);
	nearest = nearest_command(argv[0]);
	if (nearest)
		return log_fail(COMMAND_USAGE,
				"unknown command '%s' (did you mean %s?); type: bgo help", argv[0],
				nearest);
	return log_fail(COMMAND_USAGE, "unknown command '%s'; type: bgo help", argv[0]);
}

/*
 * What the process may do counts, not who it is: a service may run as any user with these
 * capabilities.
 */
static int check_capabilities(const struct command *command)
{
	struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
	struct __user_cap_data_struct data[2] = {{0}};
	uint64_t effective;
	bool has_bpf, has_net;

	if (syscall(SYS_capget, &header, data))
		return log_error(-errno, "%s: ask for the capabilities of this process",
				 command->name);
	effective = (uint64_t)data[1].effective << 32 | data[0].effective;
	has_bpf = effective & (1ULL << CAP_BPF | 1ULL << CAP_SYS_ADMIN);
	has_net = effective & 1ULL << CAP_NET_ADMIN;
	if ((has_bpf || !(command->capabilities & COMMAND_NEEDS_BPF)) &&
	    (has_net || !(command->capabilities & COMMAND_NEEDS_NET_ADMIN)))
		return 0;
	return log_fail(-EPERM, "%s: needs %s%s%s; run it as root, for example with sudo",
			command->name, command->capabilities & COMMAND_NEEDS_BPF ? "CAP_BPF" : "",
			command->capabilities == (COMMAND_NEEDS_BPF | COMMAND_NEEDS_NET_ADMIN)
				? " and "
				: "",
			command->capabilities & COMMAND_NEEDS_NET_ADMIN ? "CAP_NET_ADMIN" : "");
}

static void options_free(void **options)
{
	struct common_options *common = *options;

	if (common)
		free(common->file_texts);
	free(common);
}

static int run_command(const struct command *command, int argc, char **argv)
{
	_cleanup_(options_free) void *options = calloc(1, command->options_size);
	const struct common_options *common = options;
	int err;

	if (!options)
		return log_error(-ENOMEM, "%s", command->name);
	err = options_parse(command, argc, argv, options);
	if (err)
		return err;
	log_quiet(common->quiet);
	if (command->prepare) {
		err = command->prepare(options);
		if (err)
			return err;
	}
	if (common->needs_capability) {
		err = check_capabilities(command);
		if (err)
			return err;
	}
	return command->run(options);
}

static bool asks_for_help(int argc, char **argv)
{
	for (int i = 0; i < argc; i++)
		if (strcmp(argv[i], "--help") == 0 || strcmp(argv[i], "-h") == 0)
			return true;
	return false;
}

/* Help on the command that the words name, on all of them when they name none. */
static int help(int argc, char **argv)
{
	int words = 0;
	const struct command *command = find_command(argc, argv, &words);
	char seconds[GROUP_BYTES];

	if (command)
		command_help(command);
	else if (!argc || argv[0][0] == '-' || is_group(argv[0], seconds, sizeof(seconds)) ||
		 strcmp(argv[0], "help") == 0 || strcmp(argv[0], "version") == 0)
		print_overview();
	else
		return unknown_command(argc, argv);
	return 0;
}

/* argv without the program's name. */
static int run(int argc, char **argv)
{
	const struct command *command;
	int words = 0;

	if (!argc)
		return log_fail(COMMAND_USAGE, "say what to do; type: bgo help");
	if (strcmp(argv[0], "help") == 0)
		return help(argc - 1, argv + 1);
	if (asks_for_help(argc, argv))
		return help(argc, argv);
	if (strcmp(argv[0], "version") == 0 || strcmp(argv[0], "--version") == 0)
		return version(argc, argv);
	command = find_command(argc, argv, &words);
	if (!command)
		return unknown_command(argc, argv);
	return run_command(command, argc - words + 1, argv + words - 1);
}

int main(int argc, char **argv)
{
	int err, close_err;

	err = reserve_standard_fds();
	if (!err)
		err = run(argc - 1, argv + 1);
	close_err = close_stdout();
	if (err == COMMAND_USAGE)
		return EXIT_USAGE;
	return err || close_err ? EXIT_FAILED : EXIT_DONE;
}
