/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Attaching to veth pairs and loopbacks of a network namespace of the test's own, next to programs,
 * filters and stores of others.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <linux/if_link.h>
#include <sched.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/wait.h>

#include "../../src/attach_parts.h"

#define NEAR "bgo-near"
#define FAR "bgo-far"

/* The store whose programs are attached, and another firewall of this machine. */
static struct store *store, *other_store;
static struct programs *programs, *other_programs;

static void run(const char *command)
{
	if (system(command) != 0)
		fail_msg("failed: %s", command);
}

/* What a command prints, up to size - 1 bytes. */
static void output_of(const char *command, char *text, size_t size)
{
	FILE *pipe = popen(command, "r");

	assert_non_null(pipe);
	text[fread(text, 1, size - 1, pipe)] = '\0';
	pclose(pipe);
}

static void open_firewall(const char *pin_path, struct store **opened, struct programs **loaded)
{
	bool created;

	assert_int_equal(store_open_or_create(opened, pin_path, 1024, &created), 0);
	assert_true(created);
	assert_int_equal(programs_load(loaded, *opened, false), 0);
}

static int group_setup(void **state)
{
	(void)state;
	if (unshare(CLONE_NEWNET | CLONE_NEWNS) ||
	    mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) ||
	    mount("bpf", "/sys/fs/bpf", "bpf", 0, "mode=0700"))
		return -1;
	run("ip link set lo up");
	open_firewall("/sys/fs/bpf/firewall", &store, &programs);
	open_firewall("/sys/fs/bpf/other", &other_store, &other_programs);
	return 0;
}

static int group_teardown(void **state)
{
	(void)state;
	programs_unload(programs);
	programs_unload(other_programs);
	store_close(store);
	store_close(other_store);
	return 0;
}

static int setup(void **state)
{
	(void)state;
	run("ip link add " NEAR " type veth peer name " FAR);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	run("ip link del " NEAR " 2>/dev/null || true");
	return 0;
}

/* -- Helpers -- */

static struct interface near_interface(void)
{
	return (struct interface){.name = NEAR, .index = if_nametoindex(NEAR)};
}

static struct attachment *attach(const char *interface, enum xdp_mode mode, enum tc_kind kind)
{
	struct attachment *attachment = NULL;

	assert_int_equal(attach_interface(&attachment, programs, interface, mode, kind), 0);
	assert_non_null(attachment);
	return attachment;
}

/* What is logged between begin and end. */
struct capture {
	int file, stderr_fd;
};

static struct capture capture_begin(void)
{
	const struct capture capture = {memfd_create("log", MFD_CLOEXEC), dup(STDERR_FILENO)};

	assert_true(capture.file >= 0 && capture.stderr_fd >= 0);
	dup2(capture.file, STDERR_FILENO);
	return capture;
}

static void capture_end(struct capture capture, char *text, size_t size)
{
	ssize_t length;

	dup2(capture.stderr_fd, STDERR_FILENO);
	length = pread(capture.file, text, size - 1, 0);
	text[length > 0 ? length : 0] = '\0';
	close(capture.file);
	close(capture.stderr_fd);
}

/* Returns the error, and what was logged in `text`. */
static int attach_failing(const struct programs *with, const char *interface, enum xdp_mode mode,
			  enum tc_kind kind, char *text, size_t size)
{
	const struct capture capture = capture_begin();
	struct attachment *attachment = NULL;
	int err;

	err = attach_interface(&attachment, with, interface, mode, kind);
	capture_end(capture, text, size);
	assert_null(attachment);
	return err;
}

static void assert_says(const char *text, const char *expected)
{
	if (!strstr(text, expected))
		fail_msg("'%s' is not in: %s", expected, text);
}

/* The one interface with programs of the store, asked of the kernel. */
static struct attach_status the_status(void)
{
	struct attach_status *all = NULL, status;

	assert_int_equal(attach_status(store, &all), 1);
	status = all[0];
	free(all);
	return status;
}

static void assert_nothing_attached(void)
{
	struct attach_status *all = NULL;

	assert_int_equal(attach_status(store, &all), 0);
	free(all);
}

static uint32_t id_of(enum hook hook)
{
	uint32_t id = 0;

	assert_int_equal(program_id(programs_fd(programs, hook), &id), 0);
	return id;
}

