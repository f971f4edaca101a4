# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
# "yes" removes everything; "no", "y", silence and the end of input change nothing and exit 1.
topology
start_server
block_one_address_per_hook
stop_server TERM
for answer in no y YES "yes please" "" "nonsense"; do
	printf '%s\n' "$answer" >"$WORK/answer"
	got=0
	bgo firewall-server cleanup-maps <"$WORK/answer" >"$OUTPUT" 2>&1 || got=$?
	expect_equal "$got" 1
	expect_said "Continue? (yes/no):"
	expect_pinned
done
expect_exit 1 bgo firewall-server cleanup-maps # the end of input
expect_pinned
ok bgo firewall-update --xdp --action list
expect_said 198.51.100.1

echo yes >"$WORK/answer"
bgo firewall-server cleanup-maps <"$WORK/answer" >"$OUTPUT" 2>&1
for line in "WARNING: This will remove all firewall configuration and statistics!" \
	"All pinned BPF maps at $PINS will be deleted." "- Firewall rules (whitelist/blacklist)" \
	"Removing pinned maps from $PINS..." "Successfully removed all pinned maps"; do
	expect_said "$line"
done
expect_nothing_pinned
expect_exit 1 bgo firewall-server cleanup-maps --force

# And a fresh start is a fresh start.
start_server
expect_no_hook_filters
expect_pinned
