/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The real firewall, asked as the oracle is: see target.h. */
#include "target.h"

#include <arpa/inet.h>
#include <err.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../../src/cleanup.h"
#include "../../src/rule.h"
#include "../../src/time_text.h"

static const enum hook hooks[ORACLE_HOOKS] = {
	[ORACLE_XDP] = HOOK_XDP,
	[ORACLE_INGRESS] = HOOK_INGRESS,
	[ORACLE_EGRESS] = HOOK_EGRESS,
};

static const enum list lists[ORACLE_LISTS] = {
	[ORACLE_WHITELIST] = LIST_WHITELIST,
	[ORACLE_BLACKLIST] = LIST_BLACKLIST,
};

void target_open(struct target *target)
{
	firewall_setup(&target->firewall, true);
	target->by_hit_count = store_max_rules(target->firewall.store);
	target->by_hit = calloc(target->by_hit_count, sizeof(*target->by_hit));
	if (!target->by_hit)
		err(1, "index the rules");
}

void target_close(struct target *target)
{
	free(target->by_hit);
	firewall_teardown(&target->firewall);
}

static void rule_write(const struct oracle_rule *rule, const char *hook, FILE *out)
{
	static const char *const list_names[] = {"whitelist", "blacklist"};
	char address[INET6_ADDRSTRLEN], expires[TIME_TEXT_BYTES];

	inet_ntop(rule->ipv6 ? AF_INET6 : AF_INET, rule->address, address, sizeof(address));
	fprintf(out, "rule %s %s %" PRIu32 " %s/%d", hook, list_names[rule->list], rule->index,
		address, rule->prefix);
	if (rule->last_port)
		fprintf(out, " port %d-%d", rule->first_port, rule->last_port);
	if (rule->protocol != ORACLE_ANY_PROTOCOL)
		fprintf(out, " proto %d", rule->protocol);
	if (rule->expires_s)
		fprintf(out, " expires %s", utc_format(rule->expires_s, expires));
	fputc('\n', out);
}

/* All but the first line of a save file. */
static void write_statements(const struct scenario *scenario, FILE *out)
{
	static const char *const hook_names[] = {"xdp", "ingress", "egress"};

	for (enum oracle_hook hook = 0; hook < ORACLE_HOOKS; hook++) {
		const struct oracle_rules *rules = &scenario->hooks[hook];

		fprintf(out, "policy %s %s fragments %s\n", hook_names[hook],
			rules->default_deny ? "deny" : "allow",
			rules->drop_fragments ? "drop" : "match");
		for (int i = 0; i < rules->count; i++)
			rule_write(&rules->rules[i], hook_names[hook], out);
	}
}

void scenario_write(const struct scenario *scenario, FILE *out)
{
	fputs("bgo-rules 1\n", out);
	write_statements(scenario, out);
}

/* Where each live rule's hit number leads: to the rule of its list and index. */
static void index_rules(struct target *target, const struct scenario *scenario)
{
	for (uint32_t hit = 0; hit < target->by_hit_count; hit++)
		target->by_hit[hit].position = -1;
	for (enum oracle_hook hook = 0; hook < ORACLE_HOOKS; hook++) {
		const struct oracle_rules *rules = &scenario->hooks[hook];
		int positions[ORACLE_LISTS][ORACLE_RULES_MAX];

		for (int i = 0; i < rules->count; i++)
			positions[rules->rules[i].list][rules->rules[i].index] = i;
		for (int list = 0; list < ORACLE_LISTS; list++) {
			struct rule_view view =
				store_rules(target->firewall.store, hooks[hook], lists[list]);

			for (uint32_t i = 0; i < view.count; i++)
				if (rule_slot_live(&view.slots[i], view.generation))
					target->by_hit[view.slots[i].hit] = (struct target_rule){
						hook, positions[list][view.slots[i].index]};
		}
	}
}

void target_set_rules(struct target *target, const struct scenario *scenario)
{
	_cleanup_free_ char *text = NULL;
	size_t size;
	FILE *out = open_memstream(&text, &size);

	if (!out)
		err(1, "rules");
	write_statements(scenario, out);
	fclose(out);
	/* In the past no rule has expired, so all of them are there and have to lapse. */
	firewall_set_clock(&target->firewall, GENERATED_PAST_S);
	firewall_rules(&target->firewall, HOOK_XDP, text);
	firewall_set_clock(&target->firewall, GENERATED_NOW_S);
	index_rules(target, scenario);
}

void target_add_last(struct target *target, const struct scenario *scenario, enum oracle_hook hook)
{
	const struct oracle_rules *rules = &scenario->hooks[hook];
	const struct oracle_rule *last = &rules->rules[rules->count - 1];
	_cleanup_transaction_ struct transaction *txn = NULL;
	struct rule rule = {
		.family = last->ipv6 ? FAMILY_IPV6 : FAMILY_IPV4,
		.prefix_len = (uint8_t)last->prefix,
		.any_protocol = last->protocol == ORACLE_ANY_PROTOCOL,
		.protocol = (uint8_t)(last->protocol == ORACLE_ANY_PROTOCOL ? 0 : last->protocol),
		.port_min_host = (uint16_t)last->first_port,
		.port_max_host = (uint16_t)last->last_port,
	};
	struct added added;

	memcpy(rule.addr_host, last->address, sizeof(rule.addr_host));
	for (int i = 0; i < 4; i++)
		rule.addr_host[i] = ntohl(rule.addr_host[i]);
	if (transaction_begin(&txn, target->firewall.store) ||
	    transaction_add(txn, hooks[hook], lists[last->list], &rule, last->expires_s, NULL,
			    &last->index, &added) ||
	    transaction_commit(&txn) != 1)
		errx(1, "cannot add a rule");
	index_rules(target, scenario);
}

