/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The comparison: rule sets go through the real store, packets through the real programs by test
 * run at every hook, and what comes out is compared with the oracle and with itself (checks.h). A
 * failure is made small and left behind as a capture and a save file, with the command that shows
 * it.
 *
 *   compare [--packets N | --hours H] [--seed N] [--failures DIRECTORY]
 */
#include <err.h>
#include <errno.h>
#include <getopt.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <time.h>

#include "../../src/cleanup.h"
#include "shrink.h"

/* Packets under one rule set. */
#define BATCH_PACKETS 1000
#define PROGRESS_SECONDS 60

static const char *const hook_names[ORACLE_HOOKS] = {"xdp", "ingress", "egress"};

struct options {
	uint64_t seed, packets;
	double hours;
	const char *failures; /* where they are left */
};

struct comparison {
	struct options options;
	struct target target;
	struct experiment experiment; /* the current batch */
	struct generated_packet packets[BATCH_PACKETS];
	uint64_t done; /* packets */
	uint64_t failed[CHECKS];
	struct failure failure;
	time_t begun, told;
};

static void put32(FILE *out, uint32_t value)
{
	fwrite(&value, sizeof(value), 1, out);
}

/* A capture of one packet (the classic format, in this machine's byte order). */
static void write_capture(const struct packet_bytes *packet, FILE *out)
{
	const uint32_t magic = 0xa1b2c3d4, version = 4 << 16 | 2, snap_length = 65535, ethernet = 1;
	const uint32_t header[] = {magic, version, 0, 0, snap_length, ethernet};

	for (size_t i = 0; i < sizeof(header) / sizeof(header[0]); i++)
		put32(out, header[i]);
	put32(out, 0); /* the time, seconds and microseconds */
	put32(out, 0);
	put32(out, (uint32_t)packet->length);
	put32(out, (uint32_t)packet->length);
	fwrite(packet->data, 1, packet->length, out);
}

static FILE *create(char **name, const struct comparison *comparison, uint64_t seed,
		    const char *end)
{
	const ptrdiff_t check = comparison->failure.check - checks;
	FILE *out;

	if (asprintf(name, "%s/oracle-%" PRIu64 "-%td.%s", comparison->options.failures, seed,
		     check, end) < 0)
		err(1, "name a file");
	out = fopen(*name, "w");
	if (!out)
		err(1, "write %s", *name);
	return out;
}

static void close_written(FILE *file, const char *name)
{
	bool failed = ferror(file);

	if (fclose(file) || failed)
		errx(1, "cannot write %s", name);
}

/*
 * What each hook and the oracle say of it, so that a log shows it without its files. Where a
 * relation fails both may agree: it is the other packet or rule set of the relation that differs.
 */
static void print_answers(const struct failure *failure)
{
	const struct experiment *experiment = &failure->experiment;

	target_set_rules(experiment->target, &experiment->scenario);
	for (enum oracle_hook hook = 0; hook < ORACLE_HOOKS; hook++) {
		struct oracle_answer answer = experiment_oracle(experiment, 0, hook);
		struct judged judged;

		target_judge(experiment->target, hook, &failure->packet, &judged);
		printf("    %-8s %s %s, rule %d; the oracle: %s, rule %d\n", hook_names[hook],
		       judged.dropped ? "drop" : "pass", judged_reason_name(&judged), judged.rule,
		       oracle_reason_name(answer.reason), answer.rule);
	}
	printf("    packet%s:", failure->packet.segmented ? " (still to be segmented)" : "");
	for (size_t i = 0; i < failure->packet.bytes.length; i++)
		printf(" %02x", failure->packet.bytes.data[i]);
	printf("\n");
}

static void report(const struct comparison *comparison, uint64_t seed)
{
	const struct failure *failure = &comparison->failure;
	_cleanup_free_ char *capture = NULL, *rules = NULL;
	FILE *out;

	out = create(&capture, comparison, seed, "pcap");
	write_capture(&failure->packet.bytes, out);
	close_written(out, capture);
	out = create(&rules, comparison, seed, "rules");
	scenario_write(&failure->experiment.scenario, out);
	close_written(out, rules);
	print_answers(failure);
	scenario_write(&failure->experiment.scenario, stdout);
	printf("    bgo-lab replay %s --rules %s --hook %s\n", capture, rules,
	       hook_names[failure->hook]);
}

static void run_check(struct comparison *comparison, int number, uint64_t seed)
{
	const struct check *check = &checks[number];
	struct experiment experiment = comparison->experiment;
	enum oracle_hook hook;

	if (check->packets && check->packets < experiment.count)
		experiment.count = check->packets;
	if (check->holds(&experiment, &hook))
		return;
	/* One failure tells more than a hundred of the same. */
	if (comparison->failed[number]++)
		return;
	printf("not so: %s\n    again: --seed %" PRIu64 " --packets %d\n", check->name, seed,
	       BATCH_PACKETS);
	if (shrink(&experiment, check, &comparison->failure))
		report(comparison, seed);
	else
		printf("    no packet shows it by itself: it needs those before it, or the rules "
		       "before: --seed %" PRIu64 "\n",
		       comparison->options.seed);
	fflush(stdout);
}

