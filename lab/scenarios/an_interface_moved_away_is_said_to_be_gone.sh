# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
# In another network namespace an interface keeps its programs: a warning; back again, it is whole; another one of its
# name takes its place; the end takes the programs off it wherever it is.
topology
in_elsewhere() {
	nsenter --net=/run/netns/elsewhere "$@"
}
xdp_elsewhere() {
	[[ $(in_elsewhere ip link show s0) == *xdp* ]]
}
ip netns add elsewhere
for tc in $(tc_kinds); do
	BGO_TC=$tc start_server
	[[ $tc != "$(best_tc_kind)" ]] || block_one_address_per_hook
	ip link set s0 netns elsewhere
	wait_until 5 grep -q 'Interface s0 is gone from this network namespace' "$SERVER_LOG"
	expect_json '.running and .interfaces == []' bgo firewall-server status --json
	xdp_elsewhere || fail "moving it took XDP off"

	in_elsewhere ip link set s0 netns "$SERVER_PID"
	wait_until 5 grep -q 'Interface s0 is back' "$SERVER_LOG"
	ip link set s0 up
	wait_until 5 expect_attached s0 native "$tc"
	wait_until 10 expect_passed "src=198.51.100.9 dst=192.0.2.1"
	expect_every_hook_filters

	# Another one of the name.
	ip link set s0 netns elsewhere
	wait_until 5 expect_json ".interfaces == []" bgo firewall-server status --json
	ip link add s0 type veth peer name twin
	wait_until 5 expect_attached s0 native "$tc"
	! xdp_elsewhere || fail "XDP is left on the one that is gone"
	ip link delete s0
	wait_until 5 grep -q 'Interface s0 is gone: ' "$SERVER_LOG"
	in_elsewhere ip link set s0 netns "$SERVER_PID"
	wait_until 5 expect_attached s0 native "$tc"

	ip link set s0 netns elsewhere
	wait_until 5 expect_json '.interfaces == []' bgo firewall-server status --json
	stop_server TERM
	expect_equal "$SERVER_STATUS" 0
	! xdp_elsewhere || fail "XDP is left on it"
	expect_equal "$(in_elsewhere bpftool -j net show | jq -c '.[0] | [.xdp, .tc]')" '[[],[]]'
	in_elsewhere ip link set s0 netns $$
	ip link set s0 up
done
