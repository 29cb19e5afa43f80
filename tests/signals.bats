# Signals as a parent left them: ignored, blocked; process 1 of a namespace,
# which has no default actions; and SIGTERM at every moment.
# shellcheck shell=bash disable=SC2016,SC2030,SC2031,SC2154,SC2317

load helpers
load connect

# by COMMAND...: from now on rpnc is started by that.
by() {
	as=("$@")
	rpnc() {
		exec "${as[@]}" "$RPNC" "$@"
	}
}

# echoes COUNT: so many clients, one after another, get back what they send.
echoes() {
	timeout 20 "$PYTHON" - "$port" "$1" 3>&- <<-'END'
		import socket, sys
		for i in range(int(sys.argv[2])):
		    s = socket.create_connection(("127.0.0.1", int(sys.argv[1])), 10)
		    s.sendall(b"hello")
		    s.shutdown(socket.SHUT_WR)
		    assert s.recv(5) == b"hello" and s.recv(5) == b""
	END
}

# ends PID: within 20 s of a SIGTERM; its exit status is in status.
ends() {
	kill "$1"
	ended "$1"
}

# ended PID: the same, without the SIGTERM.
ended() {
	eventually gone "$1" || fail "SIGTERM does not end it"
	status=0
	finish "$1" || status=$?
}

# heeds PID: it is rpnc, and ignores SIGTERM no more, as its parent had it. What
# is sent before is lost, by the kernel.
heeds() {
	local set
	grep -qx rpnc "/proc/$1/comm" &&
		set=$(sed -nE 's/^SigIgn:[[:space:]]*//p' "/proc/$1/status") &&
		(((0x$set & 1 << 14) == 0))
}

# connect_in_background ARG...
connect_in_background() {
	as_by_a_person connect "$@" </dev/null >out 2>err 3>&- &
	pid=$!
	pids+=("$pid")
}

# Each way to be started by a parent that hears no signals.
deaf_parents=(
	"env --ignore-signal=CHLD"
	"env --ignore-signal"
	"env --block-signal"
)

@test "signals: echo -w 2 of a deaf parent replaces a dead worker, and SIGTERM ends it" {
	local deaf victim
	for deaf in "${deaf_parents[@]}"; do
		# shellcheck disable=SC2086 # words it is
		by $deaf
		start echo -w 2 127.0.0.1 0
		list_workers
		victim=${workers[0]}
		kill -KILL "$victim"
		eventually replaced 2 "$victim"
		echoes 5
		ends "$pid"
		assert_equal "$status" 143
	done
}

@test "signals: echo --accept fork -w 2 of a deaf parent serves more than two" {
	local deaf
	for deaf in "${deaf_parents[@]}"; do
		# shellcheck disable=SC2086 # words it is
		by $deaf
		start echo --accept fork -w 2 127.0.0.1 0
		echoes 8
		ends "$pid"
		assert_equal "$status" 143
	done
}

@test "signals: probe --during of a deaf parent sees that its command ended" {
	local deaf
	start echo 127.0.0.1 0
	for deaf in "${deaf_parents[@]}"; do
		# shellcheck disable=SC2086 # words it is
		by $deaf
		run -0 --separate-stderr timeout 30 bash -c '"$@"' bash "${as[@]}" \
			"$RPNC" probe --during -d 100ms "$port" -- true
		assert_line --regexp 'lost of'
	done
}

@test "signals: the command of --during has all signals as rpnc was given them" {
	local deaf
	# a sanitizer handles some before rpnc starts
	export ASAN_OPTIONS=${ASAN_OPTIONS:-}:handle_sigbus=0:handle_sigfpe=0:handle_segv=0
	start echo 127.0.0.1 0
	for deaf in "" "${deaf_parents[@]}" "env --ignore-signal=PIPE,XFSZ,USR1"; do
		# shellcheck disable=SC2086 # words it is
		$deaf grep -E '^Sig(Blk|Ign)' /proc/self/status >want
		# shellcheck disable=SC2086
		$deaf "$RPNC" probe --during -d 100ms "$port" -- \
			grep -E '^Sig(Blk|Ign)' /proc/self/status >report 2>err 3>&-
		grep ^Sig err >got
		diff want got
	done
}

