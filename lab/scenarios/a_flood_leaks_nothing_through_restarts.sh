# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
# Two sources, one blocked by XDP and one by TC, flood at full rate while a kept firewall is ended, killed and started:
# not one packet comes to the stack. Without keep they do. LAB_RESTARTS=100 for a hundred times.
topology
restarts=${LAB_RESTARTS:-8}

flood_until_told() {
	on_client bgo-lab flood --interface c0 --to-mac "$SERVER_MAC" --destination 192.0.2.1 \
		--source 198.51.100.1 --source 198.51.100.2 --seconds 600 &
	FLOOD_PID=$!
	for hook in xdp ingress; do
		wait_until 10 counted_at_least "$hook" blocked_blacklist $(($(counted "$hook" blocked_blacklist) + 10000))
	done
}

# restart SIGNAL OPTION...
restart() {
	stop_server "$1"
	shift
	start_server "$@"
}

for TC in $(tc_kinds); do
	export BGO_TC=$TC
	start_server --on-exit keep
	[[ $TC != "$(best_tc_kind)" ]] || block_one_address_per_hook
	flood_until_told
	before=$(received_by_stack)
	for ((i = 0; i < restarts / 2; i++)); do
		[[ $((i % 2)) -eq 0 ]] && signal=TERM || signal=KILL
		restart "$signal" --on-exit keep
	done
	expect_equal "$(received_by_stack)" "$before"

	# The control: the same without keep.
	restart TERM --on-exit detach
	expect_equal "$(received_by_stack)" "$before"
	began_ms=$(date +%s%3N)
	restart TERM --on-exit detach
	leak=$(($(received_by_stack) - before))
	[[ $leak -gt 0 ]] || fail "$TC: nothing leaked without keep, so this shows nothing"
	echo "$TC: 0 packets leaked in $((restarts / 2)) restarts; without keep $leak in one restart of" \
		"$(($(date +%s%3N) - began_ms)) ms"
	kill "$FLOOD_PID"
	wait "$FLOOD_PID" || true
	ok bgo firewall-server detach
	wait "$SERVER_PID"
done
