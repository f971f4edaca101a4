# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
# A full, read-only or missing disk: rules are in force, commands succeed, status says the snapshot is stale,
# the log says so once; when the disk takes files again the snapshot is made up for.
topology
mkdir /run/disk
mount -t tmpfs -o size=64k tmpfs /run/disk
start_server --state-dir /run/disk/bgo
SNAPSHOT=/run/disk/bgo/sys-fs-bpf-firewall.bgo
ok bgo firewall-update --xdp --type blacklist --action add --ip 198.51.100.1
wait_until 10 snapshot_is current

fill_disk() {
	head -c 1M /dev/zero >/run/disk/full 2>/dev/null || true
}
fill_disk
ok bgo firewall-update --xdp --type blacklist --action add --ip 198.51.100.2
wait_until 10 grep -q "was not written: write beside it: No space left on device" "$SERVER_LOG"
snapshot_is stale
ok bgo firewall-server status
expect_said "Snapshot:       stale, generation 2 of 3 ($SNAPSHOT)"
expect_dropped "src=198.51.100.1 dst=192.0.2.1" "src=198.51.100.2 dst=192.0.2.1"
grep -q 198.51.100.1 "$SNAPSHOT"
expect_equal "$(ls -A /run/disk/bgo)" sys-fs-bpf-firewall.bgo
rm /run/disk/full
wait_until 20 grep -q "$SNAPSHOT is up to date again" "$SERVER_LOG"
snapshot_is current
expect_equal "$(grep -c 'was not written' "$SERVER_LOG")" 1

# The same without a server: the command that changes is the one to warn.
fill_disk
stop_server TERM
ok bgo firewall-update --xdp --type blacklist --action add --ip 198.51.100.3
expect_said "warning: the change is in force, but its snapshot $SNAPSHOT was not written: write beside it: No space"
snapshot_is stale
rm /run/disk/full
mount -o remount,ro /run/disk
ok bgo firewall-ratelimit --enable --pps 1M
expect_said "Read-only file system"
mount -o remount,rw /run/disk
mv /run/disk/bgo /run/disk/aside
touch /run/disk/bgo
ok bgo firewall-update --xdp --type blacklist --action add --ip 198.51.100.4
expect_said "Not a directory"
rm /run/disk/bgo
ok bgo firewall-update --xdp --type blacklist --action add --ip 198.51.100.5
expect_not_said warning
snapshot_is current
ok bgo firewall-update --xdp --type blacklist --action add --ip 198.51.100.5 # no change, nothing to write
umount /run/disk
ok bgo firewall-update --xdp --type blacklist --action add --ip 198.51.100.5
expect_not_said warning
snapshot_is missing
