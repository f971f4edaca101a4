# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
# Real pings of both families: the allowed host's work, with neighbour entries resolved anew.
topology
start_server
ok bgo firewall-update --xdp --action policy --policy deny
ok bgo firewall-update --xdp --type whitelist --action add --ip 192.0.2.2
ok bgo firewall-update --xdp --type whitelist --action add --ip 2001:db8::2
ip neighbour flush dev s0
on_client ip neighbour flush dev c0
ok on_client ping -c 2 -i 0.2 -W 3 192.0.2.1
ok on_client ping -c 2 -i 0.2 -W 3 2001:db8::1

on_client ip address add 192.0.2.3/24 dev c0
expect_exit 1 on_client ping -c 2 -i 0.2 -W 0.5 -I 192.0.2.3 192.0.2.1
expect_said "100% packet loss"
ok on_client ping -c 1 -W 3 192.0.2.1
