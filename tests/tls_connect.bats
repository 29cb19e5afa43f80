#!/usr/bin/env bats
# connect --tls: whom it trusts, and what it says, with real servers and with
# scripted ones.
# shellcheck disable=SC2016,SC2030,SC2031,SC2034,SC2086,SC2094,SC2154

load helpers
load connect
load tls

setup_file() {
	certificates
}

# trusting ARG...: connect, with the authority of the tests. Its limit is that
# of 64 MiB on a busy machine.
trusting() {
	timeout 60 rpnc connect --tls --tls-ca "$certs/ca.crt" "$@" 2>err
}

# fails STATUS REGEXP ARG...: one line on stderr, and no byte is printed.
fails() {
	local status=0
	quiet --tls "${@:3}" <<<secret >got || status=$?
	cat err
	assert_equal "$status" "$1"
	complained "$2"
	test ! -s got
}

# tls_server CODE: a scripted server, which has the certificates' directory in
# certs, and tls(CERTIFICATE, ...): the next client, before its handshake.
tls_server() {
	server "
import ssl, tls_peer
certs = '$certs/'
def tls(name='localhost', ca=None, **more):
    return tls_peer.Tls(accept(), tls_peer.context(certs + name + '.pem',
        ca=ca and certs + ca + '.crt', **more))
$1"
}

# told_tls VERSION: stderr says this about a server that is verified.
told_tls() {
	grep -qE "^#1 TLSv$1, TLS_[A-Z0-9_]+|^#1 TLSv$1, ECDHE-ECDSA-[A-Z0-9-]+" err
	grep -qF ", name localhost, verified, key $(pin_of localhost)" err
}

@test "connect --tls: 300 kB each way, half-closed, with socat, stunnel, haproxy and gnutls-serv in TLS 1.2 and 1.3" {
	local server version
	# gnutls-serv takes ** for a command
	head -c 225K /dev/urandom | base64 >data
	plain_echo
	for server in socat stunnel haproxy gnutls; do
		"${server}_server" localhost
		for version in 1.2 1.3; do
			only "$version" trusting -v -4 localhost "$port" <data >got
			cmp data got
			told_tls "$version"
		done
	done
}

@test "connect --tls: nginx, ncat and s_server send files in TLS 1.2 and 1.3" {
	local version
	random_file 300k data
	printf 'GET /data HTTP/1.0\r\n\r\n' >ask
	nginx_server localhost
	for version in 1.2 1.3; do
		only "$version" trusting -v --no-shutdown localhost "$port" <ask >reply
		cmp data <(tail -c 300K reply)
		told_tls "$version"
	done
	mkfifo hold
	exec 5<>hold
	for version in 1.2 1.3; do
		ln -sf data in
		ncat_server localhost --send-only # which sends no close_notify
		only "$version" trusting -n --tls-lax-eof localhost "$port" >got
		cmp data got
		openssl_server localhost -WWW
		only "$version" trusting --no-shutdown localhost "$port" <ask >reply
		cmp data <(tail -c 300K reply)
		ln -sf hold in # s_server ends with its input
		openssl_server localhost
		only "$version" trusting localhost "$port" <data
		eventually have_ended "$pid"
		cmp data sent
	done
}

@test "connect --tls: 64 MiB each way at once, unchanged, with haproxy and a scripted server" {
	random_file 64M data
	plain_echo
	haproxy_server localhost
	trusting localhost "$port" <data | cmp - data
	tls_server 'data = open("data", "rb").read()
t = tls().handshake()
assert t.exchange(data) == data
save(b"done")'
	trusting localhost "$port" <data | cmp - data
	finish "$pid"
	test -s got
}

@test "connect --tls: a chain is sent and followed, and --tls-pin needs none" {
	local kind
	plain_echo
	for kind in self other expired; do
		stunnel_server "$kind"
		quiet --tls --tls-pin "$(pin_of "${kind/expired/localhost}")" 127.0.0.1 "$port" <<<hello >got
		assert_equal "$(<got)" hello
	done
	stunnel_server chained
	trusting localhost "$port" <<<hello >got
	assert_equal "$(<got)" hello
}

