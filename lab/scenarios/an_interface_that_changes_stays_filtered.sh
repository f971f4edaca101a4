# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
# Down and up, with a smaller and a larger MTU, renamed: the same packets are filtered, status knows the name, the end is clean.
topology
# up IF: and wait until it carries packets.
up() {
	ip link set "$1" up
	wait_until 30 bgo-lab probe --from client/c0 --to "$1" --expect passed "src=198.51.100.9 dst=192.0.2.1"
}
start_server
block_one_address_per_hook
expect_every_hook_filters
ip link set s0 down
up s0
expect_every_hook_filters
ip link set s0 mtu 1400
expect_every_hook_filters

# Raised under native XDP: longer frames than before are filtered like all others.
ip link set s0 mtu 9000
on_client ip link set c0 mtu 3000
long_ping() {
	on_client ping -c 1 -W "$1" -M "do" -s 2900 192.0.2.1
}
ok long_ping 3
ok bgo firewall-update --xdp --type blacklist --action add --ip 192.0.2.2
expect_exit 1 long_ping 0.5
ok bgo firewall-update --xdp --type blacklist --action remove --ip 192.0.2.2
ok long_ping 3
expect_attached s0 native "$(best_tc_kind)"
expect_every_hook_filters

ip link set s0 down
ip link set s0 name wan0
up wan0
expect_attached wan0 native "$(best_tc_kind)"
bgo-lab probe --from client/c0 --to wan0 --expect dropped "src=198.51.100.1 dst=192.0.2.1" "src=198.51.100.2 dst=192.0.2.1"
bgo-lab probe --from wan0 --to client/c0 --expect dropped "src=192.0.2.1 dst=203.0.113.3"
bgo-lab probe --from wan0 --to client/c0 --expect passed "src=192.0.2.1 dst=203.0.113.9"
expect_exit 1 bgo firewall-server start --interface wan0
expect_said "$SERVER_PID"
stop_server TERM
expect_equal "$SERVER_STATUS" 0
expect_nothing_attached wan0
