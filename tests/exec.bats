#!/usr/bin/env bats
# rpnc listen ... -- COMMAND: a program for each client.
# shellcheck disable=SC2016,SC2030,SC2031,SC2034,SC2094,SC2154,SC2317 # the $ are for an inner shell

load listen
load tls
load terminal

setup_file() {
	certificates
}

teardown() {
	tm kill-server 2>/dev/null || true
	test -n "$BATS_TEST_COMPLETED" || tail -n 30 err.* 2>/dev/null || true
	stop
}

# serves OPTION... ADDRESS -- COMMAND...: starts listen with them.
serves() {
	local options=()
	while [[ $1 != -- ]]; do
		options+=("$1")
		shift
	done
	program=("$@")
	rpnc() {
		exec "$RPNC" "$@" "${program[@]}"
	}
	start listen "${options[@]}"
	unset -f rpnc
}

# reach ARG...: rpnc connect.
reach() {
	timeout 50 rpnc connect "$@"
}

# exits: the exit events in out.0, each as "CONN STATUS SIGNAL".
exits() {
	of_event exit conn status signal out.0
}

# exited N: there are so many.
exited() {
	test "$(exits | wc -l)" -eq "$1"
}

# childless: $pid has no child but the spawner, also no zombie.
childless() {
	test "$(wc -w <"/proc/$pid/task/$pid/children")" -eq 1
}

# What a program can see of how it was started. Signals 32 and 33 are glibc's own:
# posix_spawn(3), by which make starts this, leaves them ignored.
facts='
	for v in PROTO TCPLOCALIP TCPLOCALPORT TCPREMOTEIP TCPREMOTEPORT \
		UNIXLOCALPATH UNIXREMOTEPID UNIXREMOTEEUID REMOTE_ADDR \
		REMOTE_PORT RPNC_CONN RPNC_NAME NOTIFY_SOCKET WATCHDOG_USEC \
		WATCHDOG_PID; do
		[[ ! -v $v ]] || echo "$v=${!v}"
	done
	for fd in {0..99}; do
		[[ ! -e /proc/self/fd/$fd ]] || echo "fd $fd"
	done
	while read -r name mask; do
		[[ $name != Sig@(Blk|Ign): ]] ||
			printf "%s %x\n" "${name%:}" $((0x$mask))
	done <<<"$(cat /proc/self/status)"
	echo "files $(ulimit -Sn), arguments $*"
	read -r _ _ _ _ group _ <"/proc/$$/stat"
	echo "group of its own: $((group == $$))"'

# fact LINE...: these are among what the client has got.
fact() {
	local line
	for line; do
		grep -qxF -- "$line" got || fail "no '$line' in: $(<got)"
	done
}

@test "exec: 300 kB each way through cat, half-closed, over TCP, Unix sockets and TLS" {
	local tls=(--tls --tls-cert "$certs/localhost.pem") i version
	head -c 300K /dev/urandom >data
	serves -k 127.0.0.1:0 -- cat
	reach "$port" <data | cmp - data
	timeout 50 nc.openbsd -N 127.0.0.1 "$port" <data | cmp - data
	timeout 50 socat -t 30 - "TCP:127.0.0.1:$port" <data | cmp - data
	serves -k -U sock -- cat
	reach -U sock <data | cmp - data
	serves -k "${tls[@]}" 127.0.0.1:0 -- cat
	for version in 1.2 1.3; do
		only "$version" reach --tls --tls-ca "$certs/ca.crt" localhost "$port" \
			<data | cmp - data
		only "$version" timeout 50 socat -t 30 - \
			"OPENSSL:localhost:$port,cafile=$certs/ca.crt" <data | cmp - data
	done
}

@test "exec: a rolling deploy of listen -r -- cat loses no client, and each reply is whole" {
	local found rounds=${WHOLE:+40} least=${WHOLE:+20000}
	own_network
	rounds=${rounds:-4} least=${least:-300}
	found=$("${network[@]}" sh -c 'ip link set lo up && exec "$@"' sh timeout "${WHOLE:+1}100" \
		python3 - roll --rounds "$rounds" --members 2 --least "$least" \
		--program cat -- listen -r <"$BATS_TEST_DIRNAME/leave.py" 3>&-)
	echo "$found"
	jq -e '.lost == 0 and .said == 0' <<<"$found"
	jq -e --argjson n "$least" '.ok >= $n' <<<"$found"
}

