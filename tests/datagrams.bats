# Datagrams that are large, refused by the kernel, or would come back for ever.
# It needs this machine's network: packets to other hosts are refused by its routes.
# shellcheck shell=bash disable=SC2016,SC2154

load listen

# in_netns CODE ARG...: bash in a network of its own, privileged there, with
# port 9000 free; at 10.9.0.2 nobody answers.
in_netns() {
	unshare -Urn true || skip "no network namespaces here"
	timeout "$BATS_TEST_TIMEOUT" unshare -Urn bash -eu -c "ip link set lo up
		sent() { awk '/^Udp: [0-9]/ { print \$5 }' /proc/net/snmp; }
		ip route add 10.9.0.0/24 dev lo
		$1" in_netns "${@:2}" 3>&-
}

# strace and the leak check exclude each other.
export ASAN_OPTIONS=${ASAN_OPTIONS:-}:detect_leaks=0

# span CALL: the seconds between the first and the last of them in trace.
span() {
	awk -v call="$1(" 'index($0, call) { if (!first) first = $1; last = $1 }
		END { print last - first }' trace
}

@test "Unix datagrams: of any size they arrive whole, and come back whole" {
	mkfifo out.0
	exec 7<>out.0
	start listen -u -k -U ./listen 7>&-
	start echo -u -U ./echo
	py <<-'END'
		out = open("out.0", "rb", buffering=0)
		s = socket.socket(socket.AF_UNIX, SOCK_DGRAM)
		s.bind("client")
		s.setsockopt(SOL_SOCKET, socket.SO_SNDBUF, 1 << 24)
		most = min(s.getsockopt(SOL_SOCKET, socket.SO_SNDBUF) - 1000, 4000000)
		for size in 65535, 65536, 65537, 100000, 200000, most, 5:
		    data = os.urandom(size)
		    s.sendto(data, "listen")
		    assert exact(out, size) == data, size
		    s.sendto(data, "echo")
		    assert s.recv(1 << 24) == data, size
	END
	run -0 cat err.1
	refute_output --partial 'not'
}

@test "Unix datagrams: descriptors that come with one are closed" {
	start listen -u -k -U ./listen
	start echo -u -U ./echo
	py "${pids[@]}" <<-'END'
		for server, pid in ("listen", args[0]), ("echo", args[1]):
		    before = len(links(int(pid)))
		    s = socket.socket(socket.AF_UNIX, SOCK_DGRAM)
		    s.bind("client of " + server)
		    s.connect(server)
		    for _ in range(20):
		        socket.send_fds(s, [b"x"], [s.fileno()] * 4)
		    if server == "echo":
		        assert exact(s, 20) == b"x" * 20
		    else:
		        until(lambda: os.path.getsize("out.0") == 20)
		    assert len(links(int(pid))) <= before
	END
}

@test "Unix datagrams: a sender whose name has all 108 bytes gets its answer" {
	start echo -u -U ./sock
	start echo -U ./stream
	cat >code <<-'END'
		import ctypes
		libc = ctypes.CDLL(None)
		for server, kind in ("sock", SOCK_DGRAM), ("stream", socket.SOCK_STREAM):
		    s = socket.socket(socket.AF_UNIX, kind)
		    # Python's bind() wants room for a 0 behind the path
		    name = struct.pack("H", socket.AF_UNIX) + kind.name.encode().ljust(108, b"\1")
		    assert libc.bind(s.fileno(), name, len(name)) == 0
		    s.connect(server)
		    echoed(s)
	END
	py <code
	run -0 cat err.0 err.1
	refute_output --partial 'not'
}

@test "echo -u: an opened socket with time stamps and IPv6 answers each datagram" {
	needs_ipv6
	cat >opener <<-'END'
		import os, socket, sys
		s = socket.socket(socket.AF_INET6, socket.SOCK_DGRAM)
		s.setsockopt(socket.SOL_SOCKET, 35, 1) # SO_TIMESTAMPNS
		s.bind(("::", 0))
		s.set_inheritable(True)
		os.execv(sys.argv[1], ["rpnc", *sys.argv[2:], "--listen-fd", str(s.fileno())])
	END
	# shellcheck disable=SC2317 # start calls it
	rpnc() {
		exec python3 opener "$RPNC" "$@"
	}
	start echo -u
	halt "$pid" # all are received by one call
	py "$port" "$pid" <<-'END'
		s = socket.socket(socket.AF_INET6, SOCK_DGRAM)
		s.connect(("::1", int(args[0])))
		for i in range(3):
		    s.send(b"%d" % i)
		os.kill(int(args[1]), signal.SIGCONT)
		assert [s.recv(9) for i in range(3)] == [b"0", b"1", b"2"]
	END
	refute grep not err.0
}

