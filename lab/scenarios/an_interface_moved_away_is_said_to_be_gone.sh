# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
# Moved to another network namespace, an interface is not ours any more: a warning; the end takes the programs off it.
topology
start_server
block_one_address_per_hook
ip netns add elsewhere
in_elsewhere() {
	nsenter --net=/run/netns/elsewhere "$@"
}
ip link set s0 netns elsewhere
said_gone() {
	grep -q 'Interface s0 is gone from this network namespace' "$SERVER_LOG"
}
wait_until 5 said_gone
expect_json '.running and .interfaces == []' bgo firewall-server status --json
[[ $(in_elsewhere ip link show s0) == *xdp* ]] || fail "moving it took XDP off"
stop_server TERM
expect_equal "$SERVER_STATUS" 0
[[ $(in_elsewhere ip link show s0) != *xdp* ]] || fail "XDP is left on it"
expect_equal "$(in_elsewhere bpftool -j net show | jq -c '.[0] | [.xdp, .tc]')" '[[],[]]'

