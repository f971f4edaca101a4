/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What command lines mean, and which are wrong usage: nothing here opens a store. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "../../src/update.h"

#define SAID_BYTES 512
#define WORDS_MAX 24

/* Parses and prepares the words of a line, separated by single blanks; '' is an empty word. */
static int prepare(const struct command *command, const char *line, void *options,
		   char said[static SAID_BYTES])
{
	static char words[512]; /* options point into it */
	char *argv[WORDS_MAX] = {(char *)"command"}, *rest = words, *word;
	int argc = 1, saved = dup(STDERR_FILENO), pipe_fds[2], err;
	ssize_t length;

	snprintf(words, sizeof(words), "%s", line);
	while ((word = strsep(&rest, " ")))
		argv[argc++] = strcmp(word, "''") == 0 ? strchr(word, '\0') : word;
	memset(options, 0, command->options_size);
	assert_int_equal(pipe(pipe_fds), 0);
	dup2(pipe_fds[1], STDERR_FILENO);
	err = options_parse(command, argc, argv, options);
	if (!err)
		err = command->prepare(options);
	dup2(saved, STDERR_FILENO);
	close(saved);
	close(pipe_fds[1]);
	length = read(pipe_fds[0], said, SAID_BYTES - 1);
	close(pipe_fds[0]);
	said[length > 0 ? length : 0] = '\0';
	return err;
}

static void a_line_becomes_one_rule_for_each_port(void **state)
{
	struct update_options options;
	char said[SAID_BYTES], text[RULE_DESCRIPTION_BYTES];

	(void)state;
	assert_int_equal(prepare(&cmd_update,
				 "--egress --type blacklist --action add --ip 192.0.2.9/24 --port "
				 "80,100-200 "
				 "--protocol tcp",
				 &options, said),
			 0);
	assert_int_equal(options.hook, HOOK_EGRESS);
	assert_int_equal(options.list, LIST_BLACKLIST);
	assert_int_equal(options.rule_count, 2);
	assert_string_equal(update_describe(&options.rules[0], text), "192.0.2.0/24 port 80 tcp");
	assert_string_equal(update_describe(&options.rules[1], text),
			    "192.0.2.0/24 port 100-200 tcp");
	assert_true(options.common.needs_capability);

	assert_int_equal(
		prepare(&cmd_update,
			"--xdp --type whitelist --action add --ip 2001:db8::1 --protocol icmp",
			&options, said),
		0);
	assert_int_equal(options.rule_count, 1);
	assert_string_equal(update_describe(&options.rules[0], text), "2001:db8::1 icmpv6");
}

static void validating_a_file_needs_no_privilege(void **state)
{
	struct update_options options;
	char said[SAID_BYTES];

	(void)state;
	assert_int_equal(prepare(&cmd_update, "--action restore --file - --check", &options, said),
			 0);
	assert_false(options.common.needs_capability);
	assert_int_equal(prepare(&cmd_update, "--action restore --file -", &options, said), 0);
	assert_true(options.common.needs_capability);
}

static void every_action_accepts_what_it_needs(void **state)
{
	static const char *const lines[] = {
		"--xdp --action list",
		"--xdp --action list --type whitelist --ip 192.0.2.1 --port 22 --protocol tcp "
		"--json",
		"--ingress --action stats",
		"--egress --action reset-stats --quiet",
		"--xdp --action clear --all",
		"--xdp --action clear --type blacklist",
		"--xdp --action policy --policy deny",
		"--xdp --action policy --fragments drop",
		"--xdp --action load --type blacklist --file list",
		"--action save --file -",
		"--xdp --type whitelist --action remove --index 0 --if-exists",
		"--xdp --type whitelist --action remove --ip 192.0.2.1 --port 22",
		"--xdp --type whitelist --action add --ip 0.0.0.0/0 --protocol 255",
	};
	struct update_options options;
	char said[SAID_BYTES];

	(void)state;
	for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++)
		if (prepare(&cmd_update, lines[i], &options, said))
			fail_msg("%s: %s", lines[i], said);
}

