/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "connection_tables.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include <bpf/bpf.h>

uint32_t connection_count(int fd)
{
	struct conn_tuple key, *previous = NULL;
	uint32_t count = 0;

	while (bpf_map_get_next_key(fd, previous, &key) == 0) {
		previous = &key;
		count++;
	}
	return count;
}

struct conn the_connection(int fd)
{
	struct conn_tuple key;
	struct conn conn;

	assert_int_equal(connection_count(fd), 1);
	assert_int_equal(bpf_map_get_next_key(fd, NULL, &key), 0);
	assert_int_equal(bpf_map_lookup_elem(fd, &key, &conn), 0);
	return conn;
}
