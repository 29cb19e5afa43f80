#!/usr/bin/env bats
# listen --tls: what it shows to real clients, and whom it lets in.
# shellcheck disable=SC2016,SC2030,SC2031,SC2034,SC2086,SC2094,SC2154,SC2317

load listen
load tls

setup_file() {
	certificates
}

# printed_pin N: sets $pin to the one in err.N.
printed_pin() {
	pin=$(grep -o 'sha256//[A-Za-z0-9+/]*=' "err.$1")
}

# talks VERSION COMMAND...: a listener that has the file data for its client,
# which is COMMAND, and has the file up. Both get all.
talks() {
	local last=${#pids[@]}
	only "$1" start_with data listen -v --tls --tls-cert "$certs/localhost.pem" 127.0.0.1:0
	: >got
	"${@:2}" <up >got 2>err.client || true
	finish "$pid"
	cmp up "out.$last"
	cmp data got
	grep -q "TLSv$1, .*name localhost" "err.$last"
}

# clients of talks, which half-close; $port is the listener's
with_socat() {
	timeout 30 socat -t 30 - "OPENSSL:localhost:$port,cafile=$certs/ca.crt"
}

with_stunnel() {
	local server=$pid to=$port
	stunnel 'client = yes' accept=127.0.0.1:0 "connect = localhost:$to" \
		'verifyChain = yes' "CAfile = $certs/ca.crt" 'checkHost = localhost'
	timeout 30 rpnc connect "$port"
	pid=$server
}

with_haproxy() {
	local server=$pid to=$port
	reserve
	haproxy "bind 127.0.0.1:$port" "server s 127.0.0.1:$to ssl verify required ca-file $certs/ca.crt verifyhost localhost sni str(localhost)"
	timeout 30 rpnc connect "$port"
	pid=$server
}

@test "listen --tls: --tls-pin chooses the clients of a program on all addresses" {
	local of
	of=sha256//$(openssl x509 -in "$certs/client.pem" -noout -pubkey |
		openssl pkey -pubin -outform der | openssl dgst -sha256 -binary | base64)
	rpnc() {
		exec "$RPNC" listen -k --tls --tls-cert "$certs/localhost.pem" \
			--tls-pin "$of" --ready-fd 4 0.0.0.0:0 -- cat
	}
	start
	unset -f rpnc
	set -- connect --tls --tls-ca "$certs/ca.crt" localhost "$port"
	run -0 timeout 20 rpnc "$@" --tls-cert "$certs/client.pem" <<<hello
	assert_output hello
	run ! timeout 20 rpnc "$@" --tls-cert "$certs/localhost.pem" <<<hello
	refute_output hello
}

