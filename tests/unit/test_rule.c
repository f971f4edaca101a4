/* SPDX-License-Identifier: GPL-2.0-or-later */
/* One rule as people write it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <string.h>

#include "../../src/cidr.h"
#include "../../src/rule.h"

static struct rule rule_of(const char *cidr)
{
	struct rule rule = {.any_protocol = 1};
	const char *error;

	assert_int_equal(cidr_parse(cidr, strlen(cidr), &rule, &error), 0);
	return rule;
}

static void names_read_back_as_what_they_name(void **state)
{
	enum hook hook_out;
	enum list list_out;

	(void)state;
	for (enum hook hook = 0; hook < HOOK_COUNT; hook++) {
		assert_int_equal(hook_parse(hook_name(hook), &hook_out), 0);
		assert_int_equal(hook_out, hook);
	}
	for (enum list list = 0; list < LIST_COUNT; list++) {
		assert_int_equal(list_parse(list_name(list), &list_out), 0);
		assert_int_equal(list_out, list);
	}
	hook_out = HOOK_EGRESS;
	assert_int_equal(hook_parse("XDP", &hook_out), -EINVAL);
	assert_int_equal(hook_parse("", &hook_out), -EINVAL);
	assert_int_equal(hook_out, HOOK_EGRESS);
	assert_int_equal(list_parse("white", &list_out), -EINVAL);
}

static void icmp_is_the_protocol_of_the_rules_family(void **state)
{
	struct rule v4 = rule_of("192.0.2.1"), v6 = rule_of("2001:db8::1");
	char text[RULE_TEXT_BYTES];
	const char *error;

	(void)state;
	assert_int_equal(rule_parse_protocol("icmp", &v4, &error), 0);
	assert_int_equal(v4.protocol, 1);
	assert_int_equal(rule_parse_protocol("icmp", &v6, &error), 0);
	assert_int_equal(v6.protocol, 58);
	assert_int_equal(rule_parse_protocol("icmpv6", &v6, &error), 0);
	assert_int_equal(v6.protocol, 58);
	assert_int_equal(rule_parse_protocol("icmpv6", &v4, &error), -EINVAL);
	assert_int_equal(v4.protocol, 1);
	/* A number is a number: 1 in an IPv6 rule is no ICMPv6, and must not be printed as what
	 * reads back as 58. */
	assert_int_equal(rule_parse_protocol("1", &v6, &error), 0);
	assert_int_equal(v6.protocol, 1);
	rule_format_protocol(&v6, text);
	assert_string_equal(text, "1");
}

static void every_protocol_reads_back_as_it_is_printed(void **state)
{
	struct rule rules[] = {rule_of("192.0.2.1"), rule_of("2001:db8::1")};
	char text[RULE_TEXT_BYTES];
	struct rule again;
	const char *error;

	(void)state;
	for (int i = 0; i < 2; i++) {
		for (int number = 0; number < 256; number++) {
			rules[i].any_protocol = 0;
			rules[i].protocol = (uint8_t)number;
			rule_format_protocol(&rules[i], text);
			again = rules[i];
			again.protocol = (uint8_t)~number;
			assert_int_equal(rule_parse_protocol(text, &again, &error), 0);
			assert_true(rule_equal(&again, &rules[i]));
		}
	}
}

static void what_is_not_a_protocol_is_refused(void **state)
{
	static const char *const rows[] = {"",	   "256",     "-1",  "06",  "6 ",
					   "tcpp", "tcp,udp", "0x6", "6tcp"};
	const struct rule untouched = rule_of("192.0.2.1");
	struct rule rule = untouched;
	const char *error;

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		error = NULL;
		if (rule_parse_protocol(rows[i], &rule, &error) != -EINVAL || !error)
			fail_msg("'%s' was accepted", rows[i]);
		assert_true(rule_equal(&rule, &untouched));
	}
}

static void any_protocol_leaves_no_number_behind(void **state)
{
	struct rule rule = rule_of("192.0.2.1");
	const struct rule any = rule;
	const char *error;

	(void)state;
	assert_int_equal(rule_parse_protocol("udp", &rule, &error), 0);
	assert_false(rule_equal(&rule, &any));
	assert_int_equal(rule_parse_protocol("any", &rule, &error), 0);
	assert_true(rule_equal(&rule, &any));
}

