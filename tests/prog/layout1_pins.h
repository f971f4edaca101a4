/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The pins of a firewall that bgo of layout 1 left: after some changes, one of which its writer did
 * not live to commit, with resets, and with hits in both stripes. What fails here ends the test
 * program.
 */
#ifndef BGO_TESTS_LAYOUT1_PINS_H
#define BGO_TESTS_LAYOUT1_PINS_H

#include "../../src/layout1.h"

/* The old maps, as attached programs hold on to them. */
struct layout1_pins {
	int fds[LAYOUT1_MAP_COUNT];
};

#define LAYOUT1_MAX_RULES 600
#define LAYOUT1_STORE_ID 0x1234567890abcdefULL
#define LAYOUT1_GENERATION 1234

/* What `save` is to say of it, ... */
#define LAYOUT1_TEXT                                                                               \
	"bgo-rules 1\n"                                                                            \
	"policy xdp deny fragments match\n"                                                        \
	"policy ingress allow fragments match\n"                                                   \
	"policy egress allow fragments drop\n"                                                     \
	"rule xdp whitelist 3 192.0.2.0/24 port 22 proto tcp comment \"office ssh\"\n"             \
	"rule xdp whitelist 5 2001:db8::/32\n"                                                     \
	"next xdp whitelist 9\n"                                                                   \
	"rule xdp blacklist 0 192.0.2.77/32 comment \"sixty-four bytes of comment, which is the "  \
	"most there"                                                                               \
	" is room for\"\n"                                                                         \
	"rule xdp blacklist 2 2001:db8:77::7a/128\n"                                               \
	"rule xdp blacklist 7 0.0.0.0/0 port 100-200 proto udp\n"                                  \
	"rule ingress blacklist 1 198.51.100.2/32\n"                                               \
	"rule egress whitelist 0 203.0.113.9/32 proto icmp\n"                                      \
	"next egress blacklist 4\n"                                                                \
	"ratelimit pps 1000000 bps 5000000000 burst 500 exempt-whitelist enabled\n"

/* ... the hits of the rule in the n-th slot of its list that is one, ... */
#define LAYOUT1_HITS(hook, list, n) (1000000ULL * (hook) + 1000 * (list) + 10 * (n) + 7)
/* ... and the packets counted under a reason, with 100 bytes each. */
#define LAYOUT1_PACKETS(hook, reason) (5000ULL * ((hook) + 1) + (reason))
#define LAYOUT1_PASSED 70
#define LAYOUT1_DROPPED 30

void layout1_pins_make(struct layout1_pins *pins, const char *pin_path);
void layout1_pins_close(struct layout1_pins *pins);

/* The maps that programs count in. */
struct counting {
	int hits_fd, stats_fd, limit_stats_fd;
	uint32_t hits[3]; /* the numbers of the XDP blacklist's three rules */
};

/* Those of the old maps. */
struct counting layout1_pins_counting(const struct layout1_pins *pins);

/*
 * Counts this many packets as programs do: a hit each for every rule of the XDP blacklist, and
 * `allowed_default` and the limit's `passed` of XDP, on the last CPU.
 */
void count_packets(const struct counting *counting, uint64_t packets);

#endif