@test "exec: many short ones leave no zombie and no descriptor" {
	local before
	serves -k -m 8 127.0.0.1:0 -- true
	before=$(open_descriptors "$pid")
	rpnc probe -q -n "$((${WHOLE:+700} + 300))" -c 8 --by none 127.0.0.1 "$port" || true
	eventually childless
	test "$(open_descriptors "$pid")" -eq "$before"
	end TERM
	assert_equal "$status" 143
}

@test "exec: the program has the connection, stderr, and nothing else; its environment tells whose it is" {
	: >sink
	exec 7<sink
	export TCPREMOTEIP=stale UNIXLOCALPATH=stale NOTIFY_SOCKET=$PWD/none \
		WATCHDOG_USEC=50000000 WATCHDOG_PID=$$
	ulimit -Sn 200
	serves -r --name A 127.0.0.1:0 -- bash -c "$facts; echo on stderr >&2" name one 'two  words'
	reach -s 127.0.0.2 -p 5321 127.0.0.1 "$port" </dev/null >got
	fact PROTO=TCP TCPLOCALIP=127.0.0.1 "TCPLOCALPORT=$port" \
		TCPREMOTEIP=127.0.0.2 TCPREMOTEPORT=5321 REMOTE_ADDR=127.0.0.2 \
		REMOTE_PORT=5321 RPNC_CONN=1 RPNC_NAME=A 'fd 0' 'fd 1' 'fd 2' \
		'SigBlk 0' 'SigIgn 0' \
		'files 200, arguments one two  words' 'group of its own: 1'
	run ! grep -E 'UNIX|NOTIFY|WATCHDOG|fd ([3-9]|..)' got
	grep -qx 'on stderr' err.0
	serves -k -U sock -- bash -c "$facts"
	reach -U sock </dev/null >got
	fact PROTO=UNIX "UNIXLOCALPATH=sock" "UNIXREMOTEEUID=$(id -u)" RPNC_CONN=1
	run ! grep -E 'TCP|REMOTE_|NAME' got
}

@test "exec: without /proc nothing is left open, programs serve, and the server ends" {
	local as=(unshare -m)
	test "$EUID" -eq 0 || as=(unshare -Urm)
	"${as[@]}" true || skip "no mount namespaces here"
	rpnc() {
		exec "${as[@]}" bash -c 'mount -t tmpfs none /proc &&
			exec rpnc "$@" -- cat' bash "$@"
	}
	start listen -k 127.0.0.1:0 # which reads to the end of --ready-fd
	unset -f rpnc
	reach 127.0.0.1 "$port" <<<line >got
	assert_equal "$(<got)" line
	end TERM
	assert_equal "$status" 143
}

