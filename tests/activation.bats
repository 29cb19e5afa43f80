# Sockets that a service manager opens: systemd-socket-activate(1), --listen-fd,
# and a manager in Python, which keeps its socket and notices.
# shellcheck shell=bash disable=SC2154,SC2034,SC2030,SC2031,SC2016,SC2086

bats_require_minimum_version 1.5.0
load listen

# activate ARG... -- COMMAND...: systemd-socket-activate, on 127.0.0.1 and a
# port that is in $port, as soon as it listens. Its output is in out and err.
activate() {
	local options=()
	while test "$1" != --; do
		options+=("$1")
		shift
	done
	shift
	reserve
	background systemd-socket-activate "${options[@]}" -E ASAN_OPTIONS -E LC_ALL \
		-l "127.0.0.1:$port" "$@" >out 2>err </dev/null
	eventually eval 'test -n "$(ss -Htuln "sport = :$port")"'
}

# managed HOST PORT REUSEPORT ARG...: rpnc ARG... is started by manager.py each
# time that again is called. Sets $port and $server, its pid.
managed() {
	rm -f manager.in manager.out
	mkfifo manager.in manager.out
	background bash -c 'exec python3 "$@" <manager.in >manager.out 2>err.managed' bash \
		"$BATS_TEST_DIRNAME/manager.py" "$1" "$2" "$3" rpnc "${@:4}"
	exec 5>manager.in 6<manager.out
	read -r -t 20 port <&6
}

again() {
	local lines
	lines=$(grep -c listening err.managed) || true
	echo >&5
	read -r -t 20 server <&6
	eventually eval "test \$(grep -c listening err.managed) -gt $lines"
}

# ended STATUS: the server that was started last has ended with it.
ended() {
	local word got
	read -r -t 30 word got <&6
	assert_equal "$word $got" "ended $1"
}

refuses() {
	local text=$1
	shift
	run -2 --separate-stderr "$@"
	case $stderr in *"$text"*) ;; *) fail "$stderr" ;; esac
}

@test "activation: echo and listen serve what systemd-socket-activate passes, with every option" {
	activate -- "$RPNC" echo
	for _ in 1 2 3; do
		assert_equal "$(rpnc connect "$port" <<<hello)" hello
	done
	end TERM
	grep -q '^3 connections' out
	activate --fdname=web -- "$RPNC" listen
	rpnc connect "$port" <<<one
	rpnc connect "$port" <<<two
	eventually out_is $'one\ntwo'
	end TERM
	activate --datagram -- "$RPNC" echo
	assert_equal "$(rpnc connect -u --linger 1 "$port" <<<hello)" hello
	end TERM
	# the one listening socket is descriptor 0, and nothing else goes there
	activate --inetd -- "$RPNC" echo --listen-fd 0
	assert_equal "$(rpnc connect "$port" <<<hello)" hello
	end TERM
}

# out_is TEXT: that is all of the output so far.
out_is() {
	test "$(<out)" = "$1"
}

@test "activation: with TLS, and with a program for each client" {
	activate -- "$RPNC" echo --tls
	assert_equal "$(rpnc connect --tls --tls-insecure "$port" <<<hello 2>said)" hello
	grep -q 'nothing is verified' said
	end TERM
	activate -- "$RPNC" listen --allow 127.0.0.1 -- cat
	assert_equal "$(rpnc connect "$port" <<<hello)" hello
	end TERM
	activate --accept -- "$RPNC" listen -- cat
	assert_equal "$(rpnc connect "$port" <<<hello)" hello
	end TERM
}

@test "activation: a connection that was accepted already is served, then the end" {
	activate --accept -- "$RPNC" echo
	assert_equal "$(rpnc connect "$port" <<<hello)" hello
	assert_equal "$(rpnc connect "$port" <<<hello)" hello
	served_two() { test "$(grep -c '^1 connection ' out)" = 2; }
	eventually served_two
	end TERM
	activate --accept --inetd -- "$RPNC" echo --listen-fd 0
	assert_equal "$(rpnc connect "$port" <<<hello)" hello
	end TERM
	activate --accept -- "$RPNC" listen --allow 127.0.0.1
	rpnc connect "$port" <<<hello
	run rpnc connect -s 127.0.0.2 "$port" <<<hello
	assert_failure
	eventually out_is hello
	end TERM
}

