# Loaded by tests/listen*.bats: the helpers, and clients of a listener.
# shellcheck shell=bash disable=SC2034,SC2119,SC2120,SC2154

load helpers

export PYTHONPATH=$BATS_TEST_DIRNAME PYTHONDONTWRITEBYTECODE=1
client= # pid of the last process that behind started

# If a test fails, shows what its servers wrote to stderr.
teardown() {
	local f
	for f in err.*; do
		test -n "$BATS_TEST_COMPLETED" -o ! -f "$f" || cat "$f"
	done
	stop
}

# py ARG... <<CODE: runs clients in Python; args has the words. Limit: a minute.
py() {
	python_code >py.now
	timeout 60 python3 py.now "$@" 3>&- 7>&- 8<&-
}

# behind ARG... <<CODE: the same in the background.
behind() {
	local server=$pid
	python_code >"py.${#pids[@]}"
	background timeout 60 python3 "py.${#pids[@]}" "$@" 7>&- 8<&-
	client=$pid
	pid=$server
}

python_code() {
	cat <<-'END'
		from client import *
		args = sys.argv[1:]
	END
	cat <&9
} 9<&0

# start_fed ARG...: start with -v. Descriptor 7 writes its stdin; heard reads
# its stderr.
start_fed() {
	local n=${#pids[@]}
	mkfifo "in.$n" "err.$n"
	exec 7<>"in.$n" 8<>"err.$n"
	start_with "in.$n" "$1" -v "${@:2}" 7>&- 8<&-
}

# at_once ARG... <<CODE: starts the clients first, then the server, so that they
# connect as soon as it listens. CODE finds the port in port.
at_once() {
	mkfifo waits where
	{
		echo 'open("waits", "w").close()'
		echo 'port = open("where").read()'
		cat
	} >code
	behind <code
	: <waits
	start "$@"
	echo "$port" >where
}

# cpu_ticks PID: CPU time that it has used, in hundredths of a second.
cpu_ticks() {
	local stat
	read -r -a stat <"/proc/$1/stat"
	echo $((stat[13] + stat[14]))
}


# heard TEXT: reads stderr up to a line with TEXT, which is then in $line.
heard() {
	while read -r -t 30 line <&8; do
		[[ $line != *"$1"* ]] || return 0
	done
	return 1
}

# ends_with STATUS [TEXT]: the server that was started last ends with STATUS,
# and has written one fault with TEXT.
ends_with() {
	local status=0 n
	for n in "${!pids[@]}"; do
		test "${pids[n]}" != "$pid" || break
	done
	finish "$pid" || status=$?
	assert_equal "$status" "$1"
	test $# -eq 1 || complained "$n" "$2"
}

# complained N TEXT: err.N has exactly one line from "rpnc", with TEXT.
complained() {
	assert_equal "$(grep -c '^rpnc' "err.$1")" 1
	assert grep -q "^rpnc.*$2" "err.$1"
}
