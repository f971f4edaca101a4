# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
# Programs, filters, qdisc and pins that somebody else removes: one alarm each, and they are back; with a foreign program
# in their place when that one goes.
topology
alarms() {
	grep -c ALARM "$SERVER_LOG"
}
# comes_back ALARMS: and so many lines have been said.
comes_back() {
	wait_until 5 expect_attached s0 native "$tc"
	wait_until 5 expect_json 'all(.interfaces[]; .state == "attached")' bgo firewall-server status --json
	expect_every_hook_filters
	expect_equal "$(alarms)" "$1"
}
link_of() {
	bpftool -j link show | jq ".[] | select(.prog_id == $(json ".interfaces[0].$1" bgo firewall-server status --json)) | .id"
}
cat >"$WORK/pass.c" <<'END_OF_C'
__attribute__((section("xdp"), used)) int foreign(void *ctx) { (void)ctx; return 2; }
char _license[] __attribute__((section("license"), used)) = "GPL";
END_OF_C
clang -O2 -target bpf -c "$WORK/pass.c" -o "$WORK/pass.o"

for tc in $(tc_kinds); do
	BGO_TC=$tc start_server --on-exit keep
	[[ $tc != "$(best_tc_kind)" ]] || block_one_address_per_hook
	bpftool link detach id "$(link_of xdp_program_id)"
	comes_back 1
	if [[ $tc == tcx ]]; then
		bpftool link detach id "$(link_of tc_ingress_program_id)"
		comes_back 2
		bpftool link detach id "$(link_of tc_egress_program_id)"
		comes_back 3
	else
		tc filter del dev s0 ingress
		comes_back 2
		tc qdisc del dev s0 clsact # both
		comes_back 4
	fi

	# Pins: filtering would end with the server.
	before=$(alarms)
	rm "$PINS"/links/s0:*
	wait_until 5 grep -q "pins of links to interface s0 were removed" "$SERVER_LOG"
	comes_back $((before + 1))

	# Frozen, so that the foreign one is faster.
	kill -STOP "$SERVER_PID"
	bpftool link detach id "$(link_of xdp_program_id)"
	ip link set dev s0 xdpgeneric object "$WORK/pass.o" section xdp
	kill -CONT "$SERVER_PID"
	wait_until 5 grep -q "start on s0: XDP program .* is attached" "$SERVER_LOG"
	sleep 2.5 # looks
	expect_equal "$(alarms)" $((before + 2))
	expect_equal "$(grep -c "start on s0: XDP program .* is attached" "$SERVER_LOG")" 1
	expect_dropped "src=198.51.100.2 dst=192.0.2.1" # TC goes on
	ip link set dev s0 xdpgeneric off
	comes_back $((before + 2))
	stop_server TERM
	expect_every_hook_filters
	ok bgo firewall-server detach
done
