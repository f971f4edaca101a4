/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Labs by hand. One is a detached sandbox with a scenario's topology in it, known by its name: its
 * first process holds the lock of /run/bgo-lab/NAME, where its pid is. So the file says the truth
 * however that process ended, and a pid in it is never somebody else's.
 */
#include "standing.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <limits.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include "../src/cleanup.h"
#include "../src/log.h"
#include "lab.h"
#include "sandbox.h"

#define STATE_DIR "/run/bgo-lab"
#define READY "ready\n"
#define NAMESPACES (CLONE_NEWPID | CLONE_NEWNS | CLONE_NEWNET | CLONE_NEWIPC)

static bool good_name(const char *name)
{
	static const char letters[] =
		"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_";

	return *name && strlen(name) < NAME_MAX && strspn(name, letters) == strlen(name);
}

/* The state file of that name, or -ENOENT and other negative errno, not logged. */
static int open_state(const char *name, int flags)
{
	char path[PATH_MAX];
	int fd;

	snprintf(path, sizeof(path), STATE_DIR "/%s", name);
	fd = open(path, O_RDWR | O_CLOEXEC | O_NOFOLLOW | flags, 0600);
	return fd < 0 ? -errno : fd;
}

static void remove_state(const char *name)
{
	char path[PATH_MAX];

	snprintf(path, sizeof(path), STATE_DIR "/%s", name);
	unlink(path);
	rmdir(STATE_DIR); /* fails while another is up */
}

/*
 * The pid of its first process while that lives. -ESRCH, and the lock of the file, when it is
 * nobody's any more; -EAGAIN when it is only being brought up.
 */
static pid_t standing_pid(int state_fd)
{
	char text[16] = "";

	if (!flock(state_fd, LOCK_EX | LOCK_NB))
		return -ESRCH;
	if (pread(state_fd, text, sizeof(text) - 1, 0) <= 0)
		return -EAGAIN;
	return atoi(text);
}

int standing_print(void)
{
	DIR *dir = opendir(STATE_DIR);
	struct dirent *entry;

	if (!dir)
		return errno == ENOENT ? 0 : log_error(-errno, "read " STATE_DIR);
	while ((entry = readdir(dir))) {
		_cleanup_close_ int fd =
			good_name(entry->d_name) ? open_state(entry->d_name, 0) : -1;
		pid_t pid = fd < 0 ? -ESRCH : standing_pid(fd);

		if (pid > 0)
			printf("up: %s (pid %d)\n", entry->d_name, pid);
	}
	closedir(dir);
	return 0;
}

/* -- Up -- */

static int claim_name(const char *name)
{
	_cleanup_close_ int fd = -1;
	struct stat st;

	if (mkdir(STATE_DIR, 0700) && errno != EEXIST)
		return log_error(-errno, "make " STATE_DIR);
	fd = open_state(name, O_CREAT);
	if (fd < 0)
		return log_error(fd, "make " STATE_DIR "/%s", name);
	if (flock(fd, LOCK_EX | LOCK_NB))
		return log_fail(-EEXIST, "%s is up already; `bgo-lab shell %s` enters it", name,
				name);
	if (fstat(fd, &st) || !st.st_nlink)
		return log_fail(-EAGAIN, "%s was being taken down; try again", name);
	return take_fd(fd);
}

/* What was said before the topology stood is an error's. 0 or negative errno. */
static int wait_until_ready(int output_fd)
{
	_cleanup_fclose_ FILE *output = fdopen(output_fd, "r");
	char line[512];

	while (output && fgets(line, sizeof(line), output)) {
		if (!strcmp(line, READY))
			return 0;
		fputs(line, stderr);
	}
	return -EIO;
}

/* state_fd is inherited by the first process, which so holds the lock. */
static int start(const char *name, int state_fd, bool two_interfaces)
{
	static const char script[] =
		". \"$0\" || exit; topology; [[ -z $1 ]] || second_link; echo ready; "
		"exec sleep infinity >/dev/null 2>&1";
	char verbs[PATH_MAX];
	const char *argv[] = {"bash", "-c", script, verbs, two_interfaces ? "2" : "", NULL};
	_cleanup_close_ int null_fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
	struct sandbox sandbox = SANDBOX_NONE;
	int output[2], err;

	snprintf(verbs, sizeof(verbs), "%s/verbs.sh", lab_dir());
	if (null_fd < 0 || pipe2(output, O_CLOEXEC))
		return log_error(-errno, "bring up %s", name);
	err = sandbox_start(&sandbox, argv, null_fd, output[1], SANDBOX_DETACHED);
	close(output[1]);
	if (err) {
		close(output[0]);
		return err;
	}
	if (ftruncate(state_fd, 0) || dprintf(state_fd, "%d\n", sandbox.pid) < 0)
		log_error(-errno, "write " STATE_DIR "/%s", name);
	err = wait_until_ready(output[0]);
	if (!err)
		return 0;
	sandbox_kill(&sandbox);
	sandbox_wait(&sandbox);
	return log_fail(err, "%s did not come up", name);
}

static int set_interfaces(void *two, int option, const char *value)
{
	(void)option;
	if (strcmp(value, "1") && strcmp(value, "2"))
		return lab_usage("up", "--interfaces takes 1 or 2, not \"%s\"", value);
	*(bool *)two = !strcmp(value, "2");
	return 0;
}

