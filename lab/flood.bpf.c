/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The generator: run on live frames, it gives each frame the next source address, repairs the
 * checksum that covers it and sends the frame out of an interface. Frames come back as whoever got
 * them left them, so all headers are written each time.
 */
#include <linux/bpf.h>
#include <linux/if_ether.h>
#include <linux/ip.h>
#include <linux/ipv6.h>
#include <linux/udp.h>
#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>

#include "flood.h"
#include "numbered.h"

const volatile struct flood_settings settings;
const volatile struct flood_source sources[FLOOD_SOURCES];

/* One CPU runs the generator, so the counter needs no atomic. */
__u32 sequence;

static __always_inline __u16 checksum_of(__u32 sum, const __u32 *words_be, int count)
{
	for (int i = 0; i < count; i++)
		sum += (bpf_ntohl(words_be[i]) >> 16) + (bpf_ntohl(words_be[i]) & 0xffff);
	sum = (sum & 0xffff) + (sum >> 16);
	sum = (sum & 0xffff) + (sum >> 16);
	return bpf_htons(~sum & 0xffff);
}

static __always_inline void copy_headers(void *frame, __u32 ip_bytes)
{
	const __u32 words = (sizeof(struct ethhdr) + ip_bytes + sizeof(struct udphdr)) / 2;

	for (__u32 i = 0; i < words; i++)
		((__u16 *)frame)[i] = settings.headers[i];
}

static __always_inline int send_ipv4(void *packet, void *end, __u32 source_be)
{
	struct iphdr *ip = packet;

	if ((void *)(ip + 1) + sizeof(struct udphdr) > end)
		return XDP_ABORTED;
	copy_headers(packet - sizeof(struct ethhdr), sizeof(*ip));
	ip->saddr = source_be;
	ip->check = checksum_of(settings.base_sum, &source_be, 1);
	return bpf_redirect(settings.ifindex, 0);
}

static __always_inline int send_ipv6(void *packet, void *end, const __u32 source_be[4])
{
	struct ipv6hdr *ip = packet;
	struct udphdr *udp = (void *)(ip + 1);

	if ((void *)(udp + 1) > end)
		return XDP_ABORTED;
	copy_headers(packet - sizeof(struct ethhdr), sizeof(*ip));
	__builtin_memcpy(&ip->saddr, source_be, sizeof(ip->saddr));
	udp->check = checksum_of(settings.base_sum, source_be, 4);
	return bpf_redirect(settings.ifindex, 0);
}

static __always_inline void source_address(const volatile struct flood_source *source, __u32 turn,
					   __u32 address_be[4])
{
	__u32 number;

	if (!source->numbers) {
		for (int word = 0; word < 3; word++)
			address_be[word] = source->first_be[word];
		address_be[3] = bpf_htonl(source->last_word_host + (turn & source->mask));
		return;
	}
	number = numbered_pick(settings.first_turn + turn, source->first_number, source->numbers);
	if (!settings.is_ipv6) {
		address_be[3] = bpf_htonl(numbered_word(number, 0));
		return;
	}
	for (int word = 0; word < 4; word++)
		address_be[word] = bpf_htonl(numbered_word(number, word));
}

SEC("xdp")
int flood(struct xdp_md *ctx)
{
	void *packet = (void *)(long)ctx->data + sizeof(struct ethhdr);
	void *end = (void *)(long)ctx->data_end;
	__u32 n = sequence++;
	__u32 chosen = n % settings.source_count & (FLOOD_SOURCES - 1);
	__u32 address_be[4] = {};

	source_address(&sources[chosen], n / settings.source_count, address_be);
	if (settings.is_ipv6)
		return send_ipv6(packet, end, address_be);
	return send_ipv4(packet, end, address_be[3]);
}

char _license[] SEC("license") = "GPL";
