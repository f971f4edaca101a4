# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
# Output that could not be written is not success: exit 1, with the reason.
topology
start_server
block_one_address_per_hook
full() {
	local got=0
	"$@" >/dev/full 2>"$OUTPUT" || got=$?
	expect_equal "$got" 1
	expect_said "No space left on device"
}
full bgo firewall-update --xdp --action list
full bgo firewall-update --xdp --action list --json
full bgo firewall-update --xdp --action stats
full bgo firewall-update --action save --file -
full bgo firewall-server status
full bgo version
expect_exit 1 bgo firewall-update --action save --file /dev/full
expect_said "No space left on device"
ok bgo firewall-update --xdp --action list
