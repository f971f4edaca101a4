/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The save format: what is written is read back the same; what is wrong is named with its place. */
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

#include "../../src/ruleset_parse.h"
#include "../../src/ruleset_text.h"

#define SAID_BYTES 512

/* Parses a text; what went to stderr is in `said`. */
static int parse(const char *text, struct ruleset_file *file, char said[static SAID_BYTES])
{
	_cleanup_fclose_ FILE *in =
		*text ? fmemopen((void *)text, strlen(text), "r") : fopen("/dev/null", "r");
	int saved = dup(STDERR_FILENO), pipe_fds[2], err;
	ssize_t length;

	assert_non_null(in);
	assert_int_equal(pipe(pipe_fds), 0);
	dup2(pipe_fds[1], STDERR_FILENO);
	err = ruleset_file_parse(in, "file", file);
	dup2(saved, STDERR_FILENO);
	close(saved);
	close(pipe_fds[1]);
	length = read(pipe_fds[0], said, SAID_BYTES - 1);
	close(pipe_fds[0]);
	said[length > 0 ? length : 0] = '\0';
	return err;
}

/* As save writes a store that holds what the file says. */
static char *write_file(const struct ruleset_file *file)
{
	size_t at = 0, bytes;
	char *text = NULL;
	FILE *out = open_memstream(&text, &bytes);

	fprintf(out, "bgo-rules 1\n");
	for (enum hook hook = 0; hook < HOOK_COUNT; hook++)
		ruleset_text_write_policy(hook, file->default_deny[hook], file->stateful[hook],
					  file->drop_fragments[hook], out);
	for (enum hook hook = 0; hook < HOOK_COUNT; hook++)
		for (enum list list = 0; list < LIST_COUNT; list++) {
			uint32_t next = 0;

			for (; at < file->rule_count && file->rules[at].hook == hook &&
			       file->rules[at].list == list;
			     at++) {
				const struct ruleset_rule *rule = &file->rules[at];

				ruleset_text_write_rule(hook, list, rule->index, &rule->rule,
							rule->expires_s,
							file->comments + rule->comment, out);
				next = rule->index + 1;
			}
			if (file->next_index[hook][list] != next)
				ruleset_text_write_next(hook, list, file->next_index[hook][list],
							out);
		}
	ruleset_text_write_limit(&file->limit, out);
	ruleset_text_write_source_limit(&file->limit.source, out);
	fclose(out);
	return text;
}

#define POLICIES                                                                                   \
	"policy xdp allow fragments match\n"                                                       \
	"policy ingress allow fragments match\n"                                                   \
	"policy egress allow fragments match\n"

static void what_is_saved_reads_back_byte_for_byte(void **state)
{
	static const char *const texts[] = {
		"bgo-rules 1\n" POLICIES,
		"bgo-rules 1\n"
		"policy xdp deny fragments match\n"
		"policy ingress deny stateful fragments drop\n"
		"policy egress deny fragments drop\n"
		"rule xdp whitelist 0 192.168.1.0/24 port 22 proto tcp comment \"office ssh\"\n"
		"rule xdp whitelist 3 192.168.1.0/24 port 22 proto udp\n"
		"rule xdp blacklist 7 2001:db8::/32 expires 2026-11-23T10:00:00Z\n"
		"rule xdp blacklist 8 192.0.2.1/32 port 80 expires 1970-01-01T00:00:01Z "
		"comment \"expires\"\n"
		"next xdp blacklist 12\n"
		"rule ingress whitelist 0 203.0.113.9/32\n",
		"bgo-rules 1\n" POLICIES "next xdp whitelist 5\n"
		"rule ingress whitelist 4294967294 0.0.0.0/0 proto icmp\n"
		"rule ingress blacklist 0 ::/0 proto icmpv6\n"
		"rule egress blacklist 0 0.0.0.0/0 port 100-200 proto udp\n"
		"rule egress blacklist 1 198.51.100.7/32 port 1-65535\n"
		"rule egress blacklist 2 198.51.100.7/32 proto 253 comment \"a \\\"b\\\" \\\\ "
		"\303\274\"\n"
		"ratelimit pps 1000 bps 1048576 burst 100 exempt-whitelist enabled\n",
		"bgo-rules 1\n" POLICIES "ratelimit bps 1048576 disabled\n",
		"bgo-rules 1\n" POLICIES "ratelimit exempt-whitelist disabled\n",
		"bgo-rules 1\n" POLICIES
		"ratelimit-source pps 100 burst 5 prefix4 24 prefix6 48 enabled\n",
		"bgo-rules 1\n" POLICIES "ratelimit-source prefix4 0 prefix6 128 disabled\n",
	};
	char said[SAID_BYTES];

	(void)state;
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		_cleanup_ruleset_file_ struct ruleset_file file = {0};
		_cleanup_free_ char *again = NULL;

		assert_int_equal(parse(texts[i], &file, said), 0);
		again = write_file(&file);
		assert_string_equal(again, texts[i]);
	}
}

