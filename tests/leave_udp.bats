# Leaving a group without losing a datagram: listen -u -r and echo -u -r.
# shellcheck shell=bash disable=SC2154

bats_require_minimum_version 1.5.0

load listen

# drive ARG...: tests/leave_udp.py; what it found is in $found.
drive() {
	found=$("${as[@]}" timeout "$BATS_TEST_TIMEOUT" python3 - "$@" \
		<"$BATS_TEST_DIRNAME/leave_udp.py" 3>&-)
	echo "$found"
}

as=() # how to drive it

# holds FILTER: it is so of what was found.
holds() {
	jq -e "$1" >/dev/null <<<"$found" || {
		echo "not so: $1"
		return 1
	}
}

lossless='.faults == {} and .back == .sent and .said == 0'

# free_port: one that nobody has, as there is no port 0 for a UDP group.
free_port() {
	py <<-'END'
		s = socket.socket(socket.AF_INET, SOCK_DGRAM)
		s.bind(("", 0))
		print(s.getsockname()[1])
	END
}

@test "leave -u: 40 restarts under load, every datagram is answered" {
	drive roll --rounds 40 -- echo -u -r
	holds "$lossless and .sent > 15000 and .modes == {connect: 40}"
}

@test "leave -u: on every address, replies leave from the one that was asked" {
	needs_ipv6
	drive roll --rounds 40 --host --to 127.0.0.1 127.0.0.2 ::1 -- echo -u -r
	holds "$lossless and .sent > 15000 and .modes == {connect: 40}"
}

@test "leave -u: IPv6" {
	needs_ipv6
	drive roll --host ::1 --to ::1 -- echo -u -r
	holds "$lossless and .modes == {connect: 20}"
}

@test "leave -u: listen prints every datagram" {
	drive roll -- listen -u -r
	holds "$lossless and .sent > 8000 and .modes == {connect: 20}"
}

@test "leave -u: two at once; echo's workers, also when all are signalled" {
	drive roll --rounds 10 --leavers 2 -- echo -u -r
	holds "$lossless and .modes == {connect: 20}"
	drive roll --rounds 5 -- echo -u -w 2
	holds "$lossless and .modes == {connect: 10}"
	drive roll --rounds 5 --whole -- echo -u -w 2
	holds "$lossless and .modes == {connect: 10}"
}

@test "leave -u: an ordinary user loses none either" {
	test "$(id -u)" -eq 0 || skip "the others are as an ordinary user"
	as=(setpriv --reuid=65534 --clear-groups)
	"${as[@]}" test -x "$RPNC" || skip "$RPNC can't be run by others"
	XDG_RUNTIME_DIR=$(mktemp -d)
	chown 65534 "$XDG_RUNTIME_DIR"
	cd /
	drive roll -- echo -u -r
	rm -r "$XDG_RUNTIME_DIR"
	holds "$lossless and .modes == {connect: 20}"
}

@test "leave -u: what is queued is served, but with --leave close lost" {
	local command
	for command in echo listen; do
		drive queued -- "$command" -u -r
		holds '.back == 200 and
			(.said[0] | test("^left: served [1-9][0-9]* that waited, nothing lost .connect.$"))'
		drive queued -- "$command" -u -r --leave drain
		holds '.back == 200 and (.said[0] | test(" nothing lost .drain.$"))'
		drive queued -- "$command" -u -r --leave close
		holds '.back < 200 and .said ==
			["left: \(200 - .back) datagrams lost (close)"]'
	done
}

@test "leave -u: without a group what is queued is served too, and no word said" {
	local command
	for command in "echo -u" "listen -u -k" "echo -u -w 2 --accept shared"; do
		# shellcheck disable=SC2086
		start $command 127.0.0.1 0
		py "$port" "$pid" <<-'END'
			import signal
			pids = [int(args[1])] + [int(p) for p in open(
			    "/proc/%s/task/%s/children" % (args[1], args[1])).read().split()]
			for p in pids:
			    os.kill(p, signal.SIGSTOP)
			peers = [udp(args[0]) for i in range(50)]
			for i, s in enumerate(peers):
			    s.send(b"%d\n" % i)
			for p in pids[:1]:
			    os.kill(p, signal.SIGTERM)
			    os.kill(p, signal.SIGCONT)
		END
		ends_with 143
		refute grep left: "err.$((${#pids[@]} - 1))"
	done
	assert_equal "$(sort -n out.1)" "$(seq 0 49)"
	assert grep -q '^50 datagrams' out.0
	assert grep -q '^50 datagrams' out.2
}

