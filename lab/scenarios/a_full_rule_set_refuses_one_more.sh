# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
# Rule N+1 of --max-rules is a clear error, and everything is as before it.
topology
start_server --max-rules 10
for ((i = 0; i < 10; i++)); do
	ok bgo firewall-update --xdp --type blacklist --action add --ip 198.51.100.$i
done
expect_exit 1 bgo firewall-update --xdp --type blacklist --action add --ip 198.51.100.10
expect_said "10"
expect_exit 1 bgo firewall-update --egress --type whitelist --action add --ip 198.51.100.10
expect_passed "src=198.51.100.10 dst=192.0.2.1"
expect_dropped "src=198.51.100.9 dst=192.0.2.1" "src=198.51.100.0 dst=192.0.2.1"
ok bgo firewall-update --xdp --type blacklist --action remove --ip 198.51.100.0
ok bgo firewall-update --xdp --type blacklist --action add --ip 198.51.100.10
expect_dropped "src=198.51.100.10 dst=192.0.2.1"

# A start with room for more keeps the rules.
stop_server TERM
ok bgo firewall-update --action save --file "$WORK/before"
start_server --max-rules 1000
ok bgo firewall-update --action save --file "$WORK/after"
expect_same_file "$WORK/before" "$WORK/after"
ok bgo firewall-update --xdp --type blacklist --action add --ip 198.51.100.11
expect_dropped "src=198.51.100.11 dst=192.0.2.1" "src=198.51.100.1 dst=192.0.2.1"
