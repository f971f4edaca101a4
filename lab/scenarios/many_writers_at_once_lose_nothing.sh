# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
# 16 shells add 50 rules each at the same time: all 800 are there, each once, none in another's place.
topology
start_server
writer() {
	for ((i = 0; i < 50; i++)); do
		bgo firewall-update --xdp --type blacklist --action add --ip "10.$1.$i.0/24" --quiet
	done
}
for ((w = 0; w < 16; w++)); do
	writer $w &
	writers+=($!)
done
wait "${writers[@]}"
bgo firewall-update --xdp --action list --type blacklist --json |
	jq -r '.blacklist[] | "\(.index) \(.address)"' | sort -n >"$WORK/list"
expect_equal "$(wc -l <"$WORK/list")" 800
expect_equal "$(cut -d ' ' -f 1 "$WORK/list" | uniq | wc -l)" 800
expect_equal "$(cut -d ' ' -f 2 "$WORK/list" | sort -u | wc -l)" 800
expect_dropped "src=10.0.0.1 dst=192.0.2.1" "src=10.15.49.255 dst=192.0.2.1" "src=10.7.25.3 dst=192.0.2.1"
expect_passed "src=10.16.0.1 dst=192.0.2.1" "src=10.15.50.0 dst=192.0.2.1"
