/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The life of the daemon: open the store, become its one server, load, attach, let the store go,
 * wait, detach. Signals are blocked and read from a signalfd, so that one which arrives during the
 * start is seen between two steps of it and everything done so far is undone in order.
 */
#include "server.h"

#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/timerfd.h>

#include "cleanup.h"
#include "confirm.h"
#include "connections.h"
#include "expiry.h"
#include "devices.h"
#include "health_keeper.h"
#include "log.h"
#include "netlink.h"
#include "notify.h"
#include "privilege.h"
#include "snapshot.h"

struct server {
	const struct server_options *options;
	struct programs *programs;
	struct link_pins *pins;
	struct devices *devices;
	struct mnl_socket *links; /* readable when interfaces change */
	int signal_fd, tick_fd, watchdog_fd;
	struct snapshot_keeper *snapshots; /* NULL: none are kept */
	struct confirm_keeper *confirms;
	struct expiry *expiry;
	struct connection_keeper *connections;
	struct health_keeper *health;
};

/* Mistakes in the command are told like any command's, before anything is made or logged. */
static int check_options(const struct server_options *options)
{
	int err = 0;

	for (size_t i = 0; !err && i < options->interface_count; i++)
		if (!options->wait || if_nametoindex(options->interfaces[i]))
			err = attach_check(options->interfaces[i]);
	return err;
}

/* -- Signals -- */

static int open_signals(struct server *server)
{
	sigset_t signals;

	sigemptyset(&signals);
	sigaddset(&signals, SIGINT);
	sigaddset(&signals, SIGTERM);
	sigaddset(&signals, SIGHUP);
	if (sigprocmask(SIG_BLOCK, &signals, NULL) < 0)
		return log_error(-errno, "block signals");
	/* Whoever reads our log may go away; the firewall stays. */
	signal(SIGPIPE, SIG_IGN);
	server->signal_fd = signalfd(-1, &signals, SFD_CLOEXEC | SFD_NONBLOCK);
	return server->signal_fd < 0 ? log_error(-errno, "open signalfd") : 0;
}

/* Reads the signals that are pending. Whether one of them says stop. */
static bool asked_to_stop(const struct server *server)
{
	struct signalfd_siginfo info;

	while (read(server->signal_fd, &info, sizeof(info)) == sizeof(info)) {
		if (info.ssi_signo != SIGHUP)
			return true;
		log_info("Received SIGHUP: nothing to reload, changes of rules are in force at "
			 "once");
	}
	return false;
}

/* -- Start -- */

/* Before 5.11 maps counted against this limit; raising it is best effort. */
static void raise_memlock(void)
{
	const struct rlimit unlimited = {RLIM_INFINITY, RLIM_INFINITY};

	setrlimit(RLIMIT_MEMLOCK, &unlimited);
}

static int open_devices(struct server *server)
{
	const struct server_options *options = server->options;
	const struct attach_options how = {
		.programs = server->programs,
		.pins = server->pins,
		.mode = options->mode,
		.tc_kind = options->tc_kind,
		.keep = options->keep,
	};

	return devices_open(&server->devices, &how, options->interfaces, options->interface_count,
			    options->wait);
}

static bool stop_attaching(void *server)
{
	return asked_to_stop(server);
}

/* -ECANCELED: asked to stop meanwhile. */
static int attach_all(struct server *server)
{
	int err;

	/* Before the first interface is looked for, so that none can go unseen. */
	err = netlink_watch_links(&server->links);
	if (err)
		return log_error(err, "watch interfaces");
	/* Recorded before the first is attached: what a kill leaves there is known as ours. */
	err = link_pins_add_programs(server->pins, server->programs);
	return err ? err : devices_attach(server->devices, stop_attaching, server);
}

/*
 * Everything new is attached, so everything old may go. What fails here is logged and does no harm:
 * the firewall runs.
 */
static void commit(struct server *server, struct store *store)
{
	int err;

	devices_commit(server->devices);
	attach_remove_links(server->pins, ", which this start does not name");
	err = attach_remove_leftovers(store_id(store), server->pins, server->programs);
	/* What is not known to be off keeps its record. */
	if (err >= 0 || err == -EPERM)
		link_pins_keep_programs(server->pins, server->programs);
	(void)store_settle(store);
}