static void ports_are_1_to_65535_in_order(void **state)
{
	static const struct {
		const char *text;
		int first, last; /* 0: refused */
	} rows[] = {
		{"1", 1, 1},	       {"65535", 65535, 65535},
		{"100-200", 100, 200}, {"1-65535", 1, 65535},
		{"22-22", 22, 22},     {"0", 0, 0},
		{"65536", 0, 0},       {"-1", 0, 0},
		{"80-22", 0, 0},       {"", 0, 0},
		{"-", 0, 0},	       {"1-", 0, 0},
		{"0-5", 0, 0},	       {"5-65536", 0, 0},
		{"022", 0, 0},	       {"22 ", 0, 0},
		{"22,80", 0, 0},       {"ssh", 0, 0},
		{"4294967318", 0, 0},  {"1-2-3", 0, 0},
		{"100 - 200", 0, 0},   {"+22", 0, 0},
	};
	struct rule rule;
	const char *error;

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		rule = (struct rule){.port_min_host = 7, .port_max_host = 9};
		error = NULL;
		if (rule_parse_port(rows[i].text, &rule, &error) != (rows[i].first ? 0 : -EINVAL))
			fail_msg("'%s'", rows[i].text);
		assert_int_equal(rule.port_min_host, rows[i].first ? rows[i].first : 7);
		assert_int_equal(rule.port_max_host, rows[i].first ? rows[i].last : 9);
		assert_true(rows[i].first || error);
	}
}

static void a_port_needs_a_protocol_that_has_ports(void **state)
{
	static const uint8_t with_ports[] = {6, 17, 33, 132, 136};
	struct rule rule = rule_of("192.0.2.1");
	const char *error;

	(void)state;
	assert_int_equal(rule_parse_port("22", &rule, &error), 0);
	assert_int_equal(rule_check(&rule, &error), 0);
	rule.any_protocol = 0;
	for (int number = 0; number < 256; number++) {
		rule.protocol = (uint8_t)number;
		assert_int_equal(rule_check(&rule, &error),
				 memchr(with_ports, number, sizeof(with_ports)) ? 0 : -EINVAL);
	}
	rule.port_min_host = rule.port_max_host = 0;
	rule.protocol = 1;
	assert_int_equal(rule_check(&rule, &error), 0);
}

static void a_rule_is_printed_in_the_words_of_the_save_format(void **state)
{
	struct rule rule = rule_of("192.168.1.0/24");
	char text[RULE_TEXT_BYTES];
	const char *error;

	(void)state;
	rule_format(&rule, text);
	assert_string_equal(text, "192.168.1.0/24");
	assert_int_equal(rule_parse_port("100-200", &rule, &error), 0);
	rule_format(&rule, text);
	assert_string_equal(text, "192.168.1.0/24 port 100-200");
	assert_int_equal(rule_parse_protocol("udp", &rule, &error), 0);
	rule_format(&rule, text);
	assert_string_equal(text, "192.168.1.0/24 port 100-200 proto udp");
}

static void comments_are_utf8_without_control_characters(void **state)
{
	static const struct {
		const char *text;
		bool fine;
	} rows[] = {
		{"", true},
		{"office ssh \"x\" \\", true},
		{"b\303\274ro \342\202\254 \360\237\230\200", true},
		{"123456789012345678901234567890123456789012345678901234567890abcd", true},
		{"123456789012345678901234567890123456789012345678901234567890abcde", false},
		{"first of each length \302\240 \340\240\200 \360\220\200\200", true},
		{"last \337\277 \355\237\277 \357\277\277 \364\217\277\277", true},
		{"tab\t", false},
		{"line\n", false},
		{"esc \033[31m", false},
		{"del \177", false},
		{"c1 \302\205", false},
		{"\377", false},
		{"cut \303", false},
		{"overlong \300\257", false},
		{"overlong \340\200\257", false},
		{"surrogate \355\240\200", false},
		{"beyond \364\220\200\200", false},
		{"beyond \365\200\200\200", false},
		{"lone \200", false},
	};
	const char *error;

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		if (rule_check_comment(rows[i].text, strlen(rows[i].text), &error) !=
		    (rows[i].fine ? 0 : -EINVAL))
			fail_msg("comment %zu", i);
	assert_int_equal(rule_check_comment("a\0b", 3, &error), -EINVAL);
}

