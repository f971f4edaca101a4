# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
# The whitelist comes before the blacklist, at each hook.
topology
start_server
ok bgo firewall-update --xdp --type blacklist --action add --ip 198.51.100.0/24
expect_dropped "src=198.51.100.7 dst=192.0.2.1"
ok bgo firewall-update --xdp --type whitelist --action add --ip 198.51.100.7
expect_passed "src=198.51.100.7 dst=192.0.2.1"
expect_dropped "src=198.51.100.6 dst=192.0.2.1" "src=198.51.100.8 dst=192.0.2.1"

ok bgo firewall-update --ingress --type blacklist --action add --ip 203.0.113.0/24
ok bgo firewall-update --ingress --type whitelist --action add --ip 203.0.113.7 --port 53
expect_passed "src=203.0.113.7 dst=192.0.2.1 dport=53"
expect_dropped "src=203.0.113.7 dst=192.0.2.1 dport=54" "src=203.0.113.8 dst=192.0.2.1 dport=53"

ok bgo firewall-update --egress --type blacklist --action add --ip ::/0
ok bgo firewall-update --egress --type whitelist --action add --ip 2001:db8:7::/48
expect_sent "src=2001:db8::1 dst=2001:db8:7::1"
expect_not_sent "src=2001:db8::1 dst=2001:db8:6:ffff::1" "src=2001:db8::1 dst=2001:db8:8::1"