@test "exec: a server that ignores SIGPIPE, SIGCHLD and all else starts programs that do not" {
	# the kernel's call: the C library refuses the signals that it uses itself
	local as=(python3 -c 'import ctypes, os, platform, sys
rt_sigaction = {"x86_64": 13}.get(platform.machine(), 134)
for n in set(range(1, 65)) - {9, 19}:
    ignore = (ctypes.c_ulong * 16)(1)
    assert ctypes.CDLL(None).syscall(rt_sigaction, n, ignore, None, 8) == 0
os.execvp(sys.argv[1], sys.argv[1:])')
	program=(-- bash -c "$facts")
	rpnc() {
		exec "${as[@]}" "$RPNC" "$@" "${program[@]}"
	}
	start listen 127.0.0.1:0
	reach 127.0.0.1 "$port" </dev/null >got
	fact 'SigBlk 0' 'SigIgn 0'
	finish "$pid"
}

@test "exec: a client's reset is the program's SIGPIPE, also over TLS, and others are served" {
	local tls
	for tls in '' yes; do
		serves -k --json ${tls:+--tls --tls-cert "$certs/localhost.pem"} \
			127.0.0.1:0 -- \
			bash -c 'while :; do echo hello; done'
		py_tls "$port" "$tls" <<-'END'
			for _ in range(2):
			    s = tls(args[0]).sock if args[1] else dial(args[0])
			    s.recv(1000)
			    reset(s)
		END
		eventually exited 2
		assert_equal "$(exits | sort)" $'1 null 13\n2 null 13'
		end TERM
		rm out.0
		pids=()
	done
}

@test "exec: open programs have the grace; then their groups get SIGTERM, and 2 s later SIGKILL" {
	local c
	mkfifo alive hold
	serves -k --json --grace 0.3 127.0.0.1:0 -- bash -c '
		read -r how
		[[ $how != stubborn ]] || trap "" TERM
		[[ $how != short ]] || exec cat
		cat <>hold >alive & echo ready; wait'
	cat alive >/dev/null & # ends if no process has the fifo
	pids+=("$!")
	local group=$!
	exec 5<>"/dev/tcp/127.0.0.1/$port"
	echo short >&5
	exec 6<>"/dev/tcp/127.0.0.1/$port"
	echo obedient >&6
	hears 6 ready
	exec 8<>"/dev/tcp/127.0.0.1/$port"
	echo stubborn >&8
	hears 8 ready
	kill "$pid"
	eventually grep -q '"drained"' out.0
	ask 5 bye
	hears 5 bye
	exec 5>&-
	status=0
	finish "$pid" || status=$?
	assert_equal "$status" 143
	assert_equal "$(exits)" $'1 0 null\n2 null 15\n3 null 9'
	finish "$group"
}

@test "exec: a reply is whole, although the program does not read what its client sends" {
	serves -k 127.0.0.1:0 -- bash -c 'printf "HTTP/1.0 200 OK\r\n\r\n"; head -c 3000000 /dev/zero'
	for _ in 1 2 3; do
		assert_equal "$(timeout 20 curl -sSf "http://127.0.0.1:$port/" | wc -c)" 3000000
	done
	head -c 3000000 /dev/zero >upload
	assert_equal "$(reach 127.0.0.1 "$port" <upload 2>/dev/null | wc -c)" 3000019
	serves -U sock -- bash -c 'head -c 3000000 /dev/zero'
	assert_equal "$(reach -U sock <<<hello | wc -c)" 3000000
}

@test "exec: an upload over TLS that is cut off is status 1, and a reset ends the program" {
	local how
	for how in reset truncated; do
		serves --json --tls --tls-cert "$certs/localhost.pem" 127.0.0.1:0 -- \
			sh -c 'cat >got'
		py_tls "$port" "$how" <<-'END'
			t = tls(args[0])
			t.write(b"hello")
			if args[1] == "reset": reset(t.sock)
			else: t.sock.shutdown(socket.SHUT_WR); whole(t.sock)
		END
		ends_with 1
		assert_equal "$(of_event closed reason out.0)" "$how"
		case $how in
		truncated) assert_equal "$(<got)" hello ;;
		*) assert_equal "$(exits)" '1 null 13' ;;
		esac
		pids=()
		rm out.0
	done
}

@test "exec: a session lasts as long as its process group, which ends with the server" {
	mkfifo alive
	serves -k --json -m 1 --grace 0 127.0.0.1:0 -- \
		bash -c 'tail -f /dev/null >alive 2>&1 <&1 & echo started'
	cat alive >/dev/null & # ends if no process has the fifo
	pids+=("$!")
	local group=$!
	assert_equal "$(reach -n 127.0.0.1 "$port")" started
	eventually exited 1
	# the second client waits until the first one's group is empty
	exec 5<>"/dev/tcp/127.0.0.1/$port"
	end TERM "${pids[0]}"
	assert_equal "$status" 143
	finish "$group"
	assert_equal "$(exits)" '1 0 null'
	exec 5>&-
}

@test "exec: a process that has left the group goes on with the connection" {
	serves -k --json 127.0.0.1:0 -- \
		bash -c 'setsid bash -c "echo >left; read -r line; echo late \$line" <&0 & until test -s left; do :; done'
	exec 5<>"/dev/tcp/127.0.0.1/$port"
	eventually exited 1
	ask 5 hello
	hears 5 'late hello'
	exec 5>&-
	eventually childless
}

