#!/usr/bin/env bats
# rpnc probe --group: what is on a port, and what is wrong with it.
# shellcheck disable=SC2016,SC2030,SC2031,SC2154,SC2317

load helpers
load probe
load group
load terminal

no_ipv6=
grep -q . /proc/net/if_inet6 2>/dev/null || no_ipv6="no IPv6 here"

# of_both COMMAND: it is so of an IPv4 and of an IPv6 address.
of_both() {
	"$1" 127.0.0.1
	test -z "$no_ipv6" || return 0
	stop
	family=-6
	"$1" ::1
}

# truth WHAT: tests/group.py, in a network of its own.
truth() {
	own_network
	timeout 60 "${network[@]}" sh -c 'ip link set lo up && exec "$@"' sh \
		python3 "$BATS_TEST_DIRNAME/group.py" "$RPNC" "$1" 3>&-
}

# flagged FLAG: the pids of the members that have this flag, in order.
flagged() {
	get ".members[] | select(.flags | index(\"$1\")).pid" | sort -n | tr '\n' ' '
}

# unflagged [ARG...]: no group has any flag.
unflagged() {
	inspect "$@" "$port"
	test "$(get '.flags | tostring' | sort -u)" = '[]'
}

# all_queues SUM: of all members together.
all_queues() {
	inspect "$port"
	test "$(get '[.members[].queue] | add')" -eq "$1"
}

@test "probe --group: nothing there is status 1, and said" {
	reserve
	inspect "$port"
	test "$status" -eq 1
	test ! -s report
	grep -qx "rpnc probe: no group on port $port: no TCP socket has it" err
	inspect -u "$port"
	test "$status" -eq 1
	grep -q 'no UDP socket has it$' err
}

@test "probe --group: what has no groups, or is elsewhere, is a usage error" {
	local words
	for words in '-U sock' '0' '192.0.2.1 80'; do
		# shellcheck disable=SC2086
		inspect $words
		test "$status" -eq 2
		test ! -s report
	done
	grep -qx "rpnc probe: --group asks this host's kernel, and 192.0.2.1 is another host" err
	inspect --json 80 81 82
	test "$status" -eq 2
	local option
	for option in --count=5 --rate=5 --echo -c9 -d1 --by=diag --send=x \
		--what-if=+1 --openmetrics=x --timeout=1 --fail-uneven \
		--source=::1 --sport=5 --busy --interface=lo; do
		inspect "$option" 80
		test "$status" -eq 2
		test "$(wc -l <err)" -eq 1
		grep -q ': not with --group, which connects to nothing$' err
	done
	run rpnc probe --watch=0 80
	test "$status" -eq 2
}

@test "probe --group --wait: until there is one, or the time is over" {
	reserve
	inspect --wait 0.2 "$port"
	test "$status" -eq 1
	grep -qx "rpnc probe: no group on port $port: no TCP socket has it: looked for 0.2 s. Is the server started?" err
	# too long for a name: no server is asked, which may take longer
	nosuch=nosuch-$(printf %060d 0).invalid
	inspect --wait 0.5 "$nosuch" 9000
	test "$status" -eq 3
	grep -qx "rpnc probe: $nosuch: .*: tried [0-9]* times within 0.5 s" err
	mkfifo waiting
	rpnc probe --group -4 --wait 50 --json "$port" >waiting 3>&- &
	local waits=$!
	pids+=("$waits")
	start echo 127.0.0.1:"$port"
	timeout 30 cat waiting >report
	finish "$waits"
	test "$(get '.members[].pid')" = "$pid"
}

@test "probe --group: members of rpnc and others, as text and as JSON" {
	start echo -r --name first 127.0.0.1:0
	local first=$pid
	background nc.openbsd -lk 127.0.0.1 "$port" >/dev/null
	local nc=$pid
	all_are() {
		inspect "$port"
		test "$(get '.members | length')" -eq 2
	}
	eventually all_are
	test "$status" -eq 0
	get '"\(.event) \(.protocol) \(.address) \(.port) \(.interface) \(.steering) \(.flags)"' >got
	echo "group tcp 127.0.0.1 $port null hash []" | diff -u - got
	get '.members[] | "\(.name) \(.pid) \(.uid) \(.user) \(.command) \(.holders) \(.queue) \(.half_open) \(.reuseport) \(.flags)"' >got
	diff -u - got <<-END
		first $first $(id -u) $(id -un) rpnc 1 0 0 true []
		null $nc $(id -u) $(id -un) nc.openbsd 1 0 0 true []
	END
	test "$(get '.members[0] | "\(.limit) \(.state) \(.index) \(.oldest_wait)"')" = "4096 running null null"
	rpnc probe --group "$family" "$port" >text
	cat text
	head -n 1 text | grep -qx "127.0.0.1:$port tcp, 2 sockets, steering: hash"
	grep -qE "^ +name +pid +user +command +queue/of +state$" text
	grep -qE "^ +first +$first +[^ ]+ +rpnc +0/4096 +running$" text
	grep -qE "^ +- +$nc +[^ ]+ +nc.openbsd +0/[0-9]+ +(sleeping|running)$" text
	test "$(wc -l <text)" -eq 5
	sed -n 2p text | grep -qx '  nothing waits in a queue'
}

