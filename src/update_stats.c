/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The stats action of firewall-update: what became of the packets of a hook. */
#include <inttypes.h>
#include <stdio.h>

#include "rule.h"
#include "update.h"

static const struct {
	const char *name;
	enum verdict verdict;
} reasons[REASON_COUNT] = {
#define REASON_ROW(NAME, name, verdict, text) [REASON_##NAME] = {#name, VERDICT_##verdict},
	REASONS(REASON_ROW)
#undef REASON_ROW
};

static void print_sum(struct output *out, const char *key, const char *label,
		      const struct counter *sum)
{
	output_object(out, key);
	output_number(out, "packets", label, sum->packets);
	output_number(out, "bytes", NULL, sum->bytes);
	output_close(out);
}

static void print_stats(struct output *out, const struct counter counters[static REASON_SLOTS])
{
	struct counter sums[2] = {0}, total;

	for (enum reason reason = 0; reason < REASON_COUNT; reason++) {
		struct counter *sum = &sums[reasons[reason].verdict];

		sum->packets += counters[reason].packets;
		sum->bytes += counters[reason].bytes;
	}
	total.packets = sums[VERDICT_PASS].packets + sums[VERDICT_DROP].packets;
	total.bytes = sums[VERDICT_PASS].bytes + sums[VERDICT_DROP].bytes;

	output_text(out, "Firewall Statistics:\n");
	output_labels(out, 0, 17);
	print_sum(out, "total", "Total Packets", &total);
	print_sum(out, "allowed", "Allowed Packets", &sums[VERDICT_PASS]);
	print_sum(out, "blocked", "Blocked Packets", &sums[VERDICT_DROP]);
	output_percent(out, "allow_rate", "Allow Rate", sums[VERDICT_PASS].packets, total.packets);
	output_percent(out, "block_rate", "Block Rate", sums[VERDICT_DROP].packets, total.packets);

	output_text(out, "\nBy reason:\n");
	output_labels(out, 2, 20);
	output_object(out, "reasons");
	for (enum reason reason = 0; reason < REASON_COUNT; reason++) {
		output_object(out, reasons[reason].name);
		output_number_as(out, "packets", reasons[reason].name, counters[reason].packets,
				 "%" PRIu64 " packets, %" PRIu64 " bytes",
				 (uint64_t)counters[reason].packets,
				 (uint64_t)counters[reason].bytes);
		output_number(out, "bytes", NULL, counters[reason].bytes);
		output_close(out);
	}
	output_close(out);
}

int update_stats(const struct update_options *options)
{
	struct counter counters[REASON_SLOTS] = {0};
	_cleanup_store_ struct store *store = NULL;
	_cleanup_output_ struct output *out = NULL;
	int err;

	err = store_open(&store, options->common.pin_path, STORE_READ);
	if (!err)
		err = store_stats(store, options->hook, counters);
	if (err)
		return err;
	store_close(take(store));
	err = output_begin(&out, stdout, options->common.json);
	if (err)
		return err;
	output_string(out, "hook", NULL, hook_name(options->hook));
	print_stats(out, counters);
	return output_end(&out);
}
