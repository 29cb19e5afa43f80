# Members in two PID namespaces of one network namespace, as the containers of
# a pod are: each is PID 1, and neither can see the other's process.
# shellcheck shell=bash disable=SC2154,SC2016

bats_require_minimum_version 1.5.0
load helpers

setup_file() {
	unshare -Urn unshare -fp --mount-proc true 2>/dev/null ||
		skip "namespaces are refused here"
}

# pod: a network namespace, in which "inside" runs commands.
pod() {
	mkfifo up
	background unshare -Urn bash -c 'ip link set lo up
		echo >up
		exec tail -f /dev/null'
	pod=$pid
	read -r <up
}

# inside COMMAND...: there, in a PID namespace of its own, as PID 1.
inside() {
	exec nsenter --preserve-credentials -U -n -t "$pod" \
		unshare -fp --kill-child --mount-proc "$@"
}

# member NUMBER ARG...: rpnc as PID 1; its events in events.NUMBER, its pid as
# we see it in member[NUMBER].
member() {
	mkfifo "ready.m$1"
	inside rpnc "${@:2}" --ready-fd 4 4>"ready.m$1" </dev/null \
		>"events.$1" 2>"err.m$1" 3>&- &
	local parent=$!
	read -r _ <"ready.m$1" || cat "err.m$1"
	eventually child_of "$parent"
	members[$1]=$child
	pids=("$child" "$parent" "${pids[@]}")
}

child_of() {
	child=$(pgrep -P "$1" || true)
	test -n "$child"
}

told() {
	jq -es "$2" "events.$1" >>jq.out
}

@test "namespace: two that are PID 1 see each other come, change and die, without a pid" {
	local members=()
	pod
	member 0 listen -r --json --name left 127.0.0.1 9000
	member 1 listen -r --json --name right 127.0.0.1 9000
	assert told 1 '.[0] | .pid == 1 and .members == 2'
	eventually told 0 'any(.event == "joined" and .name == "right" and
		.pid == null and .members == 2)'
	kill -KILL "${members[1]}"
	eventually told 0 'any(.event == "left" and .name == "right" and
		.reason == "died" and .pid == null and .members == 1)'
	# for people
	member 2 echo -r --name human 127.0.0.1 9000
	member 3 echo -r --name third --steer source-port 127.0.0.1 9000
	eventually grep -q '^+ third joined (pid -): 3 members' err.m2
	eventually grep -qE '^~ third \(pid -\) set the steering: source-port' \
		err.m2 || eventually grep -q 'joined.*source-port' err.m2
	kill -TERM "${members[3]}"
	eventually grep -q '^- third left (pid -) after 0 connections' err.m2
}

@test "namespace: --replace finds one by its name, and by no pid of another namespace" {
	local members=() status=0
	pod
	member 0 echo -r --json --name old 127.0.0.1 9000
	(inside rpnc echo -r --replace 1 127.0.0.1 9000 </dev/null >&- 2>refused) ||
		status=$?
	assert_equal "$status" 2
	assert grep -q 'no rpnc of yours has this name or pid here; members: old (pid -)' \
		refused
	member 1 echo -r --json --name new --replace old 127.0.0.1 9000
	eventually told 0 'any(.event == "draining" and .reason == "replaced by new")'
	eventually told 0 'any(.event == "drained")'
	eventually told 1 'any(.event == "left" and .name == "old" and .reason == "left")'
}

@test "namespace: workers of a parent that is PID 1 are its own, and nobody else's" {
	local members=()
	pod
	member 0 echo -r -w 2 --json --name W 127.0.0.1 9000
	member 1 echo -r -w 2 --json --name X 127.0.0.1 9000
	eventually told 0 'map(select(.event == "joined") | .name) | sort ==
		["X/0", "X/1"]'
	refute told 0 'any(.event == "joined" and (.name | startswith("W")))'
	kill -TERM "${members[0]}"
	eventually told 0 'any(.event == "report") and (map(select(.event ==
		"report"))[0].workers | map(.name) == ["W/0", "W/1"])'
}

@test "namespace: probe names members whose pid it can't know, and shows none" {
	local members=()
	pod
	member 0 listen -r --json --name left 127.0.0.1 9000
	member 1 listen -r --json --name right 127.0.0.1 9000
	# from a third PID namespace, also as PID 1
	(inside rpnc probe --group --json 127.0.0.1 9000 </dev/null 3>&- >group)
	jq -es '.[0].members | map([.name, .pid, .state]) | sort ==
		[["left", null, "running"], ["right", null, "running"]]' group
	(inside rpnc probe --group --color=never 127.0.0.1 9000 </dev/null 3>&- \
		>group.text)
	run -0 cat group.text
	assert_output --regexp 'left +- '
	(inside rpnc listen --json --check -r 127.0.0.1 9000 </dev/null 3>&- >check)
	jq -es '[.. | objects | select(has("name") and .name != null) |
		[.name, .pid]] | sort | unique == [["left", null], ["right", null]]' check
	# by their own counts
	member 2 echo -u -r --json --name u 127.0.0.1 9000
	member 3 echo -u -r --json --name v 127.0.0.1 9000
	(inside rpnc probe -u --echo --by registry -n 40 --json 127.0.0.1 9000 \
		</dev/null 3>&- >report) || test $? -eq 6
	jq -es 'last | .members | map([.name, .pid]) | sort ==
		[["u", null], ["v", null]]' report
	jq -es 'last | (.members | map(.count) | add) == 40' report
}

@test "namespace: quarantine and rescue of one that can't be reached are refused" {
	local members=() status option
	pod
	member 0 listen -r --json --name left 127.0.0.1 9000
	member 1 listen -r --json --name right 127.0.0.1 9000
	for option in --quarantine --rescue; do
		status=0
		(inside rpnc probe --yes "$option" left 127.0.0.1 9000 \
			</dev/null 3>&- >out.no 2>err.no) || status=$?
		assert_equal "$status" 2
		assert grep -q "^rpnc probe: $option left: its process is in another PID namespace, and can't be reached from here: " \
			err.no
	done
	# PID 1 is the one that asks: it is no member
	status=0
	(inside rpnc probe --yes --quarantine 1 127.0.0.1 9000 </dev/null 3>&- \
		>out.no 2>err.no) || status=$?
	assert_equal "$status" 2
	assert grep -q 'it has no socket of its own' err.no
	refute told 0 'any(.event == "paused")'
}

@test "namespace: from outside, where all processes are seen, the pids are told" {
	local members=()
	pod
	member 0 listen -r --json --name left 127.0.0.1 9000
	member 1 listen -r --json --name right 127.0.0.1 9000
	nsenter --preserve-credentials -U -n -t "$pod" rpnc probe --group --json \
		127.0.0.1 9000 </dev/null 3>&- >group
	jq -es --argjson a "${members[0]}" --argjson b "${members[1]}" \
		'.[0].members | map([.name, .pid]) | sort ==
		[["left", $a], ["right", $b]]' group
}
