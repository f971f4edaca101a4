/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The pure parts of connections: checksums that follow changes, and the states of TCP. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <string.h>

#include "../../bpf/checksum.h"
#include "../../bpf/conn.h"

/* RFC 1071 over all of it. */
static uint16_t sum_of(const uint8_t *bytes, size_t count)
{
	uint32_t sum = 0;

	for (size_t i = 0; i < count; i += 2) {
		uint16_t word;

		memcpy(&word, bytes + i, sizeof(word));
		sum += word;
	}
	while (sum >> 16)
		sum = (sum & 0xffff) + (sum >> 16);
	return (uint16_t)~sum;
}

static uint32_t next_random(uint32_t *state)
{
	*state = *state * 1664525 + 1013904223;
	return *state >> 8 ^ *state << 11;
}

/* As ones' complement numbers: the two zeroes are one. */
static void assert_same_sum(uint16_t a, uint16_t b)
{
	assert_int_equal(a == 0xffff ? 0 : a, b == 0xffff ? 0 : b);
}

static void a_changed_checksum_is_that_of_the_changed_bytes(void **state)
{
	uint32_t random = 1;

	(void)state;
	for (int round = 0; round < 200000; round++) {
		uint32_t words[12], before[12];
		checksum_change change = 0;
		uint16_t old_sum;

		for (int i = 0; i < 12; i++) {
			words[i] = next_random(&random);
			/* The numbers at which carries happen. */
			if (round % 3 == 0)
				words[i] = round & 8 ? 0xffffffff : 0;
		}
		memcpy(before, words, sizeof(words));
		old_sum = sum_of((uint8_t *)words, sizeof(words));
		for (int i = 0; i < 9; i++) {
			words[i] = round % 5 ? next_random(&random) : ~words[i];
			change = checksum_replace(change, before[i], words[i]);
		}
		assert_same_sum(checksum_apply(old_sum, change),
				sum_of((uint8_t *)words, sizeof(words)));
	}
}

static void sixteen_bit_words_change_it_as_well(void **state)
{
	uint16_t words[10] = {0x1234, 0xffff, 0, 0x8000, 0x7fff, 1, 0xfffe, 80, 8080, 0xaaaa};
	uint16_t before[10], old_sum = sum_of((uint8_t *)words, sizeof(words));
	checksum_change change = 0;

	(void)state;
	memcpy(before, words, sizeof(words));
	words[0] = 0xffff;
	words[1] = 0;
	words[8] = 80;
	for (int i = 0; i < 10; i++)
		change = checksum_replace(change, before[i], words[i]);
	assert_same_sum(checksum_apply(old_sum, change), sum_of((uint8_t *)words, sizeof(words)));
}

static void no_udp_checksum_stays_none_and_none_is_made(void **state)
{
	(void)state;
	assert_int_equal(checksum_apply_udp(0, checksum_replace(0, 1, 2)), 0);
	/* What would come out as 0, which says "none". */
	assert_int_equal(checksum_apply_udp(0x0001, checksum_replace(0, 0x0000, 0x0001)), 0xffff);
	assert_int_equal(checksum_apply(0x0001, checksum_replace(0, 0x0000, 0x0001)), 0);
}

#define FIN CONN_TCP_FIN
#define RST CONN_TCP_RST
#define ACK CONN_TCP_ACK
#define SYN CONN_TCP_SYN

static void data_keeps_a_connection_established(void **state)
{
	(void)state;
	assert_int_equal(conn_tcp_next(CONN_ESTABLISHED, ACK, 0), CONN_ESTABLISHED);
	assert_int_equal(conn_tcp_next(CONN_ESTABLISHED, ACK, 1), CONN_ESTABLISHED);
	assert_int_equal(conn_tcp_next(CONN_ESTABLISHED, SYN, 0), CONN_ESTABLISHED);
	assert_false(conn_over(CONN_ESTABLISHED));
}

static void it_is_closed_when_both_ends_have_finished(void **state)
{
	(void)state;
	assert_int_equal(conn_tcp_next(CONN_ESTABLISHED, FIN | ACK, 0), CONN_FIN_CLIENT);
	assert_int_equal(conn_tcp_next(CONN_FIN_CLIENT, FIN | ACK, 0), CONN_FIN_CLIENT);
	assert_int_equal(conn_tcp_next(CONN_FIN_CLIENT, ACK, 1), CONN_FIN_CLIENT);
	assert_int_equal(conn_tcp_next(CONN_FIN_CLIENT, FIN | ACK, 1), CONN_CLOSED);
	assert_int_equal(conn_tcp_next(CONN_ESTABLISHED, FIN | ACK, 1), CONN_FIN_SERVER);
	assert_int_equal(conn_tcp_next(CONN_FIN_SERVER, FIN | ACK, 0), CONN_CLOSED);
	assert_int_equal(conn_tcp_next(CONN_CLOSED, ACK, 0), CONN_CLOSED);
	assert_true(conn_over(CONN_CLOSED));
	assert_false(conn_over(CONN_FIN_CLIENT));
}

static void a_reset_is_believed_until_its_sender_goes_on(void **state)
{
	(void)state;
	assert_int_equal(conn_tcp_next(CONN_ESTABLISHED, RST, 0), CONN_RESET_CLIENT);
	assert_int_equal(conn_tcp_next(CONN_RESET_CLIENT, ACK, 1), CONN_RESET_CLIENT);
	assert_int_equal(conn_tcp_next(CONN_RESET_CLIENT, ACK, 0), CONN_ESTABLISHED);
	assert_int_equal(conn_tcp_next(CONN_ESTABLISHED, RST | ACK, 1), CONN_RESET_SERVER);
	assert_int_equal(conn_tcp_next(CONN_RESET_SERVER, ACK, 0), CONN_RESET_SERVER);
	assert_int_equal(conn_tcp_next(CONN_RESET_SERVER, ACK, 1), CONN_ESTABLISHED);
	assert_true(conn_over(CONN_RESET_CLIENT));
	assert_true(conn_over(CONN_RESET_SERVER));
}

static void silence_ends_a_connection_by_its_state(void **state)
{
	const uint64_t second = 1000000000, now = 1000000 * second;
	struct conn conn = {.state = CONN_ESTABLISHED, .seen_ns = now - 7440 * second};

	(void)state;
	assert_false(conn_expired(&conn, now));
	assert_true(conn_expired(&conn, now + 1));
	conn.state = CONN_REPLIED;
	conn.seen_ns = now - 180 * second;
	assert_false(conn_expired(&conn, now));
	assert_true(conn_expired(&conn, now + second));
	/* Another CPU's clock was read later. */
	conn.seen_ns = now + second;
	assert_false(conn_expired(&conn, now));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_changed_checksum_is_that_of_the_changed_bytes),
		cmocka_unit_test(sixteen_bit_words_change_it_as_well),
		cmocka_unit_test(no_udp_checksum_stays_none_and_none_is_made),
		cmocka_unit_test(data_keeps_a_connection_established),
		cmocka_unit_test(it_is_closed_when_both_ends_have_finished),
		cmocka_unit_test(a_reset_is_believed_until_its_sender_goes_on),
		cmocka_unit_test(silence_ends_a_connection_by_its_state),
	};

	return cmocka_run_group_tests_name("connections", tests, NULL, NULL);
}
