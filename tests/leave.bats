# Leaving a group without losing a connection: listen -r and echo -r.
# shellcheck shell=bash disable=SC2154

bats_require_minimum_version 1.5.0

load listen

# apart COMMAND...: in a network of its own, where there may be one. What it
# leaves in TIME_WAIT is tens of thousands of ports, which others need.
apart() {
	local as=(unshare -n)
	test "$(id -u)" -eq 0 || as=(unshare -Urn)
	"${as[@]}" ip link set lo up 2>/dev/null || as=()
	# shellcheck disable=SC2016 # the $@ is for the inner shell
	test "${#as[@]}" -eq 0 || as+=(sh -c 'ip link set lo up && exec "$@"' sh)
	"${as[@]}" "$@"
}

# drive ARG...: tests/leave.py; what it found is in $found.
drive() {
	found=$(apart timeout "$BATS_TEST_TIMEOUT" python3 - "$@" \
		<"$BATS_TEST_DIRNAME/leave.py" 3>&-)
	echo "$found"
}

# holds FILTER: it is so of what was found.
holds() {
	jq -e "$1" >/dev/null <<<"$found" || {
		echo "not so: $1"
		return 1
	}
}

# member N [TEXT]: the one line of how member N left, with TEXT. (Members are
# started with -v, or it would not say which way it left.)
member() {
	run -0 grep 'left: ' "err.$1"
	assert_equal "${#lines[@]}" 1
	assert_output --partial "$2"
}

# hold_leave SECONDS: has the lock that a leaver must have, so that one waits.
hold_leave() {
	mkfifo holds.lock
	cat >holder.py <<-'END'
		import fcntl, glob, os, signal, struct, sys
		path = glob.glob("run/*/*tcp-" + sys.argv[1])[0]
		registry = open(path, "rb+")
		lock = struct.pack("hhqqi4x", fcntl.F_WRLCK, 0, 0, 1, 0)
		fcntl.fcntl(registry, 37, lock)
		open("holds.lock", "w").close()
		signal.pause()
	END
	background python3 holder.py "$port"
	: <holds.lock
}

@test "leave: 20,000 connections, 40 restarts: none is lost" {
	drive roll --rounds "${ROUNDS:-40}" --least 12000 -- listen -r
	holds '.lost == 0 and .said == 0 and .resent == 0 and .uneven == []'
	holds '.modes.steer == .rounds and .rounds >= 40'
	# replies are what was sent; both families, so two groups each
	drive roll --rounds 10 --least 8000 --host --to 127.0.0.1 ::1 \
		-- echo -r
	holds '.lost == 0 and .said == 0 and .uneven == []'
}

@test "leave: an ordinary user loses none either" {
	local as=(setpriv --reuid=65534 --clear-groups)
	test "$(id -u)" -eq 0 || skip "the others are as an ordinary user"
	"${as[@]}" test -x "$RPNC" || skip "$RPNC can't be run by others"
	chown 65534 "$XDG_RUNTIME_DIR"
	cd /
	found=$(apart "${as[@]}" timeout 100 python3 - roll --rounds 20 -- listen -r \
		<"$BATS_TEST_DIRNAME/leave.py" 3>&-)
	echo "$found"
	holds '.lost == 0 and .said == 0 and .resent == 0 and .modes == {steer: 20}'
}

@test "leave: what waits in a queue is served, but with --leave close reset" {
	drive queued auto
	holds '.lost == 0 and (.said[0] | test("^left: served [1-9][0-9]* .*steer"))'
	drive queued gate
	holds '.lost == 0 and (.said[0] | endswith("(gate)"))'
	drive queued close
	holds '.lost > 0 and .said == ["left: \(.lost) connections lost (close)"]'
}

@test "leave: half-open handshakes are awaited, but not by drain and close" {
	local mode
	own_network
	"${network[@]}" ip link add v0 type veth peer name v1 2>/dev/null ||
		skip "no veth here"
	for mode in auto gate once drain close; do
		found=$(timeout 60 "${network[@]}" python3 - halfopen "$mode" \
			<"$BATS_TEST_DIRNAME/leave.py" 3>&-)
		echo "$mode: $found"
		case $mode in
		auto | gate) holds '.reset == 0 and .served == 200' ;;
		# a signal during a leave goes on with it
		once) holds '.reset == 0 and .served == 200 and
			(.said[0] | endswith("nothing lost (steer)"))' ;;
		*) holds '.reset > 20 and .reset + .served == 200' ;;
		esac
	done
}

