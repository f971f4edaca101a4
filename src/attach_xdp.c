/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * XDP on one interface, by bpf_link: the link chooses native or generic mode, nobody else can
 * replace it, and the kernel takes the program off when its owner dies, however that happens.
 */
#include "attach_parts.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <linux/if_link.h>
#include <string.h>

#include "log.h"

const char *xdp_mode_name(enum xdp_mode mode)
{
	static const char *const names[] = {
		[XDP_MODE_AUTO] = "auto",
		[XDP_MODE_NATIVE] = "native",
		[XDP_MODE_GENERIC] = "generic",
	};

	return names[mode];
}

int xdp_query(const struct interface *interface, uint32_t *id, enum xdp_mode *mode)
{
	LIBBPF_OPTS(bpf_xdp_query_opts, options);
	int err;

	err = bpf_xdp_query((int)interface->index, 0, &options);
	if (err)
		return err;
	*id = options.drv_prog_id ? options.drv_prog_id : options.skb_prog_id;
	if (!*id)
		*id = options.hw_prog_id;
	*mode = options.skb_prog_id ? XDP_MODE_GENERIC : XDP_MODE_NATIVE;
	return 0;
}

/* Says which program is in the way. Its name and owner need more privilege than attaching does. */
static int fail_occupied(const struct interface *interface)
{
	struct program_owner owner = {};
	enum xdp_mode mode;
	uint32_t id = 0;
	int err;

	err = xdp_query(interface, &id, &mode);
	if (err || !id)
		return log_fail(-EBUSY, "start on %s: another XDP program is attached",
				interface->name);
	err = program_owner(id, &owner);
	if (!err && owner.store_id)
		return log_fail(-EBUSY,
				"start on %s: another bgo server, pid %u, filters this interface: "
				"stop it first",
				interface->name, owner.server_pid);
	return log_fail(-EBUSY,
			"start on %s: XDP program %u%s%s%s is attached (%s); it was left alone: "
			"detach it or choose another interface",
			interface->name, id, owner.name[0] ? " (" : "", owner.name,
			owner.name[0] ? ")" : "", xdp_mode_name(mode));
}

static int fail_mode(int err, const struct interface *interface, enum xdp_mode mode)
{
	if (err == -ERANGE)
		return log_fail(err,
				"start on %s: its MTU is too large for %s XDP: lower it (ip link "
				"set dev %s mtu 1500) or use --mode generic",
				interface->name, xdp_mode_name(mode), interface->name);
	if (err == -EOPNOTSUPP)
		return log_fail(err, "start on %s: its driver has no %s XDP: use --mode %s",
				interface->name, xdp_mode_name(mode),
				mode == XDP_MODE_NATIVE ? "generic" : "native");
	return log_error(err, "start on %s: attach XDP program in %s mode", interface->name,
			 xdp_mode_name(mode));
}

static int attach_mode(int program_fd, const struct interface *interface, enum xdp_mode mode)
{
	LIBBPF_OPTS(bpf_link_create_opts, options,
		    .flags = mode == XDP_MODE_NATIVE ? XDP_FLAGS_DRV_MODE : XDP_FLAGS_SKB_MODE);

	return bpf_link_create(program_fd, (int)interface->index, BPF_XDP, &options);
}

/* The driver wants frames in one buffer, which they do not fit into: what it says then differs. */
static bool wants_fragments(int err)
{
	return err < 0 && err != -EBUSY && err != -EEXIST && err != -EOPNOTSUPP && err != -ENODEV &&
	       err != -ENOMEM && err != -EPERM;
}

/* Loads and records the program for fragments. Negative errno, logged. */
static int prepare_fragments(const struct attach_options *options)
{
	int err = programs_load_fragments(options->programs);

	return err ? err : link_pins_add_programs(options->pins, options->programs);
}

static int attach_native(const struct attach_options *options, const struct interface *interface,
			 struct xdp_way *way)
{
	int link, with_fragments;

	link = attach_mode(programs_fd(options->programs, HOOK_XDP), interface, XDP_MODE_NATIVE);
	if (!wants_fragments(link) || prepare_fragments(options))
		return link;
	with_fragments =
		attach_mode(programs_fragments_fd(options->programs), interface, XDP_MODE_NATIVE);
	if (with_fragments < 0)
		return link; /* the reason of the usual program is the one to tell */
	way->fragments = true;
	return with_fragments;
}

int xdp_attach(const struct attach_options *options, const struct interface *interface,
	       struct xdp_way *got)
{
	const enum xdp_mode mode = options->mode;
	struct xdp_way way = {.mode = mode == XDP_MODE_AUTO ? XDP_MODE_NATIVE : mode};
	const int plain = programs_fd(options->programs, HOOK_XDP);
	int link;

	link = way.mode == XDP_MODE_NATIVE ? attach_native(options, interface, &way)
					   : attach_mode(plain, interface, way.mode);
	/* EEXIST: there is a program of the other mode. */
	if (link == -EBUSY || link == -EEXIST)
		return fail_occupied(interface);
	if (link < 0 && mode == XDP_MODE_AUTO) {
		log_warning(
			"%s: native XDP is not possible (%s): using generic XDP, which is slower",
			interface->name,
			link == -ERANGE ? "the MTU is too large" : strerror(-link));
		way.mode = XDP_MODE_GENERIC;
		link = attach_mode(plain, interface, way.mode);
	}
	if (link < 0)
		return fail_mode(link, interface, way.mode);
	*got = way;
	return link;
}

int xdp_update(int link, const struct attach_options *options, bool *fragments)
{
	int err, with_fragments;

	err = bpf_link_update(link, programs_fd(options->programs, HOOK_XDP), NULL);
	*fragments = false;
	if (!wants_fragments(err) || err == -ENOLINK || prepare_fragments(options))
		return err;
	with_fragments = bpf_link_update(link, programs_fragments_fd(options->programs), NULL);
	*fragments = !with_fragments;
	return with_fragments ? err : 0;
}
