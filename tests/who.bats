#!/usr/bin/env bats
# rpnc probe: processes that start meanwhile, that fork, or hand connections on.
# shellcheck disable=SC2016,SC2154,SC2317 # the $ are for an inner shell

load helpers
load probe

# handing MODE [--reply]: tests/handing.py in the background; its port in port,
# its pid in pid.
handing() {
	rm -f ready.handing
	mkfifo ready.handing
	python3 "$BATS_TEST_DIRNAME/handing.py" "$@" >ready.handing 2>handing.err 3>&- &
	pid=$!
	pids+=("$pid")
	read -r port <ready.handing
	test -n "$port"
	: >served
}

# reload PID: SIGHUP for a server that has served 20 clients, until other
# processes have served 20 more.
reload() {
	eventually twenty -e ''
	sort -u served >old
	kill -HUP "$1"
	eventually twenty -vxFf old
}

twenty() {
	test "$(grep -c "$@" served)" -ge 20
}

# agrees: who served each client, by the server's own account and by ours.
agrees() {
	get '.members[] | select(.count > 0) | "\(.pid) \(.count)"' | sort >got
	sort served | uniq -c | awk '{ print $2, $1 }' | sort >wanted
	diff -u wanted got
	test "$(get '.ok == .attempts and .unattributed == 0')" = true
}

# reloaded PID ARG...: all three ways to look meanwhile see the same.
reloaded() {
	local server=$1 how
	shift
	for how in "" --watch=0.2; do
		: >served
		# shellcheck disable=SC2086 # none, or one
		rpnc probe $how --json --timeout 30 --rate 100 -n 400 "$@" >lines 3>&- &
		pids+=("$!")
		reload "$server"
		finish "${pids[-1]}" || true
		tail -n 1 lines | tee report
		agrees
		# those that came, and they alone, have nothing to do with a hash
		test "$(get '.fairness.verdict // "changed"')" = changed
	done
	: >served
	export -f eventually reload twenty
	probe --during --json --timeout 30 --rate 100 -d 100ms "$@" -- bash -c 'reload "$0"' "$server"
	agrees
	# the parent accepts nothing, and never joins
	get '.during.changes[].pid' | sort -u >changed
	sort -u served | diff -u - changed
}

@test "who: nginx reloads: its new workers have what they served, its master nothing" {
	nginx_on ""
	reloaded "$pid" --send 'GET / HTTP/1.0\r\n\r\n' "$port"
}

@test "who: nginx with reuseport reloads: its new workers have what they served" {
	nginx_on reuseport
	reloaded "$pid" --send 'GET / HTTP/1.0\r\n\r\n' "$port"
}

@test "who: a server that forks its workers anew: they have what they served" {
	handing prefork
	reloaded "$pid" --echo "$port"
}

# One of the new workers is found when the group is looked at, because another
# one joined: by then it had a client, which had waited since before it started.
@test "who: workers that come late: the clients that had waited for them are theirs" {
	handing late
	reloaded "$pid" --echo "$port"
}

# answers N: of N, no process is said to have answered more than it served, and
# most are known; one that is met for the first time may be found too late.
answers() {
	local who count
	while read -r count who; do
		test "$(get "[.members[] | select(.pid == $who).answered] | add // 0")" -le "$count"
	done < <(sort served | uniq -c)
	test "$(get '[.members[].answered] | add')" -ge $(($1 / 2))
	# who accepted has answered none, and accepted them all
	test "$(get ".members[] | select(.pid == $pid) | .answered == 0 and .count + .handed == $1")" = true
	test "$(get .fairness)" = null
}

@test "who: a connection that is handed on by SCM_RIGHTS was answered by who got it" {
	handing rights
	probe --json --echo -n 60 -c 2 --timeout 30 --fail-uneven=1e-7 "$port"
	test "$status" -eq 0
	answers 60
	probe --echo -n 20 -c 2 --timeout 30 "$port"
	says 'one process accepts and another one answers, and no hash chooses that one: no verdict'
	grep -qE "^  -  pid $pid +python3 .*  \(accepted [0-9]+ that it handed on\)$" report
	: >served
	timeout 60 rpnc probe --watch=0.2 --json --echo -n 60 -c 2 --timeout 30 "$port" | tail -n 1 >report
	answers 60
}

