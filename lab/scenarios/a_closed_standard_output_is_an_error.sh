# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
# Text for a closed descriptor goes nowhere, least of all into a map: exit 1, and the change is whole.
topology
start_server
ok bgo firewall-update --xdp --type blacklist --action add --ip 198.51.100.1
ok bgo firewall-update --action save --file "$WORK/before"
expect_exit 1 bash -c 'bgo firewall-update --xdp --action list >&-'
expect_said "write to standard output"
expect_exit 1 bash -c 'bgo firewall-update --xdp --action stats --json <&- >&- 2>&-'
ok bgo firewall-update --action save --file "$WORK/after"
expect_same_file "$WORK/before" "$WORK/after"

expect_exit 1 bash -c 'bgo firewall-update --xdp --type blacklist --action add --ip 198.51.100.2 <&- >&- 2>&-'
expect_dropped "src=198.51.100.2 dst=192.0.2.1"
expect_json '[.blacklist[].index] == [0, 1]' bgo firewall-update --xdp --action list --json
