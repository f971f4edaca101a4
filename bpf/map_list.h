/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The one list of pinned maps: the programs declare theirs from it (maps.h), the store creates,
 * checks and removes all of them by it. The names are a promise to users: after the daemon's exit
 * every one is still there.
 *
 * X(name, type, key type, value type, entries for max_rules n, flags)
 */
#ifndef BGO_MAP_LIST_H
#define BGO_MAP_LIST_H

#include "abi.h"

/*
 * node_map is two halves of graph. 40 bytes of nodes a rule is twice what address rules need and
 * half as much again as port rules do; the rest holds the root pages, which even a small list of
 * hosts fills.
 */
#define NODES_PER_HALF(n) ((n)*5 / 2 + 65536)

/* Hits are striped by CPU, so that two CPUs seldom add to one cache line. */
#define HIT_STRIPES 2

#define RULE_SLOTS_MIN 256
#define COMMENT_SLOTS_MIN 64

#define RATE_LIMIT_BUCKETS 2

/*
 * Connections that were answered are in hash tables that take memory as they fill and never drop
 * one for another. Those that were not share a small table where the newest push out the oldest,
 * two entries each, one for each direction: a flood of them costs nobody else anything.
 */
#define CONNECTIONS_DEFAULT 16384
#define CONNECTIONS_MAX (16 * 1024 * 1024)
#define CONNECTIONS_HALF_OPEN(connections) ((connections) / 4 < 1024 ? 1024 : (connections) / 4)

/*
 * In packet order. Not BPF_F_RDONLY_PROG, although programs only read most of them: the kernel
 * refuses to map such a map into memory for writing (bpf_map_mmap(), EACCES).
 */
#define PROGRAM_MAPS(X)                                                                            \
	X(config_map, ARRAY, __u32, struct config, 1, BPF_F_MMAPABLE)                              \
	X(ruleset_map, ARRAY, __u32, struct ruleset, RULESET_RECORDS, BPF_F_MMAPABLE)              \
	X(node_map, ARRAY, __u32, struct node, 2 * NODES_PER_HALF(n), BPF_F_MMAPABLE)              \
	X(rule_hits_map, ARRAY, __u32, __u64, HIT_STRIPES *(n), BPF_F_MMAPABLE)                    \
	X(rate_limit_config_map, ARRAY, __u32, struct rate_limit, RULESET_RECORDS, BPF_F_MMAPABLE) \
	X(rate_limit_state_map, ARRAY, __u32, struct rate_limit_bucket, RATE_LIMIT_BUCKETS,        \
	  BPF_F_MMAPABLE)                                                                          \
	X(rate_limit_local_map, PERCPU_ARRAY, __u32, struct rate_limit_local, 1, 0)                \
	X(rate_limit_stats_map, PERCPU_ARRAY, __u32, struct rate_limit_stats, 1, 0)                \
	X(rate_limit_sources_map, ARRAY, __u32, struct source_set, 2 * SOURCE_SETS,                \
	  BPF_F_MMAPABLE)                                                                          \
	X(rate_limit_offenders_map, PERCPU_ARRAY, __u32, struct source_offender, SOURCE_OFFENDERS, \
	  0)                                                                                       \
	X(stats_map, PERCPU_ARRAY, __u32, struct counter, REASON_SLOTS, 0)                         \
	X(tc_stats_map, PERCPU_ARRAY, __u32, struct counter, 2 * REASON_SLOTS, 0)                  \
	/* Services, in two halves: a change is written to the one not in use. */                  \
	X(lvs_dnat_map, HASH, struct lvs_key, struct lvs_service,                                  \
	  4 * (LVS_SERVICES_MAX + LVS_SERVERS_MAX), BPF_F_NO_PREALLOC)                             \
	X(lvs_server_map, ARRAY, __u32, struct lvs_server, 2 * LVS_SERVERS_MAX, BPF_F_MMAPABLE)    \
	X(lvs_table_map, ARRAY, __u32, struct lvs_table, 2 * LVS_SERVICES_MAX, BPF_F_MMAPABLE)     \
	X(lvs_limit_map, ARRAY, __u32, struct lvs_limit, 2 * LVS_SERVICES_MAX, BPF_F_MMAPABLE)     \
	X(lvs_stats_map, PERCPU_ARRAY, __u32, struct lvs_counters, LVS_SERVER_IDS, 0)              \
	/* Connections; --max-connections makes these maps anew. */                                \
	X(conn_track_map, HASH, struct conn_tuple, struct conn, CONNECTIONS_DEFAULT,               \
	  BPF_F_NO_PREALLOC)                                                                       \
	X(conn_reverse_map, HASH, struct conn_tuple, struct conn_tuple, CONNECTIONS_DEFAULT,       \
	  BPF_F_NO_PREALLOC)                                                                       \
	X(conn_half_open_map, LRU_HASH, struct conn_tuple, struct conn,                            \
	  CONNECTIONS_HALF_OPEN(CONNECTIONS_DEFAULT), 0)

/* Rule lists and what else only user space reads: these grow by themselves. */
#define USER_MAPS(X)                                                                               \
	X(whitelist_map, ARRAY, __u32, struct rule_slot, RULE_SLOTS_MIN, BPF_F_MMAPABLE)           \
	X(blacklist_map, ARRAY, __u32, struct rule_slot, RULE_SLOTS_MIN, BPF_F_MMAPABLE)           \
	X(tc_ingress_whitelist, ARRAY, __u32, struct rule_slot, RULE_SLOTS_MIN, BPF_F_MMAPABLE)    \
	X(tc_ingress_blacklist, ARRAY, __u32, struct rule_slot, RULE_SLOTS_MIN, BPF_F_MMAPABLE)    \
	X(tc_egress_whitelist, ARRAY, __u32, struct rule_slot, RULE_SLOTS_MIN, BPF_F_MMAPABLE)     \
	X(tc_egress_blacklist, ARRAY, __u32, struct rule_slot, RULE_SLOTS_MIN, BPF_F_MMAPABLE)     \
	X(comment_map, ARRAY, __u32, struct comment_slot, COMMENT_SLOTS_MIN, BPF_F_MMAPABLE)       \
	/* Live rules of the TC lists, for people with bpftool; no program reads them. */          \
	X(tc_ingress_whitelist_count, ARRAY, __u32, __u32, 1, 0)                                   \
	X(tc_ingress_blacklist_count, ARRAY, __u32, __u32, 1, 0)                                   \
	X(tc_egress_whitelist_count, ARRAY, __u32, __u32, 1, 0)                                    \
	X(tc_egress_blacklist_count, ARRAY, __u32, __u32, 1, 0)

#endif
