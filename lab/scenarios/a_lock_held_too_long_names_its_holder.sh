# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
# A command waits for the lock, but not for ever: then it says which process has it, and changes nothing.
topology
start_server
block_one_address_per_hook
ok bgo firewall-update --action save --file "$WORK/before"
flock --no-fork "$PINS" sleep 60 &
holder=$!
is_locked() {
	! flock --nonblock "$PINS" true
}
wait_until 5 is_locked
expect_exit 1 bgo firewall-update --xdp --action clear --all
expect_said "it was not free for 10 s; process $holder holds it"
kill "$holder"
ok bgo firewall-update --action save --file "$WORK/after"
expect_same_file "$WORK/before" "$WORK/after"
