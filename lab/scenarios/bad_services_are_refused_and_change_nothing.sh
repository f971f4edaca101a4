# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
# Every mistake about services is told and changes nothing; what the host lacks is told as a warning.
topology
start_server
ok bgo firewall-lvs add-dnat --vip 192.0.2.1 --vport 80 --rip 10.0.0.1 --rport 8080
expect_said "this machine does not forward IPv4, so nothing reaches the servers; type: sysctl -w net.ipv4.ip_forward=1"
expect_not_said "is on no interface"
ok bgo firewall-lvs add-dnat --vip 2001:db8::99 --vport 80 --rip 2001:db8:5::1 --rport 80 --mode fullnat
expect_said "warning: 2001:db8::99 is on no interface of this machine"
expect_said "this machine does not forward IPv6, so nothing reaches the servers; type: sysctl -w net.ipv6.conf.all.forwarding=1"
save() {
	bgo firewall-update --action save --file - >"$WORK/$1"
}
save before
add=(bgo firewall-lvs add-dnat --vip 192.0.2.1 --vport 80)
refused() {
	local code=$1 said=$2
	shift 2
	expect_exit "$code" "$@"
	expect_said "$said"
	save after
	expect_same_file "$WORK/before" "$WORK/after"
}
refused 1 "has server 10.0.0.1:8080 already" "${add[@]}" --rip 10.0.0.1 --rport 8080
refused 1 "has mode nat" "${add[@]}" --rip 10.0.0.2 --rport 8080 --mode fullnat
refused 2 "one is IPv4, the other IPv6" "${add[@]}" --rip 2001:db8::1 --rport 8080
refused 2 "--weight" "${add[@]}" --rip 10.0.0.2 --rport 8080 --weight 0
refused 2 "--rport" "${add[@]}" --rip 10.0.0.2 --rport 0
refused 2 "--vport" bgo firewall-lvs add-dnat --vip 192.0.2.1 --vport 0 --rip 10.0.0.2 --rport 1
refused 2 "go together" "${add[@]}" --rip 10.0.0.2
refused 2 "say which server" "${add[@]}"
refused 2 "one address is needed, not a network" "${add[@]}" --rip 10.0.0.0/24 --rport 80
refused 2 "not the address of one host" "${add[@]}" --rip 224.0.0.1 --rport 80
refused 2 "--rport must be the same as --vport" bgo firewall-lvs add-dnat --vip 192.0.2.1 --vport 81 --rip 10.0.0.2 --rport 80 --mode dsr
refused 1 "there is no service tcp 192.0.2.1:81" bgo firewall-lvs remove-dnat --vip 192.0.2.1 --vport 81
refused 1 "there is no service udp 192.0.2.1:80" bgo firewall-lvs disable --vip 192.0.2.1 --vport 80 --protocol udp
refused 1 "has no server 10.0.0.2:8080" bgo firewall-lvs remove-dnat --vip 192.0.2.1 --vport 80 --rip 10.0.0.2 --rport 8080
refused 1 "has no server 10.0.0.2:8080" bgo firewall-lvs drain --vip 192.0.2.1 --vport 80 --rip 10.0.0.2 --rport 8080
refused 1 "there is no service tcp 192.0.2.1:81" bgo firewall-lvs set --vip 192.0.2.1 --vport 81 --max-new 5
refused 2 "say what to set" bgo firewall-lvs set --vip 192.0.2.1 --vport 80
refused 2 "say which service" bgo firewall-lvs set --max-new 5
refused 2 "--max-new" bgo firewall-lvs set --vip 192.0.2.1 --vport 80 --max-new 1G
set=(bgo firewall-lvs set --vip 192.0.2.1 --vport 80)
refused 1 "has check none, which has no such option" "${set[@]}" --interval 5
refused 2 "--path goes with --check http" "${set[@]}" --check tcp --path /
refused 2 "--check none has no options" "${set[@]}" --check none --rise 2
refused 2 "not an absolute path" "${set[@]}" --check http --path health
refused 1 "has check http, which has no such option" "${set[@]}" --check http --path "/a b"
refused 2 "more than 63 characters" "${set[@]}" --check http --path "/$(printf '%063d' 0)"
refused 2 "--fall" "${set[@]}" --check tcp --fall 0
refused 2 "--timeout" "${set[@]}" --check tcp --timeout 3601
refused 2 "--check" "${set[@]}" --check icmp
for line in "check icmp" "check tcp path /x" "check tcp rise 0" "check tcp interval 3601" "check http path x" \
	"check tcp up" "check tcp max-new 5" "max-new 0"; do
	echo "bgo-rules 1
service 192.0.2.1 port 80 proto tcp mode nat enabled $line" >"$WORK/bad"
	refused 1 "$WORK/bad:2:" bgo firewall-update --action restore --file "$WORK/bad"
done
refused 0 "was already set so" bgo firewall-lvs set --vip 192.0.2.1 --vport 80 --max-new 0
refused 0 "Nothing to remove" bgo firewall-lvs remove-dnat --vip 192.0.2.1 --vport 81 --if-exists
# As many services as there can be, and one more.
{
	cat "$WORK/before"
	for ((port = 1000; port < 1062; port++)); do
		echo "service 192.0.2.1 port $port proto udp mode nat"
	done
} >"$WORK/many"
ok bgo firewall-update --action restore --file "$WORK/many"
save before
refused 1 "there are 64 services already" bgo firewall-lvs add-dnat --vip 192.0.2.1 --vport 999 --rip 10.0.0.2 --rport 80
echo "service 192.0.2.1 port 2000 proto udp mode nat" >>"$WORK/many"
refused 1 "more services than there can be" bgo firewall-update --action restore --file "$WORK/many"
