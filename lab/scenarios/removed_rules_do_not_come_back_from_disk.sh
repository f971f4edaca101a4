# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
# cleanup-maps removes the snapshot with the maps: the next start has no rules. Where the file cannot be
# removed nothing is.
topology
start_server
block_one_address_per_hook
expect_exit 1 bgo firewall-server cleanup-maps --force # a server runs
stop_server TERM
snapshot_is current
expect_exit 1 bgo firewall-server cleanup-maps # not confirmed
snapshot_is current

mount --bind /var/lib/bgo /var/lib/bgo
mount -o remount,bind,ro /var/lib/bgo
expect_exit 1 bgo firewall-server cleanup-maps --force
expect_said "nothing was changed, because this failed: remove it: Read-only file system"
expect_pinned
umount /var/lib/bgo

ok bgo firewall-server cleanup-maps --force
expect_nothing_pinned
[[ ! -e $SNAPSHOT ]] || fail "the snapshot is still there"
start_server
expect_no_hook_filters
ok bgo firewall-update --action save --file -
expect_not_said "rule xdp"
