/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Writing to a file descriptor until all is written. */
#ifndef BGO_WRITE_ALL_H
#define BGO_WRITE_ALL_H

#include <errno.h>
#include <stddef.h>
#include <unistd.h>

/* 0 or negative errno. */
static inline int write_all(int fd, const char *text, size_t bytes)
{
	while (bytes) {
		ssize_t written = write(fd, text, bytes);

		if (written < 0 && errno == EINTR)
			continue;
		if (written < 0)
			return -errno;
		text += written;
		bytes -= (size_t)written;
	}
	return 0;
}

#endif
