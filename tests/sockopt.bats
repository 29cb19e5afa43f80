#!/usr/bin/env bats
# shellcheck disable=SC2016,SC2154 # the other shell expands it; from helpers
# --sockopt: when each option is set, what the kernel made of it, and what it does.

load helpers
load connect

# What --sockopt gets, and the same as strace(1) shows it, for TCP over IPv4.
tcp=tos=ef,ttl=7,min-ttl=3,mark=0x10,priority=5,nodelay=0,keepalive=30:5:3
tcp+=,user-timeout=30,rcvbuf=64K,sndbuf=65536,notsent-lowat=16K,mss=1000
tcp+=,freebind,transparent,busy-poll=50us
tcp_calls='SOL_IP, IP_TOS, [184]
SOL_IP, IP_TTL, [7]
SOL_IP, IP_MINTTL, [3]
SOL_SOCKET, SO_MARK, [16]
SOL_SOCKET, SO_PRIORITY, [5]
SOL_TCP, TCP_NODELAY, [0]
SOL_SOCKET, SO_KEEPALIVE, [1]
SOL_TCP, TCP_KEEPIDLE, [30]
SOL_TCP, TCP_KEEPINTVL, [5]
SOL_TCP, TCP_KEEPCNT, [3]
SOL_TCP, TCP_USER_TIMEOUT, [30000]
SOL_SOCKET, SO_RCVBUF, [65536]
SOL_SOCKET, SO_SNDBUF, [65536]
SOL_TCP, TCP_NOTSENT_LOWAT, [16384]
SOL_TCP, TCP_MAXSEG, [1000]
SOL_IP, IP_FREEBIND, [1]
SOL_IP, IP_TRANSPARENT, [1]
SOL_SOCKET, SO_BUSY_POLL, [50]'

# traced ARG... [-- ARG...]...: runs rpnc with each list of ARG in a network of
# its own; its calls are in the files trace.1, trace.2, ...
traced() {
	in_netns '
		export ASAN_OPTIONS=${ASAN_OPTIONS:-}:detect_leaks=0
		n=0
		for list; do
			n=$((n + 1))
			strace -f -qq -o "trace.$n" -e trace=socket,setsockopt,bind,connect \
				rpnc $list </dev/null >/dev/null 2>said || test "$?" -eq 1
		done
	' "$@"
}

