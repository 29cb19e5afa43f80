# Where the system has little: no room in files, no memory, a small stack, no
# more processes. rpnc serves with what there is, or says what it lacks.
# shellcheck shell=bash disable=SC2016,SC2030,SC2031,SC2154,SC2317

load helpers

# echoes COUNT: so many clients, one after another, get back what they send.
echoes() {
	local i
	for ((i = 0; i < $1; i++)); do
		assert_equal "$(echo hello | timeout 20 "$RPNC" connect 127.0.0.1 "$port")" hello
	done
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
			eventually replaced 2 "${worker[0]}"
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

# told: there is such a line of rpnc's.
told() {
	grep -q "$1" err.0
}

has_two_children() {
	test "$(wc -w <"/proc/$pid/task/$pid/children")" -eq 2
}

@test "scarce: a worker that can't be forked again is told once, and comes when it can" {
	local worker
	# strace counts the calls of each process: the third of rpnc's is the first
	# replacement
	with_faults "clone,?fork:error=EAGAIN:when=3..5"
	start echo -w 2 127.0.0.1 0
	eventually has_two_children # with_faults leaves one more for a moment
	read -ra worker <<<"$(cat "/proc/$pid/task/$pid/children")"
	kill -KILL "${worker[0]}"
	eventually told 'fork of worker 1 of 2: Resource temporarily unavailable: it is tried again$'
	eventually replaced 2 "${worker[0]}" || fail "$(cat err.0 trace)"
	echoes 3
	assert_equal "$(grep -c 'fork of worker' err.0)" 1
}

@test "scarce: every command runs on 192 KiB of stack" {
	test -z "${SAN-}" || skip "sanitizers need more"
	local words udp='' during=''
	rpnc() { ulimit -Ss 192 && exec "$RPNC" "$@"; }
	for words in "echo" "echo -w 2" "echo -u" "listen -k" "listen -u" "echo --accept fork"; do
		# shellcheck disable=SC2086 # words it is
		start $words 127.0.0.1 0
		[[ $words != *-u ]] || udp=-u
		run -0 bash -c 'ulimit -Ss 192; echo hello | timeout 20 "$RPNC" connect "$@"' \
			bash ${udp:+"$udp"} 127.0.0.1 "$port"
		udp=''
		kill "$pid"
		status=0
		finish "$pid" || status=$?
		assert_equal "$status" 143
	done
	start echo -r 127.0.0.1 0
	for words in "" "--echo" "--group" "--json" "--during -d 100ms"; do
		[[ $words != --during* ]] || during=yes
		# shellcheck disable=SC2086
		run -0 bash -c 'ulimit -Ss 192; exec timeout 60 "$RPNC" "$@"' bash probe $words \
			127.0.0.1:"$port" ${during:+-- true}
	done
}

@test "scarce: without memory a server that can't start says so, in one line" {
	test -z "${SAN-}" || skip "sanitizers need more"
	local words low limit said udp taken
	start echo -u 127.0.0.1 0
	udp=$port
	start echo 127.0.0.1 0
	# with less it can't even be loaded
	for ((low = 3000; low < 9000; low += 20)); do
		status=0
		limited "$low" --help >/dev/null 2>&1 || status=$?
		test "$status" -eq 127 || break
	done
	for words in "listen -k" "listen -u" "echo" "echo -u" "echo -w 2"; do
		said=0 taken=$port
		[[ $words != *-u ]] || taken=$udp
		for ((limit = low; limit < low + 4000; limit += 20)); do
			# shellcheck disable=SC2086
			run --separate-stderr limited "$limit" $words 127.0.0.1 "$taken"
			test "$status" -ne 5 || break
			assert_equal "$status" 1
			assert_regex "$stderr" \
				"^rpnc ${words%% *}: [a-z]+: $(errno_text ENOMEM)$"
			said=$((said + 1))
		done
		assert_equal "$status" 5 # the port is taken: there was memory
		assert [ "$said" -gt 1 ]
	done
}

# limited KIB ARG...: rpnc with an address space of that size.
limited() {
	prlimit --as="$(($1 * 1024))" "$RPNC" "${@:2}" </dev/null
}

# connects_and_epoll_fails COMMAND...: rpnc connect -v, with descriptors 5 and 6
# as its input and output. Once COMMAND is true, epoll refuses to watch anything
# else.
connects_and_epoll_fails() {
	export ASAN_OPTIONS=${ASAN_OPTIONS:-}:detect_leaks=0
	rm -f in out
	mkfifo in out
	as_by_a_person connect -v 127.0.0.1 "$port" <in >out 2>err 3>&- &
	pid=$!
	pids+=("$pid")
	exec 5>in 6<out
	eventually grep -q connected err
	eventually "$@"
	inject "$pid" epoll_ctl:error=EBADF
}

# ends_with_fault NAME: it ends, and says that epoll fails for NAME.
ends_with_fault() {
	eventually gone "$pid" || fail "it hangs"
	status=0
	finish "$pid" || status=$?
	assert_equal "$status" 1
	grep -q "^rpnc connect: $1: Bad file descriptor" err || fail "$(cat err)"
	exec 5>&- 6<&-
}

@test "scarce: a connection that has no room ends with an error if epoll can't wait for it" {
	start echo 127.0.0.1 0
	local server=$pid
	halt "$server"
	connects_and_epoll_fails true
	timeout 20 head -c 50000000 /dev/zero >&5 || true
	ends_with_fault "127.0.0.1:$port"
	kill -CONT "$server"
}

# waits_for_a_reader: stdout is full, so the server is not read.
waits_for_a_reader() {
	grep -q '^tfd:.* events: *1c ' "/proc/$pid/fdinfo/"*
}

@test "scarce: a connection that waits for a reader of stdout ends with an error if epoll fails then" {
	start echo --chargen 127.0.0.1 0
	connects_and_epoll_fails waits_for_a_reader
	timeout 20 cat <&6 >/dev/null || fail "it goes on"
	ends_with_fault "127.0.0.1:$port"
}

@test "scarce: stdout that fills up is an error if epoll can't wait for its reader" {
	start echo --chargen 127.0.0.1 0
	halt "$pid"
	local server=$pid
	connects_and_epoll_fails true
	kill -CONT "$server"
	ends_with_fault stdout
}
