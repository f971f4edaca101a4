/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Internet checksums (RFC 1071) that change with what they cover, without a look at the rest
 * (RFC 1624). All words are taken as they lie in memory: the sum does not depend on byte order, as
 * long as all have the same. Pure.
 */
#ifndef BGO_CHECKSUM_H
#define BGO_CHECKSUM_H

#include <linux/types.h>

/* What the sum of the covered words grows by; not folded yet. */
typedef __u64 checksum_change;

/* One 32-bit word, or a 16-bit one alone, is replaced. */
static inline checksum_change checksum_replace(checksum_change change, __u32 before, __u32 after)
{
	return change + (__u32)~before + after;
}

static inline __u16 checksum_fold(__u64 sum)
{
	/* The first halving leaves at most 33 bits, the others 17, 17 and 16. */
	sum = (sum & 0xffffffff) + (sum >> 32);
	sum = (sum & 0xffff) + (sum >> 16);
	sum = (sum & 0xffff) + (sum >> 16);
	sum = (sum & 0xffff) + (sum >> 16);
	return (__u16)sum;
}

/* RFC 1624, equation 3. */
static inline __u16 checksum_apply(__u16 checksum, checksum_change change)
{
	return (__u16)~checksum_fold((__u16)~checksum + change);
}

/*
 * UDP over IPv4 says 0 for "no checksum", which stays so; a sum that comes out as 0 is sent as its
 * other form (RFC 768).
 */
static inline __u16 checksum_apply_udp(__u16 checksum, checksum_change change)
{
	if (!checksum)
		return 0;
	checksum = checksum_apply(checksum, change);
	return checksum ? checksum : 0xffff;
}

#endif
