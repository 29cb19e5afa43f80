#!/usr/bin/env bats
# connect --to: a given member of a group. Who really got a connection is read
# from the server: its greeting, its reply, or its own counts.
# shellcheck disable=SC2016,SC2030,SC2031,SC2154,SC2317

load reach

tries 24

# worker_of N: the pid of A/N, as it greets.
worker_of() {
	rpnc connect -q --to "A/$1" 127.0.0.1 "$port" </dev/null |
		sed -nE "s/.* pid=([0-9]+) worker=$1\$/\1/p"
}

# greets WORKER ARG...: the member that was asked for greets, and it is said to
# have been reached by prediction.
greets() {
	local worker=$1
	shift
	timeout 20 rpnc connect "$@" "$port" </dev/null >got 2>err
	grep -qE "^rpnc/1 name=A host=.* pid=[0-9]+ worker=$worker$" got ||
		fail "$worker: $(cat got err)"
	grep -qE "^reached A/$worker \(pid [0-9]+\) by prediction$" err ||
		fail "$worker: $(cat err)"
}

@test "reach: of eight workers the given one, over IPv4 and IPv6" {
	needs_ipv6
	eight --identify 0
	for ((i = 0; i < tries; i++)); do
		greets $((i % 8)) --to "A/$((i % 8))" 127.0.0.1
		greets $((i % 8)) --to "A/$((i % 8))" ::1
	done
}

@test "reach: by name, pid, the pid of a parent, and a worker of it" {
	eight --identify 127.0.0.1 0
	local parent=$pid worker
	worker=$(worker_of 5)
	greets 5 --to "$worker" 127.0.0.1
	greets 5 --to "$parent/5" 127.0.0.1
	greets '[0-7]' --to "$parent" 127.0.0.1
	greets '[0-7]' --to A 127.0.0.1
	start echo -r --name B --identify 127.0.0.1 "$port"
	run -0 rpnc connect --to B "$port" </dev/null
	assert_line --regexp "^rpnc/1 name=B .* pid=$pid "
	assert_line "reached B (pid $pid) by prediction"
	run -0 rpnc connect --to "$pid" "$port" </dev/null
	assert_line "reached B (pid $pid) by prediction"
}

@test "reach: as JSON, and what is sent comes back whole" {
	eight --identify 127.0.0.1 0
	random_file 300000 data
	rpnc connect --to A/3 "$port" <data 2>err | tail -c 300000 >got
	cmp got data
	rpnc connect --json --to A/3 "$port" </dev/null >report
	test "$(get 'select(.event == "reached") | "\(.name) \(.worker) \(.command) \(.how) \(.tries) \(.seen) \(.steered)"')" = \
		'A 3 rpnc prediction 1 true false'
	test "$(get 'select(.event == "reached").pid')" = "$(worker_of 3)"
}

@test "reach: datagrams, by what the server itself has counted" {
	start echo -u -w 8 --name A --json 127.0.0.1 0
	for ((i = 0; i < tries; i++)); do
		echo hello | timeout 20 rpnc connect -u --linger 5ms --to "A/$((i % 8))" 127.0.0.1 "$port" >got 2>err
		grep -qE "^reached A/$((i % 8)) \(pid [0-9]+\) by prediction: nothing shows who gets a datagram$" err
	done
	end INT
	test "$(jq -r 'select(.event == "report").workers | map(.in) | unique | tostring' out.0)" = \
		"[$((tries * 6 / 8))]"
}

@test "reach: a given worker of nginx, by its reply" {
	nginx_on reuseport
	local i worker
	for ((i = 0; i < tries; i++)); do
		worker=${workers[i % 3]}
		printf 'GET / HTTP/1.0\r\n\r\n' | timeout 20 rpnc connect --to "$worker" 127.0.0.1 "$port" >got 2>err
		grep -qx "worker=$worker." got || fail "$worker: $(cat got err)"
		grep -qx "reached nginx (pid $worker) by prediction" err || fail "$(cat err)"
	done
	# the master holds all sockets, and accepts from none
	run -0 --separate-stderr rpnc connect --to "$pid" 127.0.0.1 "$port" < <(printf 'GET / HTTP/1.0\r\n\r\n')
	assert_line --regexp "^worker=(${workers[0]}|${workers[1]}|${workers[2]})\\.$"
	run -1 rpnc connect --to "$pid/1" 127.0.0.1 "$port" </dev/null
	assert_line --partial "no socket at 127.0.0.1:$port is $pid/1's: there are nginx (pid "
}

