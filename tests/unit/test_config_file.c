/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Options from a file: what is taken, what the command line overrides, what is refused and where.
 */
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

#include "../../src/config_file.h"
#include "../../src/options.h"

struct test_options {
	struct common_options common;
	const char *config, *note;
	struct option_texts interfaces;
	struct option_value mode, rules;
	bool wait;
};

static const struct option_spec table[] = {
	OPTION(struct test_options, interfaces, TEXTS, "interface", "IF", "attach to IF"),
	OPTION(struct test_options, mode, CHOICE, "mode", "auto|native|generic", "how"),
	OPTION_RANGE(struct test_options, rules, COUNT, "max-rules", "N", "how many", 1, 1000),
	OPTION(struct test_options, note, TEXT, "note", "TEXT", "words"),
	OPTION(struct test_options, wait, FLAG, "wait", NULL, "wait"),
	OPTION(struct test_options, config, PATH, "config", "FILE", "this file"),
	OPTIONS_COMMON,
	{0},
};

static const struct command command = {.name = "try", .options = table};

#define FILE_NAME "/tmp/bgo-test-config.XXXXXX"

/* Parses the words (the last one NULL), then a file of that text; stderr is kept in `said`. */
static int read_text(struct test_options *options, char said[static 512], const char *text,
		     size_t length, const char *const *words)
{
	char *argv[16] = {(char *)"try"}, path[] = FILE_NAME;
	int argc = 1, saved = dup(STDERR_FILENO), pipe_fds[2], err, fd = mkstemp(path);
	ssize_t got;

	assert_true(fd >= 0);
	assert_int_equal(write(fd, text, length), length);
	close(fd);
	for (; *words; words++)
		argv[argc++] = (char *)*words;
	*options = (struct test_options){0};
	assert_int_equal(options_parse(&command, argc, argv, options), 0);
	assert_int_equal(pipe(pipe_fds), 0);
	dup2(pipe_fds[1], STDERR_FILENO);
	err = config_file_read(&command, NULL, path, options);
	dup2(saved, STDERR_FILENO);
	close(saved);
	close(pipe_fds[1]);
	got = read(pipe_fds[0], said, 511);
	close(pipe_fds[0]);
	said[got > 0 ? got : 0] = '\0';
	unlink(path);
	return err;
}

#define READ(text, ...)                                                                            \
	read_text(&options, said, text, sizeof(text) - 1,                                          \
		  (const char *const[]){__VA_ARGS__ __VA_OPT__(, ) NULL})

static void every_kind_of_option_can_be_in_the_file(void **state)
{
	struct test_options options;
	char said[512];

	(void)state;
	assert_int_equal(READ("# comment\n\n interface = eth0\ninterface=eth1 \r\n"
			      "mode = generic\nmax-rules=7\nnote = two  words # and\n\twait = yes\n"
			      "pin-path = /p"),
			 0);
	assert_int_equal(options.interfaces.count, 2);
	assert_string_equal(options.interfaces.items[0], "eth0");
	assert_string_equal(options.interfaces.items[1], "eth1");
	assert_true(options.mode.given);
	assert_int_equal(options.mode.value, 2);
	assert_int_equal(options.rules.value, 7);
	assert_string_equal(options.note, "two  words # and");
	assert_true(options.wait);
	assert_string_equal(options.common.pin_path, "/p");
	assert_string_equal(said, "");
	free(options.common.file_texts);
}

static void what_the_command_line_gives_counts(void **state)
{
	struct test_options options;
	char said[512];

	(void)state;
	assert_int_equal(READ("interface = eth0\nmode = native\nwait = no\nmax-rules = 7\n",
			      "--interface", "eth9", "--mode", "generic", "--wait"),
			 0);
	assert_int_equal(options.interfaces.count, 1);
	assert_string_equal(options.interfaces.items[0], "eth9");
	assert_int_equal(options.mode.value, 2);
	assert_true(options.wait);
	assert_int_equal(options.rules.value, 7);
	free(options.common.file_texts);
}

static void a_mistake_is_named_with_its_line(void **state)
{
	static const struct {
		const char *text, *said;
	} rows[] = {
		{"\ninterfce = eth0\n",
		 ":2:1: unknown option 'interfce' (did you mean interface?)"},
		{"nonsense = 1\n", ":1:1: unknown option 'nonsense'; type: bgo help try"},
		{"json = yes\n", ":1:1: unknown option 'json'"},
		{"config = /x\n", ":1:1: unknown option 'config'"},
		{"interface eth0\n", ":1:1: this is not a line `option = value`"},
		{"  [Service]\n", ":1:3: this is not a line `option = value`"},
		{"# x\ninterface =\n", ":2:12: interface has no value"},
		{"mode = fast\n", ":1: mode: 'fast' is none of auto|native|generic"},
		{"mode = auto\nmode = auto\n", ":2: mode is given twice"},
		{"max-rules = 1001\n", ":1: max-rules: '1001' is out of range (1 to 1000)"},
		{"max-rules = many\n", ":1: max-rules: 'many' is not a number"},
		{"wait = maybe\n", ":1: wait: 'maybe' is none of yes|no"},
		{"pin-path = p\n", ":1: pin-path: 'p' is not an absolute path"},
		{"--mode = auto\n", ":1:1: unknown option '--mode'"},
	};
	struct test_options options;
	char said[512];

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		const char *const none[] = {NULL};

		assert_int_equal(
			read_text(&options, said, rows[i].text, strlen(rows[i].text), none),
			COMMAND_USAGE);
		if (!strstr(said, rows[i].said))
			fail_msg("of %s: %s", rows[i].text, said);
		free(options.common.file_texts);
	}
}

static void options_of_the_other_command_are_passed_over(void **state)
{
	static const struct option_spec few[] = {OPTIONS_COMMON, {0}};
	static const struct command small = {.name = "small", .options = few};
	struct common_options common = {.pin_path = "/default"};
	char path[] = FILE_NAME;
	FILE *file = fdopen(mkstemp(path), "w");

	(void)state;
	fputs("interface = eth0\nmode = anything\npin-path = /p\n", file);
	fclose(file);
	assert_int_equal(config_file_read(&small, &command, path, &common), 0);
	assert_string_equal(common.pin_path, "/p");
	free(common.file_texts);
	common = (struct common_options){.pin_path = "/default"};
	assert_int_equal(config_file_read(&small, NULL, path, &common), COMMAND_USAGE);
	free(common.file_texts);
	unlink(path);
}

static void what_is_no_text_file_is_refused(void **state)
{
	struct test_options options = {0};
	char said[512];

	(void)state;
	assert_int_equal(READ("mode = auto\0\n"), COMMAND_USAGE);
	assert_non_null(strstr(said, "a NUL byte"));
	free(options.common.file_texts);
	options = (struct test_options){0};
	assert_int_equal(config_file_read(&command, NULL, "/nonexistent/file", &options), -ENOENT);
	assert_int_equal(config_file_read(&command, NULL, "/", &options), -EINVAL);
	assert_null(options.common.file_texts);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_kind_of_option_can_be_in_the_file),
		cmocka_unit_test(what_the_command_line_gives_counts),
		cmocka_unit_test(a_mistake_is_named_with_its_line),
		cmocka_unit_test(options_of_the_other_command_are_passed_over),
		cmocka_unit_test(what_is_no_text_file_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
