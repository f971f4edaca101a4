/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Command line options from a table: see options.h. */
#include "options.h"

#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <string.h>

#define OPTIONS_MAX 48	 /* rows of a table: `given` has 64 bits */
#define VALUE_BASE 0x100 /* getopt's return for row 0; -h is a character below */
#define WORD_MAX 32	 /* longest word that suggestions look at */
#define WHERE_BYTES 48	 /* an option's name and dashes */

/* Characters changed, added or missing between two words (Levenshtein). */
static size_t edit_distance(const char *a, const char *b)
{
	size_t row[WORD_MAX + 1], length_b = strlen(b);

	if (strlen(a) > WORD_MAX || length_b > WORD_MAX)
		return WORD_MAX;
	for (size_t j = 0; j <= length_b; j++)
		row[j] = j;
	for (size_t i = 1; a[i - 1]; i++) {
		size_t diagonal = row[0];

		row[0] = i;
		for (size_t j = 1; j <= length_b; j++) {
			size_t best = diagonal + (a[i - 1] != b[j - 1]);

			diagonal = row[j];
			if (row[j] + 1 < best)
				best = row[j] + 1;
			if (row[j - 1] + 1 < best)
				best = row[j - 1] + 1;
			row[j] = best;
		}
	}
	return row[length_b];
}

bool options_nearer(const char *typed, const char *name, size_t *best)
{
	/* Half of a short word is no resemblance: --ttl is not --all. */
	const size_t limit = strlen(typed) < 5 ? 1 : 2;
	const size_t distance = edit_distance(typed, name);

	if (distance > limit || distance >= *best)
		return false;
	*best = distance;
	return true;
}

const char *options_nearest(const struct option_spec *table, const char *typed)
{
	const char *nearest = NULL;
	size_t best = SIZE_MAX;

	for (; table->name; table++)
		if (options_nearer(typed, table->name, &best))
			nearest = table->name;
	return nearest;
}

static int unknown_option(const struct command *command, const char *typed)
{
	const char *nearest, *word = typed + strspn(typed, "-");
	char name[WORD_MAX + 1];

	snprintf(name, sizeof(name), "%.*s", (int)strcspn(word, "="), word);
	nearest = options_nearest(command->options, name);
	if (nearest)
		return command_usage(command, "unknown option '%s' (did you mean --%s?)", typed,
				     nearest);
	return command_usage(command, "unknown option '%s'", typed);
}

/* The position of `word` in "auto|native|generic", or -1. */
static int choice_position(const char *words, const char *word)
{
	const size_t length = strlen(word);

	for (int position = 0;; position++) {
		size_t span = strcspn(words, "|");

		if (span == length && memcmp(words, word, length) == 0)
			return position;
		if (!words[span])
			return -1;
		words += span + 1;
	}
}

int options_parse_number(const char *text, bool suffixes, uint64_t *out)
{
	uint64_t number = 0, scale = 1;
	const char *at = text;

	for (; *at >= '0' && *at <= '9'; at++) {
		if (__builtin_mul_overflow(number, 10, &number) ||
		    __builtin_add_overflow(number, (uint64_t)(*at - '0'), &number))
			return -ERANGE;
	}
	if (at == text)
		return -EINVAL;
	if (suffixes && *at) {
		scale = *at == 'K' ? 1000 : *at == 'M' ? 1000000 : *at == 'G' ? 1000000000 : 0;
		if (!scale)
			return -EINVAL;
		at++;
	}
	if (*at)
		return -EINVAL;
	if (__builtin_mul_overflow(number, scale, &number))
		return -ERANGE;
	*out = number;
	return 0;
}

static int parse_number(const struct command *command, const struct option_spec *spec,
			const char *where, const char *text, struct option_value *target)
{
	const bool suffixes = spec->kind == OPTION_QUANTITY;
	uint64_t number;
	int err;

	err = options_parse_number(text, suffixes, &number);
	if (err == -EINVAL)
		return command_usage(command, "%s: '%s' is not a number%s", where, text,
				     suffixes ? " (digits, then K, M or G if you like)" : "");
	if (err || number < spec->min || number > spec->max)
		return command_usage(command, "%s: '%s' is out of range (%llu to %llu)", where,
				     text, (unsigned long long)spec->min,
				     (unsigned long long)spec->max);
	*target = (struct option_value){.given = true, .value = number};
	return 0;
}

static int parse_choice(const struct command *command, const struct option_spec *spec,
			const char *where, const char *text, struct option_value *target)
{
	const int position = choice_position(spec->argument, text);

	if (position < 0)
		return command_usage(command, "%s: '%s' is none of %s", where, text,
				     spec->argument);
	*target = (struct option_value){.given = true, .value = (uint64_t)position};
	return 0;
}

