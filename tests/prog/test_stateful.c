/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Stateful default deny: what the host sends goes through the egress program, what comes back
 * through XDP's or TC ingress's, and the reasons tell whether it is known. The tables say who has
 * an entry.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <bpf/bpf.h>
#include <netinet/in.h>
#include <string.h>

#include "../../src/connections.h"
#include "../../src/rule.h"
#include "connection_tables.h"
#include "firewall.h"

#define ECHO_ID 0x1234
#define FIN CONN_TCP_FIN
#define SYN CONN_TCP_SYN
#define RST CONN_TCP_RST
#define ACK CONN_TCP_ACK

/* A packet between the host and a peer, in either direction. */
struct talk {
	bool ipv6;
	uint8_t protocol;
	uint16_t host_port, peer_port; /* echo: host_port is the identifier */
	uint8_t flags;
	uint32_t seq, ack;
	const char *peer; /* NULL: PEER4 or PEER6 */
	uint16_t fragment_offset;
	bool more_fragments;
};

static struct talk tcp(bool ipv6, uint8_t flags)
{
	return (struct talk){.ipv6 = ipv6,
			     .protocol = IPPROTO_TCP,
			     .host_port = 40000,
			     .peer_port = 443,
			     .flags = flags};
}

static struct talk udp(bool ipv6)
{
	return (struct talk){.ipv6 = ipv6, .host_port = 40000, .peer_port = 53};
}

static struct talk echo(bool ipv6)
{
	return (struct talk){.ipv6 = ipv6,
			     .protocol = ipv6 ? IPPROTO_ICMPV6 : IPPROTO_ICMP,
			     .host_port = ECHO_ID};
}

static void set_tcp(uint8_t *header, const struct talk *talk)
{
	const uint32_t seq = htonl(talk->seq), ack = htonl(talk->ack);

	memcpy(header + 4, &seq, sizeof(seq));
	memcpy(header + 8, &ack, sizeof(ack));
	header[13] = talk->flags;
}

/* Checksums are not right then; no program of the firewall looks at them. */
static void build(struct packet_bytes *packet, const struct talk *talk, bool outgoing)
{
	const bool is_icmp = talk->protocol == IPPROTO_ICMP || talk->protocol == IPPROTO_ICMPV6;
	const struct packet_spec spec = {
		.peer = talk->peer   ? talk->peer
			: talk->ipv6 ? PEER6
				     : PEER4,
		.protocol = talk->protocol,
		.from_port = outgoing ? talk->host_port : talk->peer_port,
		.port = outgoing ? talk->peer_port : talk->host_port,
		.icmp_type = talk->ipv6 ? (outgoing ? 128 : 129) : (outgoing ? 8 : 0),
		.payload_bytes = 24,
		.fragment_offset = talk->fragment_offset,
		.more_fragments = talk->more_fragments,
	};
	uint8_t *l4;

	packet_build(packet, &spec, outgoing);
	l4 = packet->data + packet_l4_offset(&spec);
	if (talk->protocol == IPPROTO_TCP)
		set_tcp(l4, talk);
	if (is_icmp) {
		l4[4] = talk->host_port >> 8;
		l4[5] = talk->host_port & 0xff;
	}
}

/* Judged by the hook: the reason, which the verdict agrees with. */
static uint32_t judged(enum hook hook, const struct packet_bytes *packet)
{
	struct last_verdict verdict;
	struct run run;

	assert_int_equal(firewall_run(&the_firewall, hook, packet, 0, 1, &run), 0);
	assert_int_equal(programs_last_verdict(the_firewall.programs, hook, &verdict), 0);
	assert_false(run.changed);
	assert_int_equal(run.dropped, REASONS_DROPPED >> verdict.reason & 1);
	return verdict.reason;
}

static uint32_t sent(struct talk talk)
{
	struct packet_bytes packet;

	build(&packet, &talk, true);
	return judged(HOOK_EGRESS, &packet);
}

