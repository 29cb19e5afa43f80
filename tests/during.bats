#!/usr/bin/env bats
# rpnc probe --during: what is lost while a command runs.
# shellcheck disable=SC2016,SC2030,SC2031,SC2154 # the $ are for an inner shell

load helpers
load terminal
load probe

# What is stopped must go on to end.
teardown() {
	local p
	tm kill-server 2>/dev/null || true
	for p in "${pids[@]}"; do
		test -z "$p" || kill -CONT "$p" 2>/dev/null || true
	done
	stop
}

# pause SECONDS: what a command of the user's does meanwhile.
pause() {
	read -r -t "$1" <> <(:) || true
}
export -f pause

# end PID...: SIGTERM, and waits until they have ended.
end() {
	python3 - "$@" <<-'END'
		import os, select, signal, sys
		for pid in map(int, sys.argv[1:]):
		    it = os.pidfd_open(pid)
		    os.kill(pid, signal.SIGTERM)
		    select.select([it], [], [])
	END
}
export -f end

# begin PORT ARG...: one more server on that port, which is the test's to end.
begin() {
	mkfifo "begin.$$.$1"
	rpnc echo 127.0.0.1 "$@" --ready-fd 4 4>"begin.$$.$1" &
	echo "$!" >>begun
	cat "begin.$$.$1"
	rm "begin.$$.$1"
}
export -f begin

# adopt_begun: they are ended with the rest.
adopt_begun() {
	mapfile -t -O "${#pids[@]}" pids <begun
}

# during PORT [OPTION...] -- COMMAND...: a short one, with JSON.
during() {
	probe --during --json -d 100ms 127.0.0.1 "$@"
}

# is FILTER: it is so of the report's part.
is() {
	jq -e ".during | $1" report >/dev/null || fail "not so: $1"
}

@test "during: a member that leaves loses none, and all is in the report" {
	start echo -r 127.0.0.1 0
	start echo -r 127.0.0.1 "$port"
	during "$port" --fail-lost -- bash -c 'echo said; end "$0"' "$pid"
	test "$status" -eq 0
	test "$(cat err)" = said # and not on stdout, which is JSON
	is '.command == "bash -c echo said; end \"$0\" '"$pid"'"'
	is '.lost == 0 and .status == 0 and .signal == null and .unproven == 0'
	is '.ended > .started and .started > 0.2 and .interval == 0.05'
	is '[.changes[] | [.kind, .name, .pid]] == [["left", "B", '"$pid"']]'
	is '.changes[0].at > .started'
	jq -e '.loop == "open" and .attempts > 100 and .ok == .attempts and
		([.during.intervals[].attempts] | add) == .attempts and
		([.members[].count] | add) == .attempts' report
	# for people, at the same rate; the first line below the heading counts
	probe --during -d 100ms --rate 200 "$port" -- true
	test "$status" -eq 0
	grep -q ' 200 a second' report
	grep -qx '  attempts |█*[▁▂▃▄▅▆▇ ]*█*.*| [0-9]*' report
	grep -qE '^  command  \| +[#[]' report
	grep -qE '^the command took .*: exit status 0$' report
	[[ $(sed -n 2p report) =~ ^'0 lost of '[0-9]+$ ]]
	test "$(grep -c 'lost' report)" -eq 1
	run ! grep -qE '^(late|skipped)' report
}

@test "during: clients in the queue of a worker that is killed are reset" {
	start echo -r 127.0.0.1 0
	start echo -r 127.0.0.1 "$port"
	during "$port" --rate 1000 -- bash -c '
		kill -STOP "$0"
		until ss -Hltn "sport = :$1" | awk "\$2 >= 100 { found = 1 }
			END { exit !found }"; do :; done
		kill -KILL "$0"' "$pid" "$port"
	test "$status" -eq 6
	is '.losses.reset >= 100 and .losses.reset == .lost and .status == 0'
	is '([.intervals[].reset] | add) == .losses.reset'
	jq -e '.failed.reset == .during.lost' report
}

