/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Program tests as rows: with these rules, this packet ends in this reason, by this rule. Each row
 * runs through the real programs by test run, at every hook it names, on a store of its own in a
 * private mount namespace.
 */
#ifndef BGO_TESTS_ROWS_H
#define BGO_TESTS_ROWS_H

#include "../../bpf/abi.h"
#include "firewall.h"

#define AT_XDP (1u << HOOK_XDP)
#define AT_INGRESS (1u << HOOK_INGRESS)
#define AT_EGRESS (1u << HOOK_EGRESS)

struct row {
	const char *name;  /* a sentence */
	const char *rules; /* statements of the save format, ';' between them, '@' for the hook */
	struct packet_spec packet;
	enum reason reason;
	const char *rule; /* "blacklist 0": whose hit it is; NULL: no rule's */
	unsigned int at;  /* hooks, 0: all */
};

/* What a row ends in, and whose hit it is. */
#define NON_IP .reason = REASON_NON_IP
#define MALFORMED .reason = REASON_MALFORMED
#define FRAGMENT .reason = REASON_FRAGMENT_DROPPED
#define WHITE .reason = REASON_ALLOWED_WHITELIST, .rule = "whitelist 0"
#define BLOCKED_BY(name) .reason = REASON_BLOCKED_BLACKLIST, .rule = name
#define BLOCKED BLOCKED_BY("blacklist 0")
#define ALLOWED .reason = REASON_ALLOWED_DEFAULT
#define DENIED .reason = REASON_BLOCKED_DEFAULT
#define EXEMPT .reason = REASON_EXEMPT

/*
 * Runs every row at every hook of it as a cmocka test. Checks the verdict, the reason and rule
 * noted, that the counters of just this reason grew by just this packet, that just this rule got a
 * hit, and that the packet was not changed. Returns the number of failures, for main().
 */
int rows_run(const char *group, const struct row *rows, size_t count);

#define ROWS_RUN(group, rows) rows_run(group, rows, sizeof(rows) / sizeof((rows)[0]))

#endif
