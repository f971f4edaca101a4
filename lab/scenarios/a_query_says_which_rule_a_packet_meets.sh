# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
# `list --ip` shows the rules that may match an address, says which one gets the hit, and packets agree.
topology
start_server
ok bgo firewall-update --xdp --type blacklist --action add --ip 198.51.100.0/24 --comment "a network"
ok bgo firewall-update --xdp --type blacklist --action add --ip 198.51.100.7 --port 53 --protocol udp
ok bgo firewall-update --xdp --type blacklist --action add --ip 198.51.101.0/24
query() {
	bgo firewall-update --xdp --action list --ip "$@"
}
expect_json '.hit == {list: "blacklist", index: 1} and [.blacklist[].index] == [1, 0] and
	.blacklist[1].comment == "a network"' query 198.51.100.7 --port 53 --protocol udp --json
ok query 198.51.100.8
expect_said "Hit: blacklist rule 0"
expect_said "a network"
expect_not_said 198.51.101.0
ok query 198.51.100.7 --protocol udp
expect_said "Hit: depends on the port"
ok query 198.51.100.7
expect_said "Hit: depends on protocol and port"
expect_json '.hit == null' query 198.51.100.7 --json
ok query 203.0.113.1
expect_said "Hit: none"
expect_json '.hit == null and .blacklist == []' query 203.0.113.1 --json

expect_dropped "src=198.51.100.7 dst=192.0.2.1 dport=53" "src=198.51.100.8 dst=192.0.2.1"
expect_json '[.blacklist[].hits] == [1, 1, 0]' bgo firewall-update --xdp --action list --json

ok bgo firewall-update --xdp --type whitelist --action add --ip 198.51.100.7
ok query 198.51.100.7 --port 53 --protocol udp
expect_said "Hit: whitelist rule 0"
expect_passed "src=198.51.100.7 dst=192.0.2.1 dport=53"
