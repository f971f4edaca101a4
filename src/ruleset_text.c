/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The save format to and from the store: see ruleset_text.h. Reading is ruleset_parse.c's. */
#include "ruleset_text.h"

#include <errno.h>
#include <inttypes.h>

#include <string.h>

#include "cleanup.h"
#include "log.h"
#include "lvs_text.h"
#include "rule.h"
#include "rule_order.h"
#include "ruleset_parse.h"
#include "time_text.h"

static void write_comment(const char *comment, FILE *out)
{
	fputs(" comment \"", out);
	for (; *comment; comment++) {
		if (*comment == '"' || *comment == '\\')
			putc('\\', out);
		putc(*comment, out);
	}
	putc('"', out);
}

void ruleset_text_write_rule(enum hook hook, enum list list, uint32_t index,
			     const struct rule *rule, uint32_t expires_s, const char *comment,
			     FILE *out)
{
	char text[RULE_TEXT_BYTES], expires[TIME_TEXT_BYTES];

	rule_format(rule, text);
	fprintf(out, "rule %s %s %u %s", hook_name(hook), list_name(list), index, text);
	if (expires_s)
		fprintf(out, " expires %s", utc_format(expires_s, expires));
	if (*comment)
		write_comment(comment, out);
	putc('\n', out);
}

void ruleset_text_write_policy(enum hook hook, bool default_deny, bool stateful,
			       bool drop_fragments, FILE *out)
{
	fprintf(out, "policy %s %s%s fragments %s\n", hook_name(hook),
		default_deny ? "deny" : "allow", stateful ? " stateful" : "",
		drop_fragments ? "drop" : "match");
}

void ruleset_text_write_next(enum hook hook, enum list list, uint32_t next, FILE *out)
{
	fprintf(out, "next %s %s %u\n", hook_name(hook), list_name(list), next);
}

static void write_rates(uint64_t pps, uint64_t bps, uint64_t burst, FILE *out)
{
	if (pps)
		fprintf(out, " pps %" PRIu64, pps);
	if (bps)
		fprintf(out, " bps %" PRIu64, bps);
	if (burst)
		fprintf(out, " burst %" PRIu64, burst);
}

void ruleset_text_write_limit(const struct rate_limit *limit, FILE *out)
{
	if (!limit->pps && !limit->bps && !limit->burst && !limit->exempt_whitelist &&
	    !limit->enabled)
		return;
	fputs("ratelimit", out);
	write_rates(limit->pps, limit->bps, limit->burst, out);
	if (limit->exempt_whitelist)
		fputs(" exempt-whitelist", out);
	fputs(limit->enabled ? " enabled\n" : " disabled\n", out);
}

void ruleset_text_write_source_limit(const struct source_limit *limit, FILE *out)
{
	const struct source_limit initial = SOURCE_LIMIT_INITIAL;

	if (!limit->pps && !limit->bps && !limit->burst && !limit->enabled &&
	    limit->prefix4 == initial.prefix4 && limit->prefix6 == initial.prefix6)
		return;
	fputs("ratelimit-source", out);
	write_rates(limit->pps, limit->bps, limit->burst, out);
	fprintf(out, " prefix4 %u prefix6 %u %s\n", limit->prefix4, limit->prefix6,
		limit->enabled ? "enabled" : "disabled");
}

static int save_list(const struct store *store, enum hook hook, enum list list, FILE *out)
{
	const struct rule_view rules = store_rules(store, hook, list);
	const uint32_t next_index = store_ruleset(store)->lists[hook][list].next_index;
	_cleanup_free_ uint32_t *order = NULL;
	char comment[COMMENT_BYTES + 1];
	size_t count;
	int err;

	err = rules_by_index(&rules, store_now_s(store), &order, &count);
	if (err)
		return err;
	for (size_t i = 0; i < count; i++) {
		const struct rule_slot *slot = &rules.slots[order[i]];

		store_comment(store, slot, comment);
		ruleset_text_write_rule(hook, list, slot->index, &slot->rule, slot->expires_s,
					comment, out);
	}
	/* Indexes of rules that were removed are not given again after a restore either. */
	if (next_index != (count ? rules.slots[order[count - 1]].index + 1 : 0))
		ruleset_text_write_next(hook, list, next_index, out);
	return 0;
}