@test "leave -u: while a slow reader is waited for, the others get what comes" {
	local a
	mkfifo out.0
	exec 7<>out.0
	start listen -u -r --json 127.0.0.1 "$(free_port)" 7>&-
	a=$pid
	kill -STOP "$a"
	py "$port" <<-'END'
		for i in range(100):
		    udp(args[0]).send(b"x" * 1400)
	END
	start listen -u -r 127.0.0.1 "$port" 7>&-
	kill "$a"
	kill -CONT "$a"
	py "$port" <<-'END'
		here = ":%04X" % int(args[0])
		def parted():
		    for line in open("/proc/net/udp"):
		        word = line.split()
		        if word[1].endswith(here) and word[2].endswith(here):
		            return True
		while not parted():
		    pass
		for i in range(100):
		    udp(args[0]).send(b"%d\n" % i)
		n = 0
		for e in events():
		    n += e["event"] == "data"
		    if e["event"] == "drained":
		        break
		assert n == 100 and e["lost"] == 0, (n, e)
		assert e["handshakes"] is None and e["mode"] == "connect"
	END
	kill "$pid"
	ends_with 143
	assert_equal "$(cat out.1)" "$(seq 0 99)"
	pid=$a
	ends_with 143
}

@test "leave -u: a second signal ends at once, and says what is lost" {
	local group out
	for group in -r -k; do # -k: in no group
		out=out.${#pids[@]}
		mkfifo "$out"
		exec 7<>"$out"
		start listen -u "$group" --json 127.0.0.1 "$(free_port)" 7>&-
		kill -STOP "$pid"
		py "$port" <<-'END'
			for i in range(100):
			    udp(args[0]).send(b"x" * 1400)
		END
		kill "$pid"
		kill -CONT "$pid"
		py "$pid" "$out" <<-'END'
			# its first events are written, and then the pipe is full
			assert select.select([open(args[1], "rb")], [], [], 50)[0]
			os.kill(int(args[0]), 2)
			n = 0
			for e in events(args[1]):
			    n += e["event"] == "data"
			    if e["event"] == "drained":
			        break
			assert n + e["lost"] == 100 and n < 100, (n, e)
		END
		finish "$pid" || test $? -ge 129
		exec 7>&-
	done
}

@test "leave -u: where there is no loopback, a socket is read and closed" {
	own_network
	"${network[@]}" ip link add v0 type veth peer name v1 2>/dev/null ||
		skip "no veth here"
	cat >there <<-'END'
		ip link set lo "$1"
		ip link add v0 type veth peer name v1
		ip link set v1 up
		ip link set v0 up
		ip address add 10.9.0.1/24 dev v0
		ip address add fd09::1/64 dev v0 nodad
		shift
		mkfifo ready
		rpnc echo -v -u -r "$@" 9000 --ready-fd 4 4>ready >/dev/null 2>err &
		cat ready >/dev/null
		kill $!
		wait $!
		rm ready
		grep -o 'left: .*' err
	END
	run -0 "${network[@]}" bash there down
	assert_output "left: nothing was waiting, nothing lost (drain: a socket can't be connected)"
	run -0 "${network[@]}" bash there up
	assert_output "left: nothing was waiting, nothing lost (connect)"
	# bound to one interface, or an address of it, none is needed
	for where in "" "10.9.0.1" "fd09::1" "::"; do
		# shellcheck disable=SC2086
		run -0 "${network[@]}" bash there down --interface v0 $where
		assert_output "left: nothing was waiting, nothing lost (connect)"
	done
	run -0 "${network[@]}" bash there down 10.9.0.1
	assert_output "left: nothing was waiting, nothing lost (connect)"
}

@test "leave -u: no other user can bind to the port, whatever he sets" {
	test "$(id -u)" -eq 0 || skip "only root can be another user"
	start echo -u -r "$(free_port)"
	py "$port" <<-'END'
		os.setresuid(65534, 65534, 65534)
		families = [(socket.AF_INET, "0.0.0.0"), (socket.AF_INET, "127.0.0.1")]
		if os.path.exists("/proc/net/if_inet6"):
		    families += [(socket.AF_INET6, "::"), (socket.AF_INET6, "::1")]
		for family, host in families:
		    s = socket.socket(family, SOCK_DGRAM)
		    s.setsockopt(SOL_SOCKET, socket.SO_REUSEADDR, 1)
		    s.setsockopt(SOL_SOCKET, socket.SO_REUSEPORT, 1)
		    try:
		        s.bind((host, int(args[0])))
		    except OSError as e:
		        assert e.errno == 98, e
		    else:
		        sys.exit("bound to " + host)
	END
}
