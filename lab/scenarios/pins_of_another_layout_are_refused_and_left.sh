# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
# A pin of another type or size, a link or a directory in its place, or none; a layout of the future: an error that
# names it, nothing removed or repaired. (Layouts of the past are migrated: tests/prog/test_migrate.c.)
topology
start_server
block_one_address_per_hook
stop_server TERM

ls "$PINS" >"$WORK/pins"

expect_refused() {
	expect_exit 1 bgo firewall-server start --interface s0
	expect_said "$1"
	expect_equal "$(xdp_mode_of s0)" none
	expect_exit 1 bgo firewall-update --xdp --type blacklist --action add --ip 192.0.2.9
	expect_exit 1 bgo firewall-update --xdp --action list
}

for map in config_map blacklist_map node_map stats_map; do
	mv "$PINS/$map" "$PINS/${map}_away"
	expect_refused "$map"
	bpftool map create "$PINS/$map" type array key 4 value 4 entries 1 name wrong
	expect_refused "$map"
	expect_said "$map"
	rm "$PINS/$map"
	ln -s "$PINS/${map}_away" "$PINS/$map" # to the right one
	expect_refused "$map"
	rm "$PINS/$map"
	mkdir "$PINS/$map"
	expect_refused "$map"
	rmdir "$PINS/$map"
	mv "$PINS/${map}_away" "$PINS/$map"
done

# set_layout N: in config_map, whose second 8 bytes begin with it.
set_layout() {
	local bytes
	read -ra bytes <<<"$(bpftool -j map lookup pinned "$PINS/config_map" key 0 0 0 0 | jq -r '.value | join(" ")')"
	bytes[8]=$(printf '0x%02x' "$1")
	bpftool map update pinned "$PINS/config_map" key 0 0 0 0 value "${bytes[@]}"
}
layout=$(json .map_layout bgo version --json)
set_layout $((layout + 1))
expect_refused "layout $((layout + 1))"
ls "$PINS" >"$WORK/now"
expect_same_file "$WORK/pins" "$WORK/now"
set_layout "$layout"

# Put right again, all is there.
ok bgo firewall-update --xdp --action list
expect_said 198.51.100.1
start_server
expect_every_hook_filters
