# rpnc listen -k, raw: many clients at once, and what they do to each other.
# shellcheck shell=bash disable=SC2154,SC2317

load listen

@test "listen -k: serves 1,000 clients that are open at once" {
	start listen -k 127.0.0.1 0
	py "$port" <<-'END'
		import resource
		hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
		resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
		clients = [dial(args[0]) for _ in range(1000)]
		for i, s in enumerate(clients):
		    s.sendall(b"client %d\n" % i)
		for s in clients:
		    s.shutdown(SHUT_WR)
		for s in clients:
		    assert whole(s) == b""
	END
	seq -f 'client %g' 0 999 >all
	sort -V out.0 | cmp - all
}

@test "listen -k: stdin goes to all that are connected" {
	start_fed listen -k 127.0.0.1 0
	behind "$port" <<-'END'
		clients = [dial(args[0]) for _ in range(20)]
		for s in clients:
		    assert exact(s, 6) == b"hello\n"
	END
	heard '#20 '
	echo hello >&7
	finish "$client"
}

@test "listen -k: stdin is not read while no client is there" {
	start_fed listen -k 127.0.0.1 0
	echo first >&7
	py "$port" <<-'END'
		assert exact(dial(args[0]), 6) == b"first\n"
	END
	heard '#1 closed'
	echo second >&7
	py "$port" <<-'END'
		assert exact(dial(args[0]), 7) == b"second\n"
	END
}

@test "listen -k: who never reads is closed as too-slow, others get every byte" {
	start_fed listen -k 127.0.0.1 0
	mkfifo ready go
	behind "$port" <<-'END'
		slow = socket.socket()
		slow.setsockopt(SOL_SOCKET, socket.SO_RCVBUF, 4096)
		slow.connect(("127.0.0.1", int(args[0])))
		fast = [dial(args[0]) for _ in range(3)]
		open("ready", "w").close()
		open("go").close()
		feed = open("in.0", "wb", buffering=0)
		for _ in range(96):
		    piece = os.urandom(1 << 16)
		    feed.write(piece)
		    for s in fast:
		        assert exact(s, len(piece)) == piece
	END
	: <ready
	heard '#4 '
	: >go
	heard 'too-slow'
	[[ $line == '#1 closed'* ]]
	finish "$client"
}

