#!/usr/bin/env bats
# connect --proxy at a prompt, in a real terminal.
# shellcheck disable=SC2154

load helpers
load terminal
load connect
load proxy

@test "connect --proxy: at a terminal the prompt says the server and its proxy" {
	server "$scripted"'
c = accept(); http(c); c.sendall(b"HTTP/1.1 200 OK\r\n\r\nwelcome\n")
c.sendall(b"you said " + exactly(c, 3)); everything(c)'
	pane k rpnc connect --proxy "http://127.0.0.1:$port" a.example 80
	sees k "connected to a.example:80 through 127.0.0.1:$port" welcome
	unseen k 'accepted by'
	tm send-keys -t k -l hi
	tm send-keys -t k Enter
	sees k 'you said hi'
}

@test "connect --proxy: at a terminal a refusal is one line, and no prompt" {
	server "$scripted"'
socks(c := accept()); asked(c); c.sendall(bytes([5, 5, 0, 1, 0, 0, 0, 0, 0, 0]))'
	shell k
	tm send-keys -t k -l "rpnc connect --proxy socks5h://127.0.0.1:$port a.example 80; echo status=\$?"
	tm send-keys -t k Enter
	sees k 'a.example:80: connection refused (SOCKS reply 5)' 'status=1'
	prompts k '$'
}
