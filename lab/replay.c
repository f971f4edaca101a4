/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * `bgo-lab replay`: what the real programs do with each packet of a capture under the rules of a
 * save file. Store and programs are made for it in namespaces of its own; the host's are not
 * touched.
 */
#include "replay.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <linux/if_ether.h>
#include <pcap/pcap.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "../src/cleanup.h"
#include "../src/log.h"
#include "../src/ruleset_text.h"
#include "lab.h"
#include "replay_report.h"
#include "sandbox.h"

struct options {
	const char *capture, *rules, *expected, *drops;
	enum hook hook;
	uint32_t max_rules;
	bool veth, json;
};

/* Where a hit number leads. */
struct rule_place {
	enum list list;
	const struct rule_slot *slot; /* NULL: no rule of this hook has it */
};

struct replay {
	const struct options *options;
	pcap_t *capture;
	pcap_dumper_t *drops; /* NULL: not wanted */
	struct report report;
	struct store *store;
	struct programs *programs;
	struct replay_method method;
	struct rule_place *rules; /* by hit number */
	uint64_t packets, not_run;
	struct counter counters[REASON_SLOTS];
};

#define REASON_NAME(NAME, name, verdict, text) #name,
static const char *const reason_names[] = {REASONS(REASON_NAME)};
#undef REASON_NAME

static const char *const not_run_names[] = {
	[TOO_SHORT] = "too_short",
	[TRUNCATED_CAPTURE] = "truncated_capture",
	[TOO_LONG] = "too_long",
};

static void replay_close(struct replay *replay)
{
	cleanup_close(&replay->method.send_fd);
	programs_cleanup(&replay->programs);
	store_cleanup(&replay->store);
	free(replay->rules);
	report_close(&replay->report);
	if (replay->drops)
		pcap_dump_close(replay->drops);
	if (replay->capture)
		pcap_close(replay->capture);
}

static int open_capture(struct replay *replay)
{
	char error[PCAP_ERRBUF_SIZE];
	const char *path = replay->options->capture;
	int type;

	replay->capture = pcap_open_offline(path, error);
	if (!replay->capture)
		return log_fail(-EINVAL, "open capture %s: %s", path, error);
	type = pcap_datalink(replay->capture);
	if (type == DLT_EN10MB)
		return 0;
	return log_fail(-EINVAL,
			"capture %s is of link type %s; only Ethernet can be replayed: capture on "
			"one Ethernet interface, not on \"any\"",
			path, pcap_datalink_val_to_name(type) ?: "unknown");
}

/* Refuses to write over the capture that is being read. */
static int open_drops(struct replay *replay)
{
	const char *path = replay->options->drops;
	_cleanup_close_ int fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0666);
	struct stat written, read;
	FILE *file;

	if (fd < 0 || fstat(fd, &written) || fstat(fileno(pcap_file(replay->capture)), &read))
		return log_error(-errno, "open %s", path);
	if (written.st_dev == read.st_dev && written.st_ino == read.st_ino)
		return log_fail(-EINVAL, "%s is the capture itself; write drops to another file",
				path);
	if (S_ISREG(written.st_mode) && ftruncate(fd, 0))
		return log_error(-errno, "empty %s", path);
	file = fdopen(fd, "w");
	if (!file)
		return log_error(-errno, "open %s", path);
	(void)take_fd(fd);
	replay->drops = pcap_dump_fopen(replay->capture, file);
	if (replay->drops)
		return 0;
	fclose(file);
	return log_fail(-EIO, "write %s: %s", path, pcap_geterr(replay->capture));
}

static int restore_rules(struct store *store, FILE *file, const char *name)
{
	_cleanup_transaction_ struct transaction *txn = NULL;
	int err;

	err = transaction_begin(&txn, store);
	if (!err)
		err = transaction_replace_all(txn);
	if (!err)
		err = ruleset_text_restore(file, name, txn);
	if (!err)
		err = transaction_commit(&txn);
	return err < 0 ? err : 0;
}

/* Every rule of the hook by its hit number, which is all that programs know of it. */
static int index_rules(struct replay *replay)
{
	uint32_t count = store_max_rules(replay->store);

	replay->rules = calloc(count, sizeof(*replay->rules));
	if (!replay->rules)
		return log_error(-ENOMEM, "index the rules");
	for (int list = 0; list < LIST_COUNT; list++) {
		struct rule_view view = store_rules(replay->store, replay->options->hook, list);

		for (uint32_t i = 0; i < view.count; i++) {
			const struct rule_slot *slot = &view.slots[i];

			if (rule_slot_live(slot, view.generation) && slot->hit < count)
				replay->rules[slot->hit] = (struct rule_place){list, slot};
		}
	}
	return 0;
}

/* All files are opened first: what is mounted over them in the sandbox must not matter. */
static int replay_open(struct replay *replay)
{
	const struct options *options = replay->options;
	_cleanup_fclose_ FILE *rules = NULL;
	bool created;
	int err;

	rules = fopen(options->rules, "re");
	if (!rules)
		return log_error(-errno, "open rules %s", options->rules);
	err = open_capture(replay);
	if (!err)
		err = report_open(&replay->report, options->json, options->expected);
	if (!err && options->drops)
		err = open_drops(replay);
	if (!err)
		err = sandbox_enter();
	if (!err)
		err = store_open_or_create(&replay->store, STORE_DEFAULT_PIN_PATH,
					   options->max_rules, &created);
	if (!err)
		err = restore_rules(replay->store, rules, options->rules);
	if (!err)
		err = programs_load(&replay->programs, replay->store, true);
	if (!err)
		err = index_rules(replay);
	if (err)
		return err;

	replay->method.programs = replay->programs;
	replay->method.hook = options->hook;
	return options->veth ? replay_veth_open(&replay->method) : 0;
}

