/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Judges SSH connections by the rules to come. See lockout.h. */
#include "lockout.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "cleanup.h"
#include "log.h"
#include "rule.h"
#include "socket_verdict.h"
#include "ssh_sockets.h"

/* A connection that passes now and would not any more. */
struct victim {
	struct tcp_socket socket;
	enum hook hook;
	int64_t hit; /* of the blacklist's rule; -1: no rule, the default policy */
};

struct judgement {
	struct socket_rules rules;
	const struct ruleset *now, *next;
	struct victim *victims;
	size_t count, capacity;
};

static void judgement_free(struct judgement *judgement)
{
	free(judgement->victims);
}

/*
 * Whether the hook drops the connection's packets; *hit says by which rule, -1: by none. What is
 * stateful knows the connections that pass: open ones are made known to it before the change is in
 * force, see adopt.h.
 */
static bool drops(const struct judgement *judgement, const struct ruleset *ruleset, enum hook hook,
		  const struct tcp_socket *socket, int64_t *hit)
{
	*hit = -1;
	switch (socket_judge(&judgement->rules, ruleset, hook, socket, hit)) {
	case SOCKET_BLACKLISTED:
		return true;
	case SOCKET_UNLISTED:
		return !ruleset_is_stateful(ruleset, hook);
	default:
		return false;
	}
}

static bool passes(const struct judgement *judgement, const struct ruleset *ruleset,
		   const struct tcp_socket *socket)
{
	int64_t hit;

	for (enum hook hook = 0; hook < HOOK_COUNT; hook++)
		if (drops(judgement, ruleset, hook, socket, &hit))
			return false;
	return true;
}

static int add_victim(struct judgement *judgement, const struct victim *victim)
{
	if (judgement->count == judgement->capacity) {
		const size_t capacity = judgement->capacity ? 2 * judgement->capacity : 16;
		struct victim *victims =
			reallocarray(judgement->victims, capacity, sizeof(*victims));

		if (!victims)
			return -ENOMEM;
		judgement->victims = victims;
		judgement->capacity = capacity;
	}
	judgement->victims[judgement->count++] = *victim;
	return 0;
}

/* One that is dropped already does not depend on the change. */
static int judge_connection(void *data, const struct tcp_socket *socket)
{
	struct judgement *judgement = data;
	struct victim victim = {.socket = *socket};

	if (tcp_socket_is_local(socket))
		return 0;
	for (; victim.hook < HOOK_COUNT; victim.hook++) {
		if (!drops(judgement, judgement->next, victim.hook, socket, &victim.hit))
			continue;
		return passes(judgement, judgement->now, socket) ? add_victim(judgement, &victim)
								 : 0;
	}
	return 0;
}

/* Only those of SSH servers count. That is asked last: few changes drop anything that lives. */
static void keep_ssh(struct judgement *judgement)
{
	struct ssh_ports ports;
	size_t kept = 0;

	if (!judgement->count)
		return;
	ssh_ports_find(&ports);
	for (size_t i = 0; i < judgement->count; i++)
		if (ssh_ports_have(&ports, judgement->victims[i].socket.local_port))
			judgement->victims[kept++] = judgement->victims[i];
	judgement->count = kept;
}

#define PEER_BYTES (RULE_TEXT_BYTES + 16)
static const char *describe_peer(const struct tcp_socket *socket, char text[static PEER_BYTES])
{
	struct rule rule = {
		.family = socket->family,
		.prefix_len = socket->family == FAMILY_IPV4 ? 32 : 128,
	};

	memcpy(rule.addr_host, socket->peer_host, sizeof(rule.addr_host));
	rule_format_cidr(&rule, text);
	text[strcspn(text, "/")] = '\0';
	return text;
}

/* "blacklist rule 3: 192.0.2.0/24", or the policy. */
#define CAUSE_BYTES (RULE_TEXT_BYTES + 64)
static const char *describe_cause(const struct victim *victim, const struct rule_view *blacklist,
				  char text[static CAUSE_BYTES])
{
	char rule[RULE_TEXT_BYTES];

	for (uint32_t i = 0; victim->hit >= 0 && i < blacklist->count; i++) {
		const struct rule_slot *slot = &blacklist->slots[i];

		if (slot->hit != victim->hit || !rule_slot_live(slot, blacklist->generation))
			continue;
		rule_format(&slot->rule, rule);
		snprintf(text, CAUSE_BYTES, "by blacklist rule %u: %s", slot->index, rule);
		return text;
	}
	strcpy(text, "by the default policy deny: no whitelist rule matches");
	return text;
}

static int refuse(const struct judgement *judgement,
		  const struct rule_view rules[HOOK_COUNT][LIST_COUNT])
{
	const struct victim *first = &judgement->victims[0];
	char peer[PEER_BYTES], cause[CAUSE_BYTES], more[64] = "";

	if (judgement->count > 1)
		snprintf(more, sizeof(more), ", and %zu more", judgement->count - 1);
	describe_peer(&first->socket, peer);
	describe_cause(first, &rules[first->hook][LIST_BLACKLIST], cause);
	return log_fail(-EPERM,
			"refused: it would cut off the SSH connection of %s port %u to port %u%s: "
			"dropped at %s %s; nothing was changed. Allow %s first, or repeat it with "
			"--force",
			peer, first->socket.peer_port, first->socket.local_port, more,
			hook_name(first->hook), cause, peer);
}

int lockout_judge(const struct store *store, const struct ruleset *next,
		  const struct rule_view rules[HOOK_COUNT][LIST_COUNT])
{
	_cleanup_(judgement_free) struct judgement judgement = {
		.now = store_ruleset(store),
		.next = next,
	};
	int err = socket_rules_of(store, &judgement.rules);

	if (err)
		return err;
	err = tcp_sockets_list(TCP_SOCKETS_ESTABLISHED, judge_connection, &judgement);
	if (err) {
		log_warning("cannot tell whether this cuts off an SSH connection: the kernel does "
			    "not list connections: %s",
			    strerror(-err));
		return 0;
	}
	keep_ssh(&judgement);
	return judgement.count ? refuse(&judgement, rules) : 0;
}
