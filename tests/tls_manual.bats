#!/usr/bin/env bats
# What rpnc-tls(7) shows, typed in real terminals as it is written there, and the
# same without a terminal. Only the pin is the one that the listener has printed.
# shellcheck disable=SC2016,SC2030,SC2031,SC2154

load helpers
load terminal
load tls
load shown
load shown_terminal

texts() {
	cat "$root/man/rpnc-tls.7"
}

setup_file() {
	certificates
	cd "$certs" || return
	certificate server ca subjectAltName=DNS:server 2>>log
}

# printed_pin FILE: sets $pin to the one that is in it.
printed_pin() {
	eventually grep -qF 'sha256//' "$1" || fail "$(<"$1")"
	pin=$(grep -oE 'sha256//[A-Za-z0-9+/]{43}=' "$1")
}

@test "rpnc-tls(7): every command that is shown is typed here" {
	all_are_typed "$BATS_TEST_FILENAME"
	test "$(wc -l <all_shown)" -eq 4
}

@test "rpnc-tls(7): a pin in place of files" {
	local by_pin='rpnc connect --tls --tls-pin sha256//dS8U...= server 9000'
	is_shown 'rpnc connect --tls --tls-pin sha256//dS8U...= server 9000'
	at a 'rpnc listen --tls 9000' 'listening on' 'TLS key made'
	screen a >shown_in_a
	printed_pin shown_in_a
	open b
	running[b]=${by_pin/sha256*=/"$pin"}
	enter b "${running[b]}"
	sees b connected
	enter b 'hello from b'
	sees a 'hello from b'
	enter a 'hello from a'
	sees b 'hello from a'
	keys b C-d
	over b
	assert_equal "$status" 0
	over a
	assert_equal "$status" 0

	elsewhere rpnc listen --tls 9000 </dev/null >out.listen 2>err.listen
	printed_pin err.listen
	run "${inside[@]}" bash -c "echo hello | ${by_pin/sha256*=/"$pin"}" 3>&-
	assert_equal "$status" 0
	finish "$pid"
	assert_equal "$(<out.listen)" hello
}

@test "rpnc-tls(7): a certificate from a file" {
	cp "$certs/server.pem" .
	cp "$certs/ca.crt" ca.pem
	at a 'rpnc echo -r -w 2 --tls --tls-cert server.pem 9000' 'listening on'
	says 'echo hello | rpnc connect --tls --tls-ca ca.pem server 9000' hello
	run "${inside[@]}" bash -c 'echo hello | rpnc connect --tls --tls-ca ca.pem server 9000' 3>&-
	assert_equal "$status $output" '0 hello'
	interrupted a 'nothing lost'
	elsewhere rpnc echo -r -w 2 --tls --tls-cert server.pem 9000 </dev/null >/dev/null 2>&1
	eventually served
	finish "$pid" || true
}

# served: such a client is answered, after the server has begun.
served() {
	test "$("${inside[@]}" bash -c 'echo hello | rpnc connect -q --tls --tls-ca ca.pem server 9000' 3>&- 2>/dev/null)" = hello &&
		kill "$pid"
}
