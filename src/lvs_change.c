/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The commands of the load balancer that change something: one transaction each. */
#include <errno.h>
#include <ifaddrs.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>

#include "connections.h"
#include "log.h"
#include "lvs_command.h"
#include "output.h"

#define SERVICE_TEXT_BYTES (LVS_TEXT_BYTES + 8)

/* "tcp 192.0.2.10:80" */
static const char *service_text(const struct lvs_endpoint *vip,
				char text[static SERVICE_TEXT_BYTES])
{
	char endpoint[LVS_TEXT_BYTES];

	snprintf(text, SERVICE_TEXT_BYTES, "%s %s", lvs_protocol_name(vip->protocol),
		 lvs_format_endpoint(vip->addr_be, vip->port_be, vip->family, endpoint));
	return text;
}

static const char *server_text(const struct lvs_endpoint *rip, char text[static LVS_TEXT_BYTES])
{
	return lvs_format_endpoint(rip->addr_be, rip->port_be, rip->family, text);
}

static int begin(struct store **store, struct transaction **txn, struct lvs_model **model,
		 const struct lvs_options *options)
{
	int err = store_open(store, options->common.pin_path, STORE_WRITE);

	if (!err)
		err = transaction_begin(txn, *store);
	return err ? err : transaction_lvs(*txn, model);
}

static int commit(struct store **store, struct transaction **txn)
{
	int changed = transaction_commit(txn);

	store_close(take(*store));
	return changed;
}

/* What a change of one service or server prints: one sentence, or the same in JSON. */
static int report(const struct lvs_options *options, bool changed, const char *sentence)
{
	_cleanup_output_ struct output *out = NULL;
	char text[SERVICE_TEXT_BYTES];
	int err;

	if (options->common.quiet && !options->common.json)
		return 0;
	err = output_begin(&out, stdout, options->common.json);
	if (err)
		return err;
	output_bool(out, "changed", NULL, changed, NULL, NULL);
	output_text(out, "%s\n", sentence);
	if (options->has_vip)
		output_string(out, "service", NULL, service_text(&options->vip, text));
	if (options->has_rip)
		output_string(out, "server", NULL, server_text(&options->rip, text));
	return output_end(&out);
}

/* -- What the host lacks -- */

static bool is_switched_on(const char *path)
{
	_cleanup_fclose_ FILE *file = fopen(path, "re");

	return !file || fgetc(file) != '0';
}

/* True also when it cannot be told. */
static bool has_address(const struct lvs_endpoint *vip)
{
	struct ifaddrs *addrs = NULL;
	bool found = false;

	if (getifaddrs(&addrs))
		return true;
	for (const struct ifaddrs *i = addrs; i && !found; i = i->ifa_next) {
		if (!i->ifa_addr)
			continue;
		if (vip->family == FAMILY_IPV4 && i->ifa_addr->sa_family == AF_INET)
			found = ((const struct sockaddr_in *)i->ifa_addr)->sin_addr.s_addr ==
				vip->addr_be[0];
		if (vip->family == FAMILY_IPV6 && i->ifa_addr->sa_family == AF_INET6)
			found = memcmp(&((const struct sockaddr_in6 *)i->ifa_addr)->sin6_addr,
				       vip->addr_be, sizeof(vip->addr_be)) == 0;
	}
	freeifaddrs(addrs);
	return found;
}

void lvs_warn_host(const struct lvs_endpoint *vip)
{
	const bool is_ipv6 = vip->family == FAMILY_IPV6;
	char text[LVS_TEXT_BYTES];

	if (!has_address(vip))
		log_warning("%s is on no interface of this machine: packets to it come here only "
			    "if something routes them here",
			    lvs_format_addr(vip->addr_be, vip->family, text));
	if (!is_switched_on(is_ipv6 ? "/proc/sys/net/ipv6/conf/all/forwarding"
				    : "/proc/sys/net/ipv4/ip_forward"))
		log_warning("this machine does not forward %s, so nothing reaches the servers; "
			    "type: sysctl -w %s=1",
			    is_ipv6 ? "IPv6" : "IPv4",
			    is_ipv6 ? "net.ipv6.conf.all.forwarding" : "net.ipv4.ip_forward");
}