@test "leave: two at once, and two that join during it" {
	drive roll --rounds 10 --leavers 2 --members 5 -- listen -r
	holds '.lost == 0 and .said == 0 and .uneven == []'
	drive roll --rounds 10 --leavers 2 --members 5 --late -- listen -r
	holds '.lost == 0 and .said == 0 and .uneven == []'
}

@test "leave: one that is killed half-way leaves no program behind" {
	drive roll --rounds 12 --kill --probe 127.0.0.1 -- listen -r
	holds '.lost == 0 and .uneven == []'
}

@test "leave: each group is mended by who is in it" {
	grep -q . /proc/net/if_inet6 || skip "no IPv6 here"
	drive roll --rounds 6 --members 8 --odd 0.0.0.0 --host --probe ::1 \
		--to ::1 -- listen -r
	holds '.lost == 0 and .uneven == []'
}

@test "leave: echo's workers leave one by one, also when all are signalled" {
	drive roll --rounds 4 --members 2 -- echo -w 2
	holds '.lost == 0 and .said == 0'
	# a service manager signals each process of a service
	drive roll --rounds 4 --members 2 --whole -- echo -w 2
	holds '.lost == 0 and .said == 0'
}

@test "leave: a worker that is ended by itself is replaced, and loses none" {
	start echo -v -w 3 127.0.0.1 0
	behind "$port" "$pid" <<-'END'
		n = 0
		while not os.path.exists("enough"):
		    s = dial(args[0])
		    s.sendall(b"%d" % n)
		    s.shutdown(SHUT_WR)
		    assert whole(s) == b"%d" % n
		    n += 1
	END
	kill "$(pgrep -P "$pid" | head -n 1)"
	eventually grep -q 'ended with status 0; it is replaced' err.0
	member 0 'nothing lost (steer)'
	touch enough
	finish "$client"
}

@test "leave: --once leaves its group in order, with close at once" {
	drive roll --rounds 10 --once -- listen -r
	holds '.lost == 0 and .said == 0'
	start listen -v -r --once --leave close 127.0.0.1 0
	kill -STOP "$pid"
	py "$port" "$pid" <<-'END'
		clients = [dial(args[0]) for _ in range(3)]
		clients[0].sendall(b"x")
		clients[0].shutdown(SHUT_WR)
		os.kill(int(args[1]), 18)
		assert whole(clients[0]) == b""
		for s in clients[1:]:
		    try:
		        assert s.recv(1) != b""
		    except ConnectionResetError:
		        pass
	END
	ends_with 0
	member 0 '2 connections lost (close)'
}

@test "leave: with --once, who is accepted after stdin has ended is told its end" {
	echo hello >text
	start_with text listen -r --once --grace 1h 127.0.0.1 0
	hold_leave
	pid=${pids[0]}
	py "$port" <<-'END'
		first = dial(args[0])
		assert whole(first) == b"hello\n"
		second = dial(args[0])
		assert whole(second) == b""
		second.sendall(b"bye\n")
	END
	ends_with 0
	assert_equal "$(<out.0)" bye
}

@test "leave: who is alone, or among others' servers, shuts a gate, and says so" {
	start listen -v -r 127.0.0.1 0
	kill "$pid"
	ends_with 143
	member 0 'nothing lost (gate: no other rpnc)'
	background python3 "$BATS_TEST_DIRNAME/members.py" >where
	eventually test -s where
	read -r port _ <where
	start listen -v -r 127.0.0.1 "$port"
	start listen -v -r 127.0.0.1 "$port"
	kill "$pid"
	ends_with 143
	member 3 'nothing lost (gate: not all are rpnc'\''s)'
	pid=${pids[2]}
	kill "$pid"
	ends_with 143
	# nobody would mend the program
	start listen -v -r --leave steer 127.0.0.1 "$port"
	kill "$pid"
	ends_with 143
	member 4 'nothing lost (gate: no other rpnc)'
}

@test "leave: a group that is bound to a device is one by itself" {
	start listen -v -r 127.0.0.1 0
	start listen -v -r --interface lo 127.0.0.1 "$port"
	start listen -v -r --interface lo 127.0.0.1 "$port"
	kill "$pid"
	ends_with 143
	member 2 'nothing lost (steer)'
	pid=${pids[1]}
	kill "$pid"
	ends_with 143
	member 1 'nothing lost (gate: no other rpnc)'
}

