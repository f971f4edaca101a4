# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
# A removed rule's index stays free, also over a restart and over save and restore.
topology
start_server
for host in 1 2 3; do
	ok bgo firewall-update --xdp --type blacklist --action add --ip 198.51.100.$host
done
expect_said "blacklist rule 2:"
ok bgo firewall-update --xdp --type blacklist --action remove --index 2
stop_server TERM
start_server
ok bgo firewall-update --xdp --type blacklist --action add --ip 198.51.100.4
expect_said "blacklist rule 3:"
ok bgo firewall-update --xdp --type blacklist --action remove --index 3
ok bgo firewall-update --action save --file "$WORK/rules"
ok bgo firewall-update --action restore --file "$WORK/rules"
ok bgo firewall-update --xdp --type blacklist --action add --ip 198.51.100.5
expect_said "blacklist rule 4:"
