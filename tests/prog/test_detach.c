/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What stays and what goes: beside filters and programs of others, after a server was killed, and
 * with the interface itself.
 */
#include "near.h"

#include <bpf/libbpf.h>
#include <errno.h>
#include <linux/capability.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>

static void keep_server_capabilities(void)
{
	const uint64_t kept = 1ULL << CAP_BPF | 1ULL << CAP_NET_ADMIN | 1ULL << CAP_PERFMON;
	struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
	struct __user_cap_data_struct data[2] = {
		{.effective = (uint32_t)kept, .permitted = (uint32_t)kept},
		{.effective = (uint32_t)(kept >> 32), .permitted = (uint32_t)(kept >> 32)},
	};

	if (syscall(SYS_capset, &header, data))
		_exit(2);
}

/* -- Neighbours at TC -- */

static void the_clsact_qdisc_goes_with_the_filters_when_we_made_it(void **state)
{
	(void)state;
	detach_interface(near_attach(NEAR, XDP_MODE_AUTO, TC_KIND_CLSACT), pins);
	assert_qdisc(false);
}

static void a_clsact_qdisc_that_was_there_stays(void **state)
{
	(void)state;
	shell("tc qdisc add dev " NEAR " clsact");
	detach_interface(near_attach(NEAR, XDP_MODE_AUTO, TC_KIND_CLSACT), pins);
	assert_nothing_attached();
	assert_qdisc(true);
}

static void a_foreign_filter_on_our_clsact_survives(void **state)
{
	struct attachment *attachment = near_attach(NEAR, XDP_MODE_AUTO, TC_KIND_CLSACT);

	(void)state;
	add_foreign_filter(7, 1, 0);
	assert_int_equal(ingress_filters(), 2);
	detach_interface(attachment, pins);
	assert_nothing_attached();
	assert_int_equal(ingress_filters(), 1);
	assert_qdisc(true);
}

static void a_foreign_filter_of_another_kind_survives(void **state)
{
	struct attachment *attachment = near_attach(NEAR, XDP_MODE_AUTO, TC_KIND_CLSACT);
	char text[4096];

	(void)state;
	shell("tc filter add dev " NEAR " egress protocol ip u32 match u32 0 0");
	detach_interface(attachment, pins);
	assert_nothing_attached();
	shell_output("tc filter show dev " NEAR " egress", text, sizeof(text));
	assert_says(text, "u32");
}

static void a_foreign_filter_of_the_first_priority_is_no_obstacle(void **state)
{
	struct attachment *attachment;

	(void)state;
	shell("tc qdisc add dev " NEAR " clsact");
	add_foreign_filter(1, 1, 0);
	attachment = near_attach(NEAR, XDP_MODE_AUTO, TC_KIND_CLSACT);
	assert_int_equal(ingress_filters(), 2);
	detach_interface(attachment, pins);
	assert_int_equal(ingress_filters(), 1);
}

static void a_filter_put_in_place_of_ours_is_left_alone(void **state)
{
	struct attachment *attachment = near_attach(NEAR, XDP_MODE_AUTO, TC_KIND_CLSACT);

	(void)state;
	add_foreign_filter(1, 1, BPF_TC_F_REPLACE);
	assert_int_equal(near_status().tc_ingress_program_id, 0);
	detach_interface(attachment, pins);
	assert_nothing_attached();
	assert_int_equal(ingress_filters(), 1);
}

static void a_filter_of_ours_that_somebody_removed_is_no_error(void **state)
{
	struct attachment *attachment = near_attach(NEAR, XDP_MODE_AUTO, TC_KIND_CLSACT);
	struct attach_status status;

	(void)state;
	shell("tc filter del dev " NEAR " ingress");
	status = near_status();
	assert_int_equal(status.tc_ingress_program_id, 0);
	assert_int_not_equal(status.tc_egress_program_id, 0);
	assert_false(attach_status_complete(&status));
	detach_interface(attachment, pins);
	assert_nothing_attached();
	assert_qdisc(false);
}

