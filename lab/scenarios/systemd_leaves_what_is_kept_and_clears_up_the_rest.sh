# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
# Under a real systemd, on-exit = keep: restarts and kills let not one packet of a flood through, a stop goes on
# filtering, a boot has the rules of before. With detach nothing of a killed server stays.
# shellcheck source=lab/systemd.sh
. "${BASH_SOURCE[0]%/*}/../systemd.sh"
topology
make_machine
install_in "$MACHINE"
configure() {
	printf '%s\n' "interface = s0" "$@" >"$MACHINE/etc/bgo/firewall.conf"
}
quick_restarts
configure "on-exit = keep"
boot_machine
ok in_machine systemctl enable --now bgo-firewall
for address in 198.51.100.1 2001:db8:bad::/48; do
	ok in_machine bgo firewall-update --xdp --type blacklist --action add --ip "$address"
done

on_client bgo-lab flood --interface c0 --to-mac "$SERVER_MAC" --destination 192.0.2.1 \
	--source 198.51.100.1 --seconds 600 >/dev/null &
flood=$!
blocked() {
	in_machine bgo firewall-update --xdp --action stats --json | jq .reasons.blocked_blacklist.packets
}
blocked_more() {
	[[ $(blocked) -gt $(($1 + 10000)) ]]
}
wait_until 10 blocked_more 0
before=$(received_by_stack)
for ((i = 0; i < 3; i++)); do
	ok in_machine systemctl restart bgo-firewall
done
ok in_machine systemctl kill --signal=KILL bgo-firewall
wait_until 10 property_is NRestarts 1
wait_until 10 property_is ActiveState active
ok in_machine systemctl stop bgo-firewall
wait_until 10 blocked_more "$(blocked)"
expect_equal "$(received_by_stack)" "$before"
ok in_machine systemctl start bgo-firewall

# A power cut: the pins are gone, the rules are not.
kill "$flood"
wait "$flood" || true
halt_machine
umount "$MACHINE/sys"
mount -t sysfs sysfs "$MACHINE/sys"
boot_machine
wait_until 10 property_is ActiveState active
expect_dropped "src=198.51.100.1 dst=192.0.2.1" "src=2001:db8:bad::1 dst=2001:db8::1"
expect_passed "src=198.51.100.2 dst=192.0.2.1"
ok in_machine systemctl stop bgo-firewall
expect_dropped "src=198.51.100.1 dst=192.0.2.1"
ok in_machine bgo firewall-server detach
expect_passed "src=198.51.100.1 dst=192.0.2.1"

# A killed server of clsact leaves its filters, and the service takes them off.
configure "on-exit = detach"
printf '%s\n' "[Service]" Environment=BGO_TC=clsact Restart=no >>"$MACHINE/etc/systemd/system/bgo-firewall.service.d/lab.conf"
ok in_machine systemctl daemon-reload
ok in_machine systemctl start bgo-firewall
ok in_machine bgo firewall-update --ingress --type blacklist --action add --ip 198.51.100.3
expect_dropped "src=198.51.100.3 dst=192.0.2.1"
ok in_machine systemctl kill --signal=KILL bgo-firewall
wait_until 10 property_is ActiveState failed
expect_equal "$(property Result)" signal
expect_equal "$(tc filter show dev s0 ingress)" ""
expect_passed "src=198.51.100.3 dst=192.0.2.1"
halt_machine
