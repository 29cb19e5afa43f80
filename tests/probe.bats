#!/usr/bin/env bats
# rpnc probe: who answers, how fast, how evenly, and how it ends.
# shellcheck disable=SC2016,SC2030,SC2031,SC2154

load helpers
load probe

@test "probe: members, and counts that are the same as their own" {
	start echo -r -w 3 --json 0
	probe -n 600 --json "$port"
	test "$status" -eq 0
	sums
	get '.members[] | "\(.pid) \(.count) \(.name) \(.worker)"' >got
	kill "$pid"
	finish "$pid" || true
	jq -r 'select(.event == "report").workers[] |
		"\(.pid) \(.accepted) \(.name | sub("/"; " "))"' out.0 >wanted
	diff -u wanted got
	test "$(get '.members | map(.count) | add')" -eq 600
	get '.fairness.p > 1e-6 and .fairness.dof == 2' | grep -qx true
	test "$(get .by)" = diag
}

@test "probe: three listeners in three processes, by their names, as text" {
	local i
	for i in A B C; do
		if test "$i" = A; then start listen -r 0; else start listen -r "$port"; fi
	done
	probe -n 600 "$port"
	cat report
	test "$status" -eq 0
	test "$(grep -c '█.* %$' report)" -eq 3
	grep -qE '^  A  pid [0-9]+ rpnc +█' report
	grep -qE '^127\.0\.0\.1:[0-9]+ tcp, 600 connections, 8 at a time, [0-9.]+ m?s$' report
	grep -qE '^fair hashing gives 200 ± [0-9]+ each \(99 %\): │ and ░ or ▓ in the bars; p [0-9.e-]+$' report
	grep -qE '^connect  p50 +[0-9.]+ .s  p90 .* max +[0-9.]+ .s$' report
	grep -qx 'failed 0' report
	test ! -s err
}

@test "probe: 10,000 connections at full rate, that the server holds: none is missed" {
	local n=${WHOLE:+50000}
	n=${n:-10000}
	own_network
	test -z "${SAN:-}" || n=5000
	timeout 200 "${network[@]}" bash -c '
		ip link set lo up && mkfifo ready || exit
		rpnc echo -r -w 3 --json --ready-fd 4 127.0.0.1 9000 4>ready >own &
		cat ready >bound
		timeout 150 rpnc probe -n "$1" -c 8 --timeout 60 --json 127.0.0.1 9000 >report 2>err
		echo "$?" >status
		kill "$!"
		wait "$!"
		true
	' held "$n" 3>&-
	cat report err
	test "$(<status)" -eq 0
	sums
	test "$(get '"\(.ok) \(.unattributed) \(.predicted)"')" = "$n 0 0"
	probed_counts >got
	jq -r 'select(.event == "report").workers[] | "\(.pid) \(.accepted)"' own |
		sort >wanted
	diff -u wanted got
}

@test "probe: it predicts though other clients have used up the even ports" {
	own_network
	cat >used.py <<-'END'
		import socket, subprocess, sys
		subprocess.run(["ip", "link", "set", "lo", "up"], check=True)
		with open("/proc/sys/net/ipv4/ip_local_port_range", "w") as f:
		    f.write("20000 32000")
		server = socket.socket()
		server.bind(("127.0.0.1", 10000))
		server.listen(4096)
		for even in range(20000, 32001, 2):
		    # TIME_WAIT is with who ends first
		    s = socket.socket()
		    s.bind(("127.0.0.1", even))
		    s.connect(("127.0.0.1", 10000))
		    c, _ = server.accept()
		    s.close()
		    c.close()
		members = subprocess.Popen([sys.executable, *sys.argv[1:], "--sockets",
		    "1,1", "--do", "close"], stdout=subprocess.PIPE)
		port = members.stdout.readline().split()[0].decode()
		subprocess.run(["rpnc", "probe", "--json", "-n", "200", port],
		    stdout=open("report", "w"), check=True, timeout=60)
		members.terminate()
		members.wait()
	END
	timeout 100 "${network[@]}" python3 used.py "$BATS_TEST_DIRNAME/members.py" 3>&-
	sums
	test "$(get .predicted)" -gt 100
}