int ruleset_text_save(const struct store *store, FILE *out)
{
	const struct ruleset *ruleset = store_ruleset(store);
	_cleanup_lvs_model_ struct lvs_model services = {0};
	int err;

	err = store_lvs(store, &services);
	if (err)
		return err;
	errno = 0;
	fprintf(out, "bgo-rules %d\n", RULESET_TEXT_VERSION);
	for (enum hook hook = 0; hook < HOOK_COUNT; hook++)
		ruleset_text_write_policy(hook, ruleset->hooks[hook].default_deny,
					  ruleset_is_stateful(ruleset, hook),
					  ruleset->hooks[hook].drop_fragments, out);
	for (enum hook hook = 0; hook < HOOK_COUNT; hook++) {
		for (enum list list = 0; list < LIST_COUNT; list++) {
			err = save_list(store, hook, list, out);
			if (err)
				return err;
		}
	}
	ruleset_text_write_limit(store_rate_limit(store), out);
	ruleset_text_write_source_limit(&store_rate_limit(store)->source, out);
	lvs_text_write(&services, out);
	if (fflush(out) || ferror(out))
		return errno ? -errno : -EIO;
	return 0;
}

static int add_rule(const struct ruleset_file *file, const struct ruleset_rule *rule,
		    const char *file_name, struct transaction *txn)
{
	struct added added;
	int err;

	err = transaction_add(txn, rule->hook, rule->list, &rule->rule, rule->expires_s,
			      file->comments + rule->comment, &rule->index, &added);
	if (err == -EEXIST || err == -ERANGE)
		return log_error(err, "%s:%u:%u: index %u", file_name, rule->line, rule->column,
				 rule->index);
	return err;
}

/* The file's services in the place of those there were; servers that stay keep their connections.
 */
static int add_services(const struct ruleset_file *file, const char *file_name,
			struct transaction *txn)
{
	struct lvs_model *model;
	int err = transaction_lvs(txn, &model);

	for (uint32_t i = 0; !err && i < file->services.service_count; i++) {
		const struct lvs_model_service *from = &file->services.services[i];
		struct lvs_model_service *service;
		bool added;

		err = lvs_add_service(model, &from->vip, from->mode, &service, &added);
		if (!err)
			lvs_copy_settings(service, from);
		for (uint32_t j = 0; !err && j < from->server_count; j++) {
			const struct lvs_server *server = &from->servers[j];
			struct lvs_endpoint rip = from->vip;

			memcpy(rip.addr_be, server->addr_be, sizeof(rip.addr_be));
			rip.port_be = server->port_be;
			err = lvs_add_server(model, transaction_lvs_before(txn), service, &rip,
					     server->weight, server->draining);
		}
	}
	return err ? log_error(err, "%s: services", file_name) : 0;
}

int ruleset_text_apply(const struct ruleset_file *file, const char *file_name,
		       struct transaction *txn)
{
	int err;

	for (enum hook hook = 0; hook < HOOK_COUNT; hook++) {
		transaction_policy(txn, hook, file->default_deny[hook]);
		transaction_stateful(txn, hook, file->stateful[hook]);
		transaction_fragments(txn, hook, file->drop_fragments[hook]);
	}
	for (size_t i = 0; i < file->rule_count; i++) {
		if (transaction_is_past(txn, file->rules[i].expires_s))
			continue;
		err = add_rule(file, &file->rules[i], file_name, txn);
		if (err)
			return err;
	}
	for (enum hook hook = 0; hook < HOOK_COUNT; hook++)
		for (enum list list = 0; list < LIST_COUNT; list++)
			transaction_reserve_index(txn, hook, list, file->next_index[hook][list]);
	err = transaction_rate_limit(txn, &file->limit);
	if (!err)
		err = transaction_source_limit(txn, &file->limit.source);
	if (err)
		return log_error(err, "%s: rate limit", file_name);
	return add_services(file, file_name, txn);
}

int ruleset_text_restore(FILE *in, const char *file_name, struct transaction *txn)
{
	_cleanup_ruleset_file_ struct ruleset_file file = {0};
	int err;

	err = ruleset_file_parse(in, file_name, &file);
	return err ? err : ruleset_text_apply(&file, file_name, txn);
}