/* A program that passes everything, as other people have them. */
static int foreign_program(enum bpf_prog_type type)
{
	const struct bpf_insn insns[] = {
		{.code = BPF_ALU64 | BPF_MOV | BPF_K, .dst_reg = 0, .imm = XDP_PASS},
		{.code = BPF_JMP | BPF_EXIT},
	};
	const int fd = bpf_prog_load(type, "foreign", "GPL", insns, 2, NULL);

	assert_true(fd >= 0);
	return fd;
}

static void add_foreign_filter(uint32_t priority, uint32_t handle, uint32_t flags)
{
	const int fd = foreign_program(BPF_PROG_TYPE_SCHED_CLS);
	LIBBPF_OPTS(bpf_tc_hook, hook, .ifindex = (int)if_nametoindex(NEAR),
		    .attach_point = BPF_TC_INGRESS);
	LIBBPF_OPTS(bpf_tc_opts, options, .prog_fd = fd, .handle = handle, .priority = priority,
		    .flags = flags);

	assert_int_equal(bpf_tc_attach(&hook, &options), 0);
	close(fd);
}

static void assert_qdisc(bool there)
{
	char text[4096];

	output_of("tc qdisc show dev " NEAR, text, sizeof(text));
	assert_int_equal(strstr(text, "clsact") != NULL, there);
}

static int ingress_filters(void)
{
	const struct interface interface = near_interface();
	struct tc_program found[TC_PROGRAMS_MAX];

	return clsact_query(&interface, TC_INGRESS, found);
}

/* Attaches in a process that is then killed, as a server may be. */
static void attach_and_be_killed(const struct programs *with, enum tc_kind kind)
{
	struct attachment *attachment;
	const pid_t child = fork();
	int status;

	assert_true(child >= 0);
	if (child == 0) {
		if (attach_interface(&attachment, with, NEAR, XDP_MODE_NATIVE, kind) == 0)
			raise(SIGKILL);
		_exit(1);
	}
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_true(WIFSIGNALED(status));
}

/* -- How it is attached -- */

static void native_mode_attaches_all_three_programs(void **state)
{
	struct attachment *attachment = attach(NEAR, XDP_MODE_NATIVE, TC_KIND_AUTO);
	const struct attach_status status = the_status();

	(void)state;
	assert_string_equal(status.interface, NEAR);
	assert_string_equal(status.xdp_mode, "native");
	assert_int_equal(status.xdp_program_id, id_of(HOOK_XDP));
	assert_int_equal(status.tc_ingress_program_id, id_of(HOOK_INGRESS));
	assert_int_equal(status.tc_egress_program_id, id_of(HOOK_EGRESS));
	assert_true(attach_status_complete(&status));
	detach_interface(attachment);
	assert_nothing_attached();
}

static void generic_mode_is_generic_where_native_would_do(void **state)
{
	struct attachment *attachment = attach(NEAR, XDP_MODE_GENERIC, TC_KIND_AUTO);

	(void)state;
	assert_string_equal(the_status().xdp_mode, "generic");
	detach_interface(attachment);
	assert_nothing_attached();
}

static void auto_mode_prefers_native(void **state)
{
	struct attachment *attachment = attach(NEAR, XDP_MODE_AUTO, TC_KIND_AUTO);

	(void)state;
	assert_string_equal(the_status().xdp_mode, "native");
	detach_interface(attachment);
}

static void auto_mode_is_generic_where_the_driver_has_no_native(void **state)
{
	struct attachment *attachment = attach("lo", XDP_MODE_AUTO, TC_KIND_AUTO);

	(void)state;
	assert_string_equal(the_status().xdp_mode, "generic");
	detach_interface(attachment);
	assert_nothing_attached();
}

static void auto_mode_filters_an_interface_with_jumbo_frames(void **state)
{
	struct attachment *attachment;
	struct attach_status status;

	(void)state;
	run("ip link set " NEAR " mtu 9000; ip link set " FAR " mtu 9000");
	attachment = attach(NEAR, XDP_MODE_AUTO, TC_KIND_AUTO);
	status = the_status();
	assert_true(attach_status_complete(&status));
	detach_interface(attachment);
}

static void tcx_and_clsact_are_told_apart(void **state)
{
	struct attachment *attachment;

	(void)state;
	attachment = attach(NEAR, XDP_MODE_AUTO, TC_KIND_TCX);
	assert_string_equal(the_status().tc_kind, "tcx");
	assert_qdisc(false);
	detach_interface(attachment);
	attachment = attach(NEAR, XDP_MODE_AUTO, TC_KIND_CLSACT);
	assert_string_equal(the_status().tc_kind, "clsact");
	assert_qdisc(true);
	detach_interface(attachment);
	assert_nothing_attached();
}

