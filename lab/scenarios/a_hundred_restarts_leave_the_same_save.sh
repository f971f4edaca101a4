# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
# Stopped and killed in turn, LAB_RESTARTS times (100): `save` is the same byte for byte after each, the pins too.
topology
start_server
block_one_address_per_hook
add_everything_else
stop_server TERM
ok bgo firewall-update --action save --file "$WORK/first"
ls "$PINS" >"$WORK/first.pins"
for ((n = 1; n <= ${LAB_RESTARTS:-100}; n++)); do
	start_server
	stop_server "$([[ $((n % 2)) == 0 ]] && echo TERM || echo KILL)"
	ok bgo firewall-update --action save --file "$WORK/now"
	expect_same_file "$WORK/first" "$WORK/now"
	ls "$PINS" >"$WORK/now.pins"
	expect_same_file "$WORK/first.pins" "$WORK/now.pins"
done
grep -q 198.51.100.1 "$WORK/now" || fail "nothing was compared"
start_server
expect_every_hook_filters
