/* SPDX-License-Identifier: GPL-2.0-or-later */
/* IPv6 frames: extension headers in legal and illegal orders, fragments, and what default deny lets
 * pass. */
#include <netinet/in.h>

#include "rows.h"

#define MALFORMED .reason = REASON_MALFORMED
#define ALLOWED .reason = REASON_ALLOWED_DEFAULT
#define DENIED .reason = REASON_BLOCKED_DEFAULT
#define EXEMPT .reason = REASON_EXEMPT
#define FRAGMENT .reason = REASON_FRAGMENT_DROPPED
#define BLOCKED .reason = REASON_BLOCKED_BLACKLIST, .rule = "blacklist 0"

#define UDP53 .peer = PEER6, .from_port = 40000, .port = 53
#define TCP22 .peer = PEER6, .protocol = IPPROTO_TCP, .from_port = 40000, .port = 22
#define BLOCK53 "rule @ blacklist " PEER6 " port 53"
#define BLOCK22 "rule @ blacklist " PEER6 " port 22 proto tcp"
#define ALLOW_ALL "rule @ whitelist 0.0.0.0/0; rule @ whitelist ::/0"

/* Extension headers; the number is the length field as it is. */
#define HOP(n)                                                                                     \
	{                                                                                          \
		.present = true, .type = IPPROTO_HOPOPTS, .length = n                              \
	}
#define ROUTING(n)                                                                                 \
	{                                                                                          \
		.present = true, .type = IPPROTO_ROUTING, .length = n                              \
	}
#define DEST(n)                                                                                    \
	{                                                                                          \
		.present = true, .type = IPPROTO_DSTOPTS, .length = n                              \
	}
#define AUTH(n)                                                                                    \
	{                                                                                          \
		.present = true, .type = IPPROTO_AH, .length = n                                   \
	}
#define FRAG(at, more_follow)                                                                      \
	{                                                                                          \
		.present = true, .type = IPPROTO_FRAGMENT, .offset = at, .more = more_follow       \
	}
#define CHAIN(...) .extensions = {__VA_ARGS__}

#define CUT(bytes)                                                                                 \
	{                                                                                          \
		"a tagged IPv6 header cut to " #bytes " bytes is malformed", ALLOW_ALL,            \
			{UDP53, .tags = {0x8100}, .cut_to = 18 + bytes}, MALFORMED                 \
	}
#define VERSION(number)                                                                            \
	{                                                                                          \
		"IPv6 with version " #number " is malformed", ALLOW_ALL,                           \
			{UDP53, .version_is = number}, MALFORMED                                   \
	}
#define ICMP6(icmp) .peer = PEER6, .protocol = IPPROTO_ICMPV6, .icmp_type = icmp
#define LINK_LOCAL(icmp)                                                                           \
	{"ICMPv6 type " #icmp " with hop limit 255 passes under deny",                             \
	 "policy @ deny",                                                                          \
	 {ICMP6(icmp), .hop_limit = 255},                                                          \
	 EXEMPT},                                                                                  \
	{                                                                                          \
		"ICMPv6 type " #icmp " with hop limit 254 is dropped under deny", "policy @ deny", \
			{ICMP6(icmp), .hop_limit = 254}, DENIED                                    \
	}
#define ESSENTIAL(icmp)                                                                            \
	{                                                                                          \
		"ICMPv6 type " #icmp " passes under deny", "policy @ deny",                        \
			{ICMP6(icmp), .hop_limit = 1}, EXEMPT                                      \
	}
#define OTHER(icmp)                                                                                \
	{                                                                                          \
		"ICMPv6 type " #icmp " is dropped under deny", "policy @ deny",                    \
			{ICMP6(icmp), .hop_limit = 255}, DENIED                                    \
	}