@test "leave: --leave drain and gate are what is done" {
	local mode
	start listen -v -r 127.0.0.1 0
	for mode in drain gate; do
		start listen -v -r --leave "$mode" 127.0.0.1 "$port"
		kill "$pid"
		ends_with 143
	done
	member 1 'nothing lost (drain)'
	member 2 'nothing lost (gate)'
}

@test "leave: --grace is what open sessions have, and 0 is none" {
	start echo -v -r --json --grace 300ms 127.0.0.1 0
	py "$port" "$pid" <<-'END'
		import time
		s = dial(args[0])
		s.sendall(b"1")
		assert s.recv(1) == b"1"
		began = time.monotonic()
		os.kill(int(args[1]), 15)
		while b"drained" not in open("out.0", "rb").read():
		    pass
		s.sendall(b"2")
		assert s.recv(1) == b"2"
		assert s.recv(1) == b""
		assert time.monotonic() - began > 0.3
		cut = [e["reason"] for e in events() if e["event"] == "closed"]
		assert cut == ["cut"], cut
	END
	ends_with 143
	start listen -v -r --json --grace 0 127.0.0.1 0
	py "$port" "$pid" <<-'END'
		s = dial(args[0])
		while b"connected" not in open("out.1", "rb").read():
		    pass
		os.kill(int(args[1]), 15)
		assert s.recv(1) == b""
	END
	ends_with 143
	assert grep -q '"reason":"cut"' out.1
}

@test "leave: with -v a server says whom it waits for, and how long" {
	local n waits
	for n in 1 2; do
		start echo -v -r --grace 90 127.0.0.1 0
		waits="err.$((${#pids[@]} - 1))"
		py "$port" "$pid" "$n" "$waits" <<-'END'
			clients = [dial(args[0]) for _ in range(int(args[2]))]
			for s in clients:
			    s.sendall(b"x")
			    assert s.recv(1) == b"x"
			os.kill(int(args[1]), 15)
			until(lambda: " open: up to " in open(args[3]).read())
		END
		case $n in
		1) grep -x '1 session open: up to 1 min 30 s for it to end; Ctrl-C ends now' "$waits" ;;
		2) grep -x '2 sessions open: up to 1 min 30 s for them to end; Ctrl-C ends now' "$waits" ;;
		esac
		ends_with 143
	done
}

@test "leave: a second signal ends at once, in the leave or in the grace" {
	start listen -v -r 127.0.0.1 0
	start listen -v -r 127.0.0.1 "$port"
	hold_leave
	pid=${pids[1]}
	kill -INT "$pid" # if both wait for it, this is the first
	kill "$pid"
	ends_with 143
	member 1 '(close: a second signal)'
	kill "${pids[2]}"
	start_fed listen -v -r --grace 1h 127.0.0.1 0
	exec 5<>"/dev/tcp/127.0.0.1/$port"
	heard connected
	kill "$pid"
	heard left:
	(kill "$pid") # of one sender, a second one at once may be timeout(1)'s
	ends_with 143
	exec 5>&-
}

@test "leave: one whose turn does not come shuts a gate, and says so" {
	start listen -v -r 127.0.0.1 0
	start listen -v -r 127.0.0.1 "$port"
	hold_leave
	pid=${pids[1]}
	kill "$pid"
	ends_with 143
	member 1 'nothing lost (gate: another one leaves and is stuck)'
	kill "${pids[2]}" # or the other one waits too
}

@test "leave: without descriptors it waits for some, and says what is lost" {
	local way
	for way in close keep; do
		start listen -v -r 127.0.0.1 0
		prlimit --pid "$pid" --nofile=20:20
		py "$port" "$pid" "$way" "err.$((${#pids[@]} - 1))" <<-'END'
			clients = [dial(args[0]) for _ in range(40)]
			full = lambda: len(os.listdir("/proc/%s/fd" % args[1])) >= 20
			while not full():
			    pass
			os.kill(int(args[1]), 15)
			if args[2] == "close":
			    for s in clients:
			        s.sendall(b"x")
			        s.shutdown(SHUT_WR)
			    for s in clients:
			        assert whole(s) == b""
			while b"left:" not in open(args[3], "rb").read():
			    pass
		END
		ends_with 143
	done
	member 0 ', nothing lost '
	assert_equal "$(cat out.0)" "$(printf 'x%.0s' {1..40})"
	run -0 grep -E '^left: .*[1-9][0-9]* connections? lost ' err.1
}

