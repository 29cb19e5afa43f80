#!/usr/bin/env bats
# probe --to and --each: attempts at given members. Who really got them is read
# from the server: its greeting, its reply, or its own counts.
# shellcheck disable=SC2016,SC2030,SC2031,SC2154,SC2317

load reach

tries 40

# accepted COUNTS: that is what the server's workers have accepted, by its own
# report, in their order; it ends.
accepted() {
	end INT
	assert_equal "$(jq -r 'select(.event == "report").workers | map(.accepted) | tostring' out.0)" "$1"
}

# each_reached HOW: all eight are, by the report in JSON.
each_reached() {
	holds ".reach | .how == \"$1\" and .answered == 8 and .to == null and
		(.sockets | length == 8 and all(.answered == .attempts))"
}

# says TEXT: a line of the report is this.
says() {
	grep -qxF -- "$1" report || fail "$(cat report)"
}

@test "probe --each: exactly one attempt comes to each of eight, over IPv4 and IPv6" {
	needs_ipv6
	eight --json 0
	probe --each --json 127.0.0.1 "$port"
	test "$status" -eq 0
	each_reached prediction
	holds '.attempts == 8 and .ok == 8 and .reach.missed == 0 and .reach.unseen == 0
		and .verdict == null and .fairness == null'
	probe --each ::1 "$port"
	test "$status" -eq 0
	says '8 of 8 answered, reached by prediction'
	accepted '[2,2,2,2,2,2,2,2]'
}

@test "probe --each: -n attempts at each, and --echo" {
	eight --json 127.0.0.1 0
	probe --each -n 3 --echo --json "$port"
	test "$status" -eq 0
	each_reached prediction
	holds '.attempts == 24 and (.reach.sockets | all(.attempts == 3))'
	accepted '[3,3,3,3,3,3,3,3]'
}

@test "probe --each: one of eight that is stopped is named, status 6, in eight attempts" {
	eight --json 127.0.0.1 0
	halt "${workers[3]}"
	probe --each "$port"
	test "$status" -eq 6
	says '7 of 8 answered, reached by prediction'
	says "  no answer: A/3 (pid ${workers[3]}), is stopped"
	grep -qE "^127\.0\.0\.1:$port tcp, 8 connections, " report
	probe --each --timeout 200ms --json "$port"
	test "$status" -eq 6
	holds ".attempts == 8 and .queued == 1 and .reach.answered == 7 and
		(.reach.sockets | map(select(.answered == 0)) |
		length == 1 and .[0].pid == ${workers[3]} and .[0].name == \"A\" and
		.[0].worker == 3 and .[0].attempts == 1 and .[0].stopped)"
	probe --each --timeout 200ms -q "$port"
	test "$status" -eq 6
	test ! -s report
	kill -CONT "${workers[3]}"
	accepted '[3,3,3,3,3,3,3,3]'
}

@test "probe --each: a member that accepts and says nothing is found by --send" {
	members --sockets 1,1,1,1 --do say
	probe --each --send x --expect 'I am' "$port"
	test "$status" -eq 0
	stop
	members --sockets 1,1 --do hold
	probe --each "$port"
	test "$status" -eq 0
	says '2 of 2 answered, reached by prediction'
	probe --each --timeout 200ms --echo "$port"
	test "$status" -eq 6
	says '0 of 2 answered, reached by prediction'
	grep -qx "  no answer: python3 (pid ${workers[0]})" report
	grep -qx "  no answer: python3 (pid ${workers[1]})" report
	probe --each --send x --expect nothing --timeout 200ms "$port"
	test "$status" -eq 6
}

@test "probe --each: several sockets of one process have one each" {
	members --sockets 1,3 --do echo
	probe --each --echo --json "$port"
	test "$status" -eq 0
	holds '.attempts == 4 and (.reach.sockets | length == 4 and all(.answered == 1))'
	own_counts >counts
	printf '%s\n' "${workers[0]} 1" "${workers[1]} 3" | sort | diff -u - counts
}

