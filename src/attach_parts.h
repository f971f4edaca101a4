/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What attach.c puts together: XDP on an interface (attach_xdp.c), one direction of TC on an
 * interface (attach_tc.c), and whose a program is (attach_owner.c). For attach*.c only.
 */
#ifndef BGO_ATTACH_PARTS_H
#define BGO_ATTACH_PARTS_H

#include <net/if.h>

#include "attach.h"
#include "cleanup.h"

struct interface {
	char name[IF_NAMESIZE];
	uint32_t index;
};

static inline void cleanup_interfaces(struct if_nameindex **list)
{
	if (*list)
		if_freenameindex(*list);
}
#define _cleanup_interfaces_ _cleanup_(cleanup_interfaces)

/* -- Whose is a program? -- */

struct program_owner {
	char name[16];	     /* the program's */
	uint64_t store_id;   /* of the store the program works on, 0: not one of bgo's */
	uint32_t server_pid; /* the last server of that store */
};

/* Needs CAP_SYS_ADMIN: -EPERM without. -ENOENT: the program is gone. Logs nothing. */
int program_owner(uint32_t program_id, struct program_owner *out);
/* The kernel's id of a program held as a file descriptor; 0 or negative errno. */
int program_id(int program_fd, uint32_t *id);

/* -- XDP -- */

/*
 * Attaches by a link; XDP_MODE_AUTO tries native, then generic. Returns the link's file descriptor
 * and *got, the mode it has; or negative errno, logged.
 */
int xdp_attach(int program_fd, const struct interface *interface, enum xdp_mode mode,
	       enum xdp_mode *got);

/* The program attached and its mode; *id 0 when there is none. */
int xdp_query(const struct interface *interface, uint32_t *id, enum xdp_mode *mode);

/* -- TC -- */

enum tc_direction { TC_INGRESS, TC_EGRESS, TC_DIRECTIONS };

const char *tc_direction_name(enum tc_direction direction); /* "ingress", "egress" */

/* A program of ours at one direction of TC: a link, or a filter of the clsact qdisc. */
struct tc_filter {
	int link_fd; /* TCX; -1: not attached there */
	uint32_t link_id;
	uint32_t priority; /* clsact; 0: not attached there */
	uint32_t handle;
	uint32_t program_id;
};
#define TC_FILTER_NONE                                                                             \
	{                                                                                          \
		.link_fd = -1                                                                      \
	}

static inline bool tc_filter_attached(const struct tc_filter *filter)
{
	return filter->link_fd >= 0 || filter->priority;
}

/* In front of all others. Return negative errno, not logged; tcx_attach() -EINVAL when the kernel
 * has no TCX. */
int tcx_attach(int program_fd, const struct interface *interface, enum tc_direction direction,
	       struct tc_filter *out);
int clsact_attach(int program_fd, const struct interface *interface, enum tc_direction direction,
		  struct tc_filter *out);
/*
 * Takes it off and forgets it; an interface that is gone took it along. -ENOENT: it was not there
 * any more; -ESTALE: somebody else's filter is in its place and was left alone. Not logged.
 */
int tc_detach(const struct interface *interface, enum tc_direction direction,
	      struct tc_filter *filter);

/* 1: made, 0: there was one, or negative errno; -EEXIST: an ingress qdisc has its place. Not
 * logged. */
int clsact_create(const struct interface *interface);
/* Removes the clsact qdisc unless it has filters: then -EBUSY. */
int clsact_remove_empty(const struct interface *interface);

/* What is attached at a direction, as program ids in the order they run. */
#define TC_PROGRAMS_MAX 64
struct tc_program {
	uint32_t id;
	uint32_t priority, handle; /* clsact only */
};
/* Return how many of `out` they filled, or negative errno; tcx_query() 0 when the kernel has no
 * TCX. */
int tcx_query(const struct interface *interface, enum tc_direction direction,
	      struct tc_program out[static TC_PROGRAMS_MAX]);
int clsact_query(const struct interface *interface, enum tc_direction direction,
		 struct tc_program out[static TC_PROGRAMS_MAX]);

#endif