@test "activation: all sockets are used, or those that fit the port; if none fits, the names are told" {
	local one two
	reserve
	one=$port
	reserve
	two=$port
	background systemd-socket-activate --fdname=web:admin -l "127.0.0.1:$one" -l "127.0.0.1:$two" \
		"$RPNC" echo >out 2>err </dev/null
	eventually listens
	assert_equal "$(rpnc connect "$one" <<<1; rpnc connect "$two" <<<2)" $'1\n2'
	end TERM
	background systemd-socket-activate --fdname=web:admin -l "127.0.0.1:$one" -l "127.0.0.1:$two" \
		"$RPNC" echo "$two" >out 2>err </dev/null
	eventually listens
	assert_equal "$(rpnc connect "$two" <<<2)" 2
	run rpnc connect "$one" <<<1
	assert_failure
	end TERM
	background systemd-socket-activate --fdname=web:admin -l "127.0.0.1:$one" -l "127.0.0.1:$two" \
		"$RPNC" echo 1 >out 2>err </dev/null
	eventually listens
	run rpnc connect "$two" <<<1
	status=0
	finish "$pid" || status=$?
	assert_equal "$status" 2
	grep -q "no socket of the service manager fits: web 127.0.0.1:$one: admin 127.0.0.1:$two" err
	refuses '--listen-fd descriptor 9 is no socket' rpnc echo --listen-fd 9 9000 9</dev/null
	managed 127.0.0.1 0 0 echo -r
	echo >&5
	read -r -t 20 server <&6
	ended 2
	exec 5>&-
	grep -q "127.0.0.1:$port is in no group: .*ReusePort=yes" err.managed
	run -2 python3 - "$RPNC" <<-'END'
		import os, socket, sys
		s = socket.create_server(("127.0.0.1", 0))
		s.set_inheritable(True)
		os.execv(sys.argv[1], ["rpnc", "echo", "--interface", "lo", "--listen-fd", str(s.fileno())])
	END
	assert_output -p 'taken as they are: leave out --interface'
	refuses '--listen-fd x: want the number' rpnc echo --listen-fd x 9000
}

@test "activation: the sockets are close-on-exec, and the variables are gone" {
	managed 127.0.0.1 0 0 listen -k -- env
	again
	run -0 rpnc connect -n "$port"
	assert_line PROTO=TCP
	refute_line --regexp '^LISTEN_'
	local fd info
	for fd in "/proc/$server"/fd/*; do
		case $(readlink "$fd") in
		socket:*)
			info=$(<"/proc/$server/fdinfo/${fd##*/}")
			[[ $info =~ flags:[[:space:]]*0*2[0-7]{6} ]] || fail "$fd: $info"
			;;
		esac
	done
	kill "$server"
	ended -15
	exec 5>&-
}

# beside WORD...: echo WORD... gets a TCP socket, in $port, and a Unix socket.
beside() {
	rm -f socket
	activate -l "$PWD/socket" -- "$RPNC" echo "$@"
}

@test "activation: of an IP and a Unix socket, who is allowed by name or address shuts out the others" {
	local me
	me=$(id -u)
	beside --allow-user "$me"
	assert_equal "$(rpnc connect -U socket <<<hello)" hello
	run rpnc connect "$port" <<<hello
	refute_line hello
	end TERM
	grep -q '127.0.0.1:[0-9]* is denied' err
	beside --allow 127.0.0.1
	assert_equal "$(rpnc connect "$port" <<<hello)" hello
	run rpnc connect -U socket <<<hello
	refute_line hello
	end TERM
	grep -q "a client of user $me is denied" err
	beside --allow 127.0.0.1 --allow-user "$me"
	assert_equal "$(rpnc connect "$port" <<<hello)" hello
	assert_equal "$(rpnc connect -U socket <<<hello)" hello
	end TERM
}

