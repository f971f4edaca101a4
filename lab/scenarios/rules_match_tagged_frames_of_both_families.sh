# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
# IPv4 and IPv6 are equals, and a VLAN tag hides neither from XDP nor from TC.
topology
start_server
for hook in xdp ingress; do
	ok bgo firewall-update --$hook --type blacklist --action add --ip 198.51.100.0/25
	ok bgo firewall-update --$hook --type blacklist --action add --ip 2001:db8:bad::/48
	for tags in "" "vlan=5" "vlan=0" "vlan=5 vlan=6"; do
		expect_dropped "src=198.51.100.127 dst=192.0.2.1 $tags" \
			"src=198.51.100.0 dst=192.0.2.1 proto=tcp $tags" \
			"src=2001:db8:bad:ffff::1 dst=2001:db8::1 $tags" \
			"src=2001:db8:bad:: dst=2001:db8::1 proto=icmp $tags"
		expect_passed "src=198.51.100.128 dst=192.0.2.1 $tags" \
			"src=2001:db8:bac:ffff::1 dst=2001:db8::1 $tags" \
			"src=2001:db8:bae:: dst=2001:db8::1 $tags"
	done
	ok bgo firewall-update --$hook --action clear --all
done
ok bgo firewall-update --egress --type blacklist --action add --ip 198.51.100.0/25
expect_not_sent "src=192.0.2.1 dst=198.51.100.127 vlan=5" "src=192.0.2.1 dst=198.51.100.127"
expect_sent "src=192.0.2.1 dst=198.51.100.128 vlan=5"
