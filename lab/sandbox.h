/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Where everything of the lab happens: namespaces of its own for processes, mounts and network,
 * with a fresh bpffs on /sys/fs/bpf and a tmpfs on /run. All of it lives as long as its first
 * process, so killing that one removes every process, link, program, pin and file in it: nothing
 * can be left behind.
 */
#ifndef BGO_LAB_SANDBOX_H
#define BGO_LAB_SANDBOX_H

#include <stdbool.h>
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

/*
 * Runs argv in a new sandbox, stdin from stdin_fd, stdout and stderr to output_fd (each inherited
 * when -1). With `keep` the sandbox outlives argv until it is killed. It never outlives the caller.
 * 0 or negative errno, logged.
 */
int sandbox_start(struct sandbox *sandbox, const char *const argv[], int stdin_fd, int output_fd,
		  bool keep);
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
