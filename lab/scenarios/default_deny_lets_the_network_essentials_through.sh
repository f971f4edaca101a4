# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
# Under deny the host stays in its network: ARP, neighbour discovery, path-MTU errors; nothing else passes.
topology
start_server
for hook in xdp ingress; do
	ok bgo firewall-update --$hook --action policy --policy deny
	expect_dropped "src=192.0.2.2 dst=192.0.2.1" "src=2001:db8::2 dst=2001:db8::1" \
		"src=192.0.2.2 dst=192.0.2.1 proto=icmp" "src=2001:db8::2 dst=2001:db8::1 proto=icmp"
	expect_passed "ethertype=0x0806" "ethertype=0x88cc" \
		"src=192.0.2.2 dst=192.0.2.1 proto=icmp type=3 code=4" \
		"src=2001:db8::2 dst=2001:db8::1 proto=icmp type=2 ttl=7" \
		"src=2001:db8::2 dst=2001:db8::1 proto=icmp type=135 ttl=255 payload=16" \
		"src=fe80::2 dst=ff02::1 proto=icmp type=134 ttl=255 payload=16" \
		"src=fe80::2 dst=ff02::16 proto=icmp type=143 ttl=1 payload=16" \
		"src=192.0.2.2 dst=192.0.2.1 sport=67 dport=68" \
		"src=fe80::2 dst=2001:db8::1 sport=547 dport=546"
	# Near misses of the same.
	expect_dropped "src=192.0.2.2 dst=192.0.2.1 proto=icmp type=3 code=3" \
		"src=2001:db8::2 dst=2001:db8::1 proto=icmp type=135 ttl=64 payload=16" \
		"src=192.0.2.2 dst=192.0.2.1 sport=68 dport=67" "src=192.0.2.2 dst=192.0.2.1 dport=68"
	ok bgo firewall-update --$hook --action policy --policy allow
done

# An explicit blacklist match drops them all the same.
ok bgo firewall-update --xdp --action policy --policy deny
ok bgo firewall-update --xdp --type blacklist --action add --ip 192.0.2.2
expect_dropped "src=192.0.2.2 dst=192.0.2.1 proto=icmp type=3 code=4"
expect_passed "src=192.0.2.3 dst=192.0.2.1 proto=icmp type=3 code=4"
