/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The packet parser on the host: it reads nothing outside the linear part, and finds in a frame
 * what the oracle finds. Input: a byte of what the hook knows, a byte of how much of the frame is
 * not linear, and the frame.
 */
#include <string.h>

#include "../../bpf/packet.h"
#include "../oracle/oracle.h"
#include "fuzz.h"

/* Of the first byte. */
enum { IS_EGRESS = 1, IS_SEGMENTED = 2, HAS_TAG_BESIDE = 4 };

/* Parses a copy that ends where the linear part ends, aligned as in the kernel. */
static int parse(const struct oracle_frame *seen, size_t linear, bool egress, struct packet *pkt)
{
	uint8_t *copy = malloc(2 + linear);
	struct frame frame;
	int reason;

	MUST(copy);
	if (linear)
		memcpy(copy + 2, seen->bytes, linear);
	frame = (struct frame){
		.data = copy + 2,
		.data_end = copy + 2 + linear,
		.length = (__u32)seen->length,
		.tags = (__u32)seen->tags_beside,
		.segmented = seen->segmented,
		.egress = egress,
	};
	memset(pkt, 0, sizeof(*pkt));
	reason = packet_parse(&frame, pkt);
	free(copy);
	return reason;
}

static void check_address(const uint32_t words[4], const struct oracle_key *key)
{
	for (int i = 0; i < (key->ipv6 ? 16 : 4); i++)
		MUST((words[i / 4] >> (24 - i % 4 * 8) & 0xff) == key->address[i]);
	for (int i = key->ipv6 ? 4 : 1; i < 4; i++)
		MUST(!words[i]);
}

static void check_packet(const struct packet *pkt, const struct oracle_packet *expected)
{
	const struct oracle_key *key = &expected->key;
	const uint32_t port = key->has_ports ? KEY_HAS_PORTS | (uint32_t)key->port : 0;

	check_address(pkt->key.words, key);
	MUST(pkt->key.words[KEY_PORT] == port);
	MUST(pkt->key.words[KEY_PROTO_PORT] == ((uint32_t)key->protocol << KEY_PROTO_SHIFT | port));
	MUST(pkt->family == (key->ipv6 ? FAMILY_IPV6 : FAMILY_IPV4));
	MUST(pkt->protocol == (uint32_t)key->protocol);
	MUST(pkt->fragment == expected->fragment);
	MUST(pkt->hop_limit == (uint32_t)expected->hop_limit);
	MUST(pkt->icmp_type == (uint32_t)expected->icmp_type);
	MUST(pkt->icmp_code == (uint32_t)expected->icmp_code);
	MUST(pkt->source_port_host == (uint32_t)expected->source_port);
	MUST(pkt->port_host == (uint32_t)key->port);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct input input = {data, data + size};
	const uint32_t flags = input_u8(&input), not_linear = input_u8(&input);
	const bool egress = flags & IS_EGRESS;
	const struct oracle_frame frame = {
		.bytes = input.at,
		.length = (size_t)(input.end - input.at),
		.tags_beside = flags & HAS_TAG_BESIDE ? 1 : 0,
		.segmented = flags & IS_SEGMENTED,
	};
	const size_t linear = frame.length > not_linear ? frame.length - not_linear : 0;
	struct oracle_packet expected;
	enum oracle_reason why_not;
	struct packet pkt;
	int reason, reason_linear;

	reason = parse(&frame, frame.length, egress, &pkt);
	if (oracle_parse(&frame, egress ? ORACLE_EGRESS : ORACLE_INGRESS, &expected, &why_not)) {
		MUST(reason == NEXT);
		check_packet(&pkt, &expected);
	} else {
		MUST(reason == (why_not == ORACLE_NON_IP ? REASON_NON_IP : REASON_MALFORMED));
	}
	MUST(pkt.length == frame.length);
	reason_linear = parse(&frame, linear, egress, &pkt);
	MUST(reason_linear == reason || reason_linear == PARSE_NOT_LINEAR);
	return 0;
}
