# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
# Millions of packets dropped by a rule, by policy and by the limit: the server logs nothing of it.
topology
start_server
ok bgo firewall-update --xdp --type blacklist --action add --ip 198.51.100.0/25
before=$(wc -l <"$SERVER_LOG")
# flood_dropped_as REASON: half a second of it.
flood_dropped_as() {
	flood_server --destination 192.0.2.1 --source 198.51.100.0/24 --seconds 0.5
	[[ $(counted xdp "$1") -gt 50000 ]] || fail "only $(counted xdp "$1") packets are $1"
}
flood_dropped_as blocked_blacklist
ok bgo firewall-update --xdp --action policy --policy deny
flood_dropped_as blocked_default
ok bgo firewall-update --xdp --action policy --policy allow
ok bgo firewall-ratelimit --enable --pps 1
flood_dropped_as rate_limited
expect_equal "$(wc -l <"$SERVER_LOG")" "$before"
