/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What attach.c puts together: XDP on an interface (attach_xdp.c), one direction of TC on an
 * interface (attach_tc.c), and whose a program is (attach_owner.c). For attach*.c only.
 */
#ifndef BGO_ATTACH_PARTS_H
#define BGO_ATTACH_PARTS_H

#include <net/if.h>
#include <string.h>

#include "attach.h"
#include "cleanup.h"
#include "rule.h"

struct interface {
	char name[IF_NAMESIZE];
	uint32_t index;
};

static inline struct interface interface_of(const struct if_nameindex *entry)
{
	struct interface interface = {.index = entry->if_index};

	strncpy(interface.name, entry->if_name, sizeof(interface.name) - 1);
	return interface;
}

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
/* Whose programs are ours: those recorded in pins, and those on the maps of a store. */
struct owner {
	uint64_t store_id; /* 0: not to be asked */
	const struct link_pins *pins;
};
/* 1: the program is ours, 0: it is not or is gone, or negative errno: -EPERM when only
 * CAP_SYS_ADMIN could tell. */
int program_is_ours(uint32_t program_id, const struct owner *owner);
/* Logs the error of program_is_ours(): attaching needs less privilege than it. Returns err. */
int fail_to_ask_owner(int err, const char *interface);
/* The kernel's id of a program held as a file descriptor; 0 or negative errno. */
int program_id(int program_fd, uint32_t *id);

/* -- XDP -- */

struct xdp_way {
	enum xdp_mode mode; /* native or generic */
	bool fragments;	    /* by the program for frames in fragments */
};

/*
 * Attaches by a link. Where the driver wants it for the MTU, natively by the program for fragments;
 * XDP_MODE_AUTO tries generic after both. Returns the link's file descriptor, and how in *got; or
 * negative errno, logged.
 */
int xdp_attach(const struct attach_options *options, const struct interface *interface,
	       struct xdp_way *got);
/* Replaces the program in the link, by the one for fragments where it must be. Not logged. */
int xdp_update(int link, const struct attach_options *options, bool *fragments);

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
/* Puts the program in the filter's place, in one step for packets. Not logged. */
int clsact_replace(int program_fd, const struct interface *interface, enum tc_direction direction,
		   struct tc_filter *filter);
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

/* What attach_interface() did, hook by hook: see attach.h. */
struct attachment {
	struct interface interface;
	int xdp_link;	      /* -1: not attached */
	bool xdp_fragments;   /* the program in it is the one for fragments */
	bool made_clsact;     /* the qdisc is ours to remove */
	enum tc_kind tc_kind; /* what tc[] is */
	struct tc_filter tc[TC_DIRECTIONS];
	char pins[HOOK_COUNT][LINK_PIN_BYTES]; /* of links; "": not pinned */
	/* Until it is committed: the program that was there before, 0: none. */
	uint32_t replaced[HOOK_COUNT];
};

/* -ENODEV and others, logged. */
int find_interface(const char *name, struct interface *out);
/* Attaches one program, or takes over, as attach_interface() does each. Logs. */
int attach_hook(struct attachment *attachment, const struct attach_options *options,
		enum hook hook);
/* Whether anything of TC is to be taken off. */
bool attachment_has_tc(const struct attachment *attachment);

static const enum hook tc_hooks[TC_DIRECTIONS] = {
	[TC_INGRESS] = HOOK_INGRESS,
	[TC_EGRESS] = HOOK_EGRESS,
};

#endif
