#!/usr/bin/env bats
# echo --tls: many clients at once, those that do harm, and members that leave.
# shellcheck disable=SC2016,SC2030,SC2031,SC2034,SC2086,SC2094,SC2154

load listen
load tls

setup_file() {
	certificates
}

# tls_echo ARG...: echo --tls with a certificate.
tls_echo() {
	start echo --tls --tls-cert "$certs/localhost.pem" --json "$@" 127.0.0.1:0
}

# reasons: why connections were closed, counted.
reasons() {
	of_event closed reason out.0 | sort | uniq -c | xargs
}

@test "echo --tls: 64 MiB each way at once, half-closed, with socat and a scripted client" {
	head -c 64M /dev/urandom >data
	tls_echo
	timeout 60 socat -t 30 - "OPENSSL:localhost:$port,cafile=$certs/ca.crt" <data | cmp - data
	py_tls "$port" <<-'END'
		data = open("data", "rb").read()
		assert tls(args[0]).exchange(data) == data
	END
	eventually eval 'test "$(of_event closed in out reason out.0 | uniq -c | xargs)" = "2 67108864 67108864 end"'
}

@test "echo --tls: gnutls-cli verifies it, and gets 300 kB back after its end, in TLS 1.2 and 1.3" {
	local version
	head -c 225K /dev/urandom | base64 >data
	for version in 1.2 1.3; do
		only "$version" tls_echo
		timeout 30 gnutls-cli --logfile=gnutls.log --x509cafile "$certs/ca.crt" \
			-p "$port" localhost <data | cmp - data
		has_closed() { test -n "$(of_event closed in "out.$((${#pids[@]} - 1))")"; }
		eventually has_closed
		assert_equal "$(of_event closed in out reason "out.$((${#pids[@]} - 1))")" "$(stat -c '%s %s end' data)"
	done
}

@test "echo --tls: ALPN is chosen in the server's order" {
	tls_echo --tls-alpn h2,http/1.1
	py_tls "$port" <<-'END'
		for alpn in ("http/1.1", "h2"), ("x", "http/1.1"), ():
		    t = tls(args[0], alpn=alpn)
		    print(t.tls.selected_alpn_protocol())
		    t.exchange(b"")
		try:
		    tls(args[0], alpn=("x", "h"))
		    print("no alert")
		except ssl.SSLError as e: print("NO_APPLICATION_PROTOCOL" in str(e))
	END
	eventually eval 'test "$(reasons)" = "3 end 1 no-tls"'
	assert_equal "$(of_event tls alpn name pin out.0 | xargs)" 'h2 localhost null http/1.1 localhost null null localhost null'
}

@test "echo --tls: handshake and data a byte at a time, at once for 20 clients" {
	tls_echo
	py_tls "$port" <<-'END'
		def slow(version):
		    t = new(args[0], version=version)
		    t.room = 1
		    t.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
		    send = t.sock.sendall
		    def bytewise(data):
		        for i in range(len(data)): send(data[i:i + 1])
		    t.send = bytewise
		    t.handshake()
		    t.write(b"hello" * 20)
		    assert t.exact(100) == b"hello" * 20
		    t.shut()
		    assert t.whole() == b""
		for i in range(20): slow("1.2" if i % 2 else "1.3")
	END
	eventually eval 'test "$(reasons)" = "20 end"'
}

@test "echo --tls: a reset or an end at any state of the handshake ends that connection only" {
	tls_echo
	py_tls "$port" <<-'END'
		good = tls(args[0])
		count = 0
		for version in "1.2", "1.3":
		    for end in reset, socket.socket.close:
		        for n in 0, 1, 5, 50, 1000:
		            t = new(args[0], version=version)
		            t.sock.sendall(hello(t)[:n])
		            end(t.sock)
		        for n in 0, 1, 30, 1000:
		            t = new(args[0], version=version)
		            t.sock.sendall(hello(t))
		            try:
		                while True:
		                    t.fill()
		                    t.tls.do_handshake()
		                    break
		            except ssl.SSLWantReadError: pass
		            t.sock.sendall(t.out.read()[:n])
		            end(t.sock)
		good.write(b"hello")
		assert good.exact(5) == b"hello"
		good.exchange(b"")
	END
	eventually eval 'test "$(of_event closed reason out.0 | wc -l)" -eq 37'
	test "$(of_event closed reason out.0 | grep -c no-tls)" -ge 26
	# one line a minute
	assert_equal "$(of_event error text out.0 | wc -l)" 1
}

@test "echo --tls: a handshake has 10 s, however slowly bytes come, and holds nobody up" {
	tls_echo
	py_tls "$port" <<-'END'
		import time
		began = time.monotonic()
		silent, part, slow = dial(args[0]), new(args[0]), new(args[0])
		data = hello(part)
		part.sock.sendall(data[:100])
		data = hello(slow)
		while True:   # a byte each half second
		    slow.sock.sendall(data[:1])
		    data = data[1:]
		    t = tls(args[0])
		    t.write(b"hello")
		    assert t.exact(5) == b"hello"
		    t.exchange(b"")
		    if select.select([slow.sock], [], [], 0.5)[0]: break
		    assert time.monotonic() - began < 40
		for s in slow.sock, silent, part.sock:
		    ended(s)
		assert 9 < time.monotonic() - began
	END
	eventually eval 'test "$(of_event closed reason out.0 | grep -c no-tls)" -eq 3'
	of_event closed reason seconds out.0 | awk '$1 == "no-tls" && ($2 < 9 || $2 > 30) { exit 1 }'
	of_event error text out.0 | grep -q '10 s'
}

@test "echo --tls: s_client and gnutls-cli may renew keys in TLS 1.3, and renegotiate nothing in 1.2" {
	local status=0
	mkfifo lines
	tls_echo
	# R and K are its commands
	exec 5<>lines
	timeout 20 "${typing[@]}" openssl s_client -tls1_3 -CAfile "$certs/ca.crt" \
		-connect "127.0.0.1:$port" >got 2>err 5>&- 3>&- &
	pids+=("$!")
	eventually grep -q 'Verify return code: 0' got
	printf '%s\n' one k two K three K K k four >&5
	eventually grep -qx four got
	exec 5>&-
	assert_equal "$(grep -xE 'one|two|three|four' got | xargs)" 'one two three four'
	eventually have_ended "${pids[-1]}"
	exec 5<>lines
	timeout 20 "${typing[@]}" openssl s_client -tls1_2 -CAfile "$certs/ca.crt" \
		-connect "127.0.0.1:$port" >got 2>err 5>&- 3>&- &
	pids+=("$!")
	eventually grep -q 'Verify return code: 0' got
	printf '%s\n' one >&5
	eventually grep -qx one got
	printf '%s\n' R >&5
	eventually have_ended "${pids[-1]}"
	exec 5>&-
	grep -q RENEGOTIATING err
	grep -q 'no renegotiation' err
	timeout 20 gnutls-cli --rehandshake --priority NORMAL:-VERS-TLS1.3 \
		--x509cafile "$certs/ca.crt" -p "$port" localhost <<<hello >got 2>&1 || status=$?
	run ! grep -q 'ReHandshake was completed' got
	rpnc connect --tls --tls-ca "$certs/ca.crt" localhost "$port" <<<served | grep -qx served
}

@test "echo --tls: processes that share, are handed connections, or are forked for each, with --identify" {
	local model
	for model in shared handoff fork; do
		tls_echo -w 2 --accept "$model" --identify
		py_tls "$port" <<-'END'
			for i in range(9):
			    if i % 3 == 2:
			        s = dial(args[0])
			        s.sendall(b"garbage, which is no TLS")
			        ended(s)
			        continue
			    t = tls(args[0])
			    t.write(b"hello")
			    t.shut()
			    greeting, rest = t.whole().split(b"\n", 1)
			    assert greeting.startswith(b"rpnc/1 name=") and rest == b"hello", (greeting, rest)
		END
		eventually eval 'test "$(reasons)" = "6 end 3 no-tls"'
		assert_equal "$model $(of_event tls verified out.0 | wc -l)" "$model 6"
		stop
	done
}

@test "echo --tls: --discard, --chargen and --accept-proxy behind haproxy" {
	local to
	tls_echo --discard
	py_tls "$port" <<-'END'
		assert tls(args[0]).exchange(b"x" * 100000) == b""
	END
	eventually eval 'test "$(of_event closed in reason out.0)" = "100000 end"'
	stop
	tls_echo --chargen
	py_tls "$port" <<-'END'
		assert tls(args[0]).exact(300000)[:3] == b' !"'
	END
	stop
	tls_echo --accept-proxy
	to=$port
	reserve
	haproxy "bind 127.0.0.1:$port" "server s 127.0.0.1:$to send-proxy-v2 ssl verify required ca-file $certs/ca.crt"
	rpnc connect -s 127.0.0.9 "$port" <<<hello | grep -qx hello
	assert_equal "$(of_event connected address via out.0)" '127.0.0.9 127.0.0.1'
}

@test "echo --tls: many connections, half of them broken off in the handshake, leave no descriptor and no memory" {
	local before rounds=${WHOLE:+100}
	tls_echo
	broken() {
		py_tls "$port" "$1" <<-'END'
			c = context(ca=certs + "ca.crt")
			for i in range(int(args[1])):
			    some = []
			    for j in range(100):
			        t = Tls(dial(args[0]), c)
			        some.append(t)
			        if j % 2:
			            t.handshake().write(b"hello")
			            assert t.exact(5) == b"hello"
			        elif j % 3:
			            t.sock.sendall(hello(t)[:(0, 1, 100, 1000)[j // 2 % 4]])
			    for j, t in enumerate(some):
			        if j % 2: t.shut()
			        if j % 5 == 0: reset(t.sock)
			        elif j % 2: assert t.whole() == b""
			        t.sock.close()
		END
	}
	broken 1
	eventually eval 'test "$(open_descriptors "$pid")" -le 20'
	before=$(awk '/^VmRSS/ { print $2 }' "/proc/$pid/status") fds=$(open_descriptors "$pid")
	broken "${rounds:-4}"
	eventually eval 'test "$(of_event closed conn out.0 | wc -l)" -eq $((100 * (${rounds:-4} + 1)))'
	eventually eval 'test "$(open_descriptors "$pid")" -le "$fds"'
	# a sanitizer keeps what is freed for a while
	test -n "${SAN-}" ||
		test "$(awk '/^VmRSS/ { print $2 }' "/proc/$pid/status")" -lt $((before + 4000))
}

@test "echo --tls: a member that leaves with 200 handshakes in flight, under load, loses none" {
	local status=3 n
	tls_echo -r --name stays
	for n in 1 2 3 4; do
		test "$status" -ne 3 || leaves_under_load "$n"
	done
	assert_equal "$status" 0
}

# leaves_under_load N: starts member N, which leaves. Sets status to 0, or to 3
# if this machine was so slow that a handshake's 10 s may have been over.
leaves_under_load() {
	local leaver
	status=0
	start echo --tls --tls-cert "$certs/localhost.pem" --json -r --grace 60 --name leaves 127.0.0.1 "$port"
	leaver=$pid
	py_tls "$port" "$leaver" <<-'END' || status=$?
		import time
		began = time.monotonic()
		c = context(ca=certs + "ca.crt")
		waits = []
		for i in range(200):
		    t = Tls(dial(args[0]), c)
		    data = hello(t)
		    t.sock.sendall(data[:(0, 3, 100)[i % 3]])
		    waits.append((t, data[(0, 3, 100)[i % 3]:]))
		lost, stop = [], threading.Event()
		def load():
		    while not stop.is_set():
		        try:
		            t = Tls(dial(args[0]), c).handshake()
		            t.write(b"hello")
		            if t.exchange(b"") != b"hello": lost.append("short")
		        except Exception as e: lost.append(repr(e))
		threads = [threading.Thread(target=load) for i in range(2)]
		for t in threads: t.start()
		os.kill(int(args[1]), signal.SIGTERM)
		for t, rest in waits:
		    try:
		        t.sock.sendall(rest)
		        t.handshake().write(b"late")
		        if t.exchange(b"") != b"late": lost.append("late")
		    except Exception as e: lost.append(repr(e))
		stop.set()
		for t in threads: t.join()
		if lost and time.monotonic() - began > 8: sys.exit(3)
		assert not lost, (len(lost), lost[:5])
	END
	eventually gone "$leaver"
	finish "$leaver" || test $? -eq 143
	test "$status" -eq 0 || return 0
	# it had some of them
	test "$(of_event closed reason "out.$1" | grep -c end)" -ge 40
	assert_equal "$(of_event closed reason "out.$1" | grep -vc end)" 0
}
