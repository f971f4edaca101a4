/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The server's snapshots: looks at the commit word once a second and writes when it has stood still
 * for that long, or has not for too long. See snapshot.h.
 */
#include <stdlib.h>
#include <string.h>

#include "cleanup.h"
#include "log.h"
#include "snapshot.h"

/* Seconds: how long changes that go on may put off the snapshot, and a failure the next try. */
#define UNSETTLED_MAX 5
#define RETRY_AFTER 10
#define CLOSE_WAIT 2

struct snapshot_keeper {
	char *pin_path, *file;
	const struct config *config;
	uint64_t seen;	  /* generation of the last look */
	uint64_t written; /* generation on disk; 0: another store's, or none */
	unsigned int unsettled, retry_in;
	bool failing;
};

static void keeper_free(struct snapshot_keeper *keeper)
{
	store_unwatch(keeper->config);
	free(keeper->pin_path);
	free(keeper->file);
	free(keeper);
}

static void keeper_cleanup(struct snapshot_keeper **keeper)
{
	if (*keeper)
		keeper_free(*keeper);
}

int snapshot_keeper_open(struct snapshot_keeper **out, const struct store *store)
{
	_cleanup_(keeper_cleanup) struct snapshot_keeper *keeper = NULL;
	struct snapshot_label label;

	*out = NULL;
	if (!*store_snapshot(store))
		return 0;
	keeper = calloc(1, sizeof(*keeper));
	if (!keeper)
		return log_error(-ENOMEM, "start");
	keeper->pin_path = strdup(store_pin_path(store));
	keeper->file = strdup(store_snapshot(store));
	keeper->config = store_watch(store);
	if (!keeper->pin_path || !keeper->file || !keeper->config)
		return log_error(-ENOMEM, "start");
	if (snapshot_look(keeper->file, &label) == 0 && label.store_id == store_id(store))
		keeper->written = label.generation;
	*out = take(keeper);
	return 0;
}

/* Once for a row of failures, and once for its end. */
static void tell(struct snapshot_keeper *keeper, int err, const char *why)
{
	if (err && !keeper->failing)
		log_warning("The rules are in force, but their snapshot %s was not written: "
			    "%s%s%s; a reboot now would bring back older rules. Trying again",
			    keeper->file, why ? why : "see above", why ? ": " : "",
			    why ? strerror(-err) : "");
	else if (!err && keeper->failing)
		log_info("The snapshot %s is up to date again", keeper->file);
	keeper->failing = err != 0;
	keeper->retry_in = err ? RETRY_AFTER : 0;
}

static void write_now(struct snapshot_keeper *keeper, unsigned int seconds)
{
	_cleanup_store_ struct store *store = NULL;
	struct snapshot_label label;
	const char *why = NULL;
	int err;

	err = store_try_open(&store, keeper->pin_path, STORE_READ, seconds);
	if (err == -ENOENT)
		why = "open the maps";
	if (!err)
		err = snapshot_write(&store, seconds, &label, &why);
	if (err == -EWOULDBLOCK)
		return; /* somebody is at work: the next tick */
	if (!err)
		keeper->written = label.generation;
	tell(keeper, err, why);
}

static bool is_written(const struct snapshot_keeper *keeper)
{
	return keeper->config->commit == keeper->written && access(keeper->file, F_OK) == 0;
}

void snapshot_keeper_tick(struct snapshot_keeper *keeper)
{
	const uint64_t generation = __atomic_load_n(&keeper->config->commit, __ATOMIC_ACQUIRE);
	const bool settled = generation == keeper->seen;

	keeper->seen = generation;
	if (keeper->retry_in && --keeper->retry_in)
		return;
	if (is_written(keeper)) {
		keeper->unsettled = 0;
		return;
	}
	if (!settled && ++keeper->unsettled < UNSETTLED_MAX)
		return;
	keeper->unsettled = 0;
	write_now(keeper, 0);
}

void snapshot_keeper_close(struct snapshot_keeper *keeper)
{
	if (!keeper)
		return;
	if (!is_written(keeper))
		write_now(keeper, CLOSE_WAIT);
	keeper_free(keeper);
}
