/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The daemon: keeps the programs attached for as long as it lives, or for longer. The rules are in
 * the pinned maps and need it for nothing.
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
	uint32_t max_rules;	  /* 0: as it is, or the default */
	uint32_t max_connections; /* the same */
	const char *state_dir;	  /* of the snapshot of the rules; NULL: none */
	bool keep;		  /* at the end the programs stay attached and filter */
	bool wait;		  /* interfaces may come later */
};

/*
 * Attaches to every interface, or to none, follows them (devices.h), and stays until SIGINT or
 * SIGTERM, also while it starts; then takes everything off, unless it is to be kept, and leaves the
 * pinned maps. Programs that a server before it left attached are taken over without a gap. 0 after
 * a signal, negative errno, logged, when it could not start: then things are as they were before.
 */
int server_run(const struct server_options *options);

#endif
