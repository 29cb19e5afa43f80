#!/usr/bin/env bats
# shellcheck disable=SC2016,SC2030,SC2031,SC2154 # a test is a shell; loaded names
# rpnc connect as a relay of bytes: exactness, ends, broken streams, peers.

bats_require_minimum_version 1.5.0
load helpers
load connect

# --- ends -------------------------------------------------------------

@test "connect: a server that answers only after the end of stdin is heard" {
	server 'c = accept(); c.sendall(b"got " + everything(c))'
	run -0 connect 127.0.0.1 "$port" <<<hello
	assert_output "got hello"
}

@test "connect: a reply long after the end of stdin is waited for, without any timer" {
	mkfifo ended reply
	server 'c = accept(); everything(c); tell("ended"); told("reply")
c.sendall(b"late\n")'
	no_leaks background strace -qq -e trace=shutdown,epoll_wait,epoll_pwait,timerfd_settime -o trace \
		rpnc connect 127.0.0.1 "$port" <<<hello >out
	read -r <ended
	echo now >reply
	finish "$pid"
	assert_equal "$(<out)" late
	sed '1,/^shutdown/d' trace >after
	assert grep -q epoll after
	refute grep -Ev ', -1(, NULL, 8)?\) |^\+' after
}

@test "connect, listen: --no-shutdown tells the peer nothing of stdin's end" {
	local takes='
n = 0
while n < 3 << 20: n += len(c.recv(1 << 20))
c.sendall(b"late\n")'
	random_file 3M data
	server "c = accept()$takes"
	run -0 no_leaks strace -qq -f -e trace=shutdown -o trace timeout 20 \
		rpnc connect --no-shutdown 127.0.0.1 "$port" <data
	assert_output late
	refute grep shutdown trace

	strace_of_listen
	run -0 timeout 20 "$PYTHON" -c "import socket, sys
c = socket.create_connection(('127.0.0.1', int(sys.argv[1])))$takes" "$port"
	finish "$pid"
	assert_equal "$(<out)" late
	refute grep shutdown trace
}

