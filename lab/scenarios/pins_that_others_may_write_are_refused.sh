# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
# A pin directory of another owner or mode, or a link in its place, is not trusted.
topology
start_server
stop_server TERM
chmod 0777 "$PINS"
expect_exit 1 bgo firewall-update --xdp --action list
expect_exit 1 bgo firewall-server start --interface s0
chmod 0700 "$PINS"
chown nobody "$PINS"
expect_exit 1 bgo firewall-update --xdp --action list
chown root "$PINS"
mv "$PINS" /sys/fs/bpf/elsewhere
ln -s /sys/fs/bpf/elsewhere "$PINS"
expect_exit 1 bgo firewall-update --xdp --action list
rm "$PINS"
mv /sys/fs/bpf/elsewhere "$PINS"
ok bgo firewall-update --xdp --action list
