# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
# ENOMEM for maps, pins, programs and links of a start, and too few files: exit 1, nothing pinned, nothing attached.
topology
start_under_strace() {
	: >"$SERVER_LOG"
	strace -f -qq -e trace=bpf -o "$WORK/calls" "$@" \
		bgo firewall-server start --interface s0 --mode native >"$SERVER_LOG" 2>&1 &
	SERVER_PID=$!
	wait_until 30 server_ready
}

# It got what it asks for, or what the loader only tries out was refused.
stop_and_clean() {
	kill -TERM "$(json .pid bgo firewall-server status --json)"
	wait "$SERVER_PID"
	ok bgo firewall-server cleanup-maps --force
}

failed=0 started=0
expect_nothing_left_or_all_of_it() {
	if kill -0 "$SERVER_PID" 2>/dev/null; then
		expect_attached s0 native "$(best_tc_kind)"
		stop_and_clean
		started=$((started + 1))
	else
		SERVER_STATUS=0
		wait "$SERVER_PID" || SERVER_STATUS=$?
		expect_equal "$SERVER_STATUS" 1
		expect_nothing_pinned
		expect_nothing_attached s0
		failed=$((failed + 1))
	fi
}

# "COMMAND N" for the Nth bpf() call of a whole start: the first maps, all links, and every fifth between.
start_under_strace
stop_and_clean
awk 'match($0, /bpf\(BPF_[A-Z_]+/) { print substr($0, RSTART + 4, RLENGTH - 4), ++n }' "$WORK/calls" |
	grep -E '^BPF_(MAP_CREATE|OBJ_PIN|PROG_LOAD|LINK_CREATE) ' |
	awk 'NR <= 4 || NR % 5 == 0 || /LINK_CREATE/' >"$WORK/moments"
while read -r command n; do
	echo "$command, call $n"
	start_under_strace -e "inject=bpf:error=ENOMEM:when=$n"
	expect_nothing_left_or_all_of_it
done <"$WORK/moments"
echo "without memory: $failed starts failed, $started did without"
[[ $failed -ge 12 ]] || fail "only $failed starts failed"

failed=0 started=0
for ((files = 4; started == 0; files += files < 8 ? 1 : 4)); do
	echo "$files files"
	: >"$SERVER_LOG"
	(ulimit -n "$files" && exec bgo firewall-server start --interface s0 --mode native) >"$SERVER_LOG" 2>&1 &
	SERVER_PID=$!
	wait_until 30 server_ready
	expect_nothing_left_or_all_of_it
done
echo "without files: $failed starts failed"
[[ $failed -ge 8 ]] || fail "only $failed starts failed"
