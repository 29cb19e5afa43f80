# The PROXY header: connect and probe --send-proxy, listen and echo
# --accept-proxy; with haproxy, nginx, and clients in Python.
# shellcheck shell=bash disable=SC2154,SC2034,SC2030,SC2031,SC2016,SC2086

bats_require_minimum_version 1.5.0
load listen
load probe
load proxy
load terminal

# proxied ARG... <<CODE: py, and what makes headers.
proxied() {
	{
		cat <<-'END'
			SIG = b"\r\n\r\n\0\r\nQUIT\n"
			V4 = bytes([203, 0, 113, 7, 192, 0, 2, 1]) + struct.pack("!HH", 4711, 443)
			def v1(port=4711):
			    return b"PROXY TCP4 203.0.113.7 192.0.2.1 %d 443\r\n" % port
			def v2(tlvs=b"", block=V4, family=0x11, command=1):
			    n = struct.pack("!H", len(block + tlvs))
			    return SIG + bytes([0x20 | command, family]) + n + block + tlvs
			def tlv(n, kind=0xee):
			    return struct.pack("!BH", kind, n) + b"x" * n
			def ended(s):
			    try:
			        s.shutdown(SHUT_WR)
			        return whole(s)
			    except OSError:
			        return b""       # reset, or not connected any more
			def slowly(s, data):
			    s.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
			    for i in range(len(data)):
			        s.sendall(data[i:i + 1])
			        os.sched_yield()
		END
		cat
	} >code
	py "$@" <code
}

# of_event KIND FIELD...: these fields of all such events in out.0, in order.
of_event() {
	local kind=$1 fields
	fields=$(printf '\(.%s) ' "${@:2}")
	jq -r "select(.event == \"$kind\") | \"${fields% }\"" out.0
}

# haproxy_with TEXT: starts it with these sections after its defaults.
haproxy_with() {
	find_peer haproxy usr/sbin/haproxy
	cat >haproxy.cfg <<-END
		global
		    stats socket $PWD/admin
		defaults
		    mode tcp
		    timeout client 60s
		    timeout server 60s
		    timeout connect 60s
		$1
	END
	background "$peer" -db -f haproxy.cfg >haproxy.out 2>&1
	eventually test -S admin
}

@test "proxy protocol: haproxy names its client to echo and listen, in both versions" {
	local version server to
	for server in 'echo --json' 'listen -k -v'; do
		for version in send-proxy send-proxy-v2; do
			rm -f admin
			start $server --accept-proxy 127.0.0.1:0
			to=$port
			reserve
			haproxy_with "listen l
			    bind 127.0.0.1:$port
			    server s 127.0.0.1:$to $version"
			eventually listens
			rpnc connect -s 127.0.0.9 -p 11999 "$port" <<<hello >back
			if test "$server" = 'echo --json'; then
				test "$(<back)" = hello
				test "$(of_event connected address port via)" = "127.0.0.9 11999 127.0.0.1"
				test "$(of_event closed in out reason)" = "6 6 end"
			else
				eventually grep -qx hello out.0
				grep -qE '^#1 127.0.0.9:11999 \(by 127.0.0.1:[0-9]+\) connected$' err.0
			fi
			stop
		done
	done
}

@test "proxy protocol: haproxy knows the client from what connect and probe send" {
	local version to4 to6
	needs_ipv6
	reserve
	to4=$port
	reserve
	to6=$port
	haproxy_with "frontend f
	    mode http
	    bind 127.0.0.1:$to4 accept-proxy
	    bind [::1]:$to6 accept-proxy
	    http-request return status 200 content-type text/plain lf-string %[src]:%[src_port]:%[dst]"
	eval "up() { ss -Htln 'sport = :$to6' | grep -q .; }"
	eventually up
	for version in v1 v2; do
		printf 'GET / HTTP/1.0\r\n\r\n' >ask
		rpnc connect -s 127.0.0.9 --send-proxy "$version" "$to4" <ask >back
		grep -qE '^127.0.0.9:[0-9]+:127.0.0.1$' back
		rpnc connect --send-proxy "$version" ::1 "$to6" <ask >back
		grep -qE '^::1:[0-9]+:::1$' back
		probe -n 40 --send-proxy "$version" --send 'GET / HTTP/1.0\r\n\r\n' --expect '127.0.0.1:[0-9]+:127' --json "$to4"
		test "$status" -eq 0
		holds '.ok == 40 and .by == "diag"'
	done
	rpnc connect "$to4" <ask >back || true # no header: refused
	run ! grep -q 127.0.0 back
}

