# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
# bpffs is memory: after a reboot the next start restores rules, indexes, policies and limits from disk.
topology
start_server
expect_json '.snapshot.state == "missing" or .snapshot.state == "current"' bgo firewall-server status --json
block_one_address_per_hook
add_everything_else
ok bgo firewall-update --action save --file "$WORK/before"

# The server writes what changed within seconds, and keeps it from everybody else.
wait_until 10 snapshot_is current
expect_equal "$(stat -c %a:%U /var/lib/bgo)" 700:root
expect_equal "$(stat -c %a:%U "$SNAPSHOT")" 600:root
ok bgo firewall-server status
expect_said "Snapshot:       $SNAPSHOT"
stop_server KILL
reboot_bpffs
expect_exit 1 bgo firewall-server status

# A start that fails leaves the snapshot for the next.
expect_exit 1 bgo firewall-server start --interface s0 --interface lo --mode native
expect_said "Restored 8 rules from $SNAPSHOT"
expect_nothing_pinned
start_server
expect_logged "Restored 8 rules from $SNAPSHOT"
ok bgo firewall-update --action save --file "$WORK/after"
expect_same_file "$WORK/before" "$WORK/after"
expect_every_hook_filters
wait_until 10 snapshot_is current

# What a command changes when no server runs is kept by the command; what one changes last, at the exit.
ok bgo firewall-update --xdp --type blacklist --action remove --ip 198.51.100.1
stop_server TERM
snapshot_is current
ok bgo firewall-update --egress --action policy --policy allow
snapshot_is current
ok bgo firewall-ratelimit --disable
snapshot_is current
ok bgo firewall-update --action save --file "$WORK/before"
reboot_bpffs
start_server
ok bgo firewall-update --action save --file "$WORK/after"
expect_same_file "$WORK/before" "$WORK/after"

# The same place by another name is the same place; another one leaves a file behind, which is said.
stop_server TERM
ln -s /var/lib /run/by-link
start_server --state-dir /run/by-link/bgo//
! grep -q "not kept up to date" "$SERVER_LOG" || fail "said of the file that is kept"
snapshot_is current
stop_server TERM
start_server --state-dir /var/lib/other/
expect_logged "The snapshot /run/by-link/bgo/${SNAPSHOT##*/} is not kept up to date any more"
wait_until 10 snapshot_is current
expect_equal "$(ls -A /var/lib/other)" "${SNAPSHOT##*/}"
stop_server TERM
start_server

# Pins that are there win, and the text is one that restore takes.
ok bgo firewall-update --egress --type blacklist --action add --ip 203.0.113.77
stop_server KILL
start_server
ok bgo firewall-update --egress --action list
expect_said 203.0.113.77
ok bgo firewall-update --action restore --file "$SNAPSHOT"
ok bgo firewall-update --action save --file "$WORK/after"
expect_same_file "$WORK/before" "$WORK/after"
