# Who may come: --allow, --deny, --allow-user, --max-per-source.
# shellcheck shell=bash disable=SC2154,SC2034,SC2030,SC2031,SC2016,SC2086

bats_require_minimum_version 1.5.0
load listen
load terminal

# of_event KIND FIELD...: these fields of all such events in out.0, in order.
of_event() {
	local kind=$1 fields
	fields=$(printf '\(.%s) ' "${@:2}")
	jq -r "select(.event == \"$kind\") | \"${fields% }\"" out.0
}

# visit SOURCE...: from each of these addresses a client says hello to $port;
# prints "served" or "reset" for each.
visit() {
	py "$port" "$@" <<-'END'
		port, sources = int(args[0]), args[1:]
		for a in sources:
		    host = "::1" if ":" in a else "127.0.0.1"
		    try:
		        s = socket.create_connection((host, port), source_address=(a, 0))
		        s.sendall(b"hello")
		        s.shutdown(SHUT_WR)
		        print("served" if whole(s) == b"hello" else "ended")
		    except TimeoutError:
		        raise
		    except OSError:             # ENOTCONN, if it came before the end
		        print("reset")
	END
}

# told SOURCE...: the same, in one line.
told() {
	visit "$@" | xargs
}

# reasons: how many connections closed, and why.
reasons() {
	of_event closed reason | sort | uniq -c | xargs
}

refuses() {
	local text=$1
	shift
	run -2 --separate-stderr rpnc "$@"
	case $stderr in *"$text"*) ;; *) fail "$stderr" ;; esac
	test "${#stderr_lines[@]}" = 1
}

@test "access: the longest network decides, for IPv4 and IPv6, in every accept model" {
	local model address v6
	needs_ipv6
	for model in shared exclusive reuseport blocking handoff fork; do
		address=0 v6=1
		test "$model" != blocking || address='127.0.0.1 0' v6=0
		start echo --json -w 2 --accept "$model" --deny 127.0.0.0/8 \
			--allow 127.0.1.0/24,::1 --deny 127.0.1.9 --allow 127.0.1.8/31 $address
		assert_equal "$(told 127.0.1.1 127.0.0.1 127.0.1.9 127.0.1.8)" 'served reset reset served'
		test "$v6" = 0 || assert_equal "$(told ::1)" served
		end INT
		assert_equal "$status" 130
		assert_equal "$(reasons)" "2 denied $((2 + v6)) end"
		# each has both its events, and is counted
		assert_equal "$(of_event connected conn name | sort | xargs)" "$(of_event closed conn name | sort | xargs)"
		assert_equal "$(of_event report accepted denied)" "$((4 + v6)) 2"
		pids=()
	done
}

@test "access: with --deny alone the others are served, with --allow nobody else is" {
	start echo --deny 127.0.0.2 127.0.0.1 0
	assert_equal "$(told 127.0.0.1 127.0.0.2)" 'served reset'
	start echo --allow 127.0.0.2 127.0.0.1 0
	assert_equal "$(told 127.0.0.1 127.0.0.2)" 'reset served'
	start echo --allow any --deny 127.0.0.2 127.0.0.1 0
	assert_equal "$(told 127.0.0.1 127.0.0.2)" 'served reset'
}

@test "access: an IPv4 client of a dual-stack socket counts as IPv4" {
	needs_ipv6
	mkfifo where
	behind <<-'END'
		import signal
		s = socket.socket(socket.AF_INET6)
		s.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0)
		s.bind(("::", 0))
		s.listen()
		with open("where", "w") as f:
		    f.write("%d %d\n" % (s.getsockname()[1], os.getpid()))
		signal.pause()
	END
	local networks old
	read -r port old <where
	for networks in 127.0.0.0/8 ::ffff:127.0.0.0/104; do
		start echo --allow "$networks" --adopt "$old" "$port"
		assert_equal "$(told 127.0.0.1 ::1)" 'served reset'
		end INT
	done
}

@test "access: a denied client is not the one that listen waits for" {
	local args
	for args in '' '-r --once'; do
		start listen $args --allow 127.0.0.1 127.0.0.1 0
		assert_equal "$(told 127.0.0.2 127.0.0.2)" 'reset reset'
		rpnc connect "$port" <<<hello
		finish "$pid"
		assert_equal "$(<out.0)" hello
		assert_equal "$(grep -c 'rpnc: 127.0.0.2:[0-9]* is denied' err.0)" 1
		grep -q 'rpnc: 2 connections were denied' err.0
		pids=()
	done
	# nor does it end the wait
	start listen --allow 127.0.0.1 --accept-timeout 1 127.0.0.1 0
	told 127.0.0.2 >/dev/null
	ends_with 4 'no client came' || grep -q 'no client came' err.0
}

