#!/usr/bin/env bats
# What man/rpnc-reuseport.7 shows, typed at a shell in a terminal as it is
# written there, listing by listing: servers are jobs of the shell.
# shellcheck disable=SC2016,SC2034,SC2154 # what is shown; used by what is loaded

load helpers
load terminal
load shown
load shown_terminal

texts() {
	cat "$root/man/rpnc-reuseport.7"
}

# does COMMAND: it says nothing that matters.
does() {
	says "$1"
}

# goes_on COMMAND: a shell in a terminal has continued it before, with its kill,
# and the job may be over.
goes_on() {
	gives s "$1"
	over s
	test "$status" -eq 0 || assert_output --regexp '[Nn]o such (job|process)'
}

# sum NAME...: how many connections these had together.
sum() {
	local name sum=0
	for name; do
		sum=$((sum + $(gave "$name")))
	done
	echo "$sum"
}

# named NAME...: the last loop was told these names, in order.
named() {
	assert_equal "$(grep -o '^name=.*' <<<"$output")" \
		"$(printf 'name=%s\n' "$@")"
}

# so COMMAND...: repeated until it succeeds: a member must have been woken by a
# change before it can act on it.
so() {
	local end=$((SECONDS + 20))
	until "$@" >/dev/null 2>&1; do
		test "$SECONDS" -lt "$end" || break
	done
	"$@"
}

@test "reuseport.7 at a terminal: every command that is shown is typed here" {
	all_are_typed "$BATS_TEST_FILENAME"
	test "$(wc -l <all_shown)" -gt 60
}

@test "reuseport.7 at a terminal: a group, and who of it accepts" {
	starts 'rpnc echo -r 9000 &' 'A listening on 0.0.0.0:9000'
	starts 'rpnc echo -r 9000 &' 'B listening on 0.0.0.0:9000'
	says 'rpnc probe 9000' '200 connections'
	assert_equal "$(sum A B)" 200
}

@test "reuseport.7 at a terminal: all must have the option" {
	starts 'rpnc echo 9000 &'
	fails 'rpnc echo -r 9000' 'without SO_REUSEPORT, which all need to share a port: restart it with -r'
}

@test "reuseport.7 at a terminal: all must have it, the second one too" {
	starts 'rpnc echo -r 9000 &'
	fails 'rpnc echo 9000' 'with SO_REUSEPORT: -r joins it'
}

@test "reuseport.7 at a terminal: one user must have made all" {
	others
	starts 'sudo -u nobody rpnc echo -r 9000 &'
	fails 'sudo rpnc echo -r 9000' 'only sockets of one user share a port'
}

@test "reuseport.7 at a terminal: nc joins without a word" {
	starts 'nc -l 9000 &' ''
	eventually bound 1
	starts 'nc -l 9000 &' ''
	eventually bound 2
	starts 'rpnc echo -r -4 9000 &' '3 of 3)'
}

# bound N [-u]: as many sockets have the port.
bound() {
	test "$("${inside[@]}" ss -Hln "${2:--t}" 'sport = :9000' | wc -l)" -ge "$1"
}

@test "reuseport.7 at a terminal: addresses that do not cover each other" {
	starts 'rpnc echo 127.0.0.1 9000 &' '127.0.0.1:9000'
	starts 'rpnc echo -r 127.0.0.2 9000 &' '127.0.0.2:9000'
}

@test "reuseport.7 at a terminal: --check" {
	starts 'rpnc echo -r 9000 &'
	says 'rpnc echo -r --check 9000' "A (pid $(job 1)"
	refute grep -q joined <<<"$(screen s)"
}

@test "reuseport.7 at a terminal: ports for root, and Unix sockets" {
	others
	fails 'sudo -u nobody rpnc echo -r 80' 'Permission denied: ports below '
	fails 'rpnc echo -r -U socket' 'Linux has no SO_REUSEPORT for Unix sockets'
}

