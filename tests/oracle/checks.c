/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What must hold: see checks.h. Each check sets the rules it needs. */
#include "checks.h"

#include <err.h>
#include <stdlib.h>
#include <string.h>

#include "../../src/cleanup.h"

struct oracle_answer experiment_oracle(const struct experiment *experiment, size_t packet,
				       enum oracle_hook hook)
{
	const struct generated_packet *generated = &experiment->packets[packet];
	const struct oracle_frame frame = {
		.bytes = generated->bytes.data,
		.length = generated->bytes.length,
		.segmented = generated->segmented && hook != ORACLE_XDP,
	};

	return oracle_judge(&experiment->scenario.hooks[hook], hook, &frame);
}

static void judge(const struct experiment *experiment, size_t packet, enum oracle_hook hook,
		  struct judged *judged)
{
	target_judge(experiment->target, hook, &experiment->packets[packet], judged);
}

/* The answers to all packets at all hooks; the caller frees. */
typedef struct judged answers_of_hooks[ORACLE_HOOKS];

static answers_of_hooks *judge_all(const struct experiment *experiment)
{
	answers_of_hooks *answers = calloc(experiment->count, sizeof(*answers));

	if (!answers)
		err(1, "judge packets");
	for (size_t i = 0; i < experiment->count; i++)
		for (enum oracle_hook hook = 0; hook < ORACLE_HOOKS; hook++)
			judge(experiment, i, hook, &answers[i][hook]);
	return answers;
}

/* -- The oracle. -- */

static bool is_counted(const struct target_counters *before, const struct target_counters *after,
		       const struct target_counters *expected)
{
	for (int i = 0; i < REASON_SLOTS; i++)
		if (after->reasons[i].packets - before->reasons[i].packets !=
			    expected->reasons[i].packets ||
		    after->reasons[i].bytes - before->reasons[i].bytes !=
			    expected->reasons[i].bytes)
			return false;
	for (int i = 0; i < ORACLE_RULES_MAX; i++)
		if (after->hits[i] - before->hits[i] != expected->hits[i])
			return false;
	return true;
}

static bool check_hook_by_oracle(const struct experiment *experiment, enum oracle_hook hook)
{
	struct target_counters before, after, expected = {0};

	target_counters(experiment->target, hook, &before);
	for (size_t i = 0; i < experiment->count; i++) {
		struct oracle_answer answer = experiment_oracle(experiment, i, hook);
		struct judged judged;

		judge(experiment, i, hook, &judged);
		if (!judged_as(&judged, &answer))
			return false;
		if (judged.not_run)
			continue;
		expected.reasons[judged.reason].packets++;
		expected.reasons[judged.reason].bytes += experiment->packets[i].bytes.length;
		if (answer.rule != ORACLE_NO_RULE)
			expected.hits[answer.rule]++;
	}
	target_counters(experiment->target, hook, &after);
	return is_counted(&before, &after, &expected);
}

static bool check_oracle(const struct experiment *experiment, enum oracle_hook *hook)
{
	target_set_rules(experiment->target, &experiment->scenario);
	for (*hook = 0; *hook < ORACLE_HOOKS; (*hook)++)
		if (!check_hook_by_oracle(experiment, *hook))
			return false;
	return true;
}

/* -- Relations. -- */

static bool is_tag(const struct packet_bytes *bytes, size_t at)
{
	return bytes->length >= at + 2 &&
	       ((bytes->data[at] == 0x81 && bytes->data[at + 1] == 0) ||
		(bytes->data[at] == 0x88 && bytes->data[at + 1] == 0xa8));
}

/* One more tag in front of those that are there. */
static void add_tag(const struct generated_packet *from, struct generated_packet *to)
{
	const size_t addresses = 12;

	to->segmented = from->segmented;
	to->bytes.length = from->bytes.length + 4;
	memcpy(to->bytes.data, from->bytes.data, addresses);
	memcpy(to->bytes.data + addresses, (uint8_t[]){0x81, 0x00, 0x20, 0x05}, 4);
	memcpy(to->bytes.data + addresses + 4, from->bytes.data + addresses,
	       from->bytes.length - addresses);
}

