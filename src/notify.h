/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What a service manager is told: one datagram to the socket it named in NOTIFY_SOCKET, as
 * sd_notify(3) says. Without such a socket nothing happens, and nothing that fails here matters
 * to the firewall.
 */
#ifndef BGO_NOTIFY_H
#define BGO_NOTIFY_H

#include <stdint.h>

/* Sends lines such as "READY=1\nSTATUS=on eth0". Returns 1 sent, 0 nobody asked, or negative errno,
 * logged as a warning. */
int notify(const char *format, ...) __attribute__((format(printf, 1, 2)));

/*
 * How often "WATCHDOG=1" is to be sent: half of the time after which the manager takes this
 * process for dead. 0: it does not watch.
 */
uint64_t notify_watchdog_us(void);

#endif