static const struct row rows[] = {
	CUT(0),
	CUT(1),
	CUT(2),
	CUT(3),
	CUT(4),
	CUT(5),
	CUT(6),
	CUT(7),
	CUT(8),
	CUT(16),
	CUT(24),
	CUT(38),
	CUT(39),
	VERSION(ZERO),
	VERSION(4),
	VERSION(5),
	VERSION(7),
	VERSION(15),
	{"a payload length beyond the frame is malformed",
	 ALLOW_ALL,
	 {UDP53, .ip_length_is = 9},
	 MALFORMED},
	{"a payload length of 65535 in a short frame is malformed",
	 ALLOW_ALL,
	 {UDP53, .ip_length_is = 65535},
	 MALFORMED},
	{"a payload length that cuts the UDP header is malformed",
	 ALLOW_ALL,
	 {UDP53, .ip_length_is = 7},
	 MALFORMED},
	{"padding behind an IPv6 packet is ignored", BLOCK53, {UDP53, .padding_bytes = 6}, BLOCKED},
	{"a payload length of 0 with TCP behind is malformed",
	 ALLOW_ALL,
	 {TCP22, .ip_length_is = ZERO},
	 MALFORMED},
	{"a jumbogram is malformed",
	 ALLOW_ALL,
	 {UDP53, CHAIN(HOP(0)), .ip_length_is = ZERO},
	 MALFORMED},
	{"a packet still to be segmented may have payload length 0",
	 BLOCK22,
	 {TCP22, .ip_length_is = ZERO, .payload_bytes = 2000, .gso_size = 1000},
	 BLOCKED,
	 .at = AT_INGRESS | AT_EGRESS},
	{"a packet still to be segmented may have the jumbo option",
	 BLOCK22,
	 {TCP22, CHAIN(HOP(0)), .ip_length_is = ZERO, .payload_bytes = 2000, .gso_size = 1000},
	 BLOCKED,
	 .at = AT_INGRESS | AT_EGRESS},

	{"a port is found behind hop-by-hop options", BLOCK53, {UDP53, CHAIN(HOP(0))}, BLOCKED},
	{"a port is found behind a routing header", BLOCK53, {UDP53, CHAIN(ROUTING(2))}, BLOCKED},
	{"a port is found behind destination options", BLOCK53, {UDP53, CHAIN(DEST(1))}, BLOCKED},
	{"a port is found behind an authentication header of 12 bytes",
	 BLOCK53,
	 {UDP53, CHAIN(AUTH(1))},
	 BLOCKED},
	{"a port is found behind an authentication header of 24 bytes",
	 BLOCK53,
	 {UDP53, CHAIN(AUTH(4))},
	 BLOCKED},
	{"a port is found behind an authentication header of 1028 bytes",
	 BLOCK53,
	 {UDP53, CHAIN(AUTH(255))},
	 BLOCKED},
	{"behind an authentication header the neighbour port is not matched",
	 BLOCK53,
	 {.peer = PEER6, .port = 52, CHAIN(AUTH(4))},
	 ALLOWED},
	{"a port is found behind options of 2048 bytes",
	 BLOCK53,
	 {UDP53, CHAIN(DEST(255))},
	 BLOCKED},
	{"a port is found behind a chain in the recommended order",
	 BLOCK53,
	 {UDP53, CHAIN(HOP(1), DEST(0), ROUTING(2), FRAG(0, false), AUTH(4), DEST(0))},
	 BLOCKED},
	{"a port is found behind a chain in an odd order",
	 BLOCK53,
	 {UDP53, CHAIN(AUTH(4), DEST(0), ROUTING(0), DEST(0))},
	 BLOCKED},
	{"a port is found behind a tag and a chain",
	 BLOCK53,
	 {UDP53, .tags = {0x88a8, 0x8100}, CHAIN(HOP(0), DEST(2))},
	 BLOCKED},
	{"a port is found behind 8 extension headers",
	 BLOCK53,
	 {UDP53, CHAIN(HOP(0), DEST(0), DEST(1), DEST(0), DEST(0), DEST(0), DEST(0), DEST(0))},
	 BLOCKED},
	{"9 extension headers are malformed",
	 ALLOW_ALL,
	 {UDP53,
	  CHAIN(HOP(0), DEST(0), DEST(0), DEST(0), DEST(0), DEST(0), DEST(0), DEST(0), DEST(0))},
	 MALFORMED},
	{"an atomic fragment as ninth header is malformed",
	 ALLOW_ALL,
	 {UDP53, CHAIN(HOP(0), DEST(0), DEST(0), DEST(0), DEST(0), DEST(0), DEST(0), DEST(0),
		       FRAG(0, false))},
	 MALFORMED},
	{"hop-by-hop options in second place are malformed",
	 ALLOW_ALL,
	 {UDP53, CHAIN(DEST(0), HOP(0))},
	 MALFORMED},
	{"two hop-by-hop headers are malformed",
	 ALLOW_ALL,
	 {UDP53, CHAIN(HOP(0), HOP(0))},
	 MALFORMED},
	{"hop-by-hop options behind a fragment header are malformed",
	 ALLOW_ALL,
	 {UDP53, CHAIN(FRAG(0, false), HOP(0))},
	 MALFORMED},
	{"options that end past the payload are malformed",
	 ALLOW_ALL,
	 {UDP53, CHAIN(DEST(2)), .ip_length_is = 23, .padding_bytes = 40},
	 MALFORMED},
	{"options that end past the payload are malformed before any protocol",
	 ALLOW_ALL,
	 {.peer = PEER6, .protocol = 59, CHAIN(DEST(2)), .ip_length_is = 23},
	 MALFORMED},
	{"an authentication header that ends past the frame is malformed before any protocol",
	 ALLOW_ALL,
	 {.peer = PEER6,
	  .protocol = IPPROTO_ESP,
	  CHAIN(AUTH(4)),
	  .ip_length_is = 23,
	  .cut_l4_to_nothing = true},
	 MALFORMED},
	{"options cut to one byte are malformed",
	 ALLOW_ALL,
	 {UDP53, CHAIN(DEST(0)), .ip_length_is = 1, .padding_bytes = 40},
	 MALFORMED},
	{"options cut to nothing are malformed",
	 ALLOW_ALL,
	 {UDP53, CHAIN(DEST(0)), .ip_length_is = ZERO, .padding_bytes = 40},
	 MALFORMED},
	{"an authentication header that ends past the payload is malformed",
	 ALLOW_ALL,
	 {UDP53, CHAIN(AUTH(4)), .ip_length_is = 23, .padding_bytes = 40},
	 MALFORMED},
	{"a fragment header cut to 7 bytes is malformed",
	 ALLOW_ALL,
	 {UDP53, CHAIN(FRAG(0, false)), .ip_length_is = 7, .padding_bytes = 40},
	 MALFORMED},
	{"a UDP header cut behind options is malformed",
	 ALLOW_ALL,
	 {UDP53, CHAIN(DEST(0)), .ip_length_is = 15, .padding_bytes = 40},
	 MALFORMED},
	{"a protocol rule sees the protocol behind the chain",
	 "rule @ blacklist " PEER6 " proto udp",
	 {UDP53, CHAIN(HOP(0), ROUTING(0))},
	 BLOCKED},
	{"a protocol rule does not see an extension header",
	 "rule @ blacklist " PEER6 " proto 60",
	 {UDP53, CHAIN(DEST(0))},
	 ALLOWED},
	{"ESP is the upper protocol",
	 "rule @ blacklist " PEER6 " proto 50",
	 {.peer = PEER6, .protocol = IPPROTO_ESP, CHAIN(DEST(0))},
	 BLOCKED},
	{"no next header is the upper protocol",
	 "rule @ blacklist " PEER6 " proto 59",
	 {.peer = PEER6, .protocol = 59, .cut_l4_to_nothing = true, CHAIN(DEST(0))},
	 BLOCKED},
	{"no next header and no payload is well formed",
	 NULL,
	 {.peer = PEER6, .protocol = 59, .cut_l4_to_nothing = true},
	 ALLOWED},
	{"the mobility header is an upper protocol",
	 "rule @ blacklist " PEER6 " proto 135",
	 {.peer = PEER6, .protocol = 135},
	 BLOCKED},

	{"an atomic fragment is a whole packet: its port is matched",
	 BLOCK53,
	 {UDP53, CHAIN(FRAG(0, false))},
	 BLOCKED},
	{"an atomic fragment is a whole packet: fragments drop passes it",
	 "policy @ allow fragments drop",
	 {UDP53, CHAIN(FRAG(0, false))},
	 ALLOWED},
	{"an atomic fragment with a UDP length beyond it is malformed",
	 ALLOW_ALL,
	 {UDP53, CHAIN(FRAG(0, false)), .udp_length_is = 9},
	 MALFORMED},
	{"a first IPv6 fragment is matched by its port",
	 BLOCK53,
	 {UDP53, CHAIN(FRAG(0, true)), .udp_length_is = 3000},
	 BLOCKED},
	{"a first IPv6 fragment without its UDP header is malformed",
	 ALLOW_ALL,
	 {UDP53, CHAIN(FRAG(0, true)), .cut_l4_to_nothing = true},
	 MALFORMED},
	{"a first IPv6 fragment with 7 bytes of UDP is malformed",
	 ALLOW_ALL,
	 {UDP53, CHAIN(FRAG(0, true)), .cut_l4_to = 7},
	 MALFORMED},
	{"a first IPv6 fragment with 16 bytes of TCP is malformed",
	 ALLOW_ALL,
	 {TCP22, CHAIN(FRAG(0, true)), .cut_l4_to = 16},
	 MALFORMED},
	{"a first IPv6 fragment whose chain is incomplete is malformed",
	 ALLOW_ALL,
	 {UDP53, CHAIN(FRAG(0, true), DEST(3)), .ip_length_is = 16, .padding_bytes = 8},
	 MALFORMED},
	{"a later IPv6 fragment is not matched by a rule with a port",
	 BLOCK53,
	 {UDP53, CHAIN(FRAG(1448, false))},
	 ALLOWED},
	{"a later IPv6 fragment is matched by a rule without a port",
	 "rule @ blacklist " PEER6 " proto udp",
	 {UDP53, CHAIN(FRAG(1448, false))},
	 BLOCKED},
	{"a later IPv6 fragment behind options is matched",
	 "rule @ blacklist " PEER6 " proto udp",
	 {UDP53, CHAIN(HOP(0), FRAG(1448, true))},
	 BLOCKED},
	{"what follows a later fragment's header is data",
	 "rule @ blacklist " PEER6 " proto 60",
	 {UDP53, CHAIN(FRAG(1448, false), DEST(200)), .ip_length_is = 16},
	 BLOCKED},
	{"a TCP fragment 8 bytes into the IPv6 packet is malformed",
	 ALLOW_ALL,
	 {TCP22, CHAIN(FRAG(8, false))},
	 MALFORMED},
	{"a TCP fragment 16 bytes into the IPv6 packet is judged",
	 "rule @ blacklist " PEER6,
	 {TCP22, CHAIN(FRAG(16, false))},
	 BLOCKED},
	{"two fragment headers are malformed",
	 ALLOW_ALL,
	 {UDP53, CHAIN(FRAG(0, true), FRAG(0, true))},
	 MALFORMED},
	{"two atomic fragment headers are malformed",
	 ALLOW_ALL,
	 {UDP53, CHAIN(FRAG(0, false), DEST(0), FRAG(0, false))},
	 MALFORMED},
	{"an IPv6 fragment that ends at 65535 is judged",
	 "rule @ blacklist " PEER6,
	 {UDP53, CHAIN(FRAG(65520, false)), .payload_bytes = 7},
	 BLOCKED},
	{"an IPv6 fragment that ends past 65535 is malformed",
	 ALLOW_ALL,
	 {UDP53, CHAIN(FRAG(65520, false)), .payload_bytes = 8},
	 MALFORMED},
	{"fragments drop drops a first IPv6 fragment",
	 "policy @ allow fragments drop",
	 {UDP53, CHAIN(FRAG(0, true))},
	 FRAGMENT},
	{"fragments drop drops a later IPv6 fragment",
	 "policy @ allow fragments drop; " ALLOW_ALL,
	 {UDP53, CHAIN(FRAG(1448, false))},
	 FRAGMENT},

	LINK_LOCAL(133),
	LINK_LOCAL(134),
	LINK_LOCAL(135),
	LINK_LOCAL(136),
	LINK_LOCAL(137),
	ESSENTIAL(2),
	ESSENTIAL(130),
	ESSENTIAL(131),
	ESSENTIAL(132),
	ESSENTIAL(143),
	OTHER(0),
	OTHER(1),
	OTHER(3),
	OTHER(128),
	OTHER(129),
	OTHER(138),
	OTHER(142),
	OTHER(144),
	{"MLD behind hop-by-hop options passes under deny",
	 "policy @ deny",
	 {ICMP6(143), .hop_limit = 1, CHAIN(HOP(0))},
	 EXEMPT},
	{"neighbour discovery from a blacklisted peer is dropped under deny",
	 "policy @ deny; rule @ blacklist " PEER6,
	 {ICMP6(135), .hop_limit = 255},
	 BLOCKED},
	{"neighbour discovery is counted as allowed under allow",
	 NULL,
	 {ICMP6(135), .hop_limit = 255},
	 ALLOWED},
	{"an ICMPv6 type in an IPv4 packet is not exempt",
	 "policy @ deny",
	 {.peer = PEER4, .protocol = IPPROTO_ICMPV6, .icmp_type = 135, .hop_limit = 255},
	 DENIED},
	{"an ICMPv6 type behind ICMP's number is not exempt",
	 "policy @ deny",
	 {.peer = PEER6, .protocol = IPPROTO_ICMP, .icmp_type = 135, .hop_limit = 255},
	 DENIED},
	{"a later fragment of ICMPv6 is not exempt",
	 "policy @ deny",
	 {ICMP6(2), CHAIN(FRAG(1448, false))},
	 DENIED},
	{"DHCPv6 to the client passes under deny on the way in",
	 "policy @ deny",
	 {.peer = PEER6, .from_port = 547, .port = 546},
	 EXEMPT,
	 .at = AT_XDP | AT_INGRESS},
	{"DHCPv6 to the client is dropped under deny on the way out",
	 "policy @ deny",
	 {.peer = PEER6, .from_port = 547, .port = 546},
	 DENIED,
	 .at = AT_EGRESS},
	{"DHCPv6 to the server passes under deny on the way out",
	 "policy @ deny",
	 {.peer = PEER6, .from_port = 546, .port = 547},
	 EXEMPT,
	 .at = AT_EGRESS},
	{"DHCPv6 to the server is dropped under deny on the way in",
	 "policy @ deny",
	 {.peer = PEER6, .from_port = 546, .port = 547},
	 DENIED,
	 .at = AT_XDP | AT_INGRESS},
	{"DHCPv4's ports in IPv6 are not exempt",
	 "policy @ deny",
	 {.peer = PEER6, .from_port = 67, .port = 68},
	 DENIED},
};

int main(void)
{
	return ROWS_RUN("ipv6", rows);
}
