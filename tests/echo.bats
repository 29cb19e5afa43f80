# rpnc echo: streams, datagrams, workers and the closing report.
# shellcheck shell=bash disable=SC2030,SC2031,SC2154

load helpers

export port

# The clients are Python: it says exactly what is sent, shut and reset, and
# when. Each waits for 20 s at most.
setup_file() {
	export PYTHONPATH=$BATS_FILE_TMPDIR:$BATS_TEST_DIRNAME PYTHONDONTWRITEBYTECODE=1
	cat >"$BATS_FILE_TMPDIR/served.py" <<-'END'
		from client import *

		port = os.environ.get("port", "")
		port = int(port) if port.isdigit() else 0
		pid = int(sys.argv[1]) if len(sys.argv) > 1 else 0
		raise_limit()

		def connected(host="127.0.0.1"):
		    return dial(port, host)

		def datagrams(family=socket.AF_INET):
		    return socket.socket(family, SOCK_DGRAM)
	END
}

# client [PID]: the Python on stdin.
client() {
	(echo 'from served import *' && cat) >script.py
	timeout 60 python3 script.py "$@"
}

# workers: their pids, in the order of their start.
workers() {
	cat "/proc/$pid/task/$pid/children"
}

gone() {
	! test -e "/proc/$1"
}

# usage_error ARG...: says one line and ends with status 2.
usage_error() {
	run -2 --separate-stderr timeout 20 rpnc echo "$@" </dev/null
	assert_equal "$output" ''
	assert_equal "${#stderr_lines[@]}" 1
	assert_regex "$stderr" '^rpnc echo: '
}

bats_require_minimum_version 1.5.0

@test "echo: a wildcard serves IPv4 and IPv6 on one port, byte for byte" {
	needs_ipv6
	start echo 0
	assert_equal "${#addrs[@]}" 2
	assert_equal "${addrs[0]}" "0.0.0.0:$port"
	assert_equal "${addrs[1]}" "[::]:$port"
	client <<-'END'
		data = os.urandom(3 << 20)
		for host in "127.0.0.1", "::1", "127.9.9.9":
		    s = connected(host)
		    for size in 1, 2, 65535, 65536, 65537:
		        echoed(s, data[:size])
		    s.close()
		    s = connected(host)
		    s.setblocking(False)
		    sent, got = 0, b""
		    while len(got) < len(data):
		        r, w, _ = select.select([s], [s] * (sent < len(data)), [], 20)
		        assert r or w
		        if w:
		            sent += s.send(data[sent:])
		            if sent == len(data):
		                s.shutdown(socket.SHUT_WR)
		        if r:
		            more = s.recv(1 << 20)
		            assert more
		            got += more
		    s.setblocking(True)
		    assert got == data and whole(s) == b""
	END
}

@test "echo: an end without a byte is answered by an end" {
	start echo 127.0.0.1 0
	client <<-'END'
		s = connected()
		s.shutdown(socket.SHUT_WR)
		assert whole(s) == b""
	END
}

@test "echo: one address serves that one only" {
	start echo 127.0.0.1 0
	assert_equal "${addrs[*]}" "127.0.0.1:$port"
	client <<-'END'
		echoed(connected(), b"here")
		assert socket.socket().connect_ex(("127.0.0.2", port)) == errno.ECONNREFUSED
	END
}

@test "echo: -4 and -6 each serve their family only" {
	needs_ipv6
	start echo -4 0
	assert_equal "${addrs[*]}" "0.0.0.0:$port"
	client <<-'END'
		echoed(connected(), b"four")
		assert socket.socket(socket.AF_INET6).connect_ex(("::1", port)) == errno.ECONNREFUSED
	END
	start echo -6 0
	assert_equal "${addrs[*]}" "[::]:$port"
	client <<-'END'
		echoed(connected("::1"), b"six")
		assert socket.socket().connect_ex(("127.0.0.1", port)) == errno.ECONNREFUSED
	END
}

@test "echo: UDP keeps the borders of datagrams, from 0 to 65507 bytes" {
	start echo -u 0
	client <<-'END'
		for family, host in (socket.AF_INET, "127.0.0.1"), (socket.AF_INET6, "::1"):
		    if family == socket.AF_INET6 and not open("/proc/net/if_inet6").read():
		        continue
		    s = datagrams(family)
		    s.connect((host, port))
		    for size in 0, 1, 1472, 1473, 9000, 65506, 65507, 0:
		        data = os.urandom(size)
		        s.send(data)
		        assert s.recv(70000) == data
		    several = [b"one", b"", b"two", b"2", b"", b"x" * 5000]
		    for data in several:
		        s.send(data)
		    assert [s.recv(70000) for _ in several] == several
	END
}

