#!/usr/bin/env bats
# shellcheck disable=SC2154 # from helpers
# --delay: the pause between lines of standard input.

load helpers
load connect

@test "delay: each line comes after the pause, and no byte changes" {
	server '
c = accept()
parts, times = [], []
while part := c.recv(100):
    parts.append(part); times.append(time.monotonic())
save(b"".join(parts))
tell("told", [len(parts), times[-1] - times[0] > 0.55])'
	mkfifo told
	printf 'one\n\nthree\nrest' >sent
	connect --delay 200ms "127.0.0.1:$port" <sent &
	run -0 cat told
	assert_output "[4, True]"
	finish "$!"
	cmp sent got
}

@test "delay: with -u each line is a datagram" {
	KIND=udp server 'tell("told", [s.recv(100) for i in range(3)])'
	mkfifo told
	printf 'one\n\nrest' | connect -u --delay 50ms --linger 0 "127.0.0.1:$port" &
	run -0 cat told
	assert_output "[b'one\n', b'\n', b'rest']"
	finish "$!"
}

@test "delay: there is no prompt with it, which would send each line at once" {
	run -2 rpnc connect --delay 1 --prompt=always "127.0.0.1:9"
	assert_output "rpnc connect: --delay is for lines of stdin: a prompt sends each line at once"
	server 'c = accept(); tell("told", c.recv(100)); c.close()'
	mkfifo told
	printf 'one\n' >sent
	timeout 30 script -qefc "rpnc connect --delay 1ms 127.0.0.1:$port" screen <sent >out 3>&- &
	run -0 cat told
	assert_output "b'one\n'"
	finish "$!"
	run ! grep -q 'connected to' out
}

@test "delay: lines that are not sent yet count as not delivered" {
	server 'c = accept(); c.recv(100); c.close()'
	printf 'one\ntwo\nthree\n' >sent
	run -1 connect --delay 60 "127.0.0.1:$port" <sent
	assert_output --partial "10 bytes of input were not delivered"
}
