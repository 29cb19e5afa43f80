#!/usr/bin/env bats
# rpnc probe: servers of all kinds, and that it counts as they do themselves.
# shellcheck disable=SC2016,SC2154

load helpers
load probe

# answered FILTER: of the members, "WHO COUNT" a line.
answered() {
	get ".members[] | select(.count > 0) | \"\($1) \(.count)\"" | sort
}

# served N: what nginx itself has counted of N requests, as answered.
served() {
	eventually all_logged "$1"
	sort served | uniq -c | awk '{ print $2, $1 }' | sort
	: >served # nginx appends
}

all_logged() {
	test "$(wc -l <served)" -eq "$1"
}

# nginx_agrees: the kernel, the replies and nginx's log, about who answered.
nginx_agrees() {
	local request=(-n 300 --send 'GET / HTTP/1.0\r\n\r\n' --json --fail-uneven=1e-7)
	: >served
	probe "${request[@]}" --match 'worker=([0-9]+)\.' "$port"
	test "$status" -eq 0
	holds '.by == "reply" and .unattributed == 0'
	answered .name >got
	served 300 >wanted
	diff -u wanted got
	cp report replied
	probe "${request[@]}" --expect '^HTTP/1\.1 200' "$port"
	test "$status" -eq 0
	# the master holds all sockets, too, and is no member
	holds '.by == "diag" and .unattributed == 0 and (.members | length == 3)'
	answered .pid >got
	served 300 >wanted
	diff -u wanted got
}

@test "servers: nginx with reuseport: its log, the replies and the kernel agree" {
	nginx_on reuseport
	nginx_agrees
	# each worker has inherited all three sockets, and uses its own
	holds '.fairness.dof == 2 and (.members | map(.sockets) == [1, 1, 1])'
	get '.members[].pid' | sort | diff -u <(printf '%s\n' "${workers[@]}" | sort) -
	jq -e '.fairness.at_least' replied
}

@test "servers: nginx without reuseport: the same, and there is no verdict" {
	nginx_on ""
	nginx_agrees
	holds '.fairness == null and (.members | map(.expected) | unique == [null])'
	jq -e '.fairness == null' replied
	probe -n 50 "$port"
	grep -qx 'no verdict: several processes share one socket and compete for its connections, no hash deals them out' report
	grep -q 'fair hashing' report && fail "a hash"
	# unless one says what should be
	probe -n 100 --json --fail-uneven --expect-weights "${workers[0]}=1,1=99" "$port"
	test "$status" -eq 7
}

@test "servers: a Python server whose processes share a socket: its own counts, no verdict" {
	members --sockets 1,1,1 --shared
	probe -n 300 --json --fail-uneven "$port"
	test "$status" -eq 0
	holds '.fairness == null and .unattributed == 0 and (.members | map(.count) | add) == 300'
	# the parent holds it too, and is no member
	holds '.members | length == 3'
	probed_counts >got
	own_counts >wanted
	diff -u wanted got
}

@test "servers: rpnc echo --accept shared or exclusive: its report, no verdict" {
	local model
	for model in shared exclusive; do
		start echo -w 3 --accept "$model" --identify --json 127.0.0.1 0
		probe -n 300 --json --fail-uneven "$port"
		test "$status" -eq 0
		holds '.by == "diag" and .fairness == null and .unattributed == 0'
		probed_counts >got
		kill "$pid"
		finish "$pid" || true
		jq -r 'select(.event == "report").workers[] |
			"\(.pid) \(.accepted)"' "out.$((${#pids[@]} - 1))" | sort >wanted
		diff -u wanted got
	done
	start echo -w 3 --accept shared --identify 127.0.0.1 0
	probe -n 50 --by banner --json "$port"
	holds '.by == "banner" and .fairness == null'
}

@test "servers: haproxy: one process with four sockets, which is said" {
	local haproxy=${PEERS:-/nonexistent}/haproxy/usr/sbin/haproxy
	test -x "$haproxy" || skip "no haproxy: make check fetches it"
	reserve
	cat >haproxy.cfg <<-END
		global
		    nbthread 4
		    stats socket $PWD/admin
		defaults
		    mode http
		    timeout client 60s
		    timeout server 60s
		    timeout connect 60s
		frontend front
		    bind 127.0.0.1:$port shards by-thread
		    http-request return status 200 content-type text/plain string hello
	END
	background "$haproxy" -db -f haproxy.cfg >haproxy.out 2>&1
	four() {
		test "$(ss -Htln "src 127.0.0.1:$port" | wc -l)" -eq 4 -a -S admin
	}
	eventually four
	probe -n 200 --send 'GET / HTTP/1.0\r\n\r\n' --expect hello --json "$port"
	test "$status" -eq 0
	holds '.by == "diag" and .unattributed == 0 and .fairness.verdict == "too-few"'
	test "$(get '.members[] | "\(.pid) \(.command) \(.sockets) \(.count)"')" = "$pid haproxy 4 200"
	echo 'show stat' | socat - UNIX-CONNECT:admin >counts
	test "$(awk -F , '$2 == "FRONTEND" { print $8 }' counts)" -eq 200
	probe -n 20 "$port"
	grep -qx "one process, pid $pid, holds 4 of the group's 4 sockets: connections are dealt to sockets" report
}

