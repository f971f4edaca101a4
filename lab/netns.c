/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Sockets in named network namespaces, see netns.h. */
#include "netns.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/if_packet.h>
#include <net/if.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#include "../src/cleanup.h"
#include "../src/log.h"

static int enter_named(const char *place, int length)
{
	char path[128];
	_cleanup_close_ int fd = -1;

	snprintf(path, sizeof(path), "/run/netns/%.*s", length, place);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0 || setns(fd, CLONE_NEWNET))
		return log_error(-errno, "enter network namespace %.*s", length, place);
	return 0;
}

static int open_bound(const char *name, int type, uint16_t protocol_be16, struct interface *out)
{
	struct sockaddr_ll address = {.sll_family = AF_PACKET, .sll_protocol = protocol_be16};
	_cleanup_close_ int fd = socket(AF_PACKET, type | SOCK_CLOEXEC, 0);
	struct ifreq request = {0};

	if (fd < 0)
		return log_error(-errno, "open a packet socket");
	snprintf(request.ifr_name, sizeof(request.ifr_name), "%s", name);
	if (ioctl(fd, SIOCGIFINDEX, &request))
		return log_error(-errno, "find interface %s", name);
	out->ifindex = address.sll_ifindex = request.ifr_ifindex;
	if (ioctl(fd, SIOCGIFHWADDR, &request))
		return log_error(-errno, "read the address of %s", name);
	memcpy(out->mac, request.ifr_hwaddr.sa_data, sizeof(out->mac));
	if (bind(fd, (struct sockaddr *)&address, sizeof(address)))
		return log_error(-errno, "bind to %s", name);
	return take_fd(fd);
}

int netns_packet_socket(const char *place, int type, uint16_t protocol_be16, struct interface *out)
{
	const char *slash = strchr(place, '/');
	_cleanup_close_ int own = open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC);
	int err, fd;

	if (own < 0)
		return log_error(-errno, "open own network namespace");
	if (!slash)
		return open_bound(place, type, protocol_be16, out);
	err = enter_named(place, slash - place);
	if (err)
		return err;
	fd = open_bound(slash + 1, type, protocol_be16, out);
	if (setns(own, CLONE_NEWNET)) {
		if (fd >= 0)
			close(fd);
		return log_error(-errno, "return to own network namespace");
	}
	return fd;
}