@test "during: a server that stops and starts: refused then, and only then" {
	reserve
	start echo 127.0.0.1 "$port"
	during "$port" -d 300ms --fail-lost -- bash -c '
		end "$0" && pause 0.3 && begin "$1"' "$pid" "$port"
	adopt_begun
	test "$status" -eq 7
	# what is in its queue at its end is reset
	is '.losses.refused > 0 and .status == 0'
	is '.lost == .losses.refused + .losses.reset'
	is '.ended - .started >= 0.3'
	is '.intervals[0].refused == 0 and .intervals[-1].refused == 0'
	is '. as $d | [.intervals[] | select(.at >= $d.started - .05 and
		.at <= $d.ended) | .refused] | add > $d.losses.refused / 2'
	# the server is the command'"'"'s, still runs, and has its descriptors
	grep -q 'listening on' err
	# none at all, at first: counted, not fatal
	end "${pids[-1]}"
	probe --during -d 300ms "$port" -- bash -c 'begin "$0"' "$port"
	adopt_begun
	test "$status" -eq 6
	grep -qE '^[1-9][0-9]* lost of [0-9]+ \(refused [0-9]+\)$' report
	grep -qE '^  refused  \|█' report
}

@test "during: one that is replaced under the same port loses none" {
	start echo -r --name old 127.0.0.1 0
	start echo -r --name other 127.0.0.1 "$port"
	during "$port" --echo -- bash -c 'begin "$0" -r --replace old' "$port"
	adopt_begun
	test "$status" -eq 0
	is '.lost == 0'
	eventually grep -q 'left: ' err.0
	# the old one may still be about to leave
	is 'any(.changes[]; .kind == "joined" and .pid == '"${pids[-1]})"
}

@test "during: the program by which a member leaves is not told as one that steers" {
	start echo -r --name old 127.0.0.1 0
	start echo -r --name other 127.0.0.1 "$port"
	probe --during --echo --rate 3000 -d 300ms 127.0.0.1 "$port" -- \
		bash -c 'begin "$0" -r --replace old' "$port"
	adopt_begun
	eventually grep -q 'left: ' err.0
	grep -q '^changed: members came or went' report
	run ! grep -F 'steer' report
}

@test "during: the next server has its name, though the group had ended before" {
	start echo -r --name old 127.0.0.1 0
	during "$port" --rate 50 -d 1s -- bash -c 'kill "$1"
		while ss -Hltn "sport = :$0" | grep -q .; do :; done
		begin "$0" -r --name new' "$port" "$pid"
	adopt_begun
	jq -e '[.members[].name] | index("new")' report
}

@test "during: a server that stops for a moment: slow, and none is lost" {
	start echo 127.0.0.1 0
	during "$port" --slow 100ms -- bash -c 'kill -STOP "$0"; pause 0.3
		kill -CONT "$0"' "$pid"
	test "$status" -eq 0
	is '.lost == 0 and .slow > 0 and .slow_after == 0.1'
	is '([.intervals[].longest] | max) > 0.1'
	# for longer than an attempt may take
	during "$port" --timeout 100ms --fail-lost -- bash -c 'kill -STOP "$0"
		pause 0.3; kill -CONT "$0"' "$pid"
	test "$status" -eq 7
	is '.lost > 0 and .lost == .losses.timeout'
}

@test "during: rpnc that was itself stopped does not blame the server" {
	start echo 127.0.0.1 0
	during "$port" -- bash -c 'kill -STOP "$PPID"; pause 0.7
		kill -CONT "$PPID"'
	test "$status" -eq 0
	is '.lost == 0 and .slow == 0 and .skipped >= 250'
	is 'any(.intervals[]; .attempts == 0)'
	jq -e '.ok == .attempts and
		([.during.intervals[].attempts] | add) == .attempts' report
	# what a stuck server keeps from starting waits, whatever we do then
	probe --during --slow 400ms -c 4 -d 100ms "$port" -- bash -c '
		kill -STOP "$0"; pause 0.3
		kill -STOP "$PPID"; pause 0.4; kill -CONT "$PPID"
		kill -CONT "$0"' "$pid"
	test "$status" -eq 0
	grep -qxE '[1-9][0-9]{2} connections were not tried, because rpnc itself was stopped or had no processor: not counted' report
	grep -qxE '[1-9][0-9]+ took over 400 ms: slow, but not lost' report
	# 4 at a time were too few
	grep -qxE '[1-9][0-9]* of [0-9]+ started over 10 ms late, because 4 were open already or this host was busy; latencies include that' report
}

