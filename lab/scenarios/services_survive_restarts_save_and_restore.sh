# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
# Services, their servers, weights and states are what they were after a restart and a restore, and are part
# of a transaction like rules.
topology
start_server --max-connections 10000
lvs() {
	ok bgo firewall-lvs "$@"
}
lvs add-dnat --vip 192.0.2.10 --vport 80 --rip 10.0.0.2 --rport 8080 --weight 3
lvs add-dnat --vip 192.0.2.10 --vport 80 --rip 10.0.0.1 --rport 8080
lvs add-dnat --vip 192.0.2.10 --vport 80 --rip 10.0.0.1 --rport 8080 --weight 7
lvs add-dnat --vip 192.0.2.10 --vport 53 --rip 10.0.0.1 --rport 53 --protocol udp --mode dsr --enabled false
lvs add-dnat --vip 2001:db8::10 --vport 443 --rip 2001:db8:1::1 --rport 443 --mode fullnat
lvs drain --vip 192.0.2.10 --vport 80 --rip 10.0.0.2 --rport 8080
lvs set --vip 192.0.2.10 --vport 80 --max-new 5K
lvs set --vip 192.0.2.10 --vport 80 --check tcp --interval 3600 --fall 100 --release true
lvs set --vip 2001:db8::10 --vport 443 --check http --path /health?full=1 --interval 3600 --fall 100
bgo firewall-update --action save --file - >"$WORK/saved"
cat >"$WORK/expected" <<END
service 192.0.2.10 port 53 proto udp mode dsr disabled
server 192.0.2.10 port 53 proto udp to 10.0.0.1 port 53 weight 1
service 192.0.2.10 port 80 proto tcp mode nat enabled max-new 5000 check tcp interval 3600 timeout 2 rise 2 fall 100 release
server 192.0.2.10 port 80 proto tcp to 10.0.0.2 port 8080 weight 3 draining
server 192.0.2.10 port 80 proto tcp to 10.0.0.1 port 8080 weight 7
service 2001:db8::10 port 443 proto tcp mode fullnat enabled check http interval 3600 timeout 2 rise 2 fall 100 path /health?full=1
server 2001:db8::10 port 443 proto tcp to 2001:db8:1::1 port 443 weight 1
END
grep '^serv' "$WORK/saved" >"$WORK/services"
expect_same_file "$WORK/expected" "$WORK/services"
expect_json '.services | length == 3 and .[1].servers[0].draining and (.[0].enabled | not)' bgo firewall-lvs list-dnat --json
expect_json '.connections.established_max == 10000' bgo firewall-lvs status --json
stop_server KILL
start_server
bgo firewall-update --action save --file - >"$WORK/again"
expect_same_file "$WORK/saved" "$WORK/again"
expect_json '.connections.established_max == 10000' bgo firewall-lvs status --json
lvs enable
lvs remove-dnat --vip 192.0.2.10 --vport 80
lvs drain --vip 192.0.2.10 --vport 53 --protocol udp --rip 10.0.0.1 --rport 53
ok bgo firewall-update --action restore --file "$WORK/saved"
bgo firewall-update --action save --file - >"$WORK/again"
expect_same_file "$WORK/saved" "$WORK/again"
stop_server TERM
# Other maps for the rules as well: services move with them.
start_server --max-connections 20000 --max-rules 300000
expect_json '.connections.established_max == 20000' bgo firewall-lvs status --json
bgo firewall-update --action save --file - >"$WORK/again"
expect_same_file "$WORK/saved" "$WORK/again"
