# Loaded, after shown.bash, by tests that type what the documentation shows at
# shells in real terminals: word for word, also the port. So the terminals are
# in a network of their own, where "server" and "myhost" are names of this host,
# and ./rpnc, ./man, sudo, ssh, make and nginx are what a reader would have.
# shellcheck shell=bash disable=SC2034,SC2154

declare -gA step=()    # of each shell: the number of its next command
declare -gA running=() # of each shell: the command that is not over

setup() {
	cd "$BATS_TEST_TMPDIR" || return 1
	export XDG_RUNTIME_DIR=$PWD/run XDG_STATE_HOME=$PWD/state HOME=$PWD
	mkdir -m 700 run
	chmod 711 . .. ../.. # nobody's commands come here, too
	pids=()
	network
}

# network: a namespace that lives until the end of the test, in $within.
network() {
	local as=(unshare --net --mount) to=(--net --mount)
	test "$(id -u)" -eq 0 || {
		as+=(-Ur)
		to+=(-U --preserve-credentials)
	}
	"${as[@]}" true || skip "${as[*]} is refused here"
	here
	mkfifo .lives .ready
	"${as[@]}" bash -ec 'ip link set lo up
		mount --bind hosts /etc/hosts
		mount -t tmpfs -o mode=1777 shm /dev/shm
		mount -t tmpfs lib /var/lib
		mount -t tmpfs local /usr/local
		echo >.ready
		read -r <>.lives' 3>&- &
	space=$!
	pids+=("$space")
	read -r <.ready
	inside=(nsenter -t "$space" "${to[@]}" --wd="$PWD")
}

