#!/usr/bin/env bats
# What README and the manual show works as it is written there, and nothing is
# shown that isn't run: here, or without a terminal in readme_terminal.bats.
# shellcheck disable=SC2016,SC2034,SC2030,SC2031,SC2154 # what is shown; a test is a subshell

load helpers
load shown

texts() {
	guide
}

# The Makefile by the flags of the binary under test, so that it is not built
# again; and not as a child of bats, in whose place it may start another.
make_again() (
	build=build${SAN:+-san}
	PATH=${PATH//"$BATS_LIBEXEC:"/}
	unset "${!BATS_@}"
	make -s --no-print-directory -C "$root" NEED=: \
		COMPILE="$(<"$root/$build/flags")" "$@" 3>&- </dev/null
)

@test "readme: every command that is shown is run here" {
	all_are_run "$BATS_TEST_DIRNAME/readme_terminal.bats"
	test "$(wc -l <all_shown)" -gt 20
}

@test "readme: make demo ends by itself, with 0, without a terminal" {
	shown 'make demo'
	export -f make_again
	export root
	timeout 100 bash -c 'make_again demo' </dev/null 2>&1 | cat >out
	test "${PIPESTATUS[0]}" -eq 0
	demonstrates <out
	# no line but a report's is longer than a terminal
	run grep -vE '^(connect|accept|fair|largest) ' out
	refute_line --regexp '^.{81}'
}

@test "readme: make demo shows an ordinary user the same" {
	test "$EUID" -eq 0 || skip "the other tests are as an ordinary user"
	setpriv --reuid=65534 --clear-groups test -x "$RPNC" ||
		skip "$RPNC can't be run by others"
	local guest
	guest=$(mktemp -d)
	chown 65534 "$guest"
	TMPDIR=$guest run -0 timeout 100 setpriv --reuid=65534 --clear-groups \
		bash -c "$(<"$root/tests/demo")" 3>&- </dev/null
	rmdir "$guest"
	demonstrates <<<"$output"
}

# demonstrates: what its captions say is so in what the text in stdin shows.
demonstrates() {
	run cat
	refute_line --regexp 'line [0-9]+:|Killed'
	assert_line --partial 'SO_REUSEPORT'
	assert_line --regexp "$(errno_text EADDRINUSE): A \(pid [0-9]+\)"
	assert_equal "$(grep -cx hello <<<"$output")" 4
	assert_line --regexp 'fair hashing gives 200'
	assert_line --regexp '^  B +[0-9]+ .* [0-9]{2,}/[0-9]+( .*)? stopped STUCK$'
	assert_line --regexp '^\[A\] - B died \(pid [0-9]+\) after [0-9]+ connections \(lost: [1-9][0-9]*'
	# the session that was open is lost with it, and the other one is not
	assert_line --regexp '^\[client\] rpnc connect: .*reset'
	assert_line '[client] sends "still there?", gets "still there?"'
	assert_line --regexp '^\[C\] left: .*nothing lost$'
	assert_line --regexp '^\[A\] - C left \(pid [0-9]+\) after'
	awk '
	/^[0-9]\. / { step = $1 + 0 }
	/^\$ / { report = /^\$ grep/ }
	report && match($0, /[0-9]+ +[0-9.]+ %/) {
		count[step, substr($1, 1, 1)] = substr($0, RSTART) + 0
	}
	report && /^failed / { failed[step] = $2 }
	END {
		exit !(count[4, "B"] > 0 && failed[4] > 0 &&
			count[5, "C"] > 0 && failed[5] == 0 && failed[5] != "")
	}' <<<"$output"
}

@test "readme: make check runs tests, and says how many passed" {
	shown 'make check'
	printf '@test "one" { true; }\n@test "two" { true; }\n' >some.bats
	run make_again check TESTS="$PWD/some.bats"
	assert_success
	assert_line --regexp '^[23] passed, 0 failed$' # sanitizers count as one
	printf '@test "three" { false; }\n' >>some.bats
	run make_again check TESTS="$PWD/some.bats"
	assert_failure
	assert_line --regexp '^[23] passed, 1 failed$'
}

@test "readme: make install and make uninstall" {
	shown 'make install'
	shown 'make uninstall'
	make_again install DESTDIR="$PWD" PREFIX=/there
	there/bin/rpnc --version
	make_again uninstall DESTDIR="$PWD" PREFIX=/there
	run find there -type f
	assert_output ''
}

@test "readme: the manual can be read before it is installed" {
	shown 'man ./man/rpnc.1'
	command -v man >/dev/null || line=${line/#man/mandoc}
	cd "$root"
	run env MANPAGER=cat PAGER=cat bash -c "$line"
	assert_success
	assert_output --partial 'a netcat whose listeners share a port'
	output=${output//?$'\b'/} # bold is struck twice
	assert_output --partial 'END OF FILE'
}

@test "readme: the session with three members" {
	serve './rpnc echo -r --identify 9000'
	serve './rpnc echo -r --identify 9000'
	serve './rpnc listen -r 9000'
	local i shown_line wanted
	try 'echo hello | ./rpnc connect 9000'
	for i in {1..40}; do
		eval "${line/ 9000/ "$port"}" >>replies
	done
	try './rpnc probe -n 1000 9000'
	assert_output --regexp ' A .* B .* C .*failed 0'
	end "${pids[0]}"
	end "${pids[1]}"
	has_line 'name=A' replies
	has_line 'name=B' replies
	has_line hello out.2
	has_line 'A  ' out.0
	grep -qE '^\+ B joined \(pid [0-9]+\): 2 members, 1/2 of new connections each$' err.0
	# the lines they are shown to say
	for i in 0 1 2; do
		wanted="^ *$(printf '%b' "\\x4$((i + 1))") listening"
		while read -r shown_line; do
			test -e /proc/net/if_inet6 || [[ $shown_line != *::* ]] || continue
			has_line "${shown_line/:9000/:$port}" "err.$i"
		done < <(grep "$wanted" "$root/README")
	done
	test "$(grep -c ' listening on' "$root/README")" -eq 6
}

# served: a client has come and gone.
served() {
	test -n "$(ss -Htan state time-wait "dport = :$port")" ||
		test -n "$(ss -Htan state time-wait "sport = :$port")"
}

@test "readme: join, see, leave" {
	serve './rpnc echo -r --name old 9000'
	shown './rpnc probe --echo -d 5 --rate 200 9000 >report'
	(eval "exec ${line/ 9000/ "$port"}") 3>&- &
	pids+=("$!")
	eventually served
	serve './rpnc echo -r --replace old 9000'
	finish "${pids[0]}" || test $? -eq 143
	finish "${pids[1]}"
	has_line 'nothing lost' err.0
	has_line 'failed 0' report
	grep -qE '^  A .* [1-9][0-9]* +[0-9.]+ %' report
}

@test "readme: a file is sent" {
	random_file 300000 original
	serve './rpnc listen 9000 >copy'
	try './rpnc connect server 9000 <original'
	finish "$pid"
	cmp original copy
}

# as_server COMMAND: what it prints of a line that a client sends it.
as_server() {
	local out=out.of.${1%% *} reach=("127.0.0.1" "$port")
	case $1 in
	*path) reach=(-U path) && rm -f path ;;
	*' -ul '* | *' -u '*) reach=(-u --linger 0 "${reach[@]}") ;;
	esac
	(eval "exec ${1/9000/127.0.0.1 "$port"}") </dev/null >"$out" 2>&1 3>&- &
	pids+=("$!")
	eventually reaches "$out" "${reach[@]}"
	kill "${pids[-1]}" 2>/dev/null || true
	finish "${pids[-1]}" || true
	sort -u "$out" | grep -x hello
}

reaches() {
	echo hello | rpnc connect "${@:2}" >/dev/null 2>&1 || true
	grep -qx hello "$1"
}

# as_client COMMAND: what it prints, and its status.
as_client() {
	local line=${1/ host / 127.0.0.1 } status=0
	line=${line/20-25/"$port-$port"}
	line=${line/9000/"$port"}
	echo hello | eval "timeout 20 $line" >out 2>&1 || status=$?
	case $1 in
	*20-25) grep -cE "succeeded|  open" out || true ;;
	*) cat out ;;
	esac
	echo "status $status"
}

