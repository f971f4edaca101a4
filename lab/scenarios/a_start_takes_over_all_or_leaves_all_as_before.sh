# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
# A start over a kept firewall: unnamed interfaces end, a start that fails leaves the old programs, modes are not mixed.
topology
second_link
programs_now() {
	json '.interfaces[] | [.interface, .xdp_program_id, .tc_ingress_program_id, .tc_egress_program_id] | @csv' \
		bgo firewall-server status --json
}
for tc in $(tc_kinds); do
	BGO_TC=$tc start_server --interface s0 --interface s1 --on-exit keep
	[[ $tc != "$(best_tc_kind)" ]] || block_one_address_per_hook
	stop_server TERM
	before=$(programs_now)
	ls "$PINS/links" >"$WORK/before"

	# The second of three cannot be had, so the first is given back.
	expect_exit 1 env BGO_TC="$tc" bgo firewall-server start --interface s0 --interface lo --mode native
	expect_said "s0: the xdp program of before filters again"
	expect_equal "$(programs_now)" "$before"
	expect_every_hook_filters
	ls "$PINS/links" >"$WORK/after"
	expect_same_file "$WORK/before" "$WORK/after"

	# Another mode cannot take over without a gap.
	expect_exit 1 env BGO_TC="$tc" bgo firewall-server start --interface s0 --mode generic
	expect_said "use --mode native, or end the filtering first with \`bgo firewall-server detach\`"
	expect_equal "$(programs_now)" "$before"

	# An interface that is not named any more.
	BGO_TC=$tc start_server --interface s0 --on-exit keep
	expect_logged "Took over the XDP program of interface s0 (native mode)"
	expect_logged "Took over the TC programs of interface s0 ($tc)"
	expect_logged "from interface s1, which this start does not name"
	expect_every_hook_filters
	expect_equal "$(xdp_mode_of s1)" none
	expect_json '[.interfaces[].interface] == ["s0"]' bgo firewall-server status --json
	expect_attached s0 native "$tc"
	stop_server KILL
done

# The other kind of TC is attached before the old one goes.
for tc in $(tc_kinds) $(tc_kinds); do
	BGO_TC=$tc start_server --on-exit keep
	expect_attached s0 native "$tc"
	expect_every_hook_filters
	stop_server KILL
done
expect_equal "$(tc filter show dev s0 ingress | grep -c 'bpf.*handle')" 1

# An interface that is gone leaves pins that hold nothing.
start_server --interface s0 --interface s1 --on-exit keep
stop_server KILL
ip link delete s1
start_server --interface s0
expect_logged "its interface is gone"
expect_every_hook_filters
stop_server TERM
expect_equal "$(ls "$PINS/links")" ""
expect_nothing_attached s0