@test "exec: a program has no terminal, and one that is stopped is killed at the end" {
	shell a
	enter a "rpnc listen -k --grace 0 127.0.0.1 0 -- bash -c 'trap : TERM; read -r </dev/tty || echo none; kill -STOP \$\$; read -r'"
	listening a
	exec 5<>"/dev/tcp/127.0.0.1/$port"
	hears 5 none
	keys a C-c
	eventually at_prompt a '$' || screen a
	run -0 cat <&5
	refute_output
	exec 5>&-
}

@test "exec: programs and the command of --during have the limit of descriptors that rpnc was given" {
	rpnc() { # rpnc itself takes more
		exec prlimit --nofile=64:1024 "$RPNC" "$@" -- bash -c 'ulimit -n; ulimit -Hn'
	}
	start listen 127.0.0.1 0
	unset -f rpnc
	run -0 reach 127.0.0.1 "$port" </dev/null
	assert_output $'64\n1024'
	finish "$pid"
	start echo 127.0.0.1 0
	prlimit --nofile=64:1024 "$RPNC" probe --during -d 50ms --rate 20 127.0.0.1 "$port" -- \
		bash -c 'ulimit -n >limit'
	assert_equal "$(<limit)" 64
}

@test "exec: a program that is stopped can end in order" {
	serves 127.0.0.1:0 -- bash -c 'trap "echo bye; exit" TERM; echo $$; kill -STOP $$; read -r'
	exec 5<>"/dev/tcp/127.0.0.1/$port"
	read -r -t 20 program <&5
	eventually grep -q '^State:.T' "/proc/$program/status"
	kill "$pid"
	kill "$pid"
	hears 5 bye
	ends_with 143
	exec 5>&-
}

@test "exec: a client that never closes does not keep others out" {
	serves -k -m 1 127.0.0.1:0 -- echo hello
	exec 5<>"/dev/tcp/127.0.0.1/$port"
	hears 5 hello
	exec 6<>"/dev/tcp/127.0.0.1/$port"
	hears 6 hello
	exec 5>&- 6>&-
}

@test "exec: if the program is gone when the one client comes, the status is 1" {
	local group
	for group in '' '-r --once'; do
		cp /bin/cat mycat
		# shellcheck disable=SC2086
		serves $group 127.0.0.1:0 -- ./mycat
		rm mycat
		reach 127.0.0.1 "$port" </dev/null || true
		ends_with 1
		grep -q './mycat: No such file' err.0
		pids=()
	done
}

@test "exec: a second signal ends the grace" {
	serves -k --json --grace 1000 127.0.0.1:0 -- cat
	exec 6<>"/dev/tcp/127.0.0.1/$port"
	ask 6 hello
	hears 6 hello
	kill "$pid"
	eventually grep -q '"drained"' out.0
	end INT
	assert_equal "$(exits)" '1 null 15'
}

@test "exec: one client without -k, and the status tells whether its program failed" {
	serves 127.0.0.1:0 -- cat
	assert_equal "$(reach "$port" <<<hello)" hello
	finish "$pid"
	serves 127.0.0.1:0 -- bash -c 'read -r; exit 3'
	reach "$port" <<<hello
	status=0
	finish "$pid" || status=$?
	assert_equal "$status" 1
	grep -qx 'rpnc listen: bash: exit status 3' err.1
}

@test "exec: a program that can't be found is status 2, before it listens" {
	local words
	mkdir directory
	: >file
	for words in ./none nowhere-at-all ./directory ./file ''; do
		run -2 rpnc listen 127.0.0.1:0 -- "$words"
		assert_output --regexp "^rpnc listen: $words: (No such file|Permission denied)"
		run -2 rpnc listen --check 127.0.0.1:0 -- "$words"
	done
	run -2 rpnc listen 127.0.0.1:0 --
	assert_output --partial 'which command?'
	PATH=/nonexistent:$PATH run -0 rpnc listen --check 127.0.0.1:0 -- cat
}

