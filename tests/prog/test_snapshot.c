/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * kill -9 at every system call of what makes and removes a firewall with a snapshot: a start never
 * leaves pins that count without the rules of the snapshot, and a removal never leaves a snapshot
 * without pins. A store's snapshot is the newest state, whoever writes it last.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <err.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <unistd.h>

#include "../../src/cleanup.h"
#include "../../src/ruleset_text.h"
#include "../../src/snapshot.h"
#include "crash.h"
#include "own_bpffs.h"

#define STATE_DIR "/mnt"
#define SNAPSHOT STATE_DIR "/sys-fs-bpf-firewall.bgo"
#define MAX_RULES 300

static const char rules[] =
	"bgo-rules 1\n"
	"policy xdp deny fragments match\n"
	"policy ingress allow fragments match\n"
	"policy egress allow fragments drop\n"
	"rule xdp whitelist 3 192.0.2.0/24 port 22 proto tcp comment \"office\"\n"
	"rule egress blacklist 0 2001:db8::/32\n"
	"next egress blacklist 9\n"
	"ratelimit pps 1000 enabled\n";

/* No reboot empties a disk; a test's begins empty. */
static void empty_disk(void)
{
	if (umount2(STATE_DIR, MNT_DETACH) || mount("tmpfs", STATE_DIR, "tmpfs", 0, "mode=0700"))
		err(1, "mount tmpfs on " STATE_DIR);
}

static void start(void *unused)
{
	_cleanup_store_ struct store *store = NULL;
	bool created;

	(void)unused;
	if (snapshot_open_or_create(&store, PIN_PATH, MAX_RULES, STATE_DIR, &created))
		errx(1, "no start");
}

static void cleanup_maps(void *unused)
{
	(void)unused;
	if (snapshot_remove_store(PIN_PATH))
		errx(1, "no removal");
}

static void change(const char *text)
{
	_cleanup_store_ struct store *store = NULL;
	_cleanup_transaction_ struct transaction *txn = NULL;
	_cleanup_fclose_ FILE *in = fmemopen((void *)text, strlen(text), "r");

	if (!in || store_open(&store, PIN_PATH, STORE_WRITE) || transaction_begin(&txn, store) ||
	    transaction_replace_all(txn) || ruleset_text_restore(in, "a test's rules", txn) ||
	    transaction_commit(&txn) < 0)
		errx(1, "no change");
	snapshot_after_change(&store);
}

/* The rules in force, "" when there is no firewall. */
static char *in_force(void)
{
	_cleanup_store_ struct store *store = NULL;
	char *text = NULL;
	size_t size;
	FILE *out;
	int failed = store_try_open(&store, PIN_PATH, STORE_READ, STORE_LOCK_SECONDS);

	if (failed && failed != -ENOENT)
		errx(1, "the store is damaged");
	out = open_memstream(&text, &size);
	if (!out || (store && ruleset_text_save(store, out)) || fclose(out))
		err(1, "save");
	return text;
}

static void a_start_from_a_snapshot_survives_death_at_every_point(void **state)
{
	unsigned int n, unfinished = 0;
	bool died = true;

	(void)state;
	start(NULL);
	change(rules);
	for (n = 0; died; n++) {
		_cleanup_free_ char *now = NULL, *again = NULL;

		own_bpffs_push(); /* a reboot */
		died = crash_at_syscall(start, NULL, n);
		now = in_force();
		if (*now && strcmp(now, rules) != 0)
			fail_msg("killed at point %u a start leaves:\n%s", n, now);
		unfinished += !*now;
		start(NULL);
		again = in_force();
		if (strcmp(again, rules) != 0)
			fail_msg("started again after death at point %u:\n%s", n, again);
		own_bpffs_pop();
	}
	print_message("killed at %u points, at %u of them before there was a firewall\n", n - 1,
		      unfinished);
	assert_in_range(unfinished, 1, n - 2);
	cleanup_maps(NULL);
}

static void a_removal_survives_death_at_every_point(void **state)
{
	unsigned int n, kept = 0;
	bool died = true;

	(void)state;
	for (n = 0; died; n++) {
		_cleanup_free_ char *now = NULL, *next = NULL;

		own_bpffs_push();
		empty_disk();
		start(NULL);
		change(rules);
		died = crash_at_syscall(cleanup_maps, NULL, n);
		now = in_force();
		if (*now && strcmp(now, rules) != 0)
			fail_msg("killed at point %u a removal leaves:\n%s", n, now);
		kept += *now != '\0';
		if (!*now && access(SNAPSHOT, F_OK) == 0)
			fail_msg("killed at point %u a removal leaves the snapshot", n);
		start(NULL);
		next = in_force();
		if (strcmp(next, rules) == 0 && !*now)
			fail_msg("removed rules are back after death at point %u", n);
		own_bpffs_pop();
	}
	print_message("killed at %u points, at %u of them the rules stayed\n", n - 1, kept);
	assert_in_range(kept, 1, n - 2);
}

static void a_snapshot_is_of_the_state_in_force_when_it_is_written(void **state)
{
	struct snapshot_label label, in_between;
	_cleanup_store_ struct store *store = NULL;
	const char *why;

	(void)state;
	own_bpffs_push();
	empty_disk();
	start(NULL);
	change(rules);
	assert_int_equal(snapshot_look(SNAPSHOT, &in_between), 0);
	/* Nothing to do: what is on disk is current, and stays the same file. */
	assert_int_equal(store_open(&store, PIN_PATH, STORE_READ), 0);
	assert_true(in_between.store_id == store_id(store));
	assert_true(in_between.generation == store_generation(store));
	assert_int_equal(snapshot_write(&store, 1, &label, &why), 0);
	assert_null(store);
	assert_true(label.generation == in_between.generation);
	/* After a reboot it is another firewall's, also when the generation happens to be the same.
	 */
	own_bpffs_push();
	start(NULL);
	assert_int_equal(store_open(&store, PIN_PATH, STORE_READ), 0);
	assert_true(in_between.generation == store_generation(store));
	assert_int_equal(snapshot_write(&store, 1, &label, &why), 0);
	assert_int_equal(snapshot_look(SNAPSHOT, &label), 0);
	assert_true(label.store_id != in_between.store_id);
	own_bpffs_pop();
	own_bpffs_pop();
}

static void room_for_rules_is_remembered(void **state)
{
	_cleanup_store_ struct store *store = NULL;
	bool created;

	(void)state;
	own_bpffs_push();
	empty_disk();
	assert_int_equal(snapshot_open_or_create(&store, PIN_PATH, 5000, STATE_DIR, &created), 0);
	assert_true(created);
	store_close(take(store));
	change(rules);
	own_bpffs_pop();
	own_bpffs_push();
	assert_int_equal(snapshot_open_or_create(&store, PIN_PATH, 100, STATE_DIR, &created), 0);
	assert_int_equal(store_max_rules(store), 5000);
	own_bpffs_pop();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_start_from_a_snapshot_survives_death_at_every_point),
		cmocka_unit_test(a_removal_survives_death_at_every_point),
		cmocka_unit_test(a_snapshot_is_of_the_state_in_force_when_it_is_written),
		cmocka_unit_test(room_for_rules_is_remembered),
	};

	own_bpffs_enter(0);
	if (mount("tmpfs", STATE_DIR, "tmpfs", 0, "mode=0700"))
		err(1, "mount tmpfs on " STATE_DIR);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