@test "reuseport.7 at a terminal: a specific address beats the wildcard" {
	starts 'rpnc echo -r 9000 &'
	starts 'rpnc echo -r 127.0.0.1 9000 &'
	told 'all that is for 127.0.0.1 comes to 127.0.0.1:9000 now'
	says 'rpnc probe 127.0.0.1 9000'
	assert_equal "$(gave A),$(gave B)" ,200
	says 'rpnc probe 127.0.0.2 9000'
	assert_equal "$(gave A),$(gave B)" 200,
}

@test "reuseport.7 at a terminal: IPv4 beats dual-stack" {
	grep -q . /proc/net/if_inet6 || skip "no IPv6 here"
	starts 'socat TCP6-LISTEN:9000,reuseport,fork PIPE &' ''
	eventually bound 1
	starts 'rpnc echo -r 9000 &' 'all IPv6 goes to socat'
	says 'rpnc probe 127.0.0.1 9000'
	assert_equal "$(gave A)" 200
	says 'rpnc probe ::1 9000'
	assert_equal "$(gave A)" ""
}

@test "reuseport.7 at a terminal: of a group on an interface and one on any, the last wins" {
	starts 'rpnc echo -r -4 9000 &'
	starts 'rpnc echo -r -4 --interface lo 9000 &'
	says 'rpnc probe 127.0.0.1 9000'
	assert_equal "$(gave A),$(gave B)" ,200
	does 'kill %1'
	ends 1
	starts 'rpnc echo -r -4 9000 &'
	says 'rpnc probe 127.0.0.1 9000'
	assert_equal "$(gave B),$(gave C)" ,200
}

@test "reuseport.7 at a terminal: the hash is even over many" {
	starts 'rpnc echo -r 9000 &'
	starts 'rpnc echo -r 9000 &'
	starts 'rpnc echo -r 9000 &'
	says 'rpnc probe -n 1000 --fail-uneven=0.000001 127.0.0.1 9000' 'failed 0'
	assert_equal "$(sum A B C)" 1000
}

@test "reuseport.7 at a terminal: but like dice" {
	starts 'rpnc echo -w 4 9000 &'
	says 'rpnc probe -n 10 127.0.0.1 9000' 'fair hashing gives 2 ±'
}

@test "reuseport.7 at a terminal: the same port meets the same member" {
	starts 'rpnc echo -r --identify 9000 &'
	starts 'rpnc echo -r --identify 9000 &'
	says - <<'END'
for i in 1 2 3 4 5; do rpnc connect -s 127.0.0.1 -p 20001 127.0.0.1 9000 </dev/null; done
END
	assert_equal "$(grep -c '^rpnc/1 ' <<<"$output")" 5
	assert_equal "$(grep '^rpnc/1 ' <<<"$output" | sort -u | wc -l)" 1
}

four() {
	starts 'rpnc echo -r --identify --steer source-address 127.0.0.1 9000 &'
	starts 'rpnc echo -r --identify 127.0.0.1 9000 &'
	starts 'rpnc echo -r --identify 127.0.0.1 9000 &'
	starts 'rpnc echo -r --identify 127.0.0.1 9000 &'
	so names_of_four A B C D
}

names_of_four() {
	says - <<'END'
for i in 4 1 2 3; do rpnc connect -s 127.0.0.$i 127.0.0.1 9000 </dev/null; done | cut -d " " -f 2
END
	named "$@"
}

names_of_three() {
	says - <<'END'
for i in 2 3 1; do rpnc connect -s 127.0.0.$i 127.0.0.1 9000 </dev/null; done | cut -d " " -f 2
END
	named "$@"
}

@test "reuseport.7 at a terminal: the last of the array moves into the place of who leaves" {
	four
	does 'kill %2'
	ends 2
	so names_of_three A D C
}

@test "reuseport.7 at a terminal: a program goes on without who attached it" {
	four
	does 'kill -KILL %1'
	ends 1
	so names_of_three D B C
}

