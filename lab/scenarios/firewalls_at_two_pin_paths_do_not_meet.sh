# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
# Two servers, two interfaces, two pin paths: each has rules, counters and an end of its own.
topology
second_link
start_server --interface s0
first=$SERVER_PID
ok bgo firewall-update --xdp --type blacklist --action add --ip 198.51.100.1
start_server --interface s1 --pin-path /sys/fs/bpf/second
ok bgo firewall-update --xdp --type blacklist --action add --ip 198.51.100.2 --pin-path /sys/fs/bpf/second
expect_dropped "src=198.51.100.1 dst=192.0.2.1"
expect_passed "src=198.51.100.2 dst=192.0.2.1"
bgo-lab probe --from client/c1 --to s1 --expect dropped "src=198.51.100.2 dst=198.18.0.1"
bgo-lab probe --from client/c1 --to s1 --expect passed "src=198.51.100.1 dst=198.18.0.1"
stop_server TERM
ok bgo firewall-server cleanup-maps --force --pin-path /sys/fs/bpf/second
[[ ! -e /sys/fs/bpf/second ]] || fail "the second one's pins are there"
kill -0 "$first"
expect_dropped "src=198.51.100.1 dst=192.0.2.1"
expect_pinned
