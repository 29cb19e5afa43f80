# The prompt of listen and connect, in real terminals (tmux).
# shellcheck shell=bash disable=SC2154,SC2034,SC2030,SC2031,SC2016

bats_require_minimum_version 1.5.0
load helpers
load terminal

@test "prompt: members tell who joins and leaves, connect who answered" {
	local a b d answerer
	pane a rpnc listen -r 0
	sees a 'A listening on 0.0.0.0:' '(tcp, reuseport, 1 of 1)'
	listening a
	prompts a 'A [0 open]>'
	pane b rpnc listen -r --grace 0.1 "$port"
	sees b "B listening on 0.0.0.0:$port (tcp, reuseport, 2 of 2)"
	b=$(process b)
	sees a "+ B joined (pid $b): 2 members, 1/2 of new connections each"
	pane c rpnc listen -r "$port"
	sees c "C listening on [::]:$port (tcp, reuseport, 3 of 3)"
	c=$(process c)
	for answerer in a b; do
		sees "$answerer" \
			"+ C joined (pid $c): 3 members, 1/3 of new connections each"
	done

	pane k rpnc connect 127.0.0.1 "$port"
	sees k "connected to 127.0.0.1:$port"
	like k 'accepted by ([ABC]), rpnc, pid ([0-9]+)'
	[[ $(screen k) =~ accepted\ by\ (.),\ rpnc,\ pid\ ([0-9]+) ]]
	answerer=${BASH_REMATCH[1],}
	assert_equal "${BASH_REMATCH[2]}" "$(process "$answerer")"
	sees "$answerer" "${answerer^} has 1 of 1 (100%)"
	prompts "$answerer" "${answerer^} [1 open, 100% of 1] #1>"
	enter k 'hello there'
	sees "$answerer" '#1< hello there'
	enter "$answerer" 'hello back'
	sees k 'hello back'

	kill -KILL "$c"
	for d in a b; do
		sees "$d" "- C died (pid $c)" ': 2 members, 1/2 of new'
	done
	kill -TERM "$b"
	sees a "- B left (pid $b)" ': 1 member, all new connections'
	eventually gone "$b"
	! shows a 'died (pid '"$b" || false
}

@test "prompt: shares are told with each client and in the prompt" {
	local a b
	pane a rpnc listen -r 0
	listening a
	client
	sees a 'A has 1 of 1 (100%)'
	pane b rpnc listen -r "$port"
	sees b 'B listening'
	prompts b 'B [0 open, 0% of 1]>'
	client_of b
	b=$(count b ' connected')
	a=$(count a ' connected')
	assert_equal "$((a + b))" "${#clients[@]}"
	sees b "B has $b of $((a + b)) ("
	prompts b "B [$b open, $((100 * b / (a + b)))% of $((a + b))] #1>" ||
		prompts b "B [$b open, $((100 * b / (a + b) + 1))% of $((a + b))] #1>"
	# its share falls though nothing happens there
	client_of a
	like b "B \[[0-9]+ open, [0-9]+% of ${#clients[@]}\] #1>"
}

@test "prompt: the half-typed line survives text, clients and members" {
	local first
	pane a rpnc listen -r 0
	listening a
	client
	first=$c
	prompts a 'A [1 open, 100% of 1] #1>'
	keyed a 'half ty'
	prompts a 'A [1 open, 100% of 1] #1> half ty'
	ask "$first" 'some text'
	sees a '#1< some text'
	prompts a 'A [1 open, 100% of 1] #1> half ty'
	client
	prompts a 'A [2 open, 100% of 2] #1> half ty'
	pane b rpnc listen -r "$port"
	sees a '+ B joined'
	prompts a 'A [2 open, 100% of 2] #1> half ty'
	kill -KILL "$(process b)"
	sees a '- B died'
	keyed a ped
	prompts a 'A [2 open, 100% of 2] #1> half typed'
	# with the cursor in the middle of it
	keys a Home
	ask "$first" 'more text'
	sees a '#1< more text'
	keyed a 'was '
	prompts a 'A [2 open, 100% of 2] #1> was half typed'
	keys a Enter
	hears "$first" 'was half typed'
	# each of these is there once
	assert_equal "$(count a '#1< some text')" 1
	assert_equal "$(count a '+ B joined')" 1
}

