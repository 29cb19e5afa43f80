#!/usr/bin/env bats
# A sample of what "make soak" does; and that it finds what it looks for.
# shellcheck disable=SC2030,SC2031,SC2154 # a test is a subshell

load helpers

setup_file() {
	root=$(cd "$BATS_TEST_DIRNAME/.." && pwd)
	export root CLIENTS=$root/build${SAN:+-san}/soak/clients
	export DIRECTORY=sums PYTHONDONTWRITEBYTECODE=1
	test -x "$CLIENTS"
}

# soak ARG...: as "make soak" does. A sanitizer keeps memory that is freed.
soak() {
	timeout 110 "$BATS_TEST_DIRNAME/soak/run" --each 100 --warm 1 \
		--rss "${SAN:+100}2048" "$@" 3>&-
}

# begin: the same, in the background, until connections are counted.
begin() {
	export SOAK_TEST=$BATS_TEST_TMPDIR
	background "$BATS_TEST_DIRNAME/soak/run" --each 100 --every 1 >log 2>&1
	unset SOAK_TEST
	eventually grep -q ' connections [1-9]' log
}

# sum NAME: what is in the sums under it.
sum() {
	jq ".sums.$1 | add // 0" sums/state
}

# more_than N: so many connections are in the sums.
more_than() {
	test "$(sum connections)" -gt "$1"
}

# nothing_left: no process that begin started, nor any that came from it.
nothing_left() {
	! grep -lsz "^SOAK_TEST=$BATS_TEST_TMPDIR$" /proc/[0-9]*/environ
}

# leaks WHAT: members do; see leak.c.
leaks() {
	test -z "${SAN:-}" || skip 'a sanitizer wants to be the first library'
	cc -shared -fPIC -o leak.so "$BATS_TEST_DIRNAME/soak/leak.c"
	export LEAK=$1 LEAK_SO=$PWD/leak.so
}

@test "soak: members leave, two at once, killed half-way, beside a stopped one" {
	soak --rounds 25
	assert_equal "$(sum lost)" 0
	assert_equal "$(sum faults)" 0
	test "$(sum connections)" -ge 2000
	test "$(sum leaves)" -ge 25
	assert_equal "$(jq -c '.sums.leaves | keys' sums/state)" \
		'["command","tcp","tls","udp","workers"]'
}

@test "soak: an ordinary user needs no privilege" {
	local as=(setpriv --reuid=65534 --regid=65534 --clear-groups)
	test "$(id -u)" -eq 0 || skip "the others are as an ordinary user"
	local open
	open=$(mktemp -d "$TMPDIR/soak.XXXXXX")
	cp -r "$RPNC" "$CLIENTS" "$BATS_TEST_DIRNAME/soak" "$open"
	chown -R 65534 "$open"
	cd "$open"
	"${as[@]}" unshare --user --map-root-user --net true 2>/dev/null ||
		skip "no user namespaces here"
	"${as[@]}" env RPNC="$open/rpnc" CLIENTS="$open/clients" timeout 100 \
		soak/run --each 100 --rounds 3 >log 2>&1 3>&- ||
		fail "$(cat log)"
	assert_equal "$(sum lost)" 0
	assert_equal "$(sum faults)" 0
	assert grep -q 'no capability, no new privileges: all 9 members' log
	rm -r "$open"
}

@test "soak: it ends by SIGINT, and goes on from its sums, also after SIGKILL" {
	local before
	begin
	end INT
	assert_equal "$status" 0
	nothing_left
	before=$(sum connections)
	test "$before" -gt 0
	begin
	assert grep -q "goes on from $before connections" log
	eventually more_than "$before"
	end KILL
	eventually nothing_left
	assert more_than "$before"
	assert_equal "$(jq .runs sums/state)" 2
}

@test "soak: what --leave close loses is counted as lost, by class" {
	run -1 soak --rounds 6 --leave close --only tcp workers --kinds queue
	assert_output --regexp '[1-9][0-9]* lost of [0-9]+ connections in '
	test "$(sum lost)" -gt 0
	jq -e '.sums.lost | keys - ["tcp reset", "tcp short", "workers reset",
		"workers short"] == []' sums/state
	assert grep -q '^LOST tcp, reset .* SIGTERM' sums/losses
}

@test "soak: descriptors and memory that grow are found" {
	leaks descriptors
	run -1 soak --rounds 2 --only tcp
	assert_output --regexp 'FAULT descriptors: tcp 0 has [0-9]+, at first [0-9]+'
	assert_equal "$(sum lost)" 0
	leaks memory
	run -1 soak --seconds 8 --only tcp
	assert_output --regexp 'FAULT RSS: tcp [01] has [0-9]+ KiB more'
}

