# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
# The wall clock set a year forth and two years back under a server: an empty bucket stays empty, rules stay.
[[ -n ${LAB_OWN_CLOCK:-} ]] || skip "the clock is not only ours: this runs in a virtual machine"
topology
start_server
block_one_address_per_hook
add_everything_else
ok bgo firewall-ratelimit --enable --pps 1 --burst 40 --exempt-whitelist
ok bgo firewall-update --action save --file "$WORK/before"
passed() {
	counted xdp allowed_default
}
uptime_s() {
	cut -d . -f 1 /proc/uptime
}
flood() {
	flood_server --destination 192.0.2.1 --source 203.0.113.64/26 --seconds 0.5
}
for step in "1 year" "2 years ago" "1 year"; do
	flood
	passed_before=$(passed)
	[[ $passed_before -ge 40 ]] || fail "only $passed_before packets passed"
	uptime_before=$(uptime_s)
	date --set "$step" >"$OUTPUT"
	flood
	expect_between 0 $(($(uptime_s) - uptime_before + 2)) $(($(passed) - passed_before)) \
		"packets at 1 a second after $(cat "$OUTPUT")"

	ok bgo firewall-update --action save --file "$WORK/after"
	expect_same_file "$WORK/before" "$WORK/after"
	ok bgo firewall-ratelimit --disable
	expect_every_hook_filters
	ok bgo firewall-ratelimit --enable --pps 1 --burst 40 --exempt-whitelist
done
stop_server TERM
expect_equal "$SERVER_STATUS" 0