static void wrong_lines_are_refused_and_say_why(void **state)
{
	static const struct {
		const char *line, *said;
	} rows[] = {
		{"--xdp", "say what to do with --action ACTION"},
		{"--xdp --action ad", "--action: unknown 'ad' (did you mean add?)"},
		{"--xdp --action destroy",
		 "--action: unknown 'destroy'; type: bgo help firewall-update"},
		{"--action list", "--action list needs one of --xdp, --ingress, --egress"},
		{"--xdp --egress --action list", "needs only one of --xdp"},
		{"--xdp --action save --file -", "is about all hooks"},
		{"--action save", "--action save needs --file FILE"},
		{"--action save --file - --json", "prints the rule file itself"},
		{"--action save --file - --check", "--check does not go with --action save"},
		{"--xdp --action add --ip 192.0.2.1",
		 "--action add needs --type whitelist|blacklist"},
		{"--xdp --type whitelist --action add", "--action add needs --ip CIDR"},
		{"--xdp --type whitelist --action add --ip 192.0.2.1 --index 3",
		 "--index does not go with"},
		{"--xdp --type whitelist --action add --ip ''", "--ip: '': no address"},
		{"--xdp --type whitelist --action add --ip 010.0.0.1",
		 "--ip: '010.0.0.1': not an IPv4"},
		{"--xdp --type whitelist --action add --ip 192.0.2.1 --port 0",
		 "--port: '0': not a port"},
		{"--xdp --type whitelist --action add --ip 192.0.2.1 --port ''",
		 "--port: '': not a port"},
		{"--xdp --type whitelist --action add --ip 192.0.2.1 --port 80,",
		 "--port: '': not a port"},
		{"--xdp --type whitelist --action add --ip 192.0.2.1 --port 80,,81",
		 "--port: '': not a"},
		{"--xdp --type whitelist --action add --ip 192.0.2.1 --port -1",
		 "--port: '-1': not a port"},
		{"--xdp --type whitelist --action add --ip 192.0.2.1 --port 22 --protocol icmp",
		 "--port 22 --protocol icmp: this protocol has no ports"},
		{"--xdp --type whitelist --action add --ip 192.0.2.1 --protocol tpc",
		 "--protocol: 'tpc': not a"},
		{"--xdp --type whitelist --action add --ip 192.0.2.1 --comment a\tb",
		 "--comment: 'a\tb': not UTF-8"},
		{"--xdp --action remove --index 0", "--action remove needs --type"},
		{"--xdp --type whitelist --action remove", "needs --index N or --ip CIDR;"},
		{"--xdp --type whitelist --action remove --index 0 --ip 192.0.2.1",
		 "--ip CIDR, not both"},
		{"--xdp --type whitelist --action remove --index 0 --port 22",
		 "--port and --protocol need --ip"},
		{"--xdp --type whitelist --action remove --index 4294967296", "is out of range"},
		{"--xdp --action list --port 22", "--port and --protocol need --ip"},
		{"--xdp --action list --ip 192.0.2.1 --port 22,23", "asks for one --port"},
		{"--xdp --action clear", "needs --type whitelist|blacklist or --all;"},
		{"--xdp --action clear --type whitelist --all", "or --all, not both"},
		{"--xdp --action policy", "--action policy needs --policy allow|deny or"},
		{"--xdp --action stats --type whitelist", "--type does not go with --action stats"},
		{"--xdp --action load --type whitelist", "--action load needs --file FILE"},
		{"--xdp --type whitelist --action add --ip 192.0.2.1 --ttl 0",
		 "--ttl: '0': no time at all"},
		{"--xdp --type whitelist --action add --ip 192.0.2.1 --ttl 5x",
		 "--ttl: '5x': its units are d, h, m and s"},
		{"--xdp --type whitelist --action remove --index 0 --ttl 5m",
		 "--ttl does not go with --action remove"},
	};
	struct update_options options;
	char said[SAID_BYTES];

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		if (prepare(&cmd_update, rows[i].line, &options, said) != COMMAND_USAGE)
			fail_msg("accepted: %s", rows[i].line);
		if (!strstr(said, rows[i].said))
			fail_msg("%s said: %s", rows[i].line, said);
	}
}

