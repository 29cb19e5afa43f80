#!/usr/bin/env bats
# rpnc probe --quarantine and --rescue: a stuck member, its clients, and what
# there must be round it.
# shellcheck disable=SC2016,SC2030,SC2031,SC2046,SC2154

load helpers
load probe
load terminal

# Before all else, as who is stopped hears no SIGTERM.
teardown() {
	local p
	tm kill-server 2>/dev/null || true
	test -z "${crowd-}" || leave_all
	for p in "${pids[@]}"; do
		test -z "$p" || kill -CONT "$p" $(pgrep -P "$p") 2>/dev/null || true
	done
	stop
}

# echoes N ARG...: so many members, by their pids in member.
echoes() {
	local i n=$1
	shift
	port=0
	member=()
	for ((i = 0; i < n; i++)); do
		start echo -r --identify "$@" "$port"
		member+=("$pid")
	done
}

# isolate ARG...: probe in the background, until members do what it requests; its
# pid in prober, what it writes in events.
isolate() {
	local try
	for try in {1..9}; do
		: >events # what an earlier one said is no news
		rpnc probe --yes --json "$@" "$port" >events 2>said 3>&- &
		prober=$!
		pids+=("$prober")
		eventually isolated_or_ended
		! happened '"quarantined"' || return 0
		# strace stops it for a moment at each system call
		grep -q "${member[0]-none}) is stopped" said || break
	done
	echo "after $try tries:"
	cat events said
	return 1
}

isolated_or_ended() {
	happened '"quarantined"' || gone "$prober"
}

happened() {
	grep -qF -- "$1" events
}

# done_with PID STATUS
done_with() {
	local status=0
	finish "$1" || status=$?
	cat events said
	assert_equal "$status" "$2"
}

# all_answered N ARG...: so many connections, each echoed by who is not stuck.
all_answered() {
	probe -n "$1" --echo --json "${@:2}" "$port" >/dev/null
	test "$(get '[.ok, .queued] | join(" ")')" = "$1 0" || {
		get '{attempts, ok, failed, queued}'
		return 1
	}
}

# gets PID [SECONDS]: it is given some of 60 connections, and has so long to
# accept them: chance fails once in 10^10.
gets() {
	probe -n 60 -c 60 --timeout "${2:-10}" --json "$port" >/dev/null
	test "$(get "[.members[] | select(.pid == $1) | .count + .predicted +
		.queued] | add // 0")" -gt 0
}

# waiters N: so many clients with a line each, some of them in a queue; they are
# there until leave_all.
waiters() {
	python3 "$BATS_TEST_DIRNAME/waiters.py" "$1" "$port" >waiters 3>&- &
	pids+=($!)
	crowd=$!
	eventually grep -q connected waiters
	eventually waiting
}

leave_all() {
	kill "$crowd"
	finish "$crowd" || test $? -eq 143
	crowd=
}

# waiting: some clients wait in a queue.
waiting() {
	test "$(queued)" -gt 0
}

# flagged PID: by --group, on each of its sockets.
flagged() {
	rpnc probe --group --json "$port" | jq -es --argjson pid "$1" '
		[.[].members[] | select(.pid == $pid) | .flags |
		contains(["QUARANTINED"])] | length > 0 and all' >/dev/null
}

@test "quarantine: who is stopped gets nothing more, until it ends however it ends" {
	local v6=
	test ! -e /proc/net/if_inet6 || v6=-6
	echoes 3
	halt "${member[1]}"
	waiters 60
	isolate --quarantine "${member[1]}"
	all_answered 100 -4
	test -z "$v6" || all_answered 100 -6
	assert flagged "${member[1]}"
	eventually grep -qF "! B quarantined (pid ${member[1]})" err.0
	assert jq -es --argjson pid "${member[1]}" '. == [{event: "paused", name: "B",
		pid: $pid, reason: "quarantined", time: .[0].time}]' events
	# the prediction was wrong, and the report says why
	kill -STOP "${member[0]}" "${member[2]}"
	probe -n 20 -c 20 --timeout 0.3 -4 "$port"
	kill -CONT "${member[0]}" "${member[2]}"
	assert grep -qx "20 connections in no row: no process was seen to accept, and the kernel's hash can't tell which did: a member is quarantined" report
	# no process is left that would end the request
	kill -KILL "$prober"
	finish "$prober" || test $? -eq 137
	eventually grep -qF "! B is no longer quarantined (pid ${member[1]})" err.2
	eventually gets "${member[1]}" 0.3
	refute flagged "${member[1]}"
	# by its name, and in order: when it has ended it is undone
	isolate --quarantine B
	all_answered 100 -4
	# it goes on, and new ones go to others all the same
	kill -CONT "${member[1]}"
	eventually grep -q 'answered 60' waiters
	eventually happened 'goes on, and serves its queue'
	all_answered 50 -4
	test "$(get '.members[] | select(.name == "B") | .count')" -eq 0
	kill "$prober"
	done_with "$prober" 143
	assert happened '"released"'
	assert gets "${member[1]}"
	run ! grep -h '^rpnc' err.*
}

