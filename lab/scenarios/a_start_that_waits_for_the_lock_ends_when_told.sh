# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
# SIGTERM while somebody holds the lock: the start ends at once, with exit code 0, and not when the lock is free.
topology
start_server
stop_server TERM
flock --no-fork "$PINS" sleep 600 &
holder=$!
lock_of() {
	grep -q -- "$2 FLOCK .* $1 " /proc/locks
}
wait_until 5 lock_of "$holder" ":"
bgo firewall-server start --interface s0 >"$SERVER_LOG" 2>&1 &
SERVER_PID=$!
wait_until 5 lock_of "$SERVER_PID" "->"
stop_server TERM
expect_equal "$SERVER_STATUS" 0
lock_of "$holder" ":"
expect_equal "$(xdp_mode_of s0)" none
kill "$holder"
start_server
