/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Reads a save file: a table of statements, each with its own small grammar. See ruleset_text.h. */
#include "ruleset_parse.h"

#include <string.h>

#include "../bpf/ratelimit_source.h"
#include "cidr.h"
#include "decimal.h"
#include "lines.h"
#include "log.h"
#include "lvs_text.h"
#include "options.h"
#include "rule.h"
#include "ruleset_text.h"
#include "time_text.h"

struct parser {
	struct ruleset_file *file;
	struct lines lines;
	char *at;	  /* the rest of the current line */
	const char *word; /* the last word read; "" at the end of the line */
	bool has_version, has_limit, has_source_limit, has_policy[HOOK_COUNT];
};

static void parser_close(struct parser *parser)
{
	lines_close(&parser->lines);
}

/* The next word, ended by NUL in place; "" when there is none. */
static const char *next_word(struct parser *parser)
{
	char *at = parser->at + strspn(parser->at, " \t");

	parser->word = at;
	at += strcspn(at, " \t");
	if (*at)
		*at++ = '\0';
	parser->at = at;
	return parser->word;
}

/* What is wrong with the last word, after quoting it. */
static int bad_word(const struct parser *parser, const char *why)
{
	char quoted[QUOTE_BYTES];

	return lines_error(&parser->lines, parser->word, "'%s': %s",
			   lines_quote(parser->word, strlen(parser->word), quoted), why);
}

static int expect_end(struct parser *parser)
{
	return *next_word(parser) ? bad_word(parser, "unexpected text") : 0;
}

static int read_hook(struct parser *parser, enum hook *hook)
{
	if (hook_parse(next_word(parser), hook))
		return bad_word(parser, "not a hook (xdp, ingress or egress)");
	return 0;
}

static int read_list(struct parser *parser, enum list *list)
{
	if (list_parse(next_word(parser), list))
		return bad_word(parser, "not a list (whitelist or blacklist)");
	return 0;
}

/* The last word as a number of at most `max`. */
static int word_to_number(const struct parser *parser, uint32_t max, const char *error,
			  uint32_t *out)
{
	const char *end = decimal_read(parser->word, parser->word + strlen(parser->word), max, out);

	return end && !*end ? 0 : bad_word(parser, error);
}

static int word_to_index(const struct parser *parser, uint32_t max, uint32_t *out)
{
	return word_to_number(parser, max, "not an index", out);
}

/* One of two words: whether it is the second. */
static int read_either(struct parser *parser, const char *no, const char *yes, bool *is_yes)
{
	const char *word = next_word(parser);

	if (strcmp(word, yes) && strcmp(word, no))
		return lines_error(&parser->lines, word, "expected %s or %s", no, yes);
	*is_yes = strcmp(word, yes) == 0;
	return 0;
}

static int parse_version(struct parser *parser)
{
	uint32_t version;
	const char *end;

	next_word(parser);
	end = decimal_read(parser->word, parser->word + strlen(parser->word), UINT32_MAX, &version);
	if (!end || *end || version != RULESET_TEXT_VERSION)
		return bad_word(parser, "not a version this bgo reads (it reads version 1)");
	parser->has_version = true;
	return expect_end(parser);
}

static int parse_policy(struct parser *parser)
{
	enum hook hook;
	int err;

	err = read_hook(parser, &hook);
	if (err)
		return err;
	if (parser->has_policy[hook])
		return bad_word(parser, "this hook has a policy already");
	parser->has_policy[hook] = true;
	err = read_either(parser, "allow", "deny", &parser->file->default_deny[hook]);
	if (err || !*next_word(parser))
		return err;
	if (strcmp(parser->word, "stateful") == 0) {
		if (hook == HOOK_EGRESS || !parser->file->default_deny[hook])
			return bad_word(parser, "goes with deny at xdp and ingress only");
		parser->file->stateful[hook] = true;
		if (!*next_word(parser))
			return 0;
	}
	if (strcmp(parser->word, "fragments"))
		return bad_word(parser, "unknown word, expected stateful or fragments");
	err = read_either(parser, "match", "drop", &parser->file->drop_fragments[hook]);
	return err ? err : expect_end(parser);
}

