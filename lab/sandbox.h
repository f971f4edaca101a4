/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Where everything of the lab happens: namespaces of its own for processes, mounts and network,
 * with a fresh bpffs on /sys/fs/bpf and a tmpfs on /run. All of it lives as long as its first
 * process, so killing that one removes every process, link, program, pin and file in it: nothing
 * can be left behind.
 */
#ifndef BGO_LAB_SANDBOX_H
#define BGO_LAB_SANDBOX_H

#include <sys/types.h>

/* A directory for whatever a scenario wants to keep in files. */
#define SANDBOX_WORK_DIR "/run/lab"

struct sandbox {
	pid_t pid; /* its first process, as seen from outside */
	int pid_fd;
};
#define SANDBOX_NONE                                                                               \
	(struct sandbox)                                                                           \
	{                                                                                          \
		.pid = -1, .pid_fd = -1                                                            \
	}

enum sandbox_life {
	SANDBOX_ENDS_WITH_COMMAND,
	SANDBOX_STAYS,	 /* until it is killed or the caller ends */
	SANDBOX_DETACHED /* ends with the command; the caller and its terminal may go away before */
};

/*
 * Runs argv in a new sandbox, stdin from stdin_fd, stdout and stderr to output_fd (each inherited
 * when -1). Its first process keeps the caller's file descriptors, argv gets none of those with
 * O_CLOEXEC. 0 or negative errno, logged.
 */
int sandbox_start(struct sandbox *sandbox, const char *const argv[], int stdin_fd, int output_fd,
		  enum sandbox_life life);
/* Kills whatever runs in it. */
void sandbox_kill(const struct sandbox *sandbox);
/* Waits for its end: argv's exit status, 128 + N when signal N ended it. */
int sandbox_wait(struct sandbox *sandbox);

/*
 * Moves the calling process into mount and network namespaces of its own with an empty bpffs, for
 * commands that need no more than that. 0 or negative errno, logged.
 */
int sandbox_enter(void);

/* `bgo-lab sandbox COMMAND...` */
int cmd_sandbox(int argc, char **argv);

#endif