static void a_hand_written_file_may_omit_everything_but_the_rule(void **state)
{
	_cleanup_ruleset_file_ struct ruleset_file file = {0};
	_cleanup_free_ char *text = NULL;
	char said[SAID_BYTES];

	(void)state;
	assert_int_equal(
		parse("\xef\xbb\xbf# my rules\r\n"
		      "\r\n"
		      "  bgo-rules\t1  \r\n"
		      "rule xdp blacklist 192.0.2.77/24\r\n"
		      "rule xdp blacklist 4 198.51.100.1 comment \"x\" proto TCP port 22\r\n"
		      "rule xdp blacklist 203.0.113.1 proto any\r\n"
		      "rule xdp blacklist 1 192.0.2.1\r\n"
		      "ratelimit pps 5\r\n"
		      "policy xdp deny stateful\n"
		      "policy egress deny",
		      &file, said),
		0);
	text = write_file(&file);
	/* Rules without an index come behind those that have one. */
	assert_string_equal(text,
			    "bgo-rules 1\n"
			    "policy xdp deny stateful fragments match\n"
			    "policy ingress allow fragments match\n"
			    "policy egress deny fragments match\n"
			    "rule xdp blacklist 1 192.0.2.1/32\n"
			    "rule xdp blacklist 4 198.51.100.1/32 port 22 proto tcp comment \"x\"\n"
			    "rule xdp blacklist 5 192.0.2.0/24\n"
			    "rule xdp blacklist 6 203.0.113.1/32\n"
			    "ratelimit pps 5 enabled\n");
}

static void indexes_behind_a_next_statement_are_not_given_again(void **state)
{
	_cleanup_ruleset_file_ struct ruleset_file file = {0};
	char said[SAID_BYTES];

	(void)state;
	assert_int_equal(parse("bgo-rules 1\nrule xdp whitelist 192.0.2.1\nnext xdp whitelist 9\n",
			       &file, said),
			 0);
	assert_int_equal(file.rules[0].index, 9);
	assert_int_equal(file.next_index[HOOK_XDP][LIST_WHITELIST], 10);
}

static void the_last_index_of_all_is_given(void **state)
{
	_cleanup_ruleset_file_ struct ruleset_file file = {0};
	char said[SAID_BYTES];

	(void)state;
	assert_int_equal(
		parse("bgo-rules 1\nnext xdp whitelist 4294967294\nrule xdp whitelist 192.0.2.1\n",
		      &file, said),
		0);
	assert_int_equal(file.rules[0].index, 4294967294);
	assert_int_equal(file.next_index[HOOK_XDP][LIST_WHITELIST], 4294967295);
}

