# Names: two questions at once, addresses that are dead, a name that comes late.
# shellcheck shell=bash disable=SC2016,SC2154

load listen

# in_names CODE ARG...: bash in a network and a mount namespace of its own, where
# names(...) starts a name server (names.py), 10.9.0.1 swallows all, and
# 10.0.0.1 to 10.0.0.99 are this host's. took gives the milliseconds since then.
in_names() {
	unshare -Urnm true || skip "no namespaces here"
	timeout 100 unshare -Urnm bash -eu -c "
		trap 'kill \$(jobs -p) 2>/dev/null || true' EXIT
		ip link set lo up
		ip route add 10.0.0.0/24 dev lo
		ip address add 10.0.0.1/24 dev lo
		ip route add 10.9.0.0/24 dev lo
		echo nameserver 127.0.0.1 >resolv
		echo hosts: dns >nsswitch
		mount --bind resolv /etc/resolv.conf
		mount --bind nsswitch /etc/nsswitch.conf
		names() {
			test ! -e up || kill \"\$server\"
			rm -f up
			mkfifo up
			/usr/bin/python3 '$BATS_TEST_DIRNAME/names.py' \"\$@\" >up &
			server=\$!
			head -n 1 up >/dev/null
		}
		begin() { began=\$(date +%s%3N); }
		took() { echo \$((\$(date +%s%3N) - began)); }
		$1" in_names "${@:2}" 3>&-
}

# no line is over this many milliseconds
within() {
	local line
	for line in "${lines[@]}"; do
		[[ $line =~ ^took\ ([0-9]+)$ ]] || continue
		test "${BASH_REMATCH[1]}" -lt "$1" || fail "$output"
	done
}

@test "a name server that drops AAAA, or A: connect and probe have the other at once" {
	run -0 in_names '
		mkfifo ready
		rpnc echo 9000 --ready-fd 4 4>ready >/dev/null 2>&1 &
		cat ready >/dev/null
		for drop in AAAA A; do
			address=127.0.0.1
			test $drop = AAAA || address=::1
			names both.test=$address --drop $drop
			for command in "connect -v" "probe -n 1" "probe --during -d 0.1" "probe --group" "probe 8999-" ; do
				begin
				status=0
				case $command in
				*during*) rpnc $command both.test 9000 -- true ;;
				*8999-) rpnc probe both.test 8999-9000 ;;
				*) echo hello | rpnc $command both.test 9000 ;;
				esac >out 2>&1 || status=$?
				echo "$drop $command: $status"
				echo "took $(took)"
				test $status -eq 0 || cat out
			done
			begin
			echo hello | rpnc connect -s both.test both.test 9000 
			echo "took $(took)"
		done'
	within 5000
	assert_equal "$(grep -c ': 0$' <<<"$output")" 10
	assert_equal "$(grep -c '^hello$' <<<"$output")" 2
}