static void say_ready(const struct server_options *options, const struct store *store)
{
	log_info("Rules: %u of at most %u, generation %llu, pinned at %s", store_rule_count(store),
		 store_max_rules(store), (unsigned long long)store_generation(store),
		 options->pin_path);
	log_info("Firewall server ready (pid %d)", (int)getpid());
	notify("READY=1\nSTATUS=Filtering %s%s", options->interfaces[0],
	       options->interface_count > 1 ? " and others" : "");
}

/* From the maps to "ready". */
static int start_on(struct server *server, struct store *store, int *server_lock)
{
	int err;

	if (asked_to_stop(server))
		return -ECANCELED;
	err = store_server_lock(store, server_lock);
	if (err)
		return err;
	err = link_pins_open(&server->pins, server->options->pin_path);
	if (!err)
		err = store_set_connections_max(store, server->options->max_connections);
	if (!err)
		err = connection_keeper_open(&server->connections, store);
	if (!err)
		err = programs_load(&server->programs, store, false);
	if (!err)
		err = open_devices(server);
	if (!err)
		err = attach_all(server);
	if (err)
		return err;
	err = confirm_keeper_open(&server->confirms, store);
	if (!err)
		err = snapshot_keeper_open(&server->snapshots, store);
	if (!err)
		err = expiry_open(&server->expiry, store);
	if (!err)
		err = health_keeper_open(&server->health, store);
	if (err)
		return err;
	commit(server, store);
	say_ready(server->options, store);
	return 0;
}

static void detach_all(struct server *server);

/*
 * Up to "ready". The store, and with it the lock that keeps the command line out, is closed at the
 * end. A start that fails leaves the maps as they were. -ECANCELED: asked to stop meanwhile.
 */
static int start(struct server *server, int *server_lock, bool *created)
{
	const struct server_options *options = server->options;
	_cleanup_store_ struct store *store = NULL;
	int err;

	log_info("Starting firewall server...");
	raise_memlock();
	err = snapshot_open_or_create(&store, options->pin_path, options->max_rules,
				      options->state_dir, created);
	if (err)
		return err;
	log_info("%s firewall maps at %s", *created ? "Created" : "Using the", options->pin_path);
	err = start_on(server, store, server_lock);
	/* What was taken over goes back to programs on the old maps before these are. */
	if (err && store_pending(store)) {
		detach_all(server);
		(void)store_unmigrate(store);
	}
	return err;
}

/* -- Run -- */

static int open_tick(struct server *server)
{
	const struct itimerspec second = {.it_interval.tv_sec = 1, .it_value.tv_sec = 1};

	server->tick_fd = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK);
	if (server->tick_fd < 0 || timerfd_settime(server->tick_fd, 0, &second, NULL) < 0)
		return log_error(-errno, "set a timer");
	return 0;
}

/* Once a second. */
static void on_tick(struct server *server)
{
	uint64_t ticks;

	if (read(server->tick_fd, &ticks, sizeof(ticks)) != sizeof(ticks))
		return;
	confirm_keeper_tick(server->confirms);
	expiry_tick(server->expiry);
	devices_look(server->devices);
	if (server->snapshots)
		snapshot_keeper_tick(server->snapshots);
	connection_keeper_tick(server->connections);
	health_keeper_tick(server->health);
}

static int watch(int epoll_fd, int fd)
{
	struct epoll_event event = {.events = EPOLLIN, .data.fd = fd};

	if (epoll_ctl(epoll_fd, EPOLL_CTL_ADD, fd, &event) < 0)
		return log_error(-errno, "watch for events");
	return 0;
}

/* Readable when the service manager wants to hear that this loop goes round. */
static int open_watchdog(struct server *server)
{
	const uint64_t period_us = notify_watchdog_us();
	const struct timespec period = {
		.tv_sec = (time_t)(period_us / 1000000),
		.tv_nsec = (long)(period_us % 1000000 * 1000),
	};
	const struct itimerspec timer = {.it_interval = period, .it_value = period};

	server->watchdog_fd = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK);
	if (server->watchdog_fd < 0 || timerfd_settime(server->watchdog_fd, 0, &timer, NULL))
		return log_error(-errno, "set the watchdog's timer");
	return 0;
}

static void feed_watchdog(const struct server *server)
{
	uint64_t periods;

	if (read(server->watchdog_fd, &periods, sizeof(periods)) == sizeof(periods))
		notify("WATCHDOG=1");
}

