#!/usr/bin/env bats
# The sandbox: which processes are in it, what code of a stranger can do there,
# and that each command still does its work. The whole suite runs in it, too.
# shellcheck disable=SC2154 # $port is from start

load listen

# confined PID: it and its threads have no new privileges, and a filter.
confined() {
	assert_equal "$(awk '/^NoNewPrivs:|^Seccomp:/ { printf "%s ", $2 }' "/proc/$1/status")" '1 2 '
}

free() {
	assert_equal "$(awk '/^NoNewPrivs:|^Seccomp:/ { printf "%s ", $2 }' "/proc/$1/status")" '0 0 '
}

children() {
	cat "/proc/$1/task/$1/children"
}

# intrude LETTER PID: code in that process makes the call; prints what came.
intrude() {
	local said
	printf '%s' "$1" >&200
	exchange >/dev/null
	read -r -t 20 said <&201
	echo "$said"
}

# exchange: a client comes, and gets its line back.
exchange() {
	assert_equal "$(echo line | timeout 20 rpnc connect --sandbox=off 127.0.0.1 "$port")" line
}

# with_intruder: the next start has code of a stranger in it.
with_intruder() {
	test -z "${SAN:-}" || skip 'a sanitizer wants to be the first library'
	local compiler=cc
	! has_musl || compiler=musl-gcc
	"$compiler" -shared -fPIC -o intruder.so "$BATS_TEST_DIRNAME/intruder.c"
	mkfifo orders results
	exec 200<>orders 201<>results
	# shellcheck disable=SC2317
	rpnc() {
		LD_PRELOAD=$PWD/intruder.so exec "$RPNC" "$@"
	}
}

# serves OPTION... ADDRESS -- COMMAND...: starts listen with them.
serves() {
	local options=("${@:1:$#-2}") program=("${@: -2}")
	# shellcheck disable=SC2317
	rpnc() {
		exec "$RPNC" "$@" "${program[@]}"
	}
	start listen "${options[@]}"
	unset -f rpnc
}

@test "sandbox: a server, its workers and its children are in it after the first client" {
	local model one
	for model in '' '-w 2' '-r -w 2' '-w 2 --accept handoff' '-w 2 --accept blocking' '--accept fork' '-r'; do
		# shellcheck disable=SC2086
		start echo $model 127.0.0.1 0
		exec 5<>"/dev/tcp/127.0.0.1/$port"
		echo line >&5
		read -r <&5
		confined "$pid"
		for one in $(children "$pid"); do
			confined "$one"
		done
		case $model in
		*-w* | *fork) test -n "$one" ;;
		esac
		one=
		exec 5>&-
		stop
	done
	for model in '' '-k' '-r' '-k -u'; do
		# shellcheck disable=SC2086
		start listen $model 127.0.0.1 0
		confined "$pid"
		stop
	done
}

@test "sandbox: a client is in it while it talks" {
	start echo 127.0.0.1 0
	mkfifo in
	exec 5<>in
	rpnc connect 127.0.0.1 "$port" <in >out 3>&- 5>&- &
	pid=$!
	pids+=("$pid")
	echo line >&5
	eventually grep -q line out
	confined "$pid"
	free $$
	stop
}

@test "sandbox: probe is in it while it measures" {
	start echo 127.0.0.1 0
	background rpnc probe -q --rate 20 -d 60 127.0.0.1 "$port"
	eventually confined "$pid" # first it looks up the address
	end TERM
}

@test "sandbox: commands of the user are not in it: they come from a spawner" {
	serves -k 127.0.0.1 0 -- cat
	exec 5<>"/dev/tcp/127.0.0.1/$port"
	echo line >&5
	read -r <&5
	confined "$pid"
	local spawner program
	spawner=$(children "$pid" | tr ' ' '\n' | head -n 1)
	program=$(children "$pid" | tr ' ' '\n' | sed -n 2p)
	assert_equal "$(<"/proc/$spawner/comm")" 'rpnc spawner'
	assert_equal "$(<"/proc/$program/comm")" cat
	free "$spawner"
	free "$program"
	assert_equal "$(readlink "/proc/$spawner"/fd/* | grep -c socket)" 1
	exec 5>&-
	end TERM
	assert gone "$spawner"

	start echo 127.0.0.1 0
	run rpnc probe --during -q 127.0.0.1 "$port" -- \
		sh -c 'grep -E "^(NoNewPrivs|Seccomp):" /proc/self/status | tr -d "\n" >found'
	assert_success
	assert_equal "$(tr -d '\t' <found)" NoNewPrivs:0Seccomp:0
}

