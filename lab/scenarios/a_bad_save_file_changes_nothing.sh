# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
# restore: every line is checked first; an error names line and column and leaves the rules as they were.
topology
start_server
block_one_address_per_hook
ok bgo firewall-update --action save --file "$WORK/before"
bad() {
	printf 'bgo-rules 1\nrule xdp blacklist 192.0.2.0/24\n%s\n' "$1" >"$WORK/bad"
	expect_exit 1 bgo firewall-update --action restore --file "$WORK/bad"
	expect_said "$WORK/bad:3:"
	ok bgo firewall-update --action save --file "$WORK/after"
	expect_same_file "$WORK/before" "$WORK/after"
}
bad "rule xdp blacklist 192.0.2.0/33"
bad "rule xdp greylist 192.0.2.0/24"
bad "rule lo blacklist 192.0.2.0/24"
bad "rule xdp blacklist 192.0.2.0/24 port 0"
bad "rule xdp blacklist 192.0.2.0/24 port 22 proto icmp"
bad "policy xdp maybe"
bad "allow everything"
printf 'bgo-rules 2\n' >"$WORK/bad"
expect_exit 1 bgo firewall-update --action restore --file "$WORK/bad"
expect_said "$WORK/bad:1:"
printf '' >"$WORK/bad"
expect_exit 1 bgo firewall-update --action restore --file "$WORK/bad"
expect_every_hook_filters