@test "listen -k: what a slow client gets before it is closed is what was sent, also with -C" {
	local option
	for option in '' -C; do
		mkfifo in
		exec 7<>in
		start_with in listen -k --json --sockopt sndbuf=64K $option 127.0.0.1 0
		py "$port" "out.$((${#pids[@]} - 1))" $option 7>&- <<-'END'
			feed = open("in", "wb", buffering=0)
			fast = dial(args[0])
			until(lambda: list(events(args[1]))[1:])
			def fed(n=1 << 15):
			    piece = b"".join(os.urandom(4).hex().encode() + b"\n" * 56
			        for _ in range(n // 64))
			    feed.write(piece)
			    if args[2:]:
			        piece = piece.replace(b"\n", b"\r\n")
			    assert exact(fast, len(piece)) == piece
			    return piece
			def connected():
			    return sum(e["event"] == "connected" for e in events(args[1]))
			def slow():
			    before = connected()
			    s = socket.socket()
			    s.setsockopt(SOL_SOCKET, socket.SO_RCVBUF, 4096)
			    s.connect(("127.0.0.1", int(args[0])))
			    until(lambda: connected() > before)
			    data = fed()
			    assert exact(s, len(data)) == data
			    return s
			def got(s, n):
			    data = b""
			    try:
			        while len(data) < n:
			            more = s.recv(n - len(data))
			            assert more, "an end, not a reset"
			            data += more
			    except ConnectionResetError:
			        pass
			    return data
			first, most = slow(), 0
			while not any(e.get("reason") == "too-slow" for e in events(args[1])):
			    fed()
			    most += 1
			assert 16 <= most < 64
			for n in range(most - 2, most + 1):
			    for half in 64, 1 << 14:
			        s = slow()
			        data = fed(half) + b"".join(fed() for _ in range(n))
			        assert data.startswith(got(s, len(data)))
		END
		exec 7>&-
		rm in
	done
}

@test "listen -k: a client that is alone is waited for, however slow" {
	random_file 8388608 down
	start_with down listen -k 127.0.0.1 0
	py "$port" <<-'END'
		s = socket.socket()
		s.setsockopt(SOL_SOCKET, socket.SO_RCVBUF, 4096)
		s.connect(("127.0.0.1", int(args[0])))
		for _ in range(5):
		    select.select([], [], [], 0.1)
		assert whole(s) == open("down", "rb").read()
	END
}

@test "listen -k: what a client did not get is told, without what the next one gets" {
	truncate -s 32M down
	start_with down listen -k --json 127.0.0.1 0
	py "$port" <<-'END'
		s = dial(args[0])
		exact(s, 100)
		reset(s)
		def lost():
		    text = [e["text"] for e in events() if e["event"] == "error"]
		    return text and re.search(r": (\d+) bytes of input were", text[0])
		until(lost)
		rest = len(whole(dial(args[0])))
		assert rest > 1 << 24
		assert int(lost()[1]) <= (32 << 20) - rest - 100
	END
}

@test "listen -k: a silent client stalls nobody" {
	random_file 4194304 up
	start_fed listen -k 127.0.0.1 0
	behind "$port" <<-'END'
		silent = dial(args[0])
		s = dial(args[0])
		s.sendall(open("up", "rb").read())
		assert exact(s, 3) == b"on\n"
	END
	heard '#2 '
	echo on >&7
	finish "$client"
	heard '#2 closed'
	cmp up out.0
}

@test "listen -k: a blocked stdout pauses reading in bounded memory, without loss" {
	mkfifo out.0
	exec 8<>out.0
	start listen -k 127.0.0.1 0 8<&-
	py "$port" "$pid" <<-'END'
		import threading
		def peak():
		    status = open("/proc/%s/status" % args[1]).read()
		    return int(status.split("VmHWM:")[1].split()[0])
		before = peak()
		piece, total = os.urandom(1 << 20), 512 # more than tcp_rmem and tcp_wmem hold
		clients = [dial(args[0]) for _ in range(4)]
		sent = 0
		for s in clients:
		    s.setblocking(False)
		while True:
		    writable = select.select([], clients, [], 0.5)[1]
		    if not writable or sent > total << 20:
		        break
		    for s in writable:
		        sent += s.send(piece)
		assert sent < total << 20, "it was all read"
		got, end = 0, open("out.0", "rb")
		def drain():
		    global got
		    while got < sent:
		        got += len(os.read(end.fileno(), 1 << 16))
		reader = threading.Thread(target=drain)
		reader.start()
		for s in clients:
		    s.setblocking(True)
		    s.shutdown(SHUT_WR)
		for s in clients:
		    whole(s)
		reader.join()
		assert got == sent
		assert peak() - before < 16384, "%d KiB more" % (peak() - before)
	END
}

@test "listen -k --until input: what a client that reset did not get is told, also after more input" {
	mkfifo in.0 out.0 fed
	exec 7<>in.0 8<>out.0
	py <<-'END'
		out = os.open("out.0", os.O_WRONLY | os.O_NONBLOCK)
		try:
		    while True:
		        os.write(out, b"x" * 4096)
		except BlockingIOError:
		    pass
	END
	start_with in.0 listen -k --until input 127.0.0.1 0 7>&- 8<&-
	behind "$port" <<-'END'
		# stdout is full, so nobody reads what gone has sent, and then its reset
		gone, there = dial(args[0]), dial(args[0])
		gone.sendall(b"x")
		reset(gone)
		with open("in.0", "wb", buffering=0) as feed:
		    open("fed", "w").close()
		    for piece in b"one", b"two":
		        feed.write(piece)
		        assert exact(there, 3) == piece
		assert whole(there) == b""
	END
	: <fed
	exec 7>&-
	ends_with 1 '3 bytes of input were not delivered'
	finish "$client"
}

@test "listen -k: the end of an empty stdin half-closes nobody" {
	: >empty
	local input
	for input in empty /dev/null; do
		start_with "$input" listen -k 127.0.0.1 0
		py "$port" <<-'END'
			a = dial(args[0])
			assert quiet(a)
			b = dial(args[0])
			assert quiet(b)
			for s in a, b:
			    s.shutdown(SHUT_WR)
			    assert whole(s) == b""
		END
	done
}

@test "listen -k: stdin's end half-closes who is there then, and never ends it" {
	start_fed listen -k 127.0.0.1 0
	behind "$port" <<-'END'
		a = dial(args[0])
		assert whole(a) == b"some\n"
		a.sendall(b"a still says this\n")
		later = dial(args[0])
		assert quiet(later)
		later.sendall(b"later\n")
		later.shutdown(SHUT_WR)
		assert whole(later) == b""
		a.shutdown(SHUT_WR)
	END
	heard '#1 '
	echo some >&7
	exec 7>&-
	finish "$client"
	heard '#1 closed'
	assert_equal "$(sort out.0 | tr '\n' ,)" "a still says this,later,"
	kill -0 "$pid"
}

@test "listen -k: --until input ends who waits in the queue at stdin's end, too" {
	start_fed listen -k --until input --grace 1h 127.0.0.1 0
	exec 5<>"/dev/tcp/127.0.0.1/$port"
	echo hello >&7
	read -r -t 20 <&5
	halt "$pid"
	exec 7>&-
	exec 6<>"/dev/tcp/127.0.0.1/$port"
	kill -CONT "$pid"
	cat <&6 8<&-
	finish "$pid"
	exec 5>&- 6>&-
}

@test "listen -k: with stdin at its end, or none, clients that end are let go" {
	: >empty
	local input
	for input in empty /dev/null; do
		start_with "$input" listen -k 127.0.0.1 0
		py "$port" <<-'END'
			for _ in range(3):
			    s = dial(args[0])
			    s.shutdown(SHUT_WR)
			    assert whole(s) == b""
		END
	done
}

@test "listen -k: 10,000 short clients leave no descriptor behind" {
	start listen -k 127.0.0.1 0
	local before
	before=$(open_descriptors "$pid")
	py "$port" <<-'END'
		for i in range(10000):
		    s = dial(args[0])
		    if i % 4 == 0:
		        s.sendall(b"x")
		    if i % 4 == 1:
		        reset(s)
		        continue
		    s.shutdown(SHUT_WR)
		    assert whole(s) == b""
		    s.close()
	END
	assert_equal "$(open_descriptors "$pid")" "$before"
	assert_equal "$(wc -c <out.0)" 2500
}

@test "listen -k: out of descriptors: said once, no spinning, and it recovers" {
	rpnc() { ulimit -n 40 && exec "$RPNC" "$@"; }
	start_fed listen -k --until peer 127.0.0.1 0
	mkfifo ready go
	behind "$port" <<-'END'
		clients = [dial(args[0]) for _ in range(100)]
		open("ready", "w").close()
		open("go").close()
		for s in clients:
		    s.sendall(b"here\n")
		    s.shutdown(SHUT_WR)
		    assert whole(s) == b""
		    s.close()
	END
	: <ready
	heard "$(errno_text EMFILE)"
	local before
	before=$(cpu_ticks "$pid")
	run timeout 20 rpnc listen --accept-timeout 1 0 # which takes a second
	assert_failure 4
	assert [ $(($(cpu_ticks "$pid") - before)) -lt 20 ]
	: >go
	finish "$client"
	assert_equal "$(grep -c here out.0)" 100
	exec 7>&-
	kill "$pid"
	ends_with 143
	timeout 0.1 cat <&8 >rest || true
	refute grep 'Too many' rest
}

@test "listen -k -m: who comes at the limit waits until another leaves" {
	start listen -k -m 2 127.0.0.1 0
	py "$port" <<-'END'
		a, b, c = (dial(args[0]) for _ in range(3))
		a.sendall(b"a\n")
		c.sendall(b"c\n")
		c.shutdown(SHUT_WR)
		assert quiet(c)			# it is not served yet
		b.sendall(b"b\n")
		b.shutdown(SHUT_WR)
		assert whole(b) == b""
		assert whole(c) == b""
		a.shutdown(SHUT_WR)
		assert whole(a) == b""
	END
	assert_equal "$(tail -n 1 out.0)" c
	assert_equal "$(sort out.0 | tr -d '\n')" abc
}

@test "listen -k: --idle-timeout closes the silent one only, and it lives" {
	start_fed listen -k --idle-timeout 1 127.0.0.1 0
	py "$port" <<-'END'
		silent, busy = dial(args[0]), dial(args[0])
		while quiet(silent, 0.1):
		    busy.sendall(b".")
		assert whole(silent) == b"" and quiet(busy, 0)
	END
	heard '#1 closed'
	[[ $line == *'(timeout)' ]]
	kill -0 "$pid"
}

@test "listen -k: --accept-timeout counts while no client is there: status 4" {
	at_once listen -k --accept-timeout 1 127.0.0.1 0 <<-'END'
		assert quiet(dial(port), 1.3)
	END
	finish "$client"
	ends_with 4 'no client came'
}

@test "listen -k: survives clients that reset, whatever they were doing" {
	start_fed listen -k 127.0.0.1 0
	behind "$port" <<-'END'
		silent, sending, ended, good = (dial(args[0]) for _ in range(4))
		exact(good, 6)
		sending.sendall(b"x" * 100000)
		reset(silent)
		reset(sending)
		ended.shutdown(SHUT_WR)
		reset(ended)
		good.sendall(b"good\n")
		good.close()
	END
	heard '#4 '
	echo hello >&7
	finish "$client"
	heard '#4 closed'
	assert grep -aq good out.0
	kill -0 "$pid"
}
