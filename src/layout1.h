/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Layout 1 of the pinned maps, as its version of bgo wrote them: frozen, for `start` to migrate
 * from (layout1.c) and for tests. Nothing here follows bpf/abi.h.
 */
#ifndef BGO_LAYOUT1_H
#define BGO_LAYOUT1_H

#include <stdint.h>

#define LAYOUT1_HOOKS 3	   /* xdp, ingress, egress */
#define LAYOUT1_LISTS 2	   /* whitelist, blacklist */
#define LAYOUT1_FAMILIES 2 /* IPv4, IPv6 */
#define LAYOUT1_REASON_SLOTS 32
#define LAYOUT1_RECORDS 512 /* of a generation: its number modulo this */
#define LAYOUT1_HIT_STRIPES 2
#define LAYOUT1_COMMENT_BYTES 64

struct layout1_rule {
	uint32_t addr_host[4];
	uint8_t family, prefix_len, any_protocol, protocol;
	uint16_t port_min_host, port_max_host;
};

struct layout1_slot {
	struct layout1_rule rule;
	uint32_t index;
	uint32_t hit;
	uint32_t comment; /* 0: none */
	uint32_t expires_s;
	uint64_t born, died;
	uint64_t hits_before;
};

struct layout1_comment {
	char text[LAYOUT1_COMMENT_BYTES];
};

struct layout1_counter {
	uint64_t packets, bytes;
};

struct layout1_hook {
	uint64_t graphs[LAYOUT1_LISTS][LAYOUT1_FAMILIES][13];
	uint32_t default_deny;
	uint32_t drop_fragments;
};

struct layout1_list {
	uint32_t rules[LAYOUT1_FAMILIES];
	uint32_t next_index;
	uint32_t slots_used;
};

struct layout1_ruleset {
	uint64_t generation;
	struct layout1_hook hooks[LAYOUT1_HOOKS];
	struct layout1_list lists[LAYOUT1_HOOKS][LAYOUT1_LISTS];
	uint32_t node_half;
	uint32_t nodes_used;
	uint64_t half_since;
	uint64_t limit_since;
	struct layout1_counter stats_before[LAYOUT1_HOOKS][LAYOUT1_REASON_SLOTS];
};

struct layout1_rate_limit {
	uint64_t pps, bps, burst;
	uint32_t enabled;
	uint32_t exempt_whitelist;
	uint32_t bucket;
	uint32_t id;
	uint64_t since;
	uint64_t rates[2][4]; /* computed from the above */
	uint32_t precise;
	uint32_t reserved;
	struct layout1_counter passed_before, dropped_before;
};

/* Times in 1/64 ns of CLOCK_MONOTONIC. */
struct layout1_bucket {
	uint64_t packets_empty_at;
	uint64_t bytes_empty_at;
	uint64_t padding[6];
};

struct layout1_local {
	uint64_t words[3];
};

struct layout1_rate_limit_stats {
	struct layout1_counter passed, dropped;
};

struct layout1_config {
	uint64_t magic;
	uint32_t layout;
	uint32_t max_rules;
	uint32_t initialised;
	uint32_t daemon_pid;
	uint64_t intent;
	uint64_t store_id;
	uint64_t grace;
	uint64_t padding[2];
	uint64_t commit;
	uint64_t padding2[7];
};

struct layout1_node {
	uint64_t words[2];
};

_Static_assert(sizeof(struct layout1_slot) == 64, "layout 1");
_Static_assert(sizeof(struct layout1_hook) == 424, "layout 1");
_Static_assert(sizeof(struct layout1_ruleset) == 2936, "layout 1");
_Static_assert(sizeof(struct layout1_rate_limit) == 152, "layout 1");
_Static_assert(sizeof(struct layout1_bucket) == 64, "layout 1");
_Static_assert(sizeof(struct layout1_config) == 128, "layout 1");

/*
 * X(name, type, value type, entries for max_rules n, memory-mapped)
 * Keys are 32 bits; those of the last three maps, which never held anything, are 64.
 */
#define LAYOUT1_MAPS(X)                                                                            \
	X(config_map, ARRAY, struct layout1_config, 1, 1)                                          \
	X(ruleset_map, ARRAY, struct layout1_ruleset, LAYOUT1_RECORDS, 1)                          \
	X(node_map, ARRAY, struct layout1_node, 2 * ((n)*5 / 2 + 65536), 1)                        \
	X(rule_hits_map, ARRAY, uint64_t, LAYOUT1_HIT_STRIPES *(n), 1)                             \
	X(rate_limit_config_map, ARRAY, struct layout1_rate_limit, LAYOUT1_RECORDS, 1)             \
	X(rate_limit_state_map, ARRAY, struct layout1_bucket, 2, 1)                                \
	X(rate_limit_local_map, PERCPU_ARRAY, struct layout1_local, 1, 0)                          \
	X(rate_limit_stats_map, PERCPU_ARRAY, struct layout1_rate_limit_stats, 1, 0)               \
	X(stats_map, PERCPU_ARRAY, struct layout1_counter, LAYOUT1_REASON_SLOTS, 0)                \
	X(tc_stats_map, PERCPU_ARRAY, struct layout1_counter, 2 * LAYOUT1_REASON_SLOTS, 0)         \
	/* The rule lists and comments: these many or more. */                                     \
	X(whitelist_map, ARRAY, struct layout1_slot, 256, 1)                                       \
	X(blacklist_map, ARRAY, struct layout1_slot, 256, 1)                                       \
	X(tc_ingress_whitelist, ARRAY, struct layout1_slot, 256, 1)                                \
	X(tc_ingress_blacklist, ARRAY, struct layout1_slot, 256, 1)                                \
	X(tc_egress_whitelist, ARRAY, struct layout1_slot, 256, 1)                                 \
	X(tc_egress_blacklist, ARRAY, struct layout1_slot, 256, 1)                                 \
	X(comment_map, ARRAY, struct layout1_comment, 64, 1)                                       \
	X(tc_ingress_whitelist_count, ARRAY, uint32_t, 1, 0)                                       \
	X(tc_ingress_blacklist_count, ARRAY, uint32_t, 1, 0)                                       \
	X(tc_egress_whitelist_count, ARRAY, uint32_t, 1, 0)                                        \
	X(tc_egress_blacklist_count, ARRAY, uint32_t, 1, 0)                                        \
	X(lvs_dnat_map, HASH, uint64_t, 64, 0)                                                     \
	X(conn_track_map, HASH, uint64_t, 64, 0)                                                   \
	X(conn_reverse_map, HASH, uint64_t, 64, 0)

#define LAYOUT1_MAP_ENUM(name, ...) LAYOUT1_##name,
enum layout1_map { LAYOUT1_MAPS(LAYOUT1_MAP_ENUM) LAYOUT1_MAP_COUNT };
#undef LAYOUT1_MAP_ENUM

#endif
