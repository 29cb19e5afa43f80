# A group in several terminals: leaving it under load, steering, replacing.
# shellcheck shell=bash disable=SC2154

bats_require_minimum_version 1.5.0
load helpers
load terminal

# three: members A, B and C, each in a pane of its name.
three() {
	local name
	pane a rpnc listen -r 0
	listening a
	for name in b c; do
		pane "$name" rpnc listen -r "$port"
		sees "$name" "${name^} listening on [::]:$port (tcp, reuseport"
	done
	sees a '+ C joined'
}

# loaded: clients in a closed loop, until the file "enough" is there; what they
# found is in "load".
loaded() {
	cat >load.py <<-'END'
		import os, select, socket, sys, threading
		done, lost = [], []
		def run():
		    while not os.path.exists("enough") or len(done) <= 50:
		        try:
		            with socket.create_connection(("127.0.0.1",
		                    int(sys.argv[1])), 20) as s:
		                s.sendall(b"hello\n")
		                s.shutdown(socket.SHUT_WR)
		                while s.recv(100):
		                    pass
		            done.append(1)
		            # ports in TIME_WAIT are missed elsewhere
		            select.select([], [], [], 0.01)
		        except OSError as e:
		            lost.append(str(e))
		all = [threading.Thread(target=run) for _ in range(4)]
		[t.start() for t in all]
		[t.join() for t in all]
		print(len(done) > 50, lost)
	END
	python3 load.py "$port" >load 3>&- &
	pids+=($!)
	load=$!
}

# told NAME N TEXT: N lines there have it by now.
told() {
	test "$(count "$1" "$3")" -eq "$2"
}

# all_served NAME...: each of our clients is connected to one of them.
all_served() {
	local name sum=0
	for name; do
		sum=$((sum + $(count "$name" ' connected')))
	done
	test "$sum" -eq "${#clients[@]}"
}

ended() {
	test "$(tm display-message -p -t "$1" '#{pane_dead}')" = 1
}

# last NAME: its last line, but for what tmux says of a pane that is dead.
last() {
	screen "$1" | grep -v '^Pane is dead' | sed '/^$/d' | tail -n 1
}

@test "leave: Ctrl-C under load: its last line says that nothing is lost" {
	local load
	three
	loaded
	sees b ' has ' '#1 closed'
	keys b C-c
	eventually ended b
	run last b
	assert_output --regexp \
		'^B had [0-9]+ connections: [0-9]+.* in, 0 B out; 0 lost$'
	like b 'left: .*, nothing lost'
	sees a '- B left (pid ' ': 2 members, 1/2 of new connections each'
	enter c /quit
	eventually ended c
	like c ', nothing lost'
	touch enough
	finish "$load"
	assert_equal "$(cat load)" 'True []'
	enter a /quit
	eventually ended a
	like a ', nothing lost'
}

@test "steer: /steer is told in every terminal, and shown by /group" {
	three
	enter b '/steer sometimes'
	sees b 'want hash, random, cpu, weights A=70,B=30'
	enter b '/steer weights A=0,B=0'
	sees a '~ B (pid ' 'set the steering: weights A=0,B=0'
	sees c 'set the steering: weights A=0,B=0'
	# from a moment on all is C's
	until_c() {
		local before
		before=$(count c ' connected')
		for _ in {1..5}; do client; done
		eventually all_served a b c
		test "$(count c ' connected')" -ge $((before + 5))
	}
	eventually until_c
	enter a /group
	sees a 'weights A=0,B=0'
	like a '> A .* 0.0 %'
	# what it took to find out who is where has dropped nothing of anybody's
	like a '> A +[0-9]+ rpnc.* 0/8192 +0 running'
	enter c '/steer hash'
	sees a 'set the steering: hash'
	enter a /drain
	sees a 'left: '
}

@test "steer: at prompts, members see what share each has by weights" {
	pane a rpnc listen -r --weight 70 0
	listening a
	pane b rpnc listen -r --weight 30 "$port"
	sees a '+ B joined (pid '"$(process b)"'): 2 members by weights: A 70 %, B 30 %'
	# who has come before that is in its count, and does not join
	sees b 'B listening'
	pane c rpnc listen -r "$port"
	sees c 'C has the default weight, 100: 50 % of new connections'
	sees b '3 members by weights: A 35 %, B 15 %, C 50 % (default'
	enter b '/steer weights A=6,B=3,C=1'
	sees a 'set the steering: weights A=6,B=3,C=1: A 60 %, B 30 %, C 10 %'
}

@test "drain: sessions have more than the grace, until Ctrl-C" {
	pane a rpnc listen -r --grace 0 0
	listening a
	client
	sees a '#1 '
	enter a /drain
	sees a 'left: '
	ask "$c" 'still here'
	sees a '#1< still here'
	hang_up "$c"
	eventually ended a
	pane b rpnc listen -r --grace 90 0
	listening b
	client
	sees b '#1 '
	enter b /drain
	sees b 'left: '
	keys b C-c
	sees b '1 session open: up to 1 min 30 s for it to end; Ctrl-C ends now'
	ask "$c" 'still here'
	sees b '#1< still here'
	keys b C-c
	eventually ended b
}

two_wait() {
	test "$(queued)" -eq 2
}

@test "leave: at a prompt the last line counts the clients that were lost" {
	pane a rpnc listen -r --leave close 0
	listening a
	enter a /pause
	sees a 'paused: '
	client
	client
	eventually two_wait
	enter a /quit
	eventually ended a
	sees a 'A had 0 connections: 0 B in, 0 B out; 2 lost'
}