@test "probe --group: the index is told where steering has found it out" {
	start echo -r --name A 127.0.0.1:0
	start echo -r --name B 127.0.0.1:"$port"
	start echo -r --name C --steer "A=70,B=20,C=10" 127.0.0.1:"$port"
	known() {
		inspect "$port"
		test "$(get '[.members[].index] | sort | tostring')" = '[0,1,2]'
	}
	eventually known
	test "$(get .steering)" = "weights A=70,B=20,C=10"
	test "$(get '.members[] | "\(.index)\(.name)"' | tr '\n' ' ')" = "0A 1B 2C "
}

# stuck ADDRESS: one worker of three is stopped, and has clients waiting.
stuck() {
	[[ $1 != *:* ]] || family=-6
	members --sockets 1,1,1 --address "$1"
	clients 60 "$1"
	eventually all_queues 0
	kill -STOP "${workers[1]}"
	clients 60 "$1"
	# the others accept theirs
	alone() {
		inspect "$port"
		test "$(get '[.members[] | select(.queue > 0)] | length')" -eq 1
	}
	eventually alone
	test "$(flagged STUCK)" = "${workers[1]} "
	test "$(get '.flags | tostring')" = '["STUCK"]'
	test "$(get ".members[] | select(.pid == ${workers[1]}).state")" = stopped
	# its clients are the only ones that wait
	test "$(get '.members[] | select(.pid == '"${workers[1]}"') |
		.oldest_wait == null')" = false
	test "$(get '.oldest_wait >= (.members | map(.oldest_wait // 0) | max)')" = true
	kill -CONT "${workers[1]}"
	eventually all_queues 0
	test "$(get '.flags | tostring')" = '[]'
	test "$(get .oldest_wait)" = null
}

@test "probe --group: STUCK is a stopped worker with clients, until it goes on" {
	of_both stuck
}

# busy ADDRESS: a process that runs, and never accepts.
busy() {
	holder --reuseport "$1" 0
	local first=$pid
	unflagged
	clients 3 "$1"
	inspect "$port"
	test "$(flagged STUCK)" = "$first "
	test "$(get '.members[0] | "\(.queue) \(.state)"')" = "3 sleeping"
	rpnc probe --group "$family" "$port" >text
	grep -qE " 3/1000 +[0-9.]+ (m?s|min).* sleeping +STUCK$" text
	grep -qx '  STUCK: clients wait, and none is accepted' text
}

@test "probe --group: STUCK is also who runs and never accepts" {
	of_both busy
}

@test "probe --group: the oldest client has waited since it was there" {
	truth oldest
}

@test "probe --group: half-open are those whose last ACK has not come" {
	truth half-open
}

@test "probe --group: with two queues whose clients wait is told per group" {
	holder --reuseport 127.0.0.1 0
	holder --reuseport 127.0.0.1 "$port"
	clients 60 127.0.0.1
	inspect "$port"
	test "$(get '[.members[] | select(.queue > 0)] | length')" -eq 2
	test "$(get '[.members[].oldest_wait] | tostring')" = '[null,null]'
	test "$(get '.oldest_wait >= 0')" = true
	test "$(flagged STUCK)" = "$(printf '%s\n' "${pids[@]:0:2}" | sort -n | tr '\n' ' ')"
	rpnc probe --group "$family" "$port" >text
	grep -qE '^  the oldest client waits for .* in one of the queues$' text
}

# full ADDRESS
full() {
	holder --backlog 1 "$1" 0
	local first=$pid
	unflagged
	clients 2 "$1"
	inspect "$port"
	test "$(flagged FULL)" = "$first "
	test "$(get '.members[0] | "\(.queue)/\(.limit)"')" = 2/1
	get '.flags[]' | grep -qx FULL
}

@test "probe --group: FULL is a queue over its limit" {
	of_both full
}

@test "probe --group: STUCK is a datagram socket that nobody reads, too" {
	holder --udp --buffer 4096 127.0.0.1 0
	local first=$pid
	unflagged -u
	datagrams 30 127.0.0.1
	inspect -u "$port"
	test "$(flagged STUCK)" = "$first "
	test "$(get '.members[0] | .queue > 0 and .limit > .queue and .drops > 0 and .half_open == null')" = true
}

