# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
# There is a page for every command; it has every option and example of its help, and is well-formed.
pages=$BGO_BUILD_DIR/man
words() {
	# As it is read, in one line, with the hyphens of a terminal as they are typed.
	MANWIDTH=1000 LC_ALL=C man -l "$1" 2>"$OUTPUT" | col -b | tr -s ' \n' ' '
}

bgo help | sed -n 's/^  \(firewall-[a-z-]*\( [a-z-]*\)\{0,1\}\)  .*/\1/p' >"$WORK/commands"
expect_between 5 50 "$(wc -l <"$WORK/commands")" "commands"
while read -r command; do
	page=$pages/bgo-${command%% *}.8
	[[ -e $page ]] || fail "no page: $page"
	words "$page" >"$WORK/words"
	# shellcheck disable=SC2086 # words
	bgo help $command >"$WORK/help"
	sed -n 's/^  \(--[^ ]*\( [^ ]\+\)\{0,1\}\)\(  .*\|$\)/\1/p; s/^  \(bgo .*\)/\1/p; s/^  \([a-z].*[^ ]\)  .*/\1/p' \
		"$WORK/help" | tr -s ' ' >"$WORK/wanted"
	# And what stands beside them.
	awk 'substr($0, 25, 2) == "  " && !/`/ { print substr($0, 27) }' "$WORK/help" | tr -s ' ' >>"$WORK/wanted"
	expect_between 3 150 "$(wc -l <"$WORK/wanted")" "texts of bgo help $command"
	while read -r text; do
		grep -qF -e "$text" "$WORK/words" || fail "$page does not say: $text"
	done <"$WORK/wanted"
	words "$pages/bgo.8" >"$WORK/words"
	grep -qF -e "bgo $command" "$WORK/words" || fail "bgo(8) does not name $command"
done <"$WORK/commands"

words "$pages/bgo-lab.8" >"$WORK/words"
bgo-lab help | sed -n 's/^    \(bgo-lab [a-z]*\).*/\1/p' >"$WORK/wanted"
expect_between 5 50 "$(wc -l <"$WORK/wanted")" "commands of bgo-lab"
while read -r text; do
	grep -qF -e "$text" "$WORK/words" || fail "bgo-lab(8) does not name $text"
done <"$WORK/wanted"

for page in "$pages"/*.8; do
	ok man --warnings -E UTF-8 -l -Tutf8 -Z "$page"
	man --warnings -E UTF-8 -l -Tutf8 -Z "$page" 2>"$OUTPUT" >/dev/null
	expect_equal "$(cat "$OUTPUT")" ""
	ok mandoc -Tlint -W warning "$page"
done
