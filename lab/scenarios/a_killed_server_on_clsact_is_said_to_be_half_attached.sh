# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
# Killed with clsact filters: XDP is gone, TC goes on filtering, status says so, the next start repairs it.
topology
ulimit -c 0
for signal in KILL SEGV QUIT; do
	for mode in native generic; do
		BGO_TC=clsact start_server --mode "$mode"
		block_one_address_per_hook
		ok bgo firewall-update --action save --file "$WORK/before"

		stop_server "$signal"

		expect_equal "$(xdp_mode_of s0)" none
		expect_passed "src=198.51.100.1 dst=192.0.2.1"
		expect_dropped "src=198.51.100.2 dst=192.0.2.1"
		expect_not_sent "src=192.0.2.1 dst=203.0.113.3"
		ok bgo firewall-server status
		expect_said "half attached"
		expect_pinned

		BGO_TC=clsact start_server --mode "$mode"
		expect_attached s0 "$mode" clsact
		expect_every_hook_filters
		expect_equal "$(tc filter show dev s0 ingress | grep -c 'bpf.*handle')" 1
		stop_server TERM
		expect_nothing_attached s0
		ok bgo firewall-update --action save --file "$WORK/after"
		expect_same_file "$WORK/before" "$WORK/after"
	done
done
