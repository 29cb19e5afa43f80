# rpnc listen: where it listens, how it says so, and what JSON tells.
# shellcheck shell=bash disable=SC2154,SC2317

load listen

setup_file() {
	export no_ipv6=
	grep -q . /proc/net/if_inet6 || no_ipv6="no IPv6 here"
}

# answers HOST: who listens there takes one client, and ends.
answers() {
	py "$port" "$1" <<-'END'
		dial(*args).sendall(b"here")
	END
	ends_with 0
}

# has_events [CODE]: Python looks at all that out.0 tells, in a list.
has_events() {
	{
		echo 'all = list(events())'
		cat
	} >look
	py <look
}

@test "listen: a port alone is both wildcards with the same free port" {
	test -z "$no_ipv6" || skip "$no_ipv6"
	start listen 0
	assert_equal "${addrs[*]}" "0.0.0.0:$port [::]:$port"
	assert [ "$port" -gt 0 ]
	assert_equal "$(cat err.0)" "listening on 0.0.0.0:$port (tcp)
listening on [::]:$port (tcp)"
	run ss -Hltn "sport = :$port"
	assert_line --partial " 0.0.0.0:$port "
	assert_line --partial " [::]:$port "
	answers ::1
}

@test "listen: the wildcard of IPv4 is served by the same command" {
	start listen 0
	answers 127.0.0.1
}

@test "listen: -4 and -6 are one wildcard each" {
	start listen -4 0
	assert_equal "${addrs[*]}" "0.0.0.0:$port"
	test -z "$no_ipv6" || skip "$no_ipv6"
	start listen -6 0
	assert_equal "${addrs[*]}" "[::]:$port"
	py "$port" <<-'END'
		assert refused(args[0], "127.0.0.1")
	END
	answers ::1
}

@test "listen: HOST PORT, HOST:PORT and [V6]:PORT are that address only" {
	start listen 127.0.0.2 0
	assert_equal "${addrs[*]}" "127.0.0.2:$port"
	answers 127.0.0.2
	start listen 127.0.0.3:0
	assert_equal "${addrs[*]}" "127.0.0.3:$port"
	py "$port" <<-'END'
		assert refused(args[0], "127.0.0.1")
	END
	answers 127.0.0.3
	test -z "$no_ipv6" || skip "$no_ipv6"
	start listen '[::1]:0'
	assert_equal "${addrs[*]}" "[::1]:$port"
	answers ::1
	start listen ::1 0
	assert_equal "${addrs[*]}" "[::1]:$port"
}

@test "listen: an IPv4 address that is written as IPv6 is that address" {
	needs_ipv6
	start listen ::ffff:127.0.0.1 0
	assert_equal "${addrs[*]}" "127.0.0.1:$port"
	answers 127.0.0.1
}

