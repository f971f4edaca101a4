/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Builds frames from descriptions: Ethernet, tags, IP, extension headers, layer 4, from the outside
 * in. */
#include "packets.h"

#include <arpa/inet.h>
#include <assert.h>
#include <netinet/in.h>
#include <string.h>

static void put8(struct packet_bytes *out, uint8_t value)
{
	assert(out->length < sizeof(out->data));
	out->data[out->length++] = value;
}

static void put16(struct packet_bytes *out, uint32_t value)
{
	put8(out, value >> 8 & 0xff);
	put8(out, value & 0xff);
}

static void put_fill(struct packet_bytes *out, size_t count, uint8_t value)
{
	while (count--)
		put8(out, value);
}

static void set16(struct packet_bytes *out, size_t offset, uint32_t value)
{
	out->data[offset] = value >> 8 & 0xff;
	out->data[offset + 1] = value & 0xff;
}

static uint32_t given(uint32_t is, uint32_t right)
{
	return is == ZERO ? 0 : is ? is : right;
}

static bool is_ipv6(const struct packet_spec *spec)
{
	return strchr(spec->peer, ':');
}

static uint8_t protocol_of(const struct packet_spec *spec)
{
	return spec->protocol || spec->protocol_zero ? spec->protocol : IPPROTO_UDP;
}

static uint32_t sum16(uint32_t sum, const uint8_t *bytes, size_t count)
{
	for (size_t i = 0; i < count; i++)
		sum += i % 2 ? bytes[i] : (uint32_t)bytes[i] << 8;
	return sum;
}

static uint16_t fold(uint32_t sum)
{
	while (sum >> 16)
		sum = (sum & 0xffff) + (sum >> 16);
	return ~sum & 0xffff;
}

static size_t ipv4_header_bytes(const struct packet_spec *spec)
{
	uint32_t ihl = given(spec->ihl_is, 5);

	return ihl > 5 && !spec->options_missing ? ihl * 4 : 20;
}

static size_t extension_bytes(const struct extension_spec *extension)
{
	if (extension->type == IPPROTO_FRAGMENT)
		return 8;
	if (extension->type == IPPROTO_AH)
		return (extension->length + 2u) * 4;
	return (extension->length + 1u) * 8;
}

size_t packet_ip_offset(const struct packet_spec *spec)
{
	size_t offset = 14;

	for (int i = 0; i < PACKET_TAGS_MAX && spec->tags[i]; i++)
		offset += 4;
	return offset;
}

size_t packet_l4_offset(const struct packet_spec *spec)
{
	size_t offset = packet_ip_offset(spec);

	if (!is_ipv6(spec))
		return offset + ipv4_header_bytes(spec);
	offset += 40;
	for (int i = 0; i < PACKET_EXTENSIONS_MAX && spec->extensions[i].present; i++)
		offset += extension_bytes(&spec->extensions[i]);
	return offset;
}

static void put_address(struct packet_bytes *out, int family, const char *text)
{
	uint8_t address[16];
	size_t count = family == AF_INET ? 4 : 16;
	int parsed = inet_pton(family, text, address);

	assert(parsed == 1);
	(void)parsed;
	for (size_t i = 0; i < count; i++)
		put8(out, address[i]);
}

static void put_addresses(struct packet_bytes *out, const struct packet_spec *spec, bool outgoing)
{
	const int family = is_ipv6(spec) ? AF_INET6 : AF_INET;
	const char *host = is_ipv6(spec) ? HOST6 : HOST4;

	put_address(out, family, outgoing ? host : spec->peer);
	put_address(out, family, outgoing ? spec->peer : host);
}

static void put_ethernet(struct packet_bytes *out, const struct packet_spec *spec)
{
	static const uint8_t macs[12] = {2, 0, 0, 0, 0, 1, 2, 0, 0, 0, 0, 2};

	for (size_t i = 0; i < sizeof(macs); i++)
		put8(out, macs[i]);
	for (int i = 0; i < PACKET_TAGS_MAX && spec->tags[i]; i++) {
		put16(out, spec->tags[i]);
		put16(out, spec->vid);
	}
	put16(out, given(spec->ethertype_is, is_ipv6(spec) ? 0x86dd : 0x0800));
}

static void put_ipv4(struct packet_bytes *out, const struct packet_spec *spec, bool outgoing)
{
	const size_t header = out->length;

	put8(out, given(spec->version_is, 4) << 4 | given(spec->ihl_is, 5));
	put8(out, 0);
	put16(out, 0); /* total length: put_lengths() */
	put16(out, 1);
	put16(out, (spec->dont_fragment ? 0x4000 : 0) | (spec->more_fragments ? 0x2000 : 0) |
			   spec->fragment_offset / 8);
	put8(out, spec->hop_limit ? spec->hop_limit : 64);
	put8(out, protocol_of(spec));
	put16(out, 0);
	put_addresses(out, spec, outgoing);
	/* Options that would be other ports than the packet's, for who reads at 20 bytes. */
	put_fill(out, header + ipv4_header_bytes(spec) - out->length, 1);
}

