# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
# With --on-exit keep filtering goes on after the end of the server, which says so and how to end it; so does status.
topology
ip link set s0 down
ip link set s0 name wan.0
ip link set wan.0 up
from_client() {
	local wanted=$1
	shift
	bgo-lab probe --from client/c0 --to wan.0 --expect "$wanted" "$@"
}
wait_until 10 from_client passed "src=198.51.100.9 dst=192.0.2.1"
expect_filtered() {
	from_client passed "src=198.51.100.9 dst=192.0.2.1"
	from_client dropped "src=198.51.100.1 dst=192.0.2.1" "src=198.51.100.2 dst=192.0.2.1"
	bgo-lab probe --from wan.0 --to client/c0 --expect dropped "src=192.0.2.1 dst=203.0.113.3"
}

for tc in $(tc_kinds); do
	BGO_TC=$tc start_server --interface wan.0 --on-exit keep
	block_one_address_per_hook
	expect_json '.running and .filtering and .interfaces[0].kept' bgo firewall-server status --json
	stop_server TERM
	expect_equal "$SERVER_STATUS" 0
	expect_logged "Received shutdown signal, shutting down firewall server..."
	expect_logged "Interface wan.0 goes on being filtered"
	expect_logged "To end the filtering: bgo firewall-server detach"
	! grep -q "Detaching\|cleanup" "$SERVER_LOG" || fail "it says that it detaches: $(cat "$SERVER_LOG")"
	expect_filtered
	expect_json '(.running | not) and .filtering and .interfaces[0].state == "attached" and .interfaces[0].kept' \
		bgo firewall-server status --json
	ok bgo firewall-server status
	expect_said "not running; what is attached goes on filtering"
	ok bgo firewall-update --xdp --type blacklist --action add --ip 198.51.100.77
	from_client dropped "src=198.51.100.77 dst=192.0.2.1"

	# Taking the maps away ends it, after asking.
	expect_exit 1 bgo firewall-server cleanup-maps
	expect_said "removing the maps ends that"
	expect_filtered
	ok bgo firewall-server cleanup-maps --force
	expect_said "removing the maps ends that"
	expect_equal "$(xdp_mode_of wan.0)" none
	expect_nothing_pinned
	from_client passed "src=198.51.100.1 dst=192.0.2.1" "src=198.51.100.2 dst=192.0.2.1"
done

# What is not kept ends with the next stop, whoever attached it.
start_server --interface wan.0 --on-exit keep
block_one_address_per_hook
stop_server KILL
start_server --interface wan.0
expect_logged "Took over the XDP program of interface wan.0 (native mode)"
expect_json '.interfaces[0].kept | not' bgo firewall-server status --json
expect_filtered
stop_server KILL
wait_until 5 from_client passed "src=198.51.100.1 dst=192.0.2.1"