@test "probe: members that get nothing count, and the group is uneven" {
	members --sockets 1,1,1 --steer
	probe -n 400 --json --fail-uneven "$port"
	test "$status" -eq 7
	test "$(get '.members | length')" -eq 3
	test "$(get .fairness.verdict)" = uneven
	test "$(get .fairness.dof)" -eq 2
	test "$(get '.members | map(.count) | sort | tostring')" = "[0,0,400]"
	probe -n 400 "$port"
	test "$status" -eq 0
	grep -q '^uneven: ' report
}

@test "probe: a process with five sockets is to get five times as much" {
	members --sockets 5,1
	probe -n 600 --json --fail-uneven=1e-7 "$port"
	test "$status" -eq 0
	test "$(get '.members | map(.expected) | sort | tostring')" = "[100,500]"
	get '.fairness.p > 1e-6' | grep -qx true
	test "$(get '.members | map(.sockets) | sort | tostring')" = "[1,5]"
	probed_counts >got
	own_counts >wanted
	diff -u wanted got
}

@test "probe: sockets that leaked into others are whose they are" {
	members --sockets 1,1,1 --leaky
	probe -n 400 --json --fail-uneven=1e-7 "$port"
	test "$status" -eq 0
	test "$(get '.members | map(.expected | round) | unique | tostring')" = "[133]"
	probed_counts >got
	own_counts >wanted
	diff -u wanted got
}

@test "probe: --fail-uneven=P is about p" {
	members --sockets 1,1
	probe -n 100 --json --fail-uneven=0.9999999 "$port"
	if test "$(get '.fairness.p < 0.9999999')" = true; then
		assert_equal "$status" 7
		grep -qx 'rpnc probe: --fail-uneven=0.9999999: p is [0-9.e-]*' err
	else
		assert_equal "$status" 0
		assert_equal "$(<err)" ''
	fi
	probe -n 100 --fail-uneven=1e-12 "$port"
	test "$status" -eq 0
	probe -n 100 --fail-uneven=2 "$port"
	test "$status" -eq 2
	# R: chisq.test(c(565, 435)) has p = 3.9e-05: uneven, but not by every P
	probe -n 100 --json "$port"
	jq -c '.members[0].count = 565 | .members[1].count = 435 |
		.attempts = 1000 | .ok = 1000' report >uneven
	for p in "7:" "7:=4e-5" "0:=3e-5"; do
		probe --merge "--fail-uneven${p#*:}" uneven
		grep -q '^uneven: ' report
		test "$status" -eq "${p%%:*}"
	done
}

@test "probe: a stopped member is known as such, with how many wait in its queue" {
	members --sockets 1,1,1
	kill -STOP "${workers[1]}"
	probe -n 60 -c 30 --timeout 0.3 --json "$port"
	test "$status" -eq 6
	sums
	test "$(get .queued)" -gt 0
	test "$(get .fairness.verdict)" = unclear
	test "$(get ".members[] | select(.queued > 0).pid")" = "${workers[1]}"
	test "$(get ".members[] | select(.pid == ${workers[1]}).count")" -eq 0
	get '.members | all(.stopped == (.queued > 0))' | grep -qx true
	get '.members | all(.waiting == .queued)' | grep -qx true
	kill -CONT "${workers[1]}"
}

@test "probe: as many at a time as there are" {
	start echo 127.0.0.1:0
	probe -n 1 "$port"
	head -n 1 report | grep -qE ' tcp, 1 connection, [0-9.]+ .?s$'
	probe -n 3 "$port"
	head -n 1 report | grep -qE ' tcp, 3 connections, 3 at a time, [0-9.]+ .?s$'
	probe -n 30 "$port"
	head -n 1 report | grep -qE ' tcp, 30 connections, 8 at a time, [0-9.]+ .?s$'
}