static void what_is_wrong_is_named_with_line_and_column(void **state)
{
	static const struct {
		const char *text,
			*said; /* the text behind "bgo-rules 1\n" unless it begins with ! */
	} rows[] = {
		{"!", "file:1:1: not a rule file: its first line should be bgo-rules 1"},
		{"!# nothing\n", "file:1:1: not a rule file"},
		{"!rule xdp whitelist 192.0.2.1\n", "file:1:1: 'rule': not a rule file"},
		{"!bgo-rules 2\n", "file:1:11: '2': not a version this bgo reads"},
		{"!bgo-rules\n", "file:1:10: '': not a version"},
		{"!bgo-rules 1 x\n", "file:1:13: 'x': unexpected text"},
		{"!bgo-rules 01\n", "file:1:11: '01': not a version"},
		{"bgo-rules 1\n", "file:2:1: 'bgo-rules': unknown statement"},
		{"  rules xdp\n", "file:2:3: 'rules': unknown statement, expected rule, policy"},
		{"policy\n", "file:2:7: '': not a hook"},
		{"policy tc allow\n", "file:2:8: 'tc': not a hook (xdp, ingress or egress)"},
		{"policy xdp drop\n", "file:2:12: expected allow or deny"},
		{"policy xdp allow fragments\n", "file:2:27: expected match or drop"},
		{"policy xdp allow frags drop\n", "file:2:18: 'frags': unknown word"},
		{"policy xdp allow stateful\n", "file:2:18: 'stateful': goes with deny"},
		{"policy egress deny stateful\n", "file:2:20: 'stateful': goes with deny"},
		{"policy xdp deny stateful x\n", "file:2:26: 'x': unknown word"},
		{"policy xdp allow fragments drop x\n", "file:2:33: 'x': unexpected text"},
		{"policy xdp allow\npolicy xdp deny\n",
		 "file:3:8: 'xdp': this hook has a policy already"},
		{"rule xdp greylist 192.0.2.1\n", "file:2:10: 'greylist': not a list"},
		{"rule xdp whitelist\n", "file:2:19: '': no address"},
		{"rule xdp whitelist 3\n", "file:2:21: '': no address"},
		{"rule xdp whitelist 03 192.0.2.1\n", "file:2:20: '03': not an index"},
		{"rule xdp whitelist 4294967295 192.0.2.1\n",
		 "file:2:20: '4294967295': not an index"},
		{"rule xdp whitelist -1 192.0.2.1\n", "file:2:20: '-1': not an IPv4 address"},
		{"rule xdp whitelist 0 010.0.0.1\n", "file:2:22: '010.0.0.1': not an IPv4 address"},
		{"rule xdp whitelist 0 192.0.2.1 prot tcp\n", "file:2:32: 'prot': unknown word"},
		{"rule xdp whitelist 0 192.0.2.1 proto\n", "file:2:37: '': not a protocol"},
		{"rule xdp whitelist 0 192.0.2.1 port 0\n", "file:2:37: '0': not a port"},
		{"rule xdp whitelist 0 192.0.2.1 port 80-22\n",
		 "file:2:37: '80-22': the range ends"},
		{"rule xdp whitelist 0 192.0.2.1 port 80,22\n", "file:2:37: '80,22': not a port"},
		{"rule xdp whitelist 0 192.0.2.1 port 1 port 2\n",
		 "file:2:39: 'port': given twice"},
		{"rule xdp whitelist 0 192.0.2.1 port 1 proto icmp\n",
		 "file:2:20: this protocol has no ports"},
		{"rule xdp whitelist 0 192.0.2.1 expires soon\n",
		 "file:2:40: 'soon': not a time of 1970 to 2106 like 2026-11-23T10:00:00Z"},
		{"rule xdp whitelist 0 192.0.2.1 expires\n", "file:2:39: '': not a time of 1970"},
		{"rule xdp whitelist 0 192.0.2.1 expires 2026-02-29T10:00:00Z\n",
		 "file:2:40: '2026-02-29T10:00:00Z': not a time"},
		{"rule xdp whitelist 0 192.0.2.1 expires 2026-11-23T10:00:00Z expires "
		 "2026-11-23T10:00:00Z\n",
		 "file:2:61: 'expires': given twice"},
		{"rule xdp whitelist 0 192.0.2.1 comment x\n",
		 "file:2:40: comment: expected text in \"quotes\""},
		{"rule xdp whitelist 0 192.0.2.1 comment\n", "file:2:39: comment: expected text"},
		{"rule xdp whitelist 0 192.0.2.1 comment \"x\n",
		 "file:2:40: comment: its closing \" is missing"},
		{"rule xdp whitelist 0 192.0.2.1 comment \"x\\\"\n",
		 "file:2:40: comment: its closing"},
		{"rule xdp whitelist 0 192.0.2.1 comment \"\\n\"\n",
		 "file:2:41: comment: \\ stands before"},
		{"rule xdp whitelist 0 192.0.2.1 comment \"x\"y\n",
		 "file:2:43: unexpected text after the comment"},
		{"rule xdp whitelist 0 192.0.2.1 comment \"\033[2J\"\n",
		 "file:2:40: comment: not UTF-8 text"},
		{"rule xdp whitelist 0 192.0.2.1 comment \"\377\"\n",
		 "file:2:40: comment: not UTF-8 text"},
		{"rule xdp whitelist 0 192.0.2.1 comment \""
		 "12345678901234567890123456789012345678901234567890123456789012345\"\n",
		 "file:2:40: comment: longer than 64 bytes"},
		{"rule xdp whitelist 0 192.0.2.1 comment \"\303\274\" x\n",
		 "file:2:44: 'x': unknown word"},
		{"rule xdp whitelist 0 192.0.2.1\nrule xdp whitelist 0 192.0.2.2\n",
		 "file:3:20: the index is that of line 2"},
		{"rule xdp whitelist 0 192.0.2.1\nrule xdp whitelist 1 192.0.2.1/32 comment "
		 "\"y\"\n",
		 "file:3:20: the same rule as in line 2"},
		{"rule xdp whitelist 192.0.2.1\nrule xdp whitelist 192.0.2.1\n",
		 "file:3:20: the same rule"},
		{"next xdp whitelist\n", "file:2:19: '': not an index"},
		{"next xdp whitelist 1\nnext xdp whitelist 2\n", "is given already"},
		{"next xdp whitelist 1 2\n", "file:2:22: '2': unexpected text"},
		{"rule xdp whitelist 5 192.0.2.1\nnext xdp whitelist 5\n",
		 "file:3:1: the next index is 5, but line 2 has index 5"},
		{"next xdp whitelist 4294967295\nrule xdp whitelist 192.0.2.1\n",
		 "file:3:20: no index is left in this list"},
		{"ratelimit\n", "file:2:1: enabled, but neither pps nor bps is given"},
		{"ratelimit pps enabled\n", "file:2:15: 'enabled': not a number"},
		{"ratelimit pps 1K enabled\n", "file:2:15: '1K': not a number"},
		{"ratelimit bps 1 pps 1 enabled\n", "file:2:17: 'pps': expected [pps N]"},
		{"ratelimit enabled\n", "file:2:1: enabled, but neither pps nor bps is given"},
		{"ratelimit pps 1 enabled x\n", "file:2:25: 'x': unexpected text"},
		{"ratelimit pps 99999999999999 enabled\n",
		 "file:2:1: these limits are out of range"},
		{"ratelimit-source prefix4 24\n",
		 "file:2:1: enabled, but neither pps nor bps is given"},
		{"ratelimit-source pps 1 prefix4 33\n", "file:2:32: '33': not a prefix length"},
		{"ratelimit-source pps 1 prefix6 129\n", "file:2:32: '129': not a prefix length"},
		{"ratelimit-source pps 1 prefix6 64 prefix4 32\n",
		 "file:2:35: 'prefix4': expected [pps N]"},
		{"ratelimit-source pps 1 exempt-whitelist\n",
		 "file:2:24: 'exempt-whitelist': expected [pps N]"},
		{"ratelimit-source pps 1\nratelimit-source pps 1\n",
		 "file:3:1: 'ratelimit-source': the limit of each source is given already"},
		{"ratelimit pps 1 enabled\nratelimit pps 1 enabled\n",
		 "file:3:1: 'ratelimit': the rate limit is"},
	};
	char said[SAID_BYTES], text[1024];

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct ruleset_file file;

		snprintf(text, sizeof(text), "%s%s", *rows[i].text == '!' ? "" : "bgo-rules 1\n",
			 rows[i].text + (*rows[i].text == '!'));
		if (parse(text, &file, said) != -EINVAL)
			fail_msg("row %zu was read: %s", i, text);
		if (!strstr(said, rows[i].said))
			fail_msg("row %zu said: %s", i, said);
	}
}