/* -- Refusals -- */

static void native_mode_is_refused_where_the_driver_has_none(void **state)
{
	char text[1024];

	(void)state;
	assert_int_equal(
		attach_failing(programs, "lo", XDP_MODE_NATIVE, TC_KIND_AUTO, text, sizeof(text)),
		-EOPNOTSUPP);
	assert_says(text, "start on lo: its driver has no native XDP");
	assert_nothing_attached();
}

static void a_missing_interface_is_refused_with_those_that_exist(void **state)
{
	char text[1024];

	(void)state;
	assert_int_equal(
		attach_failing(programs, "eth7", XDP_MODE_AUTO, TC_KIND_AUTO, text, sizeof(text)),
		-ENODEV);
	assert_says(text, "start on eth7: no such interface (have: lo, ");
	assert_says(text, NEAR);
}

static void a_name_too_long_for_an_interface_is_a_missing_one(void **state)
{
	char text[1024];

	(void)state;
	assert_int_equal(attach_failing(programs, "a-name-of-16-bytes", XDP_MODE_AUTO, TC_KIND_AUTO,
					text, sizeof(text)),
			 -ENODEV);
	assert_says(text, "no such interface");
}

static void an_interface_without_ethernet_is_refused(void **state)
{
	char text[1024];
	int err;

	(void)state;
	run("ip tuntap add bgo-tun mode tun");
	err = attach_failing(programs, "bgo-tun", XDP_MODE_GENERIC, TC_KIND_AUTO, text,
			     sizeof(text));
	run("ip link del bgo-tun");
	assert_int_equal(err, -EPROTONOSUPPORT);
	assert_says(text, "start on bgo-tun: it does not speak Ethernet");
}

static void an_mtu_too_large_for_the_driver_says_what_to_do(void **state)
{
	const int program = foreign_program(BPF_PROG_TYPE_XDP); /* cannot do packets in fragments */
	const struct interface interface = near_interface();
	struct capture capture;
	enum xdp_mode got;
	char text[1024];
	int err;

	(void)state;
	run("ip link set " NEAR " mtu 9000; ip link set " FAR " mtu 9000");
	capture = capture_begin();
	err = xdp_attach(program, &interface, XDP_MODE_NATIVE, &got);
	capture_end(capture, text, sizeof(text));
	close(program);
	assert_int_equal(err, -ERANGE);
	assert_says(text, "lower it (ip link set dev " NEAR " mtu 1500) or use --mode generic");
}

static void a_foreign_xdp_program_is_named_and_left_alone(void **state)
{
	const int foreign = foreign_program(BPF_PROG_TYPE_XDP);
	const struct interface interface = near_interface();
	uint32_t foreign_id = 0, found = 0;
	enum xdp_mode mode;
	char text[1024], expected[128];

	(void)state;
	assert_int_equal(program_id(foreign, &foreign_id), 0);
	assert_int_equal(bpf_xdp_attach((int)interface.index, foreign, XDP_FLAGS_SKB_MODE, NULL),
			 0);
	for (enum xdp_mode asked = XDP_MODE_AUTO; asked <= XDP_MODE_GENERIC; asked++) {
		assert_int_equal(
			attach_failing(programs, NEAR, asked, TC_KIND_AUTO, text, sizeof(text)),
			-EBUSY);
		snprintf(expected, sizeof(expected), "XDP program %u (foreign) is attached",
			 foreign_id);
		assert_says(text, expected);
		assert_nothing_attached();
		assert_int_equal(xdp_query(&interface, &found, &mode), 0);
		assert_int_equal(found, foreign_id);
	}
	close(foreign);
}

static void another_firewall_on_the_interface_is_refused_by_its_pid(void **state)
{
	struct attachment *attachment;
	char text[1024], expected[64];
	int lock = -1;

	(void)state;
	assert_int_equal(store_server_lock(store, &lock), 0);
	attachment = attach(NEAR, XDP_MODE_AUTO, TC_KIND_AUTO);
	assert_int_equal(attach_failing(other_programs, NEAR, XDP_MODE_AUTO, TC_KIND_AUTO, text,
					sizeof(text)),
			 -EBUSY);
	snprintf(expected, sizeof(expected), "another bgo server, pid %d,", (int)getpid());
	assert_says(text, expected);
	assert_int_equal(the_status().xdp_program_id, id_of(HOOK_XDP));
	detach_interface(attachment);
	close(lock);
}

