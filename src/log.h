/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Everything that is said on stderr. A command says "bgo: text"; the daemon, after log_daemon(),
 * lines with time, or with <N> priorities when stderr is the journal. Errors are logged once, where
 * context is richest.
 */
#ifndef BGO_LOG_H
#define BGO_LOG_H

#include <stdarg.h>
#include <stdbool.h>

enum log_level {
	LOG_LEVEL_ERROR = 3,
	LOG_LEVEL_WARNING = 4,
	LOG_LEVEL_INFO = 6,
	LOG_LEVEL_DEBUG = 7
};

/* What a command's lines begin with instead of "bgo": static text. */
void log_program(const char *name);
/* From here on lines are a daemon's: time or journal priority before each. */
void log_daemon(void);
/* Notes and progress are not printed; errors and warnings are. */
void log_quiet(bool quiet);

/* Nothing is printed: for what is tried again and again, and failed as before. */
void log_mute(bool mute);

void log_write(enum log_level level, const char *format, ...) __attribute__((format(printf, 2, 3)));

/*
 * Logs "text: reason of errno" (the reason left out when err is 0) and returns err, which is 0 or
 * negative errno, so that `return log_error(-ENOENT, "open %s", path);` fails with it.
 */
int log_error(int err, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* As log_error() with the text as it is: for errors whose text says the reason itself. Returns err.
 */
int log_fail(int err, const char *format, ...) __attribute__((format(printf, 2, 3)));

#define log_warning(...) log_write(LOG_LEVEL_WARNING, __VA_ARGS__)
#define log_info(...) log_write(LOG_LEVEL_INFO, __VA_ARGS__)

#endif