@test "probe: a member that comes meanwhile: changed" {
	start echo -r -v 0
	(trap - INT && exec timeout 60 rpnc probe -d 50 --rate 200 --json "$port") \
		>report 2>err 3>&- &
	local prober=$!
	pids+=("$prober")
	eventually grep -q '#9 ' err.0
	start echo -r "$port"
	kill -INT "$(pgrep -P "$prober")"
	finish "$prober" || true
	test "$(get .fairness.verdict)" = changed
}

@test "probe: by banner, by reply and by registry agree about who is there, and none asks nobody" {
	local by
	start echo -r -w 3 --identify 0
	probe -n 200 --json "$port"
	get '.members[].pid' | sort >wanted
	for by in banner registry; do
		probe -n 200 --by "$by" --json "$port"
		test "$status" -eq 0
		test "$(get .by)" = "$by"
		test "$(get '.members | map(.count) | add')" -eq 200
		get '.members[].pid' | sort >got
		diff -u wanted got
		test "$(get '.members | map("\(.name)/\(.worker)") | tostring')" = '["A/0","A/1","A/2"]'
	done
	probe -n 200 --match ' pid=([0-9]+) ' --json "$port"
	test "$(get .by)" = reply
	get '.members[].name' | sort >got
	diff -u wanted got
	probe -n 200 --by none --echo --json "$port"
	test "$(get '"\(.by) \(.ok) \(.members | length) \(.unattributed)"')" = "null 200 0 200"
}

@test "probe: what a peer calls itself is escaped, cut short, and not endless" {
	members --do greet
	COLUMNS=160 probe -n 3 --by banner "$port"
	test "$status" -eq 0
	grep -qE '^  .e\[31mx{50,64} .xff' report
	probe -n 3 --by banner --json "$port"
	test "$(get '"\(.members[0].pid) \(.members[0].worker)"')" = "null null"
	test "$(get '.members[0].name | length')" -le 64
	members --do crowd
	probe -n 300 --by banner --json "$port"
	test "$(get '"\(.members | length) \(.unattributed)"')" = "256 44"
	members --do say
	probe -n 5 --match '(.*)' --json "$port"
	test "$(get '.members[0].name')" = "I am ${workers[0]}."
}

@test "probe: nobody says who it is: that is said" {
	members --do close
	probe -n 5 --by banner "$port"
	grep -qx "no verdict: nobody greeted as 'rpnc echo --identify' does" report
	probe --by registry "$port"
	test "$status" -eq 1
	grep -qx "rpnc probe: no registry: no member of port $port is rpnc's and this user's" err
	members --do say
	probe -n 5 --match '^You' "$port"
	test "$status" -eq 0
	grep -qx 'no verdict: --match found nothing in any reply' report
	probe -n 5 --match '^I' "$port"
	grep -q 'found nothing' report && fail "it did"
	true
}

@test "probe: who accepts and does not answer has failures, and is not called cheated" {
	members --do hold
	start echo -r 127.0.0.1 "$port"
	probe -n 40 -c 40 --echo --timeout 0.3 --json "$port"
	test "$status" -eq 6
	sums
	test "$(get .fairness.verdict)" = unclear
	test "$(get '[.failed.timeout] - [0] == [.members[] | select(.name == null).failed]')" = true
	test "$(get '.members[] | select(.name != null).failed')" -eq 0
	probe -n 40 -c 40 --echo --timeout 0.3 "$port"
	grep -qE " pid ${workers[0]} python3 .* 0 +0\.0 %  \(and [0-9]+ failed\)$" report
}

@test "probe: --echo verifies what comes back, of any size" {
	start echo --identify 0
	local size
	for size in 1 64 100000; do
		probe -n 20 --echo="$size" --json "$port"
		test "$status" -eq 0
		test "$(get .mismatched)" -eq 0
		test "$(get .latency.echo.count)" -eq 20
	done
	members --do wrong
	probe -n 20 --echo --json "$port"
	test "$status" -eq 7
	test "$(get '"\(.ok) \(.mismatched)"')" = "20 20"
	# a server that ends without an answer is wrong as well
	members --do close
	probe -n 5 --echo --json "$port"
	test "$status" -eq 7 -o "$status" -eq 1 -o "$status" -eq 6
}

