# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
# `make install` honours DESTDIR and PREFIX, `make uninstall` removes exactly what it installed, and a
# configuration that somebody changed is neither overwritten nor removed.
root=$WORK/root
make_it() {
	ok flock "$BGO_BUILD_DIR" env -u MAKEFLAGS -u MAKELEVEL make -s -C "${BASH_SOURCE[0]%/*}/../.." "$1" B="$BGO_BUILD_DIR" \
		DESTDIR="$root" PREFIX="$2"
}
files() {
	(cd "$root" && find . -type f | sort)
}

mkdir -p "$root/usr/local/share/man/man8"
echo "somebody's" >"$root/usr/local/share/man/man8/other.8"
files >"$WORK/before"
make_it install /usr/local
for file in sbin/bgo sbin/bgo-lab share/man/man8/bgo.8 share/man/man8/bgo-firewall-server.8 \
	share/bash-completion/completions/bgo share/zsh/site-functions/_bgo lib/systemd/system/bgo-firewall.service; do
	[[ -e $root/usr/local/$file ]] || fail "not installed: $file"
done
grep -q "^ExecStart=/usr/local/sbin/bgo .* /etc/bgo/firewall.conf$" "$root/usr/local/lib/systemd/system/bgo-firewall.service"
[[ -x $root/usr/local/sbin/bgo ]]
make_it uninstall /usr/local
files >"$WORK/after"
expect_same_file "$WORK/before" "$WORK/after"
[[ ! -e $root/etc/bgo ]]

make_it install /opt/bgo
echo "interface = eth0" >>"$root/etc/bgo/firewall.conf"
cp "$root/etc/bgo/firewall.conf" "$WORK/changed"
make_it install /opt/bgo
expect_same_file "$WORK/changed" "$root/etc/bgo/firewall.conf"
make_it uninstall /opt/bgo
expect_equal "$(files | grep -v other.8)" ./etc/bgo/firewall.conf
