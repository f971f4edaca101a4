# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
# The clock is set a day ahead and back: packets and commands follow at once, with nobody to tell the
# programs.
[[ -n ${LAB_OWN_CLOCK:-} ]] || skip "the clock of this machine is not the lab's"
topology
start_server
kill -STOP "$SERVER_PID"
ok bgo firewall-update --xdp --type blacklist --action add --ip 198.51.100.7 --ttl 10h
expect_dropped "src=198.51.100.7 dst=192.0.2.1"
rules() {
	json '.blacklist | length' bgo firewall-update --xdp --action list --json
}
now=$(date +%s)
date -s "@$((now + 86400))" >/dev/null
expect_passed "src=198.51.100.7 dst=192.0.2.1"
expect_equal "$(rules)" 0
date -s "@$((now - 86400))" >/dev/null
expect_dropped "src=198.51.100.7 dst=192.0.2.1"
expect_equal "$(rules)" 1
date -s "@$((now + 86400))" >/dev/null
kill -CONT "$SERVER_PID"
removed() {
	grep -q "Removed 1 expired rule" "$SERVER_LOG"
}
wait_until 10 removed
# Gone for good, also when the clock turns out to have been wrong.
date -s "@$now" >/dev/null
expect_passed "src=198.51.100.7 dst=192.0.2.1"
expect_equal "$(rules)" 0
