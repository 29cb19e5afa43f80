#!/usr/bin/env bats
# Whom attempts without an answer are put down to, and whether a program steers:
# SILENT and STEERED in the report of rpnc probe.
# shellcheck disable=SC2016,SC2030,SC2031,SC2034,SC2154

load helpers
load probe
load group
load terminal

# by_pid FIELD: prints "PID VALUE" of each member.
by_pid() {
	get ".members[] | \"\\(.pid) \\(.$1)\"" | sort
}

# sleeper ADDRESS: three that echo datagrams, and one that never reads. Sets
# $pid to that one.
sleeper() {
	members --udp --do echo --sockets 1,1,1 --address "$1"
	holder --udp --reuseport "$1" "$port"
}

# silent ADDRESS
silent() {
	sleeper "$1"
	probe -u --echo -n 200 -c 200 --timeout 500ms --json "$1" "$port"
	test "$status" -eq 6
	holds '.verdict == "silent" and .flags == ["SILENT"] and .steered == null'
	holds '.finding.pid == '"$pid"' and .finding.text ==
		"python3 (pid '"$pid"') answered none of \(.failed.timeout)"'
	# each timeout is put down to it, and each answer to another
	holds '.failed.timeout > 0 and ([.members[].due] | add) == 200'
	holds 'all(.members[]; if .pid == '"$pid"'
		then .due == .unanswered and .flags == ["SILENT"] and .count == 0
		else .unanswered == 0 and .flags == [] and .due == .count end)'
	holds '([.members[].unanswered] | add) == .failed.timeout'
}

@test "blame: a datagram socket that nobody reads is named" {
	silent 127.0.0.1
	probe -u --echo -n 200 -c 200 --timeout 500ms 127.0.0.1 "$port"
	grep -qxE "python3 \(pid $pid\) answered none of [0-9]+" report
	needs_ipv6
	family=-6
	silent ::1
}

@test "blame: --fail-flags makes it a status" {
	sleeper 127.0.0.1
	for flags in '' =silent,steered; do
		probe -u --echo -n 200 -c 200 --timeout 500ms "--fail-flags$flags" 127.0.0.1 "$port"
		test "$status" -eq 7
	done
	probe -u --echo -n 200 -c 200 --timeout 500ms --fail-flags=STEERED 127.0.0.1 "$port"
	test "$status" -eq 6
	kill "$pid"
	finish "$pid" || true
	probe -u --echo -n 200 -c 200 --timeout 500ms --fail-flags 127.0.0.1 "$port"
	test "$status" -eq 0
}

@test "blame: the first datagram may be the silent one's: the others are sent" {
	sleeper 127.0.0.1
	local first
	for first in {2001..2100}; do
		probe -u --echo -n 1 --timeout 10ms --json --sport "$first" 127.0.0.1 "$port"
		! holds 'any(.members[]; .pid == '"$pid"' and .due == 1)' || break
	done
	test "$first" -lt 2100
	needs_ipv6
	# localhost has two addresses, and another one would be tried; the first
	# port is used up by the other address, if that is tried first
	for first in "$first" "$((first - 1))"; do
		probe -u --echo --json --sport "$first-$((first + 19))" -n 20 -c 20 "$port"
		holds '.attempts == 20 and .ok > 0 and .target.address == "127.0.0.1"'
	done
}

@test "blame: rpnc's members count datagrams themselves, and a stranger is named" {
	reserve
	start echo -u -r --name A 127.0.0.1 "$port"
	start echo -u -r --name B 127.0.0.1 "$port"
	holder --udp --reuseport 127.0.0.1 "$port"
	probe -u --echo -n 200 -c 200 --timeout 500ms --json 127.0.0.1 "$port"
	holds '.by == "registry" and .flags == ["SILENT"]'
	holds '.finding.pid == '"$pid"' and ([.members[].unanswered] | add) ==
		.failed.timeout'
	holds '[.members[] | select(.name) | .count] | add == 200 - '"$(get .failed.timeout)"
	# and one of them, if it is paused or stopped, and has no words for it
	kill "$pid"
	finish "$pid" || true
	kill -STOP "${pids[0]}"
	probe -u --echo -n 200 -c 200 --timeout 500ms --json 127.0.0.1 "$port"
	kill -CONT "${pids[0]}"
	holds '.verdict == "stopped" and .flags == ["SILENT"]'
	holds '.members[] | select(.name == "A") | .flags == ["SILENT"] and .due > 0'
}

