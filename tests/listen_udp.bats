# rpnc listen -u, raw: one sender or many, and what each of them gets.
# shellcheck shell=bash disable=SC2154

load listen

# What arrives is read from a pipe that we hold: datagrams keep their order, so
# what came after another was not taken before it.
pipe_out() {
	mkfifo out.0
	exec 7<>out.0
}

@test "listen -u: locks to the first sender" {
	pipe_out
	printf 'to you' >down
	start_with down listen -u 127.0.0.1 0 7>&-
	py "$port" <<-'END'
		out = open("out.0", "rb", buffering=0)
		first, other = udp(args[0]), udp(args[0])
		first.send(b"first ")
		assert first.recv(99) == b"to you"
		other.send(b"other ")
		first.send(b"again")
		assert exact(out, 11) == b"first again"
		assert quiet(other, 0)
	END
}

@test "listen -u: without -k goes on after the end of stdin" {
	pipe_out
	start listen -u 127.0.0.1 0 7>&-
	py "$port" <<-'END'
		out = open("out.0", "rb", buffering=0)
		s = udp(args[0])
		s.send(b"a")
		assert exact(out, 1) == b"a"
		assert quiet(s, 1.2)
		s.send(b"b")
		assert exact(out, 1) == b"b"
	END
	kill "$pid"
	ends_with 143
}

@test "listen -u -k: takes from all, and stdin goes to all" {
	pipe_out
	mkfifo in
	exec 8<>in
	start_with in listen -u -k 127.0.0.1 0 7>&- 8>&-
	py "$port" <<-'END'
		out = open("out.0", "rb", buffering=0)
		peers = [udp(args[0]) for _ in range(50)]
		for i, s in enumerate(peers):
		    s.send(b"%02d" % i)
		    assert exact(out, 2) == b"%02d" % i
		open("in", "wb", buffering=0).write(b"answer")
		for s in peers:
		    assert s.recv(99) == b"answer"
	END
}

@test "listen -u: datagrams without a byte end nothing" {
	pipe_out
	start listen -u --json 127.0.0.1 0 7>&-
	py "$port" <<-'END'
		s = udp(args[0])
		for text in b"", b"x", b"", b"", b"y":
		    s.send(text)
		told = events()
		texts = []
		while texts[-1:] != ["y"]:
		    e = next(told)
		    texts += [e["text"]] if e["event"] == "data" else []
		    assert e["event"] != "closed"
		assert texts == ["", "x", "", "", "y"], texts
	END
}

@test "listen -u: a datagram of 60,000 bytes arrives whole" {
	pipe_out
	start listen -u 127.0.0.1 0 7>&-
	py "$port" <<-'END'
		out = open("out.0", "rb", buffering=0)
		s, data = udp(args[0]), os.urandom(60000)
		s.send(data)
		assert exact(out, 60000) == data
	END
}

# What was sent as one comes as one, if the kernel can (udp(7), UDP_SEGMENT).
@test "listen -u -k: what came joined, or at once, keeps borders and order" {
	local form n=0
	for form in --json --prompt=never; do
		mkfifo "out.$n"
		exec 7<>"out.$n"
		start listen -u -k "$form" 127.0.0.1 0 7>&-
		py "$port" "$pid" "$form" "out.$n" <<-'END'
			import base64, signal
			peers, want = [udp(args[0]) for _ in range(5)], []
			def send(i, size, piece):
			    data = os.urandom(size)
			    pieces = [data[at:at + piece] for at in range(0, size, piece)]
			    join = (socket.IPPROTO_UDP, 103, struct.pack("H", piece))
			    try:
			        peers[i].sendmsg([data], [join] if piece < size else [])
			    except OSError:
			        for d in pieces:
			            peers[i].send(d)
			    want.extend((i + 1, d) for d in pieces or [b""])
			os.kill(int(args[1]), signal.SIGSTOP)
			for turn in range(5):
			    for i in range(5):
			        for size in 0, 1, 800, 800, 1300:
			            send(i, size, 1400)
			        send(i, 1 + 999 * turn, 1 + 99 * turn)
			os.kill(int(args[1]), signal.SIGCONT)
			if args[2] == "--json":
			    told, got = events(args[3]), []
			    while len(got) < len(want):
			        e = next(told)
			        if e["event"] == "data":
			            got.append((e["conn"], e["text"].encode() if "text" in e
			                        else base64.b64decode(e["base64"])))
			    assert got == want
			else:
			    data = b"".join(d for _, d in want)
			    assert exact(open(args[3], "rb", buffering=0), len(data)) == data
		END
		n=1
	done
}

# lose PORT PID: sends to who is stopped until some are lost; how many of 60,000
# bytes that were.
lose() {
	py "$@" <<-'END'
		def drops():
		    for line in open("/proc/net/udp"):
		        word = line.split()
		        if word[1].endswith(":%04X" % int(args[0])):
		            return int(word[-1])
		import signal
		os.kill(int(args[1]), signal.SIGSTOP)
		s, n, data = udp(args[0]), 0, b"x" * 60000
		while not drops():
		    n += sum(s.send(data) > 0 for _ in range(10))
		n += sum(s.send(data) > 0 for _ in range(10))
		os.kill(int(args[1]), signal.SIGCONT)
		print(n)
	END
}

