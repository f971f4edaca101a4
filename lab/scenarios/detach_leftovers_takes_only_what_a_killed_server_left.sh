# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
# `firewall-server detach --leftovers`, as the service runs it behind a server: what was killed is cleared up,
# a server that runs and what is kept go on filtering.
topology
echo "interface = s0" >"$WORK/conf"
echo "pin-path = $PINS" >>"$WORK/conf"
detach_leftovers() {
	# With no more than the service has, and where the file of the service says.
	ok setpriv --bounding-set=-all,+bpf,+net_admin,+perfmon --inh-caps=-all \
		bgo firewall-server detach --leftovers --config "$WORK/conf" --pin-path "$PINS"
	ok bgo firewall-server detach --leftovers --config "$WORK/conf"
}

detach_leftovers
expect_said "Nothing attached"
start_server --on-exit detach
block_one_address_per_hook
for BGO_TC in $(tc_kinds); do
	export BGO_TC
	detach_leftovers
	expect_said "is to filter"
	expect_every_hook_filters
	stop_server KILL
	detach_leftovers
	expect_no_hook_filters
	expect_nothing_attached s0

	start_server --on-exit keep
	detach_leftovers
	expect_every_hook_filters
	stop_server KILL
	detach_leftovers
	expect_said "is to filter"
	expect_every_hook_filters
	start_server --on-exit detach
done
stop_server TERM

# A file that is wrong is said, and nothing is done.
echo "interfce = s0" >"$WORK/conf"
expect_exit 2 bgo firewall-server detach --leftovers --config "$WORK/conf"
expect_said "unknown option 'interfce'"
