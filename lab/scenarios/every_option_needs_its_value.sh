# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
# Every option that help shows with a value, without it; one that nobody knows; a word too many: exit 2, no effect.
topology
start_server
block_one_address_per_hook
ok bgo firewall-update --action save --file "$WORK/before"
options=0
for command in "firewall-server start" "firewall-server status" "firewall-server cleanup-maps" \
	firewall-update firewall-ratelimit; do
	read -r -a words <<<"$command"
	while read -r option; do
		expect_exit 2 bgo "${words[@]}" "$option"
		expect_said "$option needs a value"
		options=$((options + 1))
	done < <(bgo help "${words[@]}" | sed -n 's/^  \(--[a-z-]*\) [^ ].*/\1/p')
	expect_exit 2 bgo "${words[@]}" --nonsense
	expect_said "unknown option '--nonsense'"
	expect_exit 2 bgo "${words[@]}" surplus
	expect_said "unexpected word 'surplus'"
done
expect_between 21 100 $options "options with a value"
ok bgo firewall-update --action save --file "$WORK/after"
expect_same_file "$WORK/before" "$WORK/after"
