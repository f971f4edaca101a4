# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
# SIGTERM: exit 0 within a second, nothing stays attached, every map and rule stays, packets flow again.
topology
for mode in native generic; do
	for tc in $(tc_kinds); do
		BGO_TC=$tc start_server --mode "$mode"
		expect_attached s0 "$mode" "$tc"
		block_one_address_per_hook
		expect_every_hook_filters
		ok bgo firewall-update --action save --file "$WORK/before"

		began_ms=$(date +%s%3N)
		stop_server TERM
		expect_between 0 $((1000 * SLOWDOWN)) $(($(date +%s%3N) - began_ms)) "milliseconds to stop"

		expect_equal "$SERVER_STATUS" 0
		expect_nothing_attached s0
		expect_no_hook_filters
		expect_pinned
		ok bgo firewall-update --action save --file "$WORK/after"
		expect_same_file "$WORK/before" "$WORK/after"
	done
done
