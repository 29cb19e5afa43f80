#!/usr/bin/env bats
# What man/rpnc-reuseport.7 shows is run as it is written there, and what it
# says of it is so: exactly where steering makes it exact, and else false less
# than once in a million times by the kernel's dice.
# shellcheck disable=SC2016,SC2030,SC2031,SC2154 # what is shown; a test is a subshell

load helpers
load terminal
load shown

texts() {
	cat "$root/man/rpnc-reuseport.7"
}

# What is stopped must go on to end.
teardown() {
	local p
	tm kill-server 2>/dev/null || true
	for p in "${pids[@]}"; do
		test -z "$p" || kill -CONT "$p" $(pgrep -P "$p") 2>/dev/null || true
	done
	stop
}

# by_chance COUNT N P: of N tries, each with probability P, so many; a count
# from a tail of 1e-7 is not.
by_chance() {
	python3 - "$@" <<-'END'
		import fractions, math, sys
		count, n = map(int, sys.argv[1:3])
		p = float(fractions.Fraction(sys.argv[3]))
		def chance(k):
		    return math.exp(math.lgamma(n + 1) - math.lgamma(k + 1)
		                    - math.lgamma(n - k + 1) + k * math.log(p)
		                    + (n - k) * math.log(1 - p))
		low = sum(map(chance, range(0, count + 1)))
		high = sum(map(chance, range(count, n + 1)))
		print(count, "of", n, "by", p, low, high)
		sys.exit(min(low, high) < 1e-7)
	END
}

# names NAME...: what the clients of a loop that is shown were told, in order.
names() {
	assert_equal "$output" "$(printf 'name=%s\n' "$@")"
}

# told N TEXT: server N says it, soon.
told() {
	eventually has_line "$2" "err.$1" || {
		cat "err.$1"
		return 1
	}
}

# ends N: the shell's job is over.
ends() {
	local status=0
	finish "${pids[$1 - 1]}" || status=$?
	assert [ "$status" -eq 143 ]
}

# free_port [udp]: leaves one in $port.
free_port() {
	port=$(python3 - "$@" <<-'END'
		import socket, sys
		s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM if sys.argv[1:]
		                  else socket.SOCK_STREAM)
		s.bind(("", 0))
		print(s.getsockname()[1])
	END
	)
}

# bound N [-u]: as many sockets have the port.
bound() {
	test "$(ss -Hln "${2:--t}" "sport = :$port" | wc -l)" -ge "$1"
}

# busy: clients have come and gone.
busy() {
	test "$($within ss -Htan "sport = :$port or dport = :$port" | wc -l)" -gt 100
}

all_wait() {
	test "$($within ss -Htn state established "sport = :$port" | wc -l)" -eq 400
}

@test "reuseport.7: every command that is shown is run here" {
	all_are_run
	test "$(wc -l <all_shown)" -gt 60
}

@test "reuseport.7: a group, and who of it accepts" {
	serve 'rpnc echo -r 9000 &'
	serve 'rpnc echo -r 9000 &'
	try 'rpnc probe 9000'
	by_chance "$(gave A)" 200 0.5
	assert_equal "$(($(gave A) + $(gave B)))" 200
}

@test "reuseport.7: all must have the option" {
	serve 'rpnc echo 9000 &'
	refuses 'rpnc echo -r 9000'
	assert_output --partial 'without SO_REUSEPORT, which all need to share a port: restart it with -r'
	stop
	serve 'rpnc echo -r 9000 &'
	refuses 'rpnc echo 9000'
	assert_output --partial 'with SO_REUSEPORT: -r joins it'
}

@test "reuseport.7: one user must have made all" {
	others
	serve 'sudo -u nobody rpnc echo -r 9000 &'
	refuses 'sudo rpnc echo -r 9000'
	assert_output --partial 'only sockets of one user share a port'
}

@test "reuseport.7: nc joins without a word" {
	free_port
	does 'nc -l 9000 &'
	eventually bound 1
	does 'nc -l 9000 &'
	eventually bound 2
	serve 'rpnc echo -r -4 9000 &'
	assert has_line '3 of 3)' err.2
}

@test "reuseport.7: addresses that do not cover each other" {
	serve 'rpnc echo 127.0.0.1 9000 &'
	serve 'rpnc echo -r 127.0.0.2 9000 &'
}

