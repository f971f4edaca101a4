# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
# zsh, at a terminal, offers what bash does.
command -v zsh >/dev/null || skip "zsh is not installed"

offers() {
	rm -f "$WORK/offers"
	zsh -f "${BASH_SOURCE[0]%/*}/../complete.zsh" "$1" "$WORK/offers"
	grep -v FINISHED "$WORK/offers" | sort | xargs
}

expect_equal "$(offers "bgo firewall-")" "firewall-lvs firewall-ratelimit firewall-server firewall-update"
expect_equal "$(offers "bgo help firewall-server c")" "cleanup-maps"
expect_equal "$(offers "bgo start --mode=g")" "generic"
expect_equal "$(offers "bgo update --action re")" "remove reset-stats restore revert"
ip link add made-here type veth peer name there-too
expect_equal "$(offers "bgo start --interface m")" "made-here"
mkdir -p "$WORK/files/a-directory"
touch "$WORK/files/a-file"
expect_equal "$(offers "bgo update --file $WORK/files/a")" "a-directory a-file"
