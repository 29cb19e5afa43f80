# Sourced by tests/run: finds what a run leaves behind.
# shellcheck shell=bash disable=SC2034,SC2154
#
# Other people may use rpnc on this machine at the same time, and what they
# leave must not count. These marks show what belongs to the run:
#
#	process		RPNC_TEST_RUN in its environment, or its current
#			directory is in $run
#	file		it is in the TMPDIR of a test file; that is in $run
#	registry	the run has its own /dev/shm, /run/rpnc and /run/user,
#			if it may
#	mount		the run has its own mount namespace, if it may
#
# A named network namespace is a mount; one without a name ends with its
# processes. An ordinary user may not have a mount namespace: then a new
# registry of this user counts, unless the run has met an rpnc of this user that
# is not its own.

# may_be_apart: the run can have a mount namespace.
may_be_apart() {
	unshare --mount mount -t tmpfs shm /dev/shm 2>/dev/null
}

# mark PLACE: records what there is before the run. PLACE: apart (in a mount
# namespace of its own) or beside (among others). $run is the run's directory.
mark() {
	chmod 711 "$run" # some tests become other users
	export RPNC_TEST_RUN=${RPNC_TEST_RUN:+$RPNC_TEST_RUN.}${run##*.}
	export run place=$1
	test "$place" = beside || own_directories || exit 1
	registries >"$run/registries"
	mounts >"$run/mounts"
}

# own_directories: mounts empty directories where registries are if there is no
# XDG_RUNTIME_DIR. An empty /run/rpnc may stay: any rpnc of root makes it.
own_directories() {
	mount -t tmpfs -o mode=1777 shm /dev/shm || return
	test ! -d /run/user || mount -t tmpfs -o mode=755 user /run/user || return
	test -d /run/rpnc || mkdir -m 700 /run/rpnc 2>/dev/null || return 0
	mount -t tmpfs -o mode=700 rpnc /run/rpnc
}

mounts() {
	awk '{ print $5 }' /proc/self/mountinfo | sort
}

# registries: prints the registry files outside XDG_RUNTIME_DIR; in directories
# of our own, every file.
registries() {
	local uid
	uid=$(id -u)
	if test "$place" = apart; then
		find /dev/shm /run/rpnc /run/user ! -type d
	else
		find /dev/shm/rpnc* /run/rpnc "/run/user/$uid/rpnc-$uid" \
			-user "$uid" ! -type d
	fi 2>/dev/null | sort
}

# processes: prints the pids of this run, without those that it starts itself.
processes() (
	mark=RPNC_TEST_RUN=$RPNC_TEST_RUN
	unset RPNC_TEST_RUN
	{
		grep -lazF "$mark" /proc/[0-9]*/environ
		find /proc/[0-9]* -maxdepth 1 -name cwd -lname "$run/*"
	} 2>/dev/null | cut -d / -f 3 | sort -u
)

# meet_others: records that an rpnc of this user runs which is not of this run.
# A process without any environment is ending, and does not count.
meet_others() {
	local pid
	for pid in $(pgrep -x -u "$(id -u)" rpnc); do
		if tr '\0' '\n' <"/proc/$pid/environ" | awk \
			-v ours="RPNC_TEST_RUN=$RPNC_TEST_RUN" \
			'index($0, ours) == 1 { found = 1 }
			END { exit found || NR == 0 }'; then
			touch "$run/others"
		fi
	done
} 2>/dev/null

# stop_again: sends SIGSTOP again to the processes that a tracer of their own
# waits for. At the end of a sanitizer build its leak check stops the process so.
# If the terminal ends just then, the kernel sends SIGCONT, which takes back the
# SIGSTOP, and the check would never end (disassociate_ctty of
# drivers/tty/tty_jobctrl.c, Linux 6.1).
stop_again() {
	local pid tracer
	for pid; do
		tracer=$(awk '/^TracerPid:/ { print $2 }' "/proc/$pid/status") || continue
		test "${tracer:-0}" -ne 0 || continue
		grep -q "^PPid:[[:space:]]$pid$" "/proc/$tracer/status" || continue
		kill -STOP "$pid" || continue
	done
} 2>/dev/null

# none_runs: waits up to 5 s until no process of the run is left.
none_runs() {
	local end=$((SECONDS + 5)) left
	until left=$(processes) && test -z "$left"; do
		# shellcheck disable=SC2086 # pids
		test -z "${SAN:-}" || stop_again $left
		test "$SECONDS" -lt "$end" || return 1
		read -r -t 0.1 <> <(:) || true
	done
}

# variable NAME PID: prints its value in the environment of that process.
variable() {
	tr '\0' '\n' <"/proc/$2/environ" | sed -n "s/^$1=//p;T;q"
} 2>/dev/null

# left_processes: reports the processes that still run, and kills them.
left_processes() {
	local pid words
	none_runs && return
	for pid in $(processes); do
		words=$(tr '\0' ' ' <"/proc/$pid/cmdline") || continue
		printf '%s left process %s (%s) of %s\n' \
			"$(variable RPNC_TEST_FILE "$pid")" "$pid" "${words% }" \
			"$(variable BATS_TEST_NAME "$pid")"
		kill -KILL "$pid" || true
	done
} 2>/dev/null

# left_files: reports what is in the TMPDIR of a test file when that is done.
left_files() {
	local dir path
	for dir in "$run/tmp"/*/; do
		test -d "$dir" || continue
		find "$dir" -mindepth 1 \( ! -type d -o -empty \) -printf '%P\n' |
			while IFS= read -r path; do
				printf '%s left TMPDIR/%s\n' \
					"$(sed -n 2p "$run/logs/$(basename "$dir").tap")" "$path"
			done
	done
}

left_registries() {
	test "$place" = beside -a -e "$run/others" ||
		registries | comm -13 "$run/registries" - | sed 's/^/left /'
}

# left: prints a line for each thing that the run has left behind.
left() {
	left_processes
	left_files
	left_registries
	mounts | comm -13 "$run/mounts" - | sed 's/^/left mounted on /'
}
