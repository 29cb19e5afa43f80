# For the test files of tests/faults.py and tests/kills.py, the drivers of "make
# faults" and "make kills".
# shellcheck shell=bash

# driver NAME ARG...: runs it as "make NAME" does, but without the leak check:
# it and the driver would both trace rpnc, and a process has only one tracer.
driver() {
	ASAN_OPTIONS=${ASAN_OPTIONS:-}:detect_leaks=0 timeout 100 \
		python3 -B "$BATS_TEST_DIRNAME/$1.py" "${@:2}"
}

# sample_seed: prints a seed for --sample, another one for each commit.
sample_seed() {
	local commit
	commit=$(git -c safe.directory='*' -C "$BATS_TEST_DIRNAME" \
		rev-parse --short=7 HEAD 2>/dev/null || echo 0)
	echo "$((16#$commit))"
}

# faulty_rpnc CODE: from now on a driver runs CODE, in bash, instead of rpnc. In
# it, $REAL is rpnc.
faulty_rpnc() {
	printf '#!/bin/bash\n%s\n' "$1" >faulty-rpnc
	chmod +x faulty-rpnc
	export REAL=${REAL:-$RPNC} RPNC=$PWD/faulty-rpnc
}
