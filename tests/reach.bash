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

# from_another_host CODE: bash on a host whose neighbour has eight workers of A
# at 192.0.2.2:9000. There, neighbour ARG... starts an rpnc, and waits until it
# listens. The output is that of CODE.
from_another_host() {
	unshare -Urn true || skip "no network namespaces here"
	# shellcheck disable=SC2016 # for the inner bash
	run -0 timeout 60 unshare -Urn bash -euc '
		neighbour() {
			nsenter -t "$there" -n rpnc "$@" --ready-fd 4 4>ready >/dev/null 2>&1 &
			read -r _ <ready
		}
		ip link set lo up
		mkfifo up ready
		unshare -n bash -c "echo \$\$ >up; exec tail -f /dev/null" &
		read -r there <up
		ip link add v0 type veth peer name v1 netns "$there" 2>/dev/null ||
			{ echo none; kill "$there"; exit; }
		ip addr add 192.0.2.1/24 dev v0
		ip link set v0 up
		nsenter -t "$there" -n ip addr add 192.0.2.2/24 dev v1
		nsenter -t "$there" -n ip link set v1 up
		neighbour echo -r -w 8 --name A --identify 192.0.2.2 9000
		eval "$1"
		kill $(jobs -p)
		wait || true' from_another_host "$1" 3>&-
	test "$output" != none || skip "no veth here"
}
