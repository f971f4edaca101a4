/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Who brings back a change that nobody confirms. See confirm.h. */
#include "confirm.h"

#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <time.h>

#include "cleanup.h"
#include "log.h"
#include "snapshot.h"

/* Others may change something between our snapshot and our change. */
#define PREPARE_TRIES 5

static bool has_snapshot(const struct store *store)
{
	struct snapshot_label label;

	return !*store_snapshot(store) || store_unconfirmed(store) ||
	       (snapshot_look(store_snapshot(store), &label) == 0 &&
		label.store_id == store_id(store) && store_is_of(store, label.generation));
}

void confirm_prepare(const char *pin_path)
{
	struct snapshot_label label;
	const char *why = NULL;

	for (int i = 0; i < PREPARE_TRIES; i++) {
		_cleanup_store_ struct store *store = NULL;
		int err;

		/* What keeps the store from opening is the change's to say. */
		if (store_try_open(&store, pin_path, STORE_READ, STORE_LOCK_SECONDS) ||
		    has_snapshot(store))
			return;
		err = snapshot_write(&store, STORE_LOCK_SECONDS, &label, &why);
		if (err) {
			log_warning("the snapshot of the rules was not written: %s%s%s; if the "
				    "machine reboots before the change is confirmed, older rules "
				    "than those of now come back",
				    why ? why : "see above", why ? ": " : "",
				    why ? strerror(-err) : "");
			return;
		}
	}
}

/* -- The process -- */

/* Nothing of the command's is left: a pipe it wrote to must end with it. */
static void let_go(void)
{
	int null;

	/* The store's lock first. */
	close_range(STDERR_FILENO + 1, ~0u, 0);
	null = open("/dev/null", O_RDWR | O_CLOEXEC);
	setsid();
	signal(SIGHUP, SIG_IGN);
	signal(SIGPIPE, SIG_IGN);
	(void)prctl(PR_SET_NAME, "bgo-revert");
	if (chdir("/") < 0 || null < 0 || dup2(null, STDIN_FILENO) < 0 ||
	    dup2(null, STDOUT_FILENO) < 0 || dup2(null, STDERR_FILENO) < 0)
		_exit(EXIT_FAILURE);
}

static bool still_waits(const struct config *config, uint64_t generation)
{
	return __atomic_load_n(&config->commit, __ATOMIC_ACQUIRE) == generation;
}

/* A second at most, so that it ends soon after the change is confirmed. */
static void sleep_until(uint64_t deadline_ns)
{
	const uint64_t second_ns = 1000000000;
	uint64_t until_ns = store_boottime_ns() + second_ns;
	struct timespec until;

	if (deadline_ns < until_ns)
		until_ns = deadline_ns;
	until = (struct timespec){.tv_sec = (time_t)(until_ns / second_ns),
				  .tv_nsec = (long)(until_ns % second_ns)};
	clock_nanosleep(CLOCK_BOOTTIME, TIMER_ABSTIME, &until, NULL);
}

static void __attribute__((noreturn))
wait_and_revert(const struct config *config, const char *pin_path, uint64_t generation,
		uint64_t deadline_ns)
{
	let_go();
	while (still_waits(config, generation)) {
		struct store *store = NULL;
		int err;

		if (store_boottime_ns() < deadline_ns) {
			sleep_until(deadline_ns);
			continue;
		}
		/* Opening it undoes what was not confirmed in time, in whatever maps it is now. */
		err = store_try_open(&store, pin_path, STORE_WRITE, STORE_LOCK_SECONDS);
		store_close(store);
		if (!err || err == -ENOENT)
			break;
		sleep(1);
	}
	_exit(EXIT_SUCCESS);
}

void confirm_leave_process(const struct store *store)
{
	const struct unconfirmed *waits = store_unconfirmed(store);
	const struct config *config = store_watch(store);
	pid_t pid;

	if (!config)
		return;
	pid = fork();
	if (pid == 0)
		wait_and_revert(config, store_pin_path(store), store_generation(store),
				waits->deadline_ns);
	store_unwatch(config);
	if (pid < 0)
		log_warning("no process could be left behind to undo the change: %s; the server "
			    "does, or the next command",
			    strerror(errno));
}

/* -- What is said of it -- */

struct confirm_state confirm_look(const struct store *store)
{
	const struct unconfirmed *waits = store_unconfirmed(store);
	struct confirm_state state = {0};

	if (waits) {
		state.unconfirmed = *waits;
		state.left_s = store_unconfirmed_left_s(store);
	}
	return state;
}

void confirm_print(struct output *out, const char *label, const struct confirm_state *state)
{
	const struct unconfirmed *waits = &state->unconfirmed;

	if (!waits->generation) {
		output_null(out, "unconfirmed");
		return;
	}
	output_object(out, "unconfirmed");
	output_number_as(out, "reverts_in_s", label, state->left_s,
			 "unconfirmed, reverts in %u s (change of process %u, uid %u)",
			 state->left_s, waits->pid, waits->uid);
	output_number(out, "pid", NULL, waits->pid);
	output_number(out, "uid", NULL, waits->uid);
	output_number(out, "since", NULL, waits->since_s);
	output_close(out);
}

/* -- The server -- */

struct confirm_keeper {
	char *pin_path;
	const struct config *config;
	uint64_t seen; /* the generation last looked into */
	bool waits;    /* that one is unconfirmed */
	uint64_t deadline_ns;
};

void confirm_keeper_close(struct confirm_keeper *keeper)
{
	if (!keeper)
		return;
	store_unwatch(keeper->config);
	free(keeper->pin_path);
	free(keeper);
}

static void keeper_cleanup(struct confirm_keeper **keeper)
{
	confirm_keeper_close(*keeper);
}

int confirm_keeper_open(struct confirm_keeper **out, const struct store *store)
{
	_cleanup_(keeper_cleanup) struct confirm_keeper *keeper = calloc(1, sizeof(*keeper));

	if (!keeper)
		return log_error(-ENOMEM, "start");
	keeper->pin_path = strdup(store_pin_path(store));
	keeper->config = store_watch(store);
	if (!keeper->pin_path || !keeper->config)
		return log_error(-ENOMEM, "start");
	*out = take(keeper);
	return 0;
}

void confirm_keeper_tick(struct confirm_keeper *keeper)
{
	_cleanup_store_ struct store *store = NULL;

	if (still_waits(keeper->config, keeper->seen) &&
	    (!keeper->waits || store_boottime_ns() < keeper->deadline_ns))
		return;
	/* Opening it undoes what was not confirmed in time. */
	if (store_try_open(&store, keeper->pin_path, STORE_READ, 0))
		return;
	keeper->seen = store_generation(store);
	keeper->waits = store_unconfirmed(store) != NULL;
	keeper->deadline_ns = keeper->waits ? store_unconfirmed(store)->deadline_ns : 0;
}