@test "servers: two socats that fork, and their logs" {
	local i log
	free_port
	for i in 1 2; do
		background socat -d -d "tcp-l:$port,bind=127.0.0.1,reuseport,reuseaddr,fork" PIPE 2>"socat.$i"
		eventually grep -q 'listening on' "socat.$i"
	done
	probe -n 60 --echo --json "$port"
	test "$status" -eq 0
	test "$(get '.members | map(.command) | unique | tostring')" = '["socat"]'
	for i in 1 2; do
		log=$(grep -c 'accepting connection' "socat.$i")
		test "$(get ".members[] | select(.pid == ${pids[i]}).count")" -eq "$log"
	done
	test "$(get .unattributed)" -eq 0
}

@test "servers: two nc -lk, one client at a time, and what they say" {
	local i
	free_port
	for i in 1 2; do
		background nc.openbsd -nlkv 127.0.0.1 "$port" </dev/null >/dev/null 2>"nc.$i"
		eventually grep -q Listening "nc.$i"
	done
	probe -c 1 -n 60 --json "$port"
	test "$status" -eq 0
	test "$(get '"\(.ok) \(.unattributed)"')" = "60 0"
	for i in 1 2; do
		eventually test_count "nc.$i" "${pids[i]}"
	done
}

# test_count LOG PID: nc's own count is the probe's.
test_count() {
	test "$(grep -c 'Connection received' "$1")" -eq \
		"$(get ".members[] | select(.pid == $2).count")"
}

# right: no member got less than was found, and what is missing is unattributed.
right() {
	probed_counts >got
	own_counts >wanted
	join wanted got | awk -v missed="$(get .unattributed)" '
		$3 > $2 { print "more than it got:", $0; bad = 1 }
		{ missed -= $2 - $3 }
		END { exit bad || missed }'
}

@test "servers: one that closes at once: what was predicted is what it counted" {
	members --sockets 1,1,1 --do close
	probe -n 2000 --json --fail-uneven=1e-7 "$port"
	test "$status" -eq 0
	sums
	holds '.ok == 2000 and .predicted > 1000 and .unattributed < 100'
	holds '.predicted == (.members | map(.predicted) | add)'
	holds '(.members | map(.count) | add) + .unattributed == 2000'
	right
}

@test "servers: one that has closed before /proc was read is not called hidden" {
	# it has so many descriptors that reading them takes milliseconds
	mkfifo ready
	python3 - >ready 3>&- <<-'END' &
		import os, resource, socket, time
		most = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
		resource.setrlimit(resource.RLIMIT_NOFILE, (min(most, 8192), most))
		s = socket.socket()
		s.bind(("127.0.0.1", 0))
		s.listen(128)
		for i in range(6000):
		    os.dup(0)
		print(s.getsockname()[1], flush=True)
		while True:
		    c, _ = s.accept()
		    end = time.monotonic() + 0.0008
		    while time.monotonic() < end:
		        pass
		    c.close()
	END
	pids+=("$!")
	read -r port <ready
	probe -n 20 "$port"
	test "$status" -eq 0
	grep -q "can't be seen" report && fail "but it can"
	true
}

@test "servers: some predicted, some missed: each is said, and none is guessed" {
	# only one of them has a socket that nobody else holds
	members --sockets 1,1,1 --leaky --do half
	probe -n 600 --json "$port"
	test "$status" -eq 0
	holds '.predicted > 0 and .unattributed > 100 and .fairness.verdict == "unclear"'
	holds ".members[] | select(.pid == ${workers[2]}) | .predicted > 0"
	holds '(.members | map(.count) | add) + .unattributed == 600'
	cp report some
	right
	probe -v --merge some
	grep -qE '^predicted [0-9]+: the kernel was only asked before connecting$' report
	grep -qE '^unattributed [0-9]+: who answered is not known$' report
}

