/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The pin directory on bpffs: making it, trusting it, locking it. See pin_dir.h. */
#include <fcntl.h>
#include <inttypes.h>
#include <linux/magic.h>
#include <signal.h>
#include <string.h>
#include <sys/file.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/time.h>
#include <sys/vfs.h>
#include <time.h>

#include "cleanup.h"
#include "log.h"
#include "pin_dir.h"

#define BPFFS "/sys/fs/bpf"

/* How often a wait for the lock looks at the clock. */
#define LOCK_LOOK_MS 100

static int is_bpffs(const char *path)
{
	struct statfs info;

	if (statfs(path, &info) < 0)
		return -errno;
	return info.f_type == BPF_FS_MAGIC;
}

static int mount_bpffs(void)
{
	int here = is_bpffs(BPFFS);

	if (here < 0)
		return log_error(here, "look at %s", BPFFS);
	if (here)
		return 0;
	if (mount("bpf", BPFFS, "bpf", MS_NOSUID | MS_NODEV | MS_NOEXEC | MS_RELATIME,
		  "mode=0700") < 0)
		return log_error(-errno, "mount the bpf filesystem on %s", BPFFS);
	log_info("Mounted the bpf filesystem on %s", BPFFS);
	return 0;
}

static bool is_below(const char *path, const char *parent)
{
	size_t length = strlen(parent);

	return strncmp(path, parent, length) == 0 && path[length] == '/';
}

/* The directory that holds the last component of path. */
static int parent_of(const char *path, char **out)
{
	_cleanup_free_ char *parent = strdup(path);
	char *slash;

	if (!parent)
		return -ENOMEM;
	for (size_t end = strlen(parent); end > 1 && parent[end - 1] == '/'; end--)
		parent[end - 1] = '\0';
	slash = strrchr(parent, '/');
	if (!slash)
		strcpy(parent, ".");
	else
		slash[slash == parent] = '\0';
	*out = take(parent);
	return 0;
}

int pin_dir_make(const char *path)
{
	_cleanup_free_ char *parent = NULL;
	int err;

	if (is_below(path, BPFFS)) {
		err = mount_bpffs();
		if (err)
			return err;
	}
	err = parent_of(path, &parent);
	if (err)
		return log_error(err, "make pin path %s", path);
	err = is_bpffs(parent);
	if (err < 0)
		return log_error(err, "make pin path %s: %s", path, parent);
	if (!err)
		return log_fail(-EINVAL,
				"make pin path %s: %s is not on a bpf filesystem; mount one with "
				"`mount -t bpf bpf %s` "
				"or use a path below " BPFFS,
				path, parent, parent);
	if (mkdir(path, 0700) == 0)
		return 1;
	return errno == EEXIST ? 0 : log_error(-errno, "make pin path %s", path);
}

/* The directory's rules are the firewall's: nobody else may put pins of their own there. */
static int check_trust(const char *path, int fd)
{
	struct statfs fs;
	struct stat info;

	if (fstatfs(fd, &fs) < 0 || fstat(fd, &info) < 0)
		return log_error(-errno, "look at pin path %s", path);
	if (fs.f_type != BPF_FS_MAGIC)
		return log_fail(-EINVAL, "open pin path %s: it is not on a bpf filesystem", path);
	if (info.st_uid != geteuid() || (info.st_mode & 0077))
		return log_fail(-EPERM,
				"open pin path %s: owner %u, mode %04o; it must be yours (uid %u) "
				"and mode 0700, or its "
				"content cannot be trusted",
				path, info.st_uid, info.st_mode & 07777, geteuid());
	return 0;
}

/* Who holds a lock on the directory: a pid from /proc/locks, 0 when it cannot be told. */
static pid_t lock_holder(int fd)
{
	_cleanup_fclose_ FILE *locks = fopen("/proc/locks", "re");
	struct stat info;
	char line[256];

	if (!locks || fstat(fd, &info) < 0)
		return 0;
	while (fgets(line, sizeof(line), locks)) {
		unsigned int major, minor;
		uint64_t inode;
		int pid;

		if (sscanf(line, "%*u: FLOCK %*s %*s %d %x:%x:%" SCNu64, &pid, &major, &minor,
			   &inode) != 4)
			continue;
		if (inode == info.st_ino && makedev(major, minor) == info.st_dev)
			return pid;
	}
	return 0;
}

static void on_alarm(int signal)
{
	(void)signal; /* interrupts flock(), which is all it is for */
}

/* What waiting for the lock changes of the process, to put it back. */
struct alarm {
	struct sigaction action;
	struct itimerval timer;
	sigset_t mask;
};

