# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
# trafgen's frames reach TC with hardly a header in the linear part: ports and addresses still match.
topology
start_server
ok bgo firewall-update --ingress --type blacklist --action add --ip 198.51.100.7 --port 53 --protocol udp
ok bgo firewall-update --ingress --type blacklist --action add --ip 2001:db8:7::/48
frames() {
	local source4=$1 port=$2 source6=$3
	cat >"$WORK/frames.cfg" <<-END
		{ eth(da=$SERVER_MAC, sa=$CLIENT_MAC), ipv4(sa=$source4, da=192.0.2.1, ttl=64), udp(sp=40000, dp=$port), fill(0x55, 600) }
		{ eth(da=$SERVER_MAC, sa=$CLIENT_MAC), ipv6(sa=$source6, da=2001:db8::1, hl=64), udp(sp=40000, dp=$port), fill(0x55, 600) }
	END
	ok on_client trafgen --dev c0 --conf "$WORK/frames.cfg" --num 100 --cpus 1
}
blocked=$(counted ingress blocked_blacklist)
frames 198.51.100.7 53 2001:db8:7::1
wait_until 5 counted_at_least ingress blocked_blacklist $((blocked + 100))

# Their neighbours pass.
allowed=$(counted ingress allowed_default)
frames 198.51.100.8 53 2001:db8:8::1
wait_until 5 counted_at_least ingress allowed_default $((allowed + 100))
expect_equal "$(counted ingress blocked_blacklist)" $((blocked + 100))
expect_equal "$(counted ingress malformed)" 0

# On the way out nothing has put them in one piece before.
ok bgo firewall-update --egress --type blacklist --action add --ip 203.0.113.7 --port 53 --protocol udp
frames_out() {
	echo "{ eth(da=$CLIENT_MAC, sa=$SERVER_MAC), ipv4(sa=192.0.2.1, da=$1, ttl=64), udp(sp=40000, dp=53), fill(0x55, 600) }" >"$WORK/frames.cfg"
	ok trafgen --qdisc-path --dev s0 --conf "$WORK/frames.cfg" --num 100 --cpus 1
}
frames_out 203.0.113.7
wait_until 5 counted_at_least egress blocked_blacklist 100
blocked=$(counted egress blocked_blacklist)
frames_out 203.0.113.8
wait_until 5 counted_at_least egress allowed_default 100
expect_equal "$(counted egress blocked_blacklist)" "$blocked"
expect_equal "$(counted egress malformed)" 0