@test "probe: --expect is met or gives 7" {
	members --do say
	probe -n 10 --expect '^I am [0-9]+\.$' "$port"
	test "$status" -eq 0
	probe -n 10 --expect '^I was' --timeout 2 --json "$port"
	test "$status" -eq 7
	test "$(get .mismatched)" -eq 10
	sums
	# the report shows what came instead; the time it was awaited is no latency
	probe -n 10 --send x --expect '^I was' --timeout 0.5 "$port"
	test "$status" -eq 7
	grep -qxE 'the first of these answers: "I am [0-9]+\.(\\n|\\x0a)?"' report
	run ! grep -q '^reply' report
	# and asks for --send if nobody said a word
	members --sockets 1
	probe -n 3 --expect x --timeout 0.5 "$port"
	test "$status" -eq 4
	grep -qx 'nothing came, and nothing was sent: does the server wait for --send?' report
}

@test "probe: connections end by FIN, though something was not asked for" {
	members --do say
	probe -n 50 "$port"
	test "$status" -eq 0
	probe -n 50 --send x --expect I "$port"
	test "$status" -eq 0
	test ! -e resets
}

@test "probe: --send knows escapes, and refuses others" {
	start echo 0
	probe -n 3 --send 'a\x41\t\\b\n' --expect '^aA	\\b$' "$port"
	test "$status" -eq 0
	probe -n 3 --send 'a\q' "$port"
	test "$status" -eq 2
	grep -q -- "--send: '.q'" err
}

@test "probe: a refused port is 1, and says so in words" {
	free_port
	probe -n 20 "$port"
	test "$status" -eq 1
	grep -qx 'failed 20 (refused 20)' report
	probe -n 20 --json 127.0.0.1 "$port"
	test "$status" -eq 1
	test "$(get '"\(.attempts) \(.ok) \(.failed.refused) \(.fairness)"')" = "20 0 20 null"
}

@test "probe: a full queue that takes nobody is 4" {
	full_port
	probe -n 4 --connect-timeout 0.2 --json 127.0.0.1 "$full"
	test "$status" -eq 4
	test "$(get '"\(.attempts) \(.failed.timeout)"')" = "4 4"
}

@test "probe: some answered and some not is 6" {
	members --do some
	probe -n 20 -c 1 --echo --json "$port"
	test "$status" -eq 6
	test "$(get '"\(.ok) \(.failed.reset)"')" = "10 10"
	sums
}

@test "probe: usage that makes no sense is 2" {
	local words
	for words in "" "0" "-u 9" "-u --by banner --echo 9" "--by reply 9" \
		"--match x --by diag 9" "--match ( 9" "--echo --send x 9" \
		"--echo=0 9" "--echo=x 9" "-n 0 9" "-c 0 9" "--by no 9" \
		"--rate 0 9" "--rate x 9" "--rate 1e3 9" "--rate 1000001 9" \
		"-U --by diag sock" "-q -v 9" "1 2 3" \
		"--match (a????b????c????d????e????)+ 9"; do
		# shellcheck disable=SC2086 # words are words
		probe $words
		test "$status" -eq 2 || fail "'$words': $status"
		test "$(wc -l <err)" -eq 1
		test ! -s report
	done
	probe no.such.host.invalid 9
	test "$status" -eq 3
}

@test "probe: --by diag is for this host" {
	probe --by diag -n 1 --connect-timeout 0.1 192.0.2.1 9
	test "$status" -eq 2
	grep -q 'another host' err
}

