/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What libmnl leaves to its users: see netlink.h. */
#include "netlink.h"

#include <errno.h>
#include <string.h>

#include "cleanup.h"

/* What the kernel recommends: a dump's messages are never longer. */
#define RECEIVE_BYTES 32768

/* Often enough for a dump to come between two changes. */
#define DUMP_TRIES 10

struct dump {
	netlink_each_fn each;
	void *context;
	int err; /* of each */
};

static int hand_over(const struct nlmsghdr *message, void *data)
{
	struct dump *dump = data;

	dump->err = dump->each(message, dump->context);
	return dump->err ? MNL_CB_ERROR : MNL_CB_OK;
}

static int send_request(const struct mnl_socket *socket, uint16_t type, const void *header,
			size_t header_bytes)
{
	char buffer[256] __attribute__((aligned(MNL_ALIGNTO)));
	struct nlmsghdr *request;

	if (header_bytes > sizeof(buffer) - MNL_NLMSG_HDRLEN)
		return -EINVAL;
	request = mnl_nlmsg_put_header(buffer);
	request->nlmsg_type = type;
	request->nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP;
	memcpy(mnl_nlmsg_put_extra_header(request, header_bytes), header, header_bytes);
	return mnl_socket_sendto(socket, request, request->nlmsg_len) < 0 ? -errno : 0;
}

static int read_answers(const struct mnl_socket *socket, struct dump *dump)
{
	_cleanup_free_ char *buffer = malloc(RECEIVE_BYTES);
	ssize_t length;
	int more = MNL_CB_OK;

	if (!buffer)
		return -ENOMEM;
	while (more > MNL_CB_STOP) {
		length = mnl_socket_recvfrom(socket, buffer, RECEIVE_BYTES);
		if (length < 0 && errno == EINTR)
			continue;
		if (length < 0)
			return -errno;
		more = mnl_cb_run(buffer, (size_t)length, 0, mnl_socket_get_portid(socket),
				  hand_over, dump);
	}
	if (more < 0)
		return dump->err ? dump->err : -errno;
	return 0;
}

/* -EINTR: something changed while the kernel went through it. */
static int dump_once(uint16_t type, const void *header, size_t header_bytes, struct dump *dump)
{
	_cleanup_mnl_socket_ struct mnl_socket *socket =
		mnl_socket_open2(NETLINK_ROUTE, SOCK_CLOEXEC);
	int err;

	if (!socket || mnl_socket_bind(socket, 0, MNL_SOCKET_AUTOPID) < 0)
		return -errno;
	err = send_request(socket, type, header, header_bytes);
	return err ? err : read_answers(socket, dump);
}

int netlink_dump(uint16_t type, const void *header, size_t header_bytes, netlink_each_fn each,
		 void *context)
{
	struct dump dump = {.each = each, .context = context};
	int err = -EINTR;

	for (int i = 0; err == -EINTR && i < DUMP_TRIES; i++)
		err = dump_once(type, header, header_bytes, &dump);
	return err;
}

const struct nlattr *netlink_attribute(const struct nlmsghdr *message, size_t header_bytes,
				       uint16_t type)
{
	const struct nlattr *attribute;

	mnl_attr_for_each(attribute, message,
			  header_bytes) if (mnl_attr_get_type(attribute) == type) return attribute;
	return NULL;
}

const struct nlattr *netlink_nested(const struct nlattr *nest, uint16_t type)
{
	const struct nlattr *attribute;

	if (!nest)
		return NULL;
	mnl_attr_for_each_nested(attribute,
				 nest) if (mnl_attr_get_type(attribute) == type) return attribute;
	return NULL;
}

int netlink_watch_links(struct mnl_socket **out)
{
	_cleanup_mnl_socket_ struct mnl_socket *socket =
		mnl_socket_open2(NETLINK_ROUTE, SOCK_CLOEXEC | SOCK_NONBLOCK);

	if (!socket || mnl_socket_bind(socket, RTMGRP_LINK, MNL_SOCKET_AUTOPID) < 0)
		return -errno;
	*out = take(socket);
	return 0;
}

void netlink_drain(const struct mnl_socket *socket)
{
	char buffer[8192];

	/* ENOBUFS says that events were lost: it is one more event, and more may follow. */
	while (mnl_socket_recvfrom(socket, buffer, sizeof(buffer)) > 0 || errno == ENOBUFS ||
	       errno == EINTR || errno == ENOSPC)
		;
}
