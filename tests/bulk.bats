#!/usr/bin/env bats
# shellcheck disable=SC2016,SC2030,SC2031,SC2154 # a test is a shell; loaded names
# The ways by which bytes go between stdin, stdout and a connection: sendfile,
# splice, a buffer. Which one is taken, that each is exact, that none spins.

bats_require_minimum_version 1.5.0
load helpers
load connect

calls=read,write,recvfrom,sendto,sendfile,splice,poll,epoll_wait,epoll_pwait,epoll_ctl

# traced ARG...: rpnc within 20 s; its calls that move or wait are in trace.
traced() {
	no_leaks timeout 20 strace -qq -o trace -e "trace=$calls" rpnc "$@"
}

# start_traced ARG...: the same in the background, where pid is its own.
start_traced() {
	: >trace
	ASAN_OPTIONS=${ASAN_OPTIONS:-}:detect_leaks=0 exec \
		strace -D -q -o trace -e "trace=$calls" rpnc "$@"
}

# traced_to_its_end: strace has written all, too.
traced_to_its_end() {
	eventually grep -q '^+++' trace
}

# through INPUT OUTPUT ARG...: connect takes ./file from INPUT, and ./got is
# what came to OUTPUT.
through() {
	local from=$1 to=$2
	shift 2
	rm -f got
	case $from in
	file) exec 5<file ;;
	pipe) exec 5< <(cat file) ;;
	append) exec 5<>file ;;
	esac
	case $to in
	file) traced connect "$@" <&5 >got ;;
	append) traced connect "$@" <&5 >>got ;;
	pipe) traced connect "$@" <&5 | cat >got ;;
	null) traced connect "$@" <&5 >/dev/null ;;
	esac
	exec 5<&-
	if test "$to" = null; then
		# all that went into the null device
		awk '/^splice\(.*, 1, NULL/ && $NF > 0 { n += $NF } END { print n }' trace >got
		assert_equal "$(<got)" "$(wc -c <file)"
	else
		cmp file got
	fi
}

# took CALL...: the trace has these, with these arguments.
took() {
	local call
	for call; do
		grep -Eq "^$call" trace || fail "no $call"
	done
}

# still: strace has nothing to tell for a while.
still() {
	local before
	before=$(wc -l <trace)
	read -r -t 0.1 <> <(:) || true
	test "$before" -eq "$(wc -l <trace)"
}

@test "bulk: a file goes by sendfile, a pipe by splice, to a pipe by splice, to a file by a buffer" {
	random_file 3000001 file
	start echo 127.0.0.1 0
	local tcp=$port
	start echo -U socket
	for address in "127.0.0.1:$tcp" unix:socket; do
		through file pipe "$address"
		took 'sendfile\([0-9]+, 0, NULL' 'splice\([0-9]+, NULL, [0-9]+, NULL'
		refute grep -E '^(recvfrom|sendto)\([0-9]+, ".*= [1-9]' trace
		through pipe file "$address"
		took 'splice\(0, NULL, [0-9]+, NULL' 'recvfrom.*MSG_DONTWAIT, ' 'write\(1, '
		through append append "$address"
		took 'sendfile\([0-9]+, 0, NULL' 'write\(1, '
		through pipe null "$address"
		took 'splice.* = [1-9]'
		refute grep -E '^(write\(1, |recvfrom.* = [1-9])' trace
	done
}

@test "bulk: what has to be looked at goes through a buffer" {
	random_file 300001 file
	start echo 127.0.0.1 0
	for option in -x --json; do
		traced connect "$option" "127.0.0.1:$port" \
			<file 2>/dev/null | cat >got
		took 'read\(0, ' 'sendto' 'recvfrom'
		refute grep -E '^(sendfile|splice)' trace
	done
	traced connect -C "127.0.0.1:$port" <file | cat >got
	took 'read\(0, ' 'sendto' 'splice'
	refute grep sendfile trace
}

@test "bulk: what refuses the short way goes through a buffer, whole" {
	start echo 127.0.0.1 0
	# its size is said to be 0, and splice from it is refused
	cat /proc/self/net/protocols >file
	traced connect "127.0.0.1:$port" </proc/self/net/protocols >got
	took 'sendfile' 'read\(0, '
	assert_equal "$(wc -l <got)" "$(wc -l <file)"
	# a terminal, a socket, a device
	run -0 "$PYTHON" - "$port" <<-'END'
	import fcntl, os, pty, socket, subprocess, sys, termios
	def control(): # of the terminal, which may be read in the foreground only
	    if os.isatty(0): fcntl.ioctl(0, termios.TIOCSCTTY, 0)
	def talk(stdin, write, close):
	    p = subprocess.Popen(["rpnc", "connect", "--prompt=never",
	        "127.0.0.1:" + sys.argv[1]], stdin=stdin, stdout=subprocess.PIPE,
	        start_new_session=True, preexec_fn=control)
	    write(b"line\n" * 200)
	    assert p.stdout.read(1000) == b"line\n" * 200
	    close()
	    assert p.stdout.read() == b""
	    assert p.wait() == 0
	master, slave = pty.openpty()
	talk(slave, lambda data: os.write(master, data),
	    lambda: os.write(master, b"\x04"))
	a, b = socket.socketpair()
	talk(b, a.sendall, lambda: a.shutdown(socket.SHUT_WR))
	END
	head -c 300000 /dev/zero >file
	server 'data = accept().recv(300000, socket.MSG_WAITALL); save(data)'
	run -1 timeout 20 rpnc connect "127.0.0.1:$port" </dev/zero
	finish "$pid"
	cmp file got
}