@test "quarantine: whom members come and go round, and what it ends with" {
	echoes 3 -4
	halt "${member[0]}"
	isolate --quarantine A
	# another request for the same, no longer, changes nothing
	local first=$prober
	mv events events.first
	isolate --quarantine A
	kill "$prober"
	done_with "$prober" 143
	assert happened "A (pid ${member[0]}) stays quarantined: another"
	run ! happened '"released"'
	prober=$first
	mv events.first events
	start echo -r --identify -4 "$port"
	eventually grep -qE '^\+ D .* new connections avoid the quar' err.1
	assert_equal "$(grep -c quarantined err.1)" 2
	run ! grep -F 'no longer' err.1
	kill -KILL "${member[2]}"
	finish "${member[2]}" || test $? -eq 137
	eventually all_answered 60
	# nobody healthy is left, and then somebody is
	kill -KILL "${member[1]}" "$pid"
	eventually happened 'no healthy member is left'
	start echo -r --identify -4 "$port"
	eventually all_answered 60
	# there is nobody any more to keep away
	kill -KILL "${member[0]}"
	finish "${member[0]}" || test $? -eq 137
	done_with "$prober" 0
	assert happened 'has no socket there any more'
	eventually grep -qF '! A is no longer quarantined' "err.$((${#pids[@]} - 1))"
}

@test "quarantine: what nobody is left to undo stays, and the last line says so" {
	local foreign
	python3 "$BATS_TEST_DIRNAME/holder.py" --reuseport 127.0.0.1 0 >held 3>&- &
	foreign=$!
	pids+=("$foreign")
	eventually test -s held
	start echo -r 127.0.0.1 "$(<held)"
	isolate --quarantine "$foreign" --force
	kill -KILL "$pid"
	finish "$pid" || test $? -eq 137
	# before its next look
	kill "$prober"
	done_with "$prober" 143
	assert happened "python3 (pid $foreign) stays quarantined: no healthy member is left to undo it"
	run ! happened '"resumed"'
}

@test "rescue: the clients that wait are served by others, to their end" {
	echoes 3 -4
	halt "${member[1]}"
	# who never reads what is echoed to him is in nobody's way
	python3 - "$port" 3>&- <<-'END' &
		import signal, socket, sys
		slow = []
		for i in range(30):
		    s = socket.create_connection(("127.0.0.1", int(sys.argv[1])))
		    s.setblocking(False)
		    slow.append(s)
		    try:
		        while s.send(b"x" * 65536):
		            pass
		    except BlockingIOError:
		        pass
		open("slow", "w").close()
		signal.pause()
	END
	local slow=$!
	pids+=("$slow")
	eventually test -e slow
	waiters 60
	isolate --rescue "${member[1]}"
	assert grep -qE "clients in its queue, [0-9]+ now, are connected .* again" said
	eventually grep -q 'answered 60' waiters
	assert_equal "$(queued)" 0
	all_answered 50
	# who is killed has nobody left in its queue; it waits for those it serves
	kill -KILL "${member[1]}"
	finish "${member[1]}" || test $? -eq 137
	eventually happened 'rescued clients are still open'
	assert happened 'has no socket there any more'
	assert happened '"released"'
	all_answered 50
	kill "$slow"
	leave_all
	done_with "$prober" 0
	jq -es --argjson pid "${member[1]}" '
		(map(select(.event == "connected")) | length) as $n |
		(map(select(.event == "closed" and .in > 0 and .out > 0)) | length) == $n and
		(.[-1] | .command == "rescue" and .name == "B" and .pid == $pid and
		.rescued == $n and .failed == 0 and .in > 1000000 and .out > 0)' events
}

@test "rescue: a stranger's clients, with few descriptors, cut by the second signal" {
	members --sockets 1 --do hold
	halt "${workers[0]}"
	start echo -r 127.0.0.1 "$port"
	waiters 60
	# 8 at a time, the others by turns
	{
		ulimit -n 64
		exec rpnc probe --rescue "${workers[0]}" --force --yes --json "$port"
	} >events 2>said 3>&- &
	prober=$!
	pids+=("$prober")
	eventually happened '"conn":8'
	run ! happened '"conn":9'
	kill "$prober"
	eventually happened 'rescued clients are still open'
	# from another process: else it may be taken for timeout(1)'s second one
	bash -c 'kill "$1"' bash "$prober"
	done_with "$prober" 143
	assert_equal "$(grep -c '"reason":"cut"' events)" 8
}