@test "access: datagrams of denied senders are dropped and counted" {
	local server
	for server in 'echo' 'echo -w 2 --accept shared' 'listen -k'; do
		start $server -u --json --deny 127.0.0.2 127.0.0.1 0
		py "$port" <<-'END'
			def send(a):
			    s = socket.socket(socket.AF_INET, SOCK_DGRAM)
			    s.bind((a, 0))
			    s.connect(("127.0.0.1", int(args[0])))
			    s.send(b"from " + a.encode())
			    return s
			bad = [send("127.0.0.2") for i in range(3)]
			good = send("127.0.0.1")
			if not open("err.0").read() and 0:
			    pass
			good.settimeout(5)
			try:
			    print(good.recv(99))
			except TimeoutError:
			    pass
			assert all(quiet(s, 0) for s in bad)
		END
		end INT
		if test "$server" = 'listen -k'; then
			assert_equal "$(of_event data text)" 'from 127.0.0.1'
			jq -r 'select(.event == "error").text' out.0 | grep -qx '3 datagrams were denied'
		else
			assert_equal "$(of_event report accepted denied in)" '4 3 14'
		fi
		pids=()
	done
}

@test "access: --allow-user judges a Unix client by what the kernel says" {
	local own
	own=$(id -un)
	start echo --json --allow-user "daemon,$own" -U s
	rpnc connect -U s <<<hello >back
	test "$(<back)" = hello
	if test "$(id -u)" -eq 0; then
		chmod 711 "$BATS_RUN_TMPDIR" . 
		chmod 777 s
		cat >denied.py <<-'END'
			import os, socket
			os.setuid(65534)
			s = socket.socket(socket.AF_UNIX)
			s.connect("s")
			print(s.recv(9))
		END
		test "$(python3 denied.py)" = "b''"
		assert_equal "$(of_event closed reason | xargs)" 'end denied'
	fi
	end INT
	start echo --json --allow-user daemon -U t
	run rpnc connect -U t <<<hello
	refute_output hello
	grep -q "a client of user $(id -u) is denied" out.1
}

@test "access: --max-per-source counts open connections of each address, or user" {
	local server
	for server in 'echo' 'echo --accept fork' 'listen -k' 'listen -k -u' 'echo -U' 'echo --tls'; do
		test "$server" = 'echo -U' && set -- s || set -- 127.0.0.1 0
		start $server --max-per-source 2 "$@"
		py "$server" "$port" <<-'END'
			unix, datagram = "-U" in args[0], "-u" in args[0]
			def come(a="127.0.0.1"):
			    if unix:
			        s = socket.socket(socket.AF_UNIX)
			        s.connect("s")
			        return s
			    s = socket.socket(type=SOCK_DGRAM if datagram else socket.SOCK_STREAM)
			    s.bind((a, 0))
			    s.connect(("127.0.0.1", int(args[1])))
			    if datagram:
			        s.send(b"x")
			    return s
			def denied(s):
			    try:
			        return not s.recv(1)
			    except ConnectionError:
			        return True
			some = [come(), come()]
			if datagram:
			    for s in some + [come(), come("127.0.0.2")]:
			        pass
			    sys.exit()
			try:
			    assert denied(come())
			    assert denied(come())
			except ConnectionError:
			    pass
			if not unix:
			    other = come("127.0.0.2")
			    assert quiet(other)
			some.pop().close()
			while True:                 # until the server has seen that
			    try:
			        s = come()
			        if quiet(s):
			            break
			    except ConnectionError:
			        pass
			assert quiet(some[0], 0)
		END
		if test "$server" = 'listen -k -u'; then
			eventually eval 'test "$(wc -c <out.0)" = 3'
		fi
		end INT
		pids=()
	done
	refuses 'keeps no clients' echo -u --max-per-source 2 9000
	start echo --max-per-source 1 127.0.0.1 0
	py "$port" <<-'END'
		first = dial(args[0])
		first.send(b"x")
		assert first.recv(1) == b"x"
		try:
		    dial(args[0]).recv(1)
		except ConnectionError:
		    pass
	END
	eventually grep -q 'is denied: its address has 1 connection$' err.0
}

