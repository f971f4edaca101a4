# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
# Save replaces a file's content and nothing else of it; `-` is standard input and output.
topology
start_server
block_one_address_per_hook
save() {
	bgo firewall-update --action save --file "$@"
}
ok save "$WORK/new"
expect_equal "$(stat -c %a "$WORK/new")" 600
: >"$WORK/file"
chmod 0640 "$WORK/file"
ln -s file "$WORK/link"
ok save "$WORK/link"
[[ -L $WORK/link ]] || fail "the link was replaced"
expect_equal "$(stat -c %a "$WORK/file")" 640
expect_same_file "$WORK/new" "$WORK/file"
save - >"$WORK/printed"
expect_same_file "$WORK/new" "$WORK/printed"
ok save /dev/null
[[ -c /dev/null ]] || fail "/dev/null was replaced"
expect_exit 1 save /dev/full
expect_said "save: write /dev/full"
expect_exit 1 save "$WORK/no/such/directory"
expect_equal "$(find "$WORK" -name 'file.*' -o -name 'new.*')" ""

ok bgo firewall-update --xdp --action clear --all
bgo firewall-update --action restore --file - <"$WORK/printed" >"$OUTPUT"
expect_said "Restored 3 rules from standard input"
expect_json '.rules == 3' bgo firewall-update --action restore --check --file "$WORK/new" --json
ok save "$WORK/file"
expect_same_file "$WORK/new" "$WORK/file"
