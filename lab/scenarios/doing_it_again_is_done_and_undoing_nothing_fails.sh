# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
# Adding what is there: exit 0 and "already present"; removing what is not there: exit 1, unless asked.
topology
start_server
ok bgo firewall-update --xdp --type blacklist --action add --ip 198.51.100.7/24
expect_said "198.51.100.0/24"
ok bgo firewall-update --xdp --type blacklist --action add --ip 198.51.100.0/24
expect_said "already present (index 0)"
ok bgo firewall-update --xdp --type blacklist --action remove --ip 198.51.100.0/24
expect_exit 1 bgo firewall-update --xdp --type blacklist --action remove --ip 198.51.100.0/24
expect_exit 1 bgo firewall-update --xdp --type blacklist --action remove --index 0
expect_exit 1 bgo firewall-update --xdp --type blacklist --action remove --index 7
ok bgo firewall-update --xdp --type blacklist --action remove --index 7 --if-exists