@test "who: our own --accept handoff: the workers answered, not their parent" {
	start echo -w 2 --accept handoff --json 127.0.0.1 0
	probe --json --echo -n 100 "$port"
	kill "$pid"
	finish "$pid" || true
	jq -r 'select(.event == "report").workers[] | range(.accepted) as $n | .pid' out.0 >served
	answers 100
}

@test "who: a server that forks for each connection has accepted, and is not said to answer" {
	local mode
	for mode in fork inherit keep; do
		handing "$mode"
		probe --json --echo -n 20 -c 2 --timeout 30 "$port"
		test "$status" -eq 0
		test "$(get '.members | length')" -eq 1
		test "$(get ".members[] | [.pid, .answered, .handed] | tostring")" = "[$pid,0,0]"
		probe --echo -n 20 -c 2 --timeout 30 "$port"
		grep -qE '^accepted by: for [0-9]+ only the process that accepted them is known, not the one that answered$' report
		kill "$pid"
		finish "$pid" || true
	done
	start echo --accept fork 127.0.0.1 0
	probe --json --echo -n 20 -c 2 "$port"
	test "$(get ".members[] | [.pid, .answered] | tostring")" = "[$pid,0]"
}

@test "who: who answers itself is said to, and nobody if there was no reply" {
	members --sockets 1,1 --do echo
	probe --json --echo -n 100 "$port"
	test "$(get '.members | all(.answered == .count and .handed == 0)')" = true
	test "$(get '[.members[].count] | add')" -eq 100
	probe --echo -n 100 "$port"
	run ! grep -q 'accepted by' report
	probe --json -n 20 "$port"
	test "$(get '[.members[] | .answered, .handed] | unique | tostring')" = '[null]'
	# what has ended with its reply can be asked no more
	members --sockets 1 --do bye
	probe --send x --expect 'I am' -n 20 --json "$port"
	test "$(get '.members[0] | .answered + 0 <= .count')" = true
}

# says TEXT: a line of the report is this.
says() {
	grep -qxF "$1" report
}

@test "who: rpnc's own steering is known: by whom, and how" {
	start echo -r --name A --steer weights:A=70,B=20,C=10 127.0.0.1 0
	start echo -r --name B 127.0.0.1 "$port"
	start echo -r --name C 127.0.0.1 "$port"
	probe -n 300 "$port"
	says 'expected by the steering: weights A=70,B=20,C=10'
	run ! grep -qE 'predict|a program' report
	# only those who are missing in the table are worth a line
	kill -STOP "$pid"
	probe -n 60 -c 60 --timeout 0.3 "$port"
	kill -CONT "$pid"
	grep -qxE "[0-9]+ connections? in no row: no process was seen to accept, and the kernel's hash can't tell which did: steered by A: weights A=70,B=20,C=10" report
	run ! grep -q 'predict' report
}

@test "who: datagrams of a foreign group are predicted, and that is no verdict" {
	local how
	members --udp --sockets 1,1 --steer
	for how in "" "--expect-weights ${workers[0]}=1,${workers[1]}=1"; do
		# shellcheck disable=SC2086 # words are words
		probe -u --echo -n 300 --json --fail-uneven $how 127.0.0.1 "$port"
		test "$status" -eq 0
		test "$(get '.predicted == 300 and .fairness == null')" = true
		test "$(get '[.members[].expected] | unique == [null]')" = true
	done
	cp report one
	probe --merge --json one one
	test "$(get .fairness)" = null
	probe -u --echo -n 300 127.0.0.1 "$port"
	says "no verdict: only the kernel's hash predicts which member got a datagram, and a program that steers the group would not show. Try --by reply"
	run ! grep -qE 'chi2|even$' report
	timeout 20 rpnc probe -u --echo --watch=0.1 -n 100 --rate 200 --json 127.0.0.1 "$port" >lines
	test "$(jq -s '[.[].fairness] | unique | tostring' lines)" = '"[null]"'
	# what they say themselves is another matter
	members --udp --sockets 1,1 --do say
	probe -u --send x --by reply --match 'I am ([0-9]+)' -n 300 --json 127.0.0.1 "$port"
	test "$(get .fairness.verdict)" != null
}

