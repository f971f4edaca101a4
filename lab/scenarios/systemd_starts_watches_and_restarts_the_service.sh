# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
# Under a real systemd: enabled it filters before the network comes up, with three capabilities; a hanging or
# killed server is started again; a stop takes everything off and keeps the rules.
# shellcheck source=lab/systemd.sh
. "${BASH_SOURCE[0]%/*}/../systemd.sh"
topology
make_machine
install_in "$MACHINE"

# Configured and enabled, it is there after the boot.
echo "interface = s0" >"$MACHINE/etc/bgo/firewall.conf"
quick_restarts
systemctl --root="$MACHINE" enable bgo-firewall 2>"$OUTPUT"
boot_machine
wait_until 10 property_is ActiveState active
wait_until 10 in_machine systemctl is-active network-pre.target
expect_equal "$(property StatusText)" "Filtering s0"
ready=$(property ActiveEnterTimestampMonotonic)
network=$(in_machine systemctl show --value -p ActiveEnterTimestampMonotonic network-pre.target)
expect_between 1 "$network" "$ready" "ready before network-pre.target, in us"

# The service's pins are the machine's.
ok in_machine bgo firewall-update --xdp --type blacklist --action add --ip 198.51.100.1
expect_dropped "src=198.51.100.1 dst=192.0.2.1"
expect_passed "src=198.51.100.2 dst=192.0.2.1"
expect_json '.running and .interfaces[0].state == "attached"' in_machine bgo firewall-server status --json
pid=$(property MainPID)
# CAP_NET_ADMIN 12, CAP_PERFMON 38, CAP_BPF 39.
capabilities=$(printf '%016x' $((1 << 12 | 1 << 38 | 1 << 39)))
for set in CapPrm CapEff CapBnd; do
	expect_equal "$(in_machine grep "$set" "/proc/$pid/status")" "$set:	$capabilities"
done
expect_equal "$(priority_of "Firewall server ready")" 6

# A restart keeps the rules; so does whatever else ends it.
ok in_machine systemctl restart bgo-firewall
expect_dropped "src=198.51.100.1 dst=192.0.2.1"
expect_equal "$(property NRestarts)" 0
pid=$(property MainPID)
ok in_machine kill -s STOP "$pid"
expect_dropped "src=198.51.100.1 dst=192.0.2.1"
wait_until 10 property_is NRestarts 1
wait_until 10 property_is ActiveState active
expect_journal "Watchdog timeout"
expect_dropped "src=198.51.100.1 dst=192.0.2.1"
ok in_machine systemctl kill --signal=KILL bgo-firewall
wait_until 10 property_is NRestarts 2
wait_until 10 property_is ActiveState active
expect_dropped "src=198.51.100.1 dst=192.0.2.1"
# A healthy one outlives the watchdog's time.
healthy_since=$SECONDS
long_enough() {
	[[ $SECONDS -ge $((healthy_since + 2 * SLOWDOWN)) ]]
}
wait_until 10 long_enough
expect_equal "$(property NRestarts)" 2

ok in_machine systemctl stop bgo-firewall
expect_equal "$(property Result)" success
expect_passed "src=198.51.100.1 dst=192.0.2.1"
expect_equal "$(xdp_mode_of s0)" none
ok in_machine bgo firewall-update --xdp --action list
expect_said 198.51.100.1

# Not configured, or wrongly: one clear line with its priority, and no start after start.
: >"$MACHINE/etc/bgo/firewall.conf"
expect_exit 1 in_machine systemctl start bgo-firewall
expect_equal "$(property ExecMainStatus)" 2
expect_journal "say which interface: --interface IF, or \`interface = IF\` in /etc/bgo/firewall.conf"
echo "interfce = s0" >"$MACHINE/etc/bgo/firewall.conf"
expect_exit 1 in_machine systemctl start bgo-firewall
expect_journal "/etc/bgo/firewall.conf:1:1: unknown option 'interfce' (did you mean interface?)"
expect_equal "$(priority_of "/etc/bgo/firewall.conf:1:1")" 3
expect_equal "$(property NRestarts)" 0

# What systemd thinks of it.
ok in_machine systemd-analyze verify bgo-firewall.service
expect_equal "$(cat "$OUTPUT")" ""
ok in_machine systemd-analyze security --offline=true --threshold=25 --no-pager bgo-firewall.service
halt_machine