@test "reach: processes that share one socket are told apart by trying" {
	start echo -w 3 --accept shared --identify --name A 127.0.0.1 0
	list_workers
	local worker other
	# the last one that waits is woken first: only who is alone gets one surely
	for worker in "${workers[1]}" "${workers[2]}"; do
		kill -CONT "$worker"
		for other in "${workers[@]}"; do
			test "$other" = "$worker" || halt "$other"
		done
		run -0 --separate-stderr rpnc connect --to "$worker" 127.0.0.1 "$port" </dev/null
		assert_line --regexp "^rpnc/1 name=A host=[^ ]* pid=$worker "
		output=$stderr
		assert_output --regexp "^reached rpnc \(pid $worker\) by trying"
	done
	# no registry has their names, but they greet
	run -0 rpnc connect --to A/2 127.0.0.1 "$port" </dev/null
	assert_line --regexp "^reached A/2 \(pid ${workers[2]}\) by greeting"
	run -1 rpnc connect --to "$$" 127.0.0.1 "$port" </dev/null
	assert_output "rpnc connect: no socket at 127.0.0.1:$port is $$'s: several processes share 1 socket"
}

@test "reach: a server on this host with TLS" {
	start echo -r -w 4 --name A --identify --tls 127.0.0.1 0
	local worker
	for worker in 1 3; do
		run -0 rpnc connect --tls --tls-insecure --to "A/$worker" 127.0.0.1 "$port" </dev/null
		assert_line --regexp " worker=$worker$"
		assert_line --regexp "^reached A/$worker \(pid [0-9]+\) by prediction$"
	done
	run -2 rpnc connect --tls --tls-insecure --to A/1 --proxy socks5://127.0.0.1:1 127.0.0.1 "$port" </dev/null
	assert_output "rpnc connect: --to: on another host a member is known by its greeting, which --tls hides"
}

@test "reach: where rpnc's program steers, by trying, and that is said" {
	eight --identify --steer random 127.0.0.1 0
	for ((i = 0; i < 8; i++)); do
		again timeout 20 rpnc connect --to "A/$i" 127.0.0.1 "$port" </dev/null >got 2>err
		grep -qE " worker=$i$" got || fail "$i: $(cat got err)"
		grep -qE "^reached A/$i \(pid [0-9]+\) by trying(, connection [0-9]+)?: a program steers the group$" err ||
			fail "$(cat err)"
	done
}

@test "reach: a canary with a small weight is reached, after tries that allow for it" {
	start echo -r --name most --weight 1000 127.0.0.1 0
	start echo -r --name canary --weight 20 127.0.0.1 "$port"
	run -0 again rpnc connect --to canary 127.0.0.1 "$port" </dev/null
	assert_output --regexp "^reached canary \(pid $pid\) by trying(, connection [0-9]+)?: a program steers the group$"
	run -0 again rpnc probe --to canary -n 3 127.0.0.1 "$port"
	assert_line --regexp '^only canary, reached by trying; [0-9]+ more connections came to other members: a program steers the group$'
	run -0 again rpnc probe --each 127.0.0.1 "$port"
	assert_line --regexp '^2 of 2 answered, reached by trying'
}

