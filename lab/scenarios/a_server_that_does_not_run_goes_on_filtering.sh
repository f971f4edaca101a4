# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
# Frozen, hung up on, or without a reader of its log: the programs filter and the command line works.
topology
start_server
block_one_address_per_hook
kill -HUP "$SERVER_PID"
kill -STOP "$SERVER_PID"
expect_every_hook_filters
ok bgo firewall-update --xdp --type blacklist --action add --ip 198.51.100.77
expect_dropped "src=198.51.100.77 dst=192.0.2.1"
expect_passed "src=198.51.100.78 dst=192.0.2.1"
kill -CONT "$SERVER_PID"
stop_server TERM
expect_equal "$SERVER_STATUS" 0

# Nobody reads what it says.
mkfifo "$WORK/log"
head -n 1 "$WORK/log" >"$WORK/first" &
bgo firewall-server start --interface s0 >"$WORK/log" 2>&1 &
SERVER_PID=$!
wait_until 10 expect_attached s0 native tcx
expect_every_hook_filters
kill -HUP "$SERVER_PID"
stop_server TERM
expect_equal "$SERVER_STATUS" 0
expect_nothing_attached s0