# calls_before N CALL: the setsockopt(2) calls that succeeded on a socket of
# trace.N, up to the first call that matches CALL.
calls_before() {
	awk -v call="$2" '
		$2 ~ /^socket/ { calls[$NF] = "" }
		{ fd = $2; gsub(/^[a-z]*\(|,.*/, "", fd) }
		$2 ~ /^setsockopt/ { calls[fd] = calls[fd] $0 "\n" }
		$0 ~ call { printf "%s", calls[fd]; exit }
	' "trace.$1" | sed -nE 's/FORCE//; s/^.*setsockopt\([0-9]+, (.*), [0-9]+\) += 0$/\1/p'
}

# has WANTED GOT: each line of WANTED is a line of GOT.
has() {
	local line
	while read -r line; do
		grep -qxF -- "$line" <<<"$2" || {
			echo "not set: $line, but: $2"
			return 1
		}
	done <<<"$1"
}

# Reads options of other processes' sockets: pidfd_getfd(2), then getsockopt(2).
socket_options() {
	"$PYTHON" - "$@" <<-'END'
		import ctypes, os, socket, sys
		pid, state, *names = sys.argv[1:]
		libc = ctypes.CDLL(None, use_errno=True)
		handle = os.pidfd_open(int(pid))
		for fd in sorted(map(int, os.listdir(f"/proc/{pid}/fd"))):
		    if not os.readlink(f"/proc/{pid}/fd/{fd}").startswith("socket:"):
		        continue
		    s = socket.socket(fileno=libc.syscall(438, handle, fd, 0))
		    if s.family not in (socket.AF_INET, socket.AF_INET6):
		        continue
		    listens = s.getsockopt(socket.SOL_SOCKET, socket.SO_ACCEPTCONN)
		    if (state == "listener") != bool(listens):
		        continue
		    print(*(s.getsockopt(*map(int, n.split(":"))) for n in names))
		    break
	END
}

@test "sockopt: a server sets each option before bind(2), a client before connect(2)" {
	local n connects='connect.*(EINPROGRESS|ECONNREFUSED)'
	traced "listen --check --sockopt $tcp,fastopen=16,incoming-cpu=0,limit-rate=4M 127.0.0.1 0" \
		"connect --sockopt $tcp 127.0.0.1 1" \
		"probe -q -n 1 --sockopt $tcp 127.0.0.1 1"
	has "$tcp_calls" "$(calls_before 1 ' bind.*_port')"
	has 'SOL_TCP, TCP_FASTOPEN, [16]
SOL_SOCKET, SO_INCOMING_CPU, [0]' "$(calls_before 1 ' bind.*_port')"
	calls_before 1 ' bind.*_port' | grep SO_MAX_PACING_RATE
	for n in 2 3; do
		has "$tcp_calls" "$(calls_before "$n" "$connects")"
	done
}

@test "sockopt: IPv6, datagrams and Unix sockets have options of their own" {
	needs_ipv6
	local udp=tos=0xb9,ttl=7,multicast-ttl=3,multicast-loop=0,broadcast,freebind,transparent
	traced "listen -u --check --sockopt $udp ::1 0" \
		"listen --check --sockopt min-ttl=3 ::1 0" \
		"listen -U --check --sockopt sndbuf=64K here"
	has 'SOL_IPV6, IPV6_TCLASS, [185]
SOL_IPV6, IPV6_UNICAST_HOPS, [7]
SOL_IPV6, IPV6_MULTICAST_HOPS, [3]
SOL_IPV6, IPV6_MULTICAST_LOOP, [0]
SOL_IPV6, IPV6_FREEBIND, [1]
SOL_IPV6, IPV6_TRANSPARENT, [1]
SOL_SOCKET, SO_BROADCAST, [1]' "$(calls_before 1 ' bind.*_port' | sed 's,0x4e /. IPV6_??? ./,IPV6_FREEBIND,')"
	has 'SOL_IPV6, IPV6_MINHOPCOUNT, [3]' "$(calls_before 2 ' bind.*_port' | sed 's,0x49 /. IPV6_??? ./,IPV6_MINHOPCOUNT,')"
	has 'SOL_SOCKET, SO_SNDBUF, [65536]' "$(calls_before 3 ' bind.*AF_UNIX')"
}

@test "sockopt: connections of every accept model have what Linux does not pass on" {
	local model
	# SO_PRIORITY, IP_TOS, TCP_NODELAY, TCP_KEEPIDLE
	for model in shared reuseport blocking handoff fork; do
		start echo -q -w 1 --accept "$model" --sockopt \
			priority=5,tos=cs1,nodelay=0,keepalive=77 127.0.0.1 0
		exec 7<>"/dev/tcp/127.0.0.1/$port"
		echo hello >&7
		read -r -t 20 <&7
		list_workers
		run -0 socket_options "${workers[0]:-$pid}" connection 1:12 0:1 6:1 6:4
		assert_output "5 32 0 77"
		exec 7>&-
		stop
	done
}

@test "sockopt: a connection of a Unix socket has the buffers, too" {
	start echo -q -U sock --sockopt sndbuf=70000,rcvbuf=50000
	# what the listener has, and the connection
	run -0 timeout 20 "$PYTHON" - "$pid" <<-'END'
		import ctypes, os, socket, sys
		client = socket.socket(socket.AF_UNIX)
		client.connect("sock")
		client.sendall(b"hello")
		assert client.recv(9) == b"hello"
		libc, handle = ctypes.CDLL(None), os.pidfd_open(int(sys.argv[1]))
		for fd in map(int, os.listdir(f"/proc/{sys.argv[1]}/fd")):
		    if os.readlink(f"/proc/{sys.argv[1]}/fd/{fd}").startswith("socket:"):
		        s = socket.socket(fileno=libc.syscall(438, handle, fd, 0))
		        if s.family == socket.AF_UNIX:
		            print(*(s.getsockopt(socket.SOL_SOCKET, n) // 2
		                for n in (socket.SO_SNDBUF, socket.SO_RCVBUF)))
	END
	assert_output $'70000 50000\n70000 50000'
}

@test "sockopt: what was asked for survives the peer's end" {
	server 'c = accept(); tell("closes"); c.shutdown(socket.SHUT_WR); told("over")'
	mkfifo closes over
	talk --until input --sockopt keepalive=77:7:7 "127.0.0.1:$port"
	read -r <closes
	eventually eval 'ss -Htn state close-wait "dport = :$port" | grep -q .'
	run -0 socket_options "$pid" connection 1:9 6:4 6:5 6:6
	assert_output "1 77 7 7"
	echo >over
}

@test "sockopt: what the kernel made of a value is said, with what is responsible" {
	local max
	max=$(</proc/sys/net/core/rmem_max)
	# in a user namespace only: no CAP_NET_ADMIN for the network
	run -1 unshare -Ur rpnc probe -n 1 --sockopt tos=3,sndbuf=64K,rcvbuf=$((max * 2)) 127.0.0.1 1
	assert_line "sockopt rcvbuf $max of $((max * 2)): net.core.rmem_max"
	assert_line "sockopt tos 0 of 3: TCP sets the two low bits itself (ECN)"
	refute_line --partial sndbuf
	run -1 rpnc probe -v -n 1 --sockopt sndbuf=64K 127.0.0.1 1
	assert_line "sockopt sndbuf 65536 (64K)"
	in_netns '
		sysctl -qw net.ipv4.tcp_fastopen=1 net.core.somaxconn=9
		mkfifo at
		rpnc listen --json --sockopt fastopen=16,ttl=7 0 --ready-fd 4 4>at >out &
		read -r <at
		kill $!
		wait $! || true
		grep -F "\"name\":\"fastopen\",\"asked\":\"16\",\"value\":\"9\",\"reason\":\"no effect: net.ipv4.tcp_fastopen lacks 2\"" out
		grep -F "\"name\":\"ttl\",\"asked\":\"7\",\"value\":\"7\",\"reason\":null" out
	'
}

@test "sockopt: what can't be set is status 2 before any packet, with the capability" {
	local o
	for o in mark=1 transparent priority=7; do
		run -2 unshare -Ur rpnc listen --sockopt "$o" 127.0.0.1 0
		assert_output --regexp "^rpnc listen: --sockopt ${o}[=1]*: Operation not permitted: it needs CAP_NET_RAW or CAP_NET_ADMIN"
	done
	while IFS='|' read -r o wanted; do
		run -2 rpnc listen --sockopt "$o" 127.0.0.1 0
		assert_output --partial "rpnc listen: --sockopt $wanted"
		assert_equal "${#lines[@]}" 1
	done <<-'END'
		mrak=1|mrak: no such socket option; did you mean mark?
		tll=1|tll: no such socket option; did you mean ttl?
		foo=1|'foo': no such socket option; want one of: tos
		,|,: empty item
		ttl=5,|ttl=5,: empty item
		ttl=5,,tos=1|ttl=5,,tos=1: empty item
		rcvbuf=1G|rcvbuf=1G: want 1 to 1073741823
		notsent-lowat=0|notsent-lowat=0: want 1 to 2147483647
		user-timeout=0|user-timeout=0: want 1ms to 2147483647ms
		busy-poll=3000|busy-poll=3000: want 0us to 2147483647us
		keepalive=40000|keepalive=40000: want seconds and a count, as IDLE:INTERVAL:COUNT, at most 32767:32767:127
		ttl=0|ttl=0: want 1 to 255
		ttl|ttl: want 1 to 255
		nodelay=2|nodelay=2: want 0 or 1
		tos=af44|tos=af44: want 0 to 255, 0xb8, or a DSCP such as ef, af41 or cs5
		tos=0x|tos=0x: want
		tos=1,ttl=2,tos=3|tos: given twice
		rcvbuf=4X|rcvbuf=4X: want bytes, such as 65536 or 4M
		sndbuf=9999999999G|sndbuf=9999999999G: want bytes
		keepalive=1:2:3:4|keepalive=1:2:3:4: want seconds and a count
		user-timeout=1us|user-timeout=1us: want a time such as 30 or 250ms
		incoming-cpu=99999|incoming-cpu=99999: want processor 0 to
		broadcast|broadcast: for UDP only
	END
	run -2 rpnc listen -r --sockopt min-ttl=2 0
	assert_output --partial "min-ttl: not in a group, whose members use it to leave"
	run -2 rpnc echo -w 2 --sockopt min-ttl=2 0
	run -2 rpnc connect --sockopt fastopen=1 1
	assert_output --partial "fastopen: for listen and echo only"
	run -2 rpnc connect -u --sockopt mss=100 1
	assert_output --partial "mss: for TCP only"
	run -2 rpnc connect --sockopt tos=1 unix:x
	assert_output --partial "tos: for TCP and UDP only"
	run -2 rpnc echo --adopt 1 --sockopt ttl=1 0
	assert_output --partial "--sockopt is for new ones"
}

@test "sockopt: min-ttl=255 lets only neighbours in, which send with ttl=255" {
	in_netns '
		mkfifo at
		rpnc echo -q --sockopt min-ttl=255 127.0.0.1 0 --ready-fd 4 4>at &
		read -r address <at
		trap "kill %1; wait %1 || true" EXIT
		echo hello | rpnc connect --sockopt ttl=255 "$address"
		rpnc connect -n --connect-timeout 0.3 "$address" 2>err || test "$?" -eq 4
		test -s err
	'
}

@test "limit-rate: a client and a server send no faster, and lose nothing" {
	local began took
	random_file 1500000 sent
	start listen -q 127.0.0.1 0
	began=${EPOCHREALTIME/./}
	connect --limit-rate 1M --until input "127.0.0.1:$port" <sent
	took=$((${EPOCHREALTIME/./} - began))
	finish "$pid"
	cmp sent out.0
	echo "took $took us"
	test "$took" -gt 1000000
	start_with sent listen -q --limit-rate 1M 127.0.0.1 0
	exec 7<>"/dev/tcp/127.0.0.1/$port"
	eventually eval 'test "$(socket_options "$pid" connection 1:47)" = 1048576'
	cat <&7 >got
	exec 7>&-
	cmp sent got
}

@test "limit-rate: a bad rate, and sockets that can't be paced, are status 2" {
	run -2 rpnc connect --limit-rate 4X 9000
	assert_output "rpnc connect: --limit-rate 4X: want bytes a second, such as 65536 or 4M"
	run -2 rpnc echo -u --limit-rate 4M 0
	assert_output "rpnc echo: --limit-rate is for TCP only"
}
