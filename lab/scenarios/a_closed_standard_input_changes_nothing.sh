# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
# A list or rules read from a standard input that is closed, or a directory: an error, never "no rules".
topology
start_server
block_one_address_per_hook
ok bgo firewall-update --action save --file "$WORK/before"
for input in "<&-" "<$WORK"; do
	expect_exit 1 bash -c "bgo firewall-update --action restore --file - $input"
	expect_said "standard input"
	expect_exit 1 bash -c "bgo firewall-update --xdp --type blacklist --action load --file - $input"
	expect_said "standard input"
	expect_exit 1 bash -c "bgo firewall-server cleanup-maps $input"
	# What reads nothing does not mind.
	ok bash -c "bgo firewall-update --xdp --action list $input"
	expect_said 198.51.100.1
done
ok bgo firewall-update --action save --file "$WORK/after"
expect_same_file "$WORK/before" "$WORK/after"
expect_every_hook_filters
