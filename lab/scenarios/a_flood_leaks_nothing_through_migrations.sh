# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
# Blocked sources flood at full rate while a kept firewall is started again and again with a larger --max-rules, which
# makes all maps anew under the programs that filter: not one packet comes to the stack, and every one is counted.
topology

# Two counts of one thing, each migrated in its own way.
hits_and_counters_agree() {
	local hook
	for hook in xdp ingress; do
		expect_equal "$(json '.blacklist[0].hits' bgo firewall-update --$hook --action list --json)" \
			"$(counted $hook blocked_blacklist)"
	done
}

max_rules=1000
for TC in $(tc_kinds); do
	export BGO_TC=$TC
	start_server --on-exit keep --max-rules $max_rules
	[[ $TC != "$(best_tc_kind)" ]] || block_one_address_per_hook
	# Not by a function: the process in the background is the one to be killed.
	nsenter --net=/run/netns/client bgo-lab flood --interface c0 --to-mac "$SERVER_MAC" --destination 192.0.2.1 \
		--source 198.51.100.1 --source 198.51.100.2 --seconds 600 &
	FLOOD_PID=$!
	wait_until 10 counted_at_least ingress blocked_blacklist $(($(counted ingress blocked_blacklist) + 10000))
	before=$(received_by_stack)
	for signal in TERM KILL TERM; do
		stop_server $signal
		max_rules=$((max_rules * 2))
		start_server --on-exit keep --max-rules $max_rules
		expect_logged "Migrated $PINS from --max-rules $((max_rules / 2)) to $max_rules"
		expect_equal "$(find "$PINS" -name '*_old' -o -name '*_next')" ""
		ok bgo firewall-update --xdp --type blacklist --action add --ip 198.51.100.9
		ok bgo firewall-update --xdp --type blacklist --action remove --ip 198.51.100.9
	done
	expect_equal "$(received_by_stack)" "$before"
	kill "$FLOOD_PID"
	wait "$FLOOD_PID" || true
	hits_and_counters_agree
	echo "$TC: 0 packets leaked in 3 migrations, $(counted xdp blocked_blacklist) and" \
		"$(counted ingress blocked_blacklist) dropped in all"
	stop_server TERM
	ok bgo firewall-server detach
done
