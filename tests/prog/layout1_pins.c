/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Pins of layout 1. See layout1_pins.h. */
#include "layout1_pins.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <err.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "../../bpf/reasons.h"
#include "../../src/cleanup.h"

#define G LAYOUT1_GENERATION

/* What the hits maps held before the rules were born. */
#define OLD_HITS 5

struct slot_spec {
	enum layout1_map list;
	uint32_t index, hit;
	struct layout1_rule rule;
	uint64_t born, died; /* 0, 0: since generation 1 */
	const char *comment;
};

#define TCP 6
#define UDP 17
#define ICMP 1
#define ANY .any_protocol = 1
#define V4(address, bits) .addr_host = {address}, .prefix_len = bits
#define V6 .family = 1, .addr_host

/* In the order of the slots: between live ones are free, removed and never committed ones. */
static const struct slot_spec slots[] = {
	{.list = LAYOUT1_whitelist_map, .rule = {V4(0xc0000207, 32), ANY}, .born = 1, .died = G},
	{.list = LAYOUT1_whitelist_map,
	 .index = 3,
	 .hit = 590,
	 .rule = {V4(0xc0000200, 24), .protocol = TCP, .port_min_host = 22, .port_max_host = 22},
	 .comment = "office ssh"},
	{.list = LAYOUT1_whitelist_map,
	 .index = 5,
	 .hit = 17,
	 .rule = {V6 = {0x20010db8}, .prefix_len = 32, ANY},
	 .died = G + 1},
	{.list = LAYOUT1_blacklist_map,
	 .rule = {V4(0xc000024d, 32), ANY},
	 .comment = "sixty-four bytes of comment, which is the most there is room for"},
	{.list = LAYOUT1_blacklist_map,
	 .index = 9,
	 .hit = 18,
	 .rule = {V4(0xc000024c, 32), ANY},
	 .born = G + 1},
	{.list = LAYOUT1_blacklist_map,
	 .index = 2,
	 .hit = 1,
	 .rule = {V6 = {0x20010db8, 0x00770000, 0, 0x7a}, .prefix_len = 128, ANY}},
	{.list = LAYOUT1_blacklist_map,
	 .index = 10,
	 .hit = 19,
	 .rule = {V4(0xc000024e, 32), ANY},
	 .born = UINT64_MAX},
	{.list = LAYOUT1_blacklist_map,
	 .index = 7,
	 .hit = 2,
	 .rule = {V4(0, 0), .protocol = UDP, .port_min_host = 100, .port_max_host = 200},
	 .born = G},
	{.list = LAYOUT1_tc_ingress_blacklist,
	 .index = 1,
	 .hit = 3,
	 .rule = {V4(0xc6336402, 32), ANY}},
	{.list = LAYOUT1_tc_egress_whitelist,
	 .hit = 4,
	 .rule = {V4(0xcb007109, 32), .protocol = ICMP}},
};
#define SLOTS (sizeof(slots) / sizeof(slots[0]))

static void put(const struct layout1_pins *pins, enum layout1_map map, uint32_t key,
		const void *value)
{
	if (bpf_map_update_elem(pins->fds[map], &key, value, 0))
		err(1, "write a map of layout 1");
}

/* The value is another CPU's than the first, as packets are. */
static void put_per_cpu(const struct layout1_pins *pins, enum layout1_map map, uint32_t key,
			const uint64_t *words, size_t count)
{
	const int cpus = libbpf_num_possible_cpus();
	_cleanup_free_ uint64_t *values = calloc(cpus, count * sizeof(*values));

	if (!values)
		err(1, "write a map of layout 1");
	memcpy(values + (cpus - 1) * count, words, count * sizeof(*words));
	put(pins, map, key, values);
}

static void create_map(struct layout1_pins *pins, enum layout1_map map, const char *pin_path,
		       const char *name, uint32_t type, uint32_t value_bytes, uint32_t entries,
		       bool mapped)
{
	LIBBPF_OPTS(bpf_map_create_opts, options, .map_flags = mapped ? BPF_F_MMAPABLE : 0);
	_cleanup_free_ char *file = NULL;

	pins->fds[map] = bpf_map_create(type, "layout1", type == BPF_MAP_TYPE_HASH ? 8 : 4,
					value_bytes, entries, &options);
	if (pins->fds[map] < 0 || asprintf(&file, "%s/%s", pin_path, name) < 0 ||
	    bpf_obj_pin(pins->fds[map], file))
		err(1, "make %s of layout 1", name);
}

static void write_rules(const struct layout1_pins *pins, struct layout1_ruleset *ruleset)
{
	uint32_t live[6] = {0}, comments = 0;

	for (size_t i = 0; i < SLOTS; i++) {
		const struct slot_spec *spec = &slots[i];
		const uint32_t list = spec->list - LAYOUT1_whitelist_map;
		struct layout1_list *info = &ruleset->lists[list / 2][list % 2];
		struct layout1_slot slot = {
			.rule = spec->rule,
			.index = spec->index,
			.hit = spec->hit,
			.born = spec->born ? spec->born : 1,
			.died = spec->died,
			.hits_before = OLD_HITS,
		};
		uint64_t hits = OLD_HITS;

		if (slot.born <= G && (!slot.died || slot.died > G)) {
			hits += LAYOUT1_HITS(list / 2, list % 2, live[list]++);
			info->rules[slot.rule.family]++;
		}
		if (spec->comment) {
			struct layout1_comment comment = {0};

			slot.comment = ++comments;
			memcpy(comment.text, spec->comment,
			       strnlen(spec->comment, sizeof(comment.text)));
			put(pins, LAYOUT1_comment_map, slot.comment, &comment);
		}
		/* One of them came by the second queue. */
		hits--;
		put(pins, LAYOUT1_rule_hits_map, slot.hit, &hits);
		hits = 1;
		put(pins, LAYOUT1_rule_hits_map, LAYOUT1_MAX_RULES + slot.hit, &hits);
		put(pins, spec->list, info->slots_used++, &slot);
		if (slot.born <= G && slot.index >= info->next_index)
			info->next_index = slot.index + 1;
	}
	/* Rules were removed since; of the last list every one, and its slots are free. */
	ruleset->lists[0][0].next_index = 9;
	ruleset->lists[2][1].next_index = 4;
	ruleset->lists[2][1].slots_used = 3;
}

