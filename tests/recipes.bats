#!/usr/bin/env bats
# The everyday recipes of a netcat, with rpnc at one end and it, or another
# netcat, at the other: each byte arrives, and the status says so. A background
# job has /dev/null as stdin, as in every script. Of the others only what they
# can do is asked.
# shellcheck disable=SC2030,SC2031,SC2094,SC2154,SC2317

bats_require_minimum_version 1.5.0
load helpers
load probe

# How each sends its stdin to PORT, and takes what comes there to its stdout:
# without a stdin of its own, as a job of a script.
declare -gA sends=(
	[rpnc]='rpnc connect 127.0.0.1 PORT'
	[nc.openbsd]='nc.openbsd -N 127.0.0.1 PORT'
	[nc.traditional]='nc.traditional -q 0 127.0.0.1 PORT'
	[ncat]='ncat 127.0.0.1 PORT'
	[socat]='socat -t 30 - TCP:127.0.0.1:PORT'
)
declare -gA takes=(
	[rpnc]='rpnc listen -q 127.0.0.1 PORT'
	[nc.openbsd]='nc.openbsd -l 127.0.0.1 PORT'
	[nc.traditional]='nc.traditional -l -s 127.0.0.1 -p PORT'
	[ncat]='ncat -l 127.0.0.1 PORT'
	[socat]='socat -t 30 TCP-LISTEN:PORT,bind=127.0.0.1 -'
)
others=(nc.openbsd nc.traditional ncat socat)
# nc.traditional knows no half-close: it needs a stdin that goes on while it
# listens to the other side, and then no -q.
declare -gA hears=(
	[nc.traditional]='nc.traditional 127.0.0.1 PORT'
)

teardown() {
	local f
	for f in err.*; do
		test -n "$BATS_TEST_COMPLETED" -o ! -s "$f" || head "$f"
	done
	stop
}

# limited COMMAND: with the port in it, a minute at most.
limited() {
	# shellcheck disable=SC2086
	exec timeout 60 ${1/PORT/$port} 3>&-
}

# job COMMAND: limited, in the background.
job() {
	(limited "$1") <&0 & # or bash makes it /dev/null
	pid=$!
	pids+=("$pid")
}

# without_input NAME: a stdin for that netcat while it only listens.
without_input() {
	test -e never || mkfifo never
	case $1 in
	nc.traditional) echo never ;;
	*) echo /dev/null ;;
	esac
}

connected() {
	test -n "$(ss -Htn state connected "sport = :$port")"
}

# ends PID...: each with status 0.
ends() {
	local p
	for p; do
		finish "$p" || fail "process $p: status $?"
	done
}

# carry SENDER TAKER: the taker listens in the background of a script; the sender,
# which has nothing yet, connects, and gets the file big then. What the taker
# writes is in copy. Both end with status 0.
carry() {
	reserve
	rm -f late && mkfifo late
	job "${takes[$2]}" <>"$(without_input "$2")" >copy 2>err.taker
	local taker=$pid
	eventually listens
	exec 7<>late
	job "${sends[$1]}" <late >back 2>err.sender 7>&-
	local sender=$pid
	eventually connected
	cat big >&7
	exec 7>&-
	ends "$sender" "$taker"
}

# move SENDER TAKER: carry, and the copy is exact.
move() {
	carry "$@"
	cmp big copy
}

@test "recipe: the script: a listener in the background, and 50 MB that come late" {
	random_file 50000000 big
	cat >script <<-'END'
		mkfifo ready late
		rpnc listen -q 127.0.0.1 0 --ready-fd 4 4>ready >copy &
		read -r address <ready
		exec 7<>late
		rpnc connect -v "$address" <late 2>told 7>&- &
		until grep -qs connected told; do read -r -t 0.02 <> <(:); done
		cat big >&7
		exec 7>&-
		wait %2 || echo "sender: $?"
		wait %1 || echo "listener: $?"
	END
	run -0 timeout 100 bash script 3>&-
	refute_output --partial :
	cmp big copy
}

@test "recipe: a file, from each netcat to rpnc in the background" {
	random_file 3000001 big
	for peer in rpnc "${others[@]}"; do
		move "$peer" rpnc
	done
}

@test "recipe: a file, from rpnc to each netcat in the background" {
	random_file 3000001 big
	for peer in "${others[@]}"; do
		move rpnc "$peer"
	done
}

@test "recipe: a file, to -r --once, and as JSON" {
	random_file 3000001 big
	takes[rpnc]='rpnc listen -q -r --once 127.0.0.1 PORT'
	move rpnc rpnc
	takes[rpnc]='rpnc listen --json 127.0.0.1 PORT'
	carry rpnc rpnc
	assert_equal "$(jq -r 'select(.event == "closed") | .in' copy)" 3000001
}

@test "recipe: a file, over a Unix socket, to a listener with stdin closed" {
	random_file 3000001 big
	mkfifo ready late
	rpnc listen -q -U s --ready-fd 4 4>ready >copy <&- 3>&- &
	local taker=$!
	pids+=("$taker")
	assert_equal "$(<ready)" unix:s
	exec 7<>late
	rpnc connect -v -U s <late 2>told 7>&- 3>&- &
	local sender=$!
	pids+=("$sender")
	eventually grep -q connected told
	cat big >&7
	exec 7>&-
	ends "$sender" "$taker"
	cmp big copy
}

