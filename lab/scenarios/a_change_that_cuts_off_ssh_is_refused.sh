# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
# A change that would drop the packets of a live SSH connection, in either direction, at any hook, is refused
# and changes nothing; the connection tells whether that was right. --force does it all the same.
topology
start_server
cp "$(command -v socat)" "$WORK/sshd" # what counts is what the process calls itself
install -m 0755 "$(command -v socat)" "$WORK/webd"
"$WORK/sshd" TCP6-LISTEN:22,ipv6only=0,fork,reuseaddr PIPE &
"$WORK/sshd" TCP4-LISTEN:2222,fork,reuseaddr PIPE &
"$WORK/webd" TCP4-LISTEN:8080,fork,reuseaddr PIPE &
listening() {
	ss -Hltn "( sport = :$1 )" | grep -q .
}
for port in 22 2222 8080; do
	wait_until 10 listening "$port"
done

# connect NAME ADDRESS PORT: a connection that stays, to be written to.
connect() {
	mkfifo "$WORK/$1.in"
	on_client socat -u "PIPE:$WORK/$1.in" "TCP:$2:$3" &
	exec {writer}<>"$WORK/$1.in"
	wait_until 10 established "$3" "$2"
}
established() {
	ss -Htn state established "( sport = :$1 )" | grep -qF "${2//[\[\]]/}"
}
connect mapped 192.0.2.1 22
mapped=$writer
connect other 192.0.2.1 2222
connect web 192.0.2.1 8080
connect six '[2001:db8::1]' 22

generation() {
	json .generation bgo firewall-server status --json
}
# refused PEER CAUSE OPTION...
refused() {
	local peer=$1 cause=$2 before
	shift 2
	before=$(generation)
	expect_exit 1 bgo firewall-update "$@"
	expect_said "refused: it would cut off the SSH connection of $peer port "
	expect_said "$cause"
	expect_said "nothing was changed"
	expect_equal "$(generation)" "$before"
}
# done_with OPTION...: it is not refused; undone again.
done_with() {
	ok bgo firewall-update "$@" --confirm 1h
	ok bgo firewall-update --action revert --force
}
for hook in xdp ingress; do
	refused 192.0.2.2 "dropped at $hook by blacklist rule " --$hook --type blacklist --action add --ip 192.0.2.0/24
	refused 192.0.2.2 "port 22: dropped at $hook by" --$hook --type blacklist --action add --ip 192.0.2.2 --port 22 --protocol tcp
	refused 192.0.2.2 "port 2222: dropped at $hook by" --$hook --type blacklist --action add --ip 0.0.0.0/0 --port 2000-3000
	refused 2001:db8::2 "dropped at $hook by" --$hook --type blacklist --action add --ip 2001:db8::/64
	done_with --$hook --type blacklist --action add --ip 192.0.2.3
	done_with --$hook --type blacklist --action add --ip 192.0.2.2 --port 8080
	done_with --$hook --type blacklist --action add --ip 192.0.2.2 --protocol udp
done
port=$(ss -Htn state established '( sport = :22 )' | awk '/192.0.2.2/ { sub(/.*:/, "", $4); print $4 }')
refused 192.0.2.2 "dropped at egress by blacklist rule " --egress --type blacklist --action add --ip 192.0.2.2 --port "$port"
refused 2001:db8::2 "dropped at egress by" --egress --type blacklist --action add --ip ::/0 --port 1024-65535
done_with --egress --type blacklist --action add --ip 192.0.2.2 --port 22
for hook in xdp ingress egress; do
	refused 192.0.2.2 ", and 2 more: dropped at $hook by the default policy deny" --$hook --action policy --policy deny
done
printf '%s\n' 198.51.100.0/24 192.0.2.2 >"$WORK/list"
refused 192.0.2.2 "by blacklist rule 1: 192.0.2.2/32" --xdp --type blacklist --action load --file "$WORK/list"
printf '%s\n' "bgo-rules 1" "policy egress deny" "rule egress whitelist 192.0.2.0/24" >"$WORK/rules"
refused 2001:db8::2 "dropped at egress by the default policy" --action restore --file "$WORK/rules"
refused 2001:db8::2 "dropped at egress by the default policy" --action restore --file "$WORK/rules" --confirm 60s

# With a whitelist first it is no danger; taking that away is.
for hook in xdp ingress egress; do
	bgo firewall-update --$hook --type whitelist --action add --ip 192.0.2.2 --quiet
	bgo firewall-update --$hook --type whitelist --action add --ip 2001:db8::2 --protocol tcp --quiet
	ok bgo firewall-update --$hook --action policy --policy deny
	refused 192.0.2.2 "dropped at $hook by the default policy" --$hook --type whitelist --action remove --ip 192.0.2.2
	refused 192.0.2.2 "dropped at $hook by the default policy" --$hook --type whitelist --action clear
	refused 192.0.2.2 "dropped at $hook by the default policy" --$hook --action clear --all
	done_with --$hook --action policy --policy allow
done
# Undoing a change may cut off as well.
ok bgo firewall-update --xdp --type whitelist --action remove --ip 192.0.2.2 --force --confirm 1h
ok bgo firewall-update --action revert

# What is said is true: forced, nothing comes through any more; and then the next one is refused for nothing.
echo before >&"$mapped"
ok bgo firewall-update --xdp --type whitelist --action remove --ip 192.0.2.2 --force
received() {
	ss -tinH state established '( sport = :22 )' | grep -A1 192.0.2.2 | grep -o 'bytes_received:[0-9]*'
}
was=$(received)
[[ -n $was ]]
echo after >&"$mapped"
wait_until 10 counted_at_least xdp blocked_default 1
expect_equal "$(received)" "$was"
ok bgo firewall-update --ingress --type whitelist --action remove --ip 192.0.2.2
