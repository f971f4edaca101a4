/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The tables of connections, see connections.h. */
#include "connections.h"

#include <bpf/bpf.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <time.h>

#include "cleanup.h"
#include "log.h"

#define BATCH 1024

uint64_t connections_now_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec;
}

struct connection_maps connection_maps_of(const struct store *store)
{
	return (struct connection_maps){
		.track_fd = store_map_fd(store, MAP_conn_track_map),
		.reverse_fd = store_map_fd(store, MAP_conn_reverse_map),
		.half_open_fd = store_map_fd(store, MAP_conn_half_open_map),
	};
}

/* Entries of one table, read many at a time. */
struct batch {
	struct conn_tuple keys[BATCH];
	struct conn values[BATCH];
	/* Where the next one begins: for hash tables a bucket's number, larger for others. */
	struct conn_tuple position;
	bool begun, ended;
};

/* The next entries: their number, or negative errno, logged. 0 when there are none, and at the end.
 */
static int batch_read(struct batch *batch, int fd)
{
	uint32_t count = BATCH;
	int err;

	if (batch->ended)
		return 0;
	err = bpf_map_lookup_batch(fd, batch->begun ? &batch->position : NULL, &batch->position,
				   batch->keys, batch->values, &count, NULL);
	batch->begun = true;
	batch->ended = err == -ENOENT;
	if (err && err != -ENOENT)
		return log_error(err, "read connections");
	return (int)count;
}

int connections_each(const struct connection_maps *maps, bool half_open, connections_fn *each,
		     void *data)
{
	const int fd = half_open ? maps->half_open_fd : maps->track_fd;
	_cleanup_free_ struct batch *batch = calloc(1, sizeof(*batch));
	int count;

	if (!batch)
		return log_error(-ENOMEM, "read connections");
	while (!batch->ended) {
		count = batch_read(batch, fd);
		if (count < 0)
			return count;
		for (int i = 0; i < count; i++)
			if (!batch->values[i].reply &&
			    !each(&batch->keys[i], &batch->values[i], data))
				return 0;
	}
	return 0;
}

static void reverse_of(const struct conn_tuple *tuple, struct conn_tuple *out)
{
	memset(out, 0, sizeof(*out));
	memcpy(out->saddr_be, tuple->daddr_be, sizeof(out->saddr_be));
	memcpy(out->daddr_be, tuple->saddr_be, sizeof(out->daddr_be));
	out->sport_be = tuple->dport_be;
	out->dport_be = tuple->sport_be;
	out->family = tuple->family;
	out->protocol = tuple->protocol;
	out->zone = tuple->zone;
}

static bool is_kept(const struct conn_tuple *client, const struct conn *conn, const uint64_t *keep,
		    uint64_t now_ns)
{
	if (keep && client->zone == CONN_ZONE_LVS &&
	    (conn->server >= LVS_SERVER_IDS || !(keep[conn->server / 64] >> conn->server % 64 & 1)))
		return false;
	return !conn_expired(conn, now_ns);
}

/*
 * The entry as it is now, not as it was when the batch was read. A packet between this look and the
 * removal comes to a connection that was silent for minutes or hours: then it is one too late.
 */
static bool remove_entry(int fd, int reverse_fd, const struct conn_tuple *client,
			 const uint64_t *keep)
{
	struct conn_tuple reverse;
	struct conn conn;

	if (bpf_map_lookup_elem(fd, client, &conn) ||
	    is_kept(client, &conn, keep, connections_now_ns()))
		return false;
	(void)bpf_map_delete_elem(fd, client);
	if (client->zone == CONN_ZONE_LVS) {
		reverse_of(&conn.to, &reverse);
		(void)bpf_map_delete_elem(reverse_fd, &reverse);
	}
	return true;
}

static int remove_from(int fd, int reverse_fd, const uint64_t *keep, uint32_t *removed)
{
	_cleanup_free_ struct batch *batch = calloc(1, sizeof(*batch));
	uint64_t now_ns = connections_now_ns();
	int count;

	if (!batch)
		return log_error(-ENOMEM, "remove connections");
	while (!batch->ended) {
		count = batch_read(batch, fd);
		if (count < 0)
			return count;
		for (int i = 0; i < count; i++)
			if (!batch->values[i].reply &&
			    !is_kept(&batch->keys[i], &batch->values[i], keep, now_ns))
				*removed += remove_entry(fd, reverse_fd, &batch->keys[i], keep);
	}
	return 0;
}

int connections_remove(const struct connection_maps *maps, const uint64_t *keep, uint32_t *removed)
{
	int err;

	*removed = 0;
	err = remove_from(maps->track_fd, maps->reverse_fd, keep, removed);
	return err ? err : remove_from(maps->half_open_fd, maps->half_open_fd, keep, removed);
}

/* -- The server's part -- */

#define TICKS_BETWEEN 10

struct connection_keeper {
	struct connection_maps maps;
	uint32_t ticks;
};

void connection_keeper_close(struct connection_keeper *keeper)
{
	if (!keeper)
		return;
	cleanup_close(&keeper->maps.track_fd);
	cleanup_close(&keeper->maps.reverse_fd);
	cleanup_close(&keeper->maps.half_open_fd);
	free(keeper);
}

int connection_keeper_open(struct connection_keeper **out, const struct store *store)
{
	const struct connection_maps maps = connection_maps_of(store);
	struct connection_keeper *keeper = calloc(1, sizeof(*keeper));

	if (!keeper)
		return log_error(-ENOMEM, "keep the connections' maps open");
	keeper->maps = (struct connection_maps){
		.track_fd = fcntl(maps.track_fd, F_DUPFD_CLOEXEC, 0),
		.reverse_fd = fcntl(maps.reverse_fd, F_DUPFD_CLOEXEC, 0),
		.half_open_fd = fcntl(maps.half_open_fd, F_DUPFD_CLOEXEC, 0),
	};
	if (keeper->maps.track_fd < 0 || keeper->maps.reverse_fd < 0 ||
	    keeper->maps.half_open_fd < 0) {
		int err = -errno;

		connection_keeper_close(keeper);
		return log_error(err, "keep the connections' maps open");
	}
	*out = keeper;
	return 0;
}

void connection_keeper_tick(struct connection_keeper *keeper)
{
	uint32_t removed;

	if (++keeper->ticks % TICKS_BETWEEN == 0)
		(void)connections_remove(&keeper->maps, NULL, &removed);
}