@test "blame: if nobody answers, or a program chooses, nobody is blamed" {
	holder --udp --reuseport 127.0.0.1 0
	holder --udp --reuseport 127.0.0.1 "$port"
	probe -u --echo -n 50 -c 50 --timeout 50ms --json 127.0.0.1 "$port"
	test "$status" -eq 4
	holds '.flags == [] and .verdict == "failed" and
		([.members[].unanswered] | add) == 50'
	# one socket is certain
	holder --udp --reuseport 127.0.0.1 0
	probe -u --echo -n 5 --timeout 50ms --json 127.0.0.1 "$port"
	holds '.flags == ["SILENT"] and .finding.pid == '"$pid"
	# rpnc's members steer: the hash says nothing
	reserve
	start echo -u -r --name A --steer random 127.0.0.1 "$port"
	start echo -u -r --name B 127.0.0.1 "$port"
	kill -STOP "$pid"
	probe -u --echo -n 200 -c 200 --timeout 500ms --json 127.0.0.1 "$port"
	kill -CONT "$pid"
	holds '.steered and .flags == ["STEERED"] and
		all(.members[]; .due == null and .unanswered == null)'
}

@test "blame: a connection that is accepted and never answered" {
	start echo -r --name A 127.0.0.1 0
	start echo -r --name B 127.0.0.1 "$port"
	start listen -r -k --name C 127.0.0.1 "$port"
	probe --echo -n 100 -c 100 --timeout 500ms --json 127.0.0.1 "$port"
	test "$status" -eq 6
	holds '.flags == ["SILENT"] and .finding.member == "C" and .finding.kind == "silent"'
	holds '.members[] | select(.name == "C") | .count == 0 and
		.failed == .due and .unanswered == .due'
	holds '.finding.text == "C (pid '"$pid"') answered none of \(.failed.timeout)"'
	holds 'all(.members[]; .name == "C" or .unanswered == 0)'
}

@test "blame: a queue that nobody accepts is told in its own words" {
	members --do echo --sockets 1,1,1
	kill -STOP "${workers[1]}"
	probe --echo -n 100 -c 100 --timeout 500ms --json 127.0.0.1 "$port"
	kill -CONT "${workers[1]}"
	holds '.verdict == "stopped" and .flags == ["SILENT"]'
	holds '.members[] | select(.pid == '"${workers[1]}"') |
		.flags == ["SILENT"] and .unanswered == .due and .due > 0'
	test "$(get .finding.text)" = "python3 (pid ${workers[1]}) is stopped: $(get .queued) clients wait in its queue"
}

@test "blame: reports that are merged blame together" {
	sleeper 127.0.0.1
	local i
	for i in 1 2 3 4 5; do
		rpnc probe -u --echo -n 20 -c 20 --timeout 500ms --json 127.0.0.1 "$port" >one.$i 3>&- &
		pids+=("$!")
	done
	for i in 2 3 4 5 6; do
		finish "${pids[i]}" || test $? -eq 6
	done
	# too few each: 4 / C(20, 10) is more than one in a million
	test "$(jq -c .flags one.? | sort -u)" = '[]'
	probe --merge --json one.?
	holds '.flags == ["SILENT"] and .finding.pid == '"$pid"
	holds '([.members[].due] | add) == 100'
}

