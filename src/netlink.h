/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The two questions to rtnetlink that libbpf has no function for: dumps, and "did links change".
 * Reading only; whatever is changed is changed through libbpf.
 */
#ifndef BGO_NETLINK_H
#define BGO_NETLINK_H

#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <stddef.h>

/* One message of a dump: 0 to go on, negative errno ends the dump with it. */
typedef int (*netlink_each_fn)(const struct nlmsghdr *message, void *context);

/* Sends the request as a dump and hands each answer to `each`. 0 or negative errno, of `each` too.
 */
int netlink_dump(struct nlmsghdr *request, netlink_each_fn each, void *context);

/* The attribute of this type among `length` bytes of attributes, or NULL. */
const struct rtattr *netlink_attribute(const struct rtattr *first, int length, unsigned short type);

/* A nonblocking socket that becomes readable when links come, go or change. */
int netlink_watch_links(void);
/* Throws away what the socket has to say. */
void netlink_drain(int fd);

#endif
