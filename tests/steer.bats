# Who gets a new connection: --steer, --weight, /steer, and members that are
# full.
# shellcheck shell=bash disable=SC2154,SC2016

bats_require_minimum_version 1.5.0
load helpers

# members N ARG...: so many of echo -r --identify, on one port, named A, B...
members() {
	local n=$1
	shift
	start echo -r --identify "$@" 127.0.0.1 0
	for ((; n > 1; n--)); do
		start echo -r --identify "$@" 127.0.0.1 "$port"
	done
}

# ask ARG...: tests/ask.py; what it found is in $found.
ask() {
	found=$(timeout 60 python3 "$BATS_TEST_DIRNAME/ask.py" "$port" "$@" 3>&-)
}

# holds FILTER: it is so of what was found.
holds() {
	jq -e "$1" >/dev/null <<<"$found"
}

# asked FILTER ARG...: ask, and it is so.
asked() {
	ask "${@:2}" && holds "$1"
}

# given FILTER ARG...: so it is, from a moment on: the program follows a change
# of the group, but who makes it must have been woken.
given() {
	eventually asked "$@" || {
		echo "not so: $1: $found"
		return 1
	}
}

# fits PARTS: the counts found are a draw from these parts, by a chi-square
# below its 1e-6 quantile.
fits() {
	python3 - "$found" "$1" <<-'END'
		import json, sys
		# R: qchisq(1 - 1e-6, 1:3)
		limit = [23.92813, 27.63102, 30.66485]
		counts = json.loads(sys.argv[1])["counts"]
		parts = dict(p.split("=") for p in sys.argv[2].split(","))
		n, whole = sum(counts.values()), sum(map(float, parts.values()))
		chi2 = 0
		for name, part in parts.items():
		    expected = n * float(part) / whole
		    chi2 += (counts.get(name, 0) - expected) ** 2 / expected
		print(counts, "chi2", chi2)
		sys.exit(chi2 > limit[len(parts) - 2])
	END
}

# foreign_member: one that is not rpnc's, and says that it is "python".
foreign_member() {
	cat >python.py <<-'END'
		import socket, sys
		s = socket.socket()
		s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
		s.bind(("127.0.0.1", int(sys.argv[1])))
		s.listen(100)
		while True:
		    c = s.accept()[0]
		    c.sendall(b"rpnc/1 name=python worker=0\n")
	END
	background python3 python.py "$port"
}

hosts() {
	printf '127.0.0.%d ' $(seq "$1")
}

# said N TEXT: what was started as number N has said that, or will soon.
said() {
	eventually grep -qF -- "$2" "err.$1" || {
		cat "err.$1"
		return 1
	}
}

@test "a server is ready once the group follows its steering, if another member attaches it, too" {
	local i
	members 1
	inject "$pid" setsockopt:delay_enter=10000
	with_faults fcntl:delay_enter=20000 # a lock is taken by it: A is first
	start echo -r --identify --steer A=0,B=100 127.0.0.1 "$port"
	for i in {1..10}; do
		run -0 rpnc connect 127.0.0.1 "$port" </dev/null
		assert_output --partial name=B
	done
	with_faults fcntl:delay_enter=20000
	start echo -r -w 2 --identify --steer A=0,B=0,C=100 127.0.0.1 "$port"
	for i in {1..10}; do
		run -0 rpnc connect 127.0.0.1 "$port" </dev/null
		assert_output --partial name=C
	done
}

@test "steer: source-address: each address has its member, all the same" {
	members 3 --steer source-address
	# shellcheck disable=SC2046
	given '.counts == {A: 30, B: 30, C: 30} and (.who | all(length == 1))' \
		--from $(hosts 9) --times 10
	# who comes later finds it on the registry, and is counted in
	start echo -r --identify 127.0.0.1 "$port"
	said 3 '4 of 4, source-address'
	# shellcheck disable=SC2046
	given '.counts == {A: 10, B: 10, C: 10, D: 10} and
		(.who | all(length == 1))' --from $(hosts 8) --times 5
}

