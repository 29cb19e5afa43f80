#!/usr/bin/env bats
# --adopt: another process's listening sockets are taken over.
# shellcheck shell=bash disable=SC2154,SC2034,SC2030,SC2031

load listen
load probe
load terminal

teardown() {
	local f
	for f in err.*; do
		test -n "$BATS_TEST_COMPLETED" -o ! -f "$f" || cat "$f"
	done
	tm kill-server 2>/dev/null || true
	all_end
}

# What is stopped must go on to end.
all_end() {
	local p
	for p in "${pids[@]}"; do
		test -z "$p" || kill -CONT "$p" 2>/dev/null || true
	done
	stop
}

# told PID TEXT: what was started by us says it on stderr, soon.
told() {
	local n
	for n in "${!pids[@]}"; do
		test "${pids[n]}" != "$1" || break
	done
	eventually grep -qF -- "$2" "err.$n"
}

# old ARG...: tests/adopt.py; its pid in old, its port in port.
old() {
	local n=${#pids[@]}
	rm -f "old.$n" # of one before all_end
	mkfifo "old.$n"
	python3 "$BATS_TEST_DIRNAME/adopt.py" "$@" >"old.$n" 2>"err.$n" 3>&- &
	old=$!
	pids+=("$old")
	read -r port <"old.$n"
	test -n "$port"
}

# killed PID
killed() {
	kill -KILL "$1"
	finish "$1" || test $? -eq 137
}

# queue N HOST: so many clients that say "x" wait for the old one; answered: each
# got that back, or, without any, who was sent behind got what it wanted.
queued=()
queue() {
	local c
	for ((n = 0; n < $1; n++)); do
		exec {c}<>"/dev/tcp/$2/$port"
		printf x >&"$c"
		queued+=("$c")
	done
}

answered() {
	local c x
	test "${#queued[@]}" -gt 0 || finish "$client"
	for c in "${queued[@]}"; do
		read -r -t 20 -N 1 x <&"$c"
		test "$x" = x
		exec {c}>&-
	done
	queued=()
}

# refuses STATUS TEXT ARG...: echo does, run by the words in $as, in one line
# with that text.
as=()
refuses() {
	run -"$1" --separate-stderr timeout 10 "${as[@]}" rpnc echo "${@:3}"
	assert_equal "${#stderr_lines[@]}" 1
	[[ $stderr == *"$2"* ]] || fail "$stderr"
}

@test "adopt: 50 that wait for a stopped server are answered, and it may be killed" {
	old 127.0.0.1
	halt "$old"
	queue 50 127.0.0.1
	start echo --json --adopt "$old"
	mv out.* out
	answered
	assert_equal "${addrs[*]}" "127.0.0.1:$port"
	killed "$old"
	run -0 rpnc connect 127.0.0.1 "$port" <<<new
	assert_output new
	kill -TERM "$pid"
	finish "$pid" || test $? -eq 143
	jq -se --argjson old "$old" '.[0].adopted_from == $old and
		.[-1].accepted == 51 and ([.[].event] | index("error")) == null' out
}

@test "adopt: a server that goes on accepts, too, and keeps what is left" {
	local flags fd
	old 127.0.0.1
	start echo --identify --adopt "$old"
	told "$pid" "listening on 127.0.0.1:$port (tcp, adopted from pid $old, which accepts, too)"
	# the first to answer is either; none waits for ever, and nothing is changed
	py "$port" <<-'END'
		seen, tries = set(), 0
		while tries < 200 or len(seen) < 2 and tries < 20000:
		    s = dial(args[0])
		    seen.add(exact(s, 4))
		    reset(s)
		    tries += 1
		sys.exit(seen != {b"old\n", b"rpnc"})
	END
	flags=$(sed -n 's/^flags:.*\(.\)...$/\1/p' "/proc/$old/fdinfo/3")
	test "$flags" -lt 4
	for fd in "/proc/$pid/fd"/*; do
		[[ $(readlink "$fd") != @(socket:|anon_inode:)* ]] ||
			grep -q '^flags:	02' "${fd/fd/fdinfo}" || fail "$fd"
	done
	kill -TERM "$pid"
	told "$pid" "rpnc: pid $old (python3) still holds 127.0.0.1:$port"
	finish "$pid" || test $? -eq 143
	run -0 rpnc connect -n 127.0.0.1 "$port"
	assert_output old
	# two at a time, of which one is shared by workers
	start echo -w 2 --adopt "$old"
	start echo --identify --adopt "$old" "$port"
	killed "$old"
	behind "$port" <<-'END'
		for _ in range(100):
		    s = dial(args[0])
		    s.sendall(b"x")
		    exact(s, 1)
		    s.close()
	END
	answered
}

@test "adopt: listen serves all that wait, raw and at a prompt; --once leaves the rest" {
	old 127.0.0.1
	halt "$old"
	queue 2 127.0.0.1
	start_fed listen --adopt "$old"
	heard '#1 127.0.0.1:'
	heard '#2 127.0.0.1:'
	printf x >&7
	answered
	assert_equal "$(cat out.*)" xx
	kill -TERM "$pid"
	heard "pid $old (python3), which is stopped, still holds 127.0.0.1:$port"
	finish "$pid" || test $? -eq 143

	timeout 20 rpnc connect 127.0.0.1 "$port" <<<hello 3>&- &
	pids+=("$!")
	run -0 --separate-stderr timeout 20 rpnc listen --once --adopt "$old" </dev/null
	assert_output hello
	[[ $stderr == *"still holds 127.0.0.1:$port"* ]]
	queue 2 127.0.0.1
	pane a rpnc listen --adopt "$old"
	sees a "listening on 127.0.0.1:$port (tcp, adopted from pid $old, which is stopped)" \
		'#1< x' '#2< x'
	enter a '/to all x'
	answered
	kill -KILL "$old"
	enter a /leave
	sees a ', nothing lost'
	enter a /join
	like a 'listening on [^ ]+ \(tcp\)'
	client
	ask "$c" hello
	sees a '< hello'
	hang_up "$c"
}

@test "adopt: by port, address and family, IPv6, Unix sockets and datagrams" {
	old 0.0.0.0 ::
	halt "$old"
	queue 2 ::1
	start echo --adopt "$old" "$port"
	assert_equal "$(printf '%s\n' "${addrs[@]}" | sort)" "$(printf '%s\n' "0.0.0.0:$port" "[::]:$port")"
	answered
	start echo -6 --adopt "$old"
	assert_equal "${addrs[*]}" "[::]:$port"
	start echo --adopt "$old" 0.0.0.0 "$port"
	assert_equal "${addrs[*]}" "0.0.0.0:$port"

	old --dual ::
	start echo --adopt "$old"
	killed "$old"
	run -0 rpnc connect 127.0.0.1 "$port" <<<hello
	assert_output hello

	old "$PWD/socket"
	killed_later=$old
	halt "$old"
	start echo --adopt "$old" -U
	start echo -w 2 --adopt "$old" "unix:$PWD/socket"
	killed "$killed_later"
	run -0 rpnc connect -U "$PWD/socket" <<<hello
	assert_output hello
	all_end
	test -S socket # not ours to remove

	old --udp 127.0.0.1
	halt "$old"
	mkfifo sent
	behind "$port" <<-'END'
		all = [udp(args[0]) for _ in range(20)]
		for s in all:
		    s.send(b"x")
		open("sent", "w").close()
		sys.exit(sum(s.recv(9) == b"x" for s in all) != 20)
	END
	: <sent
	start echo -u --adopt "$old"
	answered
	kill -TERM "$pid"
	told "$pid" "left: nothing lost (close: pid $old (python3), which is stopped, still holds 127.0.0.1:$port)"
}

@test "adopt: processes that can't be adopted, and options that exclude it" {
	local gone thread
	background true
	gone=$pid
	finish "$gone"
	refuses 5 "pid $gone: no such process" --adopt "$gone" 9000
	refuses 2 'whole number from 1 to' --adopt 0
	background bash -c 'exec rpnc echo --adopt $$ 2>own'
	finish "$pid" || test $? -eq 2
	grep -qxF "rpnc echo: pid $pid is this very process" own
	refuses 5 "pid $$ (bash) has no listening TCP socket" --adopt "$$"

	old --thread --elsewhere 127.0.0.1 127.0.0.2 "$PWD/socket"
	refuses 2 "pid $old (python3) listens in several places: say which of 127.0.0.1:" --adopt "$old"
	refuses 5 'has no listening TCP socket with port 1; it has 127.0.0.1:' --adopt "$old" 1
	refuses 5 "unix:$PWD/socket" --adopt "$old" 1
	refuses 5 'has no UDP socket; it has' -u --adopt "$old"
	refuses 5 'has no listening Unix socket at this address' --adopt "$old" -U x
	thread=$(find "/proc/$old/task/" -mindepth 1 -printf '%f\n' -maxdepth 1 | grep -vx "$old" | head -n 1)
	refuses 2 "pid $thread is a thread of process $old: give that pid" --adopt "$thread"

	old 127.0.0.1
	refuses 2 "its socket on 127.0.0.1:$port has no SO_REUSEPORT, so is in no group: leave out -r" -r --adopt "$old"
	refuses 2 'workers share them without -r' -r -w 2 --adopt "$old"
	refuses 2 'workers share them without -r' --accept reuseport -w 2 --adopt "$old"
	refuses 2 '--check is for new ones' --check --adopt "$old"
	refuses 2 '--replace is for new ones' -r --replace A --adopt "$old" "$port"
	refuses 2 '--interface is for new ones' --interface lo --adopt "$old"
	refuses 2 '-u -r --adopt' -u -r --adopt "$old"
	refuses 2 'no SO_REUSEPORT for Unix sockets' -r --adopt "$old" -U
	start echo -r 127.0.0.1 0
	refuses 2 "pid $pid (rpnc) is a group's member: say -r, too" --adopt "$pid"
}

# refused_by TEXT WORD...: run by these words, echo is not let in to $old.
refused_by() {
	as=("${@:2}")
	refuses 5 "pid $old (python3): $1" --adopt "$old"
	as=()
}

@test "adopt: a refusal names the rule and what to do" {
	local filter=(python3 "$BATS_TEST_DIRNAME/refuse.py")
	local nobody=(setpriv --reuid=65534 --clear-groups) ns=(unshare -Urm)
	old --number 77 127.0.0.1
	"${filter[@]}" EPERM 438 -- true || skip "no seccomp here"
	refused_by 'a seccomp filter refuses pidfd_getfd(2)' "${filter[@]}" EPERM 438 --
	refused_by 'this needs pidfd_getfd(2): Linux 5.6 or later' "${filter[@]}" ENOSYS 434 --
	refused_by 'a security module or a user namespace forbids ptrace(2) on it' "${filter[@]}" EPERM 438 77 --

	test "$(id -u)" -ne 0 || ns=(unshare -m)
	if "${ns[@]}" mount -t tmpfs none /proc/sys/kernel; then
		ns+=(bash -ec 'mount -t tmpfs none /proc/sys/kernel
			mkdir /proc/sys/kernel/yama
			echo 1 >/proc/sys/kernel/yama/ptrace_scope
			exec "$@"' bash)
		refused_by 'kernel.yama.ptrace_scope is 1: only its ancestors and root may: be root, or set it to 0' \
			"${ns[@]}" "${filter[@]}" EPERM 438 77 --
	fi

	if test "$(id -u)" -ne 0; then
		old --protected 127.0.0.1
		refused_by 'the process is not dumpable (prctl(2))'
	elif "${nobody[@]}" test -x "$RPNC"; then
		refused_by 'the process has capabilities that this one lacks: rpnc needs CAP_SYS_PTRACE' \
			setpriv --bounding-set=-sys_ptrace,-sys_admin --
		refused_by "the process is user root's: only this user and root may take its sockets" "${nobody[@]}"
		old --user 65534 127.0.0.1
		refused_by 'the process is not dumpable (prctl(2))' "${nobody[@]}"
		old --user 65534 --capable 127.0.0.1
		refused_by 'the process has capabilities that this one lacks: be root' "${nobody[@]}"
		start echo --adopt "$old"
	fi
}

# flows N: the same 60 flows, from an address that nobody else uses; to flows.N
# goes which member each got, once it is told.
flows() {
	mkfifo connected
	behind "$port" "$1" "127.$((RANDOM % 200 + 20)).$((RANDOM % 256)).1" <<-'END'
		def dial_from(where):
		    s = socket.socket()
		    s.setsockopt(SOL_SOCKET, socket.SO_REUSEADDR, 1)
		    s.bind(where)
		    s.connect(("127.0.0.1", int(args[0])))
		    return s
		where = [(args[2], 0)] * 60
		if args[1] != "1":
		    where = [(a, int(p)) for a, p, _ in map(str.split, open("flows.1"))]
		all = [dial_from(one) for one in where]
		open("connected", "w").close()
		with open("flows." + args[1], "w") as out:
		    for s in all:
		        words = s.recv(100).decode().split()
		        print(*s.getsockname(), words[-1 if words[0] == "I" else 1], file=out)
		        reset(s)
	END
	: <connected
	rm connected
}

@test "adopt -r: a stopped member of a group: its flows are served, no other moves" {
	members --sockets 1,1,1 --do say
	flows 1
	answered
	halt "${workers[1]}"
	flows 2
	start echo -r -v --identify --adopt "${workers[1]}"
	told "$pid" "A listening on 127.0.0.1:$port (tcp, reuseport, 3 of 3, adopted from pid ${workers[1]}, which is stopped)"
	answered
	kill -KILL "${workers[1]}"
	flows 3
	answered
	sed -i "s/ ${workers[1]}.$/ name=A/" flows.1
	grep -q name=A flows.1
	cmp flows.1 flows.2
	cmp flows.1 flows.3
	kill -TERM "$pid"
	told "$pid" 'nothing lost (gate: no other rpnc)'
}

@test "adopt -r: it is steered, and leaves in order once nobody else has its socket" {
	local b
	old --reuseport 127.0.0.1
	halt "$old"
	start echo -r 127.0.0.1 "$port"
	start echo -r -v --identify --adopt "$old" --steer A=0,B=100
	b=$pid
	told "$b" "reuseport, 2 of 2, weights A=0,B=100, adopted"
	for _ in {1..20}; do
		run -0 rpnc connect 127.0.0.1 "$port" </dev/null
		assert_output --partial 'rpnc/1 name=B '
	done
	killed "$old"
	kill -TERM "$b"
	told "$b" 'nothing lost (steer)'
	# the gate of a socket for both families, and of two that are in one group
	old --reuseport --dual ::
	start echo -r -v --adopt "$old"
	killed "$old"
	kill -TERM "$pid"
	told "$pid" 'nothing lost (gate: no other rpnc)'
	members --sockets 2
	start echo -r -v --adopt "${workers[0]}"
	assert_equal "${#addrs[@]}" 2
	kill -KILL "${workers[0]}"
	eventually grep -q '^State:.Z' "/proc/${workers[0]}/status"
	kill -TERM "$pid"
	told "$pid" 'nothing lost (gate: two sockets in one group)'
}

@test "adopt -r: from an rpnc, which leaves without harm to what is now another's" {
	local a n
	start echo -r 127.0.0.1 0
	a=$pid
	start echo -r 127.0.0.1 "$port"
	halt "$a"
	n=${#pids[@]}
	start echo -r --json --adopt "$a"
	kill -TERM "$a"
	kill -CONT "$a"
	told "$a" "left: nothing lost (close: pid $pid (rpnc) still holds 127.0.0.1:$port)"
	finish "$a" || test $? -eq 143
	rpnc probe --json --echo -n 200 --timeout 5 127.0.0.1 "$port" >report
	jq -e '.ok == 200 and ([.members[].name] | sort) == ["B", "C"]' report
	kill -TERM "$pid"
	finish "$pid" || test $? -eq 143
	jq -se 'map(select(.event == "drained"))[0] | .lost == 0 and .mode == "steer"' "out.$n"
}

@test "adopt -r: a listener of MPTCP: its queue is served, and no client is missed" {
	local n
	test "$(cat /proc/sys/net/mptcp/enabled)" -eq 1 || skip "MPTCP is off"
	old --reuseport --mptcp 127.0.0.1
	halt "$old"
	queue 3 127.0.0.1
	n=${#pids[@]}
	start echo -r --json --adopt "$old"
	answered
	killed "$old"
	kill -TERM "$pid"
	finish "$pid" || test $? -eq 143
	# the kernel has a gate for TCP only
	jq -se 'map(select(.event == "drained")) |
		map([.queued, .handshakes, .lost, .mode]) == [[0, 0, 0, "drain"]]' \
		"out.$n" || fail "$(<"out.$n")"
}

@test "adopt: nginx: a worker that is stopped, but not what it holds of the others" {
	nginx_on reuseport
	halt "${workers[0]}"
	mkfifo queued
	behind "$port" <<-'END'
		all = [dial(args[0]) for _ in range(60)]
		for s in all:
		    s.sendall(b"GET / HTTP/1.0\r\n\r\n")
		open("queued", "w").close()
		sys.exit({exact(s, 4) for s in all} != {b"HTTP", b"GET "})
	END
	: <queued
	start echo --adopt "${workers[0]}"
	assert_equal "${#addrs[@]}" 1
	answered
	kill -KILL "${workers[0]}"
}
