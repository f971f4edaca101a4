/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * `bgo-lab flood`: UDP packets, or TCP SYNs, from many source addresses into one interface, by
 * running flood.bpf.c on live frames: millions a second from one CPU. The other end of a veth must
 * run XDP or have GRO on, or the packets vanish. What the receiver counts is the truth, not what
 * was sent.
 */
#include <arpa/inet.h>
#include <bpf/bpf.h>
#include <errno.h>
#include <inttypes.h>
#include <linux/if_ether.h>
#include <linux/ip.h>
#include <linux/ipv6.h>
#include <linux/tcp.h>
#include <linux/udp.h>
#include <net/if.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../src/cidr.h"
#include "../src/cleanup.h"
#include "../src/log.h"
#include "flood.h"
#include "flood.skel.h"
#include "frame.h"
#include "lab.h"

#define PAYLOAD_BYTES 22 /* of UDP over IPv4 a frame of 64 bytes */
#define LIVE_BATCH 64
#define CHUNK 262144 /* each takes the kernel milliseconds to begin and to end */

struct flood {
	const char *interface, *destination, *to_mac;
	struct flood_source sources[FLOOD_SOURCES];
	uint32_t source_count;
	bool has_ranges, is_ipv6, is_tcp, json;
	uint32_t port;
	uint64_t pps;	  /* 0: as fast as possible */
	uint64_t packets; /* 0: as many as fit into the seconds */
	double seconds;
};

struct flood_result {
	uint64_t packets, elapsed_ns;
	uint64_t run_ns; /* in which the sender did send, nothing else */
};

static int add_source(struct flood *flood, const char *text)
{
	struct flood_source *source = &flood->sources[flood->source_count];
	struct rule rule = {0};
	const char *error;
	unsigned int host_bits;

	if (flood->source_count == FLOOD_SOURCES)
		return lab_usage("flood", "more than %d sources", FLOOD_SOURCES);
	if (cidr_parse(text, strlen(text), &rule, &error))
		return lab_usage("flood", "source \"%s\": %s", text, error);
	if (flood->has_ranges && flood->is_ipv6 != (rule.family == FAMILY_IPV6))
		return lab_usage("flood", "sources of one family are needed");
	flood->has_ranges = true;
	flood->is_ipv6 = rule.family == FAMILY_IPV6;
	host_bits = (flood->is_ipv6 ? 128 : 32) - rule.prefix_len;
	for (int i = 0; flood->is_ipv6 && i < 4; i++)
		source->first_be[i] = htonl(rule.addr_host[i]);
	source->last_word_host = rule.addr_host[flood->is_ipv6 ? 3 : 0];
	source->mask = host_bits >= 32 ? UINT32_MAX : (1u << host_bits) - 1;
	source->first_be[3] = htonl(source->last_word_host);
	flood->source_count++;
	return 0;
}

/* FIRST+COUNT[/CLUSTER]: random addresses of so many numbers, of the destination's family. */
static int add_numbers(struct flood *flood, const char *text)
{
	struct flood_source *source = &flood->sources[flood->source_count];
	int end = 0, clustered_end = 0;

	if (flood->source_count == FLOOD_SOURCES)
		return lab_usage("flood", "more than %d sources", FLOOD_SOURCES);
	source->cluster = 1;
	sscanf(text, "%u+%u%n/%u%n", &source->first_number, &source->numbers, &end,
	       &source->cluster, &clustered_end);
	if (!end || text[clustered_end ? clustered_end : end] || !source->numbers ||
	    !source->cluster || source->cluster & (source->cluster - 1))
		return lab_usage("flood",
				 "numbers are FIRST+COUNT or FIRST+COUNT/CLUSTER, which is a power "
				 "of two, not \"%s\"",
				 text);
	flood->source_count++;
	return 0;
}

