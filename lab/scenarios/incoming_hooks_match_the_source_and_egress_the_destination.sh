# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
# --ip is the far end's address: the source of what comes in, the destination of what goes out.
topology
start_server
far=198.51.100.7
near=192.0.2.1
for hook in xdp ingress; do
	ok bgo firewall-update --$hook --type blacklist --action add --ip $far
	expect_dropped "src=$far dst=$near"
	expect_passed "src=$near dst=$far"
	ok bgo firewall-update --$hook --action clear --all
done
ok bgo firewall-update --egress --type blacklist --action add --ip $far
expect_not_sent "src=$near dst=$far"
expect_sent "src=$far dst=$near"

# A port is the destination port in both directions.
ok bgo firewall-update --xdp --type blacklist --action add --ip 0.0.0.0/0 --port 22
expect_dropped "src=$near dst=$near sport=999 dport=22 proto=tcp" "src=$near dst=$near dport=22"
expect_passed "src=$near dst=$near sport=22 dport=999 proto=tcp" "src=$near dst=$near dport=23"