static void put_ipv6(struct packet_bytes *out, const struct packet_spec *spec, bool outgoing)
{
	const struct extension_spec *extensions = spec->extensions;

	put8(out, given(spec->version_is, 6) << 4);
	put8(out, 0);
	put16(out, 0);
	put16(out, 0); /* payload length: put_lengths() */
	put8(out, extensions[0].present ? extensions[0].type : protocol_of(spec));
	put8(out, spec->hop_limit ? spec->hop_limit : 64);
	put_addresses(out, spec, outgoing);
	for (int i = 0; i < PACKET_EXTENSIONS_MAX && extensions[i].present; i++) {
		const bool last = i + 1 == PACKET_EXTENSIONS_MAX || !extensions[i + 1].present;
		const size_t start = out->length;

		put8(out, last ? protocol_of(spec) : extensions[i + 1].type);
		put8(out, extensions[i].length);
		if (extensions[i].type == IPPROTO_FRAGMENT)
			put16(out, extensions[i].offset | extensions[i].more);
		put_fill(out, start + extension_bytes(&extensions[i]) - out->length, 0);
	}
}

static void put_tcp(struct packet_bytes *out, const struct packet_spec *spec)
{
	const uint32_t words = given(spec->tcp_words_is, 5);

	put16(out, spec->from_port);
	put16(out, spec->port);
	put_fill(out, 8, 7); /* sequence and acknowledgement number */
	put8(out, words << 4);
	put8(out, 0x02); /* SYN */
	put16(out, 1024);
	put_fill(out, 4, 0);
	if (words > 5)
		put_fill(out, (words - 5) * 4, 1);
}

static void put_l4(struct packet_bytes *out, const struct packet_spec *spec)
{
	switch (protocol_of(spec)) {
	case IPPROTO_TCP:
		put_tcp(out, spec);
		break;
	case IPPROTO_UDP:
	case IPPROTO_UDPLITE:
		put16(out, spec->from_port);
		put16(out, spec->port);
		put16(out, given(spec->udp_length_is, 8u + spec->payload_bytes));
		put16(out, 0);
		break;
	case IPPROTO_SCTP:
	case IPPROTO_DCCP:
		put16(out, spec->from_port);
		put16(out, spec->port);
		put_fill(out, 8, 0);
		break;
	case IPPROTO_ICMP:
	case IPPROTO_ICMPV6:
		put8(out, spec->icmp_type);
		put8(out, spec->icmp_code);
		put_fill(out, 6, 0);
		break;
	default: /* bytes that would be ports of interest, were they read as such */
		put16(out, spec->from_port);
		put16(out, spec->port);
		put_fill(out, 4, 0);
	}
	put_fill(out, spec->payload_bytes, 'p');
}

/* A later fragment has data where the header would be: the same bytes, to catch who reads them. */
static void put_payload(struct packet_bytes *out, const struct packet_spec *spec)
{
	const size_t start = out->length;

	put_l4(out, spec);
	if (spec->cut_l4_to || spec->cut_l4_to_nothing)
		out->length = start + spec->cut_l4_to;
}

static void put_lengths(struct packet_bytes *out, const struct packet_spec *spec)
{
	const size_t ip = packet_ip_offset(spec);

	if (is_ipv6(spec)) {
		set16(out, ip + 4, given(spec->ip_length_is, out->length - ip - 40));
		return;
	}
	set16(out, ip + 2, given(spec->ip_length_is, out->length - ip));
	set16(out, ip + 10,
	      fold(sum16(spec->bad_checksum, out->data + ip, ipv4_header_bytes(spec))));
}

/* Where layer 4 keeps its checksum; 0: it has none that we compute. */
static size_t checksum_offset(const struct packet_spec *spec)
{
	switch (protocol_of(spec)) {
	case IPPROTO_TCP:
		return 16;
	case IPPROTO_UDP:
		return 6;
	case IPPROTO_ICMP:
	case IPPROTO_ICMPV6:
		return 2;
	default:
		return 0;
	}
}

static void put_l4_checksum(struct packet_bytes *out, const struct packet_spec *spec)
{
	const size_t ip = packet_ip_offset(spec), l4 = packet_l4_offset(spec);
	const size_t addresses = is_ipv6(spec) ? 32 : 8;
	const size_t at = checksum_offset(spec);
	uint32_t sum = 0;

	if (!at || out->length < l4 + at + 2)
		return;
	if (protocol_of(spec) != IPPROTO_ICMP) {
		sum = sum16(sum, out->data + ip + (is_ipv6(spec) ? 8 : 12), addresses);
		sum += protocol_of(spec) + (out->length - l4);
	}
	sum = sum16(sum, out->data + l4, out->length - l4);
	set16(out, l4 + at, fold(sum));
}

void packet_build(struct packet_bytes *out, const struct packet_spec *spec, bool outgoing)
{
	memset(out, 0, sizeof(*out));
	put_ethernet(out, spec);
	if (is_ipv6(spec))
		put_ipv6(out, spec, outgoing);
	else
		put_ipv4(out, spec, outgoing);
	put_payload(out, spec);
	put_lengths(out, spec);
	put_l4_checksum(out, spec);
	put_fill(out, spec->padding_bytes, 'x');
	if (spec->cut_to) {
		assert(spec->cut_to <= out->length);
		out->length = spec->cut_to;
	}
}
