#!/usr/bin/env bats
# A sample of what "make kills" does; and that it finds what is wrong.
# shellcheck disable=SC2016 # the $ are for a script

load helpers
load driver

@test "kills: members are killed at some steps: nothing is lost elsewhere, and nothing stays" {
	run -0 driver kills --sample 12 --seconds 15 --seed "$(sample_seed)"
	assert_output --partial ' 0 lost elsewhere, 0 findings'
}

@test "kills: a worker that is killed before it serves takes its queue with it" {
	run -0 driver kills --case join-workers/helper/1
	assert_output --partial '1 kills'
}

@test "kills: a member that is killed as it joins has not hidden a dead one's program" {
	run -0 driver kills --case join-legacy/actor/getrandom
	assert_output --partial '1 kills'
}

@test "kills: a loss, another steering, and what is left are found" {
	faulty_rpnc 'exec "$REAL" "$1" --leave close "${@:2}"'
	# a listener that is closed loses what waits; there may be nothing
	for _ in {1..5}; do
		run -1 driver kills --case leave/actor/9999
		[[ $output != *': C lost '* ]] || break
	done
	assert_output --partial '--case leave/actor/9999 (before None): C lost '
	assert_output --partial ' 1 findings'
	faulty_rpnc 'case $* in *" A "*) set -- "$@" --steer random ;; esac
		exec "$REAL" "$@"'
	run -1 driver kills --case join-third/actor/99999
	assert_output --partial 'steering: random'
	faulty_rpnc 'case $* in *" B "*)
			(trap "" TERM; for f in {3..30}; do eval "exec $f>&-"; done
				exec tail -f /dev/null) & ;;
		esac
		exec "$REAL" "$@"'
	LIMIT=5 run -1 driver kills --case join-third/actor/99999
	assert_output --partial 'left: tail -f /dev/null'
}
