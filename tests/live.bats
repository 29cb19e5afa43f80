# The scoreboard at the top of a terminal, in real ones (tmux).
# shellcheck shell=bash disable=SC2154,SC2034,SC2030,SC2031,SC2016

bats_require_minimum_version 1.5.0
load helpers
load terminal

# visible NAME: what is on the screen now, a row a line.
visible() {
	local rows
	captured -t "$1"
	printf '%s\n' "${rows[@]}"
}

# rows NAME FROM TO
rows() {
	local rows
	captured -t "$1"
	printf '%s\n' "${rows[@]:$2 - 1:$3 - $2 + 1}"
}

tops() {
	local IFS=$'\n' rows
	captured -t "$1"
	[[ "${rows[*]:0:$2}" =~ $3 ]]
}

# top NAME LINES REGEX: the first lines of the screen come to match it.
top() {
	eventually tops "$@" || {
		printf 'no /%s/ in the first %d of %s:\n%s\n' "$3" "$2" "$1" \
			"$(visible "$1")"
		return 1
	}
}

# title NAME REGEX: in the first row.
title() {
	top "$1" 1 "$2"
}

# live NAME ARG...: listen --live in a pane; its port in port. When it ends, it
# doesn't wait for clients.
live() {
	pane "$1" rpnc listen -r --live --grace 0 "${@:2}"
	listening "$1"
}

# accepted_by NAME MEMBER: what the header of NAME says.
accepted_by() {
	visible "$1" | awk -v name="$2" 'NR < 3 { next } $1 == ">" { $1 = ""; $0 = $0 }
		$1 == name { for (i = 4; i <= NF; i++) if ($i ~ /^[0-9]+$/) {
			print $i; exit } }'
}

# undivided NAME: more lines than it has rows fill all of its screen.
undivided() {
	enter "$1" 'clear; seq 200 260'
	title "$1" '^238$'
}

# whole NAME ROW: from that row on there is what was told last, no line of it
# missing, and then the prompt.
whole() {
	rows "$1" "$2" 24 | awk '/^$/ { gap = 1 } !/^$/ && gap { exit 1 }
		/^#1< told/ { if (n && $3 != n + 1) exit 1; n = $3; k++ }
		{ last = $0 ~ /^$/ ? last : $0 }
		END { exit k < 5 || n != 40 || last !~ /#1> / }' || {
		visible "$1"
		return 1
	}
}

# echoes: a new connection to port is answered.
echoes() {
	client && printf 'x\n' >&"$c" && hears "$c" x
}

@test "live: the header's counts are the connections that were made" {
	local i a b
	live a 0
	title a "^A \*:$port tcp  1 member  0 accepted"
	prompts a 'A [0 open]>'
	live b "$port"
	title a "2 members  0 accepted"
	title b "^B \*:$port tcp  2 members  0 accepted"
	for i in {1..60}; do client; done
	eventually served
	title a '2 members  60 accepted'
	title b '2 members  60 accepted'
	top a 8 'fair hashing gives 30 ± [0-9]+ each \(99 %\), p [0-9.e-]+: '
	a=$(accepted_by a A)
	b=$(accepted_by a B)
	assert_equal "$((a + b))" 60
	test "$a" -gt 5 -a "$b" -gt 5
	assert_equal "$(accepted_by b A) $(accepted_by b B)" "$a $b"
	# the bar of the larger one is the longest
	top a 4 '█.*█'
	# one row each, and which is me
	top a 6 $'\n> A +[0-9]+ rpnc .*\n  B +[0-9]+ rpnc '
	top b 6 $'\n  A +[0-9]+ rpnc .*\n> B +[0-9]+ rpnc '
	top a 9 '──────────$'
	top a 3 " $a +[0-9.]+ % +$a +0/8192 +0 running"
	# what was before another one joined is judged no more
	pane n rpnc listen -r "$port"
	sees n 'C listening'
	title a '3 members  60 accepted'
	top a 2 'accepted since +share'
	kill -KILL "$(process n)"
	sees a '- C died'
	title a '2 members  60 accepted'
	top a 8 'nothing accepted since the group last changed'
}

