/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What transaction.c, which collects changes, and transaction_commit.c share. */
#ifndef BGO_TRANSACTION_INTERNAL_H
#define BGO_TRANSACTION_INTERNAL_H

#include "lvs.h"
#include "numbers.h"
#include "slot_index.h"
#include "store_internal.h"

/* Above this many changed rules of a list and family, compiling it from nothing is what the
 * classifier would do. */
#define CHANGED_RULES_MAX 65536

/* The rules of one family that were added or removed. */
struct changed_rules {
	struct rule *rules;
	uint32_t count, capacity;
	bool overflow; /* too many to name */
};

struct list_change {
	struct slot_index by_rule, by_index; /* as of this transaction */
	struct slot_index before;	     /* by rule, as it was committed */
	uint32_t free_cursor;		     /* no free slot before this one */
	struct changed_rules changed[FAMILY_COUNT];
};

struct transaction {
	struct store *store;
	struct ruleset *next; /* what the committed record will be */
	struct rate_limit next_limit;
	bool changed;	    /* by who asked for the transaction */
	uint32_t expired;   /* rules removed because they have */
	uint32_t expires_s; /* config->expires_s once committed */
	bool limit_changed, source_limit_changed;
	bool replaces_all;
	struct list_change lists[HOOK_COUNT][LIST_COUNT];
	struct numbers hits, comments; /* no words before the first rule is added */
	transaction_judge *judge;      /* NULL: none */
	bool hits_reused; /* numbers of rules that this transaction removed may have been taken */
	/* Services in force and as they will be; read when first asked for. */
	struct lvs_model lvs_before, lvs;
	bool lvs_read;
};

/* The list's rules as they will be. */
struct rule_view transaction_rules(const struct transaction *txn, enum hook hook, enum list list);

struct rule_slot *transaction_slot(const struct transaction *txn, enum hook hook, enum list list,
				   uint32_t number);
/*
 * Writes a rule to a free slot: born with the transaction, under the hit number and comment it has.
 * 0 or negative errno, not logged.
 */
int transaction_write(struct transaction *txn, enum hook hook, enum list list,
		      const struct rule_slot *content);
/* 0 or negative errno, logged. */
int transaction_remove_slot(struct transaction *txn, enum hook hook, enum list list,
			    uint32_t number);
/* Before the first write to a slot: from here on a killed transaction has something to scrub. */
void transaction_begin_writing(struct transaction *txn);

/* transaction_begin() also while a change waits to be confirmed, which then waits no longer. */
int transaction_begin_any(struct transaction **out, struct store *store);
/* -EBUSY, logged, while a change waits. */
int transaction_refuse_unconfirmed(const struct store *store);

/* -- transaction_expiry.c -- */

/* The beginning of a transaction: removes rules that have expired. 0 or negative errno, logged. */
int transaction_expire(struct transaction *txn);
/* Notes that a rule will expire then. */
void transaction_note_expiry(struct transaction *txn, uint32_t expires_s);
/* The rule in this slot is added again. 0 or negative errno, logged. */
int transaction_renew(struct transaction *txn, enum hook hook, enum list list, uint32_t number,
		      uint32_t expires_s, struct added *out);

/* Each returns the number taken, or negative errno. */
int64_t transaction_take_slot(struct transaction *txn, enum hook hook, enum list list);
int64_t transaction_take_hit(struct transaction *txn, const struct rule *rule);
/* Writes the text to its place, too. Take the hit number first. */
int64_t transaction_take_comment(struct transaction *txn, const char *text);

/* -- transaction_lvs.c -- */

/* Whether services change. */
bool transaction_lvs_changed(const struct transaction *txn);
/* Writes the services to the half of their maps that is not in use, and which it is to the next
 * record. */
int transaction_write_lvs(struct transaction *txn);
/* After the commit: connections to servers that are gone end. */
int transaction_end_connections(struct transaction *txn);
void transaction_free_lvs(struct transaction *txn);

/* -- transaction_commit.c -- */

/*
 * Makes sure that no packet reads records of generations before `generation` any more, by waiting
 * for running programs when the last wait does not cover it.
 */
int wait_for_readers(struct store *store, uint64_t generation);

#endif
