#!/usr/bin/env bats
# --tls and the end of a stream: half-closes, ends without a close_notify,
# resets, and records that somebody has changed.
# shellcheck disable=SC2016,SC2030,SC2031,SC2034,SC2086,SC2094,SC2154

load helpers
load connect
load tls

setup_file() {
	certificates
}

# tls_server CODE: a scripted server; tls(): the next client, after its
# handshake.
tls_server() {
	server "
import select, ssl, tls_peer
def tls(version=None):
    c = tls_peer.context('$certs/localhost.pem', version=version)
    return tls_peer.Tls(accept(), c).handshake()
$1"
}

# ends STATUS REASON ARG...: connect ends so, by its event closed. What it has
# printed is in got.
ends() {
	local status=0
	quiet --tls --tls-ca "$certs/ca.crt" -v "${@:3}" localhost "$port" <in >got || status=$?
	cat err
	assert_equal "$status" "$1"
	grep -qE "^#1 closed after .*$2" err
}

@test "tls end: without a close_notify, what came is delivered, and the end is truncated with status 1" {
	: >in
	tls_server '
for version in "1.2", "1.3":
    for i in range(3):
        t = tls(version)
        t.tls.write(b"x" * 50000)
        data = t.out.read()
        t.sock.sendall(data if i < 2 else data[:-7])   # within a record
        t.sock.close()'
	for _ in 1.2 1.3; do
		ends 1 'B in, .*\(truncated\)' -n
		test "$(stat -c %s got)" -eq 50000
		grep -q '^rpnc connect: .*close_notify.*--tls-lax-eof' err
		ends 0 '48.8 KiB in, 0 B out$' -n --tls-lax-eof
		test "$(stat -c %s got)" -eq 50000
		run ! grep '^rpnc' err
		ends 1 'B in, .*\(truncated\)' -n
		test "$(stat -c %s got)" -lt 50000
	done
}

@test "tls end: a close_notify alone ends the reading, and what is still to send is sent" {
	random_file 300k in
	tls_server '
data = open("in", "rb").read()
for version in "1.2", "1.3":
    t = tls(version)
    t.tls.write(b"first")
    t.notify()   # in one segment, without a FIN
    assert t.whole() == data
    told("closed")'
	mkfifo closed
	for _ in 1.2 1.3; do
		ends 0 '5 B in, 300 KiB out$'
		assert_equal "$(<got)" first
		echo >closed
	done
	finish "$pid"
}

@test "tls end: stdin's end is a close_notify and a FIN, and the reply that comes later is read" {
	random_file 300k data
	echo question >in
	tls_server '
data = open("data", "rb").read()
for version in "1.2", "1.3":
    t = tls(version)
    assert t.whole() == b"question\n"
    assert t.sock.recv(1) == b""
    t.write(data)
    t.shut()'
	ends 0 '300 KiB in, 9 B out$'
	cmp data got
	ends 0 '300 KiB in, 9 B out$'
	cmp data got
	finish "$pid"
}

@test "tls end: with --no-shutdown nothing is sent at stdin's end" {
	echo question >in
	tls_server '
t = tls()
assert t.exact(9) == b"question\n"
assert not select.select([t.sock], [], [], 0.3)[0]
t.write(b"answer")
t.shut()
try: assert t.read() == b""
except ssl.SSLEOFError: pass'
	ends 0 '6 B in, 9 B out$' --no-shutdown
	assert_equal "$(<got)" answer
	finish "$pid"
}

@test "tls end: a reset is status 1, and input that was not delivered is said" {
	head -c 5M /dev/zero >in
	tls_server '
for version in "1.2", "1.3":
    t = tls(version)
    t.write(b"x" * 3000)
    t.exact(50000)
    reset(t.sock)'
	ends 1 '\(reset\)'
	grep -qE '^rpnc connect: .*not delivered' err
	ends 1 '\(reset\)'
	grep -qE '^rpnc connect: .*not delivered' err
}

@test "tls end: a reset behind a close_notify is status 1, too" {
	head -c 5M /dev/zero >in
	tls_server '
for version in "1.2", "1.3":
    t = tls(version)
    t.write(b"x" * 3000)
    t.notify()
    t.exact(50000)
    told("go on")
    reset(t.sock)'
	mkfifo 'go on'
	for _ in 1.2 1.3; do
		echo >'go on' &
		ends 1 'B in, .*\(reset\)'
		grep -qE '^rpnc connect: .*not delivered' err
	done
}

@test "tls end: data that came before a reset is printed, though a write meets the reset first" {
	head -c 5M /dev/zero >in
	tls_server '
import fcntl, termios
for version in "1.2", "1.3":
    t = tls(version)
    tell("shaken"), told("stopped")
    t.write(b"x" * 3000)
    t.notify()
    while struct.unpack("i", fcntl.ioctl(t.sock, termios.TIOCOUTQ, b"    "))[0]:
        pass
    reset(t.sock)
    tell("reset")'
	local client status
	for _ in 1.2 1.3; do
		rm -f shaken stopped reset
		mkfifo shaken stopped reset
		rpnc connect --tls --tls-ca "$certs/ca.crt" -v localhost "$port" <in >got 2>err 3>&- &
		client=$!
		pids+=("$client")
		test -n "$(<shaken)"
		# it has written what the server does not read
		eventually grep -q TLSv err
		kill -STOP "$client"
		eventually grep -q '^State:.T' "/proc/$client/status"
		echo now >stopped
		test -n "$(<reset)"
		kill -CONT "$client"
		status=0
		finish "$client" || status=$?
		cat err
		assert_equal "$status" 1
		grep -q '3000 B in\|2.93 KiB in' err
		assert_equal "$(wc -c <got)" 3000
	done
}