@test "live: strangers are listed beside members, with what is known" {
	local nc
	live a 127.0.0.1 0
	title a "^A 127.0.0.1:$port tcp  1 member "
	background nc.openbsd -lk 127.0.0.1 "$port"
	nc=$pid
	title a '2 members'
	top a 8 "> A .*"$'\n'"  - +$nc nc.openbsd +- +- +0 +0/[0-9]+ +0 -"
	top a 8 "not all members are rpnc's: their counts are not known"
	kill "$nc"
	title a '1 member '
}

@test "live: a member that is stopped, paused, and goes on, is shown" {
	local b waiting
	live a 0
	# tmux would make its own children go on
	pane b sh -c "rpnc listen -r $port; :"
	like a 'B joined \(pid ([0-9]+)\)'
	[[ $(screen a) =~ B\ joined\ \(pid\ ([0-9]+)\) ]]
	b=${BASH_REMATCH[1]}
	kill -STOP "$b"
	# strips come between the rows once there is something to show
	top a 5 "B +$b .* 0/8192 +0 stopped"
	until waiting=$(queued "$b") && test "$waiting" -gt 2; do client; done
	top a 5 "B +$b .* $waiting/8192 +0 stopped"
	top a 8 "B \\(pid $b\\) is stopped: $waiting clients wait in its queue"
	kill -CONT "$b"
	top a 5 "B +$b .* $waiting +[0-9.]+ % +$waiting +0/8192 +0 running"
	enter b /pause
	top a 5 "B +$b .* paused"
	enter a /pause
	top a 5 "> A .* paused"$'\n'".*"$'\n'".* paused"
	enter b /resume
	enter a /resume
	top a 5 "> A .* running"$'\n'".*"$'\n'".* running"
	# who leaves is in no row
	enter a /leave
	sees a 'left: '
	title a '^A .*  1 member '
	top a 3 $'\n'"  B +$b "
	enter a /join
	title a '2 members'
}

@test "live: how it is steered is shown, and judged from then on" {
	local i
	live a 0
	live b "$port"
	title a '2 members  0 accepted'
	for i in {1..30}; do client; done
	title a '2 members  30 accepted'
	enter b '/steer weights A=9,B=1'
	title a '2 members by weights A=9,B=1  30 accepted'
	top a 2 ' since +share wanted '
	top a 8 $'> A +[0-9]+ .* 0 +- 90.0 %.*\n.*\n  B +[0-9]+ .* 0 +- 10.0 % .*\n.*\n.* now\nnothing acc'
	for i in {1..60}; do client; done
	title a ' 90 accepted'
	top a 8 'steering by weights gives what is wanted ± [0-9]+ \(99 %\), p [0-9.e-]+: (as weighted|un|too)'
	enter b '/steer cpu'
	title a '2 members by cpu  90 accepted'
	top a 8 'by this steering the clients decide the shares'
	enter b '/steer least'
	title a '2 members by least  90 accepted'
	top a 8 'the fewest open connections decide: [0-9]+ at most, 45 on average'
	enter b '/steer hash'
	title a '2 members  90 accepted'
	top a 8 'nothing accepted since the group last changed'
}