@test "readme: each line for users of nc does what nc does" {
	local one other rows=0
	start echo 127.0.0.1 0
	local echo_port=$port
	while IFS=$'\t' read -r one other; do
		rows=$((rows + 1))
		case $one in
		'nc -'[lu]*)
			reserve
			assert_equal "$(as_server "nc.openbsd${one#nc}")" hello
			reserve
			assert_equal "$(as_server "$other")" hello
			;;
		*)
			port=$echo_port
			echo sent >file
			[[ $one != *-d* ]] || start_with file listen 127.0.0.1 0
			as_client "nc.openbsd${one#nc}" >one
			[[ $one != *-d* ]] || start_with file listen 127.0.0.1 0
			assert_equal "$(as_client "$other")" "$(<one)"
			;;
		esac
	done < <(sed -nE 's/^    (nc -.*[^ ])  +(rpnc .*)/\1\t\2/p' "$root/README")
	assert_equal "$rows" 8
}

@test "manual: members, and who gets how many of a hundred connections" {
	serve 'rpnc echo -r --identify 9000'
	serve 'rpnc echo -r --identify 9000'
	serve 'rpnc echo -r --identify 9000'
	try <<'END'
for i in $(seq 100); do rpnc connect 9000 </dev/null; done | cut -d " " -f 2 | sort | uniq -c
END
	test "${#lines[@]}" -eq 3
	awk '{ sum += $1; names = names $2 } END {
		exit sum != 100 || names != "name=Aname=Bname=C" }' <<<"$output"
}

