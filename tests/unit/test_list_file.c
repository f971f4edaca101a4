/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Plain lists of addresses: what is an entry, what is passed over, what is refused and where it is.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "../../src/cidr.h"
#include "../../src/list_file.h"

#define SAID_BYTES 512

/*
 * Reads `length` bytes as a list: the entries, each with a blank behind it, in `entries`, what went
 * to stderr in `said`. Returns what the last call did.
 */
static int read_list(const char *input, size_t length, char entries[static 1024],
		     char said[static SAID_BYTES])
{
	_cleanup_fclose_ FILE *file = fmemopen((void *)input, length, "r");
	int saved = dup(STDERR_FILENO), pipe_fds[2], result;
	struct list_file list;
	char cidr[CIDR_TEXT_BYTES];
	struct rule rule;
	ssize_t said_bytes;

	assert_non_null(file);
	assert_int_equal(pipe(pipe_fds), 0);
	dup2(pipe_fds[1], STDERR_FILENO);
	assert_int_equal(list_file_open(&list, file, "list"), 0);
	entries[0] = '\0';
	while ((result = list_file_next(&list, &rule)) == 1) {
		cidr_format(&rule, cidr);
		strcat(strcat(entries, cidr), " ");
	}
	list_file_close(&list);
	dup2(saved, STDERR_FILENO);
	close(saved);
	close(pipe_fds[1]);
	said_bytes = read(pipe_fds[0], said, SAID_BYTES - 1);
	close(pipe_fds[0]);
	said[said_bytes > 0 ? said_bytes : 0] = '\0';
	return result;
}

static void entries_are_read_whatever_surrounds_them(void **state)
{
	static const struct {
		const char *input, *entries;
	} rows[] = {
		{"192.0.2.1\n198.51.100.0/24\n", "192.0.2.1/32 198.51.100.0/24 "},
		{"192.0.2.1", "192.0.2.1/32 "},
		{"\n\n192.0.2.1\n\n", "192.0.2.1/32 "},
		{"# all\n; of\n  # these\n\t;\n192.0.2.1\n", "192.0.2.1/32 "},
		{"192.0.2.0/24 ; SBL123\n192.0.2.1# x\n192.0.2.2;\n",
		 "192.0.2.0/24 192.0.2.1/32 192.0.2.2/32 "},
		{"  192.0.2.1\t \n", "192.0.2.1/32 "},
		{"192.0.2.1\r\n2001:db8::/32\r\n\r\n", "192.0.2.1/32 2001:db8::/32 "},
		{"\xef\xbb\xbf"
		 "192.0.2.1\n",
		 "192.0.2.1/32 "},
		{"\xef\xbb\xbf# only a mark\n", ""},
		{"\xef\xbb\xbf", ""},
		{"create bad hash:net family inet hashsize 1024 maxelem 65536\n"
		 "add bad 192.0.2.0/24\nadd bad 198.51.100.7 packets 3 bytes 180 comment \"a "
		 "nomatch\"\n"
		 "add bad 203.0.113.1 timeout 0\n",
		 "192.0.2.0/24 198.51.100.7/32 203.0.113.1/32 "},
		{"192.0.2.77/24\n", "192.0.2.0/24 "},
	};
	char entries[1024], said[SAID_BYTES];

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		if (read_list(rows[i].input, strlen(rows[i].input), entries, said) != 0 || said[0])
			fail_msg("row %zu said: %s", i, said);
		assert_string_equal(entries, rows[i].entries);
	}
}

static void an_entry_matches_any_protocol_and_port(void **state)
{
	char input[] = "192.0.2.1\n";
	_cleanup_fclose_ FILE *file = fmemopen(input, strlen(input), "r");
	struct list_file list;
	struct rule rule;

	(void)state;
	memset(&rule, 0xff, sizeof(rule));
	assert_int_equal(list_file_open(&list, file, "list"), 0);
	assert_int_equal(list_file_next(&list, &rule), 1);
	list_file_close(&list);
	assert_int_equal(rule.any_protocol, 1);
	assert_int_equal(rule.protocol, 0);
	assert_int_equal(rule.port_min_host | rule.port_max_host, 0);
}

static void an_entry_has_the_timeout_of_its_own_ipset_line(void **state)
{
	char input[] = "add bad 192.0.2.1 timeout 300\nadd bad 192.0.2.2 timeout 0\n"
		       "add bad 192.0.2.3 packets 1 timeout 4294967295\nadd bad 192.0.2.4\n";
	const uint32_t timeouts[] = {300, 0, UINT32_MAX, 0};
	_cleanup_fclose_ FILE *file = fmemopen(input, strlen(input), "r");
	_cleanup_list_file_ struct list_file list = {0};
	struct rule rule;

	(void)state;
	assert_int_equal(list_file_open(&list, file, "list"), 0);
	for (size_t i = 0; i < sizeof(timeouts) / sizeof(timeouts[0]); i++) {
		assert_int_equal(list_file_next(&list, &rule), 1);
		assert_int_equal(list.ttl_s, timeouts[i]);
	}
}

