# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
# A limit of each source holds the one that floods, not those beside it, and says who it was.
topology
start_server
ok bgo firewall-ratelimit --per-source --pps 100 --burst 50
expect_said "Rate Limit of Each Source:"

# Once more is no change; the other limit is still off.
expect_json '.changed == false and .enabled == false and .per_source.enabled' \
	bgo firewall-ratelimit --per-source --pps 100 --json

flood_server --destination 192.0.2.1 --source 198.51.100.77 --seconds 0.3
[[ $(counted xdp source_limited) -gt 1000 ]] || fail "the flood is not limited"
expect_equal "$(counted xdp rate_limited)" 0
expect_passed "src=198.51.100.78 dst=192.0.2.1"

# Whoever sends a packet or two is never limited, however many they are.
before=$(counted xdp source_limited)
flood_server --destination 192.0.2.1 --source 10.0.0.0/8 --seconds 0.3
expect_equal "$(counted xdp source_limited)" "$before"

expect_json '.source_dropped.packets > 1000 and .dropped.packets == 0 and
	(.offenders | length) == 1 and .offenders[0].source == "198.51.100.77/32" and
	.offenders[0].dropped_packets == .source_dropped.packets' bgo firewall-ratelimit --show-stats --json
ok bgo firewall-ratelimit --show-stats
expect_said 198.51.100.77

# It survives the server, and a save file.
ok bgo firewall-update --action save --file "$WORK/saved"
grep -qxF "ratelimit-source pps 100 burst 50 prefix4 32 prefix6 64 enabled" "$WORK/saved" || fail "$(cat "$WORK/saved")"
stop_server KILL
start_server
expect_json '.offenders[0].source == "198.51.100.77/32"' bgo firewall-ratelimit --show-stats --json
flood_server --destination 192.0.2.1 --source 198.51.100.77 --seconds 0.1
[[ $(counted xdp source_limited) -gt $before ]] || fail "not limited after the restart"

ok bgo firewall-ratelimit --reset-stats
expect_json '.source_dropped.packets == 0 and .offenders == []' bgo firewall-ratelimit --show-stats --json
ok bgo firewall-ratelimit --disable --per-source
flood_server --destination 192.0.2.1 --source 198.51.100.77 --seconds 0.1
expect_json '.source_dropped.packets == 0' bgo firewall-ratelimit --show-stats --json
