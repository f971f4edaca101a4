# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
# --interface is found by its name once and then followed: a new interface of the old name is said and left alone, and
# what is said and shown has the name of now.
topology
start_server --on-exit keep
block_one_address_per_hook
ip link set s0 down
ip link set s0 name wan0
wait_until 5 grep -q 'Interface s0 is now named wan0' "$SERVER_LOG"
ip link add s0 type veth peer name twin
wait_until 5 grep -q 'There is a new interface s0, which is not filtered' "$SERVER_LOG"
expect_equal "$(xdp_mode_of s0)" none
expect_attached wan0 native "$(best_tc_kind)"
expect_json '[.interfaces[].interface] == ["wan0"]' bgo firewall-server status --json
stop_server TERM
expect_logged "Interface wan0 goes on being filtered"

# A start by the new name takes over; its end is of the newest.
start_server --interface wan0
expect_logged "Took over the XDP program of interface wan0 (native mode)"
kill -STOP "$SERVER_PID"
ip link set wan0 name wan1
kill -TERM "$SERVER_PID"
kill -CONT "$SERVER_PID"
wait "$SERVER_PID"
expect_logged "XDP program detached from interface wan1"
expect_equal "$(xdp_mode_of wan1)" none

# Gone under its new name, it is awaited under the one that was given.
ip link delete s0
ip link set wan1 name s0
start_server
ip link set s0 name wan0
wait_until 5 grep -q 'is now named wan0' "$SERVER_LOG"
ip link delete wan0
wait_until 5 grep -q 'Interface wan0 is gone: it is filtered again when there is one of name s0' "$SERVER_LOG"
ip link add s0 type veth peer name twin
wait_until 5 expect_attached s0 native "$(best_tc_kind)"
stop_server TERM
expect_equal "$SERVER_STATUS" 0
expect_nothing_attached s0
