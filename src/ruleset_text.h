/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The save format: a whole rule set as text, one statement a line. What save writes, restore reads,
 * and saves byte for byte the same again.
 *
 *	bgo-rules 1
 *	policy HOOK allow|deny [stateful] [fragments match|drop]
 *	rule HOOK LIST [INDEX] CIDR [port P[-Q]] [proto NAME|NUMBER] [expires TIME] [comment "TEXT"]
 *	next HOOK LIST INDEX
 *	ratelimit [pps N] [bps N] [burst N] [exempt-whitelist] [enabled|disabled]
 *	ratelimit-source [pps N] [bps N] [burst N] [prefix4 N] [prefix6 N] [enabled|disabled]
 *	service ADDRESS port P proto tcp|udp mode nat|fullnat|dsr [enabled|disabled] [max-new N]
 *		[check tcp|http [interval S] [timeout S] [rise N] [fall N] [release] [path PATH]]
 *	server ADDRESS port P proto tcp|udp to ADDRESS port P [weight N] [draining]
 *
 * bgo-rules comes first; blank lines and # lines may stand anywhere. A policy is given once a hook,
 * without it allow and match; stateful goes with deny, of xdp and ingress. next is the index for
 * the list's next rule, saved only when that is not one more than the last rule's. A statement,
 * the service's as well, is one line. A server is one of the service that its first address names.
 *
 * HOOK is xdp, ingress or egress, LIST whitelist or blacklist. Rules without an index are numbered
 * behind those with one. TIME is UTC, like 2026-11-23T10:00:00Z: a rule that has expired by then is
 * left out when it is read. In a comment " and \ have a \ before them.
 */
#ifndef BGO_RULESET_TEXT_H
#define BGO_RULESET_TEXT_H

#include <stdio.h>

#include "ruleset_parse.h"
#include "store.h"

#define RULESET_TEXT_VERSION 1

/*
 * Writes the committed state. 0 or negative errno of the write (not logged: the caller knows the
 * file).
 */
int ruleset_text_save(const struct store *store, FILE *out);

/*
 * Reads a save file into a transaction that began with transaction_replace_all(). Errors name
 * `file_name`, line and column, and are logged; the transaction is then to be aborted.
 */
int ruleset_text_restore(FILE *in, const char *file_name, struct transaction *txn);

/* The second half of it, for who reads the file before taking the store's lock. */
int ruleset_text_apply(const struct ruleset_file *file, const char *file_name,
		       struct transaction *txn);

/* Single statements, for save and for tests. Failures to write stay in the stream. */
void ruleset_text_write_rule(enum hook hook, enum list list, uint32_t index,
			     const struct rule *rule, uint32_t expires_s, const char *comment,
			     FILE *out);
void ruleset_text_write_policy(enum hook hook, bool default_deny, bool stateful,
			       bool drop_fragments, FILE *out);
void ruleset_text_write_next(enum hook hook, enum list list, uint32_t next, FILE *out);
/* Nothing when no limit was ever set. */
void ruleset_text_write_limit(const struct rate_limit *limit, FILE *out);
void ruleset_text_write_source_limit(const struct source_limit *limit, FILE *out);

#endif