static uint32_t came(enum hook hook, struct talk talk)
{
	struct packet_bytes packet;

	build(&packet, &talk, false);
	return judged(hook, &packet);
}

/* What a router says of the packet `quoted` of the host, all or the beginning of it. */
static uint32_t error_came(enum hook hook, bool ipv6, uint8_t type,
			   const struct packet_bytes *quoted)
{
	const struct packet_spec spec = {
		.peer = ipv6 ? PEER6_BEFORE : PEER4_BEFORE,
		.protocol = ipv6 ? IPPROTO_ICMPV6 : IPPROTO_ICMP,
		.icmp_type = type,
		.payload_bytes = (ipv6 ? 40 : 20) + 8,
	};
	struct packet_bytes packet;

	packet_build(&packet, &spec, false);
	memcpy(packet.data + packet_l4_offset(&spec) + 8, quoted->data + 14, spec.payload_bytes);
	return judged(hook, &packet);
}

/* -- The tables -- */

static uint32_t clear_map(int fd)
{
	struct conn_tuple key;
	uint32_t count = 0;

	while (bpf_map_get_next_key(fd, NULL, &key) == 0) {
		assert_int_equal(bpf_map_delete_elem(fd, &key), 0);
		count++;
	}
	return count;
}

static struct connection_maps maps(void)
{
	return connection_maps_of(the_firewall.store);
}

static uint32_t whole(void)
{
	return connection_count(maps().track_fd);
}

static uint32_t half_open(void)
{
	return connection_count(maps().half_open_fd);
}

/* As if nothing had come or gone for so long. */
static void silent_for(int fd, uint64_t seconds)
{
	struct conn conn = the_connection(fd);
	struct conn_tuple key;

	assert_int_equal(bpf_map_get_next_key(fd, NULL, &key), 0);
	conn.seen_ns -= seconds * 1000000000;
	assert_int_equal(bpf_map_update_elem(fd, &key, &conn, BPF_EXIST), 0);
}

#define STATEFUL "policy xdp deny stateful; policy ingress deny stateful"

static int setup(void **state)
{
	(void)state;
	firewall_rules(&the_firewall, HOOK_XDP, STATEFUL);
	clear_map(maps().track_fd);
	clear_map(maps().half_open_fd);
	return 0;
}

/* Host and peer have shaken hands. */
static void establish(struct talk talk)
{
	talk.flags = SYN;
	talk.seq = 1000;
	assert_int_equal(sent(talk), REASON_ALLOWED_DEFAULT);
	talk.flags = SYN | ACK;
	talk.seq = 5000;
	talk.ack = 1001;
	assert_int_equal(came(HOOK_XDP, talk), REASON_ESTABLISHED);
	talk.flags = ACK;
	talk.seq = 1001;
	talk.ack = 5001;
	assert_int_equal(sent(talk), REASON_ALLOWED_DEFAULT);
}

/* -- The tests -- */

static void a_reply_passes_once_the_host_has_sent_something(void **state)
{
	(void)state;
	for (int i = 0; i < 2; i++) {
		const struct talk syn = tcp(i, SYN), answer = tcp(i, SYN | ACK);

		for (enum hook hook = HOOK_XDP; hook <= HOOK_INGRESS; hook++) {
			setup(NULL);
			assert_int_equal(came(hook, answer), REASON_BLOCKED_DEFAULT);
			assert_int_equal(came(hook, udp(i)), REASON_BLOCKED_DEFAULT);
			assert_int_equal(came(hook, echo(i)), REASON_BLOCKED_DEFAULT);
			assert_int_equal(whole() + half_open(), 0);
			assert_int_equal(sent(syn), REASON_ALLOWED_DEFAULT);
			assert_int_equal(sent(udp(i)), REASON_ALLOWED_DEFAULT);
			assert_int_equal(sent(echo(i)), REASON_ALLOWED_DEFAULT);
			assert_int_equal(came(hook, answer), REASON_ESTABLISHED);
			assert_int_equal(came(hook, udp(i)), REASON_ESTABLISHED);
			assert_int_equal(came(hook, echo(i)), REASON_ESTABLISHED);
		}
	}
}