@test "manual: the same by probe" {
	serve 'rpnc echo -r --identify 9000'
	serve 'rpnc echo -r --identify 9000'
	try 'rpnc probe -n 1000 9000'
	assert_output --partial '1000 connections'
	try 'rpnc probe -q -n 1000 --fail-uneven 9000 || echo uneven'
	assert [ -z "$output" -o "$output" = uneven ] # 1 in 10,000
}

@test "manual: three workers" {
	serve 'rpnc echo -w 3 9000'
	echo hello | rpnc connect "$port" | grep -qx hello
	end "$pid"
	has_line A/2 out.0
}

@test "manual: a member that prints what it gets, and when" {
	serve 'rpnc listen -r -v --timestamps 9000'
	echo hello | rpnc connect "$port"
	eventually has_line hello out.0
	eventually grep -qE '^[0-9-]+T.*Z #1 closed' err.0
}

@test "manual: a file sent, and a file fetched" {
	random_file 300000 original
	serve 'rpnc listen 9000 >copy'
	try 'rpnc connect server 9000 <original'
	finish "$pid"
	cmp original copy
	port=
	serve 'rpnc listen 9000 <original'
	try 'rpnc connect -n server 9000 >copy'
	finish "$pid"
	cmp original copy
}

@test "manual: two files exchanged" {
	random_file 300000 mine
	serve 'rpnc listen 9000 <mine >yours'
	mkdir there
	random_file 200000 there/yours
	(
		cd there
		try 'rpnc connect server 9000 <yours >mine'
	)
	finish "$pid"
	cmp mine there/mine
	cmp yours there/yours
}

@test "manual: what is typed on one side is read on the other" {
	input=typed
	serve 'rpnc listen 9000'
	shown 'rpnc connect server 9000'
	mkfifo other
	(eval "exec ${line/ 9000/ "$port"}") <>other >client 3>&- &
	pids+=("$!")
	exec 5<>typed 6<>other
	echo from server >&5
	echo from client >&6
	eventually has_line 'from client' out.0
	eventually has_line 'from server' client
	exec 5>&- 6>&-
}

@test "manual: what is typed is read by all that are connected" {
	input=typed
	serve 'rpnc listen -k -v --prompt never 9000'
	background rpnc connect -n "$port" >one
	background rpnc connect -n "$port" >two
	eventually has_line '#2 ' err.0
	exec 5<>typed
	echo to all >&5
	eventually has_line 'to all' one
	eventually has_line 'to all' two
	exec 5>&-
}

@test "manual: a request by hand" {
	start listen 0
	try <<'END'
printf 'HEAD / HTTP/1.0\n\n' | rpnc connect -C server 80
END
	finish "$pid"
	printf 'HEAD / HTTP/1.0\r\n\r\n' | cmp - out.0
}

@test "manual: a request in the name of another client" {
	start listen --accept-proxy 0
	try <<'END'
printf 'GET / HTTP/1.0\n\n' | rpnc connect --send-proxy v1 -C server 80
END
	finish "$pid"
	printf 'GET / HTTP/1.0\r\n\r\n' | cmp - out.0
}

@test "manual: waiting until a server answers" {
	start listen 0
	try 'rpnc connect --wait 30 server 9000 </dev/null'
	finish "$pid"
}

@test "manual: one of the processes that share a port" {
	start echo -r --name A 127.0.0.1 0
	start echo -r --name B 127.0.0.1 "$port"
	try 'echo hello | rpnc connect --to B 9000'
	assert_line hello
	assert_line "reached B (pid $pid) by prediction"
}

