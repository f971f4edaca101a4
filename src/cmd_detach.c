/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * `bgo firewall-server detach`, the red button: everything of the pin path's off every interface,
 * whatever state it is in; the maps stay.
 */
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/pidfd.h>

#include "attach.h"
#include "cleanup.h"
#include "command.h"
#include "config_file.h"
#include "link_pins.h"
#include "log.h"
#include "options.h"

/* A server stops within a second; one that is frozen does not. */
#define STOP_MS 5000

struct detach_options {
	struct common_options common;
	bool leftovers;
	const char *config;
};

static const struct option_spec detach_table[] = {
	OPTION(struct detach_options, leftovers, FLAG, "leftovers", NULL,
	       "only what a server that was killed left behind"),
	OPTION(struct detach_options, config, PATH, "config", "FILE",
	       "take the pin path from the server's FILE"),
	OPTIONS_COMMON,
	{0},
};

/* A handle of the process that holds the server's lock now, or negative errno, logged. */
static int open_server(const char *pin_path, const struct store_lock *lock)
{
	int fd;

	if (!lock->server_pid)
		return log_fail(-ESRCH,
				"detach: the firewall server of %s is in another pid namespace: "
				"stop it there, then detach",
				pin_path);
	fd = pidfd_open(lock->server_pid, 0);
	if (fd < 0)
		return log_error(-errno, "detach: stop the firewall server (pid %d)",
				 lock->server_pid);
	return fd;
}

/* Whether it ended in time. */
static bool has_ended(int pidfd)
{
	struct pollfd wait = {.fd = pidfd, .events = POLLIN};

	return poll(&wait, 1, STOP_MS) > 0;
}

static int stop_process(int pidfd, int pid)
{
	log_info("Stopping the firewall server (pid %d)...", pid);
	if (pidfd_send_signal(pidfd, SIGTERM, NULL, 0) < 0 && errno != ESRCH)
		return log_error(-errno, "detach: stop the firewall server (pid %d)", pid);
	if (has_ended(pidfd))
		return 0;
	log_warning("the firewall server (pid %d) did not stop in %d s: killing it", pid,
		    STOP_MS / 1000);
	if (pidfd_send_signal(pidfd, SIGKILL, NULL, 0) < 0 && errno != ESRCH)
		return log_error(-errno, "detach: kill the firewall server (pid %d)", pid);
	if (has_ended(pidfd))
		return 0;
	return log_fail(-ETIMEDOUT, "detach: the firewall server (pid %d) cannot be killed", pid);
}

/*
 * Ends the server, of which a frozen one is killed: only what does not run cannot attach again. The
 * lock is let go meanwhile, it may need it. 1: there was one, 0: none.
 */
static int stop_server(const char *pin_path, struct store_lock *lock)
{
	_cleanup_close_ int pidfd = -1;
	const int pid = lock->server_pid;
	int err;

	if (!lock->running)
		return 0;
	pidfd = open_server(pin_path, lock);
	if (pidfd < 0)
		return pidfd;
	store_unlock(lock);
	err = stop_process(pidfd, pid);
	if (!err)
		err = store_lock(lock, pin_path);
	if (err)
		return err;
	if (lock->running)
		return log_fail(-EBUSY,
				"detach: another firewall server was started meanwhile (pid %d); a "
				"service manager may do that: stop the service, then detach",
				lock->server_pid);
	return 1;
}

static int detach_prepare(void *parsed)
{
	struct detach_options *options = parsed;

	if (!options->config)
		return 0;
	return config_file_read(&cmd_server_detach, &cmd_server_start, options->config, options);
}

/* What a server serves, or left to go on filtering. 1, 0 or negative errno, logged. */
static int is_wanted(const char *pin_path, const struct store_lock *lock)
{
	_cleanup_link_pins_ struct link_pins *pins = NULL;
	int err;

	if (lock->running)
		return 1;
	/* Only what is to outlive its server is a pinned link. */
	err = link_pins_open(&pins, pin_path);
	return err ?: link_pins_next(pins, NULL) != NULL;
}

/* 1: it is not for this command to detach it, 0: it is, or negative errno, logged. */
static int leave(const struct detach_options *options, const struct store_lock *lock)
{
	int wanted;

	if (!options->leftovers)
		return 0;
	wanted = is_wanted(options->common.pin_path, lock);
	if (wanted > 0)
		log_info("Nothing was left behind: what is attached is to filter");
	return wanted;
}

static int detach_run(const void *parsed)
{
	const struct detach_options *options = parsed;
	const char *pin_path = options->common.pin_path;
	_cleanup_store_lock_ struct store_lock lock = STORE_LOCK_NONE;
	int stopped, removed;

	stopped = store_lock(&lock, pin_path);
	if (!stopped) {
		int left = leave(options, &lock);

		if (left)
			return left < 0 ? left : 0;
		stopped = stop_server(pin_path, &lock);
	}
	if (stopped < 0)
		return stopped;
	removed = attach_remove_all(pin_path, &lock);
	if (removed < 0)
		return removed;
	if (stopped || removed)
		log_info("Nothing is attached any more: packets pass unfiltered; the rules are "
			 "kept at %s",
			 pin_path);
	else
		log_info("Nothing attached");
	return 0;
}

const struct command cmd_server_detach = {
	.name = "firewall-server detach",
	.alias = "detach",
	.summary = "end the filtering: everything off every interface, rules kept",
	.usage = "[OPTION...]",
	.details =
		"Stops the server of these maps when one runs (one that does not stop in 5 s is "
		"killed), and takes what was\nkept or left by a server that was killed off every "
		"interface. The pinned maps stay: the next start\nfilters by them again.\n"
		"With --leftovers it clears up behind a server that was killed, as the service "
		"does: a "
		"server that runs\nand what is kept are left alone.\n",
	.examples = "  bgo firewall-server detach\n",
	.prepare = detach_prepare,
	.options = detach_table,
	.options_size = sizeof(struct detach_options),
	.capabilities = COMMAND_NEEDS_BPF | COMMAND_NEEDS_NET_ADMIN,
	.run = detach_run,
};
