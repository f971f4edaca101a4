# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
# Added, it drops; removed, it passes; cleared, everything passes: at once.
topology
start_server
for hook in xdp ingress; do
	for ((i = 0; i < 10; i++)); do
		ok bgo firewall-update --$hook --type blacklist --action add --ip 198.51.100.$i
		expect_dropped "src=198.51.100.$i dst=192.0.2.1"
	done
	ok bgo firewall-update --$hook --type blacklist --action remove --ip 198.51.100.3
	expect_passed "src=198.51.100.3 dst=192.0.2.1"
	ok bgo firewall-update --$hook --type blacklist --action remove --index 4
	expect_passed "src=198.51.100.4 dst=192.0.2.1"
	expect_dropped "src=198.51.100.5 dst=192.0.2.1"
	ok bgo firewall-update --$hook --action clear --type blacklist
	expect_passed "src=198.51.100.5 dst=192.0.2.1"
done
