# Loaded by tests that run the commands that the documentation shows, word for
# word except the port (9000 there, a free one here), the host (server) and the
# path of rpnc. The test file has a function texts, which prints the documents.
# shellcheck shell=bash disable=SC2034,SC2154

root=$(cd "$BATS_TEST_DIRNAME/.." && pwd)
port= # of the first server
within= # a prefix for each command, such as nsenter
commands= # all that are shown, one a line
input=/dev/null # stdin of the servers, as in a script

# guide: prints README and the manual pages except rpnc-hosts(7),
# rpnc-reuseport(7) and rpnc-tls(7), which have tests of their own.
guide() {
	cat "$root/README"
	find "$root/man" -name '*.[1-8]' ! -name rpnc-hosts.7 \
		! -name rpnc-reuseport.7 ! -name rpnc-tls.7 -exec cat {} +
}

# commands_shown: prints each command that is shown, with the lines that
# continue it and without its comment, and what is typed at a prompt of rpnc.
commands_shown() {
	texts | sed "s/\\\\(aq/'/g; s/\\\\e/\\\\/g; s/\\\\-/-/g; s/\\\\\&//g" | awk '
	on { sub(/^ +/, " "); line = line $0 }
	!on && /^ *\$ / { line = $0; sub(/^ *\$ /, "", line); on = 1 }
	on { on = line ~ /(\||; do)$/ }
	line && !on { sub(/  +#.*/, "", line); print line; line = "" }
	/^ *[A-Z] \[.*\]> \// { sub(/^[^>]*> /, ""); print }
	/^\.Ql rpnc [a-z]+ .*(9000|myhost)/ {
		sub(/^\.Ql /, "")
		sub(/ ,$/, "")
		print
	}'
}

# is_shown COMMAND: the documentation shows it.
is_shown() {
	local once=$BATS_FILE_TMPDIR/shown
	test -e "$once" || commands_shown >"$once"
	test -n "$commands" || commands=$'\n'$(<"$once")$'\n'
	[[ $commands == *$'\n'"$1"$'\n'* ]] || fail "not shown: $1"
}

# shown [COMMAND]: the documentation shows it (or the text in stdin). Sets $line
# to the command as it can be run here.
shown() {
	line=${1-$(cat)}
	is_shown "$line"
	line=${line/#.\/rpnc/rpnc}
	line=${line/ .\/rpnc/ rpnc}
	line=${line/ server 80/ server 9000}
	line=${line/ server / localhost }
	line=${line/#sudo -u nobody /setpriv --reuid=65534 --clear-groups env -u XDG_RUNTIME_DIR }
	line=${line/#sudo /}
	[[ $line == kill* || $line == cat* ]] || line=$within$line
}

# commands_run FILE...: prints the commands that these tests run: the word after
# shown, serve, piped and so on, or the whole line after <<'END'.
commands_run() {
	sed -nE "s/^	+([a-z_]+ )?(shown|serve|try|refuses|does|piped|is_shown|types [a-z]+) '([^']*)'.*/\3/p
		/^	+(shown|serve|try) <</{n;p;}" "$@" | sort -u
}

# all_are_run [FILE...]: this test file, or one of FILE..., runs each command
# that is shown.
all_are_run() {
	commands_shown >all_shown
	commands_run "$BATS_TEST_FILENAME" "$@" >run_here
	sort -u all_shown | comm -23 - run_here >unknown
	test ! -s unknown || fail "$(cat unknown)"
}

# terminal: makes the fifo typed, for use as stdin in place of a terminal: it
# never ends, and gives what a test writes to it.
terminal() {
	test -p typed || mkfifo typed
}

# serve [COMMAND]: starts a server that is shown, and waits until it listens.
# The first one takes port 0 and sets $port, which the next ones take. stdin is
# $input.
serve() {
	local n=${#pids[@]} ready
	shown "$@"
	terminal
	rm -f "ready.$n" # from a server before a stop
	mkfifo "ready.$n"
	ready="--ready-fd 4 4>ready.$n"
	line=${line% &}
	line=${line/ 9000/ "${port:-0}"}
	line=${line/rpnc listen/rpnc listen $ready}
	line=${line/rpnc echo/rpnc echo $ready}
	case $line in
	*' | '*) ;;
	*) line="exec $line" ;;
	esac
	(trap - INT && eval "$line") <>"$input" 3>&- >"out.$n" 2>"err.$n" &
	pid=$!
	pids+=("$pid")
	mapfile -t addrs <"ready.$n"
	test "${#addrs[@]}" -gt 0
	port=${addrs[0]##*:}
}

# try [COMMAND]: runs a client that is shown; it must succeed.
try() {
	shown "$@"
	terminal
	run bash -c "set -o pipefail; ${line/ 9000/ "$port"}" 3>&- <>typed
	assert_success
}

# refuses [COMMAND]: runs a command that is shown; it must fail.
refuses() {
	shown "$@"
	run timeout 20 bash -c "${line/ 9000/ "$port"}" 3>&- </dev/null
	assert_failure
}

# does [COMMAND]: runs a command that is shown, in the background if it ends in
# &. In it %N and $! are jobs that does or serve has started.
does() {
	local job
	shown "$@"
	line=${line/ 9000/ "$port"}
	line=${line//\$!/"$pid"}
	for job in "${!pids[@]}"; do
		line=${line//"%$((job + 1))"/"${pids[job]}"}
	done
	case $line in
	*' &')
		(eval "exec ${line% &}") 3>&- </dev/null >"out.${#pids[@]}" \
			2>"err.${#pids[@]}" &
		pid=$!
		pids+=("$pid")
		;;
	*) eval "$line" ;;
	esac
	case $line in
	'kill -STOP '*)
		for job in $(eval "echo ${line#kill -STOP}"); do
			eventually grep -q '^State:.T' "/proc/$job/status"
		done
		;;
	esac
}

# end PID: ends it by SIGINT, like Ctrl-C, and waits for it.
end() {
	kill -INT "$1"
	finish "$1" || test $? -eq 130
}

# gave NAME: prints that member's connections, from probe's report in $lines.
gave() {
	local line row="^  $1 .* ([0-9]+) +[0-9.]+ %"
	for line in "${lines[@]}"; do
		[[ ! $line =~ $row ]] || echo "${BASH_REMATCH[1]}"
	done
}

has_line() {
	grep -qF -- "$1" "$2"
}

# Skips a test in which another user runs rpnc, if that can't be.
others() {
	test "$(id -u)" -eq 0 || skip "only root can be another user"
	setpriv --reuid=65534 --clear-groups test -x "$RPNC" ||
		skip "$RPNC can't be run by others"
}
