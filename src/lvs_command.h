/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What cmd_lvs.c, which parses, and lvs_change.c and lvs_show.c, which do it, share. */
#ifndef BGO_LVS_COMMAND_H
#define BGO_LVS_COMMAND_H

#include "command.h"
#include "lvs.h"
#include "options.h"

/* Options of all commands of the load balancer; each has some of them. */
struct lvs_options {
	struct common_options common;
	const char *vip_text, *rip_text;
	struct option_value vport, rport, protocol, weight, mode, enabled, max_new;
	struct option_value check, interval, timeout, rise, fall, release;
	const char *path;
	bool if_exists, undo;
	/* Completed by lvs_prepare(). */
	bool has_vip, has_rip;
	struct lvs_endpoint vip, rip;
};

/* lvs_change.c */
int lvs_run_add(const void *options);
int lvs_run_remove(const void *options);
int lvs_run_enable(const void *options);
int lvs_run_disable(const void *options);
int lvs_run_drain(const void *options);
int lvs_run_set(const void *options);
int lvs_run_cleanup(const void *options);

/* lvs_show.c */
int lvs_run_list(const void *options);
int lvs_run_status(const void *options);
int lvs_run_stats(const void *options);
int lvs_run_debug(const void *options);

/* What the host must have for forwarding; says what to type. */
void lvs_warn_host(const struct lvs_endpoint *vip);

#endif
