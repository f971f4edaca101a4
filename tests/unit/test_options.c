/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Options from a table: what is taken, what is refused and in which words. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "../../src/options.h"

struct test_options {
	struct common_options common;
	struct option_texts interfaces;
	struct option_value mode, rules, rate;
	const char *address;
	bool force;
};

static const struct option_spec table[] = {
	OPTION(struct test_options, interfaces, TEXTS, "interface", "IF", "attach to IF"),
	OPTION(struct test_options, mode, CHOICE, "mode", "auto|native|generic", "how"),
	OPTION_RANGE(struct test_options, rules, COUNT, "max-rules", "N", "how many", 1, 1000),
	OPTION(struct test_options, rate, QUANTITY, "rate", "N", "packets"),
	OPTION(struct test_options, address, TEXT, "ip", "CIDR", "address"),
	OPTION(struct test_options, force, FLAG, "force", NULL, "do not ask"),
	OPTIONS_COMMON,
	{0},
};

static const struct command command = {.name = "try", .options = table};

/* Parses the words (the last one NULL) and keeps in `said` what went to stderr. */
static int parse(struct test_options *options, char said[static 512], const char *const *words)
{
	char *argv[16] = {(char *)"try"};
	int argc = 1, saved = dup(STDERR_FILENO), pipe_fds[2], err;
	ssize_t length;

	for (; *words; words++)
		argv[argc++] = (char *)*words;
	assert_int_equal(pipe(pipe_fds), 0);
	dup2(pipe_fds[1], STDERR_FILENO);
	*options = (struct test_options){0};
	err = options_parse(&command, argc, argv, options);
	dup2(saved, STDERR_FILENO);
	close(saved);
	close(pipe_fds[1]);
	length = read(pipe_fds[0], said, 511);
	close(pipe_fds[0]);
	said[length > 0 ? length : 0] = '\0';
	return err;
}

#define PARSE(...) parse(&options, said, (const char *const[]){__VA_ARGS__, NULL})

static void every_kind_of_option_reaches_its_target(void **state)
{
	struct test_options options;
	char said[512];

	(void)state;
	assert_int_equal(PARSE("--interface", "eth0", "--interface=eth1", "--mode", "generic",
			       "--max-rules", "1000", "--rate", "5K", "--ip", "192.0.2.1",
			       "--force", "--json", "--pin-path", "/p"),
			 0);
	assert_int_equal(options.interfaces.count, 2);
	assert_string_equal(options.interfaces.items[1], "eth1");
	assert_true(options.mode.given);
	assert_int_equal(options.mode.value, 2);
	assert_int_equal(options.rules.value, 1000);
	assert_int_equal(options.rate.value, 5000);
	assert_string_equal(options.address, "192.0.2.1");
	assert_true(options.force && options.common.json && !options.common.quiet);
	assert_string_equal(options.common.pin_path, "/p");
	assert_true(options.common.needs_capability);
	assert_string_equal(said, "");
}

static void what_is_not_given_has_its_default(void **state)
{
	struct test_options options;
	char said[512];

	(void)state;
	assert_int_equal(PARSE("--force"), 0);
	assert_false(options.mode.given || options.rules.given);
	assert_null(options.address);
	assert_string_equal(options.common.pin_path, STORE_DEFAULT_PIN_PATH);
}