@test "reuseport.7 at a terminal: a canary" {
	starts 'rpnc echo -r 127.0.0.1 9000 &'
	starts 'rpnc echo -r --name canary --weight 10 127.0.0.1 9000 &'
	told 'steering'
	says 'rpnc probe -n 1100 127.0.0.1 9000'
	assert_equal "$(sum A canary)" 1100
	assert [ "$(gave canary)" -lt 300 ]
}

@test "reuseport.7 at a terminal: one processor, one member" {
	starts 'rpnc echo -r --steer cpu 127.0.0.1 9000 &'
	starts 'rpnc echo -r 127.0.0.1 9000 &'
	says 'taskset -c 0 rpnc probe 127.0.0.1 9000'
	assert_regex "$(gave A),$(gave B)" '^(200,0|0,200)$'
}

@test "reuseport.7 at a terminal: the fewest open connections decide" {
	starts 'rpnc echo -r -w 8 --steer least 127.0.0.1 9000 &'
	says 'rpnc probe 127.0.0.1 9000' 'the members steer to those with the fewest'
}

# queue_up: B has clients in its queue while it is stopped, and is then ended.
# These are more than the 64 that one wake-up accepts before it meets SIGTERM.
queue_up() {
	gives s 'rpnc probe --echo -d 5 --rate 500 -c 400 --timeout 60 127.0.0.1 9000 &'
	enter s 'kill -STOP %2' # typed ahead: probe ends in 5 s
	over s
	running[s]='kill -STOP %2'
	over s
	eventually some_wait
	does 'kill %2'
	goes_on 'kill -CONT %2'
	ends 2
	ends 3
}

some_wait() {
	"${inside[@]}" ss -Hltn 'sport = :9000' | grep -qE '^LISTEN +[1-9][0-9][0-9]'
}

@test "reuseport.7 at a terminal: who closes resets what is queued" {
	starts 'rpnc echo -r 127.0.0.1 9000 &'
	starts 'rpnc echo -r --leave close 127.0.0.1 9000 &'
	queue_up
	like s 'left: ([^)]*, )?[1-9][0-9]* connections? lost \(close\)'
	like s 'failed [0-9]+ \(reset [0-9]+\)'
}

@test "reuseport.7 at a terminal: who leaves loses nothing" {
	starts 'rpnc echo -r 127.0.0.1 9000 &'
	starts 'rpnc echo -r 127.0.0.1 9000 &'
	queue_up
	told ', nothing lost'
	told 'failed 0'
}

@test "reuseport.7 at a terminal: tcp_migrate_req hands the queue on" {
	test -e /proc/sys/net/ipv4/tcp_migrate_req || skip "not before Linux 5.14"
	says 'sudo sysctl net.ipv4.tcp_migrate_req=1'
	starts 'rpnc echo -r 127.0.0.1 9000 &'
	starts 'rpnc echo -r --leave close 127.0.0.1 9000 &'
	queue_up
	told 'failed 0'
}

@test "reuseport.7 at a terminal: a member that is stuck" {
	at a 'rpnc listen -r --steer source-address 127.0.0.1 9000' 'A [0 open]>'
	starts 'rpnc echo -r 127.0.0.1 9000 &'
	sees a '+ B joined'
	does 'kill -STOP %1'
	fails 'rpnc probe -s 127.0.0.1 -n 20 -c 20 --timeout 500ms 127.0.0.1 9000' \
		'queued 20: connected, but nobody accepted them'
	says 'rpnc probe -s 127.0.0.2 -n 20 -c 20 --timeout 500ms 127.0.0.1 9000' \
		'failed 0'
	types a '/group'
	like a "B +$(job 1) rpnc[^/]* 20/4096 +0 stopped"
	does 'kill -CONT %1'
	at_group() {
		enter a /group
		matches a "B +$(job 1) rpnc[^/]* 20 [^/]* 0/4096 +0 running"
	}
	eventually at_group
}

