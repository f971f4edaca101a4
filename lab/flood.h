/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the generator's program is told by user space before it is loaded. */
#ifndef BGO_LAB_FLOOD_H
#define BGO_LAB_FLOOD_H

#include <linux/types.h>

/* A power of two. */
#define FLOOD_SOURCES 64

/* Addresses that differ in their last 32 bits only, in order; or those of numbers, at random. */
struct flood_source {
	__u32 first_number, numbers; /* 0 numbers: the range below */
	__u32 cluster;		     /* see clustered_word() */
	__u32 first_be[4];	     /* IPv4: in word 3 */
	__u32 last_word_host;	     /* word 3 of the first address */
	__u32 mask;		     /* number of addresses - 1; their number is a power of two */
};

#define FLOOD_HEADER_BYTES 74 /* Ethernet, IPv6, TCP */

struct flood_settings {
	__u16 headers[FLOOD_HEADER_BYTES / 2]; /* of each frame, before its source address */
	__u32 ifindex;
	__u32 is_ipv6, is_tcp;
	__u32 source_count;
	__u32 first_turn; /* of sources by number, so that no two floods repeat each other */
	/* Of what IPv4's checksum and the last header's cover besides the source address, as
	 * checksum_add(). */
	__u32 ip_sum, l4_sum;
};

#endif