@test "connect --tls: who is not trusted gets no byte, and one line says why" {
	tls_server '
got = []
for name in "self", "self", "other", "expired", "localhost", "localhost":
    t = tls(name)
    try: got.append(t.handshake().whole())
    except (ssl.SSLError, OSError) as e: pass
save(b"".join(got))'
	local ca=(--tls-ca "$certs/ca.crt")
	fails 1 'TLS: the certificate of localhost is not trusted: self-signed certificate: .*--tls-pin' localhost "$port"
	grep -qF "$(pin_of self)" err
	fails 1 'TLS: .*self-signed certificate: .*--tls-pin' "${ca[@]}" localhost "$port"
	fails 1 'TLS: the certificate of localhost is not trusted: hostname mismatch: .*--tls-name' "${ca[@]}" localhost "$port"
	fails 1 'TLS: the certificate of localhost is not trusted: certificate has expired$' "${ca[@]}" localhost "$port"
	fails 1 'TLS: the certificate of 127.0.0.1 is not trusted: IP address mismatch: .*--tls-name' "${ca[@]}" 127.0.0.1 "$port"
	fails 1 "TLS: .* is not the pinned one: it is $(pin_of localhost | sed 's/[+]/[+]/g'), not $(pin_of self | sed 's/[+]/[+]/g')" \
		--tls-pin "$(pin_of self)" localhost "$port"
	finish "$pid"
	test ! -s got
}

@test "connect --tls: a name is sent and checked, an IP address is only checked" {
	needs_ipv6
	tls_server '
names = []
c = tls_peer.context(certs + "ip.pem")
c.sni_callback = lambda t, name, c: names.append(name)
for i in range(4):
    if i == 2:
        c = tls_peer.context(certs + "other.pem")
        c.sni_callback = lambda t, name, c: names.append(name)
    t = tls_peer.Tls(accept(), c).handshake()
    t.exchange(b"")
tell("names", names)'
	mkfifo names
	trusting 127.0.0.1 "$port" </dev/null
	trusting --tls-name ::1 localhost "$port" </dev/null
	trusting --tls-name other.example 127.0.0.1 "$port" </dev/null
	trusting --tls-name OTHER.example localhost "$port" </dev/null
	read -r line <names
	[[ ${line,,} == "[none, none, 'other.example', 'other.example']" ]]
}

@test "connect --tls: who wants a client's certificate gets it: haproxy, stunnel, socat, nginx, s_server" {
	local server cert=(--tls-cert "$certs/client.crt" --tls-key "$certs/client.key")
	plain_echo
	for server in "haproxy_server localhost ca-file $certs/ca.crt verify required" \
		"socat_server localhost verify=1,cafile=$certs/ca.crt"; do
		$server
		trusting --tls-cert "$certs/client.pem" localhost "$port" <<<hello >got
		assert_equal "$(<got)" hello
		fails 1 '.*TLS.*certificate required' --tls-ca "$certs/ca.crt" localhost "$port"
		only 1.2 fails 1 '.*TLS.*(handshake failure|certificate)' --tls-ca "$certs/ca.crt" localhost "$port"
	done
	stunnel_server localhost 'verifyChain = yes' "CAfile = $certs/ca.crt"
	trusting "${cert[@]}" localhost "$port" <<<hello >got
	assert_equal "$(<got)" hello
	fails 1 '.*TLS.*(unknown ca|certificate)' --tls-ca "$certs/ca.crt" --tls-cert "$certs/stranger.pem" localhost "$port"
	nginx_server localhost 'ssl_verify_client on;' "ssl_client_certificate $certs/ca.crt;" \
		"location / { return 200 \$ssl_client_s_dn; }"
	printf 'GET / HTTP/1.0\r\n\r\n' | trusting "${cert[@]}" localhost "$port" | grep -qx CN=client
	printf 'GET / HTTP/1.0\r\n\r\n' | trusting localhost "$port" | grep -q '400 Bad Request'
	: >in
	openssl_server localhost -Verify 3 -verify_return_error -CAfile "$certs/ca.crt"
	fails 1 '.*TLS.*certificate required' --tls-ca "$certs/ca.crt" localhost "$port"
}

