#!/usr/bin/env bats
# rpnc probe --group as a gate in a script that deploys: --expect-members,
# --fail-flags and --wait.
# shellcheck disable=SC2016,SC2030,SC2031,SC2154

load helpers
load probe
load group
load terminal

# Before all else, as who is stopped hears no SIGTERM.
teardown() {
	local p
	tm kill-server 2>/dev/null || true
	for p in "${pids[@]}" "${workers[@]}"; do
		test -z "$p" || kill -CONT "$p" 2>/dev/null || true
	done
	stop
}

# deploys ARG...: what a script does that deploys, with these options and the
# port. Its status, what the report says, and the errors in err.
deploys() {
	cat >deploy <<-'END'
		#!/bin/sh
		rpnc probe --group "$@" && echo deployed
	END
	status=0
	# shellcheck disable=SC2086 # it may be empty
	timeout 60 sh deploy $family "$@" "$port" >report 2>err </dev/null ||
		status=$?
	cat report err # shown if the test fails
}

# passes ARG...: the script goes on, and nothing is said.
passes() {
	deploys "$@"
	test "$status" -eq 0
	test "$(tail -n 1 report)" = deployed
	test ! -s err
}

# holds_back WHY ARG...: it does not, for this reason; the groups are shown.
holds_back() {
	deploys "${@:2}"
	test "$status" -eq 7
	run ! grep -qx deployed report
	test "$(<err)" = "rpnc probe: $1" || fail "not: $1"
	grep -q " sockets\?" report
}

# provoked FLAG WHO [ARG...]: the gate is shut by this flag, and by no other.
provoked() {
	local flag=$1 who=$2 place other
	shift 2
	place=$(rpnc probe --group "$family" "$@" "$port" | sed -n '1s/ .*//p')
	holds_back "$place: $flag$who" "$@" --fail-flags
	holds_back "$place: $flag$who" "$@" --fail-flags="$flag"
	holds_back "$place: $flag$who" "$@" --fail-flags="full,${flag,,}"
	for other in STUCK FULL NOT-LISTENING SHADOWED ONE-SOCKET HIJACKABLE \
		QUARANTINED; do
		test "$other" = "$flag" || passes "$@" --fail-flags="$other"
	done
}

@test "gate: a member that is stopped is not ready, though no client waits yet" {
	local family=-4
	start echo -r 127.0.0.1 0
	start echo -r 127.0.0.1 "$port"
	halt "$pid"
	holds_back "127.0.0.1:$port: pid $pid is stopped" --fail-flags --expect-members 2
	holds_back "127.0.0.1:$port: pid $pid is stopped" --fail-flags=STUCK
	passes --fail-flags=FULL
	kill -CONT "$pid"
	passes --fail-flags --wait 20 --expect-members 2
}

@test "gate: a script goes on when all members are there, and not before" {
	members --sockets 1,1,1,1,1,1,1
	holds_back "127.0.0.1:$port: 7 sockets, 7 processes: wanted 8" \
		--expect-members 8 --fail-flags
	deploys --expect-members 8 --fail-flags --wait 50 >/dev/null &
	pids+=("$!")
	local script=$!
	eventually pgrep -P "$script"
	start echo -r 127.0.0.1 "$port"
	finish "$script"
	test "$(tail -n 1 report)" = deployed
	# only what it waited for is shown
	test "$(grep -c '^127.0.0.1' report)" -eq 1
	grep -q "^127.0.0.1:$port tcp, 8 sockets" report
	passes --expect-members 8 --fail-flags --wait 50
}

@test "gate: members are processes, of whatever number of sockets" {
	members --sockets 1,1,1,1,2,2
	holds_back "127.0.0.1:$port: 8 sockets, 6 processes: wanted 8" \
		--expect-members 8
	holds_back "127.0.0.1:$port: 8 sockets, 6 processes: wanted 8: waited 0.3 s" \
		--expect-members 8 --wait 0.3
	passes --expect-members 6
	deploys --json --expect-members 6
	test "$(head -n 1 report | jq -r '"\(.sockets) \(.processes)"')" = "8 6"
	# several with one socket, and a parent that only started them
	members --sockets 1,1,1 --shared
	inspect "$port"
	test "$(get .sockets)" = 1
	passes --expect-members "$(get .processes)"
}

