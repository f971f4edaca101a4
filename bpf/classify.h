/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The rules in force, and the stage that asks them: fragments policy, whitelist, blacklist, default
 * policy, and what passes in spite of it.
 */
#ifndef BGO_CLASSIFY_H
#define BGO_CLASSIFY_H

#include "icmp.h"
#include "maps.h"
#include "packet.h"
#include "walk.h"

enum { DHCP4_SERVER = 67, DHCP4_CLIENT = 68, DHCP6_CLIENT = 546, DHCP6_SERVER = 547 };

/*
 * The number of the record in force. Read once per packet and hook: everything the packet is judged
 * by comes from this record, also when a commit happens meanwhile. Reading the record depends on
 * the number, so no barrier is needed.
 *
 * A function of its own because of `pkt`, which the verifier then takes to be written: it forgets
 * which headers the parser saw, and looks at all that follows once and not once for each kind.
 */
__attribute__((noinline)) __u32 record_in_force(struct packet *pkt)
{
	__u32 zero = 0;
	const struct config *config = bpf_map_lookup_elem(&config_map, &zero);

	if (!config || !pkt)
		return 0; /* cannot be: an array has its element 0 */
	return ruleset_record(*(const volatile __u64 *)&config->commit);
}

static __always_inline _Bool exempt_icmpv6(const struct packet *pkt)
{
	const __u32 type = pkt->icmp_type;

	if (type >= ICMPV6_ROUTER_SOLICITATION && type <= ICMPV6_REDIRECT)
		return pkt->hop_limit == 255; /* from this link: routers would have lowered it */
	return (type >= ICMPV6_MLD_QUERY && type <= ICMPV6_MLD_DONE) ||
	       type == ICMPV6_MLD2_REPORT || type == ICMPV6_PACKET_TOO_BIG;
}

/* DHCP towards the client on the way in, towards the server on the way out. */
static __always_inline _Bool exempt_dhcp(const struct packet *pkt, enum hook hook)
{
	const __u32 server = pkt->family == FAMILY_IPV6 ? DHCP6_SERVER : DHCP4_SERVER;
	const __u32 client = pkt->family == FAMILY_IPV6 ? DHCP6_CLIENT : DHCP4_CLIENT;

	if (hook == HOOK_EGRESS)
		return pkt->source_port_host == client && pkt->port_host == server;
	return pkt->source_port_host == server && pkt->port_host == client;
}

/* Without these the host would leave the network, so default deny lets them pass. */
static __always_inline _Bool is_exempt(const struct packet *pkt, enum hook hook)
{
	if (pkt->protocol == IPPROTO_UDP)
		return exempt_dhcp(pkt, hook);
	if (pkt->family == FAMILY_IPV6)
		return pkt->protocol == IPPROTO_ICMPV6 && exempt_icmpv6(pkt);
	return pkt->protocol == IPPROTO_ICMP && pkt->icmp_type == ICMPV4_UNREACHABLE &&
	       pkt->icmp_code == ICMPV4_FRAGMENTATION_NEEDED;
}

/* Whether a rule of the list decides: then its number is in pkt->rule. */
static __always_inline int match_list(struct packet *pkt, const struct hook_rules *rules,
				      enum list list, int matched)
{
	/* Not [pkt->family]: the verifier would have to be told its range. */
	const struct graph_list *graphs = pkt->family == FAMILY_IPV6
						  ? &rules->lists[list][FAMILY_IPV6]
						  : &rules->lists[list][FAMILY_IPV4];
	const graph_entry entry = graph_match(graphs, &pkt->key);

	if (entry == ENTRY_NONE)
		return NEXT;
	if (entry == ENTRY_BROKEN)
		return REASON_GRAPH_ERROR;
	pkt->rule = entry_payload(entry);
	return matched;
}

/* Whitelist before blacklist: an allowed peer stays allowed whatever else is listed. */
static __always_inline int stage_classify(struct packet *pkt, __u32 record, enum hook hook)
{
	const struct ruleset *set = bpf_map_lookup_elem(&ruleset_map, &record);
	const struct hook_rules *rules;
	int reason;

	if (!set)
		return REASON_GRAPH_ERROR;
	rules = &set->hooks[hook];
	pkt->connections = rules->connections;
	if (pkt->fragment && rules->drop_fragments)
		return REASON_FRAGMENT_DROPPED;
	reason = match_list(pkt, rules, LIST_WHITELIST, REASON_ALLOWED_WHITELIST);
	if (reason != NEXT)
		return reason;
	reason = match_list(pkt, rules, LIST_BLACKLIST, REASON_BLOCKED_BLACKLIST);
	if (reason != NEXT)
		return reason;
	if (!rules->default_deny)
		return REASON_ALLOWED_DEFAULT;
	return is_exempt(pkt, hook) ? REASON_EXEMPT : REASON_BLOCKED_DEFAULT;
}

#endif
