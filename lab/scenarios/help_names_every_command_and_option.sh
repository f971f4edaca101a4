# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
# Help is asked for in any of its ways, goes to standard output, and needs neither server nor privilege.
helps() {
	local option=$1 alias=$2
	shift 2
	bgo help "$@" >"$WORK/help"
	grep -q -e "--$option" "$WORK/help" || fail "bgo help $* does not name --$option"
	grep -q -e "--pin-path" "$WORK/help" || fail "bgo help $* does not name --pin-path"
	bgo "$@" --help >"$OUTPUT"
	expect_same_file "$WORK/help" "$OUTPUT"
	# shellcheck disable=SC2086 # an alias may be two words
	bgo $alias -h >"$OUTPUT"
	expect_same_file "$WORK/help" "$OUTPUT"
}
helps max-rules start firewall-server start
helps json status firewall-server status
helps force cleanup-maps firewall-server cleanup-maps
helps fragments update firewall-update
helps exempt-whitelist ratelimit firewall-ratelimit
helps mode "lvs add-dnat" firewall-lvs add-dnat
helps undo "lvs drain" firewall-lvs drain
helps check "lvs set" firewall-lvs set

bgo help >"$WORK/help"
for command in "firewall-server start" "firewall-server status" "firewall-server cleanup-maps" \
	firewall-update firewall-ratelimit "firewall-lvs add-dnat" "firewall-lvs debug"; do
	grep -qF "$command" "$WORK/help" || fail "bgo help does not name $command"
done
bgo --help >"$OUTPUT"
expect_same_file "$WORK/help" "$OUTPUT"
bgo version >"$WORK/version"
bgo --version >"$OUTPUT"
expect_same_file "$WORK/version" "$OUTPUT"

expect_exit 2 bgo firewall-updat --xdp --action list
expect_said "did you mean firewall-update?"
expect_exit 2 bgo help nonsense
expect_said "unknown command 'nonsense'"
expect_exit 2 bgo firewall-server stat
expect_said "start|status|detach|cleanup-maps"
expect_exit 2 bgo version 2
expect_said "unexpected word '2'"
expect_exit 2 bgo lvs ad-dnat
expect_said "add-dnat|remove-dnat|list-dnat"
