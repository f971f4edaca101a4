/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Rules that expire. They lapse in the programs by themselves; the next transaction, the server's
 * within a second, then removes them like any other rule. config->expires_s tells when there is
 * something to look for: it is never too late, and too early only until somebody looked.
 */
#include "cleanup.h"
#include "log.h"
#include "transaction_internal.h"

void transaction_note_expiry(struct transaction *txn, uint32_t expires_s)
{
	struct config *config = txn->store->config;

	if (!txn->expires_s || expires_s < txn->expires_s)
		txn->expires_s = expires_s;
	/* At once: a transaction that is killed leaves it too early at most. */
	if (!config->expires_s || expires_s < config->expires_s)
		__atomic_store_n(&config->expires_s, expires_s, __ATOMIC_RELEASE);
}

static int expire_list(struct transaction *txn, enum hook hook, enum list list, uint32_t now_s)
{
	const struct rule_view rules = transaction_rules(txn, hook, list);

	if (!rules.slots)
		return -ENOMEM;
	for (uint32_t number = 0; number < rules.count; number++) {
		const struct rule_slot *slot = &rules.slots[number];
		int err;

		if (!slot->expires_s || !rule_slot_live(slot, rules.generation))
			continue;
		if (!rule_slot_expired(slot, now_s)) {
			if (!txn->expires_s || slot->expires_s < txn->expires_s)
				txn->expires_s = slot->expires_s;
			continue;
		}
		err = transaction_remove_slot(txn, hook, list, number);
		if (err)
			return err;
		txn->expired++;
	}
	return 0;
}

int transaction_expire(struct transaction *txn)
{
	const uint32_t now_s = store_now_s(txn->store);
	int err = 0;

	txn->expires_s = txn->store->config->expires_s;
	if (!txn->expires_s || now_s < txn->expires_s)
		return 0;
	txn->expires_s = 0;
	for (enum hook hook = 0; !err && hook < HOOK_COUNT; hook++)
		for (enum list list = 0; !err && list < LIST_COUNT; list++)
			err = expire_list(txn, hook, list, now_s);
	txn->changed = false; /* not by who asked for the transaction */
	return err;
}

bool transaction_is_past(const struct transaction *txn, uint32_t expires_s)
{
	return expires_s && expires_s <= store_now_s(txn->store);
}

uint32_t transaction_expired(const struct transaction *txn)
{
	return txn->expired;
}

/*
 * In another slot, as a change is, under the same index, hit number and comment. A rule that never
 * expires is not made to by adding it: who banned a host for good need not fear that a script bans
 * it for ten minutes.
 */
int transaction_renew(struct transaction *txn, enum hook hook, enum list list, uint32_t number,
		      uint32_t expires_s, struct added *out)
{
	struct rule_slot content = *transaction_slot(txn, hook, list, number);
	int err;

	*out = (struct added){
		.index = content.index, .present = true, .expires_s = content.expires_s};
	if (!content.expires_s || content.expires_s == expires_s)
		return 0;
	err = transaction_remove_slot(txn, hook, list, number);
	if (err)
		return err;
	content.expires_s = expires_s;
	err = transaction_write(txn, hook, list, &content);
	if (err)
		return log_error(err, "renew rule %u of %s", content.index,
				 map_name(store_list_map(hook, list)));
	txn->next->lists[hook][list].rules[content.rule.family]++;
	out->renewed = true;
	out->expires_s = expires_s;
	return 0;
}
