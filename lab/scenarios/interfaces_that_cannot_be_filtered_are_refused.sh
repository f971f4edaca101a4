# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
# Not Ethernet: refused. Frames too long for native XDP: native says so, auto takes generic and says that.
topology
ip tuntap add dev tun0 mode tun
ip link set tun0 up
expect_exit 1 bgo firewall-server start --interface tun0
expect_said "tun0"
expect_nothing_attached tun0

on_client ip link set c0 mtu 9000
ip link set s0 mtu 9000
expect_exit 1 bgo firewall-server start --interface s0 --mode native
expect_said "s0"
expect_said "MTU"
expect_nothing_attached s0
start_server --mode auto
expect_attached s0 generic tcx
expect_logged "generic"
block_one_address_per_hook
expect_every_hook_filters
