# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
# Killed at once or by a crash, with TCX links: nothing stays attached, every map and rule stays.
needs_tcx
topology
ulimit -c 0
for signal in KILL SEGV ABRT QUIT BUS; do
	for mode in native generic; do
		BGO_TC=tcx start_server --mode "$mode"
		expect_attached s0 "$mode" tcx
		block_one_address_per_hook
		expect_every_hook_filters
		ok bgo firewall-update --action save --file "$WORK/before"

		stop_server "$signal"

		[[ $SERVER_STATUS -gt 128 ]] || fail "exit status $SERVER_STATUS: not killed"
		wait_until 5 expect_nothing_attached s0
		expect_no_hook_filters
		expect_pinned
		expect_json '.running == false' bgo firewall-server status --json
		ok bgo firewall-update --action save --file "$WORK/after"
		expect_same_file "$WORK/before" "$WORK/after"
	done
done
