# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
# Far over the limit the limit is delivered: packets and bytes, counted by the receiver's stack.
topology
start_server

delivered() {
	awk '/^Udp: [0-9]/ { print $3 }' /proc/net/snmp
}

# flood_for SECONDS [OPTION...]: leaves what the stack got in GOT, the milliseconds it took in TOOK_MS.
flood_for() {
	local before
	before=$(delivered)
	flood_server --destination 192.0.2.1 --source 198.51.100.0/24 --seconds "$@"
	GOT=$(($(delivered) - before))
	TOOK_MS=$(jq '.seconds * 1000 | floor' "$WORK/flood")
}

# expect_limited PPS: within 3 % of it, and a burst of a tenth of a second's worth at the beginning.
expect_limited() {
	local limit=$(($1 * TOOK_MS / 1000))
	expect_between $((limit * 97 / 100)) $((limit * 103 / 100 + $1 / 10)) "$GOT" \
		"packets in $TOOK_MS ms at $1/s"
}

flood_for 0.3
[[ $GOT -gt 50000 ]] || fail "the flood itself delivers only $GOT packets"

ok bgo firewall-ratelimit --enable --pps 20000
flood_for 2
expect_limited 20000
flood_for 2 --pps 40000
expect_limited 20000
flood_for 2 --pps 24000
expect_limited 20000

# 64 bytes a packet.
ok bgo firewall-ratelimit --enable --pps 0 --bps 640K
flood_for 2
expect_limited 10000

ok bgo firewall-ratelimit --disable
flood_for 0.3
[[ $GOT -gt 50000 ]] || fail "limited though disabled: $GOT packets"
