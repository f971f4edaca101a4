# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
# `firewall-server detach` ends the filtering whatever runs, hangs or was killed, and keeps every rule; nothing to do is done.
topology
second_link
ok bgo firewall-server detach
expect_said "Nothing attached"
expect_nothing_pinned

expect_detached_with_rules() {
	ok bgo detach
	expect_nothing_attached s0
	expect_no_hook_filters
	ok bgo firewall-update --xdp --action list
	expect_said 198.51.100.1
	ok bgo firewall-server detach
	expect_said "Nothing attached"
}

start_server
block_one_address_per_hook
stop_server TERM
for tc in $(tc_kinds); do
	for how in "detach runs" "keep runs" "keep TERM" "detach KILL"; do
		echo "$tc, $how"
		BGO_TC=$tc start_server --on-exit "${how% *}"
		[[ $how == *runs ]] || stop_server "${how#* }"
		expect_detached_with_rules
		[[ $how != *runs ]] || wait "$SERVER_PID"
	done
done

# One that is frozen is killed, and the other firewall of this machine stays.
start_server --interface s1 --pin-path /sys/fs/bpf/second --on-exit keep
stop_server TERM
start_server --on-exit keep
kill -STOP "$SERVER_PID"
expect_detached_with_rules
expect_equal "$(xdp_mode_of s1)" native
ok bgo firewall-server detach --pin-path /sys/fs/bpf/second
expect_equal "$(xdp_mode_of s1)" none

# Pins of another layout are no obstacle.
start_server --on-exit keep
stop_server KILL
bytes=$(bpftool -j map lookup pinned "$PINS/config_map" key 0 0 0 0 |
	jq -r '.value | .[8] = "0x63" | map(.[2:]) | join(" ")')
# shellcheck disable=SC2086 # words
bpftool map update pinned "$PINS/config_map" key 0 0 0 0 value hex $bytes
expect_exit 1 bgo firewall-server status
ok bgo firewall-server detach
expect_equal "$(xdp_mode_of s0)" none
