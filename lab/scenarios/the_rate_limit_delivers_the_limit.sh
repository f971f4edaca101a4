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

# expect_limited PPS BURST: within 2 % of the full bucket of the beginning and what has come in since. The
# first and the last packet are up to 200 ms inside the time that the generator reports.
expect_limited() {
	local least=$(($1 * (TOOK_MS - 200) / 1000 + $2)) most=$(($1 * TOOK_MS / 1000 + $2))
	expect_between $((least * 98 / 100)) $((most * 102 / 100)) "$GOT" \
		"packets in $TOOK_MS ms at $1/s and a burst of $2"
}

flood_for 0.3
[[ $GOT -gt 50000 ]] || fail "the flood itself delivers only $GOT packets"

# At 100 times the limit, at twice the limit and just above it. Each change of the limit fills the bucket;
# the burst is large enough to bridge the moments in which a busy machine does not run the sender.
for offered in "" "--pps 40000" "--pps 24000"; do
	ok bgo firewall-ratelimit --disable
	ok bgo firewall-ratelimit --enable --pps 20000 --burst 4000
	# shellcheck disable=SC2086 # an option and its value
	flood_for 3 $offered
	expect_limited 20000 4000
done

# 64 bytes a packet. A burst is given in packets of 1522 bytes: 200 of them are 4756 of ours.
ok bgo firewall-ratelimit --disable
ok bgo firewall-ratelimit --enable --pps 0 --bps 640K --burst 200
flood_for 3
expect_limited 10000 4756

ok bgo firewall-ratelimit --disable
flood_for 0.3
[[ $GOT -gt 50000 ]] || fail "limited though disabled: $GOT packets"
