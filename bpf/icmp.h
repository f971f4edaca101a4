/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The types of ICMP and ICMPv6 messages that are told from others (RFC 792, 4443, 4861, 3810).
 */
#ifndef BGO_ICMP_H
#define BGO_ICMP_H

#include "packet.h"

enum {
	ICMPV4_ECHO_REPLY = 0,
	ICMPV4_UNREACHABLE = 3,
	ICMPV4_ECHO = 8,
	ICMPV4_TIME_EXCEEDED = 11,
	ICMPV4_PARAMETER_PROBLEM = 12,
	/* Codes of ICMPV4_UNREACHABLE. */
	ICMPV4_FRAGMENTATION_NEEDED = 4,
};

enum {
	ICMPV6_UNREACHABLE = 1,
	ICMPV6_PACKET_TOO_BIG = 2,
	ICMPV6_TIME_EXCEEDED = 3,
	ICMPV6_PARAMETER_PROBLEM = 4,
	ICMPV6_ECHO = 128,
	ICMPV6_ECHO_REPLY = 129,
	ICMPV6_MLD_QUERY = 130,
	ICMPV6_MLD_DONE = 132,
	ICMPV6_ROUTER_SOLICITATION = 133,
	ICMPV6_REDIRECT = 137,
	ICMPV6_MLD2_REPORT = 143,
};

/*
 * Whether a message says what became of a packet, which it quotes. A redirect is for this link
 * only, and source quench is no more (RFC 6633).
 */
static __always_inline _Bool icmp_is_error(__u32 family, __u32 type)
{
	if (family == FAMILY_IPV6)
		return type >= ICMPV6_UNREACHABLE && type <= ICMPV6_PARAMETER_PROBLEM;
	return type == ICMPV4_UNREACHABLE || type == ICMPV4_TIME_EXCEEDED ||
	       type == ICMPV4_PARAMETER_PROBLEM;
}

#endif