@test "connect --tls-alpn: the one that was chosen is in the event tls, and none in common ends it" {
	tls_server '
for alpn in ("h2", "http/1.1"), ("http/1.1",), ():
    t = tls(alpn=alpn).handshake()
    t.exchange(b"")
'
	local i
	for i in 1 2 3; do
		trusting --json --tls-alpn http/1.1,h2 localhost "$port" </dev/null >"out.$i"
	done
	assert_equal "$(of_event tls alpn conn name verified pin <(cat out.[123]))" "h2 1 localhost true $(pin_of localhost)
http/1.1 1 localhost true $(pin_of localhost)
null 1 localhost true $(pin_of localhost)"
	assert_equal "$(of_event tls version cipher out.1)" 'TLSv1.3 TLS_AES_256_GCM_SHA384'
	: >in
	openssl_server localhost -alpn spdy/3,h2 -naccept 2
	trusting --json --tls-alpn foo,h2 localhost "$port" </dev/null >out.4
	assert_equal "$(of_event tls alpn out.4)" h2
	fails 1 'TLS handshake: .*no application protocol' --tls-ca "$certs/ca.crt" --tls-alpn foo,bar localhost "$port"
	grep -q '[Nn]o application protocol' err
	fails 2 '.*--tls-alpn' --tls-alpn a,,b localhost "$port"
}

@test "connect --tls-insecure: says on each connection that nothing was verified" {
	tls_server '
for i in 0, 1: tls("self").handshake().exchange(b"hello")'
	quiet --tls --tls-insecure 127.0.0.1 "$port" </dev/null >got
	assert_equal "$(<got)" hello
	grep -q 'nothing is verified' err
	quiet --tls --tls-insecure --json 127.0.0.1 "$port" </dev/null >out
	assert_equal "$(of_event tls verified pin out)" "false $(pin_of self)"
	fails 2 '.*--tls-insecure' --tls-insecure --tls-ca "$certs/ca.crt" 127.0.0.1 "$port"
	fails 2 '.*--tls-insecure' --tls-insecure --tls-pin "$(pin_of self)" 127.0.0.1 "$port"
}

@test "connect --tls: a bad file, key or pin is status 2, before any packet" {
	tls_server 'accept(); save(b"a client came")'
	local good=sha256//47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU= to=(localhost "$port") pin
	echo nothing >junk
	mkdir directory
	fails 2 '--tls-key .*: .*(mismatch|fit)' --tls-cert "$certs/client.crt" --tls-key "$certs/self.key" "${to[@]}"
	fails 2 '--tls-cert .*none: No such file' --tls-cert none "${to[@]}"
	fails 2 '--tls-key none: No such file' --tls-cert "$certs/client.crt" --tls-key none "${to[@]}"
	fails 2 '--tls-cert.*client.crt' --tls-cert "$certs/client.crt" "${to[@]}"
	fails 2 '--tls-cert junk: ' --tls-cert junk "${to[@]}"
	fails 2 '--tls-ca junk: ' --tls-ca junk "${to[@]}"
	fails 2 '--tls-ca none: No such file' --tls-ca none "${to[@]}"
	fails 2 '--tls-ca directory: ' --tls-ca directory "${to[@]}"
	fails 2 '--tls-ca /dev/null: ' --tls-ca /dev/null "${to[@]}"
	fails 2 '--tls-key' --tls-key "$certs/self.key" "${to[@]}"
	for pin in x sha256//x "${good%=}" "${good}=" "${good/=/=}x" "${good%U=}V=" "$good;$good" "sha1//${good#*//}" "${good/=/U}" ''; do
		fails 2 '--tls-pin' --tls-pin "$pin" "${to[@]}"
	done
	run ! have_ended "$pid"
}

@test "connect --tls: its options want --tls, and TLS wants a stream" {
	local option
	for option in '--tls-ca x' '--tls-cert x' '--tls-pin x' '--tls-name x' '--tls-alpn x' --tls-insecure --tls-lax-eof; do
		run -2 --separate-stderr rpnc connect $option localhost 9
		assert_equal "${#stderr_lines[@]}" 1
		[[ ${stderr_lines[0]} == *"${option% x}"*--tls* ]]
	done
	run -2 --separate-stderr rpnc connect --tls -u localhost 9
	[[ ${stderr_lines[0]} == *--tls* ]]
}

