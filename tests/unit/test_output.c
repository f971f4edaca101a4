/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The writer: the same walk gives aligned text and one JSON document. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <jansson.h>
#include <string.h>

#include "../../src/output.h"

struct capture {
	char *text;
	size_t bytes;
	FILE *file;
	struct output *out;
};

static void begin(struct capture *capture, bool json)
{
	capture->file = open_memstream(&capture->text, &capture->bytes);
	assert_non_null(capture->file);
	assert_int_equal(output_begin(&capture->out, capture->file, json), 0);
}

static const char *end(struct capture *capture)
{
	assert_int_equal(output_end(&capture->out), 0);
	assert_null(capture->out);
	fclose(capture->file);
	return capture->text;
}

static const struct output_column columns[] = {{"index", "Index", 5},
					       {"address", "Address", 12},
					       {"hook", NULL, 0},
					       {"comment", "Comment", 7}};

static void row(struct output *out, uint64_t index, const char *address, const char *comment)
{
	output_cell_number(out, index);
	output_cell_string(out, address);
	output_cell_string(out, "xdp");
	output_cell_string(out, comment);
}

static void labels_and_values_are_aligned(void **state)
{
	struct capture capture;

	(void)state;
	begin(&capture, false);
	output_text(capture.out, "Limits:\n");
	output_labels(capture.out, 2, 10);
	output_bool(capture.out, "enabled", "Status", true, "Enabled", "Disabled");
	output_number_as(capture.out, "pps", "Rate", 1000, "%d pps", 1000);
	output_percent(capture.out, "rate", "Share", 1234, 46857);
	output_percent(capture.out, "none", "None", 0, 0);
	assert_string_equal(end(&capture), "Limits:\n"
					   "  Status:   Enabled\n"
					   "  Rate:     1000 pps\n"
					   "  Share:    2.63%\n"
					   "  None:     0.00%\n");
	free(capture.text);
}

static void a_long_cell_widens_its_column_and_no_line_ends_in_blanks(void **state)
{
	struct capture capture;

	(void)state;
	begin(&capture, false);
	output_table(capture.out, "rules", columns, 4);
	row(capture.out, 0, "192.0.2.0/24", "");
	row(capture.out, 1, "2001:db8::1234/128", "ssh");
	output_table_end(capture.out);
	assert_string_equal(end(&capture), "Index  Address             Comment\n"
					   "0      192.0.2.0/24\n"
					   "1      2001:db8::1234/128  ssh\n");
	free(capture.text);
}

static void an_empty_table_prints_nothing(void **state)
{
	struct capture capture;

	(void)state;
	begin(&capture, false);
	output_table(capture.out, "rules", columns, 4);
	output_table_end(capture.out);
	assert_string_equal(end(&capture), "");
	free(capture.text);
}

/* More rows than are held back to measure widths: none may be lost or printed twice where the two
 * ways meet. */
static void every_row_of_a_long_table_is_printed_once(void **state)
{
	struct capture capture;
	char expected[64];
	const char *at;

	(void)state;
	begin(&capture, false);
	output_table(capture.out, "rules", columns, 4);
	for (uint64_t index = 0; index < 2500; index++)
		row(capture.out, index, "192.0.2.0/24", "x");
	output_table_end(capture.out);
	at = end(&capture);
	assert_memory_equal(at, "Index  Address       Comment\n", 29);
	at += 29;
	for (int index = 0; index < 2500; index++) {
		int length = snprintf(expected, sizeof(expected), "%-5d  192.0.2.0/24  x\n", index);

		assert_memory_equal(at, expected, (size_t)length);
		at += length;
	}
	assert_string_equal(at, "");
	free(capture.text);
}

static void json_is_one_document_with_every_key(void **state)
{
	struct capture capture;
	json_t *document, *rules;
	json_error_t error;

	(void)state;
	begin(&capture, true);
	output_text(capture.out, "not in JSON\n");
	output_object(capture.out, "limit");
	output_bool(capture.out, "enabled", "Status", true, "Enabled", "Disabled");
	output_number_as(capture.out, "pps", "Rate", 18446744073709551615ULL, "%s", "many");
	output_null(capture.out, "since");
	output_close(capture.out);
	output_percent(capture.out, "rate", NULL, 1, 4);
	output_table(capture.out, "rules", columns, 4);
	row(capture.out, 0, "192.0.2.0/24", "a \"quoted\" \\ one");
	row(capture.out, 1, "2001:db8::/32", "");
	output_table_end(capture.out);
	output_array(capture.out, "empty");
	output_close(capture.out);
	/* jansson's own integers end at 2^63: read big ones as reals. */
	document = json_loads(end(&capture), JSON_DECODE_INT_AS_REAL, &error);
	assert_non_null(document);
	assert_non_null(strstr(capture.text, "\"pps\": 18446744073709551615"));
	assert_true(json_is_true(json_object_get(json_object_get(document, "limit"), "enabled")));
	assert_true(json_is_null(json_object_get(json_object_get(document, "limit"), "since")));
	assert_true(json_real_value(json_object_get(document, "rate")) == 25.0);
	rules = json_object_get(document, "rules");
	assert_int_equal(json_array_size(rules), 2);
	assert_string_equal(json_string_value(json_object_get(json_array_get(rules, 0), "comment")),
			    "a \"quoted\" \\ one");
	assert_string_equal(json_string_value(json_object_get(json_array_get(rules, 1), "hook")),
			    "xdp");
	assert_int_equal(json_array_size(json_object_get(document, "empty")), 0);
	json_decref(document);
	free(capture.text);
}

