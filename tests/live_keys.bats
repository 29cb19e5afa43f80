# Live screens: what they draw at each size, and the keys that they answer.
# shellcheck shell=bash disable=SC2154,SC2034,SC2030,SC2031,SC2016,SC1003

bats_require_minimum_version 1.5.0
load helpers
load terminal

# at SIZE [LOCALE]: panes from here on.
at() {
	locale=${2:-C.UTF-8}
	test -n "$terminals" || server_of_terminals
	tm set-option default-size "$1" # new-session has set the session's
}

# runs NAME ARG...: rpnc in a pane; when it ends its status is shown.
runs() {
	# shellcheck disable=SC2016
	pane "$1" env LC_ALL="$locale" sh -c \
		'trap : INT; rpnc "$@"; echo "status $?"; read -r _' sh "${@:2}"
}

# echo_pane NAME ARG...: rpnc echo in a pane; its port in port.
echo_pane() {
	runs "$1" echo "${@:2}"
	like "$1" $'[.:*]([0-9]+) tcp '
	text_of "$1"
	[[ $text =~ [.:*]:?([0-9]+)\ tcp ]]
	port=${BASH_REMATCH[1]}
}

# on_screen NAME REGEX: what is to be seen now comes to match it.
on_screen() {
	eventually screen_matches "$@" || {
		printf 'no /%s/ on the screen of %s:\n%s\n' "$2" "$1" "${rows[*]}"
		return 1
	}
}

screen_matches() {
	local IFS=$'\n'
	captured -t "$1"
	[[ ${rows[*]} =~ $2 ]]
}

not_on_screen() {
	eventually screen_lacks "$@"
}

screen_lacks() {
	! screen_matches "$@"
}

clients() {
	rpnc probe -q -n "$1" "$port"
}

@test "live: each member has a strip of its rate, which is crosses while it is stopped" {
	at 80x24
	echo_pane a -r --name A 127.0.0.1 0
	start echo -r --name B 127.0.0.1 "$port"
	local b=$pid
	on_screen a '2 members'
	background rpnc probe -q --rate 100 -d 60 --echo --timeout 300ms "$port"
	on_screen a $'\n> A [^\n]*\n([^\n]*\n){6} +[▁▂▃▄▅▆▇█]+\n  B '
	on_screen a $'\n  B [^\n]*\n([^\n]*\n){6} +[▁▂▃▄▅▆▇█]+\n'
	on_screen a 'full height: [0-9.]+ connections/s +now'
	kill -STOP "$b"
	on_screen a $'\n  B [^\n]*\n([^\n]*\n){6} +[▁▂▃▄▅▆▇█ ]+×+\n'
	kill -CONT "$b"
	on_screen a $'×+[▁▂▃▄▅▆▇█ ]+\n'
	kill "$pid"
}

# keys_row NAME: prints which row of the screen has the keys.
keys_row() {
	local i
	captured -t "$1"
	for i in "${!rows[@]}"; do
		[[ ${rows[i]} != *'q quit'* ]] || echo "$i"
	done
}

@test "live: few members have strips as high as the screen; one that comes moves nothing below" {
	local row
	at 120x40
	echo_pane a -r --name A 127.0.0.1 0
	start echo -r --name B 127.0.0.1 "$port"
	background rpnc probe -q --rate 100 -d 60 "$port"
	runs w probe --watch=500ms --rate 100 "$port"
	on_screen a $'\n> A [^\n]*\n([^\n]*\n){15}  B [^\n]*\n([^\n]*\n){15}  [^\n]* full height: '
	on_screen w $'\n  A [^\n]*\n([^\n]*\n){7,14}  B [^\n]*\n([^\n]*\n){7,15}  [^\n]* full height: '
	row=$(keys_row a)
	test "$row" -ge 34 # of 40
	start echo -r --name C 127.0.0.1 "$port"
	on_screen a $'\n> A [^\n]*\n([^\n]*\n){9}  B [^\n]*\n([^\n]*\n){9}  C '
	assert_equal "$(keys_row a)" "$row"
	keys a q
	keys w q
	sees a 'status 130'
	sees w 'status 130'
	kill "$pid"
}