static void a_bad_line_is_named_by_line_and_column_and_quoted(void **state)
{
	static const struct {
		const char *input, *said;
	} rows[] = {
		{"192.0.2.1\n\n  010.0.0.1\n", "bgo: list:3:3: '010.0.0.1': not an IPv4 address "
					       "(four numbers 0 to 255, no leading zeros)\n"},
		{"192.0.2.1/33\n",
		 "bgo: list:1:1: '192.0.2.1/33': not a prefix length of 0 to 32\n"},
		{"192.0.2.1 192.0.2.2\n", "bgo: list:1:11: '192.0.2.2': text after the address\n"},
		{"\xef\xbb\xbfx\n", "list:1:1: 'x'"},
		{"fe80::1%eth0\n", "list:1:1: 'fe80::1%eth0': not an IPv6 address"},
		{"192.0.2.1\r\n<html>\r\n", "list:2:1: '<html>'"},
		{"\033[31mred\n", "list:1:1: '\\x1b[31mred'"},
		{"192.0.2.1 not \177 this\n",
		 "list:1:11: 'not \\x7f this': text after the address"},
		{"add bad\n", "list:1:8: '': no address"},
		{"add bad 192.0.2.1 nomatch\n",
		 "list:1:19: ipset option 'nomatch' is not supported"},
		{"add bad 192.0.2.1 timeout 5m\n",
		 "list:1:27: timeout '5m': not a number of seconds"},
		{"add bad 192.0.2.1,tcp:80\n", "list:1:9: '192.0.2.1,tcp:80': not an"},
		{"192.0.2.1-192.0.2.9\n", "'192.0.2.1-192.0.2.9': text after the address"},
	};
	char entries[1024], said[SAID_BYTES];

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		assert_int_equal(read_list(rows[i].input, strlen(rows[i].input), entries, said),
				 -EINVAL);
		if (!strstr(said, rows[i].said))
			fail_msg("row %zu said: %s", i, said);
	}
}

static void a_nul_byte_is_refused(void **state)
{
	char entries[1024], said[SAID_BYTES];

	(void)state;
	assert_int_equal(read_list("192.0.2.1\n192.0.2.2\0\n", 21, entries, said), -EINVAL);
	assert_non_null(strstr(said, "list:2:10: a NUL byte"));
}

/* With and without an end, shorter and longer than a block of input. */
static void a_line_too_long_is_refused(void **state)
{
	static const size_t lengths[] = {LINE_BYTES_MAX + 1, 64 * 1024, 64 * 1024 + 1, 1024 * 1024};
	char entries[1024], said[SAID_BYTES];

	(void)state;
	for (size_t i = 0; i < 2 * sizeof(lengths) / sizeof(lengths[0]); i++) {
		const size_t length = lengths[i / 2];
		_cleanup_free_ char *input = malloc(length + 11);

		memcpy(input, "192.0.2.1\n", 10);
		memset(input + 10, '#', length);
		input[10 + length] = '\n';
		assert_int_equal(read_list(input, 10 + length + (i & 1), entries, said), -EINVAL);
		assert_non_null(strstr(said, "list:2:1: the line is longer than 4096 bytes"));
		assert_string_equal(entries, "192.0.2.1/32 ");
	}
}

static void the_longest_line_is_read(void **state)
{
	char input[LINE_BYTES_MAX + 2], entries[1024], said[SAID_BYTES];

	(void)state;
	memset(input, '#', sizeof(input));
	memcpy(input, "192.0.2.1 ", 10);
	input[LINE_BYTES_MAX] = '\n';
	assert_int_equal(read_list(input, LINE_BYTES_MAX + 1, entries, said), 0);
	assert_string_equal(entries, "192.0.2.1/32 ");
}

/* Lines fall across the ends of blocks at every offset in turn. */
static void no_line_is_lost_where_blocks_meet(void **state)
{
	const size_t count = 50000;
	_cleanup_free_ char *input = malloc(count * 24);
	_cleanup_fclose_ FILE *file = NULL;
	struct list_file list;
	struct rule rule;
	size_t length = 0;

	(void)state;
	for (size_t i = 0; i < count; i++)
		length += (size_t)sprintf(input + length, "198.18.%zu.%zu%s", i >> 8 & 255, i & 255,
					  i % 3 ? "\n" : " # x\r\n");
	file = fmemopen(input, length, "r");
	assert_int_equal(list_file_open(&list, file, "list"), 0);
	for (size_t i = 0; i < count; i++) {
		assert_int_equal(list_file_next(&list, &rule), 1);
		assert_int_equal(rule.addr_host[0], 0xc6120000 + (i & 0xffff));
	}
	assert_int_equal(list_file_next(&list, &rule), 0);
	list_file_close(&list);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(entries_are_read_whatever_surrounds_them),
		cmocka_unit_test(an_entry_matches_any_protocol_and_port),
		cmocka_unit_test(an_entry_has_the_timeout_of_its_own_ipset_line),
		cmocka_unit_test(a_bad_line_is_named_by_line_and_column_and_quoted),
		cmocka_unit_test(a_nul_byte_is_refused),
		cmocka_unit_test(a_line_too_long_is_refused),
		cmocka_unit_test(the_longest_line_is_read),
		cmocka_unit_test(no_line_is_lost_where_blocks_meet),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
