# rpnc echo --accept: what happens to a connection before it is served, and
# what a request may cost (--work, --stall).
# shellcheck shell=bash disable=SC2154

load helpers

export port

setup_file() {
	export PYTHONPATH=$BATS_FILE_TMPDIR:$BATS_TEST_DIRNAME PYTHONDONTWRITEBYTECODE=1
	cat >"$BATS_FILE_TMPDIR/served.py" <<-'END'
		from client import *

		port = os.environ.get("port", "")
		pid = int(sys.argv[1])

		def connected():
		    return dial(port) if port.isdigit() else local("sock")

		def finish(s):
		    s.shutdown(SHUT_WR)
		    assert s.recv(1) == b""
		    s.close()

		def holders():
		    """The pids that have the listening socket."""
		    return [p for p in [pid] + children(pid) if listening(port) & inodes(p)]
	END
}

# client [PID]: the Python on stdin.
client() {
	(echo 'from served import *' && cat) >script.py
	timeout 60 python3 script.py "$pid"
}

refuses() {
	run -2 --separate-stderr timeout 20 rpnc echo "${@:2}" </dev/null
	assert_equal "${#stderr_lines[@]}" 1
	assert_regex "$stderr" "^rpnc echo: .*$1"
}

@test "echo --accept blocking: a worker has one client at a time, from one queue" {
	start echo -w 2 --identify --accept blocking 127.0.0.1 0
	client <<-'END'
		a, b = connected(), connected()
		assert sorted((whose(a), whose(b))) == children(pid)
		c = connected()
		assert quiet(c)
		echoed(a), echoed(b, b"x" * 1000000)
		finish(a)
		assert whose(c) in children(pid)
		echoed(c), finish(c), finish(b)
		victim = children(pid)[0]
		os.kill(victim, signal.SIGKILL)
		until(lambda: victim not in children(pid) and len(children(pid)) == 2)
		a, b = connected(), connected()
		assert sorted((whose(a), whose(b))) == children(pid)
	END
	end TERM
	assert_equal "$status" 143
	assert_regex "$(<out.0)" '^5 connections in .* 977 KiB in, '
}

@test "echo --accept handoff: the parent alone listens, and gives to who has fewest" {
	start echo -w 3 --identify --json --accept handoff 127.0.0.1 0
	client <<-'END'
		assert holders() == [pid]
		def taker():
		    s = connected()
		    who = whose(s)
		    finish(s)
		    return who
		# they take turns if none has a client
		turns = [taker() for _ in range(6)]
		assert sorted(turns) == sorted(children(pid) * 2), turns
		held = [connected() for _ in range(6)]
		names = [whose(s) for s in held]
		assert sorted(names) == sorted(children(pid) * 2), names
		[echoed(s) for s in held]
		victim = names[0]
		for s in [s for s, n in zip(held, names) if n != victim]:
		    finish(s)
		rest = set(children(pid)) - {victim}
		assert taker() in rest
		# stopped, it has two; what it is given then the others take when it dies
		os.kill(victim, signal.SIGSTOP)
		more = [connected() for _ in range(9)]
		os.kill(victim, signal.SIGKILL)
		answers = [whose(s) for s in more]
		assert set(answers) == rest, answers
		[echoed(s) for s in more]
		# its successor has none open, and gets the next
		until(lambda: len(set(children(pid)) - {victim}) == 3)
		successor, = set(children(pid)) - {victim} - rest
		until(lambda: taker() == successor)
		# the others have four at least
		more += [connected() for _ in range(4)]
		assert {whose(s) for s in more[-4:]} == {successor}
	END
	end TERM
	assert_equal "$status" 143
	run jq -c 'select(.event == "report") | [.workers[].restarts] | sort' out.0
	assert_output '[0,0,1]'
	# where there is no other, they wait for the successor
	start echo -w 1 --identify --accept handoff 127.0.0.1 0
	client <<-'END'
		victim, = children(pid)
		first = connected()
		assert whose(first) == victim
		os.kill(victim, signal.SIGSTOP)
		waiting = [connected() for _ in range(9)]
		os.kill(victim, signal.SIGKILL)
		for s in waiting:
		    assert whose(s) != victim
		    echoed(s), finish(s)
	END
}

