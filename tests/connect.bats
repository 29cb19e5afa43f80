#!/usr/bin/env bats
# shellcheck disable=SC2016,SC2030,SC2031,SC2154 # a test is a shell; loaded names
# rpnc connect: addresses, options, datagrams, signals and terminals.

bats_require_minimum_version 1.5.0
load helpers
load connect

# --- addresses --------------------------------------------------------

@test "connect: all ways to write an IPv4 address" {
	start echo 127.0.0.1 0
	for address in "127.0.0.1 $port" "127.0.0.1:$port" "$port" "-4 $port" \
		"localhost $port" "localhost:$port" "--numeric 127.0.0.1:$port"; do
		# shellcheck disable=SC2086
		run -0 connect -v $address <<<hello
		assert_line hello
		assert_line "#1 127.0.0.1:$port connected"
	done
}

@test "connect: all ways to write an IPv6 address" {
	needs_ipv6
	start echo ::1 0
	for address in "::1 $port" "[::1]:$port" "[::1] $port" "$port" "-6 $port" \
		"--numeric [::1]:$port"; do
		# shellcheck disable=SC2086
		run -0 connect -v $address <<<hello
		assert_line hello
		assert_line "#1 [::1]:$port connected"
	done
}

@test "connect: all ways to write a Unix socket" {
	start echo -U "$PWD/a:1"
	for address in "-U $PWD/a:1" "-U a:1" "unix:$PWD/a:1" "unix:a:1"; do
		# shellcheck disable=SC2086
		run -0 connect $address <<<hello
		assert_output hello
	done
	local name=@rpnc-test-$$-$BATS_TEST_NUMBER
	start echo "unix:$name"
	run -0 connect -v "unix:$name" <<<hello
	assert_line hello
	assert_line "#1 unix:$name connected"
	run -0 connect -U "$name" <<<hello
	assert_output hello
}

@test "connect: a port may be a service's name, of the protocol in use" {
	getent services tftp/udp gopher/tcp || skip "no /etc/services here"
	run -1 connect 127.0.0.1 gopher </dev/null
	assert_output "rpnc connect: connect to 127.0.0.1:70: Connection refused"
	run -1 connect -u 127.0.0.1:tftp <<<x
	assert_output "rpnc connect: 127.0.0.1:69: Connection refused"
	run -2 connect 127.0.0.1 tftp </dev/null
	assert_output "rpnc connect: 'tftp' is neither a port number nor a known service: say HOST PORT"
}

