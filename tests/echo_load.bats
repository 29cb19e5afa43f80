# rpnc echo with much to do, or many who do nothing: bulk, clients that never
# read, what an idle connection costs, --busy.
# shellcheck shell=bash disable=SC2030,SC2031,SC2154

bats_require_minimum_version 1.5.0

load helpers

export port

# Clients that send the same block again and again, each from its own place.
setup_file() {
	export PYTHONPATH=$BATS_FILE_TMPDIR:$BATS_TEST_DIRNAME PYTHONDONTWRITEBYTECODE=1
	cat >"$BATS_FILE_TMPDIR/load.py" <<-'END'
		from client import *

		pid = int(sys.argv[1])
		port = os.environ["port"]
		block = os.urandom((1 << 20) + 7)
		raise_limit()

		def connected():
		    s = socket.socket(socket.AF_INET if port.isdigit() else socket.AF_UNIX)
		    if port.isdigit():
		        s.setsockopt(SOL_SOCKET, socket.SO_RCVBUF, 4096)
		    s.connect(("127.0.0.1", int(port)) if port.isdigit() else "sock")
		    return s

		def piece(at, n):
		    at %= len(block)
		    return block[at:at + n]

		class Client:
		    def __init__(self, place=0):
		        self.s = connected()
		        self.s.setblocking(False)
		        self.sent = self.got = place
		    def fileno(self):
		        return self.s.fileno()
		    def push(self, most=1 << 18):
		        try:
		            self.sent += self.s.send(piece(self.sent, most))
		        except BlockingIOError:
		            pass
		    def pull(self, most=1 << 18):
		        """Whether there was anything; it is what was sent."""
		        try:
		            data = self.s.recv(most)
		        except BlockingIOError:
		            return True
		        at = 0
		        while at < len(data):
		            want = piece(self.got, len(data) - at)
		            assert data[at:at + len(want)] == want, "other bytes"
		            at += len(want)
		            self.got += len(want)
		        return bool(data)
		    def finish(self):
		        """All that was sent comes back, and then the end."""
		        self.s.shutdown(socket.SHUT_WR)
		        self.s.setblocking(True)
		        self.s.settimeout(20)
		        while self.pull():
		            pass
		        assert self.got == self.sent, (self.got, self.sent)
		        self.s.close()

		def push_all(clients, patience=0.2):
		    """Until nobody can send any more."""
		    while True:
		        ready = select.poll()
		        at = {c.fileno(): c for c in clients}
		        for fd in at:
		            ready.register(fd, select.POLLOUT)
		        found = ready.poll(patience * 1000)
		        if not found:
		            return
		        for fd, _ in found:
		            at[fd].push()

		def own_memory():
		    return memory(pid, "RssAnon")

		def pipes():
		    return sum(name.startswith("pipe:") for name in links(pid)) // 2
	END
}

# apart: rpnc in a network of its own, where sockets hold little.
apart() {
	unshare -Urn true || skip "no network namespaces here"
	# shellcheck disable=SC2317
	rpnc() {
		# shellcheck disable=SC2016 # the $@ is for the inner bash
		exec unshare -Urn bash -c 'cd /proc/sys/net/ipv4 &&
			ip link set lo up &&
			echo 4096 16384 65536 >tcp_wmem &&
			echo 4096 131072 262144 >tcp_rmem &&
			cd "$OLDPWD" && exec rpnc "$@"' bash "$@"
	}
	beside=(nsenter --user --net --preserve-credentials --target)
}

beside=()

# clients: the Python on stdin.
clients() {
	(echo 'from load import *' && cat) >script.py
	timeout 100 ${beside:+"${beside[@]}" "$pid"} python3 script.py "$pid"
}

# bulk_is_exact: what a client sends by the megabyte comes back.
bulk_is_exact() {
	clients <<-'END'
		c = Client()
		while c.sent < 8 << 20:
		    select.select([c], [c], [], 20)
		    c.push()
		    c.pull()
		c.finish()
	END
	kill -KILL "$pid"
	finish "$pid" || true
}

# in_bulk: of a client that takes only some of what it has sent, the rest waits
# in a pipe. No byte is lost, whether it then reads on or resets.
in_bulk() {
	clients <<-'END'
		before = len(links(pid))
		had = pipes()
		def stuck():
		    c = Client()
		    for turn in range(400):
		        push_all([c], 0.02)
		        if pipes() > had:
		            return c
		        c.pull(50001)
		    assert False, "it never had a pipe"
		c = stuck()
		echoed(connected(), b"others are served")
		for size in 1, 4097, 65535, 300000:
		    for turn in range(20):
		        c.pull(size)
		        c.push(size)
		c.finish()
		until(lambda: len(links(pid)) == before)
		c = stuck()
		if port.isdigit():
		    c.s.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
		c.s.close()
		until(lambda: len(links(pid)) == before)
		# from much at a time to little, and back
		c = Client()
		for size in 1, 1 << 20, 1, 1 << 20, 65536, 2, 32768, 3:
		    goal = c.sent + size
		    while c.got < goal:
		        if c.sent < goal:
		            c.push(goal - c.sent)
		        select.select([c], [c] if c.sent < goal else [], [], 20)
		        c.pull()
		c.finish()
	END
}

