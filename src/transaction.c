/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Collecting the changes of a transaction. Rules are written to free slots of their lists at once,
 * born in the generation to come, so nothing of it is visible before transaction_commit.c stores
 * the commit word. See store.h.
 */
#include <string.h>
#include <sys/random.h>

#include "../bpf/ratelimit_source.h"
#include "cleanup.h"
#include "log.h"
#include "rule.h"
#include "transaction_internal.h"

int transaction_begin(struct transaction **out, struct store *store)
{
	int err = transaction_refuse_unconfirmed(store);

	return err ? err : transaction_begin_any(out, store);
}

int transaction_begin_any(struct transaction **out, struct store *store)
{
	_cleanup_transaction_ struct transaction *txn = calloc(1, sizeof(*txn));
	int err;

	if (!txn)
		return log_error(-ENOMEM, "begin a change of %s", store->pin_path);
	txn->store = store;
	txn->next = malloc(sizeof(*txn->next));
	if (!txn->next)
		return log_error(-ENOMEM, "begin a change of %s", store->pin_path);
	*txn->next = *store->ruleset;
	txn->next->generation++;
	txn->next->unconfirmed = (struct unconfirmed){0};
	txn->next->reverted_to = 0;
	txn->next_limit = *store->rate_limit;
	for (enum hook hook = 0; hook < HOOK_COUNT; hook++)
		for (enum list list = 0; list < LIST_COUNT; list++)
			txn->lists[hook][list].by_index.key = SLOT_BY_INDEX;
	err = transaction_expire(txn);
	if (err)
		return err;
	*out = take(txn);
	return 0;
}

static void transaction_free(struct transaction *txn)
{
	for (enum hook hook = 0; hook < HOOK_COUNT; hook++)
		for (enum list list = 0; list < LIST_COUNT; list++) {
			struct list_change *change = &txn->lists[hook][list];

			slot_index_free(&change->by_rule);
			slot_index_free(&change->by_index);
			slot_index_free(&change->before);
			for (enum family family = 0; family < FAMILY_COUNT; family++)
				free(change->changed[family].rules);
		}
	transaction_free_lvs(txn);
	free(txn->hits.words);
	free(txn->comments.words);
	free(txn->next);
	free(txn);
}

void transaction_abort(struct transaction *txn)
{
	if (!txn)
		return;
	/* When even this fails the intent stays, and the next writer does it. */
	if (txn->store->config->intent)
		(void)store_scrub(txn->store);
	transaction_free(txn);
}

void transaction_cleanup(struct transaction **txn)
{
	transaction_abort(*txn);
}

void transaction_begin_writing(struct transaction *txn)
{
	txn->changed = true;
	__atomic_store_n(&txn->store->config->intent, 1, __ATOMIC_SEQ_CST);
}

static int note_changed(struct list_change *change, const struct rule *rule)
{
	struct changed_rules *changed = &change->changed[rule->family];

	if (changed->overflow)
		return 0;
	if (changed->count == CHANGED_RULES_MAX) {
		changed->overflow = true;
		return 0;
	}
	if (changed->count == changed->capacity) {
		uint32_t capacity = changed->capacity ? 2 * changed->capacity : 16;
		struct rule *rules = reallocarray(changed->rules, capacity, sizeof(*rules));

		if (!rules)
			return -ENOMEM;
		changed->rules = rules;
		changed->capacity = capacity;
	}
	changed->rules[changed->count++] = *rule;
	return 0;
}

static uint64_t hits_now(const struct store *store, uint32_t hit)
{
	const struct rule_slot slot = {.hit = hit};

	return store_hits(store, &slot);
}

/* Killed anywhere in here, the slot is not live: it is born after everything else of it is written.
 */
static void slot_write(struct rule_slot *slot, const struct rule_slot *content, uint64_t generation)
{
	__atomic_store_n(&slot->born, UINT64_MAX, __ATOMIC_SEQ_CST);
	slot->rule = content->rule;
	slot->index = content->index;
	slot->hit = content->hit;
	slot->comment = content->comment;
	slot->expires_s = content->expires_s;
	slot->hits_before = content->hits_before;
	slot->died = 0;
	__atomic_store_n(&slot->born, generation, __ATOMIC_SEQ_CST);
}

static void slot_set_died(struct rule_slot *slot, uint64_t generation)
{
	__atomic_store_n(&slot->died, generation, __ATOMIC_SEQ_CST);
}

struct rule_slot *transaction_slot(const struct transaction *txn, enum hook hook, enum list list,
				   uint32_t number)
{
	uint32_t entries;

	return &store_slots(txn->store, hook, list, &entries)[number];
}