static void ours_runs_before_a_tcx_program_that_was_there(void **state)
{
	const int foreign = foreign_program(BPF_PROG_TYPE_SCHED_CLS);
	const struct interface interface = near_interface();
	struct tc_program found[TC_PROGRAMS_MAX];
	struct tc_filter filter = TC_FILTER_NONE;
	struct attachment *attachment;

	(void)state;
	needs_tcx();
	assert_int_equal(tcx_attach(foreign, &interface, TC_INGRESS, &filter), 0);
	attachment = near_attach(NEAR, XDP_MODE_AUTO, TC_KIND_TCX);
	assert_int_equal(tcx_query(&interface, TC_INGRESS, found), 2);
	assert_int_equal(found[0].id, near_program_id(HOOK_INGRESS));
	detach_interface(attachment, pins);
	assert_int_equal(tcx_query(&interface, TC_INGRESS, found), 1);
	assert_int_equal(found[0].id, filter.program_id);
	assert_int_equal(tc_detach(&interface, TC_INGRESS, &filter), 0);
	close(foreign);
}

/* -- Ends that nobody planned -- */

static void killed_with_links_nothing_stays(void **state)
{
	(void)state;
	needs_tcx();
	attach_and_be_killed(programs, TC_KIND_TCX);
	assert_nothing_attached();
}

static void killed_with_clsact_half_a_firewall_stays_and_is_seen(void **state)
{
	struct attach_status status;

	(void)state;
	attach_and_be_killed(programs, TC_KIND_CLSACT);
	status = near_status();
	assert_int_equal(status.xdp_program_id, 0);
	assert_null(status.xdp_mode);
	assert_int_equal(status.tc_ingress_program_id, near_program_id(HOOK_INGRESS));
	assert_false(attach_status_complete(&status));
}

static void leftover_filters_are_removed_and_others_are_not(void **state)
{
	(void)state;
	attach_and_be_killed(programs, TC_KIND_CLSACT);
	add_foreign_filter(7, 1, 0);
	assert_int_equal(attach_remove_leftovers(store_id(other_store), pins, NULL), 0);
	assert_int_equal(near_status().tc_ingress_program_id, near_program_id(HOOK_INGRESS));
	assert_int_equal(attach_remove_leftovers(store_id(store), pins, NULL), 2);
	assert_nothing_attached();
	assert_int_equal(ingress_filters(), 1);
}

static void leftovers_are_removed_beside_the_programs_that_replace_them(void **state)
{
	struct programs *newer = NULL;
	struct attachment *attachment = NULL;
	struct attach_options how;
	struct attach_status status;
	uint32_t id = 0;

	(void)state;
	attach_and_be_killed(programs, TC_KIND_CLSACT);
	assert_int_equal(programs_load(&newer, store, false), 0);
	assert_int_equal(program_id(programs_fd(newer, HOOK_INGRESS), &id), 0);
	how = near_options(newer, XDP_MODE_AUTO, TC_KIND_CLSACT);
	assert_int_equal(attach_interface(&attachment, &how, NEAR), 0);
	assert_int_equal(ingress_filters(), 2);
	assert_int_equal(attach_remove_leftovers(store_id(store), pins, newer), 2);
	assert_int_equal(ingress_filters(), 1);
	status = near_status();
	assert_true(attach_status_complete(&status));
	assert_int_equal(status.tc_ingress_program_id, id);
	detach_interface(attachment, pins);
	programs_unload(newer);
	assert_nothing_attached();
}

