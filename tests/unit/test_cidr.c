/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Addresses as text: strict in, canonical out. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "../../src/cidr.h"

static int parse(const char *text, struct rule *rule)
{
	const char *error = NULL;
	int err = cidr_parse(text, strlen(text), rule, &error);

	if (err)
		assert_non_null(error);
	return err;
}

static void what_is_parsed_is_printed_masked(void **state)
{
	static const struct {
		const char *in, *out;
	} rows[] = {
		{"192.0.2.1", "192.0.2.1/32"},
		{"192.0.2.77/24", "192.0.2.0/24"},
		{"203.0.113.255/25", "203.0.113.128/25"},
		{"255.255.255.255/1", "128.0.0.0/1"},
		{"198.51.100.9/0", "0.0.0.0/0"},
		{"0.0.0.0/0", "0.0.0.0/0"},
		{"::/0", "::/0"},
		{"2001:db8::1", "2001:db8::1/128"},
		{"2001:DB8:0:0::1/32", "2001:db8::/32"},
		{"2001:db8:ffff::/33", "2001:db8:8000::/33"},
		{"2001:db8:ffff:ffff:ffff::/65", "2001:db8:ffff:ffff:8000::/65"},
		{"2001:db8::ffff/127", "2001:db8::fffe/127"},
		{"::ffff:192.0.2.1", "::ffff:192.0.2.1/128"},
		{"fe80::1/10", "fe80::/10"},
	};
	char text[CIDR_TEXT_BYTES];
	struct rule rule;

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		rule = (struct rule){0};
		assert_int_equal(parse(rows[i].in, &rule), 0);
		assert_int_equal(rule.family, strchr(rows[i].in, ':') ? FAMILY_IPV6 : FAMILY_IPV4);
		cidr_format(&rule, text);
		assert_string_equal(text, rows[i].out);
	}
}

static void an_address_is_stored_in_host_order(void **state)
{
	struct rule rule = {.any_protocol = 1, .port_min_host = 7};

	(void)state;
	assert_int_equal(parse("192.0.2.5/31", &rule), 0);
	assert_int_equal(rule.addr_host[0], 0xc0000204);
	assert_int_equal(rule.prefix_len, 31);
	assert_int_equal(parse("2001:db8::5", &rule), 0);
	assert_int_equal(rule.addr_host[0], 0x20010db8);
	assert_int_equal(rule.addr_host[3], 5);
	/* The other fields are the caller's. */
	assert_int_equal(rule.any_protocol, 1);
	assert_int_equal(rule.port_min_host, 7);
}

static void an_ipv4_rule_leaves_nothing_of_an_earlier_ipv6_one(void **state)
{
	struct rule rule = {0};

	(void)state;
	assert_int_equal(parse("2001:db8::5", &rule), 0);
	assert_int_equal(parse("192.0.2.1", &rule), 0);
	assert_int_equal(rule.addr_host[1] | rule.addr_host[2] | rule.addr_host[3], 0);
}

static void every_prefix_length_keeps_exactly_its_bits(void **state)
{
	struct rule rule;
	char text[64];

	(void)state;
	for (int length = 0; length <= 128; length++) {
		int ones = 0;

		snprintf(text, sizeof(text), "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff/%d", length);
		assert_int_equal(parse(text, &rule), 0);
		for (int word = 0; word < 4; word++)
			ones += __builtin_popcount(rule.addr_host[word]);
		assert_int_equal(ones, length);
		if (length > 32)
			continue;
		snprintf(text, sizeof(text), "255.255.255.255/%d", length);
		assert_int_equal(parse(text, &rule), 0);
		assert_int_equal(__builtin_popcount(rule.addr_host[0]), length);
	}
}

