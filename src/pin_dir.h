/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The pin directory: where it may be, whose it must be, and the two locks that live in it. The
 * directory's own lock orders readers and writers of the store; the lock on its subdirectory
 * server/ is held by the one server. What is in links/ is in link_pins.h.
 */
#ifndef BGO_PIN_DIR_H
#define BGO_PIN_DIR_H

#include <stdbool.h>
#include <sys/types.h>

#define PIN_DIR_SERVER "server"
#define PIN_DIR_LINKS "links"

/*
 * Makes the directory (mode 0700), and mounts bpffs on /sys/fs/bpf first when the path is below it
 * and nothing is mounted there. 1: made, 0: it was there; or negative errno, logged.
 */
int pin_dir_make(const char *path);

/*
 * Opens and locks the directory, waiting at most `seconds`, and checks that it is on bpffs, the
 * caller's and closed to others. Returns a file descriptor that holds the lock. Not logged are
 * -ENOENT, when there is none, -EWOULDBLOCK with 0 seconds, and -ECANCELED, when a signal to stop
 * is pending; other errors are.
 */
int pin_dir_open(const char *path, unsigned int seconds);

/*
 * Locks a directory that is open, waiting at most `seconds`; `what` and `path` are for messages.
 * With 0 seconds -EWOULDBLOCK, not logged, when somebody else holds it; other errors are logged.
 */
int dir_lock(const char *what, const char *path, int fd, unsigned int seconds);

/* Whether somebody holds the lock of server/; false when it is not there. */
bool pin_dir_server_runs(int dir_fd);
/* Who holds it: a pid of this pid namespace; 0: nobody, or a process of another namespace. */
pid_t pin_dir_server_pid(int dir_fd);
/* Makes server/ and locks it. Returns the file descriptor that holds the lock, -EBUSY (not logged)
 * when it is held. */
int pin_dir_lock_server(int dir_fd);

#endif
