# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
# Deleted, also while the server is frozen, and made again, under its old number too: filtered again at once. The other
# interface is filtered all the time; what is not there is no obstacle to a clean end.
topology
second_link
both_filter() {
	expect_every_hook_filters
	bgo-lab probe --from client/c1 --to s1 --expect passed "src=198.51.100.9 dst=198.18.0.1"
	bgo-lab probe --from client/c1 --to s1 --expect dropped "src=198.51.100.1 dst=198.18.0.1" "src=198.51.100.2 dst=198.18.0.1"
}
again() {
	wait_until 5 expect_attached s1 native "$tc"
	ip link set s1 up
	on_client ip link set c1 up
	wait_until 10 bgo-lab probe --from client/c1 --to s1 --expect passed "src=198.51.100.9 dst=198.18.0.1"
	both_filter
	expect_logged "Interface s1 is filtered"
}
make_again() {
	ip link add s1 "$@" address "$SERVER_MAC" numrxqueues 1 numtxqueues 1 type veth \
		peer name c1 address "$CLIENT_MAC" numrxqueues 1 numtxqueues 1
	ip link set c1 netns client
	ethtool -K s1 gro on >/dev/null
}

for tc in $(tc_kinds); do
	for on_exit in detach keep; do
		echo "$tc, $on_exit"
		BGO_TC=$tc start_server --interface s0 --interface s1 --on-exit $on_exit
		[[ $(bgo firewall-update --xdp --action list) == *198.51.100.1/32* ]] || block_one_address_per_hook
		both_filter
		ip link delete s1
		wait_until 5 grep -q 'Interface s1 is gone' "$SERVER_LOG"
		expect_every_hook_filters
		[[ $(ls "$PINS/links") != *s1:* ]] || fail "pins of s1 are left: $(ls "$PINS/links")"
		began_ms=$(date +%s%3N)
		make_again
		wait_until 5 expect_attached s1 native "$tc"
		echo "filtered after $(($(date +%s%3N) - began_ms)) ms, two looks at it among them"
		again

		# Nobody sees it go and come back.
		index=$(<"/sys/class/net/s1/ifindex")
		: >"$SERVER_LOG"
		kill -STOP "$SERVER_PID"
		ip link delete s1
		make_again index "$index"
		kill -CONT "$SERVER_PID"
		again

		ip link delete s1
		wait_until 5 grep -q 'Interface s1 is gone' "$SERVER_LOG"
		stop_server TERM
		expect_equal "$SERVER_STATUS" 0
		[[ $on_exit == keep ]] || expect_nothing_attached s0
		make_again
		ip link set s1 up
		on_client ip link set c1 up
		wait_until 15 is_up ip link show s1
	done
	ok bgo firewall-server detach
done