@test "gate: workers of rpnc are members, and one that only binds is none" {
	start echo -r -w 3 127.0.0.1 0
	passes --expect-members 3 --fail-flags
	holder --reuseport --bound 127.0.0.1 "$port"
	passes --expect-members 3
	start echo -u -r -w 3 127.0.0.1 "$port"
	passes -u --expect-members 3 --fail-flags
}

@test "gate: every group has all members, IPv6's too" {
	needs_ipv6
	start echo -r 0
	start echo -r -4 "$port"
	family=
	holds_back "[::]:$port: 1 socket, 1 process: wanted 2" --expect-members 2
	passes -4 --expect-members 2
	holds_back "0.0.0.0:$port: 2 sockets, 2 processes: wanted 1" \
		--expect-members 1
	holds_back "0.0.0.0:$port: 2 sockets, 2 processes: wanted 3; [::]:$port: 1 socket, 1 process: wanted 3" \
		--expect-members 3
}

@test "gate: nobody is there: 7 if some are wanted, 0 if none are" {
	reserve
	deploys --expect-members 2
	test "$status" -eq 7
	test "$(<err)" = "rpnc probe: no group on port $port: no TCP socket has it: wanted 2 members"
	deploys --expect-members 1 --wait 0.2
	test "$status" -eq 7
	test "$(<err)" = "rpnc probe: no group on port $port: no TCP socket has it: wanted 1 member: looked for 0.2 s. Is the server started?"
	deploys --fail-flags
	test "$status" -eq 1
	passes --expect-members 0
	test "$(<report)" = deployed
	# as long as one is there, it waits
	start echo 127.0.0.1 "$port"
	holds_back "127.0.0.1:$port: 1 socket, 1 process: wanted 0" --expect-members 0
	deploys --expect-members 0 --wait 50 >/dev/null &
	pids+=("$!")
	eventually pgrep -P "${pids[-1]}"
	end TERM
	finish "${pids[-1]}"
	test "$(<report)" = deployed
}

@test "gate: what is no question is a usage error" {
	local words
	for words in '--fail-flags=NONE' '--fail-flags=,' '--fail-flags=STUCK,' \
		'--expect-members -1' '--expect-members x' \
		'--expect-members 8 --watch' '--fail-flags --watch'; do
		port=80
		# shellcheck disable=SC2086 # words are words
		deploys $words
		test "$status" -eq 2 || fail "'$words': $status"
		test "$(wc -l <err)" -eq 1
	done
	deploys --fail-flags=STUCK,NONE
	test "$(<err)" = "rpnc probe: --fail-flags NONE: no such flag here: want STUCK, FULL, NOT-LISTENING, SHADOWED, ONE-SOCKET, HIJACKABLE, QUARANTINED, STEERED"
	run -2 rpnc probe --expect-members 8 80
	assert_output "rpnc probe: --expect-members goes with --group"
	# what only --group finds, and what only attempts find
	run -2 rpnc probe --fail-flags=stuck 80
	assert_output "rpnc probe: --fail-flags stuck: no such flag here: want STEERED, SILENT"
	deploys --fail-flags=SILENT
	test "$status" -eq 2
}

@test "gate: STUCK, until the member goes on" {
	members --sockets 1,1,1
	passes --expect-members 3 --fail-flags
	kill -STOP "${workers[1]}"
	clients 60 127.0.0.1
	alone() {
		inspect "$port"
		test "$(get '[.members[] | select(.queue > 0)] | length')" -eq 1
	}
	eventually alone
	holds_back "127.0.0.1:$port: STUCK (pid ${workers[1]})" --fail-flags
	holds_back "127.0.0.1:$port: STUCK (pid ${workers[1]})" --fail-flags=full,stuck
	passes --fail-flags=FULL,NOT-LISTENING,SHADOWED,ONE-SOCKET,QUARANTINED
	deploys --fail-flags --expect-members 3 --wait 50 >/dev/null &
	pids+=("$!")
	eventually pgrep -P "${pids[-1]}"
	kill -CONT "${workers[1]}"
	finish "${pids[-1]}"
	test "$(tail -n 1 report)" = deployed
}