/*
 * A rule that the transaction's replace-all removed and that comes back: as it was it keeps its
 * slot, with another time to expire its hits. Returns whether there was one.
 */
static bool revive(struct transaction *txn, enum hook hook, enum list list,
		   const struct rule_slot *wanted, const char *comment, const uint32_t *index)
{
	struct list_change *change = &txn->lists[hook][list];
	struct rule_view rules = transaction_rules(txn, hook, list);
	struct rule_view before = rules;
	char old_comment[COMMENT_BYTES + 1];
	struct rule_slot *slot;
	int64_t number;

	if (txn->hits_reused) /* perhaps this one's */
		return false;
	before.generation--;
	number = slot_index_find(&change->before, &before, wanted);
	if (number < 0 || number == SLOT_NONE)
		return false;
	slot = transaction_slot(txn, hook, list, number);
	store_comment(txn->store, slot, old_comment);
	if (slot->index != (index ? *index : txn->next->lists[hook][list].next_index) ||
	    strcmp(old_comment, comment ? comment : "") != 0)
		return false;
	if (slot->expires_s != wanted->expires_s) {
		struct rule_slot content = *slot;

		content.expires_s = wanted->expires_s;
		return transaction_write(txn, hook, list, &content) == 0;
	}
	if (slot->expires_s)
		transaction_note_expiry(txn, slot->expires_s);
	slot_set_died(slot, 0);
	return slot_index_add(&change->by_rule, &rules, number) == 0 &&
	       slot_index_add(&change->by_index, &rules, number) == 0;
}

int transaction_write(struct transaction *txn, enum hook hook, enum list list,
		      const struct rule_slot *content)
{
	struct list_change *change = &txn->lists[hook][list];
	const int64_t number = transaction_take_slot(txn, hook, list);
	struct rule_view rules;
	int err;

	if (number < 0)
		return (int)number;
	if (content->expires_s)
		transaction_note_expiry(txn, content->expires_s);
	slot_write(transaction_slot(txn, hook, list, number), content, txn->next->generation);
	rules = transaction_rules(txn, hook, list);
	err = slot_index_add(&change->by_rule, &rules, number);
	if (!err)
		err = slot_index_add(&change->by_index, &rules, number);
	return err ? err : note_changed(change, &content->rule);
}

static int write_new(struct transaction *txn, enum hook hook, enum list list,
		     struct rule_slot *content, const char *comment)
{
	int64_t hit, text = 0;

	hit = transaction_take_hit(txn, &content->rule);
	if (hit < 0)
		return hit;
	if (comment && *comment)
		text = transaction_take_comment(txn, comment);
	if (text < 0)
		return text;
	content->hit = hit;
	content->comment = text;
	content->hits_before = hits_now(txn->store, hit);
	return transaction_write(txn, hook, list, content);
}

/* Whether a rule may be given this index. */
static int check_index(struct transaction *txn, enum hook hook, enum list list,
		       const struct rule_slot *wanted)
{
	struct rule_view rules = transaction_rules(txn, hook, list);
	int64_t number;

	if (wanted->index == UINT32_MAX)
		return -ERANGE;
	if (wanted->index >= txn->next->lists[hook][list].next_index)
		return 0;
	if (!txn->replaces_all)
		return -EEXIST;
	number = slot_index_find(&txn->lists[hook][list].by_index, &rules, wanted);
	if (number < 0)
		return number;
	return number == SLOT_NONE ? 0 : -EEXIST;
}

int transaction_add(struct transaction *txn, enum hook hook, enum list list,
		    const struct rule *rule, uint32_t expires_s, const char *comment,
		    const uint32_t *index, struct added *out)
{
	struct list_info *info = &txn->next->lists[hook][list];
	struct rule_view rules = transaction_rules(txn, hook, list);
	struct rule_slot content = {
		.rule = *rule,
		.index = index ? *index : info->next_index,
		.expires_s = expires_s,
	};
	int64_t number;
	int err;

	if (!rules.slots)
		return -ENOMEM;
	number = slot_index_find(&txn->lists[hook][list].by_rule, &rules, &content);
	if (number < 0)
		return log_error(number, "look for the rule in %s",
				 map_name(store_list_map(hook, list)));
	if (number != SLOT_NONE)
		return transaction_renew(txn, hook, list, (uint32_t)number, expires_s, out);
	err = check_index(txn, hook, list, &content);
	if (err)
		return err;
	if (ruleset_rule_count(txn->next) >= store_max_rules(txn->store))
		return log_fail(
			-ENOSPC,
			"the rule set is full: %u rules, as many as --max-rules of the server; "
			"nothing was "
			"changed. Remove rules, or restart the server with a larger --max-rules",
			store_max_rules(txn->store));
	transaction_begin_writing(txn);
	if (!txn->replaces_all || !revive(txn, hook, list, &content, comment, index)) {
		err = write_new(txn, hook, list, &content, comment);
		if (err)
			return log_error(err, "add a rule to %s",
					 map_name(store_list_map(hook, list)));
	}
	info->rules[rule->family]++;
	if (content.index >= info->next_index)
		info->next_index = content.index + 1;
	*out = (struct added){.index = content.index, .expires_s = expires_s};
	return 0;
}

