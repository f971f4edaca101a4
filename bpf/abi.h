/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The one header that programs and user space share: what the pinned maps hold, what they are
 * called, and the version of that layout. Every release with a change of a size, a field or a map
 * has a new BGO_LAYOUT, the structs of the old one as src/layoutN.h, and a reader of them for
 * `start` to migrate with.
 */
#ifndef BGO_ABI_H
#define BGO_ABI_H

#include <linux/types.h>

#include "conn.h"
#include "graph.h"
#include "lvs_abi.h"
#include "reasons.h"

#define BGO_MAGIC 0x62676f6669726577ULL /* "bgofirew" */
#define BGO_LAYOUT 2

enum hook { HOOK_XDP, HOOK_INGRESS, HOOK_EGRESS, HOOK_COUNT };
enum list { LIST_WHITELIST, LIST_BLACKLIST, LIST_COUNT };

/* What a rule matches; the same rule is the same bytes. */
struct rule {
	__u32 addr_host[4]; /* host order, masked to prefix_len; IPv4 in word 0, the others 0 */
	__u8 family;	    /* enum family */
	__u8 prefix_len;
	__u8 any_protocol;		    /* 1: protocol is 0 and not compared */
	__u8 protocol;			    /* IP protocol number */
	__u16 port_min_host, port_max_host; /* inclusive; 0, 0: any, also none */
};
_Static_assert(sizeof(struct rule) == 24, "struct rule");

/*
 * A place in a rule list. With committed generation g the rule is live when born <= g and (died ==
 * 0 or died > g), so whatever a transaction writes here is invisible until the commit word says g
 * + 1.
 */
struct rule_slot {
	struct rule rule;
	__u32 index;	   /* its name in its list, never used again */
	__u32 hit;	   /* its number in rule_hits_map */
	__u32 comment;	   /* its slot in comment_map, 0: none */
	__u32 expires_s;   /* wall clock: from this second since 1970 on it is gone; 0: never */
	__u64 born, died;  /* generations */
	__u64 hits_before; /* what the hit counters said when the rule was born */
};
_Static_assert(sizeof(struct rule_slot) == 64, "rule lists' value");

#define COMMENT_BYTES 64
struct comment_slot {
	char text[COMMENT_BYTES]; /* UTF-8, padded with NUL; 64 bytes have no NUL at all */
};

struct counter {
	__u64 packets;
	__u64 bytes;
};

/* Rules and policies of one hook, as a packet needs them. */
struct hook_rules {
	struct graph_list lists[LIST_COUNT][FAMILY_COUNT];
	__u32 default_deny;
	__u32 drop_fragments;
	__u32 connections; /* CONNECTIONS_*: what packets of this hook have to do with them */
	__u32 reserved;
};

/* Packets to virtual addresses go to real servers; with the second bit, the services are those of
 * the second half of lvs_dnat_map and its companions. */
#define CONNECTIONS_LVS 1u
#define CONNECTIONS_LVS_HALF 2u
/* Default deny lets replies to this host through; at egress: what it sends is remembered. */
#define CONNECTIONS_STATEFUL 4u

/* What user space needs to know of a list in force. */
struct list_info {
	__u32 rules[FAMILY_COUNT]; /* live rules */
	__u32 next_index;
	__u32 slots_used; /* slots from here on were never used */
};

/*
 * A change that is undone when nobody confirms it: in the record of the change itself, so that the
 * commit word makes both true at once. While it waits there are no other changes, so the slots and
 * the record of the generation to go back to stay what they were.
 */
struct unconfirmed {
	__u64 generation;  /* to go back to; 0: nothing waits */
	__u64 deadline_ns; /* of CLOCK_BOOTTIME */
	__u64 since_s;	   /* wall clock, for people */
	__u32 pid, uid;	   /* who made the change */
};

/*
 * A ruleset record: one whole committed state. The commit word's generation names it (see
 * ruleset_record()). The first part is for packets, the rest for user space.
 */
struct ruleset {
	__u64 generation;
	struct hook_rules hooks[HOOK_COUNT];

