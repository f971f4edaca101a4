# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
# Every way to stop, for the scenarios that say what each leaves: on one interface and on two, native and
# generic, by every signal, with and without keep; each start after a stop is the restart. Whatever is kept is compared while the
# interfaces are down, so that no packet is counted in between.

# Wants TC to be tcx or clsact.
declare TC
ulimit -c 0

both_links() {
	ip link set s0 "$1"
	ip link set s1 "$1"
}

# on_every_interface COMMAND...: with LINK set, see expect_passed.
on_every_interface() {
	local LINK
	for LINK in $numbers; do
		"$@"
	done
}

start_on_every_interface() {
	local options=()
	for n in $numbers; do
		options+=(--interface "s$n")
	done
	BGO_TC=$TC start_server "${options[@]}" --mode "$mode" --on-exit "$on_exit"
}

expect_attached_here() {
	local direction
	expect_attached "s$LINK" "$mode" "$TC"
	[[ $TC == clsact ]] || return 0
	for direction in ingress egress; do # the killed one's were replaced, not added to
		expect_equal "$(tc filter show dev "s$LINK" $direction | grep -c 'bpf.*handle')" 1
	done
}

expect_nothing_attached_here() {
	expect_nothing_attached "s$LINK"
}

# A clean end takes everything off. A killed one's links end with it, clsact filters stay. Kept, all stays.
expect_what_it_left() {
	if [[ $on_exit == keep ]]; then
		expect_json '(.running | not) and .filtering and all(.interfaces[]; .kept and .state == "attached")' \
			bgo firewall-server status --json
		on_every_interface expect_attached_here
		on_every_interface expect_every_hook_filters
		return
	fi
	if [[ $signal == INT || $signal == TERM ]]; then
		expect_equal "$SERVER_STATUS" 0
		expect_between 0 $((1000 * SLOWDOWN)) "$stop_ms" "milliseconds to stop"
	else
		expect_equal "$SERVER_STATUS" $((128 + $(kill -l "$signal")))
		if [[ $TC == clsact ]]; then
			expect_json '.running == false and all(.interfaces[]; .state == "half attached")' \
				bgo firewall-server status --json
			on_every_interface expect_only_tc_filters
			return
		fi
	fi
	on_every_interface wait_until 5 expect_nothing_attached_here
	on_every_interface expect_no_hook_filters
}

# One start, which finds what the last stop left, and one stop.
restart_and_stop() {
	local began_ms
	both_links down
	everything_kept >"$WORK/before"
	start_on_every_interface
	everything_kept >"$WORK/restarted"
	expect_same_file "$WORK/before" "$WORK/restarted"
	both_links up
	on_every_interface expect_attached_here
	on_every_interface expect_every_hook_filters
	both_links down
	everything_kept >"$WORK/running"

	began_ms=$(date +%s%3N)
	stop_server "$signal"
	stop_ms=$(($(date +%s%3N) - began_ms))

	everything_kept >"$WORK/stopped"
	expect_same_file "$WORK/running" "$WORK/stopped"
	expect_pinned
	both_links up
	expect_what_it_left
}

topology
second_link
start_server
block_one_address_per_hook
add_everything_else
stop_server TERM
signals="INT KILL TERM SEGV QUIT ABRT"
[[ $SLOWDOWN -eq 1 ]] || signals="TERM KILL SEGV" # a machine that is slow on purpose has other kernels to show
stops=0
stop_in_every_way() {
	for signal; do
		echo "$TC, $on_exit, $mode, interfaces $numbers, SIG$signal"
		restart_and_stop
		stops=$((stops + 1))
	done
}
for numbers in 0 "0 1"; do
	for mode in native generic; do
		on_exit=detach
		# shellcheck disable=SC2086 # words
		stop_in_every_way $signals
		on_exit=keep
		stop_in_every_way KILL TERM
		ok bgo firewall-server detach # what is kept in one mode cannot be taken over in the other
	done
done
grep -q "office ssh" "$WORK/stopped" || fail "nothing was compared"
echo "$stops ways"
