# rpnc listen -r: members of one port's group, their names and their registry.
# shellcheck shell=bash disable=SC2154

load listen

# forty: so many clients, one after another, each with its number.
forty() {
	py "$port" <<-'END'
		for i in range(40):
		    s = dial(args[0])
		    s.sendall(b"%d\n" % i)
		    s.shutdown(SHUT_WR)
		    assert whole(s) == b""
	END
}

# all_forty: members 0 and 1 have them all, and each has some.
all_forty() {
	assert [ -s out.0 ]
	assert [ -s out.1 ]
	seq 0 39 >all
	sort -n out.0 out.1 | cmp - all
}

# is_named N NAME: what member N called itself.
is_named() {
	assert_regex "$(grep -m 1 listening "err.$1")" "^$2 listening on "
}

# leave PID: ends it, and waits until it has.
leave() {
	kill "$1"
	finish "$1" || assert_equal "$?" 143
}

@test "listen -r: two members share a port, and each says which it is" {
	start listen -r 127.0.0.1 0
	start listen -r 127.0.0.1 "$port"
	assert_equal "$(head -n 1 err.0)" \
		"A listening on 127.0.0.1:$port (tcp, reuseport, 1 of 1)"
	assert_equal "$(cat err.1)" \
		"B listening on 127.0.0.1:$port (tcp, reuseport, 2 of 2)"
	forty
	all_forty
}

@test "listen -r: without it the port is not shared: status 5 both ways" {
	start listen 127.0.0.1 0
	run timeout 20 rpnc listen -r 127.0.0.1 "$port"
	assert_failure 5
	start listen -r 127.0.0.1 0
	run timeout 20 rpnc listen 127.0.0.1 "$port"
	assert_failure 5
}

@test "listen -r: the wildcard is two sockets and one member" {
	grep -q . /proc/net/if_inet6 || skip "no IPv6 here"
	start listen -r 0
	start listen -r "$port"
	assert_equal "$(cat err.1)" \
		"B listening on 0.0.0.0:$port (tcp, reuseport, 2 of 2)
B listening on [::]:$port (tcp, reuseport, 2 of 2)"
	forty
	all_forty
}

@test "listen -r: implies -k" {
	start listen -r 127.0.0.1 0
	py "$port" <<-'END'
		clients = [dial(args[0]) for _ in range(3)]
		for s in reversed(clients):
		    s.sendall(b"x")
		    s.shutdown(SHUT_WR)
		    assert whole(s) == b""
	END
	kill -0 "$pid"
	assert_equal "$(cat out.0)" xxx
}

@test "listen -r --once: serves those that are queued with the first, then ends" {
	start listen -r --once 127.0.0.1 0
	kill -STOP "$pid"
	py "$port" "$pid" <<-'END'
		clients = [dial(args[0]) for _ in range(3)]
		os.kill(int(args[1]), 18)
		for s in clients:
		    s.sendall(b"x")
		    s.shutdown(SHUT_WR)
		for s in clients:
		    assert whole(s) == b""
		assert refused(args[0])
	END
	ends_with 0
	assert_equal "$(cat out.0)" xxx
}

@test "listen -r --name: is the name, in events too" {
	start listen -r --name web-1.a_b 127.0.0.1 0
	is_named 0 'web-1\.a_b'
	start listen -r --json --name other 127.0.0.1 "$port"
	py <<-'END'
		e = next(events("out.1"))
		assert e["event"] == "listening" and e["name"] == "other", e
		assert e["reuseport"] is True and e["members"] == 2, e
	END
}

@test "listen -r --name: one that a live member has is a usage error" {
	start listen -r --name web 127.0.0.1 0
	run timeout 20 rpnc listen -r --name web 127.0.0.1 "$port"
	assert_failure 2
	assert_output --partial 'web'
	start listen -r --name web 127.0.0.2 0 # another port: no clash
}

@test "listen -r --name: a bad one is a usage error" {
	local name
	for name in '' 1a a/b 'a b' é abcdefghijklmnopq; do
		run timeout 20 rpnc listen -r --name "$name" 127.0.0.1 0
		assert_failure 2
		assert_line --regexp '^rpnc listen: .*--name'
	done
}

@test "listen -r: a letter comes back when its counts have left the registry" {
	start listen -r 127.0.0.1 0
	start listen -r 127.0.0.1 "$port"
	leave "${pids[0]}"
	start listen -r 127.0.0.1 "$port"
	is_named 2 C # A is remembered by those that stay
	leave "${pids[1]}"
	leave "${pids[2]}"
	start listen -r 127.0.0.1 "$port"
	is_named 3 A
}

@test "listen -r: a member that is killed leaves its name to others" {
	start listen -r --name web 127.0.0.1 0
	kill -KILL "$pid"
	ends_with 137
	start listen -r --name web 127.0.0.1 "$port"
	assert_equal "$(cat err.1)" \
		"web listening on 127.0.0.1:$port (tcp, reuseport, 1 of 1)"
}