@test "activation: at the end the manager keeps the queue, and what was accepted is served" {
	managed 127.0.0.1 0 0 echo
	again
	py "$port" "$server" <<-'END' &
		a = dial(args[0])
		a.sendall(b"1")
		assert exact(a, 1) == b"1"
		os.kill(int(args[1]), 15)
		# the session goes on, and the socket is there
		b = dial(args[0])
		b.sendall(b"2")
		a.sendall(b"3")
		assert exact(a, 1) == b"3"
		a.close()
		assert exact(b, 1) == b"2"
	END
	local clients=$!
	ended -15
	again
	wait "$clients"
	grep -q 'keeps 127.0.0.1' err.managed
	kill "$server"
	ended -15
	exec 5>&-
}

@test "activation: a member that was activated and one that binds share a port, and leave without loss" {
	managed 127.0.0.1 0 1 echo -r --name A
	again
	start echo -r --name B 127.0.0.1 "$port"
	grep -q '2 of 2' err.1
	behind "$port" <<-'END'
		seen = n = 0
		while not os.path.exists("over") or n < 200:
		    s = dial(args[0])
		    s.sendall(b"hello")
		    s.shutdown(SHUT_WR)
		    assert whole(s) == b"hello", n
		    n += 1
	END
	local load=$client binder=$pid
	end TERM "$binder"
	assert_equal "$status" 143
	start echo -r --name C 127.0.0.1 "$port"
	# the manager's socket stays in the group: what waits there is served next
	kill "$server"
	ended -15
	again
	touch over
	finish "$load"
	kill "$server"
	ended -15
	exec 5>&-
	grep -qE '(left|lost)' err.1
	refute grep -qE '[1-9][0-9]* connections? lost' err.1 err.managed
}

# given COUNT WORD...: listen -v WORD... gets so many sockets of one group, which a
# process outside of its PID namespace shares; with two, there is another member.
# Prints what listen says in the end. Then the sockets still accept.
given() {
	local how=(unshare --pid --fork --mount-proc)
	test "$(id -u)" -eq 0 || how=(unshare -r --pid --fork --mount-proc)
	"${how[@]}" true 2>/dev/null || skip "no PID namespaces here"
	timeout 60 python3 - "$@" "${how[@]}" 3>&- <<-'END'
		from client import *
		import subprocess
		count, words = int(sys.argv[1]), sys.argv[2:]
		at = words.index("unshare")
		group = [socket.socket() for _ in range(count)]
		for s in group:
		    s.setsockopt(SOL_SOCKET, socket.SO_REUSEPORT, 1)
		    s.bind(("127.0.0.1", group[0].getsockname()[1]))
		    s.listen()
		fds = [s.fileno() for s in group]
		shell = '"$@" & ' + "".join("exec %d>&-; " % fd for fd in fds) + "wait"
		rpnc = subprocess.Popen(words[at:] + ["bash", "-c", shell, "", "rpnc", "listen", "-v"] +
		    words[:at] + ["--listen-fd=%d" % fd for fd in fds], pass_fds=fds,
		    stderr=subprocess.PIPE, stdin=subprocess.DEVNULL, text=True)
		for _ in fds:
		    assert "listening on " in rpnc.stderr.readline()
		if count > 1:
		    other = subprocess.Popen(["rpnc", "listen", "-r", "127.0.0.1",
		        str(group[0].getsockname()[1])], stderr=subprocess.PIPE, text=True,
		        stdin=subprocess.DEVNULL)
		    assert "listening on " in other.stderr.readline()
		shell, = children(rpnc.pid)
		os.kill(children(shell)[0], signal.SIGTERM)
		print(rpnc.communicate(timeout=40)[1])
		for _ in range(9):
		    dial(group[0].getsockname()[1])
		if count > 1:
		    other.kill()
	END
}

