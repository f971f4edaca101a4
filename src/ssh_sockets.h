/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Which connections are somebody's at an SSH server of this host. */
#ifndef BGO_SSH_SOCKETS_H
#define BGO_SSH_SOCKETS_H

#include <stdbool.h>

#include "tcp_sockets.h"

#define SSH_PORTS_MAX 64
#define SSH_DEFAULT_PORT 22

/* The local ports that SSH servers listen on. */
struct ssh_ports {
	uint16_t ports[SSH_PORTS_MAX];
	unsigned int count;
};

/*
 * Finds them: a port that is listened on, and whose listener or one of whose connections belongs to
 * a process called sshd or dropbear; so also those that systemd listens on for them. Where none is
 * found, or /proc may not be read, it is port 22.
 */
void ssh_ports_find(struct ssh_ports *out);
bool ssh_ports_have(const struct ssh_ports *ports, uint16_t port);

#endif
