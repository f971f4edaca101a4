# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
# Forged SYNs at full rate, many times as many as the tables have room for, push out no connection that is
# established; new ones are begun again when the flood is over.
# shellcheck source=lab/balancer.sh
. "${BASH_SOURCE[0]%/*}/../balancer.sh"
CONNECTIONS=1000
MAX=10000
SYNS=$((10 * MAX)) # 80 times as many as can be half-open
balancer_topology
start_balancer --max-connections $MAX
start_talkers
add_servers $VIP4 80 tcp
add_servers $VIP6 80 tcp
# Answers to those who asked for none go nowhere.
ip route add blackhole 198.18.0.0/15
ip route add blackhole 2001:db8:ffff::/48

hold() {
	ask --to "$1" --port 80 --connections $CONNECTIONS --hold --quiet
}
all_there() {
	local line
	read -r -t $((60 * SLOWDOWN)) line <&"$1" || fail "$2: no answer"
	expect_equal "$2: $line" "$2: $CONNECTIONS of $CONNECTIONS have their server"
}
mkfifo "$WORK/more4" "$WORK/more6"
exec {more4}<>"$WORK/more4" {more6}<>"$WORK/more6" {held4}< <(hold $VIP4 <"$WORK/more4") \
	{held6}< <(hold $VIP6 <"$WORK/more6")
all_there "$held4" "IPv4, before"
all_there "$held6" "IPv6, before"
before=$(counted xdp load_balanced)
flood_server --syn --destination $VIP4 --port 80 --source 198.18.0.0/15 --packets $SYNS
flood_server --syn --destination $VIP6 --port 80 --source 2001:db8:ffff::/108 --packets $SYNS
expect_between $((2 * SYNS)) $((5 * SYNS)) $(($(counted xdp load_balanced) - before)) "forwarded, with answers"
echo >&"$more4"
all_there "$held4" "IPv4, after"
echo >&"$more6"
all_there "$held6" "IPv6, after"
expect_json ".connections.established == 2 * $CONNECTIONS and
	.connections.half_open > 100 and .connections.half_open <= .connections.half_open_max" \
	bgo firewall-lvs status --json
ask --to $VIP4 --port 80 --connections 20 --quiet
ask --to $VIP6 --port 80 --connections 20 --quiet
