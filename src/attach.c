/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * All three programs onto one interface or none, and off again: what the server does at start and
 * at exit. The mechanics of each hook are in attach_xdp.c and attach_tc.c.
 */
#include "attach_parts.h"

#include <bpf/bpf.h>
#include <errno.h>
#include <net/if_arp.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#include "log.h"

struct attachment {
	struct interface interface;
	int xdp_link;
	bool made_clsact; /* the qdisc is ours to remove */
	struct tc_filter tc[TC_DIRECTIONS];
};

static const enum hook tc_hooks[TC_DIRECTIONS] = {
	[TC_INGRESS] = HOOK_INGRESS,
	[TC_EGRESS] = HOOK_EGRESS,
};

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

static int find_interface(const char *name, struct interface *out)
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

static int attach_xdp(struct attachment *attachment, const struct programs *programs,
		      enum xdp_mode mode)
{
	const struct interface *interface = &attachment->interface;
	enum xdp_mode got;
	int link;

	link = xdp_attach(programs_fd(programs, HOOK_XDP), interface, mode, &got);
	if (link < 0)
		return link; /* logged there */
	attachment->xdp_link = link;
	log_info("Attached XDP program to interface %s (%s mode)", interface->name,
		 xdp_mode_name(got));
	return 0;
}

static int attach_tcx(struct attachment *attachment, const struct programs *programs)
{
	int err = 0;

	for (enum tc_direction direction = 0; !err && direction < TC_DIRECTIONS; direction++)
		err = tcx_attach(programs_fd(programs, tc_hooks[direction]), &attachment->interface,
				 direction, &attachment->tc[direction]);
	return err;
}

static int attach_clsact(struct attachment *attachment, const struct programs *programs)
{
	int err;

	err = clsact_create(&attachment->interface);
	if (err < 0)
		return err;
	attachment->made_clsact = err == 1;
	err = 0;
	for (enum tc_direction direction = 0; !err && direction < TC_DIRECTIONS; direction++)
		err = clsact_attach(programs_fd(programs, tc_hooks[direction]),
				    &attachment->interface, direction, &attachment->tc[direction]);
	return err;
}

static bool tc_attached(const struct attachment *attachment)
{
	bool attached = attachment->made_clsact;

	for (enum tc_direction direction = 0; direction < TC_DIRECTIONS; direction++)
		attached |= tc_filter_attached(&attachment->tc[direction]);
	return attached;
}

static int attach_tc(struct attachment *attachment, const struct programs *programs,
		     enum tc_kind kind)
{
	const char *name = attachment->interface.name;
	enum tc_kind chosen = kind == TC_KIND_AUTO ? TC_KIND_TCX : kind;
	int err = -EINVAL;

	if (chosen == TC_KIND_TCX)
		err = attach_tcx(attachment, programs);
	/* The kernel does not know the attach type: it is older than TCX. */
	if (err == -EINVAL && kind != TC_KIND_TCX && !tc_attached(attachment)) {
		chosen = TC_KIND_CLSACT;
		err = attach_clsact(attachment, programs);
	}
	if (err == -EEXIST)
		return log_fail(err,
				"start on %s: its ingress qdisc takes the place of the clsact "
				"qdisc that TC "
				"egress needs: remove it (tc qdisc del dev %s ingress)",
				name, name);
	if (err)
		return log_error(err, "start on %s: attach TC programs (%s)", name,
				 tc_kind_name(chosen));
	log_info("Attached TC programs to interface %s (%s)", name, tc_kind_name(chosen));
	return 0;
}

static void detach_xdp(struct attachment *attachment)
{
	const char *name = attachment->interface.name;
	int err;

	log_info("Detaching XDP program from interface %s...", name);
	err = bpf_link_detach(attachment->xdp_link);
	close(attachment->xdp_link); /* the last reference: it goes even if detaching failed */
	attachment->xdp_link = -1;
	if (err)
		log_error(err, "detach XDP program from interface %s", name);
	else
		log_info("XDP program detached from interface %s", name);
	log_info("XDP firewall resources cleaned up");
}

static void detach_tc_filter(struct attachment *attachment, enum tc_direction direction)
{
	const struct tc_filter filter = attachment->tc[direction];
	const char *name = attachment->interface.name;
	const char *direction_text = tc_direction_name(direction);
	int err;

	err = tc_detach(&attachment->interface, direction, &attachment->tc[direction]);
	if (err == -ENOENT)
		log_warning("%s: TC %s filter was removed by somebody else", name, direction_text);
	else if (err == -ESTALE)
		log_warning(
			"%s: TC %s filter was replaced by somebody else's, which was left alone",
			name, direction_text);
	else if (err)
		log_error(err, "remove TC %s filter from interface %s", direction_text, name);
	else if (filter.link_fd >= 0)
		log_info("Removed TC %s filter (link %u)", direction_text, filter.link_id);
	else
		log_info("Removed TC %s filter (handle %u)", direction_text, filter.handle);
}

/* A clsact of ours that somebody put filters on is his now. */
static void remove_clsact(struct attachment *attachment)
{
	int err;

	err = clsact_remove_empty(&attachment->interface);
	if (err == -EBUSY)
		log_info("%s: the clsact qdisc stays: it has filters of others",
			 attachment->interface.name);
	else if (err && err != -ENODEV)
		log_error(err, "remove clsact qdisc from interface %s", attachment->interface.name);
}

static void detach_tc(struct attachment *attachment)
{
	const char *name = attachment->interface.name;

	log_info("Detaching TC programs from interface %s...", name);
	for (enum tc_direction direction = 0; direction < TC_DIRECTIONS; direction++)
		if (tc_filter_attached(&attachment->tc[direction]))
			detach_tc_filter(attachment, direction);
	if (attachment->made_clsact)
		remove_clsact(attachment);
	log_info("TC firewall programs detached from interface %s", name);
	log_info("TC programs detached from interface %s", name);
	log_info("TC firewall manager resources cleaned up");
}

void detach_interface(struct attachment *attachment)
{
	if (!attachment)
		return;
	if (attachment->xdp_link >= 0)
		detach_xdp(attachment);
	if (tc_attached(attachment))
		detach_tc(attachment);
	free(attachment);
}

static void cleanup_attachment(struct attachment **attachment)
{
	detach_interface(*attachment);
}

int attach_interface(struct attachment **out, const struct programs *programs,
		     const char *interface, enum xdp_mode mode, enum tc_kind kind)
{
	/* Leaving this scope with it undoes what was attached. */
	_cleanup_(cleanup_attachment) struct attachment *attachment = malloc(sizeof(*attachment));
	int err;

	if (!attachment)
		return log_error(-ENOMEM, "start on %s", interface);
	*attachment = (struct attachment){
		.xdp_link = -1,
		.tc = {TC_FILTER_NONE, TC_FILTER_NONE},
	};
	err = find_interface(interface, &attachment->interface);
	if (err)
		return err;
	err = attach_xdp(attachment, programs, mode);
	if (err)
		return err;
	err = attach_tc(attachment, programs, kind);
	if (err)
		return err;
	*out = take(attachment);
	return 0;
}

const char *attachment_interface(const struct attachment *attachment)
{
	return attachment->interface.name;
}

bool attachment_gone(const struct attachment *attachment)
{
	char name[IF_NAMESIZE];

	return !if_indextoname(attachment->interface.index, name);
}
