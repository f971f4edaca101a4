# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
# The demo: a client and a server, two network namespaces joined by a cable (a veth pair). The firewall
# runs on the server's end. Everything typed here is typed on a real server in the same way.

[[ -t 1 && -z ${NO_COLOR:-} ]] && bold=$'\e[1m' plain=$'\e[0m' || bold='' plain=''

say() {
	printf '\n%s%s%s\n' "$bold" "$*" "$plain"
}

# show COMMAND...: as typed, then its output.
show() {
	printf '$ %s\n' "$*"
	"$@"
}

# can_reach ADDRESS [PING-OPTION...]: a real ping from the client.
can_reach() {
	if on_client ping -q -c 2 -i 0.2 -W 0.5 "$@" >/dev/null 2>&1; then
		echo "ping $*: answered"
	else
		echo "ping $*: no answer"
	fi
}

listening() {
	ss -Hlun sport = 7000 | grep -q 7000
}

# can_talk SOURCE ADDRESS UDP4|UDP6: one datagram, real sockets at both ends.
can_talk() {
	local outcome="did not arrive" receiver
	rm -f "$WORK/udp"
	socat -u "$3-RECV:7000" "CREATE:$WORK/udp" &
	receiver=$!
	wait_until 3 listening
	echo hello | on_client socat -u - "$3-SENDTO:$2:7000,bind=$1"
	for ((i = 0; i < 25; i++)); do
		[[ ! -s $WORK/udp ]] || outcome=arrived
		[[ $outcome == "did not arrive" ]] || break
		sleep 0.02
	done
	kill "$receiver"
	wait "$receiver" 2>/dev/null || true
	echo "UDP from $1: $outcome"
}

send_from() {
	on_client bgo-lab flood --interface c0 --to-mac "$SERVER_MAC" "$@" >/dev/null &
	floods+=($!)
}

counters() {
	bgo firewall-update --xdp --action stats --json |
		jq -r '[.reasons.allowed_whitelist, .reasons.allowed_default, .reasons.blocked_blacklist,
			.reasons.rate_limited] | map(.packets) | join(" ")'
}

# One line a second: packets of that second by outcome.
live_table() {
	local -a before now
	local began_ms ended_ms ms
	printf '%10s %16s %16s %16s %16s\n' second whitelisted "allowed" blacklisted "rate limited"
	read -r -a before <<<"$(counters)"
	began_ms=$(date +%s%3N)
	for ((second = 1; second <= $1; second++)); do
		sleep 1
		read -r -a now <<<"$(counters)"
		ended_ms=$(date +%s%3N)
		ms=$((ended_ms - began_ms))
		printf '%10d' "$second"
		for i in 0 1 2 3; do
			printf ' %12d pps' $(((now[i] - before[i]) * 1000 / ms))
		done
		printf '\n'
		before=("${now[@]}")
		began_ms=$ended_ms
	done
}

say "Two namespaces, client (c0) and server (s0), and the firewall on the server's end:"
topology
on_client ip address add 198.51.100.66/32 dev c0
on_client ip address add 2001:db8:bad::66/128 dev c0 nodad
ip route add 198.51.100.0/24 dev s0
ip route add 2001:db8:bad::/48 dev s0
sysctl -q -w net.ipv4.icmp_ratelimit=0
start_server
cat "$SERVER_LOG"

say "Before any rule everything passes:"
can_reach 192.0.2.1 -I 198.51.100.66
can_reach 2001:db8::1 -I 2001:db8:bad::66

say "Block two networks, and let one of their hosts through again:"
show bgo firewall-update --xdp --type blacklist --action add --ip 198.51.100.0/24
show bgo firewall-update --xdp --type blacklist --action add --ip 2001:db8:bad::/48 --comment "a bad network"
show bgo firewall-update --xdp --type whitelist --action add --ip 198.51.100.7 --quiet
show bgo firewall-ratelimit --enable --pps 50000
can_reach 192.0.2.1 -I 198.51.100.66
can_reach 2001:db8::1 -I 2001:db8:bad::66
can_reach 192.0.2.1 -I 192.0.2.2
can_reach 2001:db8::1 -I 2001:db8::2
can_talk 198.51.100.66 192.0.2.1 UDP4
can_talk 192.0.2.2 192.0.2.1 UDP4
can_talk "[2001:db8:bad::66]" "[2001:db8::1]" UDP6
can_talk "[2001:db8::2]" "[2001:db8::1]" UDP6

say "Floods: IPv4 and IPv6 from the blocked networks, more from allowed ones than the rate limit lets through:"
send_from --destination 192.0.2.1 --source 198.51.100.64/26 --seconds 6 --pps 400000
send_from --destination 2001:db8::1 --source 2001:db8:bad::/64 --seconds 6 --pps 100000
send_from --destination 192.0.2.1 --source 203.0.113.0/24 --source 198.51.100.7 --seconds 6 --pps 100000
live_table 5
wait "${floods[@]}"
show bgo firewall-update --xdp --action list
show bgo firewall-update --xdp --action stats
show bgo firewall-ratelimit --show-stats

say "The server ends (Ctrl-C, SIGINT):"
stop_server INT
sed -n '/Received shutdown/,$p' "$SERVER_LOG"

say "No program filters any more, but every map and rule is still there:"
can_reach 192.0.2.1 -I 198.51.100.66
show ls "$PINS"
show bgo firewall-update --xdp --type blacklist --action list

say "Started again, the rules are in force at once:"
start_server
can_reach 192.0.2.1 -I 198.51.100.66
can_reach 192.0.2.1 -I 192.0.2.2
stop_server TERM
show bgo firewall-server cleanup-maps --force

say "That was all; nothing is left of it on this machine."
