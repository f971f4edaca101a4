/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What becomes of an attachment: where its interface is, what it is called, whether our programs
 * are the ones attached, and how those that are not come back.
 */
#include "attach_parts.h"

#include <bpf/bpf.h>
#include <errno.h>

#include "log.h"

static enum tc_direction direction_of(enum hook hook)
{
	return hook == HOOK_EGRESS ? TC_EGRESS : TC_INGRESS;
}

/* ifindex 0: the link holds nothing any more. struct tcx of the info begins as struct xdp does. */
static int ask_link(int link_fd, struct bpf_link_info *info)
{
	__u32 length = sizeof(*info);

	memset(info, 0, sizeof(*info));
	return bpf_obj_get_info_by_fd(link_fd, info, &length) ? -errno : 0;
}

/* What cannot be asked is taken for attached: letting go of it would make it so. */
static bool link_holds(int link_fd, uint32_t ifindex, int program_fd)
{
	struct bpf_link_info info;
	uint32_t id;

	if (link_fd < 0)
		return false;
	if (ask_link(link_fd, &info) || program_id(program_fd, &id))
		return true;
	return info.xdp.ifindex == ifindex && info.prog_id == id;
}

static bool link_is_dead(int link_fd)
{
	struct bpf_link_info info;

	return link_fd < 0 || (ask_link(link_fd, &info) == 0 && !info.xdp.ifindex);
}

static bool filter_is_there(const struct attachment *attachment, enum tc_direction direction)
{
	const struct tc_filter *filter = &attachment->tc[direction];
	struct tc_program attached[TC_PROGRAMS_MAX];
	int count = clsact_query(&attachment->interface, direction, attached);

	for (int i = 0; i < count; i++)
		if (attached[i].id == filter->program_id &&
		    attached[i].priority == filter->priority &&
		    attached[i].handle == filter->handle)
			return true;
	return count < 0 && count != -ENODEV; /* not to be told is not gone */
}

static bool is_attached(const struct attachment *attachment, const struct programs *programs,
			enum hook hook)
{
	const struct tc_filter *filter;

	if (hook == HOOK_XDP)
		return link_holds(attachment->xdp_link, attachment->interface.index,
				  attachment->xdp_fragments ? programs_fragments_fd(programs)
							    : programs_fd(programs, hook));
	filter = &attachment->tc[direction_of(hook)];
	if (filter->link_fd >= 0)
		return link_holds(filter->link_fd, attachment->interface.index,
				  programs_fd(programs, hook));
	return filter->priority && filter_is_there(attachment, direction_of(hook));
}

unsigned int attachment_missing(const struct attachment *attachment,
				const struct programs *programs)
{
	unsigned int missing = 0;

	for (enum hook hook = 0; hook < HOOK_COUNT; hook++)
		if (!is_attached(attachment, programs, hook))
			missing |= 1u << hook;
	return missing;
}

/* What holds nothing any more, or another program. */
static void drop(struct attachment *attachment, const struct link_pins *pins, enum hook hook)
{
	struct tc_filter *filter;

	if (link_pins_remove(pins, attachment->pins[hook]) == 0)
		attachment->pins[hook][0] = '\0';
	if (hook == HOOK_XDP) {
		cleanup_close(&attachment->xdp_link);
		attachment->xdp_link = -1;
		return;
	}
	filter = &attachment->tc[direction_of(hook)];
	cleanup_close(&filter->link_fd);
	*filter = (struct tc_filter)TC_FILTER_NONE;
}

/* Another program was put into our link: one step puts ours back. */
static bool put_back(struct attachment *attachment, const struct attach_options *options,
		     enum hook hook)
{
	const int link = hook == HOOK_XDP ? attachment->xdp_link
					  : attachment->tc[direction_of(hook)].link_fd;

	if (link_is_dead(link))
		return false;
	if (hook == HOOK_XDP)
		return xdp_update(link, options, &attachment->xdp_fragments) == 0;
	return bpf_link_update(link, programs_fd(options->programs, hook), NULL) == 0;
}