@test "listen, echo -u: what the receive queue had no room for is told" {
	local sent
	start listen -u 127.0.0.1 0
	sent=$(lose "$port" "$pid")
	kill "$pid"
	ends_with 143
	run cat err.0
	assert_line "rpnc: $((sent - $(stat -c %s out.0) / 60000)) datagrams were lost: the receive queue was full"
	rm out.0
	start echo -u --discard --json 127.0.0.1 0
	sent=$(lose "$port" "$pid")
	kill "$pid"
	ends_with 143
	sent=$((sent - $(jq -s '.[-1].accepted' out.1)))
	run -0 jq -r 'select(.event == "error").text' out.1
	assert_output "$sent datagrams were lost: the receive queue was full"
}

@test "listen -u: on a wildcard answers from the address that was asked" {
	pipe_out
	printf answer >down
	start_with down listen -u 0 7>&-
	py "$port" <<-'END'
		s = socket.socket(socket.AF_INET, SOCK_DGRAM)
		s.sendto(b"x", ("127.0.0.2", int(args[0])))
		assert s.recvfrom(99) == (b"answer", ("127.0.0.2", int(args[0])))
	END
}

@test "listen -u: on a wildcard answers IPv6 too" {
	pipe_out
	printf answer >down
	start_with down listen -u 0 7>&-
	py "$port" <<-'END'
		s = socket.socket(socket.AF_INET6, SOCK_DGRAM)
		s.sendto(b"x", ("::1", int(args[0])))
		data, peer = s.recvfrom(99)
		assert data == b"answer" and peer[:2] == ("::1", int(args[0]))
	END
}

@test "listen -u: on a wildcard answers who asked by broadcast" {
	pipe_out
	printf answer >down
	start_with down listen -u 0 7>&-
	py "$port" <<-'END'
		s = socket.socket(socket.AF_INET, SOCK_DGRAM)
		s.setsockopt(SOL_SOCKET, socket.SO_BROADCAST, 1)
		s.sendto(b"x", ("127.255.255.255", int(args[0])))
		assert s.recv(99) == b"answer"
	END
}

@test "listen -u -k: at most 1,024 peers are remembered" {
	pipe_out
	start listen -u -k --json 127.0.0.1 0 7>&-
	py "$port" <<-'END'
		told, seen = events(), {"connected": 0, "data": 0, "closed": 0}
		for i in range(1100):
		    s = socket.socket(socket.AF_INET, SOCK_DGRAM)
		    s.bind(("127.1.%d.%d" % divmod(i, 256), 0))
		    s.sendto(b"x", ("127.0.0.1", int(args[0])))
		    while True:
		        e = next(told)
		        if e["event"] in seen:
		            seen[e["event"]] += 1
		        if e["event"] == "data":
		            break
		assert seen == {"connected": 1100, "data": 1100, "closed": 76}, seen
	END
}

@test "listen -u -k -m: the peer that was silent longest makes room" {
	pipe_out
	start listen -u -k -m 2 --json 127.0.0.1 0 7>&-
	py "$port" <<-'END'
		told, peers = events(), [udp(args[0]) for _ in range(3)]
		for i in 0, 1, 0, 2:
		    peers[i].send(b"%d" % i)
		    while (e := next(told))["event"] != "data":
		        if e["event"] == "closed":
		            assert i == 2 and e["conn"] == 2, e
		            assert e["reason"] == "local"
	END
}

@test "listen -u: a locked sender silent for --idle-timeout: status 4" {
	pipe_out
	start listen -u --idle-timeout 0.3 127.0.0.1 0 7>&-
	py "$port" <<-'END'
		udp(args[0]).send(b"x")
	END
	ends_with 4 'nothing heard or said for 300 ms'
}

@test "listen -u -r: port 0 is a usage error that says why" {
	run timeout 20 rpnc listen -u -r 0
	assert_failure 2
	assert_output --partial 'the same port'
}

@test "listen -u: a port that is in use: status 5" {
	pipe_out
	start listen -u 127.0.0.1 0 7>&-
	run timeout 20 rpnc listen -u 127.0.0.1 "$port"
	assert_failure 5
	assert_output --partial "$(errno_text EADDRINUSE)"
}

# Forged senders cost nothing, and each would be two lines.
@test "listen -u -k -v: over 10 lines a second about peers are counted in one" {
	pipe_out
	start listen -u -k -v -m 2 127.0.0.1 0 7>&-
	py "$port" <<-'END'
		out = open("out.0", "rb", buffering=0)
		for i in range(200):
		    udp(args[0]).send(b"x")
		    assert exact(out, 1) == b"x"
	END
	kill "$pid"
	ends_with 143
	test "$(grep -c '' err.0)" -lt 200
	awk '/^#.* connected/ { n++ } /more connected/ { n += $2 }
		/^#.* closed/ { m++ } /more closed/ { m += $5 }
		END { print n, m }' err.0 >sums
	run -0 cat sums
	assert_output '200 200'
}
