/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Save files: what is accepted is, written, read and written again, the same text. Input: a file.
 */
#include <string.h>

#include "../../src/cleanup.h"
#include "../../src/ruleset_text.h"
#include "fuzz.h"

static int parse(const void *text, size_t size, struct ruleset_file *file)
{
	_cleanup_fclose_ FILE *in = fmemopen((void *)text, size, "r");

	MUST(in);
	return ruleset_file_parse(in, "input", file);
}

/* With every `next` said, as save does not: a list without rules left has one too. */
static char *write_file(const struct ruleset_file *file, size_t *size)
{
	char *text = NULL;
	FILE *out = open_memstream(&text, size);

	MUST(out);
	fprintf(out, "bgo-rules %d\n", RULESET_TEXT_VERSION);
	for (enum hook hook = 0; hook < HOOK_COUNT; hook++)
		ruleset_text_write_policy(hook, file->default_deny[hook], file->stateful[hook],
					  file->drop_fragments[hook], out);
	for (size_t i = 0; i < file->rule_count; i++) {
		const struct ruleset_rule *rule = &file->rules[i];

		ruleset_text_write_rule(rule->hook, rule->list, rule->index, &rule->rule,
					rule->expires_s, file->comments + rule->comment, out);
	}
	for (enum hook hook = 0; hook < HOOK_COUNT; hook++)
		for (enum list list = 0; list < LIST_COUNT; list++)
			ruleset_text_write_next(hook, list, file->next_index[hook][list], out);
	ruleset_text_write_limit(&file->limit, out);
	MUST(!fclose(out));
	return text;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	_cleanup_ruleset_file_ struct ruleset_file file = {0}, again = {0};
	_cleanup_free_ char *text = NULL, *text_again = NULL;
	size_t bytes, bytes_again;

	if (!size || parse(data, size, &file))
		return 0;
	text = write_file(&file, &bytes);
	MUST(!parse(text, bytes, &again));
	text_again = write_file(&again, &bytes_again);
	MUST(bytes == bytes_again && memcmp(text, text_again, bytes) == 0);
	return 0;
}
