/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What is attached where, asked of the kernel: the truth for `status`, for refusing a cleanup, and
 * for finding what a killed server left.
 */
#include "attach_parts.h"

#include <errno.h>
#include <string.h>

#include "log.h"

/* 1: the program works on that store, 0: it does not or is gone, or negative
 * errno. */
static int is_ours(uint32_t program, const struct store *store)
{
	struct program_owner owner;
	int err;

	err = program_owner(program, &owner);
	if (err)
		return err == -ENOENT ? 0 : err;
	return owner.store_id == store_id(store);
}

/* The first program of ours among `count`, by position, -ENOENT, or another negative errno. */
static int find_ours(const struct tc_program *programs, int count, const struct store *store)
{
	int ours;

	for (int i = 0; i < count; i++) {
		ours = is_ours(programs[i].id, store);
		if (ours < 0)
			return ours;
		if (ours)
			return i;
	}
	return -ENOENT;
}

static int xdp_status(const struct interface *interface, const struct store *store,
		      struct attach_status *status)
{
	enum xdp_mode mode;
	uint32_t id = 0;
	int ours, err;

	err = xdp_query(interface, &id, &mode);
	if (err || !id)
		return err;
	ours = is_ours(id, store);
	if (ours < 0)
		return ours;
	if (!ours) {
		status->foreign_xdp_program_id = id;
		return 0;
	}
	status->xdp_program_id = id;
	status->xdp_mode = xdp_mode_name(mode);
	return 0;
}

static int tc_status(const struct interface *interface, enum tc_direction direction,
		     const struct store *store, struct attach_status *status)
{
	static const struct {
		int (*query)(const struct interface *interface, enum tc_direction direction,
			     struct tc_program out[static TC_PROGRAMS_MAX]);
		enum tc_kind kind;
	} kinds[] = {{tcx_query, TC_KIND_TCX}, {clsact_query, TC_KIND_CLSACT}};
	uint32_t *id = direction == TC_INGRESS ? &status->tc_ingress_program_id
					       : &status->tc_egress_program_id;
	struct tc_program programs[TC_PROGRAMS_MAX];
	int count, ours;

	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
		count = kinds[i].query(interface, direction, programs);
		if (count < 0)
			return count;
		ours = find_ours(programs, count, store);
		if (ours >= 0) {
			*id = programs[ours].id;
			status->tc_kind = tc_kind_name(kinds[i].kind);
			return 0;
		}
		if (ours != -ENOENT)
			return ours;
	}
	return 0;
}

static int interface_status(const struct interface *interface, const struct store *store,
			    struct attach_status *status)
{
	int err;

	*status = (struct attach_status){.ifindex = interface->index};
	memcpy(status->interface, interface->name, sizeof(status->interface));
	err = xdp_status(interface, store, status);
	for (enum tc_direction direction = 0; !err && direction < TC_DIRECTIONS; direction++)
		err = tc_status(interface, direction, store, status);
	/* It went while we asked. */
	return err == -ENODEV ? 0 : err;
}

static bool anything_ours(const struct attach_status *status)
{
	return status->xdp_program_id || status->tc_ingress_program_id ||
	       status->tc_egress_program_id;
}

static struct interface interface_of(const struct if_nameindex *entry)
{
	struct interface interface = {.index = entry->if_index};

	strncpy(interface.name, entry->if_name, sizeof(interface.name) - 1);
	return interface;
}

static size_t count_interfaces(const struct if_nameindex *list)
{
	size_t count = 0;

	while (list[count].if_index)
		count++;
	return count;
}

/* Attaching needs less privilege than telling whose a program is. */
static int fail_to_ask(int err, const char *interface)
{
	if (err == -EPERM)
		return log_fail(err,
				"cannot tell whose programs interface %s has: needs CAP_SYS_ADMIN",
				interface);
	return log_error(err, "ask whose programs interface %s has", interface);
}

int attach_status(const struct store *store, struct attach_status **out)
{
	_cleanup_interfaces_ struct if_nameindex *list = if_nameindex();
	_cleanup_free_ struct attach_status *all = NULL;
	struct interface interface;
	int found = 0;
	int err;

	if (!list)
		return log_error(-errno, "list interfaces");
	all = calloc(count_interfaces(list) + 1, sizeof(*all));
	if (!all)
		return log_error(-ENOMEM, "list interfaces");

	for (const struct if_nameindex *i = list; i->if_index; i++) {
		interface = interface_of(i);
		err = interface_status(&interface, store, &all[found]);
		if (err)
			return fail_to_ask(err, i->if_name);
		if (anything_ours(&all[found]))
			found++;
	}
	*out = take(all);
	return found;
}

/* Removes the filters of this store's programs at one direction, except `keep`. Returns how many.
 */
static int remove_filters(const struct interface *interface, enum tc_direction direction,
			  const struct store *store, uint32_t keep)
{
	struct tc_program programs[TC_PROGRAMS_MAX];
	struct tc_filter filter;
	int removed = 0;
	int count, ours, err;

	count = clsact_query(interface, direction, programs);
	for (int i = 0; i < count; i++) {
		if (programs[i].id == keep)
			continue;
		ours = is_ours(programs[i].id, store);
		if (ours < 0)
			return ours;
		if (!ours)
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
	return count < 0 ? count : removed;
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

int attach_remove_leftovers(const struct store *store, const struct programs *keep)
{
	_cleanup_interfaces_ struct if_nameindex *list = if_nameindex();
	uint32_t keep_ids[TC_DIRECTIONS];
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
			err = remove_filters(&interface, d, store, keep_ids[d]);
			if (err < 0)
				return fail_to_ask(err, i->if_name);
			removed += err;
		}
	}
	return removed;
}
