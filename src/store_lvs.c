/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Reading services from the store. They are in the half of lvs_dnat_map, lvs_server_map and
 * lvs_table_map that the committed record names; transaction_lvs.c writes the other.
 */
#include <bpf/bpf.h>
#include <string.h>

#include "cleanup.h"
#include "log.h"
#include "store_internal.h"

uint32_t store_connections_max(const struct store *store)
{
	return store->entries[MAP_conn_track_map];
}

uint32_t store_half_open_max(const struct store *store)
{
	return store->entries[MAP_conn_half_open_map];
}

uint64_t store_connections_memory_bytes(const struct store *store)
{
	return map_memory_bytes(store->fds[MAP_conn_track_map]) +
	       map_memory_bytes(store->fds[MAP_conn_reverse_map]) +
	       map_memory_bytes(store->fds[MAP_conn_half_open_map]);
}

static int damaged(const struct store *store)
{
	return log_fail(-EILSEQ, "open %s: damaged: lvs_dnat_map has a service that does not exist",
			store->pin_path);
}

/* One entry of the map, to its place in the model. */
static int read_service(const struct store *store, const struct lvs_server *servers,
			const struct lvs_key *key, const struct lvs_service *value,
			struct lvs_model *out)
{
	struct lvs_model_service *service;

	if (value->table >= out->service_count || value->mode >= LVS_MODE_COUNT ||
	    key->family >= FAMILY_COUNT || value->server_count > LVS_SERVERS_PER_SERVICE ||
	    value->first_server > LVS_SERVERS_MAX - value->server_count ||
	    !lvs_check_valid(&value->check))
		return damaged(store);
	service = &out->services[value->table];
	if (service->servers)
		return damaged(store);
	service->servers = calloc(value->server_count + 1, sizeof(*service->servers));
	if (!service->servers)
		return log_error(-ENOMEM, "read services");
	memcpy(service->vip.addr_be, key->addr_be, sizeof(key->addr_be));
	service->vip.port_be = key->port_be;
	service->vip.family = key->family;
	service->vip.protocol = key->protocol;
	service->mode = value->mode;
	service->enabled = value->enabled;
	service->max_new = value->max_new;
	service->check = value->check;
	service->server_count = value->server_count;
	service->server_capacity = value->server_count + 1;
	memcpy(service->servers,
	       &servers[store->ruleset->lvs_half * LVS_SERVERS_MAX + value->first_server],
	       value->server_count * sizeof(*servers));
	return 0;
}

static int read_services(const struct store *store, const struct lvs_server *servers,
			 struct lvs_model *out)
{
	const int fd = store->fds[MAP_lvs_dnat_map];
	struct lvs_key key, *previous = NULL;
	struct lvs_service value;
	uint32_t found = 0;

	while (bpf_map_get_next_key(fd, previous, &key) == 0) {
		int err = 0;

		previous = &key;
		if (key.half != store->ruleset->lvs_half)
			continue;
		err = bpf_map_lookup_elem(fd, &key, &value);
		if (err)
			return log_error(err, "read services");
		err = read_service(store, servers, &key, &value, out);
		if (err)
			return err;
		found++;
	}
	return found == out->service_count ? 0 : damaged(store);
}

int store_lvs(const struct store *store, struct lvs_model *out)
{
	_cleanup_lvs_model_ struct lvs_model model = {0};
	const struct lvs_server *servers = store_memory(store, MAP_lvs_server_map);
	int err;

	if (!servers)
		return -ENOMEM;
	if (store->ruleset->lvs_services > LVS_SERVICES_MAX || store->ruleset->lvs_half > 1)
		return damaged(store);
	model.service_count = store->ruleset->lvs_services;
	model.service_capacity = model.service_count + 1;
	model.services = calloc(model.service_capacity, sizeof(*model.services));
	if (!model.services)
		return log_error(-ENOMEM, "read services");
	err = read_services(store, servers, &model);
	if (err)
		return err;
	*out = model;
	model = (struct lvs_model){0};
	return 0;
}

int store_lvs_stats_raw(const struct store *store, uint32_t id, struct lvs_counters *out)
{
	return store_sum_cpus(store, MAP_lvs_stats_map, id, out, sizeof(*out));
}

int store_lvs_stats(const struct store *store, const struct lvs_server *server,
		    struct lvs_counters *out)
{
	int err = store_lvs_stats_raw(store, server->id, out);

	if (err)
		return err;
	out->connections -= server->before.connections;
	out->in_packets -= server->before.in_packets;
	out->in_bytes -= server->before.in_bytes;
	out->out_packets -= server->before.out_packets;
	out->out_bytes -= server->before.out_bytes;
	return 0;
}

#define BATCH 1024

/* Entries of one connection map to another, up to its size. */
static int copy_entries(int from, int to, size_t value_bytes)
{
	_cleanup_free_ struct conn_tuple *keys = calloc(BATCH, sizeof(*keys));
	_cleanup_free_ char *values = calloc(BATCH, value_bytes);
	struct conn_tuple position; /* room for whatever the kernel keeps there */
	bool begun = false;
	int err = 0;

	if (!keys || !values)
		return -ENOMEM;
	while (!err) {
		uint32_t count = BATCH, written;

		err = bpf_map_lookup_batch(from, begun ? &position : NULL, &position, keys, values,
					   &count, NULL);
		begun = true;
		if (err && err != -ENOENT)
			return err;
		written = count;
		if (count && bpf_map_update_batch(to, keys, values, &written, NULL))
			return -E2BIG;
	}
	return 0;
}

static int resize_map(struct store *store, enum map map, uint32_t entries, size_t value_bytes)
{
	_cleanup_close_ int fd = map_create(map, entries);
	int err;

	if (fd < 0)
		return fd;
	/* Who is still shaking hands does so again. */
	err = map == MAP_conn_half_open_map ? 0 : copy_entries(store->fds[map], fd, value_bytes);
	if (err)
		return log_error(err, "start with --max-connections: copy the connections there "
				      "are");
	err = map_pin(map, fd, store->pin_path, MAP_NEXT);
	if (!err)
		err = map_rename(map, store->dir_fd, MAP_NEXT);
	if (err)
		return err;
	close(store->fds[map]);
	store->fds[map] = take_fd(fd);
	store->entries[map] = entries;
	return 0;
}

int store_set_connections_max(struct store *store, uint32_t connections)
{
	int err = 0;

	if (!connections)
		return 0;
	if (store->entries[MAP_conn_track_map] != connections)
		err = resize_map(store, MAP_conn_track_map, connections, sizeof(struct conn));
	if (!err && store->entries[MAP_conn_reverse_map] != connections)
		err = resize_map(store, MAP_conn_reverse_map, connections,
				 sizeof(struct conn_tuple));
	if (!err && store->entries[MAP_conn_half_open_map] != CONNECTIONS_HALF_OPEN(connections))
		err = resize_map(store, MAP_conn_half_open_map, CONNECTIONS_HALF_OPEN(connections),
				 sizeof(struct conn));
	return err;
}