types() {
	is_shown "$2"
	enter "$1" "$2"
}

@test "reuseport.7 at a terminal: a queue is full" {
	starts 'rpnc echo -r --steer source-address 127.0.0.1 9000 &'
	starts 'rpnc echo -r --backlog 4 127.0.0.1 9000 &'
	told '+ B joined'
	does 'kill -STOP %2'
	fails 'rpnc probe -s 127.0.0.1 -n 20 -c 20 --timeout 500ms 127.0.0.1 9000' \
		'queued 5: connected' 'failed 15 (timeout 15)'
}

# twenty_wait: so many clients are in B's queue.
twenty_wait() {
	"${inside[@]}" ss -Hltn 'sport = :9000' | grep -qE '^LISTEN +20 '
}

@test "reuseport.7 at a terminal: who is stuck is taken over" {
	starts 'rpnc echo -r --steer source-address 127.0.0.1 9000 &'
	starts 'rpnc echo -r 127.0.0.1 9000 &'
	told '+ B joined'
	does 'b=$!'
	does 'kill -STOP %2'
	stops 2
	starts 'rpnc probe -s 127.0.0.1 --echo -n 20 -c 20 --timeout 60 127.0.0.1 9000 &' ''
	eventually twenty_wait
	starts 'rpnc echo -r --adopt $b &'
	ends 3
	told 'failed 0'
	does 'kill -KILL %2'
	told '- B died'
	says 'rpnc probe -s 127.0.0.1 -n 20 127.0.0.1 9000' 'failed 0'
	assert_equal "$(gave A),$(gave C)" 0,20
	says 'rpnc probe -s 127.0.0.2 -n 20 127.0.0.1 9000' 'failed 0'
	assert_equal "$(gave A),$(gave C)" 20,0
}

@test "reuseport.7 at a terminal: who is stuck is left out, and its clients are rescued" {
	starts 'rpnc echo -r --steer source-address 127.0.0.1 9000 &'
	starts 'rpnc echo -r 127.0.0.1 9000 &'
	told '+ B joined'
	does 'kill -STOP %2'
	stops 2
	starts 'rpnc probe -s 127.0.0.1 --echo -n 20 -c 20 --timeout 60 127.0.0.1 9000 &' ''
	eventually twenty_wait
	starts 'rpnc probe --rescue B --yes 127.0.0.1 9000 &' 'B quarantined'
	ends 3
	told 'failed 0'
	says 'rpnc probe -s 127.0.0.1 -n 20 127.0.0.1 9000' 'failed 0'
	assert_equal "$(gave A),$(gave B)" 20,0
	does 'kill %4'
	ends 4
	told 'rescued 20 clients in '
	fails 'rpnc probe -s 127.0.0.1 -n 20 -c 20 --timeout 500ms 127.0.0.1 9000' \
		'queued 20: connected'
}

@test "reuseport.7 at a terminal: one member more, and half of all ports have another" {
	starts 'rpnc echo -r --identify 127.0.0.1 9000 &'
	starts 'rpnc echo -r --identify 127.0.0.1 9000 &'
	says - <<'END'
for p in $(seq 20001 20200); do rpnc connect -s 127.0.0.1 -p $p 127.0.0.1 9000 </dev/null; done | cut -d " " -f 2 >before
END
	starts 'rpnc echo -r --identify 127.0.0.1 9000 &'
	says - <<'END'
for p in $(seq 20001 20200); do rpnc connect -s 127.0.0.1 -p $p 127.0.0.1 9000 </dev/null; done | cut -d " " -f 2 >after
END
	says - <<'END'
paste before after | awk '$1 != $2' | wc -l
END
	local moved
	moved=$(grep -xE '[0-9]+' <<<"$output")
	assert [ "$moved" -gt 60 -a "$moved" -lt 140 ]
}