/* It would take the egress program too, and run it at ingress. */
static void an_ingress_qdisc_in_the_place_of_clsact_is_refused(void **state)
{
	char text[1024];

	(void)state;
	run("tc qdisc add dev " NEAR " ingress");
	assert_int_equal(
		attach_failing(programs, NEAR, XDP_MODE_AUTO, TC_KIND_CLSACT, text, sizeof(text)),
		-EEXIST);
	assert_says(text, "remove it (tc qdisc del dev " NEAR " ingress)");
	assert_says(text, "XDP program detached from interface " NEAR);
	assert_nothing_attached();
	output_of("tc qdisc show dev " NEAR, text, sizeof(text));
	assert_says(text, "qdisc ingress");
}

/* Each of the 64 places of TCX egress is taken, so that the last of three steps fails. */
static void a_failure_at_tc_egress_undoes_ingress_and_xdp(void **state)
{
	const struct interface interface = near_interface();
	struct tc_filter filters[TC_PROGRAMS_MAX];
	char text[1024];
	size_t taken = 0;
	int foreign[TC_PROGRAMS_MAX];

	(void)state;
	for (; taken < TC_PROGRAMS_MAX; taken++) {
		foreign[taken] = foreign_program(BPF_PROG_TYPE_SCHED_CLS);
		if (tcx_attach(foreign[taken], &interface, TC_EGRESS, &filters[taken]))
			break;
	}
	assert_true(attach_failing(programs, NEAR, XDP_MODE_AUTO, TC_KIND_AUTO, text,
				   sizeof(text)) < 0);
	assert_says(text, "start on " NEAR ": attach TC programs (tcx)");
	assert_says(text, "XDP program detached from interface " NEAR);
	assert_says(text, "Removed TC ingress filter");
	assert_nothing_attached();
	for (size_t i = 0; i < taken; i++) {
		assert_int_equal(tc_detach(&interface, TC_EGRESS, &filters[i]), 0);
		close(foreign[i]);
	}
}

/* -- Neighbours at TC -- */

static void the_clsact_qdisc_goes_with_the_filters_when_we_made_it(void **state)
{
	(void)state;
	detach_interface(attach(NEAR, XDP_MODE_AUTO, TC_KIND_CLSACT));
	assert_qdisc(false);
}

static void a_clsact_qdisc_that_was_there_stays(void **state)
{
	(void)state;
	run("tc qdisc add dev " NEAR " clsact");
	detach_interface(attach(NEAR, XDP_MODE_AUTO, TC_KIND_CLSACT));
	assert_nothing_attached();
	assert_qdisc(true);
}

static void a_foreign_filter_on_our_clsact_survives(void **state)
{
	struct attachment *attachment = attach(NEAR, XDP_MODE_AUTO, TC_KIND_CLSACT);

	(void)state;
	add_foreign_filter(7, 1, 0);
	assert_int_equal(ingress_filters(), 2);
	detach_interface(attachment);
	assert_nothing_attached();
	assert_int_equal(ingress_filters(), 1);
	assert_qdisc(true);
}

static void a_foreign_filter_of_another_kind_survives(void **state)
{
	struct attachment *attachment = attach(NEAR, XDP_MODE_AUTO, TC_KIND_CLSACT);
	char text[4096];

	(void)state;
	run("tc filter add dev " NEAR " egress protocol ip u32 match u32 0 0");
	detach_interface(attachment);
	assert_nothing_attached();
	output_of("tc filter show dev " NEAR " egress", text, sizeof(text));
	assert_says(text, "u32");
}

static void a_foreign_filter_of_the_first_priority_is_no_obstacle(void **state)
{
	struct attachment *attachment;

	(void)state;
	run("tc qdisc add dev " NEAR " clsact");
	add_foreign_filter(1, 1, 0);
	attachment = attach(NEAR, XDP_MODE_AUTO, TC_KIND_CLSACT);
	assert_int_equal(ingress_filters(), 2);
	detach_interface(attachment);
	assert_int_equal(ingress_filters(), 1);
}

