# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
# A rule without a protocol is for every protocol, known or not, and for fragments.
topology
start_server
ok bgo firewall-update --xdp --type blacklist --action add --ip 198.51.100.7
ok bgo firewall-update --xdp --type blacklist --action add --ip 2001:db8:7::/64
for protocol in udp tcp icmp 0 2 4 41 47 50 51 89 132 253 255; do
	expect_dropped "src=198.51.100.7 dst=192.0.2.1 proto=$protocol payload=40"
	expect_passed "src=198.51.100.8 dst=192.0.2.1 proto=$protocol payload=40"
done
for protocol in udp tcp icmp 4 41 47 50 132 253; do
	expect_dropped "src=2001:db8:7::1 dst=2001:db8::1 proto=$protocol payload=40"
	expect_passed "src=2001:db8:8::1 dst=2001:db8::1 proto=$protocol payload=40"
done
expect_dropped "src=198.51.100.7 dst=192.0.2.1 fragment=1480 more=1"
expect_passed "src=198.51.100.8 dst=192.0.2.1 fragment=1480 more=1"
expect_dropped "src=2001:db8:7::1 dst=2001:db8::1 fragment=1480"
expect_passed "src=2001:db8:8::1 dst=2001:db8::1 fragment=1480"