@test "prompt: history by arrow keys, kept for the next start, for me alone" {
	(
		umask 0
		pane a rpnc listen -k 0
	)
	listening a
	enter a 'the first line'
	enter a '/who'
	enter a '/who'
	sees a 'nobody is connected'
	keys a Up
	prompts a '[0 open]> /who'
	keys a Up
	prompts a '[0 open]> the first line'
	keys a Down Down
	enter a /quit
	eventually gone "$(process a)"
	assert_equal "$(stat -c '%a %F' state/rpnc/history)" '600 regular file'
	assert_equal "$(stat -c %a state/rpnc)" 700
	assert_equal "$(stat -c %a state)" 700
	assert_equal "$(cat state/rpnc/history)" "$(printf '%s\n' \
		'the first line' /who /quit)"
	pane b rpnc listen -k 0
	listening b
	keys b Up Up Up
	prompts b '[0 open]> the first line'
	# and for connect
	pane k rpnc connect "$port"
	sees k 'connected'
	keys k Up Up Up
	prompts k '> the first line'
}

@test "prompt: Tab completes commands and connections' numbers, no files" {
	pane a rpnc listen -k 0
	listening a
	keyed a '/fo'
	keys a Tab
	prompts a '[0 open]> /focus'
	client
	sees a '#1 127'
	client
	sees a '#2 127'
	keys a Tab # two of them: nothing to choose
	keyed a 2
	keys a Tab Enter
	prompts a '[2 open] #2>'
	keyed a '/to a'
	keys a Tab
	keyed a 'to everyone'
	prompts a '[2 open] #2> /to all to everyone'
	keys a Enter
	hears "$c" 'to everyone'
	keyed a '/hex o'
	keys a Tab Tab
	sees a 'off  on'
	keys a C-u
	keyed a '/xy'
	keys a Tab
	keyed a ' /et'
	keys a Tab
	keyed a 'end'
	prompts a '[2 open] #2> /xy /etend'
	keys a C-u
	keyed a 'words /et'
	keys a Tab
	keyed a 'end'
	prompts a '[2 open] #2> words /etend'
	pane k rpnc connect "$port"
	sees k 'connected'
	keyed k '/fo'
	keys k Tab
	keyed k x
	prompts k '> /fox'
	keys k C-u
	keyed k '/st'
	keys k Tab Enter
	sees k '1 open: 0 B in, 0 B out'
	# only what makes sense there
	enter k /help
	sees k 'without N the one that you type to' '/hex on|off' 'TEXT' 'goes to the server; //x sends /x'
	unseen k '/focus'
	enter k /pause
	sees k '/pause: no such command'
}

# unbroken NAME WORD...: these words of ours are whole, in rows of the terminal.
unbroken() {
	local rows word
	captured -S - -t "$1"
	for word in "${@:2}"; do
		[[ " ${rows[*]} " == *" $word "* ]] || fail "'$word' is broken: ${rows[*]}"
	done
}

@test "prompt: in a narrow terminal our lines are broken between words, data is not" {
	local columns help
	pane a rpnc listen -k 0
	listening a
	client
	sees a '#1 127'
	enter a /help
	sees a '/steer MODE [WEIGHTS] which' '/quit                 end' 'goes to the connection in focus; '
	help=$(screen a | sed '1,/^.*> .help/d; $d')
	for columns in 40 20; do
		resize a "$columns" 24
		enter a clear
		keys a C-l
		tm clear-history -t a
		enter a /help
		enter a '/nonsense'
		eventually unbroken a //nonsense
		enter a /group
		sees a 'in all: '
		# shellcheck disable=SC2086 # words are words
		unbroken a $help such command: "them;"
		enter a '/focus 77'
		eventually unbroken a "'77':" lists
		ask "$c" 'a  b   c    d     e      f       g        h         i          j'
		sees a 'a  b   c    d     e      f       g        h         i          j'
	done
}

@test "prompt: /group without -r: no name, counts from the start, and away once it has closed" {
	pane k rpnc listen -k 127.0.0.1 0
	listening k
	for _ in 1 2 3; do client; done
	sees k '#3 127'
	enter k /group
	like k $'\n> - +[0-9]+ rpnc .* 3 100.0 % +3 +0/[0-9]+ +0 running'
	client
	client
	sees k '#5 127'
	enter k /group
	like k $'\n> - +[0-9]+ rpnc .* 5 100.0 % +5 +0/[0-9]+ +0 running'
	unseen k since
	pane p rpnc listen 127.0.0.1 0
	listening p
	client
	sees p '#1 127'
	enter p /group
	like p $'\n> - +[0-9]+ rpnc .* 1 100.0 % +1 +- +- away'
}

@test "prompt: what a peer sends can't drive the terminal" {
	local title bad
	printf -v bad 'x\033]2;evil\a\033kevil\033\\\033[2J\033[31m\302\2332J\233'
	bad+=$'\u202e\u2066rtl\001\177\bz'
	pane a rpnc listen -k 0
	listening a
	title=$(tm display-message -p -t a '#{pane_title} #{window_name}')
	pane k rpnc connect 127.0.0.1 "$port"
	sees a '#1 127'
	client
	sees a '#2 127'
	ask "$c" "$bad"
	sees a '#2< x\e]2;evil\x07\ekevil\e\\e[2J\e[31m\xc2\x9b2J\x9b'
	sees a '\xe2\x80\xae\xe2\x81\xa6rtl\x01\x7f\x08z'
	enter a "/to 1 plain"
	sees k plain
	printf '%s' "$bad" >&"$c" # no line's end: shown soon all the same
	eventually twice a '#2< x\e]2;evil'
	assert_equal "$(tm display-message -p -t a '#{pane_title} #{window_name}')" \
		"$title"
	# nothing was wiped, nothing is red
	sees a 'listening on'
	run -0 tm capture-pane -pe -t a
	refute_output --partial $'\033[31mx'
	refute_output --partial evil$'\a'
}