static void alarm_begin(struct alarm *before)
{
	const struct sigaction action = {.sa_handler = on_alarm};
	const struct timeval look = {.tv_usec = LOCK_LOOK_MS * 1000};
	const struct itimerval timer = {.it_interval = look, .it_value = look};
	sigset_t signals;

	sigemptyset(&signals);
	sigaddset(&signals, SIGALRM);
	sigaction(SIGALRM, &action, &before->action);
	sigprocmask(SIG_UNBLOCK, &signals, &before->mask);
	setitimer(ITIMER_REAL, &timer, &before->timer);
}

static void alarm_end(const struct alarm *before)
{
	setitimer(ITIMER_REAL, &before->timer, NULL);
	sigprocmask(SIG_SETMASK, &before->mask, NULL);
	sigaction(SIGALRM, &before->action, NULL);
}

static uint64_t now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

/* The server blocks these signals and reads them later: it must not wait here until then. */
static bool asked_to_stop(void)
{
	sigset_t pending;

	sigemptyset(&pending);
	sigpending(&pending);
	return sigismember(&pending, SIGTERM) == 1 || sigismember(&pending, SIGINT) == 1;
}

/*
 * In the kernel's queue, so that many who wait have their turns; the alarm ends a wait too long.
 * Readers take the lock as writers do: shared, two that read all the time would keep writers out
 * for ever, and what a reader does takes a millisecond.
 */
static int wait_in_queue(int fd, unsigned int seconds)
{
	const uint64_t end_ms = now_ms() + seconds * 1000ULL;

	while (flock(fd, LOCK_EX) < 0) {
		if (errno != EINTR)
			return -errno;
		if (asked_to_stop())
			return -ECANCELED;
		if (now_ms() >= end_ms)
			return -ETIMEDOUT;
	}
	return 0;
}

int dir_lock(const char *what, const char *path, int fd, unsigned int seconds)
{
	struct alarm before;
	pid_t holder;
	int err;

	if (flock(fd, LOCK_EX | LOCK_NB) == 0)
		return 0;
	if (errno != EWOULDBLOCK)
		return log_error(-errno, "lock %s %s", what, path);
	if (!seconds)
		return -EWOULDBLOCK;
	alarm_begin(&before);
	err = wait_in_queue(fd, seconds);
	alarm_end(&before);
	if (err == -ECANCELED)
		return err;
	if (err != -ETIMEDOUT)
		return err ? log_error(err, "lock %s %s", what, path) : 0;
	holder = lock_holder(fd);
	return log_fail(err,
			"lock %s %s: it was not free for %u s; process %d holds it, look at "
			"it with `ps %d`",
			what, path, seconds, holder, holder);
}

/* While we waited the directory may have been removed, and made anew. */
static bool is_still(const char *path, int fd)
{
	struct stat opened, now;

	return fstat(fd, &opened) == 0 && stat(path, &now) == 0 && opened.st_ino == now.st_ino &&
	       opened.st_dev == now.st_dev;
}

int pin_dir_open(const char *path, unsigned int seconds)
{
	for (;;) {
		_cleanup_close_ int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
		int err;

		if (fd < 0)
			return errno == ENOENT ? -ENOENT
					       : log_error(-errno, "open pin path %s", path);
		err = check_trust(path, fd);
		if (!err)
			err = dir_lock("pin path", path, fd, seconds);
		if (err)
			return err;
		if (is_still(path, fd))
			return take_fd(fd);
	}
}

bool pin_dir_server_runs(int dir_fd)
{
	_cleanup_close_ int fd = openat(dir_fd, PIN_DIR_SERVER, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	return fd >= 0 && flock(fd, LOCK_SH | LOCK_NB) < 0 && errno == EWOULDBLOCK;
}

pid_t pin_dir_server_pid(int dir_fd)
{
	_cleanup_close_ int fd = openat(dir_fd, PIN_DIR_SERVER, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	return fd < 0 ? 0 : lock_holder(fd);
}

int pin_dir_lock_server(int dir_fd)
{
	_cleanup_close_ int fd = -1;

	if (mkdirat(dir_fd, PIN_DIR_SERVER, 0700) < 0 && errno != EEXIST)
		return log_error(-errno, "make %s in the pin path", PIN_DIR_SERVER);
	fd = openat(dir_fd, PIN_DIR_SERVER, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
	if (fd < 0)
		return log_error(-errno, "open %s in the pin path", PIN_DIR_SERVER);
	if (flock(fd, LOCK_EX | LOCK_NB) < 0)
		return errno == EWOULDBLOCK
			       ? -EBUSY
			       : log_error(-errno, "lock %s in the pin path", PIN_DIR_SERVER);
	return take_fd(fd);
}
