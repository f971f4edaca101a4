# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
# xdp-loader's dispatcher is on the interface: a start names it and does not replace it; it does not replace ours.
topology
cat >"$WORK/theirs.c" <<'END'
#include <linux/bpf.h>
__attribute__((section("xdp"), used)) int theirs(struct xdp_md *ctx) { (void)ctx; return XDP_PASS; }
char _license[] __attribute__((section("license"), used)) = "GPL";
END
clang -O2 -g -target bpf -I "/usr/include/$(gcc -print-multiarch)" -c "$WORK/theirs.c" -o "$WORK/theirs.o"
program_of_s0() {
	ip -j link show dev s0 | jq '.[0].xdp.prog | "\(.id) \(.name)"' -r
}

ok xdp-loader load --mode native s0 "$WORK/theirs.o"
if [[ $(program_of_s0) != *xdp_dispatcher ]]; then
	echo "this kernel lets no program replace a part of another: the dispatcher without xdp-loader"
	ok xdp-loader unload s0 --all
	ok bpftool prog load "/usr/lib/$(gcc -print-multiarch)/bpf/xdp-dispatcher.o" /sys/fs/bpf/dispatcher type xdp
	ok bpftool net attach xdpdrv pinned /sys/fs/bpf/dispatcher dev s0
fi
theirs=$(program_of_s0)
expect_equal "${theirs#* }" xdp_dispatcher
for mode in auto native generic; do
	expect_exit 1 bgo firewall-server start --interface s0 --mode $mode
	expect_said "XDP program ${theirs% *} (xdp_dispatcher) is attached"
	expect_equal "$(program_of_s0)" "$theirs"
	expect_nothing_pinned
done

ok xdp-loader unload s0 --all
start_server
block_one_address_per_hook
ours=$(program_of_s0)
xdp-loader load --mode native s0 "$WORK/theirs.o" &>"$OUTPUT" && fail "it took our place"
expect_said "not using a dispatcher"
expect_equal "$(program_of_s0)" "$ours"
expect_every_hook_filters