@test "prompt: a server's bytes can't drive connect's terminal either" {
	local bad title
	printf -v bad 'x\033]2;evil\a\033[2J\302\2332J\233'
	mkfifo say
	exec {c}<>say
	start_with say listen 127.0.0.1 0
	pane k rpnc connect 127.0.0.1 "$port"
	sees k 'accepted by rpnc, pid' # not a member: no name
	title=$(tm display-message -p -t k '#{pane_title}')
	printf '%s\n' "$bad" >&"$c"
	sees k 'x\e]2;evil\x07\e[2J\xc2\x9b2J\x9b' 'connected to'
	assert_equal "$(tm display-message -p -t k '#{pane_title}')" "$title"
}

@test "prompt: /group shows a process that is stopped, and its queue growing" {
	local b held waiting
	pane a rpnc listen -r 0
	listening a
	# tmux would make its own children go on
	pane b sh -c "rpnc listen -r $port; :"
	like a 'B joined \(pid ([0-9]+)\)'
	[[ $(screen a) =~ B\ joined\ \(pid\ ([0-9]+)\) ]]
	b=${BASH_REMATCH[1]}
	kill -STOP "$b"
	enter a /group
	like a "B +$b rpnc +0 +- +0 +0/8192 +0 stopped"
	for held in {1..10}; do client; done
	until waiting=$(queued "$b") && test "$waiting" -gt 1; do client; done
	enter a /group
	# the share is of what the kernel gave, as the verdict is
	like a "B +$b rpnc[^0-9]+0 +0\+$waiting +[1-9][0-9.]* % +0 +$waiting/8192 +0 stopped"
	like a "> A +[0-9]+ rpnc[^0-9]+[0-9]+ +[0-9]+ +[0-9.]+ % +[0-9]+ +0/8192 +0 running"
	sees a "B (pid $b) is stopped: $waiting clients wait in its queue"
	kill -CONT "$b"
	sees b '#2 127.0.0.1:'
	enter a /clear # no such command, to tell the two apart
	enter a /group
	like a "/clear.*B +$b rpnc[^0-9]+[0-9]+ +[0-9.]+ % +[0-9]+ +0/8192 +0 running"
}

@test "prompt: ^Z warns the others at once, fg goes on, the terminal is sane" {
	local b
	pane a rpnc listen -r 0
	listening a
	shell b
	enter b "stty -a >before; rpnc listen -r $port"
	sees b 'B listening'
	keyed b 'half'
	prompts b 'B [0 open]> half'
	keys b C-z
	like a '! B stopped \(pid [0-9]+\): connections that the kernel gives it wait'
	sees b 'Stopped'
	enter b 'stty -a >stopped; cmp before stopped && echo as it "was"'
	sees b 'as it was'
	enter b 'fg'
	like a '! B goes on \(pid [0-9]+\)'
	prompts b 'B [0 open]> half'
	keys b C-u
	enter b /who
	sees b 'nobody is connected'
	# paused before, paused after
	enter b /pause
	like a '! B paused'
	keys b C-z
	eventually twice a '! B stopped'
	sees b 'Stopped'
	enter b fg
	eventually twice a '! B paused'
	prompts b 'B [0 open paused]>'
	enter b /resume
	eventually twice a '! B goes on'
	enter b /quit
	sees a '- B left'
	enter b 'stty -a >after; cmp before after && echo still "sane"'
	sees b 'still sane'
}

@test "prompt: after ^Z and bg it serves in the background, and fg shows the typed line again" {
	shell b
	enter b 'rpnc listen 0'
	listening b
	client
	sees b '#1> '
	keyed b 'half a li'
	keys b C-z
	sees b Stopped
	enter b bg
	sees b 'rpnc listen 0 &'
	ask "$c" 'from the peer'
	sees b '#1< from the peer'
	enter b 'jobs; stty -a | grep -o " icanon"'
	sees b Running
	sees b $'\n icanon'
	enter b fg
	sees b $'fg\nrpnc listen 0\n[1 open] #1> half a li'
	enter b ne
	hears "$c" 'half a line'
}

