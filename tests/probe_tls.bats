#!/usr/bin/env bats
# probe --tls: what handshakes cost, and who made them; real servers, and those
# that fail.
# shellcheck disable=SC2016,SC2030,SC2031,SC2154

load helpers
load probe
load connect
load tls

setup_file() {
	certificates
}

# secure ARG...: probe --tls, with the authority of the tests, as JSON.
secure() {
	probe --json --tls --tls-ca "$certs/ca.crt" "$@"
}

# all_secure N VERSION: N of N attempts are answered, and had a handshake.
all_secure() {
	assert_equal "$status" 0
	sums
	holds ".attempts == $1 and .ok == $1 and .tls.handshakes == $1"
	holds ".tls.version == \"TLSv$2\" and .latency.tls.count == $1"
}

# refuses REASON ARG...: all three handshakes fail, for this reason.
refuses() {
	probe -n 3 -c 1 --tls "${@:2}"
	assert_equal "$status" 1
	grep -qxF "failed 3 (tls 3: $1)" report
	secure_failures "${@:2}"
}

# secure_failures ARG...: and so does the JSON say.
secure_failures() {
	probe --json -n 3 -c 1 --tls "$@"
	holds '.failed.tls == 3 and ([.failed[]] | add) == 3 and .tls == null'
}

# tls_server CODE: a scripted server, which finds the next client, after its
# handshake, in tls().
tls_server() {
	server "
import ssl
context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
context.load_cert_chain('$certs/localhost.pem')
context.load_verify_locations('$certs/ca.crt')
def tls(): return context.wrap_socket(accept(), server_side=True)
$1"
}

# s_server VERSION: OpenSSL's, as a web server, one client at a time.
s_server() {
	port=$(free_port)
	only "$1" serve openssl s_server -accept "127.0.0.1:$port" -www \
		-cert "$certs/localhost.pem"
}

ask=(--send 'GET / HTTP/1.0\r\n\r\n' --expect '^HTTP/1\.[01] 200 ')

@test "probe --tls: echo's workers are counted, and their handshakes measured" {
	start echo -r -w 2 --identify --tls --tls-cert "$certs/localhost.pem" 127.0.0.1 0
	secure -n 60 --echo localhost "$port"
	all_secure 60 1.3
	holds '.by == "diag" and .unattributed == 0 and (.members | length == 2)'
	holds '[.members[].latency.tls.count] | add == 60'
	holds '.latency.accept.count == 60 and .latency.echo.count == 60'
	holds '.tls.resumed == 0 and (.tls.cipher | startswith("TLS_"))'
	secure -n 60 --by banner localhost "$port"
	all_secure 60 1.3
	get '[.members[].worker] | sort | tostring' | grep -qxF '[0,1]'
}

@test "probe --tls: people read the phase, the cipher and how many resumed" {
	start echo -r --tls 127.0.0.1 0
	local pin
	pin=$(grep -ohE 'sha256//[A-Za-z0-9+/=]+' "err.0" "out.0")
	probe -v -n 20 --tls --tls-pin "$pin" 127.0.0.1 "$port"
	assert_equal "$status" 0
	grep -qE '^tls      p50 +[0-9.]+ [mµ]s  ' report
	grep -qE '^    tls p50 +[0-9.]+ [mµ]s' report
	grep -qE '^TLSv1\.3 TLS_[A-Z0-9_]+, resumed 0 of 20$' report
	run ! grep -q 'nothing is verified' report
	probe -n 3 --tls --tls-insecure 127.0.0.1 "$port"
	assert_equal "$status" 0
	grep -qx 'TLS: nothing is verified, so the server may be anybody' report
	probe --watch=0.1 -d 400ms --tls --tls-pin "$pin" 127.0.0.1 "$port"
	grep -qE '^tls +p50 ' report
}

@test "probe --tls: openssl s_server in TLS 1.2 and 1.3, with its reply" {
	local version
	for version in 1.2 1.3; do
		s_server "$version"
		secure -n 10 -c 1 "${ask[@]}" localhost "$port"
		all_secure 10 "$version"
		holds '.latency.reply.count == 10 and .tls.resumed == 0'
		stop
	done
}

@test "probe --tls-resume: sessions are resumed in TLS 1.2 and 1.3, by default not" {
	local version
	for version in 1.2 1.3; do
		s_server "$version"
		secure --tls-resume -n 10 -c 1 "${ask[@]}" localhost "$port"
		all_secure 10 "$version"
		holds '.tls.resumed == 9'
		secure -n 10 -c 1 "${ask[@]}" localhost "$port"
		all_secure 10 "$version"
		holds '.tls.resumed == 0'
		stop
	done
}