@test "soak: a kill excuses what its process had, and nothing else" {
	PYTHONPATH=$BATS_TEST_DIRNAME/soak python3 - <<-'END'
		from soak import *
		ms = 10**6
		kill = Kill("tcp", 7, 100 * ms, 110 * ms)
		loss = Loss("tcp", "reset", 90 * ms, 111 * ms, "", 7, "")
		assert is_excused(loss, kill)
		assert is_excused(loss._replace(pid=0, kind="short"), kill)
		for other in (dict(group="tls"), dict(pid=8), dict(kind="refused"),
		              dict(kind="timeout"), dict(kind="wrong"),
		              dict(began=111 * ms), dict(ended=99 * ms),
		              dict(ended=5200 * ms)):
		    assert not is_excused(loss._replace(**other), kill), other
		kill = Kill("udp", 7, 3000 * ms, 3010 * ms)
		loss = Loss("udp", "timeout", 1100 * ms, 21000 * ms, "", 0, "")
		assert is_excused(loss, kill)
		for other in (dict(group="tcp"), dict(kind="wrong"),
		              dict(began=900 * ms), dict(began=3011 * ms)):
		    assert not is_excused(loss._replace(**other), kill), other
	END
}

@test "soak: its clients tell refused, reset, short, wrong and silent apart" {
	timeout 60 python3 - 3>&- <<-'END'
		import collections, os, socket, struct, subprocess, threading

		def whole(s):
		    return b"".join(iter(lambda: s.recv(65536), b""))

		def reset(s):
		    s.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER,
		                 struct.pack("ii", 1, 0))

		def serve(listener, answer):
		    while True:
		        s = listener.accept()[0]
		        answer(s)
		        s.close()

		def serve_udp(s, answer):
		    while True:
		        data, peer = s.recvfrom(2000)
		        answer(s, data, peer)

		kept = []
		answers = {
		    "well": lambda s: s.sendall(whole(s)),
		    "reset": reset,
		    "short": lambda s: s.sendall(whole(s)[:-1]),
		    "more": lambda s: s.sendall(whole(s) + b"x"),
		    "wrong": lambda s: s.sendall(whole(s)[::-1]),
		    "cut": lambda s: s.recv(65536),
		    "silent": lambda s: kept.append(s.dup()),
		}
		targets = {"refused": "tcp"}
		nobody = socket.socket()
		nobody.bind(("127.0.0.1", 0))
		ports = {"refused": nobody.getsockname()[1]}
		for name, answer in answers.items():
		    l = socket.create_server(("127.0.0.1", 0))
		    threading.Thread(target=serve, args=(l, answer), daemon=True).start()
		    targets[name] = "tls" if name == "cut" else "tcp"
		    ports[name] = l.getsockname()[1]
		for name, answer in (
		        ("datagram", lambda s, data, peer: s.sendto(data, peer)),
		        ("backward", lambda s, data, peer: s.sendto(data[::-1], peer)),
		        ("nothing", lambda s, data, peer: None)):
		    s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
		    s.bind(("127.0.0.1", 0))
		    threading.Thread(target=serve_udp, args=(s, answer),
		                     daemon=True).start()
		    targets[name], ports[name] = "udp", s.getsockname()[1]

		def classes(limit, names):
		    """What the clients of each say, until all have said something."""
		    p = subprocess.Popen(
		        [os.environ["CLIENTS"], "-4", "-t", limit,
		         *["%s:%s:%d:1" % (n, targets[n], ports[n]) for n in names]],
		        stdin=subprocess.PIPE, stdout=subprocess.PIPE)
		    seen = collections.defaultdict(set)
		    for line in p.stdout:
		        word, *rest = line.decode().split()
		        if word == "lost":
		            seen[rest[0]].add(rest[1])
		        elif word == "sum" and int(rest[1]):
		            seen[rest[0]].add("well")
		        if set(names) == set(seen):
		            p.stdin.close()
		    assert p.wait() == 0
		    return seen

		mute = ["silent", "nothing"]
		seen = classes("50", [n for n in targets if n not in mute])
		seen.update(classes("1", mute))
		wanted = {"more": "wrong", "backward": "wrong", "cut": "short",
		          "datagram": "well", "silent": "timeout",
		          "nothing": "timeout"}
		for name in targets:
		    assert seen[name] == {wanted.get(name, name)}, (name, seen[name])
	END
}
