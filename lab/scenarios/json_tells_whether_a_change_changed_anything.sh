# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
# Every change can be asked for again: it is done, and --json tells that nothing changed.
topology
start_server

# changes WANTED COMMAND...: whether it says so, and the generation, which a change makes a new one of, agrees.
generation=1
changes() {
	local wanted=$1 before=$generation
	shift
	expect_json ".changed == $wanted" bgo "$@" --json
	generation=$(json .generation bgo firewall-server status --json)
	[[ $wanted == true || $before == "$generation" ]] || fail "a new generation of: bgo $*"
	[[ $wanted == false || $before != "$generation" || $* == *reset-stats* ]] ||
		fail "no new generation of: bgo $*"
}
update() {
	local wanted=$1
	shift
	changes "$wanted" firewall-update "$@"
}

printf '192.0.2.0/24\n2001:db8::/32\n' >"$WORK/list"
for wanted in true false; do
	update $wanted --xdp --type blacklist --action add --ip 198.51.100.1 --comment one
	update $wanted --egress --type whitelist --action add --ip 2001:db8::1 --port 80,443
	update $wanted --xdp --type blacklist --action load --file "$WORK/list"
	update $wanted --ingress --action policy --policy deny --fragments drop
done
for wanted in true false; do
	update $wanted --xdp --type blacklist --action remove --ip 198.51.100.1 --if-exists
done
for wanted in true false; do
	update $wanted --xdp --type blacklist --action remove --index 1 --if-exists
done
ok bgo firewall-update --action save --file "$WORK/saved"
for wanted in true false; do
	update $wanted --egress --action clear --all
done
for wanted in true false; do
	update $wanted --action restore --file "$WORK/saved"
done
sed 's/^rule xdp blacklist 2 /rule xdp blacklist 7 /' "$WORK/saved" >"$WORK/other-index"
for wanted in true false; do
	update $wanted --action restore --file "$WORK/other-index"
done
sed '/^rule egress/d' "$WORK/other-index" >"$WORK/fewer"
for wanted in true false; do
	update $wanted --action restore --file "$WORK/fewer"
done
for wanted in true false; do
	changes $wanted firewall-ratelimit --enable --pps 1000
	[[ $wanted == true ]] || changes true firewall-ratelimit --enable --pps 1000 --exempt-whitelist
done
changes false firewall-ratelimit --enable --exempt-whitelist
for wanted in true false; do
	changes $wanted firewall-ratelimit --disable
done
# Packets may come at any time, so a reset always has something to do.
changes true firewall-update --xdp --action reset-stats
changes true firewall-ratelimit --reset-stats
