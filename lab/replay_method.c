/* SPDX-License-Identifier: GPL-2.0-or-later */
/* How replay gets a packet through a program, see replay.h. */
#include "replay.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <linux/if_ether.h>
#include <linux/if_link.h>
#include <linux/ipv6.h>
#include <linux/pkt_cls.h>
#include <net/if.h>
#include <sched.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>

#include "../src/cleanup.h"
#include "../src/log.h"
#include "lab.h"
#include "netns.h"

/* What native XDP on a veth takes without fragments, the headroom subtracted from a page. */
#define VETH_MTU "3400"
#define TEST_RUN_BYTES 3400
/* A test run at TC must hold the IP header that the Ethernet header promises. */
#define TC_TEST_RUN_BYTES_MIN (sizeof(struct ethhdr) + sizeof(struct ipv6hdr))
#define DELIVERY_TIMEOUT_S 15

/* The end with the program on it is "server": ingress packets come from its peer, egress ones from
 * it. */
/*
 * An interface that was set up takes packets only when the kernel's link watch has given it a
 * queue, and loses them in silence until then. It does so right behind "operstate up", holding the
 * lock that the last commands wait for.
 */
static const char veth_commands[] =
	"sysctl -q -w net.ipv6.conf.all.disable_ipv6=1 net.ipv6.conf.default.disable_ipv6=1 && "
	"ip link add client mtu " VETH_MTU " type veth peer name server mtu " VETH_MTU " && "
	"ip link set client up arp off && ip link set server up arp off && "
	"ethtool -K server gro on && "
	"until grep -q up /sys/class/net/client/operstate && "
	"grep -q up /sys/class/net/server/operstate; do sleep 0.01; done && "
	"ip link set client up && ip link set server up";

static int attach_xdp(int program_fd, int ifindex)
{
	LIBBPF_OPTS(bpf_link_create_opts, options, .flags = XDP_FLAGS_DRV_MODE);
	int fd = bpf_link_create(program_fd, ifindex, BPF_XDP, &options);

	/* The link lives as long as this process, as does the namespace it is in. */
	return fd < 0 ? log_error(fd, "attach XDP to the veth pair") : 0;
}

static int attach_tc(int program_fd, int ifindex, enum bpf_tc_attach_point point)
{
	LIBBPF_OPTS(bpf_tc_hook, hook, .ifindex = ifindex, .attach_point = point);
	LIBBPF_OPTS(bpf_tc_opts, options, .prog_fd = program_fd, .handle = 1, .priority = 1);
	int err = bpf_tc_hook_create(&hook) ?: bpf_tc_attach(&hook, &options);

	return err ? log_error(err, "attach TC to the veth pair") : 0;
}

/* The interface goes up with packets of its own; from here on only ours count. */
static int count_seen(struct replay_method *method)
{
	struct last_verdict last;
	int err = programs_last_verdict(method->programs, method->hook, &last);

	method->seen = err ? 0 : last.count;
	return err;
}

int replay_veth_open(struct replay_method *method)
{
	int program_fd = programs_fd(method->programs, method->hook);
	struct interface interface;
	int ifindex, err;

	if (system(veth_commands)) /* a fixed text, nothing of the user's in it */
		return log_error(-EIO, "make a veth pair");
	ifindex = (int)if_nametoindex("server");
	if (method->hook == HOOK_XDP)
		err = attach_xdp(program_fd, ifindex);
	else
		err = attach_tc(program_fd, ifindex,
				method->hook == HOOK_INGRESS ? BPF_TC_INGRESS : BPF_TC_EGRESS);
	if (err)
		return err;
	method->send_fd = netns_packet_socket(method->hook == HOOK_EGRESS ? "server" : "client",
					      SOCK_RAW, 0, &interface);
	return method->send_fd < 0 ? method->send_fd : count_seen(method);
}

/* A packet on a veth is judged microseconds after it was sent, on a busy machine later. */
static int wait_for_verdict(struct replay_method *method, struct last_verdict *verdict)
{
	const uint64_t deadline_ns = monotonic_ns() + DELIVERY_TIMEOUT_S * 1000000000ULL;

	do {
		int err = programs_last_verdict(method->programs, method->hook, verdict);

		if (err)
			return err;
		if (verdict->count != method->seen)
			break;
		sched_yield();
	} while (monotonic_ns() <= deadline_ns);
	if (verdict->count != method->seen + 1)
		return log_error(-EIO, "%llu packets were judged where 1 was sent",
				 (unsigned long long)(verdict->count - method->seen));
	method->seen = verdict->count;
	return 0;
}

static int run_by_veth(struct replay_method *method, const void *packet, size_t length,
		       struct last_verdict *verdict, enum not_run *not_run)
{
	if (send(method->send_fd, packet, length, 0) < 0) {
		if (errno == EMSGSIZE) {
			*not_run = TOO_LONG;
			return 0;
		}
		/* ENOBUFS is how the kernel says that TC egress dropped it. */
		if (errno != ENOBUFS)
			return log_error(-errno, "send a packet of %zu bytes", length);
	}
	return wait_for_verdict(method, verdict);
}

static bool is_drop(enum hook hook, uint32_t returned)
{
	return hook == HOOK_XDP ? returned == XDP_DROP : returned == TC_ACT_SHOT;
}

static int run_by_test(struct replay_method *method, const void *packet, size_t length,
		       struct last_verdict *verdict, enum not_run *not_run)
{
	LIBBPF_OPTS(bpf_test_run_opts, options, .data_in = packet, .data_size_in = length,
		    .repeat = 1);
	int err = bpf_prog_test_run_opts(programs_fd(method->programs, method->hook), &options);

	if (err == -EMSGSIZE || (err == -EINVAL && length > TEST_RUN_BYTES)) {
		*not_run = TOO_LONG; /* a test run takes less than a page */
		return 0;
	}
	if (err == -EINVAL && method->hook != HOOK_XDP && length < TC_TEST_RUN_BYTES_MIN) {
		*not_run = TOO_SHORT;
		return 0;
	}
	if (err)
		return log_error(err, "test run of a packet of %zu bytes", length);
	err = programs_last_verdict(method->programs, method->hook, verdict);
	if (err)
		return err;
	if (is_drop(method->hook, options.retval) != !!(REASONS_DROPPED & 1u << verdict->reason))
		return log_error(-EIO, "the program returned %u, which is not the verdict it noted",
				 options.retval);
	return 0;
}

int replay_packet(struct replay_method *method, const void *packet, size_t length,
		  struct last_verdict *verdict, enum not_run *not_run)
{
	if (method->send_fd >= 0)
		return run_by_veth(method, packet, length, verdict, not_run);
	return run_by_test(method, packet, length, verdict, not_run);
}
