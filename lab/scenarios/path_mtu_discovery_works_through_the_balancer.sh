# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
# Links of MTU 1400, whose ends claim more: behind a router of the client, behind one of the server, and
# of the balancer itself. Whoever sends more learns it from an ICMP error, of which the balancer makes one
# that he understands, and a transfer goes on at once. Nobody sees the server.
# shellcheck source=lab/balancer.sh
. "${BASH_SOURCE[0]%/*}/../balancer.sh"
balancer_topology
BYTES=300000

# narrow_link ROUTER NAME PREFIX4 PREFIX6: namespace NAME behind ROUTER.
narrow_link() {
	local router=$1 name=$2 prefix4=$3 prefix6=$4
	ip netns add "$name"
	ip link add n0 netns "$router" mtu 1400 type veth peer name n1 mtu 1400 netns "$name"
	for side in "$router n0 1" "$name n1 2"; do
		# shellcheck disable=SC2086 # words
		set -- $side
		in_netns "$1" sysctl -q -w net.ipv6.conf.all.accept_dad=0 net.ipv4.ip_forward=1 net.ipv6.conf.all.forwarding=1
		in_netns "$1" ip address add "$prefix4.$3/24" dev "$2"
		in_netns "$1" ip address add "$prefix6::$3/64" dev "$2" nodad
		in_netns "$1" ip link set lo up
		in_netns "$1" ip link set "$2" up
		in_netns "$1" ethtool -K "$2" tx off >/dev/null
	done
	in_netns "$name" ip route add default via "$prefix4.1" advmss 1460
	in_netns "$name" ip -6 route add default via "$prefix6::1" advmss 1440
	wait_until 15 is_up in_netns "$name" ip link show n1
}

in_netns() {
	local name=$1
	shift
	nsenter --net="/run/netns/$name" "$@"
}

# talk_in NAME: what is sent there in bulk at port 8080, and sent from there at 8081.
talk_in() {
	in_netns "$1" bgo-lab talk serve --port 8080 --name "$1" &
	in_netns "$1" socat -U TCP6-LISTEN:8081,fork,reuseaddr,ipv6only=0 EXEC:"head -c $BYTES /dev/zero" &
}

# services MODE RIP4 RIP6
services() {
	local mode=$1 rip4=$2 rip6=$3 port
	for port in 0 1; do
		ok bgo firewall-lvs add-dnat --vip $VIP4 --vport 8$port --rip "$rip4" --rport 808$port --mode "$mode"
		ok bgo firewall-lvs add-dnat --vip $VIP6 --vport 8$port --rip "$rip6" --rport 808$port --mode "$mode"
	done
}

no_services() {
	local port
	for port in 80 81; do
		ok bgo firewall-lvs remove-dnat --vip $VIP4 --vport $port
		ok bgo firewall-lvs remove-dnat --vip $VIP6 --vport $port
	done
}

# upload_from NAME, download_to NAME: whole, over both families.
upload_from() {
	for vip in $VIP4 $VIP6; do
		ok in_netns "$1" bgo-lab talk ask --to "$vip" --port 80 --bytes $BYTES --timeout 10
	done
}

download_to() {
	local vip
	for vip in "$VIP4" "[$VIP6]"; do
		expect_equal "$(in_netns "$1" timeout 10 socat -u "TCP:$vip:81" - | wc -c)" $BYTES
	done
}

# learned NAME ADDRESS...: NAME knows that packets to there may have 1400 bytes; then forgets it.
learned() {
	local name=$1 address
	shift
	for address; do
		in_netns "$name" ip route get "$address" | grep -q 'mtu 1400' || fail "$name knows no MTU of $address"
	done
	in_netns "$name" ip route flush cache
	in_netns "$name" ip -6 route flush cache
}

narrow_link client far 198.18.1 2001:db8:f1
narrow_link server1 narrow 198.18.2 2001:db8:f2
ip route add 198.18.1.0/24 via 192.0.2.2
ip -6 route add 2001:db8:f1::/64 via 2001:db8::2
ip route add 198.18.2.0/24 via 10.0.1.2
ip -6 route add 2001:db8:f2::/64 via 2001:db8:1::2
# shellcheck disable=SC2119 # it has none here
start_balancer
talk_in server1
talk_in narrow
wait_until 10 on_server 1 bgo-lab talk ask --to 10.0.1.2 --port 8080
wait_until 10 in_netns narrow bgo-lab talk ask --to 198.18.2.2 --port 8080
on_client ping -c 1 -W 5 $VIP4 >/dev/null
on_client ping -c 1 -W 5 $VIP6 >/dev/null

for mode in nat fullnat; do
	services $mode 10.0.1.2 2001:db8:1::2
	download_to far
	if [[ $mode == nat ]]; then
		learned server1 198.18.1.2 2001:db8:f1::2
	else
		learned server1 $VIP4 $VIP6
	fi
	no_services
	services $mode 198.18.2.2 2001:db8:f2::2
	upload_from client
	learned client $VIP4 $VIP6
	no_services
done
expect_equal "$(counted xdp lvs_too_big)" 0

# The balancer's own links.
services nat 10.0.1.2 2001:db8:1::2
ip link set b1 mtu 1400
on_server 1 ip link set e0 mtu 1400
on_server 1 ip route change default via 10.0.1.1 advmss 1460
on_server 1 ip -6 route change default via 2001:db8:1::1 advmss 1440
upload_from client
learned client $VIP4 $VIP6
expect_between 2 1000 "$(counted xdp lvs_too_big)" lvs_too_big
on_server 1 ip link set e0 mtu 1500
ip link set b1 mtu 1500
ip link set s0 mtu 1400
on_client ip link set c0 mtu 1400
on_client ip route change 192.0.2.0/24 dev c0 src 192.0.2.2 advmss 1460
on_client ip -6 route change 2001:db8::/64 dev c0 proto kernel metric 256 advmss 1440
download_to client
learned server1 192.0.2.2 2001:db8::2
