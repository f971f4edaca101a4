/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The model of services and servers, see lvs.h. */
#include "lvs.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>

#include "cidr.h"

static const char *const mode_names[LVS_MODE_COUNT] = {
	[LVS_NAT] = "nat",
	[LVS_FULLNAT] = "fullnat",
	[LVS_DSR] = "dsr",
};

const char *lvs_mode_name(uint32_t mode)
{
	return mode < LVS_MODE_COUNT ? mode_names[mode] : "?";
}

int lvs_mode_parse(const char *text, uint8_t *mode)
{
	for (int i = 0; i < LVS_MODE_COUNT; i++) {
		if (strcmp(text, mode_names[i]))
			continue;
		*mode = (uint8_t)i;
		return 0;
	}
	return -EINVAL;
}

static const char *const check_names[LVS_CHECK_KIND_COUNT] = {
	[LVS_CHECK_NONE] = "none",
	[LVS_CHECK_TCP] = "tcp",
	[LVS_CHECK_HTTP] = "http",
};

const char *lvs_check_name(uint32_t kind)
{
	return kind < LVS_CHECK_KIND_COUNT ? check_names[kind] : "?";
}

struct lvs_check lvs_check_default(uint8_t kind)
{
	struct lvs_check check = {.kind = kind};

	if (kind == LVS_CHECK_NONE)
		return check;
	check.interval_s = 5;
	check.timeout_s = 2;
	check.rise = 2;
	check.fall = 3;
	if (kind == LVS_CHECK_HTTP)
		check.path[0] = '/';
	return check;
}

/* One word of visible characters, as a request line takes it. */
static bool path_valid(const char path[static LVS_CHECK_PATH_BYTES])
{
	const size_t length = strnlen(path, LVS_CHECK_PATH_BYTES);

	for (size_t i = 0; i < length; i++)
		if (path[i] <= ' ' || path[i] > '~')
			return false;
	return path[0] == '/' && length < LVS_CHECK_PATH_BYTES;
}

bool lvs_check_valid(const struct lvs_check *check)
{
	static const struct lvs_check none = {0};

	if (check->kind == LVS_CHECK_NONE)
		return memcmp(check, &none, sizeof(none)) == 0;
	return check->kind < LVS_CHECK_KIND_COUNT && check->release <= 1 && check->rise &&
	       check->rise <= LVS_CHECK_RESULTS_MAX && check->fall &&
	       check->fall <= LVS_CHECK_RESULTS_MAX && check->interval_s &&
	       check->interval_s <= LVS_CHECK_SECONDS_MAX && check->timeout_s &&
	       check->timeout_s <= LVS_CHECK_SECONDS_MAX &&
	       (check->kind == LVS_CHECK_HTTP ? path_valid(check->path) : !check->path[0]);
}

const char *lvs_protocol_name(uint8_t protocol)
{
	return protocol == IPPROTO_TCP ? "tcp" : "udp";
}

void lvs_model_free(struct lvs_model *model)
{
	for (uint32_t i = 0; i < model->service_count; i++)
		free(model->services[i].servers);
	free(model->services);
	*model = (struct lvs_model){0};
}

int lvs_endpoint_compare(const struct lvs_endpoint *a, const struct lvs_endpoint *b)
{
	int order = (int)a->family - (int)b->family;

	if (!order)
		order = memcmp(a->addr_be, b->addr_be, sizeof(a->addr_be));
	if (!order)
		order = (int)ntohs(a->port_be) - (int)ntohs(b->port_be);
	return order ? order : (int)a->protocol - (int)b->protocol;
}

int lvs_parse_addr(const char *text, struct lvs_endpoint *out, const char **error)
{
	struct rule rule;

	if (strchr(text, '/')) {
		*error = "one address is needed, not a network";
		return -EINVAL;
	}
	if (cidr_parse(text, strlen(text), &rule, error))
		return -EINVAL;
	if (rule.family == FAMILY_IPV4 && (!rule.addr_host[0] || rule.addr_host[0] >= 0xe0000000)) {
		*error = "not the address of one host";
		return -EINVAL;
	}
	if (rule.family == FAMILY_IPV6 &&
	    (rule.addr_host[0] >> 24 == 0xff || (!rule.addr_host[0] && !rule.addr_host[1] &&
						 !rule.addr_host[2] && rule.addr_host[3] <= 1))) {
		*error = "not the address of one host";
		return -EINVAL;
	}
	for (int word = 0; word < 4; word++)
		out->addr_be[word] = htonl(rule.addr_host[word]);
	out->family = rule.family;
	return 0;
}

