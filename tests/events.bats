#!/usr/bin/env bats
# shellcheck disable=SC2016,SC2154 # eval expands it; from helpers
# --events FILE: the events as JSON, beside payload on stdout.

load helpers
load connect

@test "events: a file has them as JSON, while stdout has the payload unchanged" {
	random_file 100000 sent
	echo '{"event":"earlier"}' >log
	start listen -q --events log 127.0.0.1 0
	connect --events log2 "127.0.0.1:$port" <sent
	finish "$pid"
	cmp sent out.0
	assert_equal "$(<err.0)" ""
	"$PYTHON" - <<-'END'
		import json
		server, client = ([json.loads(line) for line in open(f)] for f in ("log", "log2"))
		assert [e["event"] for e in server] == ["earlier", "listening", "connected", "closed"], server
		assert server[-1]["in"] == client[-1]["out"] == 100000, (server, client)
		assert [e["event"] for e in client] == ["connected", "closed"], client
	END
}

@test "events: workers share the file, and a report of probe goes there, too" {
	start echo -q -w 2 --accept shared --events log 127.0.0.1 0
	run -0 rpnc probe -q -n 40 --events log --echo "127.0.0.1:$port"
	end TERM
	"$PYTHON" - <<-'END'
		import collections, json
		n = collections.Counter(json.loads(line)["event"] for line in open("log"))
		assert n["connected"] == n["closed"] == 40 and n["report"] == 2, n
	END
}

@test "events: a file has what --json writes, also if people see something else" {
	start echo -r --events members 127.0.0.1 0
	# shellcheck disable=SC2154 # of start
	background timeout 60 rpnc probe --watch=0.1 --events watched "127.0.0.1:$port" \
		>blocks 2>lines
	local watch=$!
	eventually grep -q '"command":"watch"' watched
	start echo -r --steer random "127.0.0.1:$port"
	eventually grep -q '"event":"joined"' watched
	eventually grep -q '"event":"steering"' watched
	end TERM
	eventually grep -q '"event":"left"' watched
	kill "$watch"
	finish "$watch" || assert_equal "$?" 143
	# and each change is a line with its time
	assert_equal "$(sed -E 's/^[0-9:]{8} (.).*/\1/' lines | sort | tr -d '\n')" '+-~'
	assert grep -qE '^[0-9:]{8} ~ the steering is now random$' lines
	kill "${pids[0]}"
	finish "${pids[0]}" || assert_equal "$?" 143
	assert grep -q '"event":"draining","time":"[^"]*","name":"A","reason":"end"' members
}

@test "events: -q hides notices from people only" {
	start echo 127.0.0.1 0
	local late
	late=$(date -u -d '5 seconds ago' +%FT%TZ)
	run -0 rpnc probe -q -n 1 --at "$late" --events log "127.0.0.1:$port"
	assert_output ""
	assert grep -q '"event":"error",.*"text":"--at was ' log
	run -0 rpnc probe -q -n 1 --at "$late" --json "127.0.0.1:$port"
	assert_output --partial '"text":"--at was '
}

@test "events: a file that takes no more is told once, and service goes on" {
	start listen -k --events /dev/full 127.0.0.1 0
	for _ in 1 2 3; do
		echo hello | connect "127.0.0.1:$port"
	done
	eventually eval 'test "$(grep -c hello out.0)" -eq 3'
	end TERM
	assert_equal "$(grep -c 'rpnc: file of events: No space left on device: some are lost' err.0)" 1
	# by workers, too
	start echo -w 4 --accept shared --events /dev/full 127.0.0.1 0
	rpnc probe -q -n 40 "127.0.0.1:$port"
	end TERM
	assert_equal "$(grep -c 'rpnc: file of events:' err.1)" 1
}

@test "events: if some are lost, the status is not 0" {
	start listen --events /dev/full 127.0.0.1 0
	status=0
	echo hello | rpnc connect --events /dev/full "127.0.0.1:$port" 2>err || status=$?
	assert_equal "$status" 1
	assert_equal "$(<err)" 'rpnc: file of events: No space left on device: some are lost'
	status=0
	finish "$pid" || status=$?
	assert_equal "$status" 1
}

@test "events: a file that can't be opened is status 2, and --json excludes it" {
	run -2 rpnc listen --events none/log 0
	assert_output "rpnc listen: --events none/log: No such file or directory"
	mkfifo unread
	run -2 rpnc listen --events unread 0
	assert_output "rpnc listen: --events unread: No such device or address: no process reads this fifo"
	run -2 rpnc listen --json --events log 0
	assert_output --partial "choose"
	# such a message is no event
	run -2 rpnc listen --json --sockopt ttl=0 0
	assert_output "rpnc listen: --sockopt ttl=0: want 1 to 255"
}
