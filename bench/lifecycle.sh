# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
# What changes and the server's life take, in a sandbox of its own, and what nftables takes for the same
# where it has the same. Prints NAME VALUE UNIT lines: medians of some runs, times of the wall clock.
#
#	bench/lifecycle.sh RULES
. lab/verbs.sh
. bench/arms.sh

rules=$1
LIST=$WORK/list
PEAK=$WORK/peak
RUNS=11
MAX_RULES=262144 # what a start without --max-rules has

now_us() {
	echo $((${EPOCHREALTIME/[.,]/}))
}

# median COMMAND...: of RUNS runs, in milliseconds. Their number is the last argument of the command.
median() {
	local run begin
	for ((run = 1; run <= RUNS; run++)); do
		begin=$(now_us)
		"$@" "$run" >"$OUTPUT" 2>&1 || fail "failed: $* $run" "$(cat "$OUTPUT")"
		echo $(($(now_us) - begin))
	done | sort -n | awk '{ us[NR] = $1 } END { printf "%.2f\n", us[int((NR + 1) / 2)] / 1000 }'
}

say() {
	printf '%s %s %s\n' "$@"
}

# What sets and maps are made of, in kB; other processes have a part in it, so small differences say nothing.
kernel_memory() {
	awk '/^(Slab|VmallocUsed|Percpu):/ { sum += $2 } END { print sum }' /proc/meminfo
}

# The kernel frees maps some time after their last user is gone.
settle() {
	sleep 2
}

used_since() {
	echo $((($(kernel_memory) - $1) / 1024))
}

update() {
	bgo firewall-update --xdp --type blacklist --action "$@"
}

add_one() {
	update add --ip "192.0.2.$1"
}

remove_one() {
	update remove --ip "192.0.2.$1"
}

# start MAX-RULES OPTION...: until the server says that it filters; its output stays open in $server.
start() {
	local line
	exec {server}< <(exec bgo firewall-server start --interface s0 --max-rules "$@" 2>&1)
	SERVER_PID=$!
	while read -r -u "$server" line; do
		[[ $line != *"Firewall server ready"* ]] || return 0
	done
	fail "server did not start"
}

stop() {
	kill -TERM "$SERVER_PID"
	wait "$SERVER_PID" || fail "server ended with an error"
	exec {server}<&-
}

# timed NAME COMMAND...: once, in milliseconds.
timed() {
	local begin name=$1
	shift
	begin=$(now_us)
	"$@" >"$OUTPUT" 2>&1 || fail "failed: $*" "$(cat "$OUTPUT")"
	say "$name" $((($(now_us) - begin) / 1000)) ms
}

# peak NAME: of the process that /usr/bin/time ran.
peak() {
	say "$1" $(($(tail -n 1 "$PEAK") / 1024)) MB
}

measure_changes() {
	say "bgo-add-one-at-$1" "$(median add_one)" ms
	say "bgo-remove-one-at-$1" "$(median remove_one)" ms
}

measure_bgo_life() {
	local begin
	addresses ipv4 hosts 10000 >"$LIST"
	start "$MAX_RULES"
	ok update load --file "$LIST"
	ok bgo firewall-update --action save --file "$WORK/save"
	begin=$(now_us)
	stop
	say bgo-stop $((($(now_us) - begin) / 1000)) ms
	begin=$(now_us)
	start "$MAX_RULES"
	say bgo-start-on-10000-kept $((($(now_us) - begin) / 1000)) ms
	timed bgo-restore-10000 bgo firewall-update --action restore --file "$WORK/save"
	stop
	ok bgo firewall-server cleanup-maps --force
}

measure_bgo_changes() {
	local before
	addresses ipv4 hosts 1000 >"$LIST"
	start "$MAX_RULES"
	ok update load --file "$LIST"
	measure_changes 1000
	stop
	ok bgo firewall-server cleanup-maps --force
	addresses ipv4 hosts "$rules" >"$LIST"
	settle
	before=$(kernel_memory)
	start $((rules + 1000))
	timed "bgo-load-$rules" /usr/bin/time -o "$PEAK" -f %M \
		bgo firewall-update --xdp --type blacklist --action load --file "$LIST"
	say "bgo-kernel-memory-$rules" "$(used_since "$before")" MB
	say "bgo-maps-$rules" $(($(json .map_memory_bytes bgo firewall-server status --json) >> 20)) MB
	peak "bgo-command-memory-$rules"
	measure_changes "$rules"
	stop
	ok bgo firewall-server cleanup-maps --force
}