@test "signals: the command of --during has the descriptors that rpnc was given, and no others" {
	start echo 127.0.0.1 0
	exec 7</ 8>log
	bash -c 'ls /proc/self/fd' >wanted 3>&-
	NOTIFY_SOCKET=$PWD/notify rpnc probe --during -d 100ms "$port" -- \
		bash -c 'ls /proc/self/fd >fds; env >environment; echo logged >&8' \
		>report 3>&-
	exec 7<&- 8>&-
	diff -u wanted fds
	assert_equal "$(<log)" logged
	run ! grep ^NOTIFY_ environment
	grep -q ^PATH= environment
}

@test "signals: the command of --during may be make, with the jobserver of the make above" {
	start echo 127.0.0.1 0
	printf 'all:\n\t+rpnc probe --during -d 100ms %s -- $(MAKE) -f inner\n' \
		"$port" >Makefile
	printf 'all: a b\na b:\n\techo made $@\n' >inner
	timeout 60 make --jobserver-style=pipe -j2 >out 2>&1 3>&- ||
		timeout 60 make -j2 >out 2>&1 3>&-
	grep -q 'made a' out
	grep -q 'made b' out
	run ! grep -i jobserver out
}

@test "signals: the servers of --compare tell no service manager that they are ready" {
	timeout 60 "$PYTHON" -c 'if True:
		import os, socket, subprocess, sys
		s = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
		s.bind("notify")
		subprocess.run(sys.argv[1:], env={**os.environ,
		    "NOTIFY_SOCKET": os.path.abspath("notify")}, check=True)
		s.setblocking(False)
		try:
		    sys.exit("told: %r" % s.recv(100))
		except BlockingIOError:
		    pass' "$RPNC" probe --compare -w 2 -n 50 -d 500ms 3>&- >report
}

# family PID: it, and all below it.
family() {
	local children child
	echo "$1"
	read -ra children <<<"$(cat "/proc/$1/task/$1/children")"
	for child in "${children[@]}"; do
		family "$child"
	done
}

# at_work N: probe --compare has that many processes now.
at_work() {
	family "$pid" 2>/dev/null >family_list
	test "$(wc -l <family_list)" -ge "$1"
}

# all_gone: of those in the file family_list.
all_gone() {
	! ps -o stat= -p "$(paste -sd, family_list)" | grep -qv Z
}

@test "signals: probe --compare of a deaf parent ends, and its servers with it" {
	local how
	by env --ignore-signal=CHLD --block-signal=TERM
	for how in TERM KILL; do
		as_by_a_person probe --compare -w 2 -d 60s >out 2>err 3>&- &
		pid=$!
		pids+=("$pid")
		eventually at_work 20
		kill -s "$how" "$pid"
		ended "$pid"
		eventually all_gone || fail "$(ps -o pid,args -p "$(paste -sd, family_list)")"
	done
	run -0 --separate-stderr timeout 60 "${as[@]}" "$RPNC" probe --compare -w 2 \
		-n 50 -d 500ms
}

@test "signals: listen and connect of a deaf parent end by SIGTERM, at every moment" {
	local deaf
	server 'fill(s); signal.pause()'
	for deaf in "${deaf_parents[@]}"; do
		# shellcheck disable=SC2086 # words it is
		by $deaf
		connect_in_background --connect-timeout 60 127.0.0.1 "$port"
		eventually heeds "$pid"
		ends "$pid"
		assert_equal "$status" 143
		connect_in_background --wait 60 127.0.0.1 "$(free_port)"
		eventually heeds "$pid"
		ends "$pid"
		assert_equal "$status" 143
		(
			start listen -r 127.0.0.1 0
			ends "$pid"
			assert_equal "$status" 143
		)
	done
}

