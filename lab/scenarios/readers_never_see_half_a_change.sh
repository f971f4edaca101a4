# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
# 200 times two rule sets replace each other: every save in between is the one or the other.
topology
start_server
for set in 1 2; do
	{
		echo "bgo-rules 1"
		for ((i = 0; i < 200; i++)); do
			echo "rule xdp blacklist $i 10.$set.$i.0/24"
		done
		echo "policy ingress $([[ $set == 1 ]] && echo allow || echo deny)"
	} >"$WORK/wanted"
	ok bgo firewall-update --action restore --file "$WORK/wanted"
	ok bgo firewall-update --action save --file "$WORK/set$set"
done
replace() {
	for ((n = 0; n < 100; n++)); do
		bgo firewall-update --action restore --file "$WORK/set1" --quiet
		bgo firewall-update --action restore --file "$WORK/set2" --quiet
	done
}
replace &
replacer=$!
seen1=0 seen2=0
while kill -0 $replacer 2>/dev/null; do
	bgo firewall-update --action save --file "$WORK/now" --quiet
	if cmp -s "$WORK/now" "$WORK/set1"; then
		seen1=$((seen1 + 1))
	elif cmp -s "$WORK/now" "$WORK/set2"; then
		seen2=$((seen2 + 1))
	else
		fail "neither of the two:" "$(diff "$WORK/now" "$WORK/set1" | head)"
	fi
done
wait $replacer
echo "seen: $seen1 and $seen2 times"
[[ $seen1 -gt 0 && $seen2 -gt 0 ]] || fail "the reader saw one set only: $seen1, $seen2"