static void expect_strangers(const struct talk *talk)
{
	struct talk near = *talk;

	near.host_port++;
	assert_int_equal(came(HOOK_XDP, near), REASON_BLOCKED_DEFAULT);
	near.host_port -= 2;
	assert_int_equal(came(HOOK_XDP, near), REASON_BLOCKED_DEFAULT);
	near = *talk;
	near.peer = talk->ipv6 ? PEER6_AFTER : PEER4_AFTER;
	assert_int_equal(came(HOOK_XDP, near), REASON_BLOCKED_DEFAULT);
	if (!talk->peer_port)
		return;
	near = *talk;
	near.peer_port++;
	assert_int_equal(came(HOOK_XDP, near), REASON_BLOCKED_DEFAULT);
	near = *talk;
	near.protocol = talk->protocol == IPPROTO_TCP ? IPPROTO_UDP : IPPROTO_TCP;
	near.flags = ACK;
	assert_int_equal(came(HOOK_XDP, near), REASON_BLOCKED_DEFAULT);
}

static void other_ports_addresses_and_protocols_do_not(void **state)
{
	(void)state;
	for (int i = 0; i < 2; i++) {
		const struct talk talks[] = {tcp(i, ACK), udp(i), echo(i)};

		for (size_t j = 0; j < sizeof(talks) / sizeof(talks[0]); j++) {
			assert_int_equal(sent(talks[j]), REASON_ALLOWED_DEFAULT);
			expect_strangers(&talks[j]);
			assert_int_equal(came(HOOK_XDP, talks[j]), REASON_ESTABLISHED);
			setup(NULL);
		}
	}
}

/* Also where the peer is known, its SYN asks for something else. */
static void nobody_connects_in(void **state)
{
	(void)state;
	for (int i = 0; i < 2; i++) {
		setup(NULL);
		establish(tcp(i, 0));
		assert_int_equal(came(HOOK_XDP, tcp(i, SYN)), REASON_BLOCKED_DEFAULT);
		assert_int_equal(came(HOOK_INGRESS, tcp(i, SYN)), REASON_BLOCKED_DEFAULT);
		assert_int_equal(came(HOOK_XDP, tcp(i, ACK)), REASON_ESTABLISHED);
	}
}

/* The peer's own echo request, with the identifier of the host's. */
static void nobody_pings_because_he_was_pinged(void **state)
{
	(void)state;
	for (int i = 0; i < 2; i++) {
		struct talk talk = echo(i);
		struct packet_bytes packet;

		assert_int_equal(sent(talk), REASON_ALLOWED_DEFAULT);
		build(&packet, &talk, false);
		packet.data[i ? 54 : 34] = i ? 128 : 8;
		assert_int_equal(judged(HOOK_XDP, &packet), REASON_BLOCKED_DEFAULT);
	}
}

static void nothing_that_comes_makes_an_entry(void **state)
{
	static const uint8_t flags[] = {SYN, SYN | ACK, ACK, RST, RST | ACK, FIN | ACK};

	(void)state;
	for (int i = 0; i < 2; i++) {
		for (size_t j = 0; j < sizeof(flags); j++)
			for (enum hook hook = HOOK_XDP; hook <= HOOK_INGRESS; hook++)
				assert_int_equal(came(hook, tcp(i, flags[j])),
						 REASON_BLOCKED_DEFAULT);
		assert_int_equal(came(HOOK_XDP, udp(i)), REASON_BLOCKED_DEFAULT);
		assert_int_equal(came(HOOK_XDP, echo(i)), REASON_BLOCKED_DEFAULT);
	}
	assert_int_equal(whole() + half_open(), 0);
	/* Nor does it make a half-open one whole. */
	sent(tcp(false, SYN));
	for (size_t j = 0; j < sizeof(flags); j++)
		came(HOOK_XDP, tcp(false, flags[j]));
	assert_int_equal(whole(), 0);
	assert_int_equal(the_connection(maps().half_open_fd).state, CONN_SYN_SENT);
}

