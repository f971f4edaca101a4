# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
# Started by root with all of root's power, the server has given up what it does not need once it filters,
# and stops as ever.
topology
start_server
capabilities=$(printf '%016x' $((1 << 12 | 1 << 38 | 1 << 39))) # CAP_NET_ADMIN, CAP_PERFMON, CAP_BPF
for set in CapPrm CapEff CapBnd; do
	wait_until 5 grep -q "$set:.*$capabilities" "/proc/$SERVER_PID/status"
done
wait_until 5 grep -q "NoNewPrivs:.*1" "/proc/$SERVER_PID/status"
ok bgo firewall-update --xdp --type blacklist --action add --ip 198.51.100.1
expect_dropped "src=198.51.100.1 dst=192.0.2.1"
expect_passed "src=198.51.100.2 dst=192.0.2.1"
stop_server TERM
expect_equal "$SERVER_STATUS" 0
expect_nothing_attached s0
