# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
# Somebody's XDP program is named and not replaced; somebody's TC filters outlive ours.
topology
cat >"$WORK/pass.c" <<'END'
__attribute__((section("xdp"), used)) int foreign(void *ctx) { (void)ctx; return 2; }
__attribute__((section("tc"), used)) int foreign_tc(void *ctx) { (void)ctx; return -1; }
char _license[] __attribute__((section("license"), used)) = "GPL";
END
clang -O2 -target bpf -c "$WORK/pass.c" -o "$WORK/pass.o"

ip link set dev s0 xdpdrv object "$WORK/pass.o" section xdp
id=$(ip -j link show dev s0 | jq '.[0].xdp.prog.id')
expect_exit 1 bgo firewall-server start --interface s0
expect_said "$id"
expect_equal "$(ip -j link show dev s0 | jq '.[0].xdp.prog.id')" "$id"
ip link set dev s0 xdpdrv off

tc qdisc add dev s0 clsact
tc filter add dev s0 ingress pref 7 bpf direct-action object-file "$WORK/pass.o" section tc
for tc in $(tc_kinds); do
	BGO_TC=$tc start_server
	block_one_address_per_hook
	expect_every_hook_filters
	stop_server TERM
	[[ $(tc filter show dev s0 ingress) == *"pref 7"* ]] || fail "somebody's filter is gone with $tc"
	expect_equal "$(tc filter show dev s0 egress)" ""
	expect_no_hook_filters
done
