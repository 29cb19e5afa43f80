# The characters of what is shown: in a locale without UTF-8 only ASCII.
# shellcheck shell=bash disable=SC2154,SC2030,SC2031

bats_require_minimum_version 1.5.0
load helpers
load terminal
load probe

# plain FILE...: all bytes are ASCII.
plain() {
	! LC_ALL=C grep -nP '[^\x00-\x7f]' "$@"
}

# two: members A and B; the port in port.
two() {
	start echo -r --name A 127.0.0.1 0
	start echo -r --name B 127.0.0.1 "$port"
}

# both ARG...: rpnc probe ARG... in a locale without UTF-8 (its output in the
# file plain), and in one that has it (in the file utf8).
both() {
	LC_ALL='' LC_CTYPE=POSIX rpnc probe "$@" >plain 2>&1
	LC_ALL=C.UTF-8 rpnc probe "$@" >utf8 2>&1
	plain plain
}

@test "locale: without UTF-8 a probe's report is ASCII, into a pipe, too" {
	two
	both -n 400 --echo -v "$port"
	grep -qE '^  A +pid [0-9]+ rpnc +#{5}' plain
	grep -qE '^fair hashing gives 200 \+- [0-9]+ each' plain
	grep -qE '^connect +p50 +[0-9.]+ (us|ms)' plain
	grep -qE '^  A +pid [0-9]+ rpnc +█{5}' utf8
	grep -qE '^fair hashing gives 200 ± [0-9]+ each' utf8
	grep -qE '^connect +p50 +[0-9.]+ (µs|ms)' utf8
	LC_ALL=C rpnc probe -n 400 "$port" | cat >piped
	plain piped
	LC_ALL=C rpnc probe -n 400 --expect-weights A=9,B=1 "$port" >weighed
	plain weighed
	grep -q 'expected 360 +- 17' weighed
}

@test "locale: JSON is the same in every locale" {
	two
	LC_ALL=C rpnc probe -n 400 --json --expect-weights A=9,B=1 "$port" >report
	holds '.finding.text | test("expected 360 ± 17")'
}

@test "locale: without UTF-8 the reports of all modes are ASCII" {
	two
	both --group "$port"
	both --watch=100ms -d 400ms "$port"
	grep -qE '^rate .*[#*+=]' plain
	grep -qE '^rate .*[▁▂▃▄▅▆▇█]' utf8
	both --during --rate 200 -d 200ms "$port" -- true
	grep -qE '^  attempts +\|[^|]*#' plain
	grep -qE '^  attempts +\|[^|]*█' utf8
	both "$port,1"
	both --compare -w 2 -n 30 -d 1
	grep -qE '^  reuseport +#' plain
}

@test "locale: without UTF-8 what servers and clients say is ASCII" {
	start listen -x 127.0.0.1 0
	printf 'h\303\244llo\n' | LC_ALL=C rpnc connect -x 127.0.0.1 "$port" 2>sent
	finish "$pid"
	plain "err.0" sent
	LC_ALL=C start echo 127.0.0.1 0
	rpnc connect 127.0.0.1 "$port" </dev/null
	kill -INT "$pid"
	finish "$pid" || test $? -eq 130
	plain out.1 err.1
	grep -qE '^1 connections? in [0-9.]+ (us|ms|s|min)' out.1
	# a limit that is not reached says so in the same unit
	run -4 env LC_ALL=C rpnc listen --accept-timeout 500us 0
	assert_output --partial '500 us'
}

@test "locale: without UTF-8 the header and --watch are ASCII at a terminal" {
	pane a env LC_ALL=C rpnc listen -r --live --grace 0 0
	listening a
	for _ in {1..40}; do client; done
	sees a '40 accepted' '#####'
	sees a '----------'
	pane w env LC_ALL=C rpnc probe --watch=200ms --rate 50 "$port"
	sees w 'rate' '#'
	sees w 'connect '
	screen a >header
	screen w >watch
	plain header watch
}
