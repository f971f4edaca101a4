/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The actions of firewall-update that change rules, policies and counters: one transaction each. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "confirm.h"
#include "lockout.h"
#include "log.h"
#include "rule.h"
#include "snapshot.h"
#include "time_text.h"
#include "update.h"

const char *update_describe(const struct rule *rule, char text[static RULE_DESCRIPTION_BYTES])
{
	char cidr[RULE_TEXT_BYTES], port[RULE_TEXT_BYTES], protocol[RULE_TEXT_BYTES];
	const int host_bits = rule->family == FAMILY_IPV4 ? 32 : 128;

	rule_format_cidr(rule, cidr);
	if (rule->prefix_len == host_bits)
		cidr[strcspn(cidr, "/")] = '\0';
	rule_format_port(rule, port);
	rule_format_protocol(rule, protocol);
	snprintf(text, RULE_DESCRIPTION_BYTES, "%s%s%s%s%s", cidr,
		 rule->port_max_host ? " port " : "", rule->port_max_host ? port : "",
		 rule->any_protocol ? "" : " ", rule->any_protocol ? "" : protocol);
	return text;
}

/* Whether packets that pass now may be dropped by what is asked for. */
static bool may_drop(const struct update_options *options)
{
	if (options->action->run == update_add || options->action->run == update_load)
		return options->list == LIST_BLACKLIST;
	if (options->action->run == update_remove || options->action->run == update_clear)
		return options->all || options->list == LIST_WHITELIST;
	if (options->action->run == update_policy)
		return options->policy.given && options->policy.value == 1;
	return options->action->run == update_restore;
}

int update_begin(struct store **store, struct transaction **txn,
		 const struct update_options *options)
{
	int err;

	if (options->confirm_s)
		confirm_prepare(options->common.pin_path);
	err = store_open(store, options->common.pin_path, STORE_WRITE);
	if (!err)
		err = transaction_begin(txn, *store);
	if (err)
		return err;
	if (options->confirm_s)
		transaction_confirm_within(*txn, (uint32_t)options->confirm_s);
	if (!options->force && may_drop(options))
		transaction_judge_by(*txn, lockout_judge);
	return 0;
}

void update_close(struct store **store, int changed)
{
	if (changed <= 0) {
		store_close(take(*store));
		return;
	}
	if (store_unconfirmed(*store)) {
		confirm_leave_process(*store);
		log_info("note: reverts by itself in %u s; type `bgo firewall-update --action "
			 "confirm` to keep it",
			 store_unconfirmed_left_s(*store));
	}
	snapshot_after_change(store);
}

int update_commit(struct store **store, struct transaction **txn)
{
	int changed = transaction_commit(txn);

	update_close(store, changed);
	return changed;
}

int update_report(struct output **out, const struct update_options *options, bool changed)
{
	int err;

	if (options->common.quiet && !options->common.json)
		return 0;
	err = output_begin(out, stdout, options->common.json);
	if (err)
		return err;
	output_bool(*out, "changed", NULL, changed, NULL, NULL);
	if (options->confirm_s && changed)
		output_number(*out, "reverts_in_s", NULL, options->confirm_s);
	return 0;
}

int update_expiry(const struct store *store, const struct update_options *options,
		  uint32_t *expires_s)
{
	*expires_s = 0;
	if (!options->ttl_s || store_expiry_s(store, options->ttl_s, expires_s) == 0)
		return 0;
	return log_fail(-ERANGE,
			"--ttl %s: that is after 2106-02-07, later than a rule can expire; leave "
			"it out for a rule that stays",
			options->ttl);
}

/* One rule of a report: its part of the JSON document, which is left open. */
static void report_rule(struct output *out, const struct update_options *options,
			const struct rule *rule, uint32_t index, bool changed)
{
	char text[RULE_TEXT_BYTES];

	output_object(out, NULL);
	output_bool(out, "changed", NULL, changed, NULL, NULL);
	output_string(out, "hook", NULL, hook_name(options->hook));
	output_string(out, "list", NULL, list_name(options->list));
	output_number(out, "index", NULL, index);
	rule_format_cidr(rule, text);
	output_string(out, "address", NULL, text);
	rule_format_port(rule, text);
	output_string(out, "port", NULL, text);
	rule_format_protocol(rule, text);
	output_string(out, "protocol", NULL, text);
}

/* -- add -- */

/* ", for 10m": what was said of a rule's time. */
static const char *describe_time(const struct update_options *options, const struct added *added,
				 char text[static TIME_TEXT_BYTES + 8])
{
	char duration[TIME_TEXT_BYTES];

	*text = '\0';
	if (added->expires_s)
		snprintf(text, TIME_TEXT_BYTES + 8, ", for %s",
			 duration_format(options->ttl_s, duration));
	else if (added->renewed)
		snprintf(text, TIME_TEXT_BYTES + 8, ", now for good");
	return text;
}