@test "listen: localhost is all that it stands for, with one port" {
	start listen localhost 0
	assert_equal "${addrs[*]##*:}" "$(printf "%s\n" "${addrs[@]/*/"$port"}" |
		paste -sd ' ')"
	assert_regex "${addrs[*]}" '^(127.0.0.1:[0-9]+|\[::1\]:[0-9]+)( |$)'
	answers localhost
}

@test "listen: a port that is in use: status 5, one line" {
	start listen 127.0.0.1 0
	run timeout 20 rpnc listen 127.0.0.1 "$port"
	assert_failure 5
	assert_equal "${#lines[@]}" 1
	assert_output --partial "$(errno_text EADDRINUSE)"
}

@test "listen: either family of the wildcard in use: status 5, and none is kept" {
	test -z "$no_ipv6" || skip "$no_ipv6"
	local family
	for family in -4 -6; do
		start listen "$family" 0
		run timeout 20 rpnc listen "$port"
		assert_failure 5
		refute_output --partial listening
		run ss -Hltn "sport = :$port"
		assert_equal "${#lines[@]}" 1
	done
}

@test "listen: an address that is not ours: status 5" {
	run timeout 20 rpnc listen 192.0.2.250 0
	assert_failure 5
	assert_output --partial "$(errno_text EADDRNOTAVAIL)"
}

@test "listen: a port below 1024 is not for everyone: status 5" {
	local limit
	limit=$(cat /proc/sys/net/ipv4/ip_unprivileged_port_start)
	test "$limit" -gt 700 || skip "here it is"
	local as=()
	test "$(id -u)" -ne 0 || as=(setpriv --reuid=65534 --clear-groups)
	"${as[@]}" test -x "$RPNC" || skip "$RPNC can't be run by others"
	run timeout 20 "${as[@]}" "$RPNC" listen 127.0.0.1 700
	assert_failure 5
	assert_output --partial 'Permission denied'
}

@test "listen: no IPv6 in the kernel: IPv4 alone, and one notice" {
	cat >without <<-'END'
		import ctypes, os, platform, struct, sys
		def op(code, k, yes=0, no=0):
		    return struct.pack("HBBI", code, yes, no, k)
		socket = {"x86_64": 41, "aarch64": 198}[platform.machine()]
		rules = (op(0x20, 0) + op(0x15, socket, 0, 3) +	# socket(2)
		    op(0x20, 16) + op(0x15, 10, 0, 1) +		# of AF_INET6
		    op(0x06, 0x50000 | 97) +			# EAFNOSUPPORT
		    op(0x06, 0x7fff0000))
		keep = ctypes.create_string_buffer(rules)
		program = struct.pack("HxxxxxxP", 6, ctypes.addressof(keep))
		prctl = ctypes.CDLL(None).prctl
		assert prctl(38, 1, 0, 0, 0) == 0		# no new privileges
		assert prctl(22, 2, program) == 0		# a filter
		os.execvp(sys.argv[1], sys.argv[1:])
	END
	python3 without true || skip "no seccomp filters here"
	rpnc() { exec python3 without "$RPNC" "$@"; }
	start listen 0
	assert_equal "${addrs[*]}" "0.0.0.0:$port"
	assert_equal "$(cat err.0)" "rpnc: no IPv6 here: listening on IPv4 only
listening on 0.0.0.0:$port (tcp)"
	answers 127.0.0.1
}

@test "listen: where IPv6 is disabled by sysctl it listens all the same" {
	own_network
	network+=(sh -c 'echo 1 >/proc/sys/net/ipv6/conf/all/disable_ipv6 &&
		exec "$@"' -)
	rpnc() { exec "${network[@]}" "$RPNC" "$@"; }
	start listen 0
	assert_equal "${addrs[0]}" "0.0.0.0:$port"
}

@test "listen --ready-fd: all addresses in one write, then it is closed" {
	py <<-'END'
		import subprocess
		ours, its = socket.socketpair(type=socket.SOCK_SEQPACKET)
		with subprocess.Popen([os.environ["RPNC"], "listen", "--ready-fd",
		        str(its.fileno()), "localhost:0"], stdin=subprocess.DEVNULL,
		        pass_fds=[its.fileno()]) as p:
		    its.close()
		    told = ours.recv(4096).decode()
		    assert told.endswith("\n") and ours.recv(4096) == b""
		    for where in told.split():
		        assert where.rpartition(":")[0] in ("127.0.0.1", "[::1]")
		        assert int(where.rpartition(":")[2]) > 0
		    p.terminate()
	END
}

@test "listen --ready-fd: that nobody reads it is no fault" {
	py <<-'END'
		import subprocess
		ours, its = os.pipe()
		os.close(ours)
		p = subprocess.run([os.environ["RPNC"], "listen", "--ready-fd",
		    str(its), "--accept-timeout", "0.1", "127.0.0.1:0"],
		    pass_fds=[its], stdin=subprocess.DEVNULL)
		assert p.returncode == 4, p
	END
}

@test "listen --ready-fd: what is no descriptor is a usage error" {
	local fd
	for fd in 1 99 x; do
		run timeout 20 rpnc listen --ready-fd "$fd" 0
		assert_failure 2
	done
}

@test "listen: NOTIFY_SOCKET is told READY=1 once it listens" {
	local where
	for where in "$PWD/notify" "@rpnc-test-$$-$RANDOM"; do
		mkfifo bound
		behind "$where" <<-'END'
			s = socket.socket(socket.AF_UNIX, SOCK_DGRAM)
			s.bind(args[0].replace("@", "\0"))
			open("bound", "w").close()
			assert s.recv(99).split(b"\n")[0] == b"READY=1"
		END
		: <bound
		rm bound
		NOTIFY_SOCKET=$where start listen 127.0.0.1 0
		finish "$client"
	done
}

@test "listen --json: tells who listens, came, spoke and went; nothing else" {
	start listen --json -k 127.0.0.1 0
	py "$port" <<-'END'
		s = dial(args[0])
		s.sendall(b"hello\n")
		s.shutdown(SHUT_WR)
		assert whole(s) == b""
	END
	kill "$pid"
	ends_with 143
	assert_equal "$(cat err.0)" ""
	has_events <<-'END'
		import re
		assert [e["event"] for e in all] == [
		    "listening", "connected", "data", "closed"], all
		for e in all:
		    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z",
		                        e.pop("time")), e
		listening, connected, data, closed = all
		port, pid = listening.pop("port"), listening.pop("pid")
		assert port > 0 and pid > 0
		assert listening == {"event": "listening", "name": None,
		    "protocol": "tcp", "address": "127.0.0.1", "reuseport": False,
		    "members": 1, "steering": None, "adopted_from": None}, listening
		assert connected.pop("port") not in (0, port)
		assert connected == {"event": "connected", "conn": 1,
		    "name": None, "address": "127.0.0.1",
		    "via": None, "via_port": None}, connected
		assert data == {"event": "data", "conn": 1, "text": "hello\n"}
		assert 0 <= closed.pop("seconds") < 60
		assert closed == {"event": "closed", "conn": 1, "name": None,
		    "in": 6, "out": 0, "reason": "end"}, closed
	END
}

@test "listen --json: numbers connections from 1, and says why each closed" {
	mkfifo out.0
	exec 7<>out.0
	start listen --json -k --idle-timeout 1 127.0.0.1 0 7>&-
	py "$port" "$pid" <<-'END'
		told, reasons = events(), {}
		def closed():
		    while (e := next(told))["event"] != "closed":
		        pass
		    return e["conn"], e["reason"]
		reset(dial(args[0]))
		assert closed() == (1, "reset")
		s = dial(args[0])
		s.shutdown(SHUT_WR)
		assert closed() == (2, "end")
		s = dial(args[0])
		assert closed() == (3, "timeout")
		s = dial(args[0])
		while next(told)["event"] != "connected":
		    pass
		os.kill(int(args[1]), 15)
		assert closed() == (4, "cut")
	END
	ends_with 143
}

@test "listen --json: text is never split inside a character, else it is base64" {
	mkfifo out.0
	exec 7<>out.0
	start listen --json -k 127.0.0.1 0 7>&-
	py "$port" <<-'END'
		told = events()
		def data():
		    while (e := next(told))["event"] != "data":
		        assert e["event"] != "error"
		    return e.get("text"), e.get("base64")
		s = dial(args[0])
		s.sendall("aé€".encode()[:-1])
		assert data() == ("aé", None)
		s.sendall("€".encode()[-1:] + b'"\\\0\n')
		assert data() == ('€"\\\0\n', None)
		s.sendall(b"\xff\xfe")
		assert data() == (None, "//4=")
		s.sendall(b"x\xc3")
		assert data() == ("x", None)
		s.shutdown(SHUT_WR)
		assert data() == (None, "ww==")
		s = dial(args[0])
		text = "0123€" * 50000
		s.sendall(text.encode())
		got = ""
		while len(got) < len(text):
		    got += data()[0]
		assert got == text
	END
}