@test "reach: where a program keeps all from a member, the status is 1 and says why" {
	eight --identify --steer source-address 127.0.0.1 0
	local i reached=0
	for ((i = 0; i < 8; i++)); do
		status=0
		timeout 20 rpnc connect --to "A/$i" 127.0.0.1 "$port" </dev/null >got 2>err || status=$?
		if test "$status" -eq 0; then
			reached=$((reached + 1))
			grep -qE " worker=$i$" got
		else
			test "$status" -eq 1
			grep -qxF "rpnc connect: connect to 127.0.0.1:$port: A/$i got none of 112 connections: a program steers the group, and keeps them from it" err
			test ! -s got
		fi
	done
	test "$reached" -eq 1
	stop
	start echo -u -w 3 --steer random --name A 127.0.0.1 0
	run -1 rpnc connect -u --to A/1 127.0.0.1 "$port" </dev/null
	assert_output "rpnc connect: A/1: a program chooses who gets a datagram, and nothing shows whom it chose"
}

@test "reach: a program of another server shows by a wrong prediction" {
	members --sockets 1,1,1,1 --steer --do say
	run -1 rpnc connect --to "${workers[2]}" 127.0.0.1 "$port" </dev/null
	assert_output "rpnc connect: connect to 127.0.0.1:$port: ${workers[2]} got none of 56 connections: a program seems to steer the group, and keeps them from it"
	run -0 --separate-stderr rpnc connect --to "${workers[0]}" 127.0.0.1 "$port" </dev/null
	assert_output --partial "${workers[0]}"
}

@test "reach: a member that is stopped is reached, and nobody is said to accept" {
	eight --identify 127.0.0.1 0
	local worker
	worker=$(worker_of 6)
	halt "$worker"
	rpnc connect --json -n --idle-timeout 100ms --to A/6 127.0.0.1 "$port" >report 2>err || true
	test "$(get 'select(.event == "reached") | "\(.pid) \(.how) \(.seen)"')" = "$worker prediction false"
	rpnc connect -n --idle-timeout 100ms --to A/6 127.0.0.1 "$port" >got 2>err || true
	has_line "reached A/6 (pid $worker) by prediction: nobody was seen to accept it yet" err
	kill -CONT "$worker"
}

# has_line TEXT FILE
has_line() {
	grep -qxF -- "$1" "$2" || fail "$(cat "$2")"
}

@test "reach: from another host by the greeting, and that is said" {
	export -f again
	from_another_host '
		for i in {0..7}; do
			again rpnc connect --to "A/$i" 192.0.2.2 9000 </dev/null
		done 2>&1 | sed -E "s/(host|pid)=[^ ]*//g; s/, connection [0-9]+//; s/pid [0-9]+/pid/"
		rpnc connect --to B 192.0.2.2 9000 </dev/null 2>&1 || echo $?
		rpnc connect -u --to A 192.0.2.2 9000 </dev/null 2>&1 || echo $?
		neighbour echo 192.0.2.2 9001
		rpnc connect --to B 192.0.2.2 9001 </dev/null 2>&1 || echo $?'
	local worker
	for worker in {0..7}; do
		assert_line "reached A/$worker (pid) by greeting"
		assert_line --regexp "^rpnc/1 name=A +worker=$worker$"
	done
	assert_line "rpnc connect: 192.0.2.2:9000: 126 connections, and B greeted on none: 8 others did"
	assert_line "rpnc connect: --to: no process on this host has that port, and datagrams are not greeted"
	assert_line "rpnc connect: 192.0.2.2:9001: it sends no greeting that names the member: 'rpnc echo --identify' does"
	assert_equal "$(grep -cx 1 <<<"$output")" 3
}

@test "reach: through a proxy by the greeting" {
	eight --identify 127.0.0.1 0
	local server=$port
	free_port
	find_peer microsocks usr/bin/microsocks
	background "$peer" -i 127.0.0.1 -p "$port" >/dev/null 2>&1
	eventually listens
	for i in 1 6; do
		again timeout 20 rpnc connect -n --idle-timeout 200ms --to "A/$i" --proxy "socks5://127.0.0.1:$port" 127.0.0.1 "$server" >got 2>err || true
		grep -qE " worker=$i$" got || fail "$(cat got err)"
		grep -qE "^reached A/$i \(pid [0-9]+\) by greeting" err || fail "$(cat err)"
	done
}

