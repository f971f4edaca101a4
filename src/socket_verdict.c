/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The programs' judgement for sockets, see socket_verdict.h. */
#include "socket_verdict.h"

#include <errno.h>
#include <netinet/in.h>
#include <string.h>

int socket_rules_of(const struct store *store, struct socket_rules *out)
{
	out->now_s = store_now_s(store);
	out->nodes = store_nodes(store, &out->node_count);
	return out->nodes ? 0 : -ENOMEM;
}

/* The key of the connection's packets, as bpf/packet.h makes it. */
static void make_key(const struct tcp_socket *socket, enum hook hook, uint32_t key[KEY_WORDS])
{
	const uint32_t port = hook == HOOK_EGRESS ? socket->peer_port : socket->local_port;

	memset(key, 0, KEY_WORDS * sizeof(*key));
	memcpy(key, socket->peer_host, sizeof(socket->peer_host));
	key[KEY_PROTO_PORT] = (uint32_t)IPPROTO_TCP << KEY_PROTO_SHIFT | KEY_HAS_PORTS | port;
	key[KEY_PORT] = KEY_HAS_PORTS | port;
}

enum socket_verdict socket_judge(const struct socket_rules *rules, const struct ruleset *ruleset,
				 enum hook hook, const struct tcp_socket *socket, int64_t *hit)
{
	const struct hook_rules *of = &ruleset->hooks[hook];
	uint32_t key[KEY_WORDS];

	make_key(socket, hook, key);
	if (classifier_match(rules->nodes, rules->node_count,
			     &of->lists[LIST_WHITELIST][socket->family], key, rules->now_s) >= 0)
		return SOCKET_PASSES;
	*hit = classifier_match(rules->nodes, rules->node_count,
				&of->lists[LIST_BLACKLIST][socket->family], key, rules->now_s);
	if (*hit >= 0)
		return SOCKET_BLACKLISTED;
	return of->default_deny ? SOCKET_UNLISTED : SOCKET_PASSES;
}