@test "signals: what nohup and & ask for stays" {
	start echo 127.0.0.1 0
	for name in HUP INT; do
		rm -f in out
		mkfifo in out
		(
			trap '' "$name"
			exec "$RPNC" connect 127.0.0.1 "$port" <in >out 3>&-
		) &
		pid=$!
		pids+=("$pid")
		exec 5>in 6<out
		echo one >&5
		read -r -t 20 line <&6
		kill -s "$name" "$pid"
		echo two >&5
		read -r -t 20 line <&6
		assert_equal "$line" two
		ends "$pid"
		assert_equal "$status" 143
		exec 5>&- 6<&-
	done
}

# as_init: rpnc is process 1 of a PID namespace from now on.
as_init() {
	local how=(unshare -fp --mount-proc)
	test "$(id -u)" -eq 0 || how=(unshare -Urfp --mount-proc)
	"${how[@]}" true || skip "no PID namespaces here"
	by "${how[@]}"
}

# init_of PID: rpnc's own pid, of unshare's.
has_init() {
	init=$(cat "/proc/$1/task/$1/children" 2>/dev/null)
	init=${init% }
	test -n "$init" && test "$(cat "/proc/$init/comm" 2>/dev/null)" = rpnc
}

# hears PID SIGNAL: it catches or awaits it; before, the kernel keeps it from a
# process 1.
hears() {
	local set bit=$((1 << ($(kill -l "$2") - 1)))
	while read -r set; do
		(((0x$set & bit) == 0)) || return 0
	done < <(sed -nE 's/^Sig(Cgt|Blk):[[:space:]]*//p' "/proc/$1/status")
	return 1
}

# stops SIGNAL: rpnc, process 1, ends by it within 20 s; status.
stops() {
	eventually has_init "$pid" || fail "no process 1 of $pid: $(cat err)"
	eventually hears "$init" "$1" || fail "it does not hear SIG$1"
	kill -s "$1" "$init"
	ended "$pid"
}

@test "signals: as process 1 of a container, servers end with 128 and the signal" {
	local name
	as_init
	for name in TERM INT; do
		for words in "listen -r" "echo -r" "echo -w 2" "listen -k -u" \
			"echo --accept fork"; do
			# shellcheck disable=SC2086 # words it is
			as_by_a_person $words 127.0.0.1 0 </dev/null >out 2>err 3>&- &
			pid=$!
			pids+=("$pid")
			eventually grep -q listening err
			stops "$name"
			assert_equal "$status" $((128 + $(kill -l "$name")))
		done
	done
}

@test "signals: as process 1, connect ends in its dial, under --wait, and in a transfer" {
	local name
	as_init
	server 'fill(s); signal.pause()'
	for name in TERM INT HUP; do
		connect_in_background --connect-timeout 60 127.0.0.1 "$port"
		stops "$name"
		assert_equal "$status" $((128 + $(kill -l "$name")))
		connect_in_background --wait 60 127.0.0.1 "$(free_port)"
		stops "$name"
		assert_equal "$status" $((128 + $(kill -l "$name")))
	done
	server 'c = accept(); c.sendall(b"some"); signal.pause()'
	connect_in_background 127.0.0.1 "$port"
	eventually test -s out
	stops TERM
	assert_equal "$status" 143
}

@test "signals: a look-up ends by SIGTERM, as process 1 too" {
	local init words
	unshare -m true || skip "no mount namespaces here"
	echo nameserver 127.0.0.53 >resolv.conf
	echo 'hosts: dns' >nsswitch.conf
	# it hears what is asked, and never answers
	cat >names.py <<-'END'
		import os, socket
		s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
		s.bind(("127.0.0.53", 53))
		child = os.fork()
		if child:
		    open("names.pid", "w").write(str(child))
		    os._exit(0)
		while True:
		    s.recv(999)
		    open("asked", "w")
	END
	rpnc() {
		exec unshare -mn ${init:+-fp --kill-child} bash -c '
			ip link set lo up
			mount --bind resolv.conf /etc/resolv.conf
			mount --bind nsswitch.conf /etc/nsswitch.conf
			"$PYTHON" names.py
			exec "$RPNC" "$@"' bash "$@"
	}
	export PYTHON
	for init in "" yes; do
		for words in "connect --wait 60" listen probe; do
			rm -f asked
			# shellcheck disable=SC2086
			as_by_a_person $words name.test 9000 </dev/null >out 2>err 3>&- &
			pid=$!
			pids+=("$pid")
			eventually test -e asked
			if test -n "$init"; then
				stops TERM
			else
				ends "$pid"
			fi
			assert_equal "$status" 143
			test -n "$init" || kill "$(<names.pid)"
		done
	done
}