@test "listen -r: a member is told at once who joins, leaves and dies" {
	start_fed listen -r 127.0.0.1 0
	start listen -r --name B 127.0.0.1 "$port"
	heard "+ B joined (pid $pid): 2 members"
	kill "$pid"
	heard "- B left (pid $pid)"
	start listen -r --name C 127.0.0.1 "$port"
	heard "+ C joined (pid $pid): 2 members"
	kill -KILL "$pid"
	heard "- C died (pid $pid) after 0 connections: 1 member"
}

@test "listen -r: shares are equal only of members that have the same sockets" {
	start listen -r 0
	start listen -r 127.0.0.1 "$port" # has all that is for 127.0.0.1
	assert eventually grep -qE '^\+ B joined \(pid [0-9]+\): 2 members, with unequal shares$' err.0
	leave "${pids[1]}"
	start listen -r "$port"
	assert eventually grep -qE '^\+ C joined \(pid [0-9]+\): 2 members, 1/2 of new connections each$' err.0
	start listen -r -4 "$port"
	assert eventually grep -qE '^\+ D joined \(pid [0-9]+\): 3 members, with unequal shares$' err.0
}

@test "listen -r: of a member that died the others say what it lost" {
	local c open
	start listen -r --json 127.0.0.1 0
	start listen -r --json --name B 127.0.0.1 "$port"
	for _ in {1..40}; do # B gets none of them once in 10^12 times
		# shellcheck disable=SC2034
		exec {c}<>"/dev/tcp/127.0.0.1/$port"
	done
	connected() {
		grep -c '"event":"connected"' "$@"
	}
	all_connected() {
		test "$(cat out.0 out.1 | connected)" -eq 40
	}
	eventually all_connected
	open=$(connected out.1)
	kill -KILL "$pid"
	died() {
		jq -es --argjson open "$open" 'any(.event == "left" and
			.name == "B" and .reason == "died" and .open == $open)' out.0
	}
	eventually died
}

@test "listen -r: leaves nothing behind, however many came and went" {
	start listen -r 127.0.0.1 0
	kill "$pid"
	ends_with 143
	assert_equal "$(find run ! -type d)" ""
}

@test "listen -r: a registry directory that others may enter is not used" {
	local directory
	directory=run/rpnc-$(id -u)
	mkdir -m 755 "$directory"
	start listen -r 127.0.0.1 0
	start listen -r 127.0.0.1 "$port"
	forty
	all_forty
	assert_equal "$(ls -A "$directory")" ""
}

@test "listen -r: a registry directory that is a link is not used" {
	mkdir -m 700 elsewhere
	ln -s "$PWD/elsewhere" "run/rpnc-$(id -u)"
	start listen -r 127.0.0.1 0
	assert_equal "$(ls -A elsewhere)" ""
	start listen -r 127.0.0.1 "$port"
	forty
	all_forty
}

@test "listen -r: another user cannot join: status 5" {
	test "$(id -u)" -eq 0 || skip "only root can be another user"
	setpriv --reuid=65534 --clear-groups test -x "$RPNC" ||
		skip "$RPNC can't be run by others"
	start listen -r 127.0.0.1 0
	run timeout 20 setpriv --reuid=65534 --clear-groups \
		"$RPNC" listen -r 127.0.0.1 "$port"
	assert_failure 5
}

@test "listen -r -u: members share senders" {
	start listen -r -u 127.0.0.1 "$(free_udp_port)"
	start listen -r -u 127.0.0.1 "$port"
	py "$port" <<-'END'
		for i in range(40):
		    udp(args[0]).send(b"%d\n" % i)
	END
	eventually all_arrived
	all_forty
}

free_udp_port() {
	py <<-'END'
		s = socket.socket(socket.AF_INET, SOCK_DGRAM)
		s.bind(("127.0.0.1", 0))
		print(s.getsockname()[1])
	END
}

all_arrived() {
	test "$(cat out.0 out.1 | wc -l)" -eq 40
}

@test "listen -r, echo -r: who joins sockets that are not rpnc's is told so, with the share taken" {
	local strangers file
	mkfifo group
	background python3 -c '
import signal, socket
all = []
for i in range(3):
    s = socket.socket()
    s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
    s.bind(("127.0.0.1", all[0].getsockname()[1] if all else 0))
    s.listen()
    all.append(s)
with open("group", "w") as f:
    print(all[0].getsockname()[1], file=f)
signal.pause()'
	strangers=$pid
	read -r port <group
	# told COMMAND SHARE
	told() {
		assert_equal "$(grep -c "that are not rpnc's" "$file")" 1
		grep -Fq "on 127.0.0.1:$port this joins 3 sockets of python3 (pid $strangers, user $(id -un)) that are not rpnc's: it takes $1 of their new connections" "$file"
	}
	file=err.${#pids[@]}
	start listen -r 127.0.0.1 "$port"
	told 1/4
	file=err.${#pids[@]}
	start echo -r -w 2 127.0.0.1 "$port"
	told 2/6
	stop
	start echo -r 127.0.0.1 0
	start echo -r -w 3 127.0.0.1 "$port"
	refute grep "not rpnc's" err.0 err.1
}