static void what_the_host_refuses_makes_no_entry(void **state)
{
	(void)state;
	sent(tcp(false, SYN | ACK));
	sent(tcp(false, RST));
	sent(tcp(true, RST | ACK));
	assert_int_equal(half_open(), 0);
}

static void a_connection_is_whole_when_the_host_goes_on(void **state)
{
	(void)state;
	for (int i = 0; i < 2; i++) {
		setup(NULL);
		establish(tcp(i, 0));
		assert_int_equal(half_open(), 0);
		assert_int_equal(the_connection(maps().track_fd).state, CONN_ESTABLISHED);
	}
}

/* A resolver asks often and once each time. */
static void one_question_and_its_answer_take_no_room_among_whole_ones(void **state)
{
	(void)state;
	for (int i = 0; i < 2; i++) {
		const struct talk talks[] = {udp(i), echo(i)};

		for (int j = 0; j < 2; j++) {
			setup(NULL);
			sent(talks[j]);
			sent(talks[j]);
			came(HOOK_XDP, talks[j]);
			assert_int_equal(whole(), 0);
			sent(talks[j]);
			assert_int_equal(half_open(), 0);
			assert_int_equal(the_connection(maps().track_fd).state, CONN_REPLIED);
			assert_int_equal(came(HOOK_XDP, talks[j]), REASON_ESTABLISHED);
		}
	}
}

static void a_flood_of_the_hosts_own_pushes_out_no_whole_one(void **state)
{
	struct talk flood = tcp(false, SYN);

	(void)state;
	establish(tcp(false, 0));
	flood.peer = PEER4_AFTER;
	for (uint32_t i = 0; i < 20000; i++) {
		flood.host_port = (uint16_t)(1024 + i);
		assert_int_equal(sent(flood), REASON_ALLOWED_DEFAULT);
	}
	assert_int_equal(whole(), 1);
	assert_int_equal(came(HOOK_XDP, tcp(false, ACK)), REASON_ESTABLISHED);
}

static void a_forged_end_is_none(void **state)
{
	static const uint8_t ends[] = {RST, RST | ACK, FIN | ACK};

	(void)state;
	for (size_t i = 0; i < sizeof(ends); i++) {
		struct talk talk = tcp(false, ends[i]);

		setup(NULL);
		establish(talk);
		talk.seq = 5001 - 1;
		came(HOOK_XDP, talk);
		talk.seq = 5001 + CONN_IN_FLIGHT;
		came(HOOK_XDP, talk);
		assert_int_equal(the_connection(maps().track_fd).state, CONN_ESTABLISHED);
		talk.seq = 5001;
		assert_int_equal(came(HOOK_XDP, talk), REASON_ESTABLISHED);
		assert_int_equal(the_connection(maps().track_fd).state,
				 ends[i] & RST ? CONN_RESET_SERVER : CONN_FIN_SERVER);
	}
}

static void silence_ends_it_for_what_comes_and_the_host_begins_it_again(void **state)
{
	(void)state;
	establish(tcp(false, 0));
	silent_for(maps().track_fd, 7439);
	assert_int_equal(came(HOOK_XDP, tcp(false, ACK)), REASON_ESTABLISHED);
	silent_for(maps().track_fd, 7441);
	assert_int_equal(came(HOOK_XDP, tcp(false, ACK)), REASON_BLOCKED_DEFAULT);
	sent(tcp(false, ACK));
	assert_int_equal(came(HOOK_XDP, tcp(false, ACK)), REASON_ESTABLISHED);
	setup(NULL);
	sent(udp(true));
	silent_for(maps().half_open_fd, 31);
	assert_int_equal(came(HOOK_XDP, udp(true)), REASON_BLOCKED_DEFAULT);
}

