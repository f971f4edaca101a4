/* SPDX-License-Identifier: GPL-2.0-or-later */
/* From the kernel's list of sockets to the tables of connections, see adopt.h. */
#include "adopt.h"

#include <arpa/inet.h>
#include <bpf/bpf.h>
#include <string.h>

#include "connections.h"
#include "log.h"
#include "socket_verdict.h"

struct adoption {
	struct socket_rules rules;
	const struct ruleset *next;
	struct connection_maps maps;
};

static bool must_be_known(const struct adoption *adoption, const struct tcp_socket *socket)
{
	int64_t hit;

	for (enum hook hook = 0; hook < HOOK_COUNT; hook++)
		if (ruleset_is_stateful(adoption->next, hook) &&
		    socket_judge(&adoption->rules, adoption->next, hook, socket, &hit) ==
			    SOCKET_UNLISTED)
			return true;
	return false;
}

static void put_addr(const uint32_t host[4], uint32_t be[4])
{
	for (int i = 0; i < 4; i++)
		be[i] = htonl(host[i]);
}

/*
 * Also one that has expired in the meantime. For which there is no room, that stays where newer
 * ones may push it out.
 */
static void make_known(const struct connection_maps *maps, const struct tcp_socket *socket)
{
	struct conn_tuple tuple = {
		.sport_be = htons(socket->local_port),
		.dport_be = htons(socket->peer_port),
		.family = (uint8_t)socket->family,
		.protocol = IPPROTO_TCP,
		.zone = CONN_ZONE_HOST,
	};
	struct conn conn = {.state = CONN_ESTABLISHED, .seen_ns = connections_now_ns()};

	put_addr(socket->local_host, tuple.saddr_be);
	put_addr(socket->peer_host, tuple.daddr_be);
	conn.to = tuple;
	if (bpf_map_update_elem(maps->track_fd, &tuple, &conn, BPF_ANY))
		(void)bpf_map_update_elem(maps->half_open_fd, &tuple, &conn, BPF_ANY);
}

static int adopt(void *data, const struct tcp_socket *socket)
{
	const struct adoption *adoption = data;

	if (!tcp_socket_is_local(socket) && must_be_known(adoption, socket))
		make_known(&adoption->maps, socket);
	return 0;
}

void adopt_connections(const struct store *store, const struct ruleset *next)
{
	struct adoption adoption = {
		.next = next,
		.maps = connection_maps_of(store),
	};
	int err;

	if (!ruleset_is_stateful(next, HOOK_XDP) && !ruleset_is_stateful(next, HOOK_INGRESS))
		return;
	err = socket_rules_of(store, &adoption.rules);
	if (!err)
		err = tcp_sockets_list(TCP_SOCKETS_ESTABLISHED, adopt, &adoption);
	if (err)
		log_warning("connections that are open count from the next packet this host sends "
			    "on them: the kernel does not list them: %s",
			    strerror(-err));
}