@test "during: what ends before its reply is lost" {
	background python3 -c '
import socket
s = socket.create_server(("127.0.0.1", 0), backlog=1000)
open("port", "w").write(str(s.getsockname()[1]))
open("bound", "w").close()
while True:
    c, _ = s.accept()
    c.recv(1000)
    c.close()
'
	eventually test -e bound
	during "$(<port)" --rate 100 --echo -- true
	test "$status" -eq 1 # all are
	is '.lost == .losses.ended and .lost > 0'
	is 'all(.intervals[]; .longest == null)'
	jq -e '.mismatched == 0 and .ok == 0 and .failed.other == .during.lost' report
	probe --during -d 100ms --rate 100 --echo "$(<port)" -- true
	run ! grep '^  longest' report # of none
	# nothing was asked for: it was accepted, which is all
	during "$(<port)" --rate 100 -- true
	test "$status" -eq 0
	is '.lost == 0'
}

@test "during: a source port that another program has is no loss, and no attempt" {
	local other
	start echo 127.0.0.1 0
	other=$port
	start echo 127.0.0.1 0
	during "$port" --rate 100 --sport "$other" -- true
	test "$status" -eq 1 # nothing was tried
	is '.untried > 0 and .lost == 0'
	during "$port" --rate 100 --sport "$((other - 2))-$((other + 2))" -- true
	test "$status" -eq 0
	is '.untried > 0 and .lost == 0'
	jq -e '.attempts > .during.untried and
		.finding.text == "0 lost of \(.attempts - .during.untried)"' report
}

@test "during: a command that is not there, fails, or is killed" {
	start echo 127.0.0.1 0
	during "$port" -- ./nosuch
	test "$status" -eq 2
	test ! -s report
	test "$(cat err)" = 'rpnc probe: ./nosuch: No such file or directory'
	during "$port" -- sh -c 'exit 3'
	test "$status" -eq 1
	is '.status == 3 and .lost == 0'
	test "$(cat err)" = 'rpnc probe: sh: exit status 3'
	during "$port" -- sh -c 'kill -KILL $$'
	test "$status" -eq 1
	is '.status == null and .signal == 9'
	grep -q 'sh: killed by signal 9' err
	# some lost is more than that
	during "$port" --expect 'no echo' --send x --timeout 100ms -- sh -c 'exit 3'
	test "$status" -eq 7
}

@test "during: a short command's time counts from its beginning" {
	start echo 127.0.0.1 0
	for _ in 1 2 3 4 5 6; do
		during "$port" --rate 20 -d 1ms -- true
		is '.ended - .started > 50e-6'
	done
}

@test "during: what the command is given, and what it leaves behind" {
	start echo 127.0.0.1 0
	echo typed >typed
	ulimit -Sn 200
	# a background process of it holds all streams: not waited for
	given='cat; ulimit -n; readlink /proc/$$/fd/* | grep -c socket:
		tail -f /dev/null & echo "$!" >begun
		exec grep -E "^Sig(Blk|Ign)" /proc/self/status'
	bash -c "$given" <typed >wanted
	adopt_begun
	during "$port" -c 300 -- bash -c "$given" <typed
	adopt_begun
	test "$status" -eq 0
	# posix_spawn(3) ignores 32 and 33, which are the C library's own
	sed -E 's/^(SigIgn:.*)[0-9a-f]{2}(.{7})$/\1 \2/' -i wanted err
	diff -u wanted err
}