@test "servers: a program steers one that closes at once: nothing is predicted" {
	local habit
	for habit in close half; do
		members --sockets 1,1,1 --do "$habit" --steer
		probe -n 300 -c 2 --json --fail-uneven "$port"
		test "$status" -eq 7
		sums
		holds '.predicted == 0 and .unattributed <= 15 and .fairness.verdict == "uneven"'
		holds "[.members[] | select(.count > 0).pid] == [${workers[0]}]"
		probe -n 300 "$port"
		grep -qE "^a program seems to steer the group: [0-9]+ connections? went to another member than the kernel's hash gives$" report
	done
	# at a given rate there is no time to see each
	probe -n 200 --rate 1000 --json "$port"
	holds '.predicted == 0 and .unattributed > 30 and .fairness.verdict == "unclear"'
	holds "[.members[] | select(.count > 0).pid] == [${workers[0]}]"
}

# queues: what the kernel has in them, "PID QUEUED" a line.
queues() {
	rpnc probe --group --json "$port" |
		jq -r '.members[] | "\(.pid) \(.queue)"' | sort
}

@test "servers: all wait in queues: in whose, unless a program steers" {
	members --sockets 1,1,1
	kill -STOP "${workers[@]}"
	probe -n 40 -c 40 --timeout 0.3 --json "$port"
	test "$status" -eq 4
	holds '.queued == 40 and (.members | map(.queued) | add) == 40'
	get '.members[] | "\(.pid) \(.queued)"' | sort >got
	queues >wanted
	diff -u wanted got
	members --sockets 1,1,1 --steer
	kill -STOP "${workers[@]}"
	probe -n 40 -c 40 --timeout 0.3 --json "$port"
	holds '.queued == 40 and (.members | map(.queued) | unique == [0])'
	probe -n 20 -c 20 --timeout 0.3 "$port"
	grep -qx "20 connections in no row: no process was seen to accept, and the kernel's hash can't tell which did: a program may steer the group" report
}

@test "servers: a balancer before several hosts: a table of hosts and their members" {
	members --do hosts # a greeting of another one each time
	probe -n 100 -c 1 --by banner --json --fail-uneven "$port"
	test "$status" -eq 0
	holds '.members | map("\(.host) \(.name) \(.count)") == ["www1 A 25", "www1 B 25", "www2 A 50"]'
	holds '.fairness == null'
	probe -n 100 -c 1 --by banner "$port"
	grep -A 2 -x '  www1, 2 members: 50, 50.0 %' report >first
	test "$(grep -cE '^    [AB]/0  pid 7  █+[^ ]? +25  25.0 %$' first)" -eq 2
	grep -A 1 -x '  www2, 1 member: 50, 50.0 %' report | grep -qE '^    A/0  pid 7  █+ +50  50.0 %$'
	grep -qx 'no verdict: several hosts answer, no one hash deals connections out to them' report
}

@test "servers: the time to accept, of each member" {
	members --sockets 1,1
	probe -n 400 --json "$port"
	holds '[.members[].latency.accept | .count > 0 and .p90 >= .p50] == [true, true]'
	probe -v -n 400 "$port"
	test "$(grep -cE '^    accepted p50 +[0-9.]+ .s p90 +[0-9.]+ .s max +[0-9.]+ .s$' report)" -eq 2
	grep -qE '^accept: polled every 50 µs to 5 ms, and no finer than that$' report
}

@test "servers: one is killed with clients in its queue: they failed, whatever is seen first" {
	local all=60 queued=0 prober
	start echo -r --name A 127.0.0.1 0
	start echo -r --name B 127.0.0.1 "$port"
	kill -STOP "$pid"
	rpnc probe -n $all -c $all --timeout 60 --json "$port" >report 3>&- &
	prober=$!
	pids+=("$prober")
	in_queue() {
		queued=$(queues | awk -v pid="$pid" '$1 == pid { print $2 }')
		test "$(($(served_by_a) + queued))" -ge $all
	}
	served_by_a() {
		ss -Htan state time-wait "( sport = :$port or dport = :$port )" | wc -l
	}
	eventually in_queue
	test "$queued" -gt 0
	# when it goes on, it is time to look, and the resets are there, too
	kill -STOP "$prober"
	eventually grep -q '^State:.T' "/proc/$prober/status"
	kill -KILL "$pid"
	eventually gone "$pid"
	kill -CONT "$prober"
	finish "$prober" || true
	holds ".failed.reset == $queued and .predicted == 0 and .ok == $((all - queued))"
}
