# Loaded after shown.bash by tests that type the commands of the documentation
# at shells in real terminals: word for word, with the same port. Therefore the
# terminals are in a network namespace, where "server" and "myhost" are names of
# this host, and ./rpnc, ./man, sudo, ssh, make and nginx exist as for a reader.
#
# A shell NAME has a command that runs, from gives (typed) to over (ended): then
# $status, $output and $lines are its own, and step[NAME] counts on.
# shellcheck shell=bash disable=SC2034,SC2154

declare -gA step=()    # by shell: the number of its next command
declare -gA running=() # by shell: the command that has not ended
terminal_size=160x50

setup() {
	cd "$BATS_TEST_TMPDIR" || return 1
	export XDG_RUNTIME_DIR=$PWD/run XDG_STATE_HOME=$PWD/state HOME=$PWD
	mkdir -m 700 run bin
	chmod 711 . .. ../.. bin # for commands that run as user nobody
	pids=()
	network
}

# network: makes a network namespace that lives until the test ends; $inside is
# the command that enters it.
network() {
	local as=(unshare --net --mount) to=(--net --mount)
	test "$EUID" -eq 0 || {
		as+=(-Ur)
		to+=(-U --preserve-credentials)
	}
	test -d "$BATS_FILE_TMPDIR/bin" || { "${as[@]}" true && elsewhere_too; } ||
		skip "${as[*]} is refused here"
	here
	mkfifo .lives .ready
	# shellcheck disable=SC2016 # the $1 is for the inner shell
	"${as[@]}" sh -ec 'ip link set lo up
		mount -a -T "$1"
		echo >.ready
		read -r _ <>.lives' sh "$BATS_FILE_TMPDIR/fstab" 3>&- &
	space=$!
	pids+=("$space")
	read -r <.ready
	inside=(nsenter -t "$space" "${to[@]}" --wd="$PWD")
}

# elsewhere_too: makes what all tests of the file share: hosts, mounts, sudo and
# ssh.
elsewhere_too() {
	local dir=$BATS_FILE_TMPDIR
	printf '127.0.0.1 localhost server myhost collector %s\n::1 localhost\n' \
		"$HOSTNAME" >"$dir/hosts"
	printf '%s %s %s %s\n' "$dir/hosts" /etc/hosts none bind \
		rpnc-shm /dev/shm tmpfs mode=1777 rpnc-lib /var/lib tmpfs defaults \
		rpnc-local /usr/local tmpfs defaults >"$dir/fstab"
	mkdir "$dir/bin"
	cat >"$dir/bin/sudo" <<-'END'
		#!/bin/sh
		test "$1" != -u || {
			shift 2
			exec setpriv --reuid=65534 --clear-groups \
				env -u XDG_RUNTIME_DIR "$@"
		}
		exec "$@"
	END
	printf '#!/bin/sh\nshift\nexec "$@"\n' >"$dir/bin/ssh"
	chmod +x "$dir/bin/"*
}