@test "reuseport.7: --check" {
	serve 'rpnc echo -r 9000 &'
	try 'rpnc echo -r --check 9000'
	assert_output --partial "A (pid $pid"
	assert_equal "$(wc -l <err.0)" "${#addrs[@]}" # nobody joined
}

@test "reuseport.7: ports for root, and Unix sockets" {
	refuses 'rpnc echo -r -U socket'
	assert_output --partial 'Linux has no SO_REUSEPORT for Unix sockets'
	others
	test "$(cat /proc/sys/net/ipv4/ip_unprivileged_port_start)" -gt 80 ||
		skip "port 80 is for everyone here"
	refuses 'sudo -u nobody rpnc echo -r 80'
	assert_output --partial 'Permission denied: ports below '
}

@test "reuseport.7: a specific address beats the wildcard" {
	serve 'rpnc echo -r 9000 &'
	serve 'rpnc echo -r 127.0.0.1 9000 &'
	told 1 "all that is for 127.0.0.1 comes to 127.0.0.1:$port now"
	try 'rpnc probe 127.0.0.1 9000'
	assert_equal "$(gave A),$(gave B)" ,200
	try 'rpnc probe 127.0.0.2 9000'
	assert_equal "$(gave A),$(gave B)" 200,
}

@test "reuseport.7: IPv4 beats dual-stack; of two IPv6 wildcards the older wins" {
	needs_ipv6
	free_port
	shown 'socat TCP6-LISTEN:9000,reuseport,fork PIPE &'
	read -ra socat <<<"${line% &}"
	background "${socat[@]/9000/"$port"}"
	eventually bound 1
	serve 'rpnc echo -r 9000 &'
	told 1 'all IPv6 goes to socat'
	told 1 "all IPv4 comes to 0.0.0.0:$port now, no longer to socat"
	try 'rpnc probe 127.0.0.1 9000'
	assert_equal "$(gave A)" 200
	try 'rpnc probe ::1 9000'
	assert_equal "$(gave A)" ""
	kill "${pids[0]}"
	finish "${pids[0]}" || true
	# IPv4 comes to rpnc also if socat is the younger one
	background "${socat[@]/9000/"$port"}"
	eventually bound 3
	try 'rpnc probe 127.0.0.1 9000'
	assert_equal "$(gave A)" 200
}

@test "reuseport.7: of a group on an interface and one on any, the last wins" {
	serve 'rpnc echo -r -4 9000 &'
	serve 'rpnc echo -r -4 --interface lo 9000 &'
	try 'rpnc probe 127.0.0.1 9000'
	assert_equal "$(gave A),$(gave B)" ,200
	does 'kill %1'
	ends 1
	serve 'rpnc echo -r -4 9000 &'
	try 'rpnc probe 127.0.0.1 9000'
	assert_equal "$(gave B),$(gave C)" ,200
}

@test "reuseport.7: the hash is even over many, also from one address" {
	serve 'rpnc echo -r 9000 &'
	serve 'rpnc echo -r 9000 &'
	serve 'rpnc echo -r 9000 &'
	try 'rpnc probe -n 1000 --fail-uneven=0.000001 127.0.0.1 9000'
	assert_equal "$(($(gave A) + $(gave B) + $(gave C)))" 1000
	# that it can fail
	run -7 rpnc probe -n 1000 --fail-uneven=0.000001 \
		--expect-weights A=1,B=1,C=2 127.0.0.1 "$port"
}

@test "reuseport.7: but like dice" {
	local none=0 tries=${WHOLE:+100} i idle=' A/[0-3] [^%]* 0 +0\.0 %'
	serve 'rpnc echo -w 4 9000 &'
	tries=${tries:-30}
	for ((i = 0; i < tries; i++)); do
		try 'rpnc probe -n 10 127.0.0.1 9000'
		assert_output --partial ' A/3 '
		[[ ! $output =~ $idle ]] || none=$((none + 1))
	done
	assert_output --partial 'fair hashing gives 2 ±'
	# one or more of four has none of n: by inclusion and exclusion
	chance() {
		python3 -c "print(4 * .75**$1 - 6 * .5**$1 + 4 * .25**$1)"
	}
	assert_regex "$(chance 10)" '^0.219'
	assert_regex "$(chance 20)" '^0.012'
	by_chance "$none" "$tries" "$(chance 10)"
}

