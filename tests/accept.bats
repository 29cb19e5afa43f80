# rpnc echo --accept: what happens to a connection before it is served, and
# what a request may cost (--work, --stall).
# shellcheck shell=bash disable=SC2154

load helpers

export port

setup_file() {
	export PYTHONPATH=$BATS_FILE_TMPDIR PYTHONDONTWRITEBYTECODE=1
	cat >"$BATS_FILE_TMPDIR/client.py" <<-'END'
		import json, os, re, select, signal, socket, sys, time

		port = os.environ.get("port", "")
		pid = int(sys.argv[1])
		socket.setdefaulttimeout(20)

		def dial():
		    if port.isdigit():
		        return socket.create_connection(("127.0.0.1", int(port)))
		    s = socket.socket(socket.AF_UNIX)
		    s.connect("sock")
		    return s

		def line(s):
		    text = b""
		    while not text.endswith(b"\n"):
		        more = s.recv(1)
		        assert more, "end after %r" % text
		        text += more
		    return text.decode()

		def whose(s):
		    return int(re.search(r" pid=(\d+) ", line(s))[1])

		def echoed(s, data=b"hello\n"):
		    s.sendall(data)
		    got = b""
		    while len(got) < len(data):
		        more = s.recv(1 << 20)
		        assert more, "end"
		        got += more
		    assert got == data

		def finish(s):
		    s.shutdown(socket.SHUT_WR)
		    assert s.recv(1) == b""
		    s.close()

		def silent(s):
		    return not select.select([s], [], [], 0.2)[0]

		def until(condition):
		    end = time.monotonic() + 20
		    while not condition():
		        assert time.monotonic() < end, "it never happened"
		        select.select([], [], [], 0.01)

		def children(pid):
		    with open("/proc/%d/task/%d/children" % (pid, pid)) as f:
		        return sorted(map(int, f.read().split()))

		def holders():
		    """The pids that have the listening socket."""
		    with open("/proc/net/tcp") as f:
		        rows = [r.split() for r in f.readlines()[1:]]
		    inode, = (r[9] for r in rows if r[3] == "0A" and
		        int(r[1].split(":")[1], 16) == int(port))
		    def has(p):
		        d = "/proc/%d/fd" % p
		        return any(os.readlink(d + "/" + f) == "socket:[%s]" % inode
		            for f in os.listdir(d) if f.isdigit())
		    return [p for p in [pid] + children(pid) if has(p)]
	END
}

# client [PID]: the Python on stdin.
client() {
	(echo 'from client import *' && cat) >script.py
	timeout 60 python3 script.py "$pid"
}

end() {
	kill -s "$1" "$pid"
	status=0
	finish "$pid" || status=$?
}

refuses() {
	run -2 --separate-stderr timeout 20 rpnc echo "${@:2}" </dev/null
	assert_equal "${#stderr_lines[@]}" 1
	assert_regex "$stderr" "^rpnc echo: .*$1"
}

@test "echo --accept blocking: a worker has one client at a time, from one queue" {
	start echo -w 2 --identify --accept blocking 127.0.0.1 0
	client <<-'END'
		a, b = dial(), dial()
		assert sorted((whose(a), whose(b))) == children(pid)
		c = dial()
		assert silent(c)
		echoed(a), echoed(b, b"x" * 1000000)
		finish(a)
		assert whose(c) in children(pid)
		echoed(c), finish(c), finish(b)
		victim = children(pid)[0]
		os.kill(victim, signal.SIGKILL)
		until(lambda: victim not in children(pid) and len(children(pid)) == 2)
		a, b = dial(), dial()
		assert sorted((whose(a), whose(b))) == children(pid)
	END
	end TERM
	assert_equal "$status" 143
	assert_regex "$(<out.0)" '^5 connections in .* 976\.6 KiB in, '
}

@test "echo --accept handoff: the parent alone listens, and gives to who has fewest" {
	start echo -w 3 --identify --json --accept handoff 127.0.0.1 0
	client <<-'END'
		assert holders() == [pid]
		held = [dial() for _ in range(6)]
		names = [whose(s) for s in held]
		assert sorted(names) == sorted(children(pid) * 2), names
		[echoed(s) for s in held]
		victim = names[0]
		for s in [s for s, n in zip(held, names) if n != victim]:
		    finish(s)
		rest = set(children(pid)) - {victim}
		until(lambda: whose(dial()) in rest)
		# stopped, it has two; what it is given later waits for its successor
		os.kill(victim, signal.SIGSTOP)
		more = [dial() for _ in range(9)]
		os.kill(victim, signal.SIGKILL)
		until(lambda: len(set(children(pid)) - {victim}) == 3)
		answers = [whose(s) for s in more]
		assert set(answers) == set(children(pid)), answers
		[echoed(s) for s in more]
	END
	end TERM
	assert_equal "$status" 143
	run jq -c 'select(.event == "report") | [.workers[].restarts] | sort' out.0
	assert_output '[0,0,1]'
}

@test "echo --accept fork: a process for each connection, with its end, -w at once" {
	start echo -w 2 --identify --accept fork 127.0.0.1 0
	client <<-'END'
		a, b = dial(), dial()
		names = [whose(a), whose(b)]
		assert sorted(names) == children(pid)
		assert holders() == [pid]
		c = dial()
		assert silent(c)
		echoed(a, b"x" * 1000000), finish(a)
		assert whose(c) not in names
		echoed(c), finish(c)
		os.kill(names[1], signal.SIGKILL)
		assert b.recv(1) == b""
		until(lambda: not children(pid))
		open("last", "w").write(str(whose(dial())))
	END
	end TERM
	assert_equal "$status" 143
	assert_regex "$(<out.0)" '^4 connections in .* 976\.6 KiB in, '
	gone() { ! test -e "/proc/$(<last)"; }
	eventually gone
	# more at once where no number is given, and none outlives the parent
	start echo --identify --accept fork 127.0.0.1 0
	client <<-'END'
		held = [dial() for _ in range(20)]
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
			    s = dial()
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
		s = dial()
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
		a = dial()
		for before in 2, 1:
		    for _ in range(before):
		        echoed(a)
		    began = time.monotonic()
		    a.sendall(b"the third one")
		    b = dial()
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
			    s = dial()
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
