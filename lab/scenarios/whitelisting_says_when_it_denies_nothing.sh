# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
# A whitelist under default allow only exempts from the blacklist, and the user is told.
topology
start_server
ok bgo firewall-update --xdp --type whitelist --action add --ip 192.0.2.2
expect_said "allow"
[[ $(wc -l <"$OUTPUT") -eq 2 ]] || fail "no note, or more than one line: $(cat "$OUTPUT")"
expect_passed "src=192.0.2.3 dst=192.0.2.1"
ok bgo firewall-update --xdp --action policy --policy deny
ok bgo firewall-update --xdp --type whitelist --action add --ip 192.0.2.4
[[ $(wc -l <"$OUTPUT") -eq 1 ]] || fail "a note under deny: $(cat "$OUTPUT")"
expect_dropped "src=192.0.2.3 dst=192.0.2.1"
expect_passed "src=192.0.2.4 dst=192.0.2.1"
