# rpnc listen, raw, one client: both ends, other netcats, faults, signals.
# shellcheck shell=bash disable=SC2154,SC2317

load listen

# exchange SIZE COMMAND...: COMMAND is a client with file "up" as stdin and
# file "got" as stdout; HOST and PORT in it are replaced. Each side has
# everything from the other.
exchange() {
	local command=("${@:2}")
	random_file "$1" up
	random_file "$1" down
	start_with down listen 127.0.0.1 0
	command=("${command[@]/HOST/127.0.0.1}")
	command=("${command[@]/PORT/$port}")
	timeout 60 "${command[@]}" <up >got 3>&-
	ends_with 0
	cmp up out.0
	cmp down got
}

@test "listen: the first client is served, a second is refused at once" {
	: >empty
	start_with empty listen 127.0.0.1 0
	py "$port" <<-'END'
		first = dial(args[0])
		assert whole(first) == b""	# stdin has ended: it is accepted
		try:
		    dial(args[0])
		    sys.exit("served")
		except ConnectionRefusedError:
		    pass
		first.sendall(b"hello\n")
	END
	ends_with 0
	assert_equal "$(cat out.0)" hello
}

@test "listen: ends with status 0 at the client's end, though stdin goes on" {
	start_fed listen 127.0.0.1 0
	py "$port" <<-'END'
		dial(args[0]).sendall(b"bye")
	END
	ends_with 0
	assert_equal "$(cat out.0)" bye
}

@test "listen: the end of stdin half-closes, and reading goes on" {
	start_fed listen 127.0.0.1 0
	echo question >&7
	exec 7>&-
	py "$port" <<-'END'
		s = dial(args[0])
		assert whole(s) == b"question\n"
		s.sendall(b"answer")
		assert s.send(b"s" * 100000)
	END
	ends_with 0
	assert_equal "$(head -c 8 out.0)" answerss
}

@test "listen: with /dev/null as stdin receives a whole file" {
	random_file 8388609 up
	start listen 127.0.0.1 0
	timeout 60 nc.openbsd -N 127.0.0.1 "$port" <up 3>&-
	ends_with 0
	cmp up out.0
}

@test "listen: after the client's end a regular file is still sent whole" {
	random_file 8388609 down
	start_with down listen 127.0.0.1 0
	py "$port" <<-'END'
		s = dial(args[0])
		s.shutdown(SHUT_WR)
		assert whole(s) == open("down", "rb").read()
	END
	ends_with 0
}

@test "listen: --until peer sends what a pipe holds, and waits for no more" {
	start_fed listen --until peer 127.0.0.1 0
	echo held >&7
	py "$port" <<-'END'
		s = dial(args[0])
		s.shutdown(SHUT_WR)
		assert whole(s) == b"held\n"
	END
	ends_with 0
}

@test "listen: after the client's end what stdin gives is sent until stdin ends" {
	start_fed listen 127.0.0.1 0
	mkfifo ready
	behind "$port" <<-'END'
		s = dial(args[0])
		s.shutdown(SHUT_WR)
		assert quiet(s, 0.5)
		open("ready", "w").close()
		assert whole(s) == b"late\n"
	END
	: <ready
	assert [ "$(cpu_ticks "$pid")" -lt 20 ] # it waits, and does not spin
	echo late >&7
	exec 7>&-
	finish "$client"
	ends_with 0
}

@test "listen: waits for the client's end after the end of stdin" {
	: >empty
	start_with empty listen 127.0.0.1 0
	py "$port" <<-'END'
		s = dial(args[0])
		assert whole(s) == b""
		s.sendall(b"still here")
	END
	ends_with 0
	assert_equal "$(cat out.0)" "still here"
}

@test "listen: is byte-exact both ways with nc.openbsd -N" {
	exchange 3000001 nc.openbsd -N HOST PORT
}

@test "listen: is byte-exact both ways with ncat" {
	exchange 3000001 ncat HOST PORT
}

@test "listen: is byte-exact both ways with socat" {
	exchange 3000001 socat -t 30 - TCP:HOST:PORT
}

@test "listen: is byte-exact both ways with Python" {
	exchange 3000001 python3 -c 'if True:
		import socket, sys, threading
		s = socket.create_connection(sys.argv[1:3])
		def send():
			s.sendall(sys.stdin.buffer.read())
			s.shutdown(socket.SHUT_WR)
		threading.Thread(target=send).start()
		while data := s.recv(65536):
			sys.stdout.buffer.write(data)' HOST PORT
}

