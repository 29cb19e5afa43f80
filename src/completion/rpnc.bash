# shellcheck shell=bash disable=SC2034,SC2154
# bash completion for rpnc, written by "rpnc --completion bash" from its tables
# of options. src/completion/completion.h describes the columns.

_rpnc_commands() {
@commands@
}

_rpnc_rows() {
	host=- behind=- rows=''
	case $1 in
@rows@
	esac
}

# Sets words to those up to the cursor, and at to the index of each in
# COMP_WORDS, where bash has split them at ":" and "=", too.
_rpnc_words() {
	local line=${COMP_LINE:0:COMP_POINT} i word
	words=() at=()
	for ((i = 0; i <= COMP_CWORD; i++)); do
		word=${COMP_WORDS[i]}
		if [[ $i -eq 0 || -z $COMP_LINE || $line == [[:space:]]* ]]; then
			line=${line#"${line%%[![:space:]]*}"}
			words+=("")
			at+=("$i")
		fi
		if ((i == COMP_CWORD)) && [[ -n $COMP_LINE ]]; then
			word=$line
		fi
		words[-1]+=$word
		line=${line#"$word"}
	done
}

# Reads the rows of a command: names lists its options, row[NAME] has the
# columns of one without its name, and row[-LETTER] its name.
_rpnc_read() {
	local rows mode letter name rest
	names=() row=() operands=- count=0
	_rpnc_rows "$1"
	while IFS=$'\t' read -r mode letter name rest; do
		[[ -n $mode ]] || continue
		names+=("$name")
		row[$name]="$mode	$letter	$rest"
		row[-$letter]=$name
	done <<<"$rows"
}

# Sets the columns of an option; status 1: there is none of that name.
_rpnc_row() {
	[[ -n $1 && -n ${row[$1]} ]] || return
	IFS=$'\t' read -r mode letter takes kind fixed operand clash <<<"${row[$1]}"
}

# Records that an option was given. $2 is "value" if the next word may be its
# value; then wants is its name.
_rpnc_given() {
	local mode letter takes kind fixed operand clash
	_rpnc_row "$1" || return 0
	((mode == 0)) || ((modes &= mode)) || :
	given+=$1,
	[[ $operand == - ]] || operands=$operand
	[[ $2 != value || $takes != =* ]] || wants=$1
}

# The letters of "-rn": the value of one may follow in the same word.
_rpnc_letters() {
	local letters=${1#-} name
	while [[ -n $letters ]]; do
		name=${row[-${letters:0:1}]}
		letters=${letters:1}
		[[ -n $name && $name != - ]] || return 0
		wants=
		_rpnc_given "$name" value
		if [[ -n $wants && -n $letters ]]; then
			wants=
			return 0
		fi
	done
}

# Reads the words before the cursor. It sets command; given to the names of
# options, with commas around; modes to those that the options leave; dashes to
# the index of "--"; count to the number of operands, and first to the first;
# and wants to the option whose value is next.
_rpnc_walk() {
	local i word
	command=rpnc wants='' given=, modes=0xffffffff dashes=''
	_rpnc_read rpnc
	for ((i = 1; i < ${#words[@]} - 1; i++)); do
		word=${words[i]}
		if [[ -n $wants ]]; then
			wants=
		elif [[ -n $dashes || $word == - || $word != -* ]]; then
			if [[ $command == rpnc ]]; then
				command=$word
				_rpnc_read "$command"
			else
				count=$((count + 1))
				[[ $count -gt 1 ]] || first=$word
			fi
		elif [[ $word == -- ]]; then
			dashes=$i
			[[ $behind != command ]] || return 0
		elif [[ $word == --*=* ]]; then
			word=${word#--}
			_rpnc_given "${word%%=*}"
		elif [[ $word == --* ]]; then
			_rpnc_given "${word#--}" value
		else
			_rpnc_letters "$word"
		fi
	done
}

# Offers these words, with $before in front, if they begin with $cur.
_rpnc_reply() {
	local word head=
	[[ $COMP_WORDBREAKS != *[:=]* ]] || head=${cur%"${cur##*[:=]}"}
	for word; do
		word=$before$word
		[[ $word != "$cur"* ]] || COMPREPLY+=("${word#"$head"}")
	done
	[[ ${#COMPREPLY[@]} -ne 1 || ${COMPREPLY[0]} != *[=:/] ]] || compopt -o nospace
}

# Offers the words of a kind.
_rpnc_kind() {
	local list
	case $1 in
	- | nothing) ;;
	files) compopt -o default ;;
	hosts)
		if declare -F _comp_compgen_known_hosts >/dev/null; then
			_comp_compgen_known_hosts -- "${cur#"$before"}"
		elif declare -F _known_hosts_real >/dev/null; then
			_known_hosts_real -- "${cur#"$before"}"
		fi
		mapfile -t list < <(compgen -A hostname -- "${cur#"$before"}")
		_rpnc_reply "${list[@]}"
		;;
	users)
		mapfile -t list < <(compgen -u -- "${cur#"$before"}")
		_rpnc_reply "${list[@]}"
		;;
	commands)
		local commands
		_rpnc_commands
		mapfile -t list <<<"${commands%$'\n'}"
		[[ $command != rpnc ]] || list+=(help)
		_rpnc_reply "${list[@]%%$'\t'*}"
		;;
	*)
		mapfile -t list < <("${words[0]/#\~\//$HOME/}" --complete "$1" \
			"${words[@]:1:${#words[@]}-2}" 2>/dev/null)
		_rpnc_reply "${list[@]%%$'\t'*}"
		;;
	esac
}

# Offers values of an option, behind $before.
_rpnc_value() {
	local mode letter takes kind fixed operand clash list value=${cur#"$before"}
	_rpnc_row "$1" || return 0
	if [[ $takes == ?,* ]]; then
		before+=${value%"${value##*,}"}
	fi
	[[ $fixed == - ]] || IFS='|' read -ra list <<<"$fixed"
	_rpnc_reply "${list[@]}"
	_rpnc_kind "$kind"
}

# Offers the options that suit those that were given.
_rpnc_options() {
	local name mode letter takes kind fixed operand clash list=()
	for name in "${names[@]}"; do
		_rpnc_row "$name"
		((mode == 0 || modes & mode)) || continue
		[[ $given != *,$name,* || $takes == *\* ]] || continue
		local other excluded=
		IFS=, read -ra other <<<"$clash"
		for other in "${other[@]}"; do
			[[ -z $other || $given != *,$other,* ]] || excluded=yes
		done
		[[ -z $excluded ]] || continue
		[[ $letter == - ]] || list+=("-$letter")
		list+=("--$name")
	done
	_rpnc_reply "${list[@]}"
}

# Completes the command behind "--".
_rpnc_behind() {
	local start=${at[dashes + 1]} list
	if declare -F _comp_command_offset >/dev/null; then
		_comp_command_offset "$start"
	elif declare -F _command_offset >/dev/null; then
		_command_offset "$start"
	elif ((dashes + 1 == ${#words[@]} - 1)); then
		mapfile -t list < <(compgen -c -- "$cur")
		_rpnc_reply "${list[@]}"
	else
		compopt -o default
	fi
}

# Offers a host or a port.
_rpnc_operand() {
	if [[ $operands != - && $operands != ports ]]; then
		_rpnc_kind "$operands"
	elif ((count == 0)); then
		_rpnc_kind "$host"
		[[ $host != hosts && $operands != ports ]] || _rpnc_kind ports
	elif ((count == 1)) && [[ $host == hosts || $operands == ports ]]; then
		[[ $first == +([0-9]) ]] || _rpnc_kind ports
	fi
}

_rpnc() {
	local words at command wants given modes dashes count=0 first='' operands=-
	local names host behind before=
	local -A row
	_rpnc_words
	local cur=${words[-1]}
	COMPREPLY=()
	_rpnc_walk
	if [[ -n $wants ]]; then
		_rpnc_value "$wants"
	elif [[ -n $dashes && $behind == command ]]; then
		_rpnc_behind
	elif [[ -z $dashes && $cur == --*=* ]]; then
		before=${cur%%=*}=
		_rpnc_value "${before:2:-1}"
	elif [[ -z $dashes && $cur == -* ]]; then
		_rpnc_options
	else
		_rpnc_operand
	fi
}

complete -F _rpnc rpnc
