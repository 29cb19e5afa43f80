#!/usr/bin/env bats
# rpnc probe --watch: what a probe finds, shown while it goes on.
# shellcheck disable=SC2016,SC2030,SC2031,SC2154

load helpers
load probe
load terminal

# watch ARG...: rpnc probe --watch --json in the background, its pid in watch;
# what it says, in the file lines, is read by next.
watch() {
	at=0
	as_by_a_person probe --watch=0.2 --json "$@" >lines 3>&- &
	watch=$!
	pids+=("$watch")
}

# next FILTER: reads on to a line for which this holds; it is in report. A pipe
# would have the watch wait, and at its end not for long, where jq is slow.
next() {
	wanted=$1
	eventually found || eventually found || eventually found || {
		tail -n 1 lines
		return 1
	}
	at=$(jq .at hit)
	jq -c .line hit >report
}

found() {
	tail -n "+$((at + 1))" lines |
		jq -nc --argjson at "$at" "first(foreach inputs as \$line (\$at; . + 1;
			. as \$n | \$line | select($wanted) |
			{at: \$n, line: .}))" >hit 2>/dev/null
	test -s hit
}

# ended SIGNAL: the watch is, by that signal; its last line is in report.
ended() {
	kill -s "$1" "$watch"
	status=0
	finish "$watch" || status=$?
	# 6: some attempts failed, which says more
	test "$status" -eq 6 || test "$status" -eq "$((128 + $(kill -l "$1")))"
	tail -n 1 lines >report
	test "$(get .command)" = probe
}

@test "watch: members that come, go and stop are told; in the end what they counted" {
	start echo -r --name A 127.0.0.1:0
	local first=$pid
	watch "$port"
	next '.command == "watch" and .members[0].count > 0 and .members[0].rate > 0'
	get '"\(.by) \(.loop) \(.steady) \(.left) \(.members[0] | "\(.name) \(.pid) \(.state) \(.count == .since)")"' >got
	echo "diag open null 0 A $first running true" | diff -u - got
	start echo -r --name B 127.0.0.1:"$port"
	local second=$pid
	next '.event == "joined"'
	test "$(get '"\(.name) \(.pid) \(.members)"')" = "B $second 2"
	# the verdict is of what came since
	next '.command == "watch" and .members[1].since > 0'
	test "$(get '.steady != null and .members[0].since < .members[0].count and
		([.members[].since] | add) < .ok')" = true
	kill -STOP "$second"
	next '.command == "watch" and .members[1].state == "stopped" and .members[1].queued > 0 and
		.fairness.verdict == "unclear"'
	test "$(get '.queued >= .members[1].queued')" = true
	kill -KILL "$second"
	next '.event == "left"'
	test "$(get '"\(.name) \(.pid) \(.members) \(.reason)"')" = "B $second 1 ended"
	finish "$second" || true
	next '.command == "watch" and .members[0].since > 0'
	test "$(get '"\(.members | length) \(.left > 0)"')" = "1 true"
	ended INT
	# what is in the end is in all, also of who left
	test "$(get '.fairness.verdict')" = changed
	test "$(get '([.members[].count] | add) + .unattributed == .ok')" = true
	local counted lost accepted
	counted=$(get '.members[] | select(.name == "A").count')
	lost=$(get '.unattributed + .abandoned + .failed.reset')
	kill -TERM "$first"
	finish "$first" || true
	accepted=$(awk '$1 == "A" { print $4 }' out.0)
	test "$accepted" -ge "$counted"
	test "$accepted" -le "$((counted + lost))"
}

@test "watch: steering that comes in the look that sees a new member is told, too" {
	start echo -r --name A 127.0.0.1:0
	local server=$port
	watch --rate 0.5 "$port"
	next '.command == "watch" and .members[0].count > 0'
	# a look has read the steering, and now asks for members half a second long
	inject "$watch" sendto:delay_enter=500000
	eventually grep -q sendto trace
	start echo -r --name B --steer random 127.0.0.1:"$server"
	next '.event == "joined"'
	next '.event == "steering"'
	test "$(get .steering)" = random
}

