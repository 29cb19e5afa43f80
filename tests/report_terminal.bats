# Reports at a terminal: they fit its width, and begin with the finding.
# shellcheck shell=bash disable=SC2154,SC2034,SC2030,SC2031

bats_require_minimum_version 1.5.0
load helpers
load terminal

# at SIZE LOCALE: panes from here on.
at() {
	locale=$2
	test -n "$terminals" || server_of_terminals
	tm set-option default-size "$1" # new-session has set the session's
}

# two: members A and B; the port in port, the pid of B in b.
two() {
	start echo -r --name A 127.0.0.1 0
	start echo -r --name B 127.0.0.1 "$port"
	b=$pid
}

# reports NAME LAST ARG...: rpnc probe ARG... in a pane, until it shows LAST.
# No line is wider than the terminal: the terminal has broken none.
reports() {
	local broken
	pane "$1" env LC_ALL="$locale" sh -c 'rpnc "$@"; echo; read -r _' sh probe "${@:3}"
	sees "$1" "$2"
	captured -S - -t "$1"
	broken=("${rows[@]}")
	captured -J -S - -t "$1"
	assert_equal "${broken[*]}" "${rows[*]}"
	text_of "$1"
}

# shows_line REGEX: a line of the report in text matches.
shows_line() {
	grep -qE "$1" <<<"$text" || fail "no $1 in:"$'\n'"$text"
}

@test "report: at 80x24 it has bars with a tick and a band, and a histogram" {
	at 80x24 C.UTF-8
	two
	reports a 'failed 0' -n 1000 --echo "$port"
	shows_line '^127\.0\.0\.1:[0-9]+ tcp, 1000 connections, '
	[[ ${rows[1]} =~ ^(even|unclear|uneven): ]]
	shows_line '^  A  pid [0-9]+ rpnc  █+[▓░█▏▎▍▌▋▊▉]*│[▓░▏▎▍▌▋▊▉█]+ +[0-9]+  [0-9.]+ %$'
	shows_line '^fair hashing gives 500 ± [0-9]+ each \(99 %\): │ and ░ or ▓ in the bars; p '
	shows_line '^connect  p50 +[0-9.]+ .?s  p90 '
	shows_line '^connect +[▁▂▃▄▅▆▇█ ]*█'
	shows_line '^accept +[▁▂▃▄▅▆▇█ ]*█'
	shows_line '^echo +[▁▂▃▄▅▆▇█ ]*█'
	shows_line '^how the times are spread:$'
	shows_line '^time +┴[125]0* .?s─+┴[125]0* .?s─+'
	# the times of a row stand below each other
	test "$(grep -E '^(connect|accept|echo) +p50' <<<"$text" |
		sed -E 's/(.*)p90.*/\1/; s/µ/u/g' | awk '{ print length }' | sort -u | wc -l)" -eq 1
}

@test "report: at 120x40 the bars and the histogram are wider" {
	at 120x40 C.UTF-8
	two
	reports a 'failed 0' -n 1000 "$port"
	shows_line '^  A  pid [0-9]+ rpnc  [^ ]{50}.* %$'
	shows_line '^time {5}┴.{90}'
}

@test "report: at 40x10 it is whole, without a histogram" {
	at 40x10 C.UTF-8
	two
	reports a 'failed 0' -n 1000 "$port"
	shows_line '^  A .* [0-9]+  [0-9.]+ %$'
	shows_line '^connect  p50 +[0-9.]+ .?s  p99 '
	run ! grep -q '┴' <<<"$text"
}

@test "report: few samples make no histogram, and a pipe has none" {
	at 80x24 C.UTF-8
	two
	reports a 'failed 0' -n 50 "$port"
	run ! grep -q '┴' <<<"$text"
	rpnc probe -n 1000 "$port" >piped
	run ! grep -q '┴' piped
	grep -q '│' piped
}