@test "connect: an IPv6 address's scope goes in and comes out" {
	needs_ipv6
	# shellcheck disable=SC2016
	run -0 in_netns '
	ip addr add fe80::1/64 dev lo nodad
	mkfifo ready
	rpnc echo fe80::1%lo 0 --ready-fd 4 4>ready </dev/null >report 2>&1 &
	read -r address <ready
	port=${address##*:}
	echo "$address" | sed "s/$port/PORT/"
	echo 1 | rpnc connect -v "$address" 2>&1 | sed "s/$port/PORT/"
	echo 2 | rpnc connect fe80::1%lo "$port"
	echo 3 | rpnc connect fe80::1%1 "$port"
	status=0
	rpnc connect fe80::1%none "$port" 2>&1 || status=$?
	echo "$status"
	kill $! && wait $! || true' 2>/dev/null
	assert_line -n 0 '[fe80::1%lo]:PORT'
	assert_line '#1 [fe80::1%lo]:PORT connected'
	assert_line 1
	assert_line 2
	assert_line 3
	assert_line --partial 'rpnc connect: fe80::1%none: '
	assert_equal "${lines[-1]}" 3
}

@test "connect: an address of the wrong family is a usage error" {
	for words in "-4 ::1 9" "-6 127.0.0.1 9" "-4 [::1]:9" "-6 127.0.0.1:9" \
		"-4 -U path" "-6 unix:path" "-4 -s ::1 9" "-6 -s 127.0.0.1 9"; do
		# shellcheck disable=SC2086
		run -2 connect $words </dev/null
		assert_equal "${#lines[@]}" 1
	done
}

@test "connect: bad ports and addresses are usage errors that say why" {
	run -2 connect
	assert_output "rpnc connect: which port?"
	for words in 0 "127.0.0.1 0" 65536 127.0.0.1:65536 12x "127.0.0.1 12x" \
		nosuchservice "a b c" "[::1]" "::1:9" "[::1:9" ":9" "unix:" "-U a b" \
		"-U a -s 127.0.0.1" "-U a -p 9" "unix:a 9" "-p 0 9" "-p 65536 9"; do
		# shellcheck disable=SC2086
		run -2 connect $words </dev/null
		assert_equal "${#lines[@]}" 1
		assert_line --regexp '^rpnc connect: .{9}'
	done
	run -2 connect ''
	run -2 connect 127.0.0.1 ''
	run -2 connect '' 9
	run -2 connect -s '' 9
	run -2 connect -- -1
	run -2 connect -U "$(printf 'x%.0s' {1..108})"
	assert_output --partial "at most 107"
}

@test "connect: a host that can't be found is status 3" {
	run -3 connect --connect-timeout 60 no.such.host.invalid 9 </dev/null
	assert_output --regexp '^rpnc connect: no.such.host.invalid: '
	run -3 connect --numeric localhost 9 </dev/null
	assert_output --regexp '^rpnc connect: localhost: '
}

@test "connect: a refused connection is status 1, told in one line" {
	server 's.close()'
	run -1 connect 127.0.0.1 "$port" </dev/null
	assert_output "rpnc connect: connect to 127.0.0.1:$port: Connection refused"
	run -1 connect -U nowhere </dev/null
	assert_output "rpnc connect: connect to unix:nowhere: No such file or directory"
	touch file
	run -1 connect -U file </dev/null
	assert_output "rpnc connect: connect to unix:file: Connection refused"
}

@test "connect: a server that does not answer is status 4 after --connect-timeout" {
	mkfifo full
	server 'fill(s); tell("full"); signal.pause()'
	read -r <full
	run -4 connect --connect-timeout 0.1 127.0.0.1 "$port" </dev/null
	assert_output "rpnc connect: connect to 127.0.0.1:$port: $(errno_text ETIMEDOUT)"
	run -4 connect --connect-timeout 50ms --wait 100ms 127.0.0.1 "$port" </dev/null
	assert_output "rpnc connect: connect to 127.0.0.1:$port: $(errno_text ETIMEDOUT)"
}

@test "connect: a Unix server whose queue is full is status 4 too" {
	mkfifo full
	KIND=unix server 'fill(s); tell("full"); signal.pause()'
	read -r <full
	run -4 connect --connect-timeout 0.1 -U socket </dev/null
	assert_output "rpnc connect: connect to unix:socket: $(errno_text ETIMEDOUT)"
}

# waits_with_socket PID: it sleeps, and has a socket.
waits_with_socket() {
	grep -q '^State:.S' "/proc/$1/status" &&
		[[ $(readlink "/proc/$1/fd/"*) == *socket:* ]]
}

@test "connect: one that is stopped while a Unix server's queue is full goes on waiting" {
	mkfifo full go
	KIND=unix server 'fill(s); tell("full"); told("go")
while True:
    c = accept()
    c.sendall(b"hello")
    c.close()'
	read -r <full
	background rpnc connect -U socket </dev/null >got
	eventually waits_with_socket "$pid"
	halt "$pid"
	kill -CONT "$pid"
	echo >go
	finish "$pid"
	assert_equal "$(cat got)" hello
}

@test "connect: localhost is reached at once where only one family listens" {
	needs_ipv6
	for host in 127.0.0.1 ::1; do
		start echo "$host" 0
		no_leaks strace -qq -e trace=poll -o trace \
			rpnc connect "$port" <<<hello >out
		assert_equal "$(<out)" hello
		refute grep Timeout trace
	done
}

@test "connect: localhost is reached where IPv6 never answers" {
	needs_ipv6
	mkfifo full
	server 't = socket.socket(socket.AF_INET6); t.bind(("::1", s.getsockname()[1]))
fill(t); tell("full"); c = accept(); c.sendall(everything(c))'
	read -r <full
	run -0 connect -v --connect-timeout 5 "$port" <<<hello
	assert_line hello
	assert_line "#1 127.0.0.1:$port connected"
}

@test "connect: --wait retries until the server listens" {
	mkfifo trace listening 'go on'
	server 's.close(); s = socket.socket(); s.bind(("127.0.0.1", 0))
with open("late", "w") as f: f.write(str(s.getsockname()[1]))
tell("listening"); told("go on"); s.listen(); c = accept(); c.sendall(b"hi\n")'
	read -r <listening
	no_leaks background strace -qq -e trace=connect,getsockopt -o trace \
		rpnc connect --wait 20 127.0.0.1 "$(<late)" </dev/null >out
	exec 6<trace
	until [[ $line == *ECONNREFUSED* ]]; do
		read -r line <&6
	done
	echo now >'go on'
	cat <&6 >/dev/null
	finish "$pid"
	assert_equal "$(<out)" hi
}

@test "connect: --wait gives up with what the server last said, and how often it tried" {
	local tried='tried ([2-9]|[1-9][0-9]+) times within 0\.5 s'
	local ask='\. Is the server started, and is this its address\?'
	server 's.close()'
	run -1 connect --wait 0.5 127.0.0.1 "$port" </dev/null
	assert_output --regexp "^rpnc connect: connect to 127\.0\.0\.1:$port: Connection refused: $tried$ask$"
	run -1 connect --wait 0.5 -U nowhere </dev/null
	assert_output --regexp "unix:nowhere: No such file or directory: $tried$ask$"
	run -1 connect 127.0.0.1 "$port" </dev/null
	assert_output "rpnc connect: connect to 127.0.0.1:$port: Connection refused"
}

@test "connect: -s and -p choose the source" {
	start listen -v -k 127.0.0.1 0
	local source
	source=$(free_port)
	run -0 connect -s 127.0.0.5 "$port" </dev/null
	run -0 connect -p "$source" "$port" </dev/null
	run -0 connect -s 127.0.0.6 -p "$source" "$port" </dev/null
	run -0 connect -s localhost "$port" </dev/null
	run grep -c '^#1 127\.0\.0\.5:[0-9]* connected' err.0
	assert_output 1
	assert grep "^#2 127.0.0.1:$source connected" err.0
	assert grep "^#3 127.0.0.6:$source connected" err.0
	assert grep "^#4 127.0.0.1:[0-9]* connected" err.0
}

@test "connect: a source that can't be had is status 5" {
	start echo 127.0.0.1 0
	local other=$port
	start echo 127.0.0.1 0
	run -5 connect -s 127.0.0.1 -p "$other" "$port" </dev/null
	assert_output "rpnc connect: bind to 127.0.0.1:$other: $(errno_text EADDRINUSE)"
	run -5 connect -s 192.0.2.1 127.0.0.1 "$port" </dev/null
	assert_output --partial "bind to 192.0.2.1:0: $(errno_text EADDRNOTAVAIL)"
}

# --- options ----------------------------------------------------------

@test "connect: -n leaves stdin to others, and does not half-close" {
	echo kept >file
	mkfifo out go
	server 'c = accept()
for i in range(3): c.sendall(b"x\n"); told("go")
c.setblocking(False)
try: save(c.recv(9))
except BlockingIOError: save(b"open")
c.close()'
	(connect -n 127.0.0.1 "$port" && cat) <file >out 3>&- &
	pids+=("$!")
	exec 6<out
	# by the third it has looked at all there is to read
	for _ in 1 2 3; do
		read -r <&6
		echo now >go
	done
	run cat <&6
	assert_output kept
	finish "$pid"
	assert_equal "$(<got)" open
}

@test "connect: -x dumps both directions on stderr and leaves stdout alone" {
	start echo 127.0.0.1 0
	talk -x 127.0.0.1 "$port"
	for text in '0123456789abcdef\001' 'more'; do
		echo -en "$text" >&5
		head -c "$(echo -en "$text" | wc -c)" <&6 >>got
	done
	exec 5>&-
	finish "$pid"
	assert_equal "$(<got)" $'0123456789abcdef\001more'
	cat >expected <<-'END'
	> 00000000  30 31 32 33 34 35 36 37  38 39 61 62 63 64 65 66  |0123456789abcdef|
	> 00000010  01                                                |.|
	#1< 00000000  30 31 32 33 34 35 36 37  38 39 61 62 63 64 65 66  |0123456789abcdef|
	#1< 00000010  01                                                |.|
	> 00000011  6d 6f 72 65                                       |more|
	#1< 00000011  6d 6f 72 65                                       |more|
	END
	diff expected err
}

@test "connect: -x loses no line of a large transfer to a file" {
	random_file 300000 file
	start echo 127.0.0.1 0
	connect -x 127.0.0.1 "$port" <file >out 2>err
	cmp file out
	# the bytes: pieces are read as they come, so lines may differ
	assert_equal "$(awk -F'|' '/^#1</ { n += split($1, w, " ") - 2 } END { print n }' err)" 300000
	assert_equal "$(awk -F'|' '/^>/ { n += split($1, w, " ") - 2 } END { print n }' err)" 300000
	assert_equal "$(grep -c '^>' err)" 18750
}

@test "connect: --json tells payload as text where it is UTF-8, else as base64" {
	mkfifo go
	server 'c = accept(); everything(c)
for part in b"x\xc3", b"\xa9\0\"", b"\xff", b"y\xf0\x9f", b"\x98\x80", b"z\xe2\x82":
    c.sendall(part); told("go")'
	talk --json 127.0.0.1 "$port"
	echo 12345 >&5
	exec 5>&-
	for ((i = 0; i < 7; i++)); do
		read -r line <&6
		echo "$line" >>lines
		test "$i" -eq 0 || echo now >go
	done
	cat <&6 >>lines
	finish "$pid"
	"$PYTHON" - "$port" <<-'END'
	import json, re, sys
	events = [json.loads(line) for line in open("lines")]
	for e in events:
	    assert re.fullmatch(r"....-..-..T..:..:..\.\d{6}Z", e.pop("time")), e
	assert events[0] == {"event": "connected", "conn": 1, "name": None,
	    "address": "127.0.0.1", "port": int(sys.argv[1]),
	    "via": None, "via_port": None}, events[0]
	data = [{"text": "x"}, {"text": "\u00e9\0\""}, {"base64": "/w=="},
	    {"text": "y"}, {"text": "\U0001f600"}, {"text": "z"},
	    {"base64": "4oI="}]
	assert events[1:-1] == [{"event": "data", "conn": 1} | d
	    for d in data], events
	assert events[-1].pop("seconds") >= 0
	assert events[-1] == {"event": "closed", "conn": 1, "name": None, "in": 14, "out": 6,
	    "reason": "end"}, events[-1]
	END
}

@test "connect: --idle-timeout ends a silent connection with status 4" {
	start echo 127.0.0.1 0
	open_stdin
	run -4 connect --idle-timeout 0.1 127.0.0.1 "$port" <in
	assert_output "rpnc connect: 127.0.0.1:$port: nothing heard or said for 100 ms"
	run -4 connect -n --idle-timeout 100ms 127.0.0.1 "$port"
}

# fired N: N of the timers of the process that inject traces have fired.
fired() {
	test "$(grep -cE 'epoll_p?wait\(.*, [1-9][0-9]*(, NULL, 8)?\) *= 0$' trace)" -ge "$1"
}

@test "connect: --idle-timeout does not count while nobody reads stdout" {
	export ASAN_OPTIONS=${ASAN_OPTIONS:-}:detect_leaks=0
	start echo --chargen 127.0.0.1 0
	talk --idle-timeout 0.5 127.0.0.1 "$port"
	read -r line <&6
	inject "$pid" # nothing
	eventually fired 2
	head -c 1000000 <&6 >got
	assert_equal "$(wc -c <got)" 1000000
	kill "$pid"
	ends_with 143 "$pid"
	assert_equal "$(<err)" ''
}

# --- datagrams --------------------------------------------------------

@test "connect: datagrams keep their borders, and replies too" {
	KIND=udp server 'for i in range(3):
    d, a = s.recvfrom(99); s.sendto(b"<%s>" % d, a)'
	talk -u 127.0.0.1 "$port"
	for text in one two three; do
		printf %s "$text" >&5
		head -c $((${#text} + 2)) <&6 >>got
	done
	kill "$pid"
	ends_with 143 "$pid"
	assert_equal "$(<got)" "<one><two><three>"
}

@test "connect: datagrams with --json are one event each, empty ones too" {
	KIND=udp server 'd, a = s.recvfrom(99)
for d in b"one", b"", b"\xc3", b"\xa9": s.sendto(d, a)'
	talk --json -u 127.0.0.1 "$port"
	echo hello >&5
	for _ in {1..5}; do
		read -r line <&6
		echo "$line"
	done >got
	run -0 grep -oE '"(text|base64)":.*' got
	assert_output - <<-'END'
	"text":"one"}
	"text":""}
	"base64":"ww=="}
	"base64":"qQ=="}
	END
}