@test "steer: source-address of IPv6" {
	test -e /proc/net/if_inet6 || skip "no IPv6 here"
	start echo -r --identify --steer source-address ::1 0
	start echo -r --identify ::1 "$port"
	given '(.counts | [.[]] == [40])' --to ::1 --from ::1 --times 40
}

@test "steer: source-port: even and odd ports alike" {
	members 2 --steer source-port
	local first=$((2000 + RANDOM % 2000 * 4)) from='--from 127.66.0.2'
	# pairs of neighbours by turns
	# shellcheck disable=SC2086
	given '.counts == {A: 20, B: 20} and (.who | to_entries |
		map({port: (.key | split(" ")[1] | tonumber), who: .value[0]}) |
		group_by(.port / 2 | floor) |
		(all(.[0].who == .[1].who) and
		([.[:-1], .[1:]] | transpose | all(.[0][0].who != .[1][0].who))))' \
		$from --ports "$first" 40 1
	# what connect(2) itself chooses is even
	# shellcheck disable=SC2086
	given '.counts == {A: 20, B: 20}' $from --ports "$first" 40 2
}

@test "steer: cpu: by the processor that the client runs on" {
	test "$(nproc)" -ge 2 || skip "one processor here"
	members 2 --steer cpu
	given '.counts | [.[]] == [40]' --times 40 --cpu 0
	local first
	first=$(jq -r '.counts | keys[0]' <<<"$found")
	given '.counts | [.[]] == [40]' --times 40 --cpu 1
	assert test "$first" != "$(jq -r '.counts | keys[0]' <<<"$found")"
}

@test "steer: random: evenly, but not by address and port as hash" {
	members 2 --steer random
	local same="--from 127.66.0.2 --ports $((2000 + RANDOM % 9000)) 1 1"
	# a hash would give all to one; chance, once in 2^99
	# shellcheck disable=SC2086
	given '.who[] | length == 2' $same --times 100
	ask --times 1000
	fits A=1,B=1
	run ! fits A=70,B=30 # that the test can fail
	start echo -r --identify --steer hash 127.0.0.1 "$port"
	said 0 '~ C (pid '
	# a member that is told may not have detached the program yet
	# shellcheck disable=SC2086
	eventually given '.who[] | length == 1' $same --times 100
}

@test "steer: weights, by name, kept as members come and go" {
	members 4 --steer weights\ A=70,B=20,C=10,D=0
	given '(.counts | has("D") | not) and .counts.A > 0' --times 20
	ask --times 1500
	holds '.counts | has("D") | not'
	fits A=70,B=20,C=10
	run ! fits A=1,B=1,C=1
	# D alone is left of those that were named, A is in their midst
	kill -KILL "${pids[2]}"
	finish "${pids[2]}" || test $? -eq 137
	kill "${pids[0]}"
	finish "${pids[0]}" || test $? -eq 143
	given '.counts == {B: 100}' --times 100
	# a name is weighted when it comes; others have 100
	start echo -r --identify --name C 127.0.0.1 "$port"
	start echo -r --identify --name X --weight 0 127.0.0.1 "$port"
	given '.counts.C > 0 and (.counts | has("X") | not)' --times 100
	ask --times 600
	fits B=20,C=10
	run ! grep -h '^rpnc' err.*
}

@test "steer: --weight makes a canary, of each worker too" {
	members 2
	start echo -r --identify --name canary --weight 20 127.0.0.1 "$port"
	said 0 '~ canary (pid '
	said 1 'set the steering: weights'
	given '.counts.canary > 0' --times 40
	ask --times 2000
	fits A=100,B=100,canary=20
	start echo -w 2 --identify --name dark --weight 0 127.0.0.1 "$port"
	given '(.counts | keys) == ["A", "B", "canary"]' --times 200
}

