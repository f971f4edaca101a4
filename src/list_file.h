/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Plain lists of addresses, as blocklists are published: one CIDR a line, blank lines, comments
 * from # or ; on; and what `ipset save` writes (`add SET CIDR`).
 */
#ifndef BGO_LIST_FILE_H
#define BGO_LIST_FILE_H

#include <stdio.h>

#include "../bpf/abi.h"
#include "lines.h"

struct list_file {
	struct lines lines;
	uint32_t ttl_s; /* the timeout that ipset says the last entry has left; 0: none */
};

/* `name` is for messages. 0 or negative errno, logged. */
int list_file_open(struct list_file *list, FILE *file, const char *name);
void list_file_close(struct list_file *list);

/*
 * The next entry as a rule for any protocol and port: 1, 0 at the end, or negative errno, logged
 * with its place.
 */
int list_file_next(struct list_file *list, struct rule *rule);

#define _cleanup_list_file_ _cleanup_(list_file_close)

#endif
