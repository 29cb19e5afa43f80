#!/usr/bin/env -S zsh -f
# complete.zsh DIRECTORY: what zsh offers for command lines. Reads a line from
# stdin, writes a line for each word that Tab would offer there, with a tab and
# how a list shows it, and then an empty line. DIRECTORY has _rpnc. COMPDUMP is
# a file in which zsh keeps what its own completions are, which takes seconds.
#
# A second zsh has a terminal (zpty). In it each call of compadd is recorded,
# as the builtin's own -A and -D tell which words suit.
zmodload zsh/zpty || exit 1
export RECORD=$(mktemp) DIRECTORY=$1 LINES=500 COLUMNS=200
trap 'rm -f $RECORD' EXIT

setup='
PROMPT= RPROMPT= LISTMAX=100000
unset zle_bracketed_paste
stty -echo cols 200 rows 500
fpath=($DIRECTORY $fpath)
autoload -Uz compinit && compinit -u -d $COMPDUMP
compadd() {
	if [[ -n ${(M)@:#-(O|A|D)} ]]; then
		builtin compadd "$@"
		return
	fi
	local -a words shown
	local at=${@[(i)-d]} i
	(( at > $# )) || shown=("${(@P)@[at + 1]}")
	builtin compadd -A words -D shown "$@"
	for i in {1..$#words}; do
		(( $#words == 0 )) || print -r -- "$IPREFIX$words[i]"$'\''\t'\''"$shown[i]" >>$RECORD
	done
	builtin compadd "$@"
}
recorded() {
	_main_complete
	compstate[insert]= compstate[list]=
	print -n "<"over">"
}
zle -C recorded complete-word recorded
bindkey "^I" recorded
print "<"ready">"'

zpty shell zsh -f -i
zpty -w shell "$setup"
zpty -r shell heard '*<ready>*' || exit 1
while IFS= read -r line; do
	: >$RECORD
	zpty -n -w shell "$line"$'\t'
	zpty -r shell heard '*<over>*' || exit 1
	cat $RECORD
	print
	zpty -n -w shell $'\x15'
done
zpty -d shell
