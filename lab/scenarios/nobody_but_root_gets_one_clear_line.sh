# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
# Without the capabilities each command says so in one line, exits 1 and changes nothing.
topology
start_server
block_one_address_per_hook
ok bgo firewall-update --action save --file "$WORK/before"
install -m 0755 "$(command -v bgo)" "$WORK/bgo"
as_nobody() {
	setpriv --reuid nobody --regid nogroup --clear-groups --inh-caps=-all "$WORK/bgo" "$@"
}
chmod 0755 "$WORK"
for command in "firewall-server start --interface s0" "firewall-server status" \
	"firewall-server cleanup-maps --force" "firewall-update --xdp --action list" \
	"firewall-update --xdp --type blacklist --action add --ip 192.0.2.9" \
	"firewall-update --xdp --action clear --all" "firewall-ratelimit --disable"; do
	# shellcheck disable=SC2086 # words
	expect_exit 1 as_nobody $command
	expect_equal "$(wc -l <"$OUTPUT")" 1
	expect_said "CAP_BPF"
done
ok as_nobody version
ok as_nobody help
expect_exit 2 as_nobody firewall-update --xdp --action destroy
ok bgo firewall-update --action save --file "$WORK/after"
expect_same_file "$WORK/before" "$WORK/after"
