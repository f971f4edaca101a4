# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
# Clients of a virtual address reach all its servers, which see the clients; what comes back is from the
# virtual address. TCP and UDP, IPv4 and IPv6, with checksums that nobody repairs.
# shellcheck source=lab/balancer.sh
. "${BASH_SOURCE[0]%/*}/../balancer.sh"
balancer_topology
# shellcheck disable=SC2119 # it has none here
start_balancer
start_talkers
add_servers $VIP4 80 tcp
expect_said "Added server 10.0.3.2:8080 to service tcp 192.0.2.10:80"
add_servers $VIP4 80 udp
add_servers $VIP6 80 tcp
add_servers $VIP6 80 udp
for vip in $VIP4 $VIP6; do
	for protocol in "" --udp; do
		# shellcheck disable=SC2086 # words
		ask --to "$vip" --port 80 --connections 40 $protocol >"$WORK/answers"
		expect_equal "$(wc -l <"$WORK/answers")" 40
		expect_equal "$(cut -d ' ' -f 1 "$WORK/answers" | sort -u | tr '\n' ' ')" "server1 server2 server3 "
	done
done
expect_equal "$(cut -d ' ' -f 2 "$WORK/answers" | sort -u)" 2001:db8::2
expect_between 1 100000 "$(counted xdp load_balanced)" load_balanced
expect_equal "$(counted xdp lvs_no_reverse)" 0
ok bgo firewall-lvs list-dnat
ok bgo firewall-lvs status
ok bgo firewall-lvs stats
ok bgo firewall-lvs debug
