#!/usr/bin/env bats
# rpnc probe as a source of load: where connections come from, how many of them
# there can be, and what their latency is counted from.
# shellcheck disable=SC2016,SC2030,SC2031,SC2154

load helpers
load probe

# peers: the addresses that the echo server saw, with their ports, as they came.
peers() {
	jq -r 'select(.event == "connected") | "\(.address) \(.port)"' out.0
}

# in_range LOW HIGH ARG...: a probe that has only these ports to connect from.
in_range() {
	own_network
	timeout 100 "${network[@]}" bash -c '
		ip link set lo up &&
		echo "$1 $2" >/proc/sys/net/ipv4/ip_local_port_range &&
		exec rpnc probe "${@:3}" >report
	' in_range "$@" 3>&-
}

# few_ports ARG...: a probe where there are only 500 ports to connect from, none
# of which connect(2) gives again before its TIME_WAIT is over.
few_ports() {
	own_network
	timeout 100 "${network[@]}" bash -c '
		ip link set lo up &&
		echo "40000 40499" >/proc/sys/net/ipv4/ip_local_port_range &&
		echo 0 >/proc/sys/net/ipv4/tcp_tw_reuse &&
		echo "${TIMESTAMPS-1}" >/proc/sys/net/ipv4/tcp_timestamps || exit
		mkfifo ready
		rpnc echo 127.0.0.1 9000 --ready-fd 4 4>ready >/dev/null 2>&1 &
		cat ready >bound
		timeout 80 rpnc probe "$@" 127.0.0.1 9000 >report 2>err
		echo "$?" >status
		kill "$!"
		wait "$!"
		true
	' few_ports "$@" 3>&-
	cat report err
	status=$(<status)
}

@test "load: a closed port that connect(2) may choose does not connect to itself" {
	local by
	for by in none diag; do
		run -1 in_range 40000 40003 --by "$by" --echo -n 40 -c 1 --json 127.0.0.1 40000
		test "$(get '"\(.ok) \(.attempts)"')" = "0 40"
	done
	run -1 in_range 50000 50003 --by none --echo -n 40 -c 1 --sport 40000 --json \
		127.0.0.1 40000
	test "$(get .ok)" = 0
}

@test "load: --sources has more connections than one address has ports" {
	few_ports -n 3000 --sources 127.0.0.0/24 --json
	test "$status" -eq 0
	test "$(get '"\(.ok) \(.unattributed)"')" = "3000 0"
}

@test "load: --sources where the kernel is not asked: connect(2) finds ports" {
	few_ports -n 3000 --sources 127.0.0.0/24 --by banner --echo --json
	test "$status" -eq 0
	test "$(get .ok)" = 3000
}

@test "load: without --sources ports run out, and it says what to do" {
	few_ports -n 700 --by banner --echo
	test "$status" -eq 6
	grep -q 'source ports ran out: .* Try --sources, such as 127.0.0.0/24' report
}

@test "load: --sources takes each address by turns, and each flow is another" {
	start echo -v --json 127.0.0.1 0
	probe -n 20 -c 1 --sources 127.9.0.0/30,127.8.0.1 --json "$port"
	test "$status" -eq 0
	peers >got
	test "$(cut -d ' ' -f 1 got | sort | uniq -c | awk '$1 > 4 { print $2 }' |
		tr '\n' ,)" = 127.8.0.1,127.9.0.1,127.9.0.2,
	test "$(sort -u got | wc -l)" -eq 20
	probe -n 6 -c 2 --sources ::1/128 ::1 "$port"
	test "$status" -eq 1
	stop
	start echo -v --json ::1 0
	probe -n 6 --sources ::1/128 --json ::1 "$port"
	test "$status" -eq 0
	test "$(peers | cut -d ' ' -f 1 | sort -u)" = ::1
}

@test "load: --sport are the same flows every time, each once" {
	start echo -r -w 3 127.0.0.1 0
	probe --sport 5000-5099 --json 127.0.0.1 "$port"
	test "$status" -eq 0
	test "$(get '"\(.attempts) \(.ok)"')" = "100 100"
	get '.members | map("\(.pid) \(.count)") | sort | .[]' >first
	probe --sport 5000-5099 --json 127.0.0.1 "$port"
	test "$status" -eq 0
	get '.members | map("\(.pid) \(.count)") | sort | .[]' >second
	diff -u first second
}

@test "load: --sport with --sources: every port of every address" {
	start echo -v --json 127.0.0.1 0
	probe --sport 5000-5002 --sources 127.0.0.4,127.0.0.5 --json 127.0.0.1 "$port"
	test "$status" -eq 0
	peers | sort >got
	printf '127.0.0.%s\n' "4 5000" "4 5001" "4 5002" "5 5000" "5 5001" "5 5002" >wanted
	diff -u wanted got
	# and where the kernel is not asked
	probe --sport 5003 --sources 127.0.0.4 --by banner --json 127.0.0.1 "$port"
	test "$status" -eq 0
	eventually grep -q '"port":5003' out.0
}

@test "load: --sport: the same port again, unless its TIME_WAIT forbids that" {
	start echo 127.0.0.1 0
	probe -n 20 -c 4 --sport 5000 --json 127.0.0.1 "$port"
	test "$status" -eq 0
	test "$(get .ok)" -eq 20
	export TIMESTAMPS=0 # by which the kernel would tell old from new
	few_ports -n 2 --sport 5000 --connect-timeout 0.3
	test "$status" -eq 6
	grep -q "failed 1 (other 1: $(errno_text EADDRNOTAVAIL))" report
	grep -q 'Try more of them: --sport' report
}

