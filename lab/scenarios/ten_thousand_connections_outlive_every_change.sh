# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
# Connections keep their servers while servers are added, drained and weighed anew, and while the balancer's
# server is killed and another takes over.
# shellcheck source=lab/balancer.sh
. "${BASH_SOURCE[0]%/*}/../balancer.sh"
CONNECTIONS=10000
balancer_topology
start_balancer --on-exit keep
start_talkers
for n in 1 2; do
	ok bgo firewall-lvs add-dnat --vip $VIP4 --vport 80 --rip "$(server4 $n)" --rport 8080
done
coproc HELD { ask --to $VIP4 --port 80 --connections $CONNECTIONS --hold --quiet; }
all_there() {
	local line
	read -r -t $((60 * SLOWDOWN)) line <&"${HELD[0]}" || fail "$1: no answer"
	expect_equal "$1: $line" "$1: $CONNECTIONS of $CONNECTIONS have their server"
}
ask_again() {
	echo >&"${HELD[1]}"
	all_there "$1"
}
all_there "at first"
expect_json ".connections.established == $CONNECTIONS and .connections.half_open == 0" bgo firewall-lvs status --json

ok bgo firewall-lvs add-dnat --vip $VIP4 --vport 80 --rip "$(server4 3)" --rport 8080 --weight 5
ask_again "a server was added"
ok bgo firewall-lvs drain --vip $VIP4 --vport 80 --rip "$(server4 1)" --rport 8080
ask_again "a server is drained"
ask --to $VIP4 --port 80 --connections 40 >"$WORK/answers"
expect_equal "$(cut -d ' ' -f 1 "$WORK/answers" | sort -u | tr '\n' ' ')" "server2 server3 "

stop_server KILL
ask_again "the server was killed"
start_balancer --on-exit keep
ask_again "another took over"
expect_json '[.services[].servers[].connections] | .[0] > 4000 and .[1] > 4000' bgo firewall-lvs status --json
# What is not drained ends.
ok bgo firewall-lvs remove-dnat --vip $VIP4 --vport 80
expect_json '.connections.established == 0' bgo firewall-lvs status --json
