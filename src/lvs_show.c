/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The commands of the load balancer that print what is there. */
#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>

#include "connections.h"
#include "health.h"
#include "log.h"
#include "lvs_command.h"
#include "maglev.h"
#include "output.h"
#include "time_text.h"

static const char *const state_names[] = {
#define STATE_NAME(NAME, name, timeout_s) [CONN_##NAME] = #name,
	CONN_STATES(STATE_NAME)
#undef STATE_NAME
};

#define COLUMNS(columns) (sizeof(columns) / sizeof((columns)[0]))

/* The store open for reading, and its services. */
static int read_services(struct store **store, struct lvs_model *model,
			 const struct lvs_options *options)
{
	int err = store_open(store, options->common.pin_path, STORE_READ);

	return err ? err : store_lvs(*store, model);
}

static void print_check(struct output *out, const struct lvs_check *check)
{
	if (check->kind == LVS_CHECK_NONE) {
		output_null(out, "check");
		return;
	}
	output_object(out, "check");
	output_string(out, "kind", NULL, lvs_check_name(check->kind));
	if (check->kind == LVS_CHECK_HTTP)
		output_string(out, "path", NULL, check->path);
	output_number(out, "interval_s", NULL, check->interval_s);
	output_number(out, "timeout_s", NULL, check->timeout_s);
	output_number(out, "rise", NULL, check->rise);
	output_number(out, "fall", NULL, check->fall);
	output_bool(out, "release", NULL, check->release, NULL, NULL);
	output_close(out);
	output_text(out, ", checked by %s%s%s every %u s", lvs_check_name(check->kind),
		    *check->path ? " " : "", check->path, check->interval_s);
}

/* The heading of a service: its own keys in JSON, a line for people. */
static void print_service(struct output *out, const struct lvs_model_service *service)
{
	char text[LVS_TEXT_BYTES];

	output_string(out, "vip", NULL,
		      lvs_format_addr(service->vip.addr_be, service->vip.family, text));
	output_number(out, "vport", NULL, ntohs(service->vip.port_be));
	output_string(out, "protocol", NULL, lvs_protocol_name(service->vip.protocol));
	output_string(out, "mode", NULL, lvs_mode_name(service->mode));
	output_bool(out, "enabled", NULL, service->enabled, NULL, NULL);
	output_number(out, "max_new", NULL, service->max_new);
	output_text(out, "%s %s %s, %s", lvs_protocol_name(service->vip.protocol),
		    lvs_format_endpoint(service->vip.addr_be, service->vip.port_be,
					service->vip.family, text),
		    lvs_mode_name(service->mode), service->enabled ? "enabled" : "disabled");
	if (service->max_new)
		output_text(out, ", at most %u new connections/s", service->max_new);
	print_check(out, &service->check);
	output_text(out, "\n");
}

/* The cells that name a server: one for people, two in JSON. */
static void print_server(struct output *out, const struct lvs_model_service *service,
			 const struct lvs_server *server)
{
	char text[LVS_TEXT_BYTES];

	if (output_is_json(out)) {
		output_cell_string(out,
				   lvs_format_addr(server->addr_be, service->vip.family, text));
		output_cell_number(out, ntohs(server->port_be));
		return;
	}
	output_cell_string(out, lvs_format_endpoint(server->addr_be, server->port_be,
						    service->vip.family, text));
	output_cell_string(out, "");
}
#define SERVER_COLUMNS                                                                             \
	{"rip", "Server", 22},                                                                     \
	{                                                                                          \
		"rport", NULL, 0                                                                   \
	}