/* What a checksum in the frame covers, added up. */
static uint32_t covered(const struct frame *frame, size_t check)
{
	return (uint16_t) ~(frame->bytes[check] << 8 | frame->bytes[check + 1]);
}

/* The frame all others are made from; its checksums without the source address are the base. */
static int make_frame(const struct flood *flood, struct frame *frame,
		      struct flood_settings *settings)
{
	const size_t l4 = ETH_HLEN +
			  (flood->is_ipv6 ? sizeof(struct ipv6hdr) : sizeof(struct iphdr)),
		     check = l4 + (flood->is_tcp ? offsetof(struct tcphdr, check)
						 : offsetof(struct udphdr, check));
	const char *error, *word;
	char words[256];

	snprintf(words, sizeof(words), "src=%s dst=%.64s dmac=%.32s proto=%s dport=%u payload=%d",
		 flood->is_ipv6 ? "::" : "0.0.0.0", flood->destination, flood->to_mac,
		 flood->is_tcp ? "tcp" : "udp", flood->port, PAYLOAD_BYTES);
	if (frame_parse(words, frame, &error, &word))
		return lab_usage("flood", "%s: %s", word, error);
	memcpy(settings->headers, frame->bytes, FLOOD_HEADER_BYTES);
	settings->ip_sum = covered(frame, ETH_HLEN + offsetof(struct iphdr, check));
	settings->l4_sum = covered(frame, check);
	/* No checksum, which UDP over IPv4 allows. */
	if (!flood->is_ipv6 && !flood->is_tcp)
		settings->headers[check / 2] = 0;
	return 0;
}

static struct flood_bpf *load_generator(const struct flood *flood,
					const struct flood_settings *settings)
{
	struct flood_bpf *skeleton = flood_bpf__open();

	if (!skeleton) {
		log_error(-errno, "open the generator's program");
		return NULL;
	}
	skeleton->rodata->settings = *settings;
	memcpy((void *)skeleton->rodata->sources, flood->sources, sizeof(flood->sources));
	if (skeleton->rodata->settings.ifindex && !flood_bpf__load(skeleton))
		return skeleton;
	log_error(-errno, "load the generator's program for %s", flood->interface);
	flood_bpf__destroy(skeleton);
	return NULL;
}

/* Adds to *run_ns how long the frames took, without what the kernel does before and after them. */
static int send_chunk(struct flood_bpf *skeleton, const struct frame *frame, uint32_t packets,
		      uint64_t *run_ns)
{
	LIBBPF_OPTS(bpf_test_run_opts, options, .data_in = frame->bytes,
		    .data_size_in = frame->length, .repeat = packets,
		    .flags = BPF_F_TEST_XDP_LIVE_FRAMES, .batch_size = LIVE_BATCH);

	if (bpf_prog_test_run_opts(bpf_program__fd(skeleton->progs.flood), &options))
		return log_error(-errno, "run the generator on live frames");
	*run_ns += (uint64_t)options.duration * packets;
	return 0;
}

/* How many packets are due now, at least one: a paced flood catches up with the clock. */
static uint64_t wait_until_due(const struct flood *flood, uint64_t start, uint64_t sent)
{
	uint64_t next = start + (sent + 1) * 1000000000ULL / flood->pps;
	struct timespec at = {next / 1000000000ULL, next % 1000000000ULL};
	uint64_t due;

	clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &at, NULL);
	due = (monotonic_ns() - start) * flood->pps / 1000000000ULL - sent;
	return due ?: 1;
}

static int send_all(const struct flood *flood, struct flood_bpf *skeleton,
		    const struct frame *frame, struct flood_result *result)
{
	uint64_t start = monotonic_ns(), end = start + flood->seconds * 1e9;

	while (flood->packets ? result->packets < flood->packets : monotonic_ns() < end) {
		uint64_t chunk = flood->pps ? wait_until_due(flood, start, result->packets) : CHUNK;
		int err;

		if (flood->packets && chunk > flood->packets - result->packets)
			chunk = flood->packets - result->packets;
		err = send_chunk(skeleton, frame, chunk, &result->run_ns);

		if (err)
			return err;
		result->packets += chunk;
	}
	result->elapsed_ns = monotonic_ns() - start;
	return 0;
}

