# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
# With --wait an interface may come after the start, without it that is an error; one that cannot be filtered stays one.
topology
expect_exit 1 bgo firewall-server start --interface s0 --interface late0
expect_said "no such interface"
start_server --interface s0 --interface late0 --wait
expect_logged "Waiting for interface late0"
expect_logged "Firewall server ready"
expect_attached s0 native "$(best_tc_kind)"

# Not Ethernet: said once, however often it is tried.
ip tuntap add dev late0 mode tun
wait_until 5 grep -q "start on late0: it does not speak Ethernet" "$SERVER_LOG"
sleep 2.5 # looks
expect_equal "$(grep -c "it does not speak Ethernet" "$SERVER_LOG")" 1
ip link delete late0
ip link add late0 type veth peer name late1
wait_until 5 grep -q "Interface late0 is filtered" "$SERVER_LOG"
expect_attached late0 native "$(best_tc_kind)"
stop_server TERM
expect_equal "$SERVER_STATUS" 0
expect_nothing_attached late0
expect_exit 1 bgo firewall-server start --interface late0 --interface lo --mode native --wait
expect_nothing_attached late0