/* Of packets with up to one tag: the third is one too many. */
static bool check_tag(const struct experiment *experiment, enum oracle_hook *hook)
{
	target_set_rules(experiment->target, &experiment->scenario);
	for (size_t i = 0; i < experiment->count; i++) {
		const struct generated_packet *packet = &experiment->packets[i];
		struct generated_packet tagged;

		if (is_tag(&packet->bytes, 12) && is_tag(&packet->bytes, 16))
			continue;
		add_tag(packet, &tagged);
		for (*hook = 0; *hook < ORACLE_HOOKS; (*hook)++) {
			struct judged bare, other;

			judge(experiment, i, *hook, &bare);
			target_judge(experiment->target, *hook, &tagged, &other);
			if (!judged_equal(&bare, &other))
				return false;
		}
	}
	return true;
}

/*
 * A frame that lost its end gets the answer it got, or is malformed: the lengths in its headers do
 * not shrink with it, so what they promise is either still there or missing. Hence a drop never
 * becomes a pass. A packet still to be segmented is different: it may say nothing of its length,
 * and then the frame's counts, which a fragment can exceed 65535 with; those are run as whole.
 */
static bool check_cut_at(const struct experiment *experiment, size_t i, enum oracle_hook hook)
{
	/* Every length of one packet, some of many: headers take 14 bytes and more. */
	const size_t step = experiment->count == 1 ? 1 : 9;
	struct generated_packet cut = experiment->packets[i];
	struct judged whole, judged;

	cut.segmented = false;
	target_judge(experiment->target, hook, &cut, &whole);
	for (size_t length = GENERATED_BYTES_MIN + i % step;
	     length < experiment->packets[i].bytes.length && length < 150; length += step) {
		cut.bytes.length = length;
		target_judge(experiment->target, hook, &cut, &judged);
		if (!judged_equal(&judged, &whole) &&
		    !(judged.reason == REASON_MALFORMED && judged.dropped))
			return false;
	}
	return true;
}

static bool check_cut(const struct experiment *experiment, enum oracle_hook *hook)
{
	target_set_rules(experiment->target, &experiment->scenario);
	for (size_t i = 0; i < experiment->count; i++)
		for (*hook = 0; *hook < ORACLE_HOOKS; (*hook)++)
			if (!check_cut_at(experiment, i, *hook))
				return false;
	return true;
}

/* With the same rules XDP and TC ingress are of one opinion. */
static bool check_hooks(const struct experiment *experiment, enum oracle_hook *hook)
{
	_cleanup_free_ struct scenario *same = malloc(sizeof(*same));

	if (!same)
		err(1, "check hooks");
	*same = experiment->scenario;
	same->hooks[ORACLE_INGRESS] = same->hooks[ORACLE_XDP];
	target_set_rules(experiment->target, same);
	*hook = ORACLE_XDP;
	for (size_t i = 0; i < experiment->count; i++) {
		struct generated_packet packet = experiment->packets[i];
		struct judged xdp, ingress;

		packet.segmented = false; /* which XDP cannot know of */
		target_judge(experiment->target, ORACLE_XDP, &packet, &xdp);
		target_judge(experiment->target, ORACLE_INGRESS, &packet, &ingress);
		if (!judged_equal(&xdp, &ingress))
			return false;
	}
	return true;
}

/* Whether the hook's last rule has anything to do with the packet. */
static bool last_rule_matches(const struct experiment *experiment, size_t packet,
			      enum oracle_hook hook)
{
	const struct oracle_rules *rules = &experiment->scenario.hooks[hook];
	const struct generated_packet *generated = &experiment->packets[packet];
	const struct oracle_frame frame = {
		.bytes = generated->bytes.data,
		.length = generated->bytes.length,
		.segmented = generated->segmented && hook != ORACLE_XDP,
	};
	struct oracle_packet parsed;
	enum oracle_reason reason;

	return oracle_parse(&frame, hook, &parsed, &reason) &&
	       oracle_rule_matches(&rules->rules[rules->count - 1], &parsed.key);
}

