/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Consistent choice of one of several servers: the table of Maglev (Eisenbud and others, NSDI
 * 2016), with weights. Pure.
 */
#ifndef BGO_MAGLEV_H
#define BGO_MAGLEV_H

#include <stddef.h>

#include "../bpf/lvs_abi.h"

/*
 * Fills the table with numbers of the `count` (at most LVS_SERVERS_PER_SERVICE) servers, each about
 * as often as its weight says; those that are draining, not at all. LVS_NO_SERVER everywhere when
 * none is left. The same servers make the same table, in whatever order they are given, up to their
 * numbers.
 */
void maglev_fill(struct lvs_table *table, const struct lvs_server *servers, size_t count);

#endif