@test "prompt: a background job leaves the terminal to the shell, and reads it after fg" {
	shell b
	enter b 'rpnc listen 0 &'
	listening b
	client
	ask "$c" 'from the peer'
	sees b 'from the peer'
	enter b 'echo it is "ours"'
	sees b 'it is ours'
	enter b 'jobs'
	sees b 'Running'
	enter b fg
	sees b $'fg\nrpnc listen 0'
	enter b 'typed after fg'
	hears "$c" 'typed after fg'
	keys b C-z
	sees b Stopped
	enter b bg
	sees b 'rpnc listen 0 &'
	enter b 'echo again "ours"'
	sees b 'again ours'
	ask "$c" 'while in the background'
	sees b 'while in the background'
	# what is typed for the shell is awaited by nobody
	keyed b 'echo un"typed"'
	sees b 'echo un"typed"'
	hang_up "$c"
	keys b C-u
	enter b 'wait %1; echo status "$?"'
	sees b 'status 0'
}

@test "prompt: a long line survives 80x24, 40x10, and a change in between" {
	local long=
	for n in {1..30}; do long+="word$n "; done
	pane a rpnc listen -k 0
	listening a
	client
	sees a '#1 127'
	keyed a "$long"
	sees a 'word30'
	resize a 40 10
	ask "$c" 'while it is small'
	sees a '#1< while it is small'
	keyed a 'and on'
	sees a 'and on'
	resize a 80 24
	ask "$c" 'while it is large'
	sees a '#1< while it is large'
	keyed a '.'
	keys a Enter
	hears "$c" "${long}and on."
	prompts a '[1 open] #1>'
	resize a 40 10
	ask "$c" "$long$long$long"
	sees a "#1< $long$long${long% }"
	enter a '/stats'
	sees a '1 open: 6'
	prompts a '[1 open] #1>'
}

@test "prompt: what is told survives a change of size" {
	local n small
	pane a rpnc listen -k 0
	listening a
	client
	sees a '#1 127'
	for n in {1..6}; do ask "$c" "told $n"; done
	sees a '#1< told 6'
	# more than a row, and less than one of 80: rows of 40 are counted right
	resize a 40 20
	small='a line that is longer than a row of forty columns'
	keyed a "$small"
	prompts a "[1 open] #1> $small"
	for n in {7..9}; do
		ask "$c" "told $n"
		sees a "#1< told $n"
	done
	prompts a "[1 open] #1> $small"
	assert_equal "$(count a 'a line that is longer')" 1
	# wider: the rows that it had would reach into what was told
	keyed a "$small$small$small"
	sees a "$small$small$small$small"
	resize a 80 24
	ask "$c" "told 10"
	sees a '#1< told 10'
	keyed a '.'
	keys a Enter
	hears "$c" "$small$small$small$small."
	screen a
	for n in {1..10}; do
		assert_equal "told $n: $(count a "#1< told $n")" \
			"told $n: $((n == 1 ? 2 : 1))"
	done
	sees a '#1 127' 'listening on [::]'
	# and a short one is shown once
	keyed a short
	resize a 60 24
	ask "$c" "told 11"
	sees a '#1< told 11'
	prompts a '[1 open] #1> short'
	assert_equal "$(count a '> short')" 1
}

@test "prompt: a paste of many lines is sent whole, bracketed or not" {
	local n
	pane a rpnc listen -k 0
	listening a
	client
	sees a '#1 127'
	seq -f 'pasted line %g' 60 >pasted
	tm load-buffer -b p pasted
	tm paste-buffer -b p -t a
	for n in {1..60}; do hears "$c" "pasted line $n"; done
	tm paste-buffer -p -b p -t a
	for n in {1..60}; do hears "$c" "pasted line $n"; done
	# a terminal that brackets unasked, and forgets the end
	keys a Escape
	keyed a '[200~left open'
	client
	sees a '#2 127'
	keys a C-u
	enter a 'goes on'
	hears "${clients[0]}" 'goes on'
}

@test "prompt: Ctrl-C clears what is typed, and quits when nothing is" {
	shell a
	enter a 'rpnc listen -r --grace 0.1 0; echo status $?'
	listening a
	client
	prompts a 'A [1 open, 100% of 1] #1>'
	keyed a 'never sent'
	prompts a 'A [1 open, 100% of 1] #1> never sent'
	keys a C-c
	prompts a 'A [1 open, 100% of 1] #1>'
	enter a 'sent'
	hears "$c" sent
	unseen a left
	test -n "$(ss -Hltn "sport = :$port")"
	keys a C-c
	sees a 'status 0'
	at_end "$c"
}

