/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The pinned maps as a transactional store: the only code that writes them. Everything new is
 * written beside the old, and one aligned 64-bit store, of the commit word, makes it the rules for
 * packets of all hooks and for readers at once. Killed at any instruction, a writer leaves the old
 * state or the new.
 *
 * A store is open for as long as it holds its lock, flock() on the pin directory, waited for at
 * most STORE_LOCK_SECONDS; STORE_READ maps read-only. Functions here log their own errors and
 * return 0 or negative errno.
 */
#ifndef BGO_STORE_H
#define BGO_STORE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "../bpf/map_list.h"
#include "classifier.h"
#include "lvs.h"

#define STORE_DEFAULT_PIN_PATH "/sys/fs/bpf/firewall"
#define STORE_DEFAULT_MAX_RULES 262144
#define STORE_MAX_MAX_RULES (12u * 1024 * 1024)
#define STORE_LOCK_SECONDS 10

/* Every pinned map, in the order of bpf/map_list.h. */
#define MAP_ENUM(name, ...) MAP_##name,
enum map { PROGRAM_MAPS(MAP_ENUM) USER_MAPS(MAP_ENUM) MAP_COUNT };
#undef MAP_ENUM
const char *map_name(enum map map);

struct store;
struct transaction;

enum store_access { STORE_READ, STORE_WRITE };

/*
 * Opens the store at pin_path: locks, checks every pin's owner, type, sizes, flags and layout
 * version, finishes or undoes what a killed process left, undoes what was not confirmed in time,
 * maps the maps. -ENOENT and "no firewall
 * at DIR; start one with ..." when there is none.
 */
int store_open(struct store **out, const char *pin_path, enum store_access access);
/*
 * The same for who can do without: waits for the lock at most `seconds`; -ENOENT and, with 0
 * seconds, -EWOULDBLOCK are not logged.
 */
int store_try_open(struct store **out, const char *pin_path, enum store_access access,
		   unsigned int seconds);

/*
 * For whom the server changes something by itself: opens the store for writing. -EWOULDBLOCK, not
 * logged, while somebody holds the lock, or a change waits for confirmation: that may go back, so
 * nothing else changes meanwhile.
 */
int store_try_change(struct store **out, const char *pin_path);

/*
 * What `start` does: opens the store for writing, or creates it (mounting bpffs on /sys/fs/bpf when
 * nothing is mounted there), or migrates it from an older layout or to a larger max_rules (0: keep,
 * or STORE_DEFAULT_MAX_RULES). *created tells whether it is new. After a migration the store is
 * pending until store_settle().
 */
int store_open_or_create(struct store **out, const char *pin_path, uint32_t max_rules,
			 bool *created);
/* The other half: tables for `connections` of them (0: as they are). No server may run. */
int store_set_connections_max(struct store *store, uint32_t connections);

/* What a new store begins with, if not with nothing. */
struct store_origin {
	/* Before anything is made. May raise *max_rules. */
	int (*read)(void *data, uint32_t *max_rules);
	/* Into the new store, which counts only after it: killed in here, it is begun again. */
	int (*fill)(void *data, struct store *store);
	void *data;
};
int store_open_or_create_from(struct store **out, const char *pin_path, uint32_t max_rules,
			      const struct store_origin *origin, bool *created);
/*
 * After a migration programs that are attached still use the maps before it. As long as that may
 * be, nobody but a start can open the store for writing.
 */
bool store_pending(const struct store *store);
/*
 * Says that every program that is attached uses this store's maps: adds what the others counted
 * since the migration and forgets the maps before it. Does nothing when not pending. Logs.
 */
int store_settle(struct store *store);
/*
 * Puts the maps from before the migration of this very store back in their place, as long as it has
 * not been settled; the store is of no use after it. Does nothing without a migration. Logs.
 */
int store_unmigrate(struct store *store);

