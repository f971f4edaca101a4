/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * firewall-update from the inside: what its options say, and the actions, each in the file of its
 * kind. An action opens the store, does its work and closes it before it prints: a reader that is
 * slow, or a pager, must not hold the lock.
 */
#ifndef BGO_UPDATE_H
#define BGO_UPDATE_H

#include "options.h"
#include "output.h"

/* Rules that one --port can ask for. */
#define UPDATE_PORTS_MAX 64
/* The longest --confirm. */
#define UPDATE_CONFIRM_MAX_S (24u * 60 * 60)

struct update_options;

struct update_action {
	const char *name;
	const char *needed, *allowed; /* options, as options_check() takes them */
	bool has_hook;		      /* one of --xdp, --ingress, --egress */
	int (*run)(const struct update_options *options);
};

struct update_options {
	struct common_options common;
	bool xdp, ingress, egress, all, check, if_exists, force, stateful;
	struct option_value type, index, policy, fragments;
	const char *action_name, *ip, *port, *protocol, *comment, *file, *ttl, *confirm;

	/* What these mean together: filled in once they are parsed. */
	const struct update_action *action;
	enum hook hook;
	enum list list;
	struct rule rules[UPDATE_PORTS_MAX]; /* of --ip, --port and --protocol: one for each port */
	size_t rule_count;		     /* 0 without --ip */
	uint64_t ttl_s;			     /* 0 without --ttl */
	uint64_t confirm_s;		     /* 0 without --confirm */
};

/* update_rules.c */
int update_add(const struct update_options *options);
int update_remove(const struct update_options *options);
int update_clear(const struct update_options *options);
int update_policy(const struct update_options *options);
int update_reset_stats(const struct update_options *options);

/* update_list.c */
int update_list(const struct update_options *options);

/* update_stats.c */
int update_stats(const struct update_options *options);

/* update_files.c */
int update_load(const struct update_options *options);
int update_save(const struct update_options *options);
int update_restore(const struct update_options *options);

/* update_confirm.c */
int update_confirm(const struct update_options *options);
int update_revert(const struct update_options *options);

/* Opens the store for a change and begins its transaction. 0 or negative errno, logged. */
int update_begin(struct store **store, struct transaction **txn,
		 const struct update_options *options);
/*
 * Commits and closes the store, before anything is printed. 1 when something changed, 0 when not,
 * or negative errno, logged.
 */
int update_commit(struct store **store, struct transaction **txn);
/* The closing half of it, for who reads the new state in between. */
void update_close(struct store **store, int changed);

/* When a rule expires that is added with --ttl: 0, never, without. 0 or -ERANGE, logged. */
int update_expiry(const struct store *store, const struct update_options *options,
		  uint32_t *expires_s);

/*
 * Begins what a change prints: the document with "changed". For --quiet without --json *out stays
 * NULL and nothing is to be printed. 0 or negative errno, logged.
 */
int update_report(struct output **out, const struct update_options *options, bool changed);

/* "192.168.1.100 port 22 tcp": a rule in the words of a person. */
#define RULE_DESCRIPTION_BYTES 400
const char *update_describe(const struct rule *rule, char text[static RULE_DESCRIPTION_BYTES]);

#endif
