/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The two questions to rtnetlink that libbpf has no function for: dumps, and "did links change".
 * Reading only; whatever is changed is changed through libbpf. Messages are libmnl's.
 */
#ifndef BGO_NETLINK_H
#define BGO_NETLINK_H

#include <libmnl/libmnl.h>
#include <linux/rtnetlink.h>

/* One message of a dump: 0 to go on, negative errno ends the dump with it. */
typedef int (*netlink_each_fn)(const struct nlmsghdr *message, void *context);

/*
 * Asks for a dump by a message of that type and family header, and hands each answer to `each`; a
 * dump that is interrupted by a change begins again, with answers that were there before. 0 or
 * negative errno, of `each` too.
 */
int netlink_dump(uint16_t type, const void *header, size_t header_bytes, netlink_each_fn each,
		 void *context);

/* The attribute of this type behind a family header of so many bytes, or NULL. */
const struct nlattr *netlink_attribute(const struct nlmsghdr *message, size_t header_bytes,
				       uint16_t type);
/* The same of those nested in an attribute; NULL has none. */
const struct nlattr *netlink_nested(const struct nlattr *nest, uint16_t type);

/*
 * A nonblocking socket that becomes readable when links come, go or change. 0 or negative errno.
 */
int netlink_watch_links(struct mnl_socket **out);
/* Throws away what the socket has to say. */
void netlink_drain(const struct mnl_socket *socket);

static inline void netlink_cleanup_socket(struct mnl_socket **socket)
{
	if (*socket)
		mnl_socket_close(*socket);
}
#define _cleanup_mnl_socket_ _cleanup_(netlink_cleanup_socket)

#endif