@test "tls end: a key update that wants an answer, while nobody reads what is sent, breaks nothing" {
	random_file 32M in
	start_with in listen --tls 127.0.0.1 0
	timeout 60 "$PYTHON" - "$port" <<-'END' >got
		import ctypes
		from client import *
		ssl = ctypes.CDLL("libssl.so.3")
		for name in "TLS_client_method", "SSL_CTX_new", "SSL_new":
		    getattr(ssl, name).restype = ctypes.c_void_p
		def call(name, *args):
		    return getattr(ssl, name)(ctypes.c_void_p(session), *args)
		session = ssl.SSL_new(ctypes.c_void_p(ssl.SSL_CTX_new(
		    ctypes.c_void_p(ssl.TLS_client_method()))))
		s = dial(sys.argv[1])
		s.setblocking(True)
		assert call("SSL_set_fd", s.fileno()) == call("SSL_connect") == 1
		seen = []
		def stuck():    # listen can write no more
		    port = ":%04X" % s.getpeername()[1]
		    with open("/proc/net/tcp") as f:
		        seen.append([r.split()[4] for r in f if r.split()[1].endswith(port)])
		    return seen[-10:] == seen[-1:] * 10
		until(stuck)
		for i in range(3):
		    assert call("SSL_key_update", 1) == 1   # SSL_KEY_UPDATE_REQUESTED
		    assert call("SSL_write", b"asked\n", 6) == 6
		until(lambda: os.path.getsize("out.0") == 18)
		data = ctypes.create_string_buffer(1 << 16)
		while (n := call("SSL_read", data, len(data))) > 0:
		    sys.stdout.buffer.write(data.raw[:n])
		assert call("SSL_shutdown") >= 0
	END
	finish "$pid"
	cmp in got
	assert_equal "$(cat out.0)" $'asked\nasked\nasked'
}

@test "tls end: a record that somebody has changed is not printed, and is status 1" {
	: >in
	tls_server '
for version in "1.2", "1.3":
    t = tls(version)
    t.write(b"good")
    t.tls.write(b"bad")
    data = bytearray(t.out.read())
    data[-3] ^= 1
    t.sock.sendall(data)
    t.sock.recv(1 << 16)
    t.sock.close()'
	for _ in 1.2 1.3; do
		ends 1 '4 B in' -n
		assert_equal "$(<got)" good
		grep -qE '^rpnc connect: .*TLS: .*(bad record mac|decryption failed)' err
	done
}

@test "tls end: what is no record at all is status 1, behind good data" {
	: >in
	tls_server '
t = tls()
t.write(b"good")
t.sock.sendall(b"HTTP/1.0 200 OK\r\n\r\n")
t.sock.recv(1 << 16)
t.sock.close()'
	ends 1 '4 B in' -n
	assert_equal "$(<got)" good
	grep -qE '^rpnc connect: .*TLS' err
}

@test "tls end: listen and echo call an end without a close_notify truncated, too" {
	local server
	for server in 'listen -k' 'listen' 'echo' 'listen -k --tls-lax-eof' 'echo --tls-lax-eof'; do
		start $server --tls --json --tls-cert "$certs/localhost.pem" 127.0.0.1:0
		py_tls "$port" "$server" <<-'END'
			t = tls(args[0])
			t.write(b"x" * 50000)
			if args[1][0] == "e": assert len(t.exact(50000)) == 50000
			t.sock.shutdown(socket.SHUT_WR)
			try: t.whole()
			except ssl.SSLError: pass
		END
		eventually eval 'test -n "$(of_event closed reason out.0)"'
		assert_equal "$server $(of_event closed in reason out.0)" \
			"$server 50000 $(case $server in *lax*) echo end ;; *) echo truncated ;; esac)"
		if test "$server" = listen; then
			ends_with 1 "$pid"
			pids=()
		else
			stop
		fi
	done
}

@test "tls end: data of a connect that is killed before its input ends is truncated to the peer" {
	local status=0
	start listen --tls --tls-cert "$certs/localhost.pem" 127.0.0.1:0
	talk --tls --tls-ca "$certs/ca.crt" localhost "$port"
	echo half >&5
	eventually grep -qx half out.0
	kill "$pid"
	finish "${pids[0]}" || status=$?
	assert_equal "$status" 1
	grep -q close_notify err.0
}

@test "tls end: with --tls-lax-eof a client that ends without a close_notify, as ncat does, gets its reply" {
	head -c 300K /dev/urandom >data
	start echo --tls --tls-lax-eof --tls-cert "$certs/localhost.pem" 127.0.0.1:0
	timeout 20 ncat --ssl --ssl-verify --ssl-trustfile "$certs/ca.crt" localhost "$port" <data | cmp - data
	mkfifo now
	exec 5<>now
	start_with now listen --until input --tls --tls-lax-eof --tls-cert "$certs/localhost.pem" 127.0.0.1:0 5>&-
	py_tls "$port" <<-'END' 5>&- &
		t = tls(args[0])
		data = open("data", "rb").read()
		t.write(data)
		t.sock.shutdown(socket.SHUT_WR)
		assert t.whole() == data
	END
	pids+=("$!")
	eventually cmp -s data out.1
	cat data >now
	exec 5>&-
	finish "$pid"
	finish "${pids[-1]}"
}
