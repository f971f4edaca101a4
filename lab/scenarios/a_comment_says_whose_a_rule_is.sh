# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
# Rules of a script have its comment: it removes its own and no others.
topology
start_server
update() {
	bgo firewall-update --xdp --type blacklist "$@"
}
comments() {
	json '[.blacklist[].comment] | join(",")' bgo firewall-update --xdp --action list --json
}
ok update --action add --ip 198.51.100.1 --comment script
ok update --action add --ip 198.51.100.2 --comment admin
ok update --action add --ip 198.51.100.3
ok update --action add --ip 198.51.100.4 --comment script
ok bgo firewall-update --egress --type blacklist --action add --ip 198.51.100.1 --comment script

# What has another comment, or none, is not there for it.
for address in 198.51.100.2 198.51.100.3 198.51.100.9; do
	expect_exit 1 update --action remove --ip $address --comment script
	expect_said "has no rule $address with this comment"
	expect_json '.changed == false' update --action remove --ip $address --comment script --if-exists --json
done
expect_exit 1 update --action remove --index 1 --comment scrip
ok update --action remove --index 0 --comment script
expect_equal "$(comments)" "admin,,script"
ok update --action remove --ip 198.51.100.3 --comment ""
expect_equal "$(comments)" "admin,script"

expect_json '.changed and .removed.blacklist == 1' update --action clear --comment script --json
expect_json '.changed == false and .removed.blacklist == 0' update --action clear --comment script --json
expect_equal "$(comments)" admin
expect_dropped "src=198.51.100.2 dst=192.0.2.1"
expect_passed "src=198.51.100.4 dst=192.0.2.1"
expect_equal "$(json '.blacklist | length' bgo firewall-update --egress --action list --json)" 1
