# Hostile peers, bad luck, and that no state which can last takes the CPU.
# shellcheck shell=bash disable=SC2154

load helpers

teardown() {
	stop
	# shellcheck disable=SC2013
	for p in $(cat pids 2>/dev/null); do
		kill -KILL "$p" 2>/dev/null || true
	done
}

# scene <<CODE: Python that starts rpnc and plays its peers; a minute at most.
scene() {
	{
		prelude
		cat
	} >scene.py
	timeout 60 python3 scene.py 3>&-
}

prelude() {
	cat <<-'EOF'
		import atexit, json, os, pty, resource, select, signal, socket, struct, sys
		import fcntl, subprocess, termios, time
		from subprocess import DEVNULL, PIPE
		from socket import AF_UNIX, SHUT_RD, SHUT_WR, SOCK_DGRAM
		socket.setdefaulttimeout(30)

		everybody = []
		def end_all(): # in order: a leak check may be under way
		    for p in everybody:
		        p.poll() is None and p.terminate()
		    for p in everybody:
		        try:
		            p.wait(10)
		        except subprocess.TimeoutExpired:
		            p.kill()
		atexit.register(end_all)
		def record(p):
		    everybody.append(p)
		    with open("pids", "a") as f:
		        print(p.pid, file=f)
		    return p
		def run(*words, stdin=DEVNULL, stdout=PIPE, stderr=None, **more):
		    return record(subprocess.Popen(["rpnc", *map(str, words)],
		        stdin=stdin, stdout=stdout, stderr=stderr, **more))
		def start(*words, files=None, **more):
		    r, w = os.pipe()
		    limit = files and (lambda: resource.setrlimit(
		        resource.RLIMIT_NOFILE, (files, files)))
		    p = run(*words, "--ready-fd", w, pass_fds=[w],
		        preexec_fn=limit, **more)
		    os.close(w)
		    p.address = os.fdopen(r).read().split()[0]
		    p.port = int(p.address.rsplit(":", 1)[1]) \
		        if p.address[0].isdigit() else None
		    return p
		def dial(port):
		    return socket.create_connection(("127.0.0.1", port))
		def local(path, kind=socket.SOCK_STREAM):
		    s = socket.socket(AF_UNIX, kind)
		    s.connect(path)
		    return s
		def server():
		    s = socket.create_server(("127.0.0.1", 0))
		    return s, s.getsockname()[1]
		def unix_server(path="socket"):
		    s = socket.socket(AF_UNIX)
		    s.bind(path)
		    s.listen()
		    return s
		def reset(s):
		    s.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER,
		        struct.pack("ii", 1, 0))
		    s.close()
		def fill(s, seconds=0.1): # until nobody has taken anything for so long
		    s.setblocking(False)
		    sent = 0
		    while select.select([], [s], [], seconds)[1]:
		        sent += s.send(b"x" * 65536)
		    return sent
		def family(pid):
		    try:
		        with open(f"/proc/{pid}/task/{pid}/children") as f:
		            return [pid] + sum(map(family, map(int, f.read().split())), [])
		    except (FileNotFoundError, ProcessLookupError):
		        return [] # it has ended
		def ticks(pids):
		    total = 0
		    for pid in pids:
		        with open(f"/proc/{pid}/stat") as f:
		            fields = f.read().rsplit(")", 1)[1].split()
		        total += int(fields[11]) + int(fields[12])
		    return total
		def calm(*servers):
		    # a spin takes 30 ticks of each turn, for ever; what is still
		    # being done, on a machine that is slow, comes to an end
		    pids = [family(p.pid) for p in servers]
		    for _ in range(30):
		        before = list(map(ticks, pids))
		        select.select([], [], [], 0.3)
		        used = [ticks(which) - t for which, t in zip(pids, before)]
		        for p in servers:
		            assert p.poll() is None, f"ended with {p.returncode}"
		        if max(used) <= 5:
		            return
		    assert False, f"{[p.args for p in servers]}: {used} ticks"
		def say(p, text):
		    p.stdin.write(text)
		    p.stdin.flush()
		def until(true):
		    end = time.monotonic() + 20
		    while not true():
		        assert time.monotonic() < end
		        select.select([], [], [], 0.02)
		def at_terminal(*words, stdin=True):
		    ours, theirs = pty.openpty()
		    def adopt():
		        os.setsid()
		        fcntl.ioctl(1, termios.TIOCSCTTY, 0)
		    p = run(*words, stdin=theirs if stdin else DEVNULL,
		        stdout=theirs, stderr=theirs, preexec_fn=adopt,
		        env={**os.environ, "TERM": "xterm",
		            "XDG_STATE_HOME": os.getcwd()})
		    os.close(theirs)
		    return p, ours
		def shown(fd, text): # reads until text came; all of it
		    seen = b""
		    while text not in seen:
		        assert select.select([fd], [], [], 20)[0], seen
		        seen += os.read(fd, 65536)
		    return seen
	EOF
}