@test "activation: a member leaves sockets open that a process shares which it can't see" {
	run -0 given 1 -r
	assert_output --partial 'nothing lost (gate: no other rpnc)'
	run -0 given 2 -r
	assert_output --partial 'nothing lost (gate: two sockets in one group)'
}

@test "activation: datagrams that a socket had lost before are not counted" {
	# shellcheck disable=SC2317 # start calls it
	rpnc() {
		exec python3 - "$RPNC" "$@" <<-'END'
			import os, socket, sys
			s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
			s.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 2304)
			s.bind(("127.0.0.1", 0))
			for _ in range(100): s.sendto(b"x" * 500, s.getsockname())
			s.set_inheritable(True)
			os.execv(sys.argv[1], sys.argv[1:] + ["--listen-fd=%d" % s.fileno()])
		END
	}
	start echo -u
	unset -f rpnc
	test "$(ss -Hluanm "sport = :$port" | sed -n 's/.*,d\([0-9]*\)).*/\1/p')" -gt 50
	assert_equal "$(rpnc connect -u "$port" <<<hello)" hello
	end TERM
	assert_equal "$status" 143
	run ! grep lost err.0
}

@test "activation: --check says that ReusePort= sockets keep out other users" {
	test "$(id -u)" -eq 0 || skip "needs root"
	exec 7< <(:)
	python3 - "$RPNC" <<-'END' >out 2>err
		import os, socket, sys
		s = socket.socket()
		s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
		s.bind(("127.0.0.1", 0))
		s.listen()
		rpnc = os.open(sys.argv[1], os.O_RDONLY)
		os.setuid(65534)
		os.set_inheritable(s.fileno(), True)
		os.execve(rpnc, ["rpnc", "echo", "-r", "--check", "--listen-fd", str(s.fileno())], os.environ)
	END
	grep -q 'belongs to user 0, .*ReusePort=' err
	python3 - "$RPNC" <<-'END' >out 2>err
		import os, socket, sys
		s = socket.create_server(("127.0.0.1", 0), reuse_port=True)
		s.set_inheritable(True)
		os.execv(sys.argv[1], ["rpnc", "echo", "-r", "--check", "--listen-fd", str(s.fileno())])
	END
	test -s out
	test ! -s err
}

@test "activation: systemd is told READY, STATUS, WATCHDOG and STOPPING" {
	mkfifo notes
	behind <<-'END'
		s = socket.socket(socket.AF_UNIX, SOCK_DGRAM)
		s.bind("notify")
		with open("notes", "w", buffering=1) as f:
		    while True:
		        f.write(s.recv(999).decode().replace("\n", " ") + "\n")
	END
	exec 5<>notes
	eventually test -S notify
	local args line
	for args in 'echo' 'echo -w 2 --accept shared' 'listen -r'; do
		export NOTIFY_SOCKET=$PWD/notify WATCHDOG_USEC=200000
		start $args 127.0.0.1 0
		unset NOTIFY_SOCKET WATCHDOG_USEC
		read -r -t 20 line <&5
		assert_equal "$line" "READY=1 STATUS=listening on 127.0.0.1:$port"
		for _ in 1 2 3; do
			read -r -t 20 line <&5
			assert_equal "$line" WATCHDOG=1
		done
		end TERM
		while read -r -t 20 line <&5 && test "$line" = WATCHDOG=1; do :; done
		assert_equal "$line" "STOPPING=1 STATUS=stopping"
	done
	# the watchdog of another process
	NOTIFY_SOCKET=$PWD/notify WATCHDOG_USEC=200000 WATCHDOG_PID=1 start echo 127.0.0.1 0
	end TERM
	read -r -t 20 line <&5
	assert_equal "$line" "READY=1 STATUS=listening on 127.0.0.1:$port"
	read -r -t 20 line <&5
	assert_equal "$line" "STOPPING=1 STATUS=stopping"
}
