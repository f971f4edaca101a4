/* SPDX-License-Identifier: GPL-2.0-or-later */
/* firewall-ratelimit: sets and shows the rate limit of the XDP hook. */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>

#include "../bpf/ratelimit.h"
#include "command.h"
#include "log.h"
#include "options.h"
#include "output.h"
#include "snapshot.h"

struct limit_options {
	struct common_options common;
	bool enable, disable, show_config, show_stats, reset_stats;
	bool exempt_whitelist, no_exempt_whitelist;
	struct option_value pps, bps, burst;
};

static const struct option_spec table[] = {
	OPTION(struct limit_options, enable, FLAG, "enable", NULL,
	       "limit; what is not given keeps its stored value"),
	OPTION(struct limit_options, disable, FLAG, "disable", NULL,
	       "do not limit; the values stay stored"),
	OPTION(struct limit_options, show_config, FLAG, "show-config", NULL, "print the limits"),
	OPTION(struct limit_options, show_stats, FLAG, "show-stats", NULL,
	       "print what passed and what was dropped"),
	OPTION(struct limit_options, reset_stats, FLAG, "reset-stats", NULL, "count from 0 again"),
	OPTION_RANGE(struct limit_options, pps, QUANTITY, "pps", "N",
		     "packets per second; 0: no limit", 0, RATE_LIMIT_MAX_PPS),
	OPTION_RANGE(struct limit_options, bps, QUANTITY, "bps", "N",
		     "bytes per second; 0: no limit", 0, RATE_LIMIT_MAX_BPS),
	OPTION(struct limit_options, burst, QUANTITY, "burst", "N",
	       "packets that may come at once; 0: a tenth of a\nsecond's worth"),
	OPTION(struct limit_options, exempt_whitelist, FLAG, "exempt-whitelist", NULL,
	       "packets that match a whitelist rule are not limited"),
	OPTION(struct limit_options, no_exempt_whitelist, FLAG, "no-exempt-whitelist", NULL,
	       "they are limited like all others"),
	OPTIONS_COMMON,
	{0},
};

static int prepare(void *parsed)
{
	const struct limit_options *options = parsed;
	const int actions = options->enable + options->disable + options->show_config +
			    options->show_stats + options->reset_stats;

	if (actions != 1)
		return command_usage(&cmd_ratelimit,
				     "needs %s of --enable, --disable, --show-config, "
				     "--show-stats, --reset-stats",
				     actions ? "only one" : "one");
	if (options->exempt_whitelist && options->no_exempt_whitelist)
		return command_usage(
			&cmd_ratelimit,
			"--exempt-whitelist and --no-exempt-whitelist contradict each other");
	if (!options->enable && (options->pps.given || options->bps.given || options->burst.given ||
				 options->exempt_whitelist || options->no_exempt_whitelist))
		return command_usage(
			&cmd_ratelimit,
			"--pps, --bps, --burst and --exempt-whitelist go with --enable");
	return 0;
}

static void print_config(struct output *out, const struct rate_limit *limit)
{
	char amount[OUTPUT_AMOUNT_BYTES];

	output_text(out, "Rate Limit Configuration:\n");
	output_labels(out, 2, 18);
	output_bool(out, "enabled", "Status", limit->enabled, "Enabled", "Disabled");
	if (limit->pps)
		output_number_as(out, "pps", "Packets/sec", limit->pps, "%" PRIu64 " pps (%s)",
				 (uint64_t)limit->pps, output_kilopackets(limit->pps, amount));
	else
		output_number_as(out, "pps", "Packets/sec", 0, "no limit");
	if (limit->bps)
		output_number_as(out, "bps", "Bytes/sec", limit->bps, "%" PRIu64 " bytes (%s/s)",
				 (uint64_t)limit->bps, output_megabytes(limit->bps, amount));
	else
		output_number_as(out, "bps", "Bytes/sec", 0, "no limit");
	if (limit->burst)
		output_number_as(out, "burst", "Burst", limit->burst, "%" PRIu64 " packets",
				 (uint64_t)limit->burst);
	else
		output_number_as(out, "burst", "Burst", 0, "default (0.1 s of traffic)");
	output_bool(out, "exempt_whitelist", "Whitelist", limit->exempt_whitelist, "not limited",
		    "limited");
}

static void print_bytes(struct output *out, const char *label, uint64_t bytes)
{
	char amount[OUTPUT_AMOUNT_BYTES];

	output_number_as(out, "bytes", label, bytes, "%" PRIu64 " (%s)", bytes,
			 output_megabytes(bytes, amount));
}

