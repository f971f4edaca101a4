# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
# start on an interface that is not there: exit 1, says which there are, leaves no pins.
topology
expect_exit 1 bgo firewall-server start --interface eth7
expect_said "start on eth7: no such interface (have: "
expect_said "s0"
expect_nothing_pinned
start_server
expect_attached s0 native "$(best_tc_kind)"
