# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
# What a server answers to a GET decides on it; when all are dead new connections are dropped and counted;
# connections of a dead server end when they are to.
# shellcheck source=lab/balancer.sh
. "${BASH_SOURCE[0]%/*}/../balancer.sh"
answer() {
	printf 'HTTP/1.1 %s\r\nContent-Length: 0\r\n\r\n' "$1" >"$WORK/answer"
}
# down_are FILTER TEXT: of the servers of the service at that port.
down_are() {
	json ".services[] | select(.vport == $1) | .servers | $2" bgo firewall-lvs list-dnat --json | grep -q true
}
lvs_set() {
	ok bgo firewall-lvs set --vip $VIP4 --vport "$@" --interval 1 --timeout 1 --rise 1 --fall 1
}
balancer_topology
# shellcheck disable=SC2119 # it has none here
start_balancer
start_talkers
answer "200 OK"
on_server 1 socat TCP-LISTEN:8081,fork,reuseaddr \
	SYSTEM:"read -r request; echo \"\$request\" >>$WORK/requests; cat $WORK/answer" &
wait_until 10 on_server 1 socat -u OPEN:/dev/null TCP:127.0.0.1:8081
ok bgo firewall-lvs add-dnat --vip $VIP4 --vport 81 --rip "$(server4 1)" --rport 8081
lvs_set 81 --check http --path /health
wait_until 20 grep -q "^GET /health HTTP/1.1" "$WORK/requests"
down_are 81 '.[0].down | not'
answer "503 Service Unavailable"
wait_until 20 down_are 81 '.[0].down_why == "HTTP status 503"'
answer "302 Found"
wait_until 20 down_are 81 '.[0].down | not'

# These speak no HTTP.
add_servers $VIP4 80 tcp
lvs_set 80 --check http
wait_until 20 down_are 80 'all(.down and .down_why == "the answer is not HTTP")'
before=$(counted xdp lvs_no_server)
expect_exit 1 ask --to $VIP4 --port 80 --timeout 1 --quiet
expect_between $((before + 1)) $((before + 10)) "$(counted xdp lvs_no_server)" lvs_no_server
# Without checks all of them are there.
ok bgo firewall-lvs set --vip $VIP4 --vport 80 --check none
down_are 80 'all(.down | not)'

coproc HELD { ask --to $VIP4 --port 80 --connections 30 --hold --quiet; }
read -r -t $((30 * SLOWDOWN)) line <&"${HELD[0]}"
expect_equal "$line" "30 of 30 have their server"
connections() {
	json '.services[] | select(.vport == 80) | .servers[1].connections' bgo firewall-lvs status --json
}
[[ $(connections) -gt 0 ]]
on_server 2 ip link set e0 down
lvs_set 80 --check tcp
wait_until 20 down_are 80 '.[1].down'
[[ $(connections) -gt 0 ]]
on_server 2 ip link set e0 up
wait_until 20 down_are 80 '.[1].down | not'
lvs_set 80 --release true
on_server 2 ip link set e0 down
wait_until 20 down_are 80 '.[1].down'
expect_equal "$(connections)" 0