static int flood_run(struct flood *flood)
{
	struct flood_settings settings = {
		.ifindex = if_nametoindex(flood->interface),
		.is_ipv6 = flood->is_ipv6,
		.is_tcp = flood->is_tcp,
		.source_count = flood->source_count,
		.first_turn = (uint32_t)monotonic_ns(),
	};
	struct flood_bpf *skeleton;
	struct flood_result sent = {0};
	struct frame frame = {0};
	int err;

	err = make_frame(flood, &frame, &settings);
	if (err)
		return err;
	skeleton = load_generator(flood, &settings);
	if (!skeleton)
		return EXIT_FAILURE;
	err = send_all(flood, skeleton, &frame, &sent);
	flood_bpf__destroy(skeleton);
	if (err)
		return EXIT_FAILURE;
	if (flood->json)
		printf("{\"packets\": %" PRIu64 ", \"seconds\": %.6f, \"pps\": %.0f, "
		       "\"run_seconds\": %.6f}\n",
		       sent.packets, sent.elapsed_ns / 1e9, sent.packets * 1e9 / sent.elapsed_ns,
		       sent.run_ns / 1e9);
	else
		printf("sent %" PRIu64 " packets in %.3f s, %.0f packets/s\n", sent.packets,
		       sent.elapsed_ns / 1e9, sent.packets * 1e9 / sent.elapsed_ns);
	return EXIT_SUCCESS;
}

static int set_option(void *target, int option, const char *value)
{
	struct flood *flood = target;
	const char *end = "";

	switch (option) {
	case 'i':
		flood->interface = value;
		break;
	case 'd':
		flood->destination = value;
		break;
	case 'm':
		flood->to_mac = value;
		break;
	case 's':
		return add_source(flood, value);
	case 'n':
		return add_numbers(flood, value);
	case 'p':
		flood->port = strtoul(value, (char **)&end, 10);
		break;
	case 'r':
		flood->pps = strtoull(value, (char **)&end, 10);
		break;
	case 'c':
		flood->packets = strtoull(value, (char **)&end, 10);
		break;
	case 't':
		flood->seconds = strtod(value, (char **)&end);
		break;
	case 'y':
		flood->is_tcp = true;
		break;
	default:
		flood->json = true;
	}
	if (*end || flood->port > 65535 || !(flood->seconds > 0 && flood->seconds < 86400))
		return lab_usage("flood", "not a number that can be used: \"%s\"", value);
	return 0;
}

int cmd_flood(int argc, char **argv)
{
	static const struct option known[] = {
		{"interface", required_argument, NULL, 'i'},
		{"destination", required_argument, NULL, 'd'},
		{"to-mac", required_argument, NULL, 'm'},
		{"source", required_argument, NULL, 's'},
		{"numbers", required_argument, NULL, 'n'},
		{"port", required_argument, NULL, 'p'},
		{"pps", required_argument, NULL, 'r'},
		{"packets", required_argument, NULL, 'c'},
		{"seconds", required_argument, NULL, 't'},
		{"syn", no_argument, NULL, 'y'},
		{"json", no_argument, NULL, 'j'},
		{0},
	};
	struct flood flood = {.port = 9, .seconds = 1};
	int err;

	err = lab_options(argc, argv, known, set_option, &flood);
	if (err)
		return err;
	if (!flood.interface || !flood.destination || !flood.to_mac || !flood.source_count)
		return lab_usage("flood",
				 "--interface, --destination, --to-mac and --source are needed");
	if (!flood.has_ranges)
		flood.is_ipv6 = strchr(flood.destination, ':');
	return flood_run(&flood);
}
