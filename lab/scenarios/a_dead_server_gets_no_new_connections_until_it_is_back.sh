# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
# A real server that does not accept connections is found out and left out, also after a restart of the
# balancer's server, and has its part again when it is back.
# shellcheck source=lab/balancer.sh
. "${BASH_SOURCE[0]%/*}/../balancer.sh"
CONNECTIONS=60
talk() {
	nsenter --net="/run/netns/server$1" bgo-lab talk serve --port 8080 --name "server$1" &
}
# Of both services: that of server 2.
second_is_down() {
	json '[.services[].servers[1].down] | all' bgo firewall-lvs list-dnat --json | grep -q "$1"
}
asked() {
	local vip
	for vip in $VIP4 $VIP6; do
		ask --to "$vip" --port 80 --connections $CONNECTIONS | cut -d ' ' -f 1
	done | sort -u | tr '\n' ' '
}
balancer_topology
start_balancer --on-exit keep
talk 1
talk 3
talk 2
second=$!
for n in $SERVERS; do
	wait_until 10 on_server "$n" bgo-lab talk ask --to "$(server4 "$n")" --port 8080
done
add_servers $VIP4 80 tcp
add_servers $VIP6 80 tcp
for vip in $VIP4 $VIP6; do
	ok bgo firewall-lvs set --vip "$vip" --vport 80 --check tcp --interval 1 --timeout 1 --rise 2 --fall 2
done
expect_equal "$(asked)" "server1 server2 server3 "
bgo firewall-update --action save --file - >"$WORK/saved"

kill "$second"
wait "$second" || true
wait_until 20 second_is_down true
expect_equal "$(asked)" "server1 server3 "
expect_json '.services | all(.servers[1].down_why == "Connection refused" and
	(.servers[1].down_since | fromdate) > now - 60 and ([.servers[] | select(.down)] | length) == 1)' \
	bgo firewall-lvs list-dnat --json
ok bgo firewall-lvs status
expect_said "Connection refused"
expect_logged "Server 10.0.2.2:8080 of service tcp 192.0.2.10:80 is down: Connection refused"
expect_logged "Server [2001:db8:2::2]:8080 of service tcp [2001:db8::10]:80 is down: Connection refused"
expect_equal "$(grep -c "is down" "$SERVER_LOG")" 2
# What is configured is what it was.
bgo firewall-update --action save --file - >"$WORK/again"
expect_same_file "$WORK/saved" "$WORK/again"

stop_server KILL
second_is_down true
start_balancer --on-exit keep
second_is_down true
ok bgo firewall-update --action restore --file "$WORK/saved"
second_is_down true
expect_equal "$(asked)" "server1 server3 "
talk 2
wait_until 20 second_is_down false
expect_equal "$(asked)" "server1 server2 server3 "
expect_logged "Server 10.0.2.2:8080 of service tcp 192.0.2.10:80 is back"
# That it was down was said by the one before.
expect_equal "$(grep "is down" "$SERVER_LOG" || true)" ""