/* Unmaps and unlocks. NULL is fine. */
void store_close(struct store *store);
void store_cleanup(struct store **store);

const char *store_pin_path(const struct store *store);
/* The map's file descriptor, owned by the store. */
int store_map_fd(const struct store *store, enum map map);

/* -- Reading. Everything below is as of the committed generation. -- */

uint64_t store_generation(const struct store *store);
uint32_t store_max_rules(const struct store *store);
/* Live rules of all lists together, or of one. */
uint32_t store_rule_count(const struct store *store);
uint32_t store_list_count(const struct store *store, enum hook hook, enum list list);
const struct ruleset *store_ruleset(const struct store *store);
/* Whether its default deny lets replies to this host through. */
static inline bool ruleset_is_stateful(const struct ruleset *ruleset, enum hook hook)
{
	return hook != HOOK_EGRESS && ruleset->hooks[hook].connections & CONNECTIONS_STATEFUL;
}
const struct rate_limit *store_rate_limit(const struct store *store);
/* Nodes of the half in use that hold graph, and how many there are in it. */
uint32_t store_nodes_used(const struct store *store);
uint32_t store_nodes_capacity(const struct store *store);
const struct node *store_nodes(const struct store *store, uint32_t *count);

/* Kernel memory of all maps together. */
uint64_t store_memory_bytes(const struct store *store);

/*
 * The wall clock as packets see it, seconds since 1970: a rule is there before the second in which
 * it expires, and not from then on, removed or not.
 */
uint32_t store_now_s(const struct store *store);
/* What a rule has left of its time: whole seconds up to the moment it expires. */
uint32_t store_left_s(const struct store *store, uint32_t expires_s);
/* When a rule expires that is to be there for so long; -ERANGE: later than can be told. */
int store_expiry_s(const struct store *store, uint64_t ttl_s, uint32_t *expires_s);

/*
 * The live rules of a list: iterate with rule_slot_live(); of these, those for which
 * rule_slot_expired() says so are gone.
 */
struct rule_view store_rules(const struct store *store, enum hook hook, enum list list);
/* The rule's comment, "" when none, NUL-terminated in `text`. */
void store_comment(const struct store *store, const struct rule_slot *slot,
		   char text[static COMMENT_BYTES + 1]);
/* Packets that matched the rule since it was added. */
uint64_t store_hits(const struct store *store, const struct rule_slot *slot);
/* Counters since the last reset, all CPUs added up. */
int store_stats(const struct store *store, enum hook hook, struct counter out[static REASON_SLOTS]);
int store_rate_limit_stats(const struct store *store, struct rate_limit_stats *out);

/* A source over its limit since the last reset or change of it. */
struct offender {
	struct rule source; /* its network, any protocol and port */
	struct counter dropped;
};
/*
 * The sources that were dropped most, worst first. *out is an array to free(). Returns how many, or
 * negative errno, logged.
 */
int store_offenders(const struct store *store, struct offender **out);
/* The services. */
int store_lvs(const struct store *store, struct lvs_model *out);
/* What went to a server and came from it since it was added. */
int store_lvs_stats(const struct store *store, const struct lvs_server *server,
		    struct lvs_counters *out);
/* How many connections the tables hold, and entries the one of half-open connections, two each. */
uint32_t store_connections_max(const struct store *store);
uint32_t store_half_open_max(const struct store *store);
/* What the tables of connections take now, as the kernel counts it. */
uint64_t store_connections_memory_bytes(const struct store *store);

/* -- Changing: a transaction collects changes, commits all of them or none. -- */

/*
 * The store must be open for STORE_WRITE. Rules that have expired are removed with the changes.
 * -EBUSY while a change waits to be confirmed.
 */
int transaction_begin(struct transaction **out, struct store *store);
/* Drops what was not committed: nothing of it was ever visible. NULL is fine. */
void transaction_abort(struct transaction *txn);
void transaction_cleanup(struct transaction **txn);

