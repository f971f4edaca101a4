/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Services in a transaction: changed in memory, written as a whole into the half of the maps that
 * no packet reads, made visible by the commit word like everything else.
 */
#include <bpf/bpf.h>
#include <string.h>

#include "../bpf/ratelimit.h"
#include "connections.h"
#include "log.h"
#include "maglev.h"
#include "transaction_internal.h"

int transaction_lvs(struct transaction *txn, struct lvs_model **out)
{
	if (!txn->lvs_read) {
		int err = store_lvs(txn->store, &txn->lvs_before);

		if (!err && lvs_model_copy(&txn->lvs, &txn->lvs_before))
			err = log_error(-ENOMEM, "change services");
		if (err)
			return err;
		txn->lvs_read = true;
	}
	*out = &txn->lvs;
	return 0;
}

const struct lvs_model *transaction_lvs_before(const struct transaction *txn)
{
	return &txn->lvs_before;
}

void transaction_free_lvs(struct transaction *txn)
{
	lvs_model_free(&txn->lvs_before);
	lvs_model_free(&txn->lvs);
}

bool transaction_lvs_changed(const struct transaction *txn)
{
	return txn->lvs_read && !lvs_model_equal(&txn->lvs_before, &txn->lvs);
}

/* What is in the half from its last use, or from somebody who was killed while he wrote it. */
static int clear_half(const struct store *store, uint32_t half)
{
	const int fd = store->fds[MAP_lvs_dnat_map];
	struct lvs_key key, next;
	int err = bpf_map_get_next_key(fd, NULL, &next);

	while (!err) {
		key = next;
		/* Before the key is deleted: without it the walk would begin anew. */
		err = bpf_map_get_next_key(fd, &key, &next);
		if ((key.half & ~(LVS_KEY_SERVER | LVS_KEY_ADDRESS)) == half &&
		    bpf_map_delete_elem(fd, &key))
			return log_error(-EIO, "change services");
	}
	return err == -ENOENT ? 0 : log_error(err, "change services");
}

static struct lvs_key make_key(const struct lvs_endpoint *vip, uint32_t half)
{
	struct lvs_key key = {
		.half = half,
		.port_be = vip->port_be,
		.family = vip->family,
		.protocol = vip->protocol,
	};

	memcpy(key.addr_be, vip->addr_be, sizeof(key.addr_be));
	return key;
}

/* Of one that several services have it is the same key. */
static int write_address(int fd, uint32_t half, uint8_t family, const uint32_t addr_be[static 4],
			 const struct lvs_service *value)
{
	struct lvs_key key = {.half = half | LVS_KEY_ADDRESS, .family = family};

	memcpy(key.addr_be, addr_be, sizeof(key.addr_be));
	return bpf_map_update_elem(fd, &key, value, BPF_ANY);
}

static int write_keys(const struct store *store, uint32_t half,
		      const struct lvs_model_service *service, const struct lvs_service *value)
{
	const struct lvs_key key = make_key(&service->vip, half);
	const int fd = store->fds[MAP_lvs_dnat_map];
	int err = bpf_map_update_elem(fd, &key, value, BPF_ANY);

	if (!err)
		err = write_address(fd, half, key.family, key.addr_be, value);
	/* What servers of dsr send is from the virtual address, and does not come by here. */
	for (uint32_t i = 0; !err && i < service->server_count && service->mode != LVS_DSR; i++) {
		const struct lvs_server *server = &service->servers[i];
		struct lvs_key address = make_key(&service->vip, half | LVS_KEY_SERVER);

		memcpy(address.addr_be, server->addr_be, sizeof(address.addr_be));
		address.port_be = server->port_be;
		err = bpf_map_update_elem(fd, &address, value, BPF_ANY);
		if (!err)
			err = write_address(fd, half, key.family, address.addr_be, value);
	}
	return err ? log_error(err, "change services") : 0;
}

/* Tokens that the service had left are left: what it takes from its old bucket meanwhile is few. */
static int write_limit(const struct transaction *txn, const struct lvs_model_service *service,
		       struct lvs_limit limits[static 2 * LVS_SERVICES_MAX], uint32_t number)
{
	const struct lvs_model *before = &txn->lvs_before;
	const struct lvs_model_service *known = lvs_find_service(before, &service->vip);
	const uint32_t half = txn->store->ruleset->lvs_half;
	struct lvs_limit limit = {0};

