# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
# The real fail2ban, reading a log of this scenario's own: it bans for a time, for longer when it comes again,
# unbans, and at its end takes its own rules along and nobody else's.
command -v fail2ban-server >/dev/null || skip "fail2ban is not installed"
topology
start_server
F2B=$WORK/fail2ban
LOG=$WORK/auth.log
cp -r /etc/fail2ban "$F2B"
rm -rf "$F2B"/jail.d/* "$F2B/jail.local"
cp "${BASH_SOURCE[0]%/*}/../../packaging/fail2ban-bgo.conf" "$F2B/action.d/bgo.conf"
cat >"$F2B/fail2ban.local" <<END
[DEFAULT]
logtarget = $WORK/fail2ban.log
socket = $F2B/socket
pidfile = $F2B/pid
dbfile = $F2B/db
END
printf '[Definition]\nfailregex = ^\\s*refused <HOST>$\n' >"$F2B/filter.d/lab.conf"
cat >"$F2B/jail.local" <<END
[lab]
enabled = true
filter = lab
backend = polling
logpath = $LOG
maxretry = 3
findtime = 10m
bantime = 1h
bantime.increment = true
bantime.multipliers = 1 1200
banaction = bgo
usedns = no
END
: >"$LOG"

fail2ban() {
	fail2ban-client -c "$F2B" "$@"
}
start_fail2ban() {
	fail2ban-server -c "$F2B" -f -x start >"$WORK/fail2ban.out" 2>&1 &
	FAIL2BAN=$!
	wait_until 20 fail2ban status lab
}
refuse() {
	for _ in 1 2 3; do
		echo "$(date '+%Y-%m-%d %H:%M:%S') refused $1" >>"$LOG"
	done
}
rule_is() {
	bgo firewall-update --xdp --action list --type blacklist --json |
		jq -e "[.blacklist[] | select(.address | startswith(\"$1\"))] | $2"
}

ok bgo firewall-update --xdp --type blacklist --action add --ip 198.51.100.9 --comment "of the admin"
start_fail2ban
expect_passed "src=198.51.100.1 dst=192.0.2.1" "src=2001:db8::66 dst=2001:db8::1"

# An address of each family, for an hour.
refuse 198.51.100.1
refuse 2001:db8::66
for address in 198.51.100.1 2001:db8::66; do
	wait_until 20 rule_is $address \
		'length == 1 and .[0].comment == "fail2ban lab" and .[0].ttl_seconds > 3500 and .[0].ttl_seconds <= 3600'
done
expect_dropped "src=198.51.100.1 dst=192.0.2.1" "src=2001:db8::66 dst=2001:db8::1"
expect_passed "src=198.51.100.2 dst=192.0.2.1" "src=2001:db8::67 dst=2001:db8::1"

# Unbanned by hand.
ok fail2ban set lab unbanip 198.51.100.1
wait_until 10 rule_is 198.51.100.1 'length == 0'
expect_passed "src=198.51.100.1 dst=192.0.2.1"

# Unbanned in time; when it comes again it is banned for longer: the ban is prolonged.
ok fail2ban set lab bantime 2
refuse 198.51.100.5
wait_until 20 grep -q "Unban 198.51.100.5" "$WORK/fail2ban.log"
wait_until 20 rule_is 198.51.100.5 'length == 0'
refuse 198.51.100.5
wait_until 20 rule_is 198.51.100.5 'length == 1 and .[0].ttl_seconds > 2000'
grep -q "Increase Ban 198.51.100.5" "$WORK/fail2ban.log" || fail "$(cat "$WORK/fail2ban.log")"
ok fail2ban set lab bantime 3600

# What the admin blocked stays blocked when fail2ban unbans it.
ok fail2ban set lab banip 198.51.100.9
ok fail2ban set lab unbanip 198.51.100.9
rule_is 198.51.100.9 'length == 1 and .[0].comment == "of the admin" and .[0].ttl_seconds == null'

# At its end the bans go, in one change; a new start has them again.
ok fail2ban stop
wait "$FAIL2BAN"
expect_equal "$(json '[.blacklist[].comment] | join(",")' bgo firewall-update --xdp --action list --json)" "of the admin"
start_fail2ban
wait_until 20 rule_is 2001:db8::66 'length == 1 and .[0].ttl_seconds <= 3600'

# When the firewall is gone fail2ban is told so, and when it is back it goes on.
stop_server TERM
ok bgo firewall-server cleanup-maps --force
ok fail2ban set lab banip 198.51.100.7
wait_until 10 grep -q "Invariant check failed" "$WORK/fail2ban.log"
start_server
ok fail2ban set lab banip 198.51.100.8
wait_until 10 rule_is 198.51.100.8 'length == 1'
ok fail2ban stop
wait "$FAIL2BAN"