@test "connect -u -U: a datagram of any size arrives whole" {
	mkfifo there
	behind <<-'END'
		s = socket.socket(socket.AF_UNIX, SOCK_DGRAM)
		s.bind("server")
		s.setsockopt(SOL_SOCKET, socket.SO_SNDBUF, 1 << 24)
		most = min(s.getsockopt(SOL_SOCKET, socket.SO_SNDBUF) - 1000, 4000000)
		data = os.urandom(most)
		open("sent", "wb").write(data)
		open("there", "w").close()
		s.sendto(data, s.recvfrom(99)[1])
	END
	: <there
	printf x | timeout 20 rpnc connect -u -U ./server >got
	cmp sent got
}

# no_more_memory PID: it gets none from now on.
no_more_memory() {
	prlimit --pid "$1" --as="$(awk '/^VmSize/ { print $2 * 1024 }' "/proc/$1/status")"
}

@test "connect -u -U, listen -u -U: a datagram that there is no memory for is told, and status 1" {
	test -z "${SAN:-}" || skip "sanitizers end a process that has no memory"
	start listen -u -U ./listen
	no_more_memory "$pid"
	py <<-'END'
		s = socket.socket(socket.AF_UNIX, SOCK_DGRAM)
		s.setsockopt(SOL_SOCKET, socket.SO_SNDBUF, 1 << 24)
		s.bind("client")
		s.sendto(bytes(400000), "listen")
	END
	ends_with 1 "$(errno_text EMSGSIZE)"
	assert_equal "$(wc -c <out.0)" 0
	mkfifo in there go
	exec 5<>in 6<>there 7<>go
	behind <<-'END'
		s = socket.socket(socket.AF_UNIX, SOCK_DGRAM)
		s.bind("server")
		s.setsockopt(SOL_SOCKET, socket.SO_SNDBUF, 1 << 24)
		there, go = open("there", "w", buffering=1), open("go")
		there.write("it is\n")
		peer = s.recvfrom(99)[1]
		there.write("it is\n")
		go.readline()
		s.sendto(bytes(400000), peer)
	END
	read -r -t 60 <&6
	as_by_a_person connect -u -U ./server <in >got 2>err.3 3>&- 5>&- 6>&- 7>&- &
	pid=$!
	pids+=("" "$pid")
	printf x >&5
	read -r -t 60 <&6
	no_more_memory "$pid"
	echo >&7
	ends_with 1 "$(errno_text EMSGSIZE)"
	assert_equal "$(wc -c <got)" 0
}

@test "connect -u: a datagram that the kernel refuses to send is told, and status 1" {
	run -0 in_netns '
		try() {
			mkfifo in
			rpnc connect -u --linger 0.1 10.9.0.2 9000 <in 2>err &
			pid=$!
			exec 5>in
			printf a >&5
			until test "$(sent)" -gt "$before"; do
				read -r -t 0.02 <> <(:) || true
			done
			$1
			printf b >&5
			$2
			exec 5>&-
			status=0
			wait $pid || status=$?
			echo "status $status, $(wc -l <err) line: $(cat err)"
			rm in
		}
		before=$(sent)
		try "ip route add unreachable 10.9.0.2" ""
		ip route del unreachable 10.9.0.2
		before=$(sent)
		try "ip route add prohibit 10.9.0.2" ""
		ip route del prohibit 10.9.0.2
		before=$(sent)
		try "ip link set lo down" ""'
	assert_line --index 0 "status 1, 1 line: rpnc connect: 10.9.0.2:9000: a datagram of 1 B was not sent: $(errno_text EHOSTUNREACH)"
	assert_line --index 1 'status 1, 1 line: rpnc connect: 10.9.0.2:9000: a datagram of 1 B was not sent: Permission denied'
	assert_line --index 2 "status 1, 1 line: rpnc connect: 10.9.0.2:9000: a datagram of 1 B was not sent: $(errno_text ENETUNREACH)"
}

