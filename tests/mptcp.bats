#!/usr/bin/env bats
# shellcheck disable=SC2086,SC2154 # words are split; from helpers
# --mptcp: Multipath TCP, with itself, with plain TCP, and in a group.

load helpers
load connect

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
			assert_output --partial "limit-rate=1M: Operation not supported: this kernel has it for TCP, not for MPTCP"
		done
	fi
	start echo -v -r --mptcp 127.0.0.1 0
	local first=$pid
	start echo -r --mptcp 127.0.0.1 "$port"
	end TERM "$first"
	assert_equal "$status" 143
	grep -q "(drain: MPTCP has no programs)" err.0
	run -0 connect --mptcp "127.0.0.1:$port" <<<hello
	assert_output hello
}
