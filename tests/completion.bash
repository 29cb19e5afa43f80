# Sourced by completion.bats: asks real shells what they offer for a line.
# shellcheck shell=bash disable=SC2034,SC2154

root=$(cd "$BATS_TEST_DIRNAME/.." && pwd)

lines=() kinds=() wanted=() # what hold will ask

# scripts: writes what the shells read into the directory of the test, and
# gives each an empty home.
scripts() {
	export HOME=$PWD XDG_CONFIG_HOME=$PWD/config XDG_DATA_HOME=$PWD/data
	local shell
	mkdir -p scripts
	for shell in bash zsh fish; do
		test -e "scripts/rpnc.$shell" || rpnc --completion "$shell" >"scripts/rpnc.$shell"
	done
	cp scripts/rpnc.zsh scripts/_rpnc
}

# Each of these reads lines from stdin. For each it writes what Tab would offer
# at its end, a word a line (in zsh and fish with a tab, and what is said of
# it), and then an empty line.
offers_zsh() {
	COMPDUMP=$BATS_FILE_TMPDIR/zcompdump timeout 60 zsh -f "$root/tests/complete.zsh" "$PWD/scripts" 3>&-
}

offers_fish() {
	# shellcheck disable=SC2016
	timeout 60 fish -N -c 'source scripts/rpnc.fish
		while read -l line
			complete -C $line
			echo
		end' 3>&-
}

# bash splits words at ":" and "=", too, as readline does.
offers_bash() {
	# shellcheck disable=SC2016
	timeout 60 bash --norc -c '. scripts/rpnc.bash
		compopt() { [[ $* != "-o default" ]] || files=yes; }
		while IFS= read -r line; do
			COMP_WORDS=() rest=$line files=
			while [[ $rest =~ ^[[:space:]]*([:=]+|[^:=[:space:]]+) ]]; do
				COMP_WORDS+=("${BASH_REMATCH[1]}")
				rest=${rest:${#BASH_REMATCH}}
			done
			[[ $line != *[[:space:]] ]] || COMP_WORDS+=("")
			COMP_LINE=$line COMP_POINT=${#line}
			COMP_CWORD=$((${#COMP_WORDS[@]} - 1))
			COMPREPLY=()
			_rpnc
			word=${line##*[[:space:]:=]}
			[[ -z $files ]] || mapfile -t COMPREPLY < <(compgen -f -- "$word")
			((${#COMPREPLY[@]} == 0)) || printf "%s\n" "${COMPREPLY[@]}"
			echo
		done' 3>&-
}

# expect LINE WORD...: all three shells will offer exactly these words.
# expect_some LINE WORD...: these, and maybe more. Without a word: none.
expect() {
	lines+=("$1")
	kinds+=(exactly)
	wanted+=("$(printf '%s\n' "${@:2}" | sed '/^$/d' | sort -u)")
}

expect_some() {
	expect "$@"
	kinds[-1]=some
}

# hold [SHELL...]: asks each shell once for all lines, and checks the answers.
hold() {
	local shell i parts
	test "$#" -gt 0 || set -- bash zsh fish
	for shell; do
		printf '%s\n' "${lines[@]}" | "offers_$shell" >answers
		mapfile -t -d $'\1' parts < <(sed -E 's/^$/\x01/; s/\t.*//' answers)
		assert_equal "$(grep -c '^$' answers)" "${#lines[@]}"
		for i in "${!lines[@]}"; do
			# bash has only what is new of "--name=a,b"
			sed '/^$/d; s/.*[=,]\(.\)/\1/' <<<"${parts[i]}" | sort -u >got
			case ${kinds[i]} in
			exactly) diff <(sed '/^$/d' <<<"${wanted[i]}") got ;;
			some) comm -23 - got <<<"${wanted[i]}" | diff /dev/null - ;;
			esac || fail "$shell: ${lines[i]}"
		done
	done
	lines=() kinds=() wanted=()
}

# help_rows COMMAND: "NAME<tab>VALUE<tab>HELP", a line for each option.
help_rows() {
	rpnc "$1" --help=all | awk '
	wraps { print name "\t" value "\t" substr($0, 30); wraps = 0; next }
	/^  (-.,|   ) --/ {
		wraps = substr($0, 29, 1) != " "
		name = substr($0, 9, wraps ? 99 : 20)
		sub(/ +$/, "", name)
		value = name
		sub(/[[ ].*/, "", name)
		value = substr(value, length(name) + 1)
		if (!wraps)
			print name "\t" value "\t" substr($0, 30)
	}'
}