@test "load: datagrams have --sources and --sport, too" {
	start echo -u 127.0.0.1 0
	probe -u --echo -n 30 --sources 127.0.0.0/28 --json 127.0.0.1 "$port"
	test "$status" -eq 0
	test "$(get .ok)" -eq 30
	probe -u --echo --sport 5000-5019 --sources 127.0.0.2 --json 127.0.0.1 "$port"
	test "$status" -eq 0
	test "$(get .ok)" -eq 20
}

@test "load: sources that make no sense are 2, those of others 5" {
	local words
	for words in "--sources x" "--sources 127.0.0.0/33" "--sources 127.0.0.1," \
		"--sources ::/129" "--sources 127.0.0.1 -s 127.0.0.1" "--sport 0" \
		"--sport 9-8" "--sport 1-" "--sport 70000" "--sport x" \
		"-U --sources 127.0.0.1 --by banner"; do
		# shellcheck disable=SC2086 # words are words
		probe $words 9
		test "$status" -eq 2 || fail "'$words': $status"
		test "$(wc -l <err)" -eq 1
	done
	probe --sources 203.0.113.0/24 127.0.0.1 9
	test "$status" -eq 5
	grep -q 'no address of this host' err
	# not for want of ports, in the middle of it
	probe -s 203.0.113.7 127.0.0.1 9
	test "$status" -eq 5
	grep -qx "rpnc probe: --source 203.0.113.7: no address of this host" err
	probe -s 203.0.113.7 127.0.0.1 9-10
	test "$status" -eq 5
	grep -q 'no address of this host' err
}

# waits ARG...: how long a probe's epoll_wait(2) was asked to wait, each kind.
waits() {
	ASAN_OPTIONS+=:detect_leaks=0 timeout 60 strace -qq -f -o trace \
		-e trace=epoll_wait,epoll_pwait rpnc probe "$@" >report 2>err
	sed -nE 's/, NULL, 8\)/)/; s/.*epoll_p?wait\(.*, ([-0-9]+)\) += .*/\1/p' trace | sort -u
}

@test "load: --busy never sleeps" {
	start echo 127.0.0.1 0
	waits -n 5 --rate 50 "$port" >some
	grep -qvx 0 some
	waits -n 5 --rate 50 --busy "$port" >none
	test "$(<none)" = 0
}

# stop_and_go: the server stops for 200 ms of each second, until one is ended.
stop_and_go() {
	cat >stop.py <<-'END'
		import os, select, signal, sys
		server = int(sys.argv[1])
		while True:
		    os.kill(server, signal.SIGSTOP)
		    select.select([], [], [], 0.2)
		    os.kill(server, signal.SIGCONT)
		    select.select([], [], [], 0.8)
	END
	background python3 stop.py "$pid"
}

@test "load: a server that stops at times: an open loop leaves nothing out" {
	start echo 127.0.0.1 0
	stop_and_go
	# however few at a time there may be
	timeout 60 rpnc probe --echo -c 1 --rate 400 -d 3 --by banner --json "$port" \
		>one 2>&1 3>&- &
	local one=$!
	pids+=("$one")
	probe --echo -c 400 --rate 400 -d 3 --json "$port"
	test "$status" -eq 0
	test "$(get .loop)" = open
	get '.latency.echo.p99 >= 100000' | grep -qx true
	finish "$one"
	jq -e '.loop == "open" and .latency.echo.p99 >= 100000 and
		.latency.late.p99 >= 10000' one
	probe --echo -c 1 -n 20 "$port"
	grep -qE '^echo +p50 ' report
}

# together N: a server that accepts when N clients wait, and then greets them;
# its port in port.
together() {
	local ready=together.${#pids[@]}
	mkfifo "$ready"
	python3 - "$1" >"$ready" 2>together.err 3>&- <<-'END' &
		import select, socket, struct, sys
		n = int(sys.argv[1])
		s = socket.create_server(("127.0.0.1", 0))
		print(s.getsockname()[1], flush=True)
		while True:
		    # tcpi_unacked of a listener: how many wait
		    while struct.unpack_from("I", s.getsockopt(socket.IPPROTO_TCP,
		            socket.TCP_INFO, 104), 24)[0] < n:
		        select.select([], [], [], 0.01)
		    clients = [s.accept()[0] for _ in range(n)]
		    for c in clients:
		        c.sendall(b"rpnc/1 name=T host=h pid=1 worker=0\n")
		    for c in clients:
		        c.recv(1)
		        c.close()
	END
	pids+=("$!")
	read -r port <"$ready"
}

@test "load: a first connection that is stuck keeps no other from starting" {
	together 4
	local words
	# without a host there are several addresses
	for words in "127.0.0.1 $port" "$port"; do
		# shellcheck disable=SC2086 # words are words
		probe -n 4 -c 4 --timeout 30 --json $words
		test "$status" -eq 0
		test "$(get '"\(.ok) \(.unattributed)"')" = "4 0"
		# shellcheck disable=SC2086
		probe -n 4 -c 4 --timeout 30 --by banner --json $words
		test "$status" -eq 0
		test "$(get '"\(.ok) \(.unattributed)"')" = "4 0"
	done
}

@test "load: an address whose queue is full is left for the next in time" {
	full_port
	start echo ::1 "$full"
	probe -n 5 --connect-timeout 50 --json "$full"
	test "$status" -eq 0
	test "$(get '"\(.target.address) \(.ok)"')" = "::1 5"
}
