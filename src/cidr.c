/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Addresses and prefixes as text. IPv4 is read by hand: lists of a million lines come through here,
 * and inet_pton() wants a copy that ends in NUL.
 */
#include "cidr.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "decimal.h"

static const char *read_ipv4(const char *at, const char *end, uint32_t *addr_host)
{
	uint32_t addr = 0, byte;

	for (int i = 0; i < 4; i++) {
		if (i) {
			if (at == end || *at != '.')
				return NULL;
			at++;
		}
		at = decimal_read(at, end, 255, &byte);
		if (!at)
			return NULL;
		addr = addr << 8 | byte;
	}
	*addr_host = addr;
	return at;
}

static const char *read_ipv6(const char *at, const char *end, uint32_t addr_host[static 4])
{
	char text[INET6_ADDRSTRLEN];
	struct in6_addr addr;
	const char *slash = memchr(at, '/', (size_t)(end - at));
	const size_t length = (size_t)((slash ? slash : end) - at);

	if (length >= sizeof(text) || memchr(at, '\0', length))
		return NULL;
	memcpy(text, at, length);
	text[length] = '\0';
	if (inet_pton(AF_INET6, text, &addr) != 1)
		return NULL;
	for (int word = 0; word < 4; word++)
		addr_host[word] = ntohl(addr.s6_addr32[word]);
	return at + length;
}

/* Clears what lies behind the prefix, in each word the bits that are its own. */
static void mask_address(uint32_t addr_host[static 4], uint32_t prefix_len)
{
	for (uint32_t word = 0; word < 4; word++) {
		uint32_t bits = prefix_len > 32 * word ? prefix_len - 32 * word : 0;

		if (bits < 32)
			addr_host[word] &= bits ? ~0u << (32 - bits) : 0;
	}
}

static int refuse(const char **error, const char *why)
{
	*error = why;
	return -EINVAL;
}

int cidr_parse(const char *text, size_t length, struct rule *rule, const char **error)
{
	const bool is_ipv6 = memchr(text, ':', length) != NULL;
	const char *const end = text + length;
	uint32_t addr_host[4] = {0}, prefix_len = is_ipv6 ? 128 : 32;
	const char *at;

	if (!length)
		return refuse(error, "no address");
	at = is_ipv6 ? read_ipv6(text, end, addr_host) : read_ipv4(text, end, addr_host);
	if (!at)
		return refuse(
			error,
			is_ipv6 ? "not an IPv6 address"
				: "not an IPv4 address (four numbers 0 to 255, no leading zeros)");
	if (at < end && *at == '/') {
		at = decimal_read(at + 1, end, prefix_len, &prefix_len);
		if (!at)
			return refuse(error, is_ipv6 ? "not a prefix length of 0 to 128"
						     : "not a prefix length of 0 to 32");
	}
	if (at != end)
		return refuse(error, "text after the address");
	mask_address(addr_host, prefix_len);
	memcpy(rule->addr_host, addr_host, sizeof(addr_host));
	rule->family = is_ipv6 ? FAMILY_IPV6 : FAMILY_IPV4;
	rule->prefix_len = (uint8_t)prefix_len;
	return 0;
}

bool cidr_contains(const struct rule *outer, const struct rule *inner)
{
	uint32_t addr_host[4];

	if (outer->family != inner->family || outer->prefix_len > inner->prefix_len)
		return false;
	memcpy(addr_host, inner->addr_host, sizeof(addr_host));
	mask_address(addr_host, outer->prefix_len);
	return memcmp(addr_host, outer->addr_host, sizeof(addr_host)) == 0;
}

void cidr_format(const struct rule *rule, char text[static CIDR_TEXT_BYTES])
{
	const uint32_t addr = rule->addr_host[0];
	char address[INET6_ADDRSTRLEN];
	struct in6_addr addr6;

	if (rule->family == FAMILY_IPV4) {
		snprintf(text, CIDR_TEXT_BYTES, "%u.%u.%u.%u/%u", addr >> 24, addr >> 16 & 255,
			 addr >> 8 & 255, addr & 255, rule->prefix_len);
		return;
	}
	for (int word = 0; word < 4; word++)
		addr6.s6_addr32[word] = htonl(rule->addr_host[word]);
	inet_ntop(AF_INET6, &addr6, address, sizeof(address));
	snprintf(text, CIDR_TEXT_BYTES, "%s/%u", address, rule->prefix_len);
}
