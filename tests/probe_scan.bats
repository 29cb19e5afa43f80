#!/usr/bin/env bats
# rpnc probe of several ports: which are open, which closed, which silent.
# shellcheck disable=SC2016,SC2154

load helpers
load probe

# pair: two servers on one address, their ports in low and high.
pair() {
	start echo 127.0.0.1 0
	low=$port
	start echo 127.0.0.1 0
	high=$port
	test "$low" -lt "$high" || { high=$low low=$port; }
}

# alone ARG...: a scan where no one else has ports: 9000 and 9100 are open.
alone() {
	own_network
	timeout 100 "${network[@]}" bash -c '
		ip link set lo up && mkfifo ready || exit
		for port in 9000 9100; do
			rpnc echo 127.0.0.1 "$port" --ready-fd 4 4>ready >/dev/null 2>&1 &
			cat ready >bound
		done
		ulimit -n "${DESCRIPTORS-1024}"
		rpnc probe "$@" >report 2>err
		echo "$?" >status
		kill $(jobs -p)
		wait
	' alone "$@" 3>&-
	cat report err
	status=$(<status)
	rm ready
}

@test "scan: open and closed ports, as a list, and 0 if any is open" {
	pair
	probe --json 127.0.0.1 "1,$low,$high"
	test "$status" -eq 0
	test "$(wc -l <report)" -eq 1
	test "$(get '"\(.event) \(.command) \(.open) \(.closed) \(.silent)"')" = "report scan 2 1 0"
	get '.scan[] | "\(.address) \(.port) \(.state)"' >got
	printf '127.0.0.1 %s\n' "1 closed" "$low open" "$high open" >wanted
	diff -u wanted got
	get '[.scan[].seconds | . > 0 and . < 10] | all' | grep -qx true
}

@test "scan: for people, open ports have a line each, and -v shows the others" {
	pair
	probe 127.0.0.1 "1,$low,$high"
	test "$status" -eq 0
	test "$(wc -l <report)" -eq 3
	grep -qE "^127\.0\.0\.1:$low +open +[0-9.]+ .s" report
	grep -qE '^2 open, 1 closed, 0 no answer, [0-9.]+ .?s$' report
	probe -v 127.0.0.1 "1,$low,$high"
	grep -qE '^127\.0\.0\.1:1 +closed +[0-9.]+ .s' report
	test ! -s err
}

@test "scan: ranges, names of services, and each port once" {
	alone --json 127.0.0.1 9000,8998-9003,9100,9000
	test "$status" -eq 0
	test "$(get '[.scan[].port] | tostring')" = "[8998,8999,9000,9001,9002,9003,9100]"
	test "$(get '[.scan[] | select(.state == "open").port] | tostring')" = "[9000,9100]"
	getent services http ssh >/dev/null || skip "no names of services here"
	alone --json 127.0.0.1 http,9000,ssh
	test "$(get '[.scan[].port] | tostring')" = "[22,80,9000]"
}

@test "scan: all ports of a host, none of which connects to itself" {
	alone --json -c 100 127.0.0.1 1-65535
	test "$status" -eq 0
	test "$(get '"\(.open) \(.closed) \(.silent)"')" = "2 65533 0"
	test "$(get '[.scan[] | select(.state == "open").port] | tostring')" = "[9000,9100]"
}

@test "scan: no port open is 1, and HOST:PORTS is the same as HOST PORTS" {
	probe --json 127.0.0.1:1,2-3
	test "$status" -eq 1
	test "$(get '"\(.open) \(.closed)"')" = "0 3"
	probe --json '[::1]:1-2'
	test "$status" -eq 1
	test "$(get '[.scan[].address] | unique | tostring')" = '["::1"]'
}

@test "scan: a port that any address of the host has is open" {
	start echo ::1 0
	probe --json "1,$port"
	test "$status" -eq 0
	test "$(get ".scan[] | select(.port == $port) | \"\(.address) \(.state)\"")" = "::1 open"
}

@test "scan: a full queue gives no answer, and others are not kept waiting" {
	start echo 127.0.0.1 0
	full_port
	probe --json --connect-timeout 0.3 127.0.0.1 "$port,$full"
	test "$status" -eq 0
	test "$(get ".scan[] | select(.port == $full) | \"\(.state) \(.seconds) \(.reason)\"")" = \
		"no answer null $(errno_text ETIMEDOUT)"
	test "$(get ".scan[] | select(.port == $port).state")" = open
	probe --connect-timeout 0.1 127.0.0.1 "1,$full"
	test "$status" -eq 1
	grep -q '^0 open, 1 closed, 1 no answer, ' report
}

@test "scan: SIGINT ends it with what is known, and then the signal" {
	start echo -v 127.0.0.1 0
	full_port
	(trap - INT && exec timeout -s KILL 60 \
		rpnc probe --json --connect-timeout 50 127.0.0.1 "$port,$full") >report 2>err 3>&- &
	local prober=$!
	pids+=("$prober")
	eventually grep -q '#1 closed' err.0
	kill -INT "$(pgrep -P "$prober")"
	status=0
	finish "$prober" || status=$?
	test "$status" -eq 130
	test "$(get '"\(.open) \(.scan | length)"')" = "1 1"
}

@test "scan: connections end by FIN, though something is unread" {
	mkfifo ready
	python3 "$BATS_TEST_DIRNAME/members.py" --do say >ready 3>&- &
	pid=$!
	pids+=("$pid")
	read -r port _ <ready
	probe 127.0.0.1 "$port,1"
	test "$status" -eq 0
	kill "$pid"
	finish "$pid"
	test "$(cat count.*)" -eq 1
	test ! -e resets
}

@test "scan: few descriptors: fewer at a time, and it says so" {
	export DESCRIPTORS=48
	alone -c 100 127.0.0.1 1-200,9000
	test "$status" -eq 0
	grep -q '48 descriptors are allowed (ulimit -n): 16 connections at a time instead of 100' err
	grep -q '^1 open, 200 closed' report
}

@test "scan: usage that makes no sense is 2" {
	local words
	for words in "9,x-y" "9," "0,1" "0-5" "9-8" "1-70000" "-u 1,2" "-n 5 1,2" \
		"--echo 1,2" "--rate 5 1,2" "-U 1,2" "a b 1,2" "--wait 5 1,2" \
		"--group 1,2" "--what-if +1 1,2" "--openmetrics m 1,2" \
		"--expect x 1,2" "--timeout 1 1,2"; do
		# shellcheck disable=SC2086 # words are words
		probe $words
		test "$status" -eq 2 || fail "'$words': $status"
		test "$(wc -l <err)" -eq 1
		test ! -s report
	done
	probe -u 1,2
	grep -q -- '--echo or --send' err
}