@test "reuseport.7: the same port meets the same member" {
	serve 'rpnc echo -r --identify 9000 &'
	serve 'rpnc echo -r --identify 9000 &'
	try <<'END'
for i in 1 2 3 4 5; do rpnc connect -s 127.0.0.1 -p 20001 127.0.0.1 9000 </dev/null; done
END
	test "${#lines[@]}" -eq 5
	assert_equal "$(sort -u <<<"$output" | wc -l)" 1
}

# four: A, B, C and D, which have the clients from 127.0.0.4, .1, .2 and .3.
four() {
	serve 'rpnc echo -r --identify --steer source-address 127.0.0.1 9000 &'
	serve 'rpnc echo -r --identify 127.0.0.1 9000 &'
	serve 'rpnc echo -r --identify 127.0.0.1 9000 &'
	serve 'rpnc echo -r --identify 127.0.0.1 9000 &'
	given names_of_four A B C D
}

names_of_four() {
	try <<'END'
for i in 4 1 2 3; do rpnc connect -s 127.0.0.$i 127.0.0.1 9000 </dev/null; done | cut -d " " -f 2
END
	names "$@"
}

names_of_three() {
	try <<'END'
for i in 2 3 1; do rpnc connect -s 127.0.0.$i 127.0.0.1 9000 </dev/null; done | cut -d " " -f 2
END
	names "$@"
}

# given COMMAND...: so it is, from a moment on: who makes the program must have
# been woken by the change.
given() {
	eventually "$@" >/dev/null || "$@"
}

@test "reuseport.7: the last of the array moves into the place of who leaves" {
	four
	does 'kill %2'
	ends 2
	given names_of_three A D C
}

@test "reuseport.7: a program goes on without who attached it" {
	four
	does 'kill -KILL %1'
	finish "${pids[0]}" || test $? -eq 137
	given names_of_three D B C
}

@test "reuseport.7: a canary" {
	serve 'rpnc echo -r 127.0.0.1 9000 &'
	serve 'rpnc echo -r --name canary --weight 10 127.0.0.1 9000 &'
	weighted() {
		run rpnc probe -n 200 127.0.0.1 "$port"
		test "$(gave canary)" -lt 60 # 100 by the hash
	}
	eventually weighted || fail "$output
$(cat err.*)"
	try 'rpnc probe -n 1100 127.0.0.1 9000'
	by_chance "$(gave canary)" 1100 10/110
}

@test "reuseport.7: one processor, one member" {
	serve 'rpnc echo -r --steer cpu 127.0.0.1 9000 &'
	serve 'rpnc echo -r 127.0.0.1 9000 &'
	try 'taskset -c 0 rpnc probe 127.0.0.1 9000'
	assert_regex "$(gave A),$(gave B)" '^(200,0|0,200)$'
}

@test "reuseport.7: the fewest open connections decide" {
	serve 'rpnc echo -r -w 8 --steer least 127.0.0.1 9000 &'
	try 'rpnc probe 127.0.0.1 9000'
	assert_line --partial 'the members steer to those with the fewest open connections'
}

# queue_up LEAVER: B has hundreds of connections in its queue when it is ended.
queue_up() {
	serve 'rpnc echo -r 127.0.0.1 9000 &'
	"$@"
	does 'rpnc probe --echo -d 5 --rate 500 -c 400 --timeout 60 127.0.0.1 9000 &'
	eventually busy
	does 'kill -STOP %2'
	eventually all_wait # each of 400 clients comes to B in the end
	does 'kill %2'
	does 'kill -CONT %2'
	ends 2
	finish "${pids[2]}" || true
	run -0 cat out.2
}

@test "reuseport.7: who closes resets what is queued" {
	queue_up serve 'rpnc echo -r --leave close 127.0.0.1 9000 &'
	local lost
	lost=$(sed -nE 's/^left: .*\b([0-9]+) connections? lost \(close\)$/\1/p' err.1)
	test "$lost" -gt 0
	# who comes back to B between its count and its close is reset, too
	assert_line --regexp '^failed [0-9]+ \(reset [0-9]+\)$'
	assert [ "$(sed -nE 's/^failed .*reset ([0-9]+).*/\1/p' out.2)" -ge "$lost" ]
}

@test "reuseport.7: who leaves loses nothing" {
	queue_up serve 'rpnc echo -r 127.0.0.1 9000 &'
	assert has_line ', nothing lost' err.1
	assert_line 'failed 0'
	# and alone
	kill "${pids[0]}"
	ends 1
	assert has_line ', nothing lost' err.0
}