@test "a name server that answers nothing: status 4 after --connect-timeout, of -s too" {
	run -0 in_names '
		names x.test=127.0.0.1 --drop A
		for words in "connect -4" "probe -4" "connect -4 -s x.test 127.0.0.1" "probe -4 -s x.test 127.0.0.1"; do
			test "${words#*-s}" != "$words" || words+=" x.test"
			begin
			status=0
			rpnc ${words%% *} --connect-timeout 0.5 ${words#* } 9000 </dev/null || status=$?
			echo "status $status"
			echo "took $(took)"
		done 2>&1'
	within 5000
	assert_equal "$(grep -c '^status 4$' <<<"$output")" 4
	assert_equal "$(grep -c 'x.test: the name server did not answer in time' <<<"$output")" 4
}

@test "a signal ends a look-up, and its children" {
	run -0 in_names '
		names x.test=127.0.0.1 --drop A
		for words in "connect -4" "probe -4" "listen -4" "echo -4"; do
			rpnc $words x.test 9000 </dev/null &
			pid=$!
			until children=$(cat /proc/$pid/task/$pid/children) && test -n "$children"; do :; done
			kill $pid
			status=0
			wait $pid || status=$?
			for child in $children; do
				while test -e /proc/$child && ! grep -q "^State:.Z" /proc/$child/status; do :; done
			done
			echo $status
		done 2>/dev/null'
	assert_output $'143\n143\n143\n143'
}

@test "connect: all addresses of a name are tried, also the 40th" {
	run -0 in_names '
		list=$(printf "127.0.0.%d," {2..40})
		names many.test=${list}127.0.1.1
		mkfifo ready
		rpnc echo 127.0.1.1 9000 --ready-fd 4 4>ready >/dev/null 2>&1 &
		cat ready >/dev/null
		printf found | rpnc connect many.test 9000'
	assert_output found
}

@test "connect, probe: --wait also waits for a name that does not resolve yet" {
	local words
	run -0 in_names '
		mkfifo ready
		rpnc echo 9000 --ready-fd 4 4>ready >/dev/null 2>&1 &
		cat ready >/dev/null
		for words in "connect --wait 30" "probe -n 1 --wait 30" "connect" "probe"; do
			names late.test=127.0.0.1 --after 6
			status=0
			rpnc $words late.test 9000 </dev/null >out 2>&1 || status=$?
			echo "$words: $status"
		done'
	assert_output 'connect --wait 30: 0
probe -n 1 --wait 30: 0
connect: 3
probe: 3'
	for words in connect probe; do
		run -3 in_names "rpnc $words --wait 0.5 nowhere.test 9000 </dev/null"
		assert_output --regexp "^rpnc $words: nowhere\\.test: .*: tried [2-9] times within 0\\.5 s$"
	done
}

@test "probe: dead addresses of a name cost a moment each, and all together --connect-timeout" {
	run -0 in_names '
		mkfifo ready
		rpnc echo 9000 --ready-fd 4 4>ready >/dev/null 2>&1 &
		cat ready >/dev/null
		names some.test=10.9.0.1,10.9.0.2,127.0.0.1 none.test=10.9.0.1,10.9.0.2,10.9.0.3,10.9.0.4,10.9.0.5,10.9.0.6
		for words in "-n 9 some.test 9000" "-n 1 --connect-timeout 1 none.test 9000" "--connect-timeout 1 none.test 9000-9001"; do
			begin
			status=0
			rpnc probe $words >out 2>&1 || status=$?
			echo "status $status"
			echo "took $(took)"
			head -n 1 out
		done'
	within 4000
	assert_line --partial '127.0.0.1:9000 tcp, 9 connections'
	assert_equal "$(grep '^status' <<<"$output" | tr '\n' ' ')" 'status 0 status 4 status 1 '
}

@test "connect, probe: a port alone is localhost for both, tried in the same order" {
	run -0 in_names '
		mkfifo ready
		rpnc echo 9000 --ready-fd 4 4>ready >/dev/null 2>&1 &
		cat ready >/dev/null
		for host in "" localhost; do
			rpnc connect -v $host 9000 </dev/null 2>&1 | grep -o "to .*\|127[^ ]*\|[[]::1[^ ]*" | head -n 1
			rpnc probe -n 1 $host 9000 | grep -o "^[^ ]*:9000"
		done
		kill $!
		wait $! || true
		rpnc echo -6 9001 --ready-fd 4 4>ready >/dev/null 2>&1 &
		cat ready >/dev/null
		rpnc connect 9001 </dev/null
		rpnc probe -n 1 9001 | grep -o "^[^ ]*:9001"'
	assert_output '127.0.0.1:9000
127.0.0.1:9000
127.0.0.1:9000
127.0.0.1:9000
[::1]:9001'
}

@test "connect, probe: where IPv6 is off it is not source ports that ran out" {
	run -0 in_names '
		sysctl -qw net.ipv6.conf.all.disable_ipv6=1
		rpnc probe ::1 9 || echo "status $?"
		rpnc connect ::1 9 || echo "status $?"'
	refute_output --partial 'ran out'
	assert_line --partial 'this host has no address to reach that one from: IPv6 is turned off here'
	assert_line "rpnc connect: connect to [::1]:9: $(errno_text EADDRNOTAVAIL): this host has no address to reach that one from"
}
