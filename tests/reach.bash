# Loaded by tests of connections to given members: eight of them, and chance.
# shellcheck shell=bash disable=SC2034,SC2154

load helpers
load probe
load proxy

# tries N: sets $tries to N, or to 1000 in a whole run.
tries() {
	tries=${WHOLE:+1000}
	tries=${tries:-$1}
}

# eight ARG...: one rpnc with eight workers; their pids are in $workers.
eight() {
	start echo -r -w 8 --name A "$@"
	list_workers
	test "${#workers[@]}" -eq 8
}

# again COMMAND...: where a program or the kernel deals out connections by
# chance, one member in a million gets none of those that are tried. If one of
# them says so, the command runs once more.
again() {
	local i status
	for i in 1 2; do
		status=0
		"$@" >again.out 2>again.err || status=$?
		grep -qE 'got none of [0-9]+ connections|greeted on none|^  not reached' \
			again.out again.err || break
	done
	cat again.out
	cat again.err >&2
	return "$status"
}

# probe_again ARG...: probe, by again.
probe_again() {
	status=0
	again rpnc probe "$@" >report 2>err || status=$?
	printf '%s\n' "$(<report)" "$(<err)" # shown if the test fails
}
