/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Everything that is said on stderr: see log.h. One line is one write, so lines of two processes
 * never mix.
 */
#include "log.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

enum log_style { LOG_STYLE_COMMAND, LOG_STYLE_TIME, LOG_STYLE_JOURNAL };

static enum log_style style = LOG_STYLE_COMMAND;
static const char *program = "bgo";
static bool is_quiet, is_mute;

/*
 * systemd names the device and inode of the journal's socket; stderr may have been redirected
 * since.
 */
static bool stderr_is_journal(void)
{
	const char *stream = getenv("JOURNAL_STREAM");
	unsigned long long device, inode;
	struct stat st;

	if (!stream || sscanf(stream, "%llu:%llu", &device, &inode) != 2)
		return false;
	return fstat(STDERR_FILENO, &st) == 0 && st.st_dev == device && st.st_ino == inode;
}

void log_program(const char *name)
{
	program = name;
}

void log_daemon(void)
{
	style = stderr_is_journal() ? LOG_STYLE_JOURNAL : LOG_STYLE_TIME;
}

void log_quiet(bool quiet)
{
	is_quiet = quiet;
}

void log_mute(bool mute)
{
	is_mute = mute;
}

static size_t format_prefix(char *line, size_t size, enum log_level level)
{
	time_t now;
	struct tm local;

	switch (style) {
	case LOG_STYLE_JOURNAL:
		return (size_t)snprintf(line, size, "<%d>", (int)level);
	case LOG_STYLE_TIME:
		now = time(NULL);
		return strftime(line, size, "%Y/%m/%d %H:%M:%S ", localtime_r(&now, &local));
	case LOG_STYLE_COMMAND:
		break;
	}
	/* Also a command's errors have their priority there: a service's, that does not start. */
	if (stderr_is_journal())
		return (size_t)snprintf(line, size, "<%d>%s: ", (int)level, program);
	return (size_t)snprintf(line, size, "%s: %s", program,
				level == LOG_LEVEL_WARNING ? "warning: " : "");
}

/*
 * Nobody is left to tell when this fails: a reader of stderr that went away must not stop the
 * firewall.
 */
static void write_line(const char *line, size_t length)
{
	while (length) {
		ssize_t written = write(STDERR_FILENO, line, length);

		if (written < 0 && errno == EINTR)
			continue;
		if (written <= 0)
			return;
		line += written;
		length -= (size_t)written;
	}
}

/* `err` is 0 or the negative errno whose reason ends the line. */
static void log_line(enum log_level level, int err, const char *format, va_list args)
{
	int saved = errno;
	char line[4096];
	const size_t room = sizeof(line) - 1; /* for the newline */
	size_t length;
	int added;

	if (is_mute)
		return;
	length = format_prefix(line, room, level);
	added = vsnprintf(line + length, room - length, format, args);
	if (added > 0)
		length += (size_t)added;
	if (length < room && err) {
		added = snprintf(line + length, room - length, ": %s", strerror(-err));
		if (added > 0)
			length += (size_t)added;
	}
	if (length >= room)
		length = room - 1; /* a longer text was cut there */
	line[length++] = '\n';
	write_line(line, length);
	errno = saved;
}

void log_write(enum log_level level, const char *format, ...)
{
	va_list args;

	if (is_quiet && level > LOG_LEVEL_WARNING)
		return;
	va_start(args, format);
	log_line(level, 0, format, args);
	va_end(args);
}

int log_error(int err, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	log_line(LOG_LEVEL_ERROR, err, format, args);
	va_end(args);
	return err;
}

int log_fail(int err, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	log_line(LOG_LEVEL_ERROR, 0, format, args);
	va_end(args);
	return err;
}
