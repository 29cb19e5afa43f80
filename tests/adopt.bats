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

# stopped PID: stops it, until it is.
stopped() {
	kill -STOP "$1"
	eventually grep -q '^State:.T' "/proc/$1/status"
}

# killed PID
killed() {
	kill -KILL "$1"
	test -z "$(finish "$1" 2>/dev/null)" || true
	! kill -0 "$1" 2>/dev/null
}

# queue N HOST: so many clients that say "x" wait for the old one; answered: each
# got what it said.
queue() {
	mkfifo queued
	behind "$port" "$@" <<-'END'
		all = [dial(args[0], args[2]) for _ in range(int(args[1]))]
		for s in all:
		    s.sendall(b"x")
		open("queued", "w").close()
		sys.exit(sum(exact(s, 1) == b"x" for s in all) != len(all))
	END
	: <queued
	rm queued
}

answered() {
	finish "$client"
}

# refuses STATUS TEXT ARG...: echo does, in one line with that text.
refuses() {
	run -"$1" --separate-stderr timeout 10 rpnc echo "${@:3}"
	assert_equal "${#stderr_lines[@]}" 1
	[[ $stderr == *"$2"* ]] || fail "$stderr"
}

@test "adopt: 50 that wait for a stopped server are answered, and it may be killed" {
	old 127.0.0.1
	stopped "$old"
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
	local flags
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
	stopped "$old"
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

	queue 1 127.0.0.1
	run -0 --separate-stderr rpnc listen --once --adopt "$old" < <(printf x)
	assert_output x
	[[ $stderr == *"still holds 127.0.0.1:$port"* ]]
	queue 2 127.0.0.1
	pane a rpnc listen --adopt "$old"
	sees a "listening on 127.0.0.1:$port (tcp, adopted from pid $old, which is stopped)" \
		'#1< x' '#2< x'
	enter a '/to all x'
	answered
	kill -KILL "$old"
	enter a /leave
	sees a '0 lost (gate'
	enter a /join
	like a 'listening on [^ ]+ \(tcp\)'
	client
	ask "$c" hello
	sees a '< hello'
	hang_up "$c"
}

@test "adopt: by port, address and family, IPv6, Unix sockets and datagrams" {
	old 0.0.0.0 ::
	stopped "$old"
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
	stopped "$old"
	start echo --adopt "$old" -U
	start echo -w 2 --adopt "$old" "unix:$PWD/socket"
	killed "$killed_later"
	run -0 rpnc connect -U "$PWD/socket" <<<hello
	assert_output hello
	all_end
	test -S socket # not ours to remove

	old --udp 127.0.0.1
	stopped "$old"
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
	told "$pid" "0 lost (close: pid $old (python3), which is stopped, still holds 127.0.0.1:$port)"
}

@test "adopt: who can't be adopted, and what goes not with it" {
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
	refuses 5 "unix:$PWD/socket (-U)" --adopt "$old" 1
	refuses 5 'has no UDP socket; it has' -u --adopt "$old"
	refuses 5 'has no listening Unix socket at this address' --adopt "$old" -U x
	thread=$(find "/proc/$old/task/" -mindepth 1 -printf '%f\n' -maxdepth 1 | grep -vx "$old" | head -n 1)
	refuses 2 "pid $thread is a thread of process $old: say that" --adopt "$thread"

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
