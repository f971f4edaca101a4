/* SPDX-License-Identifier: GPL-2.0-or-later */
/* firewall-ratelimit: sets and shows the rate limits of the XDP hook. */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>

#include "../bpf/ratelimit.h"
#include "cidr.h"
#include "command.h"
#include "log.h"
#include "options.h"
#include "output.h"
#include "snapshot.h"

struct limit_options {
	struct common_options common;
	bool enable, disable, show_config, show_stats, reset_stats;
	bool exempt_whitelist, no_exempt_whitelist, per_source;
	struct option_value pps, bps, burst, prefix4, prefix6;
};

/* So many of the worst sources are shown. */
#define OFFENDERS_SHOWN 20

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
	OPTION(struct limit_options, per_source, FLAG, "per-source", NULL,
	       "set the limit of each source by itself, not of all\ntogether"),
	OPTION_RANGE(struct limit_options, prefix4, COUNT, "prefix4", "N",
		     "IPv4 sources of one prefix of N bits are one (default 32)", 0, 32),
	OPTION_RANGE(struct limit_options, prefix6, COUNT, "prefix6", "N",
		     "IPv6 sources of one prefix of N bits are one (default 64)", 0, 128),
	OPTION(struct limit_options, exempt_whitelist, FLAG, "exempt-whitelist", NULL,
	       "packets that match a whitelist rule are not limited"),
	OPTION(struct limit_options, no_exempt_whitelist, FLAG, "no-exempt-whitelist", NULL,
	       "they are limited like all others"),
	OPTIONS_COMMON,
	{0},
};

static bool sets_values(const struct limit_options *options)
{
	return options->pps.given || options->bps.given || options->burst.given ||
	       options->prefix4.given || options->prefix6.given || options->exempt_whitelist ||
	       options->no_exempt_whitelist;
}

static int prepare(void *parsed)
{
	struct limit_options *options = parsed;
	int actions = options->enable + options->disable + options->show_config +
		      options->show_stats + options->reset_stats;

	/* "--per-source --pps 100" says what is meant. */
	if (!actions && options->per_source && sets_values(options)) {
		options->enable = true;
		actions = 1;
	}
	if (actions != 1)
		return command_usage(&cmd_ratelimit,
				     "needs %s of --enable, --disable, --show-config, "
				     "--show-stats, --reset-stats",
				     actions ? "only one" : "one");
	if (options->exempt_whitelist && options->no_exempt_whitelist)
		return command_usage(
			&cmd_ratelimit,
			"--exempt-whitelist and --no-exempt-whitelist contradict each other");
	if (!options->enable && sets_values(options))
		return command_usage(&cmd_ratelimit, "--pps, --bps, --burst, --prefix4, --prefix6 "
						     "and --exempt-whitelist go with --enable");
	if (!options->per_source && (options->prefix4.given || options->prefix6.given))
		return command_usage(&cmd_ratelimit,
				     "--prefix4 and --prefix6 go with --per-source");
	if (options->per_source && !options->enable && !options->disable)
		return command_usage(&cmd_ratelimit,
				     "--per-source goes with --enable and --disable; what is shown "
				     "and reset is of both limits");
	return 0;
}

static void print_rates(struct output *out, uint64_t pps, uint64_t bps, uint64_t burst)
{
	char amount[OUTPUT_AMOUNT_BYTES];

	if (pps)
		output_number_as(out, "pps", "Packets/sec", pps, "%" PRIu64 " pps (%s)", pps,
				 output_kilopackets(pps, amount));
	else
		output_number_as(out, "pps", "Packets/sec", 0, "no limit");
	if (bps)
		output_number_as(out, "bps", "Bytes/sec", bps, "%" PRIu64 " bytes (%s/s)", bps,
				 output_megabytes(bps, amount));
	else
		output_number_as(out, "bps", "Bytes/sec", 0, "no limit");
	if (burst)
		output_number_as(out, "burst", "Burst", burst, "%" PRIu64 " packets", burst);
	else
		output_number_as(out, "burst", "Burst", 0, "default (0.1 s of traffic)");
}