	struct list_info lists[HOOK_COUNT][LIST_COUNT];
	__u32 node_half;   /* which half of node_map the graphs are in */
	__u32 nodes_used;  /* node index behind the last one in use */
	__u64 half_since;  /* the first generation in this half: older ones are in the other */
	__u64 limit_since; /* the first generation with these limits: older ones used the other
			      bucket */
	struct unconfirmed unconfirmed;
	__u64 reverted_to; /* the generation whose rules these are again; 0: they are new */
	struct counter stats_before[HOOK_COUNT][REASON_SLOTS]; /* reset: subtract these */
	__u64 lvs_since; /* the first generation with these services: older ones used the other
			    half */
	__u32 lvs_half;	 /* of the maps of services, servers and tables */
	__u32 lvs_services, lvs_servers; /* how many are in that half, enabled or not */
	__u32 reserved;
};

#define RULESET_RECORDS 512
static inline __u32 ruleset_record(__u64 generation)
{
	return generation & (RULESET_RECORDS - 1);
}

/*
 * One kind of token, packets or bytes, as rate_limit_prepare() computes it. Tokens are kept as the
 * time they take to come, in units of 1/64 ns: n tokens are (n * mult) >> shift units.
 */
struct token_rate {
	__u64 mult; /* 0: this kind is not limited */
	__u32 shift;
	__u32 batch;	/* tokens a CPU takes from the bucket at once */
	__u64 burst;	/* units in a full bucket */
	__u64 capacity; /* the burst and what is short of one more packet: that fraction is never
			   lost */
};

/* The limit of each source by itself, as set and as computed: part of struct rate_limit. */
struct source_limit {
	__u64 pps, bps, burst; /* as those of struct rate_limit, of one source */
	__u32 enabled;
	__u32 prefix4, prefix6; /* sources of one prefix of this length are one */
	__u32 half;		/* of rate_limit_sources_map: a change takes the other one */
	__u32 mask4;		/* computed from the prefix lengths, as the key's words are */
	__u32 precise;		/* computed: the burst is too short for a clock of jiffies */
	__u64 mask6[2];
	__u64 seed;  /* of the hash: secret, so that nobody can aim at another's place */
	__u32 epoch; /* of the offenders: a reset makes those of older ones void */
	__u32 reserved;
	struct token_rate packet_rate, byte_rate; /* computed, without batches */
	struct counter dropped_before;		  /* reset: readers subtract this */
};

/* Before anybody set one: every host of IPv4, every customer's network of IPv6. */
#define SOURCE_LIMIT_INITIAL                                                                       \
	{                                                                                          \
		.prefix4 = 32, .prefix6 = 64                                                       \
	}

/* Which limits a packet has to ask for: one look tells that there are none. */
#define LIMITS_ALL 1u	 /* struct rate_limit */
#define LIMITS_SOURCE 2u /* its source_limit */

/* Rate limit as set and as computed; one record for each ruleset record. */
struct rate_limit {
	__u64 pps;   /* packets per second, 0: no limit */
	__u64 bps;   /* bytes per second, 0: no limit */
	__u64 burst; /* packets, as the user gave it; 0: default */
	__u32 enabled;
	__u32 exempt_whitelist;
	__u32 bucket; /* in rate_limit_state_map: a change of the limits takes the other one */
	__u32 id; /* changes with each change of the limits, never 0: what CPUs hold of older ones
		     is void */
	__u64 since; /* the first generation of this id: older ones used the other bucket */
	struct token_rate packet_rate,
		byte_rate; /* computed by rate_limit_prepare(), see ratelimit.h */
	__u32 precise;	   /* computed: the burst is too short for a clock of jiffies */
	__u32 active;	   /* computed: LIMITS_* of what is enabled */
	struct counter passed_before, dropped_before; /* reset: readers subtract these */
	struct source_limit source;
};

/* The tokens all CPUs share, each kind as the time when the bucket was empty: what came since is
 * there. */