@test "during: a signal is the command's, too, and there is still a report" {
	start echo 127.0.0.1 0
	mkfifo up
	# a handler could run while Python closes the file, and its exit be lost
	as_by_a_person probe --during "$port" -- python3 -c '
import signal
signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
open("up", "w").write("up\n")
signal.sigwait({signal.SIGINT})
print("got")' >report 2>err &
	pids+=("$!")
	read -r _ <up
	kill -INT "$!"
	status=0
	finish "${pids[-1]}" || status=$?
	test "$status" -eq 130
	grep -qx got err
	grep -qE '^0 lost of [1-9]' report
	# at a terminal, which sends it to both
	shell during
	echo 'trap "echo GOT" INT; echo UP; read -r' >trap.sh
	enter during "rpnc probe --during $port -- bash trap.sh"
	sees during UP
	keys during C-c
	sees during GOT
	keys during Enter
	sees during 'lost of'
	prompts during '$'
	test "$(count during GOT)" -eq 1
	like during '0 lost of [0-9]+'
	enter during 'echo "st$?"'
	sees during st130
}

# has_ends PORT STATE N: N connections to that port have it, at the client's end.
has_ends() {
	test "$(ss -Htn state "$2" "dport = :$1" | wc -l)" -eq "$3"
}

@test "during: a signal before any client was accepted starts no command" {
	# one client fills the queue: the next SYN is dropped, and sent again
	mkfifo at go
	python3 - >"at" <"go" 3>&- <<-'END' &
		import socket
		import sys
		s = socket.create_server(("127.0.0.1", 0), backlog=0)
		filling = socket.create_connection(s.getsockname())
		print(s.getsockname()[1], flush=True)
		open("go").readline()
		unanswered = s.accept(), s.accept()
		open("go").readline()
	END
	pids+=("$!")
	exec {go}<>go
	read -r port <"at"
	rpnc probe --during --wait 20 --by none --echo "$port" -- touch ran \
		>report 2>err 3>&- &
	pids+=("$!")
	eventually has_ends "$port" syn-sent 1
	kill -STOP "${pids[-1]}"
	echo >&"$go"
	eventually has_ends "$port" established 2
	kill -TERM "${pids[-1]}"
	kill -CONT "${pids[-1]}"
	status=0
	finish "${pids[-1]}" || status=$?
	assert_equal "$status" 143
	test ! -e ran
	grep -qx 'the command was not started' report
}

@test "during: --, and what is no command" {
	local words
	start echo 127.0.0.1 0
	# a value that is "--", host and port in any order with options
	during --send -- "$port" --rate 100 -- sh -c 'exit 0' -- x
	test "$status" -eq 0
	is '.command == "sh -c exit 0 -- x"'
	for words in "--during 9" "--during 9 --" "--during -- true" \
		"--during --send -- 9" "--during -n 5 9 -- true" \
		"--during --what-if +1 9 -- true" "--during --group 9 -- true" \
		"--during --merge 9 -- true" "--slow 1 9" "--fail-lost 9" \
		"9 -- true"; do
		# shellcheck disable=SC2086 # words are words
		probe $words
		test "$status" -eq 2 || fail "'$words': $status"
		test "$(wc -l <err)" -eq 1
	done
	probe --fail-lost 9
	grep -qx 'rpnc probe: --fail-lost goes with --during' err
	probe --slow 1 9
	grep -qx 'rpnc probe: --slow goes with --during' err
	# as it was
	probe -n 1 -- 127.0.0.1 "$port"
	test "$status" -eq 0
}

@test "during: nginx with reuseport: reload and restart are counted" {
	nginx_on reuseport
	conf=("$nginx" -p "$PWD" -c nginx.conf)
	during "$port" --timeout 1 --send 'GET / HTTP/1.0\r\n\r\n' -- "${conf[@]}" -s reload
	jq -c '.during | [.lost, .losses]' report >&2
	is '.status == 0 and .lost == ([.losses[]] | add)'
	jq -e '.ok + .during.lost == .attempts' report
	during "$port" --timeout 1 --send 'GET / HTTP/1.0\r\n\r\n' -- bash -c '
		end "$0"; "$@" 2>/dev/null & echo "$!" >begun' "$pid" "${conf[@]}"
	adopt_begun
	jq -c '.during | [.lost, .losses]' report >&2
	is '.status == 0 and .lost == ([.losses[]] | add)'
}