# here: puts what a reader of the documentation has into this directory.
here() {
	ln -s "$RPNC" "$root/man" .
	export PATH=$PWD/bin:$BATS_FILE_TMPDIR/bin:${RPNC%/*}:$PATH
}

# teardown: everything ends by its signal, and nothing has crashed.
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

# elsewhere COMMAND...: in the network of the test, in the background.
elsewhere() {
	background "${inside[@]}" "$@"
}

# quits NAME: ends the command there by Ctrl-C, and the jobs by SIGTERM.
quits() {
	test -z "${running[$1]:-}" || {
		keys "$1" C-c
		over "$1"
	}
	running[$1]='jobs -p | xargs -r kill; jobs -p | xargs -r kill -CONT; wait'
	enter "$1" "${running[$1]}"
	over "$1"
}

# healthy NAME: that screen shows no crash and no wrong command line.
healthy() {
	local text bad='Segmentation|Aborted|core dumped|Sanitizer|runtime error|^usage:|command not found'
	text_of "$1"
	[[ $text =~ ${bad/^/$'\n'} ]] || return 0
	fail "$(grep -E "$bad" <<<"$text")"
}

# tm: as in terminal.bash, but the server is in the namespace of the test.
tm() {
	local into=()
	test "$1" != new-session || into=("${inside[@]}")
	"${into[@]}" tmux -S "$BATS_TEST_TMPDIR/tmux" -f /dev/null "$@" 3>&-
}

# open NAME: starts a shell there. It writes the status of each command to a
# file, because a background job may overwrite the prompt.
open() {
	test -z "${step[$1]:-}" || return 0
	pane "$1" env PS1='<\#> ' PROMPT_COMMAND="echo \$? >>'$PWD/status.$1'" \
		bash --norc --noprofile +o history
	step[$1]=1
	sees "$1" '<1>'
}

# after NAME: sets $text to what was shown since the last command was typed.
after() {
	local begin rest
	text_of "$1"
	for begin in "<${step[$1]}>" "${running[$1]}"; do
		[[ -n $begin && $text == *"$begin"* ]] || continue
		rest=$begin${text##*"$begin"}
		text=${text%"$rest"}
		text=${text##*$'\n'}$rest
	done
}

# ended NAME: the command has ended; sets $status.
ended() {
	local all
	mapfile -t all <"status.$1"
	status=${all[step[$1]]:-}
	test -n "$status"
}

# gives NAME COMMAND: types a command that is shown.
gives() {
	open "$1"
	is_shown "$2"
	running[$1]=$2
	enter "$1" "$2"
}

# over NAME: waits for the end of the command; sets $status, $output and $lines.
over() {
	local text turn
	for turn in {1..5}; do
		! eventually ended "$1" || break
	done
	ended "$1" || fail "no end: $(screen "$1")"
	after "$1"
	output=$text
	mapfile -t lines <<<"$output"
	step[$1]=$((step[$1] + 1))
	running[$1]=
}

# has TEXT...: the output of the last command has all of these.
has() {
	local text
	for text; do
		assert_output --partial "$text"
	done
}

# says COMMAND TEXT...: types it at the shell "s" (- is the line in stdin); its
# status is 0, and its output has these texts.
says() {
	test "$1" != - || set -- "$(cat)" "${@:2}"
	gives s "$1"
	over s
	assert_equal "$status" 0
	has "${@:2}"
}

# fails COMMAND TEXT...: the same, but it fails, and not by a signal.
fails() {
	gives s "$1"
	over s
	assert [ "$status" -gt 0 -a "$status" -lt 128 ]
	has "${@:2}"
}

shows_now() {
	local text
	after "$1"
	[[ $text == *"$2"* ]]
}

# starts COMMAND TEXT...: types a background job at "s"; waits until it shows
# these texts, or "listening on".
starts() {
	local text
	test $# -gt 1 || set -- "$1" 'listening on'
	gives s "$1"
	for text in "${@:2}"; do
		eventually shows_now s "$text" || fail "no '$text': $(screen s)"
	done
	over s
}

# at NAME COMMAND TEXT...: types it in another terminal, where it goes on; waits
# until it shows these texts.
at() {
	local text
	gives "$1" "$2"
	for text in "${@:3}"; do
		eventually shows_now "$1" "$text" || fail "no '$text': $(screen "$1")"
	done
}

# interrupted NAME TEXT...: Ctrl-C ends the command there with status 130; its
# output has these texts.
interrupted() {
	keys "$1" C-c
	over "$1"
	assert_equal "$status" 130
	has "${@:2}"
}

# quitted NAME TEXT...: the same for a command with a prompt: its status is 0.
quitted() {
	keys "$1" C-c
	over "$1"
	assert_equal "$status" 0
	has "${@:2}"
}

# told TEXT: waits until a background job of "s" shows it.
told() {
	sees s "$1"
}

# job N: prints the pid of that job of "s".
job() {
	local text line=$'\\['$1$'\\] ([0-9]+)(\n|$)'
	text_of s
	[[ $text =~ $line ]]
	echo "${BASH_REMATCH[1]}"
}

# stops N: waits until that job is stopped.
stops() {
	eventually grep -q '^State:.T' "/proc/$(job "$1")/status"
}

# all_are_typed FILE...: these tests type every command that is shown: it is the
# word after says, fails, starts, does, at NAME and so on, or the whole line
# after <<'END'.
all_are_typed() {
	commands_shown | sort -u >all_shown
	sed -nE "s/^	+(says|fails|starts|does|goes_on|is_shown|(types|at|gives) [\$a-z]+) '([^']*)'.*/\3/p
		/^	.* <<'END'/{n;p;}" "$@" | sort -u | comm -23 all_shown - >unknown
	test ! -s unknown || fail "$(cat unknown)"
}

# ends N: waits until that job of "s" has ended. (The shell reports it only once
# something is typed.)
ends() {
	eventually gone "$(job "$1")" || fail "job $1 goes on: $(screen s)"
}
