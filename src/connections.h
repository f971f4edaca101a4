/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The tables of connections, as user space walks and cleans them while packets use them. Both
 * entries of a service's connection go, the client's first: a reply that comes in between is
 * dropped.
 */
#ifndef BGO_CONNECTIONS_H
#define BGO_CONNECTIONS_H

#include <stdbool.h>

#include "store.h"

/* File descriptors of the tables. */
struct connection_maps {
	int track_fd, reverse_fd, half_open_fd;
};

/* Those of a store, which owns them. */
struct connection_maps connection_maps_of(const struct store *store);

/* Called for each connection, by its client's tuple. false: enough of them. */
typedef bool connections_fn(const struct conn_tuple *client, const struct conn *conn, void *data);

/*
 * Walks the whole connections, or the half-open ones. Those that come and go meanwhile may be
 * missed or met twice. 0 or negative errno, logged.
 */
int connections_each(const struct connection_maps *maps, bool half_open, connections_fn *each,
		     void *data);

/*
 * Removes those of either kind that have seen no packet for longer than their state allows, or
 * of a service whose server is not one of `keep`: a bit for each id; NULL: all are. *removed counts
 * them. 0 or negative errno, logged.
 */
int connections_remove(const struct connection_maps *maps, const uint64_t *keep, uint32_t *removed);

/* CLOCK_MONOTONIC, as programs see it. */
uint64_t connections_now_ns(void);

/*
 * The server's part: it removes connections that have expired. It works on descriptors of its own,
 * so that whoever holds the store's lock holds up no server.
 */
struct connection_keeper;
int connection_keeper_open(struct connection_keeper **out, const struct store *store);
/* Once a second; looks once in ten. */
void connection_keeper_tick(struct connection_keeper *keeper);
/* NULL is fine. */
void connection_keeper_close(struct connection_keeper *keeper);

#endif