@test "leave: -m is no limit to what was queued" {
	start echo -v -r -m 1 127.0.0.1 0
	py "$port" "$pid" <<-'END'
		clients = [dial(args[0]) for _ in range(20)]
		clients[0].sendall(b"x")
		assert clients[0].recv(1) == b"x"
		os.kill(int(args[1]), 15)
		for s in clients[1:]:
		    s.sendall(b"y")
		    assert s.recv(1) == b"y"
	END
	ends_with 143
	member 0 'served 19 that waited, nothing lost'
}

@test "leave: what is accepted meanwhile inherits no gate" {
	start echo -v -r 127.0.0.1 0
	start echo -v -r 127.0.0.1 "$port"
	kill -STOP "${pids[0]}"
	py "$port" "${pids[0]}" <<-'END'
		clients = [dial(args[0]) for _ in range(40)]
		os.kill(int(args[1]), 15)
		os.kill(int(args[1]), 18)
		for s in clients:
		    # a server that minds the TTL would not hear this
		    s.setsockopt(socket.IPPROTO_IP, socket.IP_TTL, 1)
		    s.sendall(b"x")
		    assert s.recv(1) == b"x"
	END
	pid=${pids[0]}
	ends_with 143
	member 0 'nothing lost (steer)'
}

@test "leave: who waited is answered while the leave goes on" {
	export ASAN_OPTIONS=${ASAN_OPTIONS:-}:detect_leaks=0
	start echo -v -r 127.0.0.1 0
	local leaver=$pid
	start echo -v -r 127.0.0.1 "$port"
	# the second wait for the kernel, with the gate shut, lasts long
	inject "$leaver" membarrier:delay_enter=5000000:when=2
	kill -STOP "$leaver"
	eventually grep -qi '^State:.t' "/proc/$leaver/status" # it is traced
	py "$port" "$leaver" <<-'END'
		clients = [dial(args[0]) for _ in range(40)]
		for s in clients:
		    s.sendall(b"x")
		os.kill(int(args[1]), 15)
		os.kill(int(args[1]), 18)
		for s in clients:
		    assert s.recv(1) == b"x"
		assert b"left:" not in open("err.0", "rb").read()
	END
	pid=$leaver
	ends_with 143
	member 0 'nothing lost (steer)'
}

@test "leave: a steered group loses none either, and goes on being steered" {
	local rounds=${WHOLE:+12}
	rounds=${rounds:-6}
	# by address: all clients are with one member, which leaves in its turn
	drive roll --rounds "$rounds" --least 1500 -- echo -r --steer source-address
	holds ".lost == 0 and .said == 0 and .resent == 0 and .modes.steer == $rounds"
	drive roll --rounds "$rounds" --leavers 2 -- echo -r --steer random
	holds '.lost == 0 and .said == 0 and .uneven == []'
	drive roll --rounds "$rounds" --least 1500 -- echo -r --steer least
	holds '.lost == 0 and .said == 0 and .resent == 0'
	drive roll --rounds "$rounds" --least 1500 -- echo -r --weight 50
	holds '.lost == 0 and .said == 0 and .uneven == []'
	drive roll --rounds "$rounds" --kill --probe 127.0.0.1 -- listen -r --steer random
	holds '.lost == 0 and .uneven == []'
}

@test "leave: steer, where the members are bound to an interface" {
	start echo -v -r --interface lo 127.0.0.1 0
	start echo -v -r --interface lo 127.0.0.1 "$port"
	kill "${pids[0]}"
	finish "${pids[0]}" || test $? -eq 143
	member 0 'nothing lost (steer)'
}

@test "leave: no program is left to those who know nothing of it" {
	cat >python.py <<-'END'
		import socket, sys
		s = socket.socket()
		s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
		s.bind(("127.0.0.1", int(sys.argv[1])))
		s.listen(100)
		open(sys.argv[2], "w").close()
		while True:
		    c = s.accept()[0]
		    c.sendall(b"rpnc/1 name=%s worker=0\n" % sys.argv[2].encode())
	END
	local mode i
	for mode in gate drain close; do
		start echo -v -r --leave "$mode" --steer random 127.0.0.1 0
		for i in 1 2; do
			background python3 python.py "$port" "$mode$i"
			eventually test -e "$mode$i"
		done
		kill "${pids[-3]}"
		finish "${pids[-3]}" || test $? -eq 143
		background python3 python.py "$port" "${mode}3"
		eventually test -e "${mode}3"
		found=$(python3 "$BATS_TEST_DIRNAME/ask.py" "$port" --from 127.66.0.1 \
			--ports "$((2000 + RANDOM % 9000))" 1 1 --times 60 3>&-)
		# one flow, one member: the hash
		holds '.counts | length == 1'
	done
}