/* The cells that say how a server is. */
static void print_state(struct output *out, const struct lvs_server *server)
{
	char since[TIME_TEXT_BYTES], why[HEALTH_WHY_BYTES];

	output_cell_bool(out, server->draining,
			 server->down	    ? "down"
			 : server->draining ? "draining"
					    : "active");
	output_cell_bool(out, server->down, "");
	if (!server->down) {
		output_cell_null(out, "");
		output_cell_null(out, "");
		return;
	}
	output_cell_string(out, utc_format(server->down_since_s, since));
	output_cell_string(out, health_why(server->down_why, why));
}
#define STATE_COLUMNS                                                                              \
	{"draining", "State", 8}, {"down", NULL, 0}, {"down_since", "Since", 5},                   \
	{                                                                                          \
		"down_why", "Why", 3                                                               \
	}

static int services_begin(struct output **out, const struct lvs_options *options,
			  const struct lvs_model *model)
{
	int err = output_begin(out, stdout, options->common.json);

	if (err)
		return err;
	if (!model->service_count)
		output_text(*out, "Services: none\n");
	output_array(*out, "services");
	return 0;
}

/* -- list-dnat -- */

int lvs_run_list(const void *parsed)
{
	static const struct output_column columns[] = {
		SERVER_COLUMNS,
		{"weight", "Weight", 6},
		STATE_COLUMNS,
	};
	const struct lvs_options *options = parsed;
	_cleanup_store_ struct store *store = NULL;
	_cleanup_lvs_model_ struct lvs_model model = {0};
	_cleanup_output_ struct output *out = NULL;
	int err;

	err = read_services(&store, &model, options);
	if (err)
		return err;
	store_close(take(store));
	err = services_begin(&out, options, &model);
	for (uint32_t i = 0; !err && i < model.service_count; i++) {
		const struct lvs_model_service *service = &model.services[i];

		output_object(out, NULL);
		print_service(out, service);
		output_table(out, "servers", columns, COLUMNS(columns));
		for (uint32_t j = 0; j < service->server_count; j++) {
			print_server(out, service, &service->servers[j]);
			output_cell_number(out, service->servers[j].weight);
			print_state(out, &service->servers[j]);
		}
		output_table_end(out);
		output_close(out);
	}
	if (err)
		return err;
	output_close(out);
	return output_end(&out);
}

/* -- stats -- */

int lvs_run_stats(const void *parsed)
{
	static const struct output_column columns[] = {
		SERVER_COLUMNS,
		{"connections", "Connections", 11},
		{"in_packets", "Packets in", 10},
		{"in_bytes", "Bytes in", 8},
		{"out_packets", "Packets out", 11},
		{"out_bytes", "Bytes out", 9},
	};
	const struct lvs_options *options = parsed;
	_cleanup_store_ struct store *store = NULL;
	_cleanup_lvs_model_ struct lvs_model model = {0};
	_cleanup_output_ struct output *out = NULL;
	int err;

	err = read_services(&store, &model, options);
	if (!err)
		err = services_begin(&out, options, &model);
	for (uint32_t i = 0; !err && i < model.service_count; i++) {
		const struct lvs_model_service *service = &model.services[i];

		output_object(out, NULL);
		print_service(out, service);
		output_table(out, "servers", columns, COLUMNS(columns));
		for (uint32_t j = 0; !err && j < service->server_count; j++) {
			struct lvs_counters counters = {0};

			err = store_lvs_stats(store, &service->servers[j], &counters);
			print_server(out, service, &service->servers[j]);
			output_cell_number(out, counters.connections);
			output_cell_number(out, counters.in_packets);
			output_cell_number(out, counters.in_bytes);
			output_cell_number(out, counters.out_packets);
			output_cell_number(out, counters.out_bytes);
		}
		output_table_end(out);
		output_close(out);
	}
	if (err)
		return err;
	output_close(out);
	return output_end(&out);
}

/* -- status -- */

/* Connections by state and by server. */
struct tally {
	uint64_t now_ns;
	uint32_t states[CONN_STATE_COUNT];
	uint32_t servers[LVS_SERVER_IDS];
	uint32_t whole, half_open, expired, host;
	bool counts_half_open;
};