# here: what a reader of the documentation has.
here() {
	mkdir bin
	ln -s "$RPNC" rpnc
	ln -s "$root/man" man
	printf '127.0.0.1 localhost server myhost %s\n::1 localhost\n' \
		"$(hostname)" >hosts
	cat >bin/sudo <<-'END'
		#!/bin/sh
		test "$1" != -u || {
			shift 2
			exec setpriv --reuid=65534 --clear-groups \
				env -u XDG_RUNTIME_DIR "$@"
		}
		exec "$@"
	END
	cat >bin/ssh <<-'END'
		#!/bin/sh
		shift
		exec "$@"
	END
	chmod +x bin/*
	export PATH=$PWD/bin:${RPNC%/*}:$PATH
}

# teardown: all ends when it is told to, and nothing has crashed.
teardown() {
	local name
	if test -n "$BATS_TEST_COMPLETED"; then
		for name in "${!step[@]}"; do
			quits "$name"
			healthy "$name"
		done
	fi
	tm kill-server 2>/dev/null || true
	stop
}

# quits NAME: what runs there ends by Ctrl-C, and the jobs by SIGTERM.
quits() {
	test -z "${running[$1]:-}" || {
		keys "$1" C-c
		over "$1"
	}
	running[$1]='jobs -p | xargs -r kill; jobs -p | xargs -r kill -CONT; wait'
	enter "$1" "${running[$1]}"
	over "$1"
}

# healthy NAME: nothing on that screen is of a crash or a wrong command line.
healthy() {
	local line
	line=$(screen "$1" | grep -E 'Segmentation|Aborted|core dumped|Sanitizer|runtime error|^usage:|command not found') || return 0
	fail "$line"
}

# tm: as in terminal.bash, but the server is in the network of the test.
tm() {
	local into=()
	test "$1" != new-session || into=("${inside[@]}")
	"${into[@]}" tmux -S "$BATS_TEST_TMPDIR/tmux" -f /dev/null "$@" 3>&-
}

# open NAME: a shell there. It writes the status of each command to a file, as
# the prompt may be wiped away by a display in the background.
open() {
	test -z "${step[$1]:-}" || return 0
	tm has-session 2>/dev/null || {
		server_of_terminals
		tm set-option -g default-size 160x50
	}
	pane "$1" env PS1='<\#> ' PROMPT_COMMAND="echo \$? >>'$PWD/status.$1'" \
		bash --norc --noprofile +o history
	step[$1]=1
	sees "$1" '<1>'
}

# after NAME: what was shown there since the last command was given.
after() {
	screen "$1" | awk -v from="<${step[$1]}>" -v line="${running[$1]//\\/\\\\}" '
		index($0, from) || index($0, line) { text = "" }
		{ text = text $0 "\n" }
		END { printf "%s", text }'
}

# ended NAME: the command is over; its status is in status.
ended() {
	local all
	mapfile -t all <"status.$1"
	status=${all[step[$1]]:-}
	test -n "$status"
}

# gives NAME COMMAND: it is shown, and typed there.
gives() {
	open "$1"
	is_shown "$2"
	running[$1]=$2
	enter "$1" "$2"
}

# over NAME: waits for the end of the command; its output is in output.
over() {
	eventually ended "$1" || eventually ended "$1" || eventually ended "$1" ||
		fail "no end: $(screen "$1")"
	output=$(after "$1")
	mapfile -t lines <<<"$output"
	step[$1]=$((step[$1] + 1))
	running[$1]=
}

# has TEXT...: what the last command has shown has them all.
has() {
	local text
	for text; do
		assert_output --partial "$text"
	done
}

# says COMMAND TEXT...: typed at the shell "s" (- is the line in stdin); ends
# with 0, and shows them.
says() {
	test "$1" != - || set -- "$(cat)" "${@:2}"
	gives s "$1"
	over s
	assert_equal "$status" 0
	has "${@:2}"
}

# fails COMMAND TEXT...: the same, but it must fail, and not by a signal.
fails() {
	gives s "$1"
	over s
	assert [ "$status" -gt 0 -a "$status" -lt 128 ]
	has "${@:2}"
}

shows_now() {
	[[ $(after "$1") == *"$2"* ]]
}

# starts COMMAND TEXT...: in the background there; soon it listens, or shows
# these.
starts() {
	local text
	test $# -gt 1 || set -- "$1" 'listening on'
	gives s "$1"
	for text in "${@:2}"; do
		eventually shows_now s "$text" || fail "no '$text': $(screen s)"
	done
	over s
}

# at NAME COMMAND TEXT...: in a terminal of its own, where it goes on; soon
# shows them.
at() {
	local text
	gives "$1" "$2"
	for text in "${@:3}"; do
		eventually shows_now "$1" "$text" || fail "no '$text': $(screen "$1")"
	done
}

# interrupted NAME TEXT...: Ctrl-C ends what runs there, which shows these.
interrupted() {
	keys "$1" C-c
	over "$1"
	assert_equal "$status" 130
	has "${@:2}"
}

# quitted NAME TEXT...: so does what has a prompt there, in good order.
quitted() {
	keys "$1" C-c
	over "$1"
	assert_equal "$status" 0
	has "${@:2}"
}

# told TEXT: what runs in the background of "s" says it, soon.
told() {
	sees s "$1"
}

# job N: the pid of that job of "s".
job() {
	screen s | sed -n "s/^.*\[$1\] \([0-9]*\)\$/\1/p" | head -n 1
}

# stops N: that job is stopped now.
stops() {
	eventually grep -q '^State:.T' "/proc/$(job "$1")/status"
}

# gave NAME: how many connections it had, from what probe says.
gave() {
	sed -nE "s|^  $1 .* ([0-9]+) +[0-9.]+ %.*|\1|p" <<<"$output"
}

# all_are_typed FILE...: every command that is shown is typed by these tests: as
# the word behind says, fails, starts, does, at NAME and so on, or as a whole
# line behind <<'END'.
all_are_typed() {
	commands_shown | sort -u >all_shown
	sed -nE "s/^	+(says|fails|starts|does|goes_on|is_shown|(types|at|gives) [\$a-z]+) '([^']*)'.*/\3/p
		/^	.* <<'END'/{n;p;}" "$@" | sort -u | comm -23 all_shown - >unknown
	test ! -s unknown || fail "$(cat unknown)"
}

# ends N: that job of "s" is over; told by the shell, if something is typed.
ends() {
	eventually gone "$(job "$1")" || fail "job $1 goes on: $(screen s)"
}
