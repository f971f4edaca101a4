# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
# Four starts at the same moment, on one interface and on two: one is ready, the others exit 1 and take nothing off.
topology
second_link
start_server
block_one_address_per_hook
stop_server TERM
ok bgo firewall-update --action save --file "$WORK/before"

ready_or_gone() {
	grep -q 'Firewall server ready' "$WORK/log.$1" || ! kill -0 "${pids[$1]}"
}
for ((round = 0; round < 3; round++)); do
	pids=()
	for n in 0 1 2 3; do
		: >"$WORK/log.$n"
		bgo firewall-server start --interface s$((n * round % 2)) >"$WORK/log.$n" 2>&1 &
		pids[n]=$!
	done
	winners=()
	for n in 0 1 2 3; do
		wait_until 10 ready_or_gone $n
		if kill -0 "${pids[n]}" 2>/dev/null; then
			winners+=("$n")
		else
			got=0
			wait "${pids[n]}" || got=$?
			expect_equal "$got" 1
		fi
	done
	[[ ${#winners[@]} -eq 1 ]] || fail "${#winners[@]} servers run:" "$(tail -n 3 "$WORK"/log.*)"
	n=${winners[0]}
	expect_json ".running and .pid == ${pids[n]} and (.interfaces | length) == 1 and .interfaces[0].state == \"attached\"" \
		bgo firewall-server status --json
	LINK=$((n * round % 2)) expect_every_hook_filters
	kill -TERM "${pids[n]}"
	wait "${pids[n]}"
	expect_nothing_attached s0
	expect_nothing_attached s1
done
ok bgo firewall-update --action save --file "$WORK/after"
expect_same_file "$WORK/before" "$WORK/after"