@test "connect: with -u it ends --linger after the end of stdin" {
	start echo -u 127.0.0.1 0
	run -0 connect -u 127.0.0.1 "$port" <<<hello
	assert_output hello
	run -0 connect -u --linger 0 127.0.0.1 "$port" <<<hello
}

# lingers DATAGRAM: what connect -u --linger 3 prints if that comes some time after
# the end of stdin. A datagram takes long to read; so its timer, which is set for
# 3 s after the end of stdin, fires, and is set again for 3 s after the datagram.
lingers() {
	export ASAN_OPTIONS=${ASAN_OPTIONS:-}:detect_leaks=0
	KIND=udp server 'd, a = s.recvfrom(99)
s.sendto(told("send").strip().encode(), a)'
	mkfifo send
	talk -u --linger 3 127.0.0.1 "$port"
	inject "$pid" recvfrom:delay_exit=300000
	echo hello >&5
	exec 5>&-
	echo "$1" >send
	cat <&6
	ends_with 0 "$pid"
	assert fired 2
}

@test "connect: --linger counts from the last datagram" {
	lingers one >got
	assert_equal "$(<got)" one
}

@test "connect: --linger counts from the last datagram, also from one without a byte" {
	lingers '' >got
	assert_equal "$(<got)" ''
	grep -q 'recvfrom.* = 0 ' trace
}