static void a_port_used_again_is_another_connection(void **state)
{
	struct talk talk = tcp(false, RST);

	(void)state;
	establish(talk);
	sent(talk);
	assert_int_equal(the_connection(maps().track_fd).state, CONN_RESET_CLIENT);
	sent(tcp(false, SYN));
	assert_int_equal(whole(), 0);
	assert_int_equal(the_connection(maps().half_open_fd).state, CONN_SYN_SENT);
	establish(talk);
	assert_int_equal(the_connection(maps().track_fd).state, CONN_ESTABLISHED);
}

/* What began before anybody looked. */
static void a_connection_is_picked_up_in_its_midst(void **state)
{
	(void)state;
	for (int i = 0; i < 2; i++) {
		setup(NULL);
		assert_int_equal(came(HOOK_XDP, tcp(i, ACK)), REASON_BLOCKED_DEFAULT);
		sent(tcp(i, ACK));
		sent(tcp(i, ACK));
		assert_int_equal(whole(), 0);
		silent_for(maps().half_open_fd, 3600);
		assert_int_equal(came(HOOK_XDP, tcp(i, ACK)), REASON_ESTABLISHED);
		sent(tcp(i, ACK));
		assert_int_equal(the_connection(maps().track_fd).state, CONN_ESTABLISHED);
	}
}

static void whom_a_rule_lets_in_takes_no_room(void **state)
{
	struct talk talk = {.protocol = IPPROTO_TCP, .host_port = 22, .peer_port = 50000};

	(void)state;
	firewall_rules(&the_firewall, HOOK_XDP,
		       STATEFUL "; rule xdp whitelist " PEER4 " port 22; rule xdp whitelist " PEER6
				" port 22");
	for (int i = 0; i < 2; i++) {
		talk.ipv6 = i;
		for (int j = 0; j < 3; j++) {
			talk.flags = j ? ACK : SYN;
			assert_int_equal(came(HOOK_XDP, talk), REASON_ALLOWED_WHITELIST);
			talk.flags = j ? ACK : SYN | ACK;
			sent(talk);
		}
	}
	assert_int_equal(whole(), 0);
}

static void rules_come_first(void **state)
{
	(void)state;
	establish(tcp(false, 0));
	firewall_rules(&the_firewall, HOOK_XDP,
		       STATEFUL ";rule xdp blacklist " PEER4 ";rule egress blacklist " PEER6
				" port 443");
	assert_int_equal(came(HOOK_XDP, tcp(false, ACK)), REASON_BLOCKED_BLACKLIST);
	assert_int_equal(sent(tcp(true, SYN)), REASON_BLOCKED_BLACKLIST);
	assert_int_equal(came(HOOK_XDP, tcp(true, SYN | ACK)), REASON_BLOCKED_DEFAULT);
	assert_int_equal(half_open(), 0);
}

/* All the room there is, taken by connections of nobody. */
static void fill_table(void)
{
	const uint32_t count = store_connections_max(the_firewall.store);
	struct conn conn = {.state = CONN_ESTABLISHED, .seen_ns = connections_now_ns()};
	struct conn_tuple key = {.protocol = IPPROTO_TCP, .zone = CONN_ZONE_HOST};

	for (uint32_t i = 0; i < count; i++) {
		key.saddr_be[0] = i;
		assert_int_equal(bpf_map_update_elem(maps().track_fd, &key, &conn, BPF_NOEXIST), 0);
	}
}