@test "gate: FULL" {
	holder --backlog 1 127.0.0.1 0
	passes --fail-flags
	clients 2 127.0.0.1
	holds_back "127.0.0.1:$port: STUCK (pid $pid), FULL (pid $pid)" --fail-flags
	holds_back "127.0.0.1:$port: FULL (pid $pid)" --fail-flags=FULL
	passes --fail-flags=HIJACKABLE,ONE-SOCKET
}

@test "gate: NOT-LISTENING" {
	holder --reuseport 127.0.0.1 0
	passes --fail-flags
	holder --reuseport --bound 127.0.0.1 "$port"
	inspect "$port"
	test "$(get '.members | length')" -eq 2 || skip "the kernel (before 6.8) does not list it"
	provoked NOT-LISTENING " (pid $pid)"
}

@test "gate: SHADOWED" {
	holder --reuseport 0.0.0.0 0
	passes --fail-flags
	holder --reuseport 127.0.0.1 "$port"
	holds_back "0.0.0.0:$port: SHADOWED" --fail-flags
	holds_back "0.0.0.0:$port: SHADOWED" --fail-flags=SHADOWED
	passes --fail-flags=STUCK,FULL,NOT-LISTENING,ONE-SOCKET,HIJACKABLE
}

@test "gate: ONE-SOCKET" {
	members --sockets 1,1,1
	passes --fail-flags
	members --sockets 1,1,1 --shared
	provoked ONE-SOCKET ''
}

@test "gate: HIJACKABLE" {
	holder --udp --reuseport 127.0.0.1 0
	passes -u --fail-flags
	holder --udp --reuseaddr 127.0.0.1 0
	provoked HIJACKABLE " (pid $pid)" -u
}

@test "gate: QUARANTINED, while it is" {
	start echo -r --name A 127.0.0.1 0
	start echo -r --name B 127.0.0.1 "$port"
	passes --expect-members 2 --fail-flags
	as_by_a_person probe --quarantine B --yes "$port" >said 2>&1 3>&- &
	local quarantine=$!
	pids+=("$quarantine")
	shut() {
		run ! passes --fail-flags=QUARANTINED
	}
	eventually shut
	# which is done by a program
	holds_back "127.0.0.1:$port: QUARANTINED (pid $pid), STEERED" --fail-flags
	holds_back "127.0.0.1:$port: QUARANTINED (pid $pid)" --fail-flags=QUARANTINED
	holds_back "127.0.0.1:$port: STEERED" --fail-flags=STEERED
	passes --fail-flags=STUCK,FULL,HIJACKABLE
	end TERM "$quarantine"
	passes --fail-flags --wait 50
}

# steered_group ADDRESS ARG...: a foreign program has all go to one member.
steered_group() {
	local place
	[[ $1 != *:* ]] || family=-6
	members --sockets 1,1,1 --address "$@"
	test "$port" != 0 || return 1
	place=$(rpnc probe --group "$family" "$port" | sed -n '1s/ .*//p')
	# --group alone sends nothing, and so does not know
	inspect "$port"
	holds '.steered == null and .flags == []'
	passes --expect-members 3 --fail-flags=STUCK,FULL
	holds_back "$place: STEERED" --expect-members 3 --fail-flags
	holds_back "$place: STEERED" --fail-flags=steered
	inspect --fail-flags "$port"
	holds '.steered and .flags == ["STEERED"]'
	rpnc probe --group "$family" --fail-flags "$port" >text || true
	grep -qx "  STEERED: a program chooses the member, not the kernel's hash" text
}

@test "gate: STEERED by a foreign program of classic BPF" {
	steered_group 127.0.0.1 --steer
	family=
	grep -q . /proc/net/if_inet6 2>/dev/null || skip "no IPv6 here"
	steered_group ::1 --steer
}

