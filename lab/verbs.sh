# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
# The words scenarios are written in. `bgo-lab run` runs this file and then the scenario in one bash, in
# a sandbox whose network namespace is the server's; the client's is called "client". Any command that
# fails ends the scenario and names its line.

set -eEuo pipefail
shopt -s inherit_errexit

WORK=/run/lab
PINS=/sys/fs/bpf/firewall
SERVER_LOG=$WORK/server.log
# shellcheck disable=SC2034 # for scenarios
SNAPSHOT=/var/lib/bgo/sys-fs-bpf-firewall.bgo # of the rules at $PINS; /var/lib is the sandbox's own
OUTPUT=$WORK/output
SLOWDOWN=${LAB_SLOWDOWN:-1} # of this machine: deadlines are so much later
CLIENT_MAC=02:00:00:00:00:01
SERVER_MAC=02:00:00:00:00:02

# Every name bgo promises to keep after the daemon's exit.
PROMISED_MAPS="whitelist_map blacklist_map stats_map config_map rate_limit_config_map
	rate_limit_state_map rate_limit_stats_map lvs_dnat_map conn_track_map conn_reverse_map
	tc_stats_map tc_ingress_whitelist tc_ingress_blacklist tc_egress_whitelist
	tc_egress_blacklist tc_ingress_whitelist_count tc_ingress_blacklist_count
	tc_egress_whitelist_count tc_egress_blacklist_count"

# -- The end of a scenario --

