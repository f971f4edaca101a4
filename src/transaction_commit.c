/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Making a transaction the rules in force: graphs beside the graphs, a record beside the record,
 * one store of the commit word; and undoing what never got that far. The order of the stores here
 * is the crash safety of the product.
 */
#include <bpf/bpf.h>
#include <inttypes.h>
#include <linux/bpf.h>
#include <string.h>
#include <time.h>

#include "../bpf/map_list.h"
#include "../bpf/ratelimit.h"
#include "adopt.h"
#include "cleanup.h"
#include "log.h"
#include "transaction_internal.h"

/*
 * Waits until every XDP and TC program that runs now has ended: updating an element of a map of
 * maps does, inside the kernel (maybe_wait_bpf_programs() in kernel/bpf/syscall.c), 7 to 16 ms.
 */
int store_wait_for_programs(const struct store *store)
{
	_cleanup_close_ int inner = bpf_map_create(BPF_MAP_TYPE_ARRAY, "bgo_inner", 4, 4, 1, NULL);
	LIBBPF_OPTS(bpf_map_create_opts, options, .inner_map_fd = inner);
	_cleanup_close_ int outer = -1;
	uint32_t key = 0;
	int err = inner;

	if (err >= 0)
		err = outer =
			bpf_map_create(BPF_MAP_TYPE_ARRAY_OF_MAPS, "bgo_grace", 4, 4, 1, &options);
	if (err >= 0)
		err = bpf_map_update_elem(outer, &key, &inner, 0);
	return err ? log_error(err, "wait for running programs at %s", store->pin_path) : 0;
}

int wait_for_readers(struct store *store, uint64_t generation)
{
	struct config *config = store->config;
	int err;

	if (config->grace >= generation)
		return 0;
	err = store_wait_for_programs(store);
	if (err)
		return err;
	__atomic_store_n(&config->grace, config->commit, __ATOMIC_RELEASE);
	return 0;
}

static int compile_error(const struct store *store, int err, enum hook hook, enum list list)
{
	const char *name = map_name(store_list_map(hook, list));

	if (err == -ENOSPC)
		return log_fail(err,
				"change %s: its decision graph does not fit into the %u nodes "
				"there are; nothing was "
				"changed. Restart the server with a larger --max-rules",
				name, store_nodes_capacity(store));
	if (err == -E2BIG)
		return log_fail(err,
				"change %s: a packet would take more than %u steps to judge; "
				"nothing was changed. Use "
				"fewer overlapping port ranges",
				name, GRAPH_MAX_STEPS);
	if (err == -EILSEQ)
		return log_fail(err,
				"change %s: damaged: %s has a rule that no command writes; nothing "
				"was changed",
				store->pin_path, name);
	return log_error(err, "compile the rules of %s", name);
}

int store_compile(const struct store *store, struct node_pool *pool, struct ruleset *ruleset)
{
	for (enum hook hook = 0; hook < HOOK_COUNT; hook++)
		for (enum list list = 0; list < LIST_COUNT; list++) {
			struct rule_view rules = store_rules(store, hook, list);

			if (!rules.slots)
				return -ENOMEM;
			rules.count = ruleset->lists[hook][list].slots_used;
			rules.generation = ruleset->generation;
			for (enum family family = 0; family < FAMILY_COUNT; family++) {
				int err = classifier_compile(
					&rules, family, pool,
					&ruleset->hooks[hook].lists[list][family]);

				if (err)
					return compile_error(store, err, hook, list);
			}
		}
	return 0;
}

/* Everything from nothing into the half that is not in use. */
static int compile_other_half(struct transaction *txn)
{
	struct store *store = txn->store;
	uint32_t half_nodes = store_nodes_capacity(store);
	uint32_t half = !store->ruleset->node_half;
	struct node_pool pool = {
		.nodes = store_memory(store, MAP_node_map),
		.used = half * half_nodes,
		.end = (half + 1) * half_nodes,
	};
	int err;

	err = pool.nodes ? wait_for_readers(store, store->ruleset->half_since) : -ENOMEM;
	if (!err)
		err = store_compile(store, &pool, txn->next);
	if (err)
		return err;
	txn->next->node_half = half;
	txn->next->nodes_used = pool.used;
	txn->next->half_since = txn->next->generation;
	return 0;
}