static void report_time(struct output *out, const struct update_options *options,
			const struct added *added)
{
	char text[TIME_TEXT_BYTES];

	if (added->expires_s) {
		output_string(out, "expires", NULL, utc_format(added->expires_s, text));
		output_number(out, "ttl_seconds", NULL, options->ttl_s);
	} else {
		output_null(out, "expires");
		output_null(out, "ttl_seconds");
	}
}

static int report_added(const struct update_options *options, const struct added *added,
			bool changed)
{
	_cleanup_output_ struct output *out = NULL;
	char text[RULE_DESCRIPTION_BYTES], time[TIME_TEXT_BYTES + 8];
	int err;

	err = update_report(&out, options, changed);
	if (err || !out)
		return err;
	output_array(out, "rules");
	for (size_t i = 0; i < options->rule_count; i++) {
		update_describe(&options->rules[i], text);
		if (added[i].present)
			output_text(out, "%s %s rule already present (index %u): %s%s\n",
				    hook_name(options->hook), list_name(options->list),
				    added[i].index, text, describe_time(options, &added[i], time));
		else
			output_text(out, "Added %s %s rule %u: %s%s\n", hook_name(options->hook),
				    list_name(options->list), added[i].index, text,
				    describe_time(options, &added[i], time));
		report_rule(out, options, &options->rules[i], added[i].index,
			    !added[i].present || added[i].renewed);
		report_time(out, options, &added[i]);
		output_close(out);
	}
	output_close(out);
	return output_end(&out);
}

/* What was asked for and is not so. */
static void note_kept(const struct update_options *options, const struct added *added)
{
	for (size_t i = 0; i < options->rule_count; i++) {
		if (!added[i].present)
			continue;
		if (options->comment)
			log_info("note: rule %u was there already and keeps the comment it had",
				 added[i].index);
		if (options->ttl && !added[i].expires_s)
			log_info("note: rule %u was there already, for good, and stays so: remove "
				 "it before adding it with --ttl",
				 added[i].index);
	}
}

int update_add(const struct update_options *options)
{
	_cleanup_store_ struct store *store = NULL;
	_cleanup_transaction_ struct transaction *txn = NULL;
	struct added added[UPDATE_PORTS_MAX];
	bool allows_by_default;
	uint32_t expires_s;
	int changed, err;

	err = update_begin(&store, &txn, options);
	if (!err)
		err = update_expiry(store, options, &expires_s);
	for (size_t i = 0; !err && i < options->rule_count; i++)
		err = transaction_add(txn, options->hook, options->list, &options->rules[i],
				      expires_s, options->comment, NULL, &added[i]);
	if (err)
		return err;
	changed = transaction_commit(&txn);
	if (changed < 0)
		return changed;
	allows_by_default = !store_ruleset(store)->hooks[options->hook].default_deny;
	update_close(&store, changed);
	note_kept(options, added);
	if (changed && options->list == LIST_WHITELIST && allows_by_default)
		log_info("note: the default policy of %s is allow, so a whitelist rule only "
			 "exempts from "
			 "the blacklist; --action policy --policy deny blocks the rest",
			 hook_name(options->hook));
	return report_added(options, added, changed);
}

/* -- remove -- */

struct removal {
	struct rule rule;
	uint32_t index;
	bool found;
};

static int not_there(const struct update_options *options, const struct rule *rule)
{
	const char *what = options->comment ? " with this comment" : "";
	char text[RULE_DESCRIPTION_BYTES];

	if (!rule)
		return log_fail(-ENOENT, "remove: %s %s has no rule %u%s", hook_name(options->hook),
				list_name(options->list), (uint32_t)options->index.value, what);
	return log_fail(-ENOENT, "remove: %s %s has no rule %s%s", hook_name(options->hook),
			list_name(options->list), update_describe(rule, text), what);
}

/* Removes the rule `wanted`, or the one at --index when that is NULL. */
static int remove_one(struct transaction *txn, const struct update_options *options,
		      const struct rule *wanted, struct removal *removal)
{
	int err = 0;

	*removal = (struct removal){.index = (uint32_t)options->index.value};
	if (wanted) {
		removal->rule = *wanted;
		err = transaction_find(txn, options->hook, options->list, wanted, &removal->index);
	}
	if (!err)
		err = transaction_remove_commented(txn, options->hook, options->list,
						   removal->index, options->comment,
						   &removal->rule);
	removal->found = !err;
	if (err != -ENOENT)
		return err;
	return options->if_exists ? 0 : not_there(options, wanted);
}

static int report_removed(const struct update_options *options, const struct removal *removals,
			  size_t count, bool changed)
{
	_cleanup_output_ struct output *out = NULL;
	char text[RULE_DESCRIPTION_BYTES];
	int err;

	err = update_report(&out, options, changed);
	if (err || !out)
		return err;
	output_array(out, "rules");
	for (size_t i = 0; i < count; i++) {
		if (!removals[i].found)
			continue;
		output_text(out, "Removed %s %s rule %u: %s\n", hook_name(options->hook),
			    list_name(options->list), removals[i].index,
			    update_describe(&removals[i].rule, text));
		report_rule(out, options, &removals[i].rule, removals[i].index, true);
		output_close(out);
	}
	output_close(out);
	if (!changed)
		output_text(out, "No such rule in %s %s: nothing to remove\n",
			    hook_name(options->hook), list_name(options->list));
	return output_end(&out);
}

