# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
# A later fragment has no ports: its payload is not taken for them. The policy can drop all fragments.
topology
start_server
ok bgo firewall-update --xdp --type blacklist --action add --ip 198.51.100.7 --port 9
expect_dropped "src=198.51.100.7 dst=192.0.2.1 dport=9 more=1 payload=32"
expect_passed "src=198.51.100.7 dst=192.0.2.1 fragment=32" "src=198.51.100.7 dst=192.0.2.1 dport=10"
ok bgo firewall-update --xdp --type blacklist --action add --ip 198.51.100.8
expect_dropped "src=198.51.100.8 dst=192.0.2.1 fragment=32"
ok bgo firewall-update --xdp --action policy --policy allow --fragments drop
expect_dropped "src=198.51.100.9 dst=192.0.2.1 fragment=32" "src=198.51.100.9 dst=192.0.2.1 more=1"
expect_passed "src=198.51.100.9 dst=192.0.2.1"
expect_equal "$(counted xdp fragment_dropped)" 2
