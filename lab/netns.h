/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Interfaces of named network namespaces: "client/c0", or "s0" in the namespace of the caller. */
#ifndef BGO_LAB_NETNS_H
#define BGO_LAB_NETNS_H

#include <stdint.h>

struct interface {
	int ifindex;
	uint8_t mac[6];
};

/*
 * A packet socket in the interface's namespace, bound to the interface and to the protocol (network
 * order; 0: for sending only). A protocol of its own makes the socket see what has passed XDP and
 * TC ingress; only ETH_P_ALL sockets look before TC. `type` is SOCK_RAW or SOCK_DGRAM. Returns the
 * socket, or negative errno, logged.
 */
int netns_packet_socket(const char *place, int type, uint16_t protocol_be16, struct interface *out);

#endif
