#!/usr/bin/env bats
# --replace with --name: the new member has the name of the old one at once.
# shellcheck disable=SC2016,SC2154

load helpers

# names: the members of the port, as the kernel's sockets and the registry have
# them; -u: of its datagram sockets.
names() {
	rpnc probe --group --json "$@" 127.0.0.1 "$port" |
		jq -r '[.members[].name] | sort | join(" ")'
}

named() {
	test "$(names "${@:2}")" = "$1"
}

# takes_over BY ARG...: D, whose start was number $n, is replaced by a new D,
# by its name or its pid; E, number 1, and D see it.
takes_over() {
	local old=$pid old_number=$n by=$1
	test "$by" = name && by=D || by=$old
	start "${@:2}" -r --name D --replace "$by" 127.0.0.1 "$port"
	n=$((${#pids[@]} - 1))
	finish "$old"
	assert grep -qx "D.old leaves: replaced by pid $pid, which is D now" \
		"err.$old_number"
}

@test "replace: the new one may have the old one's name, which is D.old until it has left" {
	start echo -r --name D 127.0.0.1 0
	local first=$pid n=0
	start echo -r --name E 127.0.0.1 "$port"
	pid=$first
	takes_over name echo
	assert grep -qE "^\+ D joined \(pid $pid\) in place of D.old \(pid $first\): 3 members" err.1
	eventually grep -qE "^- D.old left \(pid $first\)" err.1
	assert_equal "$(names)" 'D E'
	takes_over pid echo
	takes_over name listen
	takes_over pid listen
	assert_equal "$(names)" 'D E'
	takes_over name echo -w 2
	assert_equal "$(names)" 'D/0 D/1 E'
	takes_over name echo -w 2
	assert_equal "$(names)" 'D/0 D/1 E'
	takes_over name echo
	assert_equal "$(grep -c '^D.old/[01] left: ' "err.$((n - 1))")" 2
	assert_equal "$(names)" 'D E'
}

@test "replace: datagrams of D go to the new D" {
	reserve
	start echo -u -r --name D 127.0.0.1 "$port"
	local n=$((${#pids[@]} - 1))
	takes_over name echo -u
	assert_equal "$(names -u)" D
	assert_equal "$(rpnc connect -u --linger 5 127.0.0.1 "$port" <<<hello | head -n 1)" hello
}

@test "replace: while several old ones live, each name is one member's" {
	start echo -r --name D 127.0.0.1 0
	local first=$pid second third
	halt "$first"
	start echo -r --name D --replace D 127.0.0.1 "$port"
	second=$pid
	assert grep -q "D.old is stopped: it leaves when it goes on (kill -CONT $first)" err.1
	assert_equal "$(names)" 'D D.old'
	halt "$second"
	start echo -r --json --name D --replace D 127.0.0.1 "$port"
	third=$pid
	assert_equal "$(names)" 'D D.old D.old2'
	# by this name the newest is meant
	run -2 rpnc echo -r --name D 127.0.0.1 "$port"
	assert_output --partial 'name D: a live member has this name'
	rpnc echo -r --check --name D --replace D 127.0.0.1 "$port"
	run -2 rpnc echo -r --check --name D.old --replace D 127.0.0.1 "$port"
	rpnc probe --group --json 127.0.0.1 "$port" |
		jq -e --argjson pid "$third" 'any(.members[]; .name == "D" and .pid == $pid)'
	kill -CONT "$first" "$second"
	finish "$first"
	finish "$second"
	eventually named D
	assert grep -qx "D.old2 leaves: replaced by pid $third, which is D now" err.1
	# the longest name has no room for more
	start echo -r --name ABCDEFGHIJKLMNOP 127.0.0.1 "$port"
	halt "$pid"
	start echo -r --name ABCDEFGHIJKLMNOP --replace "$pid" 127.0.0.1 "$port"
	assert_equal "$(names)" 'ABCDEFGHIJKL.old ABCDEFGHIJKLMNOP D'
	eventually grep -q '"event":"joined".*"name":"ABCDEFGHIJKLMNOP".*"replaces":"ABCDEFGHIJKL.old (pid ' out.2
	kill -CONT "${pids[3]}"
	finish "${pids[3]}"
}

@test "replace: the new one has the share that its name is given, and the old one none" {
	start echo -r --name D --steer 'weights D=10,E=90' 127.0.0.1 0
	local old=$pid
	start echo -r --name E 127.0.0.1 "$port"
	# until both steer: one that is stopped while it does so holds up the others
	steered() {
		rpnc probe -n 200 --json 127.0.0.1 "$port" |
			jq -e 'all(.members[]; .name == "E" or .count < 60)'
	}
	eventually steered
	halt "$old"
	start echo -r --name D --replace D 127.0.0.1 "$port"
	shares() {
		rpnc probe -n 200 --timeout 5 --json 127.0.0.1 "$port" >report
		jq -e --argjson old "$old" --argjson new "$pid" '
			(.queued == 0 and .ok == 200) and
			([.members[] | select(.pid == $old) | .count] | add // 0) == 0 and
			any(.members[]; .pid == $new and .name == "D" and
				.count > 0 and .count < 60)' report # by the default 100: 105
	}
	eventually shares || fail "$(jq -c .members report)"
	kill -CONT "$old"
	finish "$old"
}

@test "replace: a new one that can't start gives the name back" {
	start echo -r --name D 127.0.0.1 0
	start echo -r --name E 127.0.0.1 "$port"
	# the leak check clones, too, and can't be traced
	ASAN_OPTIONS+=:detect_leaks=0 run timeout 60 strace -f -qq -o trace \
		-e "trace=clone,clone3,?fork" -e "inject=clone,clone3,?fork:error=EAGAIN" \
		rpnc echo -r -w 2 --name D --replace D 127.0.0.1 "$port"
	test "$status" -ne 0
	grep -q INJECTED trace
	eventually named 'D E'
	run ! grep leaves err.0
	end TERM "${pids[0]}"
	grep -q '^left: ' err.0
	eventually grep -q '^- D left ' err.1
}