@test "probe: -d ends by time, and --rate keeps its pace" {
	members --sockets 1,1
	probe -d 0.3 --json "$port"
	test "$status" -eq 0
	get '.attempts > 0 and .seconds >= 0.3 and .seconds < 30' | grep -qx true
	test "$(get .loop)" = closed
	probe -d 0.5 --rate 100 --json "$port"
	get '.attempts > 0 and .attempts <= 51' | grep -qx true
	test "$(get .loop)" = open
	probe -n 30 --rate 100 --json "$port"
	get '.attempts == 30 and .seconds >= 0.29' | grep -qx true
	probe -v -n 30 --rate 100 "$port"
	grep -q '30 connections, 100 a second, ' report
	grep -q '^open loop: ' report
	# the first starts the clock
	grep -qE '^late     p50 .* max [^ ]*' report
	# the second would be due after the end
	probe --rate 0.5 -d 1 --json "$port"
	test "$(get '"\(.attempts) \(.latency.late)"')" = "1 null"
	probe --rate 12.5 -n 3 "$port"
	grep -q '3 connections, 12.5 a second, ' report
	probe --rate 1000000 -n 500 --json "$port"
	test "$(get '"\(.ok) \(.latency.late.count)"')" = "500 499"
	# more than there is to do, and less
	probe -c 1000 -n 1 -d 60 --json "$port"
	test "$(get '"\(.attempts) \(.ok)"')" = "1 1"
}

@test "probe: no percentile of fewer attempts than tell it, and no verdict" {
	members --sockets 1,1
	probe -n 3 "$port"
	grep -q '^too few to tell: ' report
	grep -qx 'too few to tell: try -n 8' report
	probe -n 3 --json "$port"
	test "$(get '.fairness | "\(.verdict) \(.enough)"')" = "too-few 8"
	# ten must lie beyond a percentile
	probe -n 99 "$port"
	grep -qE '^connect  p50 [^p]*  max ' report
	probe -n 99 --json "$port"
	holds '.latency.connect | .p50 > 0 and .p90 == null and .p99 == null and .p999 == null'
	# whatever is null is explained
	holds '.latency.connect.too_few == "p90 needs 100 samples, p99 needs 1000 samples, p999 needs 10000 samples"'
	probe -n 100 "$port"
	grep -qE '^connect  p50 [^p]*  p90 [^p]*  max ' report
	probe -n 999 --json "$port"
	holds '.latency.connect | .p90 > 0 and .p99 == null'
	probe -n 1000 --json "$port"
	holds '.latency.connect | .p99 > 0 and .p999 == null'
	holds '.latency.connect.too_few == "p999 needs 10000 samples"'
	# of each member, too
	holds 'all(.members[].latency.accept; .count < 1000 and .p90 > 0 and .p99 == null)'
}

@test "probe: SIGINT ends it with a report, and then the signal" {
	start echo -v 0
	(trap - INT && exec timeout -s KILL 60 \
		rpnc probe -d 100 --rate 100 --json "$port") >report 2>err 3>&- &
	local prober=$!
	pids+=("$prober")
	eventually grep -q '#10 ' err.0
	kill -INT "$(pgrep -P "$prober")"
	status=0
	finish "$prober" || status=$?
	test "$status" -eq 130
	test "$(get .attempts)" -ge 10
	sums
}

# prober ARG...: a probe in the background; its pid in prober, and in waiter
# that of the process to finish.
prober() {
	(trap - INT && exec timeout -s KILL 60 rpnc probe "$@") >report 2>err 3>&- &
	waiter=$!
	pids+=("$waiter")
	eventually pgrep -P "$waiter" >/dev/null
	prober=$(pgrep -P "$waiter")
}

# waiting N: so many clients wait for the members on the port.
waiting() {
	test "$(ss -Htln "sport = :$port" | awk '{ n += $2 } END { print n }')" -ge "$1"
}