@test "prompt: lines may end in CRLF, -C sends it, and a second Ctrl-D ends connect" {
	background python3 -c '
import socket
s = socket.create_server(("127.0.0.1", 0))
open("address", "w").write("%d\n" % s.getsockname()[1])
c = s.accept()[0]
c.sendall(b"220 ready\r\n250 ok\r\n")
said = b""
while more := c.recv(99): said += more
open("said", "w").write(repr(said) + "\n")
open("never").read()'
	mkfifo address said never
	read -r port <address
	shell k
	enter k "rpnc connect -C $port; echo status \$?"
	sees k '220 ready' '250 ok'
	unseen k '\r'
	enter k 'EHLO me'
	keys k C-d
	assert_equal "$(<said)" "b'EHLO me\\r\\n'"
	keys k C-d
	sees k 'status 0'
}

@test "prompt: the beginning of one client's line is not joined to another's; /close is for who has the focus" {
	local first second a
	# tmux would make its own children go on
	pane a sh -c 'rpnc listen -k 0; :'
	listening a
	a=$(pgrep -P "$(process a)")
	client
	first=$c
	client
	second=$c
	sees a '#1 127' '#2 127'
	halt "$a"
	printf one >&"$first"
	printf 'two\n' >&"$second"
	kill -CONT "$a"
	sees a '#1< one' '#2< two'
	unseen a onetwo
	# it types to the first
	enter a /close
	sees a '#1 closed after'
	unseen a '#2 closed'
}

@test "prompt: Ctrl-D ends listen; connect then half-closes and still reads" {
	local k
	shell a
	enter a 'rpnc listen 0; echo status $?'
	listening a
	client
	sees a '#1 127'
	keys a C-d
	sees a '#1 closed' 'status 0'
	at_end "$c"

	mkfifo up down
	cat >server.py <<-'END'
		import socket
		s = socket.create_server(("127.0.0.1", 0))
		open("up", "w").write("%d\n" % s.getsockname()[1])
		c = s.accept()[0]
		f = c.makefile("rw")
		said = f.read()			# to the end
		open("up", "w").write(said)
		open("down").read()		# until we may go on
		f.write("the reply to " + said)
		f.close()
		c.close()
	END
	background python3 server.py
	port=$(<up)
	shell k
	enter k "rpnc connect 127.0.0.1 $port; echo status \$?"
	sees k 'accepted by python3, pid'
	enter k 'a question'
	keys k C-d
	assert_equal "$(<up)" 'a question'
	enter k 'too late'
	sees k 'nothing more can be sent'
	: >down
	sees k 'the reply to a question' 'status 0'
}

@test "prompt: /help /who /stats /hex /focus /to /close and //x" {
	local one two
	pane a rpnc listen -k 0
	listening a
	client
	one=$c
	sees a '#1 127'
	client
	two=$c
	sees a '#2 127'
	enter a /help
	sees a '/focus N  ' '/quit  ' 'TEXT  ' '//x sends /x'
	enter a /nonsense
	sees a '/nonsense: no such command: /help lists them; //nonsense sends it'
	ask "$one" question
	enter a /who
	like a '> #1 +127.0.0.1:[0-9]+ +[0-9.]+ m?s +9 B in +0 B out'
	enter a 'to the first'
	hears "$one" 'to the first'
	enter a '/to 2 to the second'
	hears "$two" 'to the second'
	enter a '/to #2 again'
	hears "$two" again
	enter a '/to all of you'
	hears "$one" 'of you'
	hears "$two" 'of you'
	enter a '//etc is a path'
	hears "$one" '/etc is a path'
	enter a '/focus 7'
	sees a "no connection '7': /who lists them"
	enter a /focus
	sees a '/focus wants a number: /who lists them'
	prompts a '[2 open] #1>'
	enter a '/focus 2'
	prompts a '[2 open] #2>'
	enter a 'to the one in focus'
	hears "$two" 'to the one in focus'
	enter a '/hex maybe'
	sees a '/hex wants on or off'
	enter a '/hex on'
	sees a '#2> /hex on'
	prompts a '[2 open] #2>'
	ask "$one" hexed
	sees a '#1< 00000009  68 65 78 65 64 0a' '|hexed.|'
	enter a '/hex off '
	enter a '/focus 8'
	sees a "no connection '8'"
	ask "$one" plain
	sees a '#1< plain'
	enter a /stats
	sees a '2 open: 21 B in, 82 B out; 2 accepted here'
	enter a /close
	at_end "$two"
	sees a '#2 closed after' '(by us)'
	prompts a '[1 open]>'
	enter a 'nobody hears'
	sees a 'no connection has the focus: /focus N, /to N|all TEXT, /who'
	client
	prompts a '[2 open] #3>' # a new client takes the focus that is free
	enter a '/close 1'
	at_end "$one"
	enter a '/close all'
	at_end "$c"
	prompts a '[0 open]>'
	enter a /who
	sees a 'nobody is connected'
	enter a /close
	sees a 'no connection has the focus: /close N|all'
	enter a /quit
	eventually gone "$(process a)"
}

