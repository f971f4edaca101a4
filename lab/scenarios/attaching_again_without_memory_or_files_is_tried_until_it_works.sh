# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
# EMFILE and ENOMEM while an interface comes back: the server stays, filters the others, and tries until it can.
topology
second_link
make_again() {
	ip link delete s1
	wait_until 5 grep -q 'Interface s1 is gone' "$SERVER_LOG"
	ip link add s1 type veth peer name c1
}
without() {
	wait_until 10 grep -q "$1" "$SERVER_LOG"
	expect_every_hook_filters
	kill -0 "$SERVER_PID"
	[[ $(xdp_mode_of s1) == none ]] || fail "it could attach"
}
start_server --interface s0 --interface s1
block_one_address_per_hook
prlimit --pid "$SERVER_PID" --nofile=3:1024
ip link delete s1
ip link add s1 type veth peer name c1
sleep 2.5 # looks, which can ask nothing
expect_every_hook_filters
kill -0 "$SERVER_PID"
prlimit --pid "$SERVER_PID" --nofile=1024:1024
wait_until 5 expect_attached s1 native "$(best_tc_kind)"

strace -qq -o /dev/null -p "$SERVER_PID" -e trace=bpf -e inject=bpf:error=ENOMEM:when=1+ &
tracer=$!
wait_until 5 grep -q "TracerPid:[[:space:]]*[1-9]" "/proc/$SERVER_PID/status"
: >"$SERVER_LOG"
make_again
without "start on s1: .*Cannot allocate memory"
kill "$tracer"
wait "$tracer" || true
wait_until 5 expect_attached s1 native "$(best_tc_kind)"
expect_every_hook_filters
stop_server TERM
expect_equal "$SERVER_STATUS" 0
expect_nothing_attached s0
