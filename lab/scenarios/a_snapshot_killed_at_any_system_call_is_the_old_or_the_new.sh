# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
# kill -9 at every system call of a command that changes rules and writes the snapshot: after a reboot
# there are the old rules or the new ones, never none and never half a file.
topology
start_server
block_one_address_per_hook
stop_server TERM
cp "$SNAPSHOT" "$WORK/old"
change() {
	bgo firewall-update --egress --type blacklist --action add --ip 203.0.113.9
}
strace -f -o "$WORK/calls" bgo firewall-update --egress --type blacklist --action add --ip 203.0.113.9 >/dev/null
cp "$SNAPSHOT" "$WORK/new"
# On the disk before it takes the old one's place, and that on the disk before the command returns.
expect_equal "$(grep -oE '\b(fsync|renameat)\(' "$WORK/calls" | tr -d '\n')" "fsync(renameat(fsync("
rules() {
	grep -v '^# ' "$1"
}
rules "$WORK/old" >"$WORK/old.rules"
rules "$WORK/new" >"$WORK/new.rules"
# Behind the commit: from the first look at the state directory on.
awk '{ sub(/^[0-9]+ +/, "") }
	match($0, /^[a-z0-9_]+\(/) {
		name = substr($0, 1, RLENGTH - 1)
		number[name]++
		writing = writing || (name == "mkdir" && /lib\/bgo/)
		if (writing)
			print name, number[name]
	}' "$WORK/calls" >"$WORK/moments"
olds=0 news=0
while read -r name n; do
	bgo firewall-update --egress --type blacklist --action remove --ip 203.0.113.9 --quiet --if-exists
	cp "$WORK/old" "$SNAPSHOT"
	{
		strace -f -qq -o /dev/null -e "inject=$name:signal=KILL:when=$n" \
			bgo firewall-update --egress --type blacklist --action add --ip 203.0.113.9 || true
	} >/dev/null 2>&1
	tail -n 1 "$SNAPSHOT" | grep -q '^# end of snapshot' || fail "cut off after a kill at $name number $n"
	rules "$SNAPSHOT" | grep -v '^next ' >"$WORK/now.rules"
	if cmp -s "$WORK/now.rules" "$WORK/old.rules"; then
		olds=$((olds + 1))
	else
		grep -q 203.0.113.9 "$WORK/now.rules" || fail "neither old nor new after a kill at $name number $n"
		news=$((news + 1))
	fi
	# The next one makes up for it, and leaves nothing beside the file.
	bgo firewall-ratelimit --reset-stats --quiet
	snapshot_is current
	expect_equal "$(ls -A /var/lib/bgo)" "${SNAPSHOT##*/}"
done <"$WORK/moments"
echo "$olds times the old file, $news times the new one"
[[ $olds -gt 8 && $news -ge 2 ]] || fail "not both outcomes were seen: $olds old, $news new"