static void as_many_ports_as_fit_are_taken_and_no_more(void **state)
{
	struct update_options options;
	char said[SAID_BYTES], line[512];
	int length = sprintf(line, "--xdp --type blacklist --action add --ip 192.0.2.1 --port 1");

	(void)state;
	for (int port = 2; port <= UPDATE_PORTS_MAX; port++)
		length += sprintf(line + length, ",%d", port);
	assert_int_equal(prepare(&cmd_update, line, &options, said), 0);
	assert_int_equal(options.rule_count, UPDATE_PORTS_MAX);
	sprintf(line + length, ",%d", UPDATE_PORTS_MAX + 1);
	assert_int_equal(prepare(&cmd_update, line, &options, said), COMMAND_USAGE);
	assert_non_null(strstr(said, "--port: more than 64 ports"));
}

static void a_rate_limit_line_has_one_action_and_values_only_to_enable(void **state)
{
	static const struct {
		const char *line, *said; /* NULL: fine */
	} rows[] = {
		{"--enable --pps 1000 --bps 1M --burst 5 --exempt-whitelist", NULL},
		{"--enable --pps 0 --bps 100G --no-exempt-whitelist", NULL},
		{"--disable", NULL},
		{"--show-config --json", NULL},
		{"--show-stats", NULL},
		{"--reset-stats --quiet", NULL},
		{"--quiet", "needs one of --enable"},
		{"--enable --disable", "needs only one of --enable"},
		{"--disable --pps 5", "go with --enable"},
		{"--show-config --exempt-whitelist", "go with --enable"},
		{"--enable --pps 5 --exempt-whitelist --no-exempt-whitelist",
		 "contradict each other"},
		{"--enable --pps many", "--pps: 'many' is not a number"},
		{"--enable --pps -5", "--pps: '-5' is not a number"},
		{"--enable --pps 1.5K", "is not a number"},
		{"--enable --pps 2G", "--pps: '2G' is out of range (0 to 1000000000)"},
		{"--enable --bps 1001G", "is out of range"},
		{"--per-source --pps 100", NULL},
		{"--per-source --enable --bps 1M --prefix4 24 --prefix6 56 --burst 10", NULL},
		{"--per-source --disable", NULL},
		{"--per-source", "needs one of --enable"},
		{"--per-source --show-stats", "--per-source goes with --enable and --disable"},
		{"--per-source --reset-stats", "--per-source goes with --enable and --disable"},
		{"--enable --pps 5 --prefix4 24", "go with --per-source"},
		{"--per-source --pps 5 --prefix4 33", "is out of range (0 to 32)"},
		{"--per-source --pps 5 --prefix6 129", "is out of range (0 to 128)"},
	};
	_cleanup_free_ void *options = malloc(cmd_ratelimit.options_size);
	char said[SAID_BYTES];

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		if (prepare(&cmd_ratelimit, rows[i].line, options, said) !=
		    (rows[i].said ? COMMAND_USAGE : 0))
			fail_msg("%s: %s", rows[i].line, said);
		if (rows[i].said && !strstr(said, rows[i].said))
			fail_msg("%s said: %s", rows[i].line, said);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_line_becomes_one_rule_for_each_port),
		cmocka_unit_test(validating_a_file_needs_no_privilege),
		cmocka_unit_test(every_action_accepts_what_it_needs),
		cmocka_unit_test(wrong_lines_are_refused_and_say_why),
		cmocka_unit_test(as_many_ports_as_fit_are_taken_and_no_more),
		cmocka_unit_test(a_rate_limit_line_has_one_action_and_values_only_to_enable),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