@test "connect -u: datagrams that are refused one after another are told together" {
	run -0 in_netns '
		mkfifo in
		rpnc connect -u --linger 0.1 10.9.0.2 9000 <in 2>err &
		pid=$!
		exec 5>in
		printf a >&5
		until test "$(sent)" -gt 0; do
			read -r -t 0.02 <> <(:) || true
		done
		ip route add unreachable 10.9.0.2
		head -c 200000 /dev/zero >&5
		exec 5>&-
		status=0
		wait $pid || status=$?
		cat err
		echo "status $status"'
	assert_line --index 0 --regexp "^rpnc connect: 10.9.0.2:9000: a datagram of [0-9]+ B was not sent: $(errno_text EHOSTUNREACH)\$"
	assert_line --index 1 --regexp "^rpnc connect: [1-9][0-9]+ more datagrams were not sent, the last to 10.9.0.2:9000: $(errno_text EHOSTUNREACH)\$"
	assert_line --index 2 'status 1'
}

@test "connect -u, listen -u: what is too large for a link on the way arrives, and what comes after it" {
	run -0 --separate-stderr in_netns '
		trap "kill \$(jobs -p) || true" EXIT
		mkfifo up lives in ask to
		exec 5<>in 6<>to 7<>ask 9<>up
		for name in router far; do
			unshare -n bash -c "ip link set lo up
				echo \$\$ >up; read -r <>lives" &
			read -r "$name" <&9
		done
		within() { nsenter -t "$1" -n "${@:2}"; }
		veth() { ip link add "$1" type veth peer name "$2" netns "$3" 2>/dev/null; }
		veth h0 r0 "$router" || { echo none; exit; }
		within "$router" ip link add r1 type veth peer name f0 netns "$far"
		ip addr add 192.0.2.1/24 dev h0
		ip link set h0 up
		ip route add 192.0.3.0/24 via 192.0.2.2
		within "$router" ip addr add 192.0.2.2/24 dev r0
		within "$router" ip addr add 192.0.3.2/24 dev r1
		within "$router" ip link set r0 up
		within "$router" ip link set r1 mtu 1000 up
		within "$router" bash -c "echo 1 >/proc/sys/net/ipv4/ip_forward"
		within "$far" ip addr add 192.0.3.1/24 dev f0
		within "$far" ip link set f0 up
		within "$far" ip route add default via 192.0.3.2

		# eventually SIZE FILE
		eventually() {
			until test "$(stat -c %s "$2")" -ge "$1"; do
				read -r -t 0.02 <> <(:) || true
			done
		}
		: >heard >back
		nsenter -t "$far" -n rpnc listen -u -q 0.0.0.0 9000 --ready-fd 4 <to >heard 4>up &
		listener=$!
		read -r <&9
		rpnc connect -u -q 192.0.3.1 9000 <in >back &
		for n in 1 2 3; do
			head -c 1400 /dev/zero >&5
			eventually $((n * 1400)) heard
		done
		kill $! || true
		wait $! || true
		kill "$listener"
		wait "$listener" || true
		: >heard >back
		rpnc listen -u -q 192.0.2.1 9000 --ready-fd 4 <to >heard 4>up &
		read -r <&9
		nsenter -t "$far" -n rpnc connect -u -q 192.0.2.1 9000 <ask >back &
		printf x >&7
		eventually 1 heard
		for n in 1 2 3; do
			head -c 1400 /dev/zero >&6
			eventually $((n * 1400)) back
		done
		stat -c %s back'
	test "$output" != none || skip "no veth here"
	assert_output 4200
}

@test "connect -u: a bad destination is status 1" {
	run -1 timeout 20 rpnc connect -u 255.255.255.255 9 </dev/null
	assert_output 'rpnc connect: connect to 255.255.255.255:9: Permission denied: this is a broadcast address: --sockopt broadcast allows it'
}

# refusal ERRNO: how it is told.
refusal() {
	case $1 in
	EPERM) echo 'Operation not permitted' ;;
	EMSGSIZE) errno_text EMSGSIZE ;;
	esac
}

