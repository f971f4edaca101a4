# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
# Wrong options, words and values: exit code 2, a line that says what, no effect.
topology
start_server
block_one_address_per_hook
ok bgo firewall-update --action save --file "$WORK/before"
wrong() {
	expect_exit 2 bgo "$@"
	[[ -s $OUTPUT ]] || fail "said nothing: bgo $*"
}
wrong
wrong firewall-unknown
wrong firewall-server
wrong firewall-server start
wrong firewall-server start --interface
wrong firewall-server start --interface s0 --interface s0
wrong firewall-server start --interface s0 --mode fast
wrong firewall-server start --interface s0 --max-rules 0
wrong firewall-server start --interface s0 surplus
wrong firewall-server start --interfaces s0
wrong firewall-update
wrong firewall-update --xdp
wrong firewall-update --action list
wrong firewall-update --xdp --ingress --action list
wrong firewall-update --xdp --action destroy
wrong firewall-update --xdp --action add --ip 192.0.2.1
wrong firewall-update --xdp --type greylist --action add --ip 192.0.2.1
wrong firewall-update --xdp --type blacklist --action add
wrong firewall-update --xdp --type blacklist --action remove
wrong firewall-update --xdp --action remove --index 0
wrong firewall-update --xdp --action clear
wrong firewall-update --xdp --action policy
wrong firewall-update --xdp --action policy --policy maybe
wrong firewall-update --xdp --type blacklist --action load
wrong firewall-ratelimit
wrong firewall-ratelimit --enable
wrong firewall-ratelimit --enable --disable
wrong firewall-ratelimit --enable --pps many
for ip in 010.0.0.1 1.2.3 1.2.3.4.5 1.2.3.4/33 1.2.3.4/ 1.2.3.4/-1 256.1.1.1 ::/129 fe80::1%s0 : "" " 1.2.3.4" host; do
	wrong firewall-update --xdp --type blacklist --action add --ip "$ip"
done
for port in 0 65536 -1 80-22 a 1- -5 1-65536 "" "80,"; do
	wrong firewall-update --xdp --type blacklist --action add --ip 192.0.2.1 --port "$port"
done
for protocol in 256 -1 tpc ""; do
	wrong firewall-update --xdp --type blacklist --action add --ip 192.0.2.1 --protocol "$protocol"
done
wrong firewall-update --xdp --type blacklist --action add --ip 192.0.2.1 --protocol icmp --port 22
ok bgo firewall-update --action save --file "$WORK/after"
expect_same_file "$WORK/before" "$WORK/after"

# The same with valid values works.
ok bgo firewall-update --xdp --type blacklist --action add --ip 192.0.2.1 --port 1-65535 --protocol 132