static void a_filter_put_in_place_of_ours_is_left_alone(void **state)
{
	struct attachment *attachment = attach(NEAR, XDP_MODE_AUTO, TC_KIND_CLSACT);

	(void)state;
	add_foreign_filter(1, 1, BPF_TC_F_REPLACE);
	assert_int_equal(the_status().tc_ingress_program_id, 0);
	detach_interface(attachment);
	assert_nothing_attached();
	assert_int_equal(ingress_filters(), 1);
}

static void a_filter_of_ours_that_somebody_removed_is_no_error(void **state)
{
	struct attachment *attachment = attach(NEAR, XDP_MODE_AUTO, TC_KIND_CLSACT);
	struct attach_status status;

	(void)state;
	run("tc filter del dev " NEAR " ingress");
	status = the_status();
	assert_int_equal(status.tc_ingress_program_id, 0);
	assert_int_not_equal(status.tc_egress_program_id, 0);
	assert_false(attach_status_complete(&status));
	detach_interface(attachment);
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
	assert_int_equal(tcx_attach(foreign, &interface, TC_INGRESS, &filter), 0);
	attachment = attach(NEAR, XDP_MODE_AUTO, TC_KIND_TCX);
	assert_int_equal(tcx_query(&interface, TC_INGRESS, found), 2);
	assert_int_equal(found[0].id, id_of(HOOK_INGRESS));
	detach_interface(attachment);
	assert_int_equal(tcx_query(&interface, TC_INGRESS, found), 1);
	assert_int_equal(found[0].id, filter.program_id);
	assert_int_equal(tc_detach(&interface, TC_INGRESS, &filter), 0);
	close(foreign);
}

/* -- Ends that nobody planned -- */

static void killed_with_links_nothing_stays(void **state)
{
	(void)state;
	attach_and_be_killed(programs, TC_KIND_TCX);
	assert_nothing_attached();
}

static void killed_with_clsact_half_a_firewall_stays_and_is_seen(void **state)
{
	struct attach_status status;

	(void)state;
	attach_and_be_killed(programs, TC_KIND_CLSACT);
	status = the_status();
	assert_int_equal(status.xdp_program_id, 0);
	assert_null(status.xdp_mode);
	assert_int_equal(status.tc_ingress_program_id, id_of(HOOK_INGRESS));
	assert_false(attach_status_complete(&status));
}

static void leftover_filters_are_removed_and_others_are_not(void **state)
{
	(void)state;
	attach_and_be_killed(programs, TC_KIND_CLSACT);
	add_foreign_filter(7, 1, 0);
	assert_int_equal(attach_remove_leftovers(other_store, NULL), 0);
	assert_int_equal(the_status().tc_ingress_program_id, id_of(HOOK_INGRESS));
	assert_int_equal(attach_remove_leftovers(store, NULL), 2);
	assert_nothing_attached();
	assert_int_equal(ingress_filters(), 1);
}

static void leftovers_are_removed_beside_the_programs_that_replace_them(void **state)
{
	struct programs *newer = NULL;
	struct attachment *attachment = NULL;
	struct attach_status status;
	uint32_t id = 0;

	(void)state;
	attach_and_be_killed(programs, TC_KIND_CLSACT);
	assert_int_equal(programs_load(&newer, store, false), 0);
	assert_int_equal(program_id(programs_fd(newer, HOOK_INGRESS), &id), 0);
	assert_int_equal(attach_interface(&attachment, newer, NEAR, XDP_MODE_AUTO, TC_KIND_CLSACT),
			 0);
	assert_int_equal(ingress_filters(), 2);
	assert_int_equal(attach_remove_leftovers(store, newer), 2);
	assert_int_equal(ingress_filters(), 1);
	status = the_status();
	assert_true(attach_status_complete(&status));
	assert_int_equal(status.tc_ingress_program_id, id);
	detach_interface(attachment);
	programs_unload(newer);
	assert_nothing_attached();
}

/* Its programs work on the maps from before, which are pinned nowhere any more. */
static void leftovers_of_before_a_migration_are_removed(void **state)
{
	const char *const pins = "/sys/fs/bpf/migrated";
	struct store *migrated = NULL;
	struct programs *loaded = NULL;
	bool created;

	(void)state;
	open_firewall(pins, &migrated, &loaded);
	attach_and_be_killed(loaded, TC_KIND_CLSACT);
	programs_unload(loaded);
	store_close(migrated);
	assert_int_equal(store_open_or_create(&migrated, pins, 4096, &created), 0);
	assert_int_equal(store_max_rules(migrated), 4096);
	assert_int_equal(ingress_filters(), 1);
	assert_int_equal(attach_remove_leftovers(migrated, NULL), 2);
	assert_int_equal(ingress_filters(), 0);
	store_close(migrated);
	assert_int_equal(store_remove(pins), 0);
}

