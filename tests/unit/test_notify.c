/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What a service manager hears, at a path and at an abstract address; and how often it wants to. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "../../src/notify.h"

/* A manager's socket, named in the environment. An abstract one begins with @. */
static int listen_at(const char *name)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	const size_t length = strlen(name);
	int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK, 0);

	memcpy(address.sun_path, name, length);
	if (name[0] == '@')
		address.sun_path[0] = '\0';
	assert_int_equal(bind(fd, (struct sockaddr *)&address,
			      offsetof(struct sockaddr_un, sun_path) + length + (name[0] == '/')),
			 0);
	setenv("NOTIFY_SOCKET", name, 1);
	return fd;
}

static void expect_heard(int fd, const char *text)
{
	char got[256] = "";

	assert_true(recv(fd, got, sizeof(got) - 1, 0) > 0);
	assert_string_equal(got, text);
	assert_int_equal(recv(fd, got, sizeof(got) - 1, 0), -1);
}

static void a_manager_hears_what_is_told(void **state)
{
	char dir[] = "/tmp/bgo-test-notify.XXXXXX", path[64], abstract[64];
	const char *const names[] = {path, abstract};

	(void)state;
	/* Of sandboxes, which have one /tmp, several have a process of this number. */
	assert_non_null(mkdtemp(dir));
	snprintf(path, sizeof(path), "%s/socket", dir);
	snprintf(abstract, sizeof(abstract), "@bgo-test-notify.%d", (int)getpid());
	for (size_t i = 0; i < 2; i++) {
		int fd = listen_at(names[i]);

		assert_int_equal(notify("READY=1\nSTATUS=on %s", "eth0"), 1);
		expect_heard(fd, "READY=1\nSTATUS=on eth0");
		close(fd);
	}
	unlink(path);
	rmdir(dir);
}

static void nobody_is_told_when_nobody_asked(void **state)
{
	(void)state;
	unsetenv("NOTIFY_SOCKET");
	assert_int_equal(notify("READY=1"), 0);
	setenv("NOTIFY_SOCKET", "", 1);
	assert_int_equal(notify("READY=1"), 0);
}

static void a_manager_that_cannot_be_told_is_an_error(void **state)
{
	char long_name[200] = "/";

	(void)state;
	setenv("NOTIFY_SOCKET", "/nonexistent/socket", 1);
	assert_int_equal(notify("READY=1"), -ENOENT);
	setenv("NOTIFY_SOCKET", "vsock:2:1234", 1);
	assert_int_equal(notify("READY=1"), -EAFNOSUPPORT);
	memset(long_name + 1, 'x', sizeof(long_name) - 2);
	setenv("NOTIFY_SOCKET", long_name, 1);
	assert_int_equal(notify("READY=1"), -ENAMETOOLONG);
}

static void a_full_queue_does_not_stop_the_teller(void **state)
{
	char name[64];
	int fd, err = 0;

	(void)state;
	snprintf(name, sizeof(name), "@bgo-test-full.%d", (int)getpid());
	fd = listen_at(name);
	for (int i = 0; i < 100000 && err >= 0; i++)
		err = notify("WATCHDOG=1");
	assert_int_equal(err, -EAGAIN);
	close(fd);
}

static void the_watchdog_is_fed_twice_in_its_time(void **state)
{
	char pid[16];

	(void)state;
	snprintf(pid, sizeof(pid), "%d", (int)getpid());
	unsetenv("WATCHDOG_USEC");
	unsetenv("WATCHDOG_PID");
	assert_int_equal(notify_watchdog_us(), 0);
	setenv("WATCHDOG_USEC", "30000000", 1);
	assert_int_equal(notify_watchdog_us(), 15000000);
	setenv("WATCHDOG_PID", pid, 1);
	assert_int_equal(notify_watchdog_us(), 15000000);
	setenv("WATCHDOG_PID", "1", 1); /* somebody else's */
	assert_int_equal(notify_watchdog_us(), 0);
	setenv("WATCHDOG_PID", pid, 1);
	for (size_t i = 0; i < 4; i++) {
		const char *const wrong[] = {"", "0", "-5", "30s"};

		setenv("WATCHDOG_USEC", wrong[i], 1);
		assert_int_equal(notify_watchdog_us(), 0);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_manager_hears_what_is_told),
		cmocka_unit_test(nobody_is_told_when_nobody_asked),
		cmocka_unit_test(a_manager_that_cannot_be_told_is_an_error),
		cmocka_unit_test(a_full_queue_does_not_stop_the_teller),
		cmocka_unit_test(the_watchdog_is_fed_twice_in_its_time),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