/* Makes room for one more: doubles. 0 or -ENOMEM, logged. */
static int grow(const struct parser *parser, void **array, size_t *capacity, size_t size,
		size_t least)
{
	size_t wanted = *capacity ? 2 * *capacity : 1024;
	void *grown;

	if (wanted < least)
		wanted = least;
	grown = reallocarray(*array, wanted, size);
	if (!grown)
		return log_error(-ENOMEM, "read %s", parser->lines.name);
	*array = grown;
	*capacity = wanted;
	return 0;
}

static int keep_comment(struct parser *parser, const char *text, size_t length, uint32_t *place)
{
	struct ruleset_file *file = parser->file;
	const size_t bytes = file->comment_bytes + length + 1;
	int err;

	if (bytes > UINT32_MAX)
		return lines_error(&parser->lines, parser->word, "too many comments");
	if (bytes > file->comment_capacity) {
		err = grow(parser, (void **)&file->comments, &file->comment_capacity, 1, bytes);
		if (err)
			return err;
	}
	*place = (uint32_t)file->comment_bytes;
	memcpy(file->comments + file->comment_bytes, text, length);
	file->comments[bytes - 1] = '\0';
	file->comment_bytes = bytes;
	return 0;
}

/* "text in quotes", with \" and \\ in it. */
static int read_comment(struct parser *parser, uint32_t *place)
{
	char text[LINE_BYTES_MAX], *at = parser->at + strspn(parser->at, " \t");
	const char *const begin = at, *error;
	size_t length = 0;

	if (*at++ != '"')
		return lines_error(&parser->lines, begin, "comment: expected text in \"quotes\"");
	for (; *at != '"'; at++) {
		if (*at == '\\' && (at[1] == '"' || at[1] == '\\'))
			at++;
		else if (*at == '\\')
			return lines_error(&parser->lines, at,
					   "comment: \\ stands before \" or \\ only");
		if (!*at)
			return lines_error(&parser->lines, begin,
					   "comment: its closing \" is missing");
		text[length++] = *at;
	}
	at++;
	if (*at && *at != ' ' && *at != '\t')
		return lines_error(&parser->lines, at, "unexpected text after the comment");
	if (rule_check_comment(text, length, &error))
		return lines_error(&parser->lines, begin, "comment: %s", error);
	parser->at = at;
	parser->word = begin;
	return length ? keep_comment(parser, text, length, place) : 0;
}

/* What may follow a rule's CIDR, each at most once. */
enum clause { CLAUSE_PORT = 1, CLAUSE_PROTO = 2, CLAUSE_COMMENT = 4, CLAUSE_EXPIRES = 8 };

/* The clause that the last word begins. *seen: those of this rule so far. */
static int parse_clause(struct parser *parser, struct ruleset_rule *out, unsigned int *seen)
{
	const char *const word = parser->word, *error;
	unsigned int clause;

	clause = strcmp(word, "port") == 0	? CLAUSE_PORT
		 : strcmp(word, "proto") == 0	? CLAUSE_PROTO
		 : strcmp(word, "comment") == 0 ? CLAUSE_COMMENT
		 : strcmp(word, "expires") == 0 ? CLAUSE_EXPIRES
						: 0;
	if (!clause)
		return bad_word(parser, "unknown word, expected port, proto, expires or comment");
	if (*seen & clause)
		return bad_word(parser, "given twice");
	*seen |= clause;
	if (clause == CLAUSE_COMMENT)
		return read_comment(parser, &out->comment);
	next_word(parser);
	if (clause == CLAUSE_EXPIRES)
		return utc_parse(parser->word, &out->expires_s)
			       ? bad_word(parser, "not a time of 1970 to 2106 like "
						  "2026-11-23T10:00:00Z")
			       : 0;
	if (clause == CLAUSE_PORT ? rule_parse_port(parser->word, &out->rule, &error)
				  : rule_parse_protocol(parser->word, &out->rule, &error))
		return bad_word(parser, error);
	return 0;
}