# losses: "ADDRESS: what to whom", a line each.
losses() {
	# shellcheck disable=SC2016 # jq's variable
	get '. as {$address} | .loses[] | "\($address): \(.traffic) to \(.to)"' | sort
}

@test "probe --group: SHADOWED is who loses to a more specific address (IPv4)" {
	holder --reuseport 0.0.0.0 0
	unflagged
	holder --reuseport 127.0.0.1 "$port"
	inspect "$port"
	test "$(get 'select(.flags | index("SHADOWED")).address')" = 0.0.0.0
	losses >got
	echo "0.0.0.0: all that is for 127.0.0.1 to 127.0.0.1:$port" | diff -u - got
	rpnc probe --group "$family" "$port" >text
	grep -qx "  SHADOWED: all that is for 127.0.0.1 goes to 127.0.0.1:$port" text
	# a host that is named leaves out what has nothing of it
	inspect 127.0.0.1 "$port"
	test "$(get .address | sort | tr '\n' ' ')" = "0.0.0.0 127.0.0.1 "
	inspect 127.0.0.2 "$port"
	test "$(get .address)" = 0.0.0.0
}

@test "probe --group: SHADOWED is who loses to a more specific address (IPv6)" {
	test -z "$no_ipv6" || skip "$no_ipv6"
	holder --reuseport --v6only :: 0
	unflagged
	holder --reuseport ::1 "$port"
	inspect "$port"
	losses >got
	echo "::: all that is for ::1 to [::1]:$port" | diff -u - got
}

@test "probe --group: SHADOWED is who serves IPv4 by IPv6, where IPv4 has its own" {
	test -z "$no_ipv6" || skip "$no_ipv6"
	holder --reuseport :: 0
	family=
	unflagged
	holder --reuseport 0.0.0.0 "$port"
	inspect "$port"
	losses >got
	echo "::: all IPv4 to 0.0.0.0:$port" | diff -u - got
	inspect -4 "$port"
	test "$(get .address)" = 0.0.0.0
	inspect -6 "$port"
	test "$(get .address)" = ::
}

@test "probe --group: SHADOWED is who gets nothing: wildcard, address, device, in many orders" {
	truth winners
}

@test "probe --group: a wildcard's two groups do not shadow each other" {
	start echo -r 0
	family=
	unflagged
	local bound=("${addrs[@]}")
	test "$(get .address | wc -l)" -eq "${#bound[@]}"
}

# one_socket ADDRESS
one_socket() {
	[[ $1 != *:* ]] || family=-6
	members --sockets 1,1,1 --shared --address "$1"
	inspect "$port"
	test "$(get '.flags | tostring')" = '["ONE-SOCKET"]'
	test "$(get '.members[] | "\(.pid) \(.command) \(.holders >= 3)"')" = "null python3 true"
	rpnc probe --group "$family" "$port" | grep -q '^  ONE-SOCKET: '
}

@test "probe --group: ONE-SOCKET is several processes with one socket" {
	of_both one_socket
}

# not_listening ADDRESS
not_listening() {
	holder --bound "$1" 0
	local first=$pid
	inspect "$port"
	test "$status" -eq 0 || skip "the kernel (before 6.8) does not list it"
	test "$(flagged NOT-LISTENING)" = "$first "
	test "$(get '.members[0] | "\(.queue) \(.limit) \(.oldest_wait)"')" = "null null null"
	rpnc probe --group "$family" "$port" | grep -q ' NOT-LISTENING$'
}

@test "probe --group: NOT-LISTENING is bound, and does not listen" {
	of_both not_listening
}

@test "probe --group: NOT-LISTENING beside members is only who does not listen" {
	holder --reuseport 127.0.0.1 0
	holder --reuseport --bound 127.0.0.1 "$port"
	local second=$pid
	inspect "$port"
	test "$(get '.members | length')" -eq 2 || skip "the kernel (before 6.8) does not list it"
	test "$(flagged NOT-LISTENING)" = "$second "
	test "$(get .members[1].reuseport)" = true
}

# hijackable ADDRESS
hijackable() {
	holder --udp --reuseaddr "$1" 0
	local first=$pid
	inspect -u "$port"
	if test "$(get .members[0].reuseaddr)" = null; then
		skip "this process may not look into others (ptrace)"
	fi
	test "$(flagged HIJACKABLE)" = "$first "
	test "$(get '.flags | tostring')" = '["HIJACKABLE"]'
	test "$(get .protocol)" = udp
	kill "$first"
	finish "$first" || true
	holder --udp --reuseport "$1" "$port"
	unflagged -u
	test "$(get '.members[0] | "\(.reuseport) \(.reuseaddr)"')" = "true false"
}

@test "probe --group: HIJACKABLE is UDP with SO_REUSEADDR" {
	of_both hijackable
}

