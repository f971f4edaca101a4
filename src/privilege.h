/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the daemon may do, reduced to what it goes on needing. */
#ifndef BGO_PRIVILEGE_H
#define BGO_PRIVILEGE_H

/*
 * Gives up every capability but CAP_BPF, CAP_NET_ADMIN and CAP_PERFMON for good, and with them the
 * way to get others by running a program. 0 or negative errno, logged.
 */
int privilege_drop(void);

#endif
