/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What no single line of a save file shows: numbers rules that have no index, finds duplicates,
 * sorts.
 */
#include <stdlib.h>
#include <string.h>

#include "lines.h"
#include "log.h"
#include "rule.h"
#include "ruleset_parse.h"

/*
 * Puts next_index above every index of the file. A `next` statement below one of them is an error.
 */
static int find_next_indexes(struct ruleset_file *file, const char *file_name)
{
	for (size_t i = 0; i < file->rule_count; i++) {
		const struct ruleset_rule *rule = &file->rules[i];
		uint32_t *next = &file->next_index[rule->hook][rule->list];
		const uint32_t next_line = file->next_line[rule->hook][rule->list];

		if (!rule->has_index || rule->index < *next)
			continue;
		if (next_line)
			return lines_error_at(file_name, next_line, 1,
					      "the next index is %u, but line %u has index %u",
					      *next, rule->line, rule->index);
		*next = rule->index + 1;
	}
	return 0;
}

/*
 * Rules in hand-written files have no index: they are numbered behind all that have, in their
 * order.
 */
static int number_rules(struct ruleset_file *file, const char *file_name)
{
	for (size_t i = 0; i < file->rule_count; i++) {
		struct ruleset_rule *rule = &file->rules[i];
		uint32_t *next = &file->next_index[rule->hook][rule->list];

		if (rule->has_index)
			continue;
		if (*next > RULESET_INDEX_MAX)
			return lines_error_at(file_name, rule->line, rule->column,
					      "no index is left in this list");
		rule->index = (*next)++;
	}
	return 0;
}

enum key { KEY_INDEX, KEY_RULE };

static uint64_t hash_rule(const struct ruleset_rule *rule, enum key key)
{
	uint64_t words[3] = {rule->index}, hash = (uint64_t)rule->hook << 8 | rule->list;

	_Static_assert(sizeof(words) == sizeof(rule->rule), "a rule is three words");
	if (key == KEY_RULE)
		memcpy(words, &rule->rule, sizeof(words));
	for (int i = 0; i < 3; i++) {
		hash = (hash ^ words[i]) * 0x9e3779b97f4a7c15ULL; /* 2^64 / golden ratio */
		hash ^= hash >> 32;
	}
	return hash;
}

static bool same_key(const struct ruleset_rule *a, const struct ruleset_rule *b, enum key key)
{
	return a->hook == b->hook && a->list == b->list &&
	       (key == KEY_INDEX ? a->index == b->index : rule_equal(&a->rule, &b->rule));
}

/* That no two rules of a list are the same or have the same index. */
static int check_unique(const struct ruleset_file *file, const char *file_name, enum key key)
{
	_cleanup_free_ uint32_t *table = NULL; /* 1 + place in file->rules; 0: free */
	size_t capacity = 64;

	while (capacity < 2 * file->rule_count)
		capacity *= 2;
	table = calloc(capacity, sizeof(*table));
	if (!table)
		return log_error(-ENOMEM, "read %s", file_name);
	for (size_t i = 0; i < file->rule_count; i++) {
		const struct ruleset_rule *rule = &file->rules[i], *other;
		size_t at = hash_rule(rule, key) & (capacity - 1);

		for (; table[at]; at = (at + 1) & (capacity - 1)) {
			other = &file->rules[table[at] - 1];
			if (same_key(rule, other, key))
				return lines_error_at(file_name, rule->line, rule->column,
						      key == KEY_INDEX
							      ? "the index is that of line %u"
							      : "the same rule as in line %u",
						      other->line);
		}
		table[at] = (uint32_t)i + 1;
	}
	return 0;
}

static int compare_rules(const void *left, const void *right)
{
	const struct ruleset_rule *a = left, *b = right;

	if (a->hook != b->hook)
		return a->hook - b->hook;
	if (a->list != b->list)
		return a->list - b->list;
	return a->index < b->index ? -1 : a->index > b->index;
}

/* What save writes is in order already. */
static void sort_rules(struct ruleset_file *file)
{
	for (size_t i = 1; i < file->rule_count; i++) {
		if (compare_rules(&file->rules[i - 1], &file->rules[i]) > 0) {
			qsort(file->rules, file->rule_count, sizeof(*file->rules), compare_rules);
			return;
		}
	}
}

size_t ruleset_file_expired(const struct ruleset_file *file, uint32_t now_s)
{
	size_t expired = 0;

	for (size_t i = 0; i < file->rule_count; i++)
		expired += file->rules[i].expires_s && file->rules[i].expires_s <= now_s;
	return expired;
}

int ruleset_file_finish(struct ruleset_file *file, const char *file_name)
{
	int err;

	err = find_next_indexes(file, file_name);
	if (!err)
		err = number_rules(file, file_name);
	if (!err)
		err = check_unique(file, file_name, KEY_INDEX);
	if (!err)
		err = check_unique(file, file_name, KEY_RULE);
	if (!err)
		sort_rules(file);
	return err;
}