@test "live: text, a long line and history go on below the header" {
	local long='' n
	for n in {1..30}; do long+="word$n "; done
	live a 0
	client
	prompts a 'A [1 open, 100% of 1] #1>'
	keyed a "$long"
	sees a 'word30'
	for n in {1..40}; do
		ask "$c" "told $n"
		sees a "#1< told $n"
	done
	title a "^A \*:$port tcp  1 member  1 accepted"
	top a 9 '────'
	assert_equal "$(visible a | grep -c '> word1 ')" 1
	assert_equal "$(visible a | grep -c '#1< told 40')" 1
	keyed a 'end'
	keys a Enter
	hears "$c" "${long}end"
	keys a Up
	sees a 'word30 end'
	keys a C-u
	# a member more moves what is below, and one less, too
	pane b rpnc listen -r "$port"
	sees a '+ B joined'
	title a '2 members'
	top a 9 '────'
	keyed a 'half'
	prompts a 'A [1 open, 100% of 1] #1> half'
	whole a 10
	kill -KILL "$(process b)"
	title a '1 member '
	eventually now_like a '^A \[1 open(, 100% of 1)?\] #1> half$'
	refute tops a 7 ' B '
	whole a 10
	# ^L wipes what is below
	keys a C-l
	eventually fresh a 'half'
	keys a Enter
	hears "$c" half
}

# now_like NAME REGEX: its last line is.
now_like() {
	local line
	now "$1"
	[[ $line =~ $2 ]]
}

# fresh NAME TEXT: its screen has the header, and one line that ends in TEXT.
fresh() {
	[[ $(rows "$1" 10 24 | sed '/^$/d') == *"> $2" ]] &&
		test "$(rows "$1" 10 24 | sed '/^$/d' | wc -l)" -eq 1 &&
		tops "$1" 1 '^A '
}

@test "live: 40 columns of 10 rows, and a change of size in between" {
	local long='' n
	for n in {1..12}; do long+="word$n "; done
	live a 0
	pane b rpnc listen -r "$port"
	pane d rpnc listen -r "$port"
	sees a '+ B joined' '+ C joined'
	client_of a
	sees a '#1 127'
	keyed a "$long"
	sees a 'word12'
	resize a 40 10
	top a 5 "^A \*:$port tcp  3 members  [0-9]+ accepted"
	top a 5 '> A +[0-9]+ +[0-9.]+ % +0/8192 running'
	top a 5 '\.\.\. and 2 more'
	eventually narrow a 40
	sees a 'word12'
	ask "$c" 'while it is small'
	sees a '#1< while it is small'
	keyed a 'and on'
	sees a 'and on'
	top a 1 "^A "
	resize a 80 24
	top a 7 '> A .* running'$'\n''  B .* running'$'\n''  C .* running'
	ask "$c" 'while it is large'
	sees a '#1< while it is large'
	keyed a '.'
	keys a Enter
	hears "$c" "${long}and on."
	resize a 40 6
	top a 1 '^A .*3 members'
	# too small for any: none, and all else as ever
	resize a 40 5
	ask "$c" 'while it is tiny'
	sees a '#1< while it is tiny'
	eventually undrawn a
	resize a 80 24
	title a '3 members'
	enter a /quit
	eventually gone "$(process a)"
}

@test "live: at 40 columns of 10 rows a stopped member stands before what is fair" {
	local b
	live a 0
	start listen -r --name B "$port"
	b=$pid
	sees a '+ B joined'
	kill -STOP "$b"
	until test "$(queued "$b")" -ge 2; do client; done
	resize a 40 10
	top a 5 'B stopped: [0-9]+ waits?$'
	[[ $(rows a 1 5) != *fair:* ]]
	kill -CONT "$b"
	top a 5 'fair: [0-9]+ ± '
}

@test "live: what is fair has whole words at 40 columns, with weights too" {
	live a 0
	pane b rpnc listen -r "$port"
	sees a '+ B joined'
	enter a '/steer weights A=7,B=3'
	sees a 'steering: weights'
	resize a 40 10
	for _ in {1..100}; do client; done
	top a 5 'fair: what is wanted ± [0-9]+(, p [0-9.e-]+)?: (as weighted|unclear|uneven)$'
}

narrow() {
	[[ $(rows "$1" 3 3) == *running ]] &&
		test "$(rows "$1" 1 5 | wc -L)" -le "$2"
}

