# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
# When its time is over a rule is gone: for packets at once, also while no server looks after it, for who
# asks at the same time, and from the maps as soon as the server runs again.
topology
start_server
ttl=$((4 * SLOWDOWN))
ok bgo firewall-update --xdp --type blacklist --action add --ip 198.51.100.0/24 --port 53
ok bgo firewall-update --xdp --type blacklist --action add --ip 198.51.100.7 --ttl "${ttl}s" --comment scanner
expect_said "Added xdp blacklist rule 1: 198.51.100.7, for "
ok bgo firewall-update --egress --type blacklist --action add --ip 203.0.113.9 --ttl "$ttl"
kill -STOP "$SERVER_PID"
expect_dropped "src=198.51.100.7 dst=192.0.2.1 dport=80"
expect_not_sent "src=192.0.2.1 dst=203.0.113.9"
list() {
	bgo firewall-update --xdp --action list "$@"
}
expect_json ".blacklist[1].ttl_seconds <= $ttl and (.blacklist[1].expires | fromdate) > now and
	.blacklist[0].expires == null and .blacklist[0].ttl_seconds == null" list --json
ok list
expect_said "Left"

lapsed() {
	expect_passed "src=198.51.100.7 dst=192.0.2.1 dport=80" >/dev/null 2>&1
}
wait_until 30 lapsed
# The rule behind it is in force, and was all the time.
expect_dropped "src=198.51.100.7 dst=192.0.2.1 dport=53"
expect_sent "src=192.0.2.1 dst=203.0.113.9"
expect_json '[.blacklist[].index] == [0]' list --json
ok list
expect_not_said "Left"
ok bgo firewall-update --action save --file -
expect_not_said "198.51.100.7"
expect_json '[.hooks[].blacklist_rules] == [1, 0, 0] and .rules == 1' bgo firewall-server status --json

generation() {
	json .generation bgo firewall-server status --json
}
before=$(generation)
kill -CONT "$SERVER_PID"
removed() {
	[[ $(generation) -gt $before ]]
}
wait_until 10 removed
expect_logged "Removed 2 expired rules"
expect_equal "$(generation)" $((before + 1))
