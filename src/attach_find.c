/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Which interface is meant, and whether its packets can be judged. */
#include "attach_parts.h"

#include <errno.h>
#include <net/if_arp.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#include "log.h"

/* "lo, eth0": what the user may have meant; cut with "..." on a machine with many. */
static void list_interfaces(char *text, size_t size)
{
	_cleanup_interfaces_ struct if_nameindex *list = if_nameindex();
	const char *separator = "";
	size_t length = 0;

	text[0] = '\0';
	for (const struct if_nameindex *i = list; i && i->if_index; i++) {
		if (length + IF_NAMESIZE + sizeof(", ...") > size) {
			snprintf(text + length, size - length, ", ...");
			return;
		}
		length += (size_t)snprintf(text + length, size - length, "%s%s", separator,
					   i->if_name);
		separator = ", ";
	}
}

static int fail_missing(const char *name)
{
	char have[512];

	list_interfaces(have, sizeof(have));
	return log_fail(-ENODEV, "start on %s: no such interface (have: %s)", name, have);
}

/* The programs parse Ethernet frames; a loopback has those too, with addresses of zeros. */
static int check_ethernet(const struct interface *interface)
{
	/* The kind of socket does not matter, and one of no network is always permitted. */
	_cleanup_close_ int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	struct ifreq request = {};
	unsigned short type;

	if (fd < 0)
		return log_error(-errno, "start on %s: open socket", interface->name);
	memcpy(request.ifr_name, interface->name, IF_NAMESIZE);
	if (ioctl(fd, SIOCGIFHWADDR, &request) < 0)
		return log_error(-errno, "start on %s: ask for its hardware type", interface->name);
	type = request.ifr_hwaddr.sa_family;
	if (type == ARPHRD_ETHER || type == ARPHRD_LOOPBACK)
		return 0;
	return log_fail(-EPROTONOSUPPORT,
			"start on %s: it does not speak Ethernet (hardware type %u), so its "
			"packets cannot be judged: filter the interface below it instead",
			interface->name, type);
}

int find_interface(const char *name, struct interface *out)
{
	struct interface interface = {};
	int err;

	if (strlen(name) >= sizeof(interface.name))
		return fail_missing(name);
	memcpy(interface.name, name, strlen(name));
	interface.index = if_nametoindex(name);
	if (!interface.index)
		return fail_missing(name);
	err = check_ethernet(&interface);
	if (err)
		return err;
	*out = interface;
	return 0;
}

int attach_check(const char *interface)
{
	struct interface found;

	return find_interface(interface, &found);
}