@test "reuseport.7: to accept all first does not save handshakes" {
	# what is accepted, drained and closed, and what is left: leave.py
	own_network
	"${network[@]}" ip link add v0 type veth peer name v1 2>/dev/null ||
		skip "no veth here"
	run -0 timeout 60 "${network[@]}" python3 - halfopen drain \
		<"$BATS_TEST_DIRNAME/leave.py" 3>&-
	jq -e '.reset > 20' <<<"$output"
	run -0 timeout 60 "${network[@]}" python3 - halfopen auto \
		<"$BATS_TEST_DIRNAME/leave.py" 3>&-
	jq -e '.reset == 0 and .served == 200' <<<"$output"
}

@test "reuseport.7: tcp_migrate_req hands the queue on" {
	local to=(-n) space
	test "$(id -u)" -eq 0 || to=(-U --preserve-credentials -n)
	own_network
	mkfifo lives ready
	(exec "${network[@]}" bash -c 'ip link set lo up; echo >ready; read -r <>lives') 3>&- &
	space=$!
	read -r <ready
	within="nsenter -t $space ${to[*]} "
	test -e /proc/sys/net/ipv4/tcp_migrate_req || skip "not before Linux 5.14"
	does 'sudo sysctl net.ipv4.tcp_migrate_req=1'
	queue_up serve 'rpnc echo -r --leave close 127.0.0.1 9000 &'
	assert_line 'failed 0'
	echo >lives
	wait "$space" || true
}

@test "reuseport.7: a member that is stuck" {
	shown 'rpnc listen -r --steer source-address 127.0.0.1 9000'
	# shellcheck disable=SC2086 # words
	pane a ${line/ 9000/ 0}
	listening a
	prompts a 'A [0 open]>'
	serve 'rpnc echo -r 127.0.0.1 9000 &'
	sees a '+ B joined'
	does 'kill -STOP %1'
	refuses 'rpnc probe -s 127.0.0.1 -n 20 -c 20 --timeout 500ms 127.0.0.1 9000'
	assert_line 'queued 20: connected, but nobody accepted them'
	try 'rpnc probe -s 127.0.0.2 -n 20 -c 20 --timeout 500ms 127.0.0.1 9000'
	assert_line 'failed 0'
	assert_equal "$(gave A),$(gave B)" 20,0
	types a '/group'
	like a "B +$pid rpnc[^/]* 20/4096 +0 stopped"
	does 'kill -CONT %1'
	at_group() {
		enter a /group
		matches a "B +$pid rpnc[^/]* 20 [^/]* 0/4096 +0 running"
	}
	eventually at_group
	# a pause is no signal, but does the same to those from 127.0.0.2
	enter a /pause
	sees a 'paused'
	run rpnc probe -s 127.0.0.2 -n 20 -c 20 --timeout 100ms 127.0.0.1 "$port"
	assert_line 'queued 20: connected, but nobody accepted them'
}

# types NAME COMMAND: what is shown is typed at the prompt there.
types() {
	shown "$2"
	enter "$1" "$line"
}

@test "reuseport.7: a queue is full" {
	serve 'rpnc echo -r --steer source-address 127.0.0.1 9000 &'
	serve 'rpnc echo -r --backlog 4 127.0.0.1 9000 &'
	told 0 '+ B joined'
	does 'kill -STOP %2'
	refuses 'rpnc probe -s 127.0.0.1 -n 20 -c 20 --timeout 500ms 127.0.0.1 9000'
	assert_line 'queued 5: connected, but nobody accepted them'
	assert_line 'failed 15 (timeout 15)'
}

