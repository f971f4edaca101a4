# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
# A snapshot that cannot be restored is an error with its line and what to do, never "no rules": nothing
# is made, nothing attached, the file stays.
topology
start_server
block_one_address_per_hook
add_everything_else
stop_server TERM
snapshot_is current
cp "$SNAPSHOT" "$WORK/good"
lines=$(wc -l <"$WORK/good")
reboot_bpffs

# refused TEXT [OPTION...]: what is said of the snapshot that is there now.
refused() {
	local said=$1 before
	shift
	before=$(sha256sum <"$SNAPSHOT")
	expect_exit 1 bgo firewall-server start --interface s0 "$@"
	expect_said "$said"
	expect_said "$SNAPSHOT"
	expect_nothing_pinned
	expect_nothing_attached s0
	expect_equal "$(sha256sum <"$SNAPSHOT")" "$before"
}

sed 's/198.51.100.1/198.51.100.3/' "$WORK/good" >"$SNAPSHOT" # a rule that is a rule, but another one
refused "$SNAPSHOT:$lines:1: the checksum is not that of the lines above"
expect_said "move $SNAPSHOT away"
sed '$d' "$WORK/good" >"$SNAPSHOT"
refused "$SNAPSHOT:$((lines - 1)):1: it is cut off"
head -c 300 "$WORK/good" >"$SNAPSHOT"
refused "$SNAPSHOT:"
: >"$SNAPSHOT"
refused "$SNAPSHOT:1:1: "
sed 's/^bgo-rules 1/bgo-rules 99/' "$WORK/good" >"$SNAPSHOT"
refused "$SNAPSHOT:2:11: '99': not a version this bgo reads"
sed 's/^rule xdp/rule xdq/' "$WORK/good" >"$SNAPSHOT"
refused "$SNAPSHOT:6:6: 'xdq': not a hook"
echo more >>"$SNAPSHOT"
refused "$SNAPSHOT:"
sed 1d "$WORK/good" >"$SNAPSHOT"
refused "$SNAPSHOT:1:1: this is not the first line of a snapshot"
# What others may write is not to be trusted.
cp "$WORK/good" "$SNAPSHOT"
chmod 0666 "$SNAPSHOT"
refused "others may not write"
chmod 0600 "$SNAPSHOT"
chmod 0777 /var/lib/bgo
refused "others may write"
chmod 0700 /var/lib/bgo
mv "$SNAPSHOT" "$WORK/elsewhere"
ln -s "$WORK/elsewhere" "$SNAPSHOT"
refused "cannot be read"
rm "$SNAPSHOT"

# Without it, by moving it away or by not asking for it, there are no rules; with it there are.
start_server
expect_no_hook_filters
stop_server TERM
bgo firewall-server cleanup-maps --force --quiet
mkdir -p /var/lib/bgo && cp "$WORK/good" "$SNAPSHOT"
start_server --state-dir none
expect_no_hook_filters
snapshot_is none
stop_server TERM
expect_same_file "$WORK/good" "$SNAPSHOT"
reboot_bpffs
start_server
expect_every_hook_filters