@test "rescue: a client that comes back while the group changes is tried again" {
	echoes 3 -4
	halt "${member[2]}"
	isolate --rescue "${member[2]}"
	# the kernel renumbers the others, and nobody attaches another program
	halt "${member[1]}"
	kill -KILL "${member[0]}"
	waiters 40
	eventually happened '"connected"'
	kill -CONT "${member[1]}"
	eventually grep -q 'answered 40' waiters
	leave_all
	run ! happened 'came back to the same queue'
	kill "$prober"
	done_with "$prober" 143
	assert jq -es '.[-1].failed == 0 and .[-1].rescued > 0' events
}

@test "rescue: what nobody else serves comes back, and is not rescued again" {
	echoes 2 -4
	halt "${member[1]}"
	isolate --rescue "${member[1]}"
	kill -KILL "${member[0]}"
	eventually happened 'no healthy member is left'
	run timeout 20 rpnc connect 127.0.0.1 "$port" <<<lost
	refute_output --partial lost
	eventually happened 'came back to the same queue'
	kill "$prober"
	done_with "$prober" 143
	# which of them depends on what came first, its server or its end
	assert jq -es '.[-1].rescued + .[-1].failed == 1' events
}

# refused STATUS TEXT ARG...
refused() {
	run -"$1" timeout 20 rpnc probe "${@:3}" </dev/null
	assert_line --partial "$2"
	assert_equal "${#lines[@]}" 1
}

@test "quarantine: what it refuses, and why" {
	local yes='--yes --quarantine'
	echoes 1 -4
	# shellcheck disable=SC2086
	{
		refused 2 'say --yes' --quarantine "$pid" "$port"
		refused 2 'say --yes' --rescue "$pid" "$port"
		refused 2 'no socket of its own that is a member of TCP' $yes $$ "$port"
		refused 2 'no socket of its own that is a member of UDP' -u $yes $$ "$port"
		refused 2 'no socket of its own there that' $yes A -6 "$port"
		refused 2 'no such process' $yes 2147483647 "$port"
		refused 2 'want the pid of a member' $yes X "$port"
		refused 2 'want a port' $yes "$pid" 0
		refused 2 'another host' $yes "$pid" 192.0.2.1 "$port"
		refused 2 'one of them will do' $yes A --rescue A "$port"
		refused 2 'no queue of clients' -u --yes --rescue A "$port"
		refused 2 'Unix sockets' $yes A -U x
		refused 2 'goes with --quarantine' --force "$port"
		refused 2 '--count: not with' $yes A -n 5 "$port"
		refused 1 'A (pid '"$pid"') is alone at 0.0.0.0' $yes A "$port"
	}
	# others, but none that could do it
	start echo -r -4 "$port"
	halt "$pid"
	refused 1 "B (pid $pid) is stopped" --yes --quarantine A "$port"
	kill -CONT "$pid"
	# shellcheck disable=SC2086
	if test "$(id -u)" -eq 0 && setpriv --reuid=65534 --clear-groups \
		test -x "$RPNC"; then
		as_nobody() {
			setpriv --reuid=65534 --clear-groups env -u XDG_RUNTIME_DIR \
				"$RPNC" echo -r 127.0.0.1 0 --ready-fd 4 4>nobody \
				3>&- 2>/dev/null &
			pids+=($!)
		}
		mkfifo nobody
		as_nobody
		read -r port <nobody
		port=${port##*:}
		refused 2 'it is of user nobody' --yes --quarantine "${pids[-1]}" "$port"
	fi
}

@test "quarantine: members that are not rpnc's, by force" {
	members --sockets 1,1 --do echo
	halt "${workers[0]}"
	refused 1 "no other member at 127.0.0.1:$port is rpnc's" --yes \
		--quarantine "${workers[0]}" "$port"
	start echo -r 127.0.0.1 "$port"
	refused 2 '--force replaces it' --yes --quarantine "${workers[0]}" "$port"
	isolate --force --quarantine "${workers[0]}"
	all_answered 100
	assert flagged "${workers[0]}"
	# who steers is killed, and the prober: what was steered stays, until
	# another one joins
	kill -KILL "$prober" "$pid"
	finish "$pid" || test $? -eq 137
	kill -CONT "${workers[0]}"
	start echo -r 127.0.0.1 "$port"
	eventually gets "${workers[0]}"
	assert gets "${workers[1]}"
	assert gets "$pid"
}

@test "quarantine: a target that opens more sockets than it can have stays quarantined" {
	local more
	start echo -r 127.0.0.1 0
	exec {more}< <(exec python3 - "$port" 3>&- <<-'END'
		import signal
		import socket
		import sys
		def more():
		    s = socket.socket()
		    s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
		    s.bind(("127.0.0.1", int(sys.argv[1])))
		    s.listen()
		    return s
		signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGUSR1})
		all = [more() for _ in range(8)]
		print("up", flush=True)
		signal.sigwait({signal.SIGUSR1})
		all.append(more())
		signal.pause()
	END
	)
	pids+=("$!")
	read -r _ <&"$more"
	isolate --force --quarantine "${pids[-1]}"
	kill -USR1 "${pids[-2]}"
	eventually happened 'has more than 8 sockets there now'
	# what is said at a later look
	kill -KILL "$pid"
	eventually happened 'no healthy member is left'
	kill -TERM "$prober"
	done_with "$prober" 143
}