/* A rule set with its packets, which the seed alone decides. */
static void run_batch(struct comparison *comparison, uint64_t seed)
{
	struct experiment *experiment = &comparison->experiment;
	struct random random = {.state = seed};

	generate_scenario(&random, &experiment->scenario);
	for (size_t i = 0; i < BATCH_PACKETS; i++)
		generate_packet(&random, &experiment->scenario, &comparison->packets[i]);
	for (int i = 0; i < CHECKS; i++)
		run_check(comparison, i, seed);
	comparison->done += BATCH_PACKETS;
}

static bool is_over(const struct comparison *comparison)
{
	const struct options *options = &comparison->options;

	if (options->hours > 0)
		return difftime(time(NULL), comparison->begun) >= options->hours * 3600;
	return comparison->done >= options->packets;
}

static void tell_progress(struct comparison *comparison)
{
	time_t now = time(NULL);

	if (now - comparison->told < PROGRESS_SECONDS)
		return;
	comparison->told = now;
	printf("%" PRIu64 " packets, %.0f s\n", comparison->done, difftime(now, comparison->begun));
	fflush(stdout);
}

/* How often each hook gave each answer, relations included: whether the packets were any good. */
static void print_answers_met(const struct comparison *comparison)
{
	for (enum oracle_hook hook = 0; hook < ORACLE_HOOKS; hook++) {
		struct target_counters counters;

		target_counters(&comparison->target, hook, &counters);
		printf("%s:", hook_names[hook]);
		for (uint32_t i = 0; i < REASON_COUNT; i++)
			if (counters.reasons[i].packets)
				printf(" %" PRIu64 " %s", (uint64_t)counters.reasons[i].packets,
				       judged_reason_name(&(struct judged){.reason = i}));
		printf("\n");
	}
}

/* The closing lines that lab/lab-test counts. */
static int print_result(const struct comparison *comparison)
{
	int failed = 0;

	for (int i = 0; i < CHECKS; i++) {
		printf("[%s] %s\n", comparison->failed[i] ? "  FAILED  " : "       OK ",
		       checks[i].name);
		failed += comparison->failed[i] != 0;
	}
	printf("%" PRIu64 " packets at %d hooks in %.0f s, seed %" PRIu64 "\n", comparison->done,
	       ORACLE_HOOKS, difftime(time(NULL), comparison->begun), comparison->options.seed);
	printf("oracle: %d passed, %d failed\n", CHECKS - failed, failed);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}

static uint64_t parse_number(const char *option, const char *text)
{
	char *end;
	uint64_t number;

	errno = 0;
	number = strtoull(text, &end, 10);
	if (errno || end == text || *end || *text == '-')
		errx(2, "--%s takes a number, not \"%s\"", option, text);
	return number;
}

static void parse_options(int argc, char **argv, struct options *options)
{
	static const struct option known[] = {
		{"seed", required_argument, NULL, 's'},
		{"packets", required_argument, NULL, 'p'},
		{"hours", required_argument, NULL, 'h'},
		{"failures", required_argument, NULL, 'f'},
		{0},
	};
	int option;
	char *end;

	while ((option = getopt_long(argc, argv, "", known, NULL)) != -1) {
		if (option == 's') {
			options->seed = parse_number("seed", optarg);
		} else if (option == 'p') {
			options->packets = parse_number("packets", optarg);
		} else if (option == 'f') {
			options->failures = optarg;
		} else if (option == 'h') {
			options->hours = strtod(optarg, &end);
			if (*end || !(options->hours > 0))
				errx(2, "--hours takes a number, not \"%s\"", optarg);
		} else {
			exit(2); /* getopt_long() said why */
		}
	}
	if (optind != argc)
		errx(2, "what is \"%s\"?", argv[optind]);
}

int main(int argc, char **argv)
{
	_cleanup_free_ struct comparison *comparison = calloc(1, sizeof(*comparison));
	uint32_t random_seed;

	if (!comparison || getrandom(&random_seed, sizeof(random_seed), 0) != sizeof(random_seed))
		err(1, "start");
	comparison->options = (struct options){
		.seed = random_seed,
		.packets = 1000000,
		.failures = ".",
	};
	parse_options(argc, argv, &comparison->options);
	printf("seed %" PRIu64 "\n", comparison->options.seed);
	fflush(stdout);
	target_open(&comparison->target);
	comparison->experiment.target = &comparison->target;
	comparison->experiment.packets = comparison->packets;
	comparison->experiment.count = BATCH_PACKETS;
	comparison->begun = comparison->told = time(NULL);
	for (uint64_t batch = 0; !is_over(comparison); batch++) {
		run_batch(comparison, comparison->options.seed + batch);
		tell_progress(comparison);
	}
	print_answers_met(comparison);
	target_close(&comparison->target);
	return print_result(comparison);
}