@test "reach: the members of another user by the greeting" {
	test "$EUID" -eq 0 || skip "only root can start them"
	setpriv --reuid=65534 --clear-groups test -x "$RPNC" ||
		skip "$RPNC can't be run by others"
	eight --identify 127.0.0.1 0
	local addrs_of_eight=${addrs[0]} nobody=(setpriv --reuid=65534 --clear-groups env -u XDG_RUNTIME_DIR)
	run -0 again "${nobody[@]}" "$RPNC" connect --to A/4 127.0.0.1 "$port" </dev/null
	assert_line --regexp ' worker=4$'
	assert_line --regexp "^reached A/4 \(pid ${workers[4]}\) by greeting"
	run -0 again "${nobody[@]}" "$RPNC" probe --to "${workers[2]}" -n 5 127.0.0.1 "$port"
	assert_line --regexp "^only ${workers[2]}, reached by greeting"
	# with TLS the greeting can't be read, nor of datagrams
	run -1 "${nobody[@]}" "$RPNC" connect --tls --tls-insecure --to A/4 127.0.0.1 "$port" </dev/null
	assert_output "rpnc connect: no socket at 127.0.0.1:$port is A/4's: processes of root (uid 0) can't be seen: be that user, or root"
	start echo -u --name B 127.0.0.1 0
	run -1 "${nobody[@]}" "$RPNC" connect -u --to B 127.0.0.1 "$port" </dev/null
	assert_output "rpnc connect: no socket at 127.0.0.1:$port is B's: processes of root (uid 0) can't be seen: be that user, or root"
	port=${addrs_of_eight##*:}
	# the kernel tells the sockets apart, though not whose they are
	halt "${workers[6]}"
	run -6 "${nobody[@]}" "$RPNC" probe --each 127.0.0.1 "$port"
	assert_line '7 of 8 answered, reached by prediction'
	assert_line '  no answer: a socket of an unknown process'
	kill -CONT "${workers[6]}"
}

@test "reach: --wait awaits the member" {
	eight --identify 127.0.0.1 0
	rpnc connect --wait 20 --to B 127.0.0.1 "$port" </dev/null >got 2>err 3>&- &
	local waiting=$!
	pids+=("$waiting")
	start echo -r --name B --identify 127.0.0.1 "$port"
	finish "$waiting"
	has_line "reached B (pid $pid) by prediction" err
	grep -q "^rpnc/1 name=B " got
	run -1 rpnc connect --wait 0.1 --to C 127.0.0.1 "$port" </dev/null
	assert_output --partial "is C's: there are "
}

@test "reach: with -s, --send-proxy and --accept-proxy" {
	start echo -r -w 4 --name A --identify --accept-proxy 127.0.0.1 0
	local worker
	for worker in 0 3; do
		run -0 rpnc connect -s 127.0.0.7 --send-proxy v2 --to "A/$worker" 127.0.0.1 "$port" </dev/null
		assert_line --regexp " worker=$worker$"
		assert_line --regexp "^reached A/$worker \(pid [0-9]+\) by prediction$"
	done
}

@test "reach: what makes no sense is refused in one line" {
	run -2 rpnc connect --to 'a b' 1
	assert_output "rpnc connect: --to a b: want a member's NAME or PID, or with its worker's number, such as A/2 or 4100/2"
	run -2 rpnc connect --to A/x 1
	run -2 rpnc connect --to '' 1
	run -2 rpnc connect --to A -p 5000 1
	assert_output "rpnc connect: --to chooses the source port: choose"
	run -2 rpnc connect --to A -U x
	assert_output "rpnc connect: --to: Unix sockets have no groups"
	run -2 rpnc connect --to A --pass-fd 1
	test "${#lines[@]}" -eq 1
	free_port
	run -1 rpnc connect --to A 127.0.0.1 "$port"
	assert_output "rpnc connect: connect to 127.0.0.1:$port: Connection refused"
}
