# probe --ask: questions with known answers, to real servers of each protocol.
# shellcheck shell=bash disable=SC2154,SC2030,SC2031 # a test is a subshell

bats_require_minimum_version 1.5.0
load helpers
load tls # find_peer, certificates, nginx_server
load group # holder

setup_file() {
	certificates
}

# has_udp: the process $pid has the UDP port $port.
has_udp() {
	ss -Hlunp "sport = :$port" | grep -q "pid=$pid,"
}

# daemon COMMAND...: a UDP server on $port, in the background.
daemon() {
	background "$@" >"daemon.${#pids[@]}" 2>&1
	eventually has_udp || {
		cat daemon.*
		return 1
	}
}

# ask ARG... [host:]port is appended: the report as JSON is in the file report.
ask() {
	rpnc probe --json -n 20 "$@" 127.0.0.1 "$port" >report
}

# holds FILTER: it is so of the report.
holds() {
	jq -se "map(select(.event == \"report\"))[0] | $1" report >/dev/null || {
		echo "not so: $1"
		cat report
		return 1
	}
}

# all_right: all 20 were answered right.
all_right() {
	holds '.ok == 20 and ([.failed[]] | add) == 0 and .mismatched == 0'
}

# wrong TEXT ARG...: each answer is a failure that says so.
wrong() {
	run -1 rpnc probe -n 5 "${@:2}" 127.0.0.1 "$port"
	assert_line "all 5 failed (answer 5: $1)"
	run -1 rpnc probe --json -n 5 "${@:2}" 127.0.0.1 "$port"
	jq -e 'select(.event == "report") | .failed.answer == 5 and .ok == 0' <<<"$output"
}

# knot [LINE...]: Knot DNS, with these lines in its server section.
knot() {
	find_peer knot usr/sbin/knotd
	mkdir -p "knot.$port.${#pids[@]}"
	printf '%s\n' 'server:' "  listen: 127.0.0.1@$port" \
		"  rundir: $PWD/knot.$port.${#pids[@]}" '  udp-workers: 1' "$@" \
		'database:' "  storage: $PWD/knot.$port.${#pids[@]}" >"knot.${#pids[@]}.conf"
	daemon "$peer" -c "knot.${#pids[@]}.conf"
}

# quic: a server of ngtcp2. PRELOAD gives its socket SO_REUSEPORT.
quic() {
	find_peer ngtcp2-server usr/sbin/gtlsserver
	daemon env ${PRELOAD:+LD_PRELOAD="$PRELOAD"} "$peer" -q 127.0.0.1 \
		"$port" "$certs/localhost.key" "$certs/localhost.crt"
}

@test "ask: quic: ngtcp2 answers with its versions" {
	reserve
	quic
	ask -u --ask quic
	all_right
}

@test "ask: quic: of several workers, the one that nobody reads is named" {
	# ngtcp2 has only SO_REUSEADDR
	cat >shared.c <<-'END'
		#define _GNU_SOURCE
		#include <dlfcn.h>
		#include <sys/socket.h>
		int
		setsockopt(int fd, int level, int name, const void *value, socklen_t size)
		{
			int (*next)(int, int, int, const void *, socklen_t) =
			    (int (*)(int, int, int, const void *, socklen_t))
			    dlsym(RTLD_NEXT, "setsockopt");

			if (level == SOL_SOCKET && name == SO_REUSEADDR)
				name = SO_REUSEPORT;
			return next(fd, level, name, value, size);
		}
	END
	"${CC:-cc}" -shared -fPIC -o shared.so shared.c -ldl
	PRELOAD=$PWD/shared.so
	reserve
	for _ in 1 2 3; do quic; done
	holder --udp --reuseport 127.0.0.1 "$port"
	run -6 rpnc probe -u --ask quic --json -n 200 -c 200 127.0.0.1 "$port"
	printf '%s\n' "${lines[@]}" | grep '"report"' >report
	holds '.flags == ["SILENT"] and .finding.pid == '"$pid"' and .failed.answer == 0
		and .failed.timeout > 0 and .ok + .failed.timeout == 200'
	holds '.finding.text == "python3 (pid '"$pid"') answered none of \(.failed.timeout)"'
}

@test "ask: dns: knot tells its name, by which it has a row" {
	reserve
	knot '  identity: ns1.example'
	ask -u --ask dns
	all_right
	holds '.by == "reply" and (.members | map([.name, .count])) == [["ns1.example", 20]]'
	# by the kernel's word, if that is asked for
	ask -u --ask dns --by diag
	holds '.members[0].pid == '"$pid"
}

@test "ask: dns: a server that hides its name has answered" {
	reserve
	knot '  identity: ""'
	ask -u --ask dns
	all_right
	rpnc probe -u --ask dns 127.0.0.1 "$port" >text
	grep -qx 'no verdict: no answer names its instance. Try --by diag' text
}

