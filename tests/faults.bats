#!/usr/bin/env bats
# A sample of what "make faults" does; and that it finds what is wrong.
# shellcheck disable=SC2016 # the $ are for a script

load helpers

# faults ARG...: as "make faults" does. strace and the leak check exclude each
# other.
faults() {
	ASAN_OPTIONS=${ASAN_OPTIONS:-}:detect_leaks=0 timeout 100 \
		python3 -B "$BATS_TEST_DIRNAME/faults.py" "$@"
}

# like_rpnc CODE: a script in the place of rpnc.
like_rpnc() {
	printf '#!/bin/bash\n%s\n' "$1" >like-rpnc
	chmod +x like-rpnc
	export REAL=${REAL:-$RPNC} RPNC=$PWD/like-rpnc
}

@test "faults: a sample of system calls fail, and nothing is lost, hangs or is left" {
	local commit
	commit=$(git -c safe.directory='*' -C "$BATS_TEST_DIRNAME" rev-parse --short=7 HEAD 2>/dev/null || echo 0)
	run -0 faults --sample 16 --seed "$((16#$commit))"
	assert_line '16 faults, 0 findings'
}

@test "faults: status 0 with lost data, and a status without a line, are found" {
	local never=(--scenario connect --call epoll_ctl --error ENOMEM --turn 9999)
	like_rpnc 'test "$1" = connect || exec "$REAL" "$@"
		base64 -d <<<"$("$REAL" "$@" | head -c 100 | base64)"'
	run -1 faults "${never[@]}"
	assert_output --partial 'status 0, and 100 of 102400 bytes'
	assert_line '1 faults, 1 findings'
	like_rpnc 'test "$1" = connect || exec "$REAL" "$@"
		exit 1'
	run -1 faults "${never[@]}"
	assert_output --partial 'status 1 without a line'
}
