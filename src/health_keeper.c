/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Checks of real servers in the daemon, see health_keeper.h. */
#include "health_keeper.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>

#include "cleanup.h"
#include "connections.h"
#include "health.h"
#include "log.h"

#define EVENTS 64

/* One real server of one service. */
struct probe {
	struct lvs_endpoint vip, rip;
	struct lvs_check check;
	struct health health;
	bool stored_down; /* as the store has it */
	uint16_t why;	  /* of the last failure, as lvs_server's down_why */
	uint64_t next_ms, deadline_ms;
	int fd; /* of the check that is running; -1: none is */
	bool asked;
	uint8_t answered;
	char answer[HEALTH_ANSWER_BYTES];
};

struct health_keeper {
	char *pin_path;
	const struct config *config; /* looked at without the lock */
	uint64_t seen;		     /* the generation whose services these are */
	uint64_t failed; /* the generation that could not be read or changed, said once; 0: none */
	int epoll_fd;
	struct probe *probes;
	uint32_t count;
};

static uint64_t now_ms(void)
{
	return connections_now_ns() / 1000000;
}

/* -- One check -- */

static void probe_stop(struct probe *probe)
{
	if (probe->fd >= 0)
		close(probe->fd); /* epoll forgets it */
	probe->fd = -1;
}

/* why: 0 is good. */
static void probe_end(struct probe *probe, uint16_t why)
{
	probe_stop(probe);
	if (why)
		probe->why = why;
	(void)health_result(&probe->health, &probe->check, !why);
}

static socklen_t probe_address(const struct probe *probe, struct sockaddr_storage *out)
{
	struct sockaddr_in6 *v6 = (struct sockaddr_in6 *)out;
	struct sockaddr_in *v4 = (struct sockaddr_in *)out;

	*out = (struct sockaddr_storage){0};
	if (probe->rip.family == FAMILY_IPV6) {
		v6->sin6_family = AF_INET6;
		v6->sin6_port = probe->rip.port_be;
		memcpy(&v6->sin6_addr, probe->rip.addr_be, sizeof(v6->sin6_addr));
		return sizeof(*v6);
	}
	v4->sin_family = AF_INET;
	v4->sin_port = probe->rip.port_be;
	v4->sin_addr.s_addr = probe->rip.addr_be[0];
	return sizeof(*v4);
}

/* What this machine is short of says nothing about the server: the next second it tries again. */
static bool is_own_fault(int err)
{
	return err == EMFILE || err == ENFILE || err == ENOMEM || err == ENOBUFS ||
	       err == EADDRNOTAVAIL || err == EAGAIN;
}