@test "listen: is byte-exact each way with nc.traditional" {
	random_file 3000001 down
	start_with down listen 127.0.0.1 0
	timeout 60 nc.traditional 127.0.0.1 "$port" </dev/null >got 3>&-
	ends_with 0
	cmp down got

	start_fed listen 127.0.0.1 0
	timeout 60 nc.traditional -q 0 127.0.0.1 "$port" <down 3>&- 7>&- 8<&-
	ends_with 0
	cmp down out.1
}

@test "listen: -C sends a lone LF as CRLF and leaves what comes in alone" {
	printf 'a\nb\r\nc\r' >down
	printf '\n\n' >>down
	start_with down listen -C 127.0.0.1 0
	py "$port" <<-'END'
		s = dial(args[0])
		s.sendall(b"x\ny\r\n")
		s.shutdown(SHUT_WR)
		assert whole(s) == b"a\r\nb\r\nc\r\n\r\n"
	END
	ends_with 0
	assert_equal "$(od -An -c out.0)" "   x  \n   y  \r  \n"
}

@test "listen: -C knows a CR that came just before" {
	start_fed listen -C 127.0.0.1 0
	py "$port" <<-'END'
		s, stdin = dial(args[0]), open("in.0", "wb", buffering=0)
		for read, sent in (b"a\r", b"a\r"), (b"\nb", b"\nb"), (b"\n", b"\r\n"):
		    stdin.write(read)
		    assert exact(s, len(sent)) == sent
	END
	ends_with 0
}

@test "listen: -x dumps both directions on stderr and leaves stdout alone" {
	echo down >down
	start_with down listen -x 127.0.0.1 0
	py "$port" <<-'END'
		s = dial(args[0])
		whole(s)
		s.sendall(b"0123456789abcdef\x00\n")
	END
	ends_with 0
	assert_equal "$(od -An -c out.0 | tail -1)" "  \0  \n"
	assert grep -Fq '> 00000000  64 6f 77 6e 0a ' err.0
	assert grep -Fq '|0123456789abcdef|' err.0
	assert grep -q '#1< 00000010  00 0a  *|\.\.|$' err.0
}

@test "listen: a client that says nothing for --idle-timeout ends it: status 4" {
	start_fed listen --idle-timeout 0.2 127.0.0.1 0
	py "$port" <<-'END'
		assert whole(dial(args[0])) == b""
	END
	heard 'nothing heard or said for 200 ms'
	ends_with 4
}

@test "listen: no client within --accept-timeout ends it: status 4" {
	start listen --accept-timeout 0.1 127.0.0.1 0
	ends_with 4 'no client came in 100 ms'
}

@test "listen: --backlog is the listen queue's limit" {
	start listen --backlog 7 127.0.0.1 0
	run ss -Hltn "sport = :$port"
	assert_output --regexp '^LISTEN +0 +7 '
}

@test "listen: -k with --once is a usage error" {
	run timeout 20 rpnc listen -k --once 0
	assert_failure 2
	assert_line --regexp '^rpnc listen: .*--once'
}

@test "listen: a client that resets while silent: status 1, one line" {
	start_fed listen 127.0.0.1 0
	py "$port" <<-'END'
		reset(dial(args[0]))
	END
	heard 'reset by peer'
	ends_with 1
}

@test "listen: a client that resets while both send: status 1, one line" {
	start_with /dev/zero listen 127.0.0.1 0
	py "$port" <<-'END'
		s = dial(args[0])
		s.sendall(b"x" * 100000)
		s.recv(100000)
		reset(s)
	END
	ends_with 1 '127.0.0.1:.*: '
}

@test "listen: a client that resets after its half-close: status 1, one line" {
	start_with /dev/zero listen 127.0.0.1 0
	py "$port" <<-'END'
		s = dial(args[0])
		s.shutdown(SHUT_WR)
		s.recv(1000000)
		reset(s)
	END
	ends_with 1 '127.0.0.1:.*: '
}

@test "listen: a client that resets after our half-close: status 1, one line" {
	: >empty
	start_with empty listen 127.0.0.1 0
	py "$port" <<-'END'
		s = dial(args[0])
		whole(s)
		reset(s)
	END
	ends_with 1 'reset by peer'
}

@test "listen: SIGINT, SIGTERM and SIGHUP end it as a shell expects" {
	local n=0 signal
	for signal in INT=130 TERM=143 HUP=129; do
		start listen 127.0.0.1 0
		kill "-${signal%=*}" "$pid"
		ends_with "${signal#*=}"
		refute grep -v '^listening' "err.$n"
		n=$((n + 1))
	done
}