@test "during: of a member that is killed it says how many were in its queue" {
	start echo -r 127.0.0.1 0
	start echo -r 127.0.0.1 "$port"
	kill -STOP "$pid"
	# shellcheck disable=SC2016 # the $1 is for the inner shell
	probe --during --json -d 100ms 127.0.0.1 "$port" -- bash -c '
		until test "$(ss -Hltn "sport = :$1" | sort -n -k 2 | awk "END { print \$2 }")" -ge 20; do :; done
		read -r -t 0.2 <>/dev/ptmx # some more looks at it
		kill -KILL "$2"' sh "$port" "$pid"
	is '[.changes[] | .kind] == ["left"] and .changes[0].waiting >= 20'
	is '.lost >= .changes[0].waiting'
	start echo -r 127.0.0.1 "$port"
	kill -STOP "$pid"
	# shellcheck disable=SC2016
	probe --during -d 100ms 127.0.0.1 "$port" -- bash -c '
		until test "$(ss -Hltn "sport = :$1" | sort -n -k 2 | awk "END { print \$2 }")" -ge 20; do :; done
		read -r -t 0.2 <>/dev/ptmx
		kill -KILL "$2"' sh "$port" "$pid"
	grep -qE ' - [BC] pid [0-9]+ rpnc left, [0-9]+ waited in its queue just before$' report
}

@test "during: a member with a weight is replaced meanwhile: changed" {
	start echo -r --name D --weight 30 127.0.0.1 0
	start echo -r --name B 127.0.0.1 "$port"
	probe --during --json --echo --rate 200 -d 200ms 127.0.0.1 "$port" -- bash -c \
		'begin "$0" -r --name D --weight 30 --replace D' "$port"
	adopt_begun
	test "$status" -eq 0
	test "$(get .fairness.verdict)" = changed
	run ! grep -F 'names are not known' report
}

# unskipped ARG...: during, again if the probe itself had no processor for 0.1 s:
# then the gap begins anew.
unskipped() {
	local i
	for ((i = 0; i < 20; i++)); do
		during "$@"
		test "$(get .during.skipped)" -ne 0 || return 0
	done
	fail "no processor for it in $i runs"
}

@test "during: the longest gap between good answers, and --max-gap" {
	start echo 127.0.0.1 0
	during "$port" --echo --max-gap 100ms -- bash -c 'kill -STOP "$0"; pause 0.3
		kill -CONT "$0"' "$pid"
	test "$status" -eq 7
	is '.lost == 0 and .longest_gap >= 0.3 and .longest_gap < 20'
	is '.hold == null and .longest_gap_at > 0.1 and
		.longest_gap_at <= .ended and
		.longest_gap_at + .longest_gap >= .started + 0.3'
	# it is allowed; or what is not answered as expected is no good answer
	during "$port" --max-gap 20 -- true
	test "$status" -eq 0
	is '.longest_gap > 0 and .longest_gap < 20'
	unskipped "$port" --max-gap 100ms --send x --expect y --timeout 50ms -- true
	is '.longest_gap > 0.2 and .longest_gap_at == 0'
	# from the last good answer to the end, if none comes again
	during "$port" -d 500ms --echo --max-gap 400ms -- bash -c 'end "$0"' "$pid"
	test "$status" -eq 7
	is '.longest_gap >= 0.4 and .longest_gap_at + .longest_gap > .ended + 0.4'
}

@test "during: a server that does not greet, and whose process is not visible, has no gap" {
	local d
	start echo -U server.sock
	probe --during --json --rate 100 -d 500ms -U server.sock -- true
	test "$status" -eq 0
	d=$(jq .seconds report)
	is ".lost == 0 and .longest_gap < $d / 2"
	# nor is one overlooked: who only connects is not served yet
	start echo 127.0.0.1 0
	probe --during --json --by none --max-gap 300ms --rate 100 -d 100ms 127.0.0.1 "$port" -- \
		bash -c 'kill -STOP "$0"; pause 0.5; kill -CONT "$0"' "$pid"
	test "$status" -eq 7
	is '.lost == 0 and .longest_gap > .4'
}