@test "probe --tls: nginx's workers, and what it chose by ALPN" {
	nginx_server localhost 'location / { return 200 "$ssl_protocol $ssl_server_name\n"; }'
	secure -n 20 --send 'GET / HTTP/1.0\r\n\r\n' --expect 'TLSv1\.3 localhost' localhost "$port"
	all_secure 20 1.3
	holds '.by == "diag" and .members[0].command == "nginx"'
	secure -n 5 --tls-alpn spdy/1,http/1.1 "${ask[@]}" localhost "$port"
	all_secure 5 1.3
	holds '.tls.alpn == "http/1.1"'
	probe -n 5 --tls --tls-ca "$certs/ca.crt" --tls-alpn h2,http/1.1 "${ask[@]}" localhost "$port"
	grep -q '^TLSv1\.3 [A-Z0-9_]*, http/1\.1 by ALPN, resumed 0 of 5$' report
}

@test "probe --tls: whom it does not trust is a failure of its own, in OpenSSL's words" {
	local pin
	start echo --tls --tls-cert "$certs/other.pem" 127.0.0.1 0
	refuses 'the certificate of localhost is not trusted: hostname mismatch: --tls-name says which name to expect' \
		--tls-ca "$certs/ca.crt" localhost "$port"
	secure -n 3 --tls-name other.example localhost "$port"
	all_secure 3 1.3
	pin=$(pin_of other)
	refuses "the certificate of localhost is not trusted: unable to get local issuer certificate: its key is $pin: --tls-pin with it trusts exactly this key" \
		localhost "$port"
	refuses "the peer's key is not the pinned one: it is $pin, not $(pin_of self)" \
		--tls-pin "$(pin_of self)" localhost "$port"
	probe --json -n 3 --tls --tls-pin "$pin" localhost "$port"
	all_secure 3 1.3
	start echo --tls --tls-cert "$certs/expired.pem" 127.0.0.1 0
	refuses 'the certificate of localhost is not trusted: certificate has expired' \
		--tls-ca "$certs/ca.crt" localhost "$port"
}

@test "probe --tls: a missing client certificate is a failure, in TLS 1.2 and 1.3" {
	local version
	for version in 1.2 1.3; do
		only "$version" start echo --tls --tls-cert "$certs/localhost.pem" \
			--tls-ca "$certs/ca.crt" 127.0.0.1 0
		secure -n 3 -c 1 localhost "$port"
		assert_equal "$status" 1
		holds '.failed.tls + .failed.reset == 3'
		secure -n 3 -c 1 --tls-cert "$certs/client.pem" localhost "$port"
		all_secure 3 "$version"
	done
	tls_server '
context.verify_mode = ssl.CERT_REQUIRED
for i in range(3):
    try: tls()
    except ssl.SSLError: pass'
	secure -n 3 -c 1 localhost "$port"
	holds '.failed.tls == 3 and (.finding.text | contains("certificate required"))'
}

@test "probe --tls: what is no TLS, an end and a reset in the handshake" {
	server 'c = accept(); c.recv(1); c.sendall(b"SSH-2.0-OpenSSH\r\n"); everything(c)
c = accept(); c.recv(1 << 16); c.close()
c = accept(); c.recv(1); reset(c)'
	probe -n 1 --tls localhost "$port"
	grep -qx 'failed 1 (tls 1: TLS handshake: the peer does not speak TLS)' report
	probe -n 1 --tls localhost "$port"
	grep -qx 'failed 1 (tls 1: TLS handshake: the peer closed the connection)' report
	probe -n 1 --tls localhost "$port"
	grep -qx 'failed 1 (reset 1)' report
}

@test "probe --tls: a server that stalls in the handshake holds up nobody else" {
	tls_server '
kept = accept()
for i in range(5):
    t = tls(); everything(t); t.close()
everything(kept)'
	secure -n 6 -c 2 --connect-timeout 3 localhost "$port"
	assert_equal "$status" 6
	holds '.ok == 5 and .failed.timeout == 1 and .tls.handshakes == 5'
}

@test "probe --tls: silence in the handshake is a timeout within --connect-timeout" {
	server 'kept = []
for i in range(2): kept.append(accept())
told("end")'
	mkfifo end
	secure -n 2 --connect-timeout 300ms localhost "$port"
	echo >end
	assert_equal "$status" 4
	holds '.failed.timeout == 2 and .latency.tls == null and .seconds < 5'
}

@test "probe --tls: bytes that OpenSSL holds are read without another packet" {
	# one record, of which a search of --expect reads 2 KiB at a time
	tls_server '
for i in range(3):
    t = tls(); t.sendall(b"x" * 16000 + b"the end"); everything(t)'
	secure -n 3 -c 1 --timeout 20 --expect 'the end$' --match 'the (end)' localhost "$port"
	all_secure 3 1.3
	holds '.mismatched == 0 and .members[0].name == "end" and .seconds < 15'
}

