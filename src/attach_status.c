/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What is attached where, asked of the kernel: the truth for `status`.
 */
#include "attach_parts.h"

#include <errno.h>
#include <string.h>

#include "log.h"

/* The first program of ours among `count`, by position, -ENOENT, or another negative errno. */
static int find_ours(const struct tc_program *programs, int count, const struct owner *owner)
{
	int ours;

	for (int i = 0; i < count; i++) {
		ours = program_is_ours(programs[i].id, owner);
		if (ours < 0)
			return ours;
		if (ours)
			return i;
	}
	return -ENOENT;
}

static bool is_kept(const struct interface *interface, uint32_t program,
		    const struct link_pins *pins)
{
	const struct pinned_link *link = NULL;

	while ((link = link_pins_next(pins, link)) != NULL)
		if (link->ifindex == interface->index && link->hook == HOOK_XDP &&
		    link->program_id == program)
			return true;
	return false;
}

static int xdp_status(const struct interface *interface, const struct owner *owner,
		      struct attach_status *status)
{
	enum xdp_mode mode;
	uint32_t id = 0;
	int ours, err;

	err = xdp_query(interface, &id, &mode);
	if (err || !id)
		return err;
	ours = program_is_ours(id, owner);
	if (ours < 0)
		return ours;
	if (!ours) {
		status->foreign_xdp_program_id = id;
		return 0;
	}
	status->xdp_program_id = id;
	status->kept = is_kept(interface, id, owner->pins);
	status->xdp_mode = xdp_mode_name(mode);
	return 0;
}

static int tc_status(const struct interface *interface, enum tc_direction direction,
		     const struct owner *owner, struct attach_status *status)
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
		ours = find_ours(programs, count, owner);
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

static int interface_status(const struct interface *interface, const struct owner *owner,
			    struct attach_status *status)
{
	int err;

	*status = (struct attach_status){.ifindex = interface->index};
	memcpy(status->interface, interface->name, sizeof(status->interface));
	err = xdp_status(interface, owner, status);
	for (enum tc_direction direction = 0; !err && direction < TC_DIRECTIONS; direction++)
		err = tc_status(interface, direction, owner, status);
	/* It went while we asked. */
	return err == -ENODEV ? 0 : err;
}

static bool anything_ours(const struct attach_status *status)
{
	return status->xdp_program_id || status->tc_ingress_program_id ||
	       status->tc_egress_program_id;
}

static size_t count_interfaces(const struct if_nameindex *list)
{
	size_t count = 0;

	while (list[count].if_index)
		count++;
	return count;
}

int attach_status(const struct store *store, const struct link_pins *pins,
		  struct attach_status **out)
{
	const struct owner owner = {.store_id = store_id(store), .pins = pins};
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
		err = interface_status(&interface, &owner, &all[found]);
		if (err)
			return fail_to_ask_owner(err, i->if_name);
		if (anything_ours(&all[found]))
			found++;
	}
	*out = take(all);
	return found;
}