# its_drops: "half-open drops" of each socket of the group.
its_drops() {
	rpnc probe --group --json 127.0.0.1 "$port" |
		jq -r '[.members[] | "\(.half_open) \(.drops)"] | join(", ")'
}

@test "quarantine: no drop of its own tests is any member's, on a busy machine either" {
	members --sockets 1 --do echo
	start echo -r 127.0.0.1 "$port"
	member=("$pid")
	start echo -r 127.0.0.1 "$port"
	halt "$pid"
	# each SYN takes as long as on a busy machine
	inject "${member[0]}" connect:delay_enter=6000
	isolate --force --quarantine B 127.0.0.1
	# a half-open connection that stayed would be answered in a second again,
	# and dropped
	assert_equal "$(its_drops)" '0 0, 0 0, 0 0'
	assert grep -q connect trace
}

@test "quarantine: a test that stands still for a second drops nothing later" {
	members --sockets 1 --do echo
	start echo -r 127.0.0.1 "$port"
	member=("$pid")
	start echo -r 127.0.0.1 "$port"
	halt "$pid"
	# before the second SYN of the first flow: meanwhile the kernel has
	# repeated its SYN-ACK, and so dropped all eight half-open connections
	inject "${member[0]}" connect:delay_enter=1200000:when=9
	isolate --force --quarantine B 127.0.0.1
	assert_equal "$(its_drops)" '0 0, 0 0, 0 0'
	assert grep -q connect trace
}

@test "quarantine: datagrams" {
	reserve
	start echo -u -r 127.0.0.1 "$port"
	start echo -u -r 127.0.0.1 "$port"
	start echo -u -r 127.0.0.1 "$port"
	halt "${pids[0]}"
	isolate -u --quarantine A
	probe -u --echo --by registry --json -n 60 -c 4 127.0.0.1 "$port" >/dev/null
	assert_equal "$(get '[.ok, .members[0].count] | join(" ")')" '60 0'
	# one sender's datagrams stay together
	probe -u --echo --by registry --json -n 20 --sport 20001 127.0.0.1 "$port" >/dev/null
	assert_equal "$(get '[.members[].count] | sort | join(" ")')" '0 0 20'
}

@test "quarantine: at terminals it asks first, and others show it" {
	pane A rpnc listen -r -4 0
	listening A
	# a terminal's would be made to go on by tmux
	start listen -r -4 "$port"
	local stuck=$pid
	halt "$stuck"
	shell C
	enter C "rpnc probe --quarantine $stuck $port"
	sees C "B (pid $stuck), stopped, gets no new connections on port $port" \
		"A (pid $(process A)) sees to it, and undoes it however this ends" \
		'it is the only one that can' 'Do it? [y/N]'
	sees C 'Ctrl-C ends it'
	enter C n
	sees C '--quarantine: nothing was done'
	unseen A quarantined
	enter C "clear; rpnc probe --quarantine $stuck $port"
	sees C 'Do it? [y/N]'
	enter C y
	sees C '! B quarantined'
	sees A "! B quarantined (pid $stuck): new connections go to others"
	enter A /group
	sees A 'no verdict: a quarantined member gets nothing for now'
	like A 'B +[0-9]+ rpnc .* quarantined'
	keys C C-c
	sees C '! B is no longer quarantined'
	sees A '! B is no longer quarantined'
}

@test "rescue: at a terminal it says how many are rescued as they are, and that Ctrl-C ends it" {
	echoes 2 -4
	halt "${member[1]}"
	waiters 30
	shell C
	enter C "rpnc probe --rescue B $port"
	sees C 'Ctrl-C ends it' 'Do it? [y/N]'
	enter C y
	sees C '! B quarantined'
	like C '[0-9]+ clients? rescued so far, [0-9]+ still served through here; Ctrl-C ends it'
	leave_all
	keys C C-c
	like C 'rescued [0-9]+ clients? in .*, 0 failed'
}
