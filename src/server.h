/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The daemon: keeps the programs attached for as long as it lives. The rules are in the pinned maps
 * and need it for nothing.
 */
#ifndef BGO_SERVER_H
#define BGO_SERVER_H

#include "attach.h"

struct server_options {
	const char *pin_path;
	const char *const *interfaces;
	size_t interface_count; /* at least 1 */
	enum xdp_mode mode;
	enum tc_kind tc_kind;
	uint32_t max_rules;    /* 0: as it is, or the default */
	const char *state_dir; /* of the snapshot of the rules; NULL: none */
};

/*
 * Attaches to every interface, or to none, and stays until SIGINT or SIGTERM, also while it starts;
 * then takes everything off and leaves the pinned maps. 0 after a signal, negative errno, logged,
 * when it could not start.
 */
int server_run(const struct server_options *options);

#endif