# deferred: a Python server with TCP_DEFER_ACCEPT, its port in port; it echoes.
deferred() {
	rm -f ready.deferred
	mkfifo ready.deferred
	python3 - >ready.deferred 2>/dev/null 3>&- <<-'END' &
		import socket
		s = socket.socket()
		s.setsockopt(socket.IPPROTO_TCP, socket.TCP_DEFER_ACCEPT, 30)
		s.bind(("127.0.0.1", 0))
		s.listen(1024)
		print(s.getsockname()[1], flush=True)
		while True:
		    c, _ = s.accept()
		    try:
		        while data := c.recv(65536):
		            c.sendall(data)
		    except OSError:
		        pass
		    c.close()
	END
	pid=$!
	pids+=("$pid")
	read -r port <ready.deferred
}

@test "who: a server that defers accepting (Python, nginx) loses nobody, and that is said" {
	local waits='the server waits for data before it accepts (TCP_DEFER_ACCEPT): use --send or --echo, to see who answers'
	for server in deferred "nginx_on deferred"; do
		$server
		probe -n 40 "$port"
		test "$status" -eq 0
		says "$waits"
		run ! grep -q '^queued' report
		probe --during --rate 50 -d 100ms --json "$port" -- true
		test "$status" -eq 0
		test "$(get '.during.lost == 0 and .queued == 0 and .ok == .attempts')" = true
		# with something to accept it for there is nothing to say
		probe -n 40 --send 'GET / HTTP/1.0\r\n\r\n' --timeout 20 "$port"
		test "$status" -eq 0
		run ! grep -q TCP_DEFER_ACCEPT report
	done
}

@test "who: a queue that is full is not taken for a server that waits for data" {
	full_port
	probe -n 2 -c 2 --timeout 1 "$full"
	run ! grep -q TCP_DEFER_ACCEPT report
}

# multipath [close]: a server of MPTCP, as Go's are, that holds what it accepts.
multipath() {
	rm -f ready.multipath
	mkfifo ready.multipath
	python3 - "$@" >ready.multipath 2>/dev/null 3>&- <<-'END' &
		import socket, sys
		ports = []
		sockets = []
		for _ in range(2):
		    s = socket.socket(socket.AF_INET, socket.SOCK_STREAM, 262)
		    s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
		    s.bind(("127.0.0.1", ports[0] if ports else 0))
		    s.listen(1024)
		    s.setblocking(False)
		    ports.append(s.getsockname()[1])
		    sockets.append(s)
		print(ports[0], flush=True)
		import select
		held = []
		while True:
		    for s in select.select(sockets, [], [])[0]:
		        c, _ = s.accept()
		        held += [] if sys.argv[1:] else [c]
		        c.close() if sys.argv[1:] else None
	END
	pid=$!
	pids+=("$pid")
	read -r port <ready.multipath
}

@test "who: listeners of MPTCP have no half-open connection while they are idle" {
	test "$(cat /proc/sys/net/mptcp/enabled)" -eq 1 || skip "MPTCP is off"
	multipath
	rpnc probe --group --json "$port" >report
	test "$(get '[.members[].half_open] | tostring')" = '[0,0]'
	kill "$pid"
	# one that closes at once is attributed by what is half-open
	multipath close
	probe -n 100 -c 1 --json "$port"
	test "$(get .unattributed)" -le 10
}

# tested: three members, whose order in the group is known by now; none of them
# has dropped anything.
tested() {
	start echo -r --name A --steer weights:A=70,B=30 127.0.0.1 0
	start echo -r --name B 127.0.0.1 "$port"
	start echo -r --name C 127.0.0.1 "$port"
	known() {
		(rpnc probe --group --json "$port") >report
		test "$(get '[.members[].index] | sort | tostring')" = '[0,1,2]'
	}
	eventually known
	test "$(get '[.members[] | [.half_open, .drops]] | tostring')" = '[[0,0],[0,0],[0,0]]'
}

@test "who: rpnc's own half-open tests are no drops" {
	tested
	# and there were some
	test "$(ss -Hltnm "sport = :$port" | grep -oE ',d[1-9][0-9]*' | wc -l)" -gt 0
}

@test "who: nor are those of an ordinary user, who may not filter TCP" {
	test "$(id -u)" -eq 0 || skip "the others are as an ordinary user"
	setpriv --reuid=65534 --clear-groups test -x "$RPNC" ||
		skip "$RPNC can't be run by others"
	chown 65534 "$XDG_RUNTIME_DIR"
	rpnc() {
		exec setpriv --reuid=65534 --clear-groups "$RPNC" "$@"
	}
	tested
}