# Datagrams that were sent as one come to the server as one, and so do those
# that were queued while it was stopped.
@test "echo -u: of what came joined, or at once, each gets its own back whole" {
	start echo -u --json 0
	client "$pid" <<-'END' >counted
		SEGMENT = 103                   # datagrams(7), UDP_SEGMENT
		sizes = [0, 1, 0, 300, 700, 0, 1400, 1400, 1400, 700, 1, 1, 0, 0, 1401]
		total = pieces = 0
		families = [(socket.AF_INET, "127.0.0.1"), (socket.AF_INET, "127.0.0.3")]
		if open("/proc/net/if_inet6").read():
		    families.append((socket.AF_INET6, "::1"))
		for family, host in families:
		    peers = [datagrams(family) for _ in range(6)]
		    want = {s: [] for s in peers}
		    def send(s, data, size=0):
		        global total, pieces
		        join = [(socket.IPPROTO_UDP, SEGMENT, struct.pack("H", size))]
		        try:
		            s.sendmsg([data], join if size else [])
		        except OSError:                 # a kernel without it
		            size = 0
		            s.send(data)
		        size = size or len(data) or 1
		        want[s] += [data[i:i + size] for i in range(0, len(data), size)] or [b""]
		    def back():
		        global total, pieces
		        for s in peers:
		            got = [s.recv(70000) for _ in want[s]]
		            assert got == want[s], [len(d) for d in got]
		            total += sum(map(len, got))
		            pieces += len(got)
		            want[s].clear()
		    for s in peers:
		        s.connect((host, port))
		    os.kill(pid, signal.SIGSTOP)
		    for size in sizes:                  # in turns, so runs are of one
		        for s in peers[:3]:
		            send(s, os.urandom(size))
		    for s in peers[3:]:                 # and in runs
		        for size in sizes:
		            send(s, os.urandom(size))
		    os.kill(pid, signal.SIGCONT)
		    back()
		    os.kill(pid, signal.SIGSTOP)
		    for i, s in enumerate(peers):
		        send(s, os.urandom(100 * (i + 1)), 100)
		        send(s, os.urandom(99))
		        send(s, os.urandom(1400 * i + 7), 1400)
		        send(s, os.urandom(60), 1)
		        send(s, b"")
		        send(s, os.urandom(77), 77)
		    os.kill(pid, signal.SIGCONT)
		    back()
		    for s in peers:
		        send(s, os.urandom(65507))
		        send(s, os.urandom(60000), 1200)
		        back()
		    assert all(quiet(s, 0) for s in peers)
		print("%d of %d bytes" % (pieces, total))
	END
	end TERM
	run -0 jq -r 'select(.event == "report") |
		"\(.accepted) of \(.in) bytes, \(.out)"' out.0
	assert_output "$(cat counted), $(grep -o '[0-9]* bytes' counted | tr -cd 0-9)"
}

@test "echo -u: joined replies that a link refuses go one by one" {
	own_network
	cat >there <<-'END'
		ip link set lo up
		mkfifo ready
		rpnc echo -u 127.0.0.1 9000 --ready-fd 4 4>ready >/dev/null &
		cat ready >/dev/null
		python3 sends $!
		sent=$?
		kill $!
		wait $!
		exit $sent
	END
	cat >sends <<-'END'
		import os, signal, socket, struct, sys
		pid = int(sys.argv[1])
		s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
		s.settimeout(20)
		s.connect(("127.0.0.1", 9000))
		data = os.urandom(1200 * 40 + 5)
		os.kill(pid, signal.SIGSTOP)
		s.sendmsg([data], [(17, 103, struct.pack("H", 1200))])
		s.send(b"next")
		os.system("ip link set lo mtu 800")
		os.kill(pid, signal.SIGCONT)
		for i in range(0, len(data), 1200):
		    assert s.recv(2000) == data[i:i + 1200], i
		assert s.recv(2000) == b"next"
	END
	run -0 "${network[@]}" bash there
}

@test "echo: 500 UDP clients at once each get their own" {
	start echo -u 127.0.0.1 0
	client <<-'END'
		clients = [datagrams() for _ in range(500)]
		for turn in range(3):
		    for i, s in enumerate(clients):
		        s.sendto(b"%d %d" % (turn, i), ("127.0.0.1", port))
		        if i >= 50:
		            j = i - 50
		            assert clients[j].recv(99) == b"%d %d" % (turn, j)
		    for j in range(450, 500):
		        assert clients[j].recv(99) == b"%d %d" % (turn, j)
	END
}

@test "echo: a UDP wildcard replies from the address that was asked" {
	start echo -u 0
	client <<-'END'
		s = datagrams()
		for host in "127.0.0.2", "127.0.0.1", "127.8.7.6":
		    s.sendto(b"who", (host, port))
		    assert s.recvfrom(99) == (b"who", (host, port))
		s.connect(("127.0.0.2", port))
		s.send(b"again")
		assert s.recv(99) == b"again"
	END
}

@test "echo: serves a Unix stream socket and removes its name" {
	start echo -U sock
	assert_equal "${addrs[*]}" unix:sock
	client <<-'END'
		for _ in range(3):
		    s = socket.socket(socket.AF_UNIX)
		    s.connect("sock")
		    echoed(s, os.urandom(200000))
		    s.shutdown(socket.SHUT_WR)
		    assert whole(s) == b""
	END
	end TERM
	assert_equal "$status" 143
	refute test -e sock
}

@test "echo: serves Unix datagrams; a sender without a name gets no reply" {
	start echo -u unix:sock
	client <<-'END'
		nameless = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
		nameless.sendto(b"lost", "sock")
		s = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
		s.bind("mine")
		s.connect("sock")
		for size in 1, 0, 100, 65536, 3:
		    data = os.urandom(size)
		    s.send(data)
		    assert s.recv(99999) == data
	END
	end TERM
	assert_equal "$status" 143
	refute test -e sock
}

