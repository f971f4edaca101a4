# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
# Each call of a change fails once for want of memory or files: exit 0 is the new rules, exit 1 the old ones.
topology
start_server
block_one_address_per_hook
ok bgo firewall-update --action save --file "$WORK/old"
cat "$WORK/old" - >"$WORK/wanted" <<'END'
rule egress whitelist 0 2001:db8::/32 comment "new"
ratelimit pps 100000
END
ok bgo firewall-update --action restore --file "$WORK/wanted"
ok bgo firewall-update --action save --file "$WORK/new"
ok bgo firewall-update --action restore --file "$WORK/old"
strace -f -o "$WORK/calls" bgo firewall-update --action restore --file "$WORK/wanted"
ok bgo firewall-update --action restore --file "$WORK/old"
# "CALL N ERROR" for the Nth call of that name once the pins are looked at: of those that are made for each map
# the first ones and every seventh. Not brk: where it fails the kernel gives back the old end and no error, so the C
# library takes what strace puts in for an address.
awk '
	{ sub(/^[0-9]+ +/, "") }
	/\/sys\/fs\/bpf/ { opened = 1 }
	match($0, /^[a-z0-9_]+\(/) {
		call = substr($0, 1, RLENGTH - 1)
		number[call]++
		if (!opened || call ~ /^(close|munmap|write|exit_group|geteuid|brk)$/)
			next
		each_map = call ~ /stat|readlink/ || /OBJ_GET/
		if (!each_map || ++looked[call] <= 3 || looked[call] % 7 == 0)
			print call, number[call], call == "openat" ? "EMFILE" : "ENOMEM"
	}' "$WORK/calls" >"$WORK/failures"

olds=0 news=0
while read -r call n error; do
	got=0
	strace -f -qq -o /dev/null -e "inject=$call:error=$error:when=$n" \
		bgo firewall-update --action restore --file "$WORK/wanted" >"$OUTPUT" 2>&1 || got=$?
	ok bgo firewall-update --action save --file "$WORK/now"
	case $got in
	0)
		news=$((news + 1))
		expect_same_file "$WORK/new" "$WORK/now"
		ok bgo firewall-update --action restore --file "$WORK/old"
		;;
	1)
		olds=$((olds + 1))
		[[ -s $OUTPUT ]] || fail "nothing was said of $error for $call number $n"
		expect_same_file "$WORK/old" "$WORK/now"
		;;
	*) fail "exit code $got with $error for $call number $n:" "$(cat "$OUTPUT")" ;;
	esac
done <"$WORK/failures"
echo "$olds times the old rules and exit 1, $news times the new ones and exit 0"
[[ $olds -gt 25 && $news -gt 0 ]] || fail "not both outcomes were seen: $olds old, $news new"
expect_every_hook_filters
