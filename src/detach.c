/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The way back from attach_interface(): programs off the interface, or, while a start can still
 * fail, the ones that were there before in their old places.
 */
#include "attach_parts.h"

#include <bpf/bpf.h>
#include <errno.h>
#include <string.h>

#include "log.h"

bool attachment_has_tc(const struct attachment *attachment)
{
	bool attached = attachment->made_clsact;

	for (enum tc_direction direction = 0; direction < TC_DIRECTIONS; direction++)
		attached |= tc_filter_attached(&attachment->tc[direction]);
	return attached;
}

/* -- Giving back -- */

static void say_given_back(const struct attachment *attachment, enum hook hook, int err)
{
	/* The new one filters by the same rules, so it may as well stay there. */
	if (err)
		log_warning("%s: the %s program of before could not be put back (%s): the new one "
			    "stays and filters",
			    attachment->interface.name, hook_name(hook), strerror(-err));
	else
		log_info("%s: the %s program of before filters again", attachment->interface.name,
			 hook_name(hook));
}

/* True: the link was taken over and is now left to the old program, and pinned as it was. */
static bool give_back_link(struct attachment *attachment, struct link_pins *pins, enum hook hook,
			   int *link)
{
	int old, err;

	if (!attachment->replaced[hook])
		return false;
	old = link_pins_program(pins, attachment->replaced[hook]);
	err = old < 0 ? old : bpf_link_update(*link, old, NULL);
	say_given_back(attachment, hook, err);
	cleanup_close(link);
	*link = -1;
	return true;
}

static void give_back_filter(struct attachment *attachment, struct link_pins *pins,
			     enum tc_direction direction)
{
	const enum hook hook = tc_hooks[direction];
	struct tc_filter *filter = &attachment->tc[direction];
	int old, err;

	if (!attachment->replaced[hook])
		return;
	old = link_pins_program(pins, attachment->replaced[hook]);
	err = old < 0 ? old : clsact_replace(old, &attachment->interface, direction, filter);
	if (err)
		link_pins_hold_program(pins, filter->program_id);
	say_given_back(attachment, hook, err);
	*filter = (struct tc_filter)TC_FILTER_NONE;
}

/* -- Detaching -- */

static void detach_xdp(struct attachment *attachment, struct link_pins *pins)
{
	const char *name = attachment->interface.name;
	int err;

	if (give_back_link(attachment, pins, HOOK_XDP, &attachment->xdp_link))
		return;
	log_info("Detaching XDP program from interface %s...", name);
	err = bpf_link_detach(attachment->xdp_link);
	link_pins_remove(pins, attachment->pins[HOOK_XDP]);
	close(attachment->xdp_link); /* the last reference: it goes even if detaching failed */
	attachment->xdp_link = -1;
	if (err)
		log_error(err, "detach XDP program from interface %s", name);
	else
		log_info("XDP program detached from interface %s", name);
	log_info("XDP firewall resources cleaned up");
}

static void detach_tc_filter(struct attachment *attachment, struct link_pins *pins,
			     enum tc_direction direction)
{
	const struct tc_filter filter = attachment->tc[direction];
	const char *name = attachment->interface.name;
	const char *direction_text = tc_direction_name(direction);
	int err;

	err = tc_detach(&attachment->interface, direction, &attachment->tc[direction]);
	link_pins_remove(pins, attachment->pins[tc_hooks[direction]]);
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

/* What is left to detach, once what was taken over is given back. */
static bool give_back_tc(struct attachment *attachment, struct link_pins *pins)
{
	for (enum tc_direction direction = 0; direction < TC_DIRECTIONS; direction++) {
		struct tc_filter *filter = &attachment->tc[direction];

		if (filter->link_fd >= 0)
			give_back_link(attachment, pins, tc_hooks[direction], &filter->link_fd);
		else if (filter->priority)
			give_back_filter(attachment, pins, direction);
	}
	return attachment_has_tc(attachment);
}

static void detach_tc(struct attachment *attachment, struct link_pins *pins)
{
	const char *name = attachment->interface.name;

	if (!give_back_tc(attachment, pins))
		return;
	log_info("Detaching TC programs from interface %s...", name);
	for (enum tc_direction direction = 0; direction < TC_DIRECTIONS; direction++)
		if (tc_filter_attached(&attachment->tc[direction]))
			detach_tc_filter(attachment, pins, direction);
	if (attachment->made_clsact)
		remove_clsact(attachment);
	log_info("TC firewall programs detached from interface %s", name);
	log_info("TC programs detached from interface %s", name);
	log_info("TC firewall manager resources cleaned up");
}

void detach_interface(struct attachment *attachment, struct link_pins *pins)
{
	if (!attachment)
		return;
	if (attachment->xdp_link >= 0)
		detach_xdp(attachment, pins);
	if (attachment_has_tc(attachment))
		detach_tc(attachment, pins);
	free(attachment);
}

void leave_interface(struct attachment *attachment)
{
	if (!attachment)
		return;
	cleanup_close(&attachment->xdp_link);
	for (enum tc_direction direction = 0; direction < TC_DIRECTIONS; direction++)
		cleanup_close(&attachment->tc[direction].link_fd);
	free(attachment);
}
