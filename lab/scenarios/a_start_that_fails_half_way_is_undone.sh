# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
# Two interfaces, the second missing or occupied: nothing stays on the first, the maps stay as they were.
topology
second_link
start_server
block_one_address_per_hook
ok bgo firewall-update --action save --file "$WORK/before"
stop_server TERM

expect_exit 1 bgo firewall-server start --interface s0 --interface eth7
expect_said "eth7"
expect_said "no such interface"
expect_said "s1"
expect_nothing_attached s0
expect_no_hook_filters

expect_exit 1 bgo firewall-server start --interface s0 --interface lo --mode native
expect_nothing_attached s0

# Larger maps, which were made before that: the smaller ones are back.
expect_exit 1 bgo firewall-server start --interface s0 --interface lo --mode native --max-rules 300000
expect_said "Migrated $PINS from --max-rules 262144 to 300000"
expect_said "The maps at $PINS are those of before the start again"
expect_json '.max_rules == 262144' bgo firewall-server status --json

ok bgo firewall-update --action save --file "$WORK/after"
expect_same_file "$WORK/before" "$WORK/after"
start_server --interface s0 --interface s1
expect_every_hook_filters
