# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
# clsact filters that a killed server left do not go on filtering by maps nobody can change any more.
topology
BGO_TC=clsact start_server
block_one_address_per_hook
stop_server KILL
expect_dropped "src=198.51.100.2 dst=192.0.2.1"
ok bgo firewall-server cleanup-maps --force
expect_nothing_pinned
expect_nothing_attached s0
expect_no_hook_filters