@test "connect: datagrams that are refused are status 1" {
	KIND=udp server 's.close()'
	run -1 connect -u 127.0.0.1 "$port" <<<hello
	assert_output "rpnc connect: 127.0.0.1:$port: Connection refused"
	open_stdin
	echo hello >&5
	run -1 connect -u 127.0.0.1 "$port" <in
	assert_output "rpnc connect: 127.0.0.1:$port: Connection refused"
}

@test "connect: Unix datagrams go both ways" {
	start echo -u -U socket
	talk -u -U socket
	echo hello >&5
	read -r line <&6
	assert_equal "$line" hello
	run -1 connect -U socket <<<hello
	assert_output "rpnc connect: connect to unix:socket: Protocol wrong type for socket: -u is for datagrams, --seqpacket for records, and neither for a stream"
}

@test "connect: no Unix datagram is lost on a server that is slow to read" {
	mkfifo go
	KIND=unix-udp server 'told("go")
got = b""
while len(got) < 4000000: got += s.recv(1 << 20)
save(got)'
	local server=$pid
	random_file 4000000 file
	rpnc connect -u -U --linger 0 socket <file 3>&- &
	pids+=("$!")
	echo now >go
	finish "$server"
	finish "${pids[-1]}"
	cmp file got
}

@test "connect: a server on every address replies from the one that was asked" {
	start echo -u 0
	for address in 127.0.0.1 127.0.0.2; do
		rm -f in out
		talk -u "$address" "$port"
		echo hello >&5
		read -r line <&6
		assert_equal "$line" hello
	done
}