static void print_source_limit(struct output *out, const struct source_limit *limit)
{
	output_text(out, "Rate Limit of Each Source:\n");
	output_object(out, "per_source");
	output_bool(out, "enabled", "Status", limit->enabled, "Enabled", "Disabled");
	print_rates(out, limit->pps, limit->bps, limit->burst);
	output_number_as(out, "prefix4", "IPv4 source", limit->prefix4, "a /%u", limit->prefix4);
	output_number_as(out, "prefix6", "IPv6 source", limit->prefix6, "a /%u", limit->prefix6);
	output_close(out);
}

static void print_config(struct output *out, const struct rate_limit *limit)
{
	output_text(out, "Rate Limit Configuration:\n");
	output_labels(out, 2, 18);
	output_bool(out, "enabled", "Status", limit->enabled, "Enabled", "Disabled");
	print_rates(out, limit->pps, limit->bps, limit->burst);
	output_bool(out, "exempt_whitelist", "Whitelist", limit->exempt_whitelist, "not limited",
		    "limited");
	print_source_limit(out, &limit->source);
}

static void print_bytes(struct output *out, const char *label, uint64_t bytes)
{
	char amount[OUTPUT_AMOUNT_BYTES];

	output_number_as(out, "bytes", label, bytes, "%" PRIu64 " (%s)", bytes,
			 output_megabytes(bytes, amount));
}

static void print_source(struct output *out, const struct rule *source)
{
	char text[CIDR_TEXT_BYTES];

	cidr_format(source, text);
	output_cell_string(out, text);
}

static void print_offenders(struct output *out, const struct offender *offenders, int count)
{
	static const struct output_column columns[] = {
		{"source", "Source", 20},
		{"dropped_packets", "Dropped Packets", 15},
		{"dropped_bytes", "Dropped Bytes", 13},
	};

	output_text(out, count ? "\nSources over their limit, worst first:\n"
			       : "\nSources over their limit: none\n");
	if (!count && !output_is_json(out))
		return;
	output_table(out, "offenders", columns, sizeof(columns) / sizeof(columns[0]));
	for (int i = 0; i < count && i < OFFENDERS_SHOWN; i++) {
		print_source(out, &offenders[i].source);
		output_cell_number(out, offenders[i].dropped.packets);
		output_cell_number(out, offenders[i].dropped.bytes);
	}
	output_table_end(out);
	if (count > OFFENDERS_SHOWN)
		output_text(out, "and %d more\n", count - OFFENDERS_SHOWN);
}

static void print_stats(struct output *out, const struct rate_limit_stats *stats)
{
	const uint64_t dropped = stats->dropped.packets + stats->source_dropped.packets;

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
	output_object(out, "source_dropped");
	output_number(out, "packets", "Source Packets", stats->source_dropped.packets);
	print_bytes(out, "Source Bytes", stats->source_dropped.bytes);
	output_close(out);
	output_percent(out, "drop_rate", "Drop Rate", dropped, stats->passed.packets + dropped);
}

static int show(const struct limit_options *options)
{
	_cleanup_store_ struct store *store = NULL;
	_cleanup_output_ struct output *out = NULL;
	_cleanup_free_ struct offender *offenders = NULL;
	struct rate_limit_stats stats = {0};
	struct rate_limit limit;
	int count, err;

	err = store_open(&store, options->common.pin_path, STORE_READ);
	if (!err)
		err = store_rate_limit_stats(store, &stats);
	if (err)
		return err;
	count = store_offenders(store, &offenders);
	if (count < 0)
		return count;
	limit = *store_rate_limit(store);
	store_close(take(store));
	err = output_begin(&out, stdout, options->common.json);
	if (err)
		return err;
	if (options->show_config) {
		print_config(out, &limit);
	} else {
		print_stats(out, &stats);
		print_offenders(out, offenders, count);
	}
	return output_end(&out);
}