@test "probe: SIGINT ends it though hundreds are stuck, and a second signal at once" {
	members --sockets 1,1
	kill -STOP "${workers[0]}"
	prober -n 100000 -c 600 --timeout 100 --json "$port"
	eventually waiting 500
	kill -INT "$prober"
	status=0
	finish "$waiter" || status=$?
	cat report err
	test "$status" -eq 130
	get '.ok > 0 and .abandoned >= 500' | grep -qx true
	sums
	# both wait for it: the second one is not for a report
	prober -n 100000 -c 600 --timeout 100 --json "$port"
	eventually waiting 1000
	kill -STOP "$prober"
	kill -INT "$prober"
	kill -TERM "$prober"
	kill -CONT "$prober"
	status=0
	finish "$waiter" || status=$?
	test "$status" -eq 143
	test ! -s report
	kill -CONT "${workers[0]}"
}

@test "probe: datagrams: the registry counts, or the kernel predicts" {
	reserve
	start echo -u -r -w 2 "$port"
	probe -u --echo -n 300 --json "$port"
	test "$status" -eq 0
	test "$(get .by)" = registry
	test "$(get '.members | map(.count) | add')" -eq 300
	test "$(get .latency.echo.count)" -eq 300
	test "$(get .latency.connect)" = null
	stop
	members --udp --sockets 1,1
	probe -u --echo -n 300 --json 127.0.0.1 "$port"
	test "$status" -eq 0
	test "$(get '"\(.by) \(.predicted)"')" = "diag 300"
	probed_counts >got
	own_counts >wanted
	diff -u wanted got
	probe -u --echo -n 5 --json 127.0.0.1 "$port"
	test "$status" -eq 1
	test "$(get .failed.refused)" -eq 5
}

@test "probe: IPv6, dual-stack servers, and Unix sockets" {
	members --address ::1 --sockets 1,1
	probe -n 100 --json ::1 "$port"
	test "$status" -eq 0
	test "$(get '"\(.target.address) \(.by) \(.unattributed)"')" = "::1 diag 0"
	probed_counts >got
	own_counts >wanted
	diff -u wanted got
	members --address :: --dual --sockets 1,1
	probe -n 100 --json 127.0.0.1 "$port"
	test "$(get '"\(.target.address) \(.by) \(.unattributed)"')" = "127.0.0.1 diag 0"
	probed_counts >got
	own_counts >wanted
	diff -u wanted got
	start echo --identify -U sock
	probe -n 50 --echo --json -U sock
	test "$status" -eq 0
	test "$(get '"\(.by) \(.members[0].count) \(.target.protocol) \(.target.port)"')" = "banner 50 unix null"
}

@test "probe: an address that refuses is passed over for the next" {
	members --address ::1
	probe -n 20 --json "$port"
	test "$status" -eq 0
	test "$(get '"\(.target.address) \(.attempts) \(.failed.refused)"')" = "::1 20 0"
	probe -v -n 20 "$port"
	grep -qE '127\.0\.0\.1:[0-9]+: Connection refused; trying the next address' err
}

@test "probe: --wait is for a server that starts later" {
	free_port
	timeout 60 rpnc probe -n 10 --wait 30 --json 127.0.0.1 "$port" >report 2>err 3>&- &
	local prober=$!
	pids+=("$prober")
	start echo 127.0.0.1 "$port"
	finish "$prober"
	test "$(get '"\(.attempts) \(.ok)"')" = "10 10"
}

@test "probe: --wait that was in vain is said to have tried" {
	free_port
	probe -n 10 --wait 0.3 127.0.0.1 "$port"
	test "$status" -eq 1
	grep -qxE 'tried ([2-9]|[1-9][0-9]+) times within 0\.3 s before that: is the server started, and is this its address\?' report
	probe -n 10 127.0.0.1 "$port"
	run ! grep -q tried report
}

@test "probe: few descriptors: fewer at a time, and it says so" {
	members --sockets 1,1
	(ulimit -n 48 && probe -n 50 -c 100 "$port" && test "$status" -eq 0)
	grep -q '48 descriptors are allowed (ulimit -n): 16 connections at a time instead of 100' err
	grep -qx 'failed 0' report
	(ulimit -n 20 && probe -n 50 -c 100 "$port" && test "$status" -eq 1)
	grep -q 'ulimit -n' err
}

