# rpnc listen on Unix sockets, raw: streams, datagrams and whose path it is.
# shellcheck shell=bash disable=SC2154

load listen

# bound PATH [KIND [listen]]: a process of another program that has a socket
# at PATH, until the end of the test.
bound() {
	mkfifo bound
	behind "$@" <<-'END'
		kind = getattr(socket, args[1] if len(args) > 1 else "SOCK_STREAM")
		s = socket.socket(socket.AF_UNIX, kind)
		s.bind(args[0])
		if "listen" in args:
		    s.listen()
		open("bound", "w").close()
		open("never").close()
	END
	mkfifo never
	: <bound
	rm bound
}

# corpse PATH: a socket that nobody has any more.
corpse() {
	py "$1" <<-'END'
		socket.socket(socket.AF_UNIX).bind(args[0])
	END
}

# untouched PATH ARG...: listen with ARG says that PATH is taken, status 5, and
# leaves what is there.
untouched() {
	local before
	before=$(stat -c '%i %F %s' "$1")
	run timeout 20 rpnc listen "${@:2}"
	assert_failure 5
	assert_line --regexp '^rpnc listen: .*(in use|no socket)'
	assert_equal "$(stat -c '%i %F %s' "$1")" "$before"
}

@test "listen -U: streams both ways, exactly; the path goes with it" {
	random_file 3000001 up
	random_file 3000001 down
	start_with down listen -U sock
	assert_equal "${addrs[0]}" unix:sock
	timeout 60 nc.openbsd -N -U sock <up >got 3>&-
	ends_with 0
	cmp up out.0
	cmp down got
	assert [ ! -e sock ]
}

@test "listen unix:PATH: is the same as -U" {
	start listen "unix:$PWD/sock"
	echo hello | timeout 60 socat - "UNIX:$PWD/sock" 3>&-
	ends_with 0
	assert_equal "$(cat out.0)" hello
	assert [ ! -e sock ]
}

@test "listen -U -k: serves many; a signal takes the path away" {
	start listen -k -U sock
	py <<-'END'
		clients = [local("sock") for _ in range(100)]
		for s in reversed(clients):
		    s.sendall(b"x")
		    s.shutdown(SHUT_WR)
		    assert whole(s) == b""
	END
	kill "$pid"
	ends_with 143
	assert_equal "$(wc -c <out.0)" 100
	assert [ ! -e sock ]
}

@test "listen -U: a client that resets: status 1, one line" {
	start_with /dev/zero listen -U sock
	py <<-'END'
		s = local("sock")
		s.recv(1000)
	END
	ends_with 1 ''
	assert [ ! -e sock ]
}

@test "listen -u -U: datagrams, and answers to who has a name" {
	mkfifo out.0
	exec 7<>out.0
	printf answer >down
	start_with down listen -u -k -U sock 7>&-
	py <<-'END'
		out = open("out.0", "rb", buffering=0)
		nameless = local("sock", SOCK_DGRAM)
		nameless.send(b"one")
		assert exact(out, 3) == b"one"
		kill = b"k" * 60000
		named = socket.socket(socket.AF_UNIX, SOCK_DGRAM)
		named.bind("client")
		named.connect("sock")
		named.send(kill)
		assert exact(out, len(kill)) == kill
	END
	kill "$pid"
	ends_with 143
	assert [ ! -e sock ]
}

@test "listen -u -U: locks to the first sender" {
	mkfifo out.0
	exec 7<>out.0
	printf answer >down
	start_with down listen -u -U sock 7>&-
	py <<-'END'
		out = open("out.0", "rb", buffering=0)
		def named(name):
		    s = socket.socket(socket.AF_UNIX, SOCK_DGRAM)
		    s.bind(name)
		    s.connect("sock")
		    return s
		first, other = named("first"), named("other")
		first.send(b"a")
		assert first.recv(99) == b"answer"
		other.send(b"b")
		first.send(b"c")
		assert exact(out, 2) == b"ac"
	END
}

@test "listen -U: a dead socket of one's own is replaced" {
	corpse sock
	start listen -U sock
	echo hello | timeout 60 nc.openbsd -N -U sock 3>&-
	ends_with 0
	corpse sock
	start listen -u -U sock
}

@test "listen -U: a live socket is never touched: status 5" {
	bound sock SOCK_STREAM listen
	untouched sock -U sock
	untouched sock -u -U sock
	untouched sock "unix:$PWD/sock"
}

@test "listen -U: a live datagram socket is never touched: status 5" {
	bound sock SOCK_DGRAM
	untouched sock -U sock
	untouched sock -u -U sock
}