@test "calm: listen, waiting, connected, half-closed, and after a reset" {
	scene <<-'EOF'
		p = start("listen", "-k", "127.0.0.1", 0)
		calm(p)
		a, b = dial(p.port), dial(p.port)
		calm(p)
		a.shutdown(SHUT_WR)
		reset(b)
		calm(p)
	EOF
}

@test "calm: listen, the peer has half-closed" {
	scene <<-'EOF'
		p = start("listen", "127.0.0.1", 0, stdin=PIPE)
		q = start("listen", "-U", "u", stdin=PIPE)
		c, d = dial(p.port), local("u")
		c.shutdown(SHUT_WR)
		d.shutdown(SHUT_WR)
		calm(p, q)
	EOF
}

@test "calm: stdout is not read; the peer stays, half-closes or resets" {
	scene <<-'EOF'
		servers, clients, readers = [], [], []
		for more in [], ["-k"]:
		    for end in (lambda s: s), (lambda s: s.shutdown(SHUT_WR)), reset:
		        r, w = os.pipe()
		        readers.append(r)
		        p = start("listen", *more, "127.0.0.1", 0, stdin=PIPE, stdout=w)
		        os.close(w)
		        servers.append(p)
		        clients.append(dial(p.port))
		        fill(clients[-1])
		        end(clients[-1])
		calm(*servers)
		for p in servers:
		    say(p, b"more\n")
		    p.stdin.close()
		calm(*servers)
		for r in readers:
		    os.close(r)
		for p in servers:
		    assert p.wait(20) == 1
	EOF
}

@test "calm: stdin has more than the peer reads" {
	scene <<-'EOF'
		p = start("listen", "127.0.0.1", 0, stdin=open("/dev/zero"))
		q = start("listen", "-k", "127.0.0.1", 0, stdin=open("/dev/zero"))
		c, d = dial(p.port), dial(q.port)
		calm(p, q)
		c.shutdown(SHUT_WR)
		calm(p)
	EOF
}

@test "calm: stdin has more, and the peer takes nothing any more" {
	scene <<-'EOF'
		s = unix_server()
		yes = record(subprocess.Popen(["sh", "-c", "read x; exec yes"],
		    stdin=PIPE, stdout=PIPE))
		p = run("connect", "-U", "socket", stdin=yes.stdout)
		c = s.accept()[0]
		c.shutdown(SHUT_RD)
		say(yes, b"go\n")
		calm(p)
		c.sendall(b"last words")
		c.close()
		assert p.stdout.read() == b"last words"
		assert p.wait(20) == 1
	EOF
}

@test "calm: connect, idle, after stdin's end, half-closed by the server" {
	scene <<-'EOF'
		s, port = server()
		p = run("connect", port, stdin=PIPE)
		c = s.accept()[0]
		calm(p)
		p.stdin.close()
		assert c.recv(1) == b""
		calm(p)
		q = run("connect", port, stdin=PIPE)
		d = s.accept()[0]
		d.shutdown(SHUT_WR)
		calm(q)
		d.close()
		assert q.wait(20) == 0
	EOF
}