void target_remove(struct target *target, enum oracle_hook hook, const struct oracle_rule *rule)
{
	_cleanup_transaction_ struct transaction *txn = NULL;
	const bool expired = rule->expires_s && rule->expires_s <= GENERATED_NOW_S;
	struct rule removed;
	int err;

	if (transaction_begin(&txn, target->firewall.store))
		errx(1, "cannot remove a rule");
	err = transaction_remove(txn, hooks[hook], lists[rule->list], rule->index, &removed);
	if (err != (expired ? -ENOENT : 0) || transaction_commit(&txn) != !expired)
		errx(1, "cannot remove a rule");
}

/* The kernel's TC test run takes nothing shorter than its IP header; how it is then is XDP's. */
static bool lacks_ip_header(const struct packet_bytes *bytes)
{
	const int type = bytes->data[12] << 8 | bytes->data[13];
	const size_t header = type == 0x0800 ? 20 : type == 0x86dd ? 40 : 1;

	return bytes->length < 14 + header;
}

void target_judge(const struct target *target, enum oracle_hook hook,
		  const struct generated_packet *packet, struct judged *judged)
{
	const uint32_t gso_size = packet->segmented && hook != ORACLE_XDP ? 1000 : 0;
	const struct target_rule *rule = NULL;
	struct last_verdict verdict;
	struct run run;
	int failed;

	failed = firewall_run(&target->firewall, hooks[hook], &packet->bytes, gso_size, 1, &run);
	if (failed == -EINVAL && hook != ORACLE_XDP && lacks_ip_header(&packet->bytes)) {
		*judged = (struct judged){.not_run = true, .rule = ORACLE_NO_RULE};
		return;
	}
	if (failed)
		errx(1, "test run of %zu bytes: %s", packet->bytes.length, strerror(-failed));
	if (programs_last_verdict(target->firewall.programs, hooks[hook], &verdict))
		errx(1, "no verdict");
	if (verdict.rule >= 0 && verdict.rule < target->by_hit_count)
		rule = &target->by_hit[verdict.rule];
	*judged = (struct judged){
		.reason = verdict.reason,
		/* A number that is no rule's, or another hook's, is no answer that can be right. */
		.rule = verdict.rule < 0				    ? ORACLE_NO_RULE
			: rule && rule->hook == hook && rule->position >= 0 ? rule->position
									    : ORACLE_RULES_MAX,
		.dropped = run.dropped,
		.changed = run.changed,
	};
}

bool judged_equal(const struct judged *a, const struct judged *b)
{
	if (a->not_run || b->not_run)
		return true;
	return a->reason == b->reason && a->rule == b->rule && a->dropped == b->dropped;
}

bool judged_as(const struct judged *judged, const struct oracle_answer *answer)
{
	static const enum reason same[ORACLE_REASONS] = {
		[ORACLE_ALLOWED_WHITELIST] = REASON_ALLOWED_WHITELIST,
		[ORACLE_ALLOWED_DEFAULT] = REASON_ALLOWED_DEFAULT,
		[ORACLE_EXEMPT] = REASON_EXEMPT,
		[ORACLE_NON_IP] = REASON_NON_IP,
		[ORACLE_BLOCKED_BLACKLIST] = REASON_BLOCKED_BLACKLIST,
		[ORACLE_BLOCKED_DEFAULT] = REASON_BLOCKED_DEFAULT,
		[ORACLE_MALFORMED] = REASON_MALFORMED,
		[ORACLE_FRAGMENT_DROPPED] = REASON_FRAGMENT_DROPPED,
	};

	if (judged->not_run)
		return true;
	return judged->reason == same[answer->reason] && judged->rule == answer->rule &&
	       judged->dropped == oracle_drops(answer->reason) && !judged->changed;
}

const char *judged_reason_name(const struct judged *judged)
{
#define REASON_NAME(NAME, name, verdict, text) [REASON_##NAME] = #name,
	static const char *const names[] = {REASONS(REASON_NAME)};
#undef REASON_NAME

	if (judged->not_run)
		return "not run";
	return judged->reason < REASON_COUNT ? names[judged->reason] : "no such reason";
}

void target_counters(const struct target *target, enum oracle_hook hook,
		     struct target_counters *counters)
{
	const struct store *store = target->firewall.store;

	memset(counters, 0, sizeof(*counters));
	if (store_stats(store, hooks[hook], counters->reasons))
		errx(1, "no counters");
	for (int list = 0; list < ORACLE_LISTS; list++) {
		struct rule_view view = store_rules(store, hooks[hook], lists[list]);

		for (uint32_t i = 0; i < view.count; i++)
			if (rule_slot_live(&view.slots[i], view.generation))
				counters->hits[target->by_hit[view.slots[i].hit].position] =
					store_hits(store, &view.slots[i]);
	}
}
