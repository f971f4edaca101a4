/* SPDX-License-Identifier: GPL-2.0-or-later */
/* When a real server is down, by the results of its checks. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <string.h>

#include "../../src/health.h"
#include "../../src/lvs.h"

static const struct lvs_check check = {.kind = LVS_CHECK_TCP, .rise = 2, .fall = 3};

/* Results, + and -, and after each whether the server is up (U) or down (D). */
static void assert_course(const char *results, const char *sides)
{
	struct health health = {0};

	for (size_t i = 0; results[i]; i++) {
		const bool was_down = health.down;
		const bool changed = health_result(&health, &check, results[i] == '+');

		assert_int_equal(health.down, sides[i] == 'D');
		assert_int_equal(changed, health.down != was_down);
	}
}

static void so_many_failures_in_a_row_make_it_down(void **state)
{
	(void)state;
	assert_course("---", "UUD");
	assert_course("--+---", "UUUUUD");
	assert_course("-----", "UUDDD");
}

static void so_many_successes_in_a_row_bring_it_back(void **state)
{
	(void)state;
	assert_course("---++", "UUDDU");
	assert_course("---+-++", "UUDDDDU");
	/* Failures before it was down do not count again. */
	assert_course("---++--+---", "UUDDUUUUUUD");
}

static void statuses_from_200_to_399_are_good(void **state)
{
	char answer[] = "HTTP/1.1 000 OK";

	(void)state;
	for (int status = 0; status < 1000; status++) {
		answer[9] = (char)('0' + status / 100);
		answer[10] = (char)('0' + status / 10 % 10);
		answer[11] = (char)('0' + status % 10);
		assert_int_equal(health_http(answer, HEALTH_ANSWER_BYTES),
				 status >= 200 && status < 400 ? 0 : LVS_DOWN_HTTP + status);
	}
}

static void an_answer_in_pieces_is_waited_for(void **state)
{
	(void)state;
	for (size_t length = 0; length < HEALTH_ANSWER_BYTES; length++)
		assert_int_equal(health_http("HTTP/1.0 200", length), -EAGAIN);
	assert_int_equal(health_http("HTTP/1.0 200", HEALTH_ANSWER_BYTES), 0);
}

static void what_is_not_http_is_known_at_its_first_byte(void **state)
{
	static const char *const others[] = {
		"SSH-2.0-Open", "HTTP/2.0 200", "HTTP/1.1  20", "HTTP/1.1 2x0",
		"HTTP/1.x 200", "http/1.1 200", "HTTP/1.1-200", "HTTP/1.1 20\r",
	};

	(void)state;
	for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++)
		assert_int_equal(health_http(others[i], HEALTH_ANSWER_BYTES), EPROTO);
	assert_int_equal(health_http("S", 1), EPROTO);
}

static void the_reason_is_told(void **state)
{
	char text[HEALTH_WHY_BYTES];

	(void)state;
	assert_string_equal(health_why(LVS_DOWN_HTTP + 503, text), "HTTP status 503");
	assert_string_equal(health_why(ECONNREFUSED, text), "Connection refused");
	assert_string_equal(health_why(ETIMEDOUT, text), "no answer in time");
	assert_string_equal(health_why(EPROTO, text), "the answer is not HTTP");
}

static void a_check_has_all_it_needs_and_nothing_else(void **state)
{
	struct lvs_check http = lvs_check_default(LVS_CHECK_HTTP), changed;

	(void)state;
	for (uint8_t kind = 0; kind < LVS_CHECK_KIND_COUNT; kind++) {
		struct lvs_check usual = lvs_check_default(kind);

		assert_true(lvs_check_valid(&usual));
	}
#define REFUSED(change)                                                                            \
	do {                                                                                       \
		changed = http;                                                                    \
		change;                                                                            \
		assert_false(lvs_check_valid(&changed));                                           \
	} while (0)
	REFUSED(changed.kind = LVS_CHECK_KIND_COUNT);
	REFUSED(changed.kind = LVS_CHECK_NONE);
	REFUSED(changed.kind = LVS_CHECK_TCP);
	REFUSED(changed.rise = 0);
	REFUSED(changed.fall = LVS_CHECK_RESULTS_MAX + 1);
	REFUSED(changed.interval_s = 0);
	REFUSED(changed.timeout_s = LVS_CHECK_SECONDS_MAX + 1);
	REFUSED(changed.release = 2);
	REFUSED(changed.path[0] = 'x');
	REFUSED(changed.path[1] = ' ');
	REFUSED(changed.path[1] = '\n');
	REFUSED(memset(changed.path, '/', sizeof(changed.path)));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(so_many_failures_in_a_row_make_it_down),
		cmocka_unit_test(so_many_successes_in_a_row_bring_it_back),
		cmocka_unit_test(statuses_from_200_to_399_are_good),
		cmocka_unit_test(an_answer_in_pieces_is_waited_for),
		cmocka_unit_test(what_is_not_http_is_known_at_its_first_byte),
		cmocka_unit_test(the_reason_is_told),
		cmocka_unit_test(a_check_has_all_it_needs_and_nothing_else),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
