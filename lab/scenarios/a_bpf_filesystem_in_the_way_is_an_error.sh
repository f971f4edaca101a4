# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
# bpffs read-only, hidden by another one, or taken away: the error says so, filtering goes on, nothing is lost.
topology
mount -o remount,ro /sys/fs/bpf
expect_exit 1 bgo firewall-server start --interface s0
expect_said "$PINS: Read-only file system"
expect_nothing_attached s0
mount -o remount,rw /sys/fs/bpf
start_server
block_one_address_per_hook
ok bgo firewall-update --action save --file "$WORK/before"
expect_all_as_before() {
	ok bgo firewall-update --action save --file "$WORK/after"
	expect_same_file "$WORK/before" "$WORK/after"
}

mount -o remount,ro /sys/fs/bpf
for command in "firewall-update --xdp --type blacklist --action add --ip 198.51.100.77" \
	"firewall-update --xdp --action list" "firewall-server status" "firewall-server cleanup-maps --force"; do
	# shellcheck disable=SC2086 # words
	expect_exit 1 bgo $command
	expect_said "$PINS"
	expect_said "Read-only file system"
done
expect_every_hook_filters
mount -o remount,rw /sys/fs/bpf
expect_all_as_before

# No firewall is there, but one is on the interface: it is not replaced.
mount -t bpf -o mode=0700 bpf /sys/fs/bpf
expect_exit 1 bgo firewall-update --xdp --action list
expect_said "no firewall at $PINS"
expect_exit 1 bgo firewall-server start --interface s0
expect_said "pid $SERVER_PID, filters this interface"
expect_nothing_pinned
expect_every_hook_filters
umount /sys/fs/bpf
expect_all_as_before

mount --move /sys/fs/bpf /mnt
expect_exit 1 bgo firewall-update --xdp --action list
expect_said "no firewall at $PINS"
expect_every_hook_filters
mount --move /mnt /sys/fs/bpf
expect_all_as_before
stop_server TERM
expect_equal "$SERVER_STATUS" 0
expect_nothing_attached s0
