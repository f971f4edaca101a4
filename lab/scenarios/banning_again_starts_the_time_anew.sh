# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
# What scripts and fail2ban do: ban for a time, again for longer, for good; and each says what it changed.
# The time is a point in time: it survives a restart, save and restore.
topology
start_server
ban() {
	bgo firewall-update --xdp --type blacklist --action add --ip 198.51.100.7 --json "$@"
}
list() {
	bgo firewall-update --xdp --action list --json
}
expires() {
	json '.blacklist[0].expires' list
}
expect_json '.changed and .rules[0].changed and .rules[0].ttl_seconds == 3600' ban --ttl 1h --comment sshd
expect_dropped "src=198.51.100.7 dst=192.0.2.1"
first=$(expires)
expect_json '.changed and .rules[0].changed and .rules[0].index == 0 and .rules[0].ttl_seconds == 93784' \
	ban --ttl 1d2h3m4s
expect_json '.blacklist | length == 1 and .[0].index == 0 and .[0].hits == 1 and .[0].comment == "sshd" and
	.[0].ttl_seconds > 90000' list
[[ $(expires) > $first ]] || fail "not later than $first: $(expires)"

ok bgo firewall-update --action save --file "$WORK/saved"
grep -qF " expires $(expires) " "$WORK/saved" || fail "not saved:" "$(cat "$WORK/saved")"
stop_server TERM
start_server
ok bgo firewall-update --action save --file "$WORK/again"
expect_same_file "$WORK/saved" "$WORK/again"
ok bgo firewall-update --xdp --type blacklist --action clear
ok bgo firewall-update --action restore --file "$WORK/saved"
ok bgo firewall-update --action save --file "$WORK/again"
expect_same_file "$WORK/saved" "$WORK/again"

ok bgo firewall-update --xdp --type blacklist --action add --ip 198.51.100.7 --ttl 1h
expect_said "already present (index 0): 198.51.100.7, for 1h"
expect_json '.changed and .rules[0].expires == null' ban
expect_json '.changed == false and .rules[0].changed == false' ban
# Banned for good is not unbanned by a script that bans for ten minutes.
expect_json '.changed == false and .rules[0].expires == null' ban --ttl 10m
ok bgo firewall-update --xdp --type blacklist --action add --ip 198.51.100.7 --ttl 10m
expect_said "rule 0 was there already, for good, and stays so"

# A whole list, and what ipset says is left of an entry's own time.
printf '203.0.113.1\nadd bad 203.0.113.2 timeout 60\nadd bad 203.0.113.3 timeout 0\n' >"$WORK/list"
ok bgo firewall-update --xdp --type blacklist --action load --file "$WORK/list" --ttl 2h
expect_json '[.blacklist[1:][].ttl_seconds / 60 | ceil] == [120, 1, 120]' list
expect_json '.changed and .added == 0 and .present == 3 and .renewed >= 2' bgo firewall-update --xdp \
	--type blacklist --action load --file "$WORK/list" --ttl 3h --json

# Expired in the meantime: left out, said, and the index is not given again.
printf 'bgo-rules 1\nrule xdp blacklist 4 198.51.100.8 expires 2020-01-01T00:00:00Z\n' >"$WORK/old"
ok bgo firewall-update --action restore --file "$WORK/old"
expect_said "Restored 0 rules"
expect_said "1 rule of $WORK/old had expired and was left out"
ok bgo firewall-update --xdp --type blacklist --action add --ip 198.51.100.8
expect_said "blacklist rule 5"

for ttl in 0 0s -5s 10x forever 1h30 30m1h "" 1.5h 99999999999999999999s 50000d; do
	expect_exit 2 bgo firewall-update --xdp --type blacklist --action add --ip 192.0.2.1 --ttl "$ttl"
	expect_said "--ttl: '$ttl': "
done
expect_exit 1 bgo firewall-update --xdp --type blacklist --action add --ip 192.0.2.1 --ttl 49000d
expect_said "that is after 2106-02-07"
expect_exit 2 bgo firewall-update --xdp --type blacklist --action remove --index 5 --ttl 5s
