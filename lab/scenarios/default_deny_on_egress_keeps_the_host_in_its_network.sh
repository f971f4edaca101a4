# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
# Deny what the host sends: its neighbour discovery and DHCP still go out, the rest does not.
topology
start_server
ok bgo firewall-update --egress --action policy --policy deny
expect_not_sent "src=192.0.2.1 dst=192.0.2.2" "src=2001:db8::1 dst=2001:db8::2" \
	"src=192.0.2.1 dst=192.0.2.2 sport=67 dport=68"
expect_sent "ethertype=0x0806" "src=2001:db8::1 dst=ff02::1:ff00:2 proto=icmp type=135 ttl=255 payload=16" \
	"src=0.0.0.0 dst=255.255.255.255 sport=68 dport=67" "src=fe80::1 dst=ff02::1:2 sport=546 dport=547"
expect_exit 1 ping -c 1 -W 0.5 192.0.2.2
ok bgo firewall-update --egress --type whitelist --action add --ip 192.0.2.0/24
ok bgo firewall-update --egress --type whitelist --action add --ip 2001:db8::/64
ip neighbour flush dev s0
ok ping -c 1 -W 3 192.0.2.2
ok ping -c 1 -W 3 2001:db8::2