int cmd_up(int argc, char **argv)
{
	static const struct option known[] = {{"interfaces", required_argument, NULL, 'i'}, {0}};
	_cleanup_close_ int state_fd = -1;
	bool two = false;
	const char *name;
	int err;

	err = lab_options(argc, argv, known, set_interfaces, &two);
	if (err)
		return err;
	name = argv[optind];
	if (optind != argc - 1 || !good_name(name))
		return lab_usage("up", "one name is needed, of letters, digits, - and _");
	state_fd = claim_name(name);
	if (state_fd < 0)
		return EXIT_FAILURE;
	if (start(name, state_fd, two)) {
		remove_state(name);
		return EXIT_FAILURE;
	}
	printf("%s is up: client c0 -- s0 server%s\n"
	       "  bgo-lab shell %s            at the server: bgo, s0 192.0.2.1, 2001:db8::1\n"
	       "  bgo-lab shell %s --client   at the client: c0 192.0.2.2, 2001:db8::2\n"
	       "  bgo-lab down %s\n",
	       name, two ? ", client c1 -- s1 server" : "", name, name, name);
	return EXIT_SUCCESS;
}

/* -- Shell and down -- */

/* A pidfd of the first process. Negative errno, logged, when there is none. */
static int find_standing(const char *name)
{
	_cleanup_close_ int state_fd = good_name(name) ? open_state(name, 0) : -ENOENT;
	pid_t pid = state_fd < 0 ? -ENOENT : standing_pid(state_fd);
	int pid_fd = pid < 0 ? -1 : (int)syscall(SYS_pidfd_open, pid, 0);

	if (pid_fd >= 0)
		return pid_fd;
	if (pid == -ESRCH)
		remove_state(name); /* it ended by itself */
	return log_fail(-ENOENT, "%s is not up; `bgo-lab up %s` brings it up", name, name);
}

static int enter(int pid_fd, bool as_client)
{
	_cleanup_free_ char *here = get_current_dir_name();
	_cleanup_close_ int client_fd = -1;

	if (setns(pid_fd, NAMESPACES))
		return log_error(-errno, "enter the namespaces");
	/* Another mount namespace begins at its root. */
	if (here && chdir(here) && chdir("/"))
		return log_error(-errno, "go to %s", here);
	if (!as_client)
		return 0;
	client_fd = open("/run/netns/client", O_RDONLY | O_CLOEXEC);
	if (client_fd < 0 || setns(client_fd, CLONE_NEWNET))
		return log_error(-errno, "enter the client's network namespace");
	return 0;
}

/* The child is the first in the new pid namespace. It decides what Ctrl-C does. */
static int run_inside(const char *const argv[])
{
	int status;
	pid_t child;

	child = fork();
	if (child < 0)
		return EXIT_FAILURE;
	if (child == 0) {
		execvp(argv[0], (char **)argv);
		log_error(-errno, "run %s", argv[0]);
		_exit(127);
	}
	signal(SIGINT, SIG_IGN);
	signal(SIGQUIT, SIG_IGN);
	while (waitpid(child, &status, 0) < 0)
		if (errno != EINTR)
			return EXIT_FAILURE;
	return WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
}

int cmd_shell(int argc, char **argv)
{
	static const struct option known[] = {{"client", no_argument, NULL, 'c'}, {0}};
	const char *const bash[] = {"bash", "--norc", NULL};
	_cleanup_close_ int pid_fd = -1;
	char prompt[NAME_MAX + 32];
	bool as_client = false;
	const char *name;
	int option;

	opterr = 0;
	if (argc < 2 || !good_name(argv[1]))
		return lab_usage("shell", "a name is needed; `bgo-lab list` tells which are up");
	name = argv[1];
	/* "+": what follows the command is the command's. */
	while ((option = getopt_long(argc - 1, argv + 1, "+", known, NULL)) != -1) {
		if (option != 'c')
			return lab_usage("shell", "no such option: %s", argv[optind]);
		as_client = true;
	}
	pid_fd = find_standing(name);
	if (pid_fd < 0 || enter(pid_fd, as_client))
		return EXIT_FAILURE;
	snprintf(prompt, sizeof(prompt), "[%s %s] \\w# ", name, as_client ? "client" : "server");
	setenv("PS1", prompt, 1);
	argv += 1 + optind;
	return run_inside(*argv ? (const char *const *)argv : bash);
}

static int take_down(const char *name)
{
	_cleanup_close_ int pid_fd = find_standing(name);
	struct pollfd end = {.fd = pid_fd, .events = POLLIN};

	if (pid_fd < 0)
		return pid_fd;
	if (syscall(SYS_pidfd_send_signal, pid_fd, SIGKILL, NULL, 0))
		return log_error(-errno, "end %s", name);
	/* It ends behind the last process of its namespace. */
	while (poll(&end, 1, -1) < 0)
		if (errno != EINTR)
			return log_error(-errno, "wait for the end of %s", name);
	remove_state(name);
	return 0;
}

int cmd_down(int argc, char **argv)
{
	int failed = 0;

	if (argc < 2)
		return lab_usage("down", "a name is needed; `bgo-lab list` tells which are up");
	for (int i = 1; i < argc; i++)
		failed |= take_down(argv[i]);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
