# Sourced by every *.bats: starts the real binary, and ends what was started.
# shellcheck shell=bash disable=SC2034

bats_require_minimum_version 1.5.0

# bats_load_library would start thirty processes (dirname) for each test.
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

# bats records the call stack before each command of a test, which takes longer
# than most commands. This records it only when a command has failed. A test
# that hangs prints the command.
if test "${BATS_TRACE_LEVEL:-0}" -eq 0 && declare -F bats_debug_trap \
	bats_error_trap bats_timeout_trap bats_check_status_from_trap \
	bats_capture_stack_trace bats_kill_childprocesses_of >/dev/null; then
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
	# bats ends the children only. If rpnc serves where it should refuse, the child
	# is the shell of run, which waits for it: nothing would end.
	bats_kill_childprocesses_of() {
		local pid list=()
		{ read -ra list <"/proc/$1/task/$1/children"; } 2>/dev/null || true
		for pid in "${list[@]}"; do
			test "$pid" != "$BASHPID" || continue
			bats_kill_childprocesses_of "$pid"
			kill "$pid" 2>/dev/null || true
		done
	}
fi

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

# start ARG...: starts rpnc in the background and waits until it listens. Sets
# $addrs, $port and $pid. Its output is in the files out.N and err.N, N from 0.
# Its stdin is /dev/null.
start() {
	start_with /dev/null "$@"
}

# start_with INPUT ARG...: the same, with INPUT (a file or a fifo) as stdin.
start_with() {
	local n=${#pids[@]} input=$1
	shift
	test ! -e "ready.$n" || rm "ready.$n" # from a start before a stop
	mkfifo "ready.$n"
	as_by_a_person "$@" --ready-fd 4 <"$input" 4>"ready.$n" 3>&- \
		>"out.$n" 2>"err.$n" &
	pid=$!
	pids+=("$pid")
	mapfile -t addrs <"ready.$n" # to the end of file: a wildcard has two
	port=${addrs[0]##*:}
	test "${#addrs[@]}" -gt 0
}

# as_by_a_person ARG...: rpnc with SIGINT at its default, as at a terminal; bash
# ignores SIGINT in background jobs.
as_by_a_person() {
	trap - INT
	declare -F rpnc >/dev/null || exec rpnc "$@"
	rpnc "$@"
}

# with_faults FAULT...: makes system calls fail in all processes of the next
# rpnc (FAULT: see inject= in strace(1)). $pid is still rpnc's own. The file
# trace lists the calls, each with its process and time.
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

# inject PID FAULT...: from now on such system calls of its fail (FAULT: see
# inject= in strace(1)). They are in the file trace.
inject() {
	local faults=("${@:2}") server=$pid
	: >trace
	background strace -ttt -o trace "${faults[@]/#/-einject=}" -p "$1" 2>/dev/null 5>&- 8>&-
	pid=$server
	eventually eval "test \$(awk '/^TracerPid/ { print \$2 }' /proc/$1/status) -ne 0"
}

# background COMMAND...: starts another process; stop ends it, too.
background() {
	"$@" 3>&- &
	pid=$!
	pids+=("$pid")
}

# finish PID: waits for it, and returns its exit status.
finish() {
	local i
	for i in "${!pids[@]}"; do
		test "${pids[i]}" != "$1" || pids[i]=
	done
	wait "$1"
}

# end SIGNAL [PID]: ends a server; its exit status is in $status.
end() {
	kill -s "$1" "${2:-$pid}"
	status=0
	finish "${2:-$pid}" || status=$?
}

# halt PID: stops it, until it is.
halt() {
	kill -STOP "$1"
	eventually grep -q '^State:.T' "/proc/$1/status"
}

# gone PID: it has ended; a zombie counts, because nobody may ever wait for it.
gone() {
	! grep -q '^State:.[^ZX]' "/proc/$1/status" 2>/dev/null
}

# stop: ends all processes that start and background began. A process that
# ignores SIGTERM for 40 s is killed, and the test fails. (A timer process would
# itself have to be killed, and bash may then run the traps of bats in it.)
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

# have_ended PID...: these children, not waited for yet, have all ended. One that
# something of this test stopped just before goes on. No other may get SIGCONT:
# it would take back the SIGSTOP by which a leak check begins, which then never
# ends.
have_ended() {
	local p stat running=0
	for p; do
		{ read -r stat <"/proc/$p/stat"; } 2>/dev/null || continue
		[[ ${stat##*) } != [ZX]* ]] || continue
		running=1
		[[ ${stat##*) } != T* ]] || kill -CONT "$p" 2>/dev/null || true
	done
	return "$running"
}

# eventually COMMAND...: repeats it until it succeeds, for 20 s at most. The
# pauses grow, because what is awaited needs the processor, too.
eventually() {
	local end=$((SECONDS + 20)) never ms=10
	! "$@" || return 0
	# a pause without a process: a read of a terminal that has no input
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

# has_musl: rpnc has the C library musl (as on Alpine), not glibc.
has_musl() {
	grep -qa /ld-musl- "$RPNC"
}

# errno_text NAME: what strerror(3) says of it in the C library that rpnc has.
errno_text() {
	local glibc musl
	case $1 in
	EADDRINUSE) glibc='Address already in use' musl='Address in use' ;;
	EADDRNOTAVAIL) glibc='Cannot assign requested address' musl='Address not available' ;;
	ECONNABORTED) glibc='Software caused connection abort' musl='Connection aborted' ;;
	EHOSTUNREACH) glibc='No route to host' musl='Host is unreachable' ;;
	EIO) glibc='Input/output error' musl='I/O error' ;;
	EMFILE) glibc='Too many open files' musl='No file descriptors available' ;;
	EMSGSIZE) glibc='Message too long' musl='Message too large' ;;
	ENETUNREACH) glibc='Network is unreachable' musl='Network unreachable' ;;
	ENOMEM) glibc='Cannot allocate memory' musl='Out of memory' ;;
	EOPNOTSUPP) glibc='Operation not supported' musl='Not supported' ;;
	ETIMEDOUT) glibc='Connection timed out' musl='Operation timed out' ;;
	*) return 1 ;;
	esac
	if has_musl; then echo "$musl"; else echo "$glibc"; fi
}