@test "exec: clients wait while the program's file is written; one that is gone closes the connection with a line" {
	cp "$(command -v cat)" handler
	serves -k 127.0.0.1:0 -- ./handler
	exec 9>>handler
	reach "$port" <<<hello >got 9>&- &
	pids+=("$!")
	eventually grep -q 'handler: Text file busy: clients wait' err.0
	exec 9>&-
	finish "${pids[-1]}"
	assert_equal "$(<got)" hello
	rm handler
	assert_equal "$(reach -n "$port")" ''
	grep -qx 'rpnc: ./handler: No such file or directory' err.0
}

@test "exec: an address that others reach wants --allow or --tls-ca" {
	local address tls=(--tls --tls-cert "$certs/localhost.pem")
	for address in 0 0.0.0.0:0 '[::]:0'; do
		run -2 rpnc listen "$address" -- cat
		assert_output --regexp ': everybody who reaches this address could run cat: choose'
		run -2 rpnc listen --check "$address" -- cat
		run -2 rpnc listen "${tls[@]}" "$address" -- cat
	done
	serves -k "${tls[@]}" --tls-ca "$certs/ca.crt" 0.0.0.0:0 -- cat
	assert_equal "$(reach --tls --tls-ca "$certs/ca.crt" --tls-cert \
		"$certs/client.pem" localhost "$port" <<<hello)" hello
	run ! reach --tls --tls-ca "$certs/ca.crt" localhost "$port" <<<hello
	serves -k --allow 127.0.0.0/8 --max-per-source 1 0.0.0.0:0 -- cat
	assert_equal "$(reach "$port" <<<hello)" hello
	eventually childless
	assert_equal "$(reach "$port" <<<again)" again
}

@test "exec: over TLS a reply is whole, although the program did not read all" {
	serves -k --json --tls --tls-cert "$certs/localhost.pem" 127.0.0.1:0 -- \
		bash -c 'read -r; head -c 300K /dev/zero'
	py_tls "$port" <<-'END'
		t = tls(args[0])
		t.write(b"one\n" + b"x" * 100000)
		assert t.whole() == b"\0" * 300 * 1024
		t.shut()
	END
	eventually grep -q '"closed"' out.0
	assert_equal "$(of_event closed reason out.0)" end
}

@test "exec: behind a proxy the program is told the client's address" {
	serves -k --accept-proxy 127.0.0.1:0 -- bash -c "$facts; cat"
	py "$port" >got <<-'END'
		s = dial(args[0])
		s.sendall(b"PROXY TCP4 203.0.113.7 192.0.2.1 4711 443\r\nbehind it\n")
		s.shutdown(SHUT_WR)
		print(whole(s).decode())
	END
	fact TCPREMOTEIP=203.0.113.7 TCPREMOTEPORT=4711 REMOTE_ADDR=203.0.113.7 \
		TCPLOCALIP=127.0.0.1 'behind it'
}

@test "exec: options that have no meaning with a program, and other commands, are refused" {
	local option
	for option in -u --hex --crlf '--until peer' --no-shutdown \
		'--idle-timeout 1' '--delay 1' '--prompt always' --live; do
		# shellcheck disable=SC2086 # these are words
		run -2 rpnc listen $option 127.0.0.1 9 -- cat
		assert_output --regexp '^rpnc listen: --[a-z-]+: not with -- COMMAND$'
	done
	run -2 rpnc listen -r unix:sock -- cat
	assert_output --partial 'no SO_REUSEPORT for Unix sockets'
	for option in connect echo; do
		run -2 rpnc "$option" 127.0.0.1 9 -- cat
		assert_output --partial "only 'rpnc listen' runs a command"
	done
}

@test "exec: at a terminal there is no prompt; the program writes to it; Ctrl-C ends in order" {
	pane A rpnc listen -v 127.0.0.1:0 -- bash -c 'echo asked >&2; exec cat'
	listening A
	keyed A 'not for the client'
	client
	ask "$c" hello
	hears "$c" hello
	sees A '#1 127.0.0.1:' asked
	keys A C-c
	sees A '1 session open'
	ask "$c" 'still here'
	hears "$c" 'still here'
	hang_up "$c"
	like A '#1 pid [0-9]+ ended after .*: exit status 0'
}
