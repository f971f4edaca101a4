# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
# up, shell, down: a topology under a name, entered from any shell; down leaves no process, link or file.
expect_nothing_left() {
	[[ ! -e /run/bgo-lab ]] || fail "left: $(ls /run/bgo-lab)"
	! pgrep -l sleep || fail "a process is left"
}
expect_exit 1 bgo-lab shell mine true
expect_said "mine is not up"
ok bgo-lab up mine
expect_said "bgo-lab shell mine --client"
ok bgo-lab up other --interfaces 2
expect_exit 1 bgo-lab up mine
expect_said "mine is up already"
bgo-lab list >"$OUTPUT"
expect_said "up: mine (pid "
expect_said "up: other (pid "
[[ ! -e /sys/class/net/s0 ]] || fail "the topology is in our own namespace"

# A firewall in it filters what its client sends, and is not there in the other one.
# shellcheck disable=SC2016 # for the inner shells
ok bgo-lab shell mine bash -c 'bgo firewall-server start --interface s0 >/run/lab/log 2>&1 &
	until bgo firewall-server status >/dev/null 2>&1 && grep -q ready /run/lab/log; do sleep 0.02; done'
ok bgo-lab shell mine --client ping -c 1 -W 3 192.0.2.1
ok bgo-lab shell mine bgo firewall-update --xdp --type blacklist --action add --ip 192.0.2.2
expect_exit 1 bgo-lab shell mine --client ping -c 1 -W 1 192.0.2.1
ok bgo-lab shell mine --client ping -c 1 -W 3 2001:db8::1
ok bgo-lab shell other --client ping -c 1 -W 3 198.18.0.1
expect_exit 1 bgo-lab shell other bgo firewall-server status
expect_exit 3 bgo-lab shell mine bash -c "exit 3"

ok bgo-lab down mine
expect_exit 1 bgo-lab down mine
expect_said "mine is not up"
ok bgo-lab shell other true
# One that was killed is not up, and its name is free.
kill -KILL "$(cat /run/bgo-lab/other)"
wait_until 5 expect_exit 1 bgo-lab shell other true
ok bgo-lab up other
ok bgo-lab down other
expect_nothing_left

# What cannot come up leaves nothing either.
BGO_LAB_DIR=$WORK expect_exit 1 bgo-lab up mine
expect_said "mine did not come up"
expect_nothing_left
for name in "" ../mine "a b" .; do
	expect_exit 2 bgo-lab up "$name"
done
expect_exit 2 bgo-lab up mine --interfaces 3
expect_exit 2 bgo-lab down
