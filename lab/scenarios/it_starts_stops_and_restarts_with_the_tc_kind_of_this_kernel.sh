# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
# Left to itself, the server takes TCX where the kernel has it, else clsact; stop and restart keep all.
topology
for mode in native generic; do
	start_server --mode "$mode"
	expect_attached s0 "$mode" "$(best_tc_kind)"
	block_one_address_per_hook
	expect_every_hook_filters
	ok bgo firewall-update --action save --file "$WORK/before"

	stop_server TERM
	expect_equal "$SERVER_STATUS" 0
	expect_nothing_attached s0
	expect_no_hook_filters
	expect_pinned

	start_server --mode "$mode"
	expect_attached s0 "$mode" "$(best_tc_kind)"
	expect_every_hook_filters
	ok bgo firewall-update --action save --file "$WORK/after"
	expect_same_file "$WORK/before" "$WORK/after"
	stop_server INT
	expect_nothing_attached s0
done
