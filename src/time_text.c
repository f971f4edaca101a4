/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Times as people write them: see time_text.h. */
#include "time_text.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

/* From the largest down. */
static const struct unit {
	char letter;
	uint32_t seconds;
} units[] = {{'d', 86400}, {'h', 3600}, {'m', 60}, {'s', 1}};
#define UNITS (sizeof(units) / sizeof(units[0]))

/* More than a rule can last, and far from overflow. */
#define DURATION_MAX_S (1ULL << 32)

static int refuse(const char **error, const char *why)
{
	*error = why;
	return -EINVAL;
}

/* Digits at *at, which moves behind them. */
static int read_number(const char **at, uint64_t *number, const char **error)
{
	const char *const begin = *at;

	*number = 0;
	for (; **at >= '0' && **at <= '9'; ++*at) {
		*number = *number * 10 + (uint64_t)(**at - '0');
		if (*number > DURATION_MAX_S)
			return refuse(error, "longer than a rule can last");
	}
	return *at == begin
		       ? refuse(error, "not a time like 90s, 10m, 2h, 7d or 1h30m, or in seconds")
		       : 0;
}

/* The unit at *at, which moves behind it, of those after *next. Seconds when there is none. */
static int read_unit(const char **at, size_t *next, uint64_t *seconds, const char **error)
{
	if (!**at && *next == 0) {
		*next = UNITS;
		*seconds = 1;
		return 0;
	}
	for (size_t i = *next; i < UNITS; i++) {
		if (**at != units[i].letter)
			continue;
		++*at;
		*next = i + 1;
		*seconds = units[i].seconds;
		return 0;
	}
	return refuse(error, **at ? "its units are d, h, m and s, each once and the largest first"
				  : "its last number has no unit (d, h, m or s)");
}

int duration_parse(const char *text, uint64_t *seconds, const char **error)
{
	uint64_t sum = 0, number, unit;
	size_t next = 0;
	int err;

	do {
		err = read_number(&text, &number, error);
		if (!err)
			err = read_unit(&text, &next, &unit, error);
		if (err)
			return err;
		sum += number * unit;
		if (sum > DURATION_MAX_S)
			return refuse(error, "longer than a rule can last");
	} while (*text);
	if (!sum)
		return refuse(error, "no time at all");
	*seconds = sum;
	return 0;
}

const char *duration_format(uint64_t seconds, char text[static TIME_TEXT_BYTES])
{
	size_t first = 0;
	int length;

	while (first < UNITS - 1 && seconds < units[first].seconds)
		first++;
	length = snprintf(text, TIME_TEXT_BYTES, "%" PRIu64 "%c", seconds / units[first].seconds,
			  units[first].letter);
	if (first + 1 < UNITS && seconds % units[first].seconds >= units[first + 1].seconds)
		snprintf(text + length, TIME_TEXT_BYTES - (size_t)length, "%" PRIu64 "%c",
			 seconds % units[first].seconds / units[first + 1].seconds,
			 units[first + 1].letter);
	return text;
}

int utc_parse(const char *text, uint32_t *seconds)
{
	char again[TIME_TEXT_BYTES];
	struct tm tm = {0};
	const char *end = strptime(text, "%Y-%m-%dT%H:%M:%SZ", &tm);
	time_t parsed;

	if (!end || *end)
		return -EINVAL;
	parsed = timegm(&tm);
	if (parsed < 1 || parsed > (time_t)UINT32_MAX)
		return -EINVAL;
	/* What is not written in this one way, or is no day of the calendar. */
	if (strcmp(utc_format((uint32_t)parsed, again), text) != 0)
		return -EINVAL;
	*seconds = (uint32_t)parsed;
	return 0;
}

const char *utc_format(uint32_t seconds, char text[static TIME_TEXT_BYTES])
{
	const time_t when = (time_t)seconds;
	struct tm tm;

	gmtime_r(&when, &tm);
	strftime(text, TIME_TEXT_BYTES, "%Y-%m-%dT%H:%M:%SZ", &tm);
	return text;
}