const char *lvs_format_addr(const uint32_t addr_be[static 4], uint8_t family,
			    char text[static LVS_TEXT_BYTES])
{
	if (!inet_ntop(family == FAMILY_IPV6 ? AF_INET6 : AF_INET, addr_be, text, LVS_TEXT_BYTES))
		text[0] = '\0';
	return text;
}

const char *lvs_format_endpoint(const uint32_t addr_be[static 4], uint16_t port_be, uint8_t family,
				char text[static LVS_TEXT_BYTES])
{
	char addr[LVS_TEXT_BYTES];

	lvs_format_addr(addr_be, family, addr);
	snprintf(text, LVS_TEXT_BYTES, family == FAMILY_IPV6 ? "[%.46s]:%u" : "%.46s:%u", addr,
		 ntohs(port_be));
	return text;
}

struct lvs_model_service *lvs_find_service(const struct lvs_model *model,
					   const struct lvs_endpoint *vip)
{
	for (uint32_t i = 0; i < model->service_count; i++)
		if (lvs_endpoint_compare(&model->services[i].vip, vip) == 0)
			return &model->services[i];
	return NULL;
}

struct lvs_server *lvs_find_server(const struct lvs_model_service *service,
				   const struct lvs_endpoint *rip)
{
	for (uint32_t i = 0; i < service->server_count; i++) {
		struct lvs_server *server = &service->servers[i];

		if (service->vip.family == rip->family && server->port_be == rip->port_be &&
		    memcmp(server->addr_be, rip->addr_be, sizeof(rip->addr_be)) == 0)
			return server;
	}
	return NULL;
}

uint32_t lvs_server_count(const struct lvs_model *model)
{
	uint32_t count = 0;

	for (uint32_t i = 0; i < model->service_count; i++)
		count += model->services[i].server_count;
	return count;
}

/* Room for one more. */
static int grow(void **array, uint32_t *capacity, uint32_t count, size_t size)
{
	uint32_t wanted = *capacity ? 2 * *capacity : 8;
	void *grown;

	if (count < *capacity)
		return 0;
	grown = reallocarray(*array, wanted, size);
	if (!grown)
		return -ENOMEM;
	*array = grown;
	*capacity = wanted;
	return 0;
}

int lvs_add_service(struct lvs_model *model, const struct lvs_endpoint *vip, uint8_t mode,
		    struct lvs_model_service **service, bool *added)
{
	uint32_t at = 0;
	int err;

	*service = lvs_find_service(model, vip);
	*added = !*service;
	if (*service)
		return (*service)->mode == mode ? 0 : -EINVAL;
	if (model->service_count == LVS_SERVICES_MAX)
		return -ENOSPC;
	err = grow((void **)&model->services, &model->service_capacity, model->service_count,
		   sizeof(*model->services));
	if (err)
		return err;
	while (at < model->service_count && lvs_endpoint_compare(&model->services[at].vip, vip) < 0)
		at++;
	memmove(&model->services[at + 1], &model->services[at],
		(model->service_count - at) * sizeof(*model->services));
	model->services[at] =
		(struct lvs_model_service){.vip = *vip, .mode = mode, .enabled = true};
	model->service_count++;
	*service = &model->services[at];
	return 0;
}

static bool id_is_used(const struct lvs_model *model, uint32_t id)
{
	for (uint32_t i = 0; i < model->service_count; i++)
		for (uint32_t j = 0; j < model->services[i].server_count; j++)
			if (model->services[i].servers[j].id == id)
				return true;
	return false;
}

void lvs_set_health(struct lvs_server *server, bool down, uint16_t why, uint32_t since_s)
{
	server->down = down;
	server->down_why = why;
	server->down_since_s = since_s;
}

/* The id, counters and health that the server has had, or an id that is free. */
static void identify(struct lvs_server *server, const struct lvs_model *model,
		     const struct lvs_model *before, const struct lvs_model_service *service,
		     const struct lvs_endpoint *rip)
{
	const struct lvs_model_service *same = lvs_find_service(before, &service->vip);
	const struct lvs_server *known = same ? lvs_find_server(same, rip) : NULL;

	if (known && service->check.kind != LVS_CHECK_NONE)
		lvs_set_health(server, known->down, known->down_why, known->down_since_s);
	if (known) {
		server->id = known->id;
		server->before = known->before;
		return;
	}
	while (id_is_used(model, server->id) || id_is_used(before, server->id))
		server->id++;
}

