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
#include <linux/tcp.h>
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

static __always_inline void copy_headers(void *frame, __u32 first, __u32 end)
{
	for (__u32 i = first / 2; i < end / 2; i++)
		((__u16 *)frame)[i] = settings.headers[i];
}

/* Up to the last header, whose checksum this returns: NULL when it is not in the frame. */
static __always_inline __u16 *write_headers(void *packet, void *end, __u32 ip_bytes)
{
	const __u32 before = sizeof(struct ethhdr) + ip_bytes;
	void *frame = packet - sizeof(struct ethhdr);
	struct udphdr *udp = packet + ip_bytes;
	struct tcphdr *tcp = packet + ip_bytes;

	if ((void *)(udp + 1) > end)
		return NULL;
	copy_headers(frame, 0, before + sizeof(*udp));
	if (!settings.is_tcp)
		return &udp->check;
	if ((void *)(tcp + 1) > end)
		return NULL;
	copy_headers(frame, before + sizeof(*udp), before + sizeof(*tcp));
	return &tcp->check;
}

static __always_inline int send_ipv4(void *packet, void *end, __u32 source_be)
{
	struct iphdr *ip = packet;
	__u16 *check = write_headers(packet, end, sizeof(*ip));

	if (!check)
		return XDP_ABORTED;
	ip->saddr = source_be;
	ip->check = checksum_of(settings.ip_sum, &source_be, 1);
	if (settings.is_tcp)
		*check = checksum_of(settings.l4_sum, &source_be, 1);
	return bpf_redirect(settings.ifindex, 0);
}

static __always_inline int send_ipv6(void *packet, void *end, const __u32 source_be[4])
{
	struct ipv6hdr *ip = packet;
	__u16 *check = write_headers(packet, end, sizeof(*ip));

	if (!check)
		return XDP_ABORTED;
	__builtin_memcpy(&ip->saddr, source_be, sizeof(ip->saddr));
	*check = checksum_of(settings.l4_sum, source_be, 4);
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
		address_be[3] = bpf_htonl(clustered_word(number, source->cluster, 0, 0));
		return;
	}
	for (int word = 0; word < 4; word++)
		address_be[word] = bpf_htonl(clustered_word(number, source->cluster, word, 3));
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
