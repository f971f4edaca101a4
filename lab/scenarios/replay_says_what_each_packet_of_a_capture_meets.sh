# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
# bgo-lab replay: number, verdict, reason and rule of each packet, the same by test run and through a veth.
topology
start_server
nsenter --net=/run/netns/client tcpdump -q -U -i c0 -w "$WORK/capture.pcap" --direction=out 'udp port 9 or udp port 53 or vlan or arp' 2>"$WORK/tcpdump" &
tcpdump_pid=$!
wait_until 5 grep -q "listening on" "$WORK/tcpdump"
expect_passed "src=198.51.100.1 dst=192.0.2.1" "src=198.51.100.2 dst=192.0.2.1 dport=53" \
	"src=203.0.113.9 dst=192.0.2.1" "src=2001:db8:bad::1 dst=2001:db8::1" \
	"src=198.51.100.1 dst=192.0.2.1 vlan=7"
captured() {
	[[ $(tcpdump -r "$WORK/capture.pcap" 2>/dev/null | wc -l) -ge $1 ]]
}
wait_until 5 captured 5
kill $tcpdump_pid
wait $tcpdump_pid || true

cat >"$WORK/rules" <<'END'
bgo-rules 1
rule xdp whitelist 4 198.51.100.2/32 port 53 proto udp
rule xdp blacklist 7 198.51.100.0/24
rule xdp blacklist 8 2001:db8:bad::/48
rule ingress blacklist 1 203.0.113.0/24
rule egress blacklist 2 192.0.2.1/32
END
cat >"$WORK/wanted" <<'END'
drop blocked_blacklist blacklist 7 198.51.100.0/24
pass allowed_whitelist whitelist 4 198.51.100.2/32 port 53 proto udp
pass allowed_default - - -
drop blocked_blacklist blacklist 8 2001:db8:bad::/48
drop blocked_blacklist blacklist 7 198.51.100.0/24
END
for method in test-run veth; do
	bgo-lab replay "$WORK/capture.pcap" --rules "$WORK/rules" --method $method --json |
		jq -r '[.verdict, .reason, .rule.list // "-", .rule.index // "-", .rule.text // "-"] | map(tostring) | join(" ")' >"$WORK/got"
	expect_same_file "$WORK/wanted" "$WORK/got"
	expect_equal "$(bgo-lab replay "$WORK/capture.pcap" --rules "$WORK/rules" --hook ingress --method $method --json |
		jq -r .verdict | tr '\n' ' ')" "pass pass drop pass pass "
	expect_equal "$(bgo-lab replay "$WORK/capture.pcap" --rules "$WORK/rules" --hook egress --method $method --json |
		jq -r .verdict | tr '\n' ' ')" "drop drop drop pass drop "
done
ok bgo-lab replay "$WORK/capture.pcap" --rules "$WORK/rules"
expect_said "blacklist 7: 198.51.100.0/24"
expect_said "5 packets"
