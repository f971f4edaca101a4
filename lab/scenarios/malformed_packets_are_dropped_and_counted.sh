# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
# What cannot be parsed never passes, not even by a whitelist of everything.
topology
start_server
ok bgo firewall-update --xdp --type whitelist --action add --ip 0.0.0.0/0
ok bgo firewall-update --xdp --type whitelist --action add --ip ::/0
mac=020000000002020000000001
expect_passed "hex=${mac}0800450000200001000040110000c0000202c00002019c40000900080000"0000000000000000
expect_dropped "hex=${mac}0800" \
	"hex=${mac}0800450000200001000040110000c0000202c000" \
	"hex=${mac}0800650000200001000040110000c0000202c00002019c4000090008000000000000" \
	"hex=${mac}0800440000200001000040110000c0000202c00002019c4000090008000000000000" \
	"hex=${mac}08004500ffff0001000040110000c0000202c00002019c4000090008000000000000" \
	"hex=${mac}86dd6000000000081140"
expect_equal "$(counted xdp malformed)" 6