@test "probe --group: rpnc's own datagram sockets are not HIJACKABLE" {
	start echo -u 127.0.0.1:0
	unflagged -u
}

@test "probe --group: TCP with SO_REUSEADDR is no matter" {
	holder --reuseaddr 127.0.0.1 0
	unflagged
}

@test "probe --group: processes of others are a uid, and unknown" {
	test "$EUID" -eq 0 || skip "only root can be another user"
	local as=(setpriv --reuid=65533 --regid=65533 --clear-groups)
	"${as[@]}" test -x "$RPNC" || skip "$RPNC can't be run by others"
	holder --udp --reuseaddr 127.0.0.1 0
	"${as[@]}" "$RPNC" probe --group -4 -u --json "$port" >report
	cat report
	get '.members[] | "\(.uid) \(.name) \(.pid) \(.command) \(.holders) \(.state) \(.reuseport) \(.reuseaddr) \(.flags)"' >got
	echo "0 null null null null null null null []" | diff -u - got
	holder --backlog 1 127.0.0.1 0
	clients 2 127.0.0.1
	# what the kernel tells everybody is known all the same
	"${as[@]}" "$RPNC" probe --group -4 --json "$port" >report
	get '.members[] | "\(.pid) \(.queue)/\(.limit) \(.oldest_wait >= 0) \(.flags)"' >got
	echo 'null 2/1 true ["STUCK","FULL"]' | diff -u - got
}

@test "probe --group: a stranger's command is escaped" {
	holder --command '\x1b[31mred\xff' 127.0.0.1 0
	inspect "$port"
	test "$(get .members[0].command)" = '\e[31mred\xff'
	rpnc probe --group "$family" "$port" >text
	grep -qF '\e[31mred\xff' text
	run ! grep -q "$(printf '\033')" text
}

@test "probe --group: nginx without reuseport is ONE-SOCKET, with it is not" {
	nginx_on ''
	inspect "$port"
	test "$(get '.flags | tostring')" = '["ONE-SOCKET"]'
	test "$(get '.members[] | "\(.command) \(.holders)"')" = "nginx 4"
	kill "$pid"
	finish "$pid" || true
	rm -r logs
	nginx_on reuseport
	inspect "$port"
	test "$(get '.members | length')" -eq 3
	test "$(get '.flags | tostring')" = '[]'
	test "$(get '.members[].command' | sort -u)" = nginx
}

@test "probe --group --watch: a line each second, until a signal" {
	start echo -r --name A 127.0.0.1:0
	mkfifo lines
	as_by_a_person probe --group -4 --watch --json "$port" >lines 3>&- &
	pid=$!
	pids+=("$pid")
	exec 5<lines
	local line
	for _ in 1 2 3; do
		read -r -t 20 line <&5
		test "$(jq -r '"\(.event) \(.members[0].name)"' <<<"$line")" = "group A"
	done
	kill -INT "$pid"
	status=0
	finish "$pid" || status=$?
	test "$status" -eq 130
	exec 5<&-
}

@test "probe --group --watch: goes on where there is no group yet" {
	reserve
	mkfifo lines
	as_by_a_person probe --group -4 --watch "$port" >lines 2>err 3>&- &
	local watch=$!
	pids+=("$watch")
	exec 5<lines
	start echo -r --name A 127.0.0.1:"$port"
	local line
	read -r -t 20 line <&5
	test "$line" = "127.0.0.1:$port tcp, 1 socket, steering: hash"
	kill -TERM "$watch"
	status=0
	finish "$watch" || status=$?
	test "$status" -eq 143
	exec 5<&-
}

@test "probe --group --watch: a terminal is redrawn in place" {
	start echo -r --name A 127.0.0.1:0
	local first=$pid
	shell w
	tm send-keys -t w "rpnc probe --group -4 --watch $port" Enter
	sees w "127.0.0.1:$port tcp, 1 socket" "$first"
	start echo -r --name B 127.0.0.1:"$port"
	visible() {
		test "$(tm capture-pane -p -t w | sed -n "$1p")" = "$2"
	}
	eventually visible 1 "127.0.0.1:$port tcp, 2 sockets, steering: hash"
	kill -STOP "$first"
	like w "A +$first .* stopped"
	kill -CONT "$first"
	like w "A +$first .* running"
	tm send-keys -t w C-c
	prompts w '$'
	tm send-keys -t w 'echo status $?' Enter
	sees w 'status 130'
}

@test "probe --group: FULL is a datagram socket that throws away what comes, too" {
	holder --udp --buffer 4096 127.0.0.1 0
	local first=$pid
	unflagged -u
	datagrams 30 127.0.0.1
	inspect -u "$port"
	test "$(flagged FULL)" = "$first "
	get '.flags[]' | grep -qx FULL
}