static void a_mistyped_option_is_refused_with_the_one_meant(void **state)
{
	struct test_options options;
	char said[512];

	(void)state;
	assert_int_equal(PARSE("--interfaec", "eth0"), COMMAND_USAGE);
	assert_string_equal(said,
			    "bgo: try: unknown option '--interfaec' (did you mean --interface?); "
			    "type: bgo help try\n");
	assert_int_equal(PARSE("--max-rulez=5"), COMMAND_USAGE);
	assert_non_null(strstr(said, "did you mean --max-rules?"));
	assert_int_equal(PARSE("--modes=x"), COMMAND_USAGE);
	assert_non_null(strstr(said, "did you mean --mode?"));
	assert_int_equal(PARSE("--forec"), COMMAND_USAGE);
	assert_non_null(strstr(said, "did you mean --force?"));
	assert_int_equal(PARSE("--intrfc", "x"), COMMAND_USAGE);
	assert_null(strstr(said, "did you mean"));
	assert_int_equal(PARSE("--frobnicate"), COMMAND_USAGE);
	assert_null(strstr(said, "did you mean"));
	/* Short words resemble each other too easily. */
	assert_int_equal(PARSE("--up"), COMMAND_USAGE);
	assert_non_null(strstr(said, "did you mean --ip?"));
	assert_int_equal(PARSE("--xy"), COMMAND_USAGE);
	assert_null(strstr(said, "did you mean"));
	assert_int_equal(PARSE("-x"), COMMAND_USAGE);
	assert_non_null(strstr(said, "unknown option '-x'"));
}

static void wrong_values_are_quoted_and_refused(void **state)
{
	static const struct {
		const char *words[3], *said;
	} rows[] = {
		{{"--max-rules", "0"}, "--max-rules: '0' is out of range (1 to 1000)"},
		{{"--max-rules", "1001"}, "--max-rules: '1001' is out of range (1 to 1000)"},
		{{"--max-rules", "-1"}, "--max-rules: '-1' is not a number"},
		{{"--max-rules", "1K"}, "--max-rules: '1K' is not a number"},
		{{"--max-rules", ""}, "--max-rules: '' is not a number"},
		{{"--rate", "1X"}, "--rate: '1X' is not a number"},
		{{"--rate", "18446744073709551616"}, "out of range"},
		{{"--rate", "99999999999G"}, "out of range"},
		{{"--mode", "fast"}, "--mode: 'fast' is none of auto|native|generic"},
		{{"--mode", "nativ"}, "is none of"},
		{{"--mode", ""}, "is none of"},
		{{"--mode"}, "--mode needs a value: --mode auto|native|generic"},
		{{"--json=1"}, "--json takes no value ('--json=1')"},
		{{"eth0"}, "unexpected word 'eth0'"},
		{{"--pin-path", "relative"}, "--pin-path: 'relative' is not an absolute path"},
	};
	struct test_options options;
	char said[512];

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		assert_int_equal(parse(&options, said, rows[i].words), COMMAND_USAGE);
		if (!strstr(said, rows[i].said))
			fail_msg("row %zu said: %s", i, said);
	}
}

static void an_option_given_twice_is_refused(void **state)
{
	struct test_options options;
	char said[512];

	(void)state;
	assert_int_equal(PARSE("--ip", "192.0.2.1", "--ip", "192.0.2.2"), COMMAND_USAGE);
	assert_non_null(strstr(said, "--ip is given twice"));
}

static void options_that_do_not_belong_together_are_refused(void **state)
{
	struct test_options options;
	char said[512];

	(void)state;
	assert_int_equal(PARSE("--ip", "192.0.2.1", "--json"), 0);
	assert_int_equal(options_check(&command, &options, "this", "ip", "mode"), 0);
	assert_int_equal(options_check(&command, &options, "this", "mode", "ip"), COMMAND_USAGE);
	assert_int_equal(options_check(&command, &options, "this", "", "mode"), COMMAND_USAGE);
	/* A name is a whole word: "i" and "ip-address" are others. */
	assert_int_equal(options_check(&command, &options, "this", "", "i ip-address"),
			 COMMAND_USAGE);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_kind_of_option_reaches_its_target),
		cmocka_unit_test(what_is_not_given_has_its_default),
		cmocka_unit_test(a_mistyped_option_is_refused_with_the_one_meant),
		cmocka_unit_test(wrong_values_are_quoted_and_refused),
		cmocka_unit_test(an_option_given_twice_is_refused),
		cmocka_unit_test(options_that_do_not_belong_together_are_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
