# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
# The words of the shutdown are a promise: users and their scripts read them.
topology
for tc in $(tc_kinds); do
	BGO_TC=$tc start_server
	stop_server INT
	sed -n '/Received shutdown signal/,$s/^[0-9/]* [0-9:]* //p' "$SERVER_LOG" |
		sed 's/(link [0-9]*)/(LINK)/; s/(handle [0-9]*)/(HANDLE)/' >"$WORK/said"
	[[ $tc == tcx ]] && place=LINK || place=HANDLE
	cat >"$WORK/wanted" <<-END
		Received shutdown signal, shutting down firewall server...
		Firewall server stopped
		Starting firewall cleanup...
		Detaching XDP program from interface s0...
		XDP program detached from interface s0
		XDP firewall resources cleaned up
		Detaching TC programs from interface s0...
		Removed TC ingress filter ($place)
		Removed TC egress filter ($place)
		TC firewall programs detached from interface s0
		TC programs detached from interface s0
		TC firewall manager resources cleaned up
		Firewall cleanup completed
	END
	expect_same_file "$WORK/wanted" "$WORK/said"
done