# -- Under traffic --

PPS=100000 # of a flood that is not to load the machine: 100 packets are a millisecond

flood_in_background() {
	on_client bgo-lab flood --interface c0 --to-mac "$SERVER_MAC" --destination 192.0.2.1 --source 198.51.100.1 \
		--pps "$PPS" --seconds 600 >"$OUTPUT" &
	FLOOD_PID=$!
	wait_until 10 grown 0
}

flood_end() {
	kill "$FLOOD_PID"
	wait "$FLOOD_PID" || true
}

grown() {
	[[ $(received_by_stack) -gt $1 ]]
}

# A rule for a source that floods: packets that pass after the command has ended.
passed_after_add() {
	local before
	ok update add --ip 198.51.100.1
	before=$(received_by_stack)
	sleep 0.1
	echo $(($(received_by_stack) - before))
	ok update remove --ip 198.51.100.1
	wait_until 10 grown "$(received_by_stack)"
}

# leak NAME OPTION...: what a blocked source gets through while the server ends and starts again.
leak() {
	local before name=$1
	shift
	before=$(received_by_stack)
	stop
	start "$MAX_RULES" "$@"
	say "$name" $(($(received_by_stack) - before)) packets
}

measure_under_traffic() {
	local before
	start "$MAX_RULES" --on-exit detach
	flood_in_background
	say bgo-passed-after-add-returned "$(for _ in {1..10}; do passed_after_add; done | sort -n | tail -n 1)" packets
	ok update add --ip 198.51.100.1
	leak bgo-restart-leaked-detach --on-exit detach
	leak bgo-restart-leaked-into-keep --on-exit keep
	leak bgo-restart-leaked-keep --on-exit keep
	stop
	ok bgo firewall-server detach
	wait_until 10 grown "$(received_by_stack)"
	before=$(received_by_stack)
	start "$MAX_RULES"
	say bgo-start-to-first-filtered $((($(received_by_stack) - before) * 1000 / PPS)) ms
	flood_end
	stop
	ok bgo firewall-server cleanup-maps --force
}

# Thousands of packets a second that the hook drops.
dropped_kpps() {
	local before
	before=$(counted xdp blocked_blacklist)
	flood_server --destination 192.0.2.1 --numbers 1+10000 --seconds 0.3
	jq -r --argjson dropped "$(($(counted xdp blocked_blacklist) - before))" \
		'$dropped / .run_seconds / 1000 | round' "$WORK/flood"
}

# middle FILE: of its numbers.
middle() {
	sort -n "$1" | awk '{ numbers[NR] = $1 } END { print numbers[int((NR + 1) / 2)] }'
}

# With the CPU that floods to itself, as far as the machine allows.
measure_dip() {
	addresses ipv4 hosts 10000 >"$LIST"
	start "$MAX_RULES"
	ok update load --file "$LIST"
	for _ in {1..5}; do
		dropped_kpps >>"$WORK/quiet"
		taskset -c 0 changes /sys/fs/bpf/firewall 1000 0.6 >>"$WORK/made" &
		dropped_kpps >>"$WORK/busy"
		wait $!
	done
	say bgo-drops-at-no-change "$(middle "$WORK/quiet")" kpps
	say "bgo-drops-at-$(($(middle "$WORK/made") * 10 / 6))-changes-a-second" "$(middle "$WORK/busy")" kpps
	stop
	ok bgo firewall-server cleanup-maps --force
}

nft_add_one() {
	nft add element netdev bench listed "{ 192.0.2.$1 }"
}

# The same set as an arm of the bench has.
measure_nft() {
	local before
	# shellcheck disable=SC2034 # of nft_rules
	local family=ipv4 kind=hosts
	addresses ipv4 hosts "$rules" >"$LIST"
	nft_rules 0 >"$WORK/nft"
	settle
	before=$(kernel_memory)
	timed "nft-load-$rules" /usr/bin/time -o "$PEAK" -f %M nft -f "$WORK/nft"
	say "nft-kernel-memory-$rules" "$(used_since "$before")" MB
	peak "nft-command-memory-$rules"
	say "nft-add-one-at-$rules" "$(median nft_add_one)" ms
}

topology
measure_bgo_life
measure_bgo_changes
measure_under_traffic
measure_dip
if ! missing nft; then
	measure_nft
else
	echo "not measured: nft: $why" >&2
fi
