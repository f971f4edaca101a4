# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
# A reset begins the limit's counters anew, and leaves the limit and the counters of the rules alone.
topology
start_server
ok bgo firewall-ratelimit --enable --pps 10
flood_server --destination 192.0.2.1 --source 198.51.100.0/24 --seconds 0.1
ok bgo firewall-ratelimit --disable
limited=$(counted xdp rate_limited)
expect_json ".dropped.packets == $limited and .dropped.packets > 0 and .passed.packets > 0" \
	bgo firewall-ratelimit --show-stats --json
expect_json '.changed == true' bgo firewall-ratelimit --reset-stats --json
expect_json '[.passed, .dropped] | all(.packets == 0 and .bytes == 0)' bgo firewall-ratelimit --show-stats --json
expect_equal "$(counted xdp rate_limited)" "$limited"
expect_json '.enabled == false and .pps == 10' bgo firewall-ratelimit --show-config --json