@test "live: p stops the screen and not the count, ? is help, s sorts, q quits" {
	at 80x24
	echo_pane a -r --name A 127.0.0.1 0
	on_screen a '─ q quit  \? help  p pause  s sort: name  ↑↓ scroll ─'
	keys a p
	on_screen a 'PAUSED  q quit  \? help  p go on'
	clients 30
	start echo -r --name B 127.0.0.1 "$port" # a line below, at once
	sees a '+ B joined'
	screen_matches a '1 member +0 accepted'
	keys a p
	on_screen a '2 members  30 accepted'
	keys a '?'
	on_screen a $'^q +quit, like \\^C\np .*\narrows .*\n\\? .*\ns .*\n─+ any key goes back ─'
	# none of these quits: q where any key goes back, and Alt-q
	keys a q
	on_screen a '2 members  30 accepted'
	keys a M-q
	local order
	for order in count queue rate name; do
		keys a s
		on_screen a "s sort: $order"
	done
	keys a q
	sees a 'left: nobody was waiting, nothing lost' '30 connections in'
	# the keys are not on what remains
	screen_lacks a 'q quit'
	screen_matches a $'\n─+\n'
	sees a 'status 130'
}

@test "live: s sorts the members: the largest count or queue is first" {
	at 100x30
	echo_pane a -r --name A 127.0.0.1 0
	start echo -r --name B --steer weights --weight 1000 127.0.0.1 "$port"
	local b=$pid
	on_screen a '2 members by weights'
	clients 200
	on_screen a $'> A [^\n]*\n([^\n]*\n)+  B '
	keys a s
	on_screen a $'sort: count'
	on_screen a $'\n  B [^\n]*\n([^\n]*\n)+> A '
	keys a s s s
	on_screen a $'> A [^\n]*\n([^\n]*\n)+  B '
	background rpnc probe -q --rate 100 -d 60 "$port"
	keys a s s s
	on_screen a 'sort: rate'
	on_screen a $'\n  B [^\n]*\n([^\n]*\n)+> A '
	keys a s
	kill "$pid"
	kill -STOP "$b"
	rpnc probe -q -n 100 --timeout 300ms "$port" || true
	keys a s s
	on_screen a 'sort: queue'
	on_screen a $'\n  B [^\n]*\n([^\n]*\n)+> A '
	kill -CONT "$b"
}

@test "live: arrows and pages show the members that there is no room for" {
	at 80x24
	echo_pane a -w 40 127.0.0.1 0
	on_screen a ' 40 members ' # they come one by one
	on_screen a 'A/14? .*\.\.\. and ([0-9]+) more: ↑↓'
	[[ ${rows[*]} =~ and\ ([0-9]+)\ more ]]
	local hidden=${BASH_REMATCH[1]}
	screen_lacks a 'A/39'
	keys a Down
	on_screen a "\.\.\. 1 above, $((hidden - 1)) below"
	screen_lacks a 'A/0 '
	keys a Up
	on_screen a "and $hidden more"
	keys a End
	on_screen a 'A/39 '
	screen_matches a "\.\.\. $hidden above, 0 below"
	keys a Home
	on_screen a '  A/0 '
	keys a NPage
	on_screen a "\.\.\. $((40 - hidden)) above"
	keys a PPage j k k G g
	on_screen a "and $hidden more"
}

@test "live: PgDn at the prompt shows the members that there is no room for" {
	local i
	at 60x14
	runs a listen -r --live --grace 0 127.0.0.1 0
	listening a
	start echo -w 12 -r 127.0.0.1 "$port"
	on_screen a '\.\.\. and [0-9]+ more: PgUp, PgDn'
	screen_matches a '\n?> A '
	keyed a 'half a line'
	keys a NPage
	on_screen a '\.\.\. [0-9]+ above'
	keys a NPage NPage NPage
	on_screen a 'B/11 .*above, 0 below'
	keys a PPage PPage PPage PPage
	on_screen a '> A .*and [0-9]+ more'
	on_screen a '> half a line$'
}