static bool count_connection(const struct conn_tuple *client, const struct conn *conn, void *data)
{
	struct tally *tally = data;

	if (tally->counts_half_open)
		tally->half_open++;
	else
		tally->whole++;
	/* It is there until it is removed, but is none any more. */
	if (conn_expired(conn, tally->now_ns)) {
		tally->expired++;
		return true;
	}
	if (conn->state < CONN_STATE_COUNT)
		tally->states[conn->state]++;
	if (client->zone == CONN_ZONE_HOST)
		tally->host++;
	else if (conn->server < LVS_SERVER_IDS)
		tally->servers[conn->server]++;
	return true;
}

static int count_connections(const struct store *store, struct tally *tally)
{
	const struct connection_maps maps = connection_maps_of(store);
	int err;

	tally->now_ns = connections_now_ns();
	err = connections_each(&maps, false, count_connection, tally);
	tally->counts_half_open = true;
	return err ? err : connections_each(&maps, true, count_connection, tally);
}

static void print_tally(struct output *out, const struct store *store, const struct tally *tally)
{
	const uint64_t memory = store_connections_memory_bytes(store);
	char text[OUTPUT_AMOUNT_BYTES];

	output_text(out, "Connections:\n");
	output_labels(out, 2, 18);
	output_object(out, "connections");
	output_number_as(out, "established", "Established", tally->whole, "%u of %u", tally->whole,
			 store_connections_max(store));
	output_number(out, "established_max", NULL, store_connections_max(store));
	output_number_as(out, "half_open", "Half-open", tally->half_open, "%u of %u",
			 tally->half_open, store_half_open_max(store) / 2);
	output_number(out, "half_open_max", NULL, store_half_open_max(store) / 2);
	output_number(out, "expired", "Expired", tally->expired);
	output_number(out, "of_this_host", "Of this host", tally->host);
	output_number_as(out, "memory_bytes", "Memory", memory, "%s",
			 output_megabytes(memory, text));
	output_close(out);
	output_text(out, "By state:\n");
	output_object(out, "states");
	for (uint32_t i = 0; i < CONN_STATE_COUNT; i++)
		output_number(out, state_names[i], tally->states[i] ? state_names[i] : NULL,
			      tally->states[i]);
	output_close(out);
}

int lvs_run_status(const void *parsed)
{
	static const struct output_column columns[] = {
		SERVER_COLUMNS,
		{"connections", "Connections", 11},
		STATE_COLUMNS,
	};
	const struct lvs_options *options = parsed;
	_cleanup_store_ struct store *store = NULL;
	_cleanup_lvs_model_ struct lvs_model model = {0};
	_cleanup_free_ struct tally *tally = calloc(1, sizeof(*tally));
	_cleanup_output_ struct output *out = NULL;
	int err;

	if (!tally)
		return log_error(-ENOMEM, "status");
	err = read_services(&store, &model, options);
	if (!err)
		err = count_connections(store, tally);
	if (!err)
		err = output_begin(&out, stdout, options->common.json);
	if (err)
		return err;
	print_tally(out, store, tally);
	store_close(take(store));
	output_array(out, "services");
	for (uint32_t i = 0; i < model.service_count; i++) {
		const struct lvs_model_service *service = &model.services[i];

		output_object(out, NULL);
		print_service(out, service);
		output_table(out, "servers", columns, COLUMNS(columns));
		for (uint32_t j = 0; j < service->server_count; j++) {
			const struct lvs_server *server = &service->servers[j];

			print_server(out, service, server);
			output_cell_number(
				out, server->id < LVS_SERVER_IDS ? tally->servers[server->id] : 0);
			print_state(out, server);
		}
		output_table_end(out);
		output_close(out);
	}
	output_close(out);
	return output_end(&out);
}

/* -- debug -- */