# open_descriptors PID: prints how many it has.
open_descriptors() {
	local list=(/proc/"$1"/fd/*)
	echo "${#list[@]}"
}

# ports of sources: tests take them from 2000 to 11999.
# reserve: sets $port to a free one; the kernel gives ports of this range to
# nobody who asks for port 0.
reserve() {
	for _ in {1..100}; do
		port=$((RANDOM % 20000 + 12000))
		test -n "$(ss -Htuan "sport = :$port")" || return 0
	done
	return 1
}

# listens [PID]: somebody, or that process, listens on $port.
listens() {
	ss -Hltnp "sport = :$port" | grep -q "${1:+pid=$1,}"
}

# list_workers: the children of $pid, in $workers.
list_workers() {
	read -ra workers <<<"$(cat "/proc/$pid/task/$pid/children")"
}

# replaced N VICTIM: $pid has N workers (in $workers), and the victim is none of
# them.
replaced() {
	list_workers
	test "${#workers[@]}" -eq "$1" && [[ " ${workers[*]} " != *" $2 "* ]]
}

# own_network: sets network to the words that run a command in a network
# namespace of its own, where lo is down; without one, the test is skipped.
own_network() {
	network=(unshare -n)
	test "$(id -u)" -eq 0 || network=(unshare -Urn)
	"${network[@]}" true 2>/dev/null || skip "no network namespaces here"
}

needs_ipv6() {
	grep -q ' lo$' /proc/net/if_inet6 || skip "no IPv6 here"
}
