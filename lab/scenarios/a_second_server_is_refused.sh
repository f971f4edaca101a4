# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
# On the same pins and on the same interface; it names the first one's pid, which goes on filtering.
topology
second_link
start_server
block_one_address_per_hook
expect_exit 1 bgo firewall-server start --interface s1
expect_said "$SERVER_PID"
expect_equal "$(xdp_mode_of s1)" none
expect_exit 1 bgo firewall-server start --interface s0 --pin-path /sys/fs/bpf/other
expect_every_hook_filters
expect_attached s0 native "$(best_tc_kind)"