static void json_has_rows_on_one_line_and_only_what_has_a_key(void **state)
{
	static const struct output_column few[] = {
		{"index", "Index", 5}, {"in_force", "State", 5}, {"since", "Since", 5}};
	struct capture capture;

	(void)state;
	begin(&capture, true);
	output_number(capture.out, "count", "Count", 2);
	output_number(capture.out, NULL, "Text only", 3);
	output_string(capture.out, NULL, "Text only", "x");
	output_bool(capture.out, "changed", NULL, false, NULL, NULL);
	output_table(capture.out, "rules", few, 3);
	output_cell_number_as(capture.out, 7, "seven");
	output_cell_bool(capture.out, true, "yes");
	output_cell_null(capture.out, "never");
	output_cell_number(capture.out, 8);
	output_cell_bool(capture.out, false, "no");
	output_cell_null(capture.out, "never");
	output_table_end(capture.out);
	output_object(capture.out, "none");
	output_close(capture.out);
	assert_string_equal(end(&capture),
			    "{\n"
			    "  \"count\": 2,\n"
			    "  \"changed\": false,\n"
			    "  \"rules\": [\n"
			    "    {\"index\": 7, \"in_force\": true, \"since\": null},\n"
			    "    {\"index\": 8, \"in_force\": false, \"since\": null}\n"
			    "  ],\n"
			    "  \"none\": {}\n"
			    "}\n");
	free(capture.text);
}

static void text_has_words_where_json_has_values(void **state)
{
	static const struct output_column few[] = {
		{"index", "Index", 5}, {"in_force", "State", 5}, {"since", "Since", 5}};
	struct capture capture;

	(void)state;
	begin(&capture, false);
	output_labels(capture.out, 0, 8);
	output_number(capture.out, "json_only", NULL, 3);
	output_string(capture.out, "longer", "A long label", "x");
	output_bool(capture.out, "off", "State", false, "on", "off");
	output_null(capture.out, "since");
	output_table(capture.out, "rules", few, 3);
	output_cell_number_as(capture.out, 7, "seven");
	output_cell_bool(capture.out, true, "yes");
	output_cell_null(capture.out, "never");
	output_table_end(capture.out);
	assert_string_equal(end(&capture), "A long label: x\n"
					   "State:  off\n"
					   "Index  State  Since\n"
					   "seven  yes    never\n");
	free(capture.text);
}

/* What is wrong with a document is said when it ends, not lost. */
static void text_that_is_not_utf8_is_no_json(void **state)
{
	struct capture capture;

	(void)state;
	begin(&capture, true);
	output_string(capture.out, "comment", NULL, "\377");
	assert_int_equal(output_end(&capture.out), -EILSEQ);
	fclose(capture.file);
	free(capture.text);
}

static void amounts_read_as_documented(void **state)
{
	char text[OUTPUT_AMOUNT_BYTES];

	(void)state;
	assert_string_equal(output_megabytes(12845632, text), "12.25 MB");
	assert_string_equal(output_megabytes(345678, text), "0.33 MB");
	assert_string_equal(output_megabytes(1048576, text), "1.00 MB");
	assert_string_equal(output_megabytes(3ULL << 29, text), "1.50 GB");
	assert_string_equal(output_megabytes(UINT64_MAX, text), "16.00 EB");
	assert_string_equal(output_kilopackets(1000, text), "1.00 Kpps");
	assert_string_equal(output_megabytes(1ULL << 30, text), "1.00 GB");
	assert_string_equal(output_kilopackets(1000000, text), "1.00 Mpps");
	assert_string_equal(output_kilopackets(UINT64_MAX, text), "18446744073.71 Gpps");
	assert_string_equal(output_kilopackets(2500000, text), "2.50 Mpps");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(labels_and_values_are_aligned),
		cmocka_unit_test(a_long_cell_widens_its_column_and_no_line_ends_in_blanks),
		cmocka_unit_test(an_empty_table_prints_nothing),
		cmocka_unit_test(every_row_of_a_long_table_is_printed_once),
		cmocka_unit_test(json_is_one_document_with_every_key),
		cmocka_unit_test(json_has_rows_on_one_line_and_only_what_has_a_key),
		cmocka_unit_test(text_has_words_where_json_has_values),
		cmocka_unit_test(text_that_is_not_utf8_is_no_json),
		cmocka_unit_test(amounts_read_as_documented),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
