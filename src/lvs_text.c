/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Statements of services and servers, see lvs_text.h. */
#include "lvs_text.h"

#include <arpa/inet.h>
#include <errno.h>
#include <inttypes.h>
#include <netinet/in.h>
#include <string.h>

#include "options.h"

/* "192.0.2.10 port 80 proto tcp": how services and their servers name the service. */
static void write_vip(const struct lvs_endpoint *vip, FILE *out)
{
	char text[LVS_TEXT_BYTES];

	fprintf(out, "%s port %u proto %s", lvs_format_addr(vip->addr_be, vip->family, text),
		ntohs(vip->port_be), lvs_protocol_name(vip->protocol));
}

static void write_server(const struct lvs_model_service *service, const struct lvs_server *server,
			 FILE *out)
{
	char text[LVS_TEXT_BYTES];

	fputs("server ", out);
	write_vip(&service->vip, out);
	fprintf(out, " to %s port %u weight %u%s\n",
		lvs_format_addr(server->addr_be, service->vip.family, text), ntohs(server->port_be),
		server->weight, server->draining ? " draining" : "");
}

static void write_check(const struct lvs_check *check, FILE *out)
{
	if (check->kind == LVS_CHECK_NONE)
		return;
	fprintf(out, " check %s interval %u timeout %u rise %u fall %u%s",
		lvs_check_name(check->kind), check->interval_s, check->timeout_s, check->rise,
		check->fall, check->release ? " release" : "");
	if (check->kind == LVS_CHECK_HTTP)
		fprintf(out, " path %s", check->path);
}

void lvs_text_write(const struct lvs_model *model, FILE *out)
{
	for (uint32_t i = 0; i < model->service_count; i++) {
		const struct lvs_model_service *service = &model->services[i];

		fputs("service ", out);
		write_vip(&service->vip, out);
		fprintf(out, " mode %s %s", lvs_mode_name(service->mode),
			service->enabled ? "enabled" : "disabled");
		if (service->max_new)
			fprintf(out, " max-new %u", service->max_new);
		write_check(&service->check, out);
		fputc('\n', out);
		for (uint32_t j = 0; j < service->server_count; j++)
			write_server(service, &service->servers[j], out);
	}
}

/* The words of a line, one after the other. */
struct reader {
	char *at;
	const char *word;  /* the last one; "" at the end */
	const char *error; /* of the last one */
};

static const char *next_word(struct reader *reader)
{
	char *at = reader->at + strspn(reader->at, " \t");

	reader->word = at;
	at += strcspn(at, " \t");
	if (*at)
		*at++ = '\0';
	reader->at = at;
	return reader->word;
}

static int refuse(struct reader *reader, const char *error)
{
	reader->error = error;
	return -EINVAL;
}

static int expect(struct reader *reader, const char *word, const char *error)
{
	return strcmp(next_word(reader), word) ? refuse(reader, error) : 0;
}

static int read_number(struct reader *reader, uint32_t max, const char *error, uint32_t *out)
{
	uint64_t number;

	if (options_parse_number(next_word(reader), false, &number) || !number || number > max)
		return refuse(reader, error);
	*out = (uint32_t)number;
	return 0;
}

/* ADDRESS port P */
static int read_endpoint(struct reader *reader, struct lvs_endpoint *out)
{
	uint32_t port;
	int err;

	if (lvs_parse_addr(next_word(reader), out, &reader->error))
		return -EINVAL;
	err = expect(reader, "port", "expected port");
	if (!err)
		err = read_number(reader, 65535, "not a port (1..65535)", &port);
	if (!err)
		out->port_be = htons((uint16_t)port);
	return err;
}

/* ADDRESS port P proto tcp|udp */
static int read_vip(struct reader *reader, struct lvs_endpoint *out)
{
	int err = read_endpoint(reader, out);

	if (!err)
		err = expect(reader, "proto", "expected proto");
	if (err)
		return err;
	next_word(reader);
	if (strcmp(reader->word, "tcp") && strcmp(reader->word, "udp"))
		return refuse(reader, "not a protocol of services (tcp or udp)");
	out->protocol = *reader->word == 't' ? IPPROTO_TCP : IPPROTO_UDP;
	return 0;
}

static bool is_word(const struct reader *reader, const char *word)
{
	return strcmp(reader->word, word) == 0;
}

static int read_seconds(struct reader *reader, uint16_t *out)
{
	uint32_t number;
	int err = read_number(reader, LVS_CHECK_SECONDS_MAX, "not a number of seconds (1..3600)",
			      &number);

	if (!err)
		*out = (uint16_t)number;
	return err;
}

static int read_results(struct reader *reader, uint8_t *out)
{
	uint32_t number;
	int err = read_number(reader, LVS_CHECK_RESULTS_MAX, "not a number of results (1..100)",
			      &number);

	if (!err)
		*out = (uint8_t)number;
	return err;
}

static int read_path(struct reader *reader, struct lvs_check *out)
{
	next_word(reader);
	memset(out->path, 0, sizeof(out->path));
	memcpy(out->path, reader->word, strnlen(reader->word, sizeof(out->path)));
	return lvs_check_valid(out) ? 0
				    : refuse(reader, "not a path of http (/..., 63 characters)");
}