static const struct rule_place *find_rule(const struct replay *replay, int64_t hit)
{
	if (hit < 0 || hit >= store_max_rules(replay->store) || !replay->rules[hit].slot)
		return NULL;
	return &replay->rules[hit];
}

/* Appends a packet to the capture of the dropped ones, if there is one. */
static void keep_dropped(const struct replay *replay, const struct pcap_pkthdr *header,
			 const u_char *bytes)
{
	if (replay->drops)
		pcap_dump((u_char *)replay->drops, header, bytes);
}

static int replay_one(struct replay *replay, const struct pcap_pkthdr *header, const u_char *bytes)
{
	struct outcome outcome = {.packet = ++replay->packets};
	struct last_verdict verdict = {0};
	enum not_run not_run = RUN;
	const struct rule_place *rule;
	int err;

	if (header->caplen < header->len)
		not_run = TRUNCATED_CAPTURE;
	else if (header->caplen < ETH_HLEN)
		not_run = TOO_SHORT;
	else {
		err = replay_packet(&replay->method, bytes, header->caplen, &verdict, &not_run);
		if (err)
			return err;
	}
	if (not_run != RUN) {
		replay->not_run++;
		outcome.reason = not_run_names[not_run];
		return report_packet(&replay->report, &outcome);
	}
	if (verdict.reason >= REASON_COUNT)
		return log_error(-EIO, "the program noted reason %" PRIu32 ", which there is not",
				 verdict.reason);
	replay->counters[verdict.reason].packets++;
	outcome.verdict = "pass";
	outcome.reason = reason_names[verdict.reason];
	if (REASONS_DROPPED & 1u << verdict.reason) {
		outcome.verdict = "drop";
		keep_dropped(replay, header, bytes);
	}
	rule = find_rule(replay, verdict.rule);
	if (rule) {
		outcome.list = list_name(rule->list);
		outcome.index = rule->slot->index;
		rule_format(&rule->slot->rule, outcome.rule);
	}
	return report_packet(&replay->report, &outcome);
}

static int replay_all(struct replay *replay)
{
	struct pcap_pkthdr *header;
	const u_char *bytes;
	int got, err;

	while ((got = pcap_next_ex(replay->capture, &header, &bytes)) == 1) {
		err = replay_one(replay, header, bytes);
		if (err)
			return log_error(err, "replay packet %" PRIu64 " of %s", replay->packets,
					 replay->options->capture);
	}
	if (got == PCAP_ERROR)
		return log_fail(-EIO, "read capture %s behind packet %" PRIu64 ": %s",
				replay->options->capture, replay->packets,
				pcap_geterr(replay->capture));
	if (replay->drops && pcap_dump_flush(replay->drops))
		return log_error(-errno, "write %s", replay->options->drops);
	return 0;
}

static void print_totals(const struct replay *replay)
{
	fprintf(stderr, "%" PRIu64 " packet%s", replay->packets, replay->packets == 1 ? "" : "s");
	for (int i = 0; i < REASON_COUNT; i++)
		if (replay->counters[i].packets)
			fprintf(stderr, ", %" PRIu64 " %s", (uint64_t)replay->counters[i].packets,
				reason_names[i]);
	if (replay->not_run)
		fprintf(stderr, ", %" PRIu64 " not run", replay->not_run);
	fputc('\n', stderr);
}

static int set_option(void *target, int option, const char *value)
{
	struct options *options = target;
	const char *end = "";

	if (option == 'r')
		options->rules = value;
	else if (option == 'j')
		options->json = true;
	else if (option == 'e')
		options->expected = value;
	else if (option == 'd')
		options->drops = value;
	else if (option == 'n')
		options->max_rules = strtoul(value, (char **)&end, 10);
	else if (option == 'h' && hook_parse(value, &options->hook))
		return lab_usage("replay", "--hook takes xdp, ingress or egress, not \"%s\"",
				 value);
	else if (option == 'm' && strcmp(value, "veth") && strcmp(value, "test-run"))
		return lab_usage("replay", "--method takes test-run or veth, not \"%s\"", value);
	else if (option == 'm')
		options->veth = !strcmp(value, "veth");
	if (*end)
		return lab_usage("replay", "\"%s\" is not a number of rules", value);
	return 0;
}

static int parse_options(int argc, char **argv, struct options *options)
{
	static const struct option known[] = {
		{"rules", required_argument, NULL, 'r'},
		{"hook", required_argument, NULL, 'h'},
		{"method", required_argument, NULL, 'm'},
		{"max-rules", required_argument, NULL, 'n'},
		{"json", no_argument, NULL, 'j'},
		{"expect", required_argument, NULL, 'e'},
		{"write-drops", required_argument, NULL, 'd'},
		{0},
	};
	int err;

	err = lab_options(argc, argv, known, set_option, options);
	if (err)
		return err;
	if (optind != argc - 1)
		return lab_usage("replay", "one capture is needed");
	options->capture = argv[optind];
	if (options->json && options->expected)
		return lab_usage("replay", "--json prints what --expect compares: not both");
	if (!options->rules)
		return lab_usage("replay", "--rules is needed: a file that `bgo firewall-update "
					   "--action save` wrote");
	return 0;
}

int cmd_replay(int argc, char **argv)
{
	struct options options = {.hook = HOOK_XDP};
	_cleanup_(replay_close) struct replay replay = {.options = &options, .method.send_fd = -1};
	int err;

	err = parse_options(argc, argv, &options);
	if (err)
		return err;
	if (replay_open(&replay) || replay_all(&replay))
		return EXIT_FAILURE;
	if (!options.json)
		print_totals(&replay);
	return report_end(&replay.report) ? EXIT_FAILURE : EXIT_SUCCESS;
}