@test "bulk: a file is sent from where the shell is in it, and left at its end" {
	random_file 100000 file
	server 'save(everything(accept()))'
	{
		dd bs=10 count=1 status=none >/dev/null
		connect "127.0.0.1:$port"
		cat >rest
	} <file
	finish "$pid"
	cmp <(tail -c +11 file) got
	test ! -s rest
}

@test "bulk: with both ways full nothing is called, and then nothing is missing" {
	random_file 40000000 file
	mkfifo go
	start echo 127.0.0.1 0
	local tcp=$port
	start echo -U socket
	for address in "127.0.0.1:$tcp" unix:socket; do
		for input in file pipe; do
			: >trace
			case $input in
			file) exec 5<file ;;
			pipe) exec 5< <(cat file) ;;
			esac
			{
				traced connect "$address" <&5 || echo "$?" >failed
			} 3>&- | {
				read -r <go
				cat >got
			} 3>&- &
			pids+=("$!")
			exec 5<&-
			eventually grep -q '= -1 EAGAIN' trace
			eventually still
			echo now >go
			finish "${pids[-1]}"
			cmp file got
			test ! -e failed
			# none in vain but for those that found it full or empty
			assert test "$(wc -l <trace)" -lt 20000
		done
	done
}

@test "bulk: tiny socket buffers cut each piece, and it is exact" {
	random_file 1000001 file
	in_netns '
		sysctl -qw net.ipv4.tcp_wmem="4096 4096 4096" \
			net.ipv4.tcp_rmem="4096 4096 4096"
		rpnc echo 127.0.0.1 0 --ready-fd 4 4>address &
		trap "kill $!" EXIT
		until test -s address; do read -r -t 0.02 <> <(:) || true; done
		rpnc connect "$(cat address)" <file | cat >got
		cmp file got
		cat file | rpnc connect "$(cat address)" >got
		cmp file got
	'
}

@test "bulk: SIGTERM ends it at once while the reader of stdout sleeps, and nothing is made up" {
	random_file 40000000 file
	mkfifo out
	exec 6<>out
	server 'c = accept()
with open("file", "rb") as f: data = f.read()
try: c.sendall(data)
except OSError: pass'
	start_traced connect -n "127.0.0.1:$port" >out 2>err 3>&- 6>&- &
	pids+=("$!")
	eventually grep -q splice trace
	eventually still
	kill -TERM "${pids[-1]}"
	ends_with 143 "${pids[-1]}"
	"$PYTHON" -c 'import os
os.set_blocking(6, False)
data = b""
try:
    while True: data += os.read(6, 1 << 24)
except BlockingIOError: pass
assert len(data) > 60000
assert open("file", "rb").read(len(data)) == data'
}

# faulty ARG...: rpnc within 20 s, where the call in fault fails.
faulty() {
	no_leaks timeout 20 strace -f -qq -o /dev/null "--inject=$fault" rpnc "$@"
}

@test "bulk: a refused splice(2), sendfile(2) or pipe2(2) costs a copy, not a byte" {
	random_file 3000000 file
	start echo 127.0.0.1 0
	for fault in splice:error=ENOSYS splice:error=EPERM:when=2+ \
		sendfile:error=EACCES sendfile:error=ENOSYS:when=2+ pipe2:error=EPERM; do
		faulty connect "127.0.0.1:$port" <file >got
		cmp file got
		head -c 3000000 file | faulty connect "127.0.0.1:$port" | cat >got
		cmp file got
	done
}