static void print_stats(struct output *out, const struct rate_limit_stats *stats)
{
	output_text(out, "Rate Limit Statistics:\n");
	output_labels(out, 2, 18);
	output_object(out, "passed");
	output_number(out, "packets", "Passed Packets", stats->passed.packets);
	print_bytes(out, "Passed Bytes", stats->passed.bytes);
	output_close(out);
	output_object(out, "dropped");
	output_number(out, "packets", "Dropped Packets", stats->dropped.packets);
	print_bytes(out, "Dropped Bytes", stats->dropped.bytes);
	output_close(out);
	output_percent(out, "drop_rate", "Drop Rate", stats->dropped.packets,
		       stats->passed.packets + stats->dropped.packets);
}

static int show(const struct limit_options *options)
{
	_cleanup_store_ struct store *store = NULL;
	_cleanup_output_ struct output *out = NULL;
	struct rate_limit_stats stats = {0};
	struct rate_limit limit;
	int err;

	err = store_open(&store, options->common.pin_path, STORE_READ);
	if (!err)
		err = store_rate_limit_stats(store, &stats);
	if (err)
		return err;
	limit = *store_rate_limit(store);
	store_close(take(store));
	err = output_begin(&out, stdout, options->common.json);
	if (err)
		return err;
	if (options->show_config)
		print_config(out, &limit);
	else
		print_stats(out, &stats);
	return output_end(&out);
}

/* The stored limit with what the options say of it. */
static int set_limit(struct transaction *txn, const struct limit_options *options,
		     struct rate_limit limit)
{
	int err;

	limit.enabled = options->enable;
	if (options->pps.given)
		limit.pps = options->pps.value;
	if (options->bps.given)
		limit.bps = options->bps.value;
	if (options->burst.given)
		limit.burst = options->burst.value;
	if (options->exempt_whitelist || options->no_exempt_whitelist)
		limit.exempt_whitelist = options->exempt_whitelist;
	if (limit.enabled && !limit.pps && !limit.bps)
		return command_usage(&cmd_ratelimit,
				     "--enable needs --pps N or --bps N: neither is stored");
	err = transaction_rate_limit(txn, &limit);
	if (err == -ERANGE)
		return command_usage(&cmd_ratelimit,
				     "--burst: %" PRIu64
				     " packets take more than a year at this rate",
				     (uint64_t)limit.burst);
	return err ? log_error(err, "set the rate limit") : 0;
}

static int report_change(const struct limit_options *options, const struct rate_limit *limit,
			 bool changed)
{
	_cleanup_output_ struct output *out = NULL;
	int err;

	if (options->common.quiet && !options->common.json)
		return 0;
	err = output_begin(&out, stdout, options->common.json);
	if (err)
		return err;
	output_bool(out, "changed", NULL, changed, NULL, NULL);
	if (options->reset_stats)
		output_text(out, "Reset rate limit statistics\n");
	else
		print_config(out, limit);
	return output_end(&out);
}

static int change(const struct limit_options *options)
{
	_cleanup_store_ struct store *store = NULL;
	_cleanup_transaction_ struct transaction *txn = NULL;
	struct rate_limit limit;
	int changed, err;

	err = store_open(&store, options->common.pin_path, STORE_WRITE);
	if (!err)
		err = transaction_begin(&txn, store);
	if (!err)
		err = options->reset_stats ? transaction_reset_rate_limit_stats(txn)
					   : set_limit(txn, options, *store_rate_limit(store));
	if (err)
		return err;
	changed = transaction_commit(&txn);
	if (changed < 0)
		return changed;
	limit = *store_rate_limit(store);
	if (changed)
		snapshot_after_change(&store);
	else
		store_close(take(store));
	return report_change(options, &limit, changed);
}

static int run(const void *parsed)
{
	const struct limit_options *options = parsed;

	return options->show_config || options->show_stats ? show(options) : change(options);
}

const struct command cmd_ratelimit = {
	.name = "firewall-ratelimit",
	.alias = "ratelimit",
	.summary = "limit packets and bytes per second, all sources together",
	.usage = "--enable [--pps N] [--bps N] [--burst N] [--exempt-whitelist]\n"
		 "       bgo firewall-ratelimit (--disable | --show-config | --show-stats | "
		 "--reset-stats)",
	.details =
		"The limit is on what XDP would let through; packets over it are dropped and "
		"counted as\n"
		"rate_limited. Numbers take K, M and G: thousands, millions, thousand millions.\n",
	.examples = "  bgo firewall-ratelimit --enable --pps 100K --exempt-whitelist\n"
		    "  bgo firewall-ratelimit --enable --bps 12500000      (100 Mbit/s)\n"
		    "  bgo firewall-ratelimit --show-stats\n",
	.options = table,
	.options_size = sizeof(struct limit_options),
	.capabilities = COMMAND_NEEDS_BPF,
	.prepare = prepare,
	.run = run,
};
