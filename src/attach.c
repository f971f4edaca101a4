/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * All three programs onto one interface or none, in place of those that are there already: what the
 * server does at start. The way back is in detach.c, the mechanics of each hook are in attach_xdp.c
 * and attach_tc.c.
 */
#include "attach_parts.h"

#include <bpf/bpf.h>
#include <errno.h>
#include <string.h>

#include "log.h"

/* -- XDP -- */

/*
 * The pinned link whose program is the one attached there now, so that it is of this interface and
 * not of one with the same number in another network namespace.
 */
static struct pinned_link *find_link(const struct attach_options *options,
				     const struct interface *interface, enum hook hook,
				     const struct tc_program *attached, int count)
{
	struct pinned_link *link = NULL;

	while ((link = link_pins_next(options->pins, link)) != NULL) {
		if (link->ifindex != interface->index || link->hook != hook)
			continue;
		for (int i = 0; i < count; i++)
			if (attached[i].id == link->program_id)
				return link;
	}
	return NULL;
}

/* Puts the new program into the link; *fd is then the link. */
static int take_over(struct attachment *attachment, const struct attach_options *options,
		     struct pinned_link *link, int *fd)
{
	int err;

	err = link->hook == HOOK_XDP
		      ? xdp_update(link->fd, options, &attachment->xdp_fragments)
		      : bpf_link_update(link->fd, programs_fd(options->programs, link->hook), NULL);
	if (err)
		return log_error(err, "start on %s: replace the %s program that filters it",
				 attachment->interface.name, hook_name(link->hook));
	*fd = take_fd(link->fd);
	attachment->replaced[link->hook] = link->program_id;
	strcpy(attachment->pins[link->hook], link->name);
	return 0;
}

static int pin_link(struct attachment *attachment, const struct attach_options *options,
		    enum hook hook, int fd)
{
	if (!options->keep)
		return 0;
	return link_pins_add(options->pins, fd, attachment->interface.name, hook,
			     attachment->pins[hook]);
}

static int fail_other_mode(const struct interface *interface, enum xdp_mode asked,
			   enum xdp_mode kept)
{
	return log_fail(-EEXIST,
			"start on %s: it is filtered in %s mode, and --mode %s cannot take that "
			"over without a gap: use --mode %s, or end the filtering first with `bgo "
			"firewall-server detach`",
			interface->name, xdp_mode_name(kept), xdp_mode_name(asked),
			xdp_mode_name(kept));
}

static const char *fragments_text(const struct attachment *attachment)
{
	return attachment->xdp_fragments ? ", frames in fragments" : "";
}

/* Frames can be put out directly where the driver takes them, which those with XDP do. */
static int allow_forward(const struct attachment *attachment, const struct attach_options *options,
			 enum xdp_mode mode)
{
	if (mode != XDP_MODE_NATIVE)
		return 0;
	return programs_forward_by(options->programs, attachment->interface.index);
}

/* 1: the program that a server left there was replaced, 0: there is none, or negative errno. */
static int take_over_xdp(struct attachment *attachment, const struct attach_options *options)
{
	const struct interface *interface = &attachment->interface;
	struct tc_program attached = {};
	struct pinned_link *link;
	enum xdp_mode mode;
	int err;

	err = xdp_query(interface, &attached.id, &mode);
	if (err)
		return log_error(err, "start on %s: ask for its XDP program", interface->name);
	link = attached.id ? find_link(options, interface, HOOK_XDP, &attached, 1) : NULL;
	if (!link)
		return 0;
	if (options->mode != XDP_MODE_AUTO && options->mode != mode)
		return fail_other_mode(interface, options->mode, mode);
	err = take_over(attachment, options, link, &attachment->xdp_link);
	if (err)
		return err;
	log_info("Took over the XDP program of interface %s (%s mode%s)", interface->name,
		 xdp_mode_name(mode), fragments_text(attachment));
	err = allow_forward(attachment, options, mode);
	return err ? err : 1;
}