@test "access: it is the peer that is judged, not a PROXY header, and before TLS" {
	start echo --accept-proxy --deny 203.0.113.0/24 --allow 127.0.0.1,203.0.114.0/24 127.0.0.1 0
	assert_equal "$({ printf 'PROXY TCP4 203.0.113.7 192.0.2.1 4711 443\r\n'; echo hello; } |
		rpnc connect "$port")" hello
	run rpnc connect -s 127.0.0.2 "$port" <<<$'PROXY TCP4 203.0.114.7 192.0.2.1 4711 443\r'
	assert_failure
	start echo --tls --allow 127.0.0.1 127.0.0.1 0
	run rpnc connect --tls --tls-insecure "$port" <<<hello
	assert_line hello
	run rpnc connect -s 127.0.0.2 --tls --tls-insecure "$port" <<<hello
	assert_failure
	assert_output -p 'reset'
}

@test "access: a member whose list differs from the group's says so when it joins" {
	start echo -r --name A --allow 127.0.0.0/8,10.0.0.0/8 127.0.0.1 0
	start echo -r --name B --allow 10.0.0.0/8 --allow 127.0.0.0/8,127.0.0.1 127.0.0.1 "$port"
	run ! grep admit err.1
	start echo -r -w 2 --name C 127.0.0.1 "$port"
	grep -qx "rpnc: A (pid ${pids[0]}) and others admit other clients than C: the member that a client meets decides" err.2
	assert_equal "$(grep -c admit err.2)" 1
	run ! grep admit err.0 err.1
	# of another group of the port nothing is said
	start echo -r --name D --deny any 127.0.0.2 "$port"
	run ! grep admit err.3
	# nor with -q
	start echo -r -q --name E 127.0.0.1 "${addrs[0]##*:}"
	test ! -s err.4
}

@test "access: a flood of denied clients costs nobody else, and does not flood stderr" {
	local server
	for server in 'echo -v' 'echo -v -w 2' 'echo --accept fork -m 2' 'listen -k -v'; do
		start $server --deny 127.0.0.2 127.0.0.1 0
		behind "$port" <<-'END'
			for i in range(3000):
			    s = socket.socket()
			    s.setblocking(False)
			    s.bind(("127.0.0.2", 0))
			    s.connect_ex(("127.0.0.1", int(args[0])))
			    s.close()
		END
		py "$port" <<-'END'
			for i in range(100):
			    s = dial(args[0])
			    s.sendall(b"hello\n")
			    s.shutdown(SHUT_WR)
			    assert whole(s) in (b"hello\n", b"")
		END
		finish "$client"
		end INT
		if test "$server" = 'listen -k -v'; then
			assert_equal "$(grep -c hello out.0)" 100
		else
			grep -qE '^3100 connections .*; 3000 were denied' out.0
		fi
		# 2 lines for each that was served, and 10 a second, of each process
		test "$(grep -c denied err.0)" -lt 1000
		pids=()
	done
}

@test "access: bad lists are refused, and the place is told" {
	refuses '--allow localhost: want addresses' echo --allow localhost 9000
	refuses '--deny 10.0.0.0/33 (item 2): want' listen --deny 10.0.0.0/8,10.0.0.0/33 9000
	refuses '--allow (item 3): want' echo --allow ::1,::2, 9000
	refuses '10.0.0.0/8 is both allowed and denied' echo --allow 10.0.0.1/8 --deny ::1,10.0.0.0/8 9000
	refuses '--allow-user no.such (item 2): no such user' listen --allow-user "$(id -un),no.such" -U s
	refuses '--allow is for IP addresses' listen --allow ::1 unix:s
	refuses '--allow-user is for Unix sockets' listen --allow-user "$(id -un)" 9000
	refuses '--allow-user: a datagram' listen -u --allow-user "$(id -un)" -U s
	refuses '--max-per-source' listen --max-per-source 0 9000
	refuses '--max-per-source: the kernel does not vouch' listen -u --max-per-source 1 -U s
	refuses 'listen and echo admit clients' connect --allow ::1 9000
	refuses '--allow $(paste -sd, FILE)' listen --allowfile f 9000
}

@test "access: at a prompt, /stats has the denied, and /who does not" {
	shell A
	keys A "rpnc listen -r --allow 127.0.0.1 127.0.0.1 0" Enter
	sees A 'listening on 127.0.0.1:'
	text_of A
	port=${text##*listening on 127.0.0.1:}
	port=${port%% *}
	told 127.0.0.2 127.0.0.2 >/dev/null
	sees A '#2 closed after' '(denied)'
	keys A /stats Enter
	sees A '2 accepted here, 2 denied'
	keys A /who Enter
	sees A 'nobody is connected'
}