# fail TEXT...: ends it, naming the line of the scenario that led here.
fail() {
	local depth file line
	trap - ERR
	for ((depth = 1; depth < ${#BASH_SOURCE[@]}; depth++)); do
		file=${BASH_SOURCE[depth]}
		line=${BASH_LINENO[depth - 1]}
		[[ $file != */scenarios/* ]] || break
	done
	echo "  $file:$line: $(sed -n "${line}s/^[[:space:]]*//p" "$file")"
	printf '  %s\n' "$@"
	exit 1
}
trap 'fail "this failed: $BASH_COMMAND"' ERR

# skip REASON: ends it without a verdict, for what this kernel cannot do.
skip() {
	trap - ERR
	echo "$*"
	exit 77
}

# -- What this kernel has --

# tc_kinds: TCX came with Linux 6.6.
tc_kinds() {
	printf '%s\n' 6.6 "$(uname -r)" | sort -C -V && echo tcx
	echo clsact
}

# The one bgo takes by itself.
best_tc_kind() {
	local kinds
	kinds=$(tc_kinds)
	echo "${kinds%%$'\n'*}"
}

needs_tcx() {
	[[ $(best_tc_kind) == tcx ]] || skip "Linux $(uname -r) has no TCX"
}

# -- Where packets go: client c0 -- s0 server --

# Quiet namespaces: no duplicate address detection, no router solicitations.
quiet_ipv6() {
	sysctl -q -w net.ipv6.conf.default.accept_dad=0 net.ipv6.conf.default.router_solicitations=0 \
		net.ipv6.conf.all.accept_dad=0 net.ipv4.conf.all.rp_filter=0 \
		net.ipv4.conf.default.rp_filter=0
}

on_client() {
	nsenter --net=/run/netns/client "$@"
}

# link N CLIENT4 SERVER4 PREFIX6: interfaces cN and sN with an address of each family.
link() {
	local n=$1 client4=$2 server4=$3 prefix6=$4
	ip link add "s$n" address "$SERVER_MAC" numrxqueues 1 numtxqueues 1 type veth \
		peer name "c$n" address "$CLIENT_MAC" numrxqueues 1 numtxqueues 1
	ip link set "c$n" netns client
	ip address add "$server4/24" dev "s$n"
	ip address add "$prefix6::1/64" dev "s$n" nodad
	ip link set "s$n" up
	ethtool -K "s$n" gro on >/dev/null
	on_client ip address add "$client4/24" dev "c$n"
	on_client ip address add "$prefix6::2/64" dev "c$n" nodad
	on_client ip link set "c$n" up
	on_client ethtool -K "c$n" gro on >/dev/null
	# Packets are lost in silence until link watch has given both their queues.
	wait_until 15 is_up ip link show "s$n"
	wait_until 15 is_up on_client ip link show "c$n"
}

is_up() {
	"$@" | grep -q 'state UP'
}

topology() {
	ip netns add client
	quiet_ipv6
	on_client sysctl -q -w net.ipv6.conf.default.accept_dad=0 \
		net.ipv6.conf.default.router_solicitations=0
	ip link set lo up
	on_client ip link set lo up
	link 0 192.0.2.2 192.0.2.1 2001:db8
}

# A second pair of interfaces, c1 -- s1.
second_link() {
	link 1 198.18.0.2 198.18.0.1 2001:db8:1
}

# -- Running things --

# expect_exit CODE COMMAND...: its output, both streams, goes to $OUTPUT. Nothing may take long.
expect_exit() {
	local wanted=$1 got=0 limit=()
	shift
	[[ $(type -t "$1") == function ]] || limit=(timeout $((30 * SLOWDOWN)))
	"${limit[@]}" "$@" >"$OUTPUT" 2>&1 </dev/null || got=$?
	[[ $got -eq $wanted ]] || fail "exit code $got, not $wanted, of: $*" "$(cat "$OUTPUT")"
}

# ok COMMAND...: exit code 0, output to $OUTPUT.
ok() {
	expect_exit 0 "$@"
}

# expect_said TEXT: what the last command printed contains it.
expect_said() {
	grep -qF -e "$1" "$OUTPUT" || fail "not said: $1" "but: $(cat "$OUTPUT")"
}

expect_not_said() {
	! grep -qF -e "$1" "$OUTPUT" || fail "said: $1" "in: $(cat "$OUTPUT")"
}

# expect_json FILTER COMMAND...: its standard output is one JSON document and the jq filter is true.
expect_json() {
	local filter=$1
	shift
	"$@" >"$WORK/json" || fail "failed: $*"
	jq -e -s "length == 1 and (.[0] | $filter)" "$WORK/json" >/dev/null ||
		fail "not true: $filter" "of: $*" "$(cat "$WORK/json")"
}

# json FILTER COMMAND...: prints what the filter gives.
json() {
	local filter=$1
	shift
	"$@" | jq -r "$filter"
}

expect_equal() {
	[[ $1 == "$2" ]] || fail "not equal:" "$1" "--" "$2"
}

# expect_between LOW HIGH NUMBER WHAT
expect_between() {
	[[ $3 -ge $1 && $3 -le $2 ]] || fail "$4: $3, not within $1..$2"
}

expect_same_file() {
	diff "$1" "$2" >"$WORK/diff" || fail "$1 and $2 differ:" "$(cat "$WORK/diff")"
}

# wait_until SECONDS COMMAND...: polls until it succeeds.
wait_until() {
	local deadline=$((SECONDS + $1 * SLOWDOWN))
	shift
	until ("$@") >/dev/null 2>&1; do
		[[ $SECONDS -le $deadline ]] || fail "did not come true: $*"
		sleep 0.02
	done
}

# -- The server --

server_ready() {
	grep -q 'Firewall server ready' "$SERVER_LOG" || ! kill -0 "$SERVER_PID"
}

# start_server [OPTION...]: on s0, or on the interfaces given; returns when it filters. A shell makes its
# background jobs ignore SIGINT and SIGQUIT, which no terminal or service manager does.
start_server() {
	: >"$SERVER_LOG"
	[[ " $* " == *" --interface "* ]] || set -- --interface s0 "$@"
	env --default-signal=INT,QUIT bgo firewall-server start "$@" >"$SERVER_LOG" 2>&1 &
	SERVER_PID=$!
	wait_until 30 server_ready
	kill -0 "$SERVER_PID" 2>/dev/null || fail "server did not start:" "$(cat "$SERVER_LOG")"
}

# stop_server SIGNAL: sends it, waits for the end; the exit status is in SERVER_STATUS.
# shellcheck disable=SC2034 # for scenarios
stop_server() {
	SERVER_STATUS=0
	kill -s "$1" "$SERVER_PID"
	wait "$SERVER_PID" 2>/dev/null || SERVER_STATUS=$?
}

expect_logged() {
	grep -qF -e "$1" "$SERVER_LOG" || fail "not logged: $1" "but: $(cat "$SERVER_LOG")"
}

# reboot_bpffs: what a reboot does to pins. Whatever is attached must have ended.
reboot_bpffs() {
	umount /sys/fs/bpf
	mount -t bpf -o mode=0700 bpf /sys/fs/bpf
}

# snapshot_is STATE: current, stale, missing or none, as status tells it.
snapshot_is() {
	[[ $(json .snapshot.state bgo firewall-server status --json) == "$1" ]]
}

# -- What is there --

expect_pinned() {
	local map
	for map in $PROMISED_MAPS; do
		[[ -e $PINS/$map ]] || fail "not pinned: $map"
	done
}

expect_nothing_pinned() {
	[[ ! -e $PINS ]] || fail "still there:" "$(ls -R "$PINS")"
}

# xdp_mode_of IF: native, generic or none, as iproute2 sees it.
xdp_mode_of() {
	case $(ip link show dev "$1") in
	*xdpgeneric*) echo generic ;;
	*xdp*) echo native ;;
	*) echo none ;;
	esac
}

# expect_attached IF XDP-MODE TC-KIND: what iproute2 and status say.
expect_attached() {
	expect_equal "$(xdp_mode_of "$1")" "$2"
	expect_json ".interfaces[] | select(.interface == \"$1\") | .xdp_mode == \"$2\" and
		.tc_kind == \"$3\"" bgo firewall-server status --json
	if [[ $3 == clsact ]]; then
		[[ $(tc filter show dev "$1" ingress) == *bpf* && $(tc filter show dev "$1" egress) == *bpf* ]] ||
			fail "no clsact filters on $1"
	fi
}

expect_nothing_attached() {
	expect_equal "$(xdp_mode_of "$1")" none
	expect_equal "$(tc filter show dev "$1" ingress; tc filter show dev "$1" egress)" ""
	[[ ! -e $PINS ]] || expect_json '.interfaces == []' bgo firewall-server status --json
}

# Everything that the commands tell of rules, indexes, comments, policies, limits, hits and counters.
everything_kept() {
	local hook
	bgo firewall-update --action save --file -
	for hook in xdp ingress egress; do
		bgo firewall-update --$hook --action list --json
		bgo firewall-update --$hook --action stats --json
	done
	bgo firewall-ratelimit --show-config --json
	bgo firewall-ratelimit --show-stats --json
}

# -- Packets: see `bgo-lab probe` for the words of a frame --

# From the client into the server's XDP and TC ingress. LINK=1: over the second pair of interfaces.
expect_passed() {
	bgo-lab probe --from "client/c${LINK:-0}" --to "s${LINK:-0}" --expect passed "$@"
}

expect_dropped() {
	bgo-lab probe --from "client/c${LINK:-0}" --to "s${LINK:-0}" --expect dropped "$@"
}

# From the server, through its TC egress, to the client.
expect_sent() {
	bgo-lab probe --from "s${LINK:-0}" --to "client/c${LINK:-0}" --expect passed "$@"
}

expect_not_sent() {
	bgo-lab probe --from "s${LINK:-0}" --to "client/c${LINK:-0}" --expect dropped "$@"
}

# One rule for each hook, so that packets can tell which hooks filter.
block_one_address_per_hook() {
	ok bgo firewall-update --xdp --type blacklist --action add --ip 198.51.100.1
	ok bgo firewall-update --ingress --type blacklist --action add --ip 198.51.100.2
	ok bgo firewall-update --egress --type blacklist --action add --ip 203.0.113.3
}

# Something of all that can be kept beside those, with indexes that have gaps.
add_everything_else() {
	ok bgo firewall-update --xdp --type whitelist --action add --ip 192.0.2.0/24 --port 22 --protocol tcp --comment "office ssh"
	ok bgo firewall-update --xdp --type whitelist --action add --ip 2001:db8::/32
	ok bgo firewall-update --xdp --type blacklist --action add --ip 203.0.113.0/24 --port 100-200 --protocol udp
	ok bgo firewall-update --ingress --type whitelist --action add --ip 192.0.2.7 --protocol icmp
	ok bgo firewall-update --egress --type whitelist --action add --ip 203.0.113.9
	ok bgo firewall-update --xdp --type blacklist --action remove --index 0
	ok bgo firewall-update --xdp --type blacklist --action add --ip 198.51.100.1
	ok bgo firewall-update --egress --action policy --policy deny --fragments drop
	ok bgo firewall-ratelimit --enable --pps 100000 --bps 10M --burst 500 --exempt-whitelist
}

expect_every_hook_filters() {
	expect_passed "src=198.51.100.9 dst=192.0.2.1"
	expect_dropped "src=198.51.100.1 dst=192.0.2.1" "src=198.51.100.2 dst=192.0.2.1"
	expect_sent "src=192.0.2.1 dst=203.0.113.9"
	expect_not_sent "src=192.0.2.1 dst=203.0.113.3"
}

# What TC does alone, when a server on clsact was killed.
expect_only_tc_filters() {
	expect_passed "src=198.51.100.9 dst=192.0.2.1" "src=198.51.100.1 dst=192.0.2.1"
	expect_dropped "src=198.51.100.2 dst=192.0.2.1"
	expect_sent "src=192.0.2.1 dst=203.0.113.9"
	expect_not_sent "src=192.0.2.1 dst=203.0.113.3"
}

expect_no_hook_filters() {
	expect_passed "src=198.51.100.9 dst=192.0.2.1" "src=198.51.100.1 dst=192.0.2.1" \
		"src=198.51.100.2 dst=192.0.2.1"
	expect_sent "src=192.0.2.1 dst=203.0.113.9" "src=192.0.2.1 dst=203.0.113.3"
}

# counted HOOK REASON: packets of that reason.
counted() {
	json ".reasons.$2.packets" bgo firewall-update "--$1" --action stats --json
}

# counted_at_least HOOK REASON N
counted_at_least() {
	[[ $(counted "$1" "$2") -ge $3 ]]
}

# What came past the hooks, into the stack: InReceives of IP.
received_by_stack() {
	awk '/^Ip: [0-9]/ { print $4 }' /proc/net/snmp
}

# flood_server OPTION...: live frames from the client to the server, see `bgo-lab flood`; in JSON.
flood_server() {
	on_client bgo-lab flood --interface c0 --to-mac "$SERVER_MAC" --json "$@" >"$WORK/flood"
}