static void print_tables(struct output *out, const struct lvs_model *model)
{
	static const struct output_column columns[] = {
		SERVER_COLUMNS,
		{"weight", "Weight", 6},
		{"slots", "Slots", 6},
		{"id", "Id", 4},
	};

	output_array(out, "tables");
	for (uint32_t i = 0; i < model->service_count; i++) {
		const struct lvs_model_service *service = &model->services[i];
		uint32_t slots[LVS_NO_SERVER + 1] = {0};
		struct lvs_table table;

		/* The table in force is made the same way of the same servers. */
		maglev_fill(&table, service->servers, service->server_count);
		for (uint32_t j = 0; j < LVS_TABLE_SIZE; j++)
			slots[table.server[j]]++;
		output_object(out, NULL);
		print_service(out, service);
		output_table(out, "servers", columns, COLUMNS(columns));
		for (uint32_t j = 0; j < service->server_count; j++) {
			print_server(out, service, &service->servers[j]);
			output_cell_number(out, service->servers[j].weight);
			output_cell_number(out, slots[j]);
			output_cell_number(out, service->servers[j].id);
		}
		output_table_end(out);
		output_close(out);
	}
	output_close(out);
}

struct printer {
	struct output *out;
	uint64_t now_ns;
};

static const char *protocol_name(uint8_t protocol)
{
	switch (protocol) {
	case IPPROTO_ICMP:
		return "icmp";
	case IPPROTO_ICMPV6:
		return "icmpv6";
	default:
		return lvs_protocol_name(protocol);
	}
}

static bool print_connection(const struct conn_tuple *client, const struct conn *conn, void *data)
{
	const struct printer *printer = data;
	const struct conn_tuple *to = &conn->to;
	char text[LVS_TEXT_BYTES];
	uint64_t idle_ns = printer->now_ns > conn->seen_ns ? printer->now_ns - conn->seen_ns : 0;

	output_cell_string(printer->out, protocol_name(client->protocol));
	output_cell_string(printer->out,
			   conn->state < CONN_STATE_COUNT ? state_names[conn->state] : "?");
	output_cell_string(printer->out, lvs_format_endpoint(client->saddr_be, client->sport_be,
							     client->family, text));
	output_cell_string(printer->out, lvs_format_endpoint(client->daddr_be, client->dport_be,
							     client->family, text));
	output_cell_string(printer->out,
			   lvs_format_endpoint(to->saddr_be, to->sport_be, to->family, text));
	output_cell_string(printer->out,
			   lvs_format_endpoint(to->daddr_be, to->dport_be, to->family, text));
	output_cell_string(printer->out, client->zone == CONN_ZONE_HOST ? "host" : "service");
	output_cell_number(printer->out, idle_ns / 1000000000);
	return true;
}

int lvs_run_debug(const void *parsed)
{
	static const struct output_column columns[] = {
		{"protocol", "Proto", 5},
		{"state", "State", 12},
		{"client", "Client", 22},
		{"service", "Service", 22},
		{"source", "Source at server", 22},
		{"server", "Server", 22},
		{"of", "Of", 7},
		{"idle_s", "Idle", 4},
	};
	const struct lvs_options *options = parsed;
	_cleanup_store_ struct store *store = NULL;
	_cleanup_lvs_model_ struct lvs_model model = {0};
	_cleanup_output_ struct output *out = NULL;
	struct printer printer = {.now_ns = connections_now_ns()};
	struct connection_maps maps;
	int err;

	err = read_services(&store, &model, options);
	if (!err)
		err = output_begin(&out, stdout, options->common.json);
	if (err)
		return err;
	printer.out = out;
	maps = connection_maps_of(store);
	print_tables(out, &model);
	output_table(out, "connections", columns, COLUMNS(columns));
	err = connections_each(&maps, false, print_connection, &printer);
	if (!err)
		err = connections_each(&maps, true, print_connection, &printer);
	output_table_end(out);
	return err ? err : output_end(&out);
}