@test "listen --tls: makes a key and prints its pin, which curl and connect trust" {
	printf 'HTTP/1.0 200 OK\r\n\r\nhello\n' >data
	start_with data listen --tls --json 127.0.0.1:0
	pin=$(of_event key pin out.0)
	[[ $pin == sha256//*= ]]
	assert_equal "$(curl -sk --pinnedpubkey "$pin" "https://localhost:$port/")" hello
	finish "$pid"
	start_with data listen -k --tls 127.0.0.1:0
	printed_pin 1
	# from a day before to a year after, for a client whose clock is wrong
	openssl s_client -connect "localhost:$port" </dev/null 2>/dev/null | openssl x509 >made.crt
	openssl x509 -in made.crt -noout -checkend "$((300 * 86400))"
	refute openssl x509 -in made.crt -noout -checkend "$((400 * 86400))"
	test "$(date -d "$(openssl x509 -in made.crt -noout -startdate | cut -d= -f2)" +%s)" -lt \
		"$((EPOCHSECONDS - 80000))"
	run -90 curl -sk --pinnedpubkey "${pin/\/\/?/\/\/_}" "https://localhost:$port/"
	timeout 20 rpnc connect --tls --tls-pin "$pin" localhost "$port" <data
	cmp data out.1
}

@test "listen --tls: socat, stunnel and haproxy verify it: 300 kB each way, half-closed, in TLS 1.2 and 1.3" {
	local client version
	head -c 300K /dev/urandom >data
	head -c 300K /dev/urandom >up
	for version in 1.2 1.3; do
		for client in socat stunnel haproxy; do
			talks "$version" "with_$client"
		done
	done
}

@test "listen --tls: s_client and ncat verify it, and get or send a file" {
	local version verify=(-CAfile "$certs/ca.crt" -verify_return_error -verify_hostname localhost)
	# s_client takes some letters for commands
	head -c 225K /dev/urandom | base64 | tr -d BCKQRk >data
	mkfifo hold
	exec 5<>hold
	for version in 1.2 1.3; do
		only "$version" start_with hold listen --tls --tls-cert "$certs/localhost.pem" 127.0.0.1:0
		timeout 30 openssl s_client -quiet -no_ign_eof "${verify[@]}" -connect "localhost:$port" <data 2>err
		finish "$pid"
		cmp data "out.$((${#pids[@]} - 1))"
		only "$version" start_with data listen --tls --tls-cert "$certs/localhost.crt" --tls-key "$certs/localhost.key" 127.0.0.1:0
		timeout 30 openssl s_client -quiet "${verify[@]}" -connect "localhost:$port" </dev/null 2>err | cmp - data
		finish "$pid"
		only "$version" start_with data listen --tls --tls-lax-eof --tls-cert "$certs/chained.pem" 127.0.0.1:0
		timeout 30 ncat --recv-only --ssl --ssl-verify --ssl-trustfile "$certs/ca.crt" localhost "$port" | cmp - data
		finish "$pid"
	done
}

@test "listen --tls-ca: only a client with a certificate of it comes in" {
	local cert
	start listen -k --tls --json --tls-cert "$certs/localhost.pem" --tls-ca "$certs/ca.crt" 127.0.0.1:0
	for cert in '' stranger self client; do
		timeout 20 gnutls-cli --logfile=gnutls.log --x509cafile "$certs/ca.crt" -p "$port" \
			${cert:+--x509certfile "$certs/$cert.crt" --x509keyfile "$certs/$cert.key"} \
			localhost <<<"gnutls $cert" 2>/dev/null || true
		timeout 20 socat -t 20 - "OPENSSL:localhost:$port,cafile=$certs/ca.crt${cert:+,cert=$certs/$cert.pem}" \
			<<<"socat $cert" 2>/dev/null || true
		timeout 20 rpnc connect --tls --tls-ca "$certs/ca.crt" ${cert:+--tls-cert "$certs/$cert.pem"} \
			localhost "$port" <<<"rpnc $cert" 2>/dev/null || true
	done
	assert_equal "$(of_event data text out.0 | xargs)" 'gnutls client socat client rpnc client'
	assert_equal "$(of_event closed reason out.0 | sort | uniq -c | xargs)" '3 end 9 no-tls'
	assert_equal "$(of_event tls verified pin out.0 | uniq)" "true $(pin_of client)"
}

@test "listen --tls: who fails, ends or stalls in the handshake is not the one client" {
	start listen -v --tls --tls-cert "$certs/localhost.pem" 127.0.0.1:0
	py_tls "$port" <<-'END'
		stalls = [dial(args[0]) for i in range(3)]
		stalls[1].sendall(b"\x16")
		stalls[2].sendall(hello(Tls(stalls[2], context())))
		dial(args[0]).close()
		reset(dial(args[0]))
		s = dial(args[0])
		s.sendall(b"GET / HTTP/1.0\r\n\r\n")
		ended(s)
		s = dial(args[0])
		s.sendall(b"\x16\3\1\2\0\1\0\1\xfc\3\3" + b"x" * 600)
		ended(s)
		try: tls(args[0], ca="self")
		except ssl.SSLError: pass
		t = tls(args[0])
		t.write(b"hello")
		t.exchange(b"")
		for s in stalls: ended(s)
	END
	finish "$pid"
	assert_equal "$(<out.0)" hello
	test "$(grep -c '(no-tls)' err.0)" -ge 5
	# an attacker makes no flood of lines
	assert_equal "$(grep -c '^rpnc' err.0)" 1
}

@test "listen, echo --tls: a client without TLS learns by a reset that its bytes went nowhere" {
	local command
	for command in 'listen -k' echo 'echo -w 1 --accept fork'; do
		start $command --tls 127.0.0.1:0
		run -1 --separate-stderr timeout 20 rpnc connect 127.0.0.1 "$port" <<<hello
		[[ $stderr == *'Connection reset by peer'* ]]
		# one that says nothing gets an alert, and is ended in order
		timeout 20 rpnc connect 127.0.0.1 "$port" </dev/null >alert
	done
}

@test "listen --tls: a bad file is status 2, and it does not listen" {
	local want
	refused_with() {
		want=$1
		run -2 --separate-stderr timeout 20 rpnc "${@:2}" --tls 127.0.0.1:0
		assert_equal "${#stderr_lines[@]}" 1
		[[ ${stderr_lines[0]} == *"$want"* ]]
	}
	openssl ec -in "$certs/self.key" -aes256 -passout pass:secret -out locked.key 2>err
	for command in 'listen' 'echo' 'echo -r -w 2'; do
		refused_with '--tls-key' $command --tls-cert "$certs/self.crt" --tls-key "$certs/client.key"
		refused_with '--tls-cert none: No such file' $command --tls-cert none
		refused_with '--tls-ca none: No such file' $command --tls-ca none
		refused_with '--tls-cert' $command --tls-key "$certs/client.key"
		refused_with '--tls-alpn' $command --tls-alpn ''
		refused_with 'no private key in PEM' $command --tls-cert "$certs/self.crt"
		refused_with 'no certificate in PEM' $command --tls-cert "$certs/self.key"
		refused_with 'no certificate in PEM' $command --tls-cert /dev/null
	done
	refused_with 'datagrams' listen -u
	# standard input is data, and never a password
	refused_with 'the key has a password' listen --tls-cert "$certs/self.crt" --tls-key locked.key <<<secret
	{
		timeout 20 rpnc listen --tls --tls-cert "$certs/self.crt" --tls-key locked.key 127.0.0.1:0 2>err || true
		cat >left
	} <<<secret
	assert_equal "$(<left)" secret
}