@test "proxy protocol: nginx reads the client's address and port from it" {
	local version
	find_peer nginx usr/sbin/nginx
	reserve
	nginx "server {
		listen 127.0.0.1:$port proxy_protocol;
		location / { return 200 \"\$proxy_protocol_addr \$proxy_protocol_port\n\"; }
	}"
	printf 'GET / HTTP/1.0\r\n\r\n' >ask
	for version in v1 v2; do
		rpnc connect -s 127.0.0.9 --send-proxy "$version" "$port" <ask >back
		grep -qE '^127.0.0.9 [0-9]+$' back
		probe -n 40 --send-proxy "$version" --send 'GET / HTTP/1.0\r\n\r\n' --expect '127.0.0.1 [0-9]+' --json "$port"
		test "$status" -eq 0
		holds '.ok == 40'
	done
}

@test "proxy protocol: rpnc to rpnc over IPv4, IPv6 and Unix sockets" {
	local version
	needs_ipv6
	random_file 1000000 sent
	for version in v1 v2; do
		start echo --json --accept-proxy 127.0.0.1:0
		rpnc connect -s 127.0.0.9 --send-proxy "$version" "$port" <sent >back
		cmp sent back
		test "$(of_event connected address via)" = "127.0.0.9 127.0.0.9"
		test "$(of_event closed in out reason)" = "1000000 1000000 end"
		stop
		start echo --json --accept-proxy ::1 0
		rpnc connect --send-proxy "$version" ::1 "$port" <sent >back
		cmp sent back
		test "$(of_event connected address via)" = "::1 ::1"
		test "$(of_event connected port)" = "$(of_event connected via_port)"
		stop
		start echo --json --accept-proxy "unix:$PWD/sock"
		rpnc connect --send-proxy "$version" "unix:$PWD/sock" <sent >back
		cmp sent back
		test "$(of_event connected via)" = null
		test "$(of_event closed in out reason)" = "1000000 1000000 end"
		stop
	done
}

@test "proxy protocol: the header a byte at a time, or with payload in its segment" {
	local server
	for server in echo 'listen -k'; do
		start_with /dev/null $server -v --accept-proxy 127.0.0.1:0
		proxied "$port" "$server" <<-'END'
			for head in v1(), v2(), v2(tlv(300) + tlv(0, 4)), v2(tlv(65520 - 12 - 3)):
			    for payload in b"", b"x", b"PROXY UNKNOWN\r\n", SIG + b"\x20\0\0\0":
			        s = dial(args[0])
			        if len(head) < 400:
			            slowly(s, head)
			            s.sendall(payload)
			        else:
			            s.sendall(head + payload)
			        s.shutdown(SHUT_WR)
			        got = whole(s) if args[1] == "echo" else payload
			        assert got == payload, (head[:40], payload, got)
			        if args[1] != "echo": whole(s)
			        s = dial(args[0])
			        s.sendall(head + payload)
			        s.shutdown(SHUT_WR)
			        got = whole(s) if args[1] == "echo" else payload
			        assert got == payload, (head[:40], payload, got)
			        if args[1] != "echo": whole(s)
		END
		test "$(grep -c '203.0.113.7:4711 (by 127.0.0.1:.* connected' err.0)" -eq 32
		test "$(grep -c 'closed after .*: [01]\?[0-9] B in' err.0)" -eq 32
		stop
	done
	test "$(wc -c <out.0)" -eq 256 # listen's: 8 times 1 + 15 + 16
}

@test "proxy protocol: 64 MiB follow the header, both ways, with half-closes" {
	random_file $((64 << 20)) sent
	mkfifo in.0
	cat >peer.py <<-'END'
		def both(port, head):
		    import threading
		    data = open("sent", "rb").read()
		    message = head + data
		    s = dial(port)   # now: the header must not be late
		    def feed():
		        s.sendall(message)
		        s.shutdown(SHUT_WR)
		    t = threading.Thread(target=feed)
		    t.start()
		    got = bytearray()
		    while piece := s.recv(1 << 20):
		        got += piece
		    t.join()
		    assert got == data, len(got)
	END
	start echo --json --accept-proxy 127.0.0.1:0
	{
		cat peer.py
		echo 'both(args[0], v2(tlv(10)))'
	} | proxied "$port"
	test "$(of_event closed in out)" = "$((64 << 20)) $((64 << 20))"
	stop
	start_with sent listen --accept-proxy 127.0.0.1:0
	{
		cat peer.py
		echo 'both(args[0], v1())'
	} | proxied "$port"
	finish "$pid"
	cmp sent out.0
}

