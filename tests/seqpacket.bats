#!/usr/bin/env bats
# shellcheck disable=SC2154 # from helpers
# --seqpacket: Unix sockets whose records keep their borders.

load helpers
load connect

@test "seqpacket: connect and listen keep the borders of records, both ways" {
	start listen -k --json --seqpacket unix:here
	"$PYTHON" - <<-'END'
		import socket
		s = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
		s.connect("here")
		for record in b"one", b"two\n", b"x" * 60000, b"\xc3", b"\xa9":
		    s.send(record)
		s.shutdown(socket.SHUT_WR)
		assert s.recv(10) == b""
	END
	end TERM
	"$PYTHON" - <<-'END'
		import json
		events = [json.loads(line) for line in open("out.0")]
		data = [e.get("text", e.get("base64")) for e in events if e["event"] == "data"]
		assert data == ["one", "two\n", "x" * 60000, "ww==", "qQ=="], len(data)
		assert events[0]["protocol"] == "unix seqpacket"
	END
}

@test "seqpacket: a record without a byte is no end: what comes after it arrives" {
	start listen --seqpacket unix:listen
	start echo --seqpacket unix:echo
	"$PYTHON" - <<-'END'
		import socket
		for server in "listen", "echo":
		    s = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
		    s.connect(server)
		    for record in b"", b"one", b"", b"", b"two", b"":
		        s.send(record)
		    for i in range(100):
		        s.send(b"")
		    s.send(b"three")
		    s.shutdown(socket.SHUT_WR)
		    got = list(iter(lambda: s.recv(10), b""))
		    assert got == ([] if server == "listen" else [b"one", b"two", b"three"]), got
	END
	finish "${pids[0]}"
	assert_equal "$(cat out.0)" onetwothree
}

@test "seqpacket: echo sends each record back whole, and a file arrives unchanged" {
	random_file 300000 sent
	start echo -w 2 --seqpacket unix:here
	connect --seqpacket unix:here <sent >got
	cmp sent got
	"$PYTHON" - <<-'END'
		import socket
		s = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
		s.connect("here")
		for record in b"one", b"two" * 5000:
		    s.send(record)
		assert s.recv(100) == b"one"
		assert s.recv(100000) == b"two" * 5000
		s.shutdown(socket.SHUT_WR)
		assert s.recv(10) == b""
	END
}

@test "seqpacket: echo sends a large record back, or says that it is too large" {
	start echo -v --seqpacket unix:large
	"$PYTHON" - <<-'END'
		import socket
		s = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
		# twice what the server's socket has
		with open("/proc/sys/net/core/wmem_default") as f:
		    most = int(f.read())
		s.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, most)
		s.settimeout(20)
		s.connect("large")
		for n in 66000, most // 2:
		    s.send(b"x" * n)
		    assert s.recv(2 * most) == b"x" * n
		s.send(b"x" * (most + most // 2))
		try:
		    assert s.recv(2 * most) == b""
		except ConnectionError:
		    pass
	END
	eventually grep -q 'a record is too large to be sent back$' err.0
	eventually grep -q 'closed.*(by us)' err.0
}

@test "seqpacket: --delay makes each line a record; TCP and datagrams have none" {
	background "$PYTHON" -c '
import socket
s = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
s.bind("there"); s.listen()
c = s.accept()[0]
print([c.recv(100) for i in range(4)], file=open("got", "w"))'
	printf 'a\nbc\nd' | connect --wait 20 --seqpacket --delay 10ms unix:there
	finish "$pid"
	assert_equal "$(<got)" "[b'a\\n', b'bc\\n', b'd', b'']"
	run -2 rpnc listen --seqpacket 9000
	assert_output "rpnc listen: --seqpacket is for Unix sockets"
	run -2 rpnc listen --seqpacket -u unix:here
	assert_output --partial "--seqpacket has records"
}