@test "listen -U: a socket that is bound but not listening yet is not dead" {
	bound sock
	untouched sock -U sock
	rm never
	bound "$PWD/other"
	untouched other -U "$PWD/other"
}

# stopped_child: the child of $pid, in $child, is stopped.
stopped_child() {
	child=$(<"/proc/$pid/task/$pid/children")
	child=${child% }
	test -n "$child" && grep -q '^State:.[Tt]' "/proc/$child/status"
}

@test "listen -U: of two that find a dead socket at one time, one gets its name" {
	local late child status
	corpse sock
	# it has just found that the socket is dead
	ASAN_OPTIONS=${ASAN_OPTIONS:-}:detect_leaks=0 background strace -f -qq -o trace \
		-e trace=connect,rename -e inject=connect:signal=STOP:when=3 \
		"$RPNC" listen -U sock 2>err.late
	late=$pid
	eventually stopped_child
	start listen -U sock
	kill -CONT "$child"
	status=0
	finish "$late" || status=$?
	assert_equal "$status" 5
	grep -q 'rename("sock"' trace
	grep -q "$(errno_text EADDRINUSE)" err.late
	assert_equal "$(echo sock*)" sock
	py <<-'END'
		local("sock").sendall(b"hello")
	END
	ends_with 0
	assert_equal "$(cat out.1)" hello
}

@test "listen -U: a file, a directory and a dangling link are never touched" {
	echo precious >file
	mkdir directory
	ln -s nowhere link
	untouched file -U file
	untouched directory -U directory
	untouched link -U link
	assert_equal "$(cat file)" precious
}

@test "listen -U: a file that is no socket is said to be one: status 5" {
	echo precious >file
	run -5 timeout 20 rpnc listen -U file
	assert_output "rpnc listen: listen on unix:file: a file is there that is \
no socket; it is never replaced"
	assert_equal "$(cat file)" precious
}

@test "listen -U: another user's dead socket is never touched: status 5" {
	test "$(id -u)" -eq 0 || skip "only root can make another user's socket"
	corpse sock
	chown 65534 sock
	untouched sock -U sock
}

@test "listen -U: at its end leaves a path that is somebody else's by now" {
	start listen -U sock
	rm sock
	bound sock SOCK_STREAM listen
	kill "$pid"
	ends_with 143
	assert [ -S sock ]
}

@test "listen -U: a path is free again once its listener serves its one client" {
	local first
	start_fed listen -U sock
	first=$pid
	mkfifo go
	behind <<-'END'
		s = local("sock")
		open("go").close()
	END
	heard '#1 '
	start listen -U sock
	: >go
	finish "$first"
	# what the second made there stays when the first ends
	assert [ -S sock ]
	echo hello | timeout 60 nc.openbsd -N -U sock 3>&-
	ends_with 0
	assert_equal "$(cat "out.$((${#pids[@]} - 1))")" hello
}

@test "listen -U: an abstract name is no file, and can be used again at once" {
	local name=@rpnc-test-$$-$RANDOM i
	for i in 0 1; do
		start listen -U "$name"
		assert_equal "${addrs[0]}" "unix:$name"
		py "$name" <<-'END'
			local("\0" + args[0][1:]).sendall(b"hello")
		END
		ends_with 0
		assert_equal "$(cat "out.$i")" hello
	done
	assert [ ! -e "$name" ]
}

@test "listen -U: an abstract name that is taken: status 5" {
	local name=@rpnc-test-$$-$RANDOM
	start listen -U "$name"
	run timeout 20 rpnc listen -U "$name"
	assert_failure 5
}

@test "listen -U: a path that is too long is a usage error" {
	local long
	long=$(printf '%0108d' 0)
	run timeout 20 rpnc listen -U "$long"
	assert_failure 2
	assert_output --partial 'at most 107'
	start listen -U "${long#0}"
	assert [ -S "${long#0}" ]
}

@test "listen -U: a directory that does not exist: status 5, one line" {
	run timeout 20 rpnc listen -U none/sock
	assert_failure 5
	assert_output --regexp '^rpnc listen: .*No such file or directory$'
}

@test "listen -U -r: a usage error that says why" {
	run timeout 20 rpnc listen -r -U sock
	assert_failure 2
	assert_output --partial SO_REUSEPORT
	run timeout 20 rpnc listen -r unix:sock
	assert_failure 2
	assert [ ! -e sock ]
}

@test "listen -U: who finds the name in use is no client of who has it" {
	start listen -U sock
	run -5 timeout 20 rpnc listen -U sock
	run -5 timeout 20 rpnc listen --check -U sock
	echo hello | timeout 60 nc.openbsd -N -U sock 3>&-
	ends_with 0
	assert_equal "$(cat out.0)" hello
}