@test "sandbox: a server whose spawner was killed says so, serves who is there, and leaves" {
	local first
	serves -r -k 127.0.0.1 0 -- cat
	first=$pid
	exec 5<>"/dev/tcp/127.0.0.1/$port"
	echo one >&5
	read -r <&5
	serves -r -k 127.0.0.1 "$port" -- cat
	kill -KILL "$(children "$first" | cut -d ' ' -f 1)"
	eventually grep -q 'listen: cat: the process that starts it (rpnc spawner) was killed' err.0
	for _ in {1..8}; do
		run -0 timeout 20 rpnc connect 127.0.0.1 "$port" <<<served
		assert_output served
	done
	echo two >&5
	read -r <&5
	assert_equal "$REPLY" two
	exec 5>&-
	status=0
	finish "$first" || status=$?
	assert_failure 1
	end TERM
}

@test "sandbox: what code of a stranger tries in a plain server is refused" {
	with_intruder
	export ELSEWHERE=1
	start echo 127.0.0.1 0
	unset -f rpnc
	exchange
	assert_equal "$(intrude o)" ENOSYS # no such call; Landlock says EACCES
	assert_equal "$(intrude w)" ENOSYS
	assert_equal "$(intrude c)" ENOSYS
	assert_equal "$(intrude x)" ENOSYS
	assert_equal "$(intrude t)" ENOSYS
	exchange
}

@test "sandbox: what code of a stranger tries in a member of a group is refused" {
	with_intruder
	export ELSEWHERE=1
	start echo -r 127.0.0.1 0
	unset -f rpnc
	exchange
	assert_equal "$(intrude x)" ENOSYS
	assert_equal "$(intrude t)" ENOSYS
}

@test "sandbox: code of a stranger that executes, traces or loads a program ends the process" {
	local letter
	with_intruder
	for letter in e p b; do
		start echo 127.0.0.1 0
		exchange
		printf '%s' "$letter" >&200
		timeout 20 "$RPNC" connect 127.0.0.1 "$port" <<<line || true
		status=0
		finish "$pid" || status=$?
		assert_equal "$status" $((128 + 31)) # SIGSYS
	done
}

@test "sandbox: without it the same calls are allowed" {
	with_intruder
	start echo 127.0.0.1 0
	export ELSEWHERE=$port
	stop
	start echo --sandbox=off 127.0.0.1 0
	unset -f rpnc
	exchange
	free "$pid"
	assert_equal "$(intrude o)" allowed
	assert_equal "$(intrude w)" allowed
	assert_equal "$(intrude x)" allowed
	test -e intruded
}

@test "sandbox: a kernel without Landlock: -v says so, and --sandbox=must refuses" {
	with_faults landlock_create_ruleset:error=ENOSYS
	start echo -v 127.0.0.1 0
	unset -f rpnc
	exchange
	eventually grep -q 'the sandbox lacks Landlock: Function not implemented' err.0
	assert_equal "$(awk '/^Seccomp:/ { print $2 }' "/proc/$pid/status")" 2
	stop
	export ASAN_OPTIONS=${ASAN_OPTIONS:-}:detect_leaks=0 # not under strace
	run -1 strace -qq -o trace -e inject=landlock_create_ruleset:error=ENOSYS \
		rpnc echo --sandbox=must 127.0.0.1 0
	assert_line 'rpnc echo: the sandbox lacks Landlock: Function not implemented'
}

@test "sandbox: a kernel without seccomp: -v says so, and --sandbox=must refuses" {
	start echo 127.0.0.1 0
	export ASAN_OPTIONS=${ASAN_OPTIONS:-}:detect_leaks=0 # not under strace
	run strace -qq -o trace -e inject=seccomp,prctl:error=EINVAL \
		rpnc probe -v -n 1 127.0.0.1 "$port"
	assert_success
	assert_line --partial 'the sandbox lacks seccomp: '
	run -1 strace -qq -o trace -e inject=seccomp,prctl:error=EINVAL \
		rpnc probe --sandbox=must -n 1 127.0.0.1 "$port"
	assert_line --partial 'rpnc probe: the sandbox lacks seccomp: '
	run -0 rpnc connect --sandbox=must 127.0.0.1 "$port" <<<line
}

@test "sandbox: the file of a Unix socket goes with the server, also from a directory" {
	mkdir dir
	local path
	for path in s dir/s "$PWD/dir/t"; do
		start echo -U "$path"
		assert_equal "$(timeout 20 rpnc connect -U "$path" <<<line)" line
		end TERM
		test ! -e "$path"
	done
}