/* -- add-dnat -- */

static int mode_differs(const struct lvs_options *options, const struct lvs_model_service *service)
{
	char text[SERVICE_TEXT_BYTES];

	return log_fail(-EINVAL,
			"add-dnat: service %s has mode %s, and all its servers have; nothing was "
			"changed. Remove it first to change the mode",
			service_text(&options->vip, text), lvs_mode_name(service->mode));
}

static int full(const struct lvs_options *options, uint32_t limit, const char *what)
{
	char text[SERVICE_TEXT_BYTES];

	return log_fail(-ENOSPC,
			"add-dnat to %s: there are %u %s already, as many as can be; nothing was "
			"changed. Remove some first",
			service_text(&options->vip, text), limit, what);
}

/* A server that is there: another weight is a change, the same is an error. */
static int change_weight(const struct lvs_options *options, struct lvs_server *server)
{
	char service[SERVICE_TEXT_BYTES], text[LVS_TEXT_BYTES];

	if (options->weight.given && server->weight != options->weight.value) {
		server->weight = (uint16_t)options->weight.value;
		return 0;
	}
	return log_fail(-EEXIST, "add-dnat: service %s has server %s already, of weight %u",
			service_text(&options->vip, service), server_text(&options->rip, text),
			server->weight);
}

static int add_server(const struct lvs_options *options, struct transaction *txn,
		      struct lvs_model *model, struct lvs_model_service *service)
{
	char service_name[SERVICE_TEXT_BYTES], text[LVS_TEXT_BYTES];
	int err =
		lvs_add_server(model, transaction_lvs_before(txn), service, &options->rip,
			       options->weight.given ? (uint16_t)options->weight.value : 1, false);

	if (err == -EEXIST)
		return change_weight(options, lvs_find_server(service, &options->rip));
	if (err == -ENOSPC)
		return service->server_count == LVS_SERVERS_PER_SERVICE
			       ? full(options, LVS_SERVERS_PER_SERVICE, "servers of this service")
			       : full(options, LVS_SERVERS_MAX, "servers");
	if (err == -EDOM)
		return log_fail(err,
				"add-dnat: service %s has mode dsr: server %s must have its port",
				service_text(&options->vip, service_name),
				server_text(&options->rip, text));
	return err ? log_error(err, "add-dnat: server %s", server_text(&options->rip, text)) : 0;
}

static int add(const struct lvs_options *options, struct transaction *txn, struct lvs_model *model,
	       bool *is_new)
{
	struct lvs_model_service *service = lvs_find_service(model, &options->vip);
	uint8_t mode =
		service && !options->mode.given ? service->mode : (uint8_t)options->mode.value;
	int err;

	if (service && service->mode != mode)
		return mode_differs(options, service);
	err = lvs_add_service(model, &options->vip, mode, &service, is_new);
	if (err == -ENOSPC)
		return full(options, LVS_SERVICES_MAX, "services");
	if (err)
		return log_error(err, "add-dnat");
	if (options->enabled.given)
		service->enabled = options->enabled.value;
	return add_server(options, txn, model, service);
}

int lvs_run_add(const void *parsed)
{
	const struct lvs_options *options = parsed;
	_cleanup_store_ struct store *store = NULL;
	_cleanup_transaction_ struct transaction *txn = NULL;
	char service[SERVICE_TEXT_BYTES], server[LVS_TEXT_BYTES], sentence[256];
	struct lvs_model *model;
	bool is_new = false;
	int changed, err;

	err = begin(&store, &txn, &model, options);
	if (!err)
		err = add(options, txn, model, &is_new);
	if (err)
		return err;
	changed = commit(&store, &txn);
	if (changed < 0)
		return changed;
	if (is_new)
		lvs_warn_host(&options->vip);
	snprintf(sentence, sizeof(sentence), "Added server %s to %sservice %s",
		 server_text(&options->rip, server), is_new ? "new " : "",
		 service_text(&options->vip, service));
	return report(options, changed, sentence);
}

