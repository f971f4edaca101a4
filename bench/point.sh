# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
# One point of the bench, in a sandbox of its own: one family, kind and number of rules, every arm, rounds
# of floods. Prints a CSV line for each flood, says everything else on standard error.
#
#	bench/point.sh FAMILY KIND RULES ROUNDS "TRAFFIC..." "ARM..."
. lab/verbs.sh
. bench/arms.sh

family=$1 kind=$2 rules=$3 rounds=$4 traffics=$5 wanted=$6
# shellcheck disable=SC2034 # of arms.sh
max_rules=$((rules < 262144 ? 262144 : rules))
cpu=$(($(nproc) - 1))
STRANGER_MAC=02:00:00:00:00:99
ABSENT=$((1 << 30)) # numbers from here on are in no set
CLUSTER=16 PORTS_OF_HOST=8 FLOOD_PORT=1022 # as in numbered_rule.h
declare -A number_of

server_address() {
	[[ $family == ipv4 ]] && echo "10.77.$1.1" || echo "2001:db8:$1::1"
}

# flood N MAC SECONDS OPTION...: nothing else runs on that CPU meanwhile, so that what receives does it at
# once and its time counts.
flood() {
	local n=$1 mac=$2 seconds=$3
	shift 3
	on_client chrt -f 1 taskset -c "$cpu" bgo-lab flood --interface "c$n" --to-mac "$mac" \
		--destination "$(server_address "$n")" --seconds "$seconds" --json "$@"
}

received() {
	ethtool -S "s$1" | awk '/rx_queue_0_xdp_packets/ { print $2 }'
}

# What came as far as the stack's sockets, and found none.
unwanted_datagrams() {
	if [[ $family == ipv4 ]]; then
		awk '/^Udp:/ && $3 ~ /^[0-9]+$/ { print $3 }' /proc/net/snmp
	else
		awk '$1 == "Udp6NoPorts" { print $2 }' /proc/net/snmp6
	fi
}

# passes N ADDRESS: how many of some packets of this source the stack gets.
passes() {
	local before after
	before=$(unwanted_datagrams)
	flood "$1" "$SERVER_MAC" 0.01 --pps 10000 --port "$FLOOD_PORT" --source "$2" >"$WORK/flood"
	after=$(unwanted_datagrams)
	echo $((after - before))
}

# check ARM: a listed source is dropped, the address behind it passes.
check() {
	local n=${number_of[$1]} listed neighbour got
	{ read -r listed && read -r neighbour; } < <(addresses "$family" "$kind" 0)
	case $1 in
	drop | parse | tc-drop) neighbour= ;;
	pass) listed= ;;
	esac
	if [[ $listed ]]; then
		got=$(passes "$n" "$listed")
		[[ $got -eq 0 ]] || fail "$1: $got packets of the listed $listed passed"
	fi
	if [[ $neighbour ]]; then
		got=$(passes "$n" "$neighbour")
		[[ $got -gt 0 ]] || fail "$1: $neighbour, which is not listed, was dropped"
	fi
}

# set_up: every arm that can be, and whether it judges right.
set_up() {
	local arm n=0 why
	topology
	addresses "$family" "$kind" "$rules" >"$WORK/list"
	sysctl -q -w net.ipv4.icmp_ratelimit=0
	for arm in $wanted; do
		n=$((n + 1))
		link "$n" "10.77.$n.2" "10.77.$n.1" "2001:db8:$n"
		number_of[$arm]=$n
		if "arm_${arm//-/_}" "$n"; then
			check "$arm"
			arms+=("$arm")
		else
			echo "  not measured: $arm: $why" >&2
			echo "$family,$kind,$rules,,,$arm,,,$why"
		fi
	done
	[[ " ${arms[*]} " != *" iptables "* ]] || iptables_sink "${number_of[iptables]}"
}

# numbers_of TRAFFIC: the sources.
numbers_of() {
	local listed="--numbers 1+$rules" others="--numbers $ABSENT+$ABSENT"
	case $kind in
	clustered) listed+=/$CLUSTER ;;
	ports) listed="--port $FLOOD_PORT --numbers 1+$((rules / PORTS_OF_HOST))" ;;
	esac
	case $1 in
	hit) echo "$listed" ;;
	miss) echo "$others" ;;
	half) echo "$listed $others" ;;
	esac
}

# measure ROUND TRAFFIC ARM: what the receiver counted in the time it and the sender took.
measure() {
	local n=${number_of[$3]} mac=$STRANGER_MAC before after
	[[ $3 != iptables ]] || mac=$SERVER_MAC
	before=$(received "$n")
	# shellcheck disable=SC2046 # words
	flood "$n" "$mac" 0.03 $(numbers_of "$2") >"$WORK/flood"
	after=$(received "$n")
	jq -r --arg row "$family,$kind,$rules,$2,$1,$3" --argjson got $((after - before)) \
		'"\($row),\($got),\(.run_seconds),"' "$WORK/flood"
}

arms=()
set_up
for traffic in $traffics; do
	for ((round = 1; round <= rounds; round++)); do
		for arm in "${arms[@]}"; do
			measure "$round" "$traffic" "$arm"
		done
	done
done