/* What came of adding a rule. */
struct added {
	uint32_t index;
	bool present;	    /* it was there already; nothing was added */
	bool renewed;	    /* and expires at another time than before */
	uint32_t expires_s; /* of the rule as it is now */
};

/*
 * Adds a rule. comment: NULL or up to COMMENT_BYTES bytes. index: NULL takes the next free one; a
 * number is -EEXIST, not logged, when it was ever used (in a transaction that began with
 * transaction_replace_all(): in this one). The same rule is the same rule whatever its comment.
 * expires_s: 0 is never; a rule that is there already and expires gets the new time, one that never
 * does keeps never. -ENOSPC at max_rules.
 */
int transaction_add(struct transaction *txn, enum hook hook, enum list list,
		    const struct rule *rule, uint32_t expires_s, const char *comment,
		    const uint32_t *index, struct added *out);
/* -ENOENT when there is none; that is not logged: the caller knows what was asked. */
int transaction_remove(struct transaction *txn, enum hook hook, enum list list, uint32_t index,
		       struct rule *removed);
int transaction_find(struct transaction *txn, enum hook hook, enum list list,
		     const struct rule *rule, uint32_t *index);
/* Removes every rule of the list; returns how many. */
int transaction_clear(struct transaction *txn, enum hook hook, enum list list);
/* The same of rules that have this comment only; NULL: any will do. */
int transaction_remove_commented(struct transaction *txn, enum hook hook, enum list list,
				 uint32_t index, const char *comment, struct rule *removed);
int transaction_clear_commented(struct transaction *txn, enum hook hook, enum list list,
				const char *comment);
/* Before a restore: removes every rule of every list and sets policies and limits to their initial
 * values. */
int transaction_replace_all(struct transaction *txn);
void transaction_policy(struct transaction *txn, enum hook hook, bool default_deny);
/* Whether that default lets replies to this host through. What leaves is none: ignored at egress.
 */
void transaction_stateful(struct transaction *txn, enum hook hook, bool stateful);
void transaction_fragments(struct transaction *txn, enum hook hook, bool drop);
/*
 * Takes pps, bps, burst, enabled and exempt_whitelist of *limit; the buckets start full when they
 * change. -ERANGE, not logged, when the limiter cannot count such limits.
 */
int transaction_rate_limit(struct transaction *txn, const struct rate_limit *limit);
/*
 * The same for the limit of each source: pps, bps, burst, enabled, prefix4 and prefix6 of *limit.
 */
int transaction_source_limit(struct transaction *txn, const struct source_limit *limit);
/* The services as they will be, to be changed through lvs.h, and those in force. */
int transaction_lvs(struct transaction *txn, struct lvs_model **out);
const struct lvs_model *transaction_lvs_before(const struct transaction *txn);
int transaction_reset_stats(struct transaction *txn, enum hook hook);
int transaction_reset_rate_limit_stats(struct transaction *txn);

/* No index below `next` will be given to a rule of this list: what a save file says of removed
 * rules. */
void transaction_reserve_index(struct transaction *txn, enum hook hook, enum list list,
			       uint32_t next);

/*
 * Makes the changes, and ends the transaction whatever comes of it: *txn is NULL after it. With
 * nothing changed it commits nothing. Returns 1 when something changed, else 0 or negative errno;
 * that rules had expired does not count.
 */
int transaction_commit(struct transaction **txn);

/* Whether a rule that expires then is gone already. */
bool transaction_is_past(const struct transaction *txn, uint32_t expires_s);
/* Rules that this transaction removes because they have expired. */
uint32_t transaction_expired(const struct transaction *txn);

/*
 * Judges what a transaction is about to commit: its graphs are in place, nobody sees them yet. 0,
 * or negative errno, logged, and nothing is changed.
 */
typedef int transaction_judge(const struct store *store, const struct ruleset *next,
			      const struct rule_view rules[HOOK_COUNT][LIST_COUNT]);
