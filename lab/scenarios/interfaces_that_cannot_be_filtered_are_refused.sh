# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
# Not Ethernet: refused. No native XDP: native says so, auto takes generic and says that.
topology
ip tuntap add dev tun0 mode tun
ip link set tun0 up
expect_exit 1 bgo firewall-server start --interface tun0
expect_said "tun0"
expect_nothing_attached tun0

# lo has no native XDP.
expect_exit 1 bgo firewall-server start --interface lo --mode native
expect_said "its driver has no native XDP: use --mode generic"
expect_nothing_attached lo
start_server --interface lo
expect_attached lo generic "$(best_tc_kind)"
expect_logged "generic"
