# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
# Limits and their counters are there after a crash, and limit from the first packet on.
topology
start_server
ok bgo firewall-ratelimit --enable --pps 1000 --bps 1M --burst 50
ok bgo firewall-ratelimit --show-config --json
cp "$OUTPUT" "$WORK/before"
stop_server KILL
ok bgo firewall-ratelimit --show-config --json
expect_same_file "$WORK/before" "$OUTPUT"
start_server
ok bgo firewall-ratelimit --show-config --json
expect_same_file "$WORK/before" "$OUTPUT"
flood_server --destination 192.0.2.1 --source 198.51.100.0/24 --seconds 0.3
[[ $(counted xdp rate_limited) -gt 1000 ]] || fail "not limited after the restart"
ok bgo firewall-ratelimit --show-stats
expect_said "Dropped Packets:"