@test "signals: SIGTERM ends a server whose --ready-fd is a pipe that is full" {
	mkfifo full
	exec 7<>full
	"$PYTHON" -c 'if True:
		import os
		os.set_blocking(7, False)
		try:
		    while os.write(7, bytes(4096)): pass
		except BlockingIOError:
		    os.set_blocking(7, True)'
	as_by_a_person listen -k 127.0.0.1 0 --ready-fd 7 </dev/null >out 2>err 3>&- &
	pid=$!
	pids+=("$pid")
	eventually grep -q listening err
	ends "$pid"
	assert_equal "$status" 143
}

# without_room FIRST..LAST ARG...: epoll_ctl(2) has no memory for these calls.
without_room() {
	local when=$1
	shift
	rpnc() {
		ASAN_OPTIONS=${ASAN_OPTIONS:-}:detect_leaks=0 exec strace -D -qq -o trace \
			-e trace=epoll_ctl -e "inject=epoll_ctl:error=ENOMEM:when=$when" \
			"$RPNC" "$@"
	}
	"$@"
}

@test "signals: where epoll has no room for a while, clients are served, and SIGTERM ends it" {
	local when words
	for when in 1..9 2..6; do
		for words in "echo" "echo -r" "listen -k"; do
			rm -f err # the last one's has a port, too
			# shellcheck disable=SC2086 # words it is
			without_room "$when" as_by_a_person $words 127.0.0.1 0 \
				</dev/null >out 2>err 3>&- &
			pid=$!
			pids+=("$pid")
			eventually grep -q listening err
			port=$(sed -nE 's/.* on 127.0.0.1:([0-9]+) .*/\1/p' err)
			if [[ $words == echo* ]]; then
				echoes 2
			fi
			ends "$pid"
			assert_equal "$status" 143
			grep -q INJECTED trace
		done
	done
}

# heard PID: no signal waits to be taken by it.
heard() {
	grep -qE '^ShdPnd:[[:space:]]*0+$' "/proc/$1/status" 2>/dev/null || gone "$1"
}

# ends_at_once PID: by a second SIGTERM, from another process than the first.
ends_at_once() {
	kill "$1"
	eventually heard "$1"
	bash -c 'kill "$1"' bash "$1" 2>/dev/null || true
	ended "$1"
	assert_equal "$status" 143
}

@test "signals: a second SIGTERM ends at once what the first lets go on" {
	local words
	mkfifo in accepted
	exec 5<>in
	for words in "echo" "echo -w 2" "echo --accept fork" "listen -k"; do
		# shellcheck disable=SC2086 # words it is
		start_with in $words --grace 10m 127.0.0.1 0
		exec 6<>"/dev/tcp/127.0.0.1/$port"
		echo hello >&6
		if [[ $words == echo* ]]; then
			read -r -t 20 <&6
		else
			eventually grep -q hello "out.$((${#pids[@]} - 1))"
		fi
		ends_at_once "$pid"
		exec 6>&-
	done
	server 'c = accept(); tell("accepted"); signal.pause()'
	as_by_a_person connect 127.0.0.1 "$port" </dev/zero >out 2>err 3>&- &
	pid=$!
	pids+=("$pid")
	cat accepted >/dev/null
	ends_at_once "$pid"
	server 'c = accept(); tell("accepted"); signal.pause()'
	as_by_a_person probe --send x --timeout 10m -n 1 127.0.0.1 "$port" >out 2>err 3>&- &
	pid=$!
	pids+=("$pid")
	cat accepted >/dev/null
	ends_at_once "$pid"
}
