# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
# SIGTERM while starting: nothing stays attached, the rules stay, and the next start works.
topology
start_server
block_one_address_per_hook
ok bgo firewall-update --action save --file "$WORK/before"
stop_server TERM
RANDOM=42
for ((round = 0; round < 30; round++)); do
	bgo firewall-server start --interface s0 >"$SERVER_LOG" 2>&1 &
	SERVER_PID=$!
	sleep "0.$(printf %03d $((RANDOM % 120)))"
	kill -TERM $SERVER_PID
	wait $SERVER_PID 2>/dev/null || true
	expect_equal "$(xdp_mode_of s0)" none
done
expect_nothing_attached s0
ok bgo firewall-update --action save --file "$WORK/after"
expect_same_file "$WORK/before" "$WORK/after"
start_server
expect_every_hook_filters