int attachment_repair(struct attachment *attachment, const struct attach_options *options,
		      unsigned int missing)
{
	struct attach_options how = *options;
	int err = 0;

	how.tc_kind = attachment->tc_kind;
	for (enum hook hook = 0; hook < HOOK_COUNT; hook++) {
		int failed;

		if (!(missing & 1u << hook) || put_back(attachment, options, hook))
			continue;
		drop(attachment, options->pins, hook);
		failed = attach_hook(attachment, &how, hook);
		err = err ? err : failed;
	}
	attach_commit(attachment, options);
	return err;
}

bool attachment_repin(struct attachment *attachment, const struct link_pins *pins)
{
	bool missing = false;

	for (enum hook hook = 0; hook < HOOK_COUNT; hook++) {
		const int link = hook == HOOK_XDP ? attachment->xdp_link
						  : attachment->tc[direction_of(hook)].link_fd;
		char *name = attachment->pins[hook];

		if (link < 0 || !*name || link_pins_has(pins, name))
			continue;
		missing = true;
		link_pins_add(pins, link, attachment->interface.name, hook, name);
	}
	return missing;
}

void attachment_forget(struct attachment *attachment, const struct link_pins *pins)
{
	for (enum hook hook = 0; hook < HOOK_COUNT; hook++)
		drop(attachment, pins, hook);
	free(attachment);
}

const char *attachment_interface(const struct attachment *attachment)
{
	return attachment->interface.name;
}

uint32_t attachment_ifindex(const struct attachment *attachment)
{
	return attachment->interface.index;
}

bool attachment_renamed(struct attachment *attachment, char before[static IF_NAMESIZE])
{
	struct interface *interface = &attachment->interface;
	char name[IF_NAMESIZE] = "";

	if (!if_indextoname(interface->index, name) || strcmp(name, interface->name) == 0)
		return false;
	memcpy(before, interface->name, IF_NAMESIZE);
	memcpy(interface->name, name, IF_NAMESIZE);
	return true;
}

/* 1: the program is among those of that hook of the interface with this number, here; 0: it is not,
 * or negative errno. */
static int holds_here(const struct attachment *attachment, enum hook hook)
{
	const struct interface *interface = &attachment->interface;
	const struct tc_filter *filter = &attachment->tc[direction_of(hook)];
	const int link = hook == HOOK_XDP ? attachment->xdp_link : filter->link_fd;
	struct tc_program attached[TC_PROGRAMS_MAX] = {};
	struct bpf_link_info info;
	enum xdp_mode mode;
	int count = 1;
	int err;

	if (hook != HOOK_XDP && filter->priority)
		return filter_is_there(attachment, direction_of(hook));
	if (link < 0)
		return 0;
	err = ask_link(link, &info);
	if (err || !info.xdp.ifindex)
		return err;
	if (hook == HOOK_XDP)
		err = xdp_query(interface, &attached[0].id, &mode);
	else
		count = tcx_query(interface, direction_of(hook), attached);
	if (err)
		return err;
	for (int i = 0; i < count; i++)
		if (attached[i].id == info.prog_id)
			return 1;
	return count < 0 ? count : 0;
}

static bool is_alive(const struct attachment *attachment)
{
	bool alive = !link_is_dead(attachment->xdp_link);

	for (enum tc_direction direction = 0; direction < TC_DIRECTIONS; direction++)
		alive |= !link_is_dead(attachment->tc[direction].link_fd);
	return alive;
}

enum place attachment_place(const struct attachment *attachment)
{
	char name[IF_NAMESIZE];
	int here;

	if (!if_indextoname(attachment->interface.index, name)) {
		if (errno != ENXIO && errno != ENODEV)
			return PLACE_UNKNOWN;
		return is_alive(attachment) ? PLACE_ELSEWHERE : PLACE_NONE;
	}
	/* Another interface may have got the number since. */
	for (enum hook hook = 0; hook < HOOK_COUNT; hook++) {
		here = holds_here(attachment, hook);
		if (here)
			return here < 0 ? PLACE_UNKNOWN : PLACE_HERE;
	}
	if (is_alive(attachment))
		return PLACE_ELSEWHERE;
	/* Everything was taken off it, or it was made anew with the same number. */
	return strcmp(name, attachment->interface.name) == 0 ? PLACE_HERE : PLACE_NONE;
}
