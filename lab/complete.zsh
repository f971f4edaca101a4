# SPDX-License-Identifier: GPL-2.0-or-later
# What zsh offers when Tab is typed behind LINE at a terminal, one a line, into the file OFFERS; the last
# line is FINISHED.
#
#   zsh -f lab/complete.zsh LINE OFFERS
zmodload zsh/zpty
zpty shell "OFFERS=$2 zsh -f -i"
cat >$2.rc <<'END'
PS1= PS2=
fpath=($BGO_BUILD_DIR/completion $fpath)
autoload -Uz compinit
compinit -D -u
# What is offered goes through here; with -O, -A or -D it only asks.
compadd() {
	if [[ ${@[1,(i)(-|--)]} == *-[a-zA-Z0-9]#[OAD](| *) ]]; then
		builtin compadd "$@"
		return
	fi
	local -a hits
	builtin compadd -A hits "$@"
	print -rl -- $hits >>$OFFERS
	builtin compadd "$@"
}
complete-and-tell() {
	zle list-choices
	print FINISHED >>$OFFERS
}
zle -N complete-and-tell
bindkey '^I' complete-and-tell
print RC-LOADED
END
zpty -w shell ". $2.rc"
zpty -r -m shell out $'*RC-LOADED\r\n*'
zpty -n -w shell "$1"$'\t'
until [[ -e $2 ]] && grep -q FINISHED $2; do
	sleep 0.02
done
zpty -d shell
