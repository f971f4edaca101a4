# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
# The life of the packages on a machine, for lab-package: as a scenario, on packages of two versions.
. lab/verbs.sh
. lab/systemd.sh
topology
make_machine
cp "$BGO_BUILD_DIR"/deb/bgo_*.deb "$MACHINE/bgo.deb"
cp "$BGO_BUILD_DIR"/deb/bgo-lab_*.deb "$MACHINE/bgo-lab.deb"
cp "$BGO_BUILD_DIR"/deb.newer/bgo_*.deb "$MACHINE/bgo-newer.deb"
boot_machine

# As people do it, without questions.
dpkg_in_machine() {
	ok in_machine env DEBIAN_FRONTEND=noninteractive PATH=/usr/sbin:/usr/bin:/sbin:/bin dpkg "$@" </dev/null
}

# Installed, it does nothing that nobody asked for.
dpkg_in_machine --install /bgo.deb /bgo-lab.deb
expect_equal "$(in_machine systemctl is-enabled bgo-firewall || true)" disabled
expect_equal "$(property ActiveState)" inactive
expect_equal "$(xdp_mode_of s0)" none
ok in_machine systemd-analyze verify bgo-firewall.service
expect_equal "$(cat "$OUTPUT")" ""
ok in_machine bgo-lab list
expect_said a_second_server_is_refused

# An upgrade goes on with the new version, the configuration and the rules, and with on-exit = keep lets not
# one packet of a flood through.
printf '%s\n' "interface = s0" "on-exit = keep" >>"$MACHINE/etc/bgo/firewall.conf"
cp "$MACHINE/etc/bgo/firewall.conf" "$WORK/conf"
ok in_machine systemctl enable --now bgo-firewall
ok in_machine bgo firewall-update --xdp --type blacklist --action add --ip 198.51.100.1
expect_dropped "src=198.51.100.1 dst=192.0.2.1"
blocked() {
	in_machine bgo firewall-update --xdp --action stats --json | jq .reasons.blocked_blacklist.packets
}
blocked_more() {
	[[ $(blocked) -gt $(($1 + 10000)) ]]
}
on_client bgo-lab flood --interface c0 --to-mac "$SERVER_MAC" --destination 192.0.2.1 \
	--source 198.51.100.1 --seconds 600 >/dev/null &
flood=$!
wait_until 10 blocked_more 0
before=$(received_by_stack)
pid=$(property MainPID)
dpkg_in_machine --remove bgo-lab
dpkg_in_machine --install /bgo-newer.deb
wait_until 10 property_is ActiveState active
[[ $(property MainPID) != "$pid" ]] || fail "the old version still runs"
wait_until 10 blocked_more "$(blocked)"
expect_equal "$(received_by_stack)" "$before"
kill "$flood"
wait "$flood" || true
ok in_machine bgo version
expect_said +newer
expect_same_file "$WORK/conf" "$MACHINE/etc/bgo/firewall.conf"
expect_dropped "src=198.51.100.1 dst=192.0.2.1"
expect_passed "src=198.51.100.2 dst=192.0.2.1"

# Removed, nothing filters; rules and configuration are there for whoever installs it again.
dpkg_in_machine --remove bgo
expect_equal "$(xdp_mode_of s0)" none
expect_passed "src=198.51.100.1 dst=192.0.2.1"
expect_same_file "$WORK/conf" "$MACHINE/etc/bgo/firewall.conf"
dpkg_in_machine --install /bgo.deb
ok in_machine systemctl start bgo-firewall
expect_dropped "src=198.51.100.1 dst=192.0.2.1"

# Purged, nothing is left.
dpkg_in_machine --purge bgo
expect_equal "$(xdp_mode_of s0)" none
for left in etc/bgo var/lib/bgo sys/fs/bpf/firewall usr/sbin/bgo; do
	in_machine test ! -e "/$left" || fail "still there: /$left"
done
halt_machine
