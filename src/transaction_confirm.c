/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A change that goes back by itself unless it is confirmed. Its record names the generation before
 * it, of which nothing is written over while it waits: going back is one more transaction, made of
 * the slots and the record of then, and as safe from crashes as any. See store.h.
 */
#include <inttypes.h>
#include <string.h>
#include <time.h>

#include "cleanup.h"
#include "log.h"
#include "time_text.h"
#include "transaction_internal.h"

#define NS_PER_S 1000000000ULL

/* Of the clock that goes on while the machine sleeps, and that nobody sets. */
uint64_t store_boottime_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_BOOTTIME, &now);
	return (uint64_t)now.tv_sec * NS_PER_S + (uint64_t)now.tv_nsec;
}

const struct unconfirmed *store_unconfirmed(const struct store *store)
{
	const struct unconfirmed *unconfirmed = &store->ruleset->unconfirmed;

	return unconfirmed->generation ? unconfirmed : NULL;
}

uint32_t store_unconfirmed_left_s(const struct store *store)
{
	const uint64_t now_ns = store_boottime_ns();
	const uint64_t deadline_ns = store->ruleset->unconfirmed.deadline_ns;

	return deadline_ns <= now_ns ? 0
				     : (uint32_t)((deadline_ns - now_ns + NS_PER_S - 1) / NS_PER_S);
}

bool store_is_of(const struct store *store, uint64_t generation)
{
	return generation == store_generation(store) ||
	       (generation && generation == store->ruleset->reverted_to);
}

void transaction_confirm_within(struct transaction *txn, uint32_t seconds)
{
	txn->next->unconfirmed = (struct unconfirmed){
		.generation = store_generation(txn->store),
		.deadline_ns = store_boottime_ns() + seconds * NS_PER_S,
		.since_s = (uint64_t)time(NULL),
		.pid = (uint32_t)getpid(),
		.uid = geteuid(),
	};
}

int transaction_refuse_unconfirmed(const struct store *store)
{
	const struct unconfirmed *waits = store_unconfirmed(store);
	const bool is_default = strcmp(store->pin_path, STORE_DEFAULT_PIN_PATH) == 0;
	char since[TIME_TEXT_BYTES];

	if (!waits)
		return 0;
	return log_fail(-EBUSY,
			"change %s: a change of %s by process %u (uid %u) waits to be confirmed "
			"and reverts in %u s; nothing was changed. Type `bgo firewall-update "
			"--action confirm%s%s` to keep it, or `--action revert` to undo it now",
			store->pin_path, utc_format((uint32_t)waits->since_s, since), waits->pid,
			waits->uid, store_unconfirmed_left_s(store),
			is_default ? "" : " --pin-path ", is_default ? "" : store->pin_path);
}

/* Makes the list the one of `old`. Rules of both keep their slots, the others their numbers. */
static int revert_list(struct transaction *txn, const struct ruleset *old, enum hook hook,
		       enum list list)
{
	struct list_info *info = &txn->next->lists[hook][list];
	const uint32_t slots_used = info->slots_used;
	int err;

	for (uint32_t number = 0; number < slots_used; number++) {
		/* A copy, and looked up anew each time: the map may grow meanwhile. */
		const struct rule_slot slot = *transaction_slot(txn, hook, list, number);
		const bool is = rule_slot_live(&slot, txn->next->generation);
		const bool was = rule_slot_live(&slot, old->generation);

		/* Also what was brought back just now, to a free slot further on. */
		if (is == was || slot.born == txn->next->generation)
			continue;
		if (is) {
			err = transaction_remove_slot(txn, hook, list, number);
			if (err)
				return err;
			continue;
		}
		if (transaction_is_past(txn, slot.expires_s))
			continue;
		transaction_begin_writing(txn);
		err = transaction_write(txn, hook, list, &slot);
		if (err)
			return log_error(err, "bring back rule %u of %s", slot.index,
					 map_name(store_list_map(hook, list)));
		info->rules[slot.rule.family]++;
	}
	info->next_index = old->lists[hook][list].next_index;
	return 0;
}

static int revert_to(struct transaction *txn, const struct ruleset *old,
		     const struct rate_limit *old_limit)
{
	int err = transaction_rate_limit(txn, old_limit);

	if (!err)
		err = transaction_source_limit(txn, &old_limit->source);
	if (err)
		return log_error(err, "bring back the rate limit");
	for (enum hook hook = 0; !err && hook < HOOK_COUNT; hook++) {
		transaction_policy(txn, hook, old->hooks[hook].default_deny);
		transaction_stateful(txn, hook, ruleset_is_stateful(old, hook));
		transaction_fragments(txn, hook, old->hooks[hook].drop_fragments);
		for (enum list list = 0; !err && list < LIST_COUNT; list++)
			err = revert_list(txn, old, hook, list);
	}
	return err;
}

int store_confirm(struct store *store)
{
	_cleanup_transaction_ struct transaction *txn = NULL;
	int err;

	if (!store_unconfirmed(store))
		return 0;
	err = transaction_begin_any(&txn, store);
	if (err)
		return err;
	txn->changed = true;
	return transaction_commit(&txn);
}

int store_revert(struct store *store, transaction_judge *by)
{
	const struct unconfirmed *waits = store_unconfirmed(store);
	const struct ruleset *records = store_memory(store, MAP_ruleset_map);
	const struct rate_limit *limits = store_memory(store, MAP_rate_limit_config_map);
	_cleanup_transaction_ struct transaction *txn = NULL;
	uint32_t record;
	int err;

	if (!waits)
		return 0;
	if (!records || !limits)
		return -ENOMEM;
	record = ruleset_record(waits->generation);
	if (records[record].generation != waits->generation)
		return log_fail(-EILSEQ,
				"revert %s: damaged: the record of generation %" PRIu64
				" is of generation %" PRIu64,
				store->pin_path, (uint64_t)waits->generation,
				(uint64_t)records[record].generation);
	err = transaction_begin_any(&txn, store);
	if (!err)
		err = revert_to(txn, &records[record], &limits[record]);
	if (err)
		return err;
	txn->changed = true;
	txn->next->reverted_to = waits->generation;
	transaction_judge_by(txn, by);
	return transaction_commit(&txn);
}

/* The same store, under the same lock, open for writing. */
static int reopen(struct store **store)
{
	_cleanup_free_ char *pin_path = strdup((*store)->pin_path);
	_cleanup_close_ int dir_fd = -1;

	if (!pin_path)
		return -ENOMEM;
	dir_fd = take_fd((*store)->dir_fd);
	store_close(take(*store));
	return store_open_pins(store, pin_path, &dir_fd, STORE_WRITE, "");
}

int store_revert_expired(struct store **store)
{
	const struct unconfirmed waits = (*store)->ruleset->unconfirmed;
	int err;

	if (!waits.generation || store_unconfirmed_left_s(*store))
		return 0;
	if ((*store)->access != STORE_WRITE) {
		err = reopen(store);
		if (err)
			return err;
	}
	err = store_revert(*store, NULL);
	if (err > 0)
		log_warning("A change of process %u (uid %u) was not confirmed in time: the rules "
			    "before it are in force again",
			    waits.pid, waits.uid);
	else if (err < 0)
		log_warning("A change of process %u (uid %u) was not confirmed in time and could "
			    "not be undone",
			    waits.pid, waits.uid);
	return 0;
}