@test "ask: ntp: chrony, whose clock must be synchronized" {
	find_peer chrony usr/sbin/chronyd
	reserve
	printf '%s\n' "port $port" 'bindaddress 127.0.0.1' 'allow 127.0.0.1' \
		'cmdport 0' "pidfile $PWD/chrony.pid" "user $(id -un)" >chrony.conf
	local as=()
	test "$EUID" -eq 0 || as=(-U)
	cp chrony.conf alone.conf
	echo 'local stratum 10' >>chrony.conf
	daemon "$peer" "${as[@]}" -x -d -f "$PWD/chrony.conf"
	ask -u --ask ntp
	all_right
	kill "$pid"
	finish "$pid" || true
	daemon "$peer" "${as[@]}" -x -d -f "$PWD/alone.conf"
	wrong 'NTP, but its clock is not synchronized' -u --ask ntp
}

@test "ask: stun: coturn tells our address" {
	find_peer coturn usr/bin/turnserver
	reserve
	daemon "$peer" -n -L 127.0.0.1 -p "$port" --no-tls --no-dtls --no-tcp \
		--no-cli --pidfile "$PWD/turn.pid" --log-file stdout --db "$PWD/turn.db"
	ask -u --ask stun
	all_right
}

@test "ask: http and tls: nginx, also http in TLS" {
	: >index.html
	nginx_server localhost
	ask --ask tls
	all_right
	ask --ask http --tls --tls-ca "$certs/ca.crt" --tls-name localhost
	all_right
	# it tells who speaks HTTP without TLS that this is wrong, by 400
	ask --ask http
	all_right
}

@test "ask: http: a server's fault is no right answer" {
	cat >down.py <<-'END'
		import http.server, sys
		class Down(http.server.BaseHTTPRequestHandler):
		    def do_HEAD(self):
		        self.send_error(503)
		http.server.ThreadingHTTPServer(("127.0.0.1", int(sys.argv[1])), Down).serve_forever()
	END
	reserve
	background python3 down.py "$port" 2>/dev/null
	eventually listens
	wrong 'HTTP status 503' --ask http
}

@test "ask: what answers in another protocol is a failure that says so" {
	reserve
	start echo -u 127.0.0.1 "$port"
	wrong 'not a QUIC Version Negotiation' -u --ask quic
	wrong 'not a DNS response' -u --ask dns
	wrong "not an NTP server's answer" -u --ask ntp
	wrong 'STUN without our address' -u --ask stun
	start echo 127.0.0.1 0 || cat err.*
	wrong 'not HTTP/1' --ask http
	wrong 'TLS without a ServerHello' --ask tls
}

@test "ask: who does not answer is a timeout" {
	reserve
	background python3 -c 'import signal, socket, sys
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
s.bind(("127.0.0.1", int(sys.argv[1])))
signal.pause()' "$port"
	eventually has_udp
	run -4 rpnc probe -u --ask quic -n 5 --timeout 50ms 127.0.0.1 "$port"
	assert_line --partial 'timeout 5'
}

@test "ask: --during: a wrong answer is a loss of its own kind" {
	start echo 127.0.0.1 0
	run rpnc probe --during --ask http --rate 100 -d 0.05 --json 127.0.0.1 "$port" -- true
	printf '%s\n' "${lines[@]}" | grep '"report"' >report
	holds '.during.lost > 0 and .during.losses.answer == .during.lost and
		([.during.intervals[].answer] | add) == .during.lost'
}

@test "ask: old reports, which have no wrong answers, are merged" {
	start echo 127.0.0.1 0
	run -1 rpnc probe --json -n 5 --ask http 127.0.0.1 "$port"
	jq -c 'select(.event == "report")' <<<"$output" >new
	rpnc probe --json -n 5 127.0.0.1 "$port" | jq -c 'select(.event == "report") |
		del(.failed.answer)' >old
	run rpnc probe --merge --json old new
	jq -e '.attempts == 10 and .failed.answer == 5' <<<"${lines[-1]}"
}

@test "ask: what it goes with" {
	run -2 rpnc probe --ask smtp 9000
	assert_output "rpnc probe: --ask 'smtp': want quic, dns, ntp or stun by UDP, http or tls by TCP"
	run -2 rpnc probe --ask quic 9000
	assert_output 'rpnc probe: --ask quic asks by UDP: add -u'
	run -2 rpnc probe -u --ask tls 9000
	assert_output 'rpnc probe: --ask tls asks by TCP: leave out -u'
	run -2 rpnc probe --tls --ask tls 9000
	assert_output --partial 'choose'
	run -2 rpnc probe --ask http --expect 200 9000
	assert_output --partial 'leave out --echo, --send, --expect and --match'
	run -2 rpnc probe -u --ask ntp --by reply 9000
	assert_output --partial '--by reply needs --match'
	run -2 rpnc probe -u 9000
	assert_output --partial '--ask NAME'
}