@test "steer: by weights, each member tells the share of all, and a weight that nobody gave" {
	start echo -r 127.0.0.1 0
	start echo -r 127.0.0.1 "$port"
	said 0 '2 members, 1/2 of new connections each'
	run ! grep -h weight err.0 err.1
	start echo -r --weight 70 127.0.0.1 0
	start echo -r --weight 30 127.0.0.1 "$port"
	said 2 '2 members by weights: A 70 %, B 30 %'
	run ! grep -h default err.2 err.3
	start echo -r 127.0.0.1 "$port"
	assert grep -qx 'rpnc: C has the default weight, 100: 50 % of new connections' err.4
	said 2 "+ C joined (pid $pid): 3 members by weights: A 35 %, B 15 %, C 50 % (default weight)"
	end TERM
	said 3 ': 2 members by weights: A 70 %, B 30 %'
	start echo -r -w 2 127.0.0.1 "$port"
	assert grep -qx 'rpnc: each worker of D has the default weight, 100' err.5
	start echo -r --name E --steer weights\ A=5,D=1,E=2 --json 127.0.0.1 "$port"
	said 2 'set the steering: weights A=5,D=1,E=2: A 12.8 %, B 76.9 %, D/0 2.56 %, D/1 2.56 %, E 5.13 %'
	run ! grep -h default err.6 out.6
}

@test "steer: weights follow ten deaths and joins at once, under load" {
	members 6
	local i names
	python3 - "$port" <<-'END' 3>&- &
		import os, socket, struct, sys, threading
		def run():
		    while not os.path.exists("enough"):
		        try:
		            with socket.create_connection(("127.0.0.1",
		                    int(sys.argv[1])), 10) as s:
		                s.recv(100)
		                # no TIME_WAIT: others need the ports
		                s.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER,
		                             struct.pack("ii", 1, 0))
		        except OSError:
		            pass
		all = [threading.Thread(target=run) for _ in range(6)]
		[t.start() for t in all]
		[t.join() for t in all]
	END
	pids+=($!)
	local load=$!
	for i in {0..4}; do
		names=$(grep -ho '^[A-Za-z0-9]* listening' err.* |
			sed 's/ .*/=0/' | tr '\n' ,)
		kill -KILL "${pids[i]}"
		finish "${pids[i]}" || test $? -eq 137
		start echo -r --identify --name "new$i" --steer "${names}new$i=9" \
			127.0.0.1 "$port"
		start echo -r --identify --name "N$i" --steer "${names}N$i=0,new$i=9" \
			127.0.0.1 "$port"
		given ".counts == {new$i: 60}" --times 60
	done
	touch enough
	finish "$load"
	run ! grep -h '^rpnc' err.*
}

@test "steer: datagrams, by weights and by address" {
	reserve
	start echo -u -r --steer A=0,C=0 127.0.0.1 "$port"
	start echo -u -r 127.0.0.1 "$port"
	start echo -u -r 127.0.0.1 "$port"
	count() {
		rpnc probe -u --echo --by registry --json -n 50 127.0.0.1 "$port" |
			jq -e -c "[.members[].count] == $1"
	}
	eventually count '[0, 50, 0]'
	# in whose midst one dies
	kill -KILL "${pids[0]}"
	finish "${pids[0]}" || test $? -eq 137
	eventually count '[50, 0]'
	run ! grep -hP '^rpnc(?!: [BC] has the default weight, 100: )' err.*
}

@test "steer: members that are not rpnc's are steered, too" {
	members 1 --steer source-address
	foreign_member
	# shellcheck disable=SC2046
	given '.counts == {A: 16, python: 16}' --from $(hosts 8) --times 4
	kill "$pid"
	finish "$pid" || test $? -eq 143
	# shellcheck disable=SC2046
	given '.counts == {A: 8}' --from $(hosts 8)
}

