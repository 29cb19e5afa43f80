# Sourced by tests of rpnc probe --group: sockets and clients of other programs.
# shellcheck shell=bash disable=SC2034,SC2154

# Of which family groups are looked for, lest another program's be found that
# has the port in the other one; members and holder set it by their address.
family=-4

# holder ARG... PORT: tests/holder.py in the background; its port in port.
holder() {
	local ready=holder.${#pids[@]}
	[[ "$*" != *:* ]] || family=-6
	rm -f "$ready"
	mkfifo "$ready"
	python3 "$BATS_TEST_DIRNAME/holder.py" "$@" >"$ready" 3>&- &
	pid=$!
	pids+=("$pid")
	read -r port <"$ready"
	test -n "$port"
}

# clients N HOST: so many connections to the port, which stay; their pid in
# clients. The kernel has done its part when this returns.
clients() {
	local ready=clients.${#pids[@]}
	rm -f "$ready"
	mkfifo "$ready"
	python3 - "$1" "$2" "$port" >"$ready" 3>&- <<-'END' &
		import signal
		import socket
		import sys
		_, n, host, port = sys.argv
		open_ = [socket.create_connection((host, int(port)), 30)
		         for _ in range(int(n))]
		print("done", flush=True)
		signal.pause()
	END
	clients=$!
	pids+=("$clients")
	read -r _ <"$ready"
}

# datagrams N HOST: so many to the port.
datagrams() {
	python3 - "$1" "$2" "$port" <<-'END'
		import socket
		import sys
		_, n, host, port = sys.argv
		s = socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET,
		                  socket.SOCK_DGRAM)
		for _ in range(int(n)):
		    s.sendto(b"x" * 1000, (host, int(port)))
	END
}

# inspect ARG...: probe --group --json; its lines in report, the status in status.
inspect() {
	status=0
	# shellcheck disable=SC2086 # it may be empty
	timeout 60 rpnc probe --group --json $family "$@" >report 2>err || status=$?
	cat report err # shown if the test fails
}
