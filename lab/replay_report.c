/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Replay's lines on standard output, see replay_report.h. */
#include "replay_report.h"

#include <errno.h>
#include <inttypes.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "../src/cleanup.h"
#include "../src/log.h"

static void cleanup_json(json_t **json)
{
	json_decref(*json);
}
#define _cleanup_json_ _cleanup_(cleanup_json)

int report_open(struct report *report, bool json, const char *expected_name)
{
	*report = (struct report){.json = json, .expected_name = expected_name};
	if (!expected_name)
		return 0;
	report->expected = fopen(expected_name, "re");
	return report->expected ? 0 : log_error(-errno, "open %s", expected_name);
}

void report_close(struct report *report)
{
	cleanup_fclose(&report->expected);
}

static json_t *outcome_json(const struct outcome *outcome)
{
	json_t *rule = json_null();

	if (outcome->list)
		rule = json_pack("{s:s, s:I, s:s}", "list", outcome->list, "index",
				 (json_int_t)outcome->index, "text", outcome->rule);
	return json_pack("{s:I, s:s?, s:s, s:o}", "packet", (json_int_t)outcome->packet, "verdict",
			 outcome->verdict, "reason", outcome->reason, "rule", rule);
}

static void print_text(const struct outcome *outcome)
{
	if (outcome->packet == 1)
		printf("%-8s %-8s %-18s %s\n", "Packet", "Verdict", "Reason", "Rule");
	printf("%-8" PRIu64 " %-8s %-18s ", outcome->packet, outcome->verdict ?: "-",
	       outcome->reason);
	if (outcome->list)
		printf("%s %" PRIu32 ": %s\n", outcome->list, outcome->index, outcome->rule);
	else
		puts("-");
}

static void print_json(const char *before, json_t *json)
{
	fputs(before, stdout);
	if (json)
		json_dumpf(json, stdout, 0);
	else
		fputs("nothing", stdout);
	putchar('\n');
}

static void print_difference(struct report *report, uint64_t packet, json_t *expected, json_t *got)
{
	report->differences++;
	printf("packet %" PRIu64 ":\n", packet);
	print_json("  expected ", expected);
	print_json("  got      ", got);
}

/* The expected file's next line, NULL behind its end. 0 or negative errno, logged. */
static int next_expected(struct report *report, json_t **out)
{
	_cleanup_free_ char *line = NULL;
	json_error_t error;
	size_t size = 0;

	*out = NULL;
	if (getline(&line, &size, report->expected) < 0)
		return ferror(report->expected)
			       ? log_error(-errno, "read %s", report->expected_name)
			       : 0;
	report->lines++;
	*out = json_loads(line, 0, &error);
	return *out ? 0
		    : log_fail(-EINVAL, "%s:%" PRIu64 ": not a line of `replay --json`: %s",
			       report->expected_name, report->lines, error.text);
}

static int compare(struct report *report, uint64_t packet, json_t *got)
{
	_cleanup_json_ json_t *expected = NULL;
	int err = next_expected(report, &expected);

	if (!err && !json_equal(expected, got))
		print_difference(report, packet, expected, got);
	return err;
}

int report_packet(struct report *report, const struct outcome *outcome)
{
	_cleanup_json_ json_t *json = NULL;

	if (!report->json && !report->expected) {
		print_text(outcome);
		return 0;
	}
	json = outcome_json(outcome);
	if (!json)
		return log_error(-ENOMEM, "report packet %" PRIu64, outcome->packet);
	if (report->expected)
		return compare(report, outcome->packet, json);
	print_json("", json);
	return 0;
}

/* What the file expects behind the end of the capture. */
static int compare_rest(struct report *report)
{
	for (;;) {
		_cleanup_json_ json_t *expected = NULL;
		int err = next_expected(report, &expected);

		if (err || !expected)
			return err;
		print_difference(report, json_integer_value(json_object_get(expected, "packet")),
				 expected, NULL);
	}
}

int report_end(struct report *report)
{
	int err = report->expected ? compare_rest(report) : 0;

	if (err)
		return err;
	if (fflush(stdout) || ferror(stdout))
		return log_error(-errno, "write to standard output");
	if (report->differences)
		return log_fail(-EBADMSG, "%" PRIu64 " %s not as %s expects", report->differences,
				report->differences == 1 ? "packet is" : "packets are",
				report->expected_name);
	return 0;
}
