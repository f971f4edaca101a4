/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The one list of packet outcomes. Programs, counters, text, JSON and the lab are generated from
 * it, so a reason is added by adding a line here. Order is the counters' index in stats_map and
 * tc_stats_map: append, never reorder.
 *
 * X(NAME, json_name, verdict, description)
 */
#ifndef BGO_REASONS_H
#define BGO_REASONS_H

#define REASONS(X)                                                                                 \
	X(ALLOWED_WHITELIST, allowed_whitelist, PASS, "matched a whitelist rule")                  \
	X(ALLOWED_DEFAULT, allowed_default, PASS, "matched no rule, default policy allow")         \
	X(EXEMPT, exempt, PASS, "network essentials under default policy deny")                    \
	X(NON_IP, non_ip, PASS, "not IP: ARP, LLDP, ...")                                          \
	X(BLOCKED_BLACKLIST, blocked_blacklist, DROP, "matched a blacklist rule")                  \
	X(BLOCKED_DEFAULT, blocked_default, DROP, "matched no rule, default policy deny")          \
	X(RATE_LIMITED, rate_limited, DROP, "over the packet or byte rate limit")                  \
	X(MALFORMED, malformed, DROP, "not a well-formed packet")                                  \
	X(FRAGMENT_DROPPED, fragment_dropped, DROP, "a fragment under policy fragments drop")      \
	X(GRAPH_ERROR, graph_error, DROP, "broken decision graph: an alarm, report it")            \
	X(SOURCE_LIMITED, source_limited, DROP, "over the rate limit of its source")               \
	X(LOAD_BALANCED, load_balanced, PASS,                                                      \
	  "forwarded to a real server, or its reply to a client")                                  \
	X(LVS_NO_SERVER, lvs_no_server, DROP,                                                      \
	  "for a service of which no server takes connections")                                    \
	X(LVS_NO_CONNECTION, lvs_no_connection, DROP,                                              \
	  "for a service, of no connection and beginning none")                                    \
	X(LVS_NO_REVERSE, lvs_no_reverse, DROP, "from a real server, of no connection")            \
	X(LVS_FULL, lvs_full, DROP, "no room or no port for one more connection")                  \
	X(LVS_HOP_LIMIT, lvs_hop_limit, DROP,                                                      \
	  "hop limit too low to be forwarded; its sender is told")                                 \
	X(ESTABLISHED, established, PASS,                                                          \
	  "of a connection that this host opened, or an error about it")                           \
	X(UNTRACKED, untracked, PASS, "sent, but its connection not tracked: table full")          \
	X(LVS_LIMITED, lvs_limited, DROP, "begins a connection over the limit of its service")     \
	X(LVS_TOO_BIG, lvs_too_big, DROP, "too big for its way on; its sender is told")            \
	X(LVS_FRAGMENT, lvs_fragment, DROP, "a fragment of a service's before its first")

#define REASON_ENUM(NAME, name, verdict, text) REASON_##NAME,
enum reason { REASONS(REASON_ENUM) REASON_COUNT };
#undef REASON_ENUM

/* What a stage returns when the packet goes on to the next stage. */
#define NEXT REASON_COUNT

/* Entries in the counter maps: room for reasons to come without a new layout. */
#define REASON_SLOTS 32

enum verdict { VERDICT_PASS, VERDICT_DROP };

/* One bit per reason whose verdict is drop. */
#define REASON_DROP_PASS 0u
#define REASON_DROP_DROP 1u
#define REASON_DROP_BIT(NAME, name, verdict, text) | (REASON_DROP_##verdict << REASON_##NAME)
#define REASONS_DROPPED (0u REASONS(REASON_DROP_BIT))

#endif
