/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Layer 4 headers that are cut or lie, exemptions of IPv4, and tunnels, which are matched by their
 * outside. */
#include <netinet/in.h>

#include "rows.h"

#define TCP22 .peer = PEER4, .protocol = IPPROTO_TCP, .from_port = 40000, .port = 22
#define UDP53 .peer = PEER4, .from_port = 40000, .port = 53
#define BLOCK22 "rule @ blacklist 0.0.0.0/0 port 22; rule @ blacklist ::/0 port 22"
#define BLOCK53 "rule @ blacklist " PEER4 " port 53"

#define TCP_CUT(bytes)                                                                             \
	{                                                                                          \
		"TCP cut to " #bytes " bytes is malformed", ALLOW_ALL,                             \
			{TCP22, .cut_l4_to = bytes, .cut_l4_to_nothing = true}, MALFORMED          \
	}
#define TCP_SHORT(words)                                                                           \
	{                                                                                          \
		"TCP with a data offset of " #words " is malformed", ALLOW_ALL,                    \
			{TCP22, .tcp_words_is = words, .payload_bytes = 40}, MALFORMED             \
	}
#define TCP_LONG(words)                                                                            \
	{                                                                                          \
		"TCP with a data offset of " #words " is matched", BLOCK22,                        \
			{TCP22, .tcp_words_is = words}, BLOCKED                                    \
	}
#define TCP_PAST(words)                                                                            \
	{                                                                                          \
		"TCP with a data offset of " #words " past the end is malformed", ALLOW_ALL,       \
			{TCP22, .tcp_words_is = words, .cut_l4_to = words * 4 - 1,                 \
			 .padding_bytes = 40},                                                     \
			MALFORMED                                                                  \
	}
#define UDP_SHORT(bytes)                                                                           \
	{                                                                                          \
		"UDP with a length of " #bytes " is malformed", ALLOW_ALL,                         \
			{UDP53, .udp_length_is = bytes, .payload_bytes = 20}, MALFORMED            \
	}
#define UDP_CUT(bytes)                                                                             \
	{                                                                                          \
		"UDP cut to " #bytes " bytes is malformed", ALLOW_ALL,                             \
			{UDP53, .cut_l4_to = bytes, .cut_l4_to_nothing = true,                     \
			 .padding_bytes = 20},                                                     \
			MALFORMED                                                                  \
	}
#define ICMP_CUT(bytes)                                                                            \
	{"ICMP cut to " #bytes " bytes is malformed",                                              \
	 ALLOW_ALL,                                                                                \
	 {.peer = PEER4, .protocol = IPPROTO_ICMP, .cut_l4_to = bytes, .cut_l4_to_nothing = true}, \
	 MALFORMED},                                                                               \
	{                                                                                          \
		"ICMPv6 cut to " #bytes " bytes is malformed", ALLOW_ALL,                          \
			{.peer = PEER6,                                                            \
			 .protocol = IPPROTO_ICMPV6,                                               \
			 .cut_l4_to = bytes,                                                       \
			 .cut_l4_to_nothing = true},                                               \
			MALFORMED                                                                  \
	}
#define PORTS_CUT(name, number, bytes)                                                             \
	{                                                                                          \
		name " cut to " #bytes " bytes is malformed", ALLOW_ALL,                           \
			{.peer = PEER4, .protocol = number, .port = 22, .cut_l4_to = bytes},       \
			MALFORMED                                                                  \
	}
#define PORTS(name, number)                                                                        \
	{name "'s port is matched",                                                                \
	 BLOCK22,                                                                                  \
	 {.peer = PEER4, .protocol = number, .port = 22},                                          \
	 BLOCKED},                                                                                 \
		{name "'s neighbour port is not",                                                  \
		 BLOCK22,                                                                          \
		 {.peer = PEER4, .protocol = number, .port = 23},                                  \
		 ALLOWED},                                                                         \
		{name "'s source port is not",                                                     \
		 BLOCK22,                                                                          \
		 {.peer = PEER4, .protocol = number, .from_port = 22, .port = 40000},              \
		 ALLOWED},                                                                         \
	{                                                                                          \
		name "'s port is matched over IPv6", BLOCK22,                                      \
			{.peer = PEER6, .protocol = number, .port = 22},                           \
			.reason = REASON_BLOCKED_BLACKLIST, .rule = "blacklist 1"                  \
	}
