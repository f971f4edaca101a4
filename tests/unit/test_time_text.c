/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Durations and points in time as text, to numbers and back. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

#include "../../src/time_text.h"

static void a_duration_is_a_number_of_units_or_seconds(void **state)
{
	static const struct {
		const char *text;
		uint64_t seconds;
	} rows[] = {
		{"90s", 90},
		{"10m", 600},
		{"2h", 7200},
		{"7d", 604800},
		{"90", 90},
		{"1h30m", 5400},
		{"1d2h3m4s", 93784},
		{"0d1s", 1},
		{"007s", 7},
		{"4294967296", 4294967296},
		{"49710d", 4294944000},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		const char *error = NULL;
		uint64_t seconds = 0;

		assert_int_equal(duration_parse(rows[i].text, &seconds, &error), 0);
		assert_null(error);
		assert_int_equal(seconds, rows[i].seconds);
	}
}

static void what_is_no_duration_is_refused_with_the_reason(void **state)
{
	static const struct {
		const char *text, *error;
	} rows[] = {
		{"", "not a time like"},
		{"0", "no time at all"},
		{"0s", "no time at all"},
		{"-5s", "not a time like"},
		{"+5s", "not a time like"},
		{" 5s", "not a time like"},
		{"s", "not a time like"},
		{"10x", "its units are"},
		{"10 m", "its units are"},
		{"1.5h", "its units are"},
		{"30m1h", "its units are"},
		{"1m1m", "its units are"},
		{"1h30", "has no unit"},
		{"forever", "not a time like"},
		{"5M", "its units are"},
		{"1h ", "not a time like"},
		{"4294967297", "longer than"},
		{"49711d", "longer than"},
		{"99999999999999999999d", "longer than"},
		{"4294967296d", "longer than"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		const char *error = "";
		uint64_t seconds = 77;

		assert_int_not_equal(duration_parse(rows[i].text, &seconds, &error), 0);
		if (!strstr(error, rows[i].error))
			fail_msg("'%s': %s", rows[i].text, error);
		assert_int_equal(seconds, 77);
	}
}

static void a_duration_is_shown_by_its_two_largest_units(void **state)
{
	static const struct {
		uint64_t seconds;
		const char *text;
	} rows[] = {
		{0, "0s"},	{1, "1s"},
		{59, "59s"},	{60, "1m"},
		{61, "1m1s"},	{3599, "59m59s"},
		{3600, "1h"},	{3659, "1h"},
		{7380, "2h3m"}, {86399, "23h59m"},
		{86400, "1d"},	{90000, "1d1h"},
		{604800, "7d"}, {4294967295, "49710d6h"},
	};
	char text[TIME_TEXT_BYTES];

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		assert_string_equal(duration_format(rows[i].seconds, text), rows[i].text);
}

static void a_point_in_time_is_utc_to_the_second_and_back(void **state)
{
	static const struct {
		const char *text;
		uint32_t seconds;
	} rows[] = {
		{"2026-11-23T10:00:00Z", 1795428000},
		{"1970-01-01T00:00:01Z", 1},
		{"2106-02-07T06:28:15Z", UINT32_MAX},
		{"2028-02-29T23:59:59Z", 1835481599},
	};
	char text[TIME_TEXT_BYTES];

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		uint32_t seconds = 0;

		assert_int_equal(utc_parse(rows[i].text, &seconds), 0);
		assert_int_equal(seconds, rows[i].seconds);
		assert_string_equal(utc_format(seconds, text), rows[i].text);
	}
}

static void what_is_no_point_in_time_is_refused(void **state)
{
	static const char *const texts[] = {
		"",
		"1970-01-01T00:00:00Z",
		"2106-02-07T06:28:16Z",
		"1969-12-31T23:59:59Z",
		"2026-02-29T10:00:00Z",
		"2026-13-01T10:00:00Z",
		"2026-11-23T10:00:60Z",
		"2026-11-23T24:00:00Z",
		"2026-11-23T10:00:00",
		"2026-11-23 10:00:00Z",
		"2026-11-23T10:00:00Zx",
		"2026-11-23T10:00:00+00:00",
		"2026-11-23T1:00:00Z",
		"1795428000",
		"never",
		" 2026-11-23T10:00:00Z",
	};

	(void)state;
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		uint32_t seconds = 77;

		if (utc_parse(texts[i], &seconds) == 0)
			fail_msg("'%s' is taken for %u", texts[i], seconds);
		assert_int_equal(seconds, 77);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_duration_is_a_number_of_units_or_seconds),
		cmocka_unit_test(what_is_no_duration_is_refused_with_the_reason),
		cmocka_unit_test(a_duration_is_shown_by_its_two_largest_units),
		cmocka_unit_test(a_point_in_time_is_utc_to_the_second_and_back),
		cmocka_unit_test(what_is_no_point_in_time_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