static void status_tells_this_store_from_another(void **state)
{
	struct attachment *attachment = NULL;
	struct attach_status *all = NULL;

	(void)state;
	assert_int_equal(
		attach_interface(&attachment, other_programs, NEAR, XDP_MODE_AUTO, TC_KIND_AUTO),
		0);
	assert_nothing_attached();
	assert_int_equal(attach_status(other_store, &all), 1);
	free(all);
	detach_interface(attachment);
}

static void an_interface_that_goes_takes_everything_along(void **state)
{
	static const enum tc_kind kinds[] = {TC_KIND_TCX, TC_KIND_CLSACT};
	struct attachment *attachment;
	struct capture capture;
	char text[4096];

	for (size_t i = 0; i < 2; i++) {
		attachment = attach(NEAR, XDP_MODE_AUTO, kinds[i]);
		assert_false(attachment_gone(attachment));
		run("ip link del " NEAR);
		assert_true(attachment_gone(attachment));
		assert_nothing_attached();
		capture = capture_begin();
		detach_interface(attachment);
		capture_end(capture, text, sizeof(text));
		assert_says(text, "Removed TC egress filter");
		assert_null(strstr(text, "No such device"));
		setup(state);
	}
}

#define ATTACH_TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		ATTACH_TEST(native_mode_attaches_all_three_programs),
		ATTACH_TEST(generic_mode_is_generic_where_native_would_do),
		ATTACH_TEST(auto_mode_prefers_native),
		ATTACH_TEST(auto_mode_is_generic_where_the_driver_has_no_native),
		ATTACH_TEST(auto_mode_filters_an_interface_with_jumbo_frames),
		ATTACH_TEST(tcx_and_clsact_are_told_apart),
		ATTACH_TEST(native_mode_is_refused_where_the_driver_has_none),
		ATTACH_TEST(a_missing_interface_is_refused_with_those_that_exist),
		ATTACH_TEST(a_name_too_long_for_an_interface_is_a_missing_one),
		ATTACH_TEST(an_interface_without_ethernet_is_refused),
		ATTACH_TEST(an_mtu_too_large_for_the_driver_says_what_to_do),
		ATTACH_TEST(a_foreign_xdp_program_is_named_and_left_alone),
		ATTACH_TEST(another_firewall_on_the_interface_is_refused_by_its_pid),
		ATTACH_TEST(an_ingress_qdisc_in_the_place_of_clsact_is_refused),
		ATTACH_TEST(a_failure_at_tc_egress_undoes_ingress_and_xdp),
		ATTACH_TEST(the_clsact_qdisc_goes_with_the_filters_when_we_made_it),
		ATTACH_TEST(a_clsact_qdisc_that_was_there_stays),
		ATTACH_TEST(a_foreign_filter_on_our_clsact_survives),
		ATTACH_TEST(a_foreign_filter_of_another_kind_survives),
		ATTACH_TEST(a_foreign_filter_of_the_first_priority_is_no_obstacle),
		ATTACH_TEST(a_filter_put_in_place_of_ours_is_left_alone),
		ATTACH_TEST(a_filter_of_ours_that_somebody_removed_is_no_error),
		ATTACH_TEST(ours_runs_before_a_tcx_program_that_was_there),
		ATTACH_TEST(killed_with_links_nothing_stays),
		ATTACH_TEST(killed_with_clsact_half_a_firewall_stays_and_is_seen),
		ATTACH_TEST(leftover_filters_are_removed_and_others_are_not),
		ATTACH_TEST(leftovers_are_removed_beside_the_programs_that_replace_them),
		ATTACH_TEST(leftovers_of_before_a_migration_are_removed),
		ATTACH_TEST(status_tells_this_store_from_another),
		ATTACH_TEST(an_interface_that_goes_takes_everything_along),
	};

	libbpf_set_print(NULL); /* noise of the foreign filters */
	return cmocka_run_group_tests(tests, group_setup, group_teardown);
}
