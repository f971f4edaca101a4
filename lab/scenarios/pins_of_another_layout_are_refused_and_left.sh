# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
# A pin of another type or size, a link or a directory in its place, or none: an error that names it, nothing repaired.
topology
start_server
block_one_address_per_hook
stop_server TERM

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

# Put right again, all is there.
ok bgo firewall-update --xdp --action list
expect_said 198.51.100.1
start_server
expect_every_hook_filters