@test "steered: whether a program chooses is in the report" {
	members --do echo --sockets 1,1,1
	probe --echo --json --fail-flags 127.0.0.1 "$port"
	test "$status" -eq 0
	holds '.steered == false and .flags == []'
	cp report unsteered
	members --do echo --sockets 1,1,1 --steer
	probe --echo --json 127.0.0.1 "$port"
	test "$status" -eq 0
	holds '.steered == true and .flags == ["STEERED"]'
	holds '.finding.text | endswith("; steered by a program")'
	cp report steered
	probe --echo --fail-flags 127.0.0.1 "$port"
	test "$status" -eq 7
	sed -n 2p report | grep -q '^uneven: .*; steered by a program$'
	probe --echo --fail-flags=SILENT 127.0.0.1 "$port"
	test "$status" -eq 0
	probe --merge --json unsteered unsteered
	holds '.steered == false and .flags == []'
	probe --merge --json unsteered steered
	holds '.steered == true and .flags == ["STEERED"]'
	# reports of an older version say nothing about it
	jq -c 'del(.steered, .flags, .members[].due, .members[].unanswered)' unsteered >old
	probe --merge --json unsteered old
	holds '.steered == null and .flags == [] and all(.members[]; .due == null)'
}

@test "steered: by a foreign program of eBPF" {
	members --do echo --sockets 1,1 --ebpf
	test "$port" != 0 || skip "bpf(2) is refused here: ${workers[*]}"
	probe --echo --json 127.0.0.1 "$port"
	holds '.steered == true and .flags == ["STEERED"]'
	# a server that closes at once: by handshakes that are held back
	members --do close --sockets 1,1 --ebpf
	probe --json 127.0.0.1 "$port"
	holds '.steered == true'
}

@test "steered: by handshakes that are held back, if the server closes at once" {
	members --do close --sockets 1,1,1
	probe --json 127.0.0.1 "$port"
	holds '.steered == false'
	members --do close --sockets 1,1,1 --steer
	probe --json 127.0.0.1 "$port"
	holds '.steered == true and .flags == ["STEERED"]'
}

@test "steered: by rpnc's members, and what can't be known" {
	start echo -r --name A --steer random 127.0.0.1 0
	start echo -r --name B 127.0.0.1 "$port"
	probe --echo --json 127.0.0.1 "$port"
	holds '.steered == true and .steering == "random"'
	holds '.finding.text | endswith("; steered: random")'
	# one socket; several of one process; datagrams; who answered is not asked
	members --do echo --sockets 1
	probe --echo --json 127.0.0.1 "$port"
	holds '.steered == null and .flags == []'
	members --do echo --sockets 2
	probe --echo --json 127.0.0.1 "$port"
	holds '.steered == null'
	members --udp --do echo --sockets 1,1
	probe -u --echo --json 127.0.0.1 "$port"
	holds '.steered == null'
	members --do echo --sockets 1,1
	probe --echo --by none --json 127.0.0.1 "$port"
	holds '.steered == null and all(.members[]; .due == null)'
}

@test "blame: while a command runs, too" {
	start echo -r --name A 127.0.0.1 0
	start listen -r -k --name B 127.0.0.1 "$port"
	probe --during --echo --timeout 300ms -d 100ms --rate 100 --json --fail-flags 127.0.0.1 "$port" -- true
	test "$status" -eq 7
	holds '.flags == ["SILENT"] and .steered != true'
	holds '.members[] | select(.name == "B") | .flags == ["SILENT"] and .due > 0'
	probe --during --echo --timeout 300ms -d 100ms --rate 100 --json --fail-flags=STEERED --openmetrics m.prom 127.0.0.1 "$port" -- true
	test "$status" -eq 6
	# the same for Prometheus
	grep -qE "^rpnc_probe_member_unanswered\{.*name=\"B\".*\} $(get '.members[] | select(.name == "B") | .unanswered')\$" m.prom
	grep -qE "^rpnc_probe_lost\{.*\} $(get .during.lost)\$" m.prom
	grep -qE "^rpnc_probe_longest_gap_seconds\{.*\} [0-9.]+\$" m.prom
}

@test "blame: at a terminal, and in a script" {
	sleeper 127.0.0.1
	shell w
	enter w "rpnc probe -u --echo -n 200 -c 200 --timeout 500ms --fail-flags 127.0.0.1 $port || echo status \$?"
	like w "python3 \(pid $pid\) answered none of [0-9]+"
	sees w 'status 7'
	echo 'rpnc probe -u --echo -n 200 -c 200 --timeout 500ms --fail-flags 127.0.0.1 "$1" && echo all answer' >script
	run -7 sh script "$port" </dev/null
	assert_output --partial "(pid $pid) answered none of"
	refute_output --partial 'all answer'
}
