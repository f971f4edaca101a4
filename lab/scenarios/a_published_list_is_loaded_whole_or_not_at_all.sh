# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
# load: comments and blank lines are skipped; one bad line changes nothing and is named.
topology
start_server
printf '# a list\n198.51.100.0/25\n\n203.0.113.9 ; a host\r\n2001:db8:bad::/48\n' >"$WORK/good"
ok bgo firewall-update --xdp --type blacklist --action load --file "$WORK/good"
expect_said 3
expect_dropped "src=198.51.100.9 dst=192.0.2.1" "src=203.0.113.9 dst=192.0.2.1" "src=2001:db8:bad::1 dst=2001:db8::1"
expect_passed "src=198.51.100.129 dst=192.0.2.1"

ok bgo firewall-update --action save --file "$WORK/before"
for ((i = 0; i < 3000; i++)); do
	echo "10.$((i / 256)).$((i % 256)).0/24"
done >"$WORK/bad"
echo "  10.300.0.0/24" >>"$WORK/bad"
expect_exit 1 bgo firewall-update --xdp --type blacklist --action load --file "$WORK/bad"
expect_said "$WORK/bad:3001:3"
expect_said "10.300.0.0/24"
ok bgo firewall-update --action save --file "$WORK/after"
expect_same_file "$WORK/before" "$WORK/after"

sed -i '$d' "$WORK/bad"
ok bgo firewall-update --xdp --type blacklist --action load --file "$WORK/bad"
expect_dropped "src=10.11.183.77 dst=192.0.2.1"
expect_passed "src=10.11.184.1 dst=192.0.2.1"