# --- signals and terminals --------------------------------------------

@test "connect: a signal ends it with 128 and its number" {
	start echo 127.0.0.1 0
	for name in INT TERM HUP; do
		rm -f in out
		talk 127.0.0.1 "$port"
		echo hello >&5
		read -r <&6
		kill -s "$name" "$pid"
		ends_with $((128 + $(kill -l "$name"))) "$pid"
		assert_equal "$(<err)" ''
	done
}

@test "connect: a signal ends it though nobody reads stdout" {
	start echo --chargen 127.0.0.1 0
	talk 127.0.0.1 "$port"
	read -r <&6
	kill "$pid"
	ends_with 143 "$pid"
}

@test "connect: nohup keeps it alive" {
	start echo 127.0.0.1 0
	mkfifo in out
	(trap '' HUP && exec rpnc connect 127.0.0.1 "$port" <in >out 3>&-) &
	pid=$!
	pids+=("$pid")
	exec 5>in 6<out
	for text in before after; do
		echo "$text" >&5
		read -r line <&6
		assert_equal "$line" "$text"
		kill -HUP "$pid"
	done
	exec 5>&-
	ends_with 0 "$pid"
}

# on_other_terminal COMMAND...: its stdin is a terminal that is not the controlling
# one, as a serial line is. A line is typed and comes back; then ^D. The status.
on_other_terminal() {
	timeout 30 "$PYTHON" -c 'if True:
		import os, subprocess, sys
		keys, line = os.openpty()
		p = subprocess.Popen(sys.argv[1:], stdin=line, stdout=subprocess.PIPE,
		    start_new_session=True)
		os.write(keys, b"typed\n")
		assert p.stdout.readline() == b"typed\n"
		os.write(keys, b"\4")
		sys.exit(p.wait())' "$@" 3>&-
}