int update_remove(const struct update_options *options)
{
	const size_t count = options->index.given ? 1 : options->rule_count;
	_cleanup_store_ struct store *store = NULL;
	_cleanup_transaction_ struct transaction *txn = NULL;
	struct removal removals[UPDATE_PORTS_MAX];
	int changed, err;

	err = update_begin(&store, &txn, options);
	for (size_t i = 0; !err && i < count; i++)
		err = remove_one(txn, options, options->index.given ? NULL : &options->rules[i],
				 &removals[i]);
	if (err)
		return err;
	changed = update_commit(&store, &txn);
	if (changed < 0)
		return changed;
	return report_removed(options, removals, count, changed);
}

/* -- clear -- */

int update_clear(const struct update_options *options)
{
	_cleanup_store_ struct store *store = NULL;
	_cleanup_transaction_ struct transaction *txn = NULL;
	_cleanup_output_ struct output *out = NULL;
	int removed[LIST_COUNT] = {0}, changed, err;

	err = update_begin(&store, &txn, options);
	for (enum list list = 0; !err && list < LIST_COUNT; list++) {
		if (!options->all && list != options->list)
			continue;
		removed[list] =
			transaction_clear_commented(txn, options->hook, list, options->comment);
		err = removed[list] < 0 ? removed[list] : 0;
	}
	if (err)
		return err;
	changed = update_commit(&store, &txn);
	if (changed < 0)
		return changed;

	err = update_report(&out, options, changed);
	if (err || !out)
		return err;
	output_string(out, "hook", NULL, hook_name(options->hook));
	output_object(out, "removed");
	for (enum list list = 0; list < LIST_COUNT; list++) {
		if (!options->all && list != options->list)
			continue;
		output_text(out, "Removed %d rule%s from %s %s\n", removed[list],
			    removed[list] == 1 ? "" : "s", hook_name(options->hook),
			    list_name(list));
		output_number(out, list_name(list), NULL, (uint64_t)removed[list]);
	}
	output_close(out);
	return output_end(&out);
}

/* -- policy, reset-stats -- */

int update_policy(const struct update_options *options)
{
	_cleanup_store_ struct store *store = NULL;
	_cleanup_transaction_ struct transaction *txn = NULL;
	_cleanup_output_ struct output *out = NULL;
	const struct list_info *allowed;
	bool deny, stateful, drop, allows_nobody;
	int changed, err;

	err = update_begin(&store, &txn, options);
	if (err)
		return err;
	if (options->policy.given) {
		transaction_policy(txn, options->hook, options->policy.value == 1);
		transaction_stateful(txn, options->hook, options->stateful);
	}
	if (options->fragments.given)
		transaction_fragments(txn, options->hook, options->fragments.value == 1);
	changed = transaction_commit(&txn);
	if (changed < 0)
		return changed;
	deny = store_ruleset(store)->hooks[options->hook].default_deny;
	stateful = ruleset_is_stateful(store_ruleset(store), options->hook);
	drop = store_ruleset(store)->hooks[options->hook].drop_fragments;
	allowed = &store_ruleset(store)->lists[options->hook][LIST_WHITELIST];
	allows_nobody = !allowed->rules[FAMILY_IPV4] && !allowed->rules[FAMILY_IPV6];
	update_close(&store, changed);
	if (changed && deny && allows_nobody)
		log_info("note: the %s whitelist is empty, so only network essentials like "
			 "neighbour discovery%s pass",
			 hook_name(options->hook), stateful ? " and replies to this host" : "");

	err = update_report(&out, options, changed);
	if (err || !out)
		return err;
	output_text(out, "%s policy %s: %s%s, fragments: %s\n", hook_name(options->hook),
		    changed ? "is now" : "was already", deny ? "deny" : "allow",
		    stateful ? " stateful" : "", drop ? "drop" : "match");
	output_string(out, "hook", NULL, hook_name(options->hook));
	output_string(out, "policy", NULL, deny ? "deny" : "allow");
	output_bool(out, "stateful", NULL, stateful, NULL, NULL);
	output_string(out, "fragments", NULL, drop ? "drop" : "match");
	return output_end(&out);
}

int update_reset_stats(const struct update_options *options)
{
	_cleanup_store_ struct store *store = NULL;
	_cleanup_transaction_ struct transaction *txn = NULL;
	_cleanup_output_ struct output *out = NULL;
	int changed, err;

	err = update_begin(&store, &txn, options);
	if (!err)
		err = transaction_reset_stats(txn, options->hook);
	if (err)
		return err;
	changed = update_commit(&store, &txn);
	if (changed < 0)
		return changed;

	err = update_report(&out, options, changed);
	if (err || !out)
		return err;
	output_text(out, "Reset %s statistics\n", hook_name(options->hook));
	output_string(out, "hook", NULL, hook_name(options->hook));
	return output_end(&out);
}
