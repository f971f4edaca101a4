# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
# Tables for a million connections take little before there are any, and status says how much.
topology
start_server --max-connections 1000000
bytes=0
for map in conn_track_map conn_reverse_map conn_half_open_map; do
	bytes=$((bytes + $(bpftool -j map show pinned "$PINS/$map" | jq .bytes_memlock)))
done
expect_json ".connections | .established_max == 1000000 and .half_open_max == 125000 and .memory_bytes == $bytes" \
	bgo firewall-lvs status --json
# Before Linux 6.4 the kernel tells what they could take.
if printf '%s\n' 6.4 "$(uname -r)" | sort -C -V; then
	expect_between $((16 << 20)) $((100 << 20)) $bytes "bytes"
fi
ok bgo firewall-lvs status
expect_said "Memory: "