@test "connect: a terminal that is not the controlling one is read" {
	start echo 127.0.0.1 0
	on_other_terminal rpnc connect 127.0.0.1 "$port"
}

@test "connect: what a peer sends is escaped on a terminal, and raw elsewhere" {
	printf '\033[31mred\007 caf\303\251 \302\233 \342\200\256\377\r\n' >file
	start_with file listen -r 127.0.0.1 0
	TERM=xterm run -0 timeout 20 script -qec "rpnc connect 127.0.0.1:$port </dev/null" typescript
	assert_output "$(printf '\\e[31mred\\x07 caf\303\251 \\xc2\\x9b \\xe2\\x80\\xae\\xff\r')"
}

@test "connect: characters that turn text around, have no width, or end a line are escaped" {
	printf '\u061c\u200b\u200f\u2028\u2029\u202a\u2066\ufeff \u200a\u2010\u2027\u202f\u206a\u0600\n' >file
	start_with file listen -r 127.0.0.1 0
	TERM=xterm run -0 timeout 20 script -qec "rpnc connect 127.0.0.1:$port </dev/null" typescript
	assert_output "$(printf '%s \u200a\u2010\u2027\u202f\u206a\u0600\r' \
		'\xd8\x9c\xe2\x80\x8b\xe2\x80\x8f\xe2\x80\xa8\xe2\x80\xa9\xe2\x80\xaa\xe2\x81\xa6\xef\xbb\xbf')"
}

@test "connect: a character that comes in two reads is whole on a terminal" {
	mkfifo go
	server 'c = accept(); c.sendall(b"caf\xc3"); told("go")
c.sendall(b"\xa9\n\xc3"); c.close()'
	mkfifo screen
	script -qefc "rpnc connect 127.0.0.1:$port </dev/null" screen </dev/null >out 3>&- &
	pid=$!
	pids+=("$pid")
	exec 6<screen
	until [[ $line == *caf ]]; do
		read -r -N 1 c <&6
		line+=$c
	done
	echo now >go
	cat <&6 >rest
	ends_with 0 "$pid"
	assert grep "$(printf '\303\251')" rest
	assert grep -F '\xc3' rest
}
