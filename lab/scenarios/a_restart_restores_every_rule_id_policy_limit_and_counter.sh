# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
# Everything the maps hold is the same after a restart, however the server ended.
topology
start_server
block_one_address_per_hook
ok bgo firewall-update --xdp --type whitelist --action add --ip 192.0.2.0/24 --port 22 --protocol tcp --comment "office ssh"
ok bgo firewall-update --xdp --type whitelist --action add --ip 2001:db8::/32
ok bgo firewall-update --xdp --type blacklist --action add --ip 203.0.113.0/24 --port 100-200 --protocol udp
ok bgo firewall-update --ingress --type whitelist --action add --ip 192.0.2.7 --protocol icmp
ok bgo firewall-update --egress --type whitelist --action add --ip 0.0.0.0/0 --port 53
ok bgo firewall-update --xdp --type blacklist --action remove --index 0
ok bgo firewall-update --xdp --type blacklist --action add --ip 198.51.100.1
ok bgo firewall-update --egress --action policy --policy deny --fragments drop
ok bgo firewall-ratelimit --enable --pps 100000 --bps 10M --burst 500 --exempt-whitelist
expect_dropped "src=198.51.100.1 dst=192.0.2.1" "src=203.0.113.1 dst=192.0.2.1 dport=150"
expect_passed "src=2001:db8::2 dst=2001:db8::1" "src=203.0.113.1 dst=192.0.2.1 dport=99"

everything() {
	bgo firewall-update --action save --file -
	for hook in xdp ingress egress; do
		bgo firewall-update --$hook --action list --json
		bgo firewall-update --$hook --action stats --json
	done
	bgo firewall-ratelimit --show-config --json
	bgo firewall-ratelimit --show-stats --json
}

# No packets from here on, so that counters can be compared.
ip link set s0 down
for signal in TERM KILL INT; do
	everything >"$WORK/before"
	stop_server "$signal"
	everything >"$WORK/stopped"
	start_server
	everything >"$WORK/after"
	expect_same_file "$WORK/before" "$WORK/stopped"
	expect_same_file "$WORK/before" "$WORK/after"
done
grep -q 198.51.100.1 "$WORK/after" || fail "nothing was compared"

ip link set s0 up
ip address replace 2001:db8::1/64 dev s0 nodad
expect_dropped "src=198.51.100.1 dst=192.0.2.1" "src=203.0.113.1 dst=192.0.2.1 dport=150"
expect_passed "src=203.0.113.1 dst=192.0.2.1 dport=99"