# A listen of which strace keeps the calls of shutdown(2).
strace_of_listen() {
	mkfifo ready
	no_leaks background strace -qq -f -e trace=shutdown -o trace bash -c \
		'exec rpnc listen --no-shutdown --ready-fd 4 127.0.0.1 0 \
			4>ready <data >out'
	read -r port <ready
	port=${port##*:}
}

@test "connect: a server that ends first ends it at once, though stdin is open" {
	open_stdin
	server 'c = accept(); c.sendall(b"bye\n"); c.close()'
	run -0 connect 127.0.0.1 "$port" <in
	assert_output bye
}

@test "connect, listen: input that comes when the peer has gone is status 1, and a line says how much" {
	local kind
	mkfifo go ended
	anew() { # an empty pipe
		exec 5>&-
		rm -f in
		open_stdin
	}
	gone() { # PID: once the peer has gone, 50,000 bytes come at once with that
		# after a wait epoll(7) reports first what came first
		eventually grep -q '^State:.S' "/proc/$1/status"
		halt "$1"
		echo now >go
		cat ended >/dev/null # to its end: it is used again
		head -c 50000 /dev/zero >&5
		kill -CONT "$1"
		status=0
		finish "$1" || status=$?
		assert_equal "$status" 1
		run -0 tail -n 1 err
		assert_line --regexp '^rpnc .*: at least 50000 bytes of input were not delivered$'
	}
	for kind in tcp unix; do
		anew
		KIND=$kind server 'c = accept(); c.recv(9)
tell("ended"); told("go"); c.close(); tell("ended")'
		local target=(127.0.0.1 "$port")
		test "$kind" = tcp || target=(-U socket)
		rpnc connect "${target[@]}" <in >out 2>err 3>&- &
		pids+=($!)
		echo first >&5
		cat ended >/dev/null
		gone "${pids[-1]}"
	done
	anew
	rpnc listen -v 127.0.0.1 0 <in >out 2>err 3>&- &
	pids+=($!)
	eventually grep -q listening err
	port=$(sed -nE 's/^listening on .*:([0-9]+) .*/\1/p' err)
	background "$PYTHON" -c '
import socket, sys
def tell(name):
    with open(name, "w") as f: f.write("now\n")
c = socket.create_connection(("127.0.0.1", int(sys.argv[1])))
c.send(b"x")
tell("ended"); open("go").read(); c.close(); tell("ended")' "$port"
	cat ended >/dev/null
	eventually test -s out
	gone "${pids[-2]}"
}

@test "connect: of a regular file all is sent to a server that ended its own side first" {
	random_file 9000000 file
	server 'c = accept(); c.shutdown(socket.SHUT_WR); save(everything(c))'
	run -0 connect 127.0.0.1 "$port" <file
	finish "$pid"
	cmp file got
}

@test "connect: a server that ended first and reads late gets all, also with -C" {
	local option
	local -A size=([-C]=240000 [-x]=200000)
	yes line | head -n 40000 >lines
	mkfifo seen go
	for option in -C -x; do
		server 's.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
c = accept(); c.shutdown(socket.SHUT_WR)
told("go"); tell("seen", len(everything(c)))'
		timeout 20 rpnc connect "$option" 127.0.0.1 "$port" <lines 2>err 3>&- &
		pids+=($!)
		# all is sent, and not acknowledged
		eventually eval 'ss -Htn state last-ack state closing "dport = :$port" | grep -q .'
		echo now >go
		assert_equal "$(<seen)" "${size[$option]}"
		ends_with 0 "${pids[-1]}"
	done
}

@test "connect: --until peer sends what a pipe holds to a server that ended its own side" {
	open_stdin
	# more than one read
	"$PYTHON" -c 'import fcntl; fcntl.fcntl(5, fcntl.F_SETPIPE_SZ, 1 << 20)'
	random_file 1000000 file
	cat file >&5
	server 'c = accept(); c.shutdown(socket.SHUT_WR); save(everything(c))'
	run -0 connect --until peer 127.0.0.1 "$port" <in
	finish "$pid"
	cmp file got
}

@test "connect: the server's end closes stdout, whose reader may then still write stdin" {
	server 'c = accept(); c.sendall(b"x\n"); c.shutdown(socket.SHUT_WR); save(everything(c))'
	mkfifo in
	# shellcheck disable=SC2094 # a fifo
	rpnc connect --until both 127.0.0.1 "$port" <in 3>&- | { # timeout(1) would hold stdout open
		cat
		echo after
	} >in
	test "${PIPESTATUS[0]}" -eq 0
	finish "${pids[-1]}"
	assert_equal "$(<got)" $'x\nafter'
}

@test "connect: what stdin gives after the server's end is sent, until stdin ends, which is --until both" {
	local until server
	for until in '' '--until both'; do
		server 'c = accept(); c.sendall(b"bye\n"); c.shutdown(socket.SHUT_WR)
save(everything(c))'
		server=$pid
		rm -f in trace
		mkfifo in trace
		# shellcheck disable=SC2086 # words they are
		no_leaks strace -qq -e trace=recvfrom -o trace \
			rpnc connect $until 127.0.0.1 "$port" <in >out 3>&- &
		pids+=("$!")
		exec 5>in 6<trace
		line=
		until [[ $line == *' = 0' ]]; do
			read -r line <&6
		done
		printf more >&5
		exec 5>&-
		cat <&6 >/dev/null
		finish "${pids[-1]}"
		finish "$server"
		assert_equal "$(<out)" bye
		assert_equal "$(<got)" more
	done
}

@test "connect: what the server says after the end of stdin is heard, until its end, which is --until both" {
	local until server
	for until in '' '--until both'; do
		server 'c = accept(); everything(c); c.sendall(b"late\n")'
		server=$pid
		# shellcheck disable=SC2086
		run -0 connect $until 127.0.0.1 "$port" <<<hello
		assert_output late
		finish "$server"
	done
}

@test "connect, listen: a peer elsewhere that is gone, or cut off, is known by keepalive probes" {
	run -0 in_netns '
		trap "kill \$(jobs -p) || true" EXIT
		mkfifo up lives in
		exec 5<>in 9<>up
		unshare -n bash -c "ip link set lo up
			# a socket that is closed is forgotten soon
			echo 1 >/proc/sys/net/ipv4/tcp_fin_timeout
			echo \$\$ >up; read -r <>lives" 5>&- &
		read -r there <&9
		there() { nsenter -t "$there" -n "$@" 5>&-; }
		for n in 0 1; do
			ip link add here$n type veth peer name there$n netns "$there" 2>/dev/null ||
				{ echo none; exit; }
			ip addr add 192.0.$n.1/24 dev here$n
			ip link set here$n up
			there ip addr add 192.0.$n.2/24 dev there$n
			there ip link set there$n up
		done
		echo 1 >/proc/sys/net/ipv4/tcp_keepalive_probes
		rpnc listen -q 192.0.0.1 9000 --ready-fd 4 <in 4>up 5>&- &
		ends=($!)
		read -r <&9
		nsenter -t "$there" -n '"$PYTHON"' -c "
import socket
servers = [socket.create_server((\"192.0.%d.2\" % n, 9000)) for n in (0, 1)]
print(\"listen\", file=open(\"up\", \"w\"))
gone, cut = [s.accept()[0] for s in servers]
gone.close()
cut.shutdown(socket.SHUT_WR)
socket.create_connection((\"192.0.0.1\", 9000)).close()
open(\"lives\").read()" &
		read -r <&9
		for n in 0 1; do
			rpnc connect 192.0.$n.2 9000 <in 5>&- &
			ends+=($!)
		done
		until test "$(ss -Htno state close-wait | grep -Ec "timer:.keepalive,[0-9.]+(sec|ms),")" -eq 3; do
			read -r -t 0.02 <> <(:) || true
		done
		there ip link set there1 down
		for pid in "${ends[@]}"; do
			wait "$pid" && echo "ended: 0" || echo "ended: $?"
		done'
	test "$output" != none || skip "no veth here"
	assert_output "ended: 0
ended: 0
ended: 0"
}

@test "connect: a server that resets is a failure, told in one line" {
	open_stdin
	for stdin in in /dev/null; do
		server 'c = accept(); reset(c)'
		run -1 quiet 127.0.0.1 "$port" <"$stdin"
		refute_output
		complained "(connect to )?127.0.0.1:$port: Connection reset by peer"
	done
}

@test "connect: a server that resets after its end is a failure" {
	mkfifo seen
	server 'c = accept(); c.sendall(b"x\n"); c.shutdown(socket.SHUT_WR)
told("seen"); reset(c)'
	talk 127.0.0.1 "$port"
	read -r <&6
	echo yes >seen
	ends_with 1 "$pid"
	complained "127.0.0.1:$port: Connection reset by peer"
}

# asked: connect has looked for an error, and will look whether its peer is there.
asked() {
	grep -q 'SO_ERROR, \[0\]' trace
}

@test "connect: a server that resets while connect looks whether it is there" {
	export ASAN_OPTIONS=${ASAN_OPTIONS:-}:detect_leaks=0
	mkfifo seen
	server 'c = accept(); c.sendall(b"x\n"); c.shutdown(socket.SHUT_WR)
told("seen"); reset(c)'
	talk 127.0.0.1 "$port"
	read -r <&6
	inject "$pid" getsockopt:delay_exit=300000
	eventually asked
	echo yes >seen
	ends_with 1 "$pid"
	complained "127.0.0.1:$port: Connection reset by peer"
}

@test "connect: a server that is cut off after its end is status 4, and a line says what was sent in vain" {
	# a minimal TTL that no packet of ours has: all that comes is dropped
	server 'c = accept(); c.sendall(b"x\n"); c.shutdown(socket.SHUT_WR)
c.setsockopt(socket.IPPROTO_IP, 21, 255) # IP_MINTTL
tell("seen"); signal.pause()'
	mkfifo seen
	talk --sockopt user-timeout=300ms 127.0.0.1 "$port"
	read -r <&6
	read -r <seen
	echo hello >&5
	exec 5>&-
	ends_with 4 "$pid"
	complained "127.0.0.1:$port: .*: 6 bytes of input were not delivered"
}

@test "connect: a reply that comes before a large upload is cut is delivered" {
	local lost
	truncate -s 256M file
	server 'while True:
    c = accept(); c.recv(1)
    c.sendall(b"413 " + b"too large " * 1000 + b"\n"); c.close()'
	for _ in {1..10}; do
		run -1 quiet 127.0.0.1 "$port" <file
		assert_equal "${#output}" 10004
		complained "127.0.0.1:$port: Connection reset by peer"
		# without the byte that it received
		lost=$(sed -nE 's/.*: (at least )?([0-9]+) bytes of input were not delivered$/\2/p' err)
		test "$lost" -gt 0 -a "$lost" -lt 268435456
	done
}

@test "connect: a Unix server's reply before it cuts an upload is delivered too" {
	truncate -s 16M file
	KIND=unix server 'c = accept(); c.recv(1); c.sendall(b"no\n"); c.close()'
	run -1 quiet -U socket <file
	assert_output no
	complained "unix:socket: Connection reset by peer"
}

# --- broken streams ---------------------------------------------------

@test "connect: a closed stdout ends it at once, though nothing more arrives" {
	server 'c = accept(); c.sendall(b"x\n"); signal.pause()'
	talk 127.0.0.1 "$port"
	read -r <&6
	exec 6<&-
	ends_with 1 "$pid"
	complained "stdout: Broken pipe"
}

@test "connect: head may close stdout" {
	start echo --chargen 127.0.0.1 0
	run -0 bash -c 'timeout 20 rpnc connect -n "$1" 2>err | head -c 1
	test "${PIPESTATUS[0]}" = 1' bash "127.0.0.1:$port"
	assert_equal "${#output}" 1
	complained "stdout: Broken pipe"
}

@test "connect: a full disk is a failure, told in one line" {
	start echo 127.0.0.1 0
	open_stdin
	echo hello >&5
	status=0
	connect 127.0.0.1 "$port" <in >/dev/full 2>err || status=$?
	assert_equal "$status" 1
	complained "stdout: No space left on device"
}

# told_at_close FILE COMMAND...: a close(2) of FILE says that not all was written.
told_at_close() {
	: >"$1"
	ASAN_OPTIONS=detect_leaks=0 timeout 20 strace -f -qq -o trace -P "$PWD/$1" \
		-e trace=close -e inject=close:error=ENOSPC "${@:2}"
}

@test "stream: a file system that reports only at close(2) that it is full is a failure" {
	local command input full='No space left on device'
	start echo 127.0.0.1 0
	for command in 'connect' 'connect --json' 'probe -n 1' 'probe --group'; do
		run -1 told_at_close copy bash -c "exec rpnc $command \
			127.0.0.1 $port <<<hello 2>err >copy"
		assert_equal "$(<err)" "rpnc ${command%% *}: stdout: $full"
	done
	run -1 told_at_close copy bash -c "exec rpnc --help 2>err >copy"
	assert_equal "$(<err)" "rpnc: stdout: $full"
	run -1 told_at_close events rpnc connect --events events \
		127.0.0.1 "$port" <<<hello
	assert_output $'hello\nrpnc connect: file of events: '"$full: some are lost"
	# the client is told as well, also if stdin goes on
	open_stdin
	mkfifo at.listen
	for input in in /dev/null; do
		# shellcheck disable=SC2094
		told_at_close copy rpnc listen --ready-fd 4 127.0.0.1 0 \
			<"$input" 4>at.listen 2>err >copy 3>&- 5>&- &
		pids+=("$!")
		read -r address <at.listen
		run -1 timeout 20 rpnc connect "$address" <<<hello
		ends_with 1 "${pids[-1]}"
		assert grep -q "rpnc listen: stdout: $full" err
	done
}

# with_stderr REDIRECTION ARG...: rpnc connect; a line goes there and back.
with_stderr() {
	run bash -c "timeout 20 rpnc connect ${*:2} 127.0.0.1 $port <<<hello $1"
	assert_output hello
}

@test "stream: what -x or -v asks for is not lost on stderr with status 0" {
	local to
	start echo 127.0.0.1 0
	for to in '2>/dev/full' '2>&-'; do
		with_stderr "$to" -x
		assert_equal "$status" 1
		with_stderr "$to" -v
		assert_equal "$status" 1
		# events that nobody asked for are no such thing
		with_stderr "$to"
		assert_equal "$status" 0
		# another failure has its own status
		run bash -c "timeout 20 rpnc connect -n -v --idle-timeout 50ms 127.0.0.1 $port $to"
		assert_equal "$status" 4
	done
	start echo -u 127.0.0.1 0
	with_stderr '2>/dev/full' -u -x
	assert_equal "$status" 1
	timeout 20 rpnc listen -x --ready-fd 4 127.0.0.1 0 4>address 2>/dev/full \
		</dev/null >out 3>&- &
	pid=$!
	pids+=("$pid")
	eventually test -s address
	rpnc connect "$(<address)" <<<hello
	ends_with 1 "$pid"
	assert_equal "$(<out)" hello
}

@test "stream: what -v says and nobody reads is lost, but not with status 0" {
	start echo 127.0.0.1 0
	mkfifo lines
	exec 5<>lines
	dd if=/dev/zero of=lines oflag=nonblock bs=4096 count=1000 2>/dev/null || true
	run bash -c "timeout 40 rpnc connect -v 127.0.0.1 $port <<<hello 2>lines"
	assert_output hello
	assert_equal "$status" 1
	run -0 bash -c "timeout 40 rpnc connect 127.0.0.1 $port <<<hello 2>lines"
	assert_output hello
	exec 5>&-
}

@test "stream: a reader of stderr that goes costs the dump, not the bytes" {
	start echo 127.0.0.1 0
	head -c 3000000 /dev/urandom >data
	run -1 bash -c "timeout 50 rpnc connect -x 127.0.0.1 $port \
		<data 2> >(head -n 1 >/dev/null) >got"
	cmp data got
}

# dumped MARK: the bytes of the lines that begin with MARK, from stdin.
dumped() {
	"$PYTHON" -c 'import sys
mark = sys.argv[1] + " "
for line in sys.stdin:
    if line.startswith(mark):
        hexed = line[len(mark) + 8:len(mark) + 59]
        sys.stdout.buffer.write(bytes.fromhex(hexed))' "$1"
}

# is_full FD: no more bytes go into the pipe.
is_full() {
	"$PYTHON" -c 'import array, fcntl, sys, termios
n = array.array("i", [0])
fcntl.ioctl(int(sys.argv[1]), termios.FIONREAD, n)
sys.exit(n[0] < 60000)' "$1"
}

@test "stream: a slow reader of -x gets the whole dump" {
	start echo 127.0.0.1 0
	head -c 3000000 /dev/urandom >data
	mkfifo dump
	timeout 50 rpnc connect -x 127.0.0.1 "$port" <data >got 2>dump 3>&- &
	pid=$!
	pids+=("$pid")
	exec 8<dump
	eventually is_full 8
	cat <&8 >lines
	ends_with 0 "$pid"
	exec 8<&-
	cmp data got
	dumped '>' <lines | cmp - data
	dumped '#1<' <lines | cmp - data
}

@test "connect: closed descriptors harm nothing they need not" {
	start echo 127.0.0.1 0
	address=127.0.0.1:$port
	# in shells of their own: run would notice too
	run -0 bash -c "timeout 20 rpnc connect $address <&-"
	refute_output
	run -0 bash -c "timeout 20 rpnc connect $address <<<hello 2>&-"
	assert_output hello
	run -0 bash -c "timeout 20 rpnc connect $address </dev/null >&-"
	refute_output
	run -1 bash -c "timeout 20 rpnc connect $address <<<hello >&-"
	assert_output "rpnc connect: stdout: Bad file descriptor"
}

@test "connect: a stdin that can't be read is a failure, told in one line" {
	server '
with open("seen", "w") as f:
    try: everything(accept()); print("end", file=f)
    except ConnectionResetError: print("reset", file=f)'
	run -1 quiet 127.0.0.1 "$port" </tmp
	assert_output ""
	complained "stdin: Is a directory"
	# after an end the server would take what it has for all of it
	finish "$pid"
	assert_equal "$(<seen)" reset
	# a disk that fails: EIO, which is the end of a terminal only
	exec 7<"/proc/$$/mem"
	server '
for i in range(2):
    with accept() as c:
        try: everything(c); os._exit(1)
        except ConnectionResetError: pass'
	for options in '' --hex; do
		# shellcheck disable=SC2086
		run -1 quiet $options 127.0.0.1 "$port" <&7
		complained "stdin: $(errno_text EIO)"
	done
	exec 7<&-
}

# --- translation ------------------------------------------------------

@test "connect: -C makes LF a CRLF, across reads, and leaves CRLF alone" {
	start echo 127.0.0.1 0
	talk -C 127.0.0.1 "$port"
	# what came back was read: the next begins another read
	for piece in 'a\nb\r' '\nc' '\n' '\n\r' 'd\r\ne\n\n'; do
		# shellcheck disable=SC2059
		printf "$piece" >&5
		case $piece in
		'a\nb\r') expected='a\r\nb\r' ;;
		'\n') expected='\r\n' ;;
		'\n\r') expected='\r\n\r' ;;
		'd\r\ne\n\n') expected='d\r\ne\r\n\r\n' ;;
		*) expected=$piece ;;
		esac
		# shellcheck disable=SC2059
		printf "$expected" >expected
		head -c "$(wc -c <expected)" <&6 >got
		cmp expected got
	done
	exec 5>&-
	run cat <&6
	refute_output
	finish "$pid"
}

@test "connect: -C keeps up with a large file of lines" {
	yes "line $(head -c 200 /dev/zero | tr '\0' x)" | head -c 3000000 >file || true
	sed 's/$/\r/' file | head -c -1 >expected
	start echo 127.0.0.1 0
	connect -C 127.0.0.1 "$port" <file >got
	cmp <(head -c "$(wc -c <expected)" got) expected
}

# --- exactness ----------------------------------------------------------

# listen_on tcp|unix INPUT ARG...: a listener; address is what connect takes.
listen_on() {
	case $1 in
	tcp) start_with "$2" listen "${@:3}" 127.0.0.1 0 && address=127.0.0.1:$port ;;
	unix) start_with "$2" listen "${@:3}" -U socket && address=unix:socket ;;
	esac
}

# both_ways FAMILY: the files up and down go both ways at once.
both_ways() {
	listen_on "$1" down
	connect "$address" <up >down.out
	finish "$pid"
	cmp down down.out
	cmp up "out.$((${#pids[@]} - 1))"
}

@test "connect: 64 MiB come back from an echo as they were" {
	random_file 67108864 file
	start echo 127.0.0.1 0
	connect 127.0.0.1 "$port" <file >out
	cmp file out
	start echo -U socket
	connect -U socket <file >out
	cmp file out
}

@test "connect: 64 MiB go each way at once between it and a listener" {
	random_file 67108864 up
	random_file 67000000 down
	for family in tcp unix; do
		both_ways "$family"
	done
}

@test "connect: files of all sizes around the edges of buffers arrive whole, both ways" {
	random_file 1100000 all
	for size in 0 1 4095 4096 4097 16383 16384 16385 65535 65536 65537 \
		131071 131073 262143 262144 262145 524287 524289 \
		1048575 1048576 1048577; do
		head -c "$size" all >up
		tail -c "$size" all >down
		for family in tcp unix; do
			both_ways "$family"
		done
	done
}

@test "connect: one way only, either way, is exact too" {
	random_file 3000000 file
	for family in tcp unix; do
		listen_on "$family" /dev/null
		connect "$address" <file >got
		finish "$pid"
		cmp file "out.$((${#pids[@]} - 1))"
		test ! -s got
		listen_on "$family" file
		connect "$address" </dev/null >got
		finish "$pid"
		cmp file got
	done
}

@test "connect: stdin may be a pipe, a socket, or a slow producer" {
	random_file 3000000 file
	start echo 127.0.0.1 0
	# odd pieces: none ends where a buffer does
	dd if=file bs=1000 status=none | connect 127.0.0.1 "$port" >out
	cmp file out
	run -0 "$PYTHON" - "$port" <<-'END'
	import socket, subprocess, sys, threading
	ours, theirs = socket.socketpair()
	p = subprocess.Popen(["rpnc", "connect", "127.0.0.1", sys.argv[1]],
	    stdin=theirs, stdout=theirs)
	theirs.close()
	data = open("file", "rb").read()
	def send():
	    ours.sendall(data)
	    ours.shutdown(socket.SHUT_WR)
	threading.Thread(target=send).start()
	got = b""
	while part := ours.recv(100000): got += part
	assert p.wait() == 0
	assert got == data, len(got)
	END
	for i in {1..500}; do printf %s "$i"; done >expected
	for i in {1..500}; do printf %s "$i"; done | connect 127.0.0.1 "$port" | cmp expected
}

@test "connect: stdin may be non-blocking, and is left as it was" {
	start echo 127.0.0.1 0
	run -0 "$PYTHON" - "$port" <<-'END'
	import fcntl, os, subprocess, sys
	r, w = os.pipe()
	for flags in 0, os.O_NONBLOCK:
	    fcntl.fcntl(r, fcntl.F_SETFL, flags)
	    fcntl.fcntl(w, fcntl.F_SETFL, flags)
	    i, o = os.pipe()
	    p = subprocess.Popen(["rpnc", "connect", "127.0.0.1", sys.argv[1]],
	        stdin=i, stdout=w)
	    os.close(i)
	    os.write(o, b"one")
	    fcntl.fcntl(r, fcntl.F_SETFL, 0)
	    assert os.read(r, 9) == b"one"
	    assert fcntl.fcntl(w, fcntl.F_GETFL) & os.O_NONBLOCK == flags
	    assert fcntl.fcntl(o, fcntl.F_GETFL) & os.O_NONBLOCK == 0
	    os.close(o)
	    assert p.wait() == 0
	END
}

@test "connect: stdout may be a pipe read in small pieces" {
	random_file 3000000 file
	start echo 127.0.0.1 0
	connect 127.0.0.1 "$port" <file | dd bs=777 iflag=fullblock status=none >out
	cmp file out
}

@test "connect: stdout may be a file that others append to, or /dev/null" {
	random_file 300000 file
	start echo 127.0.0.1 0
	echo before >out
	(
		connect 127.0.0.1 "$port" <file
		echo after
	) >>out
	cmp <(echo before && cat file && echo after) out
	connect 127.0.0.1 "$port" <file >/dev/null
	echo over >out
	connect 127.0.0.1 "$port" <file 1<>out
	cmp file out
}

@test "connect: a server that reads nothing is not sent more than buffers hold" {
	mkfifo go
	server 'c = accept(); told("go"); save(everything(c))'
	talk 127.0.0.1 "$port"
	random_file 40000000 file
	head -c 40000000 file >&5 &
	local writer=$!
	pids+=("$writer")
	# it stops reading stdin: the writer of the pipe sleeps
	eventually blocked "$writer"
	local resident
	resident=$(awk '/^VmRSS/ { print $2 }' "/proc/$pid/status")
	assert test "$resident" -lt 40000
	echo now >go
	exec 5>&-
	ends_with 0 "$writer"
	ends_with 0 "$pid"
	finish "${pids[0]}"
	cmp file got
}

# blocked PID: it sleeps in a write to a pipe, twice asked.
blocked() {
	grep -q pipe_write "/proc/$1/wchan"
}

# --- peers --------------------------------------------------------------

# against COMMAND...: a server, in the background, that reads file down and
# writes file up.out; connect talks to it as soon as it listens. PORT in
# COMMAND is its port.
against() {
	local port
	port=$(free_port)
	"${@//PORT/$port}" <down >up.out 2>peer.err 3>&- &
	pids+=("$!")
	connect --wait 10 127.0.0.1 "$port" <up >down.out 2>err
	finish "${pids[-1]}"
	cmp up up.out
	cmp down down.out
	test ! -s err
}

@test "connect: nc.openbsd, ncat, and socat as servers, each way at once" {
	random_file 500000 up
	random_file 400000 down
	against nc.openbsd -l -N 127.0.0.1 PORT
	against ncat -l 127.0.0.1 PORT
	against socat -t 20 - TCP-LISTEN:PORT,bind=127.0.0.1
}

@test "connect: nc.traditional as a server, each way in turn" {
	local port
	port=$(free_port)
	mkfifo from to
	nc.traditional -l -s 127.0.0.1 -p "$port" <to >from 3>&- &
	pids+=("$!")
	exec 7>to 8<from
	talk --wait 10 127.0.0.1 "$port"
	random_file 300000 file
	cat file >&5 &
	pids+=("$!")
	head -c 300000 <&8 | cmp file
	cat file >&7 &
	pids+=("$!")
	head -c 300000 <&6 | cmp file
	exec 5>&- 7>&-
	ends_with 0 "$pid"
	assert_equal "$(<err)" ''
}

@test "connect: Unix servers of nc.openbsd, ncat and socat" {
	echo up >up
	echo down >down
	for server in "nc.openbsd -l -N -U s1" "ncat -l -U s2" \
		"socat -t 20 - UNIX-LISTEN:s3" "socat -t 20 - ABSTRACT-LISTEN:rpnc-s4-$$"; do
		# shellcheck disable=SC2086
		$server <down >up.out 2>peer.err 3>&- &
		pids+=("$!")
		local path=${server##* }
		path=${path/#ABSTRACT-LISTEN:/@}
		connect --wait 10 -U "${path#UNIX-LISTEN:}" <up >down.out
		finish "${pids[-1]}"
		cmp up up.out
		cmp down down.out
	done
}

@test "connect: UDP servers of nc.openbsd, ncat and socat" {
	for server in "nc.openbsd -u -l 127.0.0.1 PORT" "ncat -u -l 127.0.0.1 PORT" \
		"socat - UDP-LISTEN:PORT,bind=127.0.0.1"; do
		rm -f from to in out
		mkfifo from to
		local port
		port=$(free_port)
		# shellcheck disable=SC2086
		${server/PORT/$port} <to >from 2>/dev/null 3>&- &
		local peer=$!
		pids+=("$peer")
		exec 7>to 8<from
		# no way to wait for a UDP server but its socket
		eventually bound "$port"
		talk -u --linger 0.2 127.0.0.1 "$port"
		echo up >&5
		read -r line <&8
		assert_equal "$line" up
		echo down >&7
		read -r line <&6
		assert_equal "$line" down
		exec 5>&-
		ends_with 0 "$pid"
		kill "$peer"
		exec 7>&- 8<&-
		finish "$peer" || true
	done
}

# bound PORT: whether a UDP socket has it.
bound() {
	ss -Huln "sport = :$1" | grep -q .
}

@test "stream: a reader of stdout that goes is said to be gone by a parent of workers, too" {
	local model
	for model in '-w 4' '-w 4 --accept handoff' '-w 4 --accept shared'; do
		# shellcheck disable=SC2086 # words are words
		timeout 20 rpnc echo $model --json 127.0.0.1 0 2>err | head -n 1 >first
		assert_equal "${PIPESTATUS[0]}" 1
		# once, not by each process
		assert_equal "$(<err)" 'rpnc echo: stdout: Broken pipe'
	done
}

@test "stream: a parent of forked processes ends when the reader of its stdout goes" {
	local line
	mkfifo out.0
	exec 8<>out.0
	start_with /dev/null echo --accept fork 127.0.0.1 0 8<&-
	# the forked process has the parent's descriptors until it closes them
	run -0 timeout 20 rpnc connect 127.0.0.1 "$port" <<<hello
	exec 8<&-
	ends_with 1 "$pid"
	assert_equal "$(grep '^rpnc' err.0)" 'rpnc echo: stdout: Broken pipe'
}

# The event that a worker was killed can't be written: the restart is due then.
@test "stream: nobody reads stdout when a worker is killed: echo ends, in order" {
	mkfifo out
	rpnc echo -w 2 --json 127.0.0.1 0 >out 2>err 3>&- &
	pid=$!
	pids+=("$pid")
	exec 5<out
	read -r <&5
	eventually has_children
	exec 5<&-
	kill -KILL "$(pgrep -o -P "$pid")"
	ends_with 1 "$pid"
	assert_equal "$(<err)" 'rpnc echo: stdout: Broken pipe'
}

has_children() {
	test "$(pgrep -c -P "$pid")" -eq 2
}

@test "stream: a full disk as stdout of workers, or of forked processes, is one line" {
	local model
	for model in '-w 3' '-w 3 --accept handoff' '-w 3 --accept blocking' \
		'-w 3 --accept shared' '--accept fork'; do
		# there is room for the first event, which is the parent's
		truncate -s $((64 * 1024 * 1024 - 400)) full
		mkfifo ready
		# shellcheck disable=SC2086 # words are words
		(
			trap '' XFSZ
			ulimit -f $((64 * 1024))
			exec timeout 30 rpnc echo $model --json --ready-fd 4 127.0.0.1 0 \
				4>ready 3>&- >>full 2>err
		) &
		pid=$!
		pids+=("$pid")
		read -r address <ready
		rpnc probe -q -n 20 -d 5 "$address" || true
		ends_with 1 "$pid"
		assert_equal "$(<err)" 'rpnc echo: stdout: File too large'
		rm full ready
	done
}
