# Sourced by tests in real terminals (tmux): opens panes, types keys, and reads
# what is shown. NAME is a pane; a wait is limited by eventually.
# shellcheck shell=bash disable=SC2034,SC2154

shopt -s extglob

clients=() # descriptors that client opened
terminals= # set once the tmux server runs

tm() {
	tmux -S "$BATS_TEST_TMPDIR/tmux" -f /dev/null "$@" 3>&-
}

teardown() {
	tm kill-server 2>/dev/null || true
	stop
}

# server_of_terminals [COMMAND...]: starts tmux with one window, which keeps it
# alive. New panes have the size $terminal_size, or 80x24.
server_of_terminals() {
	export XDG_STATE_HOME=$BATS_TEST_TMPDIR/state INPUTRC=/dev/null
	export TERM=screen PS1='$ '
	unset HISTFILE NO_COLOR PROMPT_COMMAND TMUX
	tm new-session -d -x 80 -y 24 -n idle cat \
		\; set-option -g remain-on-exit on \
		\; set-option -g history-limit 20000 \
		\; set-option -g default-size "${terminal_size:-80x24}" "$@"
	terminals=yes
}

# pane NAME COMMAND...: runs the command in a terminal of its own.
pane() {
	local window=(new-window -d -n "$1" "${@:2}")
	if test -n "$terminals" || tm has-session 2>/dev/null; then
		tm "${window[@]}"
	else
		server_of_terminals \; "${window[@]}"
	fi
}

# shell NAME: starts an interactive shell there, with job control.
shell() {
	pane "$1" bash --norc --noprofile +o history
	prompts "$1" '$'
}

# captured ARG...: sets $rows to the rows of a pane, without trailing spaces and
# without empty rows at the end.
captured() {
	mapfile -t rows < <(exec tmux -S "$BATS_TEST_TMPDIR/tmux" -f /dev/null \
		capture-pane -p "$@" 3>&-)
	rows=("${rows[@]%%*( )}")
	while ((${#rows[@]} > 0)) && [[ -z ${rows[-1]} ]]; do unset 'rows[-1]'; done
}

# text_of NAME: sets $text to all that was shown there; a wrapped line is one.
text_of() {
	local IFS=$'\n' rows
	captured -J -S - -t "$1"
	text="${rows[*]}"
}

# screen NAME: prints the same.
screen() {
	local text
	text_of "$1"
	printf '%s\n' "$text"
}

# now NAME: sets $line to the last line that is not empty (the prompt).
now() {
	local text
	text_of "$1"
	line=${text##*$'\n'}
}

shows() {
	[[ $(exec tmux -S "$BATS_TEST_TMPDIR/tmux" -f /dev/null \
		capture-pane -pJ -S - -t "$1" 3>&-) == *"$2"* ]]
}

# sees NAME TEXT...: waits until each of these texts is shown there.
sees() {
	local text
	for text in "${@:2}"; do
		eventually shows "$1" "$text" || {
			printf 'no "%s" in %s:\n%s\n' "$text" "$1" "$(screen "$1")"
			return 1
		}
	done
}

unseen() {
	if shows "$1" "$2"; then
		printf '"%s" in %s:\n%s\n' "$2" "$1" "$(screen "$1")"
		return 1
	fi
}

matches() {
	local text
	text_of "$1"
	[[ $text =~ $2 ]]
}

# like NAME REGEX: waits until the screen matches.
like() {
	eventually matches "$1" "$2" || {
		printf 'no /%s/ in %s:\n%s\n' "$2" "$1" "$(screen "$1")"
		return 1
	}
}

# resize NAME COLUMNS ROWS: waits until the terminal has that size, which tmux
# sets some time after it has moved the rows.
resize() {
	tm resize-window -t "$1" -x "$2" -y "$3"
	eventually is_of_size "$(tm display-message -p -t "$1" '#{pane_tty}')" \
		"$3 $2"
}

is_of_size() {
	test "$(stty -F "$1" size)" = "$2"
}

at_prompt() {
	local line
	now "$1"
	test "$line" = "$2"
}

# prompts NAME LINE: waits until its last line is exactly this one.
prompts() {
	eventually at_prompt "$1" "$2" || {
		printf 'not at "%s":\n%s\n' "$2" "$(screen "$1")"
		return 1
	}
}

# count NAME TEXT: prints the number of lines that have TEXT.
count() {
	local text line n=0
	text_of "$1"
	while IFS= read -r line; do
		[[ $line != *"$2"* ]] || n=$((n + 1))
	done <<<"$text"
	echo "$n"
}

keys() {
	tm send-keys -t "$1" "${@:2}"
}

# enter NAME TEXT: types it and Enter. keyed NAME TEXT: types it without Enter.
enter() {
	tm send-keys -t "$1" -l -- "$2" \; send-keys -t "$1" Enter
}

keyed() {
	tm send-keys -t "$1" -l -- "$2"
}

# listening NAME: waits until it listens; sets $port.
listening() {
	local text line=$'listening on [^\n]*:([0-9]+) '
	sees "$1" 'listening on'
	text_of "$1"
	[[ $text =~ $line ]]
	port=${BASH_REMATCH[1]}
}

# client: opens a connection to $port, in descriptor $c.
client() {
	exec {c}<>"/dev/tcp/127.0.0.1/$port"
	clients+=("$c")
}

# ask C TEXT: sends that line. hears C LINE: the next line from there is LINE.
ask() {
	printf '%s\n' "$2" >&"$1"
}

hears() {
	local line
	read -r -t 20 line <&"$1"
	assert_equal "$line" "$2"
}

# at_end C: the next thing from there is end of file.
at_end() {
	local line status=0
	read -r -t 20 line <&"$1" || status=$?
	test "$status" -eq 1 -a -z "$line"
}

hang_up() {
	local c
	for c in "$@"; do
		exec {c}>&-
	done
}

# client_of NAME: opens connections until that member has accepted one: $c.
client_of() {
	local before
	before=$(count "$1" ' connected')
	for _ in {1..64}; do
		client
		like "$1" "has|open" # it is alive
		eventually served || return 1
		test "$(count "$1" ' connected')" -eq "$before" || return 0
	done
	return 1
}

# served: no connection to $port waits to be accepted.
served() {
	local state waiting
	while read -r state waiting _; do
		[[ $state != @(ESTAB|LISTEN) ]] || test "$waiting" -eq 0 || return
	done < <(ss -Htan "sport = :$port")
}

# queued [PID]: prints the length of the longest accept queue of $port, or of that
# process alone: one that accepts has a queue, too, for a moment.
queued() {
	ss -Hltnp "sport = :$port" |
		awk -v "of=${1:+pid=$1,}" '(of == "" || index($0, of)) && $2 > n { n = $2 } END { print n + 0 }'
}

# process NAME: prints the pid of the process in that terminal.
process() {
	tm list-panes -t "$1" -F '#{pane_pid}'
}

# twice NAME TEXT: exactly two lines have it.
twice() {
	test "$(count "$1" "$2")" -eq 2
}

# held NAME: types ^S, so that the terminal takes no more output, until ^Q.
held() {
	keys "$1" C-s
	keyed "$1" 'what is never shown'
}