@test "report: in a locale without UTF-8 it has the same parts in ASCII" {
	at 80x24 C
	two
	reports a 'failed 0' -n 1000 -v --echo "$port"
	shows_line '^  A  pid [0-9]+ rpnc  #+=*[#=.-]*\|[#=.-]+ +[0-9]+  [0-9.]+ %$'
	shows_line '^fair hashing gives 500 \+- [0-9]+ each \(99 %\): \| and \. or = in the bars; p '
	shows_line '^accept +[_.,=+*# -]*#'
	shows_line '^time +\+[125]0* .?s-+\+[125]0* .?s-+'
	shows_line '^closed loop: '
	run ! grep -P '[^\x00-\x7f]' <<<"$text"
}

@test "report: --group, --during, --watch and --compare fit 80 and 40 columns" {
	local size
	two
	for size in 80x24 40x10; do
		at "$size" C.UTF-8
		reports "g$size" running --group "$port"
		[[ ${rows[*]} == *'nothing waits in a queue'* ]]
		reports "d$size" ' lost of ' --during --rate 300 "$port" -- true
		shows_line '^0 lost of [0-9]+$'
		reports "w$size" 'failed 0' --watch=200ms -d 700ms "$port"
		reports "c$size" "the busiest worker" --compare -w 2 -n 30 -d 1
		shows_line '^6 ways to accept, 5 rounds: about [0-9]+ s$'
	done
}

@test "report: no line begins with the sign of a percentage" {
	local columns
	two
	for columns in 36 37 38; do
		at "${columns}x24" C.UTF-8
		reports "p$columns" 'failed 0' -n 300 "$port"
		shows_line '^fair hashing gives 150 ± '
		run ! shows_line '^ *%'
	done
}

@test "report: what is wrong is red, and NO_COLOR leaves all colours out" {
	at 80x24 C.UTF-8
	two
	kill -STOP "$b"
	reports a 'queued ' -n 60 --echo --timeout 300ms "$port"
	[[ ${rows[1]} == "B (pid $b) is stopped: "* ]]
	captured -e -t a
	[[ ${rows[*]} == *$'\e[31m'"B (pid $b) is stopped"* ]]
	[[ ${rows[*]} == *$'\e[31mqueued '* ]]
	pane n env LC_ALL=C.UTF-8 NO_COLOR=1 rpnc probe -n 60 --echo --timeout 300ms "$port"
	sees n 'queued '
	captured -e -t n
	[[ ${rows[*]} != *$'\e['* ]]
	LC_ALL=C.UTF-8 run -6 rpnc probe -n 60 --echo --timeout 300ms "$port"
	[[ $output != *$'\e['* ]]
	LC_ALL=C.UTF-8 run -6 rpnc probe --color=always -n 60 --echo --timeout 300ms "$port"
	[[ $output == *$'\e[31m'"B (pid $b) is stopped"* ]]
	kill -CONT "$b"
}

@test "report: in a pipe COLUMNS is the width of tables, and else 80; sentences stay whole" {
	local columns
	two
	rpnc probe -v -n 1000 --rate 2000 --echo "$port" >plain
	grep -qE '^fair hashing gives 500 ± [0-9]+ each .* in the bars; p ' plain
	COLUMNS=120 rpnc probe -n 1000 "$port" >wide
	grep -qE '^  A .{90}' wide
	rpnc probe -n 1000 "$port" >plain
	grep -qE '^  A .{60}' plain
	run ! grep -qE '^  [AB] .{79}' plain
	COLUMNS=40 rpnc probe -n 1000 "$port" >narrow
	grep -qE '^  A .* %$' narrow
	run ! grep -qE '^(  [AB] |connect|accept).{40}' narrow
	# there was no room for bars: nothing explains them
	grep -qE '^  A +pid [0-9]+ rpnc +[0-9]+ +[0-9.]+ %$' narrow || fail "$(<narrow)"
	grep -qE '^fair hashing gives 500 ± [0-9]+ each \(99 %\); p ' narrow
	for columns in x 0 99999; do
		COLUMNS=$columns rpnc probe -n 1000 "$port" >plain
		grep -qE '^  A .{60}' plain
		run ! grep -qE '^  [AB] .{79}' plain
	done
}
