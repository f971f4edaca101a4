/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What speed follows from and does not vary from run to run: how many instructions the programs
 * have and the verifier walks through, how many nodes the graphs of some sets take for each rule,
 * and how long their longest walks are. Each is compared with a recorded value, so that a change
 * that makes packets dearer shows also on a machine too noisy to measure it. And the bench's own
 * programs must load.
 *
 *	check EXPECTED-FILE
 *	check --record EXPECTED-FILE
 *
 * Its lines are NAME VALUE. What the verifier does differs from kernel to kernel and so has the
 * kernel in its name; on a kernel that none is recorded of it is not compared, and said so. The
 * second, `make bench-record`, writes what was measured into the file: for a change of the programs
 * that is meant to cost what it costs. Lines of other kernels stay.
 */
#include <limits.h>
#include <linux/bpf.h>
#include <netinet/in.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>
#include <unistd.h>

#include <bpf/bpf.h>

#include "../src/classifier.h"
#include "../src/cleanup.h"
#include "../src/log.h"
#include "../src/programs.h"
#include "bench/arms.skel.h"
#include "bench/program_cost.skel.h"
#include "numbered_rule.h"

#define PIN_PATH "/sys/fs/bpf/bench-check"
/* Compilers of one series differ by so much; and what the verifier walks through follows from
 * little things: of that only a leap matters, long before the million that it refuses. */
#define TOLERANCE_PERCENT 2
#define TOLERANCE_VERIFIED_PERCENT 25
#define NAME_BYTES 64
#define VALUES_MAX 256

struct value {
	char name[NAME_BYTES];
	double value;
};

struct check {
	const char *path;
	bool record;
	int passed, failed, skipped;
	struct value measured[VALUES_MAX];
	size_t count;
};

/* The recorded value of a name, or -1. */
static double recorded(const struct check *check, const char *wanted)
{
	_cleanup_fclose_ FILE *file = fopen(check->path, "re");
	char line[2 * NAME_BYTES], name[NAME_BYTES];
	double value;

	while (file && fgets(line, sizeof(line), file))
		if (sscanf(line, "%63s %lf", name, &value) == 2 && !strcmp(name, wanted))
			return value;
	return -1;
}

enum compared { SAME, NO_MORE, NO_LEAP }; /* fewer instructions are no fault */

static void compare(struct check *check, const char *name, double value, enum compared how)
{
	const double tolerance = how == NO_LEAP ? TOLERANCE_VERIFIED_PERCENT : TOLERANCE_PERCENT;
	double expected = recorded(check, name);
	double change = expected > 0 ? (value / expected - 1) * 100 : 0;

	if (check->count < VALUES_MAX) {
		struct value *measured = &check->measured[check->count++];

		snprintf(measured->name, sizeof(measured->name), "%s", name);
		measured->value = value;
	}
	if (expected < 0 && how != SAME) {
		printf("%s %.2f: none is recorded of this kernel\n", name, value);
		check->skipped++;
	} else if (expected < 0 || change > tolerance || (how == SAME && change < -tolerance)) {
		printf("%s %.2f, recorded is %.2f, %+.1f%%\n", name, value, expected, change);
		check->failed++;
	} else {
		printf("%s %.2f%s\n", name, value,
		       change < -tolerance ? ", less than recorded: make bench-record" : "");
		check->passed++;
	}
}

static void write_values(const struct check *check, FILE *old, FILE *new)
{
	bool written[VALUES_MAX] = {false};
	char line[256], name[NAME_BYTES];

	while (fgets(line, sizeof(line), old)) {
		size_t i = 0;

		if (sscanf(line, "%63s", name) != 1)
			name[0] = '\0';
		while (i < check->count && strcmp(check->measured[i].name, name) != 0)
			i++;
		if (i == check->count) {
			fputs(line, new);
			continue;
		}
		fprintf(new, "%s %.2f\n", name, check->measured[i].value);
		written[i] = true;
	}
	for (size_t i = 0; i < check->count; i++)
		if (!written[i])
			fprintf(new, "%s %.2f\n", check->measured[i].name,
				check->measured[i].value);
}

/* Writes what was measured into the file, which is the old one or the new one at any moment. */
static int record_values(const struct check *check)
{
	_cleanup_fclose_ FILE *old = fopen(check->path, "re");
	char path[PATH_MAX];
	FILE *new;
	int err;

	if (!old)
		return log_error(-errno, "open %s", check->path);
	if (snprintf(path, sizeof(path), "%s.new", check->path) >= (int)sizeof(path))
		return log_error(-ENAMETOOLONG, "write %s.new", check->path);
	new = fopen(path, "we");
	if (!new)
		return log_error(-errno, "write %s", path);
	write_values(check, old, new);
	err = ferror(new) ? -EIO : 0;
	if (fclose(new) || err || rename(path, check->path)) {
		err = -errno;
		unlink(path);
		return log_error(err, "write %s", check->path);
	}
	return 0;
}