struct rate_limit_bucket {
	__u64 packets_empty_at __attribute__((aligned(64)));
	__u64 bytes_empty_at;
};

/* Connections of one service that may begin, and their bucket as above. */
struct lvs_limit {
	struct token_rate rate;
	__u64 empty_at;
};

/* The tokens one CPU took from the bucket and has not used yet. */
struct rate_limit_local {
	__u32 id; /* of the limits they belong to */
	__u32 packets;
	__u64 bytes;
	__u64 refused_jiffies; /* when the bucket was last found empty, 0: never */
};

struct rate_limit_stats {
	struct counter passed, dropped, source_dropped;
};

/*
 * Sources whose hashes fall together, in two cache lines side by side. A source whose buckets are
 * full needs no place: without one it is judged the same. So a place can be taken from whoever is
 * nearest to that, and nothing has to be inserted, aged or found again under a flood of false
 * sources.
 */
#define SOURCE_WAYS 6
struct source_set {
	__u32 tags[SOURCE_WAYS]; /* of the source's hash; 0: free */
	__u32 reserved[2];
	__u64 packets_empty_at[SOURCE_WAYS]; /* as struct rate_limit_bucket */
	__u64 bytes_empty_at[SOURCE_WAYS];
} __attribute__((aligned(64)));
_Static_assert(sizeof(struct source_set) == 128, "two cache lines");

#define SOURCE_SETS_SHIFT 13
#define SOURCE_SETS (1u << SOURCE_SETS_SHIFT) /* of each half */

/* A source that is over its limit; per CPU, so that no two write one. */
struct source_offender {
	__u64 hash; /* also tells a reader that the address below is whole */
	__u32 addr_host[4];
	__u32 family;
	__u32 epoch;  /* source_limit.epoch of when it was counted */
	__u32 weight; /* what others have to drop before they get this place */
	__u32 reserved;
	struct counter dropped;
};

#define SOURCE_OFFENDERS_SHIFT 9
#define SOURCE_OFFENDERS (1u << SOURCE_OFFENDERS_SHIFT)

/* What a program noted of the packet it judged last, when it was loaded to do so. */
struct verdict_note {
	__u64 count;  /* packets judged so far */
	__s64 rule;   /* hit number of the rule that decided, or -1 */
	__u32 reason; /* enum reason */
	__u32 reserved;
};

/* A path, with its NUL. */
#define SNAPSHOT_PATH_BYTES 1024

/* Which maps the attached programs use. */
enum config_programs {
	PROGRAMS_SETTLED,   /* these, or none is attached */
	PROGRAMS_PENDING,   /* these maps are the work of a migration: perhaps still those of before
			       it, pinned as NAME_old, which have counted more than these */
	PROGRAMS_REVERTING, /* a migration is being taken back: NAME_old are put in their place */
};

#define CONFIG_PROGRAMS_SINCE 2 /* layout; before it the field was not there */

/* All layouts have the fields up to `programs` where they are here, and the maps of all layouts
 * have the names of map_list.h: an older or newer one is known by that. */
struct config {
	__u64 magic;
	__u32 layout;
	__u32 max_rules;
	__u32 initialised; /* 0: the pins are an unfinished creation and do not count */
	__u32 daemon_pid;  /* counts only while server/ is locked */
	__u64 intent;	   /* 1: a transaction was begun and not ended: scrub first */
	__u64 store_id;	   /* random, kept by migrations: whose a program is that uses these maps */
	__u64 grace;	   /* no packet reads a record of a generation before this one any more */
	__u32 programs;	   /* enum config_programs */
	__u32 reserved;
	__u32 tai_ahead_s; /* TAI - UTC: the programs' clock is the one, the wall clock the other */
	__u32 expires_s;   /* no rule expires before this second; 0: none does at all */
	/* The file that keeps the rules over a reboot; "": none. Its first byte is written last. */
	char snapshot[SNAPSHOT_PATH_BYTES];
	/* The commit word: one aligned store makes a new generation visible to packets and readers.
	 */
	__u64 commit __attribute__((aligned(64)));
};

#endif
