# Sourced by tests of --tls: certificates, real peers on a free port, and what
# scripted peers need (tls_peer.py).
# shellcheck shell=bash disable=SC2034,SC2154

load proxy # find_peer, serve, nginx

export PYTHONPATH=$BATS_TEST_DIRNAME PYTHONDONTWRITEBYTECODE=1
certs=${BATS_FILE_TMPDIR:-}/certs

# certificates: makes in $certs, once for a file: localhost, other (a name that
# nobody asks for), ip, expired, chained (there is an authority between), and
# client, all by the authority ca; and self and stranger, which signed
# themselves. NAME.crt is the certificate, NAME.key its key, NAME.pem has both.
certificates() {
	mkdir "$certs"
	(
		cd "$certs"
		certificate ca '' basicConstraints=critical,CA:TRUE
		certificate self '' subjectAltName=DNS:localhost
		certificate stranger '' subjectAltName=DNS:localhost
		certificate localhost ca subjectAltName=DNS:localhost
		certificate other ca subjectAltName=DNS:other.example
		certificate ip ca subjectAltName=IP:127.0.0.1,IP:::1
		certificate client ca extendedKeyUsage=clientAuth
		certificate between ca basicConstraints=critical,CA:TRUE
		certificate chained between subjectAltName=DNS:localhost
		cat between.crt >>chained.pem
		expired
		for version in 1.2 1.3; do
			printf '%s\n' 'openssl_conf = a' '[a]' 'ssl_conf = b' '[b]' \
				'system_default = c' '[c]' \
				"MaxProtocol = TLSv$version" >"only-$version"
		done
	) 2>"$certs/log" || fail "$(<"$certs/log")"
}

# certificate NAME SIGNER EXTENSION: by itself, if there is no signer.
certificate() {
	openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes \
		-days 30 -subj "/CN=$1" -addext "$3" -keyout "$1.key" -out "$1.crt" \
		${2:+-CA "$2.crt" -CAkey "$2.key"}
	cat "$1.crt" "$1.key" >"$1.pem"
}

# Its last day was yesterday.
expired() {
	openssl req -new -key localhost.key -subj /CN=expired |
		openssl x509 -req -CA ca.crt -CAkey ca.key -days -1 \
			-extfile <(echo subjectAltName=DNS:localhost) -out expired.crt
	cat expired.crt localhost.key >expired.pem
}

# pin_of NAME: prints the pin of that certificate's key.
pin_of() {
	printf 'sha256//%s\n' "$(openssl x509 -in "$certs/$1.crt" -pubkey -noout |
		openssl pkey -pubin -outform DER |
		openssl dgst -sha256 -binary | base64)"
}

# only VERSION COMMAND...: whatever uses OpenSSL there has no later version of
# TLS, by the system's policy.
only() {
	OPENSSL_CONF=$certs/only-$1 "${@:2}"
}

# bound: $pid listens on IPv4; sets $port.
bound() {
	port=$(ss -Hltnp4 | awk -v pid="pid=$pid," 'index($0, pid) {
		sub(/.*:/, "", $4)
		print $4
		exit
	}')
	test -n "$port"
}

# at_port_0 COMMAND...: a server in the background, which takes a port that is
# free; sets $port.
at_port_0() {
	background "$@"
	eventually bound
}

# fed COMMAND...: the same, with the file in as its stdin.
fed() {
	at_port_0 bash -c 'exec "$@" <in' bash "$@"
}