int transaction_remove_slot(struct transaction *txn, enum hook hook, enum list list,
			    uint32_t number)
{
	struct rule_slot *slot = transaction_slot(txn, hook, list, number);
	int err;

	if (slot->rule.family >= FAMILY_COUNT)
		return log_fail(-EILSEQ,
				"change %s: damaged: rule %u of %s is of no family; nothing was "
				"changed",
				txn->store->pin_path, slot->index,
				map_name(store_list_map(hook, list)));
	err = note_changed(&txn->lists[hook][list], &slot->rule);
	if (err)
		return log_error(err, "remove a rule");
	transaction_begin_writing(txn);
	slot_set_died(slot, txn->next->generation);
	txn->next->lists[hook][list].rules[slot->rule.family]--;
	return 0;
}

int transaction_remove(struct transaction *txn, enum hook hook, enum list list, uint32_t index,
		       struct rule *removed)
{
	return transaction_remove_commented(txn, hook, list, index, NULL, removed);
}

/* Whether the rule has this comment; NULL: any. */
static bool is_commented(const struct transaction *txn, const struct rule_slot *slot,
			 const char *comment)
{
	char text[COMMENT_BYTES + 1];

	if (!comment)
		return true;
	store_comment(txn->store, slot, text);
	return strcmp(text, comment) == 0;
}

int transaction_remove_commented(struct transaction *txn, enum hook hook, enum list list,
				 uint32_t index, const char *comment, struct rule *removed)
{
	struct rule_view rules = transaction_rules(txn, hook, list);
	const struct rule_slot wanted = {.index = index};
	int64_t number;

	if (!rules.slots)
		return -ENOMEM;
	number = slot_index_find(&txn->lists[hook][list].by_index, &rules, &wanted);
	if (number < 0)
		return log_error(number, "look for rule %u", index);
	if (number == SLOT_NONE || !is_commented(txn, &rules.slots[number], comment))
		return -ENOENT;
	*removed = rules.slots[number].rule;
	return transaction_remove_slot(txn, hook, list, number);
}

int transaction_find(struct transaction *txn, enum hook hook, enum list list,
		     const struct rule *rule, uint32_t *index)
{
	struct rule_view rules = transaction_rules(txn, hook, list);
	const struct rule_slot wanted = {.rule = *rule};
	int64_t number;

	if (!rules.slots)
		return -ENOMEM;
	number = slot_index_find(&txn->lists[hook][list].by_rule, &rules, &wanted);
	if (number < 0)
		return log_error(number, "look for the rule");
	if (number == SLOT_NONE)
		return -ENOENT;
	*index = rules.slots[number].index;
	return 0;
}

int transaction_clear(struct transaction *txn, enum hook hook, enum list list)
{
	return transaction_clear_commented(txn, hook, list, NULL);
}

int transaction_clear_commented(struct transaction *txn, enum hook hook, enum list list,
				const char *comment)
{
	struct rule_view rules = transaction_rules(txn, hook, list);
	int removed = 0;

	if (!rules.slots)
		return -ENOMEM;
	for (uint32_t number = 0; number < rules.count; number++) {
		int err;

		if (!rule_slot_live(&rules.slots[number], rules.generation) ||
		    !is_commented(txn, &rules.slots[number], comment))
			continue;
		err = transaction_remove_slot(txn, hook, list, number);
		if (err)
			return err;
		removed++;
	}
	return removed;
}

int transaction_replace_all(struct transaction *txn)
{
	const struct rate_limit none = {.source = SOURCE_LIMIT_INITIAL};
	int err;
	struct lvs_model *lvs;

	err = transaction_lvs(txn, &lvs);
	if (err)
		return err;
	lvs_model_free(lvs);
	txn->replaces_all = true;
	for (enum hook hook = 0; hook < HOOK_COUNT; hook++) {
		for (enum list list = 0; list < LIST_COUNT; list++) {
			struct list_info *info = &txn->next->lists[hook][list];

			err = transaction_clear(txn, hook, list);
			if (err < 0)
				return err;
			/* Also of a list whose rules are all gone already. */
			txn->changed |= info->next_index != 0;
			info->next_index = 0;
		}
		transaction_policy(txn, hook, false);
		transaction_stateful(txn, hook, false);
		transaction_fragments(txn, hook, false);
	}
	err = transaction_rate_limit(txn, &none);
	return err ? err : transaction_source_limit(txn, &none.source);
}