static void a_full_table_stops_nothing_that_is_sent(void **state)
{
	struct conn_tuple key;

	(void)state;
	fill_table();
	assert_int_equal(sent(tcp(false, SYN)), REASON_ALLOWED_DEFAULT);
	assert_int_equal(came(HOOK_XDP, tcp(false, SYN | ACK)), REASON_ESTABLISHED);
	assert_int_equal(sent(tcp(false, ACK)), REASON_UNTRACKED);
	/* Until newer ones push it out. */
	assert_int_equal(came(HOOK_XDP, tcp(false, ACK)), REASON_ESTABLISHED);
	assert_int_equal(half_open(), 1);
	assert_int_equal(bpf_map_get_next_key(maps().track_fd, NULL, &key), 0);
	assert_int_equal(bpf_map_delete_elem(maps().track_fd, &key), 0);
	assert_int_equal(sent(tcp(false, ACK)), REASON_ALLOWED_DEFAULT);
	assert_int_equal(half_open(), 0);
	clear_map(maps().track_fd);
	assert_int_equal(came(HOOK_XDP, tcp(false, ACK)), REASON_BLOCKED_DEFAULT);
}

static void without_it_nothing_is_remembered(void **state)
{
	(void)state;
	establish(tcp(false, 0));
	firewall_rules(&the_firewall, HOOK_XDP, "policy xdp deny; policy ingress deny");
	assert_int_equal(came(HOOK_XDP, tcp(false, ACK)), REASON_BLOCKED_DEFAULT);
	assert_int_equal(came(HOOK_INGRESS, tcp(false, ACK)), REASON_BLOCKED_DEFAULT);
	clear_map(maps().track_fd);
	assert_int_equal(sent(tcp(true, SYN)), REASON_ALLOWED_DEFAULT);
	assert_int_equal(half_open(), 0);
}

static void each_hook_has_it_or_not(void **state)
{
	(void)state;
	firewall_rules(&the_firewall, HOOK_XDP, "policy xdp deny; policy ingress deny stateful");
	sent(udp(false));
	assert_int_equal(came(HOOK_XDP, udp(false)), REASON_BLOCKED_DEFAULT);
	assert_int_equal(came(HOOK_INGRESS, udp(false)), REASON_ESTABLISHED);
	firewall_rules(&the_firewall, HOOK_XDP, "policy xdp deny stateful; policy ingress deny");
	assert_int_equal(came(HOOK_XDP, udp(false)), REASON_ESTABLISHED);
	assert_int_equal(came(HOOK_INGRESS, udp(false)), REASON_BLOCKED_DEFAULT);
}

static void services_beside_it_change_nothing(void **state)
{
	(void)state;
	firewall_rules(&the_firewall, HOOK_XDP,
		       STATEFUL ";service " HOST4 " port 80 proto tcp mode nat;server " HOST4
				" port 80 proto tcp to 203.0.113.5 port 8080");
	assert_int_equal(came(HOOK_XDP, tcp(false, ACK)), REASON_BLOCKED_DEFAULT);
	establish(tcp(false, 0));
	assert_int_equal(came(HOOK_XDP, tcp(false, ACK)), REASON_ESTABLISHED);
	/* A server that goes takes its own connections only. */
	firewall_rules(&the_firewall, HOOK_XDP, STATEFUL);
	assert_int_equal(came(HOOK_XDP, tcp(false, ACK)), REASON_ESTABLISHED);
}

/* Unreachable, time exceeded, parameter problem; what is too big passes anyway. */
static const uint8_t errors4[] = {3, 11, 12}, errors6[] = {1, 3, 4};

static void expect_errors(bool ipv6, const struct packet_bytes *quoted, uint32_t reason)
{
	for (int i = 0; i < 3; i++)
		for (enum hook hook = HOOK_XDP; hook <= HOOK_INGRESS; hook++)
			assert_int_equal(
				error_came(hook, ipv6, ipv6 ? errors6[i] : errors4[i], quoted),
				reason);
}