static int attach_xdp(struct attachment *attachment, const struct attach_options *options)
{
	const struct interface *interface = &attachment->interface;
	struct xdp_way got;
	int err, link;

	err = take_over_xdp(attachment, options);
	if (err)
		return err < 0 ? err : 0;
	link = xdp_attach(options, interface, &got);
	if (link < 0)
		return link; /* logged there */
	attachment->xdp_link = link;
	attachment->xdp_fragments = got.fragments;
	err = pin_link(attachment, options, HOOK_XDP, link);
	if (err)
		return err;
	log_info("Attached XDP program to interface %s (%s mode%s)", interface->name,
		 xdp_mode_name(got.mode), fragments_text(attachment));
	return allow_forward(attachment, options, got.mode);
}

/* -- TC -- */

/* 1: the program in our link was replaced, 0: there is none, or negative errno, logged. */
static int take_over_tcx(struct attachment *attachment, const struct attach_options *options,
			 enum tc_direction direction)
{
	struct tc_filter *filter = &attachment->tc[direction];
	struct tc_program attached[TC_PROGRAMS_MAX];
	struct pinned_link *link;
	int count, err;

	count = tcx_query(&attachment->interface, direction, attached);
	if (count < 0)
		return log_error(count, "start on %s: ask for its TC programs",
				 attachment->interface.name);
	link = find_link(options, &attachment->interface, tc_hooks[direction], attached, count);
	if (!link)
		return 0;
	filter->link_id = link->link_id;
	err = take_over(attachment, options, link, &filter->link_fd);
	return err ? err : 1;
}

/* 1: the program in our filter was replaced, 0: there is none, or negative errno, logged. */
static int take_over_clsact(struct attachment *attachment, const struct attach_options *options,
			    enum tc_direction direction)
{
	const enum hook hook = tc_hooks[direction];
	struct tc_filter *filter = &attachment->tc[direction];
	struct tc_program attached[TC_PROGRAMS_MAX];
	int count, err;

	count = clsact_query(&attachment->interface, direction, attached);
	if (count < 0)
		return log_error(count, "start on %s: ask for its TC filters",
				 attachment->interface.name);
	for (int i = 0; i < count; i++) {
		struct tc_filter found = {.link_fd = -1,
					  .priority = attached[i].priority,
					  .handle = attached[i].handle};

		if (link_pins_program(options->pins, attached[i].id) < 0)
			continue;
		err = clsact_replace(programs_fd(options->programs, hook), &attachment->interface,
				     direction, &found);
		if (err)
			return log_error(err,
					 "start on %s: replace the TC %s filter that filters it",
					 attachment->interface.name, tc_direction_name(direction));
		*filter = found;
		attachment->replaced[hook] = attached[i].id;
		return 1;
	}
	return 0;
}

/* Both of these return negative errno when it cannot be attached; *logged tells whether it is. */
static int attach_tcx(struct attachment *attachment, const struct attach_options *options,
		      enum tc_direction direction, bool *logged)
{
	const enum hook hook = tc_hooks[direction];
	struct tc_filter *filter = &attachment->tc[direction];
	int err;

	err = take_over_tcx(attachment, options, direction);
	*logged = err < 0;
	if (err)
		return err < 0 ? err : 0;
	err = tcx_attach(programs_fd(options->programs, hook), &attachment->interface, direction,
			 filter);
	if (err)
		return err;
	err = pin_link(attachment, options, hook, filter->link_fd);
	*logged = err < 0;
	return err;
}

static int attach_clsact(struct attachment *attachment, const struct attach_options *options,
			 enum tc_direction direction, bool *logged)
{
	int err;

	err = clsact_create(&attachment->interface);
	if (err < 0)
		return err;
	attachment->made_clsact |= err == 1;
	err = take_over_clsact(attachment, options, direction);
	*logged = err < 0;
	if (err)
		return err < 0 ? err : 0;
	return clsact_attach(programs_fd(options->programs, tc_hooks[direction]),
			     &attachment->interface, direction, &attachment->tc[direction]);
}