static void probe_begin(struct probe *probe, int epoll_fd, uint64_t at_ms)
{
	struct epoll_event event = {.events = EPOLLOUT};
	struct sockaddr_storage to;
	const socklen_t size = probe_address(probe, &to);
	int err = 0;

	probe->asked = false;
	probe->answered = 0;
	probe->fd = socket(to.ss_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	event.data.fd = probe->fd;
	if (probe->fd < 0 || epoll_ctl(epoll_fd, EPOLL_CTL_ADD, probe->fd, &event)) {
		probe_stop(probe);
		return;
	}
	if (connect(probe->fd, (const struct sockaddr *)&to, size) && errno != EINPROGRESS)
		err = errno;
	if (is_own_fault(err)) {
		probe_stop(probe);
		return;
	}
	probe->next_ms = at_ms + probe->check.interval_s * 1000u;
	probe->deadline_ms = at_ms + probe->check.timeout_s * 1000u;
	if (err)
		probe_end(probe, (uint16_t)err);
}

static void probe_ask(struct probe *probe, int epoll_fd)
{
	struct epoll_event event = {.events = EPOLLIN, .data.fd = probe->fd};
	char host[LVS_TEXT_BYTES], request[LVS_TEXT_BYTES + LVS_CHECK_PATH_BYTES + 128];
	const int length = snprintf(request, sizeof(request),
				    "GET %s HTTP/1.1\r\nHost: %s\r\nUser-Agent: bgo\r\n"
				    "Accept: */*\r\nConnection: close\r\n\r\n",
				    probe->check.path,
				    lvs_format_endpoint(probe->rip.addr_be, probe->rip.port_be,
							probe->rip.family, host));

	probe->asked = true;
	/* A new connection has room for it. */
	if (send(probe->fd, request, (size_t)length, MSG_NOSIGNAL) != length ||
	    epoll_ctl(epoll_fd, EPOLL_CTL_MOD, probe->fd, &event))
		probe_end(probe, ECONNRESET);
}

static void probe_read(struct probe *probe)
{
	ssize_t length = recv(probe->fd, probe->answer + probe->answered,
			      sizeof(probe->answer) - probe->answered, 0);
	int why;

	if (length < 0 && errno == EAGAIN)
		return;
	if (length <= 0) {
		probe_end(probe, length ? (uint16_t)errno : EPROTO);
		return;
	}
	probe->answered = (uint8_t)(probe->answered + length);
	why = health_http(probe->answer, probe->answered);
	if (why >= 0)
		probe_end(probe, (uint16_t)why);
}

/* The connection stands or has failed, or there is an answer to read. */
static void probe_go_on(struct probe *probe, int epoll_fd)
{
	socklen_t size = sizeof(int);
	int err = 0;

	if (probe->asked) {
		probe_read(probe);
		return;
	}
	if (getsockopt(probe->fd, SOL_SOCKET, SO_ERROR, &err, &size))
		err = errno;
	if (err || probe->check.kind == LVS_CHECK_TCP)
		probe_end(probe, (uint16_t)err);
	else
		probe_ask(probe, epoll_fd);
}

/* -- All of them -- */

static struct probe *find_probe(const struct health_keeper *keeper, const struct probe *like)
{
	for (uint32_t i = 0; i < keeper->count; i++) {
		struct probe *probe = &keeper->probes[i];

		if (lvs_endpoint_compare(&probe->vip, &like->vip) == 0 &&
		    lvs_endpoint_compare(&probe->rip, &like->rip) == 0 &&
		    memcmp(&probe->check, &like->check, sizeof(probe->check)) == 0)
			return probe;
	}
	return NULL;
}

static void forget_probes(struct health_keeper *keeper)
{
	for (uint32_t i = 0; i < keeper->count; i++)
		probe_stop(&keeper->probes[i]);
	free(keeper->probes);
	keeper->probes = NULL;
	keeper->count = 0;
}

/* A probe that is there goes on; a new one begins with what the store says of its server. */
static struct probe make_probe(struct health_keeper *keeper,
			       const struct lvs_model_service *service,
			       const struct lvs_server *server)
{
	struct probe probe = {.vip = service->vip,
			      .rip = service->vip,
			      .check = service->check,
			      .health.down = server->down,
			      .why = server->down_why,
			      .fd = -1};
	struct probe *known;

	memcpy(probe.rip.addr_be, server->addr_be, sizeof(probe.rip.addr_be));
	probe.rip.port_be = server->port_be;
	known = find_probe(keeper, &probe);
	if (known) {
		probe = *known;
		known->fd = -1;
	}
	probe.stored_down = server->down;
	return probe;
}

static int take_model(struct health_keeper *keeper, const struct lvs_model *model)
{
	struct probe *probes = calloc(lvs_server_count(model) + 1, sizeof(*probes));
	const uint64_t at_ms = now_ms();
	uint32_t count = 0;

	if (!probes)
		return log_error(-ENOMEM, "check real servers");
	for (uint32_t i = 0; i < model->service_count; i++) {
		const struct lvs_model_service *service = &model->services[i];
		const uint32_t interval_ms = service->check.interval_s * 1000u;

		for (uint32_t j = 0; j < service->server_count && interval_ms; j++) {
			struct probe *probe = &probes[count++];

			*probe = make_probe(keeper, service, &service->servers[j]);
			/* Not all at once. */
			if (!probe->next_ms)
				probe->next_ms = at_ms + interval_ms * j / service->server_count;
		}
	}
	forget_probes(keeper);
	keeper->probes = probes;
	keeper->count = count;
	return 0;
}

/* The services, when they may have changed. Whoever holds the lock: the next second. */
static void read_services(struct health_keeper *keeper)
{
	_cleanup_store_ struct store *store = NULL;
	_cleanup_lvs_model_ struct lvs_model model = {0};
	const uint64_t generation = __atomic_load_n(&keeper->config->commit, __ATOMIC_ACQUIRE);
	int err;

	if (generation == keeper->seen || generation == keeper->failed)
		return;
	err = store_try_open(&store, keeper->pin_path, STORE_READ, 0);
	if (err == -EWOULDBLOCK)
		return;
	if (!err)
		err = store_lvs(store, &model);
	if (!err)
		err = take_model(keeper, &model);
	keeper->failed = err ? generation : 0;
	if (!err)
		keeper->seen = store_generation(store);
}

static bool differs(const struct probe *probe)
{
	return probe->health.down != probe->stored_down;
}

static bool anything_differs(const struct health_keeper *keeper)
{
	for (uint32_t i = 0; i < keeper->count; i++)
		if (differs(&keeper->probes[i]))
			return true;
	return false;
}

static struct lvs_server *server_of(const struct lvs_model *model, const struct probe *probe)
{
	const struct lvs_model_service *service = lvs_find_service(model, &probe->vip);

	if (!service || memcmp(&service->check, &probe->check, sizeof(probe->check)))
		return NULL;
	return lvs_find_server(service, &probe->rip);
}

static void tell(const struct probe *probe)
{
	char why[HEALTH_WHY_BYTES], server[LVS_TEXT_BYTES], service[LVS_TEXT_BYTES];

	lvs_format_endpoint(probe->rip.addr_be, probe->rip.port_be, probe->rip.family, server);
	lvs_format_endpoint(probe->vip.addr_be, probe->vip.port_be, probe->vip.family, service);
	if (probe->health.down)
		log_warning("Server %s of service %s %s is down: %s", server,
			    lvs_protocol_name(probe->vip.protocol), service,
			    health_why(probe->why, why));
	else
		log_info("Server %s of service %s %s is back", server,
			 lvs_protocol_name(probe->vip.protocol), service);
}

/* Connections to servers that went down just now, where they are to end. */
static int release(const struct health_keeper *keeper, const struct store *store,
		   const struct lvs_model *model)
{
	const struct connection_maps maps = connection_maps_of(store);
	uint64_t keep[LVS_SERVER_IDS / 64];
	uint32_t released = 0, removed;

	memset(keep, 0xff, sizeof(keep));
	for (uint32_t i = 0; i < keeper->count; i++) {
		const struct probe *probe = &keeper->probes[i];
		const struct lvs_server *server = server_of(model, probe);

		if (!differs(probe) || !probe->health.down || !probe->check.release || !server)
			continue;
		keep[server->id / 64] &= ~(1ULL << server->id % 64);
		released++;
	}
	return released ? connections_remove(&maps, keep, &removed) : 0;
}

/* An ordinary change of the services. 0 or negative errno, logged. */
static int store_health(struct health_keeper *keeper, struct store *store)
{
	_cleanup_transaction_ struct transaction *txn = NULL;
	_cleanup_lvs_model_ struct lvs_model changed = {0};
	struct lvs_model *model;
	int err;

	err = transaction_begin(&txn, store);
	if (!err)
		err = transaction_lvs(txn, &model);
	if (err)
		return err;
	for (uint32_t i = 0; i < keeper->count; i++) {
		const struct probe *probe = &keeper->probes[i];
		struct lvs_server *server = server_of(model, probe);

		if (server && differs(probe))
			lvs_set_health(server, probe->health.down,
				       probe->health.down ? probe->why : 0,
				       probe->health.down ? store_now_s(store) : 0);
	}
	err = lvs_model_copy(&changed, model);
	if (!err)
		err = transaction_commit(&txn);
	if (err < 0)
		return err;
	err = release(keeper, store, &changed);
	for (uint32_t i = 0; i < keeper->count; i++) {
		struct probe *probe = &keeper->probes[i];

		if (differs(probe) && server_of(&changed, probe))
			tell(probe);
		probe->stored_down = probe->health.down;
	}
	return err;
}

/*
 * Makes what was found what counts: once a second, so that hundreds that die at once are few
 * changes. Whoever holds the lock: the next second.
 */
static void settle(struct health_keeper *keeper)
{
	const uint64_t generation = __atomic_load_n(&keeper->config->commit, __ATOMIC_ACQUIRE);
	_cleanup_store_ struct store *store = NULL;
	int err;

	if (!anything_differs(keeper) || generation == keeper->failed)
		return;
	err = store_try_change(&store, keeper->pin_path);
	if (err == -EWOULDBLOCK)
		return;
	if (!err)
		err = store_health(keeper, store);
	keeper->failed = err ? generation : 0;
}

void health_keeper_tick(struct health_keeper *keeper)
{
	const uint64_t at_ms = now_ms();

	read_services(keeper);
	for (uint32_t i = 0; i < keeper->count; i++) {
		struct probe *probe = &keeper->probes[i];

		if (probe->fd >= 0 && at_ms >= probe->deadline_ms)
			probe_end(probe, ETIMEDOUT);
		if (probe->fd < 0 && at_ms >= probe->next_ms)
			probe_begin(probe, keeper->epoll_fd, at_ms);
	}
	settle(keeper);
}

void health_keeper_answer(struct health_keeper *keeper)
{
	struct epoll_event events[EVENTS];
	const int count = epoll_wait(keeper->epoll_fd, events, EVENTS, 0);

	for (int i = 0; i < count; i++)
		for (uint32_t j = 0; j < keeper->count; j++)
			if (keeper->probes[j].fd == events[i].data.fd) {
				probe_go_on(&keeper->probes[j], keeper->epoll_fd);
				break;
			}
}

int health_keeper_fd(const struct health_keeper *keeper)
{
	return keeper->epoll_fd;
}

void health_keeper_close(struct health_keeper *keeper)
{
	if (!keeper)
		return;
	forget_probes(keeper);
	cleanup_close(&keeper->epoll_fd);
	store_unwatch(keeper->config);
	free(keeper->pin_path);
	free(keeper);
}

int health_keeper_open(struct health_keeper **out, const struct store *store)
{
	struct health_keeper *keeper = calloc(1, sizeof(*keeper));

	if (!keeper)
		return log_error(-ENOMEM, "check real servers");
	keeper->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
	keeper->pin_path = strdup(store_pin_path(store));
	keeper->config = store_watch(store);
	if (keeper->epoll_fd < 0 || !keeper->pin_path || !keeper->config) {
		health_keeper_close(keeper);
		return log_error(-ENOMEM, "check real servers");
	}
	*out = keeper;
	return 0;
}