undrawn() {
	[[ $(visible "$1") != *' members  '* ]]
}

@test "live: the terminal is as it was after /quit, a signal, and in between" {
	shell a
	enter a 'rpnc listen -r --live 0'
	listening a
	title a '^A '
	enter a /quit
	prompts a '$'
	undivided a
	enter a 'clear; rpnc listen -r --live --name T 0'
	sees a 'T listening'
	title a '^T '
	keyed a 'half'
	pkill -TERM -P "$(process a)" -x rpnc
	sees a Terminated
	undivided a
	enter a 'clear; rpnc listen -r --live --name U 0'
	sees a 'U listening'
	title a '^U '
	keyed a 'half'
	prompts a 'U [0 open]> half'
	keys a C-z
	sees a Stopped
	undivided a
	enter a fg
	title a '^U '
	prompts a 'U [0 open]> half'
	keys a C-c
	prompts a 'U [0 open]>'
	keys a C-c
	prompts a '$'
	undivided a
	# echo, in the background for a while
	enter a 'clear; rpnc echo -w 2 --grace 0 --name V 0'
	title a '^V \*:'
	port=$(rows a 1 1 | sed 's/.*\*:\([0-9]*\) .*/\1/')
	echoes
	title a ' 1 accepted'
	keys a C-z
	sees a Stopped
	undivided a
	enter a 'clear; bg'
	echoes
	enter a 'seq 300 360'
	undivided a
	enter a fg
	title a '^V .* 2 accepted'
	keys a C-c
	sees a '2 connections in'
	undivided a
}

@test "live: echo's workers are stopped by ^Z, one that is replaced as well" {
	local pid
	shell a
	enter a 'rpnc echo -w 2 --name W 0'
	top a 16 'W/1 .* running'
	pid=$(visible a | awk '$1 == "W/1" { print $2 }')
	kill -KILL "$pid"
	sees a 'died by signal 9'
	top a 16 'W/1 +[0-9]+ rpnc '
	eventually replaced a W/1 "$pid"
	keys a C-z
	sees a Stopped
	pid=$(replaced a W/1 "$pid")
	eventually grep -q '^State:.T' "/proc/$pid/status"
	enter a fg
	top a 16 'W/1 .* running'
	keys a C-c
	sees a 'restarted 1 time'
}

# replaced NAME MEMBER PID: its row has another pid, which this prints.
replaced() {
	visible "$1" | awk -v name="$2" -v old="$3" '$1 == name && $2 != old {
		print $2; found = 1 } END { exit !found }'
}

@test "live: echo shows it on a terminal, if that can be drawn on" {
	pane a rpnc echo -w 2 0
	title a '^A \*:[0-9]+ tcp  2 members  0 accepted'
	port=$(rows a 1 1 | sed 's/.*\*:\([0-9]*\) .*/\1/')
	top a 8 $'  A/0 .*running\n(.*\n)?  A/1 .*running'
	for _ in {1..20}; do echoes; done
	title a ' 20 accepted'
	like a '[0-9.]+/s'
	# the color of the title
	[[ $(tm capture-pane -pe -t a | head -n 1) == *$'\033[1m'* ]]
	pane b env NO_COLOR=1 rpnc echo -w 2 0
	title b '^A \*:'
	[[ $(tm capture-pane -pe -t b | head -n 6) != *$'\033'* ]]
	pane d env TERM=dumb rpnc echo -r "$port"
	sees d "listening on [::]:$port"
	title a '3 members'
	unseen d 'accepted'
	pane q rpnc echo -q -r "$port"
	title a '4 members'
	unseen q 'accepted'
	# one queue for all
	pane s rpnc echo -w 2 --accept shared 0
	title s '2 members'
	top s 8 'A/1 +[0-9]+ rpnc +0 +- +0 +- +- running'
	# its stdout is elsewhere
	pane o sh -c "rpnc echo -r $port >report"
	sees o 'listening on'
	unseen o accepted
	pane p sh -c "rpnc echo -r --live --name P $port >report"
	title p '^P '
	title a '6 members'
}