@test "echo: serves abstract Unix sockets, streams and datagrams" {
	local name=rpnc-test-$BASHPID
	export name
	start echo -U "@$name"
	assert_equal "${addrs[*]}" "unix:@$name"
	client <<-'END'
		s = socket.socket(socket.AF_UNIX)
		s.connect("\0" + os.environ["name"])
		echoed(s, b"stream")
	END
	end TERM
	start echo -u "unix:@$name"
	client <<-'END'
		s = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
		s.bind("")
		s.connect("\0" + os.environ["name"])
		s.send(b"datagram")
		assert s.recv(99) == b"datagram"
	END
}

@test "echo: nc.openbsd, ncat and socat get back what they send" {
	start echo 127.0.0.1 0
	random_file 1000003 data
	timeout 60 nc.openbsd -N 127.0.0.1 "$port" <data >out
	cmp data out
	timeout 60 ncat 127.0.0.1 "$port" <data >out
	cmp data out
	timeout 60 socat -t 30 - "TCP:127.0.0.1:$port" <data >out
	cmp data out
}

@test "echo: nc.traditional, which never half-closes, gets back what it sends" {
	start echo 127.0.0.1 0
	random_file 1000003 data
	mkfifo input
	exec 7<>input
	timeout 60 nc.traditional 127.0.0.1 "$port" <input >out 3>&- 7>&- &
	pids+=("$!")
	timeout 60 cat data >&7
	eventually cmp -s data out
}

@test "echo: UDP and Unix clients of socat and nc.openbsd are answered" {
	start echo -u 127.0.0.1 0
	run timeout 60 socat -t 30 - "UDP:127.0.0.1:$port,shut-null" <<<socat
	assert_output socat
	start echo -U sock
	run timeout 60 nc.openbsd -N -U sock <<<nc
	assert_output nc
}

@test "echo: 1000 clients open at once are all served, by turns" {
	start echo 127.0.0.1 0
	client <<-'END'
		clients = [connected() for _ in range(1000)]
		for turn in range(3):
		    for i, s in enumerate(clients):
		        s.sendall(b"%d %06d" % (turn, i))
		    for i, s in reversed(list(enumerate(clients))):
		        assert exact(s, 8) == b"%d %06d" % (turn, i)
		for s in clients:
		    s.shutdown(socket.SHUT_WR)
		for s in clients:
		    assert whole(s) == b""
	END
	end INT
	assert_equal "$status" 130
	assert_regex "$(cat out.0)" '^1000 connections in .*: 23\.4 KiB in, 23\.4 KiB out'
}

@test "echo: a soft limit of descriptors is no limit of clients" {
	# shellcheck disable=SC2317 # start calls it
	rpnc() { # as ulimit -Sn 64
		exec prlimit --nofile=64:1024 "$RPNC" "$@"
	}
	start echo 127.0.0.1 0
	client <<-'END'
		clients = [connected() for _ in range(200)]
		for s in clients:
		    s.sendall(b"hello")
		for s in clients:
		    assert exact(s, 5) == b"hello"
	END
}