static int read_index_and_cidr(struct parser *parser, struct ruleset_rule *out)
{
	const char *error;
	int err;

	next_word(parser);
	out->line = parser->lines.number;
	out->column = lines_column(&parser->lines, parser->word);
	if (*parser->word && !parser->word[strspn(parser->word, "0123456789")]) {
		err = word_to_index(parser, RULESET_INDEX_MAX, &out->index);
		if (err)
			return err;
		out->has_index = true;
		next_word(parser);
	}
	if (cidr_parse(parser->word, strlen(parser->word), &out->rule, &error))
		return bad_word(parser, error);
	return 0;
}

static int parse_rule(struct parser *parser)
{
	struct ruleset_rule out = {.rule.any_protocol = 1};
	struct ruleset_file *file = parser->file;
	unsigned int seen = 0;
	const char *error;
	enum hook hook;
	enum list list;
	int err;

	err = read_hook(parser, &hook);
	if (!err)
		err = read_list(parser, &list);
	if (!err)
		err = read_index_and_cidr(parser, &out);
	while (!err && *next_word(parser))
		err = parse_clause(parser, &out, &seen);
	if (err)
		return err;
	if (rule_check(&out.rule, &error))
		return lines_error_at(parser->lines.name, out.line, out.column, "%s", error);
	out.hook = (uint8_t)hook;
	out.list = (uint8_t)list;
	if (file->rule_count == file->rule_capacity) {
		err = grow(parser, (void **)&file->rules, &file->rule_capacity, sizeof(out), 0);
		if (err)
			return err;
	}
	file->rules[file->rule_count++] = out;
	return 0;
}

static int parse_next(struct parser *parser)
{
	struct ruleset_file *file = parser->file;
	enum hook hook;
	enum list list;
	int err;

	err = read_hook(parser, &hook);
	if (!err)
		err = read_list(parser, &list);
	if (err)
		return err;
	if (file->next_line[hook][list])
		return bad_word(parser, "the next index of this list is given already");
	file->next_line[hook][list] = parser->lines.number;
	next_word(parser);
	err = word_to_index(parser, UINT32_MAX, &file->next_index[hook][list]);
	return err ? err : expect_end(parser);
}

static int read_u64(struct parser *parser, __u64 *out)
{
	uint64_t number;

	if (options_parse_number(next_word(parser), false, &number))
		return bad_word(parser, "not a number");
	*out = number;
	return 0;
}

/* [pps N] [bps N] [burst N], and the word behind. */
static int read_rates(struct parser *parser, __u64 *pps, __u64 *bps, __u64 *burst)
{
	static const char *const names[] = {"pps", "bps", "burst"};
	__u64 *const numbers[] = {pps, bps, burst};
	int err;

	next_word(parser);
	for (int i = 0; i < 3; i++) {
		if (strcmp(parser->word, names[i]))
			continue;
		err = read_u64(parser, numbers[i]);
		if (err)
			return err;
		next_word(parser);
	}
	return 0;
}

/* [enabled|disabled] and the end: what a limit's statement ends with. */
static int read_enabled(struct parser *parser, const char *begin, bool limits, const char *expected,
			__u32 *enabled)
{
	*enabled = strcmp(parser->word, "disabled") != 0;
	if (*enabled && *parser->word && strcmp(parser->word, "enabled"))
		return bad_word(parser, expected);
	if (*enabled && !limits)
		return lines_error(&parser->lines, begin,
				   "enabled, but neither pps nor bps is given");
	return expect_end(parser);
}

static int parse_ratelimit(struct parser *parser)
{
	struct rate_limit *limit = &parser->file->limit;
	const char *const begin = parser->word;
	int err;

	if (parser->has_limit)
		return bad_word(parser, "the rate limit is given already");
	parser->has_limit = true;
	err = read_rates(parser, &limit->pps, &limit->bps, &limit->burst);
	if (err)
		return err;
	if (strcmp(parser->word, "exempt-whitelist") == 0) {
		limit->exempt_whitelist = 1;
		next_word(parser);
	}
	err = read_enabled(parser, begin, limit->pps || limit->bps,
			   "expected [pps N] [bps N] [burst N] [exempt-whitelist] "
			   "[enabled|disabled], in this order",
			   &limit->enabled);
	if (!err && rate_limit_prepare(limit))
		return lines_error(&parser->lines, begin, "these limits are out of range");
	return err;
}

