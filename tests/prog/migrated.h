/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * For tests of migrations: starts as far as the store is concerned, whether a store is the firewall
 * of layout1_pins.c, and what is pinned. What fails here ends the test program.
 */
#ifndef BGO_TESTS_MIGRATED_H
#define BGO_TESTS_MIGRATED_H

#include "../../src/store.h"
#include "layout1_pins.h"

#define LARGER_MAX_RULES 1300

/* Each test has the firewall of layout 1 in a bpffs of its own, and holds its maps here. */
extern struct layout1_pins old;
int layout1_firewall(void **state);
int leave_firewall(void **state);
/* Another one, over that: until own_bpffs_pop(). */
void layout1_firewall_again(void);

#define LAYOUT1_TEST(test) cmocka_unit_test_setup_teardown(test, layout1_firewall, leave_firewall)

/* Migrates what is there and is needed; 0: keep --max-rules. The store is to be closed. */
struct store *start_with(uint32_t max_rules);
/* The same, and programs use it now; start_larger() with LARGER_MAX_RULES. */
void start(void *unused);
void start_larger(void *unused);

char *saved_text(const struct store *store);

/* Whether it is the firewall of layout1_pins.c, with so many packets counted since. */
bool is_firewall(const struct store *store, uint64_t more);
bool pinned_is_firewall(uint64_t more);

/* Counts in the maps of a store that a migration made, or in those of layout 1. */
void count_in_store(const struct store *store, uint64_t packets);
void count_in_layout1(uint64_t packets);
/* The maps of the pinned store, also when they are pinned no more. */
struct counting keep_counting(void);
void close_counting(struct counting *counting);

#define PINS_MAX 128

/* Every pin of a map, so that "nothing was changed" can be told. */
struct pins {
	struct {
		char name[256];
		uint32_t id;
	} pin[PINS_MAX];
	uint32_t count;
};

struct pins look_at_pins(void);
bool same_pins(const struct pins *a, const struct pins *b);

#endif
