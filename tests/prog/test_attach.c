/* SPDX-License-Identifier: GPL-2.0-or-later */
/* How interfaces are attached to, in each mode and kind, and what is refused. */
#include "near.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <linux/if_link.h>
#include <string.h>

/* -- How it is attached -- */

static void native_mode_attaches_all_three_programs(void **state)
{
	struct attachment *attachment = near_attach(NEAR, XDP_MODE_NATIVE, TC_KIND_AUTO);
	const struct attach_status status = near_status();

	(void)state;
	assert_string_equal(status.interface, NEAR);
	assert_string_equal(status.xdp_mode, "native");
	assert_int_equal(status.xdp_program_id, near_program_id(HOOK_XDP));
	assert_int_equal(status.tc_ingress_program_id, near_program_id(HOOK_INGRESS));
	assert_int_equal(status.tc_egress_program_id, near_program_id(HOOK_EGRESS));
	assert_true(attach_status_complete(&status));
	detach_interface(attachment, pins);
	assert_nothing_attached();
}

static void generic_mode_is_generic_where_native_would_do(void **state)
{
	struct attachment *attachment = near_attach(NEAR, XDP_MODE_GENERIC, TC_KIND_AUTO);

	(void)state;
	assert_string_equal(near_status().xdp_mode, "generic");
	detach_interface(attachment, pins);
	assert_nothing_attached();
}

static void auto_mode_prefers_native(void **state)
{
	struct attachment *attachment = near_attach(NEAR, XDP_MODE_AUTO, TC_KIND_AUTO);

	(void)state;
	assert_string_equal(near_status().xdp_mode, "native");
	detach_interface(attachment, pins);
}

static void auto_mode_is_generic_where_the_driver_has_no_native(void **state)
{
	struct attachment *attachment = near_attach("lo", XDP_MODE_AUTO, TC_KIND_AUTO);

	(void)state;
	assert_string_equal(near_status().xdp_mode, "generic");
	detach_interface(attachment, pins);
	assert_nothing_attached();
}

static void auto_mode_filters_an_interface_with_jumbo_frames(void **state)
{
	struct attachment *attachment;
	struct attach_status status;

	(void)state;
	shell("ip link set " NEAR " mtu 9000; ip link set " FAR " mtu 9000");
	attachment = near_attach(NEAR, XDP_MODE_AUTO, TC_KIND_AUTO);
	status = near_status();
	assert_true(attach_status_complete(&status));
	detach_interface(attachment, pins);
}

static void tcx_and_clsact_are_told_apart(void **state)
{
	struct attachment *attachment;

	(void)state;
	needs_tcx();
	attachment = near_attach(NEAR, XDP_MODE_AUTO, TC_KIND_TCX);
	assert_string_equal(near_status().tc_kind, "tcx");
	assert_qdisc(false);
	detach_interface(attachment, pins);
	attachment = near_attach(NEAR, XDP_MODE_AUTO, TC_KIND_CLSACT);
	assert_string_equal(near_status().tc_kind, "clsact");
	assert_qdisc(true);
	detach_interface(attachment, pins);
	assert_nothing_attached();
}

static void the_kind_of_tc_is_the_best_the_kernel_has(void **state)
{
	struct attachment *attachment = near_attach(NEAR, XDP_MODE_AUTO, TC_KIND_AUTO);

	(void)state;
	assert_string_equal(near_status().tc_kind, has_tcx() ? "tcx" : "clsact");
	assert_qdisc(!has_tcx());
	detach_interface(attachment, pins);
	assert_qdisc(false);
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
	shell("ip tuntap add bgo-tun mode tun");
	err = attach_failing(programs, "bgo-tun", XDP_MODE_GENERIC, TC_KIND_AUTO, text,
			     sizeof(text));
	shell("ip link del bgo-tun");
	assert_int_equal(err, -EPROTONOSUPPORT);
	assert_says(text, "start on bgo-tun: it does not speak Ethernet");
}

static void native_mode_filters_jumbo_frames_by_the_program_for_fragments(void **state)
{
	struct attachment *attachment;
	struct attach_status status;
	uint32_t id = 0;

	(void)state;
	shell("ip link set " NEAR " mtu 9000; ip link set " FAR " mtu 9000");
	attachment = near_attach(NEAR, XDP_MODE_NATIVE, TC_KIND_AUTO);
	status = near_status();
	assert_true(attach_status_complete(&status));
	assert_string_equal(status.xdp_mode, "native");
	assert_int_equal(program_id(programs_fragments_fd(programs), &id), 0);
	assert_int_equal(status.xdp_program_id, id);
	assert_int_equal(attachment_missing(attachment, programs), 0);
	detach_interface(attachment, pins);
	assert_int_equal(link_pins_remove_programs(pins, NULL), 0);
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
	attachment = near_attach(NEAR, XDP_MODE_AUTO, TC_KIND_AUTO);
	assert_int_equal(attach_failing(other_programs, NEAR, XDP_MODE_AUTO, TC_KIND_AUTO, text,
					sizeof(text)),
			 -EBUSY);
	snprintf(expected, sizeof(expected), "another bgo server, pid %d,", (int)getpid());
	assert_says(text, expected);
	assert_int_equal(near_status().xdp_program_id, near_program_id(HOOK_XDP));
	detach_interface(attachment, pins);
	close(lock);
}

/* It would take the egress program too, and run it at ingress. */
static void an_ingress_qdisc_in_the_place_of_clsact_is_refused(void **state)
{
	char text[1024];

	(void)state;
	shell("tc qdisc add dev " NEAR " ingress");
	assert_int_equal(
		attach_failing(programs, NEAR, XDP_MODE_AUTO, TC_KIND_CLSACT, text, sizeof(text)),
		-EEXIST);
	assert_says(text, "remove it (tc qdisc del dev " NEAR " ingress)");
	assert_says(text, "XDP program detached from interface " NEAR);
	assert_nothing_attached();
	shell_output("tc qdisc show dev " NEAR, text, sizeof(text));
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
	needs_tcx();
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

int main(void)
{
	const struct CMUnitTest tests[] = {
		NEAR_TEST(native_mode_attaches_all_three_programs),
		NEAR_TEST(generic_mode_is_generic_where_native_would_do),
		NEAR_TEST(auto_mode_prefers_native),
		NEAR_TEST(auto_mode_is_generic_where_the_driver_has_no_native),
		NEAR_TEST(auto_mode_filters_an_interface_with_jumbo_frames),
		NEAR_TEST(tcx_and_clsact_are_told_apart),
		NEAR_TEST(the_kind_of_tc_is_the_best_the_kernel_has),
		NEAR_TEST(native_mode_is_refused_where_the_driver_has_none),
		NEAR_TEST(a_missing_interface_is_refused_with_those_that_exist),
		NEAR_TEST(a_name_too_long_for_an_interface_is_a_missing_one),
		NEAR_TEST(an_interface_without_ethernet_is_refused),
		NEAR_TEST(native_mode_filters_jumbo_frames_by_the_program_for_fragments),
		NEAR_TEST(a_foreign_xdp_program_is_named_and_left_alone),
		NEAR_TEST(another_firewall_on_the_interface_is_refused_by_its_pid),
		NEAR_TEST(an_ingress_qdisc_in_the_place_of_clsact_is_refused),
		NEAR_TEST(a_failure_at_tc_egress_undoes_ingress_and_xdp),
	};

	return cmocka_run_group_tests(tests, near_group_setup, near_group_teardown);
}