@test "steer: the parent of workers that takes a dead member's name has its program repaired" {
	members 1 --steer source-address
	foreign_member
	# shellcheck disable=SC2046
	given '.counts == {A: 16, python: 16}' --from $(hosts 8) --times 4
	kill -KILL "${pids[0]}"
	finish "${pids[0]}" || test $? -eq 137
	start echo -r -w 2 --name A --identify 127.0.0.1 "$port"
	given '.counts | length == 3' --from 127.0.0.1 --times 100
}

@test "steer: -m: who is full is steered around, until there is room" {
	start echo -r --identify -m 3 127.0.0.1 0
	start echo -r --identify 127.0.0.1 "$port"
	python3 - "$port" <<-'END'
		import re, socket, sys, time
		port = int(sys.argv[1])
		def dial(patience=20):
		    s = socket.create_connection(("127.0.0.1", port), patience)
		    try:
		        name = re.search(rb"name=(\w+)", s.recv(200))[1].decode()
		    except TimeoutError:
		        name = "A's queue"
		    return name, s
		def said(text, times):
		    end = time.monotonic() + 20
		    while open("err.1").read().count(text) < times:
		        assert time.monotonic() < end, open("err.1").read()
		for turn in (1, 2):
		    all = [dial()]
		    while [name for name, _ in all].count("A") < 3:
		        all.append(dial())
		    said("! A full", turn)
		    # from a moment on nothing comes to A's queue any more
		    row = 0
		    while row < 60:
		        all.append(dial(0.3))
		        row = row + 1 if all[-1][0] == "B" else 0
		        assert len(all) < 200
		    for _, s in all:
		        s.close()
		    said("! A goes on", turn)
	END
	run ! grep -h '^rpnc' err.*
}

@test "steer: when all are full, clients wait" {
	start echo -r --identify -m 1 127.0.0.1 0
	start echo -r --identify -m 1 127.0.0.1 "$port"
	python3 - "$port" <<-'END'
		import socket, sys
		all = [socket.create_connection(("127.0.0.1", int(sys.argv[1])), 20)
		       for _ in range(20)]
		for s in all:
		    s.shutdown(socket.SHUT_WR)
		for s in all:
		    assert s.makefile("rb").read().startswith(b"rpnc/1")
	END
}

@test "steer: who sets what must say it right" {
	run -2 rpnc echo --steer random 9000
	assert_output --partial 'want -r with it'
	run -2 rpnc listen --weight 3 9000
	assert_output --partial 'want -r with it'
	run -2 rpnc echo -r --steer sometimes 9000
	assert_output --partial "want hash, random, cpu, weights A=70,B=30"
	run -2 rpnc echo -r --steer weights\ A=x 9000
	assert_output --partial "'A=x': want NAME=WEIGHT, 0 to 1000"
	run -2 timeout 20 rpnc echo -r --steer weights\ A=50,B=1,A=30 127.0.0.1 0
	assert_output --partial "'A=30': this name has a weight already"
	run -2 rpnc echo -r --steer cpu --weight 3 9000
	assert_output --partial '--weight counts with --steer weights only'
	run -2 rpnc echo -r --steer byte=2 9000
	assert_output --partial "byte=OFFSET is for datagrams"
	run -2 rpnc listen -u -r --steer least 9000
	assert_output --partial "least counts open connections, and datagrams have none"
	run -2 rpnc echo -u -r --steer byte 9000
	assert_output --partial "want byte=OFFSET, 0 to 65506"
	local o
	for o in x -1 1x ''; do
		run -2 rpnc listen -r --steer "byte=$o" 127.0.0.1 0
		assert_output "rpnc listen: steering: want byte=OFFSET, 0 to 65506: which byte of a datagram's payload decides"
	done
	# -w is a group by itself
	start echo -w 2 --steer source-address --identify 127.0.0.1 0
	# shellcheck disable=SC2046
	given '.counts == {A: 4, "A/1": 4}' --from $(hosts 8)
}

@test "steer: a steering lives as long as the group" {
	members 2 --steer source-address
	local first=$port
	stop
	start echo -r --identify 127.0.0.1 "$first"
	start echo -r --identify 127.0.0.1 "$first"
	said 0 '1 of 1)'
	given '.counts | length == 2' --from 127.0.0.1 --times 100
}

