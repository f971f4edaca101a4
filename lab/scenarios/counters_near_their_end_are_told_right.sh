# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
# Counters near 2^64: every digit is printed, rates are right, and a reset counts from 0 past the end, too.
topology
start_server
ok bgo firewall-update --xdp --type blacklist --action add --ip 198.51.100.1
# What each CPU has counted as blocked_blacklist, 64 less than its share of 2^64: packets and bytes.
reason=4
cpus=$(bpftool -j map lookup pinned "$PINS/stats_map" key $reason 0 0 0 | jq '.values | length')
share=$(((1 << 62) / cpus))
share=$((share * 4 - 64)) # bash wraps as the counters do
hex=$(printf %016x $share)
bytes=
for at in 14 12 10 8 6 4 2 0; do
	bytes+="${hex:at:2} "
done
# shellcheck disable=SC2086 # words
bpftool map update pinned "$PINS/stats_map" key $reason 0 0 0 value hex $bytes $bytes
all=$(printf %u $((share * cpus)))
ok bgo firewall-update --xdp --action stats
expect_said "Allow Rate:      0.00%"
expect_said "Block Rate:      100.00%"
expect_said "blocked_blacklist:  $all packets, $all bytes"
ok bgo firewall-update --xdp --action stats --json
expect_said "\"packets\": $all,"

ok bgo firewall-update --xdp --action reset-stats
expect_equal "$(counted xdp blocked_blacklist)" 0
mapfile -t frames < <(yes "src=198.51.100.1 dst=192.0.2.1" | head -n $((80 * cpus)) || true)
expect_dropped "${frames[@]}"
expect_equal "$(counted xdp blocked_blacklist)" $((80 * cpus))