@test "prompt: /pause is told, its queue grows, and /resume serves it" {
	local b waiting
	pane a rpnc listen -r 0
	listening a
	pane b rpnc listen -r "$port"
	sees a '+ B joined'
	b=$(process b)
	enter b /resume
	sees b 'not paused'
	enter b /pause
	sees a "! B paused (pid $b): connections that the kernel gives it wait"
	sees b 'paused: new connections wait in our queue; /resume'
	prompts b 'B [0 open paused]>'
	enter b /pause
	sees b 'not accepting already'
	until waiting=$(queued "$b") && test "$waiting" -gt 1; do client; done
	enter a /group
	like a "B +$b rpnc[^0-9]+0 +0\+$waiting +[1-9][0-9.]* % +0 +$waiting/8192 +0 paused"
	sees a "B (pid $b) is paused: $waiting clients wait in its queue"
	unseen b ' connected'
	enter b /resume
	sees a "! B goes on (pid $b)"
	sees b "#$waiting 127.0.0.1:"
	assert_equal "$(count b ' connected')" "$waiting"
	like b "B \[$waiting open, [0-9]+% of ${#clients[@]}\] #1>"
}

@test "prompt: /leave closes the sockets, sessions go on, /join comes back" {
	local b
	pane a rpnc listen -r 0
	listening a
	pane b rpnc listen -r "$port"
	sees a '+ B joined'
	b=$(process b)
	client_of b
	enter b /pause # and forgets: /join accepts again
	enter b /leave
	sees b 'left: '
	sees a "- B left (pid $b) after "
	unseen a 'died'
	run -0 ss -Hltnp "sport = :$port"
	assert_output --partial 'pid='
	refute_output --partial "pid=$b,"
	enter b 'still talking'
	hears "$c" 'still talking'
	ask "$c" 'so am I'
	sees b 'so am I'
	enter b /leave
	sees b 'not listening: /join'
	like b 'B \[[0-9]+ open.* away\] #1>'
	enter b /join
	sees a "+ B joined (pid $b): 2 members, 1/2 of new connections each" ||
		return 1
	eventually twice a "+ B joined (pid $b): 2 members"
	eventually twice b "B listening on 0.0.0.0:$port (tcp, reuseport, 2 of 2)"
	enter b /join
	sees b 'listening already'
	c=$(count b ' connected')
	client_of b
	# the last to leave leaves nothing
	enter b /leave
	enter a /leave
	eventually twice b 'left: '
	sees a 'left: '
	test -z "$(ss -Hltn "sport = :$port")"
}

