# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
# CAP_BPF, CAP_NET_ADMIN and CAP_PERFMON suffice for the server and the commands: no full root.
topology
install -m 0755 "$(command -v bgo)" "$WORK/bgo"
capabilities=-all,+bpf,+net_admin,+perfmon
setpriv --bounding-set "$capabilities" --inh-caps "$capabilities" \
	"$WORK/bgo" firewall-server start --interface s0 >"$SERVER_LOG" 2>&1 &
# shellcheck disable=SC2034 # for stop_server
SERVER_PID=$!
wait_until 10 server_ready
expect_logged "Firewall server ready"
ok setpriv --bounding-set "$capabilities" --inh-caps "$capabilities" \
	"$WORK/bgo" firewall-update --xdp --type blacklist --action add --ip 198.51.100.1
expect_dropped "src=198.51.100.1 dst=192.0.2.1"
expect_passed "src=198.51.100.2 dst=192.0.2.1"
stop_server TERM
expect_equal "$SERVER_STATUS" 0
expect_nothing_attached s0
