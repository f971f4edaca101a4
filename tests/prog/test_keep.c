/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Links that are pinned, programs that are recorded, and starts that take over from them. */
#include "near.h"

#include <bpf/bpf.h>
#include <dirent.h>
#include <errno.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "crash.h"
#include "own_bpffs.h"

#define LINKS PIN_PATH "/links"
static const enum tc_kind kinds[] = {TC_KIND_TCX, TC_KIND_CLSACT};

/* Those of this kernel. */
static bool has_kind(enum tc_kind kind)
{
	return kind != TC_KIND_TCX || has_tcx();
}

static void reopen_pins(void)
{
	link_pins_close(pins);
	assert_int_equal(link_pins_open(&pins, PIN_PATH), 0);
}

/* A start of `with` that keeps, up to its commit. */
static struct attachment *keep_attached(struct programs *with, enum tc_kind kind)
{
	struct attach_options how = near_options(with, XDP_MODE_AUTO, kind);
	struct attachment *attachment = NULL;

	how.keep = true;
	assert_int_equal(link_pins_add_programs(pins, with), 0);
	assert_int_equal(attach_interface(&attachment, &how, NEAR), 0);
	return attachment;
}

/* And its end. */
static void keep_without_server(struct programs *with, enum tc_kind kind)
{
	leave_interface(keep_attached(with, kind));
	reopen_pins();
}

static void remove_everything(void)
{
	reopen_pins();
	assert_true(attach_remove_links(pins, "") >= 0);
	assert_true(attach_remove_leftovers(store_id(store), pins, NULL) >= 0);
	assert_int_equal(link_pins_remove_programs(pins, NULL), 0);
	assert_nothing_attached();
}

static size_t count_pins(const char *containing)
{
	DIR *dir = opendir(LINKS);
	const struct dirent *entry;
	size_t count = 0;

	while (dir && (entry = readdir(dir)) != NULL)
		count += strchr(entry->d_name, ':') && strstr(entry->d_name, containing);
	if (dir)
		closedir(dir);
	return count;
}

static void load_newer(struct programs **newer)
{
	assert_int_equal(programs_load(newer, store, false), 0);
}

static void assert_filtered_by(const struct programs *wanted)
{
	const struct attach_status status = near_status();
	uint32_t id;

	assert_int_equal(program_id(programs_fd(wanted, HOOK_XDP), &id), 0);
	assert_int_equal(status.xdp_program_id, id);
	assert_int_equal(program_id(programs_fd(wanted, HOOK_INGRESS), &id), 0);
	assert_int_equal(status.tc_ingress_program_id, id);
	assert_int_equal(program_id(programs_fd(wanted, HOOK_EGRESS), &id), 0);
	assert_int_equal(status.tc_egress_program_id, id);
}

static void kept_programs_stay_without_a_process(void **state)
{
	(void)state;
	for (size_t i = 0; i < 2; i++) {
		if (!has_kind(kinds[i]))
			continue;
		keep_without_server(programs, kinds[i]);
		assert_filtered_by(programs);
		assert_true(near_status().kept);
		assert_int_equal(count_pins("program:"), HOOK_COUNT);
		assert_int_equal(count_pins(NEAR ":"), kinds[i] == TC_KIND_TCX ? 3 : 1);
		remove_everything();
		assert_int_equal(count_pins(""), 0);
	}
}

static void the_next_programs_take_the_places_of_the_kept_ones(void **state)
{
	(void)state;
	for (size_t i = 0; i < 2; i++) {
		struct attach_options how = near_options(NULL, XDP_MODE_AUTO, kinds[i]);
		struct attachment *attachment;
		struct programs *newer = NULL;

		if (!has_kind(kinds[i]))
			continue;
		keep_without_server(programs, kinds[i]);
		load_newer(&newer);
		attachment = keep_attached(newer, kinds[i]);
		assert_filtered_by(newer);
		assert_int_equal(ingress_filters(), kinds[i] == TC_KIND_CLSACT);

		/* From here on it is this one's: not kept, it ends with the process. */
		attach_commit(attachment, &how);
		assert_false(near_status().kept);
		assert_int_equal(count_pins(NEAR ":"), 0);
		assert_int_equal(link_pins_keep_programs(pins, newer), 0);
		assert_int_equal(count_pins("program:"), HOOK_COUNT);
		detach_interface(attachment, pins);
		assert_nothing_attached();
		assert_int_equal(link_pins_remove_programs(pins, newer), 0);
		programs_unload(newer);
	}
}