int options_take(const struct command *command, int row, const char *where, const char *text,
		 void *options)
{
	const struct option_spec *spec = &command->options[row];
	struct common_options *common = options;
	const bool again = common->given >> row & 1;
	void *target = (char *)options + spec->offset;
	struct option_texts *texts;

	if (again && spec->kind != OPTION_FLAG && spec->kind != OPTION_TEXTS)
		return command_usage(command, "%s is given twice", where);
	common->given |= 1ULL << row;
	switch (spec->kind) {
	case OPTION_FLAG:
		*(bool *)target = true;
		return 0;
	case OPTION_PATH:
		if (text[0] != '/')
			return command_usage(command, "%s: '%s' is not an absolute path", where,
					     text);
		*(const char **)target = text;
		return 0;
	case OPTION_TEXT:
		*(const char **)target = text;
		return 0;
	case OPTION_TEXTS:
		texts = target;
		if (texts->count == OPTION_TEXTS_MAX)
			return command_usage(command, "%s: more than %d of them", where,
					     OPTION_TEXTS_MAX);
		texts->items[texts->count++] = text;
		return 0;
	case OPTION_COUNT:
	case OPTION_QUANTITY:
		return parse_number(command, spec, where, text, target);
	case OPTION_CHOICE:
		return parse_choice(command, spec, where, text, target);
	}
	return -EINVAL;
}

/* getopt's view of the table. */
static void long_options(const struct option_spec *table, struct option rows[static OPTIONS_MAX])
{
	int row;

	for (row = 0; row < OPTIONS_MAX - 1 && table[row].name; row++)
		rows[row] = (struct option){
			.name = table[row].name,
			.has_arg = table[row].kind == OPTION_FLAG ? no_argument : required_argument,
			.val = VALUE_BASE + row,
		};
	rows[row] = (struct option){0};
}

/* What getopt_long() objected to: `symbol` is its return, ':' or '?'. */
static int complain(const struct command *command, int symbol, char **argv)
{
	const struct option_spec *spec;

	if (optopt < VALUE_BASE)
		return unknown_option(command, argv[optind - 1]);
	spec = &command->options[optopt - VALUE_BASE];
	if (symbol == ':')
		return command_usage(command, "--%s needs a value: --%s %s", spec->name, spec->name,
				     spec->argument);
	return command_usage(command, "--%s takes no value ('%s')", spec->name, argv[optind - 1]);
}

int options_parse(const struct command *command, int argc, char **argv, void *options)
{
	struct common_options *common = options;
	struct option rows[OPTIONS_MAX];
	char where[WHERE_BYTES];
	int symbol, err;

	common->pin_path = STORE_DEFAULT_PIN_PATH;
	common->needs_capability = true;
	long_options(command->options, rows);
	optind = 0; /* a fresh start also when a test parses twice */
	opterr = 0;
	while ((symbol = getopt_long(argc, argv, ":", rows, NULL)) != -1) {
		const int row = symbol - VALUE_BASE;

		if (row < 0)
			return complain(command, symbol, argv);
		snprintf(where, sizeof(where), "--%s", command->options[row].name);
		err = options_take(command, row, where, optarg, options);
		if (err)
			return err;
	}
	if (optind < argc)
		return command_usage(command, "unexpected word '%s'", argv[optind]);
	return 0;
}

/* Whether `name` is one of the names in `names`, separated by blanks. */
static bool is_named(const char *names, const char *name)
{
	const size_t length = strlen(name);

	while (*names) {
		size_t span = strcspn(names, " ");

		if (span == length && memcmp(names, name, length) == 0)
			return true;
		names += span + strspn(names + span, " ");
	}
	return false;
}

int options_check(const struct command *command, const void *options, const char *what,
		  const char *needed, const char *allowed)
{
	const struct common_options *common = options;

	for (int row = 0; command->options[row].name; row++) {
		const struct option_spec *spec = &command->options[row];
		const bool given = common->given >> row & 1;

		if (is_named(needed, spec->name)) {
			if (!given)
				return command_usage(command, "%s needs --%s %s", what, spec->name,
						     spec->argument ? spec->argument : "");
		} else if (given && !is_named(allowed, spec->name) &&
			   !is_named("pin-path json quiet", spec->name)) {
			return command_usage(command, "--%s does not go with %s", spec->name, what);
		}
	}
	return 0;
}

void options_help(const struct option_spec *table)
{
	for (; table->name; table++) {
		const char *line = table->help;
		int printed = printf("  --%s%s%s", table->name, table->argument ? " " : "",
				     table->argument ? table->argument : "");

		if (printed >= OPTIONS_HELP_COLUMN) {
			printf("\n");
			printed = 0;
		}
		for (;; line++) {
			int span = (int)strcspn(line, "\n");

			printf("%*s%.*s\n", OPTIONS_HELP_COLUMN - printed, "", span, line);
			printed = 0;
			line += span;
			if (!*line)
				break;
		}
	}
}
