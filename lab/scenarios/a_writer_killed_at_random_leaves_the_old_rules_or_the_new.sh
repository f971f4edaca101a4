# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
# kill -9 after a random time: readers, packets and the next writer see the old rule set or the new one.
topology
start_server
printf 'bgo-rules 1\nrule xdp blacklist 0 198.51.100.1/32\n' >"$WORK/wanted_old"
{
	printf 'bgo-rules 1\nrule xdp blacklist 0 198.51.100.2/32\n'
	awk 'BEGIN { for (i = 1; i <= 30000; i++) printf "rule xdp blacklist %d 10.%d.%d.0/24\n", i, i / 256, i % 256 }'
} >"$WORK/wanted_new"
for state in new old; do
	ok bgo firewall-update --action restore --file "$WORK/wanted_$state"
	ok bgo firewall-update --action save --file "$WORK/$state"
done
began_us=$(date +%s%6N)
ok bgo firewall-update --action restore --file "$WORK/new"
took_us=$(($(date +%s%6N) - began_us))
ok bgo firewall-update --action restore --file "$WORK/old"

RANDOM=4711
olds=0 news=0
for ((round = 0; round < 40; round++)); do
	moment=$(printf '0.%06d' $(((RANDOM * 32768 + RANDOM) % took_us)))
	{ timeout -s KILL "$moment" bgo firewall-update --action restore --file "$WORK/new" || true; } >/dev/null 2>&1
	ok bgo firewall-update --action save --file "$WORK/now"
	if cmp -s "$WORK/now" "$WORK/old"; then
		olds=$((olds + 1))
		expect_dropped "src=198.51.100.1 dst=192.0.2.1"
		expect_passed "src=198.51.100.2 dst=192.0.2.1" "src=10.0.1.1 dst=192.0.2.1"
	elif cmp -s "$WORK/now" "$WORK/new"; then
		news=$((news + 1))
		expect_dropped "src=198.51.100.2 dst=192.0.2.1" "src=10.0.1.1 dst=192.0.2.1" "src=10.11.184.1 dst=192.0.2.1"
		expect_passed "src=198.51.100.1 dst=192.0.2.1"
		ok bgo firewall-update --action restore --file "$WORK/old"
	else
		fail "neither old nor new after $moment s of $took_us us:" "$(head "$WORK/now")"
	fi
done
echo "$olds times the old rules, $news times the new ones"
[[ $olds -gt 0 && $news -gt 0 ]] || fail "not both outcomes were seen: $olds old, $news new, of $took_us us"
