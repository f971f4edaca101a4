/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The list action of firewall-update: rules in the order of their indexes, or those that match an
 * address.
 */
#include <stdio.h>

#include "confirm.h"
#include "log.h"
#include "rule.h"
#include "rule_order.h"
#include "time_text.h"
#include "update.h"

struct listed_rule {
	struct rule_slot slot;
	uint64_t hits;
	uint32_t left_s; /* up to when it expires */
};

/* What is printed of a list, copied while the store was open. */
struct listing {
	struct listed_rule *rules;
	size_t count;
	char (*comments)[COMMENT_BYTES + 1]; /* of each rule; NULL when none has one */
	bool timed;			     /* some expire */
};

static void listings_free(struct listing (*listings)[LIST_COUNT])
{
	for (enum list list = 0; list < LIST_COUNT; list++) {
		free((*listings)[list].rules);
		free((*listings)[list].comments);
	}
}

static int compare_precedence(const void *left, const void *right)
{
	const struct listed_rule *a = left, *b = right;

	return rule_precedence(&a->slot, &b->slot);
}

static int copy_comments(const struct store *store, struct listing *listing)
{
	bool any = false;

	for (size_t i = 0; i < listing->count; i++)
		any |= listing->rules[i].slot.comment != 0;
	if (!any)
		return 0;
	listing->comments = calloc(listing->count, sizeof(*listing->comments));
	if (!listing->comments)
		return -ENOMEM;
	for (size_t i = 0; i < listing->count; i++)
		store_comment(store, &listing->rules[i].slot, listing->comments[i]);
	return 0;
}

/*
 * Copies the rules of a list; with a query those that may match, the one that gets the hit first.
 */
static int read_list(const struct store *store, enum hook hook, enum list list,
		     const struct rule *query, struct listing *out)
{
	const struct rule_view rules = store_rules(store, hook, list);
	_cleanup_free_ uint32_t *order = NULL;
	size_t count;
	int err;

	err = rules_by_index(&rules, store_now_s(store), &order, &count);
	if (err)
		return err;
	out->rules = calloc(count + 1, sizeof(*out->rules));
	if (!out->rules)
		return -ENOMEM;
	for (size_t i = 0; i < count; i++) {
		const struct rule_slot *slot = &rules.slots[order[i]];

		if (query && !rule_may_match(&slot->rule, query))
			continue;
		out->rules[out->count++] = (struct listed_rule){
			.slot = *slot,
			.hits = store_hits(store, slot),
			.left_s = store_left_s(store, slot->expires_s),
		};
		out->timed |= slot->expires_s != 0;
	}
	if (query)
		qsort(out->rules, out->count, sizeof(*out->rules), compare_precedence);
	return copy_comments(store, out);
}

#define COLUMNS 8

/* What is left of a rule's time. */
static void print_left(struct output *out, const struct listed_rule *rule)
{
	char text[TIME_TEXT_BYTES];

	if (!rule->slot.expires_s) {
		output_cell_null(out, "-");
		output_cell_null(out, "-");
		return;
	}
	output_cell_string(out, utc_format(rule->slot.expires_s, text));
	output_cell_number_as(out, rule->left_s, duration_format(rule->left_s, text));
}

static void print_list(struct output *out, enum list list, const struct listing *listing)
{
	/* Most lists have no rule that expires: then text has no column for it. */
	const struct output_column columns[COLUMNS] = {
		{"index", "Index", 5},
		{"address", "Address", 17},
		{"port", "Port", 5},
		{"protocol", "Protocol", 8},
		{"hits", "Hits", 7},
		{"expires", NULL, 0},
		{"ttl_seconds", listing->timed ? "Left" : NULL, 5},
		{"comment", "Comment", 7},
	};
	const char *title = list == LIST_WHITELIST ? "Whitelist" : "Blacklist";
	char text[RULE_TEXT_BYTES];

	output_text(out, "%s Rules:%s\n", title, listing->count ? "" : " none");
	output_table(out, list_name(list), columns, COLUMNS);
	for (size_t i = 0; i < listing->count; i++) {
		const struct listed_rule *rule = &listing->rules[i];

		output_cell_number(out, rule->slot.index);
		rule_format_cidr(&rule->slot.rule, text);
		output_cell_string(out, text);
		rule_format_port(&rule->slot.rule, text);
		output_cell_string(out, text);
		rule_format_protocol(&rule->slot.rule, text);
		output_cell_string(out, text);
		output_cell_number(out, rule->hits);
		print_left(out, rule);
		output_cell_string(out, listing->comments ? listing->comments[i] : "");
	}
	output_table_end(out);
}

/* Which rule a packet of the query meets: whitelist first. */
static void print_hit(struct output *out, const struct update_options *options,
		      const struct listing listings[static LIST_COUNT])
{
	for (enum list list = 0; list < LIST_COUNT; list++) {
		const struct listed_rule *first = listings[list].rules;

		if (!listings[list].count)
			continue;
		if (!rule_must_match(&first->slot.rule, &options->rules[0])) {
			output_text(
				out,
				"Hit: depends on %s; of several matching rules of a list the first "
				"shown gets it\n",
				options->rules[0].any_protocol ? "protocol and port" : "the port");
			output_null(out, "hit");
			return;
		}
		output_text(out, "Hit: %s rule %u\n", list_name(list), first->slot.index);
		output_object(out, "hit");
		output_string(out, "list", NULL, list_name(list));
		output_number(out, "index", NULL, first->slot.index);
		output_close(out);
		return;
	}
	output_text(out, "Hit: none\n");
	output_null(out, "hit");
}

int update_list(const struct update_options *options)
{
	const struct rule *query = options->rule_count ? &options->rules[0] : NULL;
	_cleanup_(listings_free) struct listing listings[LIST_COUNT] = {0};
	_cleanup_store_ struct store *store = NULL;
	_cleanup_output_ struct output *out = NULL;
	struct confirm_state waits;
	bool deny, stateful, drop;
	int err;

	err = store_open(&store, options->common.pin_path, STORE_READ);
	if (err)
		return err;
	for (enum list list = 0; list < LIST_COUNT; list++) {
		if (options->type.given && list != options->list)
			continue;
		err = read_list(store, options->hook, list, query, &listings[list]);
		if (err)
			return log_error(err, "list %s %s", hook_name(options->hook),
					 list_name(list));
	}
	deny = store_ruleset(store)->hooks[options->hook].default_deny;
	stateful = ruleset_is_stateful(store_ruleset(store), options->hook);
	drop = store_ruleset(store)->hooks[options->hook].drop_fragments;
	waits = confirm_look(store);
	store_close(take(store));

	err = output_begin(&out, stdout, options->common.json);
	if (err)
		return err;
	output_string(out, "hook", NULL, hook_name(options->hook));
	for (enum list list = 0; list < LIST_COUNT; list++)
		if (!options->type.given || list == options->list)
			print_list(out, list, &listings[list]);
	output_labels(out, 0, 16);
	output_string(out, "policy", "Default policy", deny ? "deny" : "allow");
	output_bool(out, "stateful", stateful ? "Replies" : NULL, stateful,
		    "pass when this host asked", NULL);
	output_string(out, "fragments", drop ? "Fragments" : NULL, drop ? "drop" : "match");
	confirm_print(out, "Rules", &waits);
	if (query)
		print_hit(out, options, listings);
	return output_end(&out);
}
