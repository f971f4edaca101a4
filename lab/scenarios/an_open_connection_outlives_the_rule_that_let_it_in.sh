# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
# Connections that are open when deny --stateful begins are known to it, also those in which the next to speak is
# the other end. So it is no danger to an SSH connection, and the policy without it is.
topology
start_server
cp "$(command -v socat)" "$WORK/sshd" # what counts is what the process calls itself
"$WORK/sshd" TCP6-LISTEN:22,ipv6only=0,fork,reuseaddr PIPE &
listening() {
	ss -Hltn "( sport = :$1 )" | grep -q .
}
wait_until 10 listening 22
# connect NAME ADDRESS: an idle connection of the client.
connect() {
	mkfifo "$WORK/$1.in"
	on_client socat "PIPE:$WORK/$1.in!!CREATE:$WORK/$1.out" "TCP:$2:22" &
	eval "exec {$1}<>\"$WORK/$1.in\""
	says "$1" hello
}
# says NAME TEXT: the client does, and is answered.
says() {
	echo "$2" >&"${!1}"
	wait_until 10 grep -qx "$2" "$WORK/$1.out"
}
connect four 192.0.2.1
connect six '[2001:db8::1]'
policy() {
	bgo firewall-update --action policy "$@"
}
for hook in xdp ingress; do
	ok policy --$hook --policy deny --stateful
	says four "at $hook"
	says six "at $hook"
	expect_exit 1 policy --$hook --policy deny
	expect_said "refused: it would cut off the SSH connection of "
done
expect_exit 1 policy --egress --policy deny
expect_said "dropped at egress by the default policy deny"
expect_exit 1 on_client socat -u OPEN:/dev/null TCP:192.0.2.1:22,connect-timeout=1

# Let in by a rule; then that is gone.
bgo firewall-update --xdp --type whitelist --action add --ip 192.0.2.0/24 --port 22 --quiet
bgo firewall-update --ingress --type whitelist --action add --ip 192.0.2.0/24 --port 22 --quiet
connect late 192.0.2.1
whole() {
	json .connections.established bgo firewall-lvs status --json
}
ok bgo firewall-update --xdp --type blacklist --action add --ip 203.0.113.9
expect_equal "$(whole)" 2 # it needs none of their room yet
ok bgo firewall-update --xdp --type whitelist --action clear
ok bgo firewall-update --ingress --type whitelist --action clear
expect_equal "$(whole)" 3
says late still
expect_exit 1 on_client socat -u OPEN:/dev/null TCP:192.0.2.1:22,connect-timeout=1
# A blacklist ends it.
expect_exit 1 bgo firewall-update --xdp --type blacklist --action add --ip 192.0.2.2
expect_said "refused: it would cut off the SSH connection of 192.0.2.2"
