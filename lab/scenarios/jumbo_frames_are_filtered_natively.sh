# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
# With an MTU of 9000 the driver wants a program for frames in fragments: frames of 8,000 bytes pass, are dropped, and are
# counted with all their bytes; kept, the next start takes over, and an interface that comes back has it as well.
topology
on_client ip link set c0 mtu 9000
ip link set s0 mtu 9000
big_ping() {
	on_client ping -n -q -c 3 -i 0.05 -W 2 -M "do" -s 8000 "$@"
}
frame_bytes=$((8000 + 8 + 20 + 14))
bytes_of() {
	json ".reasons.$1.bytes" bgo firewall-update --xdp --action stats --json
}
for mode in native auto; do
	start_server --mode $mode --on-exit keep
	expect_logged "interface s0 (native mode, frames in fragments)"
	expect_attached s0 native "$(best_tc_kind)"
	stop_server TERM
done
start_server --mode native
ok big_ping 192.0.2.1
ok bgo firewall-update --xdp --action reset-stats
ok bgo firewall-update --xdp --type whitelist --action add --ip 192.0.2.2 --protocol icmp
ok big_ping 192.0.2.1
expect_equal "$(bytes_of allowed_whitelist)" $((3 * frame_bytes))
ok bgo firewall-update --xdp --type whitelist --action clear
ok bgo firewall-update --xdp --type blacklist --action add --ip 192.0.2.2 --protocol icmp
expect_exit 1 big_ping 192.0.2.1
expect_equal "$(bytes_of blocked_blacklist)" $((3 * frame_bytes))
expect_equal "$(counted xdp malformed)" 0
ok bgo firewall-update --xdp --type blacklist --action clear
block_one_address_per_hook
expect_every_hook_filters

# Down to one buffer again: the next start takes the usual program.
stop_server TERM
on_client ip link set c0 mtu 1500
ip link set s0 mtu 1500
start_server --mode native
expect_logged "interface s0 (native mode)"
expect_every_hook_filters
