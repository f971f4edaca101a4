# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
# replay --expect: silent when all is as expected, else each packet that differs; --write-drops: the dropped.
printf 'bgo-rules 1\nrule xdp blacklist 3 198.51.100.0/24\n' >"$WORK/rules"
bgo-lab frames "$WORK/capture.pcap" "src=198.51.100.1 dst=192.0.2.1" "src=203.0.113.9 dst=192.0.2.1" \
	"src=198.51.100.2 dst=192.0.2.1 vlan=7" "ethertype=0x0806"
bgo-lab replay "$WORK/capture.pcap" --rules "$WORK/rules" --json >"$WORK/expect"
expect_equal "$(jq -r .verdict "$WORK/expect" | tr '\n' ' ')" "drop pass drop pass "

replay_expecting() {
	bgo-lab replay "$WORK/capture.pcap" --rules "$WORK/rules" --method "$method" --expect "$1" 2>"$WORK/stderr"
}
for method in test-run veth; do
	expect_equal "$(replay_expecting "$WORK/expect")" ""

	# Another verdict, another rule, another reason; then a packet too few and one too many.
	sed '1s/drop/pass/; 3s/"index": 3/"index": 4/; 4s/non_ip/exempt/' "$WORK/expect" >"$WORK/changed"
	expect_exit 1 replay_expecting "$WORK/changed"
	expect_equal "$(grep ^packet "$OUTPUT" | tr '\n' ' ')" "packet 1: packet 3: packet 4: "
	expect_said '  expected {"packet": 4, "verdict": "pass", "reason": "exempt", "rule": null}'
	expect_said '  got      {"packet": 4, "verdict": "pass", "reason": "non_ip", "rule": null}'
	expect_equal "$(tail -n 1 "$WORK/stderr")" "bgo-lab: 3 packets are not as $WORK/changed expects"
	head -n 3 "$WORK/expect" >"$WORK/short"
	expect_exit 1 replay_expecting "$WORK/short"
	expect_said "expected nothing"
	{
		cat "$WORK/expect"
		echo '{"packet": 5, "verdict": "pass", "reason": "non_ip", "rule": null}'
	} >"$WORK/long"
	expect_exit 1 replay_expecting "$WORK/long"
	expect_said "got      nothing"
done
echo '{"packet": 1,' >"$WORK/broken"
expect_exit 1 bgo-lab replay "$WORK/capture.pcap" --rules "$WORK/rules" --expect "$WORK/broken"
expect_said "$WORK/broken:1: not a line of"
expect_exit 1 bgo-lab replay "$WORK/capture.pcap" --rules "$WORK/rules" --expect "$WORK/none"
expect_exit 2 bgo-lab replay "$WORK/capture.pcap" --rules "$WORK/rules" --expect "$WORK/expect" --json

# What was dropped, as captured, is a capture that replays.
ok bgo-lab replay "$WORK/capture.pcap" --rules "$WORK/rules" --write-drops "$WORK/drops.pcap"
bgo-lab frames "$WORK/wanted.pcap" "src=198.51.100.1 dst=192.0.2.1" "src=198.51.100.2 dst=192.0.2.1 vlan=7"
expect_equal "$(tcpdump -ttxxr "$WORK/drops.pcap" 2>/dev/null | grep 0x)" \
	"$(tcpdump -ttxxr "$WORK/wanted.pcap" 2>/dev/null | grep 0x)"
expect_equal "$(bgo-lab replay "$WORK/drops.pcap" --rules "$WORK/rules" --json | jq -r .verdict | tr '\n' ' ')" "drop drop "
cp "$WORK/capture.pcap" "$WORK/copy.pcap"
expect_exit 1 bgo-lab replay "$WORK/capture.pcap" --rules "$WORK/rules" --write-drops "$WORK/capture.pcap"
expect_said "is the capture itself"
expect_same_file "$WORK/copy.pcap" "$WORK/capture.pcap"
expect_exit 1 bgo-lab replay "$WORK/capture.pcap" --rules "$WORK/rules" --write-drops /dev/full
expect_said "No space left"
