/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The two halves of sd_notify(3) that a daemon without libsystemd needs: see notify.h. */
#include "notify.h"

#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "cleanup.h"
#include "log.h"
#include "options.h"

/* A path, or @name of an abstract socket. Returns its length, or negative errno. */
static int parse_address(const char *text, struct sockaddr_un *out)
{
	const size_t length = strlen(text);

	if ((text[0] != '/' && text[0] != '@') || length < 2)
		return -EAFNOSUPPORT;
	if (length >= sizeof(out->sun_path))
		return -ENAMETOOLONG;
	*out = (struct sockaddr_un){.sun_family = AF_UNIX};
	memcpy(out->sun_path, text, length);
	if (text[0] == '@')
		out->sun_path[0] = '\0';
	/* An abstract name has exactly these bytes, a path one more, its NUL. */
	return (int)(offsetof(struct sockaddr_un, sun_path) + length + (text[0] == '/'));
}

static int send_text(const char *name, const char *text)
{
	_cleanup_close_ int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	struct sockaddr_un address;
	int length;

	if (fd < 0)
		return -errno;
	length = parse_address(name, &address);
	if (length < 0)
		return length;
	/* A manager whose queue is full must not stop the firewall. */
	if (sendto(fd, text, strlen(text), MSG_DONTWAIT | MSG_NOSIGNAL,
		   (const struct sockaddr *)&address, (socklen_t)length) < 0)
		return -errno;
	return 1;
}

int notify(const char *format, ...)
{
	const char *name = getenv("NOTIFY_SOCKET");
	char text[1024];
	va_list args;
	int err;

	if (!name || !*name)
		return 0;
	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	err = send_text(name, text);
	if (err < 0)
		log_warning("tell the service manager at %s: %s", name, strerror(-err));
	return err;
}

uint64_t notify_watchdog_us(void)
{
	const char *limit = getenv("WATCHDOG_USEC"), *pid = getenv("WATCHDOG_PID");
	uint64_t limit_us, watched;

	if (!limit || options_parse_number(limit, false, &limit_us) || limit_us < 2)
		return 0;
	if (pid && (options_parse_number(pid, false, &watched) || watched != (uint64_t)getpid()))
		return 0;
	return limit_us / 2;
}