@test "calm: connect, stdin and stdout are sockets; listen -k, stdin is a directory" {
	scene <<-'EOF'
		s, port = server()
		a, b = socket.socketpair()
		p = run("connect", port, stdin=b, stdout=b)
		b.close()
		c = s.accept()[0]
		fill(c)
		calm(p)
		a.shutdown(SHUT_WR)
		calm(p)
		a.close()
		assert p.wait(20) == 1
		q = start("listen", "-k", "127.0.0.1", 0, stdin=os.open("/", os.O_RDONLY))
		d = dial(q.port)
		calm(q)
	EOF
}

@test "calm: stderr is full, then closed" {
	scene <<-'EOF'
		r, w = os.pipe()
		p = start("listen", "-k", "-v", "127.0.0.1", 0, stderr=w)
		os.close(w)
		for i in range(1000):
		    dial(p.port).close()
		calm(p)
		os.close(r)
		calm(p)
		dial(p.port).close()
		calm(p)
	EOF
}

@test "calm: at the limit of connections, and of descriptors" {
	scene <<-'EOF'
		servers, clients = [], []
		for words in ["listen", "-k"], ["echo"]:
		    for limit in (["-m", 2], None), ([], 16):
		        p = start(*words, *limit[0], "127.0.0.1", 0, files=limit[1])
		        servers.append(p)
		        clients += [dial(p.port) for i in range(20)]
		calm(*servers)
		for c in clients:
		    reset(c)
		calm(*servers)
	EOF
}

@test "calm: echo, discard and chargen, to who never reads, then half-closes" {
	scene <<-'EOF'
		servers = [start("echo", *words, "127.0.0.1", 0)
		    for words in ([], ["--discard"], ["--chargen"])]
		clients = [dial(p.port) for p in servers]
		fill(clients[0])
		calm(*servers)
		for c in clients:
		    c.shutdown(SHUT_WR)
		calm(*servers)
		for c in clients:
		    reset(c)
		calm(*servers)
	EOF
}

@test "calm: workers, full, and after the death of one" {
	scene <<-'EOF'
		servers = [start("echo", "-w", 3, "-m", 1, "--accept", model,
		    "--grace", 0, "127.0.0.1", 0) for model in ("shared", "exclusive", "reuseport")]
		clients = [dial(p.port) for p in servers for i in range(6)]
		calm(*servers)
		for p in servers:
		    old = family(p.pid)
		    os.kill(old[1], signal.SIGKILL)
		    until(lambda: len(family(p.pid)) == 4 and family(p.pid) != old)
		calm(*servers)
	EOF
}

@test "calm: UDP, the peer is gone, stdout is not read" {
	scene <<-'EOF'
		r, w = os.pipe()
		p = start("listen", "-ku", "127.0.0.1", 0, stdin=PIPE, stdout=w)
		os.close(w)
		c = socket.socket(type=SOCK_DGRAM)
		c.connect(("127.0.0.1", p.port))
		for i in range(500):
		    c.send(b"x" * 1000)
		calm(p)
		say(p, b"hello\n")
		calm(p)
		c.close()
		say(p, b"hello\n")
		calm(p)
		p.stdin.close()
		calm(p)
	EOF
}

@test "calm: Unix datagrams, the peer's queue is full; nothing is lost" {
	scene <<-'EOF'
		p = start("listen", "-ku", "-U", "u", stdin=PIPE)
		c = socket.socket(AF_UNIX, SOCK_DGRAM)
		c.bind("c")
		c.sendto(b"x", "u")
		assert p.stdout.read(1) == b"x"
		for i in range(40):
		    p.stdin.write(b"%d\n" % i)
		    p.stdin.flush()
		    select.select([], [], [], 0.005)
		calm(p)
		got = b""
		while not got.endswith(b"39\n"):
		    got += c.recv(1 << 16)
		assert got == b"".join(b"%d\n" % i for i in range(40))
	EOF
}