/* Its programs work on the maps from before, which are pinned nowhere any more. */
static void leftovers_of_before_a_migration_are_removed(void **state)
{
	const char *const path = "/sys/fs/bpf/migrated";
	struct store *migrated = NULL;
	struct programs *loaded = NULL;
	bool created;

	(void)state;
	open_store(path, &migrated, &loaded);
	attach_and_be_killed(loaded, TC_KIND_CLSACT);
	programs_unload(loaded);
	store_close(migrated);
	assert_int_equal(store_open_or_create(&migrated, path, 4096, &created), 0);
	assert_int_equal(store_max_rules(migrated), 4096);
	assert_int_equal(ingress_filters(), 1);
	assert_int_equal(attach_remove_leftovers(store_id(migrated), pins, NULL), 2);
	assert_int_equal(ingress_filters(), 0);
	store_close(migrated);
	assert_int_equal(store_remove(path), 0);
}

/* A server needs less than CAP_SYS_ADMIN: then nobody's filters are taken for ours. */
static void without_the_privilege_to_look_nothing_is_removed(void **state)
{
	pid_t child;
	int status;

	(void)state;
	attach_and_be_killed(programs, TC_KIND_CLSACT);
	child = fork();
	assert_true(child >= 0);
	if (child == 0) {
		keep_server_capabilities();
		_exit(attach_remove_leftovers(store_id(store), pins, NULL) == -EPERM ? 0 : 1);
	}
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_int_equal(status, 0);
	assert_int_equal(near_status().tc_ingress_program_id, near_program_id(HOOK_INGRESS));
	assert_int_equal(attach_remove_leftovers(store_id(store), pins, NULL), 2);
}

static void status_tells_this_store_from_another(void **state)
{
	const struct attach_options how = near_options(other_programs, XDP_MODE_AUTO, TC_KIND_AUTO);
	struct attachment *attachment = NULL;
	struct attach_status *all = NULL;

	(void)state;
	assert_int_equal(attach_interface(&attachment, &how, NEAR), 0);
	assert_nothing_attached();
	assert_int_equal(attach_status(other_store, pins, &all), 1);
	free(all);
	detach_interface(attachment, pins);
}

static void an_interface_that_goes_takes_everything_along(void **state)
{
	const enum tc_kind kinds[] = {TC_KIND_AUTO, TC_KIND_CLSACT};
	struct attachment *attachment;
	struct capture capture;
	char text[4096];

	for (size_t i = 0; i < 2; i++) {
		attachment = near_attach(NEAR, XDP_MODE_AUTO, kinds[i]);
		assert_int_equal(attachment_place(attachment), PLACE_HERE);
		shell("ip link del " NEAR);
		assert_int_equal(attachment_place(attachment), PLACE_NONE);
		assert_nothing_attached();
		capture = capture_begin();
		detach_interface(attachment, pins);
		capture_end(capture, text, sizeof(text));
		assert_says(text, "Removed TC egress filter");
		assert_null(strstr(text, "No such device"));
		near_setup(state);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		NEAR_TEST(the_clsact_qdisc_goes_with_the_filters_when_we_made_it),
		NEAR_TEST(a_clsact_qdisc_that_was_there_stays),
		NEAR_TEST(a_foreign_filter_on_our_clsact_survives),
		NEAR_TEST(a_foreign_filter_of_another_kind_survives),
		NEAR_TEST(a_foreign_filter_of_the_first_priority_is_no_obstacle),
		NEAR_TEST(a_filter_put_in_place_of_ours_is_left_alone),
		NEAR_TEST(a_filter_of_ours_that_somebody_removed_is_no_error),
		NEAR_TEST(ours_runs_before_a_tcx_program_that_was_there),
		NEAR_TEST(killed_with_links_nothing_stays),
		NEAR_TEST(killed_with_clsact_half_a_firewall_stays_and_is_seen),
		NEAR_TEST(leftover_filters_are_removed_and_others_are_not),
		NEAR_TEST(leftovers_are_removed_beside_the_programs_that_replace_them),
		NEAR_TEST(leftovers_of_before_a_migration_are_removed),
		NEAR_TEST(without_the_privilege_to_look_nothing_is_removed),
		NEAR_TEST(status_tells_this_store_from_another),
		NEAR_TEST(an_interface_that_goes_takes_everything_along),
	};

	return cmocka_run_group_tests(tests, near_group_setup, near_group_teardown);
}
