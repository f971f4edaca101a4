/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Lists of addresses: every entry that is accepted is a whole rule. Input: a file. */
#include <errno.h>
#include <string.h>

#include "../../src/cidr.h"
#include "../../src/list_file.h"
#include "../../src/rule.h"
#include "fuzz.h"

static void check_entry(const struct rule *rule)
{
	char text[RULE_TEXT_BYTES];
	struct rule again = {.any_protocol = 1};
	const char *error;

	rule_format(rule, text);
	MUST(!cidr_parse(text, strlen(text), &again, &error));
	MUST(rule_equal(rule, &again)); /* for any protocol and port, and masked */
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	_cleanup_fclose_ FILE *in = NULL;
	_cleanup_list_file_ struct list_file list = {0};
	struct rule rule;
	int got;

	if (!size)
		return 0;
	in = fmemopen((void *)data, size, "r");
	MUST(in && !list_file_open(&list, in, "input"));
	while ((got = list_file_next(&list, &rule)) > 0)
		check_entry(&rule);
	MUST(got == 0 || got == -EINVAL);
	return 0;
}