/* What the option says, else what is stored. */
static void set_given(__u64 *stored, const struct option_value *option)
{
	if (option->given)
		*stored = option->value;
}

static int fail_without_rate(void)
{
	return command_usage(&cmd_ratelimit,
			     "--enable needs --pps N or --bps N: neither is stored");
}

static int fail_limit(int err, uint64_t burst)
{
	if (err == -ERANGE)
		return command_usage(
			&cmd_ratelimit,
			"--burst: %" PRIu64 " packets take more than a year at this rate", burst);
	return err ? log_error(err, "set the rate limit") : 0;
}

/* The stored limit with what the options say of it. */
static int set_limit(struct transaction *txn, const struct limit_options *options,
		     struct rate_limit limit)
{
	if (!options->per_source) {
		limit.enabled = options->enable;
		set_given(&limit.pps, &options->pps);
		set_given(&limit.bps, &options->bps);
		set_given(&limit.burst, &options->burst);
	}
	if (options->exempt_whitelist || options->no_exempt_whitelist)
		limit.exempt_whitelist = options->exempt_whitelist;
	if (limit.enabled && !limit.pps && !limit.bps)
		return fail_without_rate();
	return fail_limit(transaction_rate_limit(txn, &limit), limit.burst);
}

static int set_source_limit(struct transaction *txn, const struct limit_options *options,
			    struct source_limit limit)
{
	limit.enabled = options->enable;
	set_given(&limit.pps, &options->pps);
	set_given(&limit.bps, &options->bps);
	set_given(&limit.burst, &options->burst);
	if (options->prefix4.given)
		limit.prefix4 = (uint32_t)options->prefix4.value;
	if (options->prefix6.given)
		limit.prefix6 = (uint32_t)options->prefix6.value;
	if (limit.enabled && !limit.pps && !limit.bps)
		return fail_without_rate();
	return fail_limit(transaction_source_limit(txn, &limit), limit.burst);
}

static int set_limits(struct transaction *txn, const struct limit_options *options,
		      const struct rate_limit *stored)
{
	int err = set_limit(txn, options, *stored);

	return err || !options->per_source ? err : set_source_limit(txn, options, stored->source);
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
					   : set_limits(txn, options, store_rate_limit(store));
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
	.summary = "limit packets and bytes per second, of all sources together and of each",
	.usage = "--enable [--pps N] [--bps N] [--burst N] [--exempt-whitelist]\n"
		 "       bgo firewall-ratelimit --per-source [--prefix4 N] [--prefix6 N] [--pps N] "
		 "[--bps N] [--burst N]\n"
		 "       bgo firewall-ratelimit (--disable [--per-source] | --show-config | "
		 "--show-stats | --reset-stats)",
	.details =
		"The limits are on what XDP would let through. Packets over that of all sources "
		"together are dropped\n"
		"and counted as rate_limited, those over that of their own source as "
		"source_limited: a source is an\n"
		"address of IPv4, a /64 of IPv6, or what --prefix4 and --prefix6 say. What either "
		"limit drops takes\n"
		"nothing from the other. --exempt-whitelist is for both. Numbers take K, M and G: "
		"thousands,\n"
		"millions, thousand millions.\n",
	.examples = "  bgo firewall-ratelimit --enable --pps 100K --exempt-whitelist\n"
		    "  bgo firewall-ratelimit --enable --bps 12500000      (100 Mbit/s)\n"
		    "  bgo firewall-ratelimit --per-source --pps 2000\n"
		    "  bgo firewall-ratelimit --show-stats\n",
	.options = table,
	.options_size = sizeof(struct limit_options),
	.capabilities = COMMAND_NEEDS_BPF,
	.prepare = prepare,
	.run = run,
};