@test "prompt: -u: /leave serves what is queued and ends the sessions, /join comes back" {
	local b
	port=$(python3 -c 'import socket
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
s.bind(("", 0))
print(s.getsockname()[1])')
	pane b rpnc listen -u -r "$port"
	sees b "listening on 0.0.0.0:$port (udp, reuseport, 1 of 1)"
	b=$(process b)
	exec {c}<>"/dev/udp/127.0.0.1/$port"
	echo first >&"$c"
	sees b '#1< first'
	enter b /pause
	sees b 'paused: '
	printf 'one\n' >&"$c"
	printf 'two\n' >&"$c"
	enter b /group
	# bytes wait, and no clients
	like b "> A +$b rpnc[^0-9]+1 +100.0 % +1 +[1-9][0-9]+ +0 paused"
	enter b /leave
	sees b '#1< two' '#1 closed after ' '(by us)' 'left: served 2 that waited, nothing lost'
	like b '\[0 open.* away\]>'
	test -z "$(ss -Hlunp "sport = :$port")"
	enter b /leave
	sees b 'not listening: /join'
	enter b /join
	eventually twice b "listening on 0.0.0.0:$port (udp, reuseport, 1 of 1)"
	exec {c}<>"/dev/udp/127.0.0.1/$port"
	echo second >&"$c"
	sees b '#2< second'
	enter b hello
	assert_equal "$(timeout 20 head -n 1 <&"$c")" hello # a datagram in one read
	enter b /drain
	eventually gone "$b"
	eventually twice b 'left: '
}

@test "prompt: 200 clients that come and go are folded, and it stays alive" {
	local told
	pane a rpnc listen -r 0
	listening a
	keyed a '/sta'
	prompts a 'A [0 open]> /sta'
	python3 - "$port" <<-'END'
		import socket, sys
		for i in range(200):
		    s = socket.create_connection(("127.0.0.1", int(sys.argv[1])))
		    s.close()
	END
	prompts a 'A [0 open, 100% of 200]> /sta'
	keyed a 'ts'
	keys a Enter
	sees a '0 open: 0 B in, 0 B out; 200 accepted here, 200 by all members'
	eventually all_told a 400
	test "$(count a ' more events: see /who and /group')" -ge 1
	test "$(count a ' connected')" -lt 150
	# later news are told one by one again
	client
	sees a '#201 127.0.0.1:'
}

@test "prompt: what is asked for is told in a flood of clients, too" {
	pane a rpnc listen -r 0
	listening a
	cat >flood.py <<-'END'
		import socket, sys
		while True:	# until it is refused
		    socket.create_connection(("127.0.0.1", int(sys.argv[1]))).close()
	END
	background python3 flood.py "$port" 2>/dev/null
	sees a ' more events: '
	enter a /leave
	sees a 'left: '
	eventually gone "$pid"
	enter a /join
	eventually twice a "A listening on 0.0.0.0:$port"
}

# all_told NAME N: N clients' events are shown there, or counted.
all_told() {
	test "$(screen "$1" | awk '/ connected| closed / { n++ }
		/^\.\.\. and [0-9]+ more/ { n += $3 } END { print n }')" -eq "$2"
}

@test "prompt: a flood of text is shown, and it stays alive" {
	pane a rpnc listen -k 0
	listening a
	client
	sees a '#1 127'
	keyed a 'half'
	{
		seq -f 'line %g of a flood' 20000
		echo 'and the end'
	} >&"$c"
	sees a '#1< line 20000 of a flood' '#1< and the end'
	prompts a '[1 open] #1> half'
	keys a Enter
	hears "$c" half
}

@test "prompt: the terminal is as it was after /quit, a signal, an end, a fault" {
	local pid
	shell a
	enter a 'stty -a >before; check() { stty -a | cmp - before && echo "$1" \
sane; }'
	enter a 'rpnc listen -r 0; check quit'
	listening a
	enter a /quit
	sees a 'quit sane'

	enter a 'rpnc listen --name T -r 0; check "term $?"'
	sees a 'T [0 open]>'
	keyed a 'half typed'
	pkill -TERM -P "$(process a)" -x rpnc
	sees a 'term 143 sane'
	unseen a 'quit sane sane'

	mkfifo say
	exec {c}<>say
	start_with say listen 127.0.0.1 0
	enter a "rpnc connect 127.0.0.1 $port; check \"end \$?\""
	sees a 'accepted by'
	kill -TERM "$pid"
	sees a 'end 0 sane'

	cat >server.py <<-'END'
		import socket, struct
		s = socket.create_server(("127.0.0.1", 0))
		open("up", "w").write("%d\n" % s.getsockname()[1])
		c = s.accept()[0]
		c.recv(1)
		c.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER,
		    struct.pack("ii", 1, 0))
		c.close()
	END
	mkfifo up
	background python3 server.py
	read -r port <up
	enter a "rpnc connect 127.0.0.1 $port; check \"fault \$?\""
	sees a 'accepted by python3'
	enter a 'kick'
	sees a 'rpnc connect: 127.0.0.1' 'Connection reset by peer' 'fault 1 sane'
	keyed a 'echo'
	prompts a '$ echo'
}

@test "prompt: in the background listen serves, and never stops for the terminal" {
	local pid
	shell a
	enter a 'rpnc listen -r --grace 0.1 0 & echo started'
	listening a
	pid=$(pgrep -P "$(process a)" -x rpnc)
	client
	enter a 'echo one "two"'
	sees a 'one two'
	ask "$c" 'from the peer'
	sees a 'from the peer'
	unseen a '#1<'
	refute grep -q '^State:.[Tt]' "/proc/$pid/status"
	enter a 'kill %1; wait; echo "it" ended'
	sees a 'it ended'
}

@test "prompt: continued in the background, it leaves the keys to the shell" {
	local pid
	shell a
	enter a "bash -c 'exec rpnc listen -k 0'"
	listening a
	pid=$(pgrep -P "$(process a)" -x rpnc)
	client
	sees a '#1 127'
	kill -STOP "$pid"
	sees a 'Stopped'
	enter a 'stty sane; kill -CONT %1; echo "is" going'
	sees a 'is going'
	for word in one two three four; do
		enter a "echo seen '$word'"
		sees a "seen $word"
	done
	ask "$c" 'from the peer'
	sees a '#1< from the peer'
	refute grep -q '^State:.[Tt]' "/proc/$pid/status"
	enter a 'fg'
	enter a '/who'
	like a '> #1 +127.0.0.1'
}

@test "prompt: --prompt=never is raw on a terminal, always talks by a pipe" {
	local k
	pane a rpnc listen --prompt=never -k 0
	listening a
	client
	ask "$c" raw
	sees a raw
	unseen a '#1'
	enter a 'raw too'
	hears "$c" 'raw too'

	printf '/who\nto the server\n' >typed
	enter a "next" # the server's answer
	timeout 30 rpnc connect --prompt=always 127.0.0.1 "$port" <typed >shown 2>&1 ||
		cat shown
	sees a 'to the server'
	grep -q '> #1 .*127.0.0.1' shown
	# the end of a pipe is the end
	: | timeout 30 rpnc listen --prompt=always -k 0 >/dev/null
	run -2 rpnc connect --prompt=maybe "$port"
	assert_output --partial 'auto|always|never'
}

