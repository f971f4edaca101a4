/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Plain lists of addresses: see list_file.h. */
#include "list_file.h"

#include <stdbool.h>
#include <string.h>

#include "cidr.h"
#include "decimal.h"

int list_file_open(struct list_file *list, FILE *file, const char *name)
{
	return lines_open(&list->lines, file, name);
}

void list_file_close(struct list_file *list)
{
	lines_close(&list->lines);
}

static const char *skip_blanks(const char *at)
{
	while (*at == ' ' || *at == '\t')
		at++;
	return at;
}

static bool ends_word(char byte)
{
	return byte == '\0' || byte == ' ' || byte == '\t' || byte == '#' || byte == ';';
}

static bool ends_line(char byte)
{
	return byte == '\0' || byte == '#' || byte == ';';
}

static const char *word_end(const char *at)
{
	while (!ends_word(*at))
		at++;
	return at;
}

static bool word_is(const char *at, const char *end, const char *word)
{
	return (size_t)(end - at) == strlen(word) && memcmp(at, word, (size_t)(end - at)) == 0;
}

/*
 * What `ipset save` writes behind an entry. Counters and comments are not rules and are passed
 * over, a timeout is the rule's; whatever else would change what the entry means (nomatch, a mark)
 * is refused, not ignored.
 */
static int read_ipset_options(const struct lines *lines, const char *at, uint32_t *ttl_s)
{
	char quoted[QUOTE_BYTES];
	const char *end, *rest;

	for (at = skip_blanks(at); *at; at = skip_blanks(at)) {
		end = word_end(at);
		if (word_is(at, end, "comment"))
			return 0; /* the last thing on the line */
		if (word_is(at, end, "timeout")) {
			at = skip_blanks(end);
			end = word_end(at);
			rest = decimal_read(at, end, UINT32_MAX, ttl_s);
			if (!rest || rest != end)
				return lines_error(lines, at,
						   "timeout '%s': not a number of seconds",
						   lines_quote(at, (size_t)(end - at), quoted));
			at = rest;
		} else if (word_is(at, end, "packets") || word_is(at, end, "bytes")) {
			at = word_end(skip_blanks(end));
		} else {
			return lines_error(lines, at, "ipset option '%s' is not supported",
					   lines_quote(at, strlen(at), quoted));
		}
	}
	return 0;
}

/* One CIDR and nothing behind it but a comment or, on an ipset line, ipset's options. */
static int parse_entry(const struct lines *lines, const char *at, bool is_ipset, struct rule *rule,
		       uint32_t *ttl_s)
{
	const char *const end = word_end(at);
	char quoted[QUOTE_BYTES];
	const char *rest, *error;

	if (cidr_parse(at, (size_t)(end - at), rule, &error))
		return lines_error(lines, at, "'%s': %s",
				   lines_quote(at, (size_t)(end - at), quoted), error);
	if (is_ipset)
		return read_ipset_options(lines, end, ttl_s);
	rest = skip_blanks(end);
	if (!ends_line(*rest))
		return lines_error(lines, rest, "'%s': text after the address",
				   lines_quote(rest, strlen(rest), quoted));
	return 0;
}

/* Where the entry of an `add SET ENTRY` line begins. */
static const char *ipset_entry(const char *at)
{
	return skip_blanks(word_end(skip_blanks(at + strlen("add"))));
}

int list_file_next(struct list_file *list, struct rule *rule)
{
	struct rule parsed = {.any_protocol = 1};
	bool is_ipset;
	const char *at;
	int err;

	do {
		err = lines_next(&list->lines);
		if (err <= 0)
			return err;
		at = skip_blanks(list->lines.line);
	} while (ends_line(*at) || word_is(at, word_end(at), "create"));
	is_ipset = word_is(at, word_end(at), "add");
	if (is_ipset)
		at = ipset_entry(at);
	list->ttl_s = 0;
	err = parse_entry(&list->lines, at, is_ipset, &parsed, &list->ttl_s);
	if (err)
		return err;
	*rule = parsed;
	return 1;
}