@test "listen -u: a reply that is refused is told, and status 1" {
	local errno
	mkfifo in
	exec 8<>in
	for errno in EPERM EMSGSIZE; do
		stop
		start_with in listen -u 127.0.0.1 0 8>&-
		inject "$pid" "sendmsg:error=$errno:when=1"
		py "$port" <<-'END'
			s = udp(args[0])
			s.send(b"x")
			stdin = open("in", "wb", buffering=0)
			stdin.write(b"refused")
			while b"not sent" not in open("err.0", "rb").read():
			    select.select([], [], [], 0.02)
			stdin.write(b"sent")
			assert s.recv(99) == b"sent"
		END
		kill "$pid"
		ends_with 1 "a datagram of 7 B was not sent: $(refusal "$errno")"
	done
}

@test "connect -u: a datagram that is too large for the kernel is told, and status 1" {
	local connect
	start listen -u -k 127.0.0.1 0
	mkfifo in
	exec 5<>in
	as_by_a_person connect -u --linger 0.1 "127.0.0.1:$port" <in >back 2>err.1 3>&- 5>&- &
	connect=$!
	pids+=("$connect")
	inject "$connect" sendto:error=EMSGSIZE:when=1
	printf refused >&5
	eventually grep -q 'not sent' err.1
	printf sent >&5
	eventually grep -q sent out.0
	exec 5>&-
	pid=$connect
	ends_with 1 "a datagram of 7 B was not sent: $(refusal EMSGSIZE)"
	assert_equal "$(<out.0)" sent
}

@test "listen -u -k, echo -u: replies that are refused are told once, and the service goes on" {
	local case command errno
	for case in 'EPERM echo -u' 'EMSGSIZE echo -u --json' 'EMSGSIZE listen -u -k'; do
		read -r errno command <<<"$case"
		rm -f err.0 out.0 ready.0
		mkfifo in.0
		exec 8<>in.0
		# shellcheck disable=SC2086
		start_with in.0 $command 127.0.0.1 0 8>&-
		inject "$pid" {sendmsg,sendmmsg}:error="$errno":when=1..10
		py "$port" "$command" <<-'END'
			s = udp(args[0])
			stdin = open("in.0", "wb", buffering=0)
			def calls():
			    return open("trace").read().count("INJECTED")
			for i in range(30):
			    before = calls()
			    s.send(b"%d" % i)
			    if args[1].startswith("listen"):
			        while str(i) not in open("out.0").read()[-2:]:
			            select.select([], [], [], 0.02)
			        stdin.write(b"%d" % i)
			    while calls() == before and quiet(s, 0.02):
			        pass
			    if not quiet(s, 0):
			        break
			else:
			    sys.exit("no reply")
			assert s.recv(99) == b"%d" % i and i > 3, i
		END
		stop
		exec 8>&-
		rm in.0
		run -0 grep -ho '[^"]*datagrams\? [^"]*not sent[^"]*' err.0 out.0
		assert_line --index 0 --regexp ': a datagram of 1 B was not sent: '"$(refusal "$errno")"'$'
		assert_line --index 1 --regexp '[0-9] more datagrams were not sent, the last to 127.0.0.1:[0-9]*: '"$(refusal "$errno")"'$'
		assert_equal "${#lines[@]}" 2
	done
}

@test "connect: without buffers in the kernel it tries again, ever more seldom" {
	local kind call
	for kind in SOCK_STREAM SOCK_DGRAM; do
		rm -f where in trace
		mkfifo where in
		behind "$kind" <<-'END'
			s = socket.socket(socket.AF_INET, getattr(socket, args[0]))
			s.bind(("127.0.0.1", 0))
			if args[0] == "SOCK_STREAM":
			    s.listen()
			open("where", "w").write(str(s.getsockname()[1]))
			if args[0] == "SOCK_STREAM":
			    s = s.accept()[0]
			assert s.recv(99) == b"x"
		END
		port=$(<where)
		call=splice
		test "$kind" = SOCK_STREAM || call=sendto
		set -- 127.0.0.1 "$port"
		test "$kind" = SOCK_STREAM || set -- -u --linger 0.1 "$@"
		as_by_a_person connect "$@" <in >/dev/null 2>err.0 3>&- &
		pid=$!
		pids+=("$pid")
		exec 5>in
		inject "$pid" "$call:error=ENOBUFS:when=1..10"
		printf x >&5
		finish "$client"
		exec 5>&-
		stop
		test "$(grep -c INJECTED trace)" -eq 10
		assert awk -v s="$(span "$call")" 'BEGIN { exit !(s > 0.3) }'
	done
}