@test "proxy protocol: garbage, an early end and silence end that connection only" {
	start echo --json --accept-proxy 127.0.0.1:0
	proxied "$port" <<-'END'
		import time
		def closed(s):
		    try:
		        assert whole(s) == b""
		    except ConnectionResetError:
		        pass
		began = time.monotonic()
		silent, part = dial(args[0]), dial(args[0])
		part.sendall(v2()[:20])
		for bytes_ in b"GET / HTTP/1.0\r\n\r\n", v1()[:-2] + b"\n", v2(family=0x41), b"PROXY " + b"x" * 200:
		    bad = dial(args[0])
		    bad.sendall(bytes_)
		    closed(bad)
		early = dial(args[0])
		early.sendall(v1()[:10])
		early.shutdown(SHUT_WR)
		closed(early)
		good = dial(args[0])   # nobody is held up by those that say nothing
		good.sendall(v1() + b"hello")
		assert exact(good, 5) == b"hello"
		assert time.monotonic() - began < 3
		closed(silent)
		closed(part)
		assert time.monotonic() - began > 2.5
		good.sendall(b"again")
		assert exact(good, 5) == b"again"
	END
	eventually eval 'test "$(of_event closed reason | sort | uniq -c | xargs)" = "4 bad-header 1 end 3 no-header"'
	test "$(of_event connected via | grep -vc null)" -eq 1
	test "$(of_event closed conn | sort -u | wc -l)" -eq 8
	test "$(of_event connected conn | sort -u | wc -l)" -eq 8
	# once a minute
	test "$(of_event error text | sed 's/:[0-9]* /:N /')" = \
		"127.0.0.1:N sent a bad PROXY header: it begins like neither version 1 nor 2"
}

@test "proxy protocol: the client of a bad or short header learns by a reset that its bytes went nowhere" {
	local bytes
	start listen -k --accept-proxy 127.0.0.1:0
	for bytes in PROXY 'PROXY TCP4 1.2.3.4\r\n' hello 'hello\r\n'; do
		run -1 --separate-stderr timeout 20 rpnc connect 127.0.0.1 "$port" < <(printf '%b' "$bytes")
		[[ $stderr == *'Connection reset by peer'* ]]
	done
	# one that says nothing is ended in order
	run -0 timeout 20 rpnc connect 127.0.0.1 "$port" </dev/null
	assert_equal "$output" ''
}