static bool tc_taken_over(const struct attachment *attachment)
{
	return attachment->replaced[HOOK_INGRESS] || attachment->replaced[HOOK_EGRESS];
}

static int fail_tc(const struct attachment *attachment, int err, enum tc_kind kind)
{
	const char *name = attachment->interface.name;

	if (err == -EEXIST)
		return log_fail(err,
				"start on %s: its ingress qdisc takes the place of the clsact "
				"qdisc that TC egress needs: remove it (tc qdisc del dev %s "
				"ingress)",
				name, name);
	return log_error(err, "start on %s: attach TC programs (%s)", name, tc_kind_name(kind));
}

static int attach_direction(struct attachment *attachment, const struct attach_options *options,
			    enum tc_direction direction)
{
	const enum tc_kind kind = options->tc_kind;
	bool logged = false;
	int err = -EINVAL;

	attachment->tc_kind = kind == TC_KIND_CLSACT ? kind : TC_KIND_TCX;
	if (kind != TC_KIND_CLSACT)
		err = attach_tcx(attachment, options, direction, &logged);
	/* The kernel does not know the attach type: it is older than TCX. */
	if (kind == TC_KIND_CLSACT || (kind == TC_KIND_AUTO && err == -EINVAL && !logged)) {
		attachment->tc_kind = TC_KIND_CLSACT;
		err = attach_clsact(attachment, options, direction, &logged);
	}
	return err && !logged ? fail_tc(attachment, err, attachment->tc_kind) : err;
}

int attach_hook(struct attachment *attachment, const struct attach_options *options, enum hook hook)
{
	if (hook == HOOK_XDP)
		return attach_xdp(attachment, options);
	return attach_direction(attachment, options, hook == HOOK_INGRESS ? TC_INGRESS : TC_EGRESS);
}

static int attach_tc(struct attachment *attachment, const struct attach_options *options)
{
	int err = 0;

	for (enum tc_direction direction = 0; !err && direction < TC_DIRECTIONS; direction++)
		err = attach_direction(attachment, options, direction);
	if (err)
		return err;
	log_info("%s interface %s (%s)",
		 tc_taken_over(attachment) ? "Took over the TC programs of"
					   : "Attached TC programs to",
		 attachment->interface.name, tc_kind_name(attachment->tc_kind));
	return 0;
}

/* -- The interface -- */

/* What is in the course of being attached, and what undoes it. */
struct attempt {
	struct attachment *attachment;
	struct link_pins *pins;
};

static void cleanup_attempt(struct attempt *attempt)
{
	detach_interface(attempt->attachment, attempt->pins);
}

int attach_interface(struct attachment **out, const struct attach_options *options,
		     const char *interface)
{
	/* Leaving this scope with it undoes what was attached. */
	_cleanup_(cleanup_attempt) struct attempt attempt = {
		.attachment = malloc(sizeof(struct attachment)),
		.pins = options->pins,
	};
	struct attachment *attachment = attempt.attachment;
	int err;

	if (!attachment)
		return log_error(-ENOMEM, "start on %s", interface);
	*attachment = (struct attachment){
		.xdp_link = -1,
		.tc = {TC_FILTER_NONE, TC_FILTER_NONE},
	};
	err = find_interface(interface, &attachment->interface);
	if (!err)
		err = attach_xdp(attachment, options);
	if (!err)
		err = attach_tc(attachment, options);
	if (err)
		return err;
	*out = take(attempt.attachment);
	return 0;
}

void attach_commit(struct attachment *attachment, const struct attach_options *options)
{
	memset(attachment->replaced, 0, sizeof(attachment->replaced));
	for (enum hook hook = 0; !options->keep && hook < HOOK_COUNT; hook++)
		if (link_pins_remove(options->pins, attachment->pins[hook]) == 0)
			attachment->pins[hook][0] = '\0';
}
