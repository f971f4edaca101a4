# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
# Half of the limit passes whole, and whitelisted packets can be exempt from it.
topology
start_server
# The burst bridges the moments in which a busy machine does not run the sender, which then makes up for them.
ok bgo firewall-ratelimit --enable --pps 20000 --burst 10000
flood_server --destination 192.0.2.1 --source 198.51.100.0/24 --seconds 2 --pps 10000
expect_equal "$(counted xdp rate_limited)" 0
sent=$(jq .packets "$WORK/flood")
[[ $sent -gt 10000 ]] || fail "only $sent packets were sent"
[[ $(counted xdp allowed_default) -ge $sent ]] || fail "of $sent packets $(counted xdp allowed_default) passed"

ok bgo firewall-ratelimit --enable --pps 10 --burst 1 --exempt-whitelist
ok bgo firewall-update --xdp --type whitelist --action add --ip 203.0.113.1
for _ in 1 2 3 4 5 6 7 8; do
	expect_passed "src=203.0.113.1 dst=192.0.2.1"
done
flood_server --destination 192.0.2.1 --source 198.51.100.0/24 --seconds 0.5 --pps 10000
[[ $(counted xdp rate_limited) -gt 1000 ]] || fail "the flood was not limited"
expect_passed "src=203.0.113.1 dst=192.0.2.1"