static void what_is_not_an_address_is_refused(void **state)
{
	static const char *const rows[] = {
		"",
		" ",
		"1",
		"1.2.3",
		"1.2.3.4.5",
		"1.2.3.",
		".1.2.3",
		"1..2.3",
		"010.0.0.1",
		"1.2.3.04",
		"00.0.0.0",
		"256.0.0.1",
		"1.2.3.4294967297",
		"-1.2.3.4",
		"+1.2.3.4",
		"0x1.2.3.4",
		" 1.2.3.4",
		"1.2.3.4 ",
		"1.2.3.4x",
		"1.2.3.4/",
		"1.2.3.4/33",
		"1.2.3.4/08",
		"1.2.3.4/-1",
		"1.2.3.4/+8",
		"1.2.3.4/ 8",
		"1.2.3.4/8/8",
		"1.2.3.4/4294967304",
		"1.2.3.4/255.0.0.0",
		"1,2,3,4",
		"1x2x3x4",
		"1.2.3.4-1.2.3.9",
		"/24",
		"localhost",
		"::/129",
		"::/",
		"::/00",
		":",
		":::",
		"1::2::3",
		"fe80::1%eth0",
		"fe80::1%1/64",
		"2001:db8::12345",
		"2001:db8::g",
		"1:2:3:4:5:6:7:8:9",
		"[2001:db8::1]",
		"2001:db8::1 ",
		"::ffff:1.2.3.256",
		"0000000000000000000000000000000000000000000000000000:1",
	};
	const struct rule untouched = {.addr_host = {1, 2, 3, 4}, .prefix_len = 5};
	struct rule rule = untouched;

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		if (parse(rows[i], &rule) != -EINVAL)
			fail_msg("'%s' was accepted", rows[i]);
		assert_memory_equal(&rule, &untouched, sizeof(rule));
	}
}

static void a_nul_inside_is_refused(void **state)
{
	const char *error = NULL;
	struct rule rule;

	(void)state;
	assert_int_equal(cidr_parse("192.0.2.1\0", 10, &rule, &error), -EINVAL);
	assert_int_equal(cidr_parse("192.0.2.1\0/24", 13, &rule, &error), -EINVAL);
	assert_int_equal(cidr_parse("2001:db8::1\0", 12, &rule, &error), -EINVAL);
	assert_int_equal(cidr_parse("2001:db8::\0001/64", 14, &rule, &error), -EINVAL);
}

static void text_that_does_not_end_in_nul_is_read_to_its_length(void **state)
{
	const char *error = NULL;
	struct rule rule;

	(void)state;
	assert_int_equal(cidr_parse("192.0.2.123", 10, &rule, &error), 0);
	assert_int_equal(rule.addr_host[0], 0xc000020c);
	assert_int_equal(cidr_parse("2001:db8::12", 11, &rule, &error), 0);
	assert_int_equal(rule.addr_host[3], 1);
	assert_int_equal(cidr_parse("192.0.2.0/24", 11, &rule, &error), 0);
	assert_int_equal(rule.prefix_len, 2);
}

static void a_network_contains_its_own_addresses_only(void **state)
{
	static const struct {
		const char *outer, *inner;
		bool contains;
	} rows[] = {
		{"192.0.2.0/24", "192.0.2.0", true},
		{"192.0.2.0/24", "192.0.2.255", true},
		{"192.0.2.0/24", "192.0.3.0", false},
		{"192.0.2.0/24", "192.0.1.255", false},
		{"192.0.2.0/24", "192.0.2.0/24", true},
		{"192.0.2.0/24", "192.0.2.0/23", false},
		{"0.0.0.0/0", "203.0.113.1", true},
		{"::/0", "203.0.113.1", false},
		{"0.0.0.0/0", "::", false},
		{"2001:db8::/65", "2001:db8::7fff:ffff:ffff:ffff", true},
		{"2001:db8::/65", "2001:db8::8000:0:0:0", false},
	};
	struct rule outer, inner;

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		assert_int_equal(parse(rows[i].outer, &outer), 0);
		assert_int_equal(parse(rows[i].inner, &inner), 0);
		assert_int_equal(cidr_contains(&outer, &inner), rows[i].contains);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_is_parsed_is_printed_masked),
		cmocka_unit_test(an_address_is_stored_in_host_order),
		cmocka_unit_test(an_ipv4_rule_leaves_nothing_of_an_earlier_ipv6_one),
		cmocka_unit_test(every_prefix_length_keeps_exactly_its_bits),
		cmocka_unit_test(what_is_not_an_address_is_refused),
		cmocka_unit_test(a_network_contains_its_own_addresses_only),
		cmocka_unit_test(a_nul_inside_is_refused),
		cmocka_unit_test(text_that_does_not_end_in_nul_is_read_to_its_length),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
