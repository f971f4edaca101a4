/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What tests ask of a table of connections, whichever it is. */
#ifndef BGO_TESTS_CONNECTION_TABLES_H
#define BGO_TESTS_CONNECTION_TABLES_H

#include <stdint.h>

#include "../../bpf/conn.h"

uint32_t connection_count(int fd);
/* The one connection there is in it. */
struct conn the_connection(int fd);

#endif