@test "probe --tls: a megabyte goes and comes back, byte by byte through the handshake" {
	start echo -r --tls --tls-cert "$certs/localhost.pem" 127.0.0.1 0
	secure -n 4 --echo=1000000 localhost "$port"
	all_secure 4 1.3
	holds '.mismatched == 0'
	server "
import threading
def pump(a, b, least):
    n = 0
    while part := a.recv(1 if n < least else 1 << 16):
        n += len(part); b.sendall(part)
    b.shutdown(socket.SHUT_WR)
for i in range(2):
    c = accept(); b = socket.create_connection(('127.0.0.1', $port))
    for end in c, b: end.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    threading.Thread(target=pump, args=(c, b, 2000)).start()
    threading.Thread(target=pump, args=(b, c, 2000)).start()"
	secure -n 2 -c 1 --echo=100000 localhost "$port"
	all_secure 2 1.3
	holds '.mismatched == 0'
}

@test "probe --tls: the server's end is answered, so that it sees no truncation" {
	start echo -v --tls --tls-cert "$certs/localhost.pem" 127.0.0.1 0
	secure -n 5 --echo localhost "$port"
	all_secure 5 1.3
	secure -n 5 localhost "$port"
	all_secure 5 1.3
	end TERM
	assert_equal "$(grep -c ' closed after' err.0)" 10
	run ! grep -E 'truncated|reset' err.0
}

@test "probe --tls: a server that accepts only with data gets the handshake first" {
	tls_server '
s.setsockopt(socket.IPPROTO_TCP, socket.TCP_DEFER_ACCEPT, 10)
for i in range(10):
    t = tls(); t.sendall(b"hello"); everything(t); t.close()'
	secure -n 5 -c 1 localhost "$port"
	all_secure 5 1.3
	probe -n 5 -c 1 --tls --tls-insecure localhost "$port"
	assert_equal "$status" 0
	run ! grep -q 'waits for data' report
}

@test "probe --tls --proxy: the handshake is with the server behind it" {
	local url
	microsocks
	url=socks5h://127.0.0.1:$port
	start echo -r --identify --tls --tls-cert "$certs/localhost.pem" 127.0.0.1 0
	secure -n 20 --echo --proxy "$url" localhost "$port"
	all_secure 20 1.3
	holds '.by == "banner" and .latency.proxy.count == 20 and .members[0].count == 20'
}

@test "probe --tls: metrics and --merge add handshakes up" {
	start echo -r --tls --tls-cert "$certs/localhost.pem" 127.0.0.1 0
	for i in 1 2; do
		secure -n 20 -c 1 --tls-resume --openmetrics metrics localhost "$port"
		cp report "one.$i"
	done
	grep -qE '^rpnc_probe_tls_handshakes\{.*\} 20$' metrics
	grep -qE '^rpnc_probe_tls_resumed\{.*\} 19$' metrics
	grep -qE '^rpnc_probe_latency_seconds_count\{.*phase="tls"\} 20$' metrics
	probe --merge --json one.1 one.2
	holds '.tls.handshakes == 40 and .tls.resumed == 38 and .latency.tls.count == 40'
	holds '.tls.version == "TLSv1.3"'
}

@test "probe --tls --during: handshakes that fail are lost to TLS" {
	start echo --tls 127.0.0.1 0
	probe --json --during -d 100ms --rate 50 --tls 127.0.0.1 "$port" -- true
	assert_equal "$status" 1
	holds '.during.losses.tls > 0 and .during.lost == .during.losses.tls'
}

@test "probe --tls --during --hold: between the handshake and the request" {
	start echo --tls --tls-cert "$certs/localhost.pem" 127.0.0.1 0
	secure --during -d 100ms --rate 50 --echo --hold 100ms localhost "$port" -- true
	assert_equal "$status" 0
	holds '.ok > 5 and .ok == .attempts and .tls.handshakes == .ok'
	holds '.latency.tls.min < 90000 and .latency.echo.min < 90000'
}

@test "probe --tls: what can't work is refused before any packet" {
	local line
	while IFS='|' read -r line args; do
		# shellcheck disable=SC2086
		probe $args localhost 1
		assert_equal "$status" 2
		grep -q -e "$line" err
	done <<-'END'
		--tls is for streams|--tls -u --echo
		--tls-resume goes with --tls|--tls-resume
		--tls-pin goes with --tls|--tls-pin sha256//x
		--tls-ca nowhere: No such file|--tls --tls-ca nowhere
		--tls-pin|--tls --tls-pin x
		--tls|--tls --group
	END
}
