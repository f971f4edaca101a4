# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
# With --confirm a change is in force at once and undone at its time, with and without a server, unless it is
# confirmed. While it waits other writers are refused, and list and status say so.
topology
start_server
block_one_address_per_hook
add_everything_else
ok bgo firewall-update --action save --file "$WORK/before"
cat >"$WORK/wanted" <<'END'
bgo-rules 1
policy ingress deny fragments drop
rule xdp blacklist 5 203.0.113.0/24 comment "wanted"
rule egress whitelist 3 192.0.2.0/24
ratelimit pps 5000 burst 77 enabled
END

is_before() {
	bgo firewall-update --action save --file - 2>/dev/null | cmp -s - "$WORK/before"
}
hits() {
	json '[.whitelist[], .blacklist[] | [.index, .hits]] | tostring' bgo firewall-update --xdp --action list --json
}
expect_dropped "src=198.51.100.1 dst=192.0.2.1"
hits_before=$(hits)

soon=$((3 * SLOWDOWN))
for server in running none; do
	[[ $server == running ]] || stop_server TERM
	ok bgo firewall-update --action restore --file "$WORK/wanted" --confirm "$soon"s
	expect_said "reverts by itself in $soon s"
	ok bgo firewall-update --xdp --action list
	expect_said wanted
	expect_said "Rules:          unconfirmed, reverts in "
	ok bgo firewall-server status
	expect_said "Last change:    unconfirmed, reverts in "
	expect_json ".unconfirmed.reverts_in_s | . >= 1 and . <= $soon" bgo firewall-server status --json
	for writer in "--xdp --type blacklist --action add --ip 192.0.2.9" "--ingress --action clear --all" \
		"--xdp --action reset-stats" "--action restore --file $WORK/before"; do
		# shellcheck disable=SC2086 # words
		expect_exit 1 bgo firewall-update $writer
		expect_said "waits to be confirmed and reverts in"
		expect_said "\`bgo firewall-update --action confirm\`"
	done
	expect_exit 1 bgo firewall-ratelimit --enable --pps 1000
	wait_until 10 is_before
	expect_json '.unconfirmed == null' bgo firewall-update --xdp --action list --json
	expect_equal "$(hits)" "$hits_before"
	expect_exit 1 bgo firewall-update --action confirm
	expect_said "no change waits"
	expect_exit 1 bgo firewall-update --action revert
done
start_server
expect_every_hook_filters

hits_before=$(hits)
seq 1 250 | sed 's/^/203.0.113./' >"$WORK/list"
# Each kind of change; undone at once when that is asked for.
for change in "--xdp --type blacklist --action remove --index 1" "--xdp --type whitelist --action clear" \
	"--egress --action policy --policy allow" "--xdp --type blacklist --action add --ip 192.0.2.77 --port 80,443 --comment new" \
	"--ingress --type blacklist --action load --file $WORK/list"; do
	# shellcheck disable=SC2086 # words
	ok bgo firewall-update $change --confirm 1m
	if is_before; then fail "nothing changed by $change"; fi
	ok bgo firewall-update --action revert
	is_before || fail "not undone: $change" "$(bgo firewall-update --action save --file - | diff "$WORK/before" -)"
done
expect_equal "$(hits)" "$hits_before"

# A change that is none waits for nothing; one that is confirmed stays.
ok bgo firewall-update --egress --action policy --policy deny --confirm 1m
expect_json '.unconfirmed == null' bgo firewall-server status --json
ok bgo firewall-update --action restore --file "$WORK/wanted" --confirm "$soon"s
expect_json '.changed' bgo firewall-update --action confirm --json
ok bgo firewall-update --action save --file "$WORK/confirmed"
sleep "$soon.5" # what should not happen can only be waited for
ok bgo firewall-update --action save --file "$WORK/after"
expect_same_file "$WORK/confirmed" "$WORK/after"
wait_until 10 snapshot_is current
for bad in 0 -1 1x 25h ""; do
	expect_exit 2 bgo firewall-update --xdp --action policy --policy deny --confirm "$bad"
done