static void a_start_undone_gives_back_what_it_took_over(void **state)
{
	(void)state;
	for (size_t i = 0; i < 2; i++) {
		struct attachment *attachment;
		struct programs *newer = NULL;

		if (!has_kind(kinds[i]))
			continue;
		keep_without_server(programs, kinds[i]);
		load_newer(&newer);
		attachment = keep_attached(newer, kinds[i]);
		assert_filtered_by(newer);
		detach_interface(attachment, pins);
		assert_filtered_by(programs);
		assert_int_equal(link_pins_remove_programs(pins, newer), 0);
		reopen_pins();
		assert_true(near_status().kept);
		assert_int_equal(count_pins("program:"), HOOK_COUNT);
		programs_unload(newer);
		remove_everything();
	}
}

static void half_a_kept_firewall_is_completed(void **state)
{
	struct attachment *attachment;

	(void)state;
	needs_tcx();
	keep_without_server(programs, TC_KIND_TCX);
	shell("rm " LINKS "/*:egress:*");
	reopen_pins();
	assert_false(near_status().tc_egress_program_id);
	attachment = keep_attached(programs, TC_KIND_TCX);
	assert_filtered_by(programs);
	detach_interface(attachment, pins);
	/* What it made itself goes, what was there stays. */
	assert_false(near_status().tc_egress_program_id);
	assert_true(near_status().tc_ingress_program_id);
	remove_everything();
}

static void a_kept_link_of_another_network_namespace_is_not_taken_over(void **state)
{
	struct tc_filter filter = TC_FILTER_NONE;
	const struct pinned_link *link;
	struct attachment *attachment;
	struct interface interface;
	char command[128];
	int foreign;

	(void)state;
	needs_tcx();
	keep_without_server(programs, TC_KIND_TCX);
	/* Away goes the interface, another gets its number. */
	shell("ip netns add bgo-away && ip link set " NEAR " netns bgo-away");
	link = link_pins_next(pins, NULL);
	assert_non_null(link);
	snprintf(command, sizeof(command), "ip link add " NEAR " index %u type veth peer name twin",
		 link->ifindex);
	shell(command);
	/* Which has a program of somebody's. */
	interface = near_interface();
	foreign = foreign_program(BPF_PROG_TYPE_SCHED_CLS);
	assert_int_equal(tcx_attach(foreign, &interface, TC_INGRESS, &filter), 0);
	attachment = keep_attached(programs, TC_KIND_TCX);
	assert_int_equal(count_pins("xdp"), 2);
	assert_int_equal(count_pins("ingress"), 2);
	assert_non_null(link_pins_next(pins, NULL));
	assert_filtered_by(programs);
	detach_interface(attachment, pins);
	reopen_pins();
	assert_int_equal(attach_remove_links(pins, ""), 3);
	assert_int_equal(link_pins_remove_programs(pins, NULL), 0);
	assert_int_equal(tc_detach(&interface, TC_INGRESS, &filter), 0);
	close(foreign);
	shell("ip netns del bgo-away");
}

static void names_with_dots_are_pinned(void **state)
{
	const struct attach_options how = near_options(programs, XDP_MODE_AUTO, TC_KIND_AUTO);
	struct attach_options keep = how;
	struct attachment *attachment = NULL;

	(void)state;
	shell("ip link set " NEAR " name near.1");
	keep.keep = true;
	assert_int_equal(link_pins_add_programs(pins, programs), 0);
	assert_int_equal(attach_interface(&attachment, &keep, "near.1"), 0);
	assert_int_equal(count_pins("near%2e1:xdp:"), 1);
	detach_interface(attachment, pins);
	assert_int_equal(count_pins(":xdp:"), 0);
	assert_int_equal(link_pins_remove_programs(pins, NULL), 0);
	shell("ip link del near.1");
}

static void a_pin_of_a_deleted_interface_is_removed(void **state)
{
	(void)state;
	keep_without_server(programs, TC_KIND_AUTO);
	shell("ip link del " NEAR);
	reopen_pins();
	assert_int_equal(count_pins(NEAR ":"), has_tcx() ? 3 : 1);
	assert_int_equal(attach_remove_links(pins, ""), 0);
	assert_int_equal(count_pins(NEAR ":"), 0);
	assert_int_equal(link_pins_remove_programs(pins, NULL), 0);
}

/* A record suffices, so a service needs no CAP_SYS_ADMIN to clean up behind a killed one. */
static void recorded_filters_are_known_without_asking_for_their_maps(void **state)
{
	(void)state;
	assert_int_equal(link_pins_add_programs(pins, programs), 0);
	attach_and_be_killed(programs, TC_KIND_CLSACT);
	add_foreign_filter(7, 1, 0);
	assert_int_equal(attach_remove_leftovers(0, pins, NULL), 2);
	assert_nothing_attached();
	assert_int_equal(ingress_filters(), 1);
	assert_int_equal(link_pins_remove_programs(pins, NULL), 0);
}