@test "recipe: a file that comes late to a listener, fetched by each netcat" {
	random_file 3000001 big
	sends[socat]='socat -u TCP:127.0.0.1:PORT -'
	sends[nc.traditional]=${hears[nc.traditional]}
	for peer in rpnc "${others[@]}"; do
		rm -f late && mkfifo late
		reserve
		exec 7<>late
		job 'rpnc listen -q 127.0.0.1 PORT' <late >back 2>err.giver 7>&-
		local giver=$pid
		eventually listens
		job "${sends[$peer]}" <>"$(without_input "$peer")" >copy 2>err.fetcher 7>&-
		local fetcher=$pid
		eventually connected
		cat big >&7
		exec 7>&-
		ends "$fetcher" "$giver"
		cmp big copy
	done
}

@test "recipe: all twenty files of a tar pipe arrive" {
	mkdir here
	for i in {1..20}; do
		random_file 100000 "here/$i"
	done
	for sender in rpnc "${others[@]}"; do
		rm -rf there && mkdir there
		reserve
		(
			# tar may end before it is given the last of its padding
			limited "${takes[rpnc]}" </dev/null |
				(tar x -C there && cat >rest)
			exit "${PIPESTATUS[0]}"
		) &
		local taker=$!
		pids+=("$taker")
		eventually listens
		run -0 tar_to "${sends[$sender]}"
		ends "$taker"
		diff -r here there
	done
}

tar_to() {
	tar c -C here . | (limited "$1")
	return "${PIPESTATUS[1]}"
}

@test "recipe: a relay by a fifo in front of nginx" {
	nginx_on ''
	local server=$port
	sends[nc.traditional]=${hears[nc.traditional]}
	mkfifo back
	for client in rpnc "${others[@]}"; do
		reserve
		(
			limited 'rpnc listen -q 127.0.0.1 PORT' <back |
				port=$server limited 'rpnc connect 127.0.0.1 PORT' >back
			echo "${PIPESTATUS[*]}" >status
		) &
		local relay=$!
		pids+=("$relay")
		eventually listens
		(printf 'GET / HTTP/1.0\r\n\r\n' | limited "${sends[$client]}") >got
		assert grep -q '^HTTP/1.1 200' got
		assert grep -q '^worker=' got
		ends "$relay"
		assert_equal "$(<status)" '0 0'
	done
}

@test "recipe: a relay by a fifo in front of a program that answers at the end" {
	mkfifo back
	reserve
	(
		# timeout(1) would hold the pipe open as well
		rpnc listen -q 127.0.0.1 "$port" <back 3>&- | sort >back 3>&-
		echo "${PIPESTATUS[*]}" >status
	) &
	local relay=$!
	pids+=("$relay")
	eventually listens
	printf '%s\n' c a b >lines
	run -0 limited "${sends[rpnc]}" <lines
	assert_output "$(printf '%s\n' a b c)"
	ends "$relay"
	assert_equal "$(<status)" '0 0'
}

@test "recipe: tail -f to all that listen, though they have nothing to say" {
	: >log
	mkfifo in
	tail -f log >in 3>&- &
	pids+=("$!")
	start_with in listen -k 127.0.0.1 0
	local listener=$pid peer clients=() n=0
	sends[nc.traditional]=${hears[nc.traditional]}
	sends[socat]='socat -u TCP:127.0.0.1:PORT -'
	for peer in rpnc "${others[@]}"; do
		job "${sends[$peer]}" <>"$(without_input "$peer")" >"log.$peer" 2>"err.$peer"
		clients+=("$pid")
	done
	# three have ended, but not nc.traditional and socat -u
	all_clients() {
		test "$(ss -Htn state close-wait "sport = :$port" | wc -l)" -eq 3 &&
			test "$(ss -Htn state established "sport = :$port" | wc -l)" -eq 2
	}
	eventually all_clients
	seq 1000 >>log
	for peer in rpnc "${others[@]}"; do
		eventually cmp log "log.$peer" 2>/dev/null
	done
	kill "$listener"
	finish "$listener" || n=$?
	assert_equal "$n" 143
	ends "${clients[@]}"
}

@test "recipe: a banner ends it, though stdin is held open" {
	echo 'hello, I am a server' >banner
	mkfifo held
	exec 7<>held
	for server in 'socat -u FILE:banner TCP-LISTEN:PORT,bind=127.0.0.1' \
		'ncat -l --send-only 127.0.0.1 PORT' \
		'nc.openbsd -l -q 0 127.0.0.1 PORT' \
		'nc.traditional -l -s 127.0.0.1 -p PORT -q 0' \
		'rpnc listen -q --until input 127.0.0.1 PORT'; do
		reserve
		job "$server" <banner >asked 2>err.server 7>&-
		local server_pid=$pid
		eventually listens
		# elsewhere than on this host it would be a minute
		run -0 timeout 20 rpnc connect 127.0.0.1 "$port" <held 3>&- 7>&-
		assert_output 'hello, I am a server'
		ends "$server_pid"
	done
}

@test "recipe: a request is answered, and ends it, though stdin is held open" {
	nginx_on ''
	mkfifo held
	exec 7<>held
	printf 'GET / HTTP/1.0\r\n\r\n' >&7
	run -0 timeout 20 rpnc connect 127.0.0.1 "$port" <held 3>&- 7>&-
	assert_line --partial 'HTTP/1.1 200'
	assert_line --partial 'worker='
}
