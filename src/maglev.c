/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Every server has a permutation of all slots, made of its address. In turns each takes the next
 * slot of its permutation that is free, until all are taken. A server that comes or goes leaves
 * the others' permutations as they are, so most slots stay whose they were. See maglev.h.
 */
#include "maglev.h"

#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

/* One server's way through the table. */
struct taker {
	const struct lvs_server *server;
	uint8_t number;
	uint32_t next, skip; /* next slot of its permutation, and from one to the next */
	uint32_t credit;     /* turns it is owed, in units of the largest weight */
};

/* FNV-1a, 64 bits. */
static uint64_t hash_server(const struct lvs_server *server, uint64_t seed)
{
	uint8_t bytes[sizeof(server->addr_be) + sizeof(server->port_be)];
	uint64_t hash = 0xcbf29ce484222325ULL ^ seed;

	memcpy(bytes, server->addr_be, sizeof(server->addr_be));
	memcpy(bytes + sizeof(server->addr_be), &server->port_be, sizeof(server->port_be));
	for (size_t i = 0; i < sizeof(bytes); i++)
		hash = (hash ^ bytes[i]) * 0x100000001b3ULL;
	/* Its low bits alone are little mixed. */
	return hash ^ hash >> 29;
}

static int compare_takers(const void *left, const void *right)
{
	const struct taker *a = left, *b = right;
	int order = memcmp(a->server->addr_be, b->server->addr_be, sizeof(a->server->addr_be));

	return order ? order : (int)a->server->port_be - (int)b->server->port_be;
}

static size_t make_takers(struct taker *takers, const struct lvs_server *servers, size_t count)
{
	size_t used = 0;

	for (size_t i = 0; i < count; i++) {
		if (servers[i].draining || servers[i].down || !servers[i].weight)
			continue;
		takers[used++] = (struct taker){
			.server = &servers[i],
			.number = (uint8_t)i,
			.next = (uint32_t)(hash_server(&servers[i], 0) % LVS_TABLE_SIZE),
			.skip = (uint32_t)(hash_server(&servers[i], 1) % (LVS_TABLE_SIZE - 1)) + 1,
		};
	}
	qsort(takers, used, sizeof(*takers), compare_takers);
	return used;
}

/* The size is prime, so every step length leads to every slot. */
static void take_slot(struct lvs_table *table, struct taker *taker)
{
	while (table->server[taker->next] != LVS_NO_SERVER)
		taker->next = (taker->next + taker->skip) % LVS_TABLE_SIZE;
	table->server[taker->next] = taker->number;
}

void maglev_fill(struct lvs_table *table, const struct lvs_server *servers, size_t count)
{
	struct taker takers[LVS_SERVERS_PER_SERVICE] = {0};
	size_t taker_count = make_takers(takers, servers, count), free_slots = LVS_TABLE_SIZE;
	uint32_t largest = 0;

	memset(table->server, LVS_NO_SERVER, sizeof(table->server));
	for (size_t i = 0; i < taker_count; i++)
		if (takers[i].server->weight > largest)
			largest = takers[i].server->weight;
	while (taker_count && free_slots) {
		for (size_t i = 0; i < taker_count && free_slots; i++) {
			takers[i].credit += takers[i].server->weight;
			if (takers[i].credit < largest)
				continue;
			takers[i].credit -= largest;
			take_slot(table, &takers[i]);
			free_slots--;
		}
	}
}