# steps: how often the process that is traced has been stopped.
steps() {
	grep -c 'stopped by SIGSTOP' trace
}

# stepped N: it is stopped once more than N times, or has ended.
stepped() {
	test "$(steps)" -gt "$1" || gone "$leaver"
}

# step: it goes on, to where it waits next.
step() {
	local before
	before=$(steps)
	kill -CONT "$leaver"
	eventually stepped "$before"
}

# seen RESULT [N]: since line $from of the trace it leaves: it has asked for the
# lock of a leaver, with that result, and then N times for sockets.
seen() {
	local since
	since=$(tail -n "+$from" trace | sed -n '/socket(AF_NETLINK/,$p' |
		sed -n "/F_OFD_SETLK.*= $1/,\$p")
	test -n "$since" &&
		test "$(grep -c 'sendto(.*SOCK_DIAG' <<<"$since")" -ge "${2:-0}"
}

# until_seen RESULT [N]: it goes on until then.
until_seen() {
	until seen "$@"; do
		! gone "$leaver" || fail "it has left"
		step
	done
}

@test "leave: a joiner that is not on the registry yet is no stranger" {
	local leaver joiner tracer from holder
	export ASAN_OPTIONS=${ASAN_OPTIONS:-}:detect_leaks=0
	start echo -v -r 127.0.0.1 0
	start echo -v -r 127.0.0.1 "$port"
	leaver=$pid
	# the joiner is stopped as soon as it is in the kernel's group
	mkfifo joined
	background strace -D -qq -o /dev/null --trace=listen \
		--inject=listen:signal=SIGSTOP rpnc echo -r 127.0.0.1 "$port" \
		--ready-fd 4 4<>joined
	joiner=$pid
	three_listen() {
		test "$(ss -Hltn "src 127.0.0.1:$port" | wc -l)" -eq 3
	}
	eventually three_listen
	hold_leave
	holder=$pid
	# the leaver is stopped wherever it waits, and at each question
	inject "$leaver" epoll_wait,epoll_pwait,sendto:signal=SIGSTOP
	tracer=${pids[-1]}
	eventually stepped 0
	from=$(wc -l <trace)
	kill "$leaver"
	until_seen -1
	end TERM "$holder"
	# a look has three questions, each for IPv4 and IPv6: this is the second look,
	# or what a leaver does that has believed the first
	until_seen 0 7
	kill -CONT "$joiner"
	read -r -t 30 _ <>joined
	kill "$tracer" 2>/dev/null || true # it ends with who is traced
	finish "$tracer" || true
	kill -CONT "$leaver"
	pid=$leaver
	ends_with 143
	member 1 'nothing lost (steer)'
}

# with_sysctl NAME=VALUE COMMANDS: bash in a network of its own, where that is set.
with_sysctl() {
	unshare -Urn true || skip "no network namespaces here"
	timeout 100 unshare -Urn bash -euc "
		ip link set lo up
		echo ${1#*=} >/proc/sys/${1%=*}
		$2"
}

@test "steer, leave: with SYN cookies for all, members never take each other's tests for clients" {
	# shellcheck disable=SC2016
	with_sysctl net/ipv4/tcp_syncookies=2 '
		mkfifo ready
		for name in A B C; do
			rpnc echo -r --json --name $name --weight 70 127.0.0.1 9000 \
				--ready-fd 4 4>ready >$name & pids+=($!)
			cat ready >/dev/null
		done
		rpnc probe -n 300 --echo 9000 >probe
		kill -TERM ${pids[0]}
		wait ${pids[0]} || true
		rpnc probe -n 100 --echo 9000 >>probe
		kill -TERM ${pids[@]:1}
		wait || true'
	grep -c 'failed 0' probe | grep -qx 2
	run jq -s 'map(select(.event == "report") | .accepted) | add' A B C
	assert_output 400
}

@test "leave: of a wildcard whose IPv6 can have no packet, IPv4 is still left by steering" {
	# shellcheck disable=SC2016
	with_sysctl net/ipv6/conf/all/disable_ipv6=1 '
		mkfifo ready
		for name in A B C; do
			rpnc echo -r --json --name $name 9000 --ready-fd 4 4>ready >$name & pids+=($!)
			cat ready >/dev/null
		done
		kill -TERM ${pids[0]}
		wait ${pids[0]} || true
		kill -TERM ${pids[@]:1}
		wait || true'
	run jq -c 'select(.event == "drained") | [.mode, .text]' A
	assert_output '["steer",null]'
}
