/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What is said on stderr, and in which form. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "../../src/log.h"

#define SAID_BYTES 8192

/* Runs `speak` in a process of its own, for log.c keeps its style, with stderr a pipe: what it
 * said. */
static void listen_to(void (*speak)(void), char said[static SAID_BYTES])
{
	int pipe_fds[2], status;
	ssize_t length;
	pid_t child;

	assert_int_equal(pipe(pipe_fds), 0);
	child = fork();
	assert_true(child >= 0);
	if (!child) {
		dup2(pipe_fds[1], STDERR_FILENO);
		speak();
		_exit(0);
	}
	close(pipe_fds[1]);
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_int_equal(status, 0);
	length = read(pipe_fds[0], said, SAID_BYTES - 1);
	close(pipe_fds[0]);
	said[length > 0 ? length : 0] = '\0';
}

static void speak_as_command(void)
{
	log_info("note %d", 1);
	log_warning("careful");
	if (log_error(-ENOENT, "open %s", "/x") != -ENOENT || log_fail(-EINVAL, "bad") != -EINVAL ||
	    log_error(0, "no reason") != 0)
		_exit(1);
}

static void speak_quietly(void)
{
	log_quiet(true);
	speak_as_command();
}

static void speak_as_daemon(void)
{
	unsetenv("JOURNAL_STREAM");
	log_daemon();
	log_info("ready");
}

static void speak_to_journal(void)
{
	char stream[64];
	struct stat st;

	fstat(STDERR_FILENO, &st);
	snprintf(stream, sizeof(stream), "%llu:%llu", (unsigned long long)st.st_dev,
		 (unsigned long long)st.st_ino);
	setenv("JOURNAL_STREAM", stream, 1);
	log_daemon();
	log_info("ready");
	log_warning("careful");
	log_fail(-EINVAL, "bad");
}

static void speak_as_another(void)
{
	log_program("bgo-lab");
	log_warning("careful");
}

static void speak_at_length(void)
{
	char text[6000];

	memset(text, 'x', sizeof(text) - 1);
	text[sizeof(text) - 1] = '\0';
	log_error(-ENOENT, "%s", text);
}

static void a_command_says_who_speaks_what_and_why(void **state)
{
	char said[SAID_BYTES];

	(void)state;
	listen_to(speak_as_command, said);
	assert_string_equal(said, "bgo: note 1\n"
				  "bgo: warning: careful\n"
				  "bgo: open /x: No such file or directory\n"
				  "bgo: bad\n"
				  "bgo: no reason\n");
}

static void another_program_says_its_own_name(void **state)
{
	char said[SAID_BYTES];

	(void)state;
	listen_to(speak_as_another, said);
	assert_string_equal(said, "bgo-lab: warning: careful\n");
}

static void a_quiet_command_says_warnings_and_errors_only(void **state)
{
	char said[SAID_BYTES];

	(void)state;
	listen_to(speak_quietly, said);
	assert_null(strstr(said, "note"));
	assert_non_null(strstr(said, "warning: careful"));
	assert_non_null(strstr(said, "bad"));
}

static void a_daemon_puts_the_time_before_its_lines(void **state)
{
	char said[SAID_BYTES];
	int year, month, day, hour, minute, second, end = 0;

	(void)state;
	listen_to(speak_as_daemon, said);
	assert_int_equal(sscanf(said, "%4d/%2d/%2d %2d:%2d:%2d ready%n", &year, &month, &day, &hour,
				&minute, &second, &end),
			 6);
	assert_string_equal(said + end, "\n");
	assert_int_equal(end, strlen("2026/11/23 10:00:00 ready"));
}

static void a_daemon_under_the_journal_puts_priorities_there(void **state)
{
	char said[SAID_BYTES];

	(void)state;
	listen_to(speak_to_journal, said);
	assert_string_equal(said, "<6>ready\n<4>careful\n<3>bad\n");
}

static void a_text_too_long_is_cut_and_still_one_line(void **state)
{
	char said[SAID_BYTES];

	(void)state;
	listen_to(speak_at_length, said);
	assert_int_equal(strlen(said), 4095);
	assert_int_equal(strchr(said, '\n') - said, 4094);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_command_says_who_speaks_what_and_why),
		cmocka_unit_test(another_program_says_its_own_name),
		cmocka_unit_test(a_quiet_command_says_warnings_and_errors_only),
		cmocka_unit_test(a_daemon_puts_the_time_before_its_lines),
		cmocka_unit_test(a_daemon_under_the_journal_puts_priorities_there),
		cmocka_unit_test(a_text_too_long_is_cut_and_still_one_line),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