static int check_program(struct check *check, const struct programs *programs, enum hook hook,
			 const char *kernel)
{
	static const char *const names[] = {"xdp", "ingress", "egress"};
	struct bpf_prog_info info = {0};
	uint32_t bytes = sizeof(info);
	char name[NAME_BYTES];

	if (bpf_obj_get_info_by_fd(programs_fd(programs, hook), &info, &bytes))
		return log_error(-errno, "ask for the %s program", names[hook]);
	snprintf(name, sizeof(name), "instructions/%s/%s", names[hook], kernel);
	compare(check, name, (double)info.xlated_prog_len / sizeof(struct bpf_insn), NO_MORE);
	snprintf(name, sizeof(name), "verified/%s/%s", names[hook], kernel);
	compare(check, name, info.verified_insns, NO_LEAP);
	return 0;
}

static int check_programs(struct check *check)
{
	_cleanup_store_ struct store *store = NULL;
	_cleanup_(programs_cleanup) struct programs *programs = NULL;
	struct utsname system;
	unsigned int major, minor;
	char kernel[24]; /* two numbers */
	bool created;
	int err;

	uname(&system);
	if (sscanf(system.release, "%u.%u", &major, &minor) != 2)
		return log_fail(-EINVAL, "\"%s\" is no kernel release", system.release);
	snprintf(kernel, sizeof(kernel), "%u.%u", major, minor);
	err = store_open_or_create(&store, PIN_PATH, 0, &created);
	if (!err)
		err = programs_load(&programs, store, false);
	for (int hook = 0; !err && hook < HOOK_COUNT; hook++)
		err = check_program(check, programs, (enum hook)hook, kernel);
	return err;
}

/* The bench is run by hand only: a program of it that loads no more is seen here. */
static int check_bench_programs(struct check *check)
{
	struct program_cost_bpf *cost = program_cost_bpf__open_and_load();
	struct arms_bpf *arms = arms_bpf__open_and_load();
	const bool loaded = cost && arms;

	arms_bpf__destroy(arms);
	program_cost_bpf__destroy(cost);
	if (!loaded)
		return log_fail(-EINVAL, "programs of the bench do not load");
	check->passed++;
	return 0;
}

static int check_set(struct check *check, enum family family, enum kind kind, uint32_t rules)
{
	_cleanup_free_ struct rule_slot *slots = calloc(rules, sizeof(*slots));
	struct node_pool pool = {.end = NODES_PER_HALF(rules)};
	_cleanup_free_ struct node *nodes = calloc(pool.end, sizeof(*nodes));
	struct rule_view view = {slots, rules, 1};
	struct graph_list list = {0};
	char name[NAME_BYTES];
	int err;

	if (!slots || !nodes)
		return -ENOMEM;
	pool.nodes = nodes;
	for (uint32_t i = 0; i < rules; i++)
		slots[i] = (struct rule_slot){
			.rule = kind_rule(family, kind, i + 1), .index = i, .hit = i, .born = 1};
	err = classifier_compile(&view, family, &pool, &list);
	if (err)
		return log_error(err, "compile %u %s", rules, kind_names[kind]);
	snprintf(name, sizeof(name), "nodes/%s/%s/%u", family == FAMILY_IPV4 ? "ipv4" : "ipv6",
		 kind_names[kind], rules);
	compare(check, name, (double)pool.used / rules, SAME);
	snprintf(name, sizeof(name), "steps/%s/%s/%u", family == FAMILY_IPV4 ? "ipv4" : "ipv6",
		 kind_names[kind], rules);
	compare(check, name, classifier_longest_walk(nodes, pool.used, &list), SAME);
	return 0;
}

static int check_sets(struct check *check)
{
	static const uint32_t sizes[] = {30, 10000, 100000};
	int err = 0;

	for (int family = 0; family < FAMILY_COUNT; family++)
		for (int kind = 0; kind < KINDS; kind++)
			for (size_t i = 0; !err && i < sizeof(sizes) / sizeof(*sizes); i++)
				err = check_set(check, (enum family)family, (enum kind)kind,
						sizes[i]);
	return err;
}

int main(int argc, char **argv)
{
	struct check check = {.path = argc > 1 ? argv[argc - 1] : NULL};

	log_program("bench-check");
	check.record = argc == 3 && !strcmp(argv[1], "--record");
	if (argc != 2 && !check.record) {
		fprintf(stderr, "usage: check [--record] EXPECTED-FILE\n");
		return 2;
	}
	if (check_programs(&check) || check_bench_programs(&check) || check_sets(&check))
		check.failed++;
	else if (check.record)
		return record_values(&check) ? 1 : 0;
	if (check.failed)
		printf("a change that is meant: make bench-record, and commit %s with it\n",
		       check.path);
	printf("bench_check: %d passed, %d failed, %d skipped\n", check.passed, check.failed,
	       check.skipped);
	return check.failed ? 1 : 0;
}