void transaction_judge_by(struct transaction *txn, transaction_judge *judge);

/* -- A change that waits to be confirmed: transaction_confirm.c -- */

/* What this transaction changes is undone unless it is confirmed within so many seconds. */
void transaction_confirm_within(struct transaction *txn, uint32_t seconds);
/* The change that waits, or NULL. Until it is confirmed or undone no other transaction begins. */
const struct unconfirmed *store_unconfirmed(const struct store *store);
/* Now, of the clock of its deadline: CLOCK_BOOTTIME. */
uint64_t store_boottime_ns(void);
/* Seconds until it is undone, rounded up. */
uint32_t store_unconfirmed_left_s(const struct store *store);
/*
 * Ends the waiting: the change stays, or is undone; `judge` may be NULL. The store must be open for
 * STORE_WRITE. 1, 0 when nothing waits, or negative errno, logged. store_open() undoes by itself
 * what was not confirmed in time.
 */
int store_confirm(struct store *store);
int store_revert(struct store *store, transaction_judge *judge);
/* Whether the rules in force are those of that generation. */
bool store_is_of(const struct store *store, uint64_t generation);

/* -- The server's own. -- */

/*
 * Makes this process the one server of the pins: locks server/ for its life and writes its pid.
 * -EBUSY names the pid of the other. The lock is *lock_fd, a file descriptor that outlives the
 * store.
 */
int store_server_lock(struct store *store, int *lock_fd);
/* Tells this store from others, also after a migration to other maps. */
uint64_t store_id(const struct store *store);
/* What a config_map holds, of whatever layout: the fields that are there. -EINVAL: it is none. */
int store_map_config(int fd, struct config *out);
/* The running server's pid, 0 when none runs. */
int store_server_pid(const struct store *store);
/*
 * config_map in memory, read-only, for who looks at the commit word without opening the store. To
 * be unmapped with store_unwatch(). NULL: failed, logged.
 */
const struct config *store_watch(const struct store *store);
void store_unwatch(const struct config *config);
/* Whether there is something for a writer to do that nobody asks for: rules to remove that have
 * expired, or the programs' clock to be set. */
bool store_watch_due(const struct config *config);

/* The file that keeps the rules over a reboot, "" when none does: see snapshot.h. */
const char *store_snapshot(const struct store *store);
void store_set_snapshot(struct store *store, const char *file);
/* The same of whatever is pinned there, also when it does not open. */
void store_snapshot_of(const char *pin_path, char file[static SNAPSHOT_PATH_BYTES]);

/* A pin path that is locked whatever is in it: another layout, half a set of pins, no firewall. */
struct store_lock {
	int dir_fd;	/* holds the lock; -1: there is no such directory */
	uint64_t id;	/* the store's, 0: cannot be told */
	bool running;	/* a server runs */
	int server_pid; /* in this pid namespace, 0: none runs or it is in another */
};
#define STORE_LOCK_NONE                                                                            \
	{                                                                                          \
		.dir_fd = -1                                                                       \
	}
/* 0, also when there is no directory, or negative errno, logged. */
int store_lock(struct store_lock *out, const char *pin_path);
void store_unlock(struct store_lock *lock);

/*
 * Removes every pin and the directory. -EBUSY when a server runs on them. Works on an unfinished
 * creation. Pins that are not bgo's are left and said. A directory that is not bgo's is refused.
 */
int store_remove(const char *pin_path);
/* Whether anything of bgo's is there to remove: 0, -ENOENT, or -EBUSY / -EINVAL as store_remove()
 * would, logged. */
int store_removable(const char *pin_path);

#define _cleanup_store_ _cleanup_(store_cleanup)
#define _cleanup_store_lock_ _cleanup_(store_unlock)
#define _cleanup_transaction_ _cleanup_(transaction_cleanup)

#endif