@test "live: --watch has strips and a histogram where there is room, and q ends it" {
	at 100x36
	start echo -r --name A 127.0.0.1 0
	start echo -r --name B 127.0.0.1 "$port"
	runs w probe --watch=500ms --echo --rate 600 "$port"
	on_screen w $'\n  A [^\n]*\n([^\n]*\n){0,2} +[▁▂▃▄▅▆▇█]+\n'
	on_screen w $'\nconnect +[▁▂▃▄▅▆▇█ ]+\naccept +[▁▂▃▄▅▆▇█ ]+\necho +[▁▂▃▄▅▆▇█ ]+\ntime +┴[0-9]'
	on_screen w '─ q quit  \? help  p pause  s sort: name  ↑↓ scroll ─'
	keys w p
	on_screen w 'PAUSED'
	local before
	before=${rows[0]}
	start echo -r --name C 127.0.0.1 "$port"
	sees w '+ C, pid' # below, at once
	captured -t w
	assert_equal "${rows[0]}" "$before"
	keys w p
	on_screen w '3 members'
	keys w q
	sees w 'failed 0'
	screen_lacks w 'q quit'
	sees w 'status 130'
}

@test "live: --group --watch is scrolled by lines, and q ends it" {
	at 80x12
	start echo -w 12 -r 127.0.0.1 0
	runs g probe --group --watch "$port"
	on_screen g '\.\.\. and [0-9]+ more lines'
	screen_lacks g 'A/11'
	keys g End
	on_screen g 'A/11.*\.\.\. [0-9]+ lines above, 0 below'
	keys g Home
	on_screen g 'and [0-9]+ more lines'
	keys g '?'
	on_screen g '^q +quit'
	keys g x q
	sees g 'status 130'
}

# typed NAME: the shell there gets all that is typed, and what it starts has
# the modes of the terminal as they were.
typed() {
	enter "$1" "clear; stty -a | tr ' ' '\\n' | grep -cx -e icanon -e echo"
	on_screen "$1" $'(^|\n)2\n'
}

# left_as_it_was NAME KEY...: a terminal is, after these keys; dash would not
# mend it, as bash does.
left_as_it_was() {
	pane "$1" dash -c "trap : INT TERM
		rpnc echo -r --name $1 127.0.0.1 0
		echo modes: \$(stty -a | tr ' ' '\n' | grep -cx -e icanon -e echo)
		read -r _"
	on_screen "$1" 'q quit'
	[[ ${rows[*]} =~ :([0-9]+)\ tcp ]]
	port=${BASH_REMATCH[1]}
	client
	on_screen "$1" '1 accepted'
	keys "$1" "$2"
	sees "$1" 'left: '
	test $# -eq 2 || keys "$1" "$3"
	sees "$1" 'modes: 2'
}

@test "live: the terminal's modes are given back at the end, at ^Z, and to another job" {
	at 80x24
	shell s
	enter s 'rpnc echo -r --name S 127.0.0.1 0'
	on_screen s 'q quit'
	keys s q
	prompts s '$'
	typed s
	enter s 'clear; rpnc echo -r --name T 127.0.0.1 0'
	on_screen s '^T .*q quit'
	keys s C-z
	sees s Stopped
	typed s
	enter s 'clear; bg'
	typed s
	enter s 'clear; fg'
	on_screen s 'T .*q quit'
	# stopped without a word: nothing is given back, nothing taken afterwards
	kill -STOP "$(pgrep -P "$(process s)" -x rpnc)"
	sees s Stopped
	enter s 'clear; bg'
	typed s
	enter s 'clear; jobs'
	on_screen s 'Running'
	enter s 'clear; fg'
	on_screen s 'T .*q quit'
	# bash has given the terminal its own modes
	keys s '?'
	on_screen s 'q +quit, like'
	keys s q
	on_screen s '^T '
	keys s q
	prompts s '$'
	typed s
}

@test "live: the terminal's modes are given back without the help of a shell" {
	at 80x24
	# its grace ends while a client stays
	left_as_it_was q q q
	left_as_it_was c C-c C-c
	left_as_it_was m q C-c
	# no help, and no key, is on what remains
	echo_pane h -r --name H 127.0.0.1 0
	keys h '?'
	on_screen h 'any key'
	keys h C-c
	sees h 'status 130'
	on_screen h '^H 127'
	screen_lacks h 'any key'
}

@test "live: ^\\ ends it at once, with the terminal as it was" {
	at 80x24
	pane a dash -c 'trap : QUIT
		rpnc echo -r --name A 127.0.0.1 0
		echo modes: $(stty -a | tr " " "\n" | grep -cx -e icanon -e echo)
		read -r _'
	on_screen a 'q quit'
	keys a 'C-\'
	sees a 'modes: 2'
	unseen a 'left: '
}

