#!/usr/bin/env bats
# A sample of what "make faults" does; and that it finds what is wrong.
# shellcheck disable=SC2016 # the $ are for a script

load helpers
load terminal
load driver

@test "faults: a sample of system calls fail, and nothing is lost, hangs or is left" {
	run -0 driver faults --sample 16 --seed "$(sample_seed)"
	assert_line --regexp '^16 faults, [0-7] not reached, 0 findings$'
}

@test "faults: status 0 with lost data, and a status without a line, are found" {
	local never=(--scenario connect --call epoll_ctl --error ENOMEM --turn 9999)
	faulty_rpnc 'test "$1" = connect || exec "$REAL" "$@"
		base64 -d <<<"$("$REAL" "$@" | head -c 100 | base64)"'
	run -1 driver faults "${never[@]}"
	assert_output 'connect without a fault: status 0, and 100 of 102400 bytes'
	faulty_rpnc 'test "$1" = connect || exec "$REAL" "$@"
		exit 1'
	run -1 driver faults "${never[@]}"
	assert_output --partial 'connect without a fault: status 1 without a line'
}

@test "faults: a run that was ended goes on where it was; parts make the whole" {
	local few=(--scenario connect --call bind --turns 1) n=0 k
	run -0 driver faults "${few[@]}" --part 1/2 --log log
	run -0 driver faults "${few[@]}" --log log
	n=$(wc -l <log)
	assert test "$n" -gt 3
	run -0 driver faults "${few[@]}" --log log
	assert_line '0 faults, 0 not reached, 0 findings'
	for k in 1 2 3; do
		driver faults "${few[@]}" --part "$k/3" --list | grep -- --turn || true
	done | sort >parts
	assert_equal "$(cut -d: -f1 log | sort)" "$(<parts)"
}

# What make faults has found, one by one.

# failing CALL ERROR WHEN ARG...: rpnc, whose call fails then.
failing() {
	ASAN_OPTIONS=${ASAN_OPTIONS:-}:detect_leaks=0 exec strace -D -f -q -o /dev/null \
		-e trace="$1" -e inject="$1:error=$2:when=$3" "$RPNC" "${@:4}"
}

# started CALL ERROR WHEN ARG...: starts one whose call fails; its port in port.
# strace has its descriptors, so no end follows the address.
started() {
	local n=${#pids[@]}
	mkfifo "ready.$n"
	failing "${@:1:4}" --ready-fd 4 "${@:5}" </dev/null 4>"ready.$n" 3>&- >"out.$n" 2>"err.$n" &
	pid=$!
	pids+=("$pid")
	read -r port <"ready.$n"
	port=${port##*:}
}

@test "epoll without room: a client and a server serve, and end by SIGTERM" {
	local error
	for error in ENOSPC ENOMEM; do
		start echo 127.0.0.1 0
		run -0 failing epoll_ctl "$error" 1+ connect 127.0.0.1 "$port" <<<hello
		assert_output hello
		started epoll_ctl "$error" 1+ echo 127.0.0.1 0
		run -0 timeout 20 rpnc connect 127.0.0.1 "$port" <<<again
		assert_output again
		kill "$pid"
		finish "$pid" || test $? -eq 143
	done
}

@test "poll without memory: connect ends with a line, and does not spin" {
	start echo 127.0.0.1 0
	run -1 failing poll ENOMEM 1+ connect 127.0.0.1 "$port" </dev/null
	assert_output "rpnc connect: poll: $(errno_text ENOMEM)"
}

@test "a send that fails by itself: the peer sees a reset, not an end" {
	mkfifo address seen
	background python3 -c '
import socket
s = socket.create_server(("127.0.0.1", 0))
open("address", "w").write("%d\n" % s.getsockname()[1])
try: end = s.accept()[0].recv(9)
except ConnectionResetError: end = "a reset"
open("seen", "w").write("%s\n" % end)'
	read -r port <address
	run -1 failing sendto EPERM 1 connect --crlf 127.0.0.1 "$port" <<<hello
	assert_output --regexp '^rpnc connect: .*Operation not permitted: '
	assert_equal "$(<seen)" 'a reset'
	started sendto EPERM 2+ echo 127.0.0.1 0
	run python3 - "$port" <<-'END'
		import socket, sys
		s = socket.create_connection(("127.0.0.1", int(sys.argv[1])), 20)
		s.sendall(b"hello")
		print(s.recv(9))
	END
	assert_output --partial ConnectionResetError
}

@test "a registry that can't be mapped is not left" {
	test -z "${SAN-}" || skip "the sanitizers' own mmap(2) would fail"
	local n words=(listen -r --accept-timeout 0.02 127.0.0.1 0)
	export XDG_RUNTIME_DIR=$PWD/registries
	mkdir -m 700 "$XDG_RUNTIME_DIR"
	timeout 20 strace -qq -e trace=mmap -o calls "$RPNC" "${words[@]}" 2>/dev/null || true
	grep -n MAP_SHARED, calls | cut -d: -f1 >shared
	assert test -s shared
	while read -r n; do
		# shellcheck disable=SC2030,SC2031
		(failing mmap ENOMEM "$n" "${words[@]}") </dev/null >/dev/null 2>&1 || true
		assert_equal "$(find "$XDG_RUNTIME_DIR" -name '*tcp*')" ''
	done <shared
}

@test "the spawner's answer is read again: one program for each client" {
	local line
	started recvfrom ENOMEM 1 listen -k 127.0.0.1 0 -- cat
	for line in one two; do
		run -0 timeout 20 rpnc connect 127.0.0.1 "$port" <<<"$line"
		assert_output "$line"
	done
	kill "$pid"
	finish "$pid" || test $? -eq 143
	refute grep 'Cannot allocate' err.0
}

@test "a fault is told although the reader of stderr is far behind" {
	local client
	start echo 127.0.0.1 0
	mkfifo lines
	head -c 102400 /dev/zero >data
	ASAN_OPTIONS=${ASAN_OPTIONS:-}:detect_leaks=0 strace -D -f -q -o trace -e trace=sendto \
		-e inject=sendto:error=EHOSTUNREACH:when=2 \
		"$RPNC" connect --hex 127.0.0.1 "$port" <data >/dev/null 2>lines 3>&- &
	client=$!
	pids+=("$client")
	exec 5<lines
	eventually grep -q INJECTED trace
	cat <&5 >said
	run finish "$client"
	assert grep -q "^rpnc connect: .*$(errno_text EHOSTUNREACH): .* of input were not delivered" said
}

@test "a prompt that gets no descriptor is no prompt: connect ends with a line" {
	server_of_terminals
	start echo 127.0.0.1 0
	local n
	for n in {2..6}; do # one of these is the prompt's
		pane "p$n" env ASAN_OPTIONS="${ASAN_OPTIONS:-}:detect_leaks=0" strace -D -f -q \
			-o /dev/null -e trace=signalfd4 -e "inject=signalfd4:error=EMFILE:when=$n" \
			"$RPNC" connect 127.0.0.1 "$port"
		sees "p$n" "rpnc connect: signalfd: $(errno_text EMFILE)" 'Pane is dead (status 1'
	done
}
