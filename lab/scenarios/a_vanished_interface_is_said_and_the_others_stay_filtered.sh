# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
# One of two interfaces is deleted under the server: a warning; the other one filters on; a clean end.
topology
second_link
start_server --interface s0 --interface s1
block_one_address_per_hook
ip link delete s1
said_gone() {
	grep -q 'Interface s1 is gone' "$SERVER_LOG"
}
wait_until 5 said_gone
expect_every_hook_filters
expect_attached s0 native tcx
stop_server TERM
expect_equal "$SERVER_STATUS" 0
expect_nothing_attached s0