@test "watch: losses are told by their kind, now and in all" {
	reserve
	watch "$port"
	next '.command == "watch" and .now.failed.refused > 0'
	test "$(get '"\(.ok) \(.members) \(.now.ok) \(.now.latency.accept) \(.fairness)"')" = "0 [] 0 null null"
	# and who begins to listen is one that came
	start echo 127.0.0.1:"$port"
	next '.event == "joined"'
	next '.command == "watch" and .now.ok > 0 and .now.failed.refused == 0'
	test "$(get '.failed.refused > 0')" = true
	ended TERM
	test "$(get '.ok + .queued + ([.failed[]] | add) == .attempts')" = true
}

@test "watch: names are members by what they say, and are missed when silent" {
	start echo -r --identify --name A 127.0.0.1:0
	start echo -r --identify --name B 127.0.0.1:"$port"
	local second=$pid
	watch --by banner --rate 300 "$port"
	next '.command == "watch" and (.members | length) == 2 and .fairness != null'
	test "$(get '"\(.by) \(.fairness.at_least) \([.members[].name] | sort | tostring)"')" = 'banner true ["A","B"]'
	kill -KILL "$second"
	finish "$second" || true
	next '.event == "left"'
	test "$(get '"\(.name) \(.members) \(.reason)"')" = "B 1 null"
	ended INT
}

@test "watch: datagrams, by the registry: who comes is counted, too" {
	reserve
	start echo -u -r --name A 127.0.0.1:"$port"
	watch -u --echo "$port"
	next '.command == "watch" and .members[0].count > 0'
	test "$(get '"\(.by) \(.target.protocol)"')" = "registry udp"
	start echo -u -r --name B 127.0.0.1:"$port"
	next '.event == "joined"'
	next '.command == "watch" and .members[1].since > 0'
	ended INT
	test "$(get '([.members[].count] | add) as $n | $n > 0 and $n + .unattributed >= .ok')" = true
}

@test "watch: its memory and descriptors do not grow with who comes and goes" {
	start echo -r --name A 127.0.0.1:0
	local before
	watch --rate 50 "$port"
	next '.command == "watch"'
	before=$(open_descriptors "$watch")
	for _ in 1 2; do
		start echo -r -w 40 --name B 127.0.0.1:"$port"
		# a socket that is met before its worker is forked has its parent
		# join, too, and leave
		next '(.event == "joined" or .event == "left") and .members == 41'
		kill -TERM "$pid"
		finish "$pid" || true
		next '.event == "left" and .members == 1'
	done
	# connections in flight are some; 80 workers were there
	test "$(open_descriptors "$watch")" -lt "$((before + 40))"
	ended INT
	# those who left last, those before them as one, and who is there
	test "$(get '.members | length')" -le 34
	test "$(get '([.members[].count] | add) + .unattributed == .ok')" = true
}

@test "watch: -n and -d end it, with the ordinary report; blocks where there is no terminal" {
	start echo -r --name A 127.0.0.1:0
	probe --watch=0.1 -d 0.35 "$port"
	test "$status" -eq 0
	head -n 1 report | grep -qE "^127.0.0.1:$port tcp  1 member  [0-9]+ attempts? in [0-9]+ s$"
	grep -qE '^rate     [0-9.]+/s of 100  ' report
	grep -qE '^  name +pid command +count +share +/s state$' report
	grep -qE '^failed   now 0, in all 0$' report
	grep -qE '^connect  p50 .* of the last [0-9.]+ m?s$' report
	grep -qE "^127.0.0.1:$port tcp, [0-9]+ connections, 100 a second, [0-9.]+ m?s$" report
	run ! grep -q "$(printf '\033')" report
	probe --watch -n 20 --rate 1000 -c 4 --json "$port"
	test "$(get '"\(.command) \(.attempts) \(.loop)"')" = "probe 20 open"
}

@test "watch: where it makes no sense it says so in a line" {
	local words
	for words in '--watch=0 80' '--watch=x 80' '--watch=2h 80' \
		'--watch --merge -' '--watch 80,81' '--group --watch=0 80'; do
		# shellcheck disable=SC2086
		probe $words
		test "$status" -eq 2
		test ! -s report
		test "$(wc -l <err)" -eq 1
	done
	probe --watch=0 80
	grep -qx 'rpnc probe: --watch=0: want 0.1 to 3600 seconds' err
}

