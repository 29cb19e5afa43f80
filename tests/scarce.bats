# Where the system has little: no room in files, no memory, a small stack, no
# more processes. rpnc serves with what there is, or says what it lacks.
# shellcheck shell=bash disable=SC2030,SC2031,SC2154,SC2317

load helpers

# echoes COUNT: so many clients, one after another, get back what they send.
echoes() {
	local i
	for ((i = 0; i < $1; i++)); do
		assert_equal "$(echo hello | timeout 20 "$RPNC" connect 127.0.0.1 "$port")" hello
	done
}

# replaced VICTIM: rpnc has two workers, and none of them is the victim.
replaced() {
	local workers
	read -ra workers <<<"$(cat "/proc/$pid/task/$pid/children")"
	test "${#workers[@]}" -eq 2 && [[ " ${workers[*]} " != *" $1 "* ]]
}

@test "scarce: ulimit -f 0: servers start and serve, and a dead worker is replaced" {
	local words worker
	rpnc() { ulimit -f 0 && exec "$RPNC" "$@" >/dev/null 2>&1; }
	for words in "echo" "echo -w 2" "echo --accept fork" "echo --accept handoff -w 2"; do
		# shellcheck disable=SC2086 # words it is
		start $words 127.0.0.1 0
		echoes 5
		test "$words" != "echo -w 2" || {
			read -ra worker <<<"$(cat "/proc/$pid/task/$pid/children")"
			kill -KILL "${worker[0]}"
			eventually replaced "${worker[0]}"
			echoes 5
		}
		kill "$pid"
		status=0
		finish "$pid" || status=$?
		assert_equal "$status" 143
	done
}

@test "scarce: without memfd_create(2) servers start and serve" {
	local words
	with_faults memfd_create:error=ENOSYS
	for words in "echo" "echo --accept handoff -w 2" "listen -k"; do
		# shellcheck disable=SC2086
		start $words 127.0.0.1 0
		if [[ $words == echo* ]]; then
			echoes 5
		else
			echo hello | timeout 20 "$RPNC" connect 127.0.0.1 "$port"
		fi
		stop
		eventually grep -q INJECTED trace
	done
}
