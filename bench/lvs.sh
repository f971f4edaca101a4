# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
# One flood through one load balancer, in a sandbox of its own, so that every one begins with empty tables:
# a client, the balancer and three servers, each of which counts what is addressed to itself and drops
# it. Prints a CSV line, says everything else on standard error.
#
#	bench/lvs.sh FAMILY TRAFFIC ROUND ARM
#
# TRAFFIC "established": of connections whose servers have answered. "new": every packet begins one.
. lab/verbs.sh
. lab/balancer.sh
. bench/arms.sh

family=$1 traffic=$2 round=$3 arm=$4
cpu=$(($(nproc) - 1))
FLOWS=1024
NEW=65536 # a quarter of what conntrack has room for
declare -A server_arms
targets=$SERVERS port=8080 # the servers that count, and what they are sent to

if [[ $family == ipv4 ]]; then
	VIP=$VIP4 FLOW_SOURCES=198.18.0.0/22 NEW_SOURCES=198.18.0.0/16 address_of=server4
else
	VIP=$VIP6 FLOW_SOURCES=2001:db8:ffff::/118 NEW_SOURCES=2001:db8:ffff::/112 address_of=server6
fi

# A sixteenth of its room: half-open connections have a quarter of the entries, and each two.
arm_bgo_nat() {
	start_balancer --max-connections $((NEW * 16))
	add_servers "$VIP" 80 udp
}

arm_nft_dnat() {
	local word=ip
	missing nft && return 1
	[[ $family == ipv4 ]] || word=ip6
	nft -f - <<-END
		table $word bench {
			chain in {
				type nat hook prerouting priority dstnat;
				$word daddr $VIP udp dport 80 dnat to jhash $word saddr . udp sport mod 3 \
					map { 0: $($address_of 1), 1: $($address_of 2), 2: $($address_of 3) } : 8080
			}
		}
	END
}

# Translates nothing, so only the first server gets anything, by its MAC address, and it is none of its own.
arm_redirect() {
	standing redirect s0 b1
	targets=1 port=80 address_of=vip
}

vip() {
	echo "$VIP"
}

# servers_are ARM: on each.
servers_are() {
	local n
	for n in $targets; do
		if [[ ${server_arms[$n]:-} ]]; then
			kill "${server_arms[$n]}"
			wait "${server_arms[$n]}" || true
		fi
		: >"$WORK/server-$n"
		nsenter --net="/run/netns/server$n" arm "$1" e0 "$("$address_of" "$n")" "$port" >"$WORK/server-$n" 2>&1 &
		server_arms[$n]=$!
		wait_until 30 arm_standing "$!" "$WORK/server-$n"
		grep -q ready "$WORK/server-$n" || fail "server $n:" "$(cat "$WORK/server-$n")"
	done
}

# The servers' MAC addresses are known, as in any network that is in use, and the clients' are.
know_neighbours() {
	local n address
	for n in $SERVERS; do
		for address in "$(server4 "$n")" "$(server6 "$n")"; do
			ip neigh replace "$address" dev "b$n" nud permanent \
				lladdr "$(on_server "$n" ip -j link show e0 | jq -r '.[].address')"
		done
	done
	for address in 192.0.2.2 2001:db8::2; do
		ip neigh replace "$address" dev s0 nud permanent lladdr "$CLIENT_MAC"
	done
	ip route add 198.18.0.0/15 via 192.0.2.2
	ip route add 2001:db8:ffff::/64 via 2001:db8::2
}

# flood OPTION...: nothing else runs on that CPU meanwhile, see point.sh.
flood() {
	on_client chrt -f 1 taskset -c "$cpu" bgo-lab flood --interface c0 --to-mac "$SERVER_MAC" \
		--destination "$VIP" --port 80 --json "$@" >"$WORK/flood"
}

# What came to the servers and was for them.
received() {
	local n
	for n in $targets; do
		on_server "$n" ethtool -S e0
	done | awk '/rx_queue_0_xdp_drops/ { sum += $2 } END { print sum }'
}

answered() {
	on_client ip -j -s link show c0 | jq '.[].stats64.rx.packets'
}

# Every server answers the client of every connection.
establish() {
	local before
	servers_are echo
	before=$(answered)
	flood --source "$FLOW_SOURCES" --packets $((2 * FLOWS)) --pps 50000
	expect_between $((2 * FLOWS - FLOWS / 100)) $((2 * FLOWS + 100)) $(($(answered) - before)) "answers by $arm"
}

measure() {
	local before
	before=$(received)
	flood "$@"
	jq -r --arg row "lvs,$family,3,$traffic,$round,$arm" --argjson got $(($(received) - before)) \
		'"\($row),\($got),\(.run_seconds),"' "$WORK/flood"
}

balancer_topology
sysctl -q -w net.ipv4.icmp_ratelimit=0
why=''
if ! "arm_${arm//-/_}"; then
	echo "lvs,$family,3,,,$arm,,,$why"
	exit 0
fi
know_neighbours
[[ $traffic == new || $arm == redirect ]] || establish
servers_are server
if [[ $traffic == new ]]; then
	measure --source "$NEW_SOURCES" --packets $NEW
else
	measure --source "$FLOW_SOURCES" --seconds 0.06
fi
