# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
# Datagrams of several fragments reach a server through the balancer and come back, with nat and fullnat and
# both families.
# shellcheck source=lab/balancer.sh
. "${BASH_SOURCE[0]%/*}/../balancer.sh"
balancer_topology
BYTES=5000
# shellcheck disable=SC2119 # it has none here
start_balancer
on_server 1 socat -b 65536 UDP6-RECVFROM:8080,fork,ipv6only=0 EXEC:cat &

# echoed ADDRESS PORT [BY...]: how many bytes of a datagram come back to the client, or to the balancer.
echoed() {
	head -c $BYTES /dev/zero | "${@:3}" timeout 10 socat -b 65536 -t 0.5 - "UDP:$1:$2" | wc -c
}

echoes() {
	[[ $(echoed 10.0.1.2 8080 env) == "$BYTES" ]]
}

wait_until 10 echoes
for mode in nat fullnat; do
	for vip in $VIP4 $VIP6; do
		rip=10.0.1.2
		[[ $vip != *:* ]] || rip=2001:db8:1::2
		ok bgo firewall-lvs add-dnat --vip "$vip" --vport 80 --rip $rip --rport 8080 --protocol udp --mode $mode
	done
	expect_equal "$(echoed $VIP4 80 on_client)" $BYTES
	expect_equal "$(echoed "[$VIP6]" 80 on_client)" $BYTES
	ok bgo firewall-lvs remove-dnat --vip $VIP4 --vport 80 --protocol udp
	ok bgo firewall-lvs remove-dnat --vip $VIP6 --vport 80 --protocol udp
done
expect_equal "$(counted xdp lvs_fragment)" 0