static void the_same_rule_may_stand_in_several_lists(void **state)
{
	_cleanup_ruleset_file_ struct ruleset_file file = {0};
	char said[SAID_BYTES];

	(void)state;
	assert_int_equal(
		parse("bgo-rules 1\n"
		      "rule xdp whitelist 0 192.0.2.1\nrule xdp blacklist 0 192.0.2.1\n"
		      "rule ingress blacklist 0 192.0.2.1\nrule xdp whitelist 1 192.0.2.1 port 1\n"
		      "rule xdp whitelist 2 192.0.2.1 proto 0\n",
		      &file, said),
		0);
	assert_int_equal(file.rule_count, 5);
}

/* Enough rules to make the arrays grow, each with a comment, indexes falling. */
static void a_large_file_is_read_whole_and_sorted(void **state)
{
	_cleanup_ruleset_file_ struct ruleset_file file = {0};
	_cleanup_free_ char *text = malloc(5000 * 80);
	const int count = 5000;
	char said[SAID_BYTES], comment[32];
	int length = sprintf(text, "bgo-rules 1\n");

	(void)state;
	for (int i = count - 1; i >= 0; i--)
		length += sprintf(text + length,
				  "rule egress whitelist %d 198.18.%d.%d comment \"no %d\"\n", i,
				  i >> 8, i & 255, i);
	assert_int_equal(parse(text, &file, said), 0);
	assert_int_equal(file.rule_count, count);
	for (int i = 0; i < count; i++) {
		snprintf(comment, sizeof(comment), "no %d", i);
		assert_int_equal(file.rules[i].index, i);
		assert_int_equal(file.rules[i].rule.addr_host[0], 0xc6120000 + i);
		assert_string_equal(file.comments + file.rules[i].comment, comment);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_is_saved_reads_back_byte_for_byte),
		cmocka_unit_test(a_hand_written_file_may_omit_everything_but_the_rule),
		cmocka_unit_test(indexes_behind_a_next_statement_are_not_given_again),
		cmocka_unit_test(the_last_index_of_all_is_given),
		cmocka_unit_test(what_is_wrong_is_named_with_line_and_column),
		cmocka_unit_test(the_same_rule_may_stand_in_several_lists),
		cmocka_unit_test(a_large_file_is_read_whole_and_sorted),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
