/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The reference model's parser: a place in the frame, and the place where the layer it is in ends.
 * Whatever is not there makes the packet malformed.
 */
#include "oracle.h"

/* Assigned by IANA and IEEE. */
enum { IPV4 = 0x0800, IPV6 = 0x86dd, VLAN = 0x8100, SERVICE_VLAN = 0x88a8 };
enum {
	HOP_BY_HOP = 0,
	ICMP = 1,
	TCP = 6,
	UDP = 17,
	DCCP = 33,
	ROUTING = 43,
	FRAGMENT = 44,
	AUTHENTICATION = 51,
	ICMPV6 = 58,
	DESTINATION_OPTIONS = 60,
	SCTP = 132,
	UDP_LITE = 136,
};

/* What is left of a layer: the bytes at..end of the frame. */
struct rest {
	const uint8_t *bytes;
	size_t at, end;
};

static bool has(const struct rest *rest, size_t count)
{
	return rest->at + count <= rest->end;
}

static int get8(const struct rest *rest, size_t offset)
{
	return rest->bytes[rest->at + offset];
}

static int get16(const struct rest *rest, size_t offset)
{
	return get8(rest, offset) << 8 | get8(rest, offset + 1);
}

/* The layer 4 header of a packet that is whole, or of a first fragment. False: malformed. */
static bool parse_layer4(const struct rest *rest, bool first_fragment, struct oracle_packet *packet)
{
	struct oracle_key *key = &packet->key;
	size_t payload = rest->end - rest->at;
	size_t length;

	if (key->protocol == (key->ipv6 ? ICMPV6 : ICMP)) {
		if (!has(rest, 8))
			return false;
		packet->has_icmp = true;
		packet->icmp_type = get8(rest, 0);
		packet->icmp_code = get8(rest, 1);
		return true;
	}
	switch (key->protocol) {
	case TCP:
		if (!has(rest, 20))
			return false;
		length = (size_t)(get8(rest, 12) >> 4) * 4;
		if (length < 20 || length > payload)
			return false;
		break;
	case UDP:
		if (!has(rest, 8))
			return false;
		length = (size_t)get16(rest, 4);
		if (length < 8 || (length > payload && !first_fragment))
			return false;
		break;
	case UDP_LITE:
		if (!has(rest, 8))
			return false;
		break;
	case SCTP:
	case DCCP:
		if (!has(rest, 12))
			return false;
		break;
	default:
		return true; /* not looked into */
	}
	key->has_ports = true;
	packet->source_port = get16(rest, 0);
	key->port = get16(rest, 2);
	return true;
}

static bool parse_ipv4(const struct rest *rest, const struct oracle_frame *frame,
		       enum oracle_hook hook, struct oracle_packet *packet)
{
	size_t available = rest->end - rest->at, header, total, offset;
	struct rest payload = *rest;

	if (!has(rest, 20) || get8(rest, 0) >> 4 != 4)
		return false;
	header = (size_t)(get8(rest, 0) & 15) * 4;
	total = (size_t)get16(rest, 2);
	if (total == 0 && frame->segmented)
		total = available;
	if (header < 20 || total < header || total > available)
		return false;
	packet->key.ipv6 = false;
	packet->key.protocol = get8(rest, 9);
	packet->key.address = rest->bytes + rest->at + (hook == ORACLE_EGRESS ? 16 : 12);
	packet->fragment = (get16(rest, 6) & 0x3fff) != 0;
	offset = (size_t)(get16(rest, 6) & 0x1fff) * 8;
	if (offset > 0) {
		if (offset + total > 65535)
			return false;
		return !(packet->key.protocol == TCP && offset == 8);
	}
	payload.at = rest->at + header;
	payload.end = rest->at + total;
	return parse_layer4(&payload, packet->fragment, packet);
}

static bool is_extension(int protocol)
{
	return protocol == HOP_BY_HOP || protocol == ROUTING || protocol == FRAGMENT ||
	       protocol == AUTHENTICATION || protocol == DESTINATION_OPTIONS;
}

static bool parse_ipv6(const struct rest *rest, const struct oracle_frame *frame,
		       enum oracle_hook hook, struct oracle_packet *packet)
{
	struct rest payload = *rest;
	bool has_fragment_header = false;
	size_t length, start, offset = 0;

	if (!has(rest, 40) || get8(rest, 0) >> 4 != 6)
		return false;
	payload.at = start = rest->at + 40;
	length = (size_t)get16(rest, 4);
	if (length == 0 && frame->segmented)
		length = rest->end - start;
	if (!has(&payload, length))
		return false;
	payload.end = start + length;
	packet->key.ipv6 = true;
	packet->key.protocol = get8(rest, 6);
	packet->hop_limit = get8(rest, 7);
	packet->key.address = rest->bytes + rest->at + (hook == ORACLE_EGRESS ? 24 : 8);

	for (int number = 1; is_extension(packet->key.protocol); number++) {
		int type = packet->key.protocol;
		size_t size = 8;

		if (number > 8 || !has(&payload, 8) || (type == HOP_BY_HOP && number != 1))
			return false;
		packet->key.protocol = get8(&payload, 0);
		if (type == AUTHENTICATION)
			size = ((size_t)get8(&payload, 1) + 2) * 4;
		else if (type != FRAGMENT)
			size = ((size_t)get8(&payload, 1) + 1) * 8;
		if (!has(&payload, size))
			return false;
		if (type == FRAGMENT) {
			if (has_fragment_header)
				return false;
			has_fragment_header = true;
			packet->fragment = (get16(&payload, 2) & 0xfff9) != 0;
			offset = (size_t)(get16(&payload, 2) & 0xfff8);
			/* Put together it has all these headers and bytes, but not this header. */
			if (offset + length - 8 > 65535)
				return false;
			if (offset > 0)
				return !(packet->key.protocol == TCP && offset == 8);
		}
		payload.at += size;
	}
	return parse_layer4(&payload, packet->fragment, packet);
}

bool oracle_parse(const struct oracle_frame *frame, enum oracle_hook hook,
		  struct oracle_packet *packet, enum oracle_reason *reason)
{
	struct rest rest = {.bytes = frame->bytes, .at = 0, .end = frame->length};
	int tags = frame->tags_beside, type;
	bool well_formed;

	*packet = (struct oracle_packet){0};
	*reason = ORACLE_MALFORMED;
	if (!has(&rest, 14))
		return false;
	type = get16(&rest, 12);
	rest.at = 14;
	while (type == VLAN || type == SERVICE_VLAN) {
		if (++tags > 2 || !has(&rest, 4))
			return false;
		type = get16(&rest, 2);
		rest.at += 4;
	}
	if (type == IPV4) {
		well_formed = parse_ipv4(&rest, frame, hook, packet);
	} else if (type == IPV6) {
		well_formed = parse_ipv6(&rest, frame, hook, packet);
	} else {
		*reason = ORACLE_NON_IP;
		return false;
	}
	return well_formed;
}
