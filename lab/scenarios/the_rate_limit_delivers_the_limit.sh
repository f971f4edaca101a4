# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
# Far over the limit the limit is delivered: packets and bytes, counted by the receiver's stack.
topology
start_server

delivered() {
	awk '/^Udp: [0-9]/ { print $3 }' /proc/net/snmp
}

# flood_for SECONDS: as fast as it goes; leaves what the stack got and the milliseconds it took.
flood_for() {
	local before
	before=$(delivered)
	flood_server --destination 192.0.2.1 --source 198.51.100.0/24 --seconds "$1"
	GOT=$(($(delivered) - before))
	TOOK_MS=$(jq '.seconds * 1000 | floor' "$WORK/flood")
}

flood_for 0.3
[[ $GOT -gt 50000 ]] || fail "the flood itself delivers only $GOT packets"

ok bgo firewall-ratelimit --enable --pps 20000 --burst 100
flood_for 2
expect_between $((20 * TOOK_MS * 95 / 100)) $((20 * TOOK_MS * 105 / 100 + 100)) $GOT "packets in $TOOK_MS ms at 20000/s"
[[ $(counted xdp rate_limited) -gt 50000 ]] || fail "hardly any packet was limited"

ok bgo firewall-ratelimit --disable
ok bgo firewall-ratelimit --enable --pps 0 --bps 640K
flood_for 2
expect_between $((10 * TOOK_MS * 95 / 100)) $((10 * TOOK_MS * 105 / 100 + 1500)) $GOT "packets of 64 bytes in $TOOK_MS ms at 640000 bytes/s"

ok bgo firewall-ratelimit --disable
flood_for 0.3
[[ $GOT -gt 50000 ]] || fail "limited though disabled: $GOT packets"
