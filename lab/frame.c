/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Frames from words, see frame.h: words fill a description, the description is laid out from the
 * front. */
#include "frame.h"

#include <arpa/inet.h>
#include <errno.h>
#include <net/ethernet.h>
#include <netinet/in.h>
#include <netinet/ip.h>
#include <netinet/ip6.h>
#include <netinet/tcp.h>
#include <netinet/udp.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

const char frame_help[] =
	"words of a frame:\n"
	"    src=ADDRESS dst=ADDRESS  IPv4 or IPv6, both of one family\n"
	"    proto=udp|tcp|icmp|N     (udp)\n"
	"    sport=N dport=N          ports (40000, 9)\n"
	"    type=N code=N            of ICMP or ICMPv6 (echo request)\n"
	"    ttl=N                    or hop limit (64)\n"
	"    fragment=N               fragment offset in bytes; more=1: more fragments follow\n"
	"    vlan=N                   a tag; twice: two tags\n"
	"    payload=N                bytes behind the headers (8)\n"
	"    smac=MAC dmac=MAC        (02:00:00:00:00:01, 02:00:00:00:00:02)\n"
	"    ethertype=N              a frame that is not IP, instead of the addresses\n"
	"    hex=DIGITS               the whole frame as it is, instead of all others\n";

#define MAX_TAGS 3

struct description {
	uint8_t smac[6], dmac[6];
	struct in6_addr src, dst; /* IPv4: in the first four bytes */
	int src_family, dst_family;
	uint32_t ethertype, protocol, sport, dport, type, code, ttl, fragment, more, payload;
	uint32_t tags[MAX_TAGS];
	bool icmp; /* of the addresses' family */
	bool has_type;
	int tag_count;
};

uint32_t checksum_add(uint32_t sum, const void *bytes, size_t length)
{
	const uint8_t *at = bytes;

	for (; length > 1; length -= 2, at += 2)
		sum += at[0] << 8 | at[1];
	if (length)
		sum += at[0] << 8;
	return sum;
}

uint16_t checksum_fold(uint32_t sum)
{
	while (sum >> 16)
		sum = (sum & 0xffff) + (sum >> 16);
	return ~sum;
}

static bool parse_uint(const char *text, uint32_t max, uint32_t *out)
{
	char *end;
	unsigned long value = strtoul(text, &end, 0);

	if (end == text || *end || value > max)
		return false;
	*out = value;
	return true;
}

static bool parse_mac(const char *text, uint8_t mac[6])
{
	int used = 0;

	return sscanf(text, "%2hhx:%2hhx:%2hhx:%2hhx:%2hhx:%2hhx%n", &mac[0], &mac[1], &mac[2],
		      &mac[3], &mac[4], &mac[5], &used) == 6 &&
	       !text[used];
}

static bool parse_address(const char *text, struct in6_addr *address, int *family)
{
	*family = strchr(text, ':') ? AF_INET6 : AF_INET;
	return inet_pton(*family, text, address) == 1;
}

static bool parse_protocol(const char *text, struct description *d)
{
	if (!strcmp(text, "udp"))
		d->protocol = IPPROTO_UDP;
	else if (!strcmp(text, "tcp"))
		d->protocol = IPPROTO_TCP;
	else if (!strcmp(text, "icmp"))
		d->icmp = true;
	else
		return parse_uint(text, 255, &d->protocol);
	return true;
}

static const char *parse_word(const char *name, const char *value, struct description *d)
{
	const struct {
		const char *name;
		uint32_t max;
		uint32_t *value;
	} numbers[] = {
		{"sport", 65535, &d->sport},
		{"dport", 65535, &d->dport},
		{"type", 255, &d->type},
		{"code", 255, &d->code},
		{"ttl", 255, &d->ttl},
		{"fragment", 65528, &d->fragment},
		{"more", 1, &d->more},
		{"payload", 1400, &d->payload},
		{"ethertype", 65535, &d->ethertype},
	};

	for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++)
		if (!strcmp(name, numbers[i].name)) {
			d->has_type |= numbers[i].value == &d->type;
			return parse_uint(value, numbers[i].max, numbers[i].value)
				       ? NULL
				       : "not such a number";
		}
	if (!strcmp(name, "src"))
		return parse_address(value, &d->src, &d->src_family) ? NULL : "not an address";
	if (!strcmp(name, "dst"))
		return parse_address(value, &d->dst, &d->dst_family) ? NULL : "not an address";
	if (!strcmp(name, "proto"))
		return parse_protocol(value, d) ? NULL : "not a protocol";
	if (!strcmp(name, "smac"))
		return parse_mac(value, d->smac) ? NULL : "not a MAC address";
	if (!strcmp(name, "dmac"))
		return parse_mac(value, d->dmac) ? NULL : "not a MAC address";
	if (!strcmp(name, "vlan") && d->tag_count < MAX_TAGS)
		return parse_uint(value, 4095, &d->tags[d->tag_count++]) ? NULL : "not a VLAN";
	return "not a word of a frame";
}

