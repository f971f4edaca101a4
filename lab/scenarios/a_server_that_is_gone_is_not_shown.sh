# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
# The address of a server that nobody has any more is looked for in vain: the client hears nothing from
# anybody, least of all an ICMP error that quotes that address.
# shellcheck source=lab/balancer.sh
. "${BASH_SOURCE[0]%/*}/../balancer.sh"
balancer_topology
# shellcheck disable=SC2119 # it has none here
start_balancer
ok bgo firewall-lvs add-dnat --vip $VIP4 --vport 80 --rip 10.0.1.77 --rport 8080
ok bgo firewall-lvs add-dnat --vip $VIP6 --vport 80 --rip 2001:db8:1::77 --rport 8080

# errors VERSION: sent by the balancer's stack.
errors() {
	nstat -asz "$1" | awk -v name="$1" '$1 == name { print $2 }'
}

is_given_up() {
	ip neigh show "$1" | grep -q FAILED
}

on_client timeout 10 bgo-lab talk ask --to $VIP4 --port 80 --timeout 4 &
on_client timeout 10 bgo-lab talk ask --to $VIP6 --port 80 --timeout 4 &
wait_until 15 is_given_up 10.0.1.77
wait_until 15 is_given_up 2001:db8:1::77
expect_equal "$(errors IcmpOutDestUnreachs)" 0
expect_equal "$(errors Icmp6OutDestUnreachs)" 0
