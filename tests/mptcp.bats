#!/usr/bin/env bats
# shellcheck disable=SC2086,SC2154 # words are split; from helpers
# --mptcp: Multipath TCP, with itself, with plain TCP, and in a group.

load helpers
load connect
load probe
load group

needs_mptcp() {
	test "$(cat /proc/sys/net/mptcp/enabled 2>/dev/null)" = 1 ||
		skip "no MPTCP here"
}

@test "mptcp: both ends have it, and no byte changes" {
	needs_mptcp
	random_file 1000000 sent
	start_with sent listen --mptcp 127.0.0.1 0
	connect --mptcp "127.0.0.1:$port" <sent >got 2>err
	finish "$pid"
	cmp sent got
	cmp sent out.0
	assert_equal "$(<err)" ""
	grep -q '(mptcp)' err.0
}

@test "mptcp: a peer without it is served by TCP, and a client says so" {
	needs_mptcp
	start echo --mptcp 127.0.0.1 0
	run -0 connect "127.0.0.1:$port" <<<hello
	assert_output hello
	start echo 127.0.0.1 0
	run -0 connect --mptcp "127.0.0.1:$port" <<<hello
	assert_line "rpnc: the server has no MPTCP: this is plain TCP"
	assert_line hello
}

@test "mptcp: a group can't be steered, and a member leaves it by drain, which is said" {
	needs_mptcp
	run -2 rpnc listen -r --mptcp --steer random 0
	assert_output --partial "can't be steered"
	run -2 rpnc echo -r --mptcp --weight 3 0
	run -2 rpnc connect -u --mptcp 9
	# if the kernel refuses it to MPTCP; a later one may not
	if ! "$PYTHON" -c 'import socket
socket.socket(2, 1, 262).setsockopt(1, 47, 1 << 20)'; then
		for words in 'listen --mptcp 0' 'echo --mptcp 0' 'connect --mptcp 9'; do
			run -2 rpnc $words --limit-rate 1M
			assert_output --partial "limit-rate=1M: $(errno_text EOPNOTSUPP): this kernel has it for TCP, not for MPTCP"
		done
	fi
	start echo -v -r --mptcp 127.0.0.1 0
	local first=$pid
	start echo -r --mptcp 127.0.0.1 "$port"
	end TERM "$first"
	assert_equal "$status" 143
	grep -q "(drain: MPTCP takes no program)" err.0
	run -0 connect --mptcp "127.0.0.1:$port" <<<hello
	assert_output hello
}

# group_of N CONDITION: the group has N members, of which jq says so.
group_of() {
	inspect "$port"
	holds '(.members | length) == '"$1 and $2"
}

@test "mptcp: --group marks its listeners, which hold nothing half-open while idle" {
	needs_mptcp
	start echo -r --mptcp 127.0.0.1 0
	group_of 1 'all(.members[]; .mptcp and .half_open == 0 and .queue == 0)'
	# plain TCP beside it, in the same group; clients of both kinds, open
	start echo -r 127.0.0.1 "$port"
	group_of 2 '([.members[].mptcp] == [true, false]) and
		all(.members[]; .half_open == 0)'
	rpnc probe --group "$family" "$port" >text
	grep -qE '^ +A +[0-9]+ +[^ ]+ +rpnc +mptcp +0/' text
	grep -qE '^ +B +[0-9]+ +[^ ]+ +rpnc +0/' text
	background rpnc connect --mptcp 127.0.0.1 "$port" </dev/zero >/dev/null
	clients 9 127.0.0.1
	eventually group_of 2 'all(.members[]; .half_open == 0 and .queue == 0)'
	# one that accepts none: what is queued is not half-open
	halt "${pids[0]}"
	clients 30 127.0.0.1
	eventually group_of 2 '.members[0].queue > 0 and .members[0].half_open == 0'
	kill -CONT "${pids[0]}"
	needs_ipv6
	family=-6
	start echo --mptcp ::1 0
	group_of 1 '.members[0].mptcp and .members[0].half_open == 0'
	start echo -u 127.0.0.1 0
	inspect -u "$port"
	holds '.members[0].mptcp == null'
}