static void write_counters(const struct layout1_pins *pins, struct layout1_ruleset *ruleset)
{
	for (uint32_t hook = 0; hook < LAYOUT1_HOOKS; hook++)
		for (uint32_t reason = 0; reason < 10; reason++) {
			const uint64_t packets = LAYOUT1_PACKETS(hook, reason);
			const uint64_t words[2] = {packets + 9, 100 * packets + 99};

			ruleset->stats_before[hook][reason] = (struct layout1_counter){9, 99};
			put_per_cpu(pins, hook ? LAYOUT1_tc_stats_map : LAYOUT1_stats_map,
				    reason + (hook == 2 ? LAYOUT1_REASON_SLOTS : 0), words, 2);
		}
}

static void write_limit(const struct layout1_pins *pins)
{
	const struct layout1_rate_limit limit = {
		.pps = 1000000,
		.bps = 5000000000,
		.burst = 500,
		.enabled = 1,
		.exempt_whitelist = 1,
		.bucket = 1,
		.id = 3,
		.since = 1000,
		.passed_before = {30, 3000},
		.dropped_before = {10, 1000},
	};
	const uint64_t stats[4] = {30 + LAYOUT1_PASSED, 3000 + 100 * LAYOUT1_PASSED,
				   10 + LAYOUT1_DROPPED, 1000 + 100 * LAYOUT1_DROPPED};

	put(pins, LAYOUT1_rate_limit_config_map, G % LAYOUT1_RECORDS, &limit);
	put_per_cpu(pins, LAYOUT1_rate_limit_stats_map, 0, stats, 4);
}

void layout1_pins_make(struct layout1_pins *pins, const char *pin_path)
{
	const uint32_t n = LAYOUT1_MAX_RULES;
	struct layout1_ruleset ruleset = {
		.generation = G,
		.half_since = 1200,
		.limit_since = 1000,
	};
	const struct layout1_config config = {
		.magic = 0x62676f6669726577,
		.layout = 1,
		.max_rules = n,
		.initialised = 1,
		.daemon_pid = 4321,
		.intent = 1,
		.store_id = LAYOUT1_STORE_ID,
		.grace = G - 100,
		.padding = {UINT64_MAX, UINT64_MAX},
		.commit = G,
	};

	if (mkdir(pin_path, 0700))
		err(1, "make %s", pin_path);
#define CREATE(name, type, value, entries, mapped)                                                 \
	create_map(pins, LAYOUT1_##name, pin_path, #name, BPF_MAP_TYPE_##type, sizeof(value),      \
		   entries, mapped);
	LAYOUT1_MAPS(CREATE)
#undef CREATE
	ruleset.hooks[0].default_deny = 1;
	ruleset.hooks[2].drop_fragments = 1;
	write_rules(pins, &ruleset);
	write_counters(pins, &ruleset);
	write_limit(pins);
	put(pins, LAYOUT1_ruleset_map, G % LAYOUT1_RECORDS, &ruleset);
	put(pins, LAYOUT1_config_map, 0, &config);
}

void layout1_pins_close(struct layout1_pins *pins)
{
	for (enum layout1_map map = 0; map < LAYOUT1_MAP_COUNT; map++)
		close(pins->fds[map]);
}

/* In the first counter of the value. */
static void add_per_cpu(int fd, uint32_t key, uint64_t packets)
{
	const int cpus = libbpf_num_possible_cpus();
	_cleanup_free_ uint64_t *values = NULL;
	struct bpf_map_info info = {};
	uint32_t length = sizeof(info), words;

	if (bpf_obj_get_info_by_fd(fd, &info, &length))
		err(1, "look at a map");
	words = info.value_size / sizeof(*values);
	values = calloc(cpus, words * sizeof(*values));
	if (!values || bpf_map_lookup_elem(fd, &key, values))
		err(1, "read a counter");
	values[(cpus - 1) * words] += packets;
	values[(cpus - 1) * words + 1] += 100 * packets;
	if (bpf_map_update_elem(fd, &key, values, 0))
		err(1, "write a counter");
}

struct counting layout1_pins_counting(const struct layout1_pins *pins)
{
	return (struct counting){
		.hits_fd = pins->fds[LAYOUT1_rule_hits_map],
		.stats_fd = pins->fds[LAYOUT1_stats_map],
		.limit_stats_fd = pins->fds[LAYOUT1_rate_limit_stats_map],
		.hits = {0, 1, 2},
	};
}

void count_packets(const struct counting *counting, uint64_t packets)
{
	for (uint32_t i = 0; i < 3; i++) {
		const uint32_t hit = counting->hits[i];
		uint64_t count;

		if (bpf_map_lookup_elem(counting->hits_fd, &hit, &count))
			err(1, "read hits");
		count += packets;
		if (bpf_map_update_elem(counting->hits_fd, &hit, &count, 0))
			err(1, "write hits");
	}
	add_per_cpu(counting->stats_fd, REASON_ALLOWED_DEFAULT, packets);
	add_per_cpu(counting->limit_stats_fd, 0, packets);
}