@test "listen -u -k: input that found no room while stdout was full goes on when it is read" {
	mkfifo in out.0
	exec 7<>out.0 8<>in
	start_with in listen -u -k 127.0.0.1 0 7>&- 8>&-
	inject "$pid" sendmsg:error=EAGAIN:when=1
	py "$port" "$pid" <<-'END'
		import glob
		def read(path):
		    return open(path).read()
		fds = "/proc/%s/fd/" % args[1]
		def watched():
		    return {int(line.split()[1]) for f in glob.glob(fds[:-1] + "info/*")
		        for line in read(f).splitlines() if line.startswith("tfd:")}
		fd, = [n for n in watched() if os.readlink(fds + str(n)).startswith("socket:")]
		def is_read():
		    return fd in watched()
		loud, still = udp(args[0]), udp(args[0])
		out = os.open("out.0", os.O_RDONLY | os.O_NONBLOCK)
		for s in loud, still:
		    s.send(b"x")
		    assert select.select([out], [], [], 20)[0] and os.read(out, 9)
		while is_read():
		    loud.send(bytes(8000))
		    quiet(loud, 0.01)
		open("in", "wb", buffering=0).write(b"answer")
		# the first that it is sent to has no room
		assert loud.recv(99) == b"answer"
		assert quiet(still, 0)
		while quiet(still, 0):
		    assert select.select([still, out], [], [], 10)[0], "it hangs"
		    try:
		        os.read(out, 1 << 16)
		    except BlockingIOError:
		        pass
		assert still.recv(99) == b"answer"
	END
}

# forged TO CASE...: to port TO, for each FAMILY:PORT a datagram that seems to come
# from that port of this host, and then one that is answered.
forged() {
	cat <<-'END'
		import socket, struct, sys
		to = int(sys.argv[1])
		def forge4(data):
		    s = socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_RAW)
		    here = socket.inet_aton("127.0.0.1")
		    s.sendto(struct.pack("!BBHHHBBH", 0x45, 0, 29, 0, 0, 9, 17, 0) +
		        here + here + data, ("127.0.0.1", 0))
		def forge6(data):
		    s = socket.socket(socket.AF_INET6, socket.SOCK_RAW, socket.IPPROTO_UDP)
		    s.setsockopt(socket.IPPROTO_IPV6, 7, 6) # IPV6_CHECKSUM
		    s.sendto(data, ("::1", 0))
		for case in sys.argv[2:]:
		    family, own = case.split(":")
		    (forge4 if family == "4" else forge6)(struct.pack("!HHHH", int(own), to, 9, 0) + b"x")
		    # what comes after it is answered after it
		    c = socket.socket(socket.AF_INET if family == "4" else socket.AF_INET6,
		        socket.SOCK_DGRAM)
		    c.settimeout(50)
		    c.connect(("127.0.0.1" if family == "4" else "::1", to))
		    c.send(b"next")
		    c.recv(999)
	END
}

@test "echo -u: never answers itself, nor another echo: forged datagrams start no circle" {
	forged >forged.py
	run -0 in_netns '
		for args in "127.0.0.1 9000" 9000 "--chargen 9000" "-w 2 9000"; do
			cases="4:9000 4:7 4:19"
			test "$args" = "127.0.0.1 9000" || cases+=" 6:9000"
			mkfifo ready
			rpnc echo -u --json $args --ready-fd 4 4>ready >out 2>err &
			cat ready >/dev/null
			/usr/bin/python3 forged.py 9000 $cases
			kill $!
			wait $! || true
			rm ready
			jq -r "select(.event == \"report\") | \"$args: \(.accepted)\"" out
			jq -r "select(.text) | .text" out | awk "
				/would come back/ { n += / datagrams / ? \$1 : 1 }
				END { print n + 0, \"not answered\" }"
		done'
	assert_output "127.0.0.1 9000: 6
3 not answered
9000: 8
4 not answered
--chargen 9000: 8
4 not answered
-w 2 9000: 8
4 not answered"
}

@test "connect -u, probe -u: never talk to themselves" {
	reserve
	run -1 timeout 20 rpnc connect -u -p "$port" 127.0.0.1 "$port" </dev/null
	assert_output "rpnc connect: connect to 127.0.0.1:$port: Connection refused"
	run -1 timeout 20 rpnc probe -u --echo -n 1 --sport "$port" 127.0.0.1 "$port"
	assert_output --partial 'refused 1'
}
