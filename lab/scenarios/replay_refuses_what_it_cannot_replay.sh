# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
# Not a capture, not Ethernet, no rules, a bad rule: clear errors; a cut packet is said to be cut.
topology
printf 'bgo-rules 1\n' >"$WORK/rules"
printf 'bgo-rules 1\nrule xdp blacklist 1.2.3\n' >"$WORK/bad"
# A capture by hand: header (link type last), then per packet time, captured and original length.
header='\xd4\xc3\xb2\xa1\x02\0\x04\0\0\0\0\0\0\0\0\0\xff\xff\0\0'
arp='\xff\xff\xff\xff\xff\xff\x02\0\0\0\0\x01\x08\x06\0\0'
{
	printf %b "$header\x01\0\0\0"
	printf %b "\0\0\0\0\0\0\0\0\x10\0\0\0\x10\0\0\0$arp"
	printf %b "\0\0\0\0\0\0\0\0\x10\0\0\0\x40\0\0\0$arp"
	printf %b "\0\0\0\0\0\0\0\0\x04\0\0\0\x04\0\0\0abcd"
} >"$WORK/good.pcap"
bgo-lab replay "$WORK/good.pcap" --rules "$WORK/rules" --json | jq -c '[.packet, .verdict, .reason, .rule]' >"$WORK/got"
cat >"$WORK/wanted" <<'END'
[1,"pass","non_ip",null]
[2,null,"truncated_capture",null]
[3,null,"too_short",null]
END
expect_same_file "$WORK/wanted" "$WORK/got"

printf %b "$header\x65\0\0\0" >"$WORK/raw.pcap"
expect_exit 1 bgo-lab replay "$WORK/raw.pcap" --rules "$WORK/rules"
expect_said "only Ethernet"
expect_exit 1 bgo-lab replay "$WORK/rules" --rules "$WORK/rules"
expect_exit 1 bgo-lab replay "$WORK/none.pcap" --rules "$WORK/rules"
expect_exit 1 bgo-lab replay "$WORK/good.pcap" --rules "$WORK/none"
expect_exit 1 bgo-lab replay "$WORK/good.pcap" --rules "$WORK/bad"
expect_said "$WORK/bad:2:"
expect_exit 2 bgo-lab replay "$WORK/good.pcap"
expect_exit 2 bgo-lab replay --rules "$WORK/rules"
expect_exit 2 bgo-lab replay "$WORK/good.pcap" --rules "$WORK/rules" --hook tc