static int update_list(struct transaction *txn, enum hook hook, enum list list, enum family family,
		       struct node_pool *pool)
{
	const struct changed_rules *changed = &txn->lists[hook][list].changed[family];
	struct graph_list *graphs = &txn->next->hooks[hook].lists[list][family];
	struct rule_view rules = transaction_rules(txn, hook, list);
	_cleanup_free_ const struct rule **pointers = NULL;

	if (!changed->count)
		return 0;
	if (changed->overflow)
		return classifier_compile(&rules, family, pool, graphs);
	pointers = calloc(changed->count, sizeof(*pointers));
	if (!pointers)
		return -ENOMEM;
	for (uint32_t i = 0; i < changed->count; i++)
		pointers[i] = &changed->rules[i];
	return classifier_update(&rules, family,
				 &store_ruleset(txn->store)->hooks[hook].lists[list][family],
				 pointers, changed->count, pool, graphs);
}

/* The graphs of what changed, behind those in use; when the half is full, all of them in the other
 * half. */
static int update_graphs(struct transaction *txn)
{
	struct store *store = txn->store;
	struct node_pool pool = {
		.nodes = store_memory(store, MAP_node_map),
		.used = store->ruleset->nodes_used,
		.end = (store->ruleset->node_half + 1) * store_nodes_capacity(store),
	};

	if (!pool.nodes)
		return -ENOMEM;
	for (enum hook hook = 0; hook < HOOK_COUNT; hook++)
		for (enum list list = 0; list < LIST_COUNT; list++)
			for (enum family family = 0; family < FAMILY_COUNT; family++) {
				int err = update_list(txn, hook, list, family, &pool);

				if (err == -ENOSPC)
					return compile_other_half(txn);
				if (err)
					return compile_error(store, err, hook, list);
			}
	txn->next->nodes_used = pool.used;
	return 0;
}

/* Full buckets for new limits, where no packet of older generations looks any more. */
static int fill_buckets(struct transaction *txn)
{
	struct store *store = txn->store;
	struct rate_limit_bucket *buckets = store_memory(store, MAP_rate_limit_state_map);
	struct source_set *sources = store_memory(store, MAP_rate_limit_sources_map);
	struct timespec now;
	int err;

	err = buckets && sources ? wait_for_readers(store, store->ruleset->limit_since) : -ENOMEM;
	if (err)
		return err;
	if (txn->limit_changed) {
		clock_gettime(CLOCK_MONOTONIC, &now);
		rate_limit_bucket_fill(&buckets[txn->next_limit.bucket], &txn->next_limit,
				       now.tv_sec * 1000000000ULL + now.tv_nsec);
	}
	/* A source without a place has full buckets. */
	if (txn->source_limit_changed)
		memset(&sources[txn->next_limit.source.half * SOURCE_SETS], 0,
		       SOURCE_SETS * sizeof(*sources));
	txn->next->limit_since = txn->next->generation;
	return 0;
}

/* The record that the new generation names was an old one's: no packet may be reading that any
 * more. */
static int write_record(struct transaction *txn)
{
	struct store *store = txn->store;
	uint64_t generation = txn->next->generation;
	uint32_t record = ruleset_record(generation);
	struct ruleset *records = store_memory(store, MAP_ruleset_map);
	struct rate_limit *limits = store_memory(store, MAP_rate_limit_config_map);

	if (generation > RULESET_RECORDS) {
		int err = wait_for_readers(store, generation - RULESET_RECORDS + 1);

		if (err)
			return err;
	}
	records[record] = *txn->next;
	limits[record] = txn->next_limit;
	return 0;
}

/* For people who look with bpftool; bgo itself never reads them. */
void store_write_count_maps(const struct store *store)
{
	for (enum hook hook = HOOK_INGRESS; hook <= HOOK_EGRESS; hook++)
		for (enum list list = 0; list < LIST_COUNT; list++) {
			const uint32_t *rules = store->ruleset->lists[hook][list].rules;
			uint32_t key = 0, count = rules[FAMILY_IPV4] + rules[FAMILY_IPV6];
			enum map map = MAP_tc_ingress_whitelist_count +
				       (hook - HOOK_INGRESS) * LIST_COUNT + list;

			(void)bpf_map_update_elem(store->fds[map], &key, &count, 0);
		}
}

static int judge(const struct transaction *txn)
{
	struct rule_view rules[HOOK_COUNT][LIST_COUNT];

	if (!txn->judge)
		return 0;
	for (enum hook hook = 0; hook < HOOK_COUNT; hook++)
		for (enum list list = 0; list < LIST_COUNT; list++)
			rules[hook][list] = transaction_rules(txn, hook, list);
	return txn->judge(txn->store, txn->next, rules);
}