@test "live: --live where nothing can be drawn is a usage error" {
	run -2 rpnc echo --live 0
	assert_output "rpnc echo: --live is shown on a terminal, and stderr is none"
	run -2 rpnc listen --live 0
	assert_output --partial "--live is shown above a prompt"
	run -2 rpnc listen --prompt=always --live 0
	assert_output --partial "--live is shown on a terminal, and stdout is none"
	shell a
	enter a 'rpnc listen --live --prompt=never 0; echo status $?'
	sees a 'above a prompt' 'status 2'
	enter a 'TERM=dumb rpnc listen --live 0; echo dumb $?'
	sees a '--live: this terminal (TERM)' 'dumb 2'
	run -2 rpnc connect --live 1
	run -0 rpnc echo --help
	assert_output --partial '--live'
}

@test "live: a terminal that is not read (^S) holds up nothing" {
	local a e i
	live a 0
	pane e rpnc echo -r --grace 0 "$port"
	title a '2 members'
	title e '2 members'
	held a
	held e
	for i in {1..30}; do client; done
	eventually served
	pane n rpnc listen -r "$port"
	sees n 'C listening'
	keys e C-q
	title e '3 members  30 accepted'
	keys a C-q
	title a '3 members  30 accepted'
	a=$(process a)
	e=$(process e)
	keys a C-s
	keys e C-s
	kill -TERM "$a" "$e"
	eventually gone "$a"
	eventually gone "$e"
}

@test "live: echo -w does not take its own workers for members that are not rpnc's, from the first screen on" {
	cat >screens.py <<-'END'
		import fcntl, os, pty, select, signal, struct, termios, time
		for turn in range(5):
		    pid, fd = pty.fork()
		    if not pid:
		        fcntl.ioctl(0, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 100, 0, 0))
		        os.environ["TERM"] = "xterm"
		        os.execlp("rpnc", "rpnc", "echo", "-w", "4", "127.0.0.1", "0")
		    shown, end = b"", time.monotonic() + 20
		    while not all(b"A/%d" % i in shown for i in range(4)):
		        assert time.monotonic() < end, shown
		        if select.select([fd], [], [], 1)[0]:
		            shown += os.read(fd, 65536)
		    os.kill(pid, signal.SIGTERM)
		    try:
		        while more := os.read(fd, 65536):
		            shown += more
		    except OSError:
		        pass                # its end
		    os.waitpid(pid, 0)
		    assert b"listening on" in shown, shown
		    for wrong in b"members are judged", b"not all members":
		        assert wrong not in shown, shown
	END
	timeout 100 python3 screens.py
}

@test "live: a member that is killed while clients wait is said to lose them" {
	live a 127.0.0.1 0
	start echo -r "127.0.0.1:$port"
	sees a '+ B joined'
	kill -STOP "$pid"
	for _ in {1..40}; do
		client
	done
	like a ' B .* [1-9][0-9]*/[0-9]+ .*stopped'
	kill -KILL "$pid"
	like a '- B died \(pid [0-9]+\) after 0 connections \(lost: [1-9][0-9]* in its queue\): '
}

@test "live: what waits in a stopped member's queue is told apart from what it accepted" {
	live a -4 0
	start echo -r --name S -4 "$port"
	sees a '+ S joined'
	halt "$pid"
	background python3 "$BATS_TEST_DIRNAME/waiters.py" 30 "$port" >waiters
	eventually grep -q connected waiters
	local waits
	waits=$(ss -Hltn "sport = :$port" | awk '$2 { print $2 }')
	like a "  S +[0-9]+ .* 0 +0\\+$waits .* $waits/[0-9]+ .*stopped"
	enter a /group
	sees a " accepted, $waits queued"
	kill -CONT "${pids[0]}"
}
