/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * kill -9 at every point of a migration, while the programs on the old maps go on counting: the
 * next start finds everything.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <bpf/bpf.h>
#include <err.h>
#include <linux/bpf.h>
#include <string.h>
#include <sys/syscall.h>

#include "../../bpf/map_list.h"
#include "../../src/cleanup.h"
#include "crash.h"
#include "migrated.h"
#include "own_bpffs.h"

/*
 * Calls that change what others can see: pins, directories, locks and the content of maps. Dying
 * before any other is dying before the next of these.
 */
static bool is_effect(uint64_t number, const uint64_t arguments[6])
{
	switch (number) {
	case SYS_bpf:
		switch (arguments[0]) {
		case BPF_MAP_CREATE:
		case BPF_MAP_LOOKUP_ELEM:
		case BPF_OBJ_GET:
		case BPF_OBJ_GET_INFO_BY_FD:
			return false;
		default:
			return true;
		}
	case SYS_renameat:
	case SYS_renameat2:
	case SYS_unlinkat:
	case SYS_linkat:
	case SYS_mkdirat:
	case SYS_flock:
#ifdef __x86_64__
	case SYS_rename:
	case SYS_unlink:
	case SYS_link:
	case SYS_mkdir:
	case SYS_rmdir:
#endif
		return true;
	default:
		return false;
	}
}

static bool settled(void)
{
	_cleanup_store_ struct store *store = NULL;

	return store_open(&store, PIN_PATH, STORE_READ) == 0 && !store_pending(store);
}

/*
 * Kills a start before each of its system calls. While it is dead the old programs go on counting,
 * unless it lived to see that they are gone. The next start must find everything.
 */
static void kill_start(const char *name, void (*dies)(void *), bool from_layout1)
{
	bool died = true;
	unsigned int n, was_settled = 0, could_be_read = 0;

	for (n = 0; died; n++) {
		_cleanup_store_ struct store *store = NULL;
		_cleanup_(close_counting) struct counting counting = {-1, -1, -1, {0}};
		uint64_t more = 7;

		layout1_firewall_again();
		if (!from_layout1) {
			start(NULL);
			counting = keep_counting();
		}
		died = crash_at_syscall_like(dies, NULL, is_effect, n);
		if (store_open(&store, PIN_PATH, STORE_READ) == 0) {
			could_be_read++;
			if (!is_firewall(store, 0))
				fail_msg("%s, killed at call %u, leaves another firewall", name, n);
			store_close(take(store));
		}
		if (settled()) {
			was_settled++;
			more = 0;
		} else if (from_layout1) {
			count_in_layout1(more);
		} else {
			count_packets(&counting, more);
		}
		dies(NULL);
		if (!pinned_is_firewall(more))
			fail_msg("after %s was killed at call %u the next start has lost something",
				 name, n);
		assert_int_equal(look_at_pins().count, MAP_COUNT);
		own_bpffs_pop();
	}
	print_message("%s: killed at %u points, could be read behind %u, was settled by %u\n", name,
		      n - 1, could_be_read, was_settled);
	/* Each map is pinned, gets its second name and is renamed. */
	assert_true(n > 3 * MAP_COUNT);
	assert_in_range(could_be_read, 1, n);
	assert_in_range(was_settled, 1, could_be_read);
}

static void a_migration_of_layout_1_survives_death_at_every_call(void **state)
{
	(void)state;
	kill_start("a migration of layout 1", start, true);
}

static void a_migration_to_larger_maps_survives_death_at_every_call(void **state)
{
	(void)state;
	kill_start("a migration to larger maps", start_larger, false);
}

static void start_and_revert(void *unused)
{
	_cleanup_store_ struct store *store = start_with(LARGER_MAX_RULES);

	(void)unused;
	if (store_unmigrate(store))
		errx(1, "no way back");
}

static void going_back_survives_death_at_every_call(void **state)
{
	struct pins before;
	bool died = true;
	unsigned int n, went_back = 0;

	(void)state;
	for (n = 0; died; n++) {
		_cleanup_store_ struct store *store = NULL;
		struct pins now;

		layout1_firewall_again();
		before = look_at_pins();
		died = crash_at_syscall_like(start_and_revert, NULL, is_effect, n);
		/* Whoever comes by finishes it. */
		(void)store_open(&store, PIN_PATH, STORE_READ);
		store_close(take(store));
		now = look_at_pins();
		went_back += same_pins(&before, &now);
		count_in_layout1(7);
		start(NULL);
		if (!pinned_is_firewall(7))
			fail_msg("after going back was killed at call %u something is lost", n);
		own_bpffs_pop();
	}
	print_message("going back: killed at %u points, the old maps are there after %u\n", n - 1,
		      went_back);
	assert_in_range(went_back, 2, n - 1);
}

/* What is stored into pinned maps: when it is settled. The maps before it are still pinned then. */
static void settle(void *unused)
{
	_cleanup_store_ struct store *store = start_with(0);

	(void)unused;
	if (store_settle(store))
		errx(1, "the store does not settle");
}

static void pin_old(void)
{
#define PIN_OLD(name, ...)                                                                         \
	assert_int_equal(bpf_obj_pin(old.fds[LAYOUT1_##name], PIN_PATH "/" #name "_old"), 0);
	LAYOUT1_MAPS(PIN_OLD)
#undef PIN_OLD
}

static void settling_survives_death_at_every_store(void **state)
{
	unsigned int stores, was_settled = 0;

	(void)state;
	if (!crash_knows_stores())
		skip();
	store_close(start_with(0));
	count_in_layout1(11);
	stores = crash_record_stores(settle, NULL);
	for (unsigned int n = 0; n <= stores; n++) {
		crash_rewind_to(n);
		pin_old();
		if (settled())
			was_settled++;
		start(NULL);
		if (!pinned_is_firewall(11))
			fail_msg("settling, killed at store %u, has lost or found something", n);
	}
	crash_forget();
	print_message("settling: killed at %u stores, %u of them behind its end\n", stores + 1,
		      was_settled);
	assert_in_range(was_settled, 1, stores);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		LAYOUT1_TEST(a_migration_of_layout_1_survives_death_at_every_call),
		LAYOUT1_TEST(a_migration_to_larger_maps_survives_death_at_every_call),
		LAYOUT1_TEST(going_back_survives_death_at_every_call),
		LAYOUT1_TEST(settling_survives_death_at_every_store),
	};

	own_bpffs_enter(0);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