@test "live: fast keys are all counted, and draw no more than they need" {
	at 80x24
	echo_pane a -w 30 127.0.0.1 0
	on_screen a '\.\.\. and 1[0-9] more'
	local i all=()
	for i in {1..30}; do all+=(Down Up); done
	keys a "${all[@]}" Down Down Down
	on_screen a '\.\.\. 3 above'
	# half a sequence at a time
	tm send-keys -t a -H 1b
	tm send-keys -t a -H 5b
	tm send-keys -t a -H 42
	on_screen a '\.\.\. [34] above' # alone, ESC is a key
}

@test "live: PgUp at a prompt without a table is as the user's inputrc has it" {
	at 80x24
	printf '"\\e[5~": "from inputrc"\n' >inputrc
	pane l env INPUTRC="$PWD/inputrc" rpnc listen 127.0.0.1 0
	listening l
	prompts l '[0 open]>'
	keys l PPage
	prompts l '[0 open]> from inputrc'
}

@test "live: a job in the background takes no keys from the shell" {
	at 80x24
	shell s
	enter s 'rpnc echo -r --live --name S 127.0.0.1 0 &'
	sees s 'S listening'
	typed s
	enter s 'clear; fg'
	on_screen s '^S .*q quit'
	keys s q
	prompts s '$'
	typed s
}

@test "live: a paused screen, and one whose member leaves, fit after a resize" {
	at 80x24
	echo_pane a -w 20 --name P 127.0.0.1 0
	keys a p
	on_screen a 'PAUSED'
	resize a 40 12
	on_screen a '^P .*20 members'
	on_screen a $'\n.*PAUSED.*\n?'
	test "${#rows[@]}" -le 12
	on_screen a '\.\.\. and 1[0-9] more'
	resize a 100 40
	on_screen a '  P/19 '
	keys a p
	client
	on_screen a '1 accepted'
	keys a q # its grace goes on while the client stays
	sees a 'left: '
	resize a 40 12
	on_screen a '^P .*tcp  [0-9]+ members?'
	hang_up "$c"
	sees a 'status 130'
}

# fits NAME COLUMNS: no row is wider than that.
fits() {
	local row
	captured -t "$1"
	for row in "${rows[@]}"; do
		test "${#row}" -le "$2" || return 1
	done
}

@test "live: screens are right from 10x3 to 200x60, over a resize" {
	local size
	at 80x24
	start echo -w 3 -r --name E 127.0.0.1 0
	background rpnc probe -q --rate 100 -d 110 "$port"
	local load=$pid
	runs a echo -r --name A 127.0.0.1 "$port"
	runs w probe --watch=300ms --echo --rate 200 "$port"
	on_screen a 'q quit'
	on_screen w 'q quit'
	for size in '10 3' '40 10' '200 60' '20 8' '120 40' '30 5' '80 24'; do
		# shellcheck disable=SC2086
		resize a $size
		# shellcheck disable=SC2086
		resize w $size
		if test "${size#* }" -ge 10; then
			on_screen a '^A .*4 members'
			on_screen a $'\n> A '
			on_screen w "^127.*4 members"
		fi
		if test "${size#* }" -ge 24; then
			on_screen a '─ q quit  .* scroll ─+'
			on_screen a $'▁|▂|▃|▄|▅|▆|▇|█'
			on_screen w '─ q quit  .* scroll ─+'
		fi
		fits a "${size% *}"
		fits w "${size% *}"
		screen_lacks a 'status '
		screen_lacks w 'status '
	done
	# the widest of them has used it
	resize a 200 60
	on_screen a '─{130}'
	kill "$load" 2>/dev/null || true # or its 110 s are over
	keys a q
	keys w q
	sees a 'status 130'
	sees w 'status 130'
}

@test "live: without UTF-8 a screen is ASCII" {
	at 80x24 C
	echo_pane a -r --name A 127.0.0.1 0
	start echo -r --name B 127.0.0.1 "$port"
	local b=$pid
	kill -STOP "$b"
	on_screen a 'B .* is stopped'
	background rpnc probe -q --rate 100 -d 60 --timeout 300ms "$port"
	on_screen a $'\n> A [^\n]*\n([^\n]*\n){6} +[_.,=+*#-]+\n'
	on_screen a $'xx+\n'
	on_screen a '-- q quit  \? help  p pause  s sort: name  arrows scroll --'
	[[ ! ${rows[*]} =~ [^\ -~] ]]
	kill -CONT "$b"
	kill "$pid"
}