@test "reuseport.7: who is stuck is taken over" {
	serve 'rpnc echo -r --steer source-address 127.0.0.1 9000 &'
	serve 'rpnc echo -r 127.0.0.1 9000 &'
	told 0 '+ B joined'
	does 'b=$!'
	exec {had}<>"/dev/tcp/127.0.0.1/$port"
	echo hello >&"$had"
	read -r -t 20 line <&"$had"
	does 'kill -STOP %2'
	does 'rpnc probe -s 127.0.0.1 --echo -n 20 -c 20 --timeout 60 127.0.0.1 9000 &'
	serve 'rpnc echo -r --adopt $b &'
	finish "${pids[2]}"
	run -0 cat out.2
	assert_line 'failed 0'
	# if the probe looked late, C had the socket, and B has no row
	assert_equal "$(gave A),$(gave B | grep . || echo 0),$(gave C)" 0,0,20
	does 'kill -KILL %2'
	! read -r -t 20 line <&"$had" || fail "$line"
	told 0 '- B died'
	try 'rpnc probe -s 127.0.0.1 -n 20 127.0.0.1 9000'
	assert_line 'failed 0'
	assert_equal "$(gave A),$(gave C)" 0,20
	try 'rpnc probe -s 127.0.0.2 -n 20 127.0.0.1 9000'
	assert_line 'failed 0'
	assert_equal "$(gave A),$(gave C)" 20,0
}

@test "reuseport.7: who is stuck is left out, and its clients are rescued" {
	serve 'rpnc echo -r --steer source-address 127.0.0.1 9000 &'
	serve 'rpnc echo -r 127.0.0.1 9000 &'
	told 0 '+ B joined'
	does 'kill -STOP %2'
	does 'rpnc probe -s 127.0.0.1 --echo -n 20 -c 20 --timeout 60 127.0.0.1 9000 &'
	they_wait() {
		test "$(queued)" -eq 20
	}
	eventually they_wait
	does 'rpnc probe --rescue B --yes 127.0.0.1 9000 &'
	finish "${pids[2]}"
	run -0 cat out.2
	assert_line 'failed 0'
	try 'rpnc probe -s 127.0.0.1 -n 20 127.0.0.1 9000'
	assert_line 'failed 0'
	assert_equal "$(gave A),$(gave B)" 20,0
	does 'kill %4'
	ends 4
	assert has_line 'rescued 20 clients in ' out.3
	refuses 'rpnc probe -s 127.0.0.1 -n 20 -c 20 --timeout 500ms 127.0.0.1 9000'
	assert_line 'queued 20: connected, but nobody accepted them'
}

