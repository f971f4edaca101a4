# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
# The maps are enough: every command works on them with the server stopped, the next start filters by it.
topology
start_server
stop_server TERM
block_one_address_per_hook
ok bgo firewall-update --xdp --action list
expect_said 198.51.100.1
ok bgo firewall-update --xdp --action stats
ok bgo firewall-update --xdp --action policy --policy deny
ok bgo firewall-update --xdp --action policy --policy allow
ok bgo firewall-ratelimit --enable --pps 1M
ok bgo firewall-ratelimit --show-config
ok bgo firewall-server status
expect_said "not running"
expect_no_hook_filters
start_server
expect_every_hook_filters
