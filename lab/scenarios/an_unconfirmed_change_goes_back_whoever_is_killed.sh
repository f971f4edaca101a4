# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
# The server killed, the process that was left behind killed, both, and a reboot: a change that nobody confirms
# goes back all the same.
topology
start_server
block_one_address_per_hook
ok bgo firewall-update --action save --file "$WORK/before"

soon=$((2 * SLOWDOWN))

change() {
	ok bgo firewall-update --xdp --action policy --policy deny --fragments drop --confirm "$1"
}
# The process that the last change left behind.
left_behind() {
	wait_until 10 pgrep -x bgo-revert
	pgrep -x bgo-revert
}
is_before() {
	bgo firewall-update --action save --file - 2>/dev/null | cmp -s - "$WORK/before"
}
# The commit word as it is, without opening the store, which would undo what is late.
generation() {
	bpftool map dump pinned "$PINS/config_map" -j | sha256sum
}
expect_no_process() {
	! pgrep -x bgo-revert
}
past_the_deadline() {
	sleep "$soon.2" # the kernel's clock, there is nothing to poll
}

change "$((2 * soon))"s # so late that nothing else makes the server open the maps
kill -KILL "$(left_behind)"
wait_until 10 grep -q "was not confirmed in time: the rules before it are in force again" "$SERVER_LOG"
is_before || fail "the server did not undo it"

change "$soon"s
stop_server KILL
unconfirmed=$(generation)
past_the_deadline
[[ $(generation) != "$unconfirmed" ]] || fail "the process left behind did not undo it"
is_before || fail "undone to something else"
wait_until 10 expect_no_process

change "$soon"s
kill -KILL "$(left_behind)"
unconfirmed=$(generation)
past_the_deadline
expect_equal "$(generation)" "$unconfirmed" # nobody was there
ok bgo firewall-update --xdp --action list
expect_said "was not confirmed in time"
expect_said "Default policy: allow"
is_before || fail "undone to something else"

change "$soon"s
kill -KILL "$(left_behind)"
past_the_deadline
start_server
expect_logged "was not confirmed in time"
expect_every_hook_filters
is_before || fail "undone to something else"

# A start goes on waiting for what is not late yet; more room for rules has to wait, too.
change 1h
stop_server KILL
kill -KILL "$(left_behind)"
start_server --max-rules 300000
expect_logged "a change waits to be confirmed"
expect_json '.unconfirmed.reverts_in_s > 3000 and .max_rules == 262144' bgo firewall-server status --json
ok bgo firewall-update --action revert
is_before || fail "undone to something else"

# A reboot: the snapshot is of before the change, however soon it was made.
ok bgo firewall-update --xdp --type blacklist --action add --ip 198.51.100.7
ok bgo firewall-update --action save --file "$WORK/before"
change 1h
snapshot_is confirmed
stop_server TERM
snapshot_is confirmed
kill -KILL "$(left_behind)"
reboot_bpffs
start_server
is_before || fail "the reboot brought back something else"
# What is left behind holds no pipe of the command's: this waits for its end.
expect_equal "$(bgo firewall-update --xdp --action policy --policy deny --fragments drop --confirm 1h --quiet)" ""
process=$(left_behind)
ok bgo firewall-update --action confirm
wait_until 10 expect_no_process
! kill -0 "$process" 2>/dev/null
wait_until 10 snapshot_is current
stop_server KILL
reboot_bpffs
start_server
ok bgo firewall-update --xdp --action list
expect_said "Default policy: deny"

# What packets see, when filtering goes on without a server.
ok bgo firewall-update --xdp --action policy --policy allow --fragments match
ok bgo firewall-update --action save --file "$WORK/before"
stop_server TERM
start_server --on-exit keep
change "$soon"s
stop_server KILL
wait_until 10 is_before
expect_passed "src=192.0.2.2 dst=192.0.2.1"
change 1h
expect_dropped "src=192.0.2.2 dst=192.0.2.1"
ok bgo firewall-update --action revert
expect_passed "src=192.0.2.2 dst=192.0.2.1"
ok bgo firewall-server cleanup-maps --force