/* -- Killed on the way -- */

/* A start as the server does it: what it is to be, and what it attaches. */
struct start {
	struct programs *with;
	enum tc_kind kind;
	bool keep;
};

static void start_whole(void *data)
{
	const struct start *start = data;
	struct attach_options how = near_options(start->with, XDP_MODE_AUTO, start->kind);
	struct attachment *attachment = NULL;

	if (link_pins_open(&how.pins, PIN_PATH))
		_exit(2);
	how.keep = start->keep;
	if (link_pins_add_programs(how.pins, start->with) ||
	    attach_interface(&attachment, &how, NEAR))
		_exit(2);
	attach_commit(attachment, &how);
	if (attach_remove_links(how.pins, "") < 0 ||
	    attach_remove_leftovers(store_id(store), how.pins, start->with) < 0 ||
	    link_pins_keep_programs(how.pins, start->with))
		_exit(2);
	leave_interface(attachment);
	link_pins_close(how.pins);
}

/* Whatever is seen from outside of the process. */
static bool changes_something(uint64_t number, const uint64_t arguments[6])
{
	switch (number) {
	case SYS_bpf:
		return arguments[0] == BPF_OBJ_PIN || arguments[0] == BPF_LINK_CREATE ||
		       arguments[0] == BPF_LINK_UPDATE || arguments[0] == BPF_LINK_DETACH;
	case SYS_sendto:
	case SYS_sendmsg:
	case SYS_unlinkat:
	case SYS_mkdirat:
		return true;
#ifdef SYS_unlink
	case SYS_unlink:
	case SYS_mkdir:
		return true;
#endif
	default:
		return false;
	}
}

static void assert_whole(const struct start *start)
{
	const size_t links = start->kind == TC_KIND_TCX ? 3 : 1;

	reopen_pins();
	assert_filtered_by(start->with);
	assert_true(near_status().kept);
	assert_int_equal(count_pins(NEAR ":"), links);
	assert_int_equal(count_pins("program:"), HOOK_COUNT);
	assert_int_equal(ingress_filters(), start->kind == TC_KIND_CLSACT);
}

/* Returns at how many moments it was killed. */
static unsigned int kill_starts(struct programs *newer, enum tc_kind kind, bool kept, bool keep)
{
	struct start before = {.with = programs, .kind = kind, .keep = true};
	struct start dies = {.with = newer, .kind = kind, .keep = keep};
	struct start repairs = {.with = programs, .kind = kind, .keep = true};
	struct attach_status status;
	unsigned int n = 0;

	for (bool died = true; died; n++) {
		if (kept)
			start_whole(&before);
		died = crash_at_syscall_like(start_whole, &dies, changes_something, n);
		reopen_pins();
		if (kept && keep) {
			status = near_status();
			assert_true(attach_status_complete(&status));
		}
		start_whole(&repairs);
		assert_whole(&repairs);
		remove_everything();
	}
	return n - 1;
}

static void a_start_killed_at_any_moment_is_repaired_by_the_next(void **state)
{
	struct programs *newer = NULL;

	(void)state;
	load_newer(&newer);
	for (size_t i = 0; i < 2; i++) {
		if (!has_kind(kinds[i]))
			continue;
		assert_true(kill_starts(newer, kinds[i], false, true) > 6);
		assert_true(kill_starts(newer, kinds[i], true, true) > 6);
		assert_true(kill_starts(newer, kinds[i], true, false) > 6);
	}
	programs_unload(newer);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		NEAR_TEST(kept_programs_stay_without_a_process),
		NEAR_TEST(the_next_programs_take_the_places_of_the_kept_ones),
		NEAR_TEST(a_start_undone_gives_back_what_it_took_over),
		NEAR_TEST(half_a_kept_firewall_is_completed),
		NEAR_TEST(a_kept_link_of_another_network_namespace_is_not_taken_over),
		NEAR_TEST(names_with_dots_are_pinned),
		NEAR_TEST(a_pin_of_a_deleted_interface_is_removed),
		NEAR_TEST(recorded_filters_are_known_without_asking_for_their_maps),
		NEAR_TEST(a_start_killed_at_any_moment_is_repaired_by_the_next),
	};

	return cmocka_run_group_tests(tests, near_group_setup, near_group_teardown);
}
