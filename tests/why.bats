# Why a port can't be had, who takes the traffic of whom, and --check.
# shellcheck shell=bash disable=SC2154

load listen

# hold OPTION... ADDRESS PORT: another program has a port; see holder.py.
hold() {
	local n=${#pids[@]}
	mkfifo "held.$n"
	python3 "$BATS_TEST_DIRNAME/holder.py" "$@" >"held.$n" 3>&- &
	pid=$!
	pids+=("$pid")
	read -r port <"held.$n"
}

# As another user: only root can, and only a binary that others may run.
needs_others() {
	test "$(id -u)" -eq 0 || skip "only root can be another user"
	setpriv --reuid=65534 --clear-groups test -x "$RPNC" ||
		skip "$RPNC can't be run by others"
	other=$(getent passwd 65534 | cut -d : -f 1)
	other=${other:-65534}
}

needs_ipv6() {
	grep -q . /proc/net/if_inet6 || skip "no IPv6 here"
}

# in_use ARG... ADDRESS: rpnc ARG... ADDRESS:PORT ("": PORT) fails with status 5
# and one line, whose end is left in $why.
in_use() {
	local where=${*: -1}
	where=${where:+$where:}$port
	run timeout 20 "${as[@]}" rpnc "${@:1:$#-1}" "$where"
	assert_failure 5
	assert_equal "${#lines[@]}" 1
	assert_regex "$output" "^rpnc $1: listen on "
	why=${output#*: Address already in use: }
	test "$why" != "$output"
}

me=$(id -un)
as=()
without="without SO_REUSEPORT, which all need to share a port: restart it with \
that, or take another port"

@test "why: a holder without SO_REUSEPORT, whatever else it set" {
	local option
	for option in "" --reuseaddr; do
		# shellcheck disable=SC2086
		hold $option 127.0.0.1 0
		in_use listen -r 127.0.0.1
		assert_equal "$why" \
			"python3 (pid $pid, user $me) listens on 127.0.0.1:$port, $without"
		in_use echo 127.0.0.1
		assert_equal "$why" \
			"python3 (pid $pid, user $me) listens on 127.0.0.1:$port, $without"
	done
}

@test "why: a holder that shares is joined, or said to be if -r is not given" {
	hold --reuseport 127.0.0.1 0
	in_use listen 127.0.0.1
	assert_equal "$why" "python3 (pid $pid, user $me) listens on 127.0.0.1:$port, \
with SO_REUSEPORT: -r joins it"
	start listen -r 127.0.0.1 "$port"
	assert_regex "$(cat err.1)" "2 of 2"
}

@test "why: a member is told by its name" {
	start listen -r --name web 127.0.0.1 0
	in_use echo 127.0.0.1
	assert_equal "$why" "web (pid $pid) listens on 127.0.0.1:$port, \
with SO_REUSEPORT: -r joins it"
	stop
	start listen 127.0.0.1 0
	in_use listen -r 127.0.0.1
	assert_equal "$why" "rpnc (pid $pid, user $me) listens on 127.0.0.1:$port, \
without -r, which all need to share a port"
}

@test "why: another user's socket, by root and by that user" {
	needs_others
	local text="only sockets of one user share a port: be user"
	hold --reuseport --user 65534 127.0.0.1 0
	in_use listen -r 127.0.0.1
	assert_equal "$why" "python3 (pid $pid, user $other) listens on \
127.0.0.1:$port, and $text $other, or take another port"
	in_use listen 127.0.0.1
	assert_equal "$why" "python3 (pid $pid, user $other) listens on \
127.0.0.1:$port: take another port"
	# whose processes can't be looked into
	hold --reuseport 0.0.0.0 0
	as=(setpriv --reuid=65534 --clear-groups)
	in_use echo -r 127.0.0.1
	assert_equal "$why" "a process of user $me listens on 0.0.0.0:$port, which \
covers it, and $text $me, or take another port"
}

@test "why: the wildcard covers an address, and an address is a part of it" {
	hold 0.0.0.0 0
	in_use listen -r 127.0.0.1
	assert_equal "$why" "python3 (pid $pid, user $me) listens on 0.0.0.0:$port, \
which covers it, $without"
	hold 127.0.0.1 0
	in_use listen -r -4 ""
	assert_equal "$why" "python3 (pid $pid, user $me) listens on \
127.0.0.1:$port, which this would cover, $without"
	start listen 127.0.0.2 "$port" # no conflict
}

@test "why: dual-stack covers IPv4, V6ONLY does not" {
	needs_ipv6
	hold :: 0
	in_use echo -r 127.0.0.1
	assert_equal "$why" "python3 (pid $pid, user $me) listens on [::]:$port \
(IPv4 too), which covers it, $without"
	in_use echo -r -6 ""
	assert_equal "$why" "python3 (pid $pid, user $me) listens on [::]:$port \
(IPv4 too), $without"
	hold --v6only :: 0
	start listen -4 "$port"
	in_use listen -r ""
	assert_equal "$why" "rpnc (pid $pid, user $me) listens on 0.0.0.0:$port, \
without -r, which all need to share a port"
}

@test "why: a socket that is bound and does not listen" {
	hold --bound 127.0.0.1 0
	in_use listen -r 127.0.0.1
	assert_equal "$why" "python3 (pid $pid, user $me) has bound, and does not \
listen on, 127.0.0.1:$port, $without"
	hold --bound --reuseport 127.0.0.1 0
	start listen -r 127.0.0.1 "$port"
	hold --bound --reuseaddr 127.0.0.1 0
	start listen -r 127.0.0.1 "$port"
}

@test "why: a connection that has this port as its own" {
	local to
	start listen -k 127.0.0.1 0
	to=$port
	hold --connect "$to" 127.0.0.1 0
	in_use listen -r 127.0.0.1
	assert_equal "$why" "python3 (pid $pid, user $me) uses this port for its \
connection from 127.0.0.1:$port to 127.0.0.1:$to, without SO_REUSEADDR: take \
another port, or wait until it ends"
	hold --connect "$to" --reuseaddr 127.0.0.1 0
	start listen 127.0.0.1 "$port"
}

@test "why: what is left of a server that has ended" {
	hold --served 127.0.0.1 0
	in_use listen -r 127.0.0.1
	assert_equal "$why" "1 connection of a server that has ended, and had no \
SO_REUSEADDR, still closes (TIME_WAIT): wait for at most a minute, or take \
another port"
	hold --served --reuseaddr 127.0.0.1 0
	start listen 127.0.0.1 "$port"
}

@test "why: UDP, where sockets receive" {
	hold --udp 127.0.0.1 0
	in_use listen -r -u 127.0.0.1
	assert_equal "$why" "python3 (pid $pid, user $me) receives on \
127.0.0.1:$port, $without"
	hold --udp --reuseport 0.0.0.0 0
	in_use echo -u 127.0.0.1
	assert_equal "$why" "python3 (pid $pid, user $me) receives on \
0.0.0.0:$port, which covers it, with SO_REUSEPORT: -r joins it"
	start echo -r -u 127.0.0.1 "$port"
}

@test "why: ncat lacks SO_REUSEPORT, nc has it" {
	hold --bound 127.0.0.1 0 # a port for the two
	stop
	background ncat -l -k 127.0.0.1 "$port"
	eventually listens "$pid"
	in_use listen -r 127.0.0.1
	assert_equal "$why" "ncat (pid $pid, user $me) listens on 127.0.0.1:$port, \
$without"
	stop
	background nc -l 127.0.0.1 "$port"
	eventually listens "$pid"
	in_use listen 127.0.0.1
	assert_regex "$why" "^nc[^ ]* \(pid $pid, user $me\) listens on \
127.0.0.1:$port, with SO_REUSEPORT: -r joins it$"
	start listen -r 127.0.0.1 "$port"
	assert_regex "$(cat "err.$((${#pids[@]} - 1))")" "2 of 2"
}

listens() {
	ss -Hltnp "sport = :$port" | grep -q "pid=$1,"
}

@test "why: a command that calls itself what terminals obey is escaped" {
	hold --command '\x1b[31mred\n\x9b' 127.0.0.1 0
	in_use listen -r 127.0.0.1
	assert_regex "$why" "^\\\\e\[31mred"
	run ! grep -q $'[\e\x9b]' <<<"$why"
}

@test "why: echo's workers too, and listen's JSON leaves stdout empty" {
	hold 127.0.0.1 0
	in_use echo -w 2 127.0.0.1
	assert_regex "$why" "^python3 \(pid $pid, .*$without$"
	run -5 --separate-stderr rpnc listen --json 127.0.0.1 "$port"
	assert_equal "$output" ""
	assert_regex "$stderr" "$without$"
}

@test "why: a port that is not for everyone says from which one on" {
	local limit
	limit=$(cat /proc/sys/net/ipv4/ip_unprivileged_port_start)
	test "$limit" -gt 700 || skip "here it is"
	test "$(id -u)" -ne 0 || {
		needs_others
		as=(setpriv --reuid=65534 --clear-groups)
	}
	run timeout 20 "${as[@]}" rpnc listen 127.0.0.1 700
	assert_failure 5
	assert_output --partial "Permission denied: ports below $limit are for root"
	assert_output --partial "net.ipv4.ip_unprivileged_port_start"
}

@test "why: an address that is not ours, or lacks its interface" {
	run timeout 20 rpnc listen 192.0.2.250 0
	assert_failure 5
	assert_output --partial "requested address: no interface of this host has"
	needs_ipv6
	run timeout 20 rpnc listen fe80::1 0
	assert_failure 5
	assert_output --partial "a link-local address needs its interface"
}