@test "echo --accept: workers end if their parent is killed, and have little to say" {
	local model
	for model in handoff shared; do
		rm -f workers
		start echo -w 2 --identify --accept "$model" 127.0.0.1 0
		client <<-'END'
			held = [connected() for _ in range(4)]
			for s in held:
			    whose(s)
			open("workers", "w").write("\n".join(map(str, children(pid))))
		END
		mapfile -t workers <workers
		assert_equal "${#workers[@]}" 2
		end KILL
		eventually gone "${workers[0]}"
		eventually gone "${workers[1]}"
		test "$(stat -c %s "err.$((${#pids[@]} - 1))")" -lt 4000
	done
}

@test "echo --accept fork: a process for each connection, with its end, -w at once" {
	start echo -w 2 --identify --accept fork 127.0.0.1 0
	client <<-'END'
		a, b = connected(), connected()
		names = [whose(a), whose(b)]
		assert sorted(names) == children(pid)
		assert holders() == [pid]
		c = connected()
		assert quiet(c)
		echoed(a, b"x" * 1000000), finish(a)
		assert whose(c) not in names
		echoed(c), finish(c)
		os.kill(names[1], signal.SIGKILL)
		assert b.recv(1) == b""
		until(lambda: not children(pid))
		open("last", "w").write(str(whose(connected())))
	END
	end TERM
	assert_equal "$status" 143
	assert_regex "$(<out.0)" '^4 connections in .* 977 KiB in, '
	gone() { ! test -e "/proc/$(<last)"; }
	eventually gone
	# more at once where no number is given, and none outlives the parent
	start echo --identify --accept fork 127.0.0.1 0
	client <<-'END'
		held = [connected() for _ in range(20)]
		names = [whose(s) for s in held]
		assert sorted(names) == children(pid)
		os.kill(pid, signal.SIGKILL)
		for s in held:
		    assert s.recv(1) == b""
	END
}

@test "echo --accept: all models serve Unix sockets, blocking datagrams too" {
	local model
	for model in blocking handoff fork; do
		start echo -w 2 --identify --accept "$model" -U sock
		port=none client <<-'END'
			for i in range(4):
			    s = connected()
			    assert whose(s) != pid
			    echoed(s), finish(s)
		END
		end TERM
	done
	start echo -u -w 2 --accept blocking 127.0.0.1 0
	client <<-'END'
		s = socket.socket(type=socket.SOCK_DGRAM)
		s.connect(("127.0.0.1", int(port)))
		for i in range(100):
		    s.send(b"%d" % i)
		    assert s.recv(99) == b"%d" % i
	END
	end TERM
	assert_equal "$status" 143
}

@test "echo --work: each request takes so much CPU" {
	start echo --json --work 5ms 127.0.0.1 0
	client <<-'END'
		s = connected()
		for i in range(40):
		    echoed(s)
	END
	end TERM
	run jq 'select(.event == "report") | .workers[0].cpu >= 0.2' out.0
	assert_output true
}

@test "echo --stall: each third request waits, and who comes meanwhile" {
	start echo --stall 300ms:3 127.0.0.1 0
	client <<-'END'
		a = connected()
		for before in 2, 1:
		    for _ in range(before):
		        echoed(a)
		    began = time.monotonic()
		    a.sendall(b"the third one")
		    b = connected()
		    echoed(b)
		    assert time.monotonic() - began >= 0.29
		    assert a.recv(99) == b"the third one"
	END
}

@test "echo --stall: workers take turns, and a process a connection counts all" {
	local options
	for options in "-w 2 --accept handoff" "--accept fork"; do
		# shellcheck disable=SC2086
		start echo $options --stall 200ms:4 127.0.0.1 0
		client <<-'END'
			slow = []
			for i in range(8):
			    began = time.monotonic()
			    s = connected()
			    echoed(s), finish(s)
			    if time.monotonic() - began >= 0.19:
			        slow.append(i)
			assert len(slow) >= 1, slow
		END
		stop
	done
}

@test "echo --accept, --stall: what can't be is said" {
	refuses 'datagrams' -u --accept fork 127.0.0.1 0
	refuses 'datagrams' -u --accept handoff 127.0.0.1 0
	refuses '-m:' -m 3 --accept blocking 127.0.0.1 0
	refuses '-m:' -m 3 --accept handoff 127.0.0.1 0
	refuses 'choose' -r --accept fork 127.0.0.1 0
	refuses 'adopt' --adopt 1 --accept fork 127.0.0.1 0
	local bad
	for bad in x 20ms 20ms: :5 0:5 20ms:0 20ms:-1 20ms:1x 1x:5; do
		refuses 'want TIME:EVERY' --stall "$bad" 127.0.0.1 0
	done
	test ! -s /proc/net/if_inet6 || refuses 'one' --accept blocking 0
}

# rests CALL [CLIENTS]: each process calls it at most CLIENTS times (1), then
# makes a pause that grows from 0.1 s; three pauses of it are in the trace.
rests() {
	awk -v most="${2:-1}" -v call="$1" '
		$3 !~ "^" call "\\(" || /EAGAIN/ { next }
		++calls[$1] > most {
			if ($2 - last[$1] < 0.09 * 2 ^ pauses[$1])
				early = 1
			pauses[$1]++
			calls[$1] = 1
		}
		{ last[$1] = $2 }
		pauses[$1] == 3 { done = 1; exit }
		END { exit early || !done }' trace
}

# refused CALL ARG...: a client of the server with these arguments is not
# served, as CALL fails. That is told in one line, costs a call now and then,
# and SIGTERM still ends it. limit: how many calls at a time.
refused() {
	local call=$1
	shift
	start "$@" || { cat err.*; return 1; }
	client <<-'END' &
		s = socket.socket(type=socket.SOCK_DGRAM if os.environ["udp"] else socket.SOCK_STREAM)
		s.connect(("127.0.0.1", int(port)))
		s.send(b"?")
		try:
		    s.recv(1)
		except OSError:
		    pass
	END
	pids+=("$!")
	eventually rests "$call" "${limit:-1}"
	kill -TERM "$pid"
	status=0
	finish "$pid" || status=$?
	assert_equal "$status" 143
	run grep -c "$told" "err.$((${#pids[@]} - 2))"
	test "$output" -le 2 -a "$output" -ge 1 # one for each worker
	stop
}

@test "echo, listen: where accept(2) is refused they say so once, rest, and SIGTERM ends them, in each model" {
	export udp=
	local model told='accept: Permission denied'
	with_faults accept4:error=EACCES
	for model in shared exclusive reuseport blocking handoff; do
		refused accept4 echo -w 2 --accept "$model" 127.0.0.1 0
	done
	refused accept4 echo --accept fork 127.0.0.1 0
	refused accept4 listen -k 127.0.0.1 0
	refused accept4 listen -r 127.0.0.1 0
	told='accept: Operation not permitted'
	with_faults accept4:error=EPERM
	refused accept4 echo 127.0.0.1 0
	told='accept: Too many open files in system'
	with_faults accept4:error=ENFILE
	refused accept4 echo --accept blocking 127.0.0.1 0
	# an error of a client is passed over, but not for ever
	told="accept: $(errno_text ECONNABORTED)"
	with_faults accept4:error=ECONNABORTED
	limit=64 refused accept4 echo -w 2 --accept reuseport 127.0.0.1 0
	limit=64 refused accept4 echo --accept blocking 127.0.0.1 0
}

@test "echo: errors of clients are passed over, however many, where accept(2) works in between" {
	with_faults accept4:error=ECONNABORTED:when=1+2
	start echo 127.0.0.1 0
	run -0 timeout 40 "$RPNC" probe -q -n 150 -c 1 127.0.0.1 "$port"
	end TERM
	test "$(grep -c ECONNABORTED trace)" -gt 128
	run ! grep accept: err.0
}

@test "echo -u, listen -u: where recvmmsg(2) is refused they say so once, rest, and SIGTERM ends them" {
	export udp=yes
	local model told='receive: Permission denied'
	with_faults recvmmsg:error=EACCES
	for model in shared reuseport blocking; do
		refused recvmmsg echo -u -w 2 --accept "$model" 127.0.0.1 0
	done
	refused recvmmsg listen -u -k 127.0.0.1 0
	reserve
	refused recvmmsg listen -u -r 127.0.0.1 "$port"
	told="receive: $(errno_text ENOMEM)"
	with_faults recvmmsg:error=ENOMEM
	refused recvmmsg echo -u 127.0.0.1 0
}

@test "echo: SIGTERM ends it though accept(2) never says that nobody waits" {
	local accept4=242 # of most machines
	test "$(uname -m)" != x86_64 || accept4=288
	local endless=(python3 "$BATS_TEST_DIRNAME/refuse.py" none "$accept4" --)
	"${endless[@]}" true || skip "no seccomp here"
	# shellcheck disable=SC2317 # start runs it
	rpnc() { exec "${endless[@]}" "$RPNC" "$@"; }
	start echo -r --leave drain 127.0.0.1 0
	kill "$pid"
	# else its memory would grow for ever
	eventually gone "$pid" || eventually gone "$pid" || kill -KILL "$pid"
	status=0
	finish "$pid" || status=$?
	assert_equal "$status" 143
	assert grep -q '^left: served [1-9][0-9]* that waited' err.0
}

@test "echo, listen: once accept(2) or recvmmsg(2) works again, who has waited is served" {
	export udp=
	with_faults accept4:error=EACCES:when=1..2 recvmmsg:error=EPERM:when=1..2
	local model
	for model in shared blocking; do
		start echo --accept "$model" 127.0.0.1 0
		client <<<'s = connected(); echoed(s)'
		stop
		start echo -u --accept "$model" 127.0.0.1 0
		run -0 client <<-'END'
			s = socket.socket(type=socket.SOCK_DGRAM)
			s.settimeout(20)
			s.connect(("127.0.0.1", int(port)))
			s.send(b"hello")
			print(s.recv(9).decode())
		END
		assert_output hello
		stop
	done
	start listen -u -k 127.0.0.1 0
	nc -u -q 0 127.0.0.1 "$port" <<<hello
	eventually grep -q hello "out.$((${#pids[@]} - 1))"
}

# limited MODEL: the processes of echo have room for some descriptors only. 60
# clients wait in turn, none is reset, and all are counted.
limited() {
	local file=out.${#pids[@]}
	# shellcheck disable=SC2317
	rpnc() { ulimit -n 24 && exec rpnc "$@"; }
	start echo -w 2 --json --identify --accept "$1" 127.0.0.1 0
	model=$1 out=$file emfile=$(errno_text EMFILE) client <<-'END'
		model = os.environ["model"]
		if model == "blocking":         # one at a time: no room for one
		    [finish(s) for s in (connected(), connected()) if whose(s)]
		    for p in children(pid):
		        used = set(map(int, os.listdir("/proc/%d/fd" % p)))
		        free = min(set(range(24)) - used)
		        resource.prlimit(p, resource.RLIMIT_NOFILE, (free, 24))
		waiting = [connected() for _ in range(60)]
		served = []
		def served_now(wait):
		    ready = select.select(waiting, [], [], wait)[0]
		    for s in ready:
		        assert whose(s) in children(pid)
		        echoed(s)
		        waiting.remove(s)
		    served.extend(ready)
		    return ready
		def told():
		    with open(os.environ["out"]) as f:
		        return f.read().count(os.environ["emfile"])
		def stuck():
		    while model == "blocking" and served: # accept(2) had one reserved
		        finish(served.pop())
		    return not served_now(0.2) and told()
		if model != "fork":
		    until(stuck)
		    assert len(waiting) > 20, len(waiting)
		if model == "blocking":
		    for p in children(pid):
		        resource.prlimit(p, resource.RLIMIT_NOFILE, (24, 24))
		while waiting:
		    for s in served:
		        finish(s)
		    served.clear()
		    assert served_now(20), "%d wait for ever" % len(waiting)
		for s in served:
		    finish(s)
		assert told() == 0 if model == "fork" else 1 <= told() <= 2
		if model == "handoff":
		    owners = sorted(whose(s) for s in [connected() for _ in range(6)])
		    assert owners == sorted(children(pid) * 3), "no longer to the least loaded"
	END
	end TERM
	assert_equal "$status" 143
	run jq -c 'select(.event == "report") | .accepted' "$file"
	case $1 in
	handoff) assert_output 66 ;;
	blocking) assert_output 62 ;;
	*) assert_output 60 ;;
	esac
}

@test "echo --accept: clients wait for a worker that has a descriptor free, in each model, and are counted" {
	local model
	for model in shared exclusive reuseport blocking handoff fork; do
		limited "$model"
	done
}

@test "echo --accept fork: at most half of the processes that ulimit -u allows, and who finds none waits" {
	local soft
	soft=$(ulimit -Su)
	# shellcheck disable=SC2317
	rpnc() { ulimit -Su 20 && exec rpnc "$@"; }
	start echo --accept fork 127.0.0.1 0
	prlimit --pid "$pid" --nproc="$soft": # only its start saw the limit
	client <<-'END'
		held = [connected() for _ in range(12)]
		[echoed(s) for s in held[:10]]
		held[10].sendall(b"?")
		assert quiet(held[10]) and len(children(pid)) == 10
		finish(held[0])
		assert held[10].recv(1) == b"?"
	END
	stop
	unset -f rpnc
	with_faults 'clone,?fork:error=EAGAIN:when=1..3'
	start echo --accept fork 127.0.0.1 0
	client <<-'END'
		for s in [connected() for _ in range(5)]:
		    echoed(s), finish(s)
	END
	end TERM
	assert_regex "$(<"out.$((${#pids[@]} - 1))")" '^5 connections in '
	assert_equal "$(grep -v listening "err.$((${#pids[@]} - 1))")" \
		'rpnc: fork for a connection: Resource temporarily unavailable'
}
