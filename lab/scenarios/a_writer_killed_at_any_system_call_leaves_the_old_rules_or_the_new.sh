# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
# kill -9 at every system call from the lock on: then the old rule set or the new one, never a mix.
topology
start_server
block_one_address_per_hook
ok bgo firewall-update --action save --file "$WORK/old"
cat >"$WORK/wanted" <<'END'
bgo-rules 1
policy ingress deny fragments drop
rule xdp whitelist 0 203.0.113.0/24 port 53 proto udp
rule xdp blacklist 5 198.51.100.128/25
rule xdp blacklist 6 2001:db8:bad::/48
rule egress blacklist 3 0.0.0.0/0 port 25
ratelimit pps 100000
END
ok bgo firewall-update --action restore --file "$WORK/wanted"
ok bgo firewall-update --action save --file "$WORK/new"
ok bgo firewall-update --action restore --file "$WORK/old"

strace -f -o "$WORK/calls" bgo firewall-update --action restore --file "$WORK/new"
ok bgo firewall-update --action restore --file "$WORK/old"
# "NAME N" for the Nth call of that name, of all calls from the lock on.
awk '{ sub(/^[0-9]+ +/, "") }
	match($0, /^[a-z0-9_]+\(/) {
		name = substr($0, 1, RLENGTH - 1)
		number[name]++
		locked = locked || name == "flock"
		if (locked)
			print name, number[name]
	}' "$WORK/calls" >"$WORK/moments"

# The next writer, of something else, must not make anything of the dead one's visible.
write_something_else() {
	bgo firewall-update --ingress --action policy --policy deny --quiet
	bgo firewall-update --ingress --action policy --policy allow --quiet
}

olds=0 news=0
while read -r name n; do
	{
		strace -f -qq -o /dev/null -e "inject=$name:signal=KILL:when=$n" \
			bgo firewall-update --action restore --file "$WORK/new" || true
	} >/dev/null 2>&1
	bgo firewall-update --action save --file "$WORK/now" --quiet || fail "after a kill at $name number $n"
	if cmp -s "$WORK/now" "$WORK/old"; then
		olds=$((olds + 1))
		write_something_else
		bgo firewall-update --action save --file "$WORK/now" --quiet
		cmp -s "$WORK/now" "$WORK/old" ||
			fail "the next writer revived what was killed at $name number $n:" "$(cat "$WORK/now")"
	elif cmp -s "$WORK/now" "$WORK/new"; then
		news=$((news + 1))
		bgo firewall-update --action restore --file "$WORK/old" --quiet
	else
		fail "neither old nor new after a kill at $name number $n:" "$(cat "$WORK/now")"
	fi
done <"$WORK/moments"
echo "$olds times the old rules, $news times the new ones"
[[ $olds -gt 10 && $news -gt 2 ]] || fail "not both outcomes were seen: $olds old, $news new"
expect_every_hook_filters