@test "replace: the new one has come before the old one goes" {
	members 4
	local ports
	ports="--from 127.66.0.2 --ports $((2000 + RANDOM % 9000)) 200 1"
	# shellcheck disable=SC2086
	ask $ports
	jq -r '.who | to_entries[] | .key + " " + .value[0]' <<<"$found" |
		sed 's/ B$/ E/' >before
	start echo -r --identify --replace B 127.0.0.1 "$port"
	finish "${pids[1]}"
	assert grep -q "^B leaves: replaced by pid ${pids[4]}$" err.1
	assert grep -q '^left: .*, nothing lost$' err.1
	# the others have put the hash back; no flow of theirs has moved
	after() {
		# shellcheck disable=SC2086
		ask $ports
		jq -r '.who | to_entries[] | .key + " " + .value[0]' <<<"$found" >after
		cmp before after
	}
	eventually after || {
		diff before after
		false
	}
}

@test "replace: by pid, of a listener at its prompt and of echo with workers" {
	start listen -r --json 127.0.0.1 0
	start echo -w 2 --identify --replace "$pid" 127.0.0.1 "$port"
	finish "${pids[0]}"
	assert jq -e -s 'any(.event == "draining" and .name == "A" and
		(.reason | startswith("replaced by pid ")))' out.0
	start listen -r --replace B 127.0.0.1 "$port"
	finish "${pids[1]}"
	assert grep -q "^B leaves: replaced by pid $pid$" err.1
	assert_equal "$(grep -c '^B/[01] left: ' err.1)" 2
}

@test "replace: whom there is not, or not alone" {
	run -2 rpnc listen --replace A 9000
	assert_output --partial 'want -r with it'
	run -2 rpnc listen -r --replace A 0
	start echo -r 127.0.0.1 0
	local other=$port
	run -2 rpnc listen -r --replace Z 127.0.0.1 "$other"
	assert_output --partial "no rpnc of yours has this name or pid here"
	assert_output --partial "members: A (pid $pid)"
	start echo -w 2 127.0.0.1 0
	run -2 rpnc listen -r --replace A/1 127.0.0.1 "$port"
	assert_output --partial 'its parent would start again: say A'
	stop
	run -2 rpnc listen -r --replace A 127.0.0.1 "$other"
	assert_output --partial 'no rpnc of yours is on this TCP port'
	run -2 rpnc listen -r -u --replace Z 127.0.0.1 "$other"
	assert_output --partial 'no rpnc of yours is on this UDP port'
}

@test "replace: one that is stopped leaves when it goes on" {
	start echo -r 127.0.0.1 0
	local old=$pid
	kill -STOP "$old"
	eventually grep -q '^State:.T' "/proc/$old/status"
	start echo -r --replace A 127.0.0.1 "$port"
	assert grep -q "A is stopped: it leaves when it goes on (kill -CONT $old)" err.1
	kill -CONT "$old"
	finish "$old"
}

@test "steer: what a leaver that is killed half-way did is put right" {
	members 4 --steer source-address
	local i
	for i in {0..7}; do
		kill "${pids[i]}"
		read -r -t "0.0$((i % 4 * 9))" <> <(:) || true
		kill -KILL "${pids[i]}" 2>/dev/null || true
		finish "${pids[i]}" || test $? -ge 128
		start echo -r --identify 127.0.0.1 "$port"
		# shellcheck disable=SC2046
		given '(.counts | [.[]] == [6, 6, 6, 6]) and
			(.who | all(length == 1))' --from $(hosts 8) --times 3
	done
	run ! grep -h '^rpnc' err.*
}