/* Until a signal says stop. */
static int run(struct server *server)
{
	_cleanup_close_ int epoll_fd = epoll_create1(EPOLL_CLOEXEC);
	struct epoll_event event;
	int err;

	if (epoll_fd < 0)
		return log_error(-errno, "wait for events");
	err = open_watchdog(server);
	if (!err)
		err = watch(epoll_fd, server->watchdog_fd);
	if (!err)
		err = watch(epoll_fd, server->signal_fd);
	if (!err)
		err = watch(epoll_fd, mnl_socket_get_fd(server->links));
	if (!err)
		err = open_tick(server);
	if (!err)
		err = watch(epoll_fd, server->tick_fd);
	if (!err)
		err = watch(epoll_fd, health_keeper_fd(server->health));
	while (!err) {
		if (epoll_wait(epoll_fd, &event, 1, -1) < 0) {
			if (errno != EINTR)
				err = log_error(-errno, "wait for events");
			continue;
		}
		if (event.data.fd == mnl_socket_get_fd(server->links)) {
			netlink_drain(server->links);
			devices_look(server->devices);
		} else if (event.data.fd == server->tick_fd) {
			on_tick(server);
		} else if (event.data.fd == server->watchdog_fd) {
			feed_watchdog(server);
		} else if (event.data.fd == health_keeper_fd(server->health)) {
			health_keeper_answer(server->health);
		} else if (asked_to_stop(server)) {
			break;
		}
	}
	return err;
}

/* -- Stop -- */

static void detach_all(struct server *server)
{
	if (!server->devices)
		return;
	devices_detach(server->devices);
	link_pins_remove_programs(server->pins, server->programs);
}

static void leave_all(struct server *server)
{
	const char *pin_path = server->options->pin_path;
	const bool other_path = strcmp(pin_path, STORE_DEFAULT_PIN_PATH) != 0;

	devices_leave(server->devices);
	log_info("Rules can be changed as before; the next start takes over without a gap. To end "
		 "the filtering: bgo firewall-server detach%s%s",
		 other_path ? " --pin-path " : "", other_path ? pin_path : "");
}

/* ready: the start was complete; else what it did is undone, and only that. */
static void shut_down(struct server *server, bool ready)
{
	notify("STOPPING=1\nSTATUS=Shutting down");
	log_info("Received shutdown signal, shutting down firewall server...");
	log_info("Firewall server stopped");
	if (ready && server->options->keep) {
		leave_all(server);
		snapshot_keeper_close(take(server->snapshots));
		return;
	}
	log_info("Starting firewall cleanup...");
	detach_all(server);
	snapshot_keeper_close(take(server->snapshots));
	log_info("Firewall cleanup completed");
}

static void server_free(struct server *server)
{
	devices_free(server->devices);
	programs_unload(server->programs);
	link_pins_close(server->pins);
	snapshot_keeper_close(take(server->snapshots));
	confirm_keeper_close(take(server->confirms));
	expiry_close(take(server->expiry));
	health_keeper_close(take(server->health));
	cleanup_close(&server->tick_fd);
	cleanup_close(&server->watchdog_fd);
	connection_keeper_close(take(server->connections));
	netlink_cleanup_socket(&server->links);
	cleanup_close(&server->signal_fd);
}

/* A start that fails leaves things as they were: maps that are there because of it only go again.
 */
static void undo_start(struct server *server, int *server_lock, bool created)
{
	detach_all(server);
	cleanup_close(server_lock);
	*server_lock = -1;
	if (created && store_remove(server->options->pin_path) == 0)
		log_info("Removed the maps made by this start from %s", server->options->pin_path);
}

int server_run(const struct server_options *options)
{
	/* Closed last: a second server waits outside until this one is off the interfaces. */
	_cleanup_close_ int server_lock = -1;
	_cleanup_(server_free) struct server server = {
		.options = options,
		.signal_fd = -1,
		.tick_fd = -1,
		.watchdog_fd = -1,
	};
	bool created = false, ready;
	int err;

	err = check_options(options);
	if (err)
		return err;
	log_daemon();
	err = open_signals(&server);
	if (err)
		return err;
	err = start(&server, &server_lock, &created);
	if (err && err != -ECANCELED) {
		undo_start(&server, &server_lock, created);
		return err;
	}
	ready = !err;
	/* Starting takes more: mounting, and telling whose a program is that is in the way. */
	if (ready)
		err = privilege_drop();
	if (!err)
		err = run(&server);
	shut_down(&server, ready);
	return err == -ECANCELED ? 0 : err;
}