/* A protocol without ports: by address, by its number, not by the next number, not by a port. */
#define PLAIN(name, number, next)                                                                  \
	{name " from a blacklisted peer is dropped",                                               \
	 "rule @ blacklist " PEER4,                                                                \
	 {.peer = PEER4, .protocol = number, .port = 22},                                          \
	 BLOCKED},                                                                                 \
		{name " is matched by its number",                                                 \
		 "rule @ blacklist 0.0.0.0/0 proto " #number,                                      \
		 {.peer = PEER4, .protocol = number, .port = 22},                                  \
		 BLOCKED},                                                                         \
		{name " is not matched by the next number",                                        \
		 "rule @ blacklist 0.0.0.0/0 proto " #next,                                        \
		 {.peer = PEER4, .protocol = number, .port = 22},                                  \
		 ALLOWED},                                                                         \
		{name " has no port",                                                              \
		 BLOCK22,                                                                          \
		 {.peer = PEER4, .protocol = number, .port = 22},                                  \
		 ALLOWED},                                                                         \
		{name " is dropped under deny",                                                    \
		 "policy @ deny",                                                                  \
		 {.peer = PEER4, .protocol = number},                                              \
		 DENIED},                                                                          \
	{                                                                                          \
		name " over IPv6 from a blacklisted peer is dropped", "rule @ blacklist " PEER6,   \
			{.peer = PEER6, .protocol = number, .port = 22}, BLOCKED                   \
	}