@test "echo: bulk waits in a pipe for a slow reader, and comes whole" {
	start echo 127.0.0.1 0
	in_bulk
}

@test "echo: bulk over a Unix socket waits in a pipe, and comes whole" {
	start echo -U sock
	port=sock
	in_bulk
}

@test "echo: bulk goes on after urgent data, which is nobody's" {
	start echo --json 127.0.0.1 0
	clients <<-'END'
		s = socket.create_connection(("127.0.0.1", int(port)), 20)
		s.setblocking(False)
		def through(data, flags):
		    sent, got = 0, b""
		    while sent < len(data) or (not flags and len(got) < len(data)):
		        r, w, _ = select.select([s], [s] if sent < len(data) else [], [], 20)
		        assert r or w, "it is stuck after %d of %d" % (len(got), len(data))
		        if w:
		            sent += s.send(data[sent:sent + 65536], flags)
		        if r:
		            got += s.recv(1 << 20)
		    return got
		for turn in range(40):
		    assert through(b"!", socket.MSG_OOB) == b""
		    data = piece(turn * 1000, 400000)
		    assert through(data, 0) == data, turn
		# the end comes while all of it still waits in the server
		last = piece(5, 1000000)
		through(last, 0)
		s.setblocking(True)
		threading.Thread(target=lambda: (s.sendall(last),
		    s.send(b"!", socket.MSG_OOB), s.sendall(b"end"),
		    s.shutdown(socket.SHUT_WR))).start()
		got = s.makefile("rb").read()
		assert got == last + b"end", len(got)
	END
}

@test "echo: bulk comes back whole where splice(2) or a pipe is refused, from the first call or from the second" {
	local fault
	for fault in ENOSYS EPERM EACCES EPERM:when=2+ EINVAL:when=3+; do
		with_faults "splice:error=$fault"
		start echo 127.0.0.1 0
		bulk_is_exact
	done
	port=sock
	for fault in splice:error=ENOSYS:when=2+ pipe2:error=EPERM; do
		with_faults "$fault"
		start echo -U sock
		port=sock
		bulk_is_exact
		rm sock
	done
}

@test "echo: once splice(2) is refused it is not tried again" {
	with_faults splice:error=ENOSYS
	start echo 127.0.0.1 0
	bulk_is_exact
	assert_equal "$(grep -c 'splice(' trace)" 1
}

@test "echo: 200 clients that never read cost a buffer each, or a pipe of 64" {
	apart
	start echo 127.0.0.1 0
	clients <<-'END'
		# one user's pipes share a limit (pipe(7)): others may have it all
		def granted():
		    r, w = os.pipe()
		    try:
		        fcntl.fcntl(w, fcntl.F_SETPIPE_SZ, 1 << 18)
		    except PermissionError:
		        return False
		    finally:
		        os.close(r), os.close(w)
		    return True
		before, start, least = own_memory(), len(links(pid)), granted()
		deaf = [Client(i * 5003) for i in range(200)]
		push_all(deaf)
		for turn in range(4):
		    for c in deaf:
		        c.pull(100001)
		    push_all(deaf, 0.05)
		assert (least and granted()) <= pipes() <= 64 + 2, pipes()
		assert len(links(pid)) <= start + 200 + 2 * 64
		if not os.environ.get("SAN"):
		    assert own_memory() - before < 200 * 65536 + (1 << 20), own_memory() - before
		echoed(connected(), b"still here")
		for c in deaf:
		    c.finish()
		until(lambda: len(links(pid)) == start)
	END
	end TERM
	assert_equal "$status" 143
}

@test "echo: an idle connection costs less than half a KiB" {
	local most=512
	apart
	# the malloc of musl has no size between 396 and 492, and a head for each group
	! has_musl || most=544
	start echo 127.0.0.1 0
	most=$most clients <<-'END'
		first = [connected() for i in range(200)]
		for s in first:
		    echoed(s, b"x" * 3000)
		before = own_memory()
		rest = [connected() for i in range(2000)]
		for s in rest:
		    s.sendall(b"x" * 3000)
		for s in rest:
		    assert s.recv(1)
		    got = 0
		    while got < 2999:
		        got += len(s.recv(4096))
		if not os.environ.get("SAN"):
		    assert own_memory() - before < 2000 * int(os.environ["most"]), (own_memory() - before) / 2000
	END
}

@test "echo --busy: looks for more for a while, and then sleeps" {
	start echo --busy=200ms 127.0.0.1 0
	clients <<-'END'
		s = connected()
		echoed(s, b"one")
		until(lambda: state(pid)[0] == "S")
	END
	# without an end it has ears for signals and eyes on the clock
	for model in exclusive blocking fork; do
		start echo --busy=1h --grace 0.1 --accept $model 127.0.0.1 0
		clients <<-'END'
			s = connected()
			echoed(s, b"one")
			server, = children(pid) or [pid]
			before = cpu(server)
			until(lambda: cpu(server) - before >= 0.05)
			os.kill(pid, 15)
			assert s.recv(1) == b""
		END
		status=0
		finish "$pid" || status=$?
		assert_equal "$status" 143
	done
}

@test "echo --busy: what is no time is a usage error" {
	for time in 0 x -1 5x; do
		run -2 --separate-stderr rpnc echo --busy=$time 0 </dev/null
		assert_regex "$stderr" '^rpnc echo: --busy='
	done
}
