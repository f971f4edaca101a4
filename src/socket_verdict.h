/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What rules that are in place, in force or about to be, do to the packets of a connection. */
#ifndef BGO_SOCKET_VERDICT_H
#define BGO_SOCKET_VERDICT_H

#include "store.h"
#include "tcp_sockets.h"

/* Where the graphs of rulesets are, and when. */
struct socket_rules {
	const struct node *nodes;
	uint32_t node_count;
	uint32_t now_s; /* rules that have expired by then do not count */
};

/* -ENOMEM, logged. */
int socket_rules_of(const struct store *store, struct socket_rules *out);

enum socket_verdict {
	SOCKET_PASSES,
	SOCKET_BLACKLISTED,
	SOCKET_UNLISTED, /* no rule matches and the default policy is deny */
};

/*
 * As the programs judge packets of the hook's direction, without what they know of connections.
 * *hit: of the blacklist's rule that matches.
 */
enum socket_verdict socket_judge(const struct socket_rules *rules, const struct ruleset *ruleset,
				 enum hook hook, const struct tcp_socket *socket, int64_t *hit);

#endif