@test "reuseport.7: one member more, and half of all ports have another" {
	serve 'rpnc echo -r --identify 127.0.0.1 9000 &'
	serve 'rpnc echo -r --identify 127.0.0.1 9000 &'
	try <<'END'
for p in $(seq 20001 20200); do rpnc connect -s 127.0.0.1 -p $p 127.0.0.1 9000 </dev/null; done | cut -d " " -f 2 >before
END
	serve 'rpnc echo -r --identify 127.0.0.1 9000 &'
	try <<'END'
for p in $(seq 20001 20200); do rpnc connect -s 127.0.0.1 -p $p 127.0.0.1 9000 </dev/null; done | cut -d " " -f 2 >after
END
	test "$(wc -l <before)" -eq 200
	try <<'END'
paste before after | awk '$1 != $2' | wc -l
END
	by_chance "$output" 200 0.5
	# whatever the number is: n of the n (n + 1) equal parts of the range of
	# the hash keep their member in each of (n + 1) / 2
	python3 -c 'for n in range(1, 99):
	    same = sum((h // (n + 1)) == (h // n) for h in range(n * (n + 1)))
	    assert 2 * same == n * (n + 1), n'
}

@test "reuseport.7: who joins first takes the place of who leaves" {
	four
	serve 'rpnc echo -r --identify --replace B 127.0.0.1 9000 &'
	finish "${pids[1]}"
	given names_of_four A E C D
}

@test "reuseport.7: a restart, and what is lost meanwhile" {
	serve 'rpnc echo -r 127.0.0.1 9000 &'
	serve 'rpnc echo -r 127.0.0.1 9000 &'
	run does 'rpnc probe --during --fail-lost 127.0.0.1 9000 -- kill $!'
	assert_line --regexp '^0 lost of [0-9]{3}'
	ends 2
	stop
	serve 'rpnc echo -r 127.0.0.1 9000 &'
	serve 'rpnc echo -r 127.0.0.1 9000 &'
	does 'kill -STOP %2'
	run does 'rpnc probe --during 127.0.0.1 9000 -- kill -KILL $!'
	assert_line --regexp '^[1-9][0-9]* lost of [0-9]{3} \(reset [0-9]+\)$'
}

@test "reuseport.7: who leaves first has the last one move" {
	four
	does 'kill %2'
	ends 2
	given names_of_three A D C
	serve 'rpnc echo -r --identify 127.0.0.1 9000 &'
	given names_of_four A D C E
}

# datagrams LEAVER...: B has some 100 in its queue when it is ended.
datagrams() {
	free_port udp
	serve 'rpnc echo -u -r 127.0.0.1 9000 &'
	"$@"
	does 'kill -STOP %2'
	try <<'END'
for i in $(seq 200); do echo hello | rpnc connect -u --linger 1ms 127.0.0.1 9000; done
END
	does 'kill %2'
	does 'kill -CONT %2'
	ends 2
}

@test "reuseport.7: what is queued of datagrams is lost with the socket" {
	datagrams serve 'rpnc echo -u -r --leave close 127.0.0.1 9000 &'
	run -0 grep -E '^left: [1-9][0-9]* datagrams? lost \(close\)$' err.1
	stop
	rm -f err.* ready.*
	datagrams start echo -u -r 127.0.0.1 "$port"
	run -0 grep -E '^left: served [1-9][0-9]* that waited, nothing lost$' err.1
}

@test "reuseport.7: half of all flows are with another member" {
	free_port udp
	start echo -u -r --steer source-address 127.0.0.1 "$port"
	start echo -u -r 127.0.0.1 "$port"
	told 0 '+ B joined'
	# one flow, which B has until it leaves
	python3 - "$port" "$pid" <<-'END'
		import os, select, socket, sys
		s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
		s.settimeout(20)
		s.connect(("127.0.0.1", int(sys.argv[1])))
		s.send(b"1")
		assert s.recv(9) == b"1"
		end = os.pidfd_open(int(sys.argv[2]))
		os.kill(int(sys.argv[2]), 15)
		select.select([end], [], [])
		s.send(b"2")
		assert s.recv(9) == b"2"
	END
	ends 2
	kill "${pids[0]}"
	ends 1
	assert grep -q '^1 datagram in' out.0
	assert grep -q '^1 datagram in' out.1
}

@test "reuseport.7: SO_REUSEADDR gives datagrams to any user" {
	others
	free_port udp
	does 'nc -d -u -l -k 9000 >first &'
	eventually bound 1 -u
	does 'sudo -u nobody nc -d -u -l -k 9000 >second &'
	eventually bound 2 -u
	try 'echo hello | rpnc connect -u --linger 100ms 127.0.0.1 9000'
	eventually has_line hello second
	test ! -s first
	stop
	free_port udp
	serve 'rpnc echo -u -r 9000 &'
	refuses 'sudo -u nobody nc -d -u -l -k 9000'
	assert_output --partial 'Address already in use'
}

@test "reuseport.7: port 0 and datagrams" {
	refuses 'rpnc echo -u -r 0'
	assert_output --partial 'Linux may give two such sockets the same port'
	python3 - <<-'END'
		import resource, socket
		hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
		resource.setrlimit(resource.RLIMIT_NOFILE, (min(hard, 4000), hard))
		sockets, ports = [], set()
		for _ in range(900):
		    s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
		    s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
		    s.bind(("127.0.0.1", 0))
		    sockets.append(s)
		    ports.add(s.getsockname()[1])
		assert len(ports) < len(sockets)
	END
}

@test "reuseport.7: at a shared queue nobody waits for one who is stopped" {
	serve 'rpnc echo -w 2 --accept shared 127.0.0.1 9000 &'
	does 'kill -STOP $(pgrep -P $! | head -n 1)'
	try 'rpnc probe --echo -n 100 -c 100 --timeout 500ms 127.0.0.1 9000'
	assert_line 'failed 0'
	refute_output --partial queued
	kill -CONT "$(pgrep -P "$pid" | head -n 1)"
	stop
	serve 'rpnc echo -w 2 --accept reuseport 127.0.0.1 9000 &'
	does 'kill -STOP $(pgrep -P $! | head -n 1)'
	refuses 'rpnc probe --echo -n 100 -c 100 --timeout 500ms 127.0.0.1 9000'
	by_chance "$(sed -nE 's/^queued ([0-9]+):.*/\1/p' <<<"$output")" 100 0.5
	kill -CONT "$(pgrep -P "$pid" | head -n 1)"
}

@test "reuseport.7: profile first" {
	serve 'rpnc echo 127.0.0.1 9000 &'
	try 'rpnc probe -n 1000 -c 16 127.0.0.1 9000'
	assert_line --regexp '^accept +p50 .* p99 '
}