@test "manual: one attempt at each of the processes that share a port" {
	start echo -r -w 8 --name A 127.0.0.1 0
	list_workers
	halt "${workers[3]}"
	refuses 'rpnc probe --each 9000'
	assert_line '7 of 8 answered, reached by prediction'
	assert_line "  no answer: A/3 (pid ${workers[3]}), is stopped"
	assert_line "A/3 (pid ${workers[3]}) is stopped: 1 client waits in its queue"
	kill -CONT "${workers[3]}"
}

@test "manual: a UDP server and a question to it" {
	serve 'rpnc echo -u 127.0.0.1 9000'
	try 'echo hello | rpnc connect -u --linger 200ms 127.0.0.1 9000'
	assert_output hello
}

@test "manual: a Unix socket that collects lines" {
	serve 'rpnc listen -k -U log.sock >>log'
	try 'echo started | rpnc connect -U log.sock'
	eventually has_line started log
}

@test "manual: only neighbours may connect" {
	serve 'rpnc echo --sockopt min-ttl=255,keepalive=5:5:3 9000'
	shown 'rpnc connect --sockopt ttl=255 server 9000'
	echo hello | eval "${line/ 9000/ "$port"}" | grep -qx hello
}

@test "manual: a script that uses any free port" {
	local script
	shown 'mkfifo ready'
	script=$line
	shown 'rpnc echo --ready-fd 4 127.0.0.1:0 4>ready &'
	script+=$'\n'$line
	shown 'read -r address <ready'
	script+=$'\n'$line
	shown 'echo hello | rpnc connect "$address"'
	script+=$'\n'$line
	run bash -c "set -e
		$script
		kill %1" 3>&-
	assert_success
	assert_line hello
}

@test "manual: what was in each connection, by jq" {
	serve <<'END'
rpnc listen -k --json 9000 </dev/null | jq --unbuffered -c 'select(.event == "closed") | [.conn, .in]'
END
	echo hello | rpnc connect "$port"
	eventually has_line '[1,6]' out.0
	kill "$(pgrep -P "$pid" -x rpnc)"
	finish "$pid"
}

@test "manual: the shares of workers, by jq" {
	serve <<'END'
rpnc echo -w 4 --json 9000 | (trap '' INT; jq -c 'select(.event == "report").workers[] | [.name, .share]')
END
	rpnc connect "$port" </dev/null
	kill "$(pgrep -P "$pid" -x rpnc)"
	finish "$pid"
	test "$(wc -l <out.0)" -eq 4
	grep -qE '^\["A/[0-3]",1(\.0)?\]$' out.0
}

@test "manual: a server is probed from many hosts, as one report" {
	mkdir bin
	printf '#!/bin/sh\nshift\nexec "$@"\n' >bin/ssh
	chmod +x bin/ssh
	PATH=$PWD/bin:$PATH
	start echo -w 2 localhost 0
	try <<'END'
printf 'host%d\n' 0 1 2 3 4 5 6 7 8 9 | xargs -P 10 -I {} sh -c 'ssh {} rpnc probe --json server 9000 >{}.json'
END
	try 'rpnc probe --merge host*.json'
	assert_output --partial '2000 connections'
}

@test "manual: the service tells its manager that it is ready" {
	local words
	line=$(sed -n 's|^ExecStart=/usr/local/bin/||p' "$root/man/rpnc-echo.1")
	read -ra words <<<"${line/ 9000/ 0}"
	test "${words[0]}" = rpnc
	start listen -u -k -U notify
	NOTIFY_SOCKET=$PWD/notify background "${words[@]}"
	eventually has_line READY=1 out.0
}

@test "make: help lists the targets and variables; elsewhere it says how" {
	local word
	run -0 make_again help
	for word in demo check install uninstall bench lint fresh NEED= JOBS= \
		PREFIX= SAN= QUICK= WERROR=; do
		assert_output --partial "$word"
	done
	PATH=${PATH//"$BATS_LIBEXEC:"/} run -2 make -f "$root/Makefile" 3>&-
	assert_output --partial "say: make -C $root"
	refute [ -e build ]
}

@test "make: install takes PREFIX=~/.local, in any shell" {
	HOME=$PWD make_again install 'PREFIX=~/.local'
	assert_equal "$(.local/bin/rpnc --version)" "$(rpnc --version)"
	test -e .local/share/man/man1/rpnc.1
	test ! -e '~'
}