static const struct row rows[] = {
	TCP_CUT(0),
	TCP_CUT(1),
	TCP_CUT(2),
	TCP_CUT(3),
	TCP_CUT(4),
	TCP_CUT(7),
	TCP_CUT(8),
	TCP_CUT(12),
	TCP_CUT(13),
	TCP_CUT(16),
	TCP_CUT(19),
	TCP_SHORT(ZERO),
	TCP_SHORT(1),
	TCP_SHORT(2),
	TCP_SHORT(3),
	TCP_SHORT(4),
	TCP_LONG(5),
	TCP_LONG(6),
	TCP_LONG(10),
	TCP_LONG(15),
	TCP_PAST(6),
	TCP_PAST(10),
	TCP_PAST(15),
	UDP_SHORT(ZERO),
	UDP_SHORT(1),
	UDP_SHORT(2),
	UDP_SHORT(3),
	UDP_SHORT(4),
	UDP_SHORT(5),
	UDP_SHORT(6),
	UDP_SHORT(7),
	UDP_CUT(0),
	UDP_CUT(1),
	UDP_CUT(2),
	UDP_CUT(3),
	UDP_CUT(4),
	UDP_CUT(5),
	UDP_CUT(6),
	UDP_CUT(7),
	{"UDP with a length of 8 and more payload is matched",
	 BLOCK53,
	 {UDP53, .udp_length_is = 8, .payload_bytes = 20},
	 BLOCKED},
	{"UDP with a length one beyond the payload is malformed",
	 ALLOW_ALL,
	 {UDP53, .udp_length_is = 29, .payload_bytes = 20, .padding_bytes = 20},
	 MALFORMED},
	{"UDP with a length that fits exactly is matched",
	 BLOCK53,
	 {UDP53, .udp_length_is = 28, .payload_bytes = 20},
	 BLOCKED},
	{"UDP-Lite with a coverage of 0 is matched",
	 "rule @ blacklist " PEER4 " port 53 proto 136",
	 {.peer = PEER4, .protocol = IPPROTO_UDPLITE, .port = 53, .udp_length_is = ZERO},
	 BLOCKED},
	ICMP_CUT(0),
	ICMP_CUT(1),
	ICMP_CUT(4),
	ICMP_CUT(7),
	PORTS_CUT("UDP-Lite", IPPROTO_UDPLITE, 7),
	PORTS_CUT("SCTP", IPPROTO_SCTP, 8),
	PORTS_CUT("SCTP", IPPROTO_SCTP, 11),
	PORTS_CUT("DCCP", IPPROTO_DCCP, 11),
	PORTS("TCP", IPPROTO_TCP),
	PORTS("UDP", IPPROTO_UDP),
	PORTS("SCTP", IPPROTO_SCTP),
	PORTS("DCCP", IPPROTO_DCCP),
	PORTS("UDP-Lite", IPPROTO_UDPLITE),

	PLAIN("IGMP", 2, 3),
	PLAIN("IPIP", 4, 5),
	PLAIN("6in4", 41, 42),
	PLAIN("GRE", 47, 48),
	PLAIN("ESP", 50, 52),
	PLAIN("OSPF", 89, 90),
	PLAIN("VRRP", 112, 113),
	PLAIN("protocol 254", 254, 255),
	{"ICMPv6 in IPv4 is a protocol without a header to look into",
	 "rule @ blacklist " PEER4 " proto 58",
	 {.peer = PEER4, .protocol = 58, .cut_l4_to_nothing = true},
	 BLOCKED},
	{"ICMP in IPv6 is a protocol without a header to look into",
	 "rule @ blacklist " PEER6 " proto 1",
	 {.peer = PEER6, .protocol = 1, .cut_l4_to_nothing = true},
	 BLOCKED},
	{"AH in IPv4 is a protocol",
	 "rule @ blacklist " PEER4 " proto 51",
	 {.peer = PEER4, .protocol = 51},
	 BLOCKED},
	{"VXLAN is UDP by its outer port",
	 "rule @ blacklist 0.0.0.0/0 port 4789 proto udp",
	 {.peer = PEER4, .port = 4789, .payload_bytes = 50},
	 BLOCKED},
	{"Geneve is UDP by its outer port",
	 "rule @ blacklist 0.0.0.0/0 port 6081 proto udp",
	 {.peer = PEER4, .port = 6081, .payload_bytes = 50},
	 BLOCKED},

	{"ICMP fragmentation needed passes under deny",
	 "policy @ deny",
	 {.peer = PEER4, .protocol = IPPROTO_ICMP, .icmp_type = 3, .icmp_code = 4},
	 EXEMPT},
	{"ICMP port unreachable is dropped under deny",
	 "policy @ deny",
	 {.peer = PEER4, .protocol = IPPROTO_ICMP, .icmp_type = 3, .icmp_code = 3},
	 DENIED},
	{"ICMP source quench with code 4 is dropped under deny",
	 "policy @ deny",
	 {.peer = PEER4, .protocol = IPPROTO_ICMP, .icmp_type = 4, .icmp_code = 4},
	 DENIED},
	{"ping is dropped under deny",
	 "policy @ deny",
	 {.peer = PEER4, .protocol = IPPROTO_ICMP, .icmp_type = 8},
	 DENIED},
	{"ICMPv6's packet too big in IPv4 is dropped under deny",
	 "policy @ deny",
	 {.peer = PEER4, .protocol = IPPROTO_ICMP, .icmp_type = 2},
	 DENIED},
	{"ICMP fragmentation needed from a blacklisted peer is dropped",
	 "policy @ deny; rule @ blacklist " PEER4,
	 {.peer = PEER4, .protocol = IPPROTO_ICMP, .icmp_type = 3, .icmp_code = 4},
	 BLOCKED},
	{"DHCP to the client passes under deny on the way in",
	 "policy @ deny",
	 {.peer = PEER4, .from_port = 67, .port = 68},
	 EXEMPT,
	 .at = AT_XDP | AT_INGRESS},
	{"DHCP to the client is dropped under deny on the way out",
	 "policy @ deny",
	 {.peer = PEER4, .from_port = 67, .port = 68},
	 DENIED,
	 .at = AT_EGRESS},
	{"DHCP to the server passes under deny on the way out",
	 "policy @ deny",
	 {.peer = PEER4, .from_port = 68, .port = 67},
	 EXEMPT,
	 .at = AT_EGRESS},
	{"DHCP to the server is dropped under deny on the way in",
	 "policy @ deny",
	 {.peer = PEER4, .from_port = 68, .port = 67},
	 DENIED,
	 .at = AT_XDP | AT_INGRESS},
	{"DHCP's ports in TCP are not exempt",
	 "policy @ deny",
	 {.peer = PEER4, .protocol = IPPROTO_TCP, .from_port = 67, .port = 68},
	 DENIED},
	{"DHCP's destination port alone is not exempt",
	 "policy @ deny",
	 {.peer = PEER4, .from_port = 66, .port = 68},
	 DENIED},
	{"DHCPv6's ports in IPv4 are not exempt",
	 "policy @ deny",
	 {.peer = PEER4, .from_port = 547, .port = 546},
	 DENIED},
};

int main(void)
{
	return ROWS_RUN("layer 4", rows);
}
