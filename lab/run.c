/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Runs scenarios: shell files of lab/scenarios/, each with lab/verbs.sh in a sandbox of its own,
 * several at a time. What a scenario prints goes to a memory file and is shown when it fails.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <fnmatch.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "../src/cleanup.h"
#include "../src/log.h"
#include "junit.h"
#include "lab.h"
#include "sandbox.h"
#include "standing.h"

#define MAX_SCENARIOS 512
#define MAX_JOBS 16
#define LOG_TAIL_BYTES 4000
#define EXIT_SKIPPED 77

struct options {
	long jobs, timeout_s;
	bool verbose, keep;
	const char *junit; /* NULL: no such file */
};

struct scenarios {
	char *names[MAX_SCENARIOS];
	int count;
};

struct job {
	struct sandbox sandbox;
	const char *name;
	int log_fd;
	double started_s;
	bool timed_out;
};

struct outcome {
	int passed, failed, skipped;
	struct junit *junit;
};

static double now_s(void)
{
	return monotonic_ns() / 1e9;
}

static void scenarios_cleanup(struct scenarios *all)
{
	for (int i = 0; i < all->count; i++)
		free(all->names[i]);
}

static int compare_names(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

/* Every NAME.sh of the scenario directory, sorted. */
static int scenarios_find(struct scenarios *all)
{
	char path[PATH_MAX];
	struct dirent *entry;
	DIR *dir;

	snprintf(path, sizeof(path), "%s/scenarios", lab_dir());
	dir = opendir(path);
	if (!dir)
		return log_error(-errno, "read %s", path);
	while ((entry = readdir(dir)) && all->count < MAX_SCENARIOS) {
		size_t length = strlen(entry->d_name);

		if (length > 3 && !strcmp(entry->d_name + length - 3, ".sh"))
			all->names[all->count++] = strndup(entry->d_name, length - 3);
	}
	closedir(dir);
	qsort(all->names, all->count, sizeof(all->names[0]), compare_names);
	return 0;
}

/* The first comment of the file is what it shows. */
static void print_summary(const char *name)
{
	char path[PATH_MAX], line[256] = "";
	_cleanup_fclose_ FILE *file = NULL;

	snprintf(path, sizeof(path), "%s/scenarios/%s.sh", lab_dir(), name);
	file = fopen(path, "re");
	while (file && fgets(line, sizeof(line), file))
		if (!strncmp(line, "# ", 2) && strncmp(line, "# SPDX", 6) &&
		    strncmp(line, "# shellcheck", 12)) {
			printf("%-55s %s", name, line + 2);
			return;
		}
	printf("%s\n", name);
}

int cmd_list(int argc, char **argv)
{
	_cleanup_(scenarios_cleanup) struct scenarios all = {0};

	(void)argv;
	if (argc > 1)
		return lab_usage("list", "takes no arguments");
	if (scenarios_find(&all))
		return EXIT_FAILURE;
	for (int i = 0; i < all.count; i++)
		print_summary(all.names[i]);
	return standing_print() ? EXIT_FAILURE : EXIT_SUCCESS;
}

static int job_start(struct job *job, const char *name, bool keep)
{
	char verbs[PATH_MAX], scenario[PATH_MAX];
	const char *argv[] = {"bash", "-c", ". \"$0\"; . \"$1\"", verbs, scenario, NULL};
	_cleanup_close_ int null_fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
	_cleanup_close_ int log_fd = memfd_create(name, MFD_CLOEXEC);
	int err;

	snprintf(verbs, sizeof(verbs), "%s/verbs.sh", lab_dir());
	snprintf(scenario, sizeof(scenario), "%s/scenarios/%s.sh", lab_dir(), name);
	if (log_fd < 0 || null_fd < 0)
		return log_error(-errno, "make a log for %s", name);
	*job = (struct job){.name = name, .started_s = now_s()};
	err = sandbox_start(&job->sandbox, argv, null_fd, keep ? -1 : log_fd,
			    keep ? SANDBOX_STAYS : SANDBOX_ENDS_WITH_COMMAND);
	if (err)
		return err;
	job->log_fd = take_fd(log_fd);
	return 0;
}

static void print_log(const struct job *job, bool whole)
{
	off_t size = lseek(job->log_fd, 0, SEEK_END);
	off_t from = whole || size < LOG_TAIL_BYTES ? 0 : size - LOG_TAIL_BYTES;
	char buffer[4096];
	ssize_t bytes;

	if (from)
		printf("    [...]\n");
	while ((bytes = pread(job->log_fd, buffer, sizeof(buffer), from)) > 0) {
		fwrite(buffer, 1, bytes, stdout);
		from += bytes;
	}
}

static void job_finish(struct job *job, const struct options *options, struct outcome *outcome)
{
	int status = sandbox_wait(&job->sandbox);
	double seconds = now_s() - job->started_s;

	if (outcome->junit)
		junit_add(outcome->junit, job->name, seconds,
			  status == EXIT_SUCCESS   ? JUNIT_PASSED
			  : status == EXIT_SKIPPED ? JUNIT_SKIPPED
						   : JUNIT_FAILED,
			  job->log_fd);
	if (status == EXIT_SUCCESS) {
		outcome->passed++;
		printf("ok   %s (%.1f s)\n", job->name, seconds);
	} else if (status == EXIT_SKIPPED) {
		outcome->skipped++;
		printf("skip %s: ", job->name);
		print_log(job, true);
	} else {
		outcome->failed++;
		printf("FAIL %s (%.1f s)%s\n", job->name, seconds,
		       job->timed_out ? ": took too long, killed" : "");
	}
	if (status != EXIT_SKIPPED && (status != EXIT_SUCCESS || options->verbose))
		print_log(job, options->verbose);
	fflush(stdout);
	close(job->log_fd);
	*job = (struct job){.sandbox = SANDBOX_NONE, .log_fd = -1};
}

/* Kept for a look inside: what it prints goes to the terminal, and it stays until a signal ends it.
 */
static void job_keep(const struct job *job)
{
	printf("%s stays until Ctrl-C; a look inside: nsenter --all --target %d\n", job->name,
	       job->sandbox.pid);
	fflush(stdout);
}

static void jobs_check_time(struct job *jobs, const struct options *options)
{
	for (long i = 0; i < options->jobs; i++) {
		struct job *job = &jobs[i];

		if (job->name && !options->keep && now_s() - job->started_s > options->timeout_s) {
			job->timed_out = true;
			sandbox_kill(&job->sandbox);
		}
	}
}

static void jobs_kill(struct job *jobs, long count)
{
	for (long i = 0; i < count; i++)
		if (jobs[i].name) {
			sandbox_kill(&jobs[i].sandbox);
			sandbox_wait(&jobs[i].sandbox);
		}
}

/* Waits until a job ends, a second passes or a signal comes. Returns true for a signal. */
static bool jobs_wait(struct job *jobs, const struct options *options, int signal_fd,
		      struct outcome *outcome)
{
	struct pollfd waits[MAX_JOBS + 1];

	for (long i = 0; i < options->jobs; i++)
		waits[i] = (struct pollfd){.fd = jobs[i].name ? jobs[i].sandbox.pid_fd : -1,
					   .events = POLLIN};
	waits[options->jobs] = (struct pollfd){.fd = signal_fd, .events = POLLIN};
	poll(waits, options->jobs + 1, 1000);
	if (waits[options->jobs].revents)
		return true;
	for (long i = 0; i < options->jobs; i++)
		if (waits[i].revents)
			job_finish(&jobs[i], options, outcome);
	jobs_check_time(jobs, options);
	return false;
}

static bool jobs_running(const struct job *jobs, long count)
{
	for (long i = 0; i < count; i++)
		if (jobs[i].name)
			return true;
	return false;
}

static int run_all(const struct scenarios *chosen, const struct options *options, int signal_fd)
{
	_cleanup_(junit_close) struct junit junit = JUNIT_NONE;
	struct job jobs[MAX_JOBS] = {0};
	struct outcome outcome = {0};
	int next = 0;

	if (options->junit) {
		if (junit_open(&junit, options->junit))
			return EXIT_FAILURE;
		outcome.junit = &junit;
	}
	do {
		for (long i = 0; i < options->jobs && next < chosen->count; i++) {
			if (jobs[i].name)
				continue;
			if (job_start(&jobs[i], chosen->names[next], options->keep)) {
				jobs_kill(jobs, options->jobs);
				return EXIT_FAILURE;
			}
			next++;
			if (options->keep)
				job_keep(&jobs[i]);
		}
		if (jobs_wait(jobs, options, signal_fd, &outcome)) {
			jobs_kill(jobs, options->jobs);
			fputs("interrupted\n", stderr);
			return 128 + SIGINT;
		}
	} while (next < chosen->count || jobs_running(jobs, options->jobs));
	printf("scenarios: %d passed, %d failed, %d skipped\n", outcome.passed, outcome.failed,
	       outcome.skipped);
	if (options->junit && junit_write(&junit))
		return EXIT_FAILURE;
	return outcome.failed ? EXIT_FAILURE : EXIT_SUCCESS;
}

static int block_signals(void)
{
	sigset_t ending;

	sigemptyset(&ending);
	sigaddset(&ending, SIGINT);
	sigaddset(&ending, SIGTERM);
	sigaddset(&ending, SIGHUP);
	sigprocmask(SIG_BLOCK, &ending, NULL);
	return signalfd(-1, &ending, SFD_CLOEXEC);
}

static bool parse_number(const char *text, long min, long max, long *out)
{
	char *end;
	long value = strtol(text, &end, 10);

	if (*end || end == text || value < min || value > max)
		return false;
	*out = value;
	return true;
}

static int set_option(void *target, int option, const char *value)
{
	struct options *options = target;
	bool good = true;

	if (option == 'j')
		good = parse_number(value, 1, MAX_JOBS, &options->jobs);
	else if (option == 't')
		good = parse_number(value, 1, 3600, &options->timeout_s);
	else if (option == 'v')
		options->verbose = true;
	else if (option == 'k')
		options->keep = true;
	else
		options->junit = value;
	return good ? 0 : lab_usage("run", "not a number that can be used: \"%s\"", value);
}

/* Adds those that a word names: one, or all that fit a pattern as of file names. */
static int choose(const struct scenarios *all, const char *word, struct scenarios *chosen)
{
	bool found = false;

	for (int i = 0; i < all->count; i++) {
		if (fnmatch(word, all->names[i], 0))
			continue;
		if (chosen->count == MAX_SCENARIOS)
			return lab_usage("run", "too many names");
		chosen->names[chosen->count++] = all->names[i];
		found = true;
	}
	return found ? 0 : lab_usage("run", "no scenario \"%s\"; `bgo-lab list` names them", word);
}

int cmd_run(int argc, char **argv)
{
	static const struct option known[] = {
		{"jobs", required_argument, NULL, 'j'},	 {"timeout", required_argument, NULL, 't'},
		{"verbose", no_argument, NULL, 'v'},	 {"keep", no_argument, NULL, 'k'},
		{"junit", required_argument, NULL, 'u'}, {0},
	};
	struct options options = {.jobs = 2, .timeout_s = 120};
	_cleanup_(scenarios_cleanup) struct scenarios all = {0};
	_cleanup_close_ int signal_fd = -1;
	struct scenarios chosen = {0};
	int err;

	err = lab_options(argc, argv, known, set_option, &options);
	if (err)
		return err;
	if (scenarios_find(&all))
		return EXIT_FAILURE;
	for (int i = optind; i < argc; i++) {
		err = choose(&all, argv[i], &chosen);
		if (err)
			return err;
	}
	if (options.keep && chosen.count != 1)
		return lab_usage("run", "--keep needs one scenario");
	if (options.keep && options.junit)
		return lab_usage("run", "--keep shows one scenario, --junit is for results");
	signal_fd = block_signals();
	if (signal_fd < 0)
		return EXIT_FAILURE;
	return run_all(chosen.count ? &chosen : &all, &options, signal_fd);
}