@test "Unix datagrams: one peer that never reads holds up no other" {
	scene <<-'EOF'
		p = start("listen", "-ku", "-U", "u", stdin=PIPE)
		peers = []
		for i in range(2):
		    c = socket.socket(AF_UNIX, SOCK_DGRAM)
		    c.bind(f"c{i}")
		    c.sendto(b"x", "u")
		    peers.append(c)
		assert p.stdout.read(2) == b"xx"
		for i in range(60):
		    say(p, b"%d\n" % i)
		    select.select([], [], [], 0.002)
		got = b""
		while not got.endswith(b"59\n"):
		    got += peers[1].recv(1 << 16)
		calm(p)
	EOF
}

@test "calm: probe, nobody accepts or answers" {
	scene <<-'EOF'
		s, port = server()
		probes = [run("probe", "-n", 4, "-c", 4, "--timeout", 20, *words, port)
		    for words in (["--by", "banner"], ["--by", "diag"], ["--send", "x"],
		    ["--echo=1048576"])]
		calm(*probes)
		for p in probes:
		    p.send_signal(signal.SIGINT)
		    p.wait(20)
	EOF
}

@test "connect --prompt always: the end of a pipe half-closes, no reply is lost" {
	scene <<-'EOF'
		s, port = server()
		p = run("connect", "--prompt", "always", port, stdin=PIPE)
		say(p, b"hello\n")
		p.stdin.close()
		c = s.accept()[0]
		assert c.recv(99) == b"hello\n" and c.recv(1) == b""
		calm(p)
		c.sendall(b"the reply\n")
		c.close()
		assert b"the reply" in p.stdout.read()
	EOF
}

@test "a terminal that closes is one SIGHUP: a member leaves in order" {
	scene <<-'EOF'
		for words in ["listen"], ["listen", "--prompt", "never"], ["echo"]:
		    p, tty = at_terminal(*words, "-r", "--grace", "20", "127.0.0.1", 0)
		    seen = shown(tty, b" (tcp")
		    port = int(seen.split(b" (tcp")[0].rsplit(b":", 1)[1])
		    c = dial(port)
		    until(lambda: os.popen(f"ss -Htn state established sport = {port}"
		        f" | grep -c .").read().strip() == "1")
		    other = start("listen", "-r", "127.0.0.1", port)
		    os.close(tty)
		    try: # the session has its grace
		        p.wait(1)
		        sys.exit(f"{words}: ended with {p.returncode}")
		    except subprocess.TimeoutExpired:
		        pass
		    c.close()
		    assert p.wait(20) == -signal.SIGHUP, p.returncode
	EOF
}

@test "listen --json on a terminal: what UTF-8 has of controls is escaped" {
	scene <<-'EOF'
		p, tty = at_terminal("listen", "-k", "--json", "127.0.0.1", 0)
		seen = shown(tty, b"members")
		port = json.loads(seen.split(b"\n")[0])["port"]
		dial(port).sendall("a\u009b31mb\u202ec\u00e9".encode())
		seen = shown(tty, b"c\\u00E9")
		assert b"\\u009B31m" in seen and b"\\u202E" in seen, seen
		assert all(b < 128 for b in seen), seen
	EOF
}

@test "a file that may not grow: one line, status 1" {
	start echo 127.0.0.1 0
	run -1 bash -c "set -o pipefail
		(ulimit -f 0; echo hello | timeout 20 rpnc connect $port) 2>&1 \
			>file | cat"
	assert_output "rpnc connect: stdout: File too large"
}

@test "without /dev: a closed stdin is at its end" {
	test "$UID" -eq 0 || skip "not root"
	unshare -m true || skip "no mount namespaces here"
	start echo --identify 127.0.0.1 0
	run -0 timeout 20 unshare -m bash -c "mount -t tmpfs none /dev
		exec rpnc connect $port <&-"
	assert_output --partial "rpnc/1 name="
}

@test "probe: a reply as long as what is kept of it, matched to its end" {
	scene <<-'EOF'
		s, port = server()
		p = run("probe", "-n", 3, "-c", 1, "--by", "reply", "--match", "z+$", port)
		for i in range(3):
		    c = s.accept()[0]
		    c.sendall(b"a" * (1 << 20))
		    c.shutdown(SHUT_WR)
		    while c.recv(99):
		        pass
		    c.close()
		assert b"unattributed 3" in p.stdout.read()
	EOF
}