@test "echo: a client that never reads costs bounded memory and stalls nobody" {
	start echo 127.0.0.1 0
	client "$pid" <<-'END'
		echoed(connected(), b"x" * 100000)
		before = memory(pid)
		piece = os.urandom(1 << 20)
		deaf = []
		for _ in range(8):
		    s = socket.socket()
		    s.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
		    s.connect(("127.0.0.1", port))
		    s.setblocking(False)
		    sent = 0
		    while select.select([], [s], [], 0.2)[1]:
		        sent += s.send(piece[sent % len(piece):])
		        assert sent < 256 << 20, "it reads without end"
		    deaf.append((s, sent))
		grown = memory(pid) - before
		assert grown < (32 << 20 if os.environ.get("SAN") else 2 << 20), grown
		for i in range(200):
		    echoed(connected(), b"still here %d" % i)
		# nothing was lost: it was only late
		s, sent = deaf[3]
		s.settimeout(20)
		s.shutdown(socket.SHUT_WR)
		whole = whole(s)
		assert len(whole) == sent
		assert whole == (piece * (sent // len(piece) + 1))[:sent]
	END
}

@test "echo: what the kernel takes in small pieces only comes whole" {
	unshare -Urn true || skip "no network namespaces here"
	# shellcheck disable=SC2317
	rpnc() {
		# shellcheck disable=SC2016 # the $@ is for the inner bash
		exec unshare -Urn bash -c 'ip link set lo up &&
			echo 4096 8192 16384 >/proc/sys/net/ipv4/tcp_wmem &&
			exec rpnc "$@"' bash "$@"
	}
	start echo 127.0.0.1 0
	cat >script.py <<-'END'
		from served import *
		s = socket.socket()
		s.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
		s.connect(("127.0.0.1", port))
		data = os.urandom(1 << 20)
		s.setblocking(False)
		sent = 0
		while sent < len(data) and select.select([], [s], [], 0.2)[1]:
		    sent += s.send(data[sent:])
		s.settimeout(20)
		s.shutdown(socket.SHUT_WR)
		assert whole(s) == data[:sent]
	END
	timeout 60 nsenter --user --net --preserve-credentials --target "$pid" \
		python3 script.py
}

@test "echo: a client that resets, at whatever moment, ends only itself" {
	start echo --json 127.0.0.1 0
	client "$pid" <<-'END'
		start = len(os.listdir("/proc/%d/fd" % pid))
		for i in range(20):
		    reset(connected())                        # before or after accept(2)
		    s = connected(); echoed(s, b"x"); reset(s)   # in mid-conversation
		    s = connected(); s.sendall(b"y" * 50000); reset(s)   # with replies unread
		    s = connected(); s.sendall(b"z"); s.shutdown(socket.SHUT_WR); reset(s)
		    s = socket.socket()                 # while the server can't send
		    s.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
		    s.connect(("127.0.0.1", port))
		    s.setblocking(False)
		    if i < 2:
		        while select.select([], [s], [], 0.1)[1]:
		            s.send(b"w" * 100000)
		    reset(s)
		echoed(connected(), b"alive")
		until(lambda: len(os.listdir("/proc/%d/fd" % pid)) == start)
	END
	end TERM
	assert_equal "$status" 143
	assert_equal "$(cat err.0)" ''
	grep -q '"reason":"reset"' out.0
}

@test "echo: out of descriptors, it says so once, waits, and recovers" {
	# start puts it in the background: a subshell of its own
	# shellcheck disable=SC2317
	rpnc() { ulimit -n 40 && exec rpnc "$@"; }
	start echo -q 127.0.0.1 0
	client "$pid" <<-'END'
		clients = [connected() for _ in range(60)]
		for s in clients:
		    s.sendall(b"?")
		served = [s for s in clients[:20] if exact(s, 1) == b"?"]
		rest_of = clients[20:]
		used = cpu(pid)
		assert quiet(clients[59], 1)           # for ten of its retries
		assert cpu(pid) - used < 0.1, "it spins"
		echoed(served[0], b"the others go on")
		for s in served:
		    s.close()
		for s in rest_of:
		    if s in clients[20:40]:
		        assert exact(s, 1) == b"?"
		        s.close()
		for s in clients[40:]:
		    assert exact(s, 1) == b"?"
		    s.close()
		echoed(connected(), b"well again")
	END
	run cat err.0
	assert_output "rpnc: accept: $(errno_text EMFILE)"
}

@test "echo: descriptors that come back from elsewhere are used too" {
	start echo -q 127.0.0.1 0
	prlimit --pid "$pid" --nofile=30:
	client "$pid" <<-'END'
		clients = [connected() for _ in range(40)]
		for s in clients:
		    s.sendall(b"?")
		assert exact(clients[0], 1) == b"?"
		assert quiet(clients[39])
		soft, hard = resource.prlimit(pid, resource.RLIMIT_NOFILE)
		resource.prlimit(pid, resource.RLIMIT_NOFILE, (200, hard))
		for s in clients[1:]:
		    assert exact(s, 1) == b"?"
	END
}

@test "echo: after 10,000 short clients it has no descriptor more" {
	start echo 127.0.0.1 0
	client "$pid" <<-'END'
		count = lambda: len(os.listdir("/proc/%d/fd" % pid))
		before = count()
		for i in range(10000):
		    s = socket.socket()
		    s.bind(("127.0.%d.1" % (1 + i // 1000), 0))
		    s.connect(("127.0.0.1", port))
		    if i % 3:
		        echoed(s, b"hello")
		    s.close()
		until(lambda: count() == before)
	END
	end TERM
	assert_regex "$(cat out.0)" '^10000 connections in '
}

@test "echo -w 3: each worker listens on its own socket, the parent on none" {
	start echo -w 3 127.0.0.1 0
	client "$pid" <<-'END'
		assert len(children(pid)) == 3
		until(lambda: all(len(inodes(p) & listening(port)) == 1 for p in children(pid)))
		assert not inodes(pid) & listening(port)
		assert len(listening(port)) == 3
		assert set.union(*map(inodes, children(pid))) >= listening(port)
	END
	run cat err.0
	assert_output "A listening on 127.0.0.1:$port (tcp, reuseport, 1-3 of 3)"
}

@test "echo -w 3: of a wildcard's sockets each worker has one of each family" {
	needs_ipv6
	start echo -w 3 0
	client "$pid" <<-'END'
		for name in "tcp", "tcp6":
		    until(lambda: all(len(inodes(p) & listening(port, name)) == 1
		                      for p in children(pid)))
		    assert not inodes(pid) & listening(port, name)
		    assert len(listening(port, name)) == 3
		echoed(connected(), b"4"), echoed(connected("::1"), b"6")
	END
}

# With 3 workers the chance of a chi-square over x is exp(-x/2): over 27.6 in
# one fair run of a million.
@test "echo -w 3 --identify: all workers get some, none more than is fair" {
	start echo -w 3 --identify 127.0.0.1 0
	client "$pid" <<-'END'
		count = {}
		form = r"rpnc/1 name=A host=%s pid=([1-9]\d*) worker=([0-2])\n"
		form = re.compile(form % re.escape(socket.gethostname()[:64]))
		for i in range(120):
		    s = connected()
		    m = form.fullmatch(line(s))
		    count.setdefault((int(m[1]), int(m[2])), []).append(s)
		    if i % 10 == 0:
		        echoed(s, b"and then it echoes")
		assert sorted(p for p, _ in count) == children(pid), count
		assert sorted(w for _, w in count) == [0, 1, 2], count
		chi2 = sum((len(n) - 40) ** 2 / 40 for n in count.values())
		assert chi2 < 27.6, chi2
	END
}

@test "echo --identify: one line says name, host, pid and worker" {
	start echo -r --identify --name zoe_1.x-y 127.0.0.1 0
	client <<-'END' >line
		s = connected()
		s.shutdown(socket.SHUT_WR)
		sys.stdout.buffer.write(whole(s))
	END
	printf 'rpnc/1 name=zoe_1.x-y host=%s pid=%d worker=0\n' "$(hostname)" "$pid" |
		cmp - line
}

@test "echo -w 3: a worker that is killed is replaced, and nobody is left unheard" {
	start echo -w 3 --identify 127.0.0.1 0
	client "$pid" <<-'END' 3>&-
		ask = lambda: whose(connected())
		before = children(pid)
		victim, others = before[1], {before[0], before[2]}
		until(lambda: {ask() for _ in range(30)} == set(before))
		held = []
		while len(held) < 20:
		    s = connected()
		    if whose(s) in others:
		        held.append(s)
		os.kill(victim, signal.SIGKILL)
		until(lambda: not os.path.exists("/proc/%d" % victim))
		for _ in range(100):
		    echoed_by = ask()
		    assert echoed_by != victim
		until(lambda: len(listening(port)) == 3)
		now = children(pid)
		new = set(now) - set(before)
		assert len(now) == 3 and len(new) == 1
		assert len(inodes(*new) & listening(port)) == 1
		assert not inodes(pid) & listening(port)
		answered = [ask() for _ in range(100)]
		assert set(answered) == set(now), answered
		for s in held:
		    echoed(s, b"the others went on")
		print(victim)
	END
	run cat err.0
	assert_line --index 1 --regexp \
		'^rpnc: worker A/1 \(pid [0-9]+\) died by signal 9 \(Killed\); it is replaced$'
	assert_equal "${#lines[@]}" 2
}

@test "echo -w 2: a worker that keeps dying is started later each time" {
	start echo -w 2 127.0.0.1 0
	client "$pid" <<-'END'
		first = set(children(pid))
		stays = max(first)
		took = []
		for _ in range(4):
		    victim, = set(children(pid)) - {stays}
		    began = time.monotonic()
		    os.kill(victim, signal.SIGKILL)
		    until(lambda: len(set(children(pid)) - {stays, victim}) == 1)
		    took.append(time.monotonic() - began)
		assert took[3] > 0.3, took              # 50, 100, 200, 400 ms
		assert took[3] > took[0], took
	END
	end TERM
	run cat out.0
	assert_line --regexp '^  A/0 .* restarted 4 times$'
}

@test "echo -w 2: without /proc its workers serve, are replaced, and end" {
	local as=(unshare -m) mode
	test "$(id -u)" -eq 0 || as=(unshare -Urm)
	"${as[@]}" true || skip "no mount namespaces here"
	rpnc() {
		# shellcheck disable=SC2016 # the $@ is for the inner bash
		exec "${as[@]}" bash -c 'mount -t tmpfs none /proc &&
			exec rpnc "$@"' bash "$@"
	}
	for mode in -r --accept=shared; do
		start echo "$mode" -w 2 --identify 127.0.0.1 0
		client "$pid" <<-'END'
			def ask():
			    with connected() as s:
			        first = line(s)
			        echoed(s, b"hello")
			        return int(re.search(r"pid=(\d+)", first)[1])
			until(lambda: len(set(ask() for _ in range(20))) == 2)
			victim = ask()
			os.kill(victim, signal.SIGKILL)
			until(lambda: len(children(pid)) == 2 and victim not in children(pid))
			ask()
		END
		end TERM
		assert_equal "$status" 143
		assert_equal "$(grep -c 'it is replaced' "err.$((${#pids[@]} - 1))")" 1
		assert_equal "$(grep -cE ' A/[01] +pid' "out.$((${#pids[@]} - 1))")" 2
	done
}

@test "echo -w 8: where not all can be forked, it says just that and ends" {
	# a user of whom nothing runs, whose processes are counted
	local as=(setpriv --reuid=65533 --clear-groups prlimit --nproc=5)
	test "$(id -u)" -eq 0 || skip "only root can be another user"
	"${as[@]}" test -x "$RPNC" || skip "$RPNC can't be run by others"
	XDG_RUNTIME_DIR=$(mktemp -d) # which others can come to
	chown 65533 "$XDG_RUNTIME_DIR"
	run -1 --separate-stderr timeout 20 "${as[@]}" \
		"$RPNC" echo -r -w 8 127.0.0.1 0 </dev/null
	assert_equal "$output" ''
	assert_equal "${#stderr_lines[@]}" 1
	assert_regex "$stderr" \
		'^rpnc echo: fork of worker [2-8] of 8: Resource temporarily unavailable$'
	refute pgrep -u 65533
	rmdir "$XDG_RUNTIME_DIR"/rpnc-65533 "$XDG_RUNTIME_DIR"
}

@test "echo -w 3: when the parent is killed, the workers end" {
	start echo -w 3 127.0.0.1 0
	local list w
	read -ra list <<<"$(workers)"
	assert_equal "${#list[@]}" 3
	end KILL
	assert_equal "$status" 137
	for w in "${list[@]}"; do
		eventually gone "$w"
	done
	client <<-'END'
		assert socket.socket().connect_ex(("127.0.0.1", port)) == errno.ECONNREFUSED
	END
}

@test "echo: SIGINT ends it with a report on stdout and status 130" {
	start echo 127.0.0.1 0
	client <<-'END'
		for _ in range(4):
		    echoed(connected(), b"x" * 512)
	END
	end INT
	assert_equal "$status" 130
	run cat out.0
	assert_equal "${#lines[@]}" 2
	assert_line --index 0 --regexp '^4 connections in [0-9.]+ .?s: 2.00 KiB in, 2.00 KiB out$'
	assert_line --index 1 --regexp \
		"^  A +pid $pid +4 +100\.0 % +2.00 KiB in +2.00 KiB out +[0-9.]+ s CPU\$"
	run cat err.0
	assert_output "listening on 127.0.0.1:$port (tcp)"
}

@test "echo -w 3: SIGTERM ends all with a report that adds up, and status 143" {
	start echo -w 3 127.0.0.1 0
	local list w
	read -ra list <<<"$(workers)"
	client <<-'END'
		for _ in range(30):
		    echoed(connected(), b"x" * 512)
	END
	end TERM
	assert_equal "$status" 143
	for w in "${list[@]}"; do
		gone "$w"
	done
	run cat out.0
	assert_equal "${#lines[@]}" 4
	assert_line --index 0 --regexp '^30 connections in .*: 15.0 KiB in, 15\.0 KiB out$'
	awk 'NR > 1 { n += $4; share += $5 } END { exit !(n == 30 && share > 99.7 && share < 100.3) }' out.0
}

@test "echo --json: the report is one object whose sums are what the clients did" {
	start echo --json -w 3 --name srv 127.0.0.1 0
	client <<-'END'
		for i in range(60):
		    s = connected()
		    echoed(s, b"x" * (1000 + i))
		    s.shutdown(socket.SHUT_WR)
		    assert whole(s) == b""
	END
	pids_of=$(workers)
	export pids_of
	end TERM
	assert_equal "$status" 143
	client <<-'END'
		stamp = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z")
		events = [json.loads(row) for row in open("out.0")]
		assert all(stamp.fullmatch(e["time"]) for e in events)
		r, = [e for e in events if e["event"] == "report"]
		assert r is events[-1]
		assert set(r) == {"event", "time", "command", "name", "seconds",
		                  "accepted", "denied", "in", "out", "workers"}, r
		assert r["command"] == "echo" and r["name"] == "srv" and r["seconds"] > 0
		rows = r["workers"]
		assert all(set(w) == {"name", "worker", "pid", "accepted", "share", "in",
		                      "out", "cpu", "restarts"} for w in rows), rows
		assert [w["name"] for w in rows] == ["srv/0", "srv/1", "srv/2"]
		assert [w["worker"] for w in rows] == [0, 1, 2]
		assert [w["pid"] for w in rows] == list(map(int, os.environ["pids_of"].split()))
		sent = sum(1000 + i for i in range(60))
		for key, total in ("accepted", 60), ("in", sent), ("out", sent):
		    assert r[key] == total == sum(w[key] for w in rows), (key, r)
		assert abs(sum(w["share"] for w in rows) - 1) < 1e-6
		assert all(abs(w["share"] - w["accepted"] / 60) < 1e-6 for w in rows)
		assert all(0 <= w["cpu"] < 30 and w["restarts"] == 0 for w in rows)
		kinds = [e["event"] for e in events]
		assert kinds[0] == "listening"
		assert kinds.count("connected") == kinds.count("closed") == 60
		assert all(e["reason"] == "end" for e in events if e["event"] == "closed")
		assert sum(e["in"] for e in events if e["event"] == "closed") == sent
	END
}

@test "echo --json: a clientless report has shares of 0 and no division by it" {
	start echo --json 127.0.0.1 0
	end TERM
	client <<-'END'
		*_, r = map(json.loads, open("out.0"))
		assert r["event"] == "report" and r["accepted"] == 0
		assert r["workers"][0]["share"] == 0
	END
}

@test "echo -w 2: a worker that is stopped ends too, and serves who waits for it" {
	start echo -w 2 --identify 127.0.0.1 0
	client "$pid" <<-'END'
		first, second = children(pid)
		until(lambda: {whose(connected()) for _ in range(20)} == {first, second})
		os.kill(second, signal.SIGSTOP)
		clients = [connected() for _ in range(40)]
		for s in clients:
		    s.sendall(b"hello")
		    s.shutdown(socket.SHUT_WR)
		heard = [s for s in clients if not quiet(s, 0.05)]
		assert 0 < len(heard) < 40
		began = time.monotonic()
		os.kill(pid, signal.SIGTERM)
		for s in clients:
		    assert whose(s) in (first, second)
		    assert whole(s) == b"hello"
		until(lambda: not os.path.exists("/proc/%d" % second))
		assert time.monotonic() - began < 9
	END
	status=0
	finish "$pid" || status=$?
	assert_equal "$status" 143
	assert_regex "$(cat out.0)" '^[0-9]+ connections in '
}

@test "echo: a second signal does not wait for the open sessions" {
	local words
	for words in -r -w2; do
		start echo --grace 1m "$words" 127.0.0.1 0
		client "$pid" <<-'END'
			s = connected()
			echoed(s, b"hello")
			os.kill(pid, signal.SIGTERM)
			until(lambda: not listening(port))
			echoed(s, b"still open")
			os.kill(pid, signal.SIGTERM)
			try:
			    assert whole(s) == b""
			except ConnectionResetError:
			    pass
		END
		status=0
		finish "$pid" || status=$?
		assert_equal "$status" 143
	done
}

@test "echo -w 2 --json: connections are told with the worker that has them" {
	start echo -w 2 --json 127.0.0.1 0
	client <<-'END'
		for _ in range(40):
		    with connected() as s:
		        echoed(s, b"hello")
	END
	all_closed() {
		test "$(grep -c '"closed"' out.0)" -eq 40
	}
	eventually all_closed
	assert_equal "$(jq -rs '[.[] | select(.conn).name] | unique | join(" ")' \
		out.0)" "A/0 A/1"
	assert_equal "$(jq -rs '[.[] | select(.conn) | {name, conn}] |
		group_by(.) | map(length) | unique | tostring' out.0)" '[2]'
}

@test "echo -w auto: a worker for each processor" {
	start echo -w auto --json 127.0.0.1 0
	end TERM
	client <<-'END'
		*_, r = map(json.loads, open("out.0"))
		assert len(r["workers"]) == min(os.sysconf("SC_NPROCESSORS_ONLN"), 128)
	END
}

@test "echo -w: what is no number from 1 to 128 is a usage error" {
	local bad
	for bad in 0 -1 129 3x x 1.5 ' 2' '' 99999999999999999999 autos; do
		usage_error -w "$bad" 0
		assert_regex "$stderr" 'wants? .*auto$'
	done
}

@test "echo --accept shared and exclusive: two workers take from one queue" {
	local model
	for model in shared exclusive; do
		start echo -w 2 -m 1 --identify --accept "$model" 127.0.0.1 0
		client "$pid" <<-'END'
			a, b = connected(), connected()
			assert sorted((whose(a), whose(b))) == children(pid)
			assert len(listening(port)) == 1
			c = connected()
			assert quiet(c)                # both are full
			a.close()
			assert whose(c) in children(pid)
		END
	done
}

@test "echo --accept reuseport: two workers take from a queue each" {
	start echo -w 2 --identify --accept reuseport 127.0.0.1 0
	client "$pid" <<-'END'
		assert sorted({whose(connected()) for _ in range(64)}) == children(pid)
		assert len(listening(port)) == 2
	END
}

@test "echo --accept shared: every worker has its row in the report" {
	for _ in {1..25}; do
		start echo -w 16 --json --accept shared 127.0.0.1 0
		end TERM
	done
	client <<-'END'
		for name in glob.glob("out.*"):
		    *_, r = map(json.loads, open(name))
		    assert len({w["pid"] for w in r["workers"]} - {None}) == 16, (name, r)
	END
}

@test "echo --accept: -r with another model is a usage error" {
	usage_error -r --accept shared 0
	usage_error -r -w 2 --accept exclusive 0
}

@test "echo -w 2 on a Unix socket: both take from it, and its name goes once" {
	start echo -w 2 -m 1 --identify -U sock
	client "$pid" <<-'END'
		def ask():
		    s = socket.socket(socket.AF_UNIX)
		    s.connect("sock")
		    return s
		a, b = ask(), ask()
		assert sorted((whose(a), whose(b))) == children(pid)
		os.kill(children(pid)[0], signal.SIGKILL)
		until(lambda: len(children(pid)) == 2)
		b.close(), a.close()
		a, b = ask(), ask()
		assert sorted((whose(a), whose(b))) == children(pid)
	END
	test -S sock
	end TERM
	assert_equal "$status" 143
	refute test -e sock
}

@test "echo -w 2 on a Unix socket: --accept reuseport and -r say why not" {
	usage_error -w 2 --accept reuseport -U sock
	assert_regex "$stderr" 'no SO_REUSEPORT for Unix'
	usage_error -r -U sock
	assert_regex "$stderr" 'no SO_REUSEPORT for Unix'
	refute test -e sock
}

@test "echo -u -w 2 on a Unix socket: every datagram is answered" {
	start echo -u -w 2 -U sock
	client <<-'END'
		for i in range(50):
		    s = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
		    s.bind("")
		    s.connect("sock")
		    s.send(b"%d" % i)
		    assert s.recv(99) == b"%d" % i
	END
}

@test "echo -u -w 2 0: both workers get datagrams, from 64 sources" {
	start echo -u -w 2 --json 127.0.0.1 0
	client <<-'END'
		clients = [datagrams() for _ in range(64)]
		for i, s in enumerate(clients):
		    s.connect(("127.0.0.1", port))
		    s.send(b"%d" % i)
		    assert s.recv(99) == b"%d" % i
	END
	end TERM
	client <<-'END'
		*_, r = map(json.loads, open("out.0"))
		each = [w["accepted"] for w in r["workers"]]
		assert sum(each) == 64 and len(each) == 2 and all(each), each
	END
}

@test "echo --discard: swallows 64 MiB, sends nothing, and closes at the end" {
	start echo --discard --json 127.0.0.1 0
	client <<-'END'
		s = connected()
		piece = bytes(1 << 20)
		for _ in range(64):
		    s.sendall(piece)
		assert quiet(s, 0.1)
		s.shutdown(socket.SHUT_WR)
		assert whole(s) == b""
	END
	end TERM
	client <<-'END'
		*_, r = map(json.loads, open("out.0"))
		assert (r["in"], r["out"], r["accepted"]) == (64 << 20, 0, 1), r
	END
}

@test "echo --discard -u: counts datagrams and answers none" {
	start echo --discard -u --json 127.0.0.1 0
	client <<-'END'
		s = datagrams()
		s.connect(("127.0.0.1", port))
		for _ in range(10):
		    s.send(b"x" * 100)
		assert quiet(s)
	END
	end TERM
	client <<-'END'
		*_, r = map(json.loads, open("out.0"))
		assert (r["in"], r["out"], r["accepted"]) == (1000, 0, 10), r
	END
}

@test "echo --chargen: the lines of RFC 864, until the client closes" {
	start echo --chargen 127.0.0.1 0
	client "$pid" <<-'END' >lines
		before = len(os.listdir("/proc/%d/fd" % pid))
		s = connected()
		s.sendall(b"to be thrown away" * 1000)
		got = exact(s, 74 * 2000)
		sys.stdout.buffer.write(got[:74 * 3])
		all_of = bytes(range(32, 127)) * 3
		for i in range(2000):
		    assert got[74 * i:74 * i + 74] == all_of[i % 95:i % 95 + 72] + b"\r\n", i
		s.close()
		until(lambda: len(os.listdir("/proc/%d/fd" % pid)) == before)
		reset(connected())
		assert quiet(connected()) is False           # it serves the next
		until(lambda: len(os.listdir("/proc/%d/fd" % pid)) == before)
	END
	cat >expected <<-'END'
		 !"#$%&'()*+,-./0123456789:;<=>?@ABCDEFGHIJKLMNOPQRSTUVWXYZ[\]^_`abcdefg
		!"#$%&'()*+,-./0123456789:;<=>?@ABCDEFGHIJKLMNOPQRSTUVWXYZ[\]^_`abcdefgh
		"#$%&'()*+,-./0123456789:;<=>?@ABCDEFGHIJKLMNOPQRSTUVWXYZ[\]^_`abcdefghi
	END
	sed 's/$/\r/' expected | cmp - lines
}

@test "echo --chargen: clients that read nothing cost neither memory nor time" {
	start echo --chargen 127.0.0.1 0
	client "$pid" <<-'END'
		before = memory(pid)
		deaf = [connected() for _ in range(8)]
		for s in deaf:
		    exact(s, 74)
		idle = lambda used: quiet(select.epoll(), 0.5) and cpu(pid) - used < 0.1
		until(lambda: idle(cpu(pid)))
		grown = memory(pid) - before
		assert grown < (32 << 20 if os.environ.get("SAN") else 2 << 20), grown
		assert exact(connected(), 74).endswith(b"\r\n")
	END
}

@test "echo --chargen -u: each datagram gets 0 to 512 bytes of the pattern" {
	start echo --chargen -u 127.0.0.1 0
	client <<-'END'
		s = datagrams()
		s.connect(("127.0.0.1", port))
		ring = bytes(range(32, 127)) * 3
		text = b"".join(ring[i:i + 72] + b"\r\n" for i in range(95)) * 2
		sizes = set()
		for i in range(300):
		    s.send(b"x" * (i % 3))
		    got = s.recv(70000)
		    assert len(got) <= 512 and got in text, got
		    sizes.add(len(got))
		assert len(sizes) > 50, sizes
	END
}

@test "echo -m 2: a third client waits until one of the two is gone" {
	start echo -m 2 127.0.0.1 0
	client <<-'END'
		a, b, c = connected(), connected(), connected()
		for s in a, b, c:
		    s.sendall(b"?")
		assert exact(a, 1) == exact(b, 1) == b"?"
		assert quiet(c)
		reset(a)
		assert exact(c, 1) == b"?"
	END
}

@test "echo -u --identify: a usage error, as datagrams have no greeting" {
	usage_error -u --identify 9000
	assert_regex "$stderr" 'identify'
}

@test "echo -u -r 0: a usage error that says why" {
	usage_error -u -r 0
	assert_regex "$stderr" 'port 0'
}

# report_to REDIRECTION ARG...: the server's end with that for a stdout.
report_to() {
	rm -f ready
	mkfifo ready
	eval "rpnc echo --ready-fd 4 ${*:2} 127.0.0.1 0 4>ready 2>err 3>&- $1 &"
	pid=$!
	pids+=("$pid")
	cat ready >/dev/null
	end TERM
}

@test "echo: a report that can't be written is said, with status 1" {
	report_to '>/dev/full'
	assert_equal "$status" 1
	run cat err
	assert_equal "${#lines[@]}" 2
	assert_line --index 1 'rpnc echo: stdout: No space left on device'
	report_to '>&-'
	assert_equal "$status" 1
	run cat err
	assert_equal "${#lines[@]}" 2
	assert_line --index 1 'rpnc echo: stdout: Bad file descriptor'
}

@test "echo -w 2: a report that can't be written is said, with status 1" {
	report_to '>/dev/full' -w 2
	assert_equal "$status" 1
	run cat err
	assert_line 'rpnc echo: stdout: No space left on device'
}
