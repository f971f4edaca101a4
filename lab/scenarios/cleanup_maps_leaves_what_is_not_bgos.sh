# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
# A directory that is not bgo's is refused; somebody else's pin in ours stays and is named.
topology
mkdir -m 0700 "$PINS"
bpftool map create "$PINS/somebodys" type array key 4 value 8 entries 1 name somebodys
expect_exit 1 bgo firewall-server cleanup-maps --force
[[ -e $PINS/somebodys ]] || fail "somebody's map is gone"
rm "$PINS/somebodys"
rmdir "$PINS"

start_server
stop_server TERM
bpftool map create "$PINS/somebodys" type array key 4 value 8 entries 1 name somebodys
bgo firewall-server cleanup-maps --force >"$OUTPUT" 2>&1 || true
expect_said "not bgo's"
[[ -e $PINS/somebodys ]] || fail "somebody's map is gone"
[[ ! -e $PINS/config_map ]] || fail "ours are still there: $(ls "$PINS")"
