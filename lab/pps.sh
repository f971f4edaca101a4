# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
# `bgo-lab pps`: packets per second through each hook on this machine, for information. The generator
# takes one CPU; what the firewall counted is divided by the time the generator ran.

# measure NAME HOOK REASON SECONDS: floods and prints what the hook counted.
measure() {
	local name=$1 hook=$2 reason=$3 before after ms
	before=$(counted "$hook" "$reason")
	flood_server --destination 192.0.2.1 --source 198.51.100.0/24 --seconds 2
	after=$(counted "$hook" "$reason")
	ms=$(jq '.seconds * 1000 | floor' "$WORK/flood")
	printf '%-44s %6.2f million packets/s\n' "$name" \
		"$(jq -n "($after - $before) / $ms / 1000")"
}

topology
sysctl -q -w net.ipv4.icmp_ratelimit=0
for mode in native generic; do
	start_server --mode $mode
	ok bgo firewall-update --xdp --type blacklist --action add --ip 198.51.100.0/24
	measure "XDP $mode, dropped by a blacklist rule" xdp blocked_blacklist
	ok bgo firewall-update --xdp --action clear --all
	[[ $mode == generic ]] || measure "XDP $mode, passed, dropped by the stack" xdp allowed_default
	stop_server TERM
done
for tc in tcx clsact; do
	BGO_TC=$tc start_server
	ok bgo firewall-update --ingress --type blacklist --action add --ip 198.51.100.0/24
	measure "TC ingress ($tc), dropped by a blacklist rule" ingress blocked_blacklist
	ok bgo firewall-update --ingress --action clear --all
	stop_server TERM
done