int lvs_add_server(struct lvs_model *model, const struct lvs_model *before,
		   struct lvs_model_service *service, const struct lvs_endpoint *rip,
		   uint16_t weight, bool draining)
{
	struct lvs_server server = {
		.port_be = rip->port_be,
		.weight = weight,
		.draining = draining,
	};
	int err;

	if (service->vip.family != rip->family)
		return -EAFNOSUPPORT;
	if (service->mode == LVS_DSR && service->vip.port_be != rip->port_be)
		return -EDOM;
	if (lvs_find_server(service, rip))
		return -EEXIST;
	if (service->server_count == LVS_SERVERS_PER_SERVICE ||
	    lvs_server_count(model) == LVS_SERVERS_MAX)
		return -ENOSPC;
	err = grow((void **)&service->servers, &service->server_capacity, service->server_count,
		   sizeof(*service->servers));
	if (err)
		return err;
	memcpy(server.addr_be, rip->addr_be, sizeof(server.addr_be));
	identify(&server, model, before, service, rip);
	service->servers[service->server_count++] = server;
	return 0;
}

void lvs_copy_settings(struct lvs_model_service *to, const struct lvs_model_service *from)
{
	to->enabled = from->enabled;
	to->max_new = from->max_new;
	to->check = from->check;
}

void lvs_set_check(struct lvs_model_service *service, const struct lvs_check *check)
{
	service->check = *check;
	for (uint32_t i = 0; i < service->server_count && check->kind == LVS_CHECK_NONE; i++)
		lvs_set_health(&service->servers[i], false, 0, 0);
}

void lvs_remove_server(struct lvs_model_service *service, struct lvs_server *server)
{
	uint32_t at = (uint32_t)(server - service->servers);

	service->server_count--;
	memmove(server, server + 1, (service->server_count - at) * sizeof(*server));
}

void lvs_remove_service(struct lvs_model *model, struct lvs_model_service *service)
{
	uint32_t at = (uint32_t)(service - model->services);

	free(service->servers);
	model->service_count--;
	memmove(service, service + 1, (model->service_count - at) * sizeof(*service));
}

int lvs_model_copy(struct lvs_model *out, const struct lvs_model *model)
{
	_cleanup_lvs_model_ struct lvs_model copy = {0};

	copy.services = calloc(model->service_count + 1, sizeof(*copy.services));
	if (!copy.services)
		return -ENOMEM;
	copy.service_capacity = model->service_count + 1;
	for (uint32_t i = 0; i < model->service_count; i++) {
		const struct lvs_model_service *from = &model->services[i];
		struct lvs_model_service *to = &copy.services[i];

		*to = *from;
		to->server_capacity = from->server_count + 1;
		to->servers = calloc(to->server_capacity, sizeof(*to->servers));
		copy.service_count++;
		if (!to->servers)
			return -ENOMEM;
		if (from->server_count)
			memcpy(to->servers, from->servers,
			       from->server_count * sizeof(*to->servers));
	}
	*out = copy;
	memset(&copy, 0, sizeof(copy)); /* it is *out's now */
	return 0;
}

static bool server_equal(const struct lvs_server *a, const struct lvs_server *b)
{
	return memcmp(a->addr_be, b->addr_be, sizeof(a->addr_be)) == 0 &&
	       a->port_be == b->port_be && a->weight == b->weight && a->draining == b->draining &&
	       a->down == b->down && a->down_why == b->down_why &&
	       a->down_since_s == b->down_since_s;
}

bool lvs_model_equal(const struct lvs_model *a, const struct lvs_model *b)
{
	if (a->service_count != b->service_count)
		return false;
	for (uint32_t i = 0; i < a->service_count; i++) {
		const struct lvs_model_service *x = &a->services[i], *y = &b->services[i];

		if (lvs_endpoint_compare(&x->vip, &y->vip) || x->mode != y->mode ||
		    x->enabled != y->enabled || x->max_new != y->max_new ||
		    memcmp(&x->check, &y->check, sizeof(x->check)) ||
		    x->server_count != y->server_count)
			return false;
		for (uint32_t j = 0; j < x->server_count; j++)
			if (!server_equal(&x->servers[j], &y->servers[j]))
				return false;
	}
	return true;
}