@test "steer: a mode that there is not, written on the registry, is the hash" {
	members 2 --steer source-address
	python3 - run/*/*-tcp-"$port" <<-'END'
		import struct, sys
		with open(sys.argv[1], "rb+", buffering=0) as registry:
		    registry.seek(40)
		    mode, serial = struct.unpack("II", registry.read(8))
		    assert mode == 5, mode
		    registry.seek(40)
		    registry.write(struct.pack("II", 77, serial + 1))
	END
	said 0 'set the steering: hash'
	given '.counts | length == 2' --from 127.0.0.1 --times 100
	stop
	run ! grep -h '^rpnc' err.*
}

@test "steer: what all who died had set ends with them" {
	members 2 --steer A=0
	kill -KILL "${pids[@]}"
	finish "${pids[0]}" || test $? -eq 137
	finish "${pids[1]}" || test $? -eq 137
	start echo -r 127.0.0.1 "$port"
	said 2 '1 of 1)'
}

@test "steer: who alone had a weight leaves to those of weight 0" {
	members 2 --steer A=100,B=0
	python3 - "$port" "${pids[0]}" <<-'END'
		import itertools, os, re, signal, socket, sys
		to, pid = ("127.0.0.1", int(sys.argv[1])), int(sys.argv[2])
		# many clients: one address would be short of ports for a minute
		hosts = itertools.cycle("127.9.1.%d" % n for n in range(1, 250))
		def connect():
		    return socket.create_connection(to, 20, (next(hosts), 0))
		# a handshake that never ends: A waits for it, 3 s at most
		while "A full":
		    half = socket.socket()
		    half.setsockopt(socket.IPPROTO_IP, 21, 255) # IP_MINTTL
		    half.setblocking(False)
		    half.connect_ex(to)
		    with connect() as s:
		        if b"name=A" in s.recv(200):
		            break
		os.kill(pid, signal.SIGTERM)
		names = []
		while "A left" and "left: " not in open("err.0").read():
		    with connect() as s:
		        names.append(re.search(rb"name=(\w+)", s.recv(200))[1])
		end = names[-len(names) // 3:]
		assert end and set(end) == {b"B"}, names
	END
}

@test "steer: weights of single workers, and names that can't be" {
	start echo -w 3 --identify --steer A=50,A/1=0,A/2=0 127.0.0.1 0
	given '.counts == {A: 40}' --times 40
	run -2 rpnc echo -r --steer 'A=70, B=30' 127.0.0.1 0
	assert_output --partial "' B=30': want NAME=WEIGHT"
	run -2 rpnc echo -r --steer 'A/x=70' 127.0.0.1 0
	run -2 rpnc echo -r --steer '=70' 127.0.0.1 0
}

@test "steer: -m: short connections are no reason to wake all" {
	start echo -r --identify -m 1 127.0.0.1 0
	start echo -r --identify -m 1 127.0.0.1 "$port"
	local began=${EPOCHREALTIME/./}
	ask --times 500
	# nothing is told that did not last for 50 ms
	local most=$(((${EPOCHREALTIME/./} - began) / 50000 + 1))
	assert test "$(grep -c '^! B ' err.0)" -le "$most"
}

@test "replace: who ends already is not hurried by it" {
	mkfifo client
	start listen -r 127.0.0.1 0
	local old=$pid
	nc 127.0.0.1 "$port" <client 3>&- &
	pids+=($!)
	exec 5>client
	echo one >&5
	eventually grep -q one out.0
	kill "$old"
	said 0 'left: '
	start listen -r --replace A 127.0.0.1 "$port"
	start echo -r --name last 127.0.0.1 "$port"
	# by then it has seen the request
	said 0 '+ last joined'
	echo two >&5
	eventually grep -q two out.0
	exec 5>&-
	finish "$old" || test $? -eq 143
}

@test "steer: a name that is taken is told before anything is joined" {
	start echo -r 127.0.0.1 0
	ASAN_OPTIONS+=:detect_leaks=0 run -2 strace -qq -f -e trace=bind,listen -o calls \
		rpnc echo -r --name A 127.0.0.1 "$port"
	assert_output --partial 'name A: a live member has this name'
	# who had joined would have reset what it was given
	run ! grep -E "^[0-9]+ +(listen|bind.*htons\($port\))" calls
	test -e calls
}

# long WHAT ARG...: tests/least.py with the registry of $port.
long() {
	timeout 60 python3 "$BATS_TEST_DIRNAME/least.py" \
		run/*/*-tcp-"$port" "$port" "$@" 3>&-
}

