/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Programs onto an interface and off it again: XDP by bpf_link in native or generic mode, TC
 * ingress and egress by TCX links, or by clsact filters where the kernel has no TCX.
 */
#ifndef BGO_ATTACH_H
#define BGO_ATTACH_H

#include <net/if.h>
#include <stdbool.h>
#include <stdint.h>

#include "link_pins.h"
#include "programs.h"

enum xdp_mode { XDP_MODE_AUTO, XDP_MODE_NATIVE, XDP_MODE_GENERIC };
enum tc_kind { TC_KIND_AUTO, TC_KIND_TCX, TC_KIND_CLSACT };

const char *xdp_mode_name(enum xdp_mode mode); /* "auto", "native", "generic" */
const char *tc_kind_name(enum tc_kind kind);   /* "auto", "tcx", "clsact" */

/* Whether programs can be attached to an interface of that name, as far as can be told without: 0,
 * or negative errno, logged; -ENODEV: there is none. */
int attach_check(const char *interface);

struct attachment;

struct attach_options {
	struct programs *programs; /* of XDP, the one for fragments is loaded when it is needed */
	struct link_pins *pins;	   /* those that were there, and where new ones go */
	enum xdp_mode mode;
	enum tc_kind tc_kind;
	bool keep; /* pin the links: the programs stay when the process ends */
};

/*
 * Attaches all three programs to the interface, or none: what was done before a failure is undone.
 * Where a program of this pin path is attached already, the new one takes its place without a
 * packet going unfiltered in between. -EBUSY names the foreign program in the way. Logs what was
 * attached and how.
 */
int attach_interface(struct attachment **out, const struct attach_options *options,
		     const char *interface);
/*
 * Once everything is attached: what was taken over is not given back any more, and links that are
 * not to be kept lose their pins.
 */
void attach_commit(struct attachment *attachment, const struct attach_options *options);
/*
 * Takes off what was attached, logs each step, frees. Goes on after an error. NULL is fine. Before
 * attach_commit() a program that was taken over is given back: the old one takes its place again.
 */
void detach_interface(struct attachment *attachment, struct link_pins *pins);
/* Leaves everything as it is, frees: pinned links and clsact filters go on filtering. */
void leave_interface(struct attachment *attachment);

/* Drops what its interface took along when it went; frees. */
void attachment_forget(struct attachment *attachment, const struct link_pins *pins);

/* The interface's name, as far as attachment_renamed() has been asked. */
const char *attachment_interface(const struct attachment *attachment);
uint32_t attachment_ifindex(const struct attachment *attachment);
/* True, and the name of before, when the interface has another one now. */
bool attachment_renamed(struct attachment *attachment, char before[static IF_NAMESIZE]);

enum place {
	PLACE_HERE,
	PLACE_ELSEWHERE, /* moved to another network namespace, the XDP program on it */
	PLACE_NONE,	 /* it was deleted */
	PLACE_UNKNOWN,	 /* the kernel could not be asked */
};
enum place attachment_place(const struct attachment *attachment);

/* Pins links again whose pins somebody removed, and says whether there were any. Logs errors. */
bool attachment_repin(struct attachment *attachment, const struct link_pins *pins);
/* Bit n: the program of hook n is not attached any more, or another is in its place. */
unsigned int attachment_missing(const struct attachment *attachment,
				const struct programs *programs);
/* Attaches those again. The others are tried when one cannot be; the first error is returned,
 * logged. */
int attachment_repair(struct attachment *attachment, const struct attach_options *options,
		      unsigned int missing);

/* What is attached to an interface right now, asked of the kernel, no matter by whom. */
struct attach_status {
	char interface[16];
	uint32_t ifindex;
	const char *xdp_mode; /* "native", "generic", NULL: no XDP program of ours */
	uint32_t xdp_program_id;
	const char *tc_kind;				      /* "tcx", "clsact", NULL */
	uint32_t tc_ingress_program_id, tc_egress_program_id; /* 0: not attached */
	uint32_t foreign_xdp_program_id;		      /* 0: none */
	bool kept; /* XDP stays without a server: its link is pinned */
};

/* Whether all three programs of ours are there: half a firewall is an alarm. */
static inline bool attach_status_complete(const struct attach_status *status)
{
	return status->xdp_program_id && status->tc_ingress_program_id &&
	       status->tc_egress_program_id;
}

/*
 * Every interface of this network namespace that has a program attached which uses this store's
 * maps or is recorded in pins. *out is an array to free(). Returns how many, or negative errno.
 */
int attach_status(const struct store *store, const struct link_pins *pins,
		  struct attach_status **out);

/*
 * Removes the clsact filters of the pin path's programs that are not of `keep` (may be NULL): a
 * killed server left them, or they are of an interface that is not filtered any more. Attaching
 * first and removing after leaves no packet unfiltered. Returns how many, or negative errno: -EPERM
 * when there are some of which only CAP_SYS_ADMIN could tell whose they are. Logs both.
 */
int attach_remove_leftovers(uint64_t store_id, const struct link_pins *pins,
			    const struct programs *keep);
/* Detaches the pinned links that were not taken, logged with `why`, and removes their pins. Returns
 * how many were attached, or negative errno, logged. */
int attach_remove_links(const struct link_pins *pins, const char *why);
/*
 * Takes everything of the pin path's, whatever its layout, off every interface: what no server
 * serves. Returns how many programs, or negative errno; logs both.
 */
int attach_remove_all(const char *pin_path, const struct store_lock *lock);

#endif