/*
 * Each hook's last rule is added to the others and removed again, as a user does, so that graphs
 * are changed and not made anew. Packets that it does not match notice neither.
 */
static bool check_unrelated_rule(const struct experiment *experiment, enum oracle_hook *hook)
{
	struct target *target = experiment->target;

	for (*hook = 0; *hook < ORACLE_HOOKS; (*hook)++) {
		_cleanup_free_ struct scenario *without = malloc(sizeof(*without));
		_cleanup_free_ answers_of_hooks *before = NULL, *with = NULL, *after = NULL;
		struct oracle_rules *rules;

		if (!without)
			err(1, "check a rule");
		*without = experiment->scenario;
		rules = &without->hooks[*hook];
		if (!rules->count)
			continue;
		rules->count--;
		target_set_rules(target, without);
		before = judge_all(experiment);
		target_add_last(target, &experiment->scenario, *hook);
		with = judge_all(experiment);
		target_remove(target, *hook, &rules->rules[rules->count]);
		after = judge_all(experiment);
		for (size_t i = 0; i < experiment->count; i++) {
			struct oracle_answer answer = experiment_oracle(experiment, i, *hook);

			if (!judged_equal(&before[i][*hook], &after[i][*hook]) ||
			    !judged_as(&with[i][*hook], &answer))
				return false;
			if (!last_rule_matches(experiment, i, *hook) &&
			    !judged_equal(&before[i][*hook], &with[i][*hook]))
				return false;
		}
	}
	return true;
}

/* Which of several rules gets the hit depends on the order only where all else is equal. */
static bool is_equal_but_for_order(const struct oracle_rules *rules, int a, int b)
{
	const struct oracle_rule *first, *second;

	if (a == ORACLE_NO_RULE || b == ORACLE_NO_RULE)
		return a == b;
	if (a >= rules->count || b >= rules->count)
		return false;
	first = &rules->rules[a];
	second = &rules->rules[b];
	return first->list == second->list && first->prefix == second->prefix &&
	       first->protocol == second->protocol &&
	       first->last_port - first->first_port == second->last_port - second->first_port;
}

static void reverse(const struct oracle_rules *from, struct oracle_rules *to)
{
	to->default_deny = from->default_deny;
	to->drop_fragments = from->drop_fragments;
	to->count = from->count;
	for (int i = 0; i < from->count; i++) {
		to->rules[i] = from->rules[from->count - 1 - i];
		to->rules[i].index = (uint32_t)i;
	}
}

static bool check_order(const struct experiment *experiment, enum oracle_hook *hook)
{
	_cleanup_free_ struct scenario *reversed = malloc(sizeof(*reversed));
	_cleanup_free_ answers_of_hooks *before = NULL, *after = NULL;

	if (!reversed)
		err(1, "check the order");
	for (*hook = 0; *hook < ORACLE_HOOKS; (*hook)++)
		reverse(&experiment->scenario.hooks[*hook], &reversed->hooks[*hook]);
	target_set_rules(experiment->target, &experiment->scenario);
	before = judge_all(experiment);
	target_set_rules(experiment->target, reversed);
	after = judge_all(experiment);
	for (size_t i = 0; i < experiment->count; i++)
		for (*hook = 0; *hook < ORACLE_HOOKS; (*hook)++) {
			const struct oracle_rules *rules = &experiment->scenario.hooks[*hook];
			const struct judged *a = &before[i][*hook], *b = &after[i][*hook];
			int place =
				b->rule == ORACLE_NO_RULE ? b->rule : rules->count - 1 - b->rule;

			if (a->reason != b->reason || a->dropped != b->dropped ||
			    !is_equal_but_for_order(rules, a->rule, place))
				return false;
		}
	return true;
}

const struct check checks[CHECKS] = {
	{"the programs answer and count as the oracle does", check_oracle, 0},
	{"a VLAN tag changes no answer", check_tag, 64},
	{"a frame that lost its end gets the same answer or is malformed", check_cut, 16},
	{"XDP and TC ingress agree", check_hooks, 64},
	{"a rule changes nothing for packets it does not match", check_unrelated_rule, 16},
	{"the order of rules changes no answer", check_order, 32},
};