@test "watch: clients that waited are served, and judging starts again" {
	start echo -r --name A 127.0.0.1:0
	start echo -r --name B 127.0.0.1:"$port"
	watch "$port"
	next '.command == "watch" and (.members | length) == 2 and .members[1].count > 0'
	kill -STOP "$pid"
	next '.members[1].queued > 0 and .fairness.verdict == "unclear"'
	kill -CONT "$pid"
	next '.members[1].state == "running" and .fairness.verdict == "even" and
		.members[1].queued > 0 and .members[0].since < .members[0].count'
	ended INT
}

@test "watch: which of several queues had clients is not known, but that none has" {
	start echo -w 2 --accept shared 127.0.0.1:0
	watch "$port"
	next '.command == "watch" and .ok > 0'
	mapfile -t workers < <(pgrep -P "$pid")
	kill -STOP "${workers[@]}"
	next '.queued > 0'
	kill -CONT "${workers[@]}"
	next '(.now.queued == 0) and (.verdict == "queued" | not) and .steady != null'
	ended INT
}

@test "watch: a terminal shows it in place, at any size, and what came below" {
	start echo -r --name A 127.0.0.1:0
	local first=$pid
	shell w
	enter w "rpnc probe --watch=0.2 $port"
	top() {
		[[ $(tm capture-pane -p -t w | sed -n "$1p") =~ $2 ]]
	}
	eventually top 1 "^127.0.0.1:$port tcp  1 member  [0-9]+ attempts in "
	eventually top 5 "^  A +$first rpnc .*100.0 % +[0-9.]+ running"
	start echo -r --name B 127.0.0.1:"$port"
	like w "[0-9]+:[0-9]+ \\+ B, pid $pid rpnc: 2 members"
	eventually top 1 '  2 members  '
	like w '\+ B at .*, [0-9]+ since: the verdict is about these'
	like w '(even|unclear): .*fair hashing gives [0-9]+ ± [0-9]+ each \(99 %\), p '
	resize w 40 10
	eventually top 1 "^127.0.0.1:$port tcp  2 members"
	eventually top 2 '^(even|unclear|uneven): '
	resize w 80 24
	kill -STOP "$first"
	eventually top 5 "^  A +$first rpnc .* stopped"
	like w 'queued   now [0-9]+, in all [0-9]+: nobody accepted them'
	kill -CONT "$first"
	eventually top 5 "^  A +$first rpnc .* running"
	like w 'all accept again at [0-9:]+, [0-9]+ since: the verdict is about these'
	none_waits() {
		! top 1,24 'still waits?,|nobody accepted (it|them)$'
	}
	eventually none_waits
	keys w C-z
	sees w Stopped
	prompts w '$'
	enter w clear
	cleared() {
		! top 1,24 members
	}
	eventually cleared
	enter w fg
	eventually top 1,24 '  2 members  '
	keys w C-c
	sees w "$port tcp, " 'members came or went meanwhile'
	prompts w '$'
	enter w 'echo status $?'
	like w "status (6|130)"
	enter w clear
	eventually cleared
	enter w "NO_COLOR=1 rpnc probe --watch=0.2 -d 1 $port"
	eventually top 1,8 '  2 members  '
	run ! grep -q "$(printf '\033')" <<<"$(tm capture-pane -pe -t w | head -n 8)"
	prompts w '$'
	enter w "rpnc probe --watch=0.2 $port"
	eventually top 1,24 '  2 members  '
	kill "$pid"
	like w "- B, pid $pid rpnc( has ended)?: 1 member; it had answered [0-9]+"
	keys w C-c
	prompts w '$'
}

@test "watch: 40 columns of 10 rows have the finding, the headline and two members" {
	start echo -r --name A 127.0.0.1:0
	start echo -r --name B 127.0.0.1:"$port"
	local second=$pid rows
	shell w
	resize w 40 10
	enter w "rpnc probe --watch=0.2 $port"
	local stopped=$'\nB stopped: [0-9]+ waits?\n.*name.*share.*\n +A .*\n +B .*stopped'
	stopped_at_top() {
		local IFS=$'\n'
		captured -t w
		[[ "${rows[*]}" =~ $stopped ]]
	}
	sees w ' B '
	kill -STOP "$second"
	eventually stopped_at_top || {
		screen w
		return 1
	}
	kill -CONT "$second"
	keys w C-c
	prompts w '$'
}