@test "drain: who has left for good does not come back by /pause, /join or /steer" {
	local command n=0
	pane a rpnc listen -r 0
	listening a
	client
	sees a '#1 '
	pane b rpnc listen -r "$port"
	sees b 'B listening'
	enter a /drain
	sees a 'left: '
	sees b '- A left'
	for command in /pause /resume /leave /join '/steer random'; do
		enter a "$command"
		n=$((n + 1))
		eventually told_for_good "$n"
	done
	enter b '/steer source-port'
	sees b ') set the steering: source-port'
	enter b /group
	sees b 'in all: '
	unseen b '+ A joined'
	unseen b '~ A'
	hang_up "$c"
	eventually ended a
}

told_for_good() {
	test "$(count a 'leaves the group for good')" -eq "$1"
}

@test "replace: who is replaced at its prompt says by whom, and ends" {
	three
	pane d rpnc listen -r --replace A "$port"
	sees d 'D listening'
	eventually ended a
	like a 'A leaves: replaced by pid [0-9]+'
	like a ', nothing lost'
	sees b '- A left'
}

# replaces COMMAND...: in one shell old serves, in another one a second that
# replaces it: old says so, ends in order, and the new one has the clients.
replaces() {
	local name=$((++pairs))
	shell "old$name"
	enter "old$name" "rpnc $* -r --name old 0; echo ended with \$?"
	listening "old$name"
	shell "new$name"
	enter "new$name" "rpnc $* -r --replace old $port"
	sees "new$name" 'A listening on [::]'
	like "new$name" '- old[/0-9]* left \(pid '
	sees "old$name" 'ended with 0'
	like "old$name" 'old leaves: replaced by pid [0-9]+'
	client
	eventually is_of "new$name"
	keys "new$name" C-c
	prompts "new$name" '$'
}

# is_of NAME: the last client is connected to a descendant of the shell there.
is_of() {
	local p shell
	p=$(ss -Htnp "sport = :$port" | sed -n 's/.*,pid=\([0-9]*\),.*/\1/p')
	shell=$(process "$1")
	while test "${p:-0}" -gt 1; do
		test "$p" != "$shell" || return 0
		p=$(awk '/^PPid:/ { print $2 }' "/proc/$p/status" || true)
	done
	return 1
}

@test "replace: echo at a terminal replaces one at another, however both show it" {
	pairs=0
	replaces echo
	replaces echo --live
	replaces echo -w 2
}

@test "replace: listen at a terminal replaces one at another, however both show it" {
	pairs=0
	replaces listen
	replaces listen --live
	replaces listen --prompt=never
}

@test "replace: at terminals the new one takes the old one's name, and all show both" {
	pane old rpnc listen -r --name D 0
	listening old
	pane other rpnc listen -r "$port"
	sees other 'A listening on [::]'
	sees old '+ A joined'
	local was new
	was=$(process old)
	pane new rpnc echo --live -r --name D --replace D "$port"
	new=$(process new)
	sees other "+ D joined (pid $new) in place of D.old (pid $was): 3 members"
	like old "D.old leaves: replaced by pid $new, which is D now"
	eventually ended old
	sees other "- D.old left (pid $was)"
	enter other /group
	like other "D +$new rpnc"
	like new "D +$new rpnc"
}

@test "steer: who goes on while it is full is not full for ever" {
	pane a rpnc listen -r -m 1 0
	listening a
	pane b rpnc listen -r "$port"
	sees b 'B listening on [::]'
	until shows a ' connected'; do
		client
		eventually all_served a b
	done
	sees b '! A full'
	enter a /pause
	sees b '! A paused'
	enter a /resume
	eventually told b 2 '! A full'
	enter a '/close all'
	sees b '! A goes on'
	like a '\[0 open, [0-9]+% of [0-9]+\]>$'
	enter a /pause
	eventually told b 2 '! A paused'
}

# shares NAME: no share that its prompt has shown is more than all.
shares() {
	screen "$1" | grep -oE '[0-9]+% of' | awk '$1 + 0 > 100 { print; exit 1 }'
}

@test "prompt: a share is of the group that one is in: away and ending there is none" {
	pane a rpnc listen -r 0
	listening a
	for _ in {1..12}; do client; done
	prompts a 'A [12 open, 100% of 12] #1>'
	pane b rpnc listen -r "$port"
	sees b 'B listening on [::]'
	client_of b
	like a 'A \[[0-9]+ open, [0-9]+% of [0-9]+\] #1>$'
	enter a /leave
	like a 'A \[[0-9]+ open away\] #1>$'
	client
	sees b ' connected'
	enter a /join
	like a 'A \[[0-9]+ open, [0-9]+% of [0-9]+\] #1>$'
	enter a /quit
	like a 'A \[[0-9]+ open\] #1>$'
	shares a
	shares b
	keys a C-c
	eventually ended a
}

@test "leave: what is said after Ctrl-C has lines of its own, not that of ^C" {
	local command
	for command in 'echo' 'echo -r' 'listen -k --prompt never'; do
		# shellcheck disable=SC2086 # words are words
		pane p rpnc $command 127.0.0.1 0
		sees p 'listening on'
		keys p C-c
		eventually gone "$(process p)"
		# where keys are read, the terminal does not show ^C
		case $command in
		echo*) like p $'(^|\n)0 connections in ' ;;
		*) like p $'(^|\n)\\^C(\n|$)' ;;
		esac
		refute matches p $'\\^C[^\n]'
		tm kill-window -t p
	done
}
