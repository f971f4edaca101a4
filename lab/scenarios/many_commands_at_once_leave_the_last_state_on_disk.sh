# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
# Without a server each command writes the snapshot after its change. However many do at once, the newest
# state is what stays.
topology
start_server
stop_server TERM
has_rule() {
	bgo firewall-update --xdp --action list | grep -q "$1"
}
for n in {1..40}; do
	bgo firewall-update --xdp --type blacklist --action add --ip "198.51.100.$n" --quiet &
	pids+=" $!"
done
for pid in $pids; do
	wait "$pid"
done
snapshot_is current
expect_equal "$(grep -c '^rule xdp blacklist' "$SNAPSHOT")" 40
expect_equal "$(ls -A /var/lib/bgo)" "${SNAPSHOT##*/}"

# One whose disk took its time, while others went on, does not write what is old by then.
exec {lock}</var/lib/bgo
flock "$lock"
bgo firewall-update --xdp --type blacklist --action add --ip 203.0.113.1 >"$OUTPUT" 2>&1 &
first=$!
wait_until 10 has_rule 203.0.113.1
bgo firewall-update --xdp --type blacklist --action add --ip 203.0.113.2 --quiet &
second=$!
wait_until 10 has_rule 203.0.113.2
snapshot_is stale
flock --unlock "$lock"
wait "$first"
wait "$second"
snapshot_is current
grep -q 203.0.113.1 "$SNAPSHOT"
grep -q 203.0.113.2 "$SNAPSHOT"
