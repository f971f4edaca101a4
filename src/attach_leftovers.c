/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What is attached and has no server: clsact filters of one that was killed, and kept links that a
 * new start does not take over, or that are to end.
 */
#include "attach_parts.h"

#include <bpf/bpf.h>
#include <errno.h>

#include "log.h"

/* -- Filters -- */

/* Removes the filters of this store's programs at one direction, except `keep`. Returns how many.
 */
static int remove_filters(const struct interface *interface, enum tc_direction direction,
			  const struct owner *owner, uint32_t keep)
{
	struct tc_program programs[TC_PROGRAMS_MAX];
	struct tc_filter filter;
	bool unknown = false;
	int removed = 0;
	int count, ours, err;

	count = clsact_query(interface, direction, programs);
	for (int i = 0; i < count; i++) {
		if (programs[i].id == keep)
			continue;
		ours = program_is_ours(programs[i].id, owner);
		unknown |= ours == -EPERM;
		if (ours < 0 && ours != -EPERM)
			return ours;
		if (ours <= 0)
			continue;
		filter = (struct tc_filter){
			.link_fd = -1,
			.priority = programs[i].priority,
			.handle = programs[i].handle,
			.program_id = programs[i].id,
		};
		err = tc_detach(interface, direction, &filter);
		if (err == -ENOENT || err == -ESTALE)
			continue; /* somebody was faster */
		if (err)
			return err;
		log_info("Removed leftover TC %s filter from interface %s (handle %u)",
			 tc_direction_name(direction), interface->name, programs[i].handle);
		removed++;
	}
	if (count < 0)
		return count;
	return unknown ? -EPERM : removed;
}

static int kept_programs(const struct programs *keep, uint32_t ids[static TC_DIRECTIONS])
{
	int err;

	ids[TC_INGRESS] = ids[TC_EGRESS] = 0;
	if (!keep)
		return 0;
	err = program_id(programs_fd(keep, HOOK_INGRESS), &ids[TC_INGRESS]);
	if (err)
		return err;
	return program_id(programs_fd(keep, HOOK_EGRESS), &ids[TC_EGRESS]);
}

int attach_remove_leftovers(uint64_t store_id, const struct link_pins *pins,
			    const struct programs *keep)
{
	const struct owner owner = {.store_id = store_id, .pins = pins};
	_cleanup_interfaces_ struct if_nameindex *list = if_nameindex();
	uint32_t keep_ids[TC_DIRECTIONS];
	const char *unknown = NULL;
	struct interface interface;
	int removed = 0;
	int err;

	if (!list)
		return log_error(-errno, "list interfaces");
	err = kept_programs(keep, keep_ids);
	if (err)
		return log_error(err, "look for leftover TC filters");

	for (const struct if_nameindex *i = list; i->if_index; i++) {
		interface = interface_of(i);
		for (enum tc_direction d = 0; d < TC_DIRECTIONS; d++) {
			err = remove_filters(&interface, d, &owner, keep_ids[d]);
			/* Somebody's, perhaps: those that are surely ours are removed. */
			if (err == -EPERM)
				unknown = i->if_name;
			else if (err < 0)
				return fail_to_ask_owner(err, i->if_name);
			else
				removed += err;
		}
	}
	return unknown ? fail_to_ask_owner(-EPERM, unknown) : removed;
}

/* -- Links -- */

/* "interface eth0", also when it is not of this network namespace any more. */
static void describe_place(const struct pinned_link *link, char text[static 64])
{
	char name[IF_NAMESIZE];

	if (if_indextoname(link->ifindex, name))
		snprintf(text, 64, "interface %s", name);
	else
		snprintf(text, 64, "an interface that is not in this network namespace");
}

static int remove_link(const struct link_pins *pins, struct pinned_link *link, const char *why)
{
	char place[64];
	int err;

	err = link_pins_remove(pins, link->name);
	if (err)
		return err;
	if (!link->ifindex) {
		log_info("Removed the pin %s: its interface is gone", link->name);
		return 0;
	}
	describe_place(link, place);
	err = bpf_link_detach(link->fd);
	cleanup_close(&link->fd); /* the last reference: it goes even if detaching failed */
	link->fd = -1;
	if (err)
		return log_error(err, "detach the %s program from %s", hook_name(link->hook),
				 place);
	log_info("Detached the %s program from %s%s", hook_name(link->hook), place, why);
	return 1;
}

int attach_remove_links(const struct link_pins *pins, const char *why)
{
	struct pinned_link *link = NULL;
	int removed = 0;
	int err;

	while ((link = link_pins_next(pins, link)) != NULL) {
		err = remove_link(pins, link, why);
		if (err < 0)
			return err;
		removed += err;
	}
	return removed;
}

/* -- Everything -- */

int attach_remove_all(const char *pin_path, const struct store_lock *lock)
{
	_cleanup_link_pins_ struct link_pins *pins = NULL;
	int links, filters, err;

	err = link_pins_open(&pins, pin_path);
	if (err)
		return err;
	links = attach_remove_links(pins, "");
	if (links < 0)
		return links;
	filters = attach_remove_leftovers(lock->id, pins, NULL);
	if (filters < 0)
		return filters;
	err = link_pins_remove_programs(pins, NULL);
	return err ? err : links + filters;
}
