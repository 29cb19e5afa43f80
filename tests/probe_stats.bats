#!/usr/bin/env bats
# rpnc probe: what is expected, reports of many runs, and who else reads them.

load helpers
# shellcheck disable=SC2154

# probe ARG...: with an end to it; the report in report, the status in status.
probe() {
	status=0
	timeout 60 rpnc probe "$@" >report 2>err || status=$?
	cat report err # shown if the test fails
}

# get FILTER: of the JSON report.
get() {
	jq -r "$1" report
}

# holds FILTER: it is so of the JSON report.
holds() {
	jq -e "$1" report >/dev/null
}

# foreign COUNTS: two processes that are not rpnc's on one port, of which each
# has so many sockets; the port in port, their pids in workers.
foreign() {
	mkfifo "foreign.${#pids[@]}"
	python3 "$BATS_TEST_DIRNAME/members.py" --sockets "$1" \
		>"foreign.${#pids[@]}" 2>foreign.err 3>&- &
	read -r port line <"foreign.${#pids[@]}"
	pids+=("$!")
	read -ra workers <<<"$line"
	test -n "$port"
}

@test "probe: --expect-weights is what the counts are judged by" {
	foreign 9,1
	local nine=${workers[0]} one=${workers[1]}
	probe -n 400 --json --expect-weights "$nine=90,$one=10" "$port"
	test "$status" -eq 0
	holds ".members[] | select(.pid == $nine).expected == 360"
	holds '.fairness | .p > 1e-6 and .dof == 1 and (.at_least | not)'
	# half each is 1e-6 unlikely, and far more: 9 of 10 go to the one
	probe -n 400 --json --fail-uneven --expect-weights "$nine=1,$one=1" "$port"
	test "$status" -eq 7
	test "$(get .fairness.verdict)" = uneven
	probe -n 400 --expect-weights "$nine=900,$one=100" "$port"
	grep -qE '█  +[0-9]+ +[0-9.]+ %  of 360.0 expected$' report
	grep -q '^fair hashing gives what is expected ± ' report
}

@test "probe: --expect-weights: who is not named, and who is not there" {
	start echo -r --name A --identify 0
	start echo -r --name B --identify "$port"
	probe -n 100 --json --fail-uneven --expect-weights A=1 "$port"
	test "$status" -eq 7
	probe -n 100 --expect-weights A=1 "$port"
	grep -q '^member B is not in --expect-weights: nothing is expected of it$' report
	probe -n 100 --json --fail-uneven --expect-weights A=1,B=1,C=1 "$port"
	test "$status" -eq 7
	holds '.members | map(.name) == ["A", "B", "C"]'
	holds '.members[2] | .count == 0 and .share == 0'
	probe -n 100 --by banner --expect-weights A=1,B=1,C=1 "$port"
	grep -q '^nobody here is C, of whom something was expected$' report
	probe -n 100 --by banner --json --expect-weights A=1,B=1 "$port"
	holds '.fairness | .p > 1e-6 and (.at_least | not)'
}

@test "probe: --expect-weights: a name is that of each of its workers" {
	start echo -r -w 2 --name A 0
	start echo -r --name B "$port"
	probe -n 300 --json --expect-weights A=100,B=100 "$port"
	holds '[.members[].expected] == [100, 100, 100]'
	probe -n 300 --json --expect-weights A/1=200,B=100,A=0 "$port"
	holds '[.members[].expected] == [0, 200, 100]'
	test "$(get .fairness.verdict)" = uneven
}

@test "probe: --expect-weights that say nothing are a usage error" {
	local words
	for words in "" A A= =1 A=x A=1001 A=0 "weights A=1" "A=1,,"; do
		probe --expect-weights "$words" 9
		test "$status" -eq 2 || fail "'$words': $status"
		test "$(wc -l <err)" -eq 1
		grep -q -- '--expect-weights' err
	done
}


# steered_once FILTER: the program comes a moment after the members do.
steered_once() {
	probe -n 20 --json "$port"
	holds "$1"
}

@test "probe: members' own weights are what is expected of them" {
	start echo -r --name A --steer weights:A=90,B=10 127.0.0.1 0
	start echo -r --name B 127.0.0.1 "$port"
	# by equal shares this is uneven, whatever comes
	eventually steered_once '.members | .[0].count > 3 * .[1].count'
	probe -n 400 --json "$port"
	test "$status" -eq 0
	test "$(get .steering)" = "weights A=90,B=10"
	holds '[.members[].expected] == [360, 40] and .fairness.p > 1e-9'
	probe -n 400 "$port"
	grep -qx 'expected by the steering: weights A=90,B=10' report
	grep -q '^this steering gives what is expected ± ' report
	# and what one says oneself counts more
	probe -n 400 --json --fail-uneven --expect-weights A=1,B=1 "$port"
	test "$status" -eq 7
	# by the board, too
	probe -n 400 --json --by board "$port"
	holds '[.members[].expected] == [360, 40]'
}

@test "probe: a steering that follows the clients is not called uneven" {
	start echo -r --name A --steer source-address 127.0.0.1 0
	start echo -r --name B 127.0.0.1 "$port"
	# one address: all of it goes to one of them
	eventually steered_once '[.members[].count] | sort == [0, 20]'
	probe -n 200 --json --fail-uneven "$port"
	test "$status" -eq 0
	holds '.fairness == null and .steering == "source-address"'
	probe -n 200 --fail-uneven "$port"
	test "$status" -eq 0
	grep -qx "source-address steering follows the clients: how even it is can't be judged" report
	grep -q uneven report && fail "a verdict"
	# unless one says what should be
	probe -n 200 --json --fail-uneven --expect-weights A=1,B=1 "$port"
	test "$status" -eq 7
}
