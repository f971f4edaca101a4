/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Helpers of the tests of migrations. See migrated.h. */
#include "migrated.h"

#include <bpf/bpf.h>
#include <dirent.h>
#include <err.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "../../bpf/map_list.h"
#include "../../src/cleanup.h"
#include "../../src/ruleset_text.h"
#include "own_bpffs.h"

struct layout1_pins old;

int layout1_firewall(void **state)
{
	(void)state;
	own_bpffs_push();
	layout1_pins_make(&old, PIN_PATH);
	return 0;
}

void layout1_firewall_again(void)
{
	own_bpffs_push();
	layout1_pins_close(&old);
	layout1_pins_make(&old, PIN_PATH);
}

int leave_firewall(void **state)
{
	(void)state;
	layout1_pins_close(&old);
	own_bpffs_pop();
	return 0;
}

struct store *start_with(uint32_t max_rules)
{
	struct store *store = NULL;
	bool created;

	if (store_open_or_create(&store, PIN_PATH, max_rules, &created) || created)
		errx(1, "the start fails");
	return store;
}

/* A start as far as the store is concerned: what it finds is migrated, and programs use it. */
static void start_and_settle(uint32_t max_rules)
{
	_cleanup_store_ struct store *store = start_with(max_rules);

	if (store_settle(store))
		errx(1, "the store does not settle");
}

void start(void *unused)
{
	(void)unused;
	start_and_settle(0);
}

void start_larger(void *unused)
{
	(void)unused;
	start_and_settle(LARGER_MAX_RULES);
}

char *saved_text(const struct store *store)
{
	char *text = NULL;
	size_t size;
	FILE *out = open_memstream(&text, &size);

	if (!out || ruleset_text_save(store, out) || fclose(out))
		err(1, "save");
	return text;
}

/* -- What is to be kept -- */

/* The rules of XDP's blacklist alone met the packets that were counted in between. */
static bool same_hits(const struct store *store, uint64_t more)
{
	for (enum hook hook = 0; hook < HOOK_COUNT; hook++)
		for (enum list list = 0; list < LIST_COUNT; list++) {
			const struct rule_view rules = store_rules(store, hook, list);
			const bool met = hook == HOOK_XDP && list == LIST_BLACKLIST;
			uint32_t live = 0;

			for (uint32_t i = 0; i < rules.count; i++) {
				const struct rule_slot *slot = &rules.slots[i];

				if (!rule_slot_live(slot, rules.generation))
					continue;
				if (store_hits(store, slot) !=
				    LAYOUT1_HITS(hook, list, live) + (met ? more : 0))
					return false;
				live++;
			}
		}
	return true;
}

static bool same_counter(const struct counter *counter, uint64_t packets)
{
	return counter->packets == packets && counter->bytes == 100 * packets;
}

static bool same_counters(const struct store *store, uint64_t more)
{
	struct rate_limit_stats limited;

	for (enum hook hook = 0; hook < HOOK_COUNT; hook++) {
		struct counter stats[REASON_SLOTS];

		if (store_stats(store, hook, stats))
			return false;
		for (uint32_t reason = 0; reason <= REASON_GRAPH_ERROR; reason++) {
			const bool met = hook == HOOK_XDP && reason == REASON_ALLOWED_DEFAULT;

			if (!same_counter(&stats[reason],
					  LAYOUT1_PACKETS(hook, reason) + (met ? more : 0)))
				return false;
		}
	}
	return store_rate_limit_stats(store, &limited) == 0 &&
	       same_counter(&limited.passed, LAYOUT1_PASSED + more) &&
	       same_counter(&limited.dropped, LAYOUT1_DROPPED);
}

/* Whether the store is the firewall of layout1_pins.c, with so many packets counted since. */
bool is_firewall(const struct store *store, uint64_t more)
{
	_cleanup_free_ char *text = saved_text(store);

	return strcmp(text, LAYOUT1_TEXT) == 0 && store_id(store) == LAYOUT1_STORE_ID &&
	       store_generation(store) == LAYOUT1_GENERATION && same_hits(store, more) &&
	       same_counters(store, more);
}

bool pinned_is_firewall(uint64_t more)
{
	_cleanup_store_ struct store *store = NULL;

	return store_open(&store, PIN_PATH, STORE_READ) == 0 && is_firewall(store, more);
}

/* Of a store that a migration made. */
static struct counting store_counting(const struct store *store)
{
	const struct rule_view rules = store_rules(store, HOOK_XDP, LIST_BLACKLIST);

	return (struct counting){
		.hits_fd = store_map_fd(store, MAP_rule_hits_map),
		.stats_fd = store_map_fd(store, MAP_stats_map),
		.limit_stats_fd = store_map_fd(store, MAP_rate_limit_stats_map),
		.hits = {rules.slots[0].hit, rules.slots[1].hit, rules.slots[2].hit},
	};
}

void count_in_store(const struct store *store, uint64_t packets)
{
	const struct counting counting = store_counting(store);

	count_packets(&counting, packets);
}

void count_in_layout1(uint64_t packets)
{
	const struct counting counting = layout1_pins_counting(&old);

	count_packets(&counting, packets);
}

/* The same maps when the store is closed and they are pinned no more. */
struct counting keep_counting(void)
{
	_cleanup_store_ struct store *store = start_with(0);
	struct counting counting = store_counting(store);

	counting.hits_fd = dup(counting.hits_fd);
	counting.stats_fd = dup(counting.stats_fd);
	counting.limit_stats_fd = dup(counting.limit_stats_fd);
	return counting;
}

void close_counting(struct counting *counting)
{
	close(counting->hits_fd);
	close(counting->stats_fd);
	close(counting->limit_stats_fd);
}

/* -- What is pinned, so that "nothing was changed" can be told -- */

static int by_name(const void *a, const void *b)
{
	return strcmp(a, b);
}

struct pins look_at_pins(void)
{
	struct pins pins = {.count = 0};
	DIR *dir = opendir(PIN_PATH);
	const struct dirent *entry;

	if (!dir)
		err(1, "list %s", PIN_PATH);
	while ((entry = readdir(dir)) != NULL) {
		char file[512];
		struct bpf_map_info info = {};
		uint32_t length = sizeof(info);
		int fd;

		if (entry->d_name[0] == '.' || entry->d_type == DT_DIR)
			continue;
		snprintf(file, sizeof(file), PIN_PATH "/%s", entry->d_name);
		fd = bpf_obj_get(file);
		if (fd < 0 || pins.count == PINS_MAX || bpf_obj_get_info_by_fd(fd, &info, &length))
			err(1, "look at %s", file);
		close(fd);
		snprintf(pins.pin[pins.count].name, sizeof(pins.pin[0].name), "%s", entry->d_name);
		pins.pin[pins.count++].id = info.id;
	}
	closedir(dir);
	qsort(pins.pin, pins.count, sizeof(pins.pin[0]), by_name);
	return pins;
}

bool same_pins(const struct pins *a, const struct pins *b)
{
	return a->count == b->count && memcmp(a->pin, b->pin, sizeof(a->pin)) == 0;
}