@test "probe: another user's server is told from one that is not there" {
	test "$(id -u)" -eq 0 || skip "only root can be another user"
	local other=$BATS_TEST_TMPDIR/rpnc
	cp "$(command -v rpnc)" "$other"
	setpriv --reuid=65534 --clear-groups "$other" --version || skip "can't run it as another user"
	members --sockets 1,1
	timeout 60 setpriv --reuid=65534 --clear-groups "$other" probe -n 50 --json "$port" >report
	test "$(get '"\(.by) \(.ok) \(.unattributed) \(.fairness)"')" = "diag 50 0 null"
	test "$(get '.members[] | "\(.pid) \(.uid) \(.count)"')" = "null 0 50"
	timeout 60 setpriv --reuid=65534 --clear-groups "$other" probe -n 50 "$port" >report
	grep -q "processes of root (uid 0) can't be seen" report
	grep -qE '^  - +uid 0  █+ +50  100.0 %$' report
}

@test "probe: the JSON is one line, and has what the manual lists" {
	start echo -r 0
	probe -n 20 --echo --json "$port"
	test "$(wc -l <report)" -eq 1
	python3 - <<-'END'
		import json
		r = json.load(open("report"))
		assert r["event"] == "report" and r["command"] == "probe"
		assert set(r["target"]) == {"address", "name", "port", "protocol",
			"proxy"}
		assert set(r["failed"]) == {"refused", "reset", "timeout", "proxy",
			"tls", "answer", "other"}
		assert set(r["latency"]) == {"connect", "proxy", "accept", "tls",
			"echo", "reply", "late"}
		h = r["latency"]["connect"]
		assert h["unit"] == "us" and h["count"] == 20 and h["p90"] is None
		assert h["min"] <= h["p50"] <= h["max"]
		assert h["histogram"].startswith("HISTFAAAA")
		assert r["latency"]["reply"] is None and r["latency"]["late"] is None
		m, = r["members"]
		assert m["name"] == "A" and m["worker"] is None and m["share"] == 1
		assert m["command"] == "rpnc" and m["latency"]["echo"]["count"] == 20
		assert r["fairness"]["verdict"] == "too-few"
		assert r["verdict"] == (r["finding"] or {}).get("kind")
		assert r["fairness"]["dof"] == 0
	END
}

@test "probe: a report that stdout does not take is status 1, in each mode" {
	local words
	start echo -r --name A 127.0.0.1 0
	rpnc probe -n 5 --json "$port" >one
	while read -ra words; do
		status=0
		timeout 60 rpnc probe "${words[@]}" </dev/null >/dev/full 2>err || status=$?
		assert_equal "$status ${words[*]}" "1 ${words[*]}"
		assert_equal "$(grep -v '^[0-9]* ways' err)" 'rpnc probe: stdout: No space left on device'
	done <<-END
		-n 5 $port
		-n 5 --json $port
		-n 5 --to A $port
		-n 5 --watch=0.1 $port
		-n 5 --html - $port
		-n 5 --openmetrics - $port
		-n 5 --hdr-log - $port
		--each $port
		127.0.0.1 $port-$port
		--group $port
		--merge one one
		--compare -d 0.02 -n 9 -w 1 -c 2
		--during $port -- true
	END
}

@test "probe: on a terminal it shows how far it is, and then removes that" {
	start echo 0
	timeout 60 script -qec "rpnc probe -d 0.5 --rate 100 $port" /dev/null >screen </dev/null
	grep -q 'in flight' screen
	tr '\r' '\n' <screen | grep -q 'failed 0'
	# the last line of progress is erased before the report
	tr '\r' '\n' <screen | grep -n 'in flight' | tail -n 1 | cut -d : -f 1 >last
	tr '\r' '\n' <screen | tail -n "+$(($(<last) + 1))" | grep -q ' tcp'
}