/* The kernel takes one VLAN tag off a frame it delivers; what follows is the protocol it has for
 * it. */
static void set_network(struct frame *frame)
{
	const uint8_t *bytes = frame->bytes;

	frame->network = ETH_HLEN;
	if (bytes[12] << 8 == (ETHERTYPE_VLAN & 0xff00) && !bytes[13] &&
	    frame->length >= ETH_HLEN + 4)
		frame->network += 4;
	frame->ethertype_host = bytes[frame->network - 2] << 8 | bytes[frame->network - 1];
}

static int parse_hex(const char *digits, struct frame *frame)
{
	size_t length = strlen(digits);

	if (length % 2 || length / 2 < ETH_HLEN || length / 2 > sizeof(frame->bytes))
		return -EINVAL;
	for (size_t i = 0; i < length / 2; i++)
		if (sscanf(digits + 2 * i, "%2hhx", &frame->bytes[i]) != 1)
			return -EINVAL;
	frame->length = length / 2;
	set_network(frame);
	return 0;
}

static void put(struct frame *frame, const void *bytes, size_t length)
{
	memcpy(frame->bytes + frame->length, bytes, length);
	frame->length += length;
}

static void put_be16(struct frame *frame, uint16_t value)
{
	value = htons(value);
	put(frame, &value, sizeof(value));
}

static void put_ethernet(struct frame *frame, const struct description *d)
{
	uint16_t type = d->ethertype ?: d->src_family == AF_INET6 ? ETHERTYPE_IPV6 : ETHERTYPE_IP;

	put(frame, d->dmac, 6);
	put(frame, d->smac, 6);
	for (int i = 0; i < d->tag_count; i++) {
		put_be16(frame, ETHERTYPE_VLAN);
		put_be16(frame, d->tags[i]);
	}
	put_be16(frame, type);
	set_network(frame);
}

static void put_ipv4(struct frame *frame, const struct description *d, size_t payload)
{
	struct iphdr ip = {
		.version = 4,
		.ihl = 5,
		.tot_len = htons(sizeof(ip) + payload),
		.frag_off = htons(d->fragment / 8 | (d->more ? IP_MF : 0)),
		.ttl = d->ttl,
		.protocol = d->protocol,
	};
	uint8_t *header;
	uint16_t check;

	memcpy(&ip.saddr, &d->src, 4);
	memcpy(&ip.daddr, &d->dst, 4);
	put(frame, &ip, sizeof(ip));
	header = frame->bytes + frame->length - sizeof(ip);
	check = htons(checksum_fold(checksum_add(0, header, sizeof(ip))));
	memcpy(header + offsetof(struct iphdr, check), &check, sizeof(check));
}

static void put_ipv6(struct frame *frame, const struct description *d, size_t payload)
{
	bool fragment = d->fragment || d->more;
	struct ip6_frag extension = {
		.ip6f_nxt = d->protocol,
		.ip6f_offlg = htons(d->fragment | d->more),
		.ip6f_ident = htonl(1),
	};
	struct ip6_hdr ip = {
		.ip6_flow = htonl(6 << 28),
		.ip6_plen = htons(payload + (fragment ? sizeof(extension) : 0)),
		.ip6_nxt = fragment ? IPPROTO_FRAGMENT : d->protocol,
		.ip6_hlim = d->ttl,
		.ip6_src = d->src,
		.ip6_dst = d->dst,
	};

	put(frame, &ip, sizeof(ip));
	if (fragment)
		put(frame, &extension, sizeof(extension));
}

