#!/usr/bin/env bats
# A connection that is closed before all is sent, or used, ends by a reset: after
# a FIN the other end would take a part for all, and end with status 0.
# shellcheck disable=SC2154

load listen

setup_file() {
	export FILE=$BATS_FILE_TMPDIR/file
	head -c 33554432 /dev/zero >"$FILE"
}

# idle_client [N [ROOM]]: connects to $port, sends N bytes, and reads nothing
# before sees; ROOM: its receive buffer.
idle_client() {
	rm -f ready go
	mkfifo ready go
	behind "$port" "${1:-0}" "${2:-65536}" >seen <<-'END'
		s = socket.socket()
		s.setsockopt(SOL_SOCKET, socket.SO_RCVBUF, int(args[2]))
		s.connect(("127.0.0.1", int(args[0])))
		s.sendall(bytes(int(args[1])))
		open("ready", "w").close()
		open("go").close()
		try:
		    while s.recv(1 << 20): pass
		    print("end")
		except ConnectionResetError:
		    print("reset")
	END
	idle=$client
	: <ready
}

# sees WHAT: how the connection of idle_client ends.
sees() {
	: >go
	finish "$idle"
	assert_equal "$(<seen)" "$1"
}

# waits N: the server's socket has bytes in its queue 1 (received) or 2 (to send).
waits() {
	ss -Htn state established "sport = :$port" |
		awk -v n="$1" '$n > 0 { found = 1 } END { exit !found }'
}

@test "cut: --idle-timeout resets a client that did not get all" {
	start_with "$FILE" listen --idle-timeout 0.3 127.0.0.1 0
	idle_client
	ends_with 4 'bytes of input were not delivered'
	sees reset
}

@test "cut: a signal resets a client that did not get all" {
	local command
	for command in "listen" "listen -k" "listen -r --grace 0.1"; do
		# shellcheck disable=SC2086
		start_with "$FILE" $command 127.0.0.1 0
		idle_client
		eventually waits 2
		end TERM
		assert_equal "$status" 143
		sees reset
	done
}

@test "cut: a client that got all so far sees an end" {
	local command
	mkfifo in
	exec 6<>in
	for command in "listen" "listen -k" "listen -r --grace 0.1"; do
		# shellcheck disable=SC2086
		start_with in $command -v 127.0.0.1 0 6<&-
		n=$((${#pids[@]} - 1))
		idle_client 6<&-
		eventually grep -q '#1 .*connected' "err.$n"
		end TERM
		assert_equal "$status" 143
		sees end
	done
}

@test "cut: a client that is too slow is reset" {
	start_fed listen -k 127.0.0.1 0
	idle_client
	heard '#1 '
	behind "$port" <<-'END'
		exact(dial(args[0]), 1 << 24)
	END
	heard '#2 '
	head -c 16777216 "$FILE" >&7
	heard 'too-slow'
	[[ $line == '#1 closed'* ]]
	sees reset
}

@test "cut: an echo that ends before it has sent all back is a reset" {
	start echo --sockopt sndbuf=4096 127.0.0.1 0
	idle_client 60000 4096
	eventually eval "! waits 1"
	end TERM
	assert_equal "$status" 143
	sees reset
}

@test "cut: a full disk as stdout is status 1 at both ends" {
	local tls
	for tls in '' --tls; do
		rm -f ready.full
		mkfifo ready.full
		# shellcheck disable=SC2086
		rpnc listen $tls --ready-fd 4 127.0.0.1 0 </dev/null \
			>/dev/full 2>err.full 4>ready.full 3>&- &
		pid=$!
		pids+=("$pid")
		read -r address <ready.full
		# shellcheck disable=SC2086
		run -1 timeout 20 rpnc connect $tls ${tls:+--tls-insecure} \
			"$address" <<<hello
		assert_line --partial 'Connection reset by peer'
		status=0
		finish "$pid" || status=$?
		assert_equal "$status" 1
	done
}

@test "cut: connect that is ended by a signal before all is sent is a reset" {
	mkfifo out.0
	exec 6<>out.0
	start listen 127.0.0.1 0 6<&-
	timeout 50 rpnc connect "$port" <"$FILE" 2>err.connect 6<&- 3>&- &
	sender=$!
	pids+=("$sender")
	eventually waits 1
	end TERM "$sender"
	assert_equal "$status" 143
	cat <out.0 >/dev/null 6<&- 3>&- &
	pids+=("$!")
	exec 6<&-
	ends_with 1 'Connection reset by peer'
}

@test "cut: a signal resets a client whose bytes stdout did not take" {
	mkfifo out.0
	exec 6<>out.0
	start listen --json 127.0.0.1 0 6<&-
	idle_client 100000 6<&-
	eventually eval "! waits 1"
	end TERM
	assert_equal "$status" 143
	sees reset
	exec 6<&-
}

@test "cut: connect to head gives the server a reset" {
	start_fed listen 127.0.0.1 0
	printf '%0100d' 0 >&7
	# shellcheck disable=SC2016
	run -0 bash -c 'timeout 20 rpnc connect -n "$1" 2>/dev/null | head -c 1' \
		bash "$port"
	assert_output 0
	heard 'Connection reset by peer'
	ends_with 1
}
