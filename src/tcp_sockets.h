/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The TCP sockets of this network namespace, as the kernel lists them (sock_diag(7)). */
#ifndef BGO_TCP_SOCKETS_H
#define BGO_TCP_SOCKETS_H

#include <stdbool.h>
#include <stdint.h>

#include "../bpf/abi.h"

struct tcp_socket {
	/* IPv4 also of an IPv6 socket that talks IPv4 (::ffff:192.0.2.1): that is in its packets.
	 */
	enum family family;
	uint32_t local_host[4], peer_host[4]; /* host order, as in struct rule */
	uint16_t local_port, peer_port;	      /* host order */
	uint32_t inode;			      /* /proc/PID/fd/N says socket:[inode] */
};

enum tcp_state { TCP_SOCKETS_ESTABLISHED = 1, TCP_SOCKETS_LISTENING = 10 };

/* Calls `visit` for each socket in the state. 0 or negative errno, not logged; visit's, too. */
int tcp_sockets_list(enum tcp_state state,
		     int (*visit)(void *data, const struct tcp_socket *socket), void *data);

/* Whether its packets stay on this host. */
bool tcp_socket_is_local(const struct tcp_socket *socket);

#endif
