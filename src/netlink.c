/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A small reader of rtnetlink, for attach_tc.c (which filters are there) and server.c (did an
 * interface go). It encodes nothing but the header of a dump.
 */
#include "netlink.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "cleanup.h"

/* What the kernel recommends: a dump's messages are never longer. */
#define RECEIVE_BYTES 32768

/* One datagram of answers. 1: more to come, 0: done, or negative errno. */
static int read_answers(const char *data, size_t length, netlink_each_fn each, void *context)
{
	const struct nlmsghdr *message = (const struct nlmsghdr *)data;
	int remaining = (int)length;
	int err;

	for (; NLMSG_OK(message, remaining); message = NLMSG_NEXT(message, remaining)) {
		if (message->nlmsg_type == NLMSG_DONE)
			return 0;
		if (message->nlmsg_type == NLMSG_ERROR)
			return ((const struct nlmsgerr *)NLMSG_DATA(message))->error;
		err = each(message, context);
		if (err)
			return err;
	}
	return 1;
}

int netlink_dump(struct nlmsghdr *request, netlink_each_fn each, void *context)
{
	_cleanup_close_ int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE);
	_cleanup_free_ char *buffer = malloc(RECEIVE_BYTES);
	ssize_t length;
	int more = 1;

	if (fd < 0)
		return -errno;
	if (!buffer)
		return -ENOMEM;

	request->nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP;
	if (send(fd, request, request->nlmsg_len, 0) < 0)
		return -errno;
	while (more > 0) {
		length = recv(fd, buffer, RECEIVE_BYTES, 0);
		if (length < 0 && errno == EINTR)
			continue;
		if (length < 0)
			return -errno;
		more = read_answers(buffer, (size_t)length, each, context);
	}
	return more;
}

const struct rtattr *netlink_attribute(const struct rtattr *first, int length, unsigned short type)
{
	const struct rtattr *attribute = first;

	for (; RTA_OK(attribute, length); attribute = RTA_NEXT(attribute, length))
		if ((attribute->rta_type & NLA_TYPE_MASK) == type)
			return attribute;
	return NULL;
}

int netlink_watch_links(void)
{
	const struct sockaddr_nl address = {.nl_family = AF_NETLINK, .nl_groups = RTMGRP_LINK};
	_cleanup_close_ int fd =
		socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, NETLINK_ROUTE);

	if (fd < 0)
		return -errno;
	if (bind(fd, (const struct sockaddr *)&address, sizeof(address)) < 0)
		return -errno;
	return take_fd(fd);
}

void netlink_drain(int fd)
{
	char buffer[8192];

	/* ENOBUFS says that events were lost: it is one more event, and more may follow. */
	while (recv(fd, buffer, sizeof(buffer), 0) > 0 || errno == ENOBUFS || errno == EINTR)
		;
}