@test "connect --tls: a server is silent, or stops in the handshake: status 4 after --connect-timeout" {
	tls_server '
held = [accept()]
t = tls(); t.fill(); clients.append(t)
t = tls(); t.fill()
try: t.tls.do_handshake()
except ssl.SSLWantReadError: pass
data = t.out.read()
t.sock.sendall(data[:100]); clients.append(t)
t = tls(); t.fill()
try: t.tls.do_handshake()
except ssl.SSLWantReadError: pass
data = t.out.read()
t.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
import select
try: # a byte each 20 ms: no byte starts the time again
    for i in range(len(data)):
        t.sock.sendall(data[i:i + 1]); select.select([t.sock], [], [], 0.02)
except OSError: pass'
	local began
	for _ in 1 2 3 4; do
		began=${EPOCHREALTIME/./}
		fails 4 'TLS handshake: .*(time|limit)' --connect-timeout 500ms --tls-ca "$certs/ca.crt" localhost "$port"
		test "$((${EPOCHREALTIME/./} - began))" -ge 400000
	done
}

@test "connect --tls: a reset or an end at any state of the handshake is one line, and status 1" {
	tls_server '
def flight(t):
    try: t.tls.do_handshake()
    except ssl.SSLWantReadError: pass
    return t.out.read()
for version in "1.2", "1.3":
    for end in reset, socket.socket.close:
        c = accept(); end(c)
        t = tls(version=version); t.fill(); end(t.sock)
        for n in 1, 5, 60, 200, -1, 1 << 20:
            t = tls(version=version); t.fill(); t.sock.sendall(flight(t)[:n])
            if n == 1 << 20: t.fill()
            end(t.sock)'
	local i
	for i in {0..31}; do
		fails 1 "(TLS|.*reset|.*Broken pipe|.*closed)" --tls-ca "$certs/ca.crt" --tls-name localhost 127.0.0.1 "$port"
	done
	finish "$pid"
}

@test "connect --tls: a server that speaks no TLS, or only an old one, is said to" {
	server '
c = accept(); c.recv(1 << 16); c.sendall(b"SSH-2.0-OpenSSH\r\n"); everything(c)
c = accept(); c.recv(1 << 16); c.sendall(b"HTTP/1.0 400 Bad Request\r\n\r\n"); everything(c)
c = accept(); c.recv(1 << 16); c.sendall(b"\x15\3\1\0\2\2\x46"); everything(c)'
	fails 1 'TLS handshake: .*does not speak TLS' localhost "$port"
	fails 1 'TLS handshake: .*does not speak TLS' localhost "$port"
	fails 1 'TLS handshake: .*protocol version' localhost "$port"
	: >in
	openssl_server localhost -tls1_1 -cipher ALL:@SECLEVEL=0
	fails 1 'TLS handshake: .*' --tls-ca "$certs/ca.crt" localhost "$port"
}

@test "connect --tls: handshake and data a byte at a time, both ways" {
	random_file 3000 data
	tls_server '
def slowly(t):
    t.room = 1
    t.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    def send(data):
        for b in data: t.sock.sendall(bytes([b]))
    t.send = send
    return t
for version in "1.2", "1.3":
    t = slowly(tls(version=version)).handshake()
    data = t.whole()
    t.write(data)
    t.shut()'
	for _ in 1 2; do
		trusting localhost "$port" <data >got
		cmp data got
	done
	finish "$pid"
}

@test "connect --tls: a slow reader on either side loses nothing" {
	random_file 2M data
	tls_server '
data = open("data", "rb").read()
t = tls().handshake()
told("now")
t.write(data)
t.notify()
assert t.whole() == data
save(b"same")'
	mkfifo now out in
	trusting localhost "$port" <in >out &
	client=$!
	pids+=("$client")
	exec 5>in 6<out
	cat data >&5 &
	pids+=("$!")
	exec 5>&-
	echo >now
	head -c 1 <&6 >first
	cat first - <&6 | cmp - data || cat err server.err
	finish "$client"
	finish "$pid"
	test -s got
}

