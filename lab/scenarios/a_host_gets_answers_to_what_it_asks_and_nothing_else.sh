# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
# Under deny --stateful the host connects out, asks and pings over both families; nobody connects in. A connection
# goes on through a server that is killed and one that ends, and so does one that was opened in between.
topology
on_client bgo-lab talk serve --port 8080 --name peer &
bgo-lab talk serve --port 9090 --name host &
wait_until 10 bgo-lab talk ask --to 192.0.2.2 --port 8080
wait_until 10 on_client bgo-lab talk ask --to 192.0.2.1 --port 9090
start_server
ok bgo firewall-update --xdp --action policy --policy deny --stateful
expect_said "xdp policy is now: deny stateful, fragments: match"

# asks: of both families; connections, questions and pings.
asks() {
	local to
	for to in 192.0.2.2 2001:db8::2; do
		ok bgo-lab talk ask --to $to --port 8080
		ok bgo-lab talk ask --to $to --port 8080 --udp
		ok ping -c 2 -i 0.2 -W 3 $to
		# An ICMP error says so.
		expect_exit 1 bgo-lab talk ask --to $to --port 8081 --udp
		expect_said "Connection refused"
	done
}
# refuses: the same the other way round, all at once.
from_outside() {
	nsenter --net=/run/netns/client timeout 5 "$@" >/dev/null 2>&1 || return 0
	echo "came in: $*" >>"$WORK/came_in"
}
refuses() {
	local to jobs=()
	: >"$WORK/came_in"
	for to in 192.0.2.1 2001:db8::1; do
		from_outside bgo-lab talk ask --to $to --port 9090 --timeout 1 &
		jobs+=($!)
		from_outside bgo-lab talk ask --to $to --port 9090 --timeout 1 --udp &
		jobs+=($!)
		from_outside ping -c 1 -W 1 $to &
		jobs+=($!)
	done
	wait "${jobs[@]}"
	expect_equal "$(cat "$WORK/came_in")" ""
}
asks
refuses
expect_json '.reasons | .established.packets >= 10 and .blocked_default.packets >= 6 and .untracked.packets == 0' \
	bgo firewall-update --xdp --action stats --json

# hold NAME: a connection that stays. again NAME: it goes on.
hold() {
	mkfifo "$WORK/$1.in" "$WORK/$1.out"
	bgo-lab talk ask --to "$2" --port 8080 --hold <"$WORK/$1.in" >"$WORK/$1.out" &
	eval "exec {$1_in}>\"$WORK/$1.in\" {$1_out}<\"$WORK/$1.out\""
	answered "$1"
}
answered() {
	local line out=$1_out
	read -r -t $((20 * SLOWDOWN)) line <&"${!out}" || fail "$1: no answer"
	read -r -t $((20 * SLOWDOWN)) line <&"${!out}" || fail "$1: no answer"
	expect_equal "$1: $line" "$1: 1 of 1 have their server"
}
again() {
	local in=$1_in
	echo >&"${!in}"
	answered "$1"
}
hold first 192.0.2.2
hold second 2001:db8::2
stop_server KILL
again first
hold between 192.0.2.2
start_server
again first
again second
again between
stop_server TERM
start_server --max-rules 300000
again first
again second
again between
asks
refuses
expect_json '.connections.of_this_host >= 3' bgo firewall-lvs status --json
expect_json '[.connections[] | select(.of == "host" and .service == "[2001:db8::2]:8080" and .state == "established")] | length >= 1' \
	bgo firewall-lvs debug --json

# Part of the policy wherever that is shown or kept.
expect_json '.hooks | map(.stateful) == [true, false, false]' bgo firewall-server status --json
expect_json '.policy == "deny" and .stateful' bgo firewall-update --xdp --action list --json
bgo firewall-update --action save --file "$WORK/saved" --quiet
grep -qx 'policy xdp deny stateful fragments match' "$WORK/saved"
ok bgo firewall-update --xdp --action policy --policy deny
expect_json '.stateful | not' bgo firewall-update --xdp --action list --json
expect_exit 1 bgo-lab talk ask --to 192.0.2.2 --port 8080 --timeout 1
ok bgo firewall-update --action restore --file "$WORK/saved"
asks
ok bgo firewall-update --xdp --action policy --policy allow --confirm 1h
ok bgo firewall-update --action revert
bgo firewall-update --action save --file "$WORK/again" --quiet
expect_same_file "$WORK/saved" "$WORK/again"

for wrong in "--xdp --policy allow --stateful" "--xdp --stateful" "--egress --policy deny --stateful"; do
	# shellcheck disable=SC2086 # words
	expect_exit 2 bgo firewall-update --action policy $wrong
	expect_said "--stateful goes with --policy deny, of --xdp or --ingress"
done
