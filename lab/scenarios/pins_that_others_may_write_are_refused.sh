# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
# A pin directory of another owner or mode is not trusted, nor is a link to one.
topology
start_server
block_one_address_per_hook
stop_server TERM
expect_refused() {
	expect_exit 1 bgo firewall-update --xdp --action list
	expect_said "$PINS"
	expect_exit 1 bgo firewall-server start --interface s0
	expect_equal "$(xdp_mode_of s0)" none
}
chmod 0777 "$PINS"
expect_refused
mv "$PINS" /sys/fs/bpf/elsewhere
ln -s /sys/fs/bpf/elsewhere "$PINS"
expect_refused
rm "$PINS"
mv /sys/fs/bpf/elsewhere "$PINS"
chmod 0700 "$PINS"
chown nobody "$PINS"
expect_refused
chown root "$PINS"
ok bgo firewall-update --xdp --action list
expect_said 198.51.100.1