void transaction_reserve_index(struct transaction *txn, enum hook hook, enum list list,
			       uint32_t next)
{
	struct list_info *info = &txn->next->lists[hook][list];

	if (next <= info->next_index)
		return;
	info->next_index = next;
	txn->changed = true;
}

void transaction_policy(struct transaction *txn, enum hook hook, bool default_deny)
{
	txn->changed |= txn->next->hooks[hook].default_deny != default_deny;
	txn->next->hooks[hook].default_deny = default_deny;
}

/* What is sent is remembered as long as a hook of what comes asks for it. */
void transaction_stateful(struct transaction *txn, enum hook hook, bool stateful)
{
	struct hook_rules *hooks = txn->next->hooks;
	uint32_t both;

	if (hook == HOOK_EGRESS || ruleset_is_stateful(txn->next, hook) == stateful)
		return;
	txn->changed = true;
	hooks[hook].connections ^= CONNECTIONS_STATEFUL;
	both = hooks[HOOK_XDP].connections | hooks[HOOK_INGRESS].connections;
	hooks[HOOK_EGRESS].connections = both & CONNECTIONS_STATEFUL;
}

void transaction_fragments(struct transaction *txn, enum hook hook, bool drop)
{
	txn->changed |= txn->next->hooks[hook].drop_fragments != drop;
	txn->next->hooks[hook].drop_fragments = drop;
}

static bool same_limit(const struct rate_limit *a, const struct rate_limit *b)
{
	return a->pps == b->pps && a->bps == b->bps && a->burst == b->burst &&
	       a->enabled == b->enabled && a->exempt_whitelist == b->exempt_whitelist;
}

int transaction_rate_limit(struct transaction *txn, const struct rate_limit *limit)
{
	const struct rate_limit *old = txn->store->rate_limit;
	struct rate_limit next = txn->next_limit;
	int err;

	next.pps = limit->pps;
	next.bps = limit->bps;
	next.burst = limit->burst;
	next.enabled = limit->enabled;
	next.exempt_whitelist = limit->exempt_whitelist;
	err = rate_limit_prepare(&next);
	if (err)
		return err;
	txn->limit_changed = !same_limit(&next, old);
	if (txn->limit_changed) {
		next.id = old->id + 1 ? old->id + 1 : 1;
		next.bucket = !old->bucket;
		txn->changed = true;
	}
	rate_limit_set_active(&next);
	txn->next_limit = next;
	return 0;
}

static bool same_source_limit(const struct source_limit *a, const struct source_limit *b)
{
	return a->pps == b->pps && a->bps == b->bps && a->burst == b->burst &&
	       a->enabled == b->enabled && a->prefix4 == b->prefix4 && a->prefix6 == b->prefix6;
}

int transaction_source_limit(struct transaction *txn, const struct source_limit *limit)
{
	const struct source_limit *old = &txn->store->rate_limit->source;
	struct source_limit next = *old;
	int err;

	next.pps = limit->pps;
	next.bps = limit->bps;
	next.burst = limit->burst;
	next.enabled = limit->enabled;
	next.prefix4 = limit->prefix4;
	next.prefix6 = limit->prefix6;
	err = source_limit_prepare(&next);
	if (err)
		return err;
	txn->source_limit_changed = !same_source_limit(&next, old);
	if (txn->source_limit_changed) {
		if (getrandom(&next.seed, sizeof(next.seed), 0) < 0)
			return -errno;
		next.half = !old->half;
		next.epoch = old->epoch + 1;
		txn->changed = true;
	}
	txn->next_limit.source = next;
	rate_limit_set_active(&txn->next_limit);
	return 0;
}

int transaction_reset_stats(struct transaction *txn, enum hook hook)
{
	txn->changed = true;
	return store_stats_raw(txn->store, hook, txn->next->stats_before[hook]);
}

int transaction_reset_rate_limit_stats(struct transaction *txn)
{
	struct rate_limit_stats stats;
	int err = store_rate_limit_stats_raw(txn->store, &stats);

	if (err)
		return err;
	txn->next_limit.passed_before = stats.passed;
	txn->next_limit.dropped_before = stats.dropped;
	txn->next_limit.source.dropped_before = stats.source_dropped;
	txn->next_limit.source.epoch++;
	txn->changed = true;
	return 0;
}