static void an_error_passes_that_quotes_what_the_host_sent(void **state)
{
	(void)state;
	for (int i = 0; i < 2; i++) {
		struct talk talks[] = {tcp(i, SYN), udp(i), echo(i)};

		for (size_t j = 0; j < sizeof(talks) / sizeof(talks[0]); j++) {
			struct packet_bytes quoted;

			setup(NULL);
			build(&quoted, &talks[j], true);
			expect_errors(i, &quoted, REASON_BLOCKED_DEFAULT);
			sent(talks[j]);
			expect_errors(i, &quoted, REASON_ESTABLISHED);
			/* A redirect is none. */
			if (!i)
				assert_int_equal(error_came(HOOK_XDP, i, 5, &quoted),
						 REASON_BLOCKED_DEFAULT);
			/* Nobody sees that it was one. */
			assert_false(the_connection(maps().half_open_fd).answered);
			silent_for(maps().half_open_fd, 61);
			expect_errors(i, &quoted, REASON_BLOCKED_DEFAULT);
		}
	}
}

static void an_error_about_anything_else_does_not(void **state)
{
	(void)state;
	for (int i = 0; i < 2; i++) {
		struct talk talk = udp(i), ping = echo(i);
		struct packet_bytes quoted;

		sent(talk);
		sent(ping);
		talk.host_port++;
		build(&quoted, &talk, true);
		expect_errors(i, &quoted, REASON_BLOCKED_DEFAULT);
		talk = udp(i);
		talk.peer = i ? PEER6_AFTER : PEER4_AFTER;
		build(&quoted, &talk, true);
		expect_errors(i, &quoted, REASON_BLOCKED_DEFAULT);
		/* What the peer sent, and what somebody else did. */
		talk = udp(i);
		build(&quoted, &talk, false);
		expect_errors(i, &quoted, REASON_BLOCKED_DEFAULT);
		build(&quoted, &talk, true);
		quoted.data[i ? 14 + 8 + 15 : 14 + 12 + 3]++;
		expect_errors(i, &quoted, REASON_BLOCKED_DEFAULT);
		/* The host's answer to a ping of the peer. */
		build(&quoted, &ping, true);
		quoted.data[i ? 54 : 34] = i ? 129 : 0;
		expect_errors(i, &quoted, REASON_BLOCKED_DEFAULT);
	}
}

static void cleanup_removes_what_has_expired(void **state)
{
	const struct connection_maps all = maps();
	uint32_t removed;

	(void)state;
	establish(tcp(true, 0));
	sent(udp(false));
	assert_int_equal(connections_remove(&all, NULL, &removed), 0);
	assert_int_equal(removed, 0);
	silent_for(all.track_fd, 8000);
	silent_for(all.half_open_fd, 31);
	assert_int_equal(connections_remove(&all, NULL, &removed), 0);
	assert_int_equal(removed, 2);
	assert_int_equal(whole() + half_open(), 0);
}

#define TEST(name) cmocka_unit_test_setup(name, setup)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_reply_passes_once_the_host_has_sent_something),
		TEST(other_ports_addresses_and_protocols_do_not),
		TEST(nobody_connects_in),
		TEST(nobody_pings_because_he_was_pinged),
		TEST(nothing_that_comes_makes_an_entry),
		TEST(what_the_host_refuses_makes_no_entry),
		TEST(a_connection_is_whole_when_the_host_goes_on),
		TEST(one_question_and_its_answer_take_no_room_among_whole_ones),
		TEST(a_flood_of_the_hosts_own_pushes_out_no_whole_one),
		TEST(a_forged_end_is_none),
		TEST(silence_ends_it_for_what_comes_and_the_host_begins_it_again),
		TEST(a_port_used_again_is_another_connection),
		TEST(a_connection_is_picked_up_in_its_midst),
		TEST(whom_a_rule_lets_in_takes_no_room),
		TEST(rules_come_first),
		TEST(a_full_table_stops_nothing_that_is_sent),
		TEST(without_it_nothing_is_remembered),
		TEST(each_hook_has_it_or_not),
		TEST(services_beside_it_change_nothing),
		TEST(an_error_passes_that_quotes_what_the_host_sent),
		TEST(an_error_about_anything_else_does_not),
		TEST(cleanup_removes_what_has_expired),
	};

	return cmocka_run_group_tests_name("stateful", tests, firewall_group_setup,
					   firewall_group_teardown);
}
