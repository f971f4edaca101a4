# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
# bash offers commands, options, the words of a choice, interfaces and files: what the tables of the program
# have.

# What it offers for the last of these words.
offers() {
	# shellcheck disable=SC2016 # expanded there
	bash --norc -c '
		. "$BGO_BUILD_DIR/completion/bgo"
		COMP_WORDS=("$@") COMP_CWORD=$(($# - 1))
		_bgo
		echo $(printf "%s\n" "${COMPREPLY[@]}" | sort)' bash "$@"
}

expect_equal "$(offers bgo firewall-)" "firewall-lvs firewall-ratelimit firewall-server firewall-update"
expect_equal "$(offers bgo help st)" "start status"
expect_equal "$(offers bgo start --m)" "--max-connections --max-rules --mode"
expect_equal "$(offers bgo firewall-server start --mode '')" "auto generic native"
expect_equal "$(offers bgo firewall-server start --mode =)" "auto generic native"
expect_equal "$(offers bgo firewall-server start --mode = g)" "generic"
expect_equal "$(offers bgo firewall-server cleanup)" "cleanup-maps"
expect_equal "$(offers bgo update --action re)" "remove reset-stats restore revert"
expect_equal "$(offers bgo update --xdp --type '')" "blacklist whitelist"
expect_equal "$(offers bgo update --xdp --ty)" "--type"
expect_equal "$(offers bgo update --ip '')" ""
expect_equal "$(offers bgo nonsense '')" ""

ip link add made-here type veth peer name there-too
expect_equal "$(offers bgo start --interface m)" "made-here"
mkdir -p "$WORK/files/a-directory"
touch "$WORK/files/a-file"
expect_equal "$(offers bgo update --file "$WORK/files/a")" "$WORK/files/a-directory $WORK/files/a-file"
expect_equal "$(offers bgo status --pin-path "$WORK/files/a")" "$WORK/files/a-directory"

# Whatever help names is offered, too.
bgo help | sed -n 's/^  \(firewall-[a-z-]*\( [a-z-]*\)\{0,1\}\)  .*/\1/p' >"$WORK/commands"
expect_between 5 50 "$(wc -l <"$WORK/commands")" "commands"
while read -r command; do
	# shellcheck disable=SC2086 # words
	expect_equal "$(offers bgo $command --)" "$(bgo help $command |
		sed -n 's/^  \(--[a-z0-9-]*\).*/\1/p' | { cat; echo --help; } | sort | tr '\n' ' ' | sed 's/ $//')"
done <"$WORK/commands"

# An alias, of one word or two, as what it is for.
bgo help | sed -n '/^Aliases:/,/^$/s/^  \([a-z-]*\( [a-z-][a-z-]*\)\{0,1\}\)  *\(.*\)/\1:\3/p' >"$WORK/aliases"
expect_between 5 50 "$(wc -l <"$WORK/aliases")" "aliases"
while IFS=: read -r alias command; do
	# shellcheck disable=SC2086 # words
	expect_equal "$(offers bgo $alias)" "${alias##* }"
	# shellcheck disable=SC2086 # words
	expect_equal "$(offers bgo $alias --)" "$(offers bgo $command --)"
done <"$WORK/aliases"
