# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
# Also with --force; the server's pid is named and packets go on being filtered.
topology
start_server
block_one_address_per_hook
expect_exit 1 bgo firewall-server cleanup-maps --force
expect_said "$SERVER_PID"
echo yes >"$WORK/answer"
got=0
bgo firewall-server cleanup-maps <"$WORK/answer" >"$OUTPUT" 2>&1 || got=$?
expect_equal "$got" 1
expect_pinned
expect_every_hook_filters
stop_server TERM
ok bgo firewall-server cleanup-maps --force
expect_nothing_pinned
