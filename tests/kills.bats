#!/usr/bin/env bats
# A sample of what "make kills" does; and that it finds what is wrong.
# shellcheck disable=SC2016 # the $ are for a script

load helpers

# kills ARG...: as "make kills" does. ptrace(2) and the leak check exclude each
# other.
kills() {
	ASAN_OPTIONS=${ASAN_OPTIONS:-}:detect_leaks=0 timeout 100 \
		python3 -B "$BATS_TEST_DIRNAME/kills.py" "$@"
}

# like_rpnc CODE: a script in the place of rpnc.
like_rpnc() {
	printf '#!/bin/bash\n%s\n' "$1" >like-rpnc
	chmod +x like-rpnc
	export REAL=${REAL:-$RPNC} RPNC=$PWD/like-rpnc
}

@test "kills: members are killed at some steps: nothing is lost elsewhere, and nothing stays" {
	local commit
	commit=$(git -c safe.directory='*' -C "$BATS_TEST_DIRNAME" rev-parse --short=7 HEAD 2>/dev/null || echo 0)
	# "make kills" has all operations; these have been run at most steps
	run -0 kills --sample 12 --seconds 15 --seed "$((16#$commit))" \
		--operation join-third --operation leave --operation leave-udp \
		--operation quarantine --operation replace --operation adopt
	assert_output --partial ' 0 lost elsewhere, 0 findings'
}

@test "kills: a worker that is killed before it serves takes its queue with it" {
	run -0 kills --case join-workers/helper/1
	assert_output --partial '1 kills'
}

@test "kills: a member that is killed as it joins has not hidden a dead one's program" {
	run -0 kills --case join-legacy/actor/getrandom
	assert_output --partial '1 kills'
}

@test "kills: a loss, another steering, and what is left are found" {
	like_rpnc 'exec "$REAL" "$1" --leave close "${@:2}"'
	run -1 kills --case leave/actor/9999
	assert_output --partial '--case leave/actor/9999 (before None): C lost '
	assert_output --partial ' 1 findings'
	like_rpnc 'case $* in *" A "*) set -- "$@" --steer random ;; esac
		exec "$REAL" "$@"'
	run -1 kills --case join-third/actor/99999
	assert_output --partial 'steering: random'
	like_rpnc 'case $* in *" B "*)
			(trap "" TERM; for f in {3..30}; do eval "exec $f>&-"; done
				exec tail -f /dev/null) & ;;
		esac
		exec "$REAL" "$@"'
	LIMIT=5 run -1 kills --case join-third/actor/99999
	assert_output --partial 'left: tail -f /dev/null'
}
