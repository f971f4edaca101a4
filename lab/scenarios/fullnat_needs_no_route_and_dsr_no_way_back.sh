# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
# Of fullnat servers see the virtual address and need no route to clients; of dsr they have the virtual
# address themselves and answer by a way of their own.
# shellcheck source=lab/balancer.sh
. "${BASH_SOURCE[0]%/*}/../balancer.sh"
balancer_topology
# shellcheck disable=SC2119 # it has none here
start_balancer
start_talkers
for n in $SERVERS; do
	on_server "$n" ip route del default
	on_server "$n" ip -6 route del default
	on_server "$n" ip route add $VIP4 via "10.0.$n.1"
	on_server "$n" ip -6 route add $VIP6 via "2001:db8:$n::1"
done
for vip in $VIP4 $VIP6; do
	for protocol in tcp udp; do
		add_servers "$vip" 80 $protocol --mode fullnat
	done
	ask --to "$vip" --port 80 --connections 20 >"$WORK/answers"
	ask --to "$vip" --port 80 --connections 20 --udp >>"$WORK/answers"
	expect_equal "$(cut -d ' ' -f 2 "$WORK/answers" | sort -u)" "$vip"
	expect_equal "$(cut -d ' ' -f 1 "$WORK/answers" | sort -u | tr '\n' ' ')" "server1 server2 server3 "
done

# A cable from server1 to the client that the balancer does not see.
ip link add d0 netns server1 numrxqueues 1 numtxqueues 1 type veth peer name d1 numrxqueues 1 numtxqueues 1 netns client
on_server 1 ip address add 198.18.5.1/24 dev d0
on_server 1 ip link set d0 up
on_client ip address add 198.18.5.2/24 dev d1
on_client ip link set d1 up
on_client sysctl -q -w net.ipv4.conf.all.rp_filter=0 net.ipv4.conf.d1.rp_filter=0 net.ipv4.conf.c0.rp_filter=0
on_server 1 ip route del $VIP4
on_server 1 ip address add $VIP4/32 dev lo
on_server 1 ip route add 192.0.2.0/24 via 198.18.5.2
wait_until 15 is_up on_client ip link show d1
for protocol in tcp udp; do
	ok bgo firewall-lvs add-dnat --vip $VIP4 --vport 8080 --rip "$(server4 1)" --rport 8080 --mode dsr \
		--protocol $protocol
done
sent_back() {
	json '[.services[] | select(.mode == "dsr").servers[].out_packets] | add' bgo firewall-lvs stats --json
}
ask --to $VIP4 --port 8080 --connections 5 >"$WORK/answers"
ask --to $VIP4 --port 8080 --connections 5 --udp >>"$WORK/answers"
expect_equal "$(cut -d ' ' -f 1,2 "$WORK/answers" | sort -u)" "server1 192.0.2.2"
expect_equal "$(wc -l <"$WORK/answers")" 10
expect_equal "$(sent_back)" 0