@test "proxy protocol: of 1000 connections half are broken, and no descriptor is left" {
	local before server
	for server in 'echo --json' 'listen -k --json'; do
		start $server --accept-proxy 127.0.0.1:0
		before=$(open_descriptors "$pid")
		proxied "$port" <<-'END'
			bad = b"GET / HTTP/1.0\r\n\r\n", v1()[:20], v2()[:15], b""
			for i in range(100):
			    some = []
			    for j in range(10):
			        s = dial(args[0])
			        some.append(s)
			        s.sendall(v1(i * 10 + j) + b"x" if j % 2 else bad[(i + j // 2) % 4])
			        if j % 2 == 0 and i % 3 == 0: reset(s)
			    for s in some:
			        ended(s)
			        s.close()
		END
		eventually eval 'test "$(of_event closed conn | wc -l)" -eq 1000'
		test "$(of_event closed reason | grep -c end)" -eq 500
		eventually eval 'test "$(open_descriptors "$pid")" -le "$before"'
		stop
	done
}

@test "proxy protocol: a header in time is read late by a server that was stopped" {
	start echo --json --accept-proxy 127.0.0.1:0
	proxied "$port" "$pid" <<-'END'
		import signal
		s = dial(args[0])
		head = v2(tlv(5000))   # more than one read
		s.sendall(head[:9])
		os.kill(int(args[1]), signal.SIGSTOP)
		s.sendall(head[9:] + b"hello")
		assert quiet(s, 3.5)
		os.kill(int(args[1]), signal.SIGCONT)
		assert exact(s, 5) == b"hello"
	END
}

@test "proxy protocol: LOCAL and UNKNOWN keep the peer's own address" {
	start echo --json --accept-proxy 127.0.0.1:0
	proxied "$port" <<-'END'
		for head in b"PROXY UNKNOWN\r\n", b"PROXY UNKNOWN 1.2.3.4 x\r\n", v2(command=0), v2(b"", b"", 0, 0), v2(b"", b"", 0), v2(family=0x12):
		    s = socket.create_connection(("127.0.0.1", int(args[0])), source_address=("127.0.0.9", 0))
		    s.sendall(head + b"hi")
		    s.shutdown(SHUT_WR)
		    assert whole(s) == b"hi"
	END
	test "$(of_event connected address via | sort | uniq -c | xargs)" = "6 127.0.0.9 null"
}

@test "proxy protocol: with networks only their peers send a header, and must" {
	start echo --json --accept-proxy=127.0.0.8/31,2001:db8::/32 127.0.0.1:0
	rpnc connect -s 127.0.0.9 --send-proxy v1 "$port" <<<proxied >back
	test "$(<back)" = proxied
	rpnc connect -s 127.0.0.8 "$port" <<<'no header' >back || true
	test ! -s back
	rpnc connect -s 127.0.0.10 "$port" <<<direct >back
	test "$(<back)" = direct
	# there it is payload
	rpnc connect -s 127.0.0.10 --send-proxy v1 "$port" <<<payload >back
	grep -q '^PROXY TCP4 127.0.0.10 ' back
	test "$(of_event connected address via | xargs)" = "127.0.0.9 127.0.0.9 127.0.0.8 null 127.0.0.10 null 127.0.0.10 null"
	test "$(of_event closed reason | xargs)" = "end bad-header end end"
	stop
	start echo --json --accept-proxy=127.0.0.1 "unix:$PWD/sock"
	rpnc connect "unix:$PWD/sock" <<<direct >back
	test "$(<back)" = direct
}

@test "proxy protocol: each way to accept, with workers and with --identify" {
	local model
	for model in shared exclusive reuseport blocking handoff fork; do
		start echo -w 2 --accept "$model" --identify --json --accept-proxy 127.0.0.1:0
		proxied "$port" <<-'END'
			for i in range(12):
			    s = dial(args[0])
			    if i % 3 == 2:
			        s.sendall(b"garbage")
			        assert ended(s) == b""
			        continue
			    assert quiet(s, 0.02)    # no greeting before the header
			    s.sendall((v1() if i % 2 else v2(tlv(5))) + b"hello")
			    s.shutdown(SHUT_WR)
			    greeting, rest = whole(s).split(b"\n", 1)
			    assert greeting.startswith(b"rpnc/1 name=") and rest == b"hello", (greeting, rest)
		END
		eventually eval 'test "$(of_event closed reason | sort | uniq -c | xargs)" = "4 bad-header 8 end"'
		test "$(of_event connected address | sort | uniq -c | xargs)" = "4 127.0.0.1 8 203.0.113.7"
		# one for all the processes
		assert_equal "$model $(cat out.0 err.0 | grep -c 'bad PROXY header:')" "$model 1"
		end TERM
		test "$(jq 'select(.event == "report").accepted' out.0)" -eq 12
		stop
	done
}

@test "proxy protocol: discard and chargen begin behind the header" {
	start echo --json --discard --accept-proxy 127.0.0.1:0
	proxied "$port" <<-'END'
		s = dial(args[0])
		s.sendall(v1() + b"12345")
		s.shutdown(SHUT_WR)
		assert whole(s) == b""
	END
	test "$(of_event closed in)" = 5
	stop
	start echo --chargen --accept-proxy 127.0.0.1:0
	proxied "$port" <<-'END'
		s = dial(args[0])
		assert quiet(s)
		s.sendall(v1())
		assert exact(s, 3) == b' !"'
	END
}

@test "proxy protocol: without -k a bad header is not the one client" {
	start listen -v --accept-proxy 127.0.0.1:0
	proxied "$port" <<-'END'
		bad, late = dial(args[0]), dial(args[0])
		bad.sendall(b"GET / HTTP/1.0\r\n\r\n")
		assert ended(bad) == b""
		good = dial(args[0])
		good.sendall(v1() + b"hello")
		late.settimeout(2)     # at once, not after 3 s
		assert whole(late) == b""
		good.shutdown(SHUT_WR)
		assert whole(good) == b""
	END
	finish "$pid"
	test "$(<out.0)" = hello
	grep -q 'closed after .*(bad-header)' err.0
}

@test "proxy protocol: -r --once serves those whose header is still to come" {
	start listen -v -r --once --accept-proxy 127.0.0.1:0
	proxied "$port" <<-'END'
		bad, late = dial(args[0]), dial(args[0])
		good = dial(args[0])
		good.sendall(v1() + b"hello ")
		good.shutdown(SHUT_WR)
		assert whole(good) == b""
		late.sendall(v1() + b"late")
		late.shutdown(SHUT_WR)
		assert whole(late) == b""
		bad.sendall(b"GET / HTTP/1.0\r\n\r\n")
		assert ended(bad) == b""
	END
	finish "$pid"
	test "$(<out.0)" = "hello late"
}

@test "proxy protocol: a header that comes while its member leaves is still served" {
	start echo -r --json --accept-proxy 127.0.0.1:0
	proxied "$port" "$pid" <<-'END'
		import signal
		waits = [dial(args[0]) for _ in range(20)]
		os.kill(int(args[1]), signal.SIGTERM)
		while True:   # until it no longer listens
		    try:
		        s = dial(args[0])
		        s.close()
		    except ConnectionRefusedError:
		        break
		for s in waits:
		    s.sendall(v2() + b"late")
		    s.shutdown(SHUT_WR)
		    assert whole(s) == b"late"
	END
	eventually gone "$pid"
	test "$(of_event closed reason | grep -c end)" -eq 20
}

@test "proxy protocol: probe's header comes before the rest, and reports stay right" {
	start echo --accept-proxy 127.0.0.1:0
	local arg
	for arg in --echo '--by diag' '--send hello --expect ^hello' --echo=70000; do
		probe -n 50 --send-proxy v2 $arg --json "$port"
		test "$status" -eq 0
		holds '.ok == 50 and .by == "diag" and .unattributed == 0'
		sums
	done
	probe -n 10 --echo "$port" # without: refused
	test "$status" -eq 1 -o "$status" -eq 6
	stop
	start echo --identify --accept-proxy 127.0.0.1:0
	probe -n 20 --send-proxy v1 --by banner --json "$port"
	test "$status" -eq 0
	holds '.ok == 20 and .members[0].count == 20'
}

@test "proxy protocol: misuse is said in one line" {
	local want
	refuses() {
		want=$1
		run -2 --separate-stderr timeout 20 rpnc "${@:2}"
		assert_equal "${#stderr_lines[@]}" 1
		[[ ${stderr_lines[0]} == *"$want"* ]]
	}
	refuses 'datagrams have none' connect -u --send-proxy v1 127.0.0.1 9
	refuses 'datagrams have none' probe -u --echo --send-proxy v1 127.0.0.1 9
	refuses 'datagrams have none' listen -u --accept-proxy 127.0.0.1 0
	refuses "--proxy hides the server's" connect --proxy socks5://a --send-proxy v1 127.0.0.1 9
	refuses 'datagrams have none' echo -u --accept-proxy=10.0.0.0/8 127.0.0.1 0
	refuses 'want v1|v2' connect --send-proxy v3 127.0.0.1 9
	refuses '--accept-proxy wants a value: CIDR' echo --accept-proxy= 127.0.0.1 0
	refuses '--accept-proxy 10.0.0.0/33: want addresses or prefixes' echo --accept-proxy=10.0.0.0/33 127.0.0.1 0
	refuses 'want addresses or prefixes' listen --accept-proxy=localhost 127.0.0.1 0
	refuses 'want addresses or prefixes' listen --accept-proxy=10.0.0.0/8, 127.0.0.1 0
	refuses '--send-proxy' probe --send-proxy v1 127.0.0.1 20-25
	refuses '--send-proxy' probe --send-proxy v1 --group 9000
}

@test "proxy protocol: a prompt shows the client, and behind it the proxy" {
	pane a rpnc listen -k --accept-proxy 127.0.0.1:0
	sees a 'listening on 127.0.0.1:'
	listening a
	proxied "$port" <<-'END' &
		s = dial(args[0])
		slowly(s, v1() + b"hello there\n")
		assert exact(s, 5) == b"reply"
		t = dial(args[0])
		t.sendall(b"garbage")
		assert ended(t) == b""
	END
	pids+=("$!")
	sees a '#1 203.0.113.7:4711 (by 127.0.0.1:' 'connected'
	sees a '#1< hello there'
	enter a /who
	like a '> #1 +203.0.113.7:4711 \(by 127.0.0.1:[0-9]+\)'
	enter a reply
	like a '#2 127.0.0.1:[0-9]+ connected'
	sees a '#2 closed after' '(bad-header)'
	eventually have_ended "${pids[-1]}"
}