# "${typing[@]}" COMMAND...: its stdin are the lines of the fifo lines, each in a
# read(2) of its own, as at a terminal: openssl looks for its commands there.
typing=(python3 -c '
import os, socket, sys
a, b = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
if os.fork():
    os.dup2(b.fileno(), 0)
    os.execvp(sys.argv[1], sys.argv[1:])
b.close()
for line in open("lines"): a.send(line.encode())')

# openssl_server CERTIFICATE [ARG...]: for one client, which gets the file in,
# until its end. What the client sends is in the file sent.
openssl_server() {
	fed openssl s_server -accept 127.0.0.1:0 -quiet -naccept 1 \
		-cert "$certs/$1.pem" "${@:2}" >sent 2>err.server
}

ncat_server() {
	fed ncat -l --ssl --ssl-cert "$certs/$1.pem" --ssl-key "$certs/$1.pem" \
		"${@:2}" 127.0.0.1 0 >sent 2>err.server
}

# These terminate TLS, and pass on what is in it to port $behind of 127.0.0.1.
socat_server() {
	at_port_0 socat -t 30 "OPENSSL-LISTEN:0,bind=127.0.0.1,fork,cert=$certs/$1.pem,${2:-verify=0}" \
		"TCP:127.0.0.1:$behind" 2>err.server
}

# stunnel_server CERTIFICATE [LINE...]: in its configuration.
stunnel_server() {
	stunnel "accept = 127.0.0.1:0" "connect = 127.0.0.1:$behind" \
		"cert = $certs/$1.pem" "${@:2}"
}

stunnel() {
	find_peer stunnel4 usr/bin/stunnel4
	printf '%s\n' 'foreground = yes' 'pid =' '[tests]' "$@" >stunnel.conf
	at_port_0 "$peer" stunnel.conf 2>err.server
}

# haproxy_server CERTIFICATE [WORD...]: behind its bind.
haproxy_server() {
	reserve
	haproxy "bind 127.0.0.1:$port ssl crt $certs/$1.pem ${*:2}" \
		"server s 127.0.0.1:$behind"
}

haproxy() {
	find_peer haproxy usr/sbin/haproxy
	printf '%s\n' defaults 'mode tcp' 'timeout client 60s' \
		'timeout server 60s' 'timeout connect 60s' 'listen l' "$@" >haproxy.cfg
	serve "$peer" -db -f haproxy.cfg
}

# gnutls_server CERTIFICATE: an echo of its own.
gnutls_server() {
	at_port_0 gnutls-serv --echo -q -p 0 --x509certfile "$certs/$1.pem" \
		--x509keyfile "$certs/$1.pem" >out.server 2>err.server
}

# nginx_server CERTIFICATE [LINE...]: serves the files of the test's directory.
nginx_server() {
	find_peer nginx usr/sbin/nginx
	reserve
	nginx "server {
		listen 127.0.0.1:$port ssl;
		ssl_certificate $certs/$1.pem;
		ssl_certificate_key $certs/$1.pem;
		ssl_protocols TLSv1.2 TLSv1.3;
		root $PWD;
		${*:2}
	}"
}

# plain_echo: an echo without TLS; sets $behind.
plain_echo() {
	start echo 127.0.0.1:0
	behind=$port
}

# of_event KIND FIELD... FILE: these fields of all such events there, one event
# a line.
of_event() {
	jq -r "select(.event == \"$1\") | [$(printf '.%s,' "${@:2:$#-2}") empty] | map(tostring) | join(\" \")" "${@: -1}"
}

# py_tls ARG... <<CODE: runs clients in Python, which find in tls(PORT, ...) a
# client after its handshake, in dial(PORT) a plain one, and the words in args.
py_tls() {
	{
		cat <<-'END'
			import os, select, signal, socket, ssl, struct, sys, threading
			from tls_peer import Tls, context
			args = sys.argv[2:]
			certs = sys.argv[1] + "/"
			socket.setdefaulttimeout(50)
			def dial(port):
			    return socket.create_connection(("127.0.0.1", int(port)))
			def new(port, ca="ca", cert=None, **more):
			    c = context(ca=ca and certs + ca + ".crt",
			        cert=cert and certs + cert + ".pem", **more)
			    return Tls(dial(port), c)
			def tls(port, **more):
			    return new(port, **more).handshake()
			def whole(s):
			    return b"".join(iter(lambda: s.recv(1 << 16), b""))
			def reset(s):
			    s.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
			    s.close()
			def hello(t):   # the ClientHello, which is not sent
			    try: t.tls.do_handshake()
			    except ssl.SSLWantReadError: pass
			    return t.out.read()
			def ended(s):
			    try: return whole(s)
			    except OSError: return b""
		END
		cat
	} >py.tls
	timeout "$((90 + ${WHOLE:+600} + 0))" python3 py.tls "$certs" "$@" 3>&-
}