@test "echo: SIGINT that is ignored from the start stays so" {
	mkfifo ready
	(trap '' INT && exec rpnc echo --ready-fd 4 127.0.0.1 0 4>ready 3>&- \
		2>err) &
	pid=$!
	pids+=("$pid")
	read -r port <ready
	port=${port##*:}
	kill -INT "$pid"
	exec {c}<>"/dev/tcp/127.0.0.1/$port"
	echo hello >&"$c"
	read -r -t 20 line <&"$c"
	assert_equal "$line" hello
	kill "$pid"
	ends_with 143
}

@test "listen: SIGTERM ends it though nobody reads its stdout" {
	mkfifo out.0
	exec 8<>out.0
	start listen 127.0.0.1 0 8<&-
	py "$port" "$pid" <<-'END'
		s = dial(args[0])
		s.settimeout(0.3)
		try:
		    s.sendall(bytes(64 << 20))
		    sys.exit("all was taken")
		except TimeoutError:
		    os.kill(int(args[1]), 15)
		    s.settimeout(30)
		    try:
		        whole(s)
		    except ConnectionResetError:
		        pass
	END
	ends_with 143
}

@test "listen: SIGTERM ends its wait, after the client's end, for stdout's reader" {
	mkfifo out.0
	exec 8<>out.0
	: >empty
	# of what it only passes on it keeps nothing that could wait
	start_with empty listen --json 127.0.0.1 0 8<&-
	py "$port" <<-'END'
		s = dial(args[0])
		s.sendall(bytes(100000))
		s.shutdown(SHUT_WR)
		assert whole(s) == b""
	END
	kill "$pid"
	ends_with 143
}

@test "listen: a full disk as stdout: status 1, one line" {
	ln -s /dev/full out.0
	start listen 127.0.0.1 0
	py "$port" <<-'END'
		s = dial(args[0])
		s.sendall(b"x")
		try:
		    whole(s)
		except ConnectionResetError:
		    pass
	END
	ends_with 1 'stdout: No space left'
}

@test "listen: a closed stdout: status 1, one line, at the first byte" {
	rpnc() { exec "$RPNC" "$@" >&-; }
	start listen 127.0.0.1 0
	py "$port" <<-'END'
		dial(args[0]).sendall(b"x")
	END
	ends_with 1 'stdout: Bad file'
}

@test "listen: with a closed stderr a program can still write to its own" {
	rpnc() {
		exec "$RPNC" listen -k --ready-fd 4 127.0.0.1 0 -- \
			sh -c 'echo lost >&2 && echo fine' 2>&-
	}
	start
	py "$port" <<-'END'
		assert dial(args[0]).recv(9) == b"fine\n"
	END
}

@test "listen: ends as soon as the reader of its stdout is gone: status 1" {
	mkfifo out.0
	exec 8<>out.0
	start_with /dev/null listen -k 127.0.0.1 0 8<&-
	exec 8<&-
	ends_with 1 'stdout: Broken pipe'
}

@test "listen: a reader of its stdout that goes as the client ends is no failure" {
	mkfifo out.0
	exec 8<>out.0
	start listen 127.0.0.1 0 8<&-
	behind "$port" <<-'END'
		s = dial(args[0])
		s.sendall(b"all\n")
		while not os.path.exists("gone"):
		    select.select([], [], [], 0.01)
		s.close()
		open("ended", "w").close()
	END
	read -r <&8
	assert_equal "$REPLY" all
	kill -STOP "$pid"
	exec 8<&-
	: >gone
	eventually test -e ended
	kill -CONT "$pid"
	ends_with 0
}

@test "listen: /dev/null, or a closed stdin, is no input: the client's end ends it" {
	local n=0
	for input in null closed; do
		test "$input" = null || rpnc() { exec "$RPNC" "$@" <&-; }
		start listen 127.0.0.1 0
		py "$port" <<-'END'
			s = dial(args[0])
			assert quiet(s)			# nothing is half-closed
			s.sendall(b"x")
			s.shutdown(SHUT_WR)
			assert whole(s) == b""
		END
		ends_with 0
		assert_equal "$(cat "out.$n")" x
		n=1
	done
}

@test "listen: a terminal that is not the controlling one is read" {
	timeout 30 python3 - <<-'END'
		import os, socket, subprocess
		keys, line = os.openpty()
		r, w = os.pipe()
		p = subprocess.Popen(["rpnc", "listen", "127.0.0.1", "0", "--ready-fd",
		    str(w)], stdin=line, stdout=subprocess.DEVNULL, pass_fds=[w],
		    start_new_session=True)
		os.close(w)
		host, port = open(r).read().split(":")
		s = socket.create_connection((host, int(port)), 20)
		os.write(keys, b"typed\n")
		assert s.recv(6, socket.MSG_WAITALL) == b"typed\n"
		os.write(keys, b"\4")
		assert s.recv(1) == b""
		s.close()
		assert p.wait() == 0
	END
}