/* One word behind `check KIND`, and what belongs to it. */
static int read_check_option(struct reader *reader, struct lvs_check *out)
{
	if (is_word(reader, "interval"))
		return read_seconds(reader, &out->interval_s);
	if (is_word(reader, "timeout"))
		return read_seconds(reader, &out->timeout_s);
	if (is_word(reader, "rise"))
		return read_results(reader, &out->rise);
	if (is_word(reader, "fall"))
		return read_results(reader, &out->fall);
	if (is_word(reader, "path"))
		return read_path(reader, out);
	if (!is_word(reader, "release"))
		return refuse(reader, "expected interval, timeout, rise, fall, release or path");
	out->release = 1;
	return 0;
}

/* tcp|http [interval S] [timeout S] [rise N] [fall N] [release] [path P], up to the end */
static int read_check(struct reader *reader, struct lvs_check *out)
{
	int err = 0;

	next_word(reader);
	if (!is_word(reader, "tcp") && !is_word(reader, "http"))
		return refuse(reader, "not a check (tcp or http)");
	*out = lvs_check_default(is_word(reader, "tcp") ? LVS_CHECK_TCP : LVS_CHECK_HTTP);
	while (!err && *next_word(reader))
		err = read_check_option(reader, out);
	return err;
}

/* [enabled|disabled] [max-new N] [check ...] */
static int read_settings(struct reader *reader, struct lvs_model_service *out)
{
	int err = 0;

	next_word(reader);
	if (is_word(reader, "enabled") || is_word(reader, "disabled")) {
		out->enabled = is_word(reader, "enabled");
		next_word(reader);
	}
	if (is_word(reader, "max-new")) {
		err = read_number(reader, LVS_MAX_NEW, "not a number of connections a second",
				  &out->max_new);
		if (err)
			return err;
		next_word(reader);
	}
	if (is_word(reader, "check"))
		return read_check(reader, &out->check);
	return *reader->word
		       ? refuse(reader, "expected [enabled|disabled] [max-new N] [check ...], in "
					"this order")
		       : 0;
}

static int read_service(struct reader *reader, struct lvs_model *model)
{
	struct lvs_endpoint vip = {0};
	struct lvs_model_service settings = {.enabled = true}, *service;
	bool added;
	uint8_t mode;
	int err;

	err = read_vip(reader, &vip);
	if (!err)
		err = expect(reader, "mode", "expected mode");
	if (err)
		return err;
	if (lvs_mode_parse(next_word(reader), &mode))
		return refuse(reader, "not a mode (nat, fullnat or dsr)");
	err = read_settings(reader, &settings);
	if (err)
		return err;
	if (lvs_find_service(model, &vip))
		return refuse(reader, "this service is given already");
	err = lvs_add_service(model, &vip, mode, &service, &added);
	if (err)
		return refuse(reader,
			      err == -ENOSPC ? "more services than there can be" : "out of memory");
	lvs_copy_settings(service, &settings);
	return 0;
}

/* [weight N] [draining] */
static int read_server_options(struct reader *reader, uint32_t *weight, bool *draining)
{
	*weight = 1;
	*draining = false;
	next_word(reader);
	if (strcmp(reader->word, "weight") == 0) {
		int err = read_number(reader, LVS_WEIGHT_MAX, "not a weight (1..1000)", weight);

		if (err)
			return err;
		next_word(reader);
	}
	if (strcmp(reader->word, "draining") == 0) {
		*draining = true;
		next_word(reader);
	}
	return *reader->word ? refuse(reader, "expected [weight N] [draining], in this order") : 0;
}

static int read_server(struct reader *reader, struct lvs_model *model)
{
	static const struct lvs_model nothing = {0};
	struct lvs_endpoint vip = {0}, rip = {0};
	struct lvs_model_service *service;
	uint32_t weight;
	bool draining;
	int err;

	err = read_vip(reader, &vip);
	if (err)
		return err;
	service = lvs_find_service(model, &vip);
	if (!service)
		return refuse(reader, "its service must stand before it");
	err = expect(reader, "to", "expected to");
	if (!err)
		err = read_endpoint(reader, &rip);
	if (!err)
		err = read_server_options(reader, &weight, &draining);
	if (err)
		return err;
	switch (lvs_add_server(model, &nothing, service, &rip, (uint16_t)weight, draining)) {
	case 0:
		return 0;
	case -EEXIST:
		return refuse(reader, "the service has this server already");
	case -EAFNOSUPPORT:
		return refuse(reader, "the service and the server are of two families");
	case -EDOM:
		return refuse(reader, "a server of dsr must have the service's port");
	case -ENOSPC:
		return refuse(reader, "more servers than there can be");
	default:
		return refuse(reader, "out of memory");
	}
}

int lvs_text_read(struct lvs_model *model, enum lvs_statement statement, char *line,
		  const char **word, const char **error)
{
	struct reader reader = {.at = line, .word = line};
	int err = statement == LVS_STATEMENT_SERVICE ? read_service(&reader, model)
						     : read_server(&reader, model);

	if (err) {
		*word = reader.word;
		*error = reader.error;
	}
	return err;
}
