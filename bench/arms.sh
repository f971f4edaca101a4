# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash disable=SC2154,SC2034 # variables of who reads it
# The arms of the bench: how each gets the rules of $WORK/list onto its interface, sN. All are there at
# once, each on an interface of its own, so that rounds can go from one to the next at no cost.
#
# arm_NAME N: sets it up, or returns 1 with the reason in `why`.

ARMS="drop pass parse bgo-xdp bgo-again bgo-tc tc-drop xdp-filter nft iptables trie"
LVS_ARMS="redirect bgo-nat nft-dnat" # of bench/lvs.sh
NFT_INTERVALS_MAX=100000 # its interval sets take a minute and gigabytes beyond
TRIE_MAX=1000000
XDP_FILTER_MAX=10000 # what its map has room for

declare -A arm_says=(
	[drop]="empty program, XDP_DROP: the limit of what drops"
	[pass]="empty program, XDP_PASS: the limit of what passes"
	[parse]="bgo's parser alone, XDP"
	[bgo-xdp]="bgo, XDP native"
	[bgo-again]="the same once more: how far equal things differ"
	[bgo-tc]="bgo, TC ingress"
	[tc-drop]="empty program, TC ingress: the limit of TC"
	[xdp-filter]="xdp-filter of xdp-tools"
	[nft]="nftables, netdev ingress, a set"
	[iptables]="iptables, raw table, ipset"
	[redirect]="empty program, redirect to a server: the limit of what forwards"
	[bgo-nat]="bgo, a service of mode nat with three servers"
	[nft-dnat]="nftables and conntrack, dnat to one of three servers by jhash"
	[trie]="the kernel's LPM trie in a minimal XDP program"
)

missing() {
	command -v "$1" >/dev/null && return 1
	why="$1 is not installed: ci/install-deps --bench"
}

# standing PROGRAM INTERFACE [LIST]: an arm of arms.bpf.c.
standing() {
	arm "$@" >"$WORK/arm-$2" 2>&1 &
	wait_until 120 arm_standing "$!" "$WORK/arm-$2"
	grep -q ready "$WORK/arm-$2" || fail "arm $1:" "$(cat "$WORK/arm-$2")"
}

arm_standing() {
	grep -q ready "$2" || ! kill -0 "$1"
}

arm_drop() { standing drop "s$1"; }
arm_pass() { standing pass "s$1"; }
arm_parse() { standing parse "s$1"; }
arm_tc_drop() { standing tc-drop "s$1"; }

arm_trie() {
	if [[ $kind == ports ]]; then
		why="finds addresses only"
		return 1
	fi
	if [[ $rules -gt $TRIE_MAX ]]; then
		why="more than $TRIE_MAX rules"
		return 1
	fi
	standing trie "s$1" "$WORK/list"
}

# bgo_rules HOOK OPTION...
bgo_rules() {
	local hook=$1
	shift
	if [[ $kind != ports ]]; then
		ok bgo firewall-update "$@" "--$hook" --type blacklist --action load --file "$WORK/list"
		return
	fi
	{
		echo "bgo-rules 1"
		awk -F ,udp: -v hook="$hook" -v bits="$([[ $family == ipv4 ]] && echo 32 || echo 128)" \
			'{ print "rule", hook, "blacklist", NR - 1, $1 "/" bits, "port", $2, "proto udp" }' "$WORK/list"
	} >"$WORK/rules"
	ok bgo firewall-update "$@" --action restore --file "$WORK/rules"
}

arm_bgo_xdp() {
	start_server --interface "s$1" --max-rules "$max_rules"
	bgo_rules xdp
}

# Of bgo-xdp, on one more interface.
arm_bgo_again() {
	stop_server TERM
	start_server --interface "s${number_of[bgo-xdp]}" --interface "s$1" --max-rules "$max_rules"
}

# A server of its own, whose XDP program is taken off again.
arm_bgo_tc() {
	local pins=/sys/fs/bpf/tc program link
	start_server --interface "s$1" --pin-path $pins --max-rules "$max_rules"
	bgo_rules ingress --pin-path $pins
	program=$(ip -j -d link show "s$1" | jq '.[0].xdp.prog.id')
	link=$(bpftool -j link | jq ".[] | select(.type == \"xdp\" and .prog_id == $program) | .id")
	bpftool link detach id "$link" || fail "XDP is still on s$1"
}

arm_xdp_filter() {
	missing xdp-filter && return 1
	if [[ ($kind != hosts && $kind != clustered) || $rules -gt $XDP_FILTER_MAX ]]; then
		why="takes at most $XDP_FILTER_MAX single addresses"
		return 1
	fi
	ok xdp-filter load "s$1" --mode native --features "$family"
	ok xdp-filter ip --mode src "$(head -n 1 "$WORK/list")"
	arm fill-xdp-filter "/sys/fs/bpf/xdp-filter/filter_$family" "$WORK/list" || fail "xdp-filter"
}

# Whether the set has networks: another type for some peers.
has_networks() {
	[[ $kind == nets || $kind == mix ]]
}

# nft_rules N: what nft -f takes.
nft_rules() {
	local flags="" type=${family}_addr word=ip key
	! has_networks || flags="flags interval; auto-merge;"
	[[ $family == ipv4 ]] || word=ip6
	key="$word saddr"
	if [[ $kind == ports ]]; then
		type+=" . inet_service"
		key+=" . udp dport"
	fi
	echo "add table netdev bench
		add set netdev bench listed { type $type; size 2000000; $flags }
		add chain netdev bench in { type filter hook ingress device s$1 priority 0; }
		add rule netdev bench in $key @listed drop"
	echo "add element netdev bench listed {"
	sed 's/,udp:/ . /; s/$/,/' "$WORK/list"
	echo "}"
}

arm_nft() {
	missing nft && return 1
	if has_networks && [[ $rules -gt $NFT_INTERVALS_MAX ]]; then
		why="more than $NFT_INTERVALS_MAX networks take it minutes"
		return 1
	fi
	nft_rules "$1" | nft -f - || fail "nft"
}

arm_iptables() {
	local iptables=iptables-legacy inet=inet type=hash:ip by=src
	missing ipset && return 1
	missing $iptables && return 1
	[[ $family == ipv4 ]] || iptables=ip6tables-legacy inet=inet6
	! has_networks || type=hash:net
	[[ $kind != ports ]] || type=hash:ip,port by=src,dst
	ipset create listed $type family $inet maxelem 2000000 hashsize $((rules > 1024 ? rules : 1024)) ||
		fail "ipset create"
	sed 's/^/add listed /' "$WORK/list" | ipset restore -exist || fail "ipset restore"
	$iptables -t raw -A PREROUTING -i "s$1" -m set --match-set listed $by -j DROP || fail "$iptables"
}

# The packets that iptables lets pass must reach its hook, so they are for this machine and a rule behind
# takes them; those of the others go to a stranger and end at the stack's first look.
iptables_sink() {
	local iptables=iptables-legacy
	[[ $family == ipv4 ]] || iptables=ip6tables-legacy
	$iptables -t raw -A PREROUTING -i "s$1" -j DROP
}
