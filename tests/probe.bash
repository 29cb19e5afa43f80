# Sourced by tests of rpnc probe: its report, and servers that are not rpnc.
# shellcheck shell=bash disable=SC2034,SC2154,SC2317

# probe ARG...: the report is in the file report, the status in $status.
probe() {
	status=0
	rpnc probe "$@" >report 2>err || status=$?
	printf '%s\n' "$(<report)" "$(<err)" # shown if the test fails
}

# get FILTER: prints what jq finds in the JSON report.
get() {
	jq -r "$1" report
}

# holds FILTER: the condition is true of the JSON report.
holds() {
	jq -e "$1" report >/dev/null
}

# sums: the counts add up: every attempt is counted once.
sums() {
	holds '.attempts == .ok + .queued + (.failed | add) and
		.ok <= (.members | map(.count) | add // 0) + .unattributed'
}

# probed_counts: prints "PID COUNT" lines, to compare with own_counts.
probed_counts() {
	get '.members[] | "\(.pid) \(.count)"' | sort
}

# free_port: sets $port to one that nobody listens on. (It adds to $pids.)
free_port() {
	start echo 127.0.0.1:0
	kill "$pid"
	finish "$pid" || true
}

# members ARG...: starts tests/members.py in the background. Sets $port, $pid,
# and $workers, the pids of its processes.
members() {
	local ready=members.${#pids[@]} line
	rm -f "$ready"
	mkfifo "$ready"
	python3 "$BATS_TEST_DIRNAME/members.py" "$@" >"$ready" 2>members.err 3>&- &
	pid=$!
	pids+=("$pid")
	read -r port line <"$ready"
	read -ra workers <<<"$line"
	test -n "$port"
}

# own_counts: ends members.py; prints "PID COUNT" lines, as its processes
# counted.
own_counts() {
	local p
	kill "$pid"
	finish "$pid"
	for p in "${workers[@]}"; do
		echo "$p $(<"count.$p")"
	done | sort
}

# full_port: sets $full to a port whose accept queue is full.
full_port() {
	mkfifo ready
	python3 - >ready 2>/dev/null 3>&- <<-'END' &
		import signal, socket
		s = socket.socket()
		s.bind(("127.0.0.1", 0))
		s.listen(0)
		full = [socket.socket() for _ in range(3)]
		for c in full:
		    c.setblocking(False)
		    c.connect_ex(s.getsockname())
		print(s.getsockname()[1], flush=True)
		signal.pause()
	END
	pids+=("$!")
	read -r full <ready
}

# nginx_on OPTIONS: starts nginx with three workers; OPTIONS follow the address
# in its listen line. Sets $port and $workers. For each request nginx appends
# the pid of the worker to the file served.
nginx_on() {
	nginx=${PEERS:-/nonexistent}/nginx/usr/sbin/nginx
	test -x "$nginx" || skip "no nginx: make check fetches it"
	reserve
	mkdir logs
	cat >nginx.conf <<-END
		daemon off;
		worker_processes 3;
		pid $PWD/nginx.pid;
		error_log stderr;
		events { worker_connections 512; }
		http {
			log_format pid "\$pid";
			access_log $PWD/served pid;
			client_body_temp_path $PWD/1; proxy_temp_path $PWD/2;
			fastcgi_temp_path $PWD/3; uwsgi_temp_path $PWD/4;
			scgi_temp_path $PWD/5;
			server {
				listen 127.0.0.1:$port $1;
				location / { return 200 "worker=\$pid.\n"; }
			}
		}
	END
	background "$nginx" -p "$PWD" -c nginx.conf 2>nginx.err
	eventually test -s nginx.pid
	three() {
		mapfile -t workers < <(pgrep -P "$pid")
		test "${#workers[@]}" -eq 3
	}
	eventually three
	eventually timeout 5 rpnc connect "$port" </dev/null
}
