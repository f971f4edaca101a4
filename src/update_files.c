/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The actions of firewall-update that read and write files. A file is read to its end before the
 * store's lock is taken, and written after it is released: whoever is at the other end of a pipe
 * may take his time.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

#include "list_file.h"
#include "log.h"
#include "rule.h"
#include "ruleset_text.h"
#include "update.h"
#include "write_all.h"

static bool is_standard(const char *path)
{
	return strcmp(path, "-") == 0;
}

/* *close_it is what to close: NULL for standard input. */
static int open_input(const char *path, FILE **in, FILE **close_it)
{
	if (is_standard(path)) {
		*in = stdin;
		return 0;
	}
	*in = *close_it = fopen(path, "re");
	return *in ? 0 : log_error(-errno, "open %s", path);
}

/* How messages call it. */
static const char *input_name(const char *path)
{
	return is_standard(path) ? "standard input" : path;
}

/* -- load -- */

struct loaded {
	struct rule rule;
	uint32_t ttl_s; /* of its own; 0: none */
};

struct rules {
	struct loaded *items;
	size_t count, capacity;
};

static void rules_free(struct rules *rules)
{
	free(rules->items);
}

static int rules_append(struct rules *rules, const struct rule *rule, uint32_t ttl_s)
{
	if (rules->count == rules->capacity) {
		const size_t capacity = rules->capacity ? 2 * rules->capacity : 1024;
		struct loaded *grown = reallocarray(rules->items, capacity, sizeof(*grown));

		if (!grown)
			return log_error(-ENOMEM, "load %zu addresses", capacity);
		rules->items = grown;
		rules->capacity = capacity;
	}
	rules->items[rules->count++] = (struct loaded){*rule, ttl_s};
	return 0;
}

static int read_rules(const char *path, struct rules *rules)
{
	_cleanup_fclose_ FILE *file = NULL;
	_cleanup_list_file_ struct list_file list = {0};
	struct rule rule;
	FILE *in;
	int err;

	err = open_input(path, &in, &file);
	if (!err)
		err = list_file_open(&list, in, input_name(path));
	while (!err && (err = list_file_next(&list, &rule)) == 1)
		err = rules_append(rules, &rule, list.ttl_s);
	return err;
}

/*
 * A line on the terminal that shows how far a long load is; nothing for a short one, a pipe or
 * --quiet.
 */
struct progress {
	bool enabled, shown;
	size_t total;
	time_t begin_s;
};

static time_t monotonic_s(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec;
}

static void progress_show(struct progress *progress, size_t done)
{
	if (!progress->enabled || done % 65536 || monotonic_s() - progress->begin_s < 2)
		return;
	fprintf(stderr, "\r%zu of %zu rules", done, progress->total);
	progress->shown = true;
}

static void progress_end(const struct progress *progress)
{
	if (progress->shown)
		fprintf(stderr, "\r%*s\r", 50, "");
}

/* What became of them. */
struct load_result {
	size_t added, renewed;
};

static int add_rules(struct store *store, struct transaction *txn,
		     const struct update_options *options, const struct rules *rules,
		     struct load_result *result)
{
	struct progress progress = {
		.enabled = isatty(STDERR_FILENO) && !options->common.quiet,
		.total = rules->count,
		.begin_s = monotonic_s(),
	};
	uint32_t all_expire_s;
	int err;

	err = update_expiry(store, options, &all_expire_s);
	for (size_t i = 0; !err && i < rules->count; i++) {
		const struct loaded *item = &rules->items[i];
		uint32_t expires_s = all_expire_s;
		struct added added = {0};

		if (item->ttl_s && store_expiry_s(store, item->ttl_s, &expires_s))
			expires_s = UINT32_MAX;
		err = transaction_add(txn, options->hook, options->list, &item->rule, expires_s,
				      NULL, NULL, &added);
		result->added += !err && !added.present;
		result->renewed += added.renewed;
		progress_show(&progress, i);
	}
	progress_end(&progress);
	return err;
}

int update_load(const struct update_options *options)
{
	_cleanup_(rules_free) struct rules rules = {0};
	_cleanup_store_ struct store *store = NULL;
	_cleanup_transaction_ struct transaction *txn = NULL;
	_cleanup_output_ struct output *out = NULL;
	struct load_result result = {0};
	size_t present;
	int changed, err;

	err = read_rules(options->file, &rules);
	if (!err)
		err = update_begin(&store, &txn, options);
	if (!err)
		err = add_rules(store, txn, options, &rules, &result);
	if (err)
		return err;
	changed = update_commit(&store, &txn);
	if (changed < 0)
		return changed;

	err = update_report(&out, options, changed);
	if (err || !out)
		return err;
	present = rules.count - result.added;
	output_text(out, "Added %zu rule%s to %s %s, %zu already present", result.added,
		    result.added == 1 ? "" : "s", hook_name(options->hook),
		    list_name(options->list), present);
	if (result.renewed)
		output_text(out, ", %zu of them with a new time", result.renewed);
	output_text(out, "\n");
	output_string(out, "hook", NULL, hook_name(options->hook));
	output_string(out, "list", NULL, list_name(options->list));
	output_number(out, "added", NULL, result.added);
	output_number(out, "present", NULL, present);
	output_number(out, "renewed", NULL, result.renewed);
	return output_end(&out);
}

