/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Sandboxes, see sandbox.h: a process in new namespaces that mounts what it needs and then is their
 * init. */
#include "sandbox.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/sched.h>
#include <sched.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "../src/cleanup.h"
#include "../src/log.h"
#include "lab.h"

static int mount_fresh(const char *type, const char *dir, const char *options)
{
	if (mount("bgo-lab", dir, type, MS_NOSUID | MS_NODEV, options))
		return log_error(-errno, "mount %s on %s", type, dir);
	return 0;
}

/* sysfs anew, because it shows the interfaces of the namespace it was mounted in. */
static int mount_sys(void)
{
	int err;

	if (mount("", "/", NULL, MS_REC | MS_PRIVATE, NULL))
		return log_error(-errno, "make mounts private");
	err = mount_fresh("sysfs", "/sys", NULL);
	return err ?: mount_fresh("bpf", "/sys/fs/bpf", "mode=0700");
}

int sandbox_enter(void)
{
	if (unshare(CLONE_NEWNS | CLONE_NEWNET))
		return log_error(-errno, "make namespaces (this needs root)");
	return mount_sys();
}

/*
 * What programs keep in /var/lib is read as it is and written to the sandbox's /run. In a sandbox
 * within one the kernel stacks no third overlay: there it is empty.
 */
static int mount_var_lib(void)
{
	const char options[] =
		"lowerdir=/var/lib,upperdir=/run/var-lib/upper,workdir=/run/var-lib/work";

	if (mkdir("/run/var-lib", 0755) || mkdir("/run/var-lib/upper", 0755) ||
	    mkdir("/run/var-lib/work", 0755))
		return log_error(-errno, "make /run/var-lib");
	if (mount("bgo-lab", "/var/lib", "overlay", MS_NOSUID | MS_NODEV, options) == 0)
		return 0;
	return mount_fresh("tmpfs", "/var/lib", "mode=0755,size=512m");
}

static int mount_all(void)
{
	int err = mount_sys();

	if (!err)
		err = mount_fresh("proc", "/proc", NULL);
	if (!err)
		err = mount_fresh("tmpfs", "/run", "mode=0755,size=512m");
	if (!err && (mkdir("/run/netns", 0755) || mkdir(SANDBOX_WORK_DIR, 0755)))
		err = log_error(-errno, "make %s", SANDBOX_WORK_DIR);
	return err ?: mount_var_lib();
}

static void redirect(int fd, int target)
{
	if (fd >= 0 && dup2(fd, target) < 0)
		_exit(EXIT_FAILURE);
}

static void exec_command(const char *const argv[])
{
	sigset_t none;

	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	execvp(argv[0], (char **)argv);
	log_error(-errno, "run %s", argv[0]);
	_exit(127);
}

/* Reaps everything until the command itself has ended. */
static int reap_until(pid_t command)
{
	for (;;) {
		int status;
		pid_t pid = waitpid(-1, &status, 0);

		if (pid == command)
			return WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
		if (pid < 0 && errno != EINTR)
			return EXIT_FAILURE;
	}
}

/* Reaps until the sandbox is killed. */
static void __attribute__((noreturn)) stay(void)
{
	for (;;)
		if (waitpid(-1, NULL, 0) < 0)
			pause();
}

/* The first process. Its end is the end of all others in there: the kernel sees to that. */
static void init_main(const char *const argv[], int stdin_fd, int output_fd, enum sandbox_life life)
{
	pid_t command;
	int status;

	if (life == SANDBOX_DETACHED)
		setsid();
	else
		prctl(PR_SET_PDEATHSIG, SIGKILL);
	redirect(stdin_fd, STDIN_FILENO);
	redirect(output_fd, STDOUT_FILENO);
	redirect(output_fd, STDERR_FILENO);
	if (mount_all())
		_exit(EXIT_FAILURE);
	command = fork();
	if (command < 0)
		_exit(EXIT_FAILURE);
	if (command == 0)
		exec_command(argv);
	status = reap_until(command);
	if (life == SANDBOX_STAYS)
		stay();
	_exit(status);
}

int sandbox_start(struct sandbox *sandbox, const char *const argv[], int stdin_fd, int output_fd,
		  enum sandbox_life life)
{
	int pid_fd = -1;
	struct clone_args args = {
		.flags = CLONE_NEWPID | CLONE_NEWNS | CLONE_NEWNET | CLONE_NEWIPC | CLONE_PIDFD,
		.pidfd = (uintptr_t)&pid_fd,
		.exit_signal = SIGCHLD,
	};
	pid_t pid;

	fflush(NULL);
	pid = syscall(SYS_clone3, &args, sizeof(args));
	if (pid < 0)
		return log_error(-errno, "make namespaces (this needs root)");
	if (pid == 0)
		init_main(argv, stdin_fd, output_fd, life);
	*sandbox = (struct sandbox){.pid = pid, .pid_fd = pid_fd};
	return 0;
}

void sandbox_kill(const struct sandbox *sandbox)
{
	if (sandbox->pid > 0)
		kill(sandbox->pid, SIGKILL);
}

int sandbox_wait(struct sandbox *sandbox)
{
	int status;

	while (waitpid(sandbox->pid, &status, 0) < 0)
		if (errno != EINTR)
			return EXIT_FAILURE;
	close(sandbox->pid_fd);
	*sandbox = SANDBOX_NONE;
	return WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
}

static bool has_ended(const struct sandbox *sandbox)
{
	siginfo_t info = {0};

	waitid(P_PID, sandbox->pid, &info, WEXITED | WNOHANG | WNOWAIT);
	return info.si_pid != 0;
}

int cmd_sandbox(int argc, char **argv)
{
	struct sandbox sandbox = SANDBOX_NONE;
	int signal_number, status;
	sigset_t awaited;

	if (argc < 2)
		return lab_usage("sandbox", "no command given");
	sigemptyset(&awaited);
	sigaddset(&awaited, SIGINT);
	sigaddset(&awaited, SIGTERM);
	sigaddset(&awaited, SIGHUP);
	sigaddset(&awaited, SIGCHLD);
	sigprocmask(SIG_BLOCK, &awaited, NULL);
	if (sandbox_start(&sandbox, (const char *const *)argv + 1, -1, -1,
			  SANDBOX_ENDS_WITH_COMMAND))
		return EXIT_FAILURE;
	do
		sigwait(&awaited, &signal_number);
	while (signal_number == SIGCHLD && !has_ended(&sandbox));
	if (signal_number != SIGCHLD)
		sandbox_kill(&sandbox);
	status = sandbox_wait(&sandbox);
	return signal_number == SIGCHLD ? status : 128 + signal_number;
}