/* -- remove-dnat, drain -- */

/* One edit of the services as a transaction: whether it changed anything, or negative errno. */
static int change(const struct lvs_options *options,
		  int (*edit)(struct lvs_model *model, const struct lvs_options *options))
{
	_cleanup_store_ struct store *store = NULL;
	_cleanup_transaction_ struct transaction *txn = NULL;
	struct lvs_model *model;
	int err;

	err = begin(&store, &txn, &model, options);
	if (!err)
		err = edit(model, options);
	return err ? err : commit(&store, &txn);
}

static int no_service(const struct lvs_options *options, const char *what)
{
	char text[SERVICE_TEXT_BYTES];

	return log_fail(-ENOENT, "%s: there is no service %s; see `bgo firewall-lvs list-dnat`",
			what, service_text(&options->vip, text));
}

static int no_server(const struct lvs_options *options, const char *what)
{
	char service[SERVICE_TEXT_BYTES], server[LVS_TEXT_BYTES];

	return log_fail(-ENOENT,
			"%s: service %s has no server %s; see `bgo firewall-lvs list-dnat`", what,
			service_text(&options->vip, service), server_text(&options->rip, server));
}

static int remove_from(struct lvs_model *model, const struct lvs_options *options)
{
	struct lvs_model_service *service = lvs_find_service(model, &options->vip);
	struct lvs_server *server = NULL;

	if (!service)
		return options->if_exists ? 0 : no_service(options, "remove-dnat");
	if (options->has_rip) {
		server = lvs_find_server(service, &options->rip);
		if (!server)
			return options->if_exists ? 0 : no_server(options, "remove-dnat");
		lvs_remove_server(service, server);
	}
	if (!server || !service->server_count)
		lvs_remove_service(model, service);
	return 0;
}

int lvs_run_remove(const void *parsed)
{
	const struct lvs_options *options = parsed;
	char service[SERVICE_TEXT_BYTES], server[LVS_TEXT_BYTES], sentence[256];
	const int changed = change(options, remove_from);

	if (changed < 0)
		return changed;
	service_text(&options->vip, service);
	if (!changed)
		snprintf(sentence, sizeof(sentence), "Nothing to remove");
	else if (options->has_rip)
		snprintf(sentence, sizeof(sentence), "Removed server %s from service %s",
			 server_text(&options->rip, server), service);
	else
		snprintf(sentence, sizeof(sentence), "Removed service %s", service);
	return report(options, changed, sentence);
}

static int drain(struct lvs_model *model, const struct lvs_options *options)
{
	struct lvs_model_service *service = lvs_find_service(model, &options->vip);
	struct lvs_server *server;

	if (!service)
		return no_service(options, "drain");
	server = lvs_find_server(service, &options->rip);
	if (!server)
		return no_server(options, "drain");
	server->draining = !options->undo;
	return 0;
}

int lvs_run_drain(const void *parsed)
{
	const struct lvs_options *options = parsed;
	char service[SERVICE_TEXT_BYTES], server[LVS_TEXT_BYTES], sentence[256];
	const int changed = change(options, drain);

	if (changed < 0)
		return changed;
	snprintf(sentence, sizeof(sentence), "Server %s of service %s %s%s",
		 server_text(&options->rip, server), service_text(&options->vip, service),
		 changed ? "" : "already ",
		 options->undo ? "takes new connections" : "takes no new connections");
	return report(options, changed, sentence);
}

/* -- set -- */