@test "steer: least: each member has as many long connections as the others" {
	start echo -r --identify -w 8 --steer least 127.0.0.1 0
	long singly 16
	run ! grep -h '^rpnc' err.*
}

@test "steer: least: of TLS, too" {
	start echo -r --identify -w 3 --tls --steer least 127.0.0.1 0
	TLS=1 long singly 6
}

@test "steer: least: a listener counts its sessions" {
	start listen -k -r --steer least 127.0.0.1 0
	start listen -k -r 127.0.0.1 "$port"
	start listen -k -r 127.0.0.1 "$port"
	python3 - run/*/*-tcp-"$port" "$port" <<-'END'
		import select, socket, struct, sys, time
		registry = open(sys.argv[1], "rb", buffering=0)
		def balanced():
		    registry.seek(964)
		    return registry.read(4)
		def opened():
		    registry.seek(34816)
		    slots = [registry.read(384) for _ in range(3)]
		    pairs = [struct.unpack_from("QQ", s, 320) for s in slots]
		    return [accepted - closed for accepted, closed in pairs]
		def dial():
		    before, sum_before = balanced(), sum(opened())
		    all.append(socket.create_connection(("127.0.0.1", int(sys.argv[2]))))
		    end = time.monotonic() + 20
		    while balanced() == before or sum(opened()) == sum_before:
		        assert time.monotonic() < end, opened()
		        select.select([], [], [], 0.001)
		all = []
		for _ in range(6):
		    dial()
		assert opened() == [2, 2, 2], opened()
	END
}

@test "steer: least: who joins gets all until it has as many, and leavers lose none" {
	members 3 --steer least --leave steer -v
	mkfifo go
	long newcomer D <go >ready &
	local load=$! before=$pid
	pids+=("$load")
	exec 7>go
	eventually test -s ready
	start echo -r --identify --name D 127.0.0.1 "$port"
	said 0 '+ D joined'
	echo >&7
	exec 7>&-
	finish "$load"
	kill "${pids[0]}"
	finish "${pids[0]}" || test $? -eq 143
	grep -q 'nothing lost (steer)' err.0
	kill -0 "$before"
	long singly 3
}

@test "steer: least: a member that is stuck does not get all, as if it were idle" {
	members 3 --steer least
	kill -STOP "$pid"
	long stuck C
	kill -CONT "$pid"
}

@test "steer: least: members that are not rpnc's get their part" {
	members 2 --steer least
	cat >python.py <<-'END'
		import socket, sys
		s = socket.socket()
		s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
		s.bind(("127.0.0.1", int(sys.argv[1])))
		s.listen(100)
		kept = []
		while True:
		    kept.append(s.accept()[0])
		    kept[-1].sendall(b"rpnc/1 name=python worker=0\n")
	END
	background python3 python.py "$port"
	eventually listens "$pid"
	# it is seen when rpnc next looks
	eventually eval 'long settled && rpnc probe --group --json "$port" | jq -e ".members | length == 3"'
	long foreign 40 python
}

@test "steer: least: the program is attached 20 times a second at most" {
	with_faults setsockopt:error=ENOSYS:when=65535 # which never comes
	start echo -r -w 4 --steer least 127.0.0.1 0
	long settled
	local before
	before=$(wc -l <trace)
	# from many addresses: TIME_WAIT keeps the ports of each
	command rpnc probe -q -c 12 -d "${WHOLE:+1}1" --sources 127.9.0.0/24 127.0.0.1 "$port"
	tail -n +"$((before + 1))" trace | awk '
		/SO_ATTACH_REUSEPORT_CBPF/ { at[++n] = $2 }
		END {
			print n " in " at[n] - at[1] " s"
			exit !(n >= 3 && n <= 20 * (at[n] - at[1] + 1))
		}'
}

# spread N BURST MODE RUNS: prints the mean and the median of the busiest of 8
# members, to the mean of all.
spread() {
	local i
	: >runs
	for ((i = 0; i < $4; i++)); do
		start echo -r --identify -w 8 --steer "$3" 127.0.0.1 0
		long spread "$1" "$2" 8 >>runs || return 1
		stop
	done
	sort -n runs | awk '{ sum += $1; all[NR] = $1 } END {
		print sum / NR, (all[int((NR + 1) / 2)] + all[int(NR / 2) + 1]) / 2 }'
}

@test "steer: least: bursts are spread better than by the hash" {
	local n burst hash least
	if test -z "${WHOLE:-}"; then
		# one run says nothing of the mean, but 9 of 16 at one would be wrong
		least=$(spread 16 4 least 1)
		awk '{ exit !($1 <= 4) }' <<<"$least"
		return
	fi
	for n in 16 64; do
		for burst in 1 4; do
			hash=$(spread "$n" "$burst" hash 60)
			least=$(spread "$n" "$burst" least 60)
			echo "# $n in bursts of $burst: mean and median $hash by the hash, $least" >&3
			awk '{ exit !($3 < $1) }' <<<"$hash $least"
		done
	done
}

# by_byte HOST: the members of the port get datagrams by byte 2, of any sender.
by_byte() {
	timeout 60 python3 - "$1" "$port" run/*/*-udp-"$port" <<-'END'
		import socket, struct, sys
		host, port = sys.argv[1], int(sys.argv[2])
		family = socket.AF_INET6 if ":" in host else socket.AF_INET
		registry = open(sys.argv[3], "rb", buffering=0)
		def counts():
		    registry.seek(34816)
		    slots = [registry.read(384) for _ in range(16)]
		    return [struct.unpack_from("Q", s, 320)[0] for s in slots]
		def client():
		    s = socket.socket(family, socket.SOCK_DGRAM)
		    s.settimeout(20)
		    s.connect((host, port))
		    return s
		def member(s, data):
		    before = counts()
		    s.send(data)
		    assert s.recv(100) == data
		    changed = [i for i, n in enumerate(counts()) if n != before[i]]
		    assert len(changed) == 1, changed
		    return changed[0]
		members = sum(1 for i in range(16)
		              if counts() is not None and
		              (registry.seek(34816 + 384 * i), registry.read(4))[1] == b"\1\0\0\0")
		one, other = client(), client()
		seen = {}
		for byte in list(range(40)) + [128, 254, 255]:
		    data = bytes([7, 7, byte]) + b"x" * (byte % 3)
		    who = member(one, data)
		    # the client has another port, and keeps its member
		    assert who == member(other, data)
		    assert who == seen.setdefault(byte % members, who)
		assert len(set(seen.values())) == members, seen
		# without that byte: by the sender, however long it is
		senders = [client() for _ in range(60)]
		short = [{member(s, d) for d in (b"", b"a", b"ab")} for s in senders]
		assert all(len(who) == 1 for who in short), short
		assert len(set.union(*short)) > 1
	END
}

@test "steer: byte: a datagram's byte decides, whatever port its sender has" {
	reserve
	start echo -u -r --steer byte=2 127.0.0.1 "$port"
	start echo -u -r 127.0.0.1 "$port"
	start echo -u -r 127.0.0.1 "$port"
	eventually by_byte 127.0.0.1
	start echo -u -r 127.0.0.1 "$port"
	said 0 '4 members, byte=2'
	eventually by_byte 127.0.0.1
}

@test "steer: byte: of IPv6, too" {
	test -e /proc/net/if_inet6 || skip "no IPv6 here"
	reserve
	start echo -u -r -w 3 --steer byte:2 ::1 "$port"
	eventually by_byte ::1
}