static int commit(struct transaction *txn)
{
	struct store *store = txn->store;
	struct config *config = store->config;
	int err;

	err = update_graphs(txn);
	if (!err)
		err = judge(txn);
	if (!err && (txn->limit_changed || txn->source_limit_changed))
		err = fill_buckets(txn);
	if (!err && transaction_lvs_changed(txn))
		err = transaction_write_lvs(txn);
	if (!err)
		err = write_record(txn);
	if (err)
		return err;
	adopt_connections(store, txn->next);
	/* This store is the commit: everything above is behind it, for packets and for readers. */
	__atomic_store_n(&config->commit, txn->next->generation, __ATOMIC_SEQ_CST);
	err = store_load_record(store);
	if (err)
		return err;
	store_write_count_maps(store);
	__atomic_store_n(&config->intent, 0, __ATOMIC_SEQ_CST);
	/* The change is made; connections that this could not end do by themselves, in time. */
	(void)transaction_end_connections(txn);
	return 0;
}

void transaction_judge_by(struct transaction *txn, transaction_judge *by)
{
	txn->judge = by;
}

/* Whether the transaction leaves the list as it is: nothing in it was born or died. */
static bool same_list(const struct transaction *txn, enum hook hook, enum list list)
{
	const struct list_info *old = &txn->store->ruleset->lists[hook][list];
	const uint64_t committed = store_generation(txn->store);
	uint32_t count;
	const struct rule_slot *slots = store_slots(txn->store, hook, list, &count);

	if (!slots || txn->next->lists[hook][list].next_index != old->next_index)
		return false;
	for (uint32_t i = 0; i < count; i++)
		if (slots[i].born > committed || slots[i].died > committed)
			return false;
	return true;
}

/* Whether everything was replaced by the same: rules that came back have their slots again. */
static bool replaced_by_same(const struct transaction *txn)
{
	if (!txn->replaces_all || txn->limit_changed || txn->source_limit_changed ||
	    transaction_lvs_changed(txn))
		return false;
	for (enum hook hook = 0; hook < HOOK_COUNT; hook++) {
		const struct hook_rules *old = &txn->store->ruleset->hooks[hook];
		const struct hook_rules *next = &txn->next->hooks[hook];

		if (old->default_deny != next->default_deny ||
		    ruleset_is_stateful(txn->store->ruleset, hook) !=
			    ruleset_is_stateful(txn->next, hook) ||
		    old->drop_fragments != next->drop_fragments)
			return false;
		for (enum list list = 0; list < LIST_COUNT; list++)
			if (!same_list(txn, hook, list))
				return false;
	}
	return true;
}

int transaction_commit(struct transaction **txn)
{
	_cleanup_transaction_ struct transaction *committing = take(*txn);
	struct config *config = committing->store->config;
	int err = 0;

	committing->changed |= transaction_lvs_changed(committing);
	if (committing->changed && replaced_by_same(committing))
		committing->changed = false; /* and what was written is scrubbed */
	/* Rules that have expired are nobody's change to be undone. */
	if (!committing->changed)
		committing->next->unconfirmed = (struct unconfirmed){0};
	if (committing->changed || committing->expired)
		err = commit(committing);
	if (err)
		return err;
	/* Last: until then it is not too late for rules that this would have removed. */
	if (config->expires_s != committing->expires_s)
		__atomic_store_n(&config->expires_s, committing->expires_s, __ATOMIC_RELEASE);
	return committing->changed;
}

/* A slot as it was committed: never born if it was being added, alive if it was being removed. */
static void scrub_slot(struct rule_slot *slot, uint64_t committed)
{
	if (slot->born > committed)
		__atomic_store_n(&slot->born, 0, __ATOMIC_SEQ_CST);
	else if (slot->died > committed)
		__atomic_store_n(&slot->died, 0, __ATOMIC_SEQ_CST);
}

int store_scrub(struct store *store)
{
	for (enum hook hook = 0; hook < HOOK_COUNT; hook++)
		for (enum list list = 0; list < LIST_COUNT; list++) {
			uint32_t count;
			struct rule_slot *slots = store_slots(store, hook, list, &count);

			if (!slots)
				return -ENOMEM;
			for (uint32_t i = 0; i < count; i++)
				scrub_slot(&slots[i], store_generation(store));
		}
	store_write_count_maps(store);
	__atomic_store_n(&store->config->intent, 0, __ATOMIC_SEQ_CST);
	return 0;
}