@test "reuseport.7 at a terminal: who joins first takes the place of who leaves" {
	four
	starts 'rpnc echo -r --identify --replace B 127.0.0.1 9000 &'
	ends 2
	so names_of_four A E C D
}

@test "reuseport.7 at a terminal: who leaves first has the last one move" {
	four
	does 'kill %2'
	ends 2
	so names_of_three A D C
	starts 'rpnc echo -r --identify 127.0.0.1 9000 &'
	so names_of_four A D C E
}

@test "reuseport.7 at a terminal: a restart, and what is lost meanwhile" {
	starts 'rpnc echo -r 127.0.0.1 9000 &'
	starts 'rpnc echo -r 127.0.0.1 9000 &'
	says 'rpnc probe --during --fail-lost 127.0.0.1 9000 -- kill $!' '0 lost of '
	ends 2
}

@test "reuseport.7 at a terminal: who dies resets its queue" {
	starts 'rpnc echo -r 127.0.0.1 9000 &'
	starts 'rpnc echo -r 127.0.0.1 9000 &'
	does 'kill -STOP %2'
	fails 'rpnc probe --during 127.0.0.1 9000 -- kill -KILL $!'
	assert_line --regexp '^[1-9][0-9]* lost of [0-9]{3} \(reset [0-9]+\)$'
}

# datagrams: B has some in its queue when it is ended.
datagrams() {
	does 'kill -STOP %2'
	stops 2
	says - <<'END'
for i in $(seq 200); do echo hello | rpnc connect -u --linger 1ms 127.0.0.1 9000; done
END
	does 'kill %2'
	goes_on 'kill -CONT %2'
	ends 2
}

@test "reuseport.7 at a terminal: what is queued of datagrams is lost with the socket" {
	starts 'rpnc echo -u -r 127.0.0.1 9000 &'
	starts 'rpnc echo -u -r --leave close 127.0.0.1 9000 &'
	datagrams
	like s 'left: [1-9][0-9]* datagrams? lost \(close\)'
}

@test "reuseport.7 at a terminal: SO_REUSEADDR gives datagrams to any user" {
	others
	starts 'nc -d -u -l -k 9000 >first &' ''
	eventually bound 1 -u
	chmod 777 .
	starts 'sudo -u nobody nc -d -u -l -k 9000 >second &' ''
	eventually bound 2 -u
	says 'echo hello | rpnc connect -u --linger 100ms 127.0.0.1 9000'
	eventually has_line hello second
	test ! -s first
}

@test "reuseport.7 at a terminal: rpnc does not set it" {
	others
	starts 'rpnc echo -u -r 9000 &'
	fails 'sudo -u nobody nc -d -u -l -k 9000' 'Address already in use'
}

@test "reuseport.7 at a terminal: port 0 and datagrams" {
	fails 'rpnc echo -u -r 0' 'Linux may give two such sockets the same port'
}

@test "reuseport.7 at a terminal: at a shared queue nobody waits for one who is stopped" {
	starts 'rpnc echo -w 2 --accept shared 127.0.0.1 9000 &'
	does 'kill -STOP $(pgrep -P $! | head -n 1)'
	says 'rpnc probe --echo -n 100 -c 100 --timeout 500ms 127.0.0.1 9000' 'failed 0'
	refute_output --partial queued
}

@test "reuseport.7 at a terminal: and half of all do at two members" {
	starts 'rpnc echo -w 2 --accept reuseport 127.0.0.1 9000 &'
	does 'kill -STOP $(pgrep -P $! | head -n 1)'
	fails 'rpnc probe --echo -n 100 -c 100 --timeout 500ms 127.0.0.1 9000'
	assert_output --regexp 'queued [1-9][0-9]:'
}

@test "reuseport.7 at a terminal: profile first" {
	starts 'rpnc echo 127.0.0.1 9000 &'
	says 'rpnc probe -n 1000 -c 16 127.0.0.1 9000'
	assert_line --regexp '^accept +p50 .* p99 '
}
