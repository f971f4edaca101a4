# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
# Each packet is counted once, in its reason and at its rule; a reset starts at zero.
topology
start_server
ok bgo firewall-update --xdp --type blacklist --action add --ip 198.51.100.0/24
ok bgo firewall-update --xdp --type blacklist --action add --ip 198.51.100.7
ok bgo firewall-update --xdp --type whitelist --action add --ip 203.0.113.0/24 --port 53
for _ in 1 2 3; do
	expect_dropped "src=198.51.100.7 dst=192.0.2.1" "src=198.51.100.8 dst=192.0.2.1"
	expect_passed "src=203.0.113.8 dst=192.0.2.1 dport=53"
done
expect_json '[.blacklist[].hits] == [3, 3] and .whitelist[0].hits == 3' \
	bgo firewall-update --xdp --action list --json
expect_equal "$(counted xdp blocked_blacklist)" 6
expect_equal "$(counted xdp allowed_whitelist)" 3
expect_json '.allowed.packets + .blocked.packets == .total.packets and .blocked.packets == 6 and
	.total.packets == ([.reasons[].packets] | add)' bgo firewall-update --xdp --action stats --json
ok bgo firewall-update --xdp --action reset-stats
expect_equal "$(counted xdp blocked_blacklist)" 0
expect_dropped "src=198.51.100.7 dst=192.0.2.1"
expect_equal "$(counted xdp blocked_blacklist)" 1