static int read_prefix(struct parser *parser, const char *name, __u32 max, __u32 *out)
{
	uint32_t length;
	int err;

	if (strcmp(parser->word, name))
		return 0;
	next_word(parser);
	err = word_to_number(parser, max, "not a prefix length", &length);
	if (err)
		return err;
	*out = length;
	next_word(parser);
	return 0;
}

static int parse_ratelimit_source(struct parser *parser)
{
	struct source_limit *limit = &parser->file->limit.source;
	const char *const begin = parser->word;
	int err;

	if (parser->has_source_limit)
		return bad_word(parser, "the limit of each source is given already");
	parser->has_source_limit = true;
	err = read_rates(parser, &limit->pps, &limit->bps, &limit->burst);
	if (!err)
		err = read_prefix(parser, "prefix4", 32, &limit->prefix4);
	if (!err)
		err = read_prefix(parser, "prefix6", 128, &limit->prefix6);
	if (!err)
		err = read_enabled(parser, begin, limit->pps || limit->bps,
				   "expected [pps N] [bps N] [burst N] [prefix4 N] [prefix6 N] "
				   "[enabled|disabled], in this order",
				   &limit->enabled);
	if (!err && source_limit_prepare(limit))
		return lines_error(&parser->lines, begin, "these limits are out of range");
	return err;
}

static int parse_lvs(struct parser *parser, enum lvs_statement statement)
{
	const char *error;

	if (lvs_text_read(&parser->file->services, statement, parser->at, &parser->word, &error))
		return bad_word(parser, error);
	return 0;
}

static int parse_service(struct parser *parser)
{
	return parse_lvs(parser, LVS_STATEMENT_SERVICE);
}

static int parse_server(struct parser *parser)
{
	return parse_lvs(parser, LVS_STATEMENT_SERVER);
}

static const struct statement {
	const char *name;
	int (*parse)(struct parser *parser);
} statements[] = {
	{"rule", parse_rule},
	{"policy", parse_policy},
	{"next", parse_next},
	{"ratelimit", parse_ratelimit},
	{"ratelimit-source", parse_ratelimit_source},
	{"service", parse_service},
	{"server", parse_server},
};

static int parse_line(struct parser *parser)
{
	parser->at = parser->lines.line;
	next_word(parser);
	if (!*parser->word || *parser->word == '#')
		return 0;
	if (!parser->has_version) {
		if (strcmp(parser->word, "bgo-rules") == 0)
			return parse_version(parser);
		return bad_word(parser, "not a rule file: its first line should be bgo-rules 1");
	}
	for (size_t i = 0; i < sizeof(statements) / sizeof(statements[0]); i++)
		if (strcmp(parser->word, statements[i].name) == 0)
			return statements[i].parse(parser);
	return bad_word(parser, "unknown statement, expected rule, policy, next, ratelimit, "
				"ratelimit-source, service or server");
}

static int finish(struct parser *parser)
{
	if (!parser->has_version)
		return log_fail(-EINVAL,
				"%s:1:1: not a rule file: its first line should be bgo-rules 1",
				parser->lines.name);
	return ruleset_file_finish(parser->file, parser->lines.name);
}

int ruleset_file_parse(FILE *in, const char *file_name, struct ruleset_file *out)
{
	_cleanup_ruleset_file_ struct ruleset_file file = {.limit.source = SOURCE_LIMIT_INITIAL};
	_cleanup_(parser_close) struct parser parser = {.file = &file};
	uint32_t empty;
	int err;

	err = lines_open(&parser.lines, in, file_name);
	if (!err)
		err = keep_comment(&parser, "", 0, &empty);
	while (!err && (err = lines_next(&parser.lines)) == 1)
		err = parse_line(&parser);
	if (!err)
		err = finish(&parser);
	if (err)
		return err;
	*out = file;
	file = (struct ruleset_file){0};
	return 0;
}

void ruleset_file_free(struct ruleset_file *file)
{
	free(take(file->rules));
	free(take(file->comments));
	lvs_model_free(&file->services);
}