/* Ports, or type and code; then the payload. A later fragment is payload only. */
static size_t build_transport(const struct description *d, uint8_t *out, size_t *checksum_at)
{
	size_t length = 0;

	*checksum_at = 0;
	if (d->fragment) {
		; /* the headers were in the first one */
	} else if (d->protocol == IPPROTO_UDP) {
		struct udphdr udp = {.source = htons(d->sport),
				     .dest = htons(d->dport),
				     .len = htons(sizeof(udp) + d->payload)};

		memcpy(out, &udp, length = sizeof(udp));
		*checksum_at = offsetof(struct udphdr, check);
	} else if (d->protocol == IPPROTO_TCP) {
		struct tcphdr tcp = {.source = htons(d->sport),
				     .dest = htons(d->dport),
				     .doff = 5,
				     .syn = 1,
				     .window = htons(1024)};

		memcpy(out, &tcp, length = sizeof(tcp));
		*checksum_at = offsetof(struct tcphdr, check);
	} else if (d->protocol == IPPROTO_ICMP || d->protocol == IPPROTO_ICMPV6) {
		uint8_t echo = d->protocol == IPPROTO_ICMP ? 8 : 128;
		uint8_t icmp[8] = {d->has_type ? d->type : echo, d->code};

		memcpy(out, icmp, length = sizeof(icmp));
		*checksum_at = 2;
	}
	for (uint32_t i = 0; i < d->payload; i++)
		out[length++] = i;
	return length;
}

static void put_packet(struct frame *frame, const struct description *d)
{
	size_t address_bytes = d->src_family == AF_INET6 ? 16 : 4;
	uint8_t transport[FRAME_MAX_BYTES];
	size_t checksum_at, length = build_transport(d, transport, &checksum_at);

	if (d->src_family == AF_INET6)
		put_ipv6(frame, d, length);
	else
		put_ipv4(frame, d, length);
	if (checksum_at) {
		uint32_t sum = checksum_add(0, transport, length);
		uint16_t check;

		if (d->protocol != IPPROTO_ICMP) {
			sum = checksum_add(sum, &d->src, address_bytes);
			sum = checksum_add(sum, &d->dst, address_bytes);
			sum += d->protocol + length;
		}
		check = htons(checksum_fold(sum));
		memcpy(transport + checksum_at, &check, sizeof(check));
	}
	put(frame, transport, length);
}

static const struct description defaults = {
	.smac = {2, 0, 0, 0, 0, 1},
	.dmac = {2, 0, 0, 0, 0, 2},
	.protocol = IPPROTO_UDP,
	.sport = 40000,
	.dport = 9,
	.ttl = 64,
	.payload = 8,
};

static const char *build(struct frame *frame, struct description *d)
{
	static const uint8_t filler[46];

	if (!d->ethertype && (!d->src_family || d->src_family != d->dst_family))
		return "src= and dst= of one family are needed";
	if (d->icmp)
		d->protocol = d->src_family == AF_INET6 ? IPPROTO_ICMPV6 : IPPROTO_ICMP;
	put_ethernet(frame, d);
	if (d->ethertype)
		put(frame, filler, sizeof(filler));
	else
		put_packet(frame, d);
	return NULL;
}

int frame_parse(const char *text, struct frame *frame, const char **error, const char **word)
{
	struct description d = defaults;
	char copy[2 * FRAME_MAX_BYTES + 16];
	char *rest = NULL;

	*frame = (struct frame){0};
	*word = text;
	*error = "too long";
	if (strlen(text) >= sizeof(copy))
		return -EINVAL;
	memcpy(copy, text, strlen(text) + 1);
	for (char *name = strtok_r(copy, " ", &rest); name; name = strtok_r(NULL, " ", &rest)) {
		char *value = strchr(name, '=');

		*word = text + (name - copy);
		*error = "not NAME=VALUE";
		if (!value)
			return -EINVAL;
		*value++ = '\0';
		if (!strcmp(name, "hex")) {
			*error = "not a frame in hexadecimal digits";
			return parse_hex(value, frame);
		}
		*error = parse_word(name, value, &d);
		if (*error)
			return -EINVAL;
	}
	*word = text;
	*error = build(frame, &d);
	return *error ? -EINVAL : 0;
}
