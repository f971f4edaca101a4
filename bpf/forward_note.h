/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What XDP writes before a packet that it translated and gives to the stack: the TC program of
 * this interface finds it there and sends the packet on.
 */
#ifndef BGO_FORWARD_NOTE_H
#define BGO_FORWARD_NOTE_H

#include <linux/types.h>

/* Drivers may put something of their own there: not this. */
#define FORWARD_NOTE_MAGIC 0x62676f666f727764ULL /* "bgoforwd" */

struct forward_note {
	__u64 magic;
	__u32 ifindex; /* of the interface the packet leaves by */
	__u32 reserved;
};

#endif
