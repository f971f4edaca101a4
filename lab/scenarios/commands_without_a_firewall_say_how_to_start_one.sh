# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
# No pins: every command exits 1 with the line to type, and makes none.
topology
for command in "firewall-update --xdp --action list" "firewall-update --xdp --action stats" \
	"firewall-update --xdp --type blacklist --action add --ip 192.0.2.9" \
	"firewall-ratelimit --show-config" "firewall-server status" "firewall-server cleanup-maps --force"; do
	# shellcheck disable=SC2086 # words
	expect_exit 1 bgo $command
	expect_said "no firewall at $PINS"
done
expect_nothing_pinned

# Without bpffs neither; a start mounts it.
umount /sys/fs/bpf
expect_exit 1 bgo firewall-update --xdp --action list
expect_said "no firewall at $PINS"
start_server
expect_pinned
ok bgo firewall-update --xdp --action list