@test "bulk: a second client with -k brings the ring, its end the short way again" {
	mkfifo in err heard
	exec 5<>in
	start_traced listen -k -v 127.0.0.1 0 --ready-fd 4 \
		4>heard <in >out 2>err 3>&- 5>&- &
	pids+=("$!")
	exec 7<>err
	read -r address <heard
	run -0 timeout 30 "$PYTHON" - "$address" <<-'END'
	import os, socket, sys
	host, port = sys.argv[1].rsplit(":", 1)
	err = os.fdopen(7, "r")
	def heard(text):
	    for line in err:
	        if text in line: return
	def say(data):
	    while data: data = data[os.write(5, data):]
	def exact(c, n):
	    return c.recv(n, socket.MSG_WAITALL)
	def same(piece, *clients):
	    say(piece)
	    for c in clients: assert exact(c, len(piece)) == piece
	pieces = [os.urandom(200001) for i in range(3)]
	one = socket.create_connection((host, int(port)))
	heard("connected")
	same(pieces[0], one)
	two = socket.create_connection((host, int(port)))
	heard("connected")
	same(pieces[1], one, two)
	two.close()
	heard("closed")
	same(pieces[2], one)
	one.sendall(b"thanks")
	one.close()
	heard("closed")
	END
	kill -TERM "${pids[-1]}"
	ends_with 143 "${pids[-1]}"
	traced_to_its_end
	assert_equal "$(cat out)" thanks
	grep -Eo '^(splice|read)\(0,.*= [1-9]' trace | cut -d'(' -f1 | uniq >ways
	assert_equal "$(tr '\n' ' ' <ways)" 'splice read splice '
}

@test "bulk: many clients at once with -k, each exact, into one pipe" {
	run -0 timeout 40 "$PYTHON" - <<-'END'
	import os, socket, subprocess, threading
	r, w = os.pipe()
	p = subprocess.Popen(["rpnc", "listen", "-k", "127.0.0.1", "0",
	    "--ready-fd", str(w)], stdin=subprocess.DEVNULL,
	    stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, pass_fds=[w])
	os.close(w)
	host, port = os.read(r, 99).decode().strip().rsplit(":", 1)
	# each sends one value only: what is in the pipe is told apart
	each = 1500000
	def send(i):
	    with socket.create_connection((host, int(port))) as c:
	        c.sendall(bytes([i]) * each)
	threads = [threading.Thread(target=send, args=(i,)) for i in range(8)]
	for t in threads: t.start()
	counts, left = [0] * 8, 8 * each
	while left:
	    part = os.read(p.stdout.fileno(), 50000)
	    assert part
	    left -= len(part)
	    for i in range(8): counts[i] += part.count(i)
	assert counts == [each] * 8, counts
	for t in threads: t.join()
	p.terminate()
	assert p.stdout.read() == b""
	p.wait()
	END
}

@test "bulk: pipes at both ends, to and from nc.openbsd and socat, TCP and Unix" {
	random_file 500000 up
	random_file 400000 something
	local port down
	for peer in "nc.openbsd -l -N 127.0.0.1 PORT" "nc.openbsd -l -N -U s1" \
		"socat -t 20 - TCP-LISTEN:PORT,bind=127.0.0.1" \
		"socat -t 20 - UNIX-LISTEN:s2"; do
		port=$(free_port)
		address=127.0.0.1:$port
		down=something
		case $peer in
		# what it has to send is cut there, whoever is its client
		*s1) address=unix:s1 down=/dev/null ;;
		*s2) address=unix:s2 ;;
		esac
		# shellcheck disable=SC2086
		${peer/PORT/$port} <"$down" >up.out 2>/dev/null 3>&- &
		pids+=("$!")
		# shellcheck disable=SC2002
		cat up | connect --wait 10 "$address" | cat >down.out
		finish "${pids[-1]}"
		cmp up up.out
		cmp "$down" down.out
	done
}

@test "bulk: urgent data is nobody's, and what comes after it is not lost" {
	run -0 "$PYTHON" - <<-'END'
	import os, re, socket, subprocess, threading
	parts = [b"%04d" % part * 25000 for part in range(40)] + [b"last"]
	def talk(out):
	    ready, theirs = os.pipe()
	    p = subprocess.Popen(["rpnc", "listen", "-v", "--ready-fd",
	        str(theirs), "127.0.0.1", "0"], stdin=subprocess.DEVNULL,
	        stdout=out, stderr=subprocess.PIPE, pass_fds=[theirs])
	    os.close(theirs)
	    with os.fdopen(ready) as f:
	        port = int(f.read().split(":")[1])
	    got = []
	    reader = threading.Thread(target=lambda: got.append(
	        p.stdout.read() if p.stdout else None))
	    reader.start()
	    s = socket.create_connection(("127.0.0.1", port), 20)
	    for part in parts:
	        s.sendall(part)
	        s.send(b"!", socket.MSG_OOB)
	    s.sendall(b".")
	    s.shutdown(socket.SHUT_WR)
	    assert s.recv(1) == b""
	    told = p.stderr.read().decode()
	    assert p.wait() == 0
	    reader.join()
	    assert re.search(r"closed.* 3.81 MiB in", told), told
	    # of several on the way only the last is urgent: then the others stay
	    return got[0].replace(b"!", b"") if got[0] else None
	want = b"".join(parts) + b"."
	assert talk(subprocess.PIPE) == want
	talk(subprocess.DEVNULL)
	with open("got", "w+b") as f:
	    talk(f)
	    f.seek(0)
	    assert f.read().replace(b"!", b"") == want
	END
}