/* What is not named stays, or is what it is by default when there was no check of this kind. */
static int set_check(struct lvs_model_service *service, const struct lvs_options *options)
{
	struct lvs_check check = service->check;
	char text[SERVICE_TEXT_BYTES];

	if (options->check.given && check.kind != options->check.value)
		check = lvs_check_default((uint8_t)options->check.value);
	if (options->interval.given)
		check.interval_s = (uint16_t)options->interval.value;
	if (options->timeout.given)
		check.timeout_s = (uint16_t)options->timeout.value;
	if (options->rise.given)
		check.rise = (uint8_t)options->rise.value;
	if (options->fall.given)
		check.fall = (uint8_t)options->fall.value;
	if (options->release.given)
		check.release = options->release.value == 1;
	if (options->path) {
		memset(check.path, 0, sizeof(check.path));
		memcpy(check.path, options->path, strlen(options->path));
	}
	if (!lvs_check_valid(&check))
		return log_fail(-EINVAL,
				"set: service %s has check %s, which has no such option; name "
				"another with --check",
				service_text(&options->vip, text), lvs_check_name(check.kind));
	lvs_set_check(service, &check);
	return 0;
}

static int set(struct lvs_model *model, const struct lvs_options *options)
{
	struct lvs_model_service *service = lvs_find_service(model, &options->vip);

	if (!service)
		return no_service(options, "set");
	if (options->max_new.given)
		service->max_new = (uint32_t)options->max_new.value;
	return set_check(service, options);
}

int lvs_run_set(const void *parsed)
{
	const struct lvs_options *options = parsed;
	char service[SERVICE_TEXT_BYTES], sentence[256];
	const int changed = change(options, set);

	if (changed < 0)
		return changed;
	snprintf(sentence, sizeof(sentence), "Service %s %s set so",
		 service_text(&options->vip, service), changed ? "is now" : "was already");
	return report(options, changed, sentence);
}

/* -- enable, disable -- */

static int switch_services(const struct lvs_options *options, bool enabled)
{
	const char *word = enabled ? "enable" : "disable";
	_cleanup_store_ struct store *store = NULL;
	_cleanup_transaction_ struct transaction *txn = NULL;
	char service[SERVICE_TEXT_BYTES], sentence[256];
	struct lvs_model *model;
	uint32_t matched = 0;
	int changed, err;

	err = begin(&store, &txn, &model, options);
	if (err)
		return err;
	for (uint32_t i = 0; i < model->service_count; i++) {
		if (options->has_vip &&
		    lvs_endpoint_compare(&model->services[i].vip, &options->vip))
			continue;
		model->services[i].enabled = enabled;
		matched++;
	}
	if (options->has_vip && !matched)
		return no_service(options, word);
	if (!matched)
		return log_fail(-ENOENT,
				"%s: there is no service; see `bgo help firewall-lvs "
				"add-dnat`",
				word);
	changed = commit(&store, &txn);
	if (changed < 0)
		return changed;
	if (options->has_vip)
		snprintf(sentence, sizeof(sentence), "Service %s %s %sd",
			 service_text(&options->vip, service), changed ? "is now" : "was already",
			 word);
	else
		snprintf(sentence, sizeof(sentence), "All %u services %s %sd", matched,
			 changed ? "are now" : "were already", word);
	return report(options, changed, sentence);
}

int lvs_run_enable(const void *options)
{
	return switch_services(options, true);
}

int lvs_run_disable(const void *options)
{
	return switch_services(options, false);
}

/* -- cleanup -- */

int lvs_run_cleanup(const void *parsed)
{
	const struct lvs_options *options = parsed;
	_cleanup_store_ struct store *store = NULL;
	_cleanup_output_ struct output *out = NULL;
	struct connection_maps maps;
	uint32_t removed;
	int err;

	err = store_open(&store, options->common.pin_path, STORE_WRITE);
	if (err)
		return err;
	maps = connection_maps_of(store);
	err = connections_remove(&maps, NULL, &removed);
	if (err)
		return err;
	store_close(take(store));
	if (options->common.quiet && !options->common.json)
		return 0;
	err = output_begin(&out, stdout, options->common.json);
	if (err)
		return err;
	output_text(out, "Removed %u expired connection%s\n", removed, removed == 1 ? "" : "s");
	output_number(out, "removed", NULL, removed);
	return output_end(&out);
}
