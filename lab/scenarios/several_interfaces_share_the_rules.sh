# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
# One server, two interfaces: the same rules on both, and both free after the stop.
topology
second_link
start_server --interface s0 --interface s1
expect_attached s0 native "$(best_tc_kind)"
expect_attached s1 native "$(best_tc_kind)"
block_one_address_per_hook
expect_every_hook_filters
bgo-lab probe --from client/c1 --to s1 --expect dropped "src=198.51.100.1 dst=198.18.0.1" "src=198.51.100.2 dst=198.18.0.1"
bgo-lab probe --from client/c1 --to s1 --expect passed "src=198.51.100.3 dst=198.18.0.1"
bgo-lab probe --from s1 --to client/c1 --expect dropped "src=198.18.0.1 dst=203.0.113.3"
bgo-lab probe --from s1 --to client/c1 --expect passed "src=198.18.0.1 dst=203.0.113.4"
stop_server INT
expect_nothing_attached s0
expect_nothing_attached s1
bgo-lab probe --from client/c1 --to s1 --expect passed "src=198.51.100.1 dst=198.18.0.1"
