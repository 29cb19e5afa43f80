#compdef rpnc
# zsh completion for rpnc, written by "rpnc --completion zsh" from its tables
# of options. src/completion/completion.h describes the columns.

_rpnc_commands() {
@commands@
}

_rpnc_rows() {
	host=- behind=- rows=
	case $1 in
@rows@
	esac
}

# Reads the rows of a command: names lists its options, row[NAME] has the
# columns of one, and row[-LETTER] its name.
_rpnc_read() {
	local rows line
	names=() row=() operands=- count=0
	_rpnc_rows "$1"
	for line in ${(f)rows}; do
		local columns=("${(@ps:\t:)line}")
		names+=("$columns[3]")
		row[$columns[3]]=$line
		row[-$columns[2]]=$columns[3]
	done
}

# Sets columns to those of an option; status 1: there is none of that name.
_rpnc_row() {
	[[ -n $1 && -n $row[$1] ]] || return
	columns=("${(@ps:\t:)row[$1]}")
}

# Records that an option was given. $2 is "value" if the next word may be its
# value; then wants is its name.
_rpnc_given() {
	local columns
	_rpnc_row "$1" || return 0
	(( columns[1] == 0 )) || (( modes &= columns[1] )) || :
	given[$1]=yes
	[[ $columns[7] == - ]] || operands=$columns[7]
	[[ $2 != value || $columns[4] != '='* ]] || wants=$1
}

# The letters of "-rn": the value of one may follow in the same word.
_rpnc_letters() {
	local letters=${1#-} name
	while [[ -n $letters ]]; do
		name=$row[-$letters[1]]
		letters=${letters[2,-1]}
		[[ -n $name && $name != - ]] || return 0
		wants=
		_rpnc_given "$name" value
		if [[ -n $wants && -n $letters ]]; then
			wants=
			return 0
		fi
	done
}

# Reads the words before the cursor. It sets command; given, by name, to the
# options; modes to those that the options leave; dashes to the index of "--";
# count to the number of operands, and first to the first; and wants to the
# option whose value is next.
_rpnc_walk() {
	local i word
	_rpnc_read rpnc
	for ((i = 2; i < CURRENT; i++)); do
		word=${(Q)words[i]}
		if [[ -n $wants ]]; then
			wants=
		elif [[ -n $dashes || $word == - || $word != -* ]]; then
			if [[ $command == rpnc ]]; then
				command=$word
				_rpnc_read "$command"
			else
				(( ++count > 1 )) || first=$word
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

# Offers lines of WORD<tab>WHAT. A word that ends with "=", ":" or "/" gets no
# space, because more follows.
_rpnc_lines() {
	local line word ends=() open=()
	for line; do
		word=${line%%$'\t'*}
		[[ $line == *$'\t'* ]] && line=${word//:/\\:}:${${line#*$'\t'}//\\/\\\\} ||
			line=${word//:/\\:}
		case $word in
		*[=:/]) open+=("$line") ;;
		*) ends+=("$line") ;;
		esac
	done
	_describe -t values value ends -- open -S ''
}

# Offers the words of a kind.
_rpnc_kind() {
	local commands
	case $1 in
	- | nothing) return 1 ;;
	files) _files ;;
	hosts) _hosts ;;
	users) _users ;;
	commands)
		_rpnc_commands
		[[ $command != rpnc ]] || commands+=$'help\tlist the commands, or the options of one'
		_rpnc_lines "${(@f)commands}"
		;;
	*)
		_rpnc_lines "${(@f)$(_call_program $1 ${(q)${(Q)words[1]}/#\~\//$HOME/} \
			--complete $1 "${(@q)${(@Q)words[2,CURRENT-1]}}" 2>/dev/null)}"
		;;
	esac
}

# Offers values of an option.
_rpnc_value() {
	local columns found=1
	_rpnc_row "$1" || return
	[[ $columns[4] != ?,* ]] || compset -P '*,'
	if [[ $columns[6] != - ]]; then
		_rpnc_lines "${(@s:|:)columns[6]}" && found=0
	fi
	_rpnc_kind "$columns[5]" && found=0
	return found
}

# Offers the options that suit those that were given.
_rpnc_options() {
	local name columns other excluded lines=()
	for name in "${names[@]}"; do
		_rpnc_row "$name"
		(( columns[1] == 0 || modes & columns[1] )) || continue
		[[ -z $given[$name] || $columns[4] == *\* ]] || continue
		excluded=
		for other in ${(s:,:)columns[8]}; do
			[[ -z $given[$other] ]] || excluded=yes
		done
		[[ -z $excluded ]] || continue
		columns[9]=${columns[9]//\\/\\\\}
		[[ $columns[2] == - ]] || lines+=("-$columns[2]:$columns[9]")
		lines+=("--$name:$columns[9]")
	done
	_describe -o -t options option lines
}

# Offers a host or a port.
_rpnc_operand() {
	local found=1
	if [[ $operands != - && $operands != ports ]]; then
		_rpnc_kind "$operands"
		return
	elif (( count == 0 )); then
		_rpnc_kind "$host" && found=0
	elif (( count > 1 )) || [[ $first == <-> ]]; then
		return 1
	fi
	if [[ $host == hosts || $operands == ports ]]; then
		_rpnc_kind ports && found=0
	fi
	return found
}

_rpnc() {
	emulate -L zsh
	setopt extendedglob
	local command=rpnc wants= dashes= first= operands=- host behind
	local -i count=0 modes=0xffffffff
	local -a names
	local -A row given
	_rpnc_walk
	if [[ -n $wants ]]; then
		_rpnc_value "$wants"
	elif [[ -n $dashes && $behind == command ]]; then
		words=("${(@)words[dashes+1,-1]}")
		(( CURRENT -= dashes ))
		_normal
	elif [[ -z $dashes && $PREFIX == --*=* ]]; then
		local name=${${PREFIX%%=*}#--}
		compset -P '*='
		_rpnc_value "$name"
	elif [[ -z $dashes && $PREFIX == -* ]]; then
		_rpnc_options
	else
		_rpnc_operand
	fi
}

# As a file of fpath it is this function's body; else it defines the function.
if [[ $zsh_eval_context[-1] == loadautofunc ]]; then
	_rpnc "$@"
else
	compdef _rpnc rpnc
fi