@test "during: a gap in which rpnc itself did not run is not the server's" {
	start echo 127.0.0.1 0
	during "$port" --echo --max-gap 0.9 -- bash -c 'kill -STOP "$PPID"
		pause 1; kill -CONT "$PPID"'
	test "$status" -eq 0
	is '.skipped > 0 and .longest_gap < 0.9'
	# and ends no gap that is
	during "$port" --echo --rate 100 -d 500ms -- bash -c 'end "$0"
		kill -STOP "$PPID"; pause 0.4; kill -CONT "$PPID"' "$pid"
	is '.lost > 0 and .longest_gap > 0.4'
}

# wait_and_tell: a server that writes to the file waits how long each client
# waited before it sent.
wait_and_tell='
import socket, threading, time
s = socket.create_server(("127.0.0.1", 0), backlog=1000)
def serve(c):
    since = time.monotonic()
    got = c.recv(1000)
    waits.write("%f\n" % (time.monotonic() - since))
    waits.flush()
    c.sendall(got)
    c.recv(1000)
    c.close()
waits = open("waits", "w")
open("port", "w").write(str(s.getsockname()[1]))
open("bound", "w").close()
while True:
    threading.Thread(target=serve, args=(s.accept()[0],)).start()
'

@test "during --hold: a client connects, waits, and then sends" {
	background python3 -c "$wait_and_tell"
	eventually test -e bound
	during "$(<port)" --rate 50 --echo --hold 150ms -- true
	test "$status" -eq 0
	is '.hold == 0.15 and .lost == 0 and .longest_gap < 20'
	jq -e '.ok == .attempts and .ok > 5 and .latency.echo.min < 100000' report
	# a busy server is late to notice the client
	awk '$1 > 0.1 { waited++ } END { exit !waited }' waits
	test "$(wc -l <waits)" -eq "$(get .ok)"
	probe --during -d 100ms --rate 50 --send hi --hold 100ms "$(<port)" -- true
	test "$status" -eq 0
	grep -qx 'each waited 100 ms before it sent' report
}

@test "during --hold: who waits is lost with the server; who sends at once is not" {
	reserve
	start echo --grace 0 127.0.0.1 "$port"
	restart='end "$0"; begin "$1" --grace 0'
	during "$port" --rate 200 --echo --hold 200ms -- bash -c "$restart" "$pid" "$port"
	adopt_begun
	jq -c '.during | [.lost, .losses]' report >&2
	is '.losses.reset + .losses.ended >= 20'
	during "$port" --rate 200 --echo -- bash -c "$restart" "${pids[-1]}" "$port"
	adopt_begun
	jq -c '.during | [.lost, .losses]' report >&2
	is '.losses.reset + .losses.ended < 20'
	# and so is who waits longer than the attempts last
	during "$port" --rate 50 --echo --hold 400ms -- bash -c "$restart" "${pids[-1]}" "$port"
	adopt_begun
	is '.losses.reset + .losses.ended >= 10'
}

@test "during: --hold and --max-gap need what they are about" {
	probe --during --hold 1 9 -- true
	test "$status" -eq 2
	grep -qx 'rpnc probe: --hold waits before it sends: say what, by --echo or --send' err
	probe --hold 1 --echo 9
	test "$status" -eq 2
	grep -qx 'rpnc probe: --hold goes with --during' err
	probe --max-gap 1 9
	test "$status" -eq 2
	grep -qx 'rpnc probe: --max-gap goes with --during' err
	probe -u --during --echo --hold 1 9 -- true
	test "$status" -eq 2
	grep -qx 'rpnc probe: --hold: a datagram is all that a server sees of its client' err
	probe --during --max-gap x 9 -- true
	test "$status" -eq 2
}

@test "during: at a terminal, the gap is told, too" {
	start echo 127.0.0.1 0
	shell w
	enter w "rpnc probe --during --echo --hold 50ms --max-gap 100ms -d 100ms $port -- bash -c 'kill -STOP $pid; read -r -t 0.3 <>/dev/ptmx; kill -CONT $pid'; echo status \$?"
	sees w 'status 7'
	like w 'longest gap between good answers [0-9.]+ m?s, from [0-9.]+ m?s on: over 100 ms'
	sees w 'each waited 50.0 ms before it sent'
}