@test "connect: output to a terminal of another user goes there, not to the own one" {
	test "$(id -u)" -eq 0 || skip "only root can be another user"
	local as=(setpriv --reuid=65534 --regid=65534 --clear-groups)
	"${as[@]}" test -x "$RPNC" || skip "$RPNC can't be run by others"
	start_with <(echo hello) listen 127.0.0.1 0
	shell own
	pane other tail -f /dev/null
	# it may not open that terminal by its name
	enter own "${as[*]} $RPNC connect -n 127.0.0.1 $port >$(tm display-message -p -t other '#{pane_tty}')"
	sees other hello
	eventually at_prompt own '$'
	unseen own hello
}

@test "prompt: ends when its terminal goes away, SIGHUP ignored or not" {
	local a b
	pane a rpnc listen -r 0
	listening a
	a=$(process a)
	pane b sh -c "trap '' HUP; exec rpnc listen -r $port"
	sees b 'B listening'
	b=$(process b)
	pane k sh -c "trap '' HUP; exec rpnc connect $port"
	sees k 'accepted by'
	k=$(process k)
	tm kill-pane -t b
	eventually gone "$b"
	sees a '- B left'
	tm kill-pane -t k
	eventually gone "$k"
	tm kill-pane -t a
	eventually gone "$a"
	test -z "$(ls run/rpnc-*/)"
}

@test "prompt: a terminal that is not read (^S) holds up no end" {
	local a b k i
	pane a rpnc listen -r --grace 0.1 0
	listening a
	pane b rpnc listen -r --grace 0.1 "$port"
	sees b 'B listening'
	for k in k1 k2 k3; do
		pane "$k" rpnc connect 127.0.0.1 "$port"
		sees "$k" 'accepted by'
	done
	for k in a b k1 k2 k3; do
		held "$k"
	done
	for i in {1..20}; do client; done
	eventually served
	kill -TERM "$(process a)" "$(process k1)"
	kill -HUP "$(process b)" "$(process k2)"
	kill -INT "$(process k3)"
	kill -INT "$(process k3)"
	for k in a b k1 k2 k3; do
		eventually gone "$(process "$k")"
	done
}

# resident PID: kB.
resident() {
	awk '/^VmRSS/ { print $2 }' "/proc/$1/status"
}

# behind: a connection to port has a lot that its server has not read.
behind() {
	ss -Htn state established "sport = :$port" |
		awk '$1 > 10000 { found = 1 } END { exit !found }'
}

@test "prompt: a terminal that is not read (^S) holds back peers, then tells" {
	local k
	pane a rpnc listen -k 0
	listening a
	client
	sees a '#1 127'
	keys a C-s
	ask "$c" 'what was missed'
	python3 - "$port" <<-'END'
		import socket, sys
		for i in range(300):
		    s = socket.create_connection(("127.0.0.1", int(sys.argv[1])))
		    s.close()
	END
	eventually served
	unseen a 'missed'
	keys a C-q
	sees a '#1< what was missed' ' more events: '
	eventually all_told a 601
	prompts a '[1 open] #1>'

	pane k rpnc connect 127.0.0.1 "$port"
	sees k 'accepted by'
	held k
	held a
	seq -f 'line %.0f of a flood' 3000000 >flood
	background cat flood >&"$c"
	eventually behind
	test "$(resident "$(process a)")" -lt 40000
	kill -0 "$pid" # it waits
	unseen a 'flood'
	keys a C-q
	sees a 'of a flood'
	kill -TERM "$pid"
}

@test "prompt: /quit says what it waits for, and Ctrl-C ends the wait" {
	pane a rpnc listen -r --grace 1h 0
	listening a
	client
	sees a '#1 127'
	enter a /quit
	sees a '1 session open: up to' 'for it to end; Ctrl-C ends now'
	keys a C-c
	eventually gone "$(process a)"
}

@test "prompt: listen -u shows every sender, also without -k" {
	pane a rpnc listen -u 127.0.0.1 0
	listening a
	printf one >"/dev/udp/127.0.0.1/$port"
	printf two >"/dev/udp/127.0.0.1/$port"
	sees a '#1< one' '#2< two'
}

@test "connect --wait: at a terminal a closed port is tried for that time, and it says so" {
	shell a
	enter a 'rpnc connect --wait 0.5 127.213.13.4 9'
	like a 'Connection refused: tried ([2-9]|[1-9][0-9]+) times within 0\.5 s\. Is the server started, and is this its address\?'
	prompts a '$'
}