@test "live: the members on the screen of one that is replaced stay as they were" {
	at 80x24
	echo_pane a -r --name A --grace 1h 127.0.0.1 0
	exec 7<>"/dev/tcp/127.0.0.1/$port"
	on_screen a ' 1 accepted'
	start echo -r --name B --replace A 127.0.0.1 "$port"
	like a 'A leaves: replaced by pid '
	sees a 'left: nobody was waiting, nothing lost'
	# it stays for the client that is connected; other clients and members
	# change nothing above
	clients 30
	start echo -r --name C 127.0.0.1 "$port"
	sees a '+ C joined'
	start echo -r --name D 127.0.0.1 "$port"
	sees a '+ D joined'
	screen_matches a $'^A [^\n]*[12] members?  1 accepted[^\n]*\n.*\n> A .* running'
	screen_lacks a $'\n  [CD] +[0-9]+ '
	exec 7>&-
	keys a q
	sees a '1 connection in' 'status '
}

@test "live: a terminal too low for the screen has no stale rows" {
	at 80x12
	echo_pane a -r --name A 127.0.0.1 0
	clients 10
	on_screen a $'> A [^\n]* 10 100\\.0 %'
	resize a 80 4
	clients 90
	on_screen a $'^A [^\n]* 100 accepted'
	screen_lacks a '100\.0 %|q quit'
	resize a 80 3
	not_on_screen a '[^ ]'
	# the whole terminal scrolls
	local b
	start echo -r --name B 127.0.0.1 "$port"
	b=$pid
	on_screen a '^\+ B joined'
	end TERM "$b"
	on_screen a $'\+ B joined.*\n- B '
	resize a 80 12
	on_screen a $'^A [^\n]* 100 accepted[^\n]*\n.*> A [^\n]* 100 .*q quit'
	keys a q
	sees a 'status 130'
}

@test "live: a terminal too low for many members shows the title or nothing" {
	at 80x24
	echo_pane a -w 20 -r --name A 127.0.0.1 0
	on_screen a 'A/1 .*q quit'
	resize a 20 4
	on_screen a "^A 127\.0\.0\.1:$port"
	screen_lacks a '─|q quit|more'
	resize a 10 3
	not_on_screen a '[^ ]'
	resize a 80 24
	on_screen a 'A/1 .*q quit'
	keys a q
	sees a 'status 130'
}

@test "live: a line that is too wide is cut at the edge" {
	at 30x10
	echo_pane a -r --name A 127.0.0.1 0
	runs w probe --watch=300ms --rate 50 "$port"
	on_screen a $'> A [^\n]* runni(\n|$)'
	resize w 10 3
	on_screen w '^127.0.0.1:$'
	keys w q
	start echo -r --name B 127.0.0.1 "$port"
	resize a 10 5
	on_screen a $'\nnothing ye(\n|$)'
}

@test "live: the report at the end is as wide as the terminal is then" {
	at 40x14
	start echo -w 2 -r --name E 127.0.0.1 0
	runs w probe --watch=300ms --rate 50 "$port"
	on_screen w '2 members'
	resize w 150 30
	on_screen w '─{80}'
	keys w q
	sees w 'status 130'
	like w $'\n  E/0 +pid [0-9]+ rpnc +[^ \n]{50}'
}

@test "live: s sorts by the count that is shown, also of the time before a change" {
	at 120x30
	echo_pane b -r --name B --steer weights 127.0.0.1 0
	clients 30
	start echo -r --name A --steer weights --weight 1000 127.0.0.1 "$port"
	on_screen b '2 members by weights'
	clients 5
	on_screen b $'\n  A [^\n]* [0-9] [^\n]*\n([^\n]*\n)+> B [^\n]* 3[0-9] '
	keys b s
	on_screen b $'\n> B [^\n]* 3[0-9] [^\n]*\n([^\n]*\n)+  A [^\n]* [0-9] [^\n]*\n(.*)sort: count'
}
