/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Sends frames into one interface and says which came out of another, behind XDP and TC. Nothing is
 * guessed from silence: behind each frame goes a control frame that no firewall rule concerns (it
 * is not IP). Frames of one sender stay in order, so what has not come when the control has, was
 * dropped; and when the control itself does not come the probe fails, whatever was expected.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <linux/if_ether.h>
#include <poll.h>
#include <sched.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "../src/cleanup.h"
#include "../src/log.h"
#include "frame.h"
#include "lab.h"
#include "netns.h"

#define CONTROL_ETHERTYPE 0x88b5 /* IEEE 802 local experimental */
#define CONTROL_TIMEOUT_MS 15000

/*
 * The second control is for generic receive offload: it hands over TCP packets it held back behind
 * those that arrived after them, but always before the end of the same poll.
 */
#define CONTROLS 2

struct probe {
	const char *from, *to;
	const char *expect; /* "passed", "dropped"; NULL: just tell */
	int send_fd;
	int control_fd;
	uint32_t nonce;
	uint32_t sequence;
};

struct control {
	uint32_t nonce, sequence;
};

static int send_control(struct probe *probe)
{
	struct frame frame;
	struct control control = {probe->nonce, ++probe->sequence};
	const char *error, *word;

	if (frame_parse("ethertype=0x88b5", &frame, &error, &word))
		return -EINVAL;
	memcpy(frame.bytes + frame.network, &control, sizeof(control));
	return send(probe->send_fd, frame.bytes, frame.length, 0) < 0 ? -errno : 0;
}

/* Sends a control frame and waits for it: what was sent before has then arrived or never will. */
static int flush_path(struct probe *probe)
{
	struct pollfd wait = {.fd = probe->control_fd, .events = POLLIN};
	struct control got;
	int err = send_control(probe);

	if (err)
		return log_error(err, "send into %s", probe->from);
	while (poll(&wait, 1, CONTROL_TIMEOUT_MS) > 0)
		if (recv(probe->control_fd, &got, sizeof(got), 0) == sizeof(got) &&
		    got.nonce == probe->nonce && got.sequence == probe->sequence)
			return 0;
	return log_error(-ETIMEDOUT, "no control frame came from %s to %s: the path is broken",
			 probe->from, probe->to);
}

/* Ethernet pads short frames, so what came may be longer. */
static bool received(int fd, const struct frame *frame)
{
	const uint8_t *wanted = frame->bytes + frame->network;
	size_t length = frame->length - frame->network;
	uint8_t bytes[FRAME_MAX_BYTES];
	ssize_t got;

	while ((got = recv(fd, bytes, sizeof(bytes), MSG_DONTWAIT)) >= 0)
		if ((size_t)got >= length && !memcmp(bytes, wanted, length))
			return true;
	return false;
}

/* Returns 1 when the frame passed, 0 when it was dropped, or negative errno. */
static int probe_frame(struct probe *probe, const struct frame *frame)
{
	_cleanup_close_ int fd = -1;
	struct interface interface;
	int err = 0;

	fd = netns_packet_socket(probe->to, SOCK_DGRAM, htons(frame->ethertype_host), &interface);
	if (fd < 0)
		return fd;
	/* ENOBUFS is how the kernel says that TC egress dropped it. */
	if (send(probe->send_fd, frame->bytes, frame->length, 0) < 0 && errno != ENOBUFS)
		return log_error(-errno, "send into %s", probe->from);
	for (int i = 0; i < CONTROLS && !err; i++)
		err = flush_path(probe);
	return err ?: received(fd, frame);
}

static int probe_all(struct probe *probe, char **texts, int count)
{
	int unexpected = 0;

	for (int i = 0; i < count; i++) {
		struct frame frame;
		const char *error, *word, *outcome;
		int passed;

		if (frame_parse(texts[i], &frame, &error, &word))
			return lab_usage("probe", "\"%s\" at \"%s\": %s\n%s", texts[i], word, error,
					 frame_help);
		passed = probe_frame(probe, &frame);
		if (passed < 0)
			return EXIT_FAILURE;
		outcome = passed ? "passed" : "dropped";
		if (!probe->expect)
			printf("%s %s\n", outcome, texts[i]);
		else if (strcmp(probe->expect, outcome))
			printf("%s, not %s: %s (packet %d)\n", outcome, probe->expect, texts[i],
			       ++unexpected);
	}
	return unexpected ? EXIT_FAILURE : EXIT_SUCCESS;
}

/* One CPU sends all, so that the frames take one way through the kernel. */
static void stay_on_this_cpu(void)
{
	cpu_set_t one;
	int cpu = sched_getcpu();

	CPU_ZERO(&one);
	CPU_SET(cpu < 0 ? 0 : cpu, &one);
	sched_setaffinity(0, sizeof(one), &one);
}

static int probe_open(struct probe *probe)
{
	struct interface interface;

	probe->nonce = (uint32_t)monotonic_ns() ^ getpid();
	stay_on_this_cpu();
	probe->send_fd = netns_packet_socket(probe->from, SOCK_RAW, 0, &interface);
	if (probe->send_fd < 0)
		return probe->send_fd;
	probe->control_fd =
		netns_packet_socket(probe->to, SOCK_DGRAM, htons(CONTROL_ETHERTYPE), &interface);
	return probe->control_fd < 0 ? probe->control_fd : 0;
}

static void probe_close(struct probe *probe)
{
	cleanup_close(&probe->send_fd);
	cleanup_close(&probe->control_fd);
}

static int set_option(void *target, int option, const char *value)
{
	struct probe *probe = target;

	if (option == 'f')
		probe->from = value;
	else if (option == 't')
		probe->to = value;
	else if (strcmp(value, "passed") && strcmp(value, "dropped"))
		return lab_usage("probe", "--expect takes passed or dropped, not \"%s\"", value);
	else
		probe->expect = value;
	return 0;
}

int cmd_probe(int argc, char **argv)
{
	static const struct option known[] = {
		{"from", required_argument, NULL, 'f'},
		{"to", required_argument, NULL, 't'},
		{"expect", required_argument, NULL, 'e'},
		{0},
	};
	_cleanup_(probe_close) struct probe probe = {.send_fd = -1, .control_fd = -1};
	int err;

	err = lab_options(argc, argv, known, set_option, &probe);
	if (err)
		return err;
	if (!probe.from || !probe.to || optind == argc)
		return lab_usage("probe", "--from, --to and a frame are needed\n%s", frame_help);
	if (probe_open(&probe))
		return EXIT_FAILURE;
	return probe_all(&probe, argv + optind, argc - optind);
}