@test "connect --tls: what OpenSSL has read is printed at once, though the socket is silent" {
	tls_server '
t = tls().handshake()
told("begin")
t.tls.write(b"one\n"); t.tls.write(b"two\n"); t.tls.write(b"x" * 16000); t.tls.write(b"y" * 50000 + b"\n")
t.flush()
told("now")
t.shut()'
	mkfifo begin now out
	trusting -v -n localhost "$port" >out 2>err &
	pids+=("$!")
	exec 6<out
	# if it came with the handshake, more would be looked for anyway
	eventually grep -q TLSv err
	echo >begin
	head -c 66009 <&6 | md5sum >sum
	echo >now
	assert_equal "$(<sum)" "$({ printf 'one\ntwo\n'; head -c 16000 /dev/zero | tr '\0' x; head -c 50000 /dev/zero | tr '\0' y; echo; } | md5sum)"
	finish "${pids[-1]}"
}

@test "connect --tls: TLS 1.3 renews its keys, TLS 1.2 renegotiates nothing, and no byte is lost" {
	local version status
	mkfifo lines said
	for version in 1.2 1.3; do
		rm -f err got # those of the version before
		exec 5<>lines 7<>said
		at_port_0 "${typing[@]}" openssl s_server -accept 127.0.0.1:0 \
			-naccept 1 -cert "$certs/localhost.pem" >out.server 2>err.server 5>&-
		only "$version" trusting -v --tls-lax-eof localhost "$port" <&7 >got 5>&- &
		pids+=("$!")
		eventually grep -q TLSv err
		echo one >&5
		eventually grep -q one got
		# its commands: r renegotiates, k renews its keys, K those of both
		test "$version" = 1.2 || printf '%s\n' k 2 K 3 K K k 4 >&5
		test "$version" = 1.3 || printf '%s\n' r >&5
		if test "$version" = 1.3; then
			eventually grep -q 4 got
			# once it has read the keys before this, its end is no reset
			echo read >&7
			eventually grep -q read out.server
			exec 5>&-
		fi
		status=0
		finish "${pids[-1]}" || status=$?
		exec 5>&- # in 1.2 the server itself ends, by the refusal
		cat err
		test "$version" = 1.2 || assert_equal "$status $(xargs <got)" '0 one 2 3 4'
		test "$version" = 1.3 || assert_equal "$status $(xargs <got)" '1 one'
		test "$version" = 1.3 || grep -q 'TLS: .*handshake failure' err
	done
}

@test "connect --tls: SSLKEYLOGFILE has the same keys as the server's" {
	local version
	: >in
	for version in 1.2 1.3; do
		openssl_server localhost -keylogfile server.keys
		SSLKEYLOGFILE=client.keys only "$version" trusting localhost "$port" </dev/null
		eventually have_ended "$pid"
	done
	assert_equal "$(stat -c %a client.keys)" 600
	assert_equal "$(grep -c ^CLIENT_RANDOM client.keys)" 1
	diff <(grep -v '^#' server.keys | sort) <(sort client.keys)
}

@test "connect --tls: through SOCKS5, HTTP and both, the server's name is checked" {
	local proxy proxies
	random_file 300k data
	dante
	proxy=socks5h://127.0.0.1:$port
	http_proxy
	proxies=("--proxy $proxy" "--proxy http://127.0.0.1:$port" "--proxy http://127.0.0.1:$port --proxy $proxy")
	plain_echo
	haproxy_server localhost
	for proxy in "${proxies[@]}"; do
		trusting $proxy localhost "$port" <data >got
		cmp data got
		fails 1 'TLS: the certificate of 127.0.0.1 is not trusted: IP address mismatch' \
			$proxy --tls-ca "$certs/ca.crt" 127.0.0.1 "$port"
	done
}

@test "connect --tls: a start without it loads no libssl" {
	local loaded='/libssl|/libcrypto'
	start listen -k 127.0.0.1:0
	talk 127.0.0.1 "$port"
	echo hello >&5
	eventually grep -q hello out.0
	grep -q /libc.so "/proc/${pids[0]}/maps"
	test "$(grep -lE "$loaded" "/proc/${pids[0]}/maps" "/proc/$(pgrep -P "$pid")/maps" | wc -l)" -eq 0
	rm in out
	start echo --tls 127.0.0.1:0
	grep -qE "$loaded" "/proc/$pid/maps"
}
