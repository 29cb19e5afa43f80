# Sourced by every *.bats: starting the real binary, ending what was started.
# shellcheck shell=bash disable=SC2034

bats_require_minimum_version 1.5.0

# bats_load_library would run thirty processes for each test, by dirname.
libraries() {
	local path file
	for path in ${BATS_LIB_PATH//:/ }; do
		for file in "$path"/bats-{support,assert}/src/*.bash; do
			# shellcheck source=/dev/null
			test ! -e "$file" || . "$file"
		done
	done
}
libraries

# bats notes the whole call stack before each command of a test, which takes
# longer than most commands. Here it looks at the stack when one has failed, and
# a test that hangs says at which command.
test "${BATS_TRACE_LEVEL:-0}" -gt 0 || {
	bats_debug_trap() {
		trap - DEBUG
	}
	bats_error_trap() {
		bats_check_status_from_trap
		bats_capture_stack_trace
		BATS_DEBUG_LAST_STACK_TRACE_IS_VALID=1
	}
	bats_timeout_trap() {
		BATS_TIMED_OUT=1
		echo "hangs at: $BASH_COMMAND (in ${FUNCNAME[*]:1})"
		exit 1
	}
}

pids=()
addrs=()

setup() {
	cd "$BATS_TEST_TMPDIR" || return 1
	export XDG_RUNTIME_DIR=$BATS_TEST_TMPDIR/run
	mkdir -m 700 "$XDG_RUNTIME_DIR"
	pids=()
}

teardown() {
	stop
}

# start ARG...: rpnc in the background, until it listens. Its descriptors are
# in out.N and err.N, N from 0; its addresses in addrs, its port in port, its
# pid in pid. Without a stdin of its own it reads /dev/null: see start_with.
start() {
	start_with /dev/null "$@"
}

# start_with INPUT ARG...: the same, reading INPUT (a file or a fifo).
start_with() {
	local n=${#pids[@]} input=$1
	shift
	test ! -e "ready.$n" || rm "ready.$n" # of a start before a stop
	mkfifo "ready.$n"
	as_by_a_person "$@" --ready-fd 4 <"$input" 4>"ready.$n" 3>&- \
		>"out.$n" 2>"err.$n" &
	pid=$!
	pids+=("$pid")
	mapfile -t addrs <"ready.$n" # to the end of file: a wildcard has two
	port=${addrs[0]##*:}
	test "${#addrs[@]}" -gt 0
}

# as_by_a_person ARG...: rpnc in the background, where bash has SIGINT ignored.
as_by_a_person() {
	trap - INT
	declare -F rpnc >/dev/null || exec rpnc "$@"
	rpnc "$@"
}

# with_faults FAULT...: the rpnc that start starts has these system calls fail
# (strace(1), inject=), in all its processes; pid is rpnc's own. The calls are
# in ./trace, with their process and time.
with_faults() {
	local calls
	calls=$(printf '%s,' "${@%%:*}")
	faults=("--trace=${calls%,}" "${@/#/--inject=}")
	# strace would keep the descriptor of --ready-fd open
	# shellcheck disable=SC2016,SC2317 # the $@ is for the inner bash
	rpnc() {
		export ASAN_OPTIONS=${ASAN_OPTIONS:-}:detect_leaks=0
		rm -f ready.inner
		mkfifo ready.inner
		cat ready.inner >&4 &
		exec strace -D -f -ttt -qq -o trace "${faults[@]}" \
			bash -c 'exec rpnc "$@" 4>ready.inner' bash "$@" 4>&-
	}
}

# background COMMAND...: any other process, ended with the rest.
background() {
	"$@" 3>&- &
	pid=$!
	pids+=("$pid")
}

# finish PID: waits for it; its exit status.
finish() {
	local i
	for i in "${!pids[@]}"; do
		test "${pids[i]}" != "$1" || pids[i]=
	done
	wait "$1"
}

# stop: ends all that start and background began. What ignores SIGTERM for 40 s
# is killed, and that is a failure. (A background process that watches the time
# would itself have to be killed, and bash may then run the traps of bats there.)
stop() {
	local p mine=() late=
	for p in "${pids[@]}"; do
		test -z "$p" || mine+=("$p")
	done
	pids=()
	test "${#mine[@]}" -gt 0 || return 0
	kill "${mine[@]}" 2>/dev/null || true
	eventually have_ended "${mine[@]}" || eventually have_ended "${mine[@]}" ||
		late=yes
	test -z "$late" || kill -KILL "${mine[@]}" 2>/dev/null || true
	wait "${mine[@]}" 2>/dev/null || true
	test -z "$late" || fail "SIGTERM was ignored for 40 s: killed"
}

# have_ended PID...: our children, which nobody has waited for yet.
have_ended() {
	local p stat
	for p; do
		{ read -r stat <"/proc/$p/stat"; } 2>/dev/null || continue
		[[ ${stat##*) } == [ZX]* ]] || return 1
	done
}

# eventually COMMAND...: until it succeeds, for 40 s at most; without a sleep
# that a slow machine could outrun. It asks less often the longer it waits, as
# what is awaited needs the processor too.
eventually() {
	local end=$((SECONDS + 20)) never ms=10
	! "$@" || return 0
	# a terminal that nobody types at costs no process
	{ exec {never}<>/dev/ptmx; } 2>/dev/null || exec {never}<> <(:)
	until read -r -t "0.0$ms" -u "$never" || "$@"; do
		test "$SECONDS" -lt "$end" || break
		test "$ms" -gt 50 || ms=$((ms * 3 / 2))
	done
	exec {never}<&-
	test "$SECONDS" -lt "$end" || "$@"
}

# random_file SIZE FILE
random_file() {
	head -c "$1" /dev/urandom >"$2"
}

# open_descriptors PID: how many.
open_descriptors() {
	local list=(/proc/"$1"/fd/*)
	echo "${#list[@]}"
}

# reserve: a port that is free, and that the kernel gives to nobody.
reserve() {
	for _ in {1..100}; do
		port=$((RANDOM % 20000 + 12000))
		test -n "$(ss -Htuan "sport = :$port")" || return 0
	done
	return 1
}
