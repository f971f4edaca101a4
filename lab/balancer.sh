# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
# More words for scenarios of the load balancer: client c0 -- s0 balancer b1, b2, b3 -- e0 of server1..3.
# The scenario's own namespace is the balancer's. No interface computes checksums for another (tx off), so
# a checksum that was not updated is a packet that does not arrive.

VIP4=192.0.2.10 VIP6=2001:db8::10
SERVERS="1 2 3"
SERVER_INTERFACES="--interface b1 --interface b2 --interface b3"

on_server() {
	local n=$1
	shift
	nsenter --net="/run/netns/server$n" "$@"
}

server4() { echo "10.0.$1.2"; }
server6() { echo "2001:db8:$1::2"; }

server_link() {
	local n=$1
	ip netns add "server$n"
	on_server "$n" sysctl -q -w net.ipv6.conf.default.accept_dad=0 net.ipv6.conf.all.accept_dad=0
	ip link add "b$n" numrxqueues 1 numtxqueues 1 type veth peer name e0 numrxqueues 1 \
		numtxqueues 1 netns "server$n"
	ip address add "10.0.$n.1/24" dev "b$n"
	ip address add "2001:db8:$n::1/64" dev "b$n" nodad
	ip link set "b$n" up
	ethtool -K "b$n" tx off gro on >/dev/null
	on_server "$n" ip link set lo up
	on_server "$n" ip address add "10.0.$n.2/24" dev e0
	on_server "$n" ip address add "2001:db8:$n::2/64" dev e0 nodad
	on_server "$n" ip link set e0 up
	on_server "$n" ethtool -K e0 tx off gro on >/dev/null
	on_server "$n" ip route add default via "10.0.$n.1"
	on_server "$n" ip -6 route add default via "2001:db8:$n::1"
}

balancer_topology() {
	local n
	topology
	ethtool -K s0 tx off >/dev/null
	on_client ethtool -K c0 tx off >/dev/null
	sysctl -q -w net.ipv4.ip_forward=1 net.ipv6.conf.all.forwarding=1
	ip address add $VIP4/32 dev s0
	ip address add $VIP6/128 dev s0 nodad
	for n in $SERVERS; do
		server_link "$n"
	done
	for n in $SERVERS; do
		wait_until 15 is_up ip link show "b$n"
		wait_until 15 is_up on_server "$n" ip link show e0
	done
}

# start_balancer [OPTION...]: on all four interfaces.
# shellcheck disable=SC2120 # options are for some
start_balancer() {
	# shellcheck disable=SC2086 # words
	start_server --interface s0 $SERVER_INTERFACES "$@"
}

# Every server says its name and whom it sees, over TCP and UDP, at port 8080.
start_talkers() {
	local n
	for n in $SERVERS; do
		on_server "$n" bgo-lab talk serve --port 8080 --name "server$n" &
	done
	for n in $SERVERS; do
		wait_until 10 on_server "$n" bgo-lab talk ask --to "$(server4 "$n")" --port 8080
		wait_until 10 on_server "$n" bgo-lab talk ask --to "$(server6 "$n")" --port 8080
	done
}

# add_servers VIP VPORT PROTOCOL [OPTION...]: all three to a service of either family.
add_servers() {
	local vip=$1 vport=$2 protocol=$3 n rip
	shift 3
	for n in $SERVERS; do
		rip=$(server4 "$n")
		[[ $vip != *:* ]] || rip=$(server6 "$n")
		ok bgo firewall-lvs add-dnat --vip "$vip" --vport "$vport" --rip "$rip" --rport 8080 \
			--protocol "$protocol" "$@"
	done
}

# ask OPTION...: from the client; prints what each connection was answered: "server2 192.0.2.2".
ask() {
	on_client bgo-lab talk ask "$@"
}
