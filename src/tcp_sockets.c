/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Dumps of inet_diag: see tcp_sockets.h. */
#include "tcp_sockets.h"

#include <arpa/inet.h>
#include <linux/inet_diag.h>
#include <linux/netlink.h>
#include <linux/sock_diag.h>
#include <string.h>
#include <sys/socket.h>

#include "cleanup.h"

#define BUFFER_BYTES (32 * 1024)

static bool is_mapped(const uint32_t *addr_host)
{
	return !addr_host[0] && !addr_host[1] && addr_host[2] == 0xffff;
}

static void take_address(const __be32 *from, enum family family, uint32_t *addr_host)
{
	for (int i = 0; i < (family == FAMILY_IPV6 ? 4 : 1); i++)
		addr_host[i] = ntohl(from[i]);
}

static void unmap(uint32_t *addr_host)
{
	addr_host[0] = addr_host[3];
	addr_host[2] = addr_host[3] = 0;
}

static void take_socket(const struct inet_diag_msg *message, struct tcp_socket *out)
{
	*out = (struct tcp_socket){
		.family = message->idiag_family == AF_INET6 ? FAMILY_IPV6 : FAMILY_IPV4,
		.local_port = ntohs(message->id.idiag_sport),
		.peer_port = ntohs(message->id.idiag_dport),
		.inode = message->idiag_inode,
	};
	take_address(message->id.idiag_src, out->family, out->local_host);
	take_address(message->id.idiag_dst, out->family, out->peer_host);
	if (out->family == FAMILY_IPV6 && is_mapped(out->peer_host)) {
		out->family = FAMILY_IPV4;
		unmap(out->local_host);
		unmap(out->peer_host);
	}
}

static int ask(int fd, int family, enum tcp_state state)
{
	struct {
		struct nlmsghdr header;
		struct inet_diag_req_v2 request;
	} message = {
		.header = {.nlmsg_len = sizeof(message),
			   .nlmsg_type = SOCK_DIAG_BY_FAMILY,
			   .nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP},
		.request = {.sdiag_family = (uint8_t)family,
			    .sdiag_protocol = IPPROTO_TCP,
			    .idiag_states = 1u << state},
	};

	return send(fd, &message, sizeof(message), 0) < 0 ? -errno : 0;
}

/* The messages of one datagram. 1 when they were the last, 0, or negative errno. */
static int visit_all(const struct nlmsghdr *header, size_t bytes,
		     int (*visit)(void *data, const struct tcp_socket *socket), void *data)
{
	struct tcp_socket socket;
	int err;

	for (; NLMSG_OK(header, bytes); header = NLMSG_NEXT(header, bytes)) {
		if (header->nlmsg_type == NLMSG_DONE)
			return 1;
		if (header->nlmsg_type == NLMSG_ERROR) {
			const struct nlmsgerr *error = NLMSG_DATA(header);

			return error->error ? error->error : -EIO;
		}
		if (header->nlmsg_len < NLMSG_LENGTH(sizeof(struct inet_diag_msg)))
			return -EBADMSG;
		take_socket(NLMSG_DATA(header), &socket);
		err = visit(data, &socket);
		if (err)
			return err;
	}
	return 0;
}

static int list_family(int fd, int family, enum tcp_state state,
		       int (*visit)(void *data, const struct tcp_socket *socket), void *data)
{
	_cleanup_free_ void *buffer = malloc(BUFFER_BYTES);
	int err = buffer ? ask(fd, family, state) : -ENOMEM;

	while (!err) {
		const ssize_t bytes = recv(fd, buffer, BUFFER_BYTES, 0);

		if (bytes < 0 && errno == EINTR)
			continue;
		err = bytes < 0 ? -errno : visit_all(buffer, (size_t)bytes, visit, data);
	}
	return err < 0 ? err : 0;
}

int tcp_sockets_list(enum tcp_state state,
		     int (*visit)(void *data, const struct tcp_socket *socket), void *data)
{
	_cleanup_close_ int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_SOCK_DIAG);
	int err;

	if (fd < 0)
		return -errno;
	err = list_family(fd, AF_INET, state, visit, data);
	return err ? err : list_family(fd, AF_INET6, state, visit, data);
}

bool tcp_socket_is_local(const struct tcp_socket *socket)
{
	const uint32_t *peer = socket->peer_host;

	if (memcmp(peer, socket->local_host, sizeof(socket->peer_host)) == 0)
		return true;
	if (socket->family == FAMILY_IPV4)
		return peer[0] >> 24 == 127;
	return !peer[0] && !peer[1] && !peer[2] && peer[3] == 1;
}
