# Why a port can't be had, who takes the traffic of whom, and --check.
# shellcheck shell=bash disable=SC2154

load listen

# hold OPTION... ADDRESS PORT: another program has a port; see holder.py.
hold() {
	local n=${#pids[@]}
	rm -f "held.$n" # of one before a stop
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

# in_use ARG... ADDRESS: rpnc ARG... ADDRESS:PORT ("": PORT) fails with status 5
# and one line, whose end is left in $why.
in_use() {
	local where=${*: -1}
	where=${where:+$where:}$port
	run timeout 20 "${as[@]}" rpnc "${@:1:$#-1}" "$where"
	assert_failure 5
	assert_equal "${#lines[@]}" 1
	assert_regex "$output" "^rpnc $1: listen on "
	why=${output#*: "$(errno_text EADDRINUSE)": }
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
without SO_REUSEPORT, which all need to share a port: restart it with -r, or \
take another port"
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
without SO_REUSEPORT, which all need to share a port: restart it with -r, or \
take another port"
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

@test "why: what is left of a server that has ended, or of a client" {
	local rest='1 connection from or to this port still closes (TIME_WAIT): wait for at most a minute, or take another port' to
	hold --served 127.0.0.1 0
	in_use listen -r 127.0.0.1
	assert_equal "$why" "$rest"
	start listen -k 127.0.0.1 0
	to=$port
	hold --connect "$to" --left 127.0.0.1 0
	in_use listen 127.0.0.1
	assert_equal "$why" "$rest"
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

@test "why: the refusal of a privileged port names the first port for all" {
	local limit
	limit=$(cat /proc/sys/net/ipv4/ip_unprivileged_port_start)
	test "$limit" -gt 700 || skip "here it is"
	test "$(id -u)" -ne 0 || {
		needs_others
		as=(setpriv --reuid=65534 --clear-groups)
	}
	run timeout 20 "${as[@]}" rpnc listen 127.0.0.1 700
	assert_failure 5
	assert_output --partial "Permission denied: ports below $limit need root"
	assert_output --partial "net.ipv4.ip_unprivileged_port_start"
}

@test "why: an address that is not ours, or lacks its interface" {
	run timeout 20 rpnc listen 192.0.2.250 0
	assert_failure 5
	assert_output --partial "$(errno_text EADDRNOTAVAIL): no interface of this host has"
	needs_ipv6
	run timeout 20 rpnc listen fe80::1 0
	assert_failure 2
	assert_output --partial "a link-local address needs its interface"
}

@test "why: what has the name of a Unix socket" {
	# the kernel lists names as they were given: others have this one, too
	local i
	for i in 1 2 3; do
		mkdir "other.$i"
		cd "other.$i"
		start listen -U sock
		cd "$OLDPWD"
	done
	start listen -U sock
	run -5 rpnc echo -U sock
	assert_output --partial "in use: rpnc (pid $pid, user $me) has it"
	start echo -u -U @name
	run -5 rpnc listen -u -U @name
	assert_output --partial "in use: rpnc (pid $pid, user $me) has it"
	test "$(id -u)" -eq 0 || skip "only root can be another user"
	chown 65534 sock
	run -5 rpnc echo -U sock
	assert_output --partial "in use: that is a socket of user "
}

@test "why: nginx, with and without reuseport" {
	local nginx=${PEERS:-/nonexistent}/nginx/usr/sbin/nginx option
	test -x "$nginx" || skip "no nginx: make check fetches it"
	free_port
	for option in "" " reuseport"; do
		cat >nginx.conf <<-END
			daemon off;
			master_process off;
			pid $PWD/nginx.pid;
			error_log $PWD/error.log;
			events {}
			http {
			    access_log off;
			    client_body_temp_path $PWD/a;
			    proxy_temp_path $PWD/b;
			    fastcgi_temp_path $PWD/c;
			    uwsgi_temp_path $PWD/d;
			    scgi_temp_path $PWD/e;
			    server { listen 127.0.0.1:$port$option; }
			}
		END
		background "$nginx" -p "$PWD" -c nginx.conf 2>nginx.err
		eventually listens "$pid"
		if test -z "$option"; then
			in_use listen -r 127.0.0.1
			assert_equal "$why" "nginx (pid $pid, user $me) listens on \
127.0.0.1:$port, $without"
		else
			in_use listen 127.0.0.1
			assert_equal "$why" "nginx (pid $pid, user $me) listens on \
127.0.0.1:$port, with SO_REUSEPORT: -r joins it"
			run -0 rpnc listen -r --check 127.0.0.1 "$port"
			assert_output "would join nginx (pid $pid) on \
127.0.0.1:$port (tcp, reuseport)"
		fi
		stop
	done
}

# member N ARG...: rpnc echo -r ARG...; its pid is who[N], its stdout told[N].
who=()
told=()
member() {
	start echo -r --json "${@:2}"
	who[$1]=$pid
	told[$1]=out.$((${#pids[@]} - 1))
}

# notices N: what it said of others, from its events.
notices() {
	jq -r 'select(.event == "error").text' "${told[$1]}"
}

# dials HOST: 20 clients, TCP or ($udp) UDP; those that rpnc has are answered.
dials() {
	py "$1" "$port" "${udp:-}" "${silent:-}" <<-'END'
		host, port, is_udp, silent = args
		for i in range(20):
		    family = socket.AF_INET6 if ":" in host else socket.AF_INET
		    s = socket.socket(family, SOCK_DGRAM if is_udp else
		                      socket.SOCK_STREAM)
		    s.connect((host, int(port)))
		    s.send(b"x")
		    if not silent:
		        assert s.recv(9) == b"x"
		    s.close()
	END
}

# got N COUNT: it ends, and has had so many.
got() {
	kill "${who[$1]}"
	finish "${who[$1]}" || assert_equal "$?" 143
	assert_equal "$(jq 'select(.event == "report").accepted' "${told[$1]}")" "$2"
}

# free_port [--udp]: leaves one in $port.
free_port() {
	hold "$@" 127.0.0.1 0
	stop
}

@test "shadow: a specific address beats the wildcard, whoever came first" {
	local udp
	for udp in "" -u; do
		free_port ${udp:+--udp}
		member 0 $udp "$port"
		assert_equal "$(notices 0)" ""
		member 1 $udp 127.0.0.1 "$port"
		assert_equal "$(notices 1)" "all that is for 127.0.0.1 comes to \
127.0.0.1:$port now, no longer to A (pid ${who[0]}) on 0.0.0.0:$port"
		dials 127.0.0.1
		dials 127.0.0.2
		member 2 $udp -4 "$port"
		assert_equal "$(notices 2)" "all that is for 127.0.0.1 goes to B \
(pid ${who[1]}) on 127.0.0.1:$port, none of it to 0.0.0.0:$port"
		member 3 $udp 127.0.0.1 "$port" # no news: that group was there
		assert_equal "$(notices 3)" ""
		got 0 20
		got 1 20
		dials 127.0.0.1
		got 2 0
		got 3 20
		stop
	done
}

@test "shadow: an IPv6 address beats its wildcard" {
	needs_ipv6
	free_port
	member 0 -6 ::1 "$port"
	member 1 "$port"
	assert_equal "$(notices 1)" "all that is for ::1 goes to A \
(pid ${who[0]}) on [::1]:$port, none of it to [::]:$port"
	dials ::1
	dials 127.0.0.1
	got 1 20
	got 0 20
}

@test "shadow: IPv4 beats dual-stack, and of dual-stack and V6ONLY the older one" {
	needs_ipv6
	local udp silent=1 older
	for udp in "" -u; do
		hold ${udp:+--udp} --reuseport :: 0
		older=$pid
		member 0 $udp "$port"
		assert_equal "$(notices 0)" "all IPv6 goes to python3 (pid $older, \
user $me) on [::]:$port (IPv4 too), none of it to [::]:$port: of two such \
groups the older one wins
all IPv4 comes to 0.0.0.0:$port now, no longer to python3 (pid $older, user \
$me) on [::]:$port (IPv4 too)"
		dials ::1
		silent='' dials 127.0.0.1
		got 0 20
		stop
		free_port ${udp:+--udp}
		member 0 $udp -6 "$port"
		hold ${udp:+--udp} --reuseport :: "$port"
		silent='' dials ::1
		dials 127.0.0.1
		member 1 $udp -6 "$port" # which is no news to the holder
		assert_equal "$(notices 1)" ""
		got 0 20
		stop
	done
}

@test "shadow: of a group on a device and one on any, the last joined wins IPv4" {
	local udp device
	for udp in "" -u; do
		free_port ${udp:+--udp}
		member 0 $udp -4 "$port"
		member 1 $udp -4 --interface lo "$port"
		assert_equal "$(notices 1)" "all that comes by lo comes to \
0.0.0.0:$port (by lo only) now, no longer to A (pid ${who[0]}) on \
0.0.0.0:$port: of two such groups the one joined last wins"
		dials 127.0.0.1
		member 2 $udp -4 "$port"
		assert_equal "$(notices 2)" "all that comes by lo comes to \
0.0.0.0:$port now, no longer to B (pid ${who[1]}) on 0.0.0.0:$port (by lo \
only): of two such groups the one joined last wins"
		dials 127.0.0.1
		got 1 20
		stop
	done
}

@test "shadow: of a group on a device and one on any, the older wins IPv6" {
	needs_ipv6
	local udp device other
	for udp in "" -u; do
		for device in 0 1; do
			other=(--interface lo)
			test "$device" -eq 0 || other=()
			free_port ${udp:+--udp}
			if test "$device" -eq 0; then
				member 0 $udp -6 "$port"
			else
				member 0 $udp -6 --interface lo "$port"
			fi
			member 1 $udp -6 "${other[@]}" "$port"
			assert_regex "$(notices 1)" "^all that comes by lo goes to A \
\(pid ${who[0]}\) on .*: of two such groups the older one wins$"
			dials ::1
			got 1 0
			got 0 20
			stop
		done
	done
}

@test "shadow: a group is told once, with its size; -q says nothing" {
	free_port
	start echo -r -w 3 127.0.0.1 "$port"
	start listen -r -4 "$port"
	run grep '^rpnc: ' err.1
	assert_equal "${#lines[@]}" 1
	assert_regex "$output" "goes to A/[0-2] \(pid [0-9]+\) and 2 more on 127"
	start listen -q -r -4 "$port"
	assert_equal "$(cat err.2)" ""
}

@test "shadow: echo's own workers are no old members" {
	free_port
	member 0 "$port"
	member 1 -w 3 127.0.0.1 "$port"
	assert_regex "$(notices 1)" "^all that is for 127.0.0.1 comes to .* now"
}

@test "shadow: no more than four are told" {
	local i
	free_port
	for i in 1 2 3 4 5; do
		start echo -r "127.0.0.$i" "$port"
	done
	start listen -r -4 "$port"
	assert_equal "$(grep -c '^rpnc: ' err.5)" 4
}

@test "check: says for each address that it would work, and leaves nothing" {
	needs_ipv6
	free_port
	run --separate-stderr -0 rpnc listen --check "$port"
	assert_equal "$stderr" ""
	assert_equal "$output" "would listen on 0.0.0.0:$port (tcp)
would listen on [::]:$port (tcp)"
	run -0 rpnc echo --check -r -u 127.0.0.1 "$port"
	assert_output "would listen on 127.0.0.1:$port (udp, reuseport)"
	run -0 rpnc echo --check -w 4 127.0.0.1 0
	assert_output "would listen on 127.0.0.1:0 (tcp, reuseport)"
	run -0 rpnc listen --check -u 127.0.0.1 0
	assert_output "would listen on 127.0.0.1:0 (udp)"
	assert_equal "$(find run ! -type d)" ""
	run ss -Htuln "sport = :$port"
	assert_output ""
}

@test "check: whom one would join: members by name, others by command" {
	hold --reuseport 127.0.0.1 0
	start listen -r 127.0.0.1 "$port"
	start echo -w 2 --name B 127.0.0.1 "$port"
	run --separate-stderr -0 rpnc listen -r --check 127.0.0.1 "$port"
	assert_equal "$stderr" ""
	run grep -oE '(A|B/0|B/1|python3) \(pid [0-9]+\)' <<<"$output"
	assert_equal "${#lines[@]}" 4
	assert_line "A (pid ${pids[1]})"
	assert_line "python3 (pid ${pids[0]})"
	rpnc echo -r --check --json 127.0.0.1 "$port" >told
	jq -e --argjson port "$port" --argjson a "${pids[1]}" '.event == "report"
		and .command == "check" and .protocol == "tcp" and .port == $port
		and .address == "127.0.0.1" and .reuseport and
		(.members | length == 4 and all(.sockets == 1)) and
		any(.members[]; .name == "A" and .pid == $a and
			.command == "rpnc") and
		any(.members[]; .name == null and .command == "python3")' told
}

@test "check: fails like the real thing, with the cause and status 5" {
	hold 127.0.0.1 0
	in_use listen --check 127.0.0.1
	assert_equal "$why" \
		"python3 (pid $pid, user $me) listens on 127.0.0.1:$port, $without"
	in_use echo --check -r 127.0.0.1
	assert_equal "$why" \
		"python3 (pid $pid, user $me) listens on 127.0.0.1:$port, $without"
	hold --udp 127.0.0.1 0
	in_use echo --check -r -u 127.0.0.1
	run -5 --separate-stderr rpnc listen --check --json 127.0.0.1 "$port" -u
	assert_equal "$output" ""
	run -5 rpnc listen --check 192.0.2.250 0
	run -2 rpnc listen --check -r -u 0
	run -3 rpnc listen --check nowhere.invalid 9
}

@test "check: a name that a live member has: status 2" {
	start listen -r --name web 127.0.0.1 0
	run -2 rpnc listen -r --check --name web 127.0.0.1 "$port"
	assert_output "rpnc listen: name web: a live member has this name"
	run -0 rpnc listen -r --check --name www 127.0.0.1 "$port"
}

@test "check: tells which groups would take traffic from which" {
	free_port
	start listen -r 127.0.0.1 "$port"
	run --separate-stderr -0 rpnc listen -r -4 --check "$port"
	assert_output "would listen on 0.0.0.0:$port (tcp, reuseport)"
	assert_equal "$stderr" "rpnc: all that is for 127.0.0.1 would go to A \
(pid $pid) on 127.0.0.1:$port, none of it to 0.0.0.0:$port"
	run --separate-stderr -0 rpnc listen -r --interface lo --check \
		127.0.0.1 "$port"
	assert_equal "$stderr" "rpnc: all that comes by lo would come to \
127.0.0.1:$port (by lo only) now, no longer to A (pid $pid) on \
127.0.0.1:$port: of two such groups the one joined last wins"
	run ! rpnc listen -q --check -4 "$port"
	run -0 --separate-stderr rpnc listen -r -q --check -4 "$port"
	assert_equal "$stderr" ""
}

@test "check: a member loses no client and hears of nobody" {
	start_fed echo -r 127.0.0.1 0
	behind "$port" <<-'END'
		for i in range(2000):
		    s = dial(args[0])
		    s.sendall(b"x")
		    s.shutdown(SHUT_WR)
		    assert whole(s) == b"x"
	END
	while kill -0 "$client" 2>/dev/null; do
		rpnc listen -r --check 127.0.0.1 "$port" >/dev/null
	done
	finish "$client"
	start listen -r --name next 127.0.0.1 "$port"
	heard joined
	assert_regex "$line" "^\+ next joined"
}

@test "check: of a Unix socket, whose dead name stays" {
	run -0 rpnc listen --check -U sock
	assert_output "would listen on unix:sock (unix)"
	assert [ ! -e sock ]
	run -0 rpnc listen --check -u -U @name
	assert_output "would listen on unix:@name (unix datagram)"
	start listen -k -U sock
	run -5 rpnc echo --check -U sock
	kill -KILL "$pid"
	finish "$pid" || true
	run -0 rpnc echo --check -U sock
	assert [ -S sock ]
	echo text >file
	run -5 rpnc echo --check -U file
	assert_equal "$(cat file)" text
	run -5 rpnc echo --check -U nowhere/sock
}
