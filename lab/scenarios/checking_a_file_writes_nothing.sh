# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
# restore --check under strace: no file opened for writing, no map looked at, no lock; only its answer is written.
topology
start_server
block_one_address_per_hook
ok bgo firewall-update --action save --file "$WORK/good"
{ cat "$WORK/good" && echo "rule xdp blacklist 192.0.2.0/33"; } >"$WORK/bad"

# Calls that write anything but the answer. Standard descriptors that are closed would be opened on /dev/null.
writes() {
	grep -vF '"/dev/null"' "$WORK/calls" |
		grep -E 'O_WRONLY|O_RDWR|O_CREAT|PROT_WRITE, MAP_SHARED| (bpf|flock|rename|unlink|mkdir|f?truncate|f?chmod|socket|mount)[a-z0-9]*\(' ||
		grep -E ' p?writev?(64)?2?\(' "$WORK/calls" | grep -vE ' write\([12],'
}

# check STATUS FILE
check() {
	expect_exit "$1" strace -f -qq -s 0 -o "$WORK/calls" bgo firewall-update --action restore --check --file "$2"
	grep -qF 'write(' "$WORK/calls" || fail "strace does not see it"
	if writes >"$WORK/writes"; then
		fail "it writes:" "$(cat "$WORK/writes")"
	fi
}
check 0 "$WORK/good"
check 1 "$WORK/bad"

# A restore that restores is seen to.
ok strace -f -qq -s 0 -o "$WORK/calls" bgo firewall-update --action restore --file "$WORK/good"
writes >"$WORK/writes"
for call in 'bpf(' 'flock(' 'PROT_WRITE, MAP_SHARED'; do
	grep -qF "$call" "$WORK/writes" || fail "not seen: $call"
done