@test "probe --each, --to: datagrams, by the server's own counts" {
	start echo -u -w 8 --name A --json 127.0.0.1 0
	list_workers
	probe -u --each --echo --json 127.0.0.1 "$port"
	test "$status" -eq 0
	each_reached prediction
	holds '.attempts == 8 and .reach.unseen == 8'
	probe -u --to A/5 --echo=100 -n "$tries" 127.0.0.1 "$port"
	test "$status" -eq 0
	says 'only A/5, reached by prediction: nothing shows who got a datagram'
	halt "${workers[2]}"
	probe -u --each --echo --timeout 300ms 127.0.0.1 "$port"
	test "$status" -eq 6
	says '7 of 8 answered, reached by prediction: nothing shows who got a datagram'
	says "  no answer: A/2 (pid ${workers[2]}), is stopped"
	kill -CONT "${workers[2]}"
	end INT
	test "$(jq -r 'select(.event == "report").workers | map(.in) | tostring' out.0)" = \
		"[128,128,128,128,128,$((128 + tries * 100)),128,128]"
}

@test "probe --to: all at the right one of eight, by the server's own counts" {
	eight --json 0
	probe --to A/6 -n "$tries" --json 127.0.0.1 "$port"
	test "$status" -eq 0
	holds ".attempts == $tries and .ok == $tries and (.reach |
		.to == \"A/6\" and .how == \"prediction\" and .missed == 0 and .unseen == 0)"
	probe --to "$pid/1" -n "$tries" --echo ::1 "$port"
	test "$status" -eq 0
	says "only $pid/1, reached by prediction"
	probe --to "${workers[4]}" -n 5 -c 1 127.0.0.1 "$port"
	says "only ${workers[4]}, reached by prediction"
	accepted "[0,$tries,0,0,5,0,$tries,0]"
}

@test "probe --each, --to: nginx with reuseport, by its log" {
	nginx_on reuseport
	: >served
	probe --to "${workers[1]}" -n "$tries" --send 'GET / HTTP/1.0\r\n\r\n' --expect "worker=${workers[1]}\\." 127.0.0.1 "$port"
	test "$status" -eq 0
	says "only ${workers[1]}, reached by prediction"
	eventually eval "test \$(wc -l <served) -ge $tries"
	test "$(sort served | uniq -c | xargs)" = "$tries ${workers[1]}"
	: >served
	probe --each --send 'GET / HTTP/1.0\r\n\r\n' 127.0.0.1 "$port"
	test "$status" -eq 0
	says '3 of 3 answered, reached by prediction'
	eventually eval 'test $(wc -l <served) -ge 3'
	diff <(sort served) <(printf '%s\n' "${workers[@]}" | sort)
	halt "${workers[2]}"
	probe --each 127.0.0.1 "$port"
	test "$status" -eq 6
	says "  no answer: nginx (pid ${workers[2]}), is stopped"
	kill -CONT "${workers[2]}"
}

@test "probe --each: where rpnc's program steers, by trying, one by one" {
	eight --json --steer random 127.0.0.1 0
	probe_again --each --json "$port"
	test "$status" -eq 0
	each_reached trying
	holds '.attempts == 8 and .reach.steered and (.reach.sockets | all(.attempts == 1))'
	halt "${workers[5]}"
	probe --each "$port"
	test "$status" -eq 6
	grep -qE '^7 of 8 answered, reached by trying(; [0-9]+ more connections? came to members that needed none)?: a program steers the group$' report
	says "  no answer: A/5 (pid ${workers[5]}), is stopped"
	kill -CONT "${workers[5]}"
}

@test "probe --to, --each: what they can't go with is named" {
	local o
	for o in --sport=4000 --watch --what-if=+1 --expect-weights=A=1,B=1 --fail-uneven; do
		run -2 rpnc probe --each "$o" 9000
		assert_output --regexp "^rpnc probe: --each .*leave out .*${o%%=*}"
		run -2 rpnc probe --to B "$o" 9000
		assert_output --regexp "^rpnc probe: --to .*leave out .*${o%%=*}"
	done
	run -2 rpnc probe --each --proxy socks5h://localhost 9000
	assert_output --partial '--proxy'
}

