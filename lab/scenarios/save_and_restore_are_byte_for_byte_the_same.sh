# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
# What save writes, restore reads, and save writes the same again.
topology
start_server
block_one_address_per_hook
ok bgo firewall-update --xdp --type whitelist --action add --ip 2001:db8::/32 --port 80,443,1000-2000 --protocol tcp --comment 'a "quoted" \ one'
ok bgo firewall-update --ingress --action policy --policy deny
ok bgo firewall-ratelimit --enable --pps 5000
ok bgo firewall-update --action save --file "$WORK/first"
ok bgo firewall-update --xdp --action clear --all
ok bgo firewall-update --ingress --action policy --policy allow
ok bgo firewall-ratelimit --disable
expect_passed "src=198.51.100.1 dst=192.0.2.1"
ok bgo firewall-update --action restore --file "$WORK/first"
ok bgo firewall-update --action save --file "$WORK/second"
expect_same_file "$WORK/first" "$WORK/second"
expect_dropped "src=198.51.100.1 dst=192.0.2.1"

# --check reads and changes nothing.
cat >"$WORK/other" <<'END'
bgo-rules 1
rule xdp blacklist 192.0.2.0/24
END
ok bgo firewall-update --action restore --check --file "$WORK/other"
ok bgo firewall-update --action save --file "$WORK/third"
expect_same_file "$WORK/first" "$WORK/third"