/* Each rule comes before all that follow it. */
static void the_more_specific_rule_gets_the_hit(void **state)
{
	const struct rule_slot order[] = {
		{.rule = {.prefix_len = 32, .any_protocol = 1}, .index = 9},
		{.rule = {.prefix_len = 24,
			  .protocol = 6,
			  .port_min_host = 22,
			  .port_max_host = 22},
		 .index = 8},
		{.rule = {.prefix_len = 24,
			  .protocol = 6,
			  .port_min_host = 1,
			  .port_max_host = 65535},
		 .index = 7},
		{.rule = {.prefix_len = 24, .protocol = 6}, .index = 6},
		{.rule = {.prefix_len = 24,
			  .any_protocol = 1,
			  .port_min_host = 22,
			  .port_max_host = 23},
		 .index = 1},
		{.rule = {.prefix_len = 24,
			  .any_protocol = 1,
			  .port_min_host = 22,
			  .port_max_host = 23},
		 .index = 5},
		{.rule = {.prefix_len = 24, .any_protocol = 1}, .index = 4},
		{.rule = {.prefix_len = 0, .protocol = 6}, .index = 3},
	};
	const size_t count = sizeof(order) / sizeof(order[0]);

	(void)state;
	for (size_t i = 0; i < count; i++)
		for (size_t j = 0; j < count; j++) {
			int result = rule_precedence(&order[i], &order[j]);

			assert_int_equal((result > 0) - (result < 0), (i > j) - (i < j));
		}
}

static struct rule full_rule(const char *cidr, const char *protocol, const char *port)
{
	struct rule rule = rule_of(cidr);
	const char *error;

	assert_int_equal(rule_parse_protocol(protocol, &rule, &error), 0);
	if (port)
		assert_int_equal(rule_parse_port(port, &rule, &error), 0);
	return rule;
}

static void a_query_finds_rules_that_match_some_or_all_of_its_packets(void **state)
{
	enum { NONE, SOME, ALL };
	static const struct {
		const char *rule[3], *query[3];
		int matched;
	} rows[] = {
		{{"192.0.2.0/24", "any", NULL}, {"192.0.2.7", "any", NULL}, ALL},
		{{"192.0.2.0/24", "any", NULL}, {"192.0.3.7", "any", NULL}, NONE},
		{{"192.0.2.0/24", "any", NULL}, {"2001:db8::", "any", NULL}, NONE},
		{{"192.0.2.7", "any", NULL}, {"192.0.2.0/24", "any", NULL}, NONE},
		{{"192.0.2.0/24", "tcp", NULL}, {"192.0.2.7", "any", NULL}, SOME},
		{{"192.0.2.0/24", "tcp", NULL}, {"192.0.2.7", "tcp", "22"}, ALL},
		{{"192.0.2.0/24", "tcp", NULL}, {"192.0.2.7", "udp", NULL}, NONE},
		{{"192.0.2.0/24", "tcp", "22"}, {"192.0.2.7", "tcp", NULL}, SOME},
		{{"192.0.2.0/24", "tcp", "22"}, {"192.0.2.7", "tcp", "22"}, ALL},
		{{"192.0.2.0/24", "tcp", "22"}, {"192.0.2.7", "tcp", "23"}, NONE},
		{{"192.0.2.0/24", "tcp", "22"}, {"192.0.2.7", "any", "22"}, SOME},
		{{"192.0.2.0/24", "any", "22"}, {"192.0.2.7", "any", "22"}, ALL},
		{{"192.0.2.0/24", "any", "22"}, {"192.0.2.7", "icmp", NULL}, NONE},
		{{"192.0.2.0/24", "any", "10-30"}, {"192.0.2.7", "udp", "30"}, ALL},
		{{"192.0.2.0/24", "any", "10-30"}, {"192.0.2.7", "udp", "31"}, NONE},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct rule rule = full_rule(rows[i].rule[0], rows[i].rule[1], rows[i].rule[2]);
		struct rule query = full_rule(rows[i].query[0], rows[i].query[1], rows[i].query[2]);

		if (rule_may_match(&rule, &query) != (rows[i].matched != NONE) ||
		    rule_must_match(&rule, &query) != (rows[i].matched == ALL))
			fail_msg("row %zu", i);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(names_read_back_as_what_they_name),
		cmocka_unit_test(icmp_is_the_protocol_of_the_rules_family),
		cmocka_unit_test(every_protocol_reads_back_as_it_is_printed),
		cmocka_unit_test(what_is_not_a_protocol_is_refused),
		cmocka_unit_test(any_protocol_leaves_no_number_behind),
		cmocka_unit_test(ports_are_1_to_65535_in_order),
		cmocka_unit_test(a_port_needs_a_protocol_that_has_ports),
		cmocka_unit_test(a_rule_is_printed_in_the_words_of_the_save_format),
		cmocka_unit_test(comments_are_utf8_without_control_characters),
		cmocka_unit_test(the_more_specific_rule_gets_the_hit),
		cmocka_unit_test(a_query_finds_rules_that_match_some_or_all_of_its_packets),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