	/* A second's worth at once. */
	if (token_rate_prepare(&limit.rate, service->max_new, service->max_new, 1, 0))
		return log_error(-ERANGE, "limit a service to %u connections a second",
				 service->max_new);
	limit.empty_at = connections_now_ns() * RATE_LIMIT_UNITS_PER_NS - limit.rate.burst;
	if (known && known->max_new == service->max_new)
		limit.empty_at = __atomic_load_n(
			&limits[half * LVS_SERVICES_MAX + (known - before->services)].empty_at,
			__ATOMIC_RELAXED);
	limits[!half * LVS_SERVICES_MAX + number] = limit;
	return 0;
}

/* A new server counts from here, whatever one of the same id counted before. */
static int begin_counting(const struct transaction *txn, struct lvs_model_service *service)
{
	const struct lvs_model_service *known = lvs_find_service(&txn->lvs_before, &service->vip);

	for (uint32_t i = 0; i < service->server_count; i++) {
		struct lvs_server *server = &service->servers[i];
		struct lvs_endpoint rip = {.port_be = server->port_be,
					   .family = service->vip.family};
		int err;

		memcpy(rip.addr_be, server->addr_be, sizeof(rip.addr_be));
		if (known && lvs_find_server(known, &rip))
			continue;
		err = store_lvs_stats_raw(txn->store, server->id, &server->before);
		if (err)
			return err;
	}
	return 0;
}

int transaction_write_lvs(struct transaction *txn)
{
	struct store *store = txn->store;
	const uint32_t half = !store->ruleset->lvs_half;
	struct lvs_server *servers = store_memory(store, MAP_lvs_server_map);
	struct lvs_table *tables = store_memory(store, MAP_lvs_table_map);
	struct lvs_limit *limits = store_memory(store, MAP_lvs_limit_map);
	uint32_t *connections = &txn->next->hooks[HOOK_XDP].connections, first = 0;
	int err;

	err = servers && tables && limits ? wait_for_readers(store, store->ruleset->lvs_since)
					  : -ENOMEM;
	if (!err)
		err = clear_half(store, half);
	for (uint32_t i = 0; !err && i < txn->lvs.service_count; i++) {
		struct lvs_model_service *service = &txn->lvs.services[i];
		const struct lvs_service value = {
			.table = i,
			.first_server = first,
			.server_count = service->server_count,
			.mode = service->mode,
			.enabled = service->enabled,
			.max_new = service->max_new,
			.check = service->check,
		};

		err = write_limit(txn, service, limits, i);
		if (!err)
			err = begin_counting(txn, service);
		if (err)
			return err;
		if (service->server_count)
			memcpy(&servers[half * LVS_SERVERS_MAX + first], service->servers,
			       service->server_count * sizeof(*servers));
		maglev_fill(&tables[half * LVS_SERVICES_MAX + i], service->servers,
			    service->server_count);
		first += service->server_count;
		err = write_keys(store, half, service, &value);
	}
	txn->next->lvs_half = half;
	txn->next->lvs_since = txn->next->generation;
	txn->next->lvs_services = txn->lvs.service_count;
	txn->next->lvs_servers = first;
	*connections &= ~(CONNECTIONS_LVS | CONNECTIONS_LVS_HALF);
	*connections |=
		(txn->lvs.service_count ? CONNECTIONS_LVS : 0) | (half ? CONNECTIONS_LVS_HALF : 0);
	return err;
}

/* A bit for each id of a server. */
static void note_ids(const struct lvs_model *model, uint64_t ids[static LVS_SERVER_IDS / 64])
{
	memset(ids, 0, LVS_SERVER_IDS / 8);
	for (uint32_t i = 0; i < model->service_count; i++)
		for (uint32_t j = 0; j < model->services[i].server_count; j++) {
			uint32_t id = model->services[i].servers[j].id;

			if (id < LVS_SERVER_IDS)
				ids[id / 64] |= 1ULL << id % 64;
		}
}

int transaction_end_connections(struct transaction *txn)
{
	uint64_t before[LVS_SERVER_IDS / 64], after[LVS_SERVER_IDS / 64], gone = 0;
	const struct connection_maps maps = connection_maps_of(txn->store);
	uint32_t removed;
	int err;

	if (!txn->lvs_read)
		return 0;
	note_ids(&txn->lvs_before, before);
	note_ids(&txn->lvs, after);
	for (size_t i = 0; i < LVS_SERVER_IDS / 64; i++)
		gone |= before[i] & ~after[i];
	if (!gone)
		return 0;
	/* Packets that still see the old services may begin connections with the servers gone. */
	err = wait_for_readers(txn->store, txn->next->generation);
	return err ? err : connections_remove(&maps, after, &removed);
}
