# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
# The wall clock set a year forth and two years back under a server: an empty bucket stays empty, rules stay.
[[ -n ${LAB_OWN_CLOCK:-} ]] || skip "the clock is not only ours: this runs in a virtual machine"
topology
start_server
block_one_address_per_hook
ok bgo firewall-ratelimit --enable --pps 1 --burst 1000
ok bgo firewall-update --action save --file "$WORK/before"
uptime_s() {
	cut -d . -f 1 /proc/uptime
}
flood() {
	flood_server --destination 192.0.2.1 --source 203.0.113.0/24 --seconds 0.3
}
for step in "1 year" "2 years ago"; do
	began=$(uptime_s)
	flood
	passed=$(counted xdp allowed_default)
	[[ $passed -ge 1000 ]] || fail "the bucket is not empty yet: $passed packets passed"
	date --set "$step" >"$OUTPUT"
	flood
	passed=$(($(counted xdp allowed_default) - passed))
	expect_between 0 $(($(uptime_s) - began + 2)) $passed "packets at 1 a second after $(cat "$OUTPUT")"
done
date --set "1 year" >"$OUTPUT"
ok bgo firewall-update --action save --file "$WORK/after"
expect_same_file "$WORK/before" "$WORK/after"
ok bgo firewall-ratelimit --disable
expect_every_hook_filters
stop_server TERM
expect_equal "$SERVER_STATUS" 0