@test "gate: STEERED by a foreign program of eBPF" {
	members --sockets 1,1 --ebpf
	test "$port" != 0 || skip "bpf(2) is refused here: ${workers[*]}"
	steered_group 127.0.0.1 --ebpf
}

@test "gate: STEERED is not who is left to the hash, and no server sees the question" {
	local try
	# a slow host may be too slow to take a connection back
	for try in 1 2 3 4 5; do
		members --sockets 1,1,1
		inspect --expect-members 3 --fail-flags "$port"
		test "$status" -eq 0
		holds '.steered != true and .flags == []'
		own_counts >got
		cat got
		holds '.steered == false' || continue
		run ! grep -v ' 0$' got || continue
		break
	done
	test "$try" -lt 5
	# the wildcard, too; and where two sockets are one process's
	start echo -r 0
	start echo -r "$port"
	family=
	inspect --fail-flags "$port"
	test "$status" -eq 0
	holds '.steered != true'
	members --sockets 2
	inspect --fail-flags "$port"
	holds '.steered != true'
}

@test "gate: STEERED by members of rpnc is known without a question" {
	start echo -r --name A --steer random 127.0.0.1 0
	start echo -r --name B 127.0.0.1 "$port"
	inspect "$port"
	holds '.steered and .steering == "random" and .flags == ["STEERED"]'
	holds_back "127.0.0.1:$port: STEERED" --fail-flags
	passes --fail-flags=STUCK,FULL,SHADOWED
	reserve
	start echo -u -r --steer random 127.0.0.1 "$port"
	passes -u --fail-flags # one alone has nothing to choose
	start echo -u -r 127.0.0.1 "$port"
	provoked STEERED '' -u
}

@test "gate: STEERED, until the program is gone" {
	start echo -r 127.0.0.1 0
	start echo -r --steer random 127.0.0.1 "$port"
	holds_back "127.0.0.1:$port: STEERED" --fail-flags
	deploys --fail-flags --wait 50 >/dev/null &
	pids+=("$!")
	eventually pgrep -P "${pids[-1]}"
	end TERM
	finish "${pids[-1]}"
	test "$(tail -n 1 report)" = deployed
}

@test "gate: at a terminal, too" {
	members --sockets 1,1
	shell w
	enter w "rpnc probe --group -4 --expect-members 3 --fail-flags --wait 60 $port && echo deployed"
	start echo -r 127.0.0.1 "$port"
	sees w "127.0.0.1:$port tcp, 3 sockets"
	prompts w '$'
	test "$(count w deployed)" -eq 2
	enter w "rpnc probe --group -4 --expect-members 4 $port || echo status \$?"
	sees w 'status 7'
	sees w "rpnc probe: 127.0.0.1:$port: 3 sockets, 3 processes: wanted 4"
}

@test "gate: a signal ends the search for a program that no connection answers" {
	own_network
	cat >interrupt.py <<-'END'
		import os, signal, socket, subprocess, sys
		def drops():
		    names, values = [l.split() for l in open("/proc/net/netstat")
		        if l.startswith("TcpExt:")]
		    return int(values[names.index("ListenDrops")])
		group, full, port = [], [], 0
		for _ in range(2):
		    s = socket.socket()
		    s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
		    s.bind(("127.0.0.1", port))
		    port = s.getsockname()[1]
		    s.listen(0)
		    group.append(s)
		# no queue has room
		for _ in range(40):
		    c = socket.socket()
		    c.setblocking(False)
		    c.connect_ex(("127.0.0.1", port))
		    full.append(c)
		for c in full:  # those that the kernel would try again
		    if c.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, 1) != b"\1":
		        c.close()
		before = drops()
		p = subprocess.Popen([sys.argv[1], "probe", "--group", "--fail-flags=STEERED",
		    "127.0.0.1", str(port)], stdout=subprocess.PIPE)
		while drops() == before and p.poll() is None:
		    pass
		p.send_signal(signal.SIGINT)
		shown = p.stdout.read()
		print(p.wait(), shown)
	END
	run -0 timeout 50 "${network[@]}" sh -c \
		'ip link set lo up && exec "$@"' sh python3 interrupt.py "$RPNC"
	assert_output "-2 b''"
}