# half_open N: begins so many handshakes to the port that stay half-open.
half_open() {
	local ready=half.${#pids[@]}
	mkfifo "$ready"
	python3 - "$1" "$port" >"$ready" 3>&- <<-'END' &
		import signal
		import socket
		import sys
		IP_MINTTL = 21
		some = [socket.socket() for _ in range(int(sys.argv[1]))]
		for s in some:
		    s.setsockopt(socket.IPPROTO_IP, IP_MINTTL, 255) # no answer has it
		    s.setblocking(False)
		    s.connect_ex(("127.0.0.1", int(sys.argv[2])))
		print("done", flush=True)
		signal.pause()
	END
	pids+=("$!")
	read -r _ <"$ready"
}

# leaving: of A and B, B's leave is under way, and stays so. Its handshakes keep
# it until it is stopped, which is when A has a client that was meant for B.
leaving() {
	start echo -v -r --name A 127.0.0.1 0
	start echo -v -r --name B 127.0.0.1 "$port"
	half_open 40
	background "$@" 127.0.0.1 "$port" >report 2>err
	eventually grep -q connected err.1
	local before
	before=$(grep -c connected err.0 || true)
	kill "${pids[1]}"
	eventually has_more "$before"
	kill -STOP "${pids[1]}"
}

@test "probe, connect: a leave that is under way is told, and no program that steers" {
	leaving rpnc probe --to B --rate 50 -n 1000 --json
	status=0
	finish "$pid" || status=$?
	test "$status" -eq 6
	holds '.reach | .reason == "a member is leaving" and (.steered | not)' || fail "$(<report)"
	probe --to B --timeout 5 "$port"
	test "$status" -eq 1
	grep -qE '^rpnc probe: B got none of [0-9]+ connections: a member is leaving$' err
	run -1 rpnc connect --to B 127.0.0.1 "$port" </dev/null
	assert_output --regexp '^rpnc connect: connect to .*: B got none of [0-9]+ connections: a member is leaving$'
	probe -n 200 --by diag "$port"
	grep -q '^changed: members came or went meanwhile' report || fail "$(<report)"
	run grep -E 'program (may|seems to) steer' report
	test "$status" -ne 0
}

@test "probe --to: a member that has left is the reason, also when its program went with it" {
	local before
	start echo -v -r --name A 127.0.0.1 0
	start echo -v -r --name B 127.0.0.1 "$port"
	half_open 40
	# leaks can not be looked for under strace
	background env ASAN_OPTIONS="${ASAN_OPTIONS:-}:detect_leaks=0" rpnc probe --to B --rate 5 -n 1000 127.0.0.1 "$port" >report
	eventually grep -q connected err.1
	inject "$pid" connect:delay_enter=100000 # time for B to end
	before=$(grep -c connected err.0 || true)
	kill "${pids[1]}"
	eventually has_more "$before"
	kill "${pids[1]}" # again: it ends at once
	status=0
	finish "$pid" || status=$?
	test "$status" -eq 6
	grep -qE '^only B, reached by trying; [0-9]+ more connections came to other members: members came or went$' report ||
		fail "$(<report)"
}

@test "probe --to: an attempt that outlives its member's listener has come to it" {
	local member
	start echo -v -r --name A 127.0.0.1 0
	mkfifo ready go
	python3 - "$port" >ready 3>&- <<-'END' &
		import socket
		import sys
		listener = socket.socket()
		listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
		listener.bind(("127.0.0.1", int(sys.argv[1])))
		listener.listen()
		print("listens", flush=True)
		c, _ = listener.accept()
		listener.close()
		open("go").read() # until the test lets it answer
		c.sendall(c.recv(1000))
		c.recv(1)
	END
	member=$!
	pids+=("$member")
	read -r _ <ready
	background rpnc probe --to "$member" --echo --rate 20 -n 1000 --timeout 30 127.0.0.1 "$port" >report
	eventually has_more 13 # so many are too many
	: >go
	status=0
	finish "$pid" || status=$?
	test "$status" -eq 6
	grep -q "^only $member, reached by trying; " report || fail "$(<report)"
}

# shows_leaving: B is, by --group.
shows_leaving() {
	rpnc probe --group --json -4 "$port" >report
	holds '.members | any(.name == "B" and .state == "leaving")'
}

@test "probe --group: a member whose leave is under way is leaving" {
	start echo -r --name A 127.0.0.1 0
	start echo -r --name B 127.0.0.1 "$port"
	half_open 40
	run shows_leaving
	test "$status" -ne 0
	kill "${pids[1]}"
	eventually shows_leaving
}

# has_more COUNT: A's clients are more by now.
has_more() {
	test "$(grep -c connected err.0)" -gt "$1"
}

@test "probe --to, --each: who leaves is no program that steers, and a signal is no member's fault" {
	start echo -v -r --name A 127.0.0.1 0
	start echo -v -r --name B 127.0.0.1 "$port"
	background rpnc probe --to B --rate 50 -n 1000 127.0.0.1 "$port" >report
	eventually grep -q connected err.1
	kill "${pids[1]}"
	status=0
	finish "$pid" || status=$?
	test "$status" -eq 6
	grep -qE '^only B, reached by trying; [0-9]+ more connections came to other members: (members came or went|a member is leaving)$' report ||
		fail "$(<report)"
	says '  not reached any more'
	background rpnc probe --each -n 1000 --rate 50 127.0.0.1 "$port" >report
	local before
	before=$(grep -c connected err.0)
	eventually has_more "$before"
	end TERM
	test "$status" -eq 143
	grep -qE "^  not all attempts made: A \(pid ${pids[0]}\), answered ([0-9]+) of \1$" report ||
		fail "$(<report)"
}

@test "probe --each: members that a program keeps all from are not reached, which is said" {
	eight --json --steer source-address 127.0.0.1 0
	probe --each "$port"
	test "$status" -eq 6
	says '1 of 8 answered, reached by trying; 112 more connections came to members that needed none: a program steers the group'
	test "$(grep -cE '^  not reached: A/[0-7] \(pid [0-9]+\)$' report)" -eq 7
	stop
	members --sockets 1,1,1 --steer --do echo
	probe --each "$port"
	test "$status" -eq 6
	grep -qE '^1 of 3 answered, reached by trying; [0-9]+ more connections came to members that needed none: a program seems to steer the group$' report
	says "  not reached: python3 (pid ${workers[1]})"
	says "  not reached: python3 (pid ${workers[2]})"
	probe --to "${workers[2]}" "$port"
	test "$status" -eq 1
	grep -qE "^rpnc probe: ${workers[2]} got none of [0-9]+ connections: a program seems to steer the group, and keeps them from it$" err
	stop
	start echo -u -w 3 --steer random --name A 127.0.0.1 0
	probe -u --each --echo "$port"
	test "$status" -eq 1
	test "$(<err)" = 'rpnc probe: a program chooses who gets a datagram, and nothing shows whom it chose'
}

@test "probe --to: by trying and by the greeting, what came to others is no attempt" {
	eight --json --identify --steer random 127.0.0.1 0
	probe_again --to A/2 -n 20 --json "$port"
	test "$status" -eq 0
	holds '.attempts == 20 and .ok == 20 and .reach.how == "trying" and .reach.missed > 0'
	holds '.members | all(.count == 0 or (.worker == 2 and .count == 20))'
	probe_again --to A/2 -n 20 --by banner --json "$port"
	test "$status" -eq 0
	holds '.attempts == 20 and .reach.how == "greeting" and .reach.missed > 0'
	holds '.members | all(.count == 0 or (.worker == 2 and .count == 20))'
	probe --to B --by banner "$port"
	test "$status" -eq 1
	grep -qE '^rpnc probe: B got none of [0-9]+ connections: others got them$' err
}

@test "probe --to: a worker of nginx that shares its socket, and one that --match names" {
	nginx_on ''
	halt "${workers[0]}"
	halt "${workers[1]}"
	probe --to "${workers[2]}" -n 5 127.0.0.1 "$port"
	test "$status" -eq 0
	says "only ${workers[2]}, reached by trying"
	kill -CONT "${workers[@]:0:2}"
	members --sockets 1,1,1 --do say
	probe --to "${workers[2]}" -n 5 --match '[0-9]+' --json 127.0.0.1 "$port"
	test "$status" -eq 0
	holds ".by == \"reply\" and .attempts == 5 and .reach.how == \"greeting\" and
		(.members | all(.count == 0 or .name == \"${workers[2]}\"))"
}

@test "probe --to: from another host by the greeting; --each is for this one" {
	from_another_host '
		rpnc probe --to A/7 -n 20 192.0.2.2 9000
		rpnc probe --each 192.0.2.2 9000 2>&1 || echo $?'
	assert_line --regexp '^only A/7, reached by greeting; [0-9]+ more connections came to other members$'
	assert_line --regexp '^  A/7 .* 20 +100\.0 %'
	assert_line 'rpnc probe: each socket of a group is known on this host only, and by its kernel'
	assert_line 2
}

@test "probe --to: the address that has the member, and --wait awaits it" {
	needs_ipv6
	reserve
	start echo -r --name A ::1 "$port"
	start echo -r --name B --json 127.0.0.1 "$port"
	probe --to B -n 10 localhost "$port"
	test "$status" -eq 0
	grep -q "^127\.0\.0\.1:$port tcp, 10 connections" report
	# whichever of the two is looked up first
	probe --to A -n 10 localhost "$port"
	test "$status" -eq 0
	grep -q "^\[::1\]:$port tcp, 10 connections" report
	rpnc probe --to C -n 10 --wait 20 localhost "$port" >report 2>err 3>&- &
	local waiting=$!
	pids+=("$waiting")
	start echo -r --name C 127.0.0.1 "$port"
	finish "$waiting"
	says 'only C, reached by prediction'
	probe --to D --wait 0.1 localhost "$port"
	test "$status" -eq 1
	grep -q "^rpnc probe: no socket at .* is D's: there " err
}

@test "probe --to: a member that starts anew meanwhile is reached again, by its name" {
	eight --json 127.0.0.1 0
	start echo -v -r --name B 127.0.0.1 "$port"
	local first=$pid running
	rpnc probe --to B -d 60 --rate 100 --timeout 20 --json 127.0.0.1 "$port" >report 2>err 3>&- &
	running=$!
	pids+=("$running")
	eventually grep -q connected err.1
	start echo -v -r --name B --replace B 127.0.0.1 "$port"
	eventually gone "$first"
	eventually grep -q connected "err.3"
	kill "$running"
	finish "$running" || true
	holds '.reach.how == "prediction" and .reach.steered == false and .reach.reason == null'
	holds "[.members[] | select(.count > 0).pid] | sort == ([$first, $pid] | sort)"
}

@test "probe --each, --to: with TLS and a PROXY header" {
	start echo -r -w 4 --name A --tls --accept-proxy 127.0.0.1 0
	probe --each --tls --tls-insecure --send-proxy v2 --echo "$port"
	test "$status" -eq 0
	says '4 of 4 answered, reached by prediction'
	probe --to A/1 -n 10 --tls --tls-insecure --send-proxy v2 --echo "$port"
	test "$status" -eq 0
	says 'only A/1, reached by prediction'
}

@test "probe --each, --to: where nobody listens, one refused attempt is status 1" {
	free_port
	probe --each 127.0.0.1 "$port"
	test "$status" -eq 1
	says 'all 1 failed (refused 1)'
	run ! grep -q answered report
	probe --to A 127.0.0.1 "$port"
	test "$status" -eq 1
}

@test "probe --each, --to: what makes no sense is refused in one line" {
	local options
	for options in '--each --watch' '--each -d 1' '--each --sport 5000' '--each --to A' \
		'--each --proxy socks5://127.0.0.1:1' '--each --by banner' '--each --by none' \
		'--each --fail-uneven' '--each -U' '--to A --sport 5000' '--to A --watch' \
		'--to A --by registry' '--to A --what-if +1' '--to A -U' '--to a/b' \
		'--each --group' '--each --compare' '--to A -u'; do
		# shellcheck disable=SC2086 # several words
		run -2 rpnc probe $options 1
		test "${#lines[@]}" -eq 1
	done
	run -2 rpnc probe --each -u 1
	assert_output --partial 'rpnc probe: -u: say what to send: --echo'
}