/* -- save -- */

/* Something that cannot be replaced: a device, a pipe. */
static int write_special(const char *path, const char *text, size_t bytes)
{
	_cleanup_close_ int fd = open(path, O_WRONLY | O_CLOEXEC);
	int err;

	err = fd < 0 ? -errno : write_all(fd, text, bytes);
	return err ? log_error(err, "save: write %s", path) : 0;
}

/* Writes the new file beside the old and renames it over: a save that fails leaves the old one. */
static int replace_file(const char *path, mode_t mode, const char *text, size_t bytes)
{
	_cleanup_free_ char *beside = NULL;
	_cleanup_close_ int fd = -1;
	int err;

	if (asprintf(&beside, "%s.XXXXXX", path) < 0)
		return log_error(-ENOMEM, "save: write %s", path);
	fd = mkostemp(beside, O_CLOEXEC);
	if (fd < 0)
		return log_error(-errno, "save: create %s", beside);
	err = write_all(fd, text, bytes);
	if (!err && (fchmod(fd, mode) || fsync(fd) || rename(beside, path)))
		err = -errno;
	if (!err)
		return 0;
	unlink(beside);
	return log_error(err, "save: write %s", path);
}

static int write_file(const char *path, const char *text, size_t bytes)
{
	_cleanup_free_ char *target =
		realpath(path, NULL); /* through a symbolic link, not over it */
	struct stat st;
	int err;

	if (is_standard(path)) {
		err = write_all(STDOUT_FILENO, text, bytes);
		return err ? log_error(err, "write to standard output") : 0;
	}
	if (!target || stat(target, &st))
		return replace_file(path, 0600, text, bytes);
	if (!S_ISREG(st.st_mode))
		return write_special(target, text, bytes);
	return replace_file(target, st.st_mode & 0777, text, bytes);
}

/* The rule set as text in memory, to free(). */
static int save_to_memory(const struct store *store, char **text, size_t *bytes)
{
	FILE *out = open_memstream(text, bytes);
	int err;

	if (!out)
		return log_error(-errno, "save");
	err = ruleset_text_save(store, out);
	if (fclose(out) && !err)
		err = -errno;
	return err ? log_error(err, "save") : 0;
}

/* "Saved 12 rules to FILE". */
static int report_file(const struct update_options *options, bool changed, const char *verb,
		       uint32_t rules, const char *preposition)
{
	_cleanup_output_ struct output *out = NULL;
	int err;

	err = update_report(&out, options, changed);
	if (err || !out)
		return err;
	output_text(out, "%s %u rule%s %s %s\n", verb, rules, rules == 1 ? "" : "s", preposition,
		    input_name(options->file));
	output_number(out, "rules", NULL, rules);
	output_string(out, "file", NULL, options->file);
	return output_end(&out);
}

int update_save(const struct update_options *options)
{
	_cleanup_store_ struct store *store = NULL;
	_cleanup_free_ char *text = NULL;
	uint32_t rules;
	size_t bytes;
	int err;

	err = store_open(&store, options->common.pin_path, STORE_READ);
	if (!err)
		err = save_to_memory(store, &text, &bytes);
	if (err)
		return err;
	rules = store_rule_count(store);
	store_close(take(store));
	err = write_file(options->file, text, bytes);
	if (err || is_standard(options->file))
		return err;
	return report_file(options, false, "Saved", rules, "to");
}

/* -- restore -- */

int update_restore(const struct update_options *options)
{
	const char *name = input_name(options->file);
	_cleanup_ruleset_file_ struct ruleset_file file = {0};
	_cleanup_store_ struct store *store = NULL;
	_cleanup_transaction_ struct transaction *txn = NULL;
	_cleanup_fclose_ FILE *opened = NULL;
	size_t expired = 0;
	FILE *in;
	int changed, err;

	err = open_input(options->file, &in, &opened);
	if (!err)
		err = ruleset_file_parse(in, name, &file);
	if (err)
		return err;
	if (options->check)
		return report_file(options, false, "Checked", (uint32_t)file.rule_count, "of");
	err = update_begin(&store, &txn, options);
	if (!err)
		err = transaction_replace_all(txn);
	if (!err)
		err = ruleset_text_apply(&file, name, txn);
	if (err)
		return err;
	expired = ruleset_file_expired(&file, store_now_s(store));
	changed = update_commit(&store, &txn);
	if (changed < 0)
		return changed;
	if (expired)
		log_info("note: %zu rule%s of %s had expired and %s left out", expired,
			 expired == 1 ? "" : "s", name, expired == 1 ? "was" : "were");
	return report_file(options, changed, "Restored", (uint32_t)(file.rule_count - expired),
			   "from");
}
